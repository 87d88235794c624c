package cli

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"
	"time"
	"unsafe"

	"golang.org/x/sys/windows"
	"golang.org/x/sys/windows/svc"
	"golang.org/x/sys/windows/svc/mgr"
)

// installService makes a service of the program with these arguments that starts with the system, under LocalSystem, and again
// when it fails. What it starts in turn are the processes, so a failure of one of them is none of the service.
func installService(name, program string, args []string) error {
	if strings.ContainsAny(name, `/\`) || name == "" {
		return &coded{code: ExitUsage, err: errors.New(`a service's name has neither / nor \`)}
	}
	m, err := mgr.Connect()
	if err != nil {
		return asAdministrator(err)
	}
	defer m.Disconnect()
	service, err := m.CreateService(name, program, mgr.Config{
		StartType:   mgr.StartAutomatic,
		DisplayName: name + " (process supervisor)",
		Description: "Starts the processes of its configuration and keeps them running.",
	}, args...)
	if errors.Is(err, windows.ERROR_SERVICE_EXISTS) {
		return &coded{code: ExitConflict, err: errors.New("there is one already (supervisord uninstall removes it, --service NAME makes another)")}
	}
	if err != nil {
		return asAdministrator(err)
	}
	defer service.Close()
	if err := addEventSource(name); err != nil {
		return fmt.Errorf("it is made, but the event log does not know its name: %w", err)
	}
	again := mgr.RecoveryAction{Type: mgr.ServiceRestart, Delay: time.Second}
	if err := service.SetRecoveryActions([]mgr.RecoveryAction{again, again, again}, 24*60*60); err != nil {
		return fmt.Errorf("it is made, but will not be started again after a failure: %w", err)
	}
	return nil
}

// uninstallService marks a service as one to remove, which it is when it has stopped.
func uninstallService(name string) error {
	m, err := mgr.Connect()
	if err != nil {
		return asAdministrator(err)
	}
	defer m.Disconnect()
	service, err := m.OpenService(name)
	if errors.Is(err, windows.ERROR_SERVICE_DOES_NOT_EXIST) {
		return &coded{code: ExitNotFound, err: errors.New("there is no such service")}
	}
	if err != nil {
		return asAdministrator(err)
	}
	defer service.Close()
	line, err := commandOf(service.Handle)
	if err != nil {
		return asAdministrator(err)
	}
	if !strings.Contains(line, " "+serviceWord+" ") {
		return &coded{code: ExitConflict, err: fmt.Errorf("it is not one of supervisord install: it runs %s", line)}
	}
	if _, err := service.Control(svc.Stop); err != nil && !stopsAlready(err) {
		return fmt.Errorf("cannot stop it: %w", err)
	}
	if err := service.Delete(); err != nil {
		return asAdministrator(err)
	}
	if err := removeEventSource(name); err != nil {
		return fmt.Errorf("it is removed, but the event log still knows its name: %w", err)
	}
	return nil
}

// stopsAlready tells whether a service refuses to be stopped because it has stopped or is about to.
func stopsAlready(err error) bool {
	return errors.Is(err, windows.ERROR_SERVICE_NOT_ACTIVE) || errors.Is(err, windows.ERROR_SERVICE_CANNOT_ACCEPT_CTRL)
}

// commandOf is the command line of a service.
func commandOf(service windows.Handle) (string, error) {
	size := uint32(8 << 10) // the largest there is (MSDN, QueryServiceConfig)
	buffer := make([]byte, size)
	config := (*windows.QUERY_SERVICE_CONFIG)(unsafe.Pointer(&buffer[0]))
	if err := windows.QueryServiceConfig(service, config, size, &size); err != nil {
		return "", err
	}
	return windows.UTF16PtrToString(config.BinaryPathName), nil
}

// asAdministrator says what is missing.
func asAdministrator(err error) error {
	if errors.Is(err, windows.ERROR_ACCESS_DENIED) {
		return &coded{code: ExitForbidden, err: fmt.Errorf("%w (run this as an administrator)", err)}
	}
	return err
}

// asService runs the daemon as a service, which runs when the daemon answers; a stop and the end of the system end it in order,
// as an interrupt would.
func (s *session) asService(serve func(ready *os.File) error) error {
	ctx, cancel := context.WithCancel(s.ctx)
	defer cancel()
	s.ctx = ctx
	news, ready, err := os.Pipe()
	if err != nil {
		return fmt.Errorf("cannot make a pipe: %w", err)
	}
	defer news.Close()
	h := &service{name: serviceName, serve: serve, ready: ready, news: news, cancel: cancel}
	if err := svc.Run(serviceName, h); err != nil { // the name means nothing to a program that is one service
		return fmt.Errorf("cannot run as a service: %w (supervisord start is for people)", err)
	}
	if h.err != nil && codeOf(h.err) != ExitOK { // there is no terminal to say it on
		logEvent(h.name, h.err)
	}
	return h.err
}

// service is what the service manager talks to.
type service struct {
	name   string
	serve  func(ready *os.File) error
	ready  *os.File // where the daemon says that it answers
	news   *os.File // where that is read
	cancel context.CancelFunc
	err    error
}

// stillPending is how often the manager is told that a start or a stop goes on; it waits for twice as long for the next word.
const stillPending = 5 * time.Second

// Execute is called by the service manager; it returns when the daemon has ended. The first argument is the service's name.
func (h *service) Execute(args []string, requests <-chan svc.ChangeRequest, tell chan<- svc.Status) (specific bool, code uint32) {
	if len(args) > 0 {
		h.name = args[0]
	}
	ended, answers := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(ended)
		defer h.ready.Close() // what fails before it is handed on would leave the reader waiting
		h.err = h.serve(h.ready)
	}()
	go func() {
		if news, err := listen(h.news); err == nil && news.Error == "" {
			close(answers)
		}
	}()
	pending := func(state svc.State) svc.Status {
		return svc.Status{State: state, WaitHint: uint32(2 * stillPending / time.Millisecond)}
	}
	status := pending(svc.StartPending)
	tell <- status
	again := time.NewTicker(stillPending)
	defer again.Stop()
	for {
		select {
		case <-answers:
			answers = nil
			if status.State == svc.StartPending {
				status = svc.Status{State: svc.Running, Accepts: svc.AcceptStop | svc.AcceptShutdown | svc.AcceptPreShutdown}
				tell <- status
			}
		case request := <-requests:
			switch request.Cmd {
			case svc.Interrogate:
				tell <- status
			case svc.Stop, svc.Shutdown, svc.PreShutdown:
				status = pending(svc.StopPending)
				tell <- status
				h.cancel()
			}
		case <-again.C:
			if status.State != svc.Running {
				status.CheckPoint++
				tell <- status
			}
		case <-ended:
			if code := codeOf(h.err); code != ExitOK {
				return true, uint32(code)
			}
			return false, 0
		}
	}
}
