package config

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/sys/windows"
)

// TestWhereADaemonLives is place_unix_test.go's: what is the machine's for an administrator, what is the user's for others.
func TestWhereADaemonLives(t *testing.T) {
	known := windows.FOLDERID_LocalAppData
	if elevated() {
		known = windows.FOLDERID_ProgramData
	}
	base, err := windows.KnownFolderPath(known, 0)
	if err != nil {
		t.Fatal(err)
	}
	base = filepath.Join(base, "supervisord")
	without := machine(-1)
	without.noSockets = true
	for _, tt := range []lives{
		{"usual", machine(-1), `C:\srv\shop\supervisord.conf`, Settings{}, base + `\shop-HASH.sock`, base + `\shop-HASH`, base + `\shop-HASH.json`, "shop-"},
		{"no unix sockets", without, `C:\srv\shop\conf\supervisord.conf`, Settings{}, "", base + `\shop-HASH`, base + `\shop-HASH.json`, "shop-"},
		{"another environment", machine(-1, `LOCALAPPDATA=C:\x`, `ProgramData=C:\y`, "HOME=/z"), `C:\a.conf`, Settings{}, base + `\a-HASH.sock`, base + `\a-HASH`, base + `\a-HASH.json`, "a-"},
		{"state_dir", machine(-1), `C:\a.conf`, Settings{StateDir: `D:\st`}, `D:\st\a-HASH.sock`, `D:\st`, `D:\st\a-HASH.json`, "a-"},
		{"admin_sock", machine(-1), `C:\a.conf`, Settings{AdminSock: `C:\x.sock`, AdminListen: 1}, `C:\x.sock`, base + `\a-HASH`, base + `\a-HASH.json`, "a-"},
		{"port only", machine(-1), `C:\a.conf`, Settings{AdminListen: 1}, "", base + `\a-HASH`, base + `\a-HASH.json`, "a-"},
		{"no file", machine(-1), "", Settings{}, base + `\here-HASH.sock`, base + `\here-HASH`, base + `\here-HASH.json`, "here-"},
		{"runtime directory given", machine(-1, `SUPERVISORD_RUNTIME_DIR=D:\rt`), `C:\a.conf`, Settings{}, `D:\rt\a-HASH.sock`, base + `\a-HASH`, `D:\rt\a-HASH.json`, "a-"},
		{"root folder", machine(-1), `C:\supervisord.conf`, Settings{}, base + `\root-HASH.sock`, base + `\root-HASH`, base + `\root-HASH.json`, "root-"},
	} {
		t.Run(tt.name, tt.test)
	}
}

func TestSocketPathsFitOrAreRefused(t *testing.T) {
	_, err := load(t, `admin_sock = 'C:\`+strings.Repeat("s", 105)+"'\n")
	if err == nil || !strings.Contains(err.Error(), ":1:1: admin_sock: ") || !strings.Contains(err.Error(), "108 bytes, at most 107") {
		t.Errorf("got %v", err)
	}
	if _, err = load(t, `admin_sock = 'C:\`+strings.Repeat("s", 104)+"'\n"); err != nil {
		t.Errorf("got %v", err)
	}
}

func TestAFileIsNoDirectory(t *testing.T) {
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	err := SafeDir(filepath.Join(file, "dir"), os.Geteuid())
	if err == nil || !strings.Contains(err.Error(), "cannot create the directory "+filepath.Join(file, "dir")) || !strings.Contains(err.Error(), windows.ERROR_DIRECTORY.Error()) {
		t.Errorf("got %v", err)
	}
}

// TestARootedPathIsOfTheDrive: without a letter a path means the drive that is current, and without a configuration its root.
func TestARootedPathIsOfTheDrive(t *testing.T) {
	for _, tt := range [][3]string{
		{`/etc/x`, `D:\here`, `D:\etc\x`}, {`\etc\..\x`, `D:\here`, `D:\x`}, {`x`, `D:\here`, `D:\here\x`}, {``, `D:\here`, `D:\here`}, {`E:\x`, `D:\here`, `E:\x`},
	} {
		if got := absolute(tt[0], tt[1]); got != tt[2] {
			t.Errorf("%q in %s: got %s, want %s", tt[0], tt[1], got, tt[2])
		}
	}
	cfg, err := Load("", Overrides{Cwd: `C:\`, Environ: environ})
	if err != nil {
		t.Fatal(err)
	}
	spec, err := cfg.ProcessFromHash(map[string]any{"name": "a", "command": shell}, "")
	if err != nil || spec.Launch.Dir != root() || !filepath.IsAbs(root()) {
		t.Errorf("got %+v %v", spec.Launch, err)
	}
}
