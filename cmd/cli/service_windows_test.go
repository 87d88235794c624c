package cli_test

import (
	"encoding/json"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/windows"
	"golang.org/x/sys/windows/registry"
	"golang.org/x/sys/windows/svc"
	"golang.org/x/sys/windows/svc/mgr"
)

// TestAServiceStartsAndStopsInOrder: the service manager starts what install made; a stop of the service is an orderly shutdown
// of the daemon, which leaves nothing.
func TestAServiceStartsAndStopsInOrder(t *testing.T) {
	const sound = "[[process]]\nname = 'steady'\nPROGRAM'stay']\nstop_wait_secs = 1\n"
	p := install(t, sound)
	name := "supervisord-test-" + strconv.Itoa(os.Getpid())
	conf := filepath.Join(p.dir, "supervisord.conf")
	if code, text := p.run("install", "-c", conf, "--service", name); code == 5 {
		t.Skipf("only an administrator can install a service: %s", text)
	} else if code != 0 {
		t.Fatalf("install: exit code %d: %s", code, text)
	}
	defer p.refused(4, "there is no such service", "uninstall", "--service", name)
	removed := false
	defer func() {
		if !removed {
			p.run("uninstall", "--service", name)
		}
	}()
	p.refused(8, "there is one already", "install", "-c", conf, "--service", name)
	source := `SYSTEM\CurrentControlSet\Services\EventLog\Application\` + name
	if key, err := registry.OpenKey(registry.LOCAL_MACHINE, source, registry.QUERY_VALUE); err != nil {
		t.Errorf("the event log does not know the service: %v", err)
	} else {
		key.Close()
	}
	// A configuration that is broken by now: the service does not run, and the manager is told the code.
	p.configure("[[process]]\nname = 1\n")
	m, err := mgr.Connect()
	if err != nil {
		t.Fatal(err)
	}
	defer m.Disconnect()
	service, err := m.OpenService(name)
	if err != nil {
		t.Fatal(err)
	}
	defer service.Close()
	if err := service.Start(); err != nil {
		t.Errorf("starting it with a broken configuration: %v", err)
	}
	if s := settled(t, service); s.State != svc.Stopped || s.ServiceSpecificExitCode != 2 {
		t.Errorf("the service: %+v, want it stopped with code 2", s)
	}
	p.configure(sound)
	if out, err := exec.Command("net", "start", name).CombinedOutput(); err != nil {
		t.Fatalf("net start: %v: %s", err, out)
	}
	if s := settled(t, service); s.State != svc.Running {
		t.Errorf("the service: %+v, want it running", s)
	}
	p.must([]string{"service", "wait", "steady", "running", "60"}) // the daemon answers by now
	process := p.open(p.status("steady").PID)
	var info struct{ PID int }
	text, err := os.ReadFile(filepath.Join(p.dir, "state", "daemon.json"))
	if err = errors.Join(err, json.Unmarshal(text, &info)); err != nil {
		t.Fatal(err)
	}
	daemon := p.open(info.PID)
	if _, err := service.Control(svc.Stop); err != nil {
		t.Fatal(err)
	}
	p.gone([]windows.Handle{process, daemon})
	log, err := os.ReadFile(filepath.Join(p.dir, "state", "supervisord.log"))
	if err != nil || !strings.Contains(string(log), "steady: stopped") {
		t.Errorf("the daemon did not stop it in order: %v\n%s", err, log)
	}
	if _, err := os.Stat(filepath.Join(p.dir, "state", "daemon.json")); err == nil {
		t.Error("the daemon left its address")
	}
	p.must([]string{"uninstall", "--service", name}, "uninstalled")
	removed = true
	if key, err := registry.OpenKey(registry.LOCAL_MACHINE, source, registry.QUERY_VALUE); err == nil {
		t.Error("the event log still knows the service")
		key.Close()
	}
}

// settled asks until a service's start has come to its end. The manager tells of changes only by calls from threads that Go has not.
func settled(t *testing.T, service *mgr.Service) svc.Status {
	t.Helper()
	for end := time.Now().Add(patience); ; <-time.After(20 * time.Millisecond) {
		s, err := service.Query()
		if err != nil {
			t.Fatal(err)
		}
		if s.State != svc.StartPending || time.Now().After(end) {
			return s
		}
	}
}
