package repl

import (
	"fmt"
	"io"
	"net"
	"strings"
	"testing"
	"time"
)

// unlimited lets a test be refused as often as it likes.
var unlimited = Limits{Failures: -1}

const form = `{"form":"(status)"}`

func TestTokenAdmits(t *testing.T) {
	h := serve(t, ServerOptions{Hosts: []string{"Admin.example"}})
	_, port, _ := net.SplitHostPort(h.tcp)
	for _, host := range []string{h.tcp, "localhost:" + port, "LOCALHOST:" + port, "[::1]:" + port, "admin.example", "admin.example:" + port} {
		if got := h.raw(t, "tcp", post(host, form, bearer)); got.status != 200 {
			t.Errorf("Host %s: %d %s", host, got.status, got.body)
		}
	}
	for _, contentType := range []string{"application/json", "Application/JSON", "application/json; charset=utf-8", `application/json;charset="UTF-8"`} {
		text := strings.Replace(post(h.tcp, form, bearer), "application/json", contentType, 1)
		if got := h.raw(t, "tcp", text); got.status != 200 {
			t.Errorf("Content-Type %s: %d %s", contentType, got.status, got.body)
		}
	}
}

// TestBrowsersAreRefused sends what a web page can make a browser send, with the right token where it would help.
func TestBrowsersAreRefused(t *testing.T) {
	h := serve(t, ServerOptions{Limits: unlimited})
	addr := h.tcp
	_, port, _ := net.SplitHostPort(addr)
	number, _ := net.LookupPort("tcp", port)
	with := func(headers ...string) string { return post(addr, form, append(headers, bearer)...) }
	hosted := func(host string) string { return post(host, form, bearer) }
	typed := func(contentType string) string {
		return strings.Replace(with(), "application/json", contentType, 1)
	}
	lined := func(line string) string { return strings.Replace(with(), "POST /v1/eval HTTP/1.1", line, 1) }
	cases := []struct {
		name, text string
		status     []int
	}{
		// Rebinding: a name of the attacker's that resolves to loopback, and all ways to spell one.
		{"rebound name", hosted("evil.example:" + port), []int{403}},
		{"rebound name without a port", hosted("evil.example"), []int{403}},
		{"name that ends like ours", hosted("xlocalhost:" + port), []int{403}},
		{"name that starts like ours", hosted("localhost.evil.example:" + port), []int{403}},
		{"nip.io", hosted("127.0.0.1.nip.io:" + port), []int{403}},
		{"rooted localhost", hosted("localhost.:" + port), []int{403}},
		{"subdomain of localhost", hosted("evil.localhost:" + port), []int{403}},
		{"no port", hosted("127.0.0.1"), []int{403}},
		{"localhost without a port", hosted("localhost"), []int{403}},
		{"another port", hosted(fmt.Sprintf("127.0.0.1:%d", number%65535+1)), []int{403}},
		{"empty port", hosted("127.0.0.1:"), []int{403}},
		{"padded port", hosted("127.0.0.1:0" + port), []int{403}},
		{"unspecified address", hosted("0.0.0.0:" + port), []int{403}},
		{"unspecified IPv6", hosted("[::]:" + port), []int{403}},
		{"mapped IPv6", hosted("[::ffff:127.0.0.1]:" + port), []int{403}},
		{"bare IPv6", hosted("::1:" + port), []int{403}},
		{"IPv6 with a zone", hosted("[::1%25lo]:" + port), []int{403}},
		{"decimal address", hosted("2130706433:" + port), []int{403}},
		{"octal address", hosted("0177.0.0.1:" + port), []int{403}},
		{"short address", hosted("127.1:" + port), []int{403}},
		{"hex address", hosted("0x7f000001:" + port), []int{403}},
		{"another loopback address", hosted("127.0.0.2:" + port), []int{403}},
		{"user in the host", hosted("localhost@evil.example:" + port), []int{400, 403}},
		{"us in the user", hosted("evil.example@" + addr), []int{400, 403}},
		{"space in the host", hosted("localhost evil"), []int{400, 403}},
		{"comma in the host", hosted(addr + ",evil.example"), []int{400, 403}},
		{"empty host", hosted(""), []int{400, 403}},
		{"two hosts", with("Host: evil.example"), []int{400}},
		{"two hosts, both ours", with("Host: " + addr), []int{400}},
		{"no host", strings.Replace(with(), "Host: "+addr+"\r\n", "", 1), []int{400}},
		{"no host in HTTP/1.0", strings.Replace(lined("POST /v1/eval HTTP/1.0"), "Host: "+addr+"\r\n", "", 1), []int{400, 403}},
		{"absolute target elsewhere", lined("POST http://evil.example/v1/eval HTTP/1.1"), []int{400}},
		{"absolute target here, host elsewhere", strings.Replace(lined("POST http://"+addr+"/v1/eval HTTP/1.1"), "Host: "+addr, "Host: evil.example", 1), []int{400}},
		{"target without its scheme", lined("POST //evil.example/v1/eval HTTP/1.1"), []int{400, 404}},
		// What browsers add.
		{"foreign origin", with("Origin: http://evil.example"), []int{403}},
		{"null origin", with("Origin: null"), []int{403}},
		{"our own origin", with("Origin: http://" + addr), []int{403}},
		{"empty origin", with("Origin:"), []int{403}},
		{"origin in small letters", with("origin: http://evil.example"), []int{403}},
		{"extension's origin", with("Origin: chrome-extension://abc"), []int{403}},
		{"referer", with("Referer: http://evil.example/x"), []int{403}},
		{"our own referer", with("Referer: http://" + addr + "/"), []int{403}},
		{"fetch site cross", with("Sec-Fetch-Site: cross-site"), []int{403}},
		{"fetch site same", with("Sec-Fetch-Site: same-origin"), []int{403}},
		{"fetch site none", with("sec-fetch-site: none"), []int{403}},
		{"fetch mode", with("Sec-Fetch-Mode: no-cors"), []int{403}},
		{"fetch destination", with("Sec-Fetch-Dest: empty"), []int{403}},
		{"client hint", with(`Sec-CH-UA: "x"`), []int{403}},
		{"do not track", with("Sec-GPC: 1"), []int{403}},
		{"private network", with("Access-Control-Request-Private-Network: true"), []int{403}},
		{"cookie", with("Cookie: token=" + testToken), []int{403}},
		{"websocket", fmt.Sprintf("GET /v1/eval HTTP/1.1\r\nHost: %s\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n%s\r\n\r\n", addr, bearer), []int{403}},
		{"upgrade to HTTP/2", with("Connection: Upgrade, HTTP2-Settings", "Upgrade: h2c", "HTTP2-Settings: AAMAAABkAAQAAP__"), []int{415}},
		// Simple requests, which need no preflight.
		{"plain text", typed("text/plain"), []int{415}},
		{"a form", typed("application/x-www-form-urlencoded"), []int{415}},
		{"multipart", typed("multipart/form-data; boundary=x"), []int{415}},
		{"JSON with suffix", typed("application/ld+json"), []int{415}},
		{"text/json", typed("text/json"), []int{415}},
		{"list of types", typed("text/plain, application/json"), []int{415}},
		{"JSON as a parameter", typed("text/plain; x=application/json"), []int{415}},
		{"other charset", typed("application/json; charset=utf-16"), []int{415}},
		{"no content type", strings.Replace(with(), "Content-Type: application/json\r\n", "", 1), []int{415}},
		{"empty content type", typed(""), []int{415}},
		{"two content types", with("Content-Type: application/json"), []int{415}},
		{"beacon", strings.Replace(typed("text/plain;charset=UTF-8"), bearer, "X: y", 1), []int{415}},
		{"encoded", with("Content-Encoding: gzip"), []int{415}},
		{"encoded by nothing", with("Content-Encoding: identity"), []int{415}},
		// Preflights.
		{"preflight", fmt.Sprintf("OPTIONS /v1/eval HTTP/1.1\r\nHost: %s\r\nOrigin: http://evil.example\r\nAccess-Control-Request-Method: POST\r\n\r\n", addr), []int{403}},
		{"preflight without an origin", fmt.Sprintf("OPTIONS /v1/eval HTTP/1.1\r\nHost: %s\r\n%s\r\n\r\n", addr, bearer), []int{405}},
		{"options of everything", fmt.Sprintf("OPTIONS * HTTP/1.1\r\nHost: %s\r\n%s\r\n\r\n", addr, bearer), []int{400, 405}},
		{"proxy", fmt.Sprintf("CONNECT %s HTTP/1.1\r\nHost: %s\r\n%s\r\n\r\n", addr, addr, bearer), []int{400, 405}},
	}
	if len(cases) < 40 {
		t.Fatalf("only %d cases", len(cases))
	}
	for _, tc := range cases {
		t.Run(tc.name, func(t *testing.T) {
			got := h.raw(t, "tcp", tc.text)
			if !contains(tc.status, got.status) {
				t.Errorf("got %d %s, want one of %v", got.status, got.body, tc.status)
			}
			for name := range got.header {
				if strings.HasPrefix(name, "Access-Control-") || name == "Server" {
					t.Errorf("the answer has %s", name)
				}
			}
		})
	}
	if seen := h.seen(); len(seen) > 0 {
		t.Errorf("%d requests reached the evaluator: %+v", len(seen), seen)
	}
}

func contains(list []int, n int) bool {
	for _, m := range list {
		if m == n {
			return true
		}
	}
	return false
}

func TestWithoutTheTokenAllRoutesAnswerAlike(t *testing.T) {
	h := serve(t, ServerOptions{Limits: unlimited, Metrics: func(io.Writer) { t.Error("metrics were asked for") }, Health: func() any {
		t.Error("health was asked for")
		return nil
	}})
	var first string
	ask := func(method, path string) {
		t.Helper()
		text := fmt.Sprintf("%s %s HTTP/1.1\r\nHost: %s\r\nContent-Type: application/json\r\n", method, path, h.tcp)
		if method == "POST" {
			text += "Content-Length: 0\r\n"
		}
		got := h.raw(t, "tcp", text+"\r\n")
		if got.status != 401 {
			t.Errorf("%s %s: got %d, want 401", method, path, got.status)
		}
		if first == "" {
			first = got.body
		}
		if got.body != first || got.header.Get("Www-Authenticate") != "Bearer" {
			t.Errorf("%s %s answers %q, others %q", method, path, got.body, first)
		}
	}
	for _, r := range h.server.ways {
		ask(r.method, r.path)
		ask("POST", r.path)
	}
	for _, path := range []string{"/", "/v1", "/v1/", "/v1/eval/", "/v1/eval?form=x", "/v1/%65val", "/v1/../v1/eval", "//v1/eval", "/v1/./eval", "/admin", "/debug/pprof/", "/RPC2", "/status"} {
		ask("POST", path)
	}
}

func TestBadTokensAreRefused(t *testing.T) {
	h := serve(t, ServerOptions{Limits: unlimited})
	for name, headers := range map[string][]string{
		"none":              nil,
		"empty":             {"Authorization:"},
		"scheme only":       {"Authorization: Bearer"},
		"no scheme":         {"Authorization: " + testToken},
		"prefix":            {bearer[:len(bearer)-1]},
		"one more":          {bearer + "x"},
		"other case":        {"Authorization: Bearer " + strings.ToUpper(testToken)},
		"tab for a space":   {"Authorization: Bearer\t" + testToken},
		"escaped space":     {bearer + "%20"},
		"wide space":        {bearer + "\u00a0"},
		"quoted":            {"Authorization: Bearer \"" + testToken + "\""},
		"list":              {bearer + ", Bearer x"},
		"lower scheme":      {"Authorization: bearer " + testToken},
		"space within":      {"Authorization: Bearer  " + testToken},
		"basic":             {"Authorization: Basic " + testToken},
		"twice":             {bearer, bearer},
		"wrong and right":   {"Authorization: Bearer x", bearer},
		"in another header": {"X-Token: " + testToken, "Proxy-Authorization: Bearer " + testToken},
		"long":              {"Authorization: Bearer " + strings.Repeat("x", 8<<10)},
		"the hash":          {fmt.Sprintf("Authorization: Bearer %x", HashToken(testToken))},
	} {
		if got := h.raw(t, "tcp", post(h.tcp, form, headers...)); got.status != 401 {
			t.Errorf("%s: %d", name, got.status)
		}
	}
	text := strings.Replace(post(h.tcp, form), "/v1/eval", "/v1/eval?token="+testToken+"&access_token="+testToken, 1)
	if got := h.raw(t, "tcp", text); got.status != 401 {
		t.Errorf("in the URL: %d", got.status)
	}
	if got := h.raw(t, "tcp", strings.Replace(post(h.tcp, form), "Host: ", "Host: x:"+testToken+"@", 1)); got.status == 200 {
		t.Errorf("in the host: %d", got.status)
	}
	if got := h.raw(t, "tcp", post(h.tcp, form, bearer+"\x00")); got.status != 400 {
		t.Errorf("with a NUL: %d", got.status)
	}
	if got := h.raw(t, "tcp", post(h.tcp, form, "Authorization: Bearer "+strings.Repeat("x", 1<<20))); got.status != 431 {
		t.Errorf("1 MiB: %d", got.status)
	}
	if len(h.seen()) > 0 {
		t.Error("one reached the evaluator")
	}
	if strings.Contains(h.logged(), testToken[:8]) {
		t.Error("the token is in the log")
	}
}

// TestTokensAreComparedWhole: whatever is wrong with a token, and where, it is as wrong; the comparison is one of two hashes of the
// same length, so that neither a length nor a beginning can be found out.
func TestTokensAreComparedWhole(t *testing.T) {
	hash := HashToken(testToken)
	if !hash.Matches(testToken) || len(hash) != 32 {
		t.Fatal("the token itself does not match")
	}
	wrong := []string{"", testToken + testToken, testToken + " ", " " + testToken, testToken + "\x00", testToken + "\n", "\x00" + testToken,
		strings.ToUpper(testToken), string(hash[:]), fmt.Sprintf("%x", hash), strings.Repeat(testToken[:32], 1<<15)}
	for n := range len(testToken) {
		changed := []byte(testToken)
		changed[n] ^= 1
		wrong = append(wrong, testToken[:n], testToken[n+1:], string(changed))
	}
	for _, token := range wrong {
		if hash.Matches(token) {
			t.Errorf("%.60q (%d bytes) matches", token, len(token))
		}
	}
}

func TestZeroHashAdmitsNobody(t *testing.T) {
	for _, token := range []string{"", string(make([]byte, 32))} {
		if (TokenHash{}).Matches(token) {
			t.Errorf("%q was admitted", token)
		}
	}
}

func TestMethodsOtherThanPostAreRefused(t *testing.T) {
	h := serve(t, ServerOptions{Limits: unlimited, Metrics: func(w io.Writer) { io.WriteString(w, "up 1\n") }})
	for _, network := range []string{"unix", "tcp"} {
		for _, method := range []string{"GET", "HEAD", "PUT", "DELETE", "PATCH", "OPTIONS", "TRACE", "X", "post", "PROPFIND"} {
			for _, path := range []string{"/v1/eval", "/v1/health", "/metrics", "/", "/nothing"} {
				text := fmt.Sprintf("%s %s HTTP/1.1\r\nHost: %s\r\nContent-Type: application/json\r\n%s\r\n\r\n", method, path, h.tcp, bearer)
				want := 405
				if method == "GET" && (path == "/v1/health" || path == "/metrics") {
					want = 200
				}
				c := h.dial(t, network)
				io.WriteString(c, text)
				var status int
				if _, err := fmt.Fscanf(c, "HTTP/1.1 %d", &status); err != nil || status != want {
					t.Errorf("%s %s %s: got %d (%v), want %d", network, method, path, status, err, want)
				}
				c.Close()
			}
		}
	}
	for _, path := range []string{"/v1/health", "/metrics"} {
		if got := h.raw(t, "unix", strings.Replace(post("x", "{}"), "/v1/eval", path, 1)); got.status != 405 {
			t.Errorf("POST %s: %d", path, got.status)
		}
		if got := h.raw(t, "unix", fmt.Sprintf("GET %s HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n\r\n{}", path)); got.status != 400 {
			t.Errorf("GET %s with a body: %d", path, got.status)
		}
	}
	if len(h.seen()) > 0 {
		t.Error("one reached the evaluator")
	}
}

func TestUnknownRoutesAreNotFound(t *testing.T) {
	h := serve(t, ServerOptions{})
	for _, path := range []string{"/", "/v1", "/v1/", "/v1/eval/", "/v1/eval?x", "/v1/%65val", "/v1/../v1/eval", "//v1/eval", "/v1/./eval", "/v1/eval;x", "/V1/EVAL", "/metrics"} {
		got := h.raw(t, "unix", strings.Replace(post("localhost", form), "/v1/eval", path, 1))
		if got.status != 404 || kindOf(t, got.body) != kindNotFound || got.header.Get("Location") != "" {
			t.Errorf("%s: %d %s", path, got.status, got.body)
		}
	}
	if len(h.seen()) > 0 {
		t.Error("one reached the evaluator")
	}
}

// TestUsersAreToldApart looks at the rule alone: a test cannot become other users.
func TestUsersAreToldApart(t *testing.T) {
	if ownUID() < 0 {
		t.Skip("users and groups have no numbers here: the folder of the socket lets in who may")
	}
	managed := func(uid int) bool { return uid == 0 || uid == ownUID() || uid == 4242 }
	a := &admission{gid: 77, managed: managed}
	for _, tc := range []struct {
		name string
		peer Peer
		in   bool
	}{
		{"root", Peer{UID: 0}, true},
		{"own", Peer{UID: ownUID()}, true},
		{"stranger", Peer{UID: 4343, GID: 4343}, false},
		{"member of the group", Peer{UID: 4343, GID: 77}, true},
		{"managed member of the group", Peer{UID: 4242, GID: 77}, false},
		{"managed", Peer{UID: 4242, GID: 4242}, false},
		{"nobody at all", Peer{UID: -1, GID: -1}, false},
	} {
		tc.peer.Transport = transportUnix
		refused := a.checkUser(tc.peer)
		if (refused == nil) != tc.in {
			t.Errorf("%s: %+v", tc.name, refused)
		}
		if refused != nil && refused.status != 403 {
			t.Errorf("%s: %d", tc.name, refused.status)
		}
	}
	if (&admission{}).checkUser(Peer{UID: 4343, GID: 0}) == nil {
		t.Error("without an admin group, group 0 admits")
	}
}

func TestFailuresAreForgottenAfterASecond(t *testing.T) {
	f := &failures{limit: 2}
	at := time.Unix(1000, 0)
	peer := Peer{Transport: transportTCP, Addr: "127.0.0.1:1"}
	for i, want := range []bool{false, false, true, true} {
		if got := f.tooMany(peer, at); got != want {
			t.Errorf("attempt %d: %v", i, got)
		}
	}
	if f.tooMany(Peer{Transport: transportTCP, Addr: "127.0.0.2:1"}, at) {
		t.Error("another peer suffers")
	}
	if f.tooMany(peer, at.Add(time.Second)) {
		t.Error("the next second is no new one")
	}
	root := Peer{Transport: transportUnix}
	for range 10 {
		if f.tooMany(root, at) {
			t.Fatal("root on the unix socket is limited")
		}
	}
	for i := range 2 * maxFailing {
		f.tooMany(Peer{Transport: transportUnix, UID: i + 1}, at)
	}
	if len(f.counts) > maxFailing {
		t.Errorf("%d peers are remembered", len(f.counts))
	}
}
