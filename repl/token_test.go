package repl

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
)

func TestTokenIsCreatedOnceAndKept(t *testing.T) {
	path := filepath.Join(t.TempDir(), "admin.token")
	if _, err := LoadToken(path); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("before: %v", err)
	}
	first, err := CreateToken(path)
	if err != nil {
		t.Fatal(err)
	}
	if err := isSecret(path); err != nil {
		t.Error(err)
	}
	token, err := LoadToken(path)
	if err != nil || !first.Matches(token) || len(token) != 43 {
		t.Errorf("%q %v", token, err)
	}
	again, err := CreateToken(path)
	if err != nil || again != first {
		t.Errorf("again: %v", err)
	}
	if names, _ := os.ReadDir(filepath.Dir(path)); len(names) != 1 {
		t.Errorf("left behind: %v", names)
	}
}

func TestConcurrentCreatorsAgree(t *testing.T) {
	path := filepath.Join(t.TempDir(), "admin.token")
	hashes := make(chan TokenHash, 16)
	var all sync.WaitGroup
	for range cap(hashes) {
		all.Go(func() {
			h, err := CreateToken(path)
			if err != nil {
				t.Error(err)
			}
			hashes <- h
		})
	}
	all.Wait()
	first := <-hashes
	for range cap(hashes) - 1 {
		if <-hashes != first {
			t.Fatal("two tokens")
		}
	}
}

func TestUnsafeTokenFilesAreRefused(t *testing.T) {
	dir := t.TempDir()
	good := strings.Repeat("A", 43) + "\n"
	for name, tc := range map[string]struct {
		place func(path string) error
		want  string
	}{
		"readable by others": {func(p string) error { return errors.Join(secretTo(p, good), openToAll(p)) }, openIsRefused},
		"empty":              {func(p string) error { return secretTo(p, "") }, "no token"},
		"short":              {func(p string) error { return secretTo(p, "abc\n") }, "no token"},
		"two lines":          {func(p string) error { return secretTo(p, good+good) }, "no token"},
		"a folder":           {func(p string) error { return os.Mkdir(p, 0o700) }, "not a regular file"},
		"a link": {func(p string) error {
			return errors.Join(secretTo(p+".real", good), os.Symlink(p+".real", p))
		}, linkIsRefused},
	} {
		t.Run(name, func(t *testing.T) {
			path := filepath.Join(dir, strings.ReplaceAll(name, " ", "-"))
			if err := tc.place(path); err != nil {
				t.Fatal(err)
			}
			if _, err := os.Lstat(path); err != nil {
				t.Skipf("a link is said to be made and is not: %v", err) // Wine 8
			}
			for _, err := range []error{second(LoadToken(path)), second(CreateToken(path))} {
				if err == nil || !strings.Contains(err.Error(), tc.want) || !strings.Contains(err.Error(), path) {
					t.Errorf("got %v, want %q", err, tc.want)
				}
				if err != nil && strings.Contains(err.Error(), "AAAA") {
					t.Errorf("the secret is in %v", err)
				}
			}
		})
	}
	if _, err := CreateToken(filepath.Join(dir, "none", "token")); err == nil || !strings.Contains(err.Error(), "cannot create token") {
		t.Errorf("without a folder: %v", err)
	}
}

func second[T any](_ T, err error) error { return err }
