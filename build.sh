#!/bin/sh
# Builds, runs and tests supervisord. With no argument: bin/supervisord for this machine.
#
#   ./build.sh              build bin/supervisord
#   ./build.sh all          also bin/<os>_<arch>/ for linux/amd64, linux/arm64 and windows/amd64
#   ./build.sh run          build, then run the demonstration (scripts/demo.conf) in the foreground
#   ./build.sh test         everything that is checked; big counts cut to a tenth
#   ./build.sh test full    the same with the written figures, longer fuzzing and the vulnerability check
#   ./build.sh test quick   gofmt, vet and the tests without the race detector, for the inner loop
#   ./build.sh bench        the speed figures as ratios to a bare fork+exec+wait program
set -eu
cd "$(dirname "$0")"
export CGO_ENABLED="${CGO_ENABLED:-0}"

version=${VERSION:-$(git describe --tags --always --dirty 2>/dev/null || echo unknown)}
commit=$(git rev-parse --short=12 HEAD 2>/dev/null || echo unknown)
cli=github.com/qjpcpu/supervisord/cmd/cli

# build OUTPUT: GOOS and GOARCH come from the environment.
build() {
	go build -trimpath -ldflags "-s -w -X $cli.version=$version -X $cli.commit=$commit" -o "$1" ./cmd/supervisord
}

case "${1:-build}" in
build)
	build "bin/supervisord$(go env GOEXE)"
	;;
all)
	build "bin/supervisord$(go env GOEXE)"
	for target in linux/amd64 linux/arm64 windows/amd64; do
		GOOS=${target%/*} GOARCH=${target#*/}
		export GOOS GOARCH
		build "bin/${GOOS}_${GOARCH}/supervisord$(go env GOEXE)"
		echo "bin/${GOOS}_${GOARCH}/supervisord$(go env GOEXE)"
	done
	;;
run)
	build "bin/supervisord$(go env GOEXE)"
	cat <<'TEXT'
The demonstration starts in the foreground: a steady, a crashing, a chatty and a one-shot process.
In a second terminal, in this folder, type:

  export SUPERVISORD_CONF=scripts/demo.conf
  bin/supervisord service status           who runs, since when, and why not
  bin/supervisord service logs -f chatty   output as it arrives (Ctrl-C leaves)
  bin/supervisord why crashing             the present state, explained
  bin/supervisord service restart steady   a new pid
  bin/supervisord events -f                what happens, and who asked
  bin/supervisord exec -e '(map #(hget % "name") (status))'
  bin/supervisord shutdown                 or Ctrl-C here

TEXT
	exec bin/supervisord start -c scripts/demo.conf
	;;
test)
	shift
	exec scripts/check.sh "$@"
	;;
bench)
	shift
	exec scripts/bench.sh "$@"
	;;
*)
	sed -n '2,10s/^# \{0,1\}//p' "$0" >&2
	exit 2
	;;
esac
