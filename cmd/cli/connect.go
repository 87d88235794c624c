package cli

import (
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strings"

	"github.com/qjpcpu/supervisord/core/config"
	"github.com/qjpcpu/supervisord/repl"
)

// dial makes the client of the daemon that a command means: the one named by --server or SUPERVISORD_SERVER, else the
// one that runs the configuration, whose pid is then known too. Nothing is sent yet.
func (s *session) dial(c *call) (client *repl.Client, pid int, err error) {
	token := environment("SUPERVISORD_TOKEN")
	server := c.given["server"]
	if server == "" {
		server = environment("SUPERVISORD_SERVER")
	}
	if server != "" {
		client, err := repl.NewClient(server, token)
		if err != nil {
			return nil, 0, &coded{code: ExitUsage, err: err}
		}
		return client, 0, nil
	}
	path, err := config.Find(c.configuration())
	if err != nil {
		return nil, 0, err
	}
	settings, place, err := config.LoadSettings(path, config.Overrides{})
	if err != nil {
		return nil, 0, err
	}
	address := address(place, settings)
	switch info, err := place.ReadInfo(); {
	case err == nil:
		address, pid, place.Token = info.Address, info.PID, cmp.Or(info.Token, place.Token)
	case !errors.Is(err, fs.ErrNotExist) && !errors.Is(err, fs.ErrPermission):
		return nil, 0, fmt.Errorf("cannot find the daemon: %w", err)
	}
	if address == "" {
		return nil, 0, &coded{code: ExitUnreachable, err: errors.New("cannot reach the daemon: none runs, as far as its state directory tells (" + place.StateDir + ")")}
	}
	if token == "" && !strings.HasPrefix(address, "unix:") {
		// Without the file the daemon refuses and says what is missing.
		if own, err := repl.LoadToken(place.Token); err == nil {
			token = own
		}
	}
	client, err = repl.NewClient(address, token)
	if err != nil {
		return nil, 0, err
	}
	if strings.HasPrefix(address, "https://") {
		// Who cannot read the file trusts by the rules of the system.
		if chain, err := os.ReadFile(settings.AdminTLSCert); err == nil {
			if err := client.Pin(chain); err != nil {
				return nil, 0, err
			}
		}
	}
	return client, pid, nil
}

// configuration is the file named on the command line or in the environment, "" if none.
func (c *call) configuration() string {
	if path := c.given["config"]; path != "" {
		return path
	}
	return environment("SUPERVISORD_CONF")
}

// unreachable says more about a daemon that does not answer: the configuration that was named may not exist, or the daemon runs and
// somebody has removed its socket.
func (c *call) unreachable(err error) error {
	var silent *repl.UnreachableError
	if c.has("server") || environment("SUPERVISORD_SERVER") != "" || !errors.As(err, &silent) {
		return err
	}
	path := c.configuration()
	if _, missing := os.Stat(path); path != "" && errors.Is(missing, fs.ErrNotExist) {
		return usage("cannot read the configuration %s: there is no such file, and no daemon of it answers", path)
	}
	if pid := c.holder(); pid > 0 && errors.Is(err, fs.ErrNotExist) {
		return fail(ExitUnreachable, "cannot reach the daemon: it runs (pid %d), but its socket %s is gone (kill -HUP %d makes it again)",
			pid, strings.TrimPrefix(silent.Address, "unix:"), pid)
	}
	return err
}

// holder is the pid of the daemon that runs the configuration, 0 if there is none or none that can be seen.
func (c *call) holder() int {
	path, err := config.Find(c.configuration())
	if err != nil {
		return 0
	}
	_, place, err := config.LoadSettings(path, config.Overrides{})
	if err != nil {
		return 0
	}
	return place.Holder()
}
