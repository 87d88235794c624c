package config

import (
	"errors"
	"fmt"
	"net/netip"
	"os"
)

// checkSettings looks at the daemon's keys together.
func (l *loader) checkSettings() {
	s := l.settings
	bad := func(key, format string, args ...any) {
		l.problems = append(l.problems, l.daemonPlace(key, format, args...))
	}
	for _, k := range []struct {
		key   string
		given bool
	}{{"admin_group", s.AdminGroup != ""}, {"hide_args", s.HideArgs}} {
		if why := unavailable(k.key); k.given && why != "" {
			bad(k.key, "%s: %s", k.key, why)
		}
	}
	if s.AdminGroup != "" && unavailable("admin_group") == "" {
		if err := l.accounts.check("", s.AdminGroup); err != nil {
			err = l.veil("admin_group", err)
			bad("admin_group", "admin_group: %v", err)
		}
	}
	if s.AdminGroup != "" && s.AdminSock == "" && s.AdminListen == 0 {
		l.warnings = append(l.warnings, l.daemonPlace("admin_group", "admin_group: its members cannot reach the default socket, whose folder is private: set admin_sock to one in a folder they may enter"))
	}
	loopback := true
	if s.AdminBindIP != "" && s.AdminBindIP != "localhost" {
		ip, err := netip.ParseAddr(s.AdminBindIP)
		if err != nil {
			bad("admin_bind_ip", "admin_bind_ip: %v", l.veil("admin_bind_ip", errors.New(quote(s.AdminBindIP)+" is no IP address")))
		} else {
			loopback = ip.Unmap().IsLoopback()
		}
	}
	tls := s.AdminTLSCert != "" && s.AdminTLSKey != ""
	if !loopback && !tls && !s.AdminInsecure {
		bad("admin_bind_ip", "admin_bind_ip: %s is beyond this machine: give admin_tls_cert and admin_tls_key, or admin_insecure = true", clip(s.AdminBindIP))
	}
	switch {
	case s.AdminTLSCert != "" && s.AdminTLSKey == "":
		bad("admin_tls_cert", "admin_tls_cert: admin_tls_key is missing")
	case s.AdminTLSKey != "" && s.AdminTLSCert == "":
		bad("admin_tls_key", "admin_tls_key: admin_tls_cert is missing")
	}
	for _, f := range []struct{ key, path string }{{"admin_tls_cert", s.AdminTLSCert}, {"admin_tls_key", s.AdminTLSKey}} {
		if f.path == "" {
			continue
		}
		if info, err := os.Stat(f.path); err != nil {
			bad(f.key, "%s: cannot read %s: %v", f.key, f.path, reason(err))
		} else if !info.Mode().IsRegular() {
			bad(f.key, "%s: %s is not a regular file", f.key, f.path)
		}
	}
	if s.AdminListen == 0 {
		for _, k := range []struct {
			key   string
			given bool
		}{{"admin_bind_ip", s.AdminBindIP != ""}, {"admin_tls_cert", s.AdminTLSCert != ""}, {"admin_hosts", len(s.AdminHosts) > 0}} {
			if k.given {
				l.warnings = append(l.warnings, l.daemonPlace(k.key, "%s means nothing without admin_listen", k.key))
			}
		}
	}
	for _, f := range []struct{ key, path string }{{"log", s.Log}, {"admin_sock", s.AdminSock}, {"state_dir", s.StateDir}, {"init_script", s.InitScript}} {
		if f.path != "" && same(f.path, l.path) {
			bad(f.key, "%s: %s is the configuration itself", f.key, f.path)
			return
		}
	}
	if info, err := os.Lstat(s.AdminSock); s.AdminSock != "" && err == nil && info.Mode()&(os.ModeSocket|os.ModeSymlink) == 0 {
		bad("admin_sock", "admin_sock: %s exists and is no socket", s.AdminSock)
	}
	if info, err := os.Stat(s.StateDir); s.StateDir != "" && err == nil && !info.IsDir() {
		bad("state_dir", "state_dir: %s is no directory", s.StateDir)
	}
	if info, err := os.Stat(s.Log); s.Log != "" && err == nil && info.IsDir() {
		bad("log", "log: %s is a directory", s.Log)
	}
	if len(s.AdminSock) > maxSocketPath {
		bad("admin_sock", "admin_sock: %s is too long for a socket: %d bytes, at most %d", s.AdminSock, len(s.AdminSock), maxSocketPath)
	}
}

// veil hides an error that may show what a ${...} stands for.
func (l *loader) veil(key string, err error) error {
	if l.hidden[key] {
		return errHidden
	}
	return err
}

// daemonPlace is a problem of one of the daemon's keys: at the key when it stands in the file, else at the flag that gave it.
func (l *loader) daemonPlace(key, format string, args ...any) Problem {
	msg := fmt.Sprintf(format, args...)
	if _, inFile := l.raw[key]; inFile {
		return l.mark(trail("").key(key), msg)
	}
	return Problem{Msg: flagPrefix + msg}
}
