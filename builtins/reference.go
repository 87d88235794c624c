package builtins

import (
	"fmt"
	"strings"
)

// Reference is the table of verbs as a page of Markdown: the content of REFERENCE.md.
func Reference() string {
	var b strings.Builder
	b.WriteString("# The verbs\n\n" +
		"Generated from the table in verb.go (`go test ./builtins -update`). NAME... is any number of process names or globs;\n" +
		"none means all. Verbs that observe and operate remain under `disable_rce`, as plain calls with literals.\n")
	for _, power := range []Power{Observe, Operate, Execute} {
		fmt.Fprintf(&b, "\n## %s\n", strings.ToUpper(power.String()[:1])+power.String()[1:])
		for _, v := range Verbs() {
			if v.Power == power {
				fmt.Fprintf(&b, "\n### `%s`\n\n%s\n\n```glisp\n%s\n```\n", v.Form(), v.Doc, v.Example)
			}
		}
	}
	return b.String()
}
