package cli

import (
	"errors"
	"os"
	"path/filepath"
	"runtime"
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
	star, nowhere := "star*", "/"
	if runtime.GOOS == "windows" { // where no name has a star, and a slash alone is a place on any volume
		star, nowhere = "star%x%", `C:\`
	}
	for _, name := range []string{"plain", "odd; touch x $(touch y)", star, "starfish", "victim", "real/inside"} {
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
	paths := []string{at("plain"), at("odd; touch x $(touch y)"), at(star), at("missing"), at("nowhere/missing"),
		at("empty"), "relative", nowhere, root + "/../" + filepath.Base(root) + "/victim", root + "/"}
	kept := []string{"starfish", "victim", "real/inside", "empty"}
	for link, target := range map[string]string{"link": "victim", "linked": "real"} {
		err := os.Symlink(target, at(link))
		if _, there := os.Lstat(at(link)); err != nil || there != nil { // Wine 8 says that it made one, and did not
			t.Logf("no symlinks here: %v", errors.Join(err, there))
			break
		}
		paths = append(paths, map[string]string{"link": at("link"), "linked": at("linked/inside")}[link])
		kept = append(kept, link)
	}
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
	for _, name := range kept {
		if _, err := os.Lstat(at(name)); err != nil {
			t.Errorf("%s is gone: %v", name, err)
		}
	}
}
