#!/bin/sh
# The gate: everything that is checked before a change lands. Called by ./build.sh test.
# check.sh [quick|full]
set -eu
cd "$(dirname "$0")/.."
mode=${1:-normal}
case $mode in
quick | normal | full) ;;
*)
	echo "check.sh: unknown mode $mode, want quick or full" >&2
	exit 2
	;;
esac
staticcheck=honnef.co/go/tools/cmd/staticcheck@v0.8.2
govulncheck=golang.org/x/vuln/cmd/govulncheck@v1.1.4

began=$(date +%s)
step() { printf '== %s (after %ss)\n' "$*" "$(($(date +%s) - began))"; }

step gofmt
unformatted=$(gofmt -l .)
if [ -n "$unformatted" ]; then
	echo "gofmt would change:" >&2
	echo "$unformatted" >&2
	exit 1
fi

step module files are tidy
go mod tidy -diff

for os in linux windows darwin; do
	step "vet for $os"
	GOOS=$os go vet ./...
done

if [ "$mode" != quick ]; then
	step staticcheck
	CGO_ENABLED=0 go run "$staticcheck" ./...
	step staticcheck for windows
	tool=$(mktemp -d)
	trap 'rm -rf "$tool"' EXIT
	GOBIN=$tool CGO_ENABLED=0 go install "$staticcheck"
	GOOS=windows "$tool/staticcheck" ./...
fi

step the comparison of languages is tidy and compares the same work
(cd scripts/bench-lisp && go mod tidy -diff && go vet ./... && go test ./...)

step the rooms import only what they may
go test -count=1 -run TestLayers ./cmd/cli

race=
if [ "$mode" != quick ]; then
	# A compiler alone may be there without what it compiles against.
	if echo '#include <stdlib.h>' | "$(go env CC)" -E - >/dev/null 2>&1; then
		race=-race
		export CGO_ENABLED=1
	else
		echo "no C compiler with the headers of a C library: the tests run without the race detector"
	fi
fi
longest=30m
if [ "$mode" = full ]; then # the longest test alone takes an hour
	export SUPERVISORD_FULL=1
	longest=3h
fi
for program in nginx redis-server; do
	PATH=$PATH:/usr/sbin command -v $program >/dev/null 2>&1 ||
		echo "$program is not installed: its part of the tests with real programs is left out (CI installs and demands it)"
done
step "tests $race"
go test $race -shuffle=on -timeout "$longest" ./...
unset SUPERVISORD_FULL

if [ "$mode" != quick ]; then
	# A number of inputs, some seconds' worth, and not a time: at the end of a time the fuzzer now and then takes its own
	# deadline for a failure.
	inputs=30000x
	[ "$mode" = full ] && inputs=300000x
	for package in $(go list ./...); do
		for target in $(go test -list '^Fuzz' "$package" | grep '^Fuzz' || true); do
			step "fuzz $target in $package with $inputs"
			CGO_ENABLED=0 go test -run '^$' -fuzz "^$target\$" -fuzztime "$inputs" -fuzzminimizetime 1000x "$package"
		done
	done
fi

if [ "$mode" = full ]; then
	step known vulnerabilities
	go run "$govulncheck" ./...
fi
step done
