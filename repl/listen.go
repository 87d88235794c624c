package repl

import (
	"crypto/tls"
	"fmt"
	"net"
)

// ListenOptions say how a unix socket comes to be.
type ListenOptions struct {
	// GID above zero makes the socket 0660 and gives it to this group; else it is 0600.
	GID int
	// Replace removes a socket that is already at the path. Only the holder of the daemon's lock may say so: whether
	// anybody still serves a socket cannot be told from outside.
	Replace bool
}

// TCPOptions say how a TCP listener comes to be.
type TCPOptions struct {
	// TLS wraps every connection. Its protocols are narrowed to HTTP/1.1, its least version raised to 1.2.
	TLS *tls.Config
	// Insecure allows an address beyond loopback without TLS.
	Insecure bool
}

// ListenTCP listens on addr ("127.0.0.1:9001"). An address beyond loopback, or a name, is refused unless there is TLS
// or Insecure is set.
func ListenTCP(addr string, o TCPOptions) (net.Listener, error) {
	host, _, err := net.SplitHostPort(addr)
	if err != nil {
		return nil, fmt.Errorf("cannot listen on %s: %w", addr, err)
	}
	ip := net.ParseIP(host)
	if (ip == nil || !ip.IsLoopback()) && o.TLS == nil && !o.Insecure {
		return nil, fmt.Errorf("cannot listen on %s: it is not loopback (give admin_tls_cert and admin_tls_key, or set admin_insecure = true)", addr)
	}
	ln, err := net.Listen("tcp", addr)
	if err != nil {
		return nil, fmt.Errorf("cannot listen on %s: %w", addr, err)
	}
	if o.TLS == nil {
		return ln, nil
	}
	config := o.TLS.Clone()
	config.NextProtos = []string{"http/1.1"}
	config.MinVersion = max(config.MinVersion, tls.VersionTLS12)
	return &tlsListener{Listener: ln, config: config}, nil
}

// tlsListener hands out bare connections and the configuration to wrap them with: the server counts the bare ones.
type tlsListener struct {
	net.Listener
	config *tls.Config
}
