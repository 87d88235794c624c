#!/bin/sh
# The speed figures, each as a ratio to a bare program measured in the same run, and the same of the peers that are installed
# (Debian's packages supervisor, runit and s6). Linux. Some minutes, most of them the peers'.
#   scripts/bench.sh [-n 1000] [-rounds 200] [-rest 10s]
set -eu
cd "$(dirname "$0")/.."
./build.sh
tool=$(mktemp -d)
trap 'rm -rf "$tool"' EXIT
missed=0
CGO_ENABLED=0 go build -o "$tool/" ./scripts/bench ./scripts/bench/capture
echo "== the daemon as a whole, beside a bare program and its peers"
"$tool/bench" "$@" bin/supervisord || missed=1
echo "== output on its way into files, beside cat and what else is installed"
"$tool/capture" bin/supervisord || missed=1
echo "== one room at a time (figures per operation; a metric called x-... is a ratio to the bare program of the same run)"
CGO_ENABLED=0 go test -run '^$' -bench . -benchtime 1s ./core/child ./core/logs ./repl ./lisp
exit $missed
