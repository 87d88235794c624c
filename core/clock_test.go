package core

import (
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"strings"
	"testing"
)

// Setting the clock must change nothing: only clock.go may ask for the time, wallClock is called for display alone, and
// nothing computes with a time of day.
func TestWallTimeIsForDisplayOnly(t *testing.T) {
	display := map[string]bool{ // the functions that make what people read
		"journal.go/Add": true, "publish.go/snapshot": true, "life.go/lifeOver": true, "life.go/launchAnswered": true,
	}
	entries, err := os.ReadDir(".")
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		name := e.Name()
		if !strings.HasSuffix(name, ".go") || strings.HasSuffix(name, "_test.go") || name == "clock.go" {
			continue
		}
		fset := token.NewFileSet()
		file, err := parser.ParseFile(fset, name, nil, 0)
		if err != nil {
			t.Fatal(err)
		}
		for _, decl := range file.Decls {
			fn, ok := decl.(*ast.FuncDecl)
			if !ok {
				continue
			}
			where := name + "/" + fn.Name.Name
			ast.Inspect(fn, func(n ast.Node) bool {
				switch n := n.(type) {
				case *ast.Ident:
					if n.Name == "wallClock" && !display[where] {
						t.Errorf("%s: wall time where people do not read", fset.Position(n.Pos()))
					}
				case *ast.SelectorExpr:
					if n.Sel.Name == "AfterFunc" && where == "launches.go/work" {
						return true // how long a launch takes is a duration, and what comes of it touches no process
					}
					switch n.Sel.Name {
					case "Now", "Unix", "UnixNano", "UnixMilli", "UnixMicro", "Until", "Date", "Sleep", "AfterFunc", "Tick", "NewTicker":
						t.Errorf("%s: %s", fset.Position(n.Pos()), n.Sel.Name)
					case "Since", "Sub", "Before", "After":
						if where != "state.go/Uptime" && !isOwn(n) {
							t.Errorf("%s: %s of times", fset.Position(n.Pos()), n.Sel.Name)
						}
					}
				}
				return true
			})
		}
	}
}

// isOwn: Journal.Since is not time.Since.
func isOwn(n *ast.SelectorExpr) bool {
	inner, ok := n.X.(*ast.SelectorExpr)
	return ok && inner.Sel.Name == "journal"
}
