package logs

import (
	"fmt"
	"sort"
	"strconv"
	"strings"
	"time"
)

const (
	stampLayout = "20060102T150405Z"
	packedEnd   = ".gz"
	packingEnd  = ".gz.tmp" // a compressed file under way
)

// oldName is what a full file is called: NAME.<UTC time>-<number>. The number
// grows by one with each rotation and alone decides the order, so a clock that
// was set back neither hides nor deletes the wrong file.
func oldName(base string, at time.Time, seq uint64) string {
	return fmt.Sprintf("%s.%s-%06d", base, at.UTC().Format(stampLayout), seq)
}

// parseOld reads back what oldName made; anything else is not ours.
func parseOld(base, name string) (seq uint64, ok bool) {
	rest, ok := strings.CutPrefix(name, base+".")
	if !ok {
		return 0, false
	}
	stamp, number, ok := strings.Cut(rest, "-")
	if !ok || len(number) < 6 || (len(number) > 6 && number[0] == '0') {
		return 0, false
	}
	if _, err := time.Parse(stampLayout, stamp); err != nil {
		return 0, false
	}
	for _, c := range number {
		if c < '0' || c > '9' {
			return 0, false
		}
	}
	seq, err := strconv.ParseUint(number, 10, 64)
	return seq, err == nil
}

// old is one rotated file. It stands there as it was written, compressed, or
// both: when a daemon was killed between the two.
type old struct {
	name          string // without packedEnd
	seq           uint64
	plain, packed bool
}

// names are the files that hold it.
func (o old) names() []string {
	var all []string
	if o.plain {
		all = append(all, o.name)
	}
	if o.packed {
		all = append(all, o.name+packedEnd)
	}
	return all
}

// oldFiles are the rotated files of base, the oldest first. Only names are
// looked at; who opens or removes one checks that it is a regular file.
func oldFiles(d *directory, base string) ([]old, error) {
	found, _, err := oldAndUnfinished(d, base)
	return found, err
}

// oldAndUnfinished also names the compressed files that nobody finished.
func oldAndUnfinished(d *directory, base string) (found []old, unfinished []string, err error) {
	names, err := d.names()
	if err != nil {
		return nil, nil, err
	}
	at := map[string]int{}
	for _, name := range names {
		plain, packed := strings.CutSuffix(name, packedEnd)
		if kept, ok := strings.CutSuffix(name, packingEnd); ok {
			if _, ours := parseOld(base, kept); ours {
				unfinished = append(unfinished, name)
			}
			continue
		}
		seq, ok := parseOld(base, plain)
		if !ok {
			continue
		}
		i, known := at[plain]
		if !known {
			i = len(found)
			at[plain] = i
			found = append(found, old{name: plain, seq: seq})
		}
		found[i].plain = found[i].plain || !packed
		found[i].packed = found[i].packed || packed
	}
	sort.Slice(found, func(i, j int) bool {
		if found[i].seq != found[j].seq {
			return found[i].seq < found[j].seq
		}
		return found[i].name < found[j].name
	})
	return found, unfinished, nil
}
