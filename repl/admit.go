package repl

import (
	"mime"
	"net"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"
)

// refusal is an answer to a request that is not let in.
type refusal struct {
	status  int
	failure *Failure
}

func refuse(status int, kind, format string, args ...any) *refusal {
	return &refusal{status, failf(kind, format, args...)}
}

// admission is the rule of who may ask. It is looked at before any route, so that none can be without
// it, and its answers do not depend on whether a route exists.
type admission struct {
	token   TokenHash
	hosts   []string
	gid     int
	managed func(uid int) bool
}

// check is the rule, in order: the form of the request, whether a browser sent it, method, content, identity.
func (a *admission) check(r *http.Request, peer Peer, local net.Addr) *refusal {
	tcp := peer.Transport != transportUnix
	if r.URL.Scheme != "" || r.URL.Host != "" || r.URL.User != nil || !strings.HasPrefix(r.RequestURI, "/") {
		return refuse(http.StatusBadRequest, kindInvalid, "cannot take this request: its target is not a path")
	}
	if tcp {
		if refused := a.checkBrowser(r, local); refused != nil {
			return refused
		}
	}
	if refused := checkContent(r); refused != nil {
		return refused
	}
	if tcp {
		return a.checkToken(r)
	}
	return a.checkUser(peer)
}

// checkBrowser keeps web pages out: one cannot choose the Host of its requests, nor leave out what browsers add.
func (a *admission) checkBrowser(r *http.Request, local net.Addr) *refusal {
	if !a.ownHost(r.Host, local) {
		return refuse(http.StatusForbidden, kindForbidden, "forbidden: the Host header %q is not one of this daemon (see admin_hosts)", clip(r.Host))
	}
	for name := range r.Header {
		if name == "Origin" || name == "Referer" || name == "Cookie" || strings.HasPrefix(name, "Sec-") || strings.HasPrefix(name, "Access-Control-") {
			return refuse(http.StatusForbidden, kindForbidden, "forbidden: a request with the header %s comes from a browser", name)
		}
	}
	return nil
}

// ownHost tells whether host names this listener: a loopback name with the port listened on, the address listened on,
// or one of the configured names (which hold for every port unless they name one).
func (a *admission) ownHost(host string, local net.Addr) bool {
	host = strings.ToLower(host)
	addr, ok := local.(*net.TCPAddr)
	if !ok {
		return false
	}
	port := strconv.Itoa(addr.Port)
	for _, name := range []string{"127.0.0.1", "localhost", "::1", addr.IP.String()} {
		if host == net.JoinHostPort(name, port) {
			return true
		}
	}
	return slices.ContainsFunc(a.hosts, func(name string) bool {
		name = strings.ToLower(name)
		return host == name || host == name+":"+port
	})
}

// methodFor is the method that a path takes, whether or not there is such a route.
func methodFor(path string) string {
	if path == pathHealth || path == pathMetrics {
		return http.MethodGet
	}
	return http.MethodPost
}

// checkContent lets in a POST of plain JSON, and a GET where a route has one.
func checkContent(r *http.Request) *refusal {
	get := r.Method == http.MethodGet && methodFor(r.URL.Path) == http.MethodGet
	if r.Method != http.MethodPost && !get {
		return refuse(http.StatusMethodNotAllowed, kindInvalid, "cannot take this request: the method is %s, want %s", clip(r.Method), methodFor(r.URL.Path))
	}
	if len(r.Header["Content-Encoding"]) > 0 || len(r.Header["Upgrade"]) > 0 {
		return refuse(http.StatusUnsupportedMediaType, kindInvalid, "cannot take this request: no encodings and no other protocols are spoken here")
	}
	if get {
		if r.ContentLength != 0 {
			return refuse(http.StatusBadRequest, kindInvalid, "cannot take this request: a GET with a body")
		}
		return nil
	}
	types := r.Header["Content-Type"]
	if len(types) != 1 || !isJSON(types[0]) {
		return refuse(http.StatusUnsupportedMediaType, kindInvalid, "cannot take this request: the content type is %s, want application/json", clip(strconv.Quote(strings.Join(types, ", "))))
	}
	return nil
}

func isJSON(contentType string) bool {
	if contentType == "application/json" {
		return true // what nearly everybody sends, without taking it apart
	}
	kind, params, err := mime.ParseMediaType(contentType)
	if err != nil || kind != "application/json" {
		return false
	}
	charset, given := params["charset"]
	return len(params) == 0 || given && len(params) == 1 && strings.EqualFold(charset, "utf-8")
}

// checkToken lets in who carries the token. The answer to everybody else is one and the same.
func (a *admission) checkToken(r *http.Request) *refusal {
	if values := r.Header["Authorization"]; len(values) == 1 {
		if token, ok := strings.CutPrefix(values[0], "Bearer "); ok && a.token.Matches(token) {
			return nil
		}
	}
	return refuse(http.StatusUnauthorized, kindUnauthorized, "unauthorized: the daemon's token is needed (SUPERVISORD_TOKEN)")
}

// checkUser lets in root, the daemon's own user, and the members of the admin group that no managed service runs as.
func (a *admission) checkUser(peer Peer) *refusal {
	switch {
	case peer.UID == 0, peer.UID == ownUID():
		return nil
	case a.managed != nil && a.managed(peer.UID):
		return refuse(http.StatusForbidden, kindForbidden, "forbidden: uid %d is that of a supervised process", peer.UID)
	case a.gid > 0 && inGroup(peer.UID, peer.GID, a.gid):
		return nil
	}
	return refuse(http.StatusForbidden, kindForbidden, "forbidden: uid %d is neither root, nor the daemon's user, nor of its admin_group", peer.UID)
}

// maxFailing bounds how many peers are counted in one second; it is more than can connect.
const maxFailing = 4096

// failures counts refused requests by peer and second. It never holds up a request that is in order: who guesses tokens
// from this host cannot lock out who has one.
type failures struct {
	limit  int
	mu     sync.Mutex
	second int64
	counts map[string]int
}

// tooMany counts one and tells whether this peer has had its number.
func (f *failures) tooMany(peer Peer, now time.Time) bool {
	if f.limit < 0 || peer.Transport == transportUnix && peer.UID == 0 {
		return false
	}
	key := peer.key()
	f.mu.Lock()
	defer f.mu.Unlock()
	if s := now.Unix(); s != f.second || f.counts == nil {
		f.second, f.counts = s, map[string]int{}
	}
	if len(f.counts) >= maxFailing {
		return true
	}
	f.counts[key]++
	return f.counts[key] > f.limit
}
