package cli

import (
	"errors"
	"io/fs"

	"golang.org/x/sys/windows/registry"
	"golang.org/x/sys/windows/svc/eventlog"
)

// Where there is no terminal a daemon that cannot start says why in the event log, under the name of its service.

// eventSources is where the event log looks up who may write into it (MSDN, Eventlog Key).
const eventSources = `SYSTEM\CurrentControlSet\Services\EventLog\Application\`

// addEventSource makes a name known to the event log; one that it knows already is as good.
func addEventSource(name string) error {
	key, err := registry.OpenKey(registry.LOCAL_MACHINE, eventSources+name, registry.QUERY_VALUE)
	if err == nil {
		return key.Close()
	}
	return eventlog.InstallAsEventCreate(name, eventlog.Error|eventlog.Warning|eventlog.Info)
}

// removeEventSource makes the event log forget a name.
func removeEventSource(name string) error {
	if err := eventlog.Remove(name); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return nil
}

// logEvent writes an error into the event log; if it cannot, there is nowhere left to say so.
func logEvent(name string, failed error) {
	if log, err := eventlog.Open(name); err == nil {
		_ = log.Error(1, failed.Error())
		log.Close()
	}
}
