#!/bin/sh
# The speed figures, each as a ratio to a bare program measured in the same run. Linux.
#   scripts/bench.sh [-n 1000] [-rounds 200] [-rest 10s]
set -eu
cd "$(dirname "$0")/.."
./build.sh
tool=$(mktemp -d)
trap 'rm -rf "$tool"' EXIT
CGO_ENABLED=0 go build -o "$tool/bench" ./scripts/bench
echo "== the daemon as a whole"
"$tool/bench" "$@" bin/supervisord
echo "== one room at a time (figures per operation; a metric called x-... is a ratio to the bare program of the same run)"
CGO_ENABLED=0 go test -run '^$' -bench . -benchtime 1s ./core/child ./core/logs ./repl ./lisp
