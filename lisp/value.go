package lisp

import "math"

// Value is one datum of the language. It is small, immutable as a Go value and cheap to copy; the zero Value is the
// integer 0. Never compare two Values with ==: use [Equal].
type Value struct {
	// o is nil for an integer that fits 64 bits, otherwise the object or, for float, char, bool and nil, only a tag.
	o object
	// n is the integer, the bits of a float, the code point of a char, 0 or 1 for a bool. For a list, a symbol or a string
	// that came out of the reader it is the source position, which costs nothing and survives macros.
	n int64
}

// object is closed: only pointer types of this package implement it.
type object interface{ kind() Kind }

// Kind says what sort of datum a Value is.
type Kind uint8

// The kinds. KindNil is the empty list; (type nil) is nevertheless "list".
const (
	KindInt Kind = iota
	KindFloat
	KindChar
	KindBool
	KindString
	KindSymbol
	KindBytes
	KindNil
	KindList
	KindArray
	KindHash
	KindFunction
	KindError
	KindStream
	KindTime
	KindRegexp
	KindRecord
	KindClass
	KindHost
	kindInternal // cells and markers, never seen by a program
)

// String is the word used in error messages; but for nil it is also what (type x) answers.
func (k Kind) String() string {
	if int(k) < len(kindNames) {
		return kindNames[k]
	}
	return "internal"
}

var kindNames = [...]string{"int", "float", "char", "bool", "string", "symbol", "bytes", "nil", "list", "array", "hash",
	"function", "error", "stream", "time", "regexp", "record", "record-class", "object"}

// Tags: nil pointers of these types mark the kinds whose payload is in n.
type (
	nilTag     struct{}
	boolTag    struct{}
	floatTag   struct{}
	charTag    struct{}
	tailTag    struct{} // a call in tail position: the frame is loaded, run it
	unboundTag struct{} // a variable that has no value yet
)

func (*nilTag) kind() Kind     { return KindNil }
func (*boolTag) kind() Kind    { return KindBool }
func (*floatTag) kind() Kind   { return KindFloat }
func (*charTag) kind() Kind    { return KindChar }
func (*tailTag) kind() Kind    { return kindInternal }
func (*unboundTag) kind() Kind { return kindInternal }

// Nil is the empty list; True and False are the booleans. They are constants.
var (
	Nil   = Value{o: (*nilTag)(nil)}
	True  = Value{o: (*boolTag)(nil), n: 1}
	False = Value{o: (*boolTag)(nil)}
)

var unbound = Value{o: (*unboundTag)(nil)}

// tailMark is a function because a variable would be loaded from memory.
func tailMark() Value { return Value{o: (*tailTag)(nil)} }

// Int makes an integer.
func Int(n int64) Value { return Value{n: n} }

// Float makes a float.
func Float(f float64) Value { return Value{o: (*floatTag)(nil), n: int64(math.Float64bits(f))} }

// Bool makes a boolean.
func Bool(b bool) Value {
	if b {
		return Value{o: (*boolTag)(nil), n: 1}
	}
	return Value{o: (*boolTag)(nil)}
}

// Char makes a character, which is a Unicode code point.
func Char(r rune) Value { return Value{o: (*charTag)(nil), n: int64(r)} }

// Kind says what sort of datum v is.
func (v Value) Kind() Kind {
	if v.o == nil {
		return KindInt
	}
	return v.o.kind()
}

// IsNil reports whether v is nil, the empty list.
func (v Value) IsNil() bool { _, ok := v.o.(*nilTag); return ok }

// Truthy reports whether v counts as true: everything but nil and false does.
func (v Value) Truthy() bool {
	if _, ok := v.o.(*boolTag); ok {
		return v.n != 0
	}
	_, ok := v.o.(*nilTag)
	return !ok
}

// AsInt gives an integer that fits 64 bits.
func (v Value) AsInt() (int64, bool) { return v.n, v.o == nil }

// clampedInt gives an integer; one beyond 64 bits as the greatest or the least of those.
func clampedInt(v Value) (int64, bool) {
	if b, ok := v.o.(*bigInt); ok {
		if b.i.Sign() < 0 {
			return math.MinInt64, true
		}
		return math.MaxInt64, true
	}
	return v.AsInt()
}

// AsFloat gives a float, or an integer as a float.
func (v Value) AsFloat() (float64, bool) {
	switch v.o.(type) {
	case nil, *floatTag, *bigInt:
		return toFloat(v), true
	}
	return 0, false
}

// AsBool gives a boolean.
func (v Value) AsBool() (bool, bool) { _, ok := v.o.(*boolTag); return v.n != 0, ok }

// AsChar gives a character.
func (v Value) AsChar() (rune, bool) { _, ok := v.o.(*charTag); return rune(v.n), ok }

func (v Value) isFloat() bool  { _, ok := v.o.(*floatTag); return ok }
func (v Value) float() float64 { return math.Float64frombits(uint64(v.n)) }

// Elements gives the elements of an array, a proper list or nil. The slice of an array must not be changed.
func (v Value) Elements() ([]Value, bool) {
	switch o := v.o.(type) {
	case *nilTag:
		return nil, true
	case *array:
		return o.items, true
	case *cons:
		return o.slice()
	}
	return nil, false
}

// typeName is what (type x) answers.
func typeName(v Value) string {
	switch o := v.o.(type) {
	case *nilTag:
		return "list"
	case *record:
		return o.class.name
	case *class:
		return "#class." + o.name
	case *hostObject:
		return o.obj.Type()
	}
	return v.Kind().String()
}

// wordFor names the type of v in an error message.
func wordFor(v Value) string {
	if v.IsNil() {
		return "nil"
	}
	return typeName(v)
}
