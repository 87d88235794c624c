package lisp

import (
	"bytes"
	"encoding/csv"
	"errors"
	"io"
	"strings"
	"unicode/utf8"
)

// csvPrims read and write comma separated values: of texts, and of objects that can be read or written.
func csvPrims() []Prim {
	return []Prim{
		{Name: "csv/parse", Params: "s:string|bytes [how:name|nil] [separator:string|char]", Doc: "The rows of a text of comma separated values, as arrays of strings; with 'hash the first row names the columns and every further row is a hash.", Example: "(csv/parse \"a,b\\n1,\\\"x,y\\\"\\n\" 'hash) => [{\"a\" \"1\" \"b\" \"x,y\"}]", fn: func(t *Thread, args []Value) Value {
			s, ok := args[0].AsString()
			if !ok {
				b, _ := args[0].AsBytes()
				t.alloc(int64(len(b)))
				s = string(b)
			}
			return t.readCSV(s, csvHeader(t, "csv/parse", args), csvSeparator(t, args, 2))
		}},
		{Name: "csv/format", Params: "rows:seq [separator:string|char]", Doc: "Rows as a text of comma separated values. Rows are arrays, or hashes, of which the first names the columns; arrays and hashes in a cell become JSON.", Example: "(csv/format [{\"a\" 1 \"b\" \"x,y\"} {\"a\" [2]}]) => \"a,b\\n1,\\\"x,y\\\"\\n[2],\\n\"", fn: func(t *Thread, args []Value) Value {
			out := t.writeCSV(nil, args[0], csvSeparator(t, args, 1))
			return t.newText(string(out))
		}},
		{Name: "csv/read", Params: "io:io [how:name|nil]", Doc: "The rows of what is left to read of a buffer or another io object, as csv/parse gives them.", Example: "(let [b (buffer)] (:print b \"a,b\\n1,2\\n\") (csv/read b)) => [[\"a\" \"b\"] [\"1\" \"2\"]]", fn: func(t *Thread, args []Value) Value {
			obj, _ := args[0].AsHost()
			r, ok := obj.(io.Reader)
			if !ok {
				t.badArg("csv/read", 1, args[0], "something to read")
			}
			return t.readCSV(t.readAll(r), csvHeader(t, "csv/read", args), ',')
		}},
		{Name: "csv/write", Params: "io:io rows:seq", Doc: "Writes rows to a buffer or another io object, as csv/format gives them.", Example: "(let [b (buffer)] (csv/write b [[\"a\" \"b\"] [1 2]]) (string b)) => \"a,b\\n1,2\\n\"", fn: func(t *Thread, args []Value) Value {
			obj, _ := args[0].AsHost()
			w, ok := obj.(io.Writer)
			if !ok {
				t.badArg("csv/write", 1, args[0], "something to write to")
			}
			out := t.writeCSV(nil, args[1], ',')
			t.alloc(int64(len(out)))
			if _, err := w.Write(out); err != nil {
				t.throw(err)
			}
			return Nil
		}},
	}
}

// csvHeader reads the argument that asks for hashes.
func csvHeader(t *Thread, name string, args []Value) bool {
	if len(args) < 2 || args[1].IsNil() {
		return false
	}
	if how, _ := nameText(args[1]); how != "hash" {
		t.badArg(name, 2, args[1], "'hash or nil")
	}
	return true
}

// csvSeparator reads the argument that is the separator.
func csvSeparator(t *Thread, args []Value, i int) rune {
	if i >= len(args) {
		return ','
	}
	r, ok := args[i].AsChar()
	if s, isText := args[i].AsString(); isText {
		var size int
		r, size = utf8.DecodeRuneInString(s)
		ok = size > 0 && size == len(s)
	}
	if !ok || r == '"' || r == '\r' || r == '\n' || r == utf8.RuneError || !utf8.ValidRune(r) {
		t.fail("value", "cannot separate values with %s: want one character that is no quote and no line end", showArg(args[i]))
	}
	return r
}

// FromCSV reads comma separated values: an array of rows, which are arrays of strings or, with header, hashes from the
// names in the first row to the cells. It charges t for what it makes. Errors are of kind "value" and name the line.
func FromCSV(t *Thread, data string, header bool) (v Value, err error) {
	defer t.recovered(&err, t.top)
	return t.readCSV(data, header, ','), nil
}

// AppendCSV appends rows, a list or array of lists and arrays or of hashes, as comma separated values. It charges t for
// what it makes.
func AppendCSV(t *Thread, dst []byte, rows Value) (out []byte, err error) {
	defer t.recovered(&err, t.top)
	return t.writeCSV(dst, rows, ','), nil
}

func (t *Thread) readCSV(s string, header bool, separator rune) Value {
	// The reader keeps the row it works on, and for every cell in it two places and the start of a string, all of which grow by copying.
	t.alloc(2*int64(len(s)) + 8192)
	t.room(t.csvCells(s, string(separator)), 80)
	in := csv.NewReader(&metered{t, strings.NewReader(s)})
	in.Comma = separator
	in.FieldsPerRecord = -1
	in.ReuseRecord = true
	var names []Value
	var rows []Value
	for {
		row, err := in.Read()
		if err == io.EOF {
			return t.newArray(rows)
		}
		if err != nil {
			var bad *csv.ParseError
			if errors.As(err, &bad) {
				t.fail("value", "cannot read comma separated values at line %d, column %d: %v", bad.Line, bad.Column, bad.Err)
			}
			t.fail("value", "cannot read comma separated values: %v", err)
		}
		t.charge(1 + int64(len(row)))
		items := t.texts(row)
		if header && names == nil {
			names, _ = items.Elements()
			continue
		}
		if header {
			line, _ := in.FieldPos(0)
			items = t.namedCells(names, items, line)
		}
		if len(rows) == cap(rows) {
			t.alloc(int64(2*len(rows)+1) * valueSize)
		}
		rows = append(rows, items)
	}
}

// maxMarks is how many separators and quotes may stand in one line of comma separated values, which is worked on without a
// look at the context.
const maxMarks = 1 << 20

// csvCells gives the most cells that there can be.
func (t *Thread) csvCells(s, separator string) int64 {
	cells, marks, line := 1, 0, 1
	t.eachPiece(s, func(piece string) bool {
		for {
			i := strings.IndexByte(piece, '\n')
			part := piece[:max(i, 0)]
			if i < 0 {
				part = piece
			}
			n := strings.Count(part, separator)
			cells += n
			if marks += n + strings.Count(part, `"`); marks > maxMarks {
				t.fail("too-large", "cannot read comma separated values: line %d has more than %d separators and quotes", line, maxMarks)
			}
			if i < 0 {
				return true
			}
			cells, marks, line, piece = cells+1, 0, line+1, piece[i+1:]
		}
	})
	return int64(cells)
}

// metered pays for what is read.
type metered struct {
	t *Thread
	r io.Reader
}

func (m *metered) Read(p []byte) (int, error) {
	n, err := m.r.Read(p)
	m.t.charge(1 + int64(n)>>5)
	return n, err
}

// namedCells makes a hash of a row; cells that are missing at its end are empty.
func (t *Thread) namedCells(names []Value, row Value, line int) Value {
	cells, _ := row.Elements()
	if len(cells) > len(names) {
		t.fail("value", "cannot read comma separated values at line %d: %d cells where %d columns have a name", line, len(cells), len(names))
	}
	t.alloc(hashSize)
	h := NewHash()
	for i, name := range names {
		cell := String("")
		if i < len(cells) {
			cell = cells[i]
		}
		t.charge(1)
		t.setHash(h, name, cell)
	}
	return HashValue(h)
}

func (t *Thread) writeCSV(dst []byte, rows Value, separator rune) []byte {
	buf := bytes.NewBuffer(dst)
	out := csv.NewWriter(buf)
	out.Comma = separator
	put := func(row []string) {
		// A cell takes at most twice its bytes and quotes, and the buffer may have to be copied to grow.
		size := int64(len(row)) + 1
		for _, cell := range row {
			size += 2*int64(len(cell)) + 2
		}
		t.charge(1 + size>>5)
		t.alloc(3 * size)
		if len(row) == 1 && row[0] == "" {
			out.Flush()
			buf.WriteString("\"\"\n") // an empty line would be no row
			return
		}
		if err := out.Write(row); err != nil {
			t.fail("failed", "cannot write comma separated values: %v", err)
		}
	}
	var names []Value
	named := false
	for i, row := range t.elements(rows, "write") {
		var cells []string
		switch o := row.o.(type) {
		case *Hash:
			if i == 0 {
				named = true
				o.Each(func(k, _ Value) bool {
					t.alloc(2 * valueSize)
					names = append(names, k)
					return true
				})
				put(t.cells(names))
			} else if !named {
				t.mixedRows(i, row)
			}
			values := t.makeItems(len(names))
			for _, name := range names {
				v, _ := o.Get(name)
				values = append(values, v)
			}
			cells = t.cells(values)
		case *array, *cons, *nilTag:
			if named {
				t.mixedRows(i, row)
			}
			cells = t.cells(t.elements(row, "write"))
		default:
			t.fail("type", "cannot write comma separated values: row %d is %s, want array or hash", i+1, showArg(row))
		}
		put(cells)
	}
	out.Flush()
	return buf.Bytes()
}

func (t *Thread) mixedRows(i int, row Value) {
	t.fail("type", "cannot write comma separated values: row %d is %s, the first row is not", i+1, showArg(row))
}

// cells gives the texts of a row.
func (t *Thread) cells(row []Value) []string {
	t.alloc(int64(len(row)) * 16)
	out := make([]string, 0, len(row))
	for _, v := range row {
		switch v.o.(type) {
		case *array, *Hash, *cons, *record:
			w := jsonWriter{limit: maxJSONBytes, t: t}
			if err := w.value(v); err != nil {
				t.throw(err)
			}
			t.alloc(int64(len(w.b)))
			out = append(out, string(w.b))
		default:
			out = append(out, t.show(v, true))
		}
	}
	return out
}
