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

// timePrims are times; what the clock says is the embedder's to tell (time/now).
func timePrims() []Prim {
	part := func(name, doc, example string, f func(time.Time) int) Prim {
		return Prim{Name: name, Params: "t:time", Doc: doc, Example: example, fn: func(_ *Thread, args []Value) Value {
			return Int(int64(f(args[0].o.(*timeValue).t)))
		}}
	}
	fixed := func(zone string, seconds int) *time.Location { return time.FixedZone(zone, seconds) }
	beijing := fixed("CST", 8*3600)
	return []Prim{
		kindTest("time?", KindTime, "(time? (time/zero)) => true"),
		{Name: "time/zero", Params: "", Doc: "The first second of the year 1, which counts as zero.", Example: "(zero? (time/zero)) => true", fn: func(t *Thread, _ []Value) Value { return t.newTime(time.Time{}) }},
		{Name: "time/parse", Params: "x:int|string [layout-or-unit:~string|symbol] [zone:~string] [default:~time]", Doc: "A time: of an int, unix seconds or with a unit ('timestamp 'timestamp-ms 'timestamp-micro 'timestamp-nano); of a string, by a layout (2006-01-02 15:04:05 stands for the parts) or one of the usual forms, in UTC or a named zone. A time as last argument is the answer when that fails.", Example: "(time/format (time/parse \"2024-02-28T23:30:00+02:00\") 'timestamp) => 1709155800", fn: timeParse},
		{Name: "time/format", Params: "t:time layout-or-unit:name [zone:string]", Doc: "A time as text by a layout, in UTC or a named zone, or as an int in a unit.", Example: "(time/format (time/parse 86400) \"2006-01-02\") => \"1970-01-02\"", fn: timeFormat},
		part("time/year", "The year.", "(time/year (time/parse \"2024-03-31\")) => 2024", time.Time.Year),
		part("time/month", "The month, 1 to 12.", "(time/month (time/parse \"2024-03-31\")) => 3", func(t time.Time) int { return int(t.Month()) }),
		part("time/day", "The day of the month.", "(time/day (time/parse \"2024-03-31\")) => 31", time.Time.Day),
		part("time/hour", "The hour.", "(time/hour (time/parse \"2024-03-31 10:20:30\")) => 10", time.Time.Hour),
		part("time/minute", "The minute.", "(time/minute (time/parse \"2024-03-31 10:20:30\")) => 20", time.Time.Minute),
		part("time/second", "The second.", "(time/second (time/parse \"2024-03-31 10:20:30\")) => 30", time.Time.Second),
		part("time/weekday", "The day of the week; Sunday is 0.", "(time/weekday (time/parse \"2024-03-31\")) => 0", func(t time.Time) int { return int(t.Weekday()) }),
		{Name: "time/add", Params: "t:time n:int unit:name", Doc: "t moved by n units: year month day hour minute second millisecond.", Example: "(time/format (time/add (time/parse \"2024-02-28\") 2 'day) \"01-02\") => \"03-01\"", fn: timeAdd},
		{Name: "time/add-date", Params: "t:time years:int months:int days:int", Doc: "t moved by years, months and days.", Example: "(time/format (time/add-date (time/parse \"2024-01-31\") 0 1 0) \"01-02\") => \"03-02\"", fn: func(t *Thread, args []Value) Value {
			return t.newTime(args[0].o.(*timeValue).t.AddDate(t.small(args[1]), t.small(args[2]), t.small(args[3])))
		}},
		{Name: "time/sub", Params: "a:time b:time", Doc: "a minus b, in whole seconds.", Example: "(time/sub (time/parse \"2024-01-02\") (time/parse \"2024-01-01\")) => 86400", fn: func(_ *Thread, args []Value) Value {
			a, b := args[0].o.(*timeValue).t, args[1].o.(*timeValue).t
			s := a.Unix() - b.Unix()
			ns := a.Nanosecond() - b.Nanosecond()
			switch {
			case s > 0 && ns < 0:
				s--
			case s < 0 && ns > 0:
				s++
			}
			return Int(s)
		}},
		{Name: "time/format-utc", Params: "t:time", Doc: "A time as 2006-01-02 15:04:05 in UTC.", Example: "(time/format-utc (time/parse 0)) => \"1970-01-01 00:00:00\"", fn: func(t *Thread, args []Value) Value {
			return t.newText(args[0].o.(*timeValue).t.UTC().Format(time.DateTime))
		}},
		{Name: "time/parse-utc", Params: "s:string", Doc: "The time that 2006-01-02 15:04:05 means in UTC.", Example: "(time/format (time/parse-utc \"1970-01-01 00:00:09\") 'timestamp) => 9", fn: func(t *Thread, args []Value) Value { return t.parseIn(args[0], time.UTC) }},
		{Name: "time/format-beijing", Params: "t:time", Doc: "A time as 2006-01-02 15:04:05 at UTC+8.", Example: "(time/format-beijing (time/parse 0)) => \"1970-01-01 08:00:00\"", fn: func(t *Thread, args []Value) Value {
			return t.newText(args[0].o.(*timeValue).t.In(beijing).Format(time.DateTime))
		}},
		{Name: "time/parse-beijing", Params: "s:string", Doc: "The time that 2006-01-02 15:04:05 means at UTC+8.", Example: "(time/format (time/parse-beijing \"1970-01-01 08:00:00\") 'timestamp) => 0", fn: func(t *Thread, args []Value) Value { return t.parseIn(args[0], beijing) }},
		{Name: "duration", Params: "s:string|int|float", Doc: "The seconds that a text like \"1m30s\", \"250ms\" or \"2h\" says; a number is seconds already.", Example: "[(duration \"1m30s\") (duration \"250ms\")] => [90 0.25]", fn: func(t *Thread, args []Value) Value {
			s, ok := args[0].AsString()
			if !ok {
				return args[0]
			}
			d, err := time.ParseDuration(s)
			if err != nil {
				t.fail("value", "cannot read %s as a duration: want a text like \"1m30s\"", showArg(args[0]))
			}
			v, _ := FromGo(d)
			return v
		}},
	}
}

func (t *Thread) newTime(x time.Time) Value {
	t.alloc(48)
	return Time(x)
}

// longestTime is how much of a text is looked at for a time.
const longestTime = 256

// small gives an int that calendar arithmetic can bear.
func (t *Thread) small(v Value) int {
	if n, ok := v.AsInt(); ok && n > -1e9 && n < 1e9 {
		return int(n)
	}
	t.fail("value", "cannot move a time by %s", showArg(v))
	return 0
}

func (t *Thread) parseIn(v Value, loc *time.Location) Value {
	s, _ := v.AsString()
	x, err := time.ParseInLocation(time.DateTime, clip(s, longestTime), loc)
	if err != nil {
		t.fail("value", "cannot read %s as a time: want the form 2006-01-02 15:04:05", showArg(v))
	}
	return t.newTime(x)
}

// unit gives the nanoseconds of a unit of unix time.
func unit(name string) (int64, bool) {
	switch name {
	case "timestamp":
		return 1e9, true
	case "timestamp-ms":
		return 1e6, true
	case "timestamp-micro":
		return 1e3, true
	case "timestamp-nano":
		return 1, true
	}
	return 0, false
}

func nameText(v Value) (string, bool) {
	if s, ok := v.AsSymbol(); ok {
		return s, true
	}
	return v.AsString()
}

func (t *Thread) zone(v Value) *time.Location {
	name, ok := nameText(v)
	if !ok || len(name) > 64 {
		t.fail("type", "cannot find the time zone %s: want a name like \"Europe/Berlin\"", showArg(v))
	}
	loc, err := time.LoadLocation(name)
	if err != nil {
		t.fail("value", "cannot find the time zone %s", name)
	}
	return loc
}

func timeParse(t *Thread, args []Value) Value {
	fallback := Nil
	if last := args[len(args)-1]; len(args) > 1 && last.Kind() == KindTime {
		fallback, args = last, args[:len(args)-1]
	}
	fail := func(why string) Value {
		if !fallback.IsNil() {
			return fallback
		}
		t.fail("value", "cannot read %s as a time%s", showArg(args[0]), why)
		return Nil
	}
	if args[0].Kind() == KindInt {
		n, ok := args[0].AsInt()
		per := int64(1e9)
		if len(args) > 1 {
			name, _ := nameText(args[1])
			var known bool
			if per, known = unit(name); !known {
				t.fail("value", "cannot read a time in %s: want timestamp, timestamp-ms, timestamp-micro or timestamp-nano", showArg(args[1]))
			}
		}
		if !ok || per == 1e9 && (n > 1<<55 || n < -1<<55) {
			return fail(": out of range")
		}
		each := 1_000_000_000 / per
		sec, rest := n/each, n%each
		if rest < 0 {
			sec, rest = sec-1, rest+each
		}
		return t.newTime(time.Unix(sec, rest*per).UTC())
	}
	s, _ := args[0].AsString()
	if len(s) > longestTime {
		return fail(": too long")
	}
	loc := time.UTC
	if len(args) > 2 {
		loc = t.zone(args[2])
	}
	layouts := []string{time.DateTime, time.RFC3339Nano, time.DateOnly, time.TimeOnly}
	if len(args) > 1 {
		layout, ok := nameText(args[1])
		if !ok {
			t.badArg("time/parse", 2, args[1], "a layout as string")
		}
		if _, isUnit := unit(layout); isUnit {
			n, err := strconv.ParseInt(s, 10, 64)
			if err != nil {
				return fail("")
			}
			again := []Value{Int(n), String(layout)}
			if !fallback.IsNil() {
				again = append(again, fallback)
			}
			return timeParse(t, again)
		}
		if len(layout) > longestTime {
			t.fail("value", "cannot read a time by a layout of more than %d bytes", longestTime)
		}
		layouts = []string{layout}
	}
	for _, layout := range layouts {
		if x, err := time.ParseInLocation(layout, s, loc); err == nil {
			return t.newTime(x)
		}
	}
	return fail("")
}

func timeFormat(t *Thread, args []Value) Value {
	x := args[0].o.(*timeValue).t
	layout, _ := nameText(args[1])
	if per, ok := unit(layout); ok {
		switch per {
		case 1e9:
			return Int(x.Unix())
		case 1e6:
			return Int(x.UnixMilli())
		case 1e3:
			return Int(x.UnixMicro())
		}
		return Int(x.UnixNano())
	}
	loc := time.UTC
	if len(args) > 2 {
		loc = t.zone(args[2])
	}
	t.alloc(8 * int64(len(layout)))
	return t.newText(x.In(loc).Format(layout))
}

func timeAdd(t *Thread, args []Value) Value {
	x := args[0].o.(*timeValue).t
	n := t.small(args[1])
	name, _ := nameText(args[2])
	switch name {
	case "year":
		x = x.AddDate(n, 0, 0)
	case "month":
		x = x.AddDate(0, n, 0)
	case "day":
		x = x.AddDate(0, 0, n)
	case "hour", "minute", "second", "millisecond":
		d := map[string]time.Duration{"hour": time.Hour, "minute": time.Minute, "second": time.Second, "millisecond": time.Millisecond}[name]
		sec := int64(n) * int64(d/time.Millisecond)
		x = time.Unix(x.Unix()+sec/1000, int64(x.Nanosecond())+sec%1000*1e6).In(x.Location())
	default:
		near := ""
		if s := Nearest(name, []string{"year", "month", "day", "hour", "minute", "second", "millisecond"}); s != "" {
			near = " (did you mean " + s + "?)"
		}
		t.fail("value", "cannot add %s to a time: no such unit%s", name, near)
	}
	return t.newTime(x)
}
