package lisp

// class is what defrecord defines.
type class struct {
	name   string
	fields []field
}

type field struct {
	name, typ, tag string
	init           Value
}

func (*class) kind() Kind { return KindClass }

// same reports whether two classes have the same name and fields.
func (c *class) same(d *class) bool {
	if c == d {
		return true
	}
	if c.name != d.name || len(c.fields) != len(d.fields) {
		return false
	}
	for i, f := range c.fields {
		if g := d.fields[i]; f.name != g.name || f.typ != g.typ || f.tag != g.tag {
			return false
		}
	}
	return true
}

// record is a value of a class.
type record struct {
	class  *class
	values []Value
}

func (*record) kind() Kind { return KindRecord }
