package cli

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"
	"unsafe"

	"golang.org/x/sys/windows"
	"golang.org/x/sys/windows/svc"
	"golang.org/x/sys/windows/svc/eventlog"
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
	if _, err := service.Control(svc.Stop); err != nil && !errors.Is(err, windows.ERROR_SERVICE_NOT_ACTIVE) {
		return fmt.Errorf("cannot stop it: %w", err)
	}
	return asAdministrator(service.Delete())
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

// asService runs the daemon as a service: a stop and the end of the system end it in order, as an interrupt would.
func (s *session) asService(serve func() error) error {
	ctx, cancel := context.WithCancel(s.ctx)
	defer cancel()
	s.ctx, s.service = ctx, true
	h := &service{serve: serve, cancel: cancel}
	if err := svc.Run(serviceName, h); err != nil { // the name means nothing to a program that is one service
		return fmt.Errorf("cannot run as a service: %w (supervisord start is for people)", err)
	}
	if h.err != nil && codeOf(h.err) != ExitOK { // there is no terminal to say it on
		if log, err := eventlog.Open(serviceName); err == nil {
			_ = log.Error(1, h.err.Error())
			log.Close()
		}
	}
	return h.err
}

// service is what the service manager talks to.
type service struct {
	serve  func() error
	cancel context.CancelFunc
	err    error
}

// stillStopping is how often the manager is told that a stop goes on; it waits for twice as long for the next word.
const stillStopping = 5 * time.Second

// Execute is called by the service manager; it returns when the daemon has ended.
func (h *service) Execute(_ []string, requests <-chan svc.ChangeRequest, tell chan<- svc.Status) (specific bool, code uint32) {
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		h.err = h.serve()
	}()
	status := svc.Status{State: svc.Running, Accepts: svc.AcceptStop | svc.AcceptShutdown | svc.AcceptPreShutdown}
	tell <- status
	again := time.NewTicker(stillStopping)
	defer again.Stop()
	for {
		select {
		case request := <-requests:
			switch request.Cmd {
			case svc.Interrogate:
				tell <- status
			case svc.Stop, svc.Shutdown, svc.PreShutdown:
				status = svc.Status{State: svc.StopPending, WaitHint: uint32(2 * stillStopping / time.Millisecond)}
				tell <- status
				h.cancel()
			}
		case <-again.C:
			if status.State == svc.StopPending {
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
