package logs

import "testing"

func TestSizesAreReadExactly(t *testing.T) {
	for text, want := range map[string]int64{
		"0": 0, "123": 123, "64K": 64 << 10, "100M": 100 << 20, "1G": 1 << 30, "2T": 2 << 40,
		"100MB": 100 << 20, "64KiB": 64 << 10, "5b": 5, "7k": 7 << 10, " 1M ": 1 << 20,
		"9223372036854775807": 1<<63 - 1, "8388607T": 8388607 << 40,
	} {
		if got, err := ParseSize(text); err != nil || got != want {
			t.Errorf("ParseSize(%q) = %d, %v; want %d", text, got, err, want)
		}
	}
}

func TestBadSizesAreErrors(t *testing.T) {
	for _, text := range []string{"", " ", "K", "10X", "-1", "+1", "1.5G", "1 G", "0x10", "1e3", "100MM",
		"9223372036854775808", "99999999999999999999", "8388608T", "9007199254740992K", "١"} {
		if got, err := ParseSize(text); err == nil {
			t.Errorf("ParseSize(%q) = %d, want an error", text, got)
		}
	}
}

func FuzzParseSize(f *testing.F) {
	f.Add("100M")
	f.Fuzz(func(t *testing.T, text string) {
		if n, err := ParseSize(text); err == nil && n < 0 {
			t.Errorf("ParseSize(%q) = %d", text, n)
		}
	})
}
