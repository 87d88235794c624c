package cli

import (
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"
)

// view is a reply on its way to a person.
type view struct {
	out     io.Writer
	value   json.RawMessage
	text    string // the value as the language prints it
	colour  bool
	painter *painter  // for lines of several processes on a terminal, else nil
	last    int       // of a list of what happened only so many from its end; 0: all
	notes   io.Writer // for what is no part of the value; nil: nobody wants to know
}

// renderer prints a reply's value. What it does not recognise it leaves to renderText.
type renderer func(*view) error

// statusLine is one element of the value of (status).
type statusLine struct {
	Name     string
	State    string
	Want     any
	PID      int
	Uptime   float64
	Restarts int
	Reason   string
	Exit     any // how the last life ended: an exit code, or words
	Log      string
	Deadline string
}

// wanted tells whether the process is wanted up; the wire says it as a boolean or as a word.
func (s statusLine) wanted() bool { return s.Want == true || s.Want == "up" }

// missing tells whether a process that is wanted up is not there: it waits for its next try, was given up, or is gone.
// An expected exit is not wanted up.
func (s statusLine) missing() bool {
	switch s.State {
	case "backoff", "fatal":
		return true
	case "stopped", "exited":
		return s.wanted()
	}
	return false
}

// ended says how the last life ended, "" if there was none.
func (s statusLine) ended() string {
	switch exit := s.Exit.(type) {
	case float64:
		return fmt.Sprintf("exit code %d", int(exit))
	case string:
		return exit
	}
	return ""
}

// statusLines accepts the list of (status) and the single status that (wait) returns.
func statusLines(value []byte) ([]statusLine, error) {
	var lines []statusLine
	if err := json.Unmarshal(value, &lines); err == nil {
		return lines, nil
	}
	var one statusLine
	if err := json.Unmarshal(value, &one); err != nil || one.Name == "" {
		return nil, fmt.Errorf("the daemon's reply is no status: %s", value)
	}
	return []statusLine{one}, nil
}

// judgeStatus is the CLI's reading of a status: the exit code says whether all that is wanted is there.
func judgeStatus(value []byte) int {
	lines, err := statusLines(value)
	if err == nil && slices.ContainsFunc(lines, statusLine.missing) {
		return ExitDegraded
	}
	return ExitOK
}

func renderStatus(v *view) error {
	lines, err := statusLines(v.value)
	if err != nil {
		return renderText(v)
	}
	t := table{colour: v.colour, width: widthFor(v.out)}
	t.words("NAME", "STATE", "PID", "UPTIME", "RESTARTS", "REASON")
	now := time.Now()
	for _, s := range lines {
		pid, uptime, reason := "-", "-", s.reasonAt(now)
		if s.PID > 0 {
			pid, uptime = strconv.Itoa(s.PID), span(s.Uptime)
		}
		if reason == "" && s.State == "exited" {
			reason = s.ended()
		}
		if s.Log != "" {
			reason = strings.TrimPrefix(reason+"; log "+s.Log, "; ")
		}
		t.add(cell{text: s.Name}, cell{s.State, colourOf(s.State)}, cell{text: pid}, cell{text: uptime},
			cell{text: strconv.Itoa(s.Restarts)}, cell{reason, dimIf(s.State == "running")})
	}
	return t.write(v.out)
}

func colourOf(state string) string {
	switch state {
	case "running":
		return green
	case "fatal":
		return red
	case "backoff", "starting", "stopping":
		return yellow
	}
	return dim
}

func dimIf(quiet bool) string {
	if quiet {
		return dim
	}
	return ""
}

// span writes seconds with the two units that matter.
func span(seconds float64) string {
	d := time.Duration(seconds * float64(time.Second)).Truncate(time.Second)
	h, m, s := int(d.Hours()), int(d.Minutes())%60, int(d.Seconds())%60
	switch {
	case d < time.Minute:
		return fmt.Sprintf("%ds", s)
	case d < time.Hour:
		return fmt.Sprintf("%dm%02ds", m, s)
	case d < 24*time.Hour:
		return fmt.Sprintf("%dh%02dm", h, m)
	}
	return fmt.Sprintf("%dd%02dh", h/24, h%24)
}

// outcome is one element of a report or of a plan.
type outcome struct {
	Name    string
	Op      string
	Did     string `json:"outcome"`
	State   string
	PID     int
	Error   string
	Reasons []string
	Warning string
}

// words are what one outcome says: what was done, the pid if there is one now, and why.
func (o outcome) words() []string {
	var after []string
	if o.PID > 0 {
		after = append(after, "pid "+strconv.Itoa(o.PID))
	}
	if len(o.Reasons) > 0 {
		after = append(after, strings.Join(o.Reasons, ", "))
	}
	for _, text := range []string{o.problem(), o.Warning} {
		if text != "" {
			after = append(after, text)
		}
	}
	return []string{o.Name, o.Did, strings.Join(after, "  ")}
}

// problem is the error without what its line says already: what could not be done, to whom.
func (o outcome) problem() string {
	before, why, found := strings.Cut(o.Error, " "+o.Name+": ")
	if found && strings.HasPrefix(before, "cannot ") && strings.Count(before, " ") == 1 {
		return why
	}
	return o.Error
}

// mostUntouched is up to how many processes that a reload leaves alone are named; more are counted, so that what changes is seen.
const mostUntouched = 10

// untouched tells whether a step does nothing and has nothing to say.
func (o outcome) untouched() bool {
	return (o.Op == "keep" || o.Did == "kept") && len(o.Reasons) == 0 && o.Error == "" && o.Warning == ""
}

func outcomes(value []byte) ([]outcome, error) {
	var all []outcome
	if err := json.Unmarshal(value, &all); err != nil {
		return nil, fmt.Errorf("the daemon's reply is no report: %s", value)
	}
	return all, nil
}

func renderReport(v *view) error {
	all, err := outcomes(v.value)
	if err != nil {
		return renderText(v)
	}
	t := table{colour: v.colour, width: widthFor(v.out)}
	for _, o := range all {
		words := o.words()
		colour := ""
		if o.Error != "" || o.Did == "failed" {
			colour = red
		}
		t.add(cell{text: words[0]}, cell{words[1], colour}, cell{text: words[2]})
	}
	return t.write(v.out)
}

// renderEnv prints NAME=value lines in the order of names.
func renderEnv(v *view) error {
	var env map[string]any
	if json.Unmarshal(v.value, &env) != nil {
		return renderText(v)
	}
	for _, name := range slices.Sorted(maps.Keys(env)) {
		if _, err := fmt.Fprintf(v.out, "%s=%s\n", printable(name), printable(fmt.Sprint(env[name]))); err != nil {
			return err
		}
	}
	return nil
}

// renderLines prints a list of strings, one a line.
func renderLines(v *view) error {
	var lines []string
	if json.Unmarshal(v.value, &lines) != nil {
		return renderText(v)
	}
	if v.painter != nil {
		v.painter.learn(lines)
		for _, line := range lines {
			if err := v.painter.line(line); err != nil {
				return err
			}
		}
		return nil
	}
	for _, line := range lines {
		if isTerminal(v.out) {
			line = printable(line)
		}
		if _, err := fmt.Fprintln(v.out, line); err != nil {
			return err
		}
	}
	return nil
}

// renderText prints a string as it is and any other value as the language prints it; nil prints nothing.
func renderText(v *view) error {
	var text string
	switch {
	case len(v.value) == 0 || string(v.value) == "null":
		return nil
	case json.Unmarshal(v.value, &text) == nil:
		return printLines(v.out, text)
	}
	_, err := fmt.Fprintln(v.out, v.text)
	return err
}

// renderRaw prints a value for a shell: a text as it is, a list of texts a line each, nil not at all, all else as the language
// prints it.
func renderRaw(v *view) error {
	var text *string
	var texts []string
	var err error
	switch {
	case json.Unmarshal(v.value, &text) == nil && text == nil:
	case json.Unmarshal(v.value, &text) == nil && isTerminal(v.out):
		err = printLines(v.out, *text)
	case json.Unmarshal(v.value, &text) == nil:
		_, err = fmt.Fprintln(v.out, *text)
	case json.Unmarshal(v.value, &texts) == nil:
		err = renderLines(&view{out: v.out, value: v.value})
	default:
		_, err = fmt.Fprintln(v.out, v.text)
	}
	return err
}

// printLines prints a text whose lines are made harmless.
func printLines(w io.Writer, text string) error {
	for line := range strings.Lines(text) {
		if _, err := fmt.Fprintln(w, printable(strings.TrimSuffix(line, "\n"))); err != nil {
			return err
		}
	}
	return nil
}

// renderPlan prints the steps of a plan, or what came of them.
func renderPlan(v *view) error {
	var plan struct {
		Steps    []outcome
		Warnings []string
	}
	if all, err := outcomes(v.value); err == nil {
		plan.Steps = all
	} else if json.Unmarshal(v.value, &plan) != nil {
		return renderText(v)
	}
	t := table{colour: v.colour, width: widthFor(v.out)}
	untouched, kept := 0, ""
	for _, o := range plan.Steps {
		if o.untouched() {
			untouched++
		}
	}
	for _, o := range plan.Steps {
		words := o.words()
		if o.Op != "" {
			words[1] = o.Op
		}
		if untouched > mostUntouched && o.untouched() {
			kept = words[1]
			continue
		}
		t.words(words[1], words[0], words[2])
	}
	if err := t.write(v.out); err != nil {
		return err
	}
	if kept != "" {
		widest := len(kept)
		for _, row := range t.rows {
			widest = max(widest, len(row[0].text))
		}
		if _, err := fmt.Fprintf(v.out, "%-*s  %d processes as they are\n", widest, kept, untouched); err != nil {
			return err
		}
	}
	for _, warning := range plan.Warnings {
		if _, err := fmt.Fprintln(v.out, "warning: "+printable(warning)); err != nil {
			return err
		}
	}
	return nil
}
