package cli_test

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"runtime/debug"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// full is n, or a tenth of it unless the written figures are asked for.
func full(n int) int {
	if os.Getenv("SUPERVISORD_FULL") == "1" {
		return n
	}
	return max(n/10, 1)
}

// promptly is how soon status is answered, whatever others do to the daemon.
const promptly = 100 * time.Millisecond

// request is a form on its way over a socket, with these headers besides those it needs.
func request(form string, headers ...string) string {
	return gate{}.request(form, headers...)
}

func (g gate) request(form string, headers ...string) string {
	body, _ := json.Marshal(map[string]string{"form": form})
	headers = append(headers, g.right)
	host := "x" // nobody asks for it at a socket
	if g.network == "tcp" {
		host = g.address
	}
	return fmt.Sprintf("POST /v1/eval HTTP/1.1\r\nHost: "+host+"\r\nContent-Type: application/json\r\nContent-Length: %d\r\n%s\r\n%s", len(body), strings.Join(headers, ""), body)
}

// mostGrowth is by how much the daemon's memory may grow under siege, in bytes. The race detector takes several times as much.
func mostGrowth() int64 {
	if info, ok := debug.ReadBuildInfo(); ok && slices.Contains(info.Settings, debug.BuildSetting{Key: "-race", Value: "true"}) {
		return 512 << 20
	}
	return 96 << 20
}

// gate is a way to the daemon, and what it takes to be let in there.
type gate struct {
	network, address string
	right            string // a header
}

func (g gate) dial() (net.Conn, error) { return net.Dial(g.network, g.address) }

// socket is the daemon's socket, where the system tells who comes.
func (o *operated) socket() gate { return gate{network: "unix", address: o.address()} }

// ask sends one form over a connection of its own, and tells how long the answer took.
func (g gate) ask(form string) (status int, body string, took time.Duration, err error) {
	began := time.Now()
	c, err := g.dial()
	if err != nil {
		return 0, "", 0, err
	}
	defer c.Close()
	c.SetDeadline(began.Add(patience))
	io.WriteString(c, g.request(form))
	r, err := http.ReadResponse(bufio.NewReader(c), nil)
	if err != nil {
		return 0, "", time.Since(began), err
	}
	text, err := io.ReadAll(r.Body)
	return r.StatusCode, string(text), time.Since(began), err
}

// prompt fails unless status is answered promptly. A busy machine may take its time once: the best of a few tries counts.
func (o *operated) prompt(during string) {
	o.t.Helper()
	o.promptAt(o.socket(), during)
}

func (o *operated) promptAt(g gate, during string) {
	o.t.Helper()
	best := time.Hour
	for range 10 {
		status, body, took, err := g.ask(`(status)`)
		if err != nil || status != 200 {
			o.t.Errorf("%s: status is answered at %s after %s by %d %s %v", during, g.network, took, status, body, err)
			return
		}
		if best = min(best, took); best <= promptly {
			return
		}
	}
	o.t.Errorf("%s: status takes %s at %s", during, best, g.network)
}

// memory is what the daemon holds in memory, in bytes.
func (o *operated) memory() int64 {
	o.t.Helper()
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", o.daemon.command.Process.Pid))
	if err != nil {
		o.t.Fatal(err)
	}
	_, after, _ := strings.Cut(string(text), "VmRSS:")
	kib, err := strconv.ParseInt(strings.Fields(after)[0], 10, 64)
	if err != nil {
		o.t.Fatal(err)
	}
	return kib << 10
}

// attack is many connections that do the same until they are cut off or told to end.
type attack struct {
	name  string
	conns int
	run   func(c net.Conn, end <-chan struct{})
}

// trickle sends a text a few bytes at a time, and then goes on with its last byte.
func trickle(text string) func(net.Conn, <-chan struct{}) {
	return func(c net.Conn, end <-chan struct{}) {
		tick := time.NewTicker(20 * time.Millisecond)
		defer tick.Stop()
		for i := 0; ; i++ {
			b := text[min(i, len(text)-1)]
			if _, err := c.Write([]byte{b}); err != nil {
				return
			}
			select {
			case <-tick.C:
			case <-end:
				return
			}
		}
	}
}

// pour sends a head and then a text again and again, for as long as it is taken, and reads nothing.
func pour(head, text string) func(net.Conn, <-chan struct{}) {
	return func(c net.Conn, end <-chan struct{}) {
		if _, err := io.WriteString(c, head); err != nil {
			return
		}
		for {
			select {
			case <-end:
				return
			default:
			}
			c.SetWriteDeadline(time.Now().Add(200 * time.Millisecond))
			if _, err := io.WriteString(c, text); err != nil {
				return
			}
		}
	}
}

// say sends one text and waits to be cut off.
func say(text string) func(net.Conn, <-chan struct{}) {
	return func(c net.Conn, end <-chan struct{}) {
		io.WriteString(c, text)
		<-end
	}
}

func attacks() []attack {
	const head = "POST /v1/eval HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
	garbage := strings.Repeat("\x00\xff\r\n{}[]()GET / HTTP/9.9\r\n", 2000)
	return []attack{
		{"D01 headers a byte at a time", 200, trickle(head + "X-Slow: aaaaaaaa")},
		{"D01 bodies a byte at a time", 200, trickle(head + "Content-Length: 1000000\r\n\r\n{\"form\": \"")},
		{"D04 idle connections", 2000, say("")},
		{"D04 connections that stop within a request", 500, say(head)},
		{"D02 bodies without an end", 20, pour(head+"Transfer-Encoding: chunked\r\n\r\n", "10000\r\n"+strings.Repeat("x", 0x10000)+"\r\n")},
		{"D02 bodies of 100 MiB", 20, pour(head+"Content-Length: 104857600\r\n\r\n", strings.Repeat(" ", 1<<16))},
		{"D05 pipelined garbage", 50, pour("", garbage)},
		{"D05 a request and garbage behind it", 50, pour(request(`(status)`), garbage)},
		{"D06 JSON that nests without an end", 20, pour(head+"Content-Length: 1048576\r\n\r\n", strings.Repeat(`{"form":[`, 1000))},
		{"D05 pipelined requests, nobody reads the answers", 50, pour("", request(`(status)`))},
		{"D11 streams that nobody reads", 20, pour("", request(`(events)`, "Accept: application/x-ndjson\r\n"))},
		{"E18 programs without an end", 50, say(request(`(loop (x 1) (recur x))`))},
		{"E11 parentheses", 20, pour("", request(strings.Repeat("(", 200_000)))},
		{"refused methods and routes", 50, pour("", "DELETE /v1/nothing HTTP/1.1\r\nHost: x\r\n\r\n")},
	}
}

// TestStatusAnswersUnderSiege: slow clients, huge bodies, malformed HTTP and JSON, pipelined garbage, thousands of idle
// connections, endless programs; by who may come in at the socket, and by strangers at the port. One after the other and, at the end,
// all at the same time: status is answered promptly throughout, memory stays flat, and afterwards nothing of it is left.
func TestStatusAnswersUnderSiege(t *testing.T) {
	port := freeAddress()
	o := operatePrepared(t, func(o *operated) {
		o.write("supervisord.conf", "state_dir = \"state\"\nadmin_sock = \"s.sock\"\nadmin_listen = "+port+"\n"+shellProcess("web", "echo up; exec sleep 1000", ""))
	})
	o.wait("web", "running")
	token, err := os.ReadFile(o.path("state/token"))
	if err != nil {
		t.Fatal(err)
	}
	stranger := gate{network: "tcp", address: "127.0.0.1:" + port}
	friend := stranger
	friend.right = "Authorization: Bearer " + strings.TrimSpace(string(token)) + "\r\n"
	watch := func(during string) {
		t.Helper()
		o.prompt(during)
		o.promptAt(friend, during)
	}
	watch("at peace")
	if status, _, _, err := stranger.ask(`(status)`); err != nil || status < 400 {
		t.Errorf("a stranger hears %d %v", status, err)
	}
	pid, before := o.pid("web"), o.memory()
	for _, at := range []gate{o.socket(), stranger} {
		for _, a := range attacks() {
			o.assault(at, a.name, before, watch, a)
		}
		o.assault(at, "all at once", before, watch, attacks()...)
	}
	if now := o.pid("web"); now != pid {
		t.Errorf("web has another pid: %s, had %s", now, pid)
	}
	o.settles("goroutines", 40, func() int { return o.gauge("supervisord_goroutines") })
	o.settles("connections", 20, func() int { return o.gauge("supervisord_open_fds") })
}

// assault lets attackers loose at a gate, and watches for a while.
func (o *operated) assault(at gate, name string, before int64, watch func(string), all ...attack) {
	o.t.Helper()
	name += " at " + at.network
	end := make(chan struct{})
	var attackers sync.WaitGroup
	for _, a := range all {
		for range full(a.conns) {
			attackers.Go(func() {
				c, err := at.dial()
				if err != nil {
					return // refused is fine
				}
				defer c.Close()
				a.run(c, end)
			})
		}
		watch(name)
	}
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for range full(100) {
		<-tick.C
		watch(name)
		if grown := o.memory() - before; grown > mostGrowth() {
			o.t.Errorf("%s: memory has grown by %d MiB", name, grown>>20)
			break
		}
	}
	close(end)
	attackers.Wait()
	watch("after " + name)
}

// get is the body of what the daemon answers to a GET.
func (o *operated) get(path string) string {
	o.t.Helper()
	c, err := o.socket().dial()
	if err != nil {
		o.t.Fatal(err)
	}
	defer c.Close()
	c.SetDeadline(time.Now().Add(patience))
	fmt.Fprintf(c, "GET %s HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n", path)
	r, err := http.ReadResponse(bufio.NewReader(c), nil)
	if err != nil {
		o.t.Fatal(err)
	}
	text, err := io.ReadAll(r.Body)
	if err != nil {
		o.t.Fatal(err)
	}
	return string(text)
}

// gauge is one number of /metrics.
func (o *operated) gauge(name string) int {
	o.t.Helper()
	_, after, found := strings.Cut(o.get("/metrics"), "\n"+name+" ")
	number, _, _ := strings.Cut(after, "\n")
	n, err := strconv.ParseFloat(number, 64)
	if !found || err != nil {
		o.t.Fatalf("no %s", name)
	}
	return int(n)
}

// settles waits until a number is at most that.
func (o *operated) settles(what string, most int, look func() int) {
	o.t.Helper()
	late := time.After(patience)
	tick := time.NewTicker(50 * time.Millisecond)
	defer tick.Stop()
	for {
		n := look()
		if n <= most {
			return
		}
		select {
		case <-tick.C:
		case <-late:
			o.t.Fatalf("%d %s are left, want at most %d", n, what, most)
		}
	}
}

// TestA18D12OutOfDescriptorsTheDaemonAnswersAndStops: what cannot be started says why, commands get through, also past
// connections that hold what there is, and stopping something makes room.
func TestA18D12OutOfDescriptorsTheDaemonAnswersAndStops(t *testing.T) {
	o := operate(t, shellProcess("web", "echo up; exec sleep 1000", ""), "web")
	limit := unix.Rlimit{Cur: 40, Max: 40}
	if err := unix.Prlimit(o.daemon.command.Process.Pid, unix.RLIMIT_NOFILE, &limit, nil); err != nil {
		t.Fatal(err)
	}
	var form strings.Builder
	for i := range 30 {
		fmt.Fprintf(&form, "(try (add-proc {\"name\" \"p%d\" \"command\" \"/bin/sleep\" \"args\" [\"1000\"] \"stdout\" [\"%s\"] \"restart\" \"never\"}) (catch e nil))\n",
			i, o.path(fmt.Sprintf("p%d.log", i)))
	}
	o.value(form.String() + "nil")
	count := func() (up, refused int) {
		t.Helper()
		status, body, _, err := o.socket().ask(`(status "p*")`)
		if err != nil || status != 200 {
			t.Fatalf("status: %d %s %v", status, body, err)
		}
		var reply struct {
			Value []struct{ State, Reason string }
		}
		if err := json.Unmarshal([]byte(body), &reply); err != nil {
			t.Fatal(err)
		}
		for _, p := range reply.Value {
			switch {
			case p.State == "running":
				up++
			case strings.Contains(p.Reason, syscall.EMFILE.Error()):
				refused++
			}
		}
		return up, refused
	}
	up, refused := count()
	if up == 0 || refused == 0 || up+refused != 30 {
		t.Fatalf("%d run, %d were refused for want of descriptors, of 30", up, refused)
	}
	hold := func(n int, text string) (release func()) {
		var conns []net.Conn
		for range n {
			if c, err := net.Dial("unix", o.address()); err == nil {
				io.WriteString(c, text)
				conns = append(conns, c)
			}
		}
		return func() {
			for _, c := range conns {
				c.Close()
			}
		}
	}
	for name, text := range map[string]string{
		"idle connections": "",
		"half requests":    "POST /v1/eval HTTP/1.1\r\nHost: x\r\n",
		"followers":        request(`(events 0 "follow")`, "Accept: application/x-ndjson\r\n"),
		"endless programs": request(`(loop (x 1) (recur x))`),
		"patient callers":  request(`(wait "web" "fatal" 1000)`),
	} {
		release := hold(40, text)
		for range 20 {
			o.prompt(name)
		}
		if out, errs, code := o.run("", "service", "status", "web"); code != 0 || !strings.Contains(out, "running") {
			t.Errorf("%s: the command says %d %s%s", name, code, out, errs)
		}
		release()
	}
	if out, errs, code := o.run("", "service", "stop", "web"); code != 0 {
		t.Errorf("stop: %d %s%s", code, out, errs)
	}
	if out, errs, code := o.run("", "service", "stop", "p*"); code != 0 {
		t.Errorf("stop: %d %s%s", code, out, errs)
	}
	if out, errs, code := o.run("", "service", "start", "web"); code != 0 {
		t.Errorf("start, with room again: %d %s%s", code, out, errs)
	}
}
