package config

import (
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/qjpcpu/supervisord/core"
)

func addedSpecs(t *testing.T, names ...string) []core.Spec {
	t.Helper()
	cfg := mustLoad(t, "daemonize = true\nstate_dir='s'\n")
	var specs []core.Spec
	for _, name := range names {
		hash := map[string]any{"name": name, "command": "/opt/" + name, "args": []string{"${X}", "~/x", "a\nb"}, "user": "root",
			"env": map[string]string{"K": "v"}, "restart_delay": "15ms", "stderr": []string{}, "priority": -3, "exit_codes": []int{}, "restart_jitter": 0.25}
		if unavailable("user") != "" {
			delete(hash, "user")
		}
		s, err := cfg.ProcessFromHash(hash, at("/srv"))
		if err != nil {
			t.Fatal(err)
		}
		specs = append(specs, s)
	}
	return specs
}

func TestWhatWasAddedComesBackTheSame(t *testing.T) {
	path := filepath.Join(t.TempDir(), "added.json")
	if specs, warnings, err := LoadAdded(path); len(specs)+len(warnings) != 0 || err != nil {
		t.Errorf("got %v %v %v", specs, warnings, err)
	}
	want := addedSpecs(t, "a", "b")
	other := want[0]
	other.Name, other.Origin = "c", core.FromFile
	if err := SaveAdded(path, append(want, other)); err != nil {
		t.Fatal(err)
	}
	got, warnings, err := LoadAdded(path)
	if err != nil || len(warnings) != 0 || !reflect.DeepEqual(normal(got), normal(want)) {
		t.Errorf("got  %+v\nwant %+v\n%v %v", got, want, warnings, err)
	}
	private(t, path)
}

func TestATornStateFileFallsBackToTheCopy(t *testing.T) {
	for _, torn := range []string{"", "{", "garbage", `{"version":1,"process":[{"name":"a"`, "{}", "\x00\x00\x00"} {
		path := filepath.Join(t.TempDir(), "added.json")
		first, second := addedSpecs(t, "a"), addedSpecs(t, "a", "b")
		for _, specs := range [][]core.Spec{first, second} {
			if err := SaveAdded(path, specs); err != nil {
				t.Fatal(err)
			}
		}
		if err := os.WriteFile(path, []byte(torn), 0o600); err != nil {
			t.Fatal(err)
		}
		got, warnings, err := LoadAdded(path)
		if err != nil || len(warnings) != 1 || !strings.Contains(warnings[0].Msg, ".damaged") || !reflect.DeepEqual(normal(got), normal(first)) {
			t.Errorf("%q: got %+v %v %v", torn, got, warnings, err)
		}
		if kept, err := os.ReadFile(path + ".damaged"); err != nil || string(kept) != torn {
			t.Errorf("the damaged file is lost: %q %v", kept, err)
		}
		// The next save must not put the damaged one in the place of the good copy.
		if err := SaveAdded(path, got); err != nil {
			t.Fatal(err)
		}
		if copied, warnings, err := LoadAdded(path + ".bak"); err != nil || len(warnings) != 0 || len(copied) != 1 {
			t.Errorf("got %v %v %v", copied, warnings, err)
		}
		// Without a copy it starts with nothing and says so.
		for _, p := range []string{path, path + ".bak"} {
			if err := os.WriteFile(p, []byte("x"), 0o600); err != nil {
				t.Fatal(err)
			}
		}
		if got, warnings, err := LoadAdded(path); err != nil || len(got) != 0 || len(warnings) != 1 {
			t.Errorf("got %v %v %v", got, warnings, err)
		}
	}
}

func TestAnEntryThatIsNotUnderstoodLeavesTheOthers(t *testing.T) {
	path := filepath.Join(t.TempDir(), "added.json")
	text := `{"version":1,"process":[{"name":"a","command":"/x","umusk":"022"},{"name":"b","command":"/no/such",` + savedUser + `"cwd":"/no/such"},{"name":"b","command":"/x"},{"name":"c"}]}`
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	specs, warnings, err := LoadAdded(path)
	if err != nil || len(specs) != 1 || specs[0].Name != "b" || len(warnings) != 3 {
		t.Errorf("got %+v %v %v", specs, warnings, err)
	}
	if err := os.WriteFile(path, []byte(`{"version":2}`), 0o600); err != nil {
		t.Fatal(err)
	}
	_, warnings, err = LoadAdded(path)
	if err != nil || len(warnings) != 1 || !strings.Contains(warnings[0].Msg, "has version 2, this program understands 1") {
		t.Errorf("got %v %v", warnings, err)
	}
	if _, err := os.Stat(path + ".damaged"); err != nil {
		t.Errorf("what the later version wrote is lost: %v", err)
	}
}

func TestAFailedSaveLeavesTheOldState(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "added.json")
	want := addedSpecs(t, "a")
	if err := SaveAdded(path, want); err != nil {
		t.Fatal(err)
	}
	if err := SaveAdded(filepath.Join(path, "x"), want); err == nil {
		t.Error("saved below a file")
	}
	got, _, err := LoadAdded(path)
	if err != nil || !reflect.DeepEqual(normal(got), normal(want)) {
		t.Errorf("got %v %v", got, err)
	}
	if entries, _ := os.ReadDir(dir); len(entries) != 1 {
		t.Errorf("something was left: %v", entries)
	}
}

func TestAnUnchangedStateIsNotWritten(t *testing.T) {
	path := filepath.Join(t.TempDir(), "added.json")
	specs := addedSpecs(t, "a")
	if err := SaveAdded(path, specs); err != nil {
		t.Fatal(err)
	}
	old := time.Unix(1_000_000_000, 0)
	if err := os.Chtimes(path, old, old); err != nil {
		t.Fatal(err)
	}
	if err := SaveAdded(path, specs); err != nil {
		t.Fatal(err)
	}
	if info, err := os.Stat(path); err != nil || !info.ModTime().Equal(old) {
		t.Errorf("%v %v", info, err)
	}
}

// What would be too large to be read again is not written: the old state holds, and that is said.
func TestAStateThatIsTooLargeIsRefused(t *testing.T) {
	path := filepath.Join(t.TempDir(), "added.json")
	small := addedSpecs(t, "a")
	if err := SaveAdded(path, small); err != nil {
		t.Fatal(err)
	}
	large := addedSpecs(t, "a")
	large[0].Launch.Env = map[string]string{"BIG": strings.Repeat("x", maxAdded)}
	if err := SaveAdded(path, large); err == nil || !strings.Contains(err.Error(), "larger than 64 MiB") {
		t.Errorf("got %v", err)
	}
	if got, warnings, err := LoadAdded(path); err != nil || len(warnings) != 0 || !reflect.DeepEqual(normal(got), normal(small)) {
		t.Errorf("read back %d, %v %v", len(got), warnings, err)
	}
}
