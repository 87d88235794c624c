#!/bin/sh
# Shows the product on Windows: builds it and its tests for windows/amd64 and runs them under Wine.
#
#   scripts/test-windows.sh            all of it
#   scripts/test-windows.sh PACKAGE... these packages only, like ./core/child
#
# Wine comes from Debian's packages (wine64, gcc-mingw-w64-x86-64), which are installed when they are missing and this is
# root's. It gets a prefix of its own in a temporary folder, needs no display, and its server is ended at the end.
# What Wine cannot show stands in the README under "Windows".
set -eu
cd "$(dirname "$0")/.."
began=$(date +%s)
step() { printf '== %s (after %ss)\n' "$*" "$(($(date +%s) - began))"; }

# find PROGRAM...: the first of them that there is; Debian keeps Wine's outside of the PATH.
find() {
	for program; do
		if command -v "$program" 2>/dev/null; then
			return
		fi
	done
	return 1
}
wine() { find wine64 /usr/lib/wine/wine64; }
server() { find wineserver64 /usr/lib/wine/wineserver64 wineserver /usr/lib/wine/wineserver; }
compiler=x86_64-w64-mingw32-gcc

if ! wine >/dev/null || ! server >/dev/null || ! command -v $compiler >/dev/null; then
	if [ "$(id -u)" != 0 ] || ! command -v apt-get >/dev/null; then
		echo "test-windows.sh: Wine or mingw-w64 is missing: apt-get install wine64 gcc-mingw-w64-x86-64" >&2
		exit 2
	fi
	step "installing wine64 and gcc-mingw-w64-x86-64"
	# Installing must start no service; a policy that is there already stays.
	(
		if [ ! -e /usr/sbin/policy-rc.d ]; then
			trap 'rm -f /usr/sbin/policy-rc.d' EXIT
			printf '#!/bin/sh\nexit 101\n' >/usr/sbin/policy-rc.d
			chmod 755 /usr/sbin/policy-rc.d
		fi
		apt-get update -qq
		DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends wine64 gcc-mingw-w64-x86-64 >/dev/null
	)
fi
wine=$(wine)
server=$(server)

home=$(mktemp -d)
export WINEPREFIX="$home/prefix" WINEARCH=win64 WINEDEBUG=-all WINESERVER="$server"
export WINEDLLOVERRIDES="mscoree,mshtml,winemenubuilder.exe=" # no offer to download them
unset DISPLAY WAYLAND_DISPLAY
finish() {
	"$server" -k 2>/dev/null || true # that of this prefix alone
	rm -rf "$home"
}
trap finish EXIT
trap 'exit 130' INT TERM

step "a prefix for $("$wine" --version)"
mkdir "$WINEPREFIX"
# Every test run is a session of its own, with a service manager of its own. What that started outlives the run and would keep the
# output's pipe open, so the output goes through a file.
cat >"$home/run" <<RUN
#!/bin/sh
"$wine" "\$@" >"$home/output" 2>&1 </dev/null
code=\$?
cat "$home/output"
exit \$code
RUN
chmod +x "$home/run"
# The first program makes the prefix. "wineboot --init" by hand would start a second service manager beside that one's, and
# each would know only what was said to it.
"$wine" cmd /c ver >/dev/null 2>&1 </dev/null

step "bcryptprimitives.dll with ProcessPrng, where Go's runtime gets its random bytes from; this Wine has none"
cat >"$home/prng.c" <<'C'
#include <windows.h>
#include <ntsecapi.h>

__declspec(dllexport) BOOL WINAPI ProcessPrng(PBYTE bytes, SIZE_T n) {
	for (; n > 0; bytes += n < 65536 ? n : 65536, n -= n < 65536 ? n : 65536)
		if (!RtlGenRandom(bytes, (ULONG)(n < 65536 ? n : 65536))) return FALSE;
	return TRUE;
}
C
$compiler -shared -O2 -s -o "$WINEPREFIX/drive_c/windows/system32/bcryptprimitives.dll" "$home/prng.c" -ladvapi32

# Go's os.RemoveAll, with which tests remove their folders, falls back for a Windows that does not know how to delete by
# POSIX's rules, but not for Wine's way of saying so. The tests, and not the product, are built with that one more case.
source=$(go env GOROOT)/src/internal/syscall/windows/at_windows.go
sed 's/case STATUS_INVALID_INFO_CLASS,/case NTStatus(0xC0000002), STATUS_INVALID_INFO_CLASS,/' "$source" >"$home/at_windows.go"
printf '{"Replace": {"%s": "%s"}}\n' "$source" "$home/at_windows.go" >"$home/overlay.json"

export GOOS=windows GOARCH=amd64 CGO_ENABLED=0
step "the product, $(go env GOOS)/$(go env GOARCH)"
go build -trimpath -o "$home/supervisord.exe" ./cmd/supervisord
"$wine" "$home/supervisord.exe" version
export SUPERVISORD_EXE="Z:$home/supervisord.exe" # the drive Z: is the root

packages=${*:-$(go list -f '{{if or .TestGoFiles .XTestGoFiles}}{{.ImportPath}}{{end}}' ./...)}
# No test is left out by name. What asks for something that Wine has not skips itself and says what was missing, which is printed.
for package in $packages; do
	step "tests of $package"
	if ! go test -v -vet=off -overlay "$home/overlay.json" -exec "$home/run" -count=1 -timeout 8m "$package" >"$home/log" 2>&1; then
		grep -vE '^ *(=== |--- PASS)' "$home/log"
		exit 1
	fi
	echo "$(grep -c -e '--- PASS' "$home/log") passed"
	grep -E '^ +[a-z_0-9]+_test\.go:[0-9]+: |--- SKIP' "$home/log" || true
done
step "done"
