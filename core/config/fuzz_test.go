package config

import (
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"github.com/qjpcpu/supervisord/core"
)

// FuzzLoad holds that nothing panics, that every refusal is Problems with positions inside the file, and that what loads loads
// to the same again when it is written down as Effective says: no key is lost, no value bent.
func FuzzLoad(f *testing.F) {
	for _, text := range tomlSeeds() {
		f.Add(text)
	}
	for _, k := range Keys() {
		if k.Process {
			f.Add("[[process]]\nname='a'\ncommand='/bin/sh'\n" + k.Name + " = " + k.Example + "\n")
		} else {
			f.Add(k.Name + " = " + k.Example + "\n")
		}
	}
	f.Add("[[process]]\nname='a'\ncommand='sh'\nargs=['$${x}', '${PORT:-1}', '$$${y}']\nenv={A='${HOME}'}\nstart_secs=0.3\nstdout=[]\n")
	dir := f.TempDir()
	if err := os.Chmod(dir, 0o700); err != nil {
		f.Fatal(err)
	}
	path := filepath.Join(dir, "supervisord.conf")
	try := func(t *testing.T, text string) (Config, error) {
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		return Load(path, Overrides{Cwd: root(), Environ: environ})
	}
	f.Fuzz(func(t *testing.T, text string) {
		cfg, err := try(t, text)
		if err != nil {
			ps, ok := err.(Problems)
			if !ok || len(ps) == 0 {
				t.Fatalf("no Problems: %v", err)
			}
			for _, p := range ps {
				if p.Line > strings.Count(text, "\n")+1 || p.Msg == "" || strings.ContainsAny(p.Msg, "\n\x00\x1b") {
					t.Fatalf("bad problem %q", p)
				}
			}
			return
		}
		saved := effective(t, cfg)
		again, err := try(t, saved)
		if err != nil {
			t.Fatalf("%v\n%s", err, saved)
		}
		if !reflect.DeepEqual(normal(again.Specs), normal(cfg.Specs)) {
			t.Fatalf("got  %+v\nwant %+v", again.Specs, cfg.Specs)
		}
		for _, step := range core.Diff(cfg.Specs, again.Specs).Steps {
			if step.Op != core.Keep {
				t.Fatalf("%s: %v %v", step.Name, step.Op, step.Reasons)
			}
		}
	})
}

func FuzzParseEnv(f *testing.F) {
	f.Add("A=1\nexport B='x y'\nC=\"a\\nb\" # c\n#\nD = e # f\n")
	f.Fuzz(func(t *testing.T, text string) {
		env, problems := parseEnv("f", text)
		for name, value := range env {
			if validVariable(name) != nil || strings.ContainsRune(value, 0) {
				t.Fatalf("%q=%q", name, value)
			}
		}
		for _, p := range problems {
			if p.Line < 1 || p.Line > strings.Count(text, "\n")+1 {
				t.Fatalf("%+v", p)
			}
		}
	})
}
