package cli

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// TestPurgeTakesOnlyRegularFiles: no shell, no pattern, no folder, no link, no way through a link, nothing relative.
func TestPurgeTakesOnlyRegularFiles(t *testing.T) {
	root, err := filepath.EvalSymlinks(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	at := func(name string) string { return filepath.Join(root, name) }
	for _, name := range []string{"plain", "odd; touch x $(touch y)", "star*", "starfish", "victim", "real/inside"} {
		if err := os.MkdirAll(filepath.Dir(at(name)), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(at(name), nil, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Mkdir(at("empty"), 0o700); err != nil {
		t.Fatal(err)
	}
	for link, target := range map[string]string{"link": "victim", "linked": "real"} {
		if err := os.Symlink(target, at(link)); err != nil {
			t.Skipf("no symlinks here: %v", err)
		}
	}
	paths := []string{at("plain"), at("odd; touch x $(touch y)"), at("star*"), at("missing"), at("nowhere/missing"),
		at("link"), at("linked/inside"), at("empty"), "relative", "/", root + "/../" + filepath.Base(root) + "/victim", root + "/"}
	removed, err := purge(paths)
	if want := paths[:3]; !slices.Equal(removed, want) {
		t.Errorf("removed %q, want %q", removed, want)
	}
	if err == nil {
		t.Fatal("no refusal was reported")
	}
	for _, path := range paths[5:] {
		if !strings.Contains(err.Error(), "cannot remove "+path+":") {
			t.Errorf("nothing is said about %s in: %v", path, err)
		}
	}
	for _, name := range []string{"starfish", "victim", "link", "linked", "real/inside", "empty"} {
		if _, err := os.Lstat(at(name)); err != nil {
			t.Errorf("%s is gone: %v", name, err)
		}
	}
}
