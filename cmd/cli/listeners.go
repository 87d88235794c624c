package cli

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"os"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/qjpcpu/supervisord/core/child"
	"github.com/qjpcpu/supervisord/core/config"
	"github.com/qjpcpu/supervisord/repl"
)

// hangUp bounds how long a closed listener's last replies may take.
const hangUp = 5 * time.Second

// door is one listener as it is wanted. Two equal doors need no change.
type door struct {
	network   string // "unix" or "tcp"
	address   string // path, or host:port
	group     string
	hosts     string // comma separated
	cert, key string
	insecure  bool
}

// doors are the listeners that the settings name; without any it is the socket of the configuration's place, or where there are
// no sockets any free port of loopback.
func doors(place config.Place, s config.Settings) []door {
	var all []door
	path := place.Socket
	if s.AdminSock != "" {
		path = s.AdminSock
	}
	if path != "" && (s.AdminSock != "" || s.AdminListen == 0) {
		all = append(all, door{network: "unix", address: path, group: s.AdminGroup})
	}
	if s.AdminListen != 0 || path == "" {
		host := s.AdminBindIP
		if host == "" || s.AdminListen == 0 {
			host = "127.0.0.1"
		}
		all = append(all, door{network: "tcp", address: net.JoinHostPort(host, strconv.Itoa(s.AdminListen)),
			hosts: strings.Join(s.AdminHosts, ","), cert: s.AdminTLSCert, key: s.AdminTLSKey, insecure: s.AdminInsecure})
	}
	return all
}

// name is what --server takes.
func (d door) name() string {
	if d.network == "unix" {
		return "unix:" + d.address
	}
	if d.cert != "" {
		return "https://" + d.reached()
	}
	return d.reached()
}

// reached is the HOST:PORT under which this machine reaches a TCP door: one that listens everywhere is nowhere by name.
func (d door) reached() string {
	host, port, err := net.SplitHostPort(d.address)
	if err != nil {
		return d.address
	}
	if ip := net.ParseIP(host); ip != nil && ip.IsUnspecified() {
		host = "127.0.0.1"
		if ip.To4() == nil {
			host = "::1"
		}
	}
	return net.JoinHostPort(host, port)
}

// address is where the daemon of these settings is found; the socket if there is one. "" stands for a port that only the daemon
// knows.
func address(place config.Place, s config.Settings) string {
	if first := doors(place, s)[0]; !first.anyPort() {
		return first.name()
	}
	return ""
}

// open listens. A socket left behind by a daemon that was killed is replaced: we hold the lock.
func (d door) open() (net.Listener, error) {
	if d.network == "unix" {
		group, err := groupID(d.group)
		if err != nil {
			return nil, err
		}
		return repl.ListenUnix(d.address, repl.ListenOptions{GID: group, Replace: true})
	}
	options := repl.TCPOptions{Insecure: d.insecure}
	if d.cert != "" {
		pair, err := tls.LoadX509KeyPair(d.cert, d.key)
		if err != nil {
			return nil, fmt.Errorf("cannot listen on %s: cannot use admin_tls_cert and admin_tls_key: %w", d.address, err)
		}
		options.TLS = &tls.Config{Certificates: []tls.Certificate{pair}}
	}
	return repl.ListenTCP(d.address, options)
}

// line is an open door and the server behind it.
type line struct {
	door   door
	server *repl.Server
	ln     net.Listener
}

// opened is the door as it is: one that asked for any port has one now.
func (l line) opened() door {
	d := l.door
	if d.anyPort() {
		d.address = l.ln.Addr().String()
	}
	return d
}

// anyPort tells whether the door takes what port is free.
func (d door) anyPort() bool { return d.network == "tcp" && strings.HasSuffix(d.address, ":0") }

// switchboard serves on the open doors and changes them while it serves.
type switchboard struct {
	server func(door) (*repl.Server, error)

	mu      sync.Mutex
	lines   []line
	serving bool
	ended   bool
	wait    sync.WaitGroup
	broken  chan error // a listener that failed by itself
}

func newSwitchboard(server func(door) (*repl.Server, error), wanted []door) (*switchboard, error) {
	b := &switchboard{server: server, broken: make(chan error, 1)}
	added, _, err := b.prepare(wanted)
	b.lines = added
	return b, err
}

// prepare opens the doors of wanted that are not open yet and tells which lines they leave without use. Nothing that is
// open is touched; on an error, nothing new stays open.
func (b *switchboard) prepare(wanted []door) (added, obsolete []line, err error) {
	b.mu.Lock()
	have := slices.Clone(b.lines)
	b.mu.Unlock()
	for _, l := range have {
		if !slices.Contains(wanted, l.door) || l.lost() {
			obsolete = append(obsolete, l)
		}
	}
	for _, d := range wanted {
		if slices.ContainsFunc(have, func(l line) bool { return l.door == d && !l.lost() }) {
			continue
		}
		l := line{door: d}
		if l.server, err = b.server(d); err == nil {
			l.ln, err = d.open()
		}
		if err != nil {
			for _, l := range added {
				l.ln.Close()
			}
			return nil, nil, err
		}
		added = append(added, l)
	}
	return added, obsolete, nil
}

// opened is the wanted door as it is open.
func (b *switchboard) opened(wanted door) door {
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, l := range b.lines {
		if l.door == wanted {
			return l.opened()
		}
	}
	return wanted
}

// lost tells whether somebody removed the socket under its listener.
func (l line) lost() bool {
	if l.door.network != "unix" {
		return false
	}
	_, err := os.Lstat(l.door.address)
	return errors.Is(err, os.ErrNotExist)
}

// swap begins to serve what prepare opened and hangs up what it found obsolete, after the replies under way.
func (b *switchboard) swap(added, obsolete []line) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.ended {
		for _, l := range added {
			l.ln.Close()
		}
		return
	}
	b.lines = slices.DeleteFunc(b.lines, func(l line) bool {
		return slices.ContainsFunc(obsolete, func(o line) bool { return o.server == l.server })
	})
	b.lines = append(b.lines, added...)
	if b.serving {
		for _, l := range added {
			b.serve(l)
		}
	}
	for _, l := range obsolete {
		b.wait.Go(func() { l.hangUp() })
	}
}

func (l line) hangUp() {
	ctx, cancel := context.WithTimeout(context.Background(), hangUp)
	defer cancel()
	// What could not be sent in time is cut off; there is nobody to tell.
	_ = l.server.Shutdown(ctx)
	l.ln.Close()
}

// serve answers on one line; b.mu is held.
func (b *switchboard) serve(l line) {
	b.wait.Go(func() {
		if err := l.server.Serve(l.ln); err != nil {
			select {
			case b.broken <- err:
			default:
			}
		}
	})
}

// begin answers on all lines.
func (b *switchboard) begin() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.serving = true
	for _, l := range b.lines {
		b.serve(l)
	}
}

// end hangs up all lines and waits for the last reply.
func (b *switchboard) end() {
	b.mu.Lock()
	b.ended = true
	lines := b.lines
	b.lines = nil
	b.mu.Unlock()
	for _, l := range lines {
		b.wait.Go(l.hangUp)
	}
	b.wait.Wait()
}

// hostNames are the further names of a TCP listener.
func (d door) hostNames() []string {
	if d.hosts == "" {
		return nil
	}
	return strings.Split(d.hosts, ",")
}

// childAddress is what processes find in SUPERVISOR_ADDRESS: the path of the socket, HOST:PORT, or https://HOST:PORT.
func childAddress(d door) string { return strings.TrimPrefix(d.name(), "unix:") }

// groupID is the number of a group, 0 for none.
func groupID(group string) (int, error) {
	if group == "" {
		return 0, nil
	}
	identity, err := child.LookupUser("", group)
	if err != nil {
		return 0, fmt.Errorf("cannot use admin_group: %w", err)
	}
	return int(identity.GID), nil
}

// abandon closes what prepare opened and nobody will serve.
func abandon(lines []line) {
	for _, l := range lines {
		l.ln.Close()
	}
}
