package config

import (
	"fmt"
	"strings"
)

// Markdown is the reference of all keys as two tables for the README, made from the key table.
func Markdown() string {
	var b strings.Builder
	table := func(title string, keys []Key) {
		fmt.Fprintf(&b, "%s\n\n| key | type | default | meaning | example |\n|---|---|---|---|---|\n", title)
		for _, k := range keys {
			name := "`" + k.Name + "`"
			if k.Alias != "" {
				name += " (flag also `" + k.Alias + "`)"
			}
			kind := k.Type.String()
			if k.Type == Choice {
				kind = "`" + strings.Join(k.Choices, "`, `") + "`"
			}
			cells := []string{name, kind, k.Default, k.Doc, "`" + k.Example + "`"}
			for i, c := range cells {
				cells[i] = strings.ReplaceAll(c, "|", "\\|")
			}
			b.WriteString("| " + strings.Join(cells, " | ") + " |\n")
		}
	}
	table("The daemon, before the first `[[process]]`:", daemonKeys())
	b.WriteString("\n")
	table("A process, below its `[[process]]`:", processKeys())
	b.WriteString("\nA *time* is a number of seconds (`10`, `0.5`) or a text with a unit (`\"10ms\"`, `\"1s\"`, `\"2m\"`, `\"7d\"`). " +
		"A *size* is a text with a unit (`\"100M\"`) or a number of bytes. A relative *path* means the folder of the file.\n")
	return b.String()
}

// Starter is a commented configuration to begin with. It loads as it is and runs one process; every other key stands in it as
// a comment with its example.
func Starter() string {
	var b strings.Builder
	b.WriteString(`# Configuration of supervisord (TOML). Check it with: supervisord check
# Lines that begin with # are comments: take the # away from what you need.
# ${VAR} and ${VAR:-default} stand for the daemon's environment, $${ for a literal ${.
# Relative paths mean the folder of this file.

# ---- the daemon -------------------------------------------------------------

`)
	for _, k := range daemonKeys() {
		starterKey(&b, k, false)
	}
	b.WriteString(`# ---- processes: one [[process]] for each ------------------------------------

[[process]]
`)
	for _, k := range processKeys() {
		switch k.Name {
		case "name":
			k.Example = `"hello"`
			starterKey(&b, k, true)
		case "command":
			k.Example = `"/bin/sh"`
			starterKey(&b, k, true)
		case "args":
			k.Example = `["-c", "echo hello; exec sleep 1000000"]`
			starterKey(&b, k, true)
		case "env":
			// A table stands last: what follows its line would belong to it.
		default:
			starterKey(&b, k, false)
		}
	}
	b.WriteString(`# Variables over the daemon's environment and env_file. They stand last:
# what follows this line belongs to it.
# [process.env]
#   PORT = "8080"
`)
	return b.String()
}

// starterKey writes a key with what it means; one that is not set is a comment.
func starterKey(b *strings.Builder, k Key, set bool) {
	fmt.Fprintf(b, "# %s\n", k.Doc)
	if k.Default != "" && !set {
		fmt.Fprintf(b, "# Default: %s.\n", strings.TrimSuffix(k.Default, "."))
	}
	if !set {
		b.WriteString("# ")
	}
	fmt.Fprintf(b, "%s = %s\n\n", k.Name, k.Example)
}
