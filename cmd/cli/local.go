package cli

import (
	"fmt"
	"os"
	"path/filepath"

	"github.com/qjpcpu/supervisord/core/config"
)

// checkConfiguration reads a configuration as start would and says everything that is wrong with it.
func (s *session) checkConfiguration(name string) error {
	path, err := config.Find(name)
	if err != nil {
		return err
	}
	if path == "" {
		return noConfiguration()
	}
	loaded, err := config.Load(path, config.Overrides{})
	if err != nil {
		return err
	}
	loaded.Warn(scarce()...)
	for _, warning := range loaded.Warnings {
		fmt.Fprintf(s.stdio.Err, "%s\n", printable("warning: "+warning.String()))
	}
	if err := s.checkScript(loaded.Settings.InitScript); err != nil {
		return err
	}
	count, problems := "processes", "no problems"
	if len(loaded.Specs) == 1 {
		count = "process"
	}
	switch n := len(loaded.Warnings); n {
	case 0:
	case 1:
		problems = "1 warning"
	default:
		problems = fmt.Sprintf("%d warnings", n)
	}
	_, err = fmt.Fprintf(s.stdio.Out, "%s: %d %s, %s\n", printable(shorter(path)), len(loaded.Specs), count, problems)
	return err
}

// scarce is what a start here would say about the limits of this process.
func scarce() []string {
	warnings, err := fitting()
	if err != nil {
		warnings = append(warnings, err.Error())
	}
	return warnings
}

func noConfiguration() error {
	return usage("cannot check: there is no configuration here (supervisord init writes one, -c FILE names one)")
}

// shorter is a path as seen from here, if that is shorter.
func shorter(path string) string {
	if here, err := os.Getwd(); err == nil {
		if relative, err := filepath.Rel(here, path); err == nil && len(relative) < len(path) {
			return relative
		}
	}
	return path
}

// init writes a configuration to start from. It never touches one that is there.
func (s *session) init(c *call) error {
	path := c.configuration()
	if path == "" {
		path = "supervisord.conf"
	}
	if err := writeNew(path, config.Starter()); err != nil {
		return err
	}
	_, err := fmt.Fprintf(s.stdio.Out, "wrote %s; now: supervisord check, then supervisord start\n", printable(path))
	return err
}

// explainKeys lists the keys that a command takes as flags.
func (s *session) explainKeys(c *command) error {
	daemon, process := table{width: widthFor(s.stdio.Out)}, table{width: widthFor(s.stdio.Out)}
	for _, key := range config.Keys() {
		name := "  " + flagPrefix + key.Name
		if key.Name == "name" {
			continue // it is a word, not a flag
		}
		if key.Alias != "" {
			name += ", " + flagPrefix + key.Alias
		}
		t := &daemon
		if key.Process {
			t = &process
		}
		t.words(name, key.Type.String(), key.Doc)
	}
	if c.title() == "start" {
		fmt.Fprintf(s.stdio.Out, "\nflags before NAME, for the daemon:\n")
		if err := daemon.write(s.stdio.Out); err != nil {
			return err
		}
	}
	fmt.Fprintf(s.stdio.Out, "\nflags after NAME, for the process:\n")
	return process.write(s.stdio.Out)
}
