package lisp

import (
	"fmt"
	"math/big"
	"reflect"
	"sort"
	"time"
)

// FromGo makes a Value of plain Go data: nil, booleans, numbers, strings, []byte, time.Time, time.Duration (seconds, as a
// float or, when whole, an int), errors, Values, slices, maps with string keys (sorted) and pointers to such. Structs and
// everything else are an error.
func FromGo(x any) (Value, error) { return fromGo(x, 0) }

func fromGo(x any, depth int) (Value, error) {
	if depth > maxJSONDepth {
		return Nil, Errorf("value", "cannot convert Go data nested more than %d levels deep", maxJSONDepth)
	}
	switch x := x.(type) {
	case nil:
		return Nil, nil
	case Value:
		return x, nil
	case *Hash:
		return HashValue(x), nil
	case bool:
		return Bool(x), nil
	case string:
		return String(x), nil
	case int:
		return Int(int64(x)), nil
	case int64:
		return Int(x), nil
	case float64:
		return Float(x), nil
	case []byte:
		return Bytes(append([]byte(nil), x...)), nil
	case time.Time:
		return Time(x), nil
	case time.Duration:
		if x%time.Second == 0 {
			return Int(int64(x / time.Second)), nil
		}
		return Float(x.Seconds()), nil
	case *big.Int:
		return BigInt(x), nil
	case error:
		return ErrorValue(Errorf("failed", "%w", x)), nil
	}
	return fromReflect(reflect.ValueOf(x), depth)
}

func fromReflect(rv reflect.Value, depth int) (Value, error) {
	switch rv.Kind() {
	case reflect.Bool:
		return Bool(rv.Bool()), nil
	case reflect.String:
		return String(rv.String()), nil
	case reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64:
		return Int(rv.Int()), nil
	case reflect.Uint, reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64:
		return BigInt(new(big.Int).SetUint64(rv.Uint())), nil
	case reflect.Float32, reflect.Float64:
		return Float(rv.Float()), nil
	case reflect.Slice, reflect.Array:
		items := make([]Value, rv.Len())
		for i := range items {
			v, err := fromGo(rv.Index(i).Interface(), depth+1)
			if err != nil {
				return Nil, err
			}
			items[i] = v
		}
		return arrayOf(items), nil
	case reflect.Map:
		if rv.Type().Key().Kind() != reflect.String {
			break
		}
		keys := rv.MapKeys()
		sort.Slice(keys, func(i, j int) bool { return keys[i].String() < keys[j].String() })
		h := NewHash()
		for _, k := range keys {
			v, err := fromGo(rv.MapIndex(k).Interface(), depth+1)
			if err != nil {
				return Nil, err
			}
			h.SetString(k.String(), v)
		}
		return HashValue(h), nil
	case reflect.Pointer, reflect.Interface:
		if rv.IsNil() {
			return Nil, nil
		}
		return fromGo(rv.Elem().Interface(), depth+1)
	}
	return Nil, Errorf("type", "cannot convert Go type %s to a value", rv.Type())
}

// ToGo is the reverse of FromGo: nil, bool, int64, *big.Int, float64, string (also for symbols and chars), []byte,
// time.Time, []any, map[string]any (keys as text). Functions, streams and what is nested beyond 512 levels are errors.
func ToGo(v Value) (any, error) { return toGo(v, 0) }

func toGo(v Value, depth int) (any, error) {
	if depth > maxJSONDepth {
		return nil, Errorf("value", "cannot convert a value nested more than %d levels deep, or containing itself", maxJSONDepth)
	}
	switch o := v.o.(type) {
	case nil:
		return v.n, nil
	case *nilTag:
		return nil, nil
	case *boolTag:
		return v.n != 0, nil
	case *floatTag:
		return v.float(), nil
	case *charTag:
		return string(rune(v.n)), nil
	case *bigInt:
		return new(big.Int).Set(&o.i), nil
	case *text:
		return o.s, nil
	case *symbol:
		return o.name, nil
	case *raw:
		return append([]byte(nil), o.b...), nil
	case *timeValue:
		return o.t, nil
	case *array, *cons:
		items, ok := v.Elements()
		if !ok {
			break
		}
		out := make([]any, len(items))
		for i, item := range items {
			x, err := toGo(item, depth+1)
			if err != nil {
				return nil, err
			}
			out[i] = x
		}
		return out, nil
	case *Hash:
		out := make(map[string]any, o.live)
		var err error
		o.Each(func(k, item Value) bool {
			out[keyText(k)], err = toGo(item, depth+1)
			return err == nil
		})
		return out, err
	}
	return nil, Errorf("type", "cannot convert %s to Go data", article(wordFor(v)))
}

// Unpack stores args into the variables that targets point to: *string, *int, *int64, *float64, *bool, *Value, **Hash,
// *[]string (one list or array of strings), *[]byte. With a trailing *[]Value or, after "...", a *[]string it takes all that
// remain. Arguments from a target on that follows the string "?" may be missing. The error is of kind "arity" or "type"
// and says which argument of name is wrong.
//
//	var name string; var lines int64 = 100
//	err := lisp.Unpack("logs", args, &name, "?", &lines)
func Unpack(name string, args []Value, targets ...any) error {
	least, optional, rest := 0, false, false
	var vars []any
	for _, target := range targets {
		switch target {
		case "?":
			optional = true
			continue
		case "...":
			rest = true
			continue
		}
		if _, ok := target.(*[]Value); ok {
			rest = true
		}
		vars = append(vars, target)
		if !optional && !rest {
			least++
		}
	}
	most := len(vars)
	if rest {
		most = -1
	}
	if len(args) < least || most >= 0 && len(args) > most {
		want := fmt.Sprint(least)
		if most < 0 {
			want = "at least " + want
		} else if most != least {
			want = fmt.Sprintf("%d to %d", least, most)
		}
		return Errorf("arity", "cannot call %s: got %d, want %s arguments", name, len(args), want)
	}
	for i, target := range vars {
		if rest && i == len(vars)-1 {
			return unpackRest(name, args[min(i, len(args)):], i, target)
		}
		if i >= len(args) {
			break
		}
		if err := unpackOne(name, args[i], i, target); err != nil {
			return err
		}
	}
	return nil
}

func unpackRest(name string, args []Value, from int, target any) error {
	switch out := target.(type) {
	case *[]Value:
		*out = append([]Value(nil), args...)
	case *[]string:
		for i, arg := range args {
			s, ok := arg.AsString()
			if !ok {
				return badUnpack(name, from+i, arg, "string")
			}
			*out = append(*out, s)
		}
	default:
		return Errorf("failed", "cannot unpack the rest of the arguments of %s into %T", name, target)
	}
	return nil
}

func badUnpack(name string, i int, got Value, want string) error {
	return Errorf("type", "cannot call %s: argument %d is %s, want %s", name, i+1, showArg(got), want)
}

func unpackOne(name string, arg Value, i int, target any) error {
	ok := false
	want := ""
	switch out := target.(type) {
	case *Value:
		*out, ok = arg, true
	case *string:
		want = "string"
		var s string
		if s, ok = arg.AsString(); ok {
			*out = s
		}
	case *int64:
		want = "int"
		if ok = arg.o == nil; ok {
			*out = arg.n
		}
	case *int:
		want = "int"
		if ok = arg.o == nil && int64(int(arg.n)) == arg.n; ok {
			*out = int(arg.n)
		}
	case *float64:
		want = "number"
		var f float64
		if f, ok = arg.AsFloat(); ok {
			*out = f
		}
	case *bool:
		want = "bool"
		var b bool
		if b, ok = arg.AsBool(); ok {
			*out = b
		}
	case **Hash:
		want = "hash"
		var h *Hash
		if h, ok = arg.AsHash(); ok {
			*out = h
		}
	case *[]byte:
		want = "bytes or string"
		var b []byte
		if b, ok = arg.AsBytes(); ok {
			*out = b
		} else if s, isText := arg.AsString(); isText {
			*out, ok = []byte(s), true
		}
	case *[]string:
		want = "list or array of strings"
		var items []Value
		if items, ok = arg.Elements(); ok {
			strs := make([]string, len(items))
			for j, item := range items {
				s, isText := item.AsString()
				ok = ok && isText
				strs[j] = s
			}
			if ok {
				*out = strs
			}
		}
	default:
		return Errorf("failed", "cannot unpack an argument of %s into %T", name, target)
	}
	if !ok {
		return badUnpack(name, i, arg, want)
	}
	return nil
}
