package builtins

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/qjpcpu/supervisord/lisp"
)

// The bounds of a request.
const (
	httpPatience = 15 * time.Second // when nothing else is said
	longestHTTP  = time.Hour        // that can be asked for
	mostBody     = 1 << 20          // bytes, of requests and answers
)

const httpDoc = "Options stand before the address, as quoted symbols or strings: '-H \"Name: value\" (any number of times), '-d BODY (text and\n" +
	"bytes as they are; arrays and hashes as JSON, or a hash as a form when a content type says so), '-timeout 3 or \"300ms\" (15 s),\n" +
	"'-i (the result is (headers . body)), '-ignore-error (a failure is a body that begins with [GLISP_HTTP_ERROR]). Bodies have at\n" +
	"most 1 MiB, and certificates are verified."

// httpPrims ask other servers. Every request has a connection of its own, so that nothing is left of it.
func httpPrims() []lisp.Prim {
	client := &http.Client{Transport: &http.Transport{Proxy: http.ProxyFromEnvironment, DisableKeepAlives: true, MaxResponseHeaderBytes: 1 << 16,
		ForceAttemptHTTP2: true}}
	var all []lisp.Prim
	for _, method := range []string{"get", "post", "put", "patch", "delete", "options", "head"} {
		name := "http/" + method
		all = append(all, lisp.Prim{Name: name, Params: "option...", Doc: "Asks by " + strings.ToUpper(method) + " and gives the body as bytes: (" + name + " OPTION... URL).\n" +
			"An answer with a status of 400 or more is an error that has the body as its value; where '-i shows the status, and under\n" +
			"'-ignore-error, it is a value like any other, as with http/curl.\n" + httpDoc,
			Example: "(try (" + name + " '-timeout 1 \"http://127.0.0.1:1/\") (catch e (error-kind e))) => \"failed\"",
			Fn: func(t *lisp.Thread, args []lisp.Value) (lisp.Value, error) {
				a, err := fetch(t, client, name, strings.ToUpper(method), args)
				if err == nil {
					err = a.refusal(name)
				}
				return a.value, err
			}})
	}
	return append(all, lisp.Prim{Name: "http/curl", Params: "option...",
		Doc: "Asks by GET, or by '-X METHOD, and gives (status . body), with '-i (status headers . body): (http/curl OPTION... URL).\n" +
			"Any status is a success.\n" + httpDoc,
		Example: "(car (http/curl '-ignore-error '-X \"HEAD\" \"http://127.0.0.1:1/\")) => 502",
		Fn: func(t *lisp.Thread, args []lisp.Value) (lisp.Value, error) {
			a, err := fetch(t, client, "http/curl", "", args)
			return lisp.Cons(lisp.Int(int64(a.status)), a.value), err
		}})
}

// inquiry is a request as its options say.
type inquiry struct {
	method  string
	address string
	header  http.Header
	body    []byte
	timeout time.Duration
	headers bool // of the answer are wanted
	lenient bool // a failure is an answer too
}

// httpAnswer is what a server said.
type httpAnswer struct {
	status  int
	named   string // the status in words
	value   lisp.Value
	address string
	shown   bool // whether the value shows the status, or the caller takes any
}

// refusal is the error that a status which nobody would see stands for.
func (a httpAnswer) refusal(verb string) error {
	if a.status < http.StatusBadRequest || a.shown {
		return nil
	}
	return lisp.Errorf(kindFailed, "cannot call %s: %s answers %s (http/curl gives status and body)", verb, cut(maskText(a.address), 200), a.named).
		WithValue(a.value)
}

// fetch asks and gives the answer.
func fetch(t *lisp.Thread, client *http.Client, verb, method string, args []lisp.Value) (a httpAnswer, err error) {
	q, err := inquire(verb, method, args)
	if err != nil {
		return a, err
	}
	var answer *http.Response
	var body []byte
	ctx := t.Context()
	t.Wait(func() { answer, body, err = q.send(ctx, client) })
	switch {
	case err != nil && t.Context().Err() != nil:
		return a, over(t)
	case err != nil && q.lenient && KindOf(err) != kindTooLarge:
		answer = &http.Response{StatusCode: http.StatusBadGateway, Status: "502 Bad Gateway"}
		body = []byte("[GLISP_HTTP_ERROR] " + err.Error())
	case err != nil:
		return a, err
	}
	if err := t.Alloc(int64(len(body) + 64)); err != nil {
		return a, err
	}
	a = httpAnswer{answer.StatusCode, answer.Status, lisp.Bytes(body), q.address, q.headers || q.lenient}
	if !q.headers {
		return a, nil
	}
	h := lisp.NewHash()
	for _, name := range slices.Sorted(maps.Keys(answer.Header)) {
		h.SetString(name, lisp.String(strings.Join(answer.Header.Values(name), ", ")))
	}
	h.SetString("Status", lisp.String(answer.Status))
	h.SetString("StatusCode", lisp.String(strconv.Itoa(answer.StatusCode)))
	a.value = lisp.Cons(lisp.HashValue(h), a.value)
	return a, nil
}

// inquire reads the options and the address.
func inquire(verb, method string, args []lisp.Value) (q inquiry, err error) {
	q = inquiry{method: method, header: http.Header{}, timeout: httpPatience}
	bad := func(format string, args ...any) error {
		return lisp.Errorf(kindInvalid, "cannot call "+verb+": "+format, args...)
	}
	var data lisp.Value
	hasData := false
	for i := 0; i < len(args); i++ {
		word, ok := textOf(args[i])
		if !ok {
			return q, lisp.Errorf(kindType, "cannot call %s: argument %d is %s, want an option or the address", verb, i+1, kindName(args[i]))
		}
		if !strings.HasPrefix(word, "-") {
			if q.address != "" {
				return q, bad("there are two addresses, %q and %q", cut(maskText(q.address), 64), cut(maskText(word), 64))
			}
			q.address = word
			continue
		}
		switch word {
		case "-i":
			q.headers = true
			continue
		case "-ignore-error":
			q.lenient = true
			continue
		case "-H", "-d", "-timeout", "-X":
		default:
			return q, bad("there is no option %s, want -H, -d, -timeout, -X, -i or -ignore-error", cut(word, 64))
		}
		if i++; i == len(args) {
			return q, bad("nothing follows %s", word)
		}
		text, isText := textOf(args[i])
		switch {
		case word == "-d":
			data, hasData = args[i], true
		case word == "-timeout":
			if q.timeout, err = patience(verb, args[i], longestHTTP); err != nil {
				return q, err
			}
		case !isText:
			return q, bad("%s is %s, want a string", word, kindName(args[i]))
		case word == "-X" && method != "":
			return q, bad("-X is for http/curl only")
		case word == "-X":
			q.method = text
		default:
			name, value, found := strings.Cut(text, ":")
			if !found {
				return q, bad("a header is \"Name: value\"")
			}
			q.header.Add(strings.TrimSpace(name), strings.TrimSpace(value))
		}
	}
	if q.method == "" {
		q.method = http.MethodGet
	}
	if q.address == "" {
		return q, bad("there is no address")
	}
	if !strings.Contains(q.address, "://") {
		q.address = "http://" + q.address
	}
	if hasData {
		if q.body, err = q.encode(data); err != nil {
			return q, err
		}
		if len(q.body) > mostBody {
			return q, lisp.Errorf(kindTooLarge, "cannot call %s: the body has more than %d bytes", verb, mostBody)
		}
	}
	return q, nil
}

// encode makes a body of a value.
func (q *inquiry) encode(v lisp.Value) ([]byte, error) {
	if data, ok := v.AsBytes(); ok {
		return data, nil
	}
	kind := q.header.Get("Content-Type")
	hash, isHash := v.AsHash()
	_, isList := v.Elements()
	switch {
	case isHash && strings.Contains(kind, "form"):
		form := url.Values{}
		hash.Each(func(k, item lisp.Value) bool { form.Set(lisp.Display(k), lisp.Display(item)); return true })
		return []byte(form.Encode()), nil
	case isHash || isList:
		if kind == "" {
			q.header.Set("Content-Type", "application/json")
		}
		return lisp.AppendJSON(nil, v)
	}
	return []byte(lisp.Display(v)), nil
}

// send asks and reads the answer. Messages show the address without what may be secret in it.
func (q *inquiry) send(parent context.Context, client *http.Client) (*http.Response, []byte, error) {
	ctx, cancel := context.WithTimeout(parent, q.timeout)
	defer cancel()
	host := q.address
	if u, err := url.Parse(q.address); err == nil && u.Host != "" {
		host = u.Host
	}
	host = cut(oneLine(maskText(host)), 128)
	request, err := http.NewRequestWithContext(ctx, q.method, q.address, bytes.NewReader(q.body))
	if err != nil {
		return nil, nil, lisp.Errorf(kindInvalid, "cannot ask %s: the address or the method is malformed", host)
	}
	request.Header = q.header
	if request.Header.Get("User-Agent") == "" {
		request.Header.Set("User-Agent", "supervisord")
	}
	if name := request.Header.Get("Host"); name != "" {
		request.Host = name
	}
	answer, err := client.Do(request)
	if err == nil {
		defer answer.Body.Close()
		var body []byte
		if body, err = io.ReadAll(io.LimitReader(answer.Body, mostBody+1)); err == nil {
			if len(body) > mostBody {
				return nil, nil, lisp.Errorf(kindTooLarge, "cannot ask %s: the answer has more than %d bytes", host, mostBody)
			}
			return answer, body, nil
		}
	}
	var within *url.Error
	if errors.As(err, &within) {
		err = within.Err
	}
	if ctx.Err() != nil && parent.Err() == nil {
		return nil, nil, lisp.Errorf(kindTimeout, "cannot ask %s: no answer within %v", host, q.timeout)
	}
	return nil, nil, fmt.Errorf("cannot ask %s: %w", host, err)
}
