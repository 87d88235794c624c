// Package metrics writes the text format that Prometheus scrapes, version 0.0.4
// (https://prometheus.io/docs/instrumenting/exposition_formats/). It knows nothing of what is measured.
//
// May import: no other room.
package metrics

import (
	"strconv"
	"strings"
)

// Type is what kind of number a family's samples are.
type Type string

// The types that are used here.
const (
	Counter   Type = "counter" // only grows, but for a restart of what it counts; its name ends in _total
	Gauge     Type = "gauge"
	Histogram Type = "histogram"
)

// Text is an exposition in the making. The zero Text is empty. Samples belong to the family begun last, so that those of a
// family stand together, as the format demands.
type Text struct {
	b      strings.Builder
	family string
}

// Family begins a family of samples. Nothing is written when no sample follows but its name, type and meaning.
func (t *Text) Family(name string, kind Type, help string) {
	t.family = name
	t.b.WriteString("# HELP " + name + " " + helpEscaper.Replace(help) + "\n# TYPE " + name + " " + string(kind) + "\n")
}

// Sample writes one sample of a counter or a gauge. labels are names and values by turns.
func (t *Text) Sample(value float64, labels ...string) { t.line("", value, labels) }

// Buckets writes the samples of a histogram: counts[i] observations were at most bounds[i] and more than the bound before;
// the last count, one more than bounds, is that of all beyond.
func (t *Text) Buckets(bounds []float64, counts []uint64, sum float64, labels ...string) {
	total := uint64(0)
	for i, n := range counts {
		total += n
		bound := "+Inf"
		if i < len(bounds) {
			bound = number(bounds[i])
		}
		t.line("_bucket", float64(total), append(labels[:len(labels):len(labels)], "le", bound))
	}
	t.line("_sum", sum, labels)
	t.line("_count", float64(total), labels)
}

func (t *Text) line(suffix string, value float64, labels []string) {
	t.b.WriteString(t.family)
	t.b.WriteString(suffix)
	for i := 0; i+1 < len(labels); i += 2 {
		if i == 0 {
			t.b.WriteByte('{')
		} else {
			t.b.WriteByte(',')
		}
		t.b.WriteString(labels[i])
		t.b.WriteString(`="`)
		t.b.WriteString(labelEscaper.Replace(strings.ToValidUTF8(labels[i+1], "\ufffd")))
		t.b.WriteByte('"')
	}
	if len(labels) > 1 {
		t.b.WriteByte('}')
	}
	t.b.WriteByte(' ')
	t.b.WriteString(number(value))
	t.b.WriteByte('\n')
}

// String is the exposition.
func (t *Text) String() string { return t.b.String() }

var (
	helpEscaper  = strings.NewReplacer(`\`, `\\`, "\n", `\n`)
	labelEscaper = strings.NewReplacer(`\`, `\\`, "\n", `\n`, `"`, `\"`)
)

// number is a value as Go's ParseFloat, which the format refers to, reads it. Infinities are +Inf and -Inf.
func number(v float64) string { return strconv.FormatFloat(v, 'g', -1, 64) }
