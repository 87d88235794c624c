package repl

import (
	"bytes"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// longestAlert is more than the bytes of any record of TLS that is not data of the application, once the handshake is over:
// an alert (RFC 8446, 6) or a change of keys (4.6.3), with what seals it.
const longestAlert = 64

// hearing is how far a connection's present request got. net/http answers by itself what it cannot read (a request line or a
// header that is none, a header without an end, an expectation that it does not know), and tells nobody. That answer is known by
// being the only one that is written before a handler was called.
type hearing struct {
	taken  bool // a handler has the request, or its refusal was told
	sealed bool // the connection speaks TLS, and the handshake is over
}

// Read notes that something of a request has come. net/http tells of that only when it has read the whole header.
func (c *conn) Read(b []byte) (int, error) {
	n, err := c.Conn.Read(b)
	if n > 0 && !c.spoke.Load() {
		c.spoke.Store(true)
	}
	return n, err
}

// heard says that bytes of a request have come.
func (c *conn) heard(sealed bool) {
	c.pool.mu.Lock()
	defer c.pool.mu.Unlock()
	c.hearing.sealed = sealed
}

// take says that a handler has the request.
func (c *conn) take() {
	c.pool.mu.Lock()
	defer c.pool.mu.Unlock()
	c.hearing.taken = true
}

// Write passes on what is written, and tells the server of an answer that no handler gave.
func (c *conn) Write(b []byte) (int, error) {
	if c.unread(b) && c.pool.unread != nil {
		c.pool.unread(c, b)
	}
	return c.Conn.Write(b)
}

// unread tells, once, whether b is net/http's own answer to a request that it could not read.
func (c *conn) unread(b []byte) bool {
	c.pool.mu.Lock()
	defer c.pool.mu.Unlock()
	own := bytes.HasPrefix(b, []byte("HTTP/1.")) || c.hearing.sealed && len(b) > longestAlert
	if c.hearing.taken || !own {
		return false
	}
	c.hearing.taken = true
	return true
}

// tellUnread puts on record that somebody sent what is no request.
func (s *Server) tellUnread(c *conn, answer []byte) {
	peer, err := c.peer()
	if err != nil {
		peer = Peer{}
	}
	status, why := ownAnswer(answer)
	s.tell(Refusal{Peer: peer, Status: status, Message: "cannot read this request: " + why}, time.Now())
}

// ownAnswer is the status of an answer of net/http, and its words; under TLS nobody sees them.
func ownAnswer(b []byte) (status int, why string) {
	line, _, _ := strings.Cut(string(b[:min(len(b), 200)]), "\r\n")
	_, line, _ = strings.Cut(line, " ")
	code, why, _ := strings.Cut(line, " ")
	status, err := strconv.Atoi(code)
	if err != nil || status < 400 || why == "" {
		return http.StatusBadRequest, "it is malformed, or its header is too long"
	}
	return status, clip(why)
}
