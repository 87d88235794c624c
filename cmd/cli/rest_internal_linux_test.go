package cli

import (
	"os"
	"testing"
)

// A mapping of which a page was changed, as those are that a loader has relocated, would lose the change.
func TestOnlyWhatIsTheSameInTheFileIsLetGo(t *testing.T) {
	const smaps = `00400000-00910000 r-xp 00000000 fe:00 1                           /bin/sv
Rss:                4472 kB
Anonymous:             0 kB
VmFlags: rd ex
00910000-00e25000 r--p 00510000 fe:00 1                           /bin/sv
Anonymous:             8 kB
00e25000-00e86000 rw-p 00a25000 fe:00 1                           /bin/sv
Anonymous:             0 kB
7f0000000000-7f0000001000 r-xp 00000000 fe:00 2                   /lib/libc.so.6
Anonymous:             0 kB
7f0000002000-7f0000003000 r--p 00000000 00:00 0
Anonymous:             0 kB
`
	got := unchanged(smaps, "/bin/sv")
	if len(got) != 1 || got[0] != (mapping{0x400000, 0x910000}) {
		t.Errorf("got %x, want the first mapping alone", got)
	}
	self, err := os.Readlink("/proc/self/exe")
	if err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile("/proc/self/smaps")
	if err != nil {
		t.Fatal(err)
	}
	if len(unchanged(string(text), self)) == 0 {
		t.Error("of this program nothing is let go")
	}
	giveBack()
	giveBack() // and it runs on
}
