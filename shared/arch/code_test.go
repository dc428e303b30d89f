package arch

import (
	"fmt"
	"go/ast"
	"go/token"
	"strconv"
	"strings"
)

// The house measures for code that is not a test.
const (
	maxFileLines     = 500
	maxFunctionLines = 80
)

// A violation is one breach of a rule.
type violation struct {
	at     string // file:line
	reason string
}

func (v violation) String() string { return v.at + ": " + v.reason }

// A file is one parsed Go file that is no test.
type file struct {
	pkg    string // relative to the module
	fset   *token.FileSet
	syntax *ast.File
}

func (f file) at(pos token.Pos) string {
	p := f.fset.Position(pos)
	return p.Filename + ":" + strconv.Itoa(p.Line)
}

// banned are the functions that bring in the wall clock, by package and name.
var banned = map[string]map[string]string{
	"time": {
		"Now":       "take the time from Clock.Now",
		"Since":     "take the time from Clock.Now",
		"Until":     "take the time from Clock.Now",
		"Sleep":     "wait with Clock.Sleep",
		"After":     "wait with Clock.Sleep",
		"AfterFunc": "wait with Clock.Sleep in a Clock.Go",
		"Tick":      "wait with Clock.Sleep",
		"NewTimer":  "wait with Clock.Sleep",
		"NewTicker": "wait with Clock.Sleep",
	},
	"context": {
		"WithTimeout":       "use Clock.Timeout",
		"WithTimeoutCause":  "use Clock.Timeout",
		"WithDeadline":      "use Clock.Timeout",
		"WithDeadlineCause": "use Clock.Timeout",
	},
}

// ownTime are the packages that may use the wall clock and start goroutines.
var ownTime = []string{"functions/*", "cmd/*", "infra", "infra/*", "shared/adapter/systemclock", "shared/sim", "shared/sim/*"}

// check applies every rule about one file.
func (f file) check() []violation {
	var out []violation
	add := func(pos token.Pos, reason string) {
		if reason != "" {
			out = append(out, violation{f.at(pos), reason})
		}
	}
	add(f.syntax.Name.Pos(), checkName(f.pkg, f.syntax.Name.Name))
	for _, imp := range f.syntax.Imports {
		add(imp.Pos(), checkImport(module+"/"+f.pkg, importPath(imp)))
	}
	out = append(out, f.checkTime()...)
	return append(out, f.checkSize()...)
}

// checkTime finds goroutines and the wall clock where they have no place.
func (f file) checkTime() []violation {
	for _, allowed := range ownTime {
		if matches(allowed, f.pkg) {
			return nil
		}
	}
	var out []violation
	names := map[string]string{} // the name in this file of each package with banned functions
	for _, imp := range f.syntax.Imports {
		target := importPath(imp)
		if banned[target] == nil {
			continue
		}
		name := target
		if imp.Name != nil {
			name = imp.Name.Name
		}
		if name == "." {
			out = append(out, violation{f.at(imp.Pos()), "a dot import of " + target + " hides the use of the wall clock"})
		}
		names[name] = target
	}
	ast.Inspect(f.syntax, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.GoStmt:
			out = append(out, violation{f.at(n.Pos()), "a go statement below main: start it with Clock.Go, so that the simulation decides the order and a killed run stays dead"})
		case *ast.SelectorExpr:
			id, ok := n.X.(*ast.Ident)
			if !ok || id.Obj != nil { // a local variable of that name
				return true
			}
			if instead := banned[names[id.Name]][n.Sel.Name]; instead != "" {
				out = append(out, violation{f.at(n.Pos()), fmt.Sprintf("%s.%s is the wall clock, which no simulation controls: %s", names[id.Name], n.Sel.Name, instead)})
			}
		}
		return true
	})
	return out
}

// checkSize holds a file and its functions to the house measures.
func (f file) checkSize() []violation {
	var out []violation
	if lines := f.fset.File(f.syntax.FileStart).LineCount(); lines > maxFileLines {
		out = append(out, violation{f.at(f.syntax.FileStart), fmt.Sprintf("the file has %d lines, more than %d: it is about more than one thing", lines, maxFileLines)})
	}
	for _, decl := range f.syntax.Decls {
		fn, ok := decl.(*ast.FuncDecl)
		if !ok {
			continue
		}
		lines := f.fset.Position(fn.End()).Line - f.fset.Position(fn.Pos()).Line + 1
		if lines > maxFunctionLines {
			out = append(out, violation{f.at(fn.Pos()), fmt.Sprintf("function %s has %d lines, more than %d: it does not fit on a screen", fn.Name.Name, lines, maxFunctionLines)})
		}
	}
	return out
}

func importPath(imp *ast.ImportSpec) string {
	unquoted, err := strconv.Unquote(imp.Path.Value)
	if err != nil {
		return strings.Trim(imp.Path.Value, "`\"")
	}
	return unquoted
}
