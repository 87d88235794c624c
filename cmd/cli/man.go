package cli

import (
	"fmt"
	"io"
	"strings"

	"github.com/qjpcpu/supervisord/builtins"
	"github.com/qjpcpu/supervisord/core/config"
)

// manual prints the manual page, made from the tables of commands, keys and verbs.
func (s *session) manual() error {
	version, _ := buildVersion()
	var b strings.Builder
	m := &roff{&b}
	m.macro("TH", "SUPERVISORD", "1", "", "supervisord "+version, "User Commands")
	m.macro("SH", "NAME")
	m.text("supervisord - starts programs, keeps them running and stops them")
	m.macro("SH", "SYNOPSIS")
	for _, c := range shownCommands() {
		m.macro("PP")
		m.bold("supervisord " + c.synopsis())
	}
	m.macro("SH", "DESCRIPTION")
	m.text("supervisord is a process supervisor. Its configuration names the processes; its commands, which are forms of a small Lisp that " +
		"is evaluated in the daemon, look at them and change what they do. A command finds the daemon of its configuration by itself.")
	m.macro("SH", "COMMANDS")
	for _, c := range shownCommands() {
		m.macro("SS", c.title())
		m.bold("supervisord " + c.synopsis())
		m.macro("PP")
		m.text(upperFirst(c.doc) + ".")
		if c.about != "" {
			m.macro("PP")
			m.about(c.about)
		}
		for _, o := range c.options {
			m.item(o.full(), o.doc)
		}
		m.item("Example", c.example)
	}
	m.macro("SH", "OPTIONS")
	m.text("Options are written with one dash or two, before, between or after the words of a command, with = or a blank before a value.")
	for _, o := range append(everywhere(), wireOptions()...) {
		m.item(o.full(), o.doc)
	}
	m.item("-h, --help", "explain a command, in short or at length")
	m.macro("SH", "KEYS")
	m.text("The keys of the configuration. As flags of start and add-proc they are written " + flagPrefix + "KEY VALUE.")
	for _, part := range []struct {
		title   string
		process bool
	}{{"The daemon", false}, {"A process: [[process]]", true}} {
		m.macro("SS", part.title)
		for _, key := range config.Keys() {
			if key.Process == part.process {
				m.item(key.Name+" ("+key.Type.String()+")", key.Doc)
			}
		}
	}
	m.macro("SH", "FORMS")
	m.text("For exec, the prompt, scripts and hooks.")
	for _, verb := range append(builtins.Verbs(), s.options.Verbs...) {
		m.item(verb.Form(), strings.ReplaceAll(verb.Doc, "\n", " "))
	}
	m.macro("SH", "EXIT STATUS")
	m.text(strings.TrimPrefix(strings.Join(exitCodes(), " "), "Exit codes: "))
	m.macro("SH", "ENVIRONMENT")
	for _, variable := range [][2]string{
		{"SUPERVISORD_CONF", "the configuration, as -c"},
		{"SUPERVISORD_SERVER", "the daemon, as --server"},
		{"SUPERVISORD_TOKEN", "the token of a daemon that is reached over TCP"},
		{"NO_COLOR", "when it is set nothing is coloured"},
	} {
		m.item(variable[0], variable[1])
	}
	m.macro("SH", "FILES")
	m.item("./supervisord.conf, ../conf/supervisord.conf and supervisord.conf beside the program, /etc/supervisord.conf", "where the configuration is looked for")
	_, err := io.WriteString(s.stdio.Out, b.String())
	return err
}

// roff writes the language of manual pages.
type roff struct{ b *strings.Builder }

// macro writes a request with arguments.
func (m *roff) macro(name string, args ...string) {
	m.b.WriteString("." + name)
	for _, arg := range args {
		m.b.WriteString(` "` + strings.ReplaceAll(escaped(arg), `"`, `\(dq`) + `"`)
	}
	m.b.WriteByte('\n')
}

// text writes a paragraph.
func (m *roff) text(text string) {
	for line := range strings.SplitSeq(text, "\n") {
		m.b.WriteString(escaped(line) + "\n")
	}
}

// bold writes a line that stands out.
func (m *roff) bold(text string) { m.b.WriteString(`\fB` + escaped(text) + `\fR` + "\n") }

// item writes a term and what it means.
func (m *roff) item(term, text string) {
	m.macro("TP")
	m.bold(term)
	m.text(text)
}

// about writes paragraphs; lines that are indented stay as they are.
func (m *roff) about(text string) {
	asIs := false
	for line := range strings.SplitSeq(text, "\n") {
		if indented := strings.HasPrefix(line, " "); indented != asIs {
			asIs = indented
			if asIs {
				m.b.WriteString(".PP\n.nf\n")
			} else {
				m.b.WriteString(".fi\n.PP\n")
			}
		}
		m.text(line)
	}
	if asIs {
		m.b.WriteString(".fi\n")
	}
}

// escaped makes text that means nothing to roff. A line that begins like a request gets something of no width before it.
func escaped(text string) string {
	text = strings.NewReplacer(`\`, `\e`, "-", `\-`, "`", `\(ga`, "^", `\(ha`, "~", `\(ti`, "'", `\(aq`).Replace(text)
	if strings.HasPrefix(text, ".") {
		return `\&` + text
	}
	return text
}

func upperFirst(text string) string {
	return fmt.Sprint(strings.ToUpper(text[:1]), text[1:])
}
