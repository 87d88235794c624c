package cli

import (
	"fmt"
	"os"
	"path/filepath"

	"github.com/qjpcpu/supervisord/core/config"
)

// A service of the operating system: install makes it, the system starts it at boot and stops it in order. Where there is
// another manager of services these commands say how that is told.

// serviceName is what the service is called that nobody gave a name.
const serviceName = "supervisord"

// install makes a service of the configuration.
func (s *session) install(c *call) error {
	path, err := config.Find(c.configuration())
	if err != nil {
		return err
	}
	if path == "" {
		return usage("cannot install a service: there is no configuration (supervisord init writes one, -c FILE names one)")
	}
	if path, err = filepath.Abs(path); err != nil {
		return fmt.Errorf("cannot install a service: %w", err)
	}
	if _, err := config.Load(path, config.Overrides{}); err != nil {
		return err
	}
	program, err := os.Executable()
	if err != nil {
		return fmt.Errorf("cannot find this program: %w", err)
	}
	name := c.serviceName()
	if err := installService(name, program, []string{serviceWord, "-c", path}); err != nil {
		return fmt.Errorf("cannot install the service %s: %w", name, err)
	}
	_, err = fmt.Fprintf(s.stdio.Out, "installed the service %s for %s; it starts at boot, and now with: net start %s\n", name, path, name)
	return err
}

// serviceWord is the command that the service manager starts.
const serviceWord = "__service"

// runService is the daemon that the service manager started: its output goes where that of a daemonized one goes.
func (s *session) runService(c *call) error {
	return s.asService(func(ready *os.File) error {
		c.flags = append(c.flags, pair{"daemonize", "true"})
		from, loaded, err := s.load(c)
		if err != nil {
			return err
		}
		return s.serve(from, loaded, ready)
	})
}

// uninstall removes a service that install made.
func (s *session) uninstall(c *call) error {
	name := c.serviceName()
	if err := uninstallService(name); err != nil {
		return fmt.Errorf("cannot uninstall the service %s: %w", name, err)
	}
	_, err := fmt.Fprintf(s.stdio.Out, "uninstalled the service %s\n", name)
	return err
}

func (c *call) serviceName() string {
	if name := c.given["service"]; name != "" {
		return name
	}
	return serviceName
}
