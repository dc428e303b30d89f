package source

import (
	"cmp"
	"fmt"
	"slices"

	"detour/shared/config"
)

// Problem is one problem of a file, and where it stands.
type Problem struct {
	// File is the name that the caller gave.
	File string `json:"file"`
	// Line and Column count from 1; the column counts characters. They are
	// those of the value, or of what encloses it where there is no value.
	Line   int `json:"line"`
	Column int `json:"column"`
	config.Problem
}

// String returns the problem as file:line:column: path: what; remedy.
func (p Problem) String() string {
	return fmt.Sprintf("%s:%d:%d: %s", p.File, p.Line, p.Column, p.Problem)
}

// Problems is the error for a file that is not a configuration: all that is
// wrong with it, in the order of the file.
type Problems []Problem

// Error returns one problem per line, at most 20, and how many more there are.
func (p Problems) Error() string {
	lines := make([]string, len(p))
	for i, problem := range p {
		lines[i] = problem.String()
	}
	return config.Listing(lines)
}

func (p Problems) sort() {
	slices.SortStableFunc(p, func(a, b Problem) int {
		return cmp.Or(cmp.Compare(a.Line, b.Line), cmp.Compare(a.Column, b.Column))
	})
}
