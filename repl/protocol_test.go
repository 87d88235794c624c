package repl

import (
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"testing"
)

// TestExamplesOfTheProtocolRun runs every command of PROTOCOL.md as it stands there, and holds its tables to the code.
func TestExamplesOfTheProtocolRun(t *testing.T) {
	text, err := os.ReadFile("PROTOCOL.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, k := range kinds()[1:] {
		if k.name == kindUnreachable {
			continue
		}
		found := false
		for line := range strings.Lines(string(text)) {
			cells := strings.Split(line, "|")
			if len(cells) == 5 && strings.Contains(cells[1], "`"+k.name+"`") {
				found = strings.TrimSpace(cells[2]) == fmt.Sprint(k.status) && strings.TrimSpace(cells[3]) == fmt.Sprint(k.exit)
			}
		}
		if !found {
			t.Errorf("the table does not say that %s is %d and %d", k.name, k.status, k.exit)
		}
	}
	if _, err := exec.LookPath("curl"); err != nil {
		t.Skip("the examples need curl")
	}
	h := serve(t, ServerOptions{})
	ran := 0
	for part := range strings.SplitSeq(string(text), "```sh\n") {
		command, _, isCommand := strings.Cut(part, "\n```")
		if !isCommand || !strings.Contains(command, "curl ") {
			continue
		}
		cmd := exec.Command("sh", "-ec", command)
		cmd.Env = append(os.Environ(), "SOCK="+h.sock, "ADDR="+h.tcp, "SUPERVISORD_TOKEN="+testToken, "no_proxy=*")
		out, err := cmd.CombinedOutput()
		var reply map[string]any
		if err != nil || json.Unmarshal(out, &reply) != nil || reply["error"] != nil {
			t.Errorf("%s\nanswers %s (%v)", command, out, err)
		}
		ran++
	}
	if ran < 6 {
		t.Errorf("only %d examples", ran)
	}
}
