#!/bin/sh
# glisp beside gopher-lua, goja and starlark-go, and Go itself: the same work in one process, as ratios. A module of its own,
# so that the product's go.mod stays small.
#   scripts/bench-lisp.sh [-rounds 9] [-time 20ms] [-only PATTERN] [-markdown]
#   scripts/bench-lisp.sh -growth [-only PATTERN]      time per element, from a thousand elements to a million
#
# What all budgets together cost: glisp beside glisp compiled without their accounting (this is not a mode of the product:
# one file of the package is replaced for the compiler).
#   scripts/bench-lisp.sh budgets [-rounds 9] [-time 20ms] [-only PATTERN]
set -eu
cd "$(dirname "$0")/bench-lisp"
tool=$(mktemp -d)
trap 'rm -rf "$tool"' EXIT
export CGO_ENABLED=0
go build -o "$tool/bench-lisp" .
if [ "${1:-}" = budgets ]; then
	shift
	lisp=$(cd ../../lisp && pwd)
	printf 'package lisp\n\nconst counted = false\n' >"$tool/counted.go"
	printf '{"Replace": {"%s/counted.go": "%s/counted.go"}}\n' "$lisp" "$tool" >"$tool/overlay.json"
	go build -overlay "$tool/overlay.json" -o "$tool/uncounted" .
	"$tool/bench-lisp" -beside "$tool/uncounted" "$@"
else
	"$tool/bench-lisp" "$@"
fi
