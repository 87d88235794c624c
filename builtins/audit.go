package builtins

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"sync"
	"sync/atomic"
	"time"
)

// record is one line of the audit log. encoding/json escapes what could end a line or harm a terminal, so that no
// argument can forge another line.
type record struct {
	At       string   `json:"at"`
	ID       uint64   `json:"id"`               // the same in the lines of one effect
	Within   uint64   `json:"within,omitempty"` // the id of the program that called the verb
	Phase    string   `json:"phase,omitempty"`  // "begin", "end"; "" for a refusal
	Who      string   `json:"who"`
	Head     string   `json:"head"`           // the verb, "program", or "request" for one that was not let in
	Form     string   `json:"form,omitempty"` // the first head of a program
	Name     string   `json:"name,omitempty"`
	Args     []string `json:"args,omitempty"`
	Number   int      `json:"number,omitempty"` // of a request that was not let in, among those of its peer in this hour
	SHA256   string   `json:"sha256,omitempty"` // of a program's text
	Decision string   `json:"decision"`         // "allowed", "forbidden"
	Outcome  string   `json:"outcome,omitempty"`
	Error    string   `json:"error,omitempty"`
	Millis   *float64 `json:"ms,omitempty"`
}

// auditor writes the audit log.
type auditor struct {
	mu    sync.Mutex
	out   io.Writer // nil: no audit
	fault func(format string, args ...any)
	last  atomic.Uint64
}

// write writes one line.
func (a *auditor) write(r record) error {
	if a.out == nil {
		return nil
	}
	r.At = time.Now().UTC().Format(timeLayout)
	line, err := json.Marshal(r)
	if err != nil {
		return err
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	_, err = a.out.Write(append(line, '\n'))
	return err
}

// begin writes the line before an effect; end writes the one after. When the first cannot be written, the daemon's log
// says so, and what runs commands does not happen.
func (a *auditor) begin(r record, power Power) (record, error) {
	r.ID, r.Phase, r.Decision = a.last.Add(1), "begin", "allowed"
	if err := a.write(r); err != nil {
		a.fault("cannot write the audit log: %v", err)
		if power == Execute {
			return r, fmt.Errorf("cannot call %s: the audit log cannot be written: %w", r.Head, err)
		}
	}
	return r, nil
}

func (a *auditor) end(r record, began time.Time, err error) {
	r.Phase, r.Outcome = "end", "ok"
	if err != nil {
		r.Outcome, r.Error = KindOf(err), cut(maskText(err.Error()), longestCall)
	}
	took := float64(time.Since(began).Microseconds()) / 1000
	r.Millis = &took
	if err := a.write(r); err != nil {
		a.fault("cannot write the audit log: %v", err)
	}
}

// refused writes the one line of what was not allowed.
func (a *auditor) refused(r record, err error) {
	r.ID, r.Decision, r.Outcome, r.Error = a.last.Add(1), "forbidden", KindOf(err), cut(maskText(err.Error()), longestCall)
	if err := a.write(r); err != nil {
		a.fault("cannot write the audit log: %v", err)
	}
}

// Refused writes into the audit log that a request was not let in, and so read no further. who sent it; what it was, a method and a
// path; number, its place among those of who that were refused in this hour. The caller bounds how often: the audit log is rotated,
// and what anybody can make grow without end pushes out what should stay.
func (e *Engine) Refused(who, what string, number int, why error) {
	e.audit.refused(record{Who: who, Head: "request", Name: cut(maskText(what), longestCall), Number: number}, why)
}

// Audited does what changes the daemon and was asked for by no form, a signal for example, between the two lines of the audit log
// that a form of this head would leave. who stands in them.
func (e *Engine) Audited(who, head string, do func() error) error {
	line, err := e.audit.begin(record{Who: who, Head: head}, Operate)
	if err != nil {
		return err
	}
	began := time.Now()
	err = errPanic
	defer func() { e.audit.end(line, began, err) }()
	err = do()
	return err
}

// fingerprint is the hash of a program's text.
func fingerprint(text string) string {
	sum := sha256.Sum256([]byte(text))
	return hex.EncodeToString(sum[:])
}
