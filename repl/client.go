package repl

import (
	"bufio"
	"bytes"
	"context"
	"crypto/tls"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net"
	"net/http"
	"net/url"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// dialTimeout bounds connecting; what the daemon takes for its answer is bounded by the caller's ctx.
const dialTimeout = 5 * time.Second

// maxReply bounds one reply, and one line of a streamed one, in bytes: a server is not trusted with our memory.
const maxReply = 64 << 20

// UnreachableError says that no daemon answered.
type UnreachableError struct {
	Address string // as given to NewClient, a path with unix: before it
	Sent    bool   // the request went out: whether it was carried out is unknown
	Err     error
}

// Error names the address, the reason, and what to try.
func (e *UnreachableError) Error() string {
	if e.Sent {
		return fmt.Sprintf("lost the daemon at %s before its answer: %s (what was asked for may have been done)", e.Address, reason(e.Err))
	}
	return fmt.Sprintf("cannot reach the daemon at %s: %s%s", e.Address, reason(e.Err), e.advice())
}

// Unwrap is the reason.
func (e *UnreachableError) Unwrap() error { return e.Err }

func (e *UnreachableError) advice() string {
	switch {
	case errors.Is(e.Err, fs.ErrNotExist), errors.Is(e.Err, syscall.ECONNREFUSED):
		return " (is it running? supervisord start starts it, -c FILE or --server names another)"
	case errors.Is(e.Err, fs.ErrPermission):
		return " (only root, the daemon's user and its admin_group may connect)"
	}
	return ""
}

// reason is the innermost text of a dial error: the address is said already.
func reason(err error) string {
	if untrusted, ok := errors.AsType[*tls.CertificateVerificationError](err); ok {
		return "its certificate is not trusted: " + untrusted.Err.Error()
	}
	if errors.Is(err, errOtherCertificate) {
		return errOtherCertificate.Error()
	}
	if errors.Is(err, http.ErrSchemeMismatch) {
		return "it does not speak TLS (give the address without https://)"
	}
	if number, ok := errors.AsType[syscall.Errno](err); ok {
		return number.Error()
	}
	if request, ok := errors.AsType[*url.Error](err); ok {
		return request.Err.Error() // what is around it is the address again
	}
	return err.Error()
}

// Client asks one daemon. Every call is a connection of its own, so a Client outlives the daemon's restarts. It may be
// used concurrently.
type Client struct {
	address string
	base    string // scheme and host of the requests
	token   string
	http    *http.Client
}

// NewClient is a client of the daemon at address: "unix:PATH" or an absolute path, "HOST:PORT", or "https://HOST:PORT" where it speaks TLS.
// token is for TCP; it is not sent over a unix socket.
func NewClient(address, token string) (*Client, error) {
	if filepath.IsAbs(address) || strings.HasPrefix(address, "/") { // as processes find it in SUPERVISOR_ADDRESS
		address = "unix:" + address
	}
	c := &Client{address: address, token: token}
	dialer := &net.Dialer{Timeout: dialTimeout}
	transport := &http.Transport{
		DisableKeepAlives:  true,
		DisableCompression: true,
		DialContext:        dialer.DialContext,
		TLSClientConfig:    &tls.Config{MinVersion: tls.VersionTLS12},
	}
	if path, ok := strings.CutPrefix(address, "unix:"); ok {
		if path == "" {
			return nil, fmt.Errorf("cannot read the address %q: the path is missing", address)
		}
		c.base, c.token = "http://localhost", ""
		transport.DialContext = func(ctx context.Context, _, _ string) (net.Conn, error) {
			return dialer.DialContext(ctx, "unix", path)
		}
	} else {
		scheme, hostport := "http", strings.TrimPrefix(address, "tcp:")
		if rest, ok := strings.CutPrefix(address, "https://"); ok {
			scheme, hostport = "https", rest
		} else if rest, ok := strings.CutPrefix(address, "http://"); ok {
			hostport = rest
		}
		host, port, err := net.SplitHostPort(hostport)
		if err != nil || port == "" || strings.ContainsAny(hostport, "/@?# ") {
			return nil, fmt.Errorf("cannot read the address %q: want unix:PATH, HOST:PORT or https://HOST:PORT", address)
		}
		if n, err := strconv.ParseUint(port, 10, 16); err != nil || n == 0 {
			return nil, fmt.Errorf("cannot read the address %q: %s is no port, want 1 to 65535", address, port)
		}
		if host == "" {
			hostport = net.JoinHostPort("127.0.0.1", port)
		}
		// What cannot stand in a header would look like a lost connection.
		if strings.ContainsFunc(token, func(r rune) bool { return r <= ' ' || r >= 0x7f }) {
			return nil, errors.New("cannot use the token: it holds a blank, a line's end or another character that no token has (SUPERVISORD_TOKEN)")
		}
		c.base = scheme + "://" + hostport
	}
	c.http = &http.Client{
		Transport:     transport,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
	return c, nil
}

// Pin makes the client trust exactly the first certificate of chain (PEM), whatever name and authority it carries, and
// no other. It is for who can read the daemon's own certificate file. Call it before the first request.
func (c *Client) Pin(chain []byte) error {
	block, rest := pem.Decode(chain)
	for block != nil && block.Type != "CERTIFICATE" {
		block, rest = pem.Decode(rest)
	}
	if block == nil {
		return errors.New("cannot pin the certificate: there is none in the file")
	}
	leaf := block.Bytes
	transport := c.http.Transport.(*http.Transport)
	// The handshake still proves that the other side has the key; only names and authorities do not count.
	transport.TLSClientConfig.InsecureSkipVerify = true
	transport.TLSClientConfig.VerifyConnection = func(state tls.ConnectionState) error {
		if len(state.PeerCertificates) == 0 || !bytes.Equal(state.PeerCertificates[0].Raw, leaf) {
			return errOtherCertificate
		}
		return nil
	}
	return nil
}

// Address is what the client was made with.
func (c *Client) Address() string { return c.address }

// Eval asks the daemon to evaluate req. With out, its output is written there as it arrives and Reply.Output is empty;
// a failing write ends the evaluation and is returned. A refusal is no error but Reply.Error. Errors: *[UnreachableError],
// or one that wraps ctx's error when ctx ended first. Whatever is in a reply may come from a hostile server: see [Plain].
func (c *Client) Eval(ctx context.Context, req Request, out io.Writer) (Reply, error) {
	body, err := json.Marshal(req)
	if err != nil {
		return Reply{}, err
	}
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, c.base+pathEval, bytes.NewReader(body))
	if err != nil {
		return Reply{}, err
	}
	r.Header.Set("Content-Type", "application/json")
	if out != nil {
		r.Header.Set("Accept", ndjson)
	}
	response, err := c.do(r)
	if err != nil {
		return Reply{}, err
	}
	defer response.Body.Close()
	if out == nil {
		out = io.Discard
	}
	reply, err := readReply(response, out)
	if failed, ok := errors.AsType[*writeError](err); ok {
		return Reply{}, failed.err
	}
	if err != nil {
		return Reply{}, c.lost(ctx, true, err)
	}
	return reply, nil
}

// Health asks whether the daemon answers, and what it says of itself (JSON). Errors are those of Eval, or a *[Failure].
func (c *Client) Health(ctx context.Context) (json.RawMessage, error) {
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, c.base+pathHealth, nil)
	if err != nil {
		return nil, err
	}
	response, err := c.do(r)
	if err != nil {
		return nil, err
	}
	defer response.Body.Close()
	text, err := io.ReadAll(io.LimitReader(response.Body, maxReply))
	switch {
	case err != nil:
		return nil, c.lost(ctx, true, err)
	case response.StatusCode == http.StatusOK && json.Valid(text):
		return text, nil
	}
	var reply Reply
	if json.Unmarshal(text, &reply) == nil && reply.Error != nil {
		return nil, reply.Error
	}
	return nil, c.lost(ctx, false, errForeign)
}

func (c *Client) do(r *http.Request) (*http.Response, error) {
	r.Header.Set("User-Agent", "supervisord")
	if c.token != "" {
		r.Header.Set("Authorization", "Bearer "+c.token)
	}
	response, err := c.http.Do(r)
	if err == nil {
		return response, nil
	}
	return nil, c.lost(r.Context(), !neverSent(err), err)
}

// neverSent tells an error of the time before the first byte of the request: while connecting or while looking at the
// other side's certificate.
func neverSent(err error) bool {
	if operation, ok := errors.AsType[*net.OpError](err); ok && operation.Op == "dial" {
		return true
	}
	_, untrusted := errors.AsType[*tls.CertificateVerificationError](err)
	_, foreign := errors.AsType[tls.RecordHeaderError](err)
	return untrusted || foreign || errors.Is(err, errOtherCertificate) || errors.Is(err, http.ErrSchemeMismatch)
}

// lost is the error of a call that got no answer.
func (c *Client) lost(ctx context.Context, sent bool, err error) error {
	if ctx.Err() != nil {
		return fmt.Errorf("gave up waiting for the daemon at %s: %w", c.address, ctx.Err())
	}
	return &UnreachableError{Address: c.address, Sent: sent && !errors.Is(err, errForeign) && !errors.Is(err, errWantsTLS), Err: err}
}

// errForeign is what an answer means that is not in our protocol.
var errForeign = errors.New("what answers there is no supervisord")

// errWantsTLS is what a daemon with a certificate says to who comes without.
var errWantsTLS = errors.New("it speaks TLS only (give the address with https:// before it)")

// errOtherCertificate is what a pinned client says of a stranger.
var errOtherCertificate = errors.New("its certificate is another than the one in the configuration")

// errCut is what a stream means that ends without a reply.
var errCut = errors.New("the connection ended")

// writeError tells a failure of the caller's writer from those of the connection.
type writeError struct{ err error }

func (e *writeError) Error() string { return e.err.Error() }

// readReply reads a buffered or a streamed answer.
func readReply(response *http.Response, out io.Writer) (Reply, error) {
	switch kind, _, _ := strings.Cut(response.Header.Get("Content-Type"), ";"); kind {
	case ndjson:
		return readStream(bufio.NewReader(response.Body), out)
	case "application/json":
	default:
		// What net/http's own server says to who does not speak TLS.
		if text, err := io.ReadAll(io.LimitReader(response.Body, 1024)); err == nil && strings.Contains(string(text), "HTTP request to an HTTPS server") {
			return Reply{}, errWantsTLS
		}
		return Reply{}, errForeign
	}
	text, err := io.ReadAll(io.LimitReader(response.Body, maxReply+1))
	if err != nil {
		return Reply{}, err
	}
	if len(text) > maxReply {
		return Reply{}, fmt.Errorf("the reply is longer than %d bytes", maxReply)
	}
	reply, err := decodeReply(text)
	if err != nil || reply.Error == nil && reply.Value == nil {
		return Reply{}, errForeign
	}
	if reply.Output != "" && out != io.Discard {
		if _, err := io.WriteString(out, reply.Output); err != nil {
			return Reply{}, &writeError{err}
		}
		reply.Output = ""
	}
	return reply, nil
}

// readStream copies output until the line that is the reply: the first with a value or an error.
func readStream(in *bufio.Reader, out io.Writer) (Reply, error) {
	for {
		line, err := readLine(in)
		if err != nil {
			return Reply{}, err
		}
		reply, err := decodeReply(line)
		if err != nil {
			return Reply{}, fmt.Errorf("a line of the reply is not JSON: %w", err)
		}
		if reply.Output != "" {
			if _, err := io.WriteString(out, reply.Output); err != nil {
				return Reply{}, &writeError{err}
			}
			reply.Output = ""
		}
		if reply.Value != nil || reply.Error != nil {
			return reply, nil
		}
	}
}

// readLine reads a line of at most maxReply bytes.
func readLine(in *bufio.Reader) ([]byte, error) {
	var line []byte
	for {
		part, err := in.ReadSlice('\n')
		if line = append(line, part...); len(line) > maxReply {
			return nil, fmt.Errorf("a line of the reply is longer than %d bytes", maxReply)
		}
		switch {
		case err == nil:
			return line, nil
		case errors.Is(err, bufio.ErrBufferFull):
		case errors.Is(err, io.EOF):
			return nil, errCut
		default:
			return nil, err
		}
	}
}
