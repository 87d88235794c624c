package builtins

import (
	"context"
	"encoding/json"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/qjpcpu/supervisord/core"
	"github.com/qjpcpu/supervisord/core/logs"
	"github.com/qjpcpu/supervisord/lisp"
)

// TestUsageIsOfTheWholeTree: children count, and so does one that went into a session of its own and lost its parent, or threw
// its environment away; one that did all of that where a cgroup holds the tree.
func TestUsageIsOfTheWholeTree(t *testing.T) {
	h, err := oneHost()
	if err != nil {
		t.Fatal(err)
	}
	set := logs.New(logs.Options{})
	sup := core.New(core.Options{Starter: h, Logs: set, BaseEnv: []string{"PATH=/usr/bin:/bin"}})
	spec := func(name, script string) core.Spec {
		return core.Spec{Name: name, Launch: core.Launch{Command: "/bin/sh", Args: []string{"-c", script}, Dir: "/"}, Care: core.DefaultCare(),
			Output: core.Output{Stdout: []string{filepath.Join(t.TempDir(), name)}}}
	}
	idle := spec("idle", "exit")
	idle.Care.Autostart = false
	bare, atLeast := "", int64(4)
	if strings.HasPrefix(h.Features()[0], "cgroup") {
		bare, atLeast = `(setsid env -i sh -c 'echo bare; exec sleep 600' &) ;`, 5
	}
	tree := spec("tree", `sleep 600 & (env -i sh -c 'echo here; exec sleep 600' &) ; `+bare+` (setsid sh -c 'echo ready; sleep 600; :' &) ; wait`)
	tree.Care.Autostart = false
	if _, err := sup.Apply(t.Context(), []core.Spec{tree, idle}); err != nil {
		t.Fatal(err)
	}
	defer func() {
		if _, err := sup.Close(context.Background(), true); err != nil {
			t.Error(err)
		}
		if err := set.Close(); err != nil {
			t.Error(err)
		}
	}()
	if _, err := sup.Start(t.Context(), "tree"); err != nil {
		t.Fatal(err)
	}
	stream, err := sup.Stream("tree", "stdout")
	if err != nil {
		t.Fatal(err)
	}
	lines, ready, err := stream.TailFollow(t.Context(), 10, time.Time{}, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer ready.Close()
	for said := int64(len(lines)); said < atLeast-2; said++ {
		if _, err := ready.Next(); err != nil {
			t.Fatal(err)
		}
	}
	e := NewEngine(EngineOptions{Host: &Host{Sup: sup}, Policy: Policy{DisableRCE: true}})
	result := e.Eval(t.Context(), Job{Form: `(usage)`}, nil)
	if result.Err != nil {
		t.Fatal(result.Err)
	}
	text, err := lisp.AppendJSON(nil, result.Value)
	if err != nil {
		t.Fatal(err)
	}
	var all []struct {
		Name                            string
		Memory, Processes, Threads, Fds int64
		CPU                             float64
	}
	if err := json.Unmarshal(text, &all); err != nil || len(all) != 2 {
		t.Fatalf("%v in %s", err, text)
	}
	got := all[0]
	if got.Name != "tree" || got.Processes < atLeast || got.Processes > 8 || got.Threads != got.Processes || // the subshell and the last sleep may be there or not
		got.Memory < 64<<10 || got.Memory > 64<<20 || got.Fds < 3*atLeast || got.CPU < 0 || got.CPU > 60 {
		t.Errorf("tree: %s", text)
	}
	if got := all[1]; got.Processes != 0 || got.Memory != 0 {
		t.Errorf("idle: %s", text)
	}
}
