//go:build unix

package config

import (
	"os"
	"strings"
	"testing"
)

func TestReadableSecretsAndForeignOwnersAreWarnedOf(t *testing.T) {
	path := write(t, "[[process]]\nname='a'\ncommand='/bin/sh'\n[process.env]\nAPI_KEY='s3cr3t-canary'\n")
	warned := func() string {
		cfg, err := Load(path, Overrides{Environ: environ})
		if err != nil {
			t.Fatal(err)
		}
		return Problems(cfg.Warnings).Error()
	}
	if got := warned(); got != "" {
		t.Errorf("got %s", got)
	}
	chmod(t, path, 0o644)
	want := path + ":5:1: env: everybody can read this file (mode 0644) and it holds API_KEY of a: chmod 640 it, or keep such values in an env_file"
	if got := warned(); got != want {
		t.Errorf("got %s, want %s", got, want)
	}
	if err := os.WriteFile(path, []byte("[[process]]\nname='a'\ncommand='/bin/sh'\nenv_file='.env'\nenv={API_KEY='${CANARY}'}\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path[:len(path)-len(fileName)]+".env", []byte("TOKEN=x\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if got := warned(); got != "" {
		t.Errorf("secrets that stand elsewhere: %s", got)
	}
	chmod(t, path, 0o600)
	if os.Geteuid() != 0 {
		return
	}
	chown(t, path)
	if got := warned(); !strings.Contains(got, "belongs to user 12345, who so decides what root runs") {
		t.Errorf("got %s", got)
	}
}
