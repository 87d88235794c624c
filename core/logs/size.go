package logs

import (
	"fmt"
	"math"
	"strings"
)

// ParseSize reads a number of bytes: "123", "64K", "100M", "1G". The letters
// are the powers of 1024, in either case, and may be followed by "B" or "iB"
// ("100MB", "64KiB"). Zero is a size (it means: never rotate). A sign, a
// fraction, blanks inside, an unknown letter and a number that does not fit
// 63 bits are errors that show the text as given.
func ParseSize(text string) (int64, error) {
	s := strings.TrimSpace(text)
	digits := 0
	for digits < len(s) && s[digits] >= '0' && s[digits] <= '9' {
		digits++
	}
	if digits == 0 {
		return 0, fmt.Errorf("cannot read size %q: want a number of bytes such as 123, 64K, 100M or 1G", text)
	}
	unit := int64(1)
	switch strings.ToLower(s[digits:]) {
	case "", "b":
	case "k", "kb", "kib":
		unit = 1 << 10
	case "m", "mb", "mib":
		unit = 1 << 20
	case "g", "gb", "gib":
		unit = 1 << 30
	case "t", "tb", "tib":
		unit = 1 << 40
	default:
		return 0, fmt.Errorf("cannot read size %q: unknown unit %q (want K, M, G or T)", text, s[digits:])
	}
	n := int64(0)
	for _, c := range s[:digits] {
		d := int64(c - '0')
		if n > (math.MaxInt64-d)/10 {
			return 0, fmt.Errorf("cannot read size %q: the number is too large", text)
		}
		n = n*10 + d
	}
	if n > math.MaxInt64/unit {
		return 0, fmt.Errorf("cannot read size %q: the number is too large", text)
	}
	return n * unit, nil
}
