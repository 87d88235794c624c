// Package metricstest reads the text format of Prometheus more strictly than Prometheus does, for tests.
//
// May import: no other room.
package metricstest

import (
	"fmt"
	"math"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"
)

// Sample is one line that is no comment.
type Sample struct {
	Name   string
	Labels map[string]string
	Value  float64
}

// Family is what stands below one TYPE line.
type Family struct {
	Name, Type, Help string
	Samples          []Sample
}

var (
	metricName = regexp.MustCompile(`^[a-zA-Z_:][a-zA-Z0-9_:]*$`)
	labelName  = regexp.MustCompile(`^[a-zA-Z_][a-zA-Z0-9_]*$`)
)

// Parse reads an exposition. Beyond the format's grammar it demands: HELP, then TYPE, then samples for each family, each
// family once; no sample outside a family; no two samples with the same name and labels; counters that end in _total, are
// finite and not negative; histograms whose buckets ascend to +Inf and agree with _count; one blank between value and name and
// no timestamps; a newline at the end.
func Parse(text string) (map[string]*Family, error) {
	if !utf8.ValidString(text) {
		return nil, fmt.Errorf("not UTF-8")
	}
	if text != "" && !strings.HasSuffix(text, "\n") {
		return nil, fmt.Errorf("the last line does not end")
	}
	all := map[string]*Family{}
	var now *Family
	help, helped := "", ""
	seen := map[string]bool{}
	for number, line := range strings.Split(strings.TrimSuffix(text, "\n"), "\n") {
		fail := func(format string, args ...any) error {
			return fmt.Errorf("line %d: %s: %q", number+1, fmt.Sprintf(format, args...), line)
		}
		switch {
		case strings.HasPrefix(line, "# HELP "):
			name, rest, found := strings.Cut(line[len("# HELP "):], " ")
			if !found || rest == "" || !metricName.MatchString(name) || !escaped(rest, false) {
				return nil, fail("no help")
			}
			help, helped = rest, name
		case strings.HasPrefix(line, "# TYPE "):
			name, kind, _ := strings.Cut(line[len("# TYPE "):], " ")
			switch {
			case !slices.Contains([]string{"counter", "gauge", "histogram", "summary", "untyped"}, kind):
				return nil, fail("unknown type")
			case helped != name:
				return nil, fail("no HELP before it")
			case all[name] != nil:
				return nil, fail("a second time")
			case (kind == "counter") != strings.HasSuffix(name, "_total"):
				return nil, fail("a name that does not suit its type")
			}
			now = &Family{Name: name, Type: kind, Help: help}
			all[name] = now
		case strings.HasPrefix(line, "#"), line == "":
			return nil, fail("a line without meaning")
		default:
			s, err := parseSample(line)
			if err != nil {
				return nil, fail("%v", err)
			}
			if now == nil || !now.owns(s.Name) {
				return nil, fail("outside its family")
			}
			key := fmt.Sprint(s.Name, s.Labels)
			if seen[key] {
				return nil, fail("a second time")
			}
			seen[key] = true
			if now.Type != "gauge" && (math.IsNaN(s.Value) || math.IsInf(s.Value, 0) || s.Value < 0) {
				return nil, fail("no count")
			}
			now.Samples = append(now.Samples, s)
		}
	}
	for _, f := range all {
		if f.Type == "histogram" {
			if err := f.checkBuckets(); err != nil {
				return nil, fmt.Errorf("%s: %w", f.Name, err)
			}
		}
	}
	return all, nil
}

func (f *Family) owns(name string) bool {
	if f.Type != "histogram" {
		return name == f.Name
	}
	rest, found := strings.CutPrefix(name, f.Name)
	return found && slices.Contains([]string{"_bucket", "_sum", "_count"}, rest)
}

// checkBuckets looks at a histogram with one set of labels.
func (f *Family) checkBuckets() error {
	last, before, count := math.Inf(-1), 0.0, -1.0
	for _, s := range f.Samples {
		switch s.Name {
		case f.Name + "_bucket":
			bound, err := strconv.ParseFloat(s.Labels["le"], 64)
			if err != nil || bound <= last || s.Value < before {
				return fmt.Errorf("the bucket %s does not ascend", s.Labels["le"])
			}
			last, before = bound, s.Value
		case f.Name + "_count":
			count = s.Value
		}
	}
	if !math.IsInf(last, 1) || before != count {
		return fmt.Errorf("the last bucket is %v with %v, the count %v", last, before, count)
	}
	return nil
}

func parseSample(line string) (Sample, error) {
	s := Sample{Labels: map[string]string{}}
	end := strings.IndexAny(line, "{ ")
	if end < 0 {
		return s, fmt.Errorf("no value")
	}
	s.Name = line[:end]
	rest := line[end:]
	if !metricName.MatchString(s.Name) {
		return s, fmt.Errorf("no name")
	}
	if rest[0] == '{' {
		rest = rest[1:]
		for {
			name, after, found := strings.Cut(rest, `="`)
			if !found || !labelName.MatchString(name) || strings.HasPrefix(name, "__") {
				return s, fmt.Errorf("no label")
			}
			value, after, ok := unquote(after)
			if _, twice := s.Labels[name]; !ok || twice {
				return s, fmt.Errorf("the label %s is broken or stands twice", name)
			}
			s.Labels[name] = value
			if rest, found = strings.CutPrefix(after, ","); found {
				continue
			}
			if rest, found = strings.CutPrefix(after, "}"); !found {
				return s, fmt.Errorf("labels without an end")
			}
			break
		}
	}
	text, found := strings.CutPrefix(rest, " ")
	if !found || text == "" || strings.ContainsAny(text, " \t_xXpP") {
		return s, fmt.Errorf("no single value")
	}
	var err error
	s.Value, err = strconv.ParseFloat(text, 64)
	return s, err
}

// unquote reads a label's value up to its closing quote.
func unquote(text string) (value, rest string, ok bool) {
	var b strings.Builder
	for i := 0; i < len(text); i++ {
		switch text[i] {
		case '"':
			return b.String(), text[i+1:], true
		case '\\':
			i++
			if i == len(text) {
				return "", "", false
			}
			switch text[i] {
			case 'n':
				b.WriteByte('\n')
			case '"', '\\':
				b.WriteByte(text[i])
			default:
				return "", "", false
			}
		default:
			b.WriteByte(text[i])
		}
	}
	return "", "", false
}

// escaped tells whether every backslash begins an escape.
func escaped(text string, quotes bool) bool {
	for i := 0; i < len(text); i++ {
		if text[i] != '\\' {
			continue
		}
		i++
		if i == len(text) || text[i] != 'n' && text[i] != '\\' && !(quotes && text[i] == '"') {
			return false
		}
	}
	return true
}
