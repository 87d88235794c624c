package repl

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"math/big"
	"net"
	"net/http"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

func TestClientAsksByEveryKindOfAddress(t *testing.T) {
	h := serve(t, ServerOptions{})
	_, port, _ := net.SplitHostPort(h.tcp)
	for _, address := range []string{"unix:" + h.sock, h.tcp, "localhost:" + port, ":" + port, "tcp:" + h.tcp, "http://" + h.tcp} {
		if address == "unix:" {
			continue // this system has no unix sockets
		}
		c, err := NewClient(address, testToken)
		if err != nil {
			t.Fatal(err)
		}
		reply, err := c.Eval(t.Context(), Request{Form: "(status)"}, nil)
		if err != nil || reply.Text != "(status)" || string(reply.Value) != `"(status)"` {
			t.Errorf("%s: %+v, %v", address, reply, err)
		}
	}
}

func TestBadAddressesAreRefused(t *testing.T) {
	for _, address := range []string{"", "unix:", "localhost", "localhost:", "http://x/y:1", "https://", "a:b:c", "user@host:80", "host:80/path", "localhost:0", "localhost:99999", "localhost:http", "https://localhost:-1"} {
		if c, err := NewClient(address, ""); err == nil {
			t.Errorf("%q became %s", address, c.base)
		}
	}
}

// TestATokenThatIsNoneIsRefused before anything is sent; over a unix socket none is.
func TestATokenThatIsNoneIsRefused(t *testing.T) {
	for _, token := range []string{"a\n", "a b", "ä", "\x00"} {
		if _, err := NewClient("127.0.0.1:9001", token); err == nil || !strings.Contains(err.Error(), "cannot use the token: ") {
			t.Errorf("%q: %v", token, err)
		}
		if _, err := NewClient("unix:/run/s.sock", token); err != nil {
			t.Error(err)
		}
	}
}

// TestAPathIsASocket: processes find the path of the socket, and nothing else, in SUPERVISOR_ADDRESS.
func TestAPathIsASocket(t *testing.T) {
	path, err := filepath.Abs("no.sock") // with a drive before it on Windows
	if err != nil {
		t.Fatal(err)
	}
	c, err := NewClient(path, "")
	if err != nil {
		t.Fatal(err)
	}
	var silent *UnreachableError
	if _, err := c.Health(t.Context()); !errors.As(err, &silent) || silent.Address != "unix:"+path {
		t.Errorf("%v", err)
	}
}

func TestAbsentDaemonIsUnreachable(t *testing.T) {
	path := socketPath(t)
	staleSocketPath := path + "2"
	ln, err := net.Listen("unix", staleSocketPath)
	if err != nil {
		t.Fatal(err)
	}
	ln.(*net.UnixListener).SetUnlinkOnClose(false)
	ln.Close()
	tcp, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	tcp.Close()
	for address, want := range map[string]string{
		"unix:" + path:            "no such file or directory (is it running?",
		"unix:" + staleSocketPath: "connection refused (is it running?",
		tcp.Addr().String():       "connection refused (is it running?",
	} {
		c, err := NewClient(address, "")
		if err != nil {
			t.Fatal(err)
		}
		for _, err := range []error{second(c.Eval(t.Context(), Request{}, nil)), second(c.Health(t.Context()))} {
			u, ok := errors.AsType[*UnreachableError](err)
			if !ok || u.Sent || u.Address != address || !strings.Contains(err.Error(), want) || !strings.Contains(err.Error(), "cannot reach the daemon at "+address) {
				t.Errorf("%s: %v", address, err)
			}
		}
	}
}

func TestRefusalIsAReply(t *testing.T) {
	h := serve(t, ServerOptions{})
	c, err := NewClient(h.tcp, "wrong")
	if err != nil {
		t.Fatal(err)
	}
	reply, err := c.Eval(t.Context(), Request{Form: "x"}, io.Discard)
	if err != nil || reply.Error == nil || reply.Error.Kind != kindUnauthorized {
		t.Errorf("got %+v, %v", reply, err)
	}
	if _, err := c.Health(t.Context()); err == nil || !strings.Contains(err.Error(), "unauthorized") {
		t.Errorf("got %v", err)
	}
}

func TestTokenStaysOffTheUnixSocket(t *testing.T) {
	path := socketPath(t)
	ln, err := net.Listen("unix", path)
	if err != nil {
		t.Fatal(err)
	}
	defer ln.Close()
	got := make(chan string, 1)
	go func() {
		c, err := ln.Accept()
		if err != nil {
			return
		}
		defer c.Close()
		b := make([]byte, 4096)
		n, _ := c.Read(b)
		got <- string(b[:n])
	}()
	c, err := NewClient("unix:"+path, testToken)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := c.Eval(t.Context(), Request{}, nil); err == nil {
		t.Error("an answer came")
	}
	if text := await(t, "the request", got); strings.Contains(text, testToken) || !strings.HasPrefix(text, "POST /v1/eval HTTP/1.1\r\n") {
		t.Errorf("sent %s", text)
	}
}

// TestHostileServersAreSurvived answers what no daemon answers.
func TestHostileServersAreSurvived(t *testing.T) {
	endless := func(w http.ResponseWriter, contentType, piece string) {
		w.Header().Set("Content-Type", contentType)
		for range (maxReply + 10<<20) / len(piece) {
			if _, err := io.WriteString(w, piece); err != nil {
				return
			}
		}
	}
	for name, tc := range map[string]struct {
		answer func(http.ResponseWriter, *http.Request)
		want   string
		sent   bool
	}{
		"a web page": {func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, "<html>") }, "no supervisord", false},
		"other JSON": {func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", "application/json")
			fmt.Fprint(w, `{"hello":1}`)
		}, "no supervisord", false},
		"no JSON": {func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", "application/json")
			fmt.Fprint(w, `{"value":`)
		}, "no supervisord", false},
		"elsewhere": {func(w http.ResponseWriter, r *http.Request) {
			http.Redirect(w, r, "http://127.0.0.1:1/", http.StatusTemporaryRedirect)
		}, "no supervisord", false},
		"nothing": {func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) }, "EOF", true},
		"endless value": {func(w http.ResponseWriter, _ *http.Request) {
			endless(w, "application/json", strings.Repeat(" ", 1<<20))
		}, "longer than", true},
		"endless line": {func(w http.ResponseWriter, _ *http.Request) { endless(w, ndjson, strings.Repeat(" ", 1<<20)) }, "longer than", true},
		"broken line":  {func(w http.ResponseWriter, _ *http.Request) { endless(w, ndjson, "{\n") }, "not JSON", true},
		"no reply": {func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", ndjson)
			fmt.Fprintln(w, `{"output":"x"}`)
		}, "the connection ended", true},
		"half the reply": {func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", ndjson)
			fmt.Fprint(w, `{"value":1`)
		}, "the connection ended", true},
	} {
		t.Run(name, func(t *testing.T) {
			ln, err := net.Listen("tcp", "127.0.0.1:0")
			if err != nil {
				t.Fatal(err)
			}
			srv := &http.Server{Handler: http.HandlerFunc(tc.answer)}
			go srv.Serve(ln)
			defer srv.Close()
			c, err := NewClient(ln.Addr().String(), "")
			if err != nil {
				t.Fatal(err)
			}
			_, err = c.Eval(t.Context(), Request{Form: "x"}, io.Discard)
			u, ok := errors.AsType[*UnreachableError](err)
			if !ok || u.Sent != tc.sent || !strings.Contains(err.Error(), tc.want) {
				t.Errorf("got %v", err)
			}
		})
	}
}

func TestGivingUpIsTold(t *testing.T) {
	s := newStepper()
	h := serve(t, ServerOptions{Eval: s.eval})
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
	defer cancel()
	if _, err := h.client(t).Eval(ctx, Request{Form: "x"}, nil); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("got %v", err)
	}
}

// certificate makes one for 127.0.0.1, and a pool that trusts it.
func certificate(t *testing.T) (tls.Certificate, *x509.CertPool) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	now := time.Now()
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), NotBefore: now.Add(-time.Hour), NotAfter: now.Add(time.Hour),
		IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}, IsCA: true, BasicConstraintsValid: true,
		KeyUsage: x509.KeyUsageDigitalSignature | x509.KeyUsageCertSign,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	cert, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	pool := x509.NewCertPool()
	pool.AddCert(cert)
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}, pool
}

func TestTLSServesTheSameWithTheSameRules(t *testing.T) {
	h := serve(t, ServerOptions{})
	cert, pool := certificate(t)
	ln, err := ListenTCP("127.0.0.1:0", TCPOptions{TLS: &tls.Config{Certificates: []tls.Certificate{cert}, NextProtos: []string{"h2"}}})
	if err != nil {
		t.Fatal(err)
	}
	ended := make(chan error, 1)
	go func() { ended <- h.server.Serve(ln) }()
	ask := func(token string) (Reply, error) {
		c, err := NewClient("https://"+ln.Addr().String(), token)
		if err != nil {
			t.Fatal(err)
		}
		c.http.Transport.(*http.Transport).TLSClientConfig.RootCAs = pool
		return c.Eval(t.Context(), Request{Form: "x"}, io.Discard)
	}
	if reply, err := ask(testToken); err != nil || reply.Text != "x" {
		t.Errorf("got %+v, %v", reply, err)
	}
	if reply, err := ask("no"); err != nil || reply.Error == nil || reply.Error.Kind != kindUnauthorized {
		t.Errorf("got %+v, %v", reply, err)
	}
	c, err := tls.Dial("tcp", ln.Addr().String(), &tls.Config{RootCAs: pool, NextProtos: []string{"h2", "http/1.1"}})
	if err != nil {
		t.Fatal(err)
	}
	if got := c.ConnectionState().NegotiatedProtocol; got != "http/1.1" {
		t.Errorf("speaks %q", got)
	}
	c.Close()
	if _, err := tls.Dial("tcp", ln.Addr().String(), &tls.Config{RootCAs: pool, MaxVersion: tls.VersionTLS11}); err == nil {
		t.Error("speaks TLS 1.1")
	}
	if err := h.server.Shutdown(t.Context()); err != nil {
		t.Error(err)
	}
	if err := await(t, "the end", ended); err != nil {
		t.Error(err)
	}
	if idle, used := h.server.tcp.census(); idle+used > 0 {
		t.Errorf("%d connections are left", idle+used)
	}
}

func TestWideListenersNeedTLSOrConsent(t *testing.T) {
	for addr, ok := range map[string]bool{
		"127.0.0.1:0": true, "[::1]:0": true, "127.0.0.2:0": true,
		"0.0.0.0:0": false, "[::]:0": false, ":0": false, "192.0.2.1:0": false, "localhost:0": false, "127.0.0.1": false, "x:y:z": false,
	} {
		ln, err := ListenTCP(addr, TCPOptions{})
		if err == nil {
			ln.Close()
		}
		if addr == "[::1]:0" && err != nil && !strings.Contains(err.Error(), "not loopback") {
			continue // no IPv6 here
		}
		if (err == nil) != ok {
			t.Errorf("%s: %v", addr, err)
		}
	}
	ln, err := ListenTCP("0.0.0.0:0", TCPOptions{Insecure: true})
	if err != nil {
		t.Fatal(err)
	}
	ln.Close()
}
