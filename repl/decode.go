package repl

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"time"
	"unicode/utf8"
)

// maxArgv bounds the number of arguments; their length is bounded by the body's.
const maxArgv = 4096

// maxStdin bounds what was piped to a caller, in bytes.
const maxStdin = 1 << 20

// maxName bounds the length of a request's name and session in bytes.
const maxName = 1024

// DecodeRequest reads the body of POST /v1/eval. It is strict: exactly one JSON object in UTF-8 without byte order mark,
// with exactly spelt known keys, each at most once, of the right type, and nothing after it. No value of a request nests
// deeper than an array of strings, and the reader never goes deeper. Errors are of kind invalid, or too-large when the
// form is longer than maxForm bytes or stdin than 1 MiB.
func DecodeRequest(body []byte, maxForm int) (Request, *Failure) {
	var req Request
	switch {
	case bytes.HasPrefix(body, []byte("\xef\xbb\xbf")):
		return req, failf(kindInvalid, "cannot read the request: it starts with a byte order mark")
	case !utf8.Valid(body):
		return req, failf(kindInvalid, "cannot read the request: it is not UTF-8")
	}
	d := requestDecoder{json: json.NewDecoder(bytes.NewReader(body))}
	d.json.UseNumber()
	if err := d.object(&req); err != nil {
		return Request{}, failf(kindInvalid, "cannot read the request: %s", err)
	}
	switch {
	case !d.seen["form"]:
		return Request{}, failf(kindInvalid, `cannot read the request: "form" is missing`)
	case len(req.Form) > maxForm:
		return Request{}, failf(kindTooLarge, "cannot read the request: the form has %d bytes, at most %d are allowed", len(req.Form), maxForm)
	case len(req.Stdin) > maxStdin:
		return Request{}, failf(kindTooLarge, "cannot read the request: stdin has %d bytes, at most %d are allowed", len(req.Stdin), maxStdin)
	case len(req.Name) > maxName || len(req.Session) > maxName:
		return Request{}, failf(kindTooLarge, "cannot read the request: name and session have at most %d bytes", maxName)
	}
	return req, nil
}

// requestDecoder walks the tokens of a request. encoding/json alone would take keys in any case, the last of two equal
// ones, and null for anything.
type requestDecoder struct {
	json *json.Decoder
	seen map[string]bool
}

func (d *requestDecoder) object(req *Request) error {
	if t, err := d.token(); err != nil {
		return err
	} else if t != json.Delim('{') {
		return fmt.Errorf("got %s, want an object", describeToken(t))
	}
	d.seen = map[string]bool{}
	for d.json.More() {
		t, err := d.token()
		if err != nil {
			return err
		}
		key, ok := t.(string)
		if !ok {
			return fmt.Errorf("got %s, want a key", describeToken(t))
		}
		if d.seen[key] {
			return fmt.Errorf("the key %q stands twice", key)
		}
		d.seen[key] = true
		if err := d.field(key, req); err != nil {
			return err
		}
	}
	if _, err := d.token(); err != nil { // the closing brace
		return err
	}
	if _, err := d.json.Token(); !errors.Is(err, io.EOF) {
		return errors.New("something follows the object")
	}
	return nil
}

func (d *requestDecoder) field(key string, req *Request) (err error) {
	switch key {
	case "form":
		req.Form, err = d.text(key)
	case "name":
		req.Name, err = d.text(key)
	case "session":
		req.Session, err = d.text(key)
	case "stdin":
		req.Stdin, err = d.text(key)
	case "timeout":
		req.Timeout, err = d.duration(key)
	case "argv":
		req.Argv, err = d.texts(key)
	default:
		return fmt.Errorf("unknown key %q (known: form, name, session, argv, stdin, timeout)", clip(key))
	}
	return err
}

func (d *requestDecoder) text(key string) (string, error) {
	t, err := d.token()
	if err != nil {
		return "", err
	}
	s, ok := t.(string)
	if !ok {
		return "", fmt.Errorf("%q is %s, want a string", key, describeToken(t))
	}
	return s, nil
}

func (d *requestDecoder) duration(key string) (time.Duration, error) {
	s, err := d.text(key)
	if err != nil || s == "" {
		return 0, err
	}
	v, err := time.ParseDuration(s)
	if err != nil || v <= 0 {
		return 0, fmt.Errorf("%q is %q, want a time like \"30s\" above zero", key, clip(s))
	}
	return v, nil
}

func (d *requestDecoder) texts(key string) ([]string, error) {
	t, err := d.token()
	if err != nil {
		return nil, err
	}
	if t != json.Delim('[') {
		return nil, fmt.Errorf("%q is %s, want an array of strings", key, describeToken(t))
	}
	var list []string
	for d.json.More() {
		if len(list) == maxArgv {
			return nil, fmt.Errorf("%q has more than %d elements", key, maxArgv)
		}
		s, err := d.text(key)
		if err != nil {
			return nil, err
		}
		list = append(list, s)
	}
	_, err = d.token()
	return list, err
}

func (d *requestDecoder) token() (json.Token, error) {
	t, err := d.json.Token()
	switch {
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
		return nil, errors.New("the JSON ends too early")
	case err != nil:
		return nil, fmt.Errorf("not JSON: %w", err)
	}
	return t, nil
}

// describeToken names a token's type, with its article.
func describeToken(t json.Token) string {
	switch t := t.(type) {
	case nil:
		return "null"
	case bool:
		return "a boolean"
	case json.Number:
		return "a number"
	case string:
		return "a string"
	case json.Delim:
		if t == '[' || t == ']' {
			return "an array"
		}
		return "an object"
	}
	return "something else"
}

// clip shortens what a stranger sent before it is repeated to them.
func clip(s string) string {
	const most = 64
	if len(s) <= most {
		return s
	}
	return s[:most] + "…"
}
