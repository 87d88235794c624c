package config

import (
	"fmt"
	"reflect"
	"strings"
	"testing"

	"github.com/BurntSushi/toml"
)

// all are the positions that were found.
func (m *marks) all() map[trail]int {
	found := map[trail]int{}
	var walk func(t trail, at *mark)
	walk = func(t trail, at *mark) {
		if at.at >= 0 {
			found[t] = at.at
		}
		for name, below := range at.below {
			walk(t+trail(name), below)
		}
	}
	walk("", m.root)
	return found
}

func TestPositionsOfKeys(t *testing.T) {
	text := "a = 1 # [x]\n  b.c = \"]\\\"=\"\n'd e' = '''\nx = 3\n'''\n[t]\nu = [1, # y = 2\n  {v = 1, w = {x = \"}\"}}, []]\n\n[[p]]\nn = 1\n[p.e]\nK = 'v'\n  [[p]]\nn = 2\n[[p.q]]\nz = \"\"\"a\"\"\"\"\"\ny = '''b''''\n[\"ü\" . x]\n"
	want := map[string]string{
		"a": "1:1", "b": "2:3", "b/c": "2:5", "d e": "3:1", "t": "6:2", "t/u": "7:1", "t/u#1": "8:3", "t/u#1/v": "8:4", "t/u#1/w": "8:11", "t/u#1/w/x": "8:16",
		"p": "10:3", "p#0": "10:1", "p#0/n": "11:1", "p#0/e": "12:4", "p#0/e/K": "13:1", "p#1": "14:3", "p#1/n": "15:1", "p#1/q": "16:5", "p#1/q#0": "16:1",
		"p#1/q#0/z": "17:1", "p#1/q#0/y": "18:1", "ü": "19:2", "ü/x": "19:8",
	}
	var check any
	if err := toml.Unmarshal([]byte(text), &check); err != nil {
		t.Fatal(err)
	}
	m := scan(text)
	got := map[string]string{}
	for tr := range m.all() {
		line, col := m.find(tr)
		name := strings.NewReplacer("\x00", "/", "\x01", "#").Replace(string(tr))
		got[strings.TrimPrefix(name, "/")] = fmt.Sprintf("%d:%d", line, col)
	}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("got  %v\nwant %v", got, want)
	}
}

func TestAnUnmarkedKeyStandsAtItsParent(t *testing.T) {
	m := scan("a = 1\n  [b]\n")
	for tr, want := range map[trail][2]int{trail("").key("b").key("none").item(3): {2, 4}, trail("").key("none"): {1, 1}, "": {1, 1}} {
		if line, col := m.find(tr); line != want[0] || col != want[1] {
			t.Errorf("%q: got %d:%d, want %v", tr, line, col, want)
		}
	}
}

// missed are the keys that the library reports and the scanner did not find, and elements of arrays of tables.
func missed(text string) []string {
	var value map[string]any
	meta, err := toml.Decode(text, &value)
	if err != nil {
		return nil
	}
	m := scan(text)
	if m.deep >= 0 {
		return nil
	}
	found, names := m.all(), map[string]bool{}
	for tr := range found {
		steps := strings.Split(string(tr), "\x00")
		for i, s := range steps {
			steps[i], _, _ = strings.Cut(s, "\x01")
		}
		names[strings.Join(steps, "\x00")] = true
	}
	var out []string
	for _, key := range meta.Keys() {
		if !names["\x00"+strings.Join(key, "\x00")] && !strings.ContainsAny(strings.Join(key, ""), "\x00\x01") {
			out = append(out, key.String())
		}
	}
	for name, v := range value {
		if tables, ok := v.([]map[string]any); ok && !strings.ContainsAny(name, "\x00\x01") {
			for i := range tables {
				if _, ok := found[trail("").key(name).item(i)]; !ok {
					out = append(out, fmt.Sprintf("%s number %d", name, i))
				}
			}
		}
	}
	return out
}

func tomlSeeds() []string {
	return []string{
		seedExample, Starter(), "a.b.c = 1\n[a.d]\n", "[[x]]\n[[x.y]]\n[x.y.z]\nk={a={b=1}}\n[[x]]\n[[x.y]]\n",
		"x = [{a=1},{a=2}]\n", "x = [[{a=1}],[{b=2}]]", "\"\\u00e9 \\x41\" = 1\n'' = 2\n\"\" . a = 3", "x = { a = [ 1, # c\n 2 ] , b.c = 1 }\n",
		"d = 1979-05-27 07:32:00\nt = 07:32:00\nf = +1e3\ni = 0xff\n", "m = \"\"\"\\\n  x \\\"\"\"\" # no\n\"\"\"\nn = 1", "[ a . 'b' . \"c\" ] # x\r\nk = 1\r\n",
		"a = {x = 1,\n y = 2,\n}\n", "1 = 1\n-_ = 2\n1.2 = 3", "x = [\n'a', \"\"\"\n]\"\"\", '''}'''\n]\ny = 1",
	}
}

func TestScannerFindsWhatTheLibraryReports(t *testing.T) {
	for _, text := range tomlSeeds() {
		if out := missed(text); len(out) > 0 {
			t.Errorf("%q is not found in:\n%s", out, text)
		}
	}
}

func FuzzScan(f *testing.F) {
	for _, text := range tomlSeeds() {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		m := scan(text)
		for tr := range m.all() {
			if line, col := m.find(tr); line < 1 || col < 1 || line > len(m.lines) {
				t.Fatalf("%q is at %d:%d of %q", tr, line, col, text)
			}
		}
		if strings.HasPrefix(text, "\xff\xfe") || strings.HasPrefix(text, "\xfe\xff") || strings.HasPrefix(text, "\ufeff") {
			return // what is read never begins so
		}
		if out := missed(text); len(out) > 0 {
			t.Fatalf("%q is not found in %q", out, text)
		}
	})
}
