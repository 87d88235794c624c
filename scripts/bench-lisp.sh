#!/bin/sh
# glisp beside gopher-lua, goja and starlark-go, and Go itself: the same work in one process, as ratios. A module of its own,
# so that the product's go.mod stays small.
#   scripts/bench-lisp.sh [-rounds 9] [-time 20ms] [-only PATTERN] [-markdown]
set -eu
cd "$(dirname "$0")/bench-lisp"
tool=$(mktemp -d)
trap 'rm -rf "$tool"' EXIT
CGO_ENABLED=0 go build -o "$tool/bench-lisp" .
"$tool/bench-lisp" "$@"
