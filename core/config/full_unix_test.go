//go:build unix

package config

import (
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"reflect"
	"syscall"
	"testing"
)

// A limit of the file size makes a write fail in the middle as a full disk does, without being root.
func TestAFullDiskLeavesTheOldState(t *testing.T) {
	if path := os.Getenv("CONFIG_TEST_FULL"); path != "" {
		signal.Ignore(syscall.SIGXFSZ)
		specs := addedSpecs(t, "a", "b", "c")
		if err := syscall.Setrlimit(syscall.RLIMIT_FSIZE, &syscall.Rlimit{Cur: 700, Max: 700}); err != nil {
			t.Fatal(err)
		}
		if err := SaveAdded(path, specs); err == nil {
			t.Fatal("written beyond the limit")
		}
		return
	}
	dir := t.TempDir()
	path := filepath.Join(dir, "added.json")
	want := addedSpecs(t, "a")
	if err := SaveAdded(path, want); err != nil {
		t.Fatal(err)
	}
	before, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(os.Args[0], "-test.run=^TestAFullDiskLeavesTheOldState$")
	cmd.Env = append(os.Environ(), "CONFIG_TEST_FULL="+path)
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	after, err := os.ReadFile(path)
	if err != nil || string(after) != string(before) {
		t.Errorf("the state changed: %v\n%s", err, after)
	}
	got, warnings, err := LoadAdded(path)
	if err != nil || len(warnings) != 0 || !reflect.DeepEqual(normal(got), normal(want)) {
		t.Errorf("got %v %v %v", got, warnings, err)
	}
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		if e.Name() != "added.json" && e.Name() != "added.json.bak" {
			t.Errorf("%s was left", e.Name())
		}
	}
}
