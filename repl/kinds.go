package repl

import "net/http"

// The kinds that this package itself uses.
const (
	kindInvalid      = "invalid"
	kindTooLarge     = "too-large"
	kindNotFound     = "not-found"
	kindForbidden    = "forbidden"
	kindUnauthorized = "unauthorized"
	kindTimeout      = "timeout"
	kindCancelled    = "cancelled"
	kindBudget       = "budget"
	kindOverloaded   = "overloaded"
	kindFailed       = "failed"
	kindUnreachable  = "unreachable"
)

// statusClientGone is the HTTP status for an evaluation whose client went away, or whom the daemon's end cut short.
const statusClientGone = 499

// kind is one row of the table of failures: its HTTP status and the command line's exit code.
type kind struct {
	name   string
	status int
	exit   int
}

// kinds is the table of PROTOCOL.md. A kind that is not in it was raised by a script, and counts as failed.
func kinds() []kind {
	return []kind{
		{"", http.StatusOK, 0},
		{kindFailed, http.StatusInternalServerError, 1},
		{"index", http.StatusInternalServerError, 1},
		{"key", http.StatusInternalServerError, 1},
		{"value", http.StatusInternalServerError, 1},
		{"assertion", http.StatusInternalServerError, 1},
		{"raised", http.StatusInternalServerError, 1},
		{kindInvalid, http.StatusBadRequest, 2},
		{"syntax", http.StatusBadRequest, 2},
		{"type", http.StatusBadRequest, 2},
		{"arity", http.StatusBadRequest, 2},
		{"unbound", http.StatusBadRequest, 2},
		{kindTooLarge, http.StatusRequestEntityTooLarge, 2},
		{kindNotFound, http.StatusNotFound, 4},
		{kindForbidden, http.StatusForbidden, 5},
		{kindUnauthorized, http.StatusUnauthorized, 5},
		{kindUnreachable, http.StatusBadGateway, 6}, // never sent: a client's own finding
		{kindTimeout, http.StatusGatewayTimeout, 7},
		{kindCancelled, statusClientGone, 7},
		{kindBudget, http.StatusUnprocessableEntity, 7},
		{kindOverloaded, http.StatusTooManyRequests, 7},
		{"conflict", http.StatusConflict, 8},
	}
}

// Kinds are the names of all kinds of failure, in the order of PROTOCOL.md.
func Kinds() []string {
	var names []string
	for _, k := range kinds()[1:] {
		names = append(names, k.name)
	}
	return names
}

// StatusOf is the HTTP status of a reply whose error is of this kind; "" is no error.
func StatusOf(name string) int { return lookupKind(name).status }

// ExitCode is the exit code of a command whose reply's error is of this kind; "" is no error.
func ExitCode(name string) int { return lookupKind(name).exit }

func lookupKind(name string) kind {
	table := kinds()
	for _, k := range table {
		if k.name == name {
			return k
		}
	}
	return table[1]
}
