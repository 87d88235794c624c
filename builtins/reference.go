package builtins

import (
	"fmt"
	"strings"
)

// Reference is the table of verbs as a page of Markdown, those of an embedder after ours. Without any it is the content of
// REFERENCE.md.
func Reference(more ...Verb) string {
	var b strings.Builder
	all := append(Verbs(), more...)
	b.WriteString("# The verbs\n\n" +
		"Generated from the table in verb.go (`go test ./builtins -update`). NAME... is any number of process names or globs;\n" +
		"none means all. Verbs that observe and operate remain under `disable_rce`, as plain calls with literals.\n")
	for _, power := range []Power{Observe, Operate, Execute} {
		fmt.Fprintf(&b, "\n## %s\n", strings.ToUpper(power.String()[:1])+power.String()[1:])
		for _, v := range all {
			if v.Power == power {
				fmt.Fprintf(&b, "\n### `%s`\n\n%s\n\n```glisp\n%s\n```\n", v.Form(), v.Doc, v.Example)
			}
		}
	}
	b.WriteString("\n## Functions of the host\n\nWith these a program reaches the machine. They are no verbs: under `disable_rce` none of them can be reached.\n")
	for _, module := range Modules(nil, nil, nil) {
		for _, prim := range module {
			call, types := prim.Usage()
			if types != "" {
				types = "Arguments: " + types + ".\n\n"
			}
			fmt.Fprintf(&b, "\n### `%s`\n\n%s%s\n\n```glisp\n%s\n```\n", call, types, prim.Doc, strings.ReplaceAll(prim.Example, " => ", " ;=> "))
		}
	}
	return b.String()
}
