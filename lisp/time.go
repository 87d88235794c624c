package lisp

import (
	"strconv"
	"time"
)

// timeValue is an instant with a zone.
type timeValue struct{ t time.Time }

func (*timeValue) kind() Kind { return KindTime }

// Time makes a time value.
func Time(t time.Time) Value { return Value{o: &timeValue{t}} }

// AsTime gives a time.
func (v Value) AsTime() (time.Time, bool) {
	if t, ok := v.o.(*timeValue); ok {
		return t.t, true
	}
	return time.Time{}, false
}

func (t *timeValue) text() string {
	return "(time/parse " + strconv.FormatInt(t.t.UnixMilli(), 10) + " 'timestamp-ms)"
}
