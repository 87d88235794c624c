package repl

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"sync"
	"unicode/utf8"
)

// maxPending is how many bytes of output wait for the client before the program does.
const maxPending = 64 << 10

// stream answers by one JSON object a line: output as it happens, then the reply.
func (s *Server) stream(ctx context.Context, end context.CancelCauseFunc, w http.ResponseWriter, req Request) {
	w.Header().Set("Content-Type", ndjson)
	w.WriteHeader(http.StatusOK)
	out := newOutlet(ctx)
	sent := make(chan error, 1)
	go func() {
		err := out.pump(func(chunk []byte) error {
			s.deadline(w, s.limits.Chunk)
			if _, err := w.Write(chunk); err != nil {
				return err
			}
			return http.NewResponseController(w).Flush()
		})
		if err != nil {
			end(errClientGone)
		}
		sent <- err
	}()
	reply := s.evaluate(ctx, req, out)
	out.finish()
	if err := <-sent; err != nil {
		panic(http.ErrAbortHandler)
	}
	s.deadline(w, s.limits.Reply)
	w.Write(append(appendReply(nil, reply), '\n'))
}

// outlet is where a program's output waits for the connection. Many small writes become one chunk when the connection
// is slower than the program, and none waits when it is not.
type outlet struct {
	ctx  context.Context
	mu   sync.Mutex
	buf  []byte
	done bool
	dead bool          // the client takes nothing any more
	more chan struct{} // one token: there is something to send, or it is done
	room chan struct{} // closed and replaced when the buffer was taken
}

func newOutlet(ctx context.Context) *outlet {
	return &outlet{ctx: ctx, more: make(chan struct{}, 1), room: make(chan struct{})}
}

// Write takes p, waiting for the client while too much is pending.
func (o *outlet) Write(p []byte) (int, error) {
	written := 0
	for {
		o.mu.Lock()
		if o.dead || o.done {
			o.mu.Unlock()
			return written, failf(kindCancelled, "cancelled: the client has gone")
		}
		n := min(maxPending-len(o.buf), len(p)-written)
		o.buf = append(o.buf, p[written:written+n]...)
		written += n
		room := o.room
		o.mu.Unlock()
		o.signal()
		if written == len(p) {
			return written, nil
		}
		select {
		case <-room:
		case <-o.ctx.Done():
			return written, failureOf(o.ctx)
		}
	}
}

func (o *outlet) signal() {
	select {
	case o.more <- struct{}{}:
	default:
	}
}

// finish says that nothing more is written.
func (o *outlet) finish() {
	o.mu.Lock()
	o.done = true
	o.mu.Unlock()
	o.signal()
}

// take removes what is pending, but for the first bytes of a character whose last are still to come.
func (o *outlet) take() (text []byte, done bool) {
	o.mu.Lock()
	defer o.mu.Unlock()
	whole := len(o.buf)
	if !o.done {
		whole -= torn(o.buf)
	}
	text = bytes.Clone(o.buf[:whole])
	o.buf = append(o.buf[:0], o.buf[whole:]...)
	close(o.room)
	o.room = make(chan struct{})
	return text, o.done
}

// torn is how many bytes at the end of p begin a character that is not complete.
func torn(p []byte) int {
	for i := 1; i <= min(utf8.UTFMax-1, len(p)); i++ {
		if b := p[len(p)-i]; utf8.RuneStart(b) {
			if utf8.FullRune(p[len(p)-i:]) {
				return 0
			}
			return i
		}
	}
	return 0
}

// pump sends until finish was called and everything is sent, or send fails.
func (o *outlet) pump(send func([]byte) error) error {
	for range o.more {
		text, done := o.take()
		if len(text) > 0 {
			if err := send(appendChunk(nil, text)); err != nil {
				o.mu.Lock()
				o.dead = true
				close(o.room)
				o.room = make(chan struct{})
				o.mu.Unlock()
				return err
			}
		}
		if done {
			return nil
		}
	}
	return nil
}

// appendChunk is a line of output as it is sent.
func appendChunk(dst, text []byte) []byte {
	dst = append(dst, `{"output":`...)
	dst = appendString(dst, string(text))
	return append(dst, "}\n"...)
}

// appendReply is a reply as it is sent, on one line without its end.
func appendReply(dst []byte, r Reply) []byte {
	value := r.Value
	if len(value) == 0 && r.Error != nil {
		value = r.Error.Value
	}
	if len(value) == 0 && r.Error == nil {
		value = json.RawMessage("null")
	}
	if bytes.ContainsRune(value, '\n') || bytes.ContainsRune(value, '\r') {
		var line bytes.Buffer
		if err := json.Compact(&line, value); err != nil {
			return appendReply(dst, Reply{Output: r.Output, Error: failf(kindFailed, "cannot send the value: %s", err)})
		}
		value = line.Bytes()
	}
	// One allocation instead of a dozen copies of a reply that may be half a megabyte; escapes rarely take more than an eighth.
	dst = slices.Grow(dst, len(value)+len(r.Text)+len(r.Text)/8+len(r.Output)+len(r.Output)/8+128)
	dst = append(dst, '{')
	key := func(name string) {
		if dst[len(dst)-1] != '{' {
			dst = append(dst, ',')
		}
		dst = append(append(append(dst, '"'), name...), `":`...)
	}
	if len(value) > 0 {
		key("value")
		dst = append(dst, value...)
	}
	if r.Error == nil || r.Text != "" {
		key("text")
		dst = appendString(dst, r.Text)
	}
	if r.Error == nil || r.Output != "" {
		key("output")
		dst = appendString(dst, r.Output)
	}
	if r.Exit != 0 {
		key("exit")
		dst = appendJSON(dst, r.Exit)
	}
	if r.Error != nil {
		key("error")
		dst = appendJSON(dst, r.Error)
	}
	if r.Trouble != nil {
		key("trouble")
		dst = appendJSON(dst, r.Trouble)
	}
	return append(dst, '}')
}

// appendString is s as JSON; bytes that are no UTF-8 become U+FFFD.
func appendString(dst []byte, s string) []byte {
	dst = append(dst, '"')
	start := 0 // of what is not copied yet
	for i := 0; i < len(s); {
		if c := s[i]; c >= ' ' && c < 0x7f && c != '"' && c != '\\' {
			i++
			continue
		}
		size, escape := 1, ""
		switch c := s[i]; {
		case c == '"':
			escape = `\"`
		case c == '\\':
			escape = `\\`
		case c == '\n':
			escape = `\n`
		case c == '\t':
			escape = `\t`
		case c < ' ' || c == 0x7f:
			escape = fmt.Sprintf(`\u%04x`, c)
		case c >= utf8.RuneSelf:
			var r rune
			r, size = utf8.DecodeRuneInString(s[i:])
			if r == utf8.RuneError && size == 1 {
				escape = `\ufffd`
			}
		}
		if escape != "" {
			dst = append(append(dst, s[start:i]...), escape...)
			start = i + size
		}
		i += size
	}
	return append(append(dst, s[start:]...), '"')
}

// appendJSON is a value of this package's own as JSON, which cannot fail.
func appendJSON(dst []byte, v any) []byte {
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(v); err != nil {
		panic(err)
	}
	return append(dst, bytes.TrimRight(b.Bytes(), "\n")...)
}
