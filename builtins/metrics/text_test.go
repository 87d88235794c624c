package metrics

import (
	"math"
	"strings"
	"testing"

	"github.com/qjpcpu/supervisord/builtins/metrics/metricstest"
)

func TestTextIsWhatItSaysHere(t *testing.T) {
	var text Text
	text.Family("a_total", Counter, "Two\nlines and a \\.")
	text.Sample(3, "name", "x\\y\n\"z\"", "code", "0")
	text.Family("b", Gauge, "Nothing.")
	text.Sample(0.25)
	text.Sample(math.Inf(1), "x", "")
	text.Family("c", Histogram, "Some.")
	text.Buckets([]float64{0.001, 1}, []uint64{2, 0, 1}, 5.5, "k", "v")
	want := `# HELP a_total Two\nlines and a \\.
# TYPE a_total counter
a_total{name="x\\y\n\"z\"",code="0"} 3
# HELP b Nothing.
# TYPE b gauge
b 0.25
b{x=""} +Inf
# HELP c Some.
# TYPE c histogram
c_bucket{k="v",le="0.001"} 2
c_bucket{k="v",le="1"} 2
c_bucket{k="v",le="+Inf"} 3
c_sum{k="v"} 5.5
c_count{k="v"} 3
`
	if got := text.String(); got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
	if _, err := metricstest.Parse(want); err != nil {
		t.Error(err)
	}
}

// FuzzLabels: whatever a value holds, it comes back, and is one line.
func FuzzLabels(f *testing.F) {
	for _, v := range []string{"", "web", `\`, `"`, "\n", `\n"} 1`, "\xff", "a\"} 1\nforged 1\n", "\u2028", "\x00"} {
		f.Add(v)
	}
	f.Fuzz(func(t *testing.T, value string) {
		var text Text
		text.Family("a", Gauge, "Help.")
		text.Sample(1, "name", value, "other", value)
		families, err := metricstest.Parse(text.String())
		if err != nil {
			t.Fatal(err)
		}
		want := strings.ToValidUTF8(value, "\ufffd")
		if got := families["a"].Samples; len(got) != 1 || got[0].Labels["name"] != want || got[0].Labels["other"] != want {
			t.Errorf("got %+v, want %q", got, want)
		}
	})
}

// TestTheParserIsStrict: what is wrong with each of these, the tests of others would find.
func TestTheParserIsStrict(t *testing.T) {
	const head = "# HELP a Help.\n# TYPE a gauge\n"
	for name, text := range map[string]string{
		"no end":                 head + "a 1",
		"no help":                "# TYPE a gauge\na 1\n",
		"no type":                "# HELP a Help.\na 1\n",
		"unknown type":           "# HELP a Help.\n# TYPE a number\na 1\n",
		"another's sample":       head + "b 1\n",
		"twice":                  head + "a 1\na 1\n",
		"twice with labels":      head + "a{x=\"1\",y=\"2\"} 1\na{y=\"2\",x=\"1\"} 1\n",
		"family twice":           head + "a 1\n# HELP a Help.\n# TYPE a gauge\n",
		"no value":               head + "a\n",
		"no number":              head + "a one\n",
		"Go's number":            head + "a 1_0\n",
		"a time":                 head + "a 1 123\n",
		"two blanks":             head + "a  1\n",
		"bad escape":             head + "a{x=\"\\t\"} 1\n",
		"open quote":             head + "a{x=\"1} 1\n",
		"label's name":           head + "a{1x=\"1\"} 1\n",
		"label twice":            head + "a{x=\"1\",x=\"2\"} 1\n",
		"empty line":             head + "\na 1\n",
		"counter's name":         "# HELP a Help.\n# TYPE a counter\na 1\n",
		"negative count":         "# HELP a_total Help.\n# TYPE a_total counter\na_total -1\n",
		"buckets that descend":   "# HELP h H.\n# TYPE h histogram\nh_bucket{le=\"1\"} 2\nh_bucket{le=\"+Inf\"} 1\nh_sum 1\nh_count 1\n",
		"buckets without an end": "# HELP h H.\n# TYPE h histogram\nh_bucket{le=\"1\"} 2\nh_sum 1\nh_count 2\n",
		"not UTF-8":              head + "a{x=\"\xff\"} 1\n",
	} {
		if _, err := metricstest.Parse(text); err == nil {
			t.Errorf("%s: taken", name)
		}
	}
}
