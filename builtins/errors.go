package builtins

import (
	"context"
	"errors"

	"github.com/qjpcpu/supervisord/core"
	"github.com/qjpcpu/supervisord/lisp"
)

// The kinds that this package itself raises.
const (
	kindArity      = "arity"
	kindBudget     = "budget"
	kindCancelled  = "cancelled"
	kindConflict   = "conflict"
	kindFailed     = "failed"
	kindForbidden  = "forbidden"
	kindInvalid    = "invalid"
	kindNotFound   = "not-found"
	kindOverloaded = "overloaded"
	kindSyntax     = "syntax"
	kindTimeout    = "timeout"
	kindTooLarge   = "too-large"
	kindType       = "type"
)

// kindRow is one row of the table: what an error is, and what scripts and the wire call it.
type kindRow struct {
	is   error
	kind string
}

// kindTable maps sentinels to kinds. The first row that fits decides, so what wraps another stands before it.
func kindTable() []kindRow {
	return []kindRow{
		{core.ErrNotFound, kindNotFound},
		{core.ErrSuperseded, kindConflict},
		{core.ErrClosing, kindConflict},
		{core.ErrConflict, kindConflict},
		{core.ErrInvalid, kindInvalid},
		{core.ErrTimeout, kindTimeout},
		{context.DeadlineExceeded, kindTimeout},
		{context.Canceled, kindCancelled},
		{core.ErrSpawn, kindFailed},
		{core.ErrFailed, kindFailed},
	}
}

// KindOf is the kind of an error: "" for nil, its own for a *lisp.Error, that of the table for what wraps a sentinel, and
// "failed" for everything else. Scripts catch by it and the wire carries it.
func KindOf(err error) string {
	if err == nil {
		return ""
	}
	var raised *lisp.Error
	if errors.As(err, &raised) && raised.Kind != "" {
		return raised.Kind
	}
	for _, row := range kindTable() {
		if errors.Is(err, row.is) {
			return row.kind
		}
	}
	return kindFailed
}
