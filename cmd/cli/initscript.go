package cli

import (
	"context"
	"path/filepath"
	"strings"

	"github.com/qjpcpu/supervisord/builtins"
	"github.com/qjpcpu/supervisord/core/config"
)

// initScript is an init script as it was evaluated.
type initScript struct {
	path, text string            // "" for none
	included   map[string]string // the texts that it included, by their paths
	broken     bool              // it was never evaluated to its end
	hooks      *builtins.Script
}

// include reads a text that the script includes: a relative name starts where the file lies that asks. It must be as
// trustworthy as the script.
func (i *initScript) include(name, from string) (text, path string, err error) {
	path = name
	if !filepath.IsAbs(path) {
		path = filepath.Join(filepath.Dir(from), path)
	}
	if text, err = config.ReadScript(path); err != nil {
		return "", "", err
	}
	i.included[path] = text
	return text, path, nil
}

// same tells whether what was included still says the same.
func (i *initScript) same() bool {
	for path, was := range i.included {
		if now, err := config.ReadScript(path); err != nil || now != was {
			return false
		}
	}
	return true
}

// changedScript reads the init script of a path and tells whether it has to be evaluated: it is another one, it includes
// something else, or the last time went wrong.
func (d *daemon) changedScript(path string) (next initScript, changed bool, err error) {
	next.path = path
	if path != "" {
		if next.text, err = config.ReadScript(path); err != nil {
			return next, true, refuseScript(err)
		}
	}
	was := d.script
	return next, next.path != was.path || next.text != was.text || was.broken || !was.same(), nil
}

// evaluateScript evaluates the init script of a path if it changed; use makes its hooks count. An error has changed nothing.
// The holder of the slot calls both.
func (d *daemon) evaluateScript(ctx context.Context, path string) (use func(), err error) {
	next, changed, err := d.changedScript(path)
	if err != nil {
		return nil, err
	}
	if !changed {
		return func() {}, nil
	}
	if path != "" {
		next.included = map[string]string{}
		if next.hooks, err = d.engine.EvalScript(ctx, path, next.text, next.include); err != nil {
			return nil, err
		}
	}
	return func() {
		d.engine.UseScript(next.hooks)
		next.hooks = nil
		d.script = next
		if path != "" {
			d.diary.Logf("evaluated %s", path)
		}
	}, nil
}

// firstScript evaluates the init script of a daemon that is up. A broken one is told wherever somebody looks and hinders
// nothing; what it has to say is returned.
func (d *daemon) firstScript(ctx context.Context) (warnings []string) {
	path := d.settings.Load().InitScript
	if path == "" {
		return nil
	}
	use, err := d.evaluateScript(ctx, path)
	if err == nil {
		use()
		return nil
	}
	d.script = initScript{path: path, broken: true}
	d.engine.ScriptFailed(path, err)
	if strings.Contains(err.Error(), "\n") {
		d.diary.Errorf("%v", err) // of one line the event, which comes into the log too, has all
	}
	const next = "init_script is broken and none of its hooks is at work: mend it, then reload"
	d.diary.Errorf(next)
	return []string{err.Error(), next}
}

// refuseScript makes an error of a script that cannot be read one of wrong input.
func refuseScript(err error) error { return config.Problems{{Msg: err.Error()}} }

// checkScript compiles the init script of a configuration.
func (s *session) checkScript(path string) error {
	if path == "" {
		return nil
	}
	text, err := config.ReadScript(path)
	if err != nil {
		return refuseScript(err)
	}
	if err := builtins.CheckScript(path, text, s.options.Verbs...); err != nil {
		return &coded{code: ExitUsage, err: err}
	}
	return nil
}
