package config

import (
	"fmt"
	"strconv"
	"strings"
	"unicode/utf8"
)

// MaxProblems is how many problems Check collects at most, so that a hostile
// file costs bounded time and memory.
const MaxProblems = 1000

// maxShown is how many problems an error prints, and maxValue how many bytes of
// a value.
const (
	maxShown = 20
	maxValue = 80
)

// Problem is one thing that is wrong with a configuration.
type Problem struct {
	// Path is where, such as groups[0].units[1].entries[0].destination. It is
	// empty for the configuration as a whole.
	Path string `json:"path"`
	// Value is what stands there; empty when nothing does.
	Value string `json:"value,omitempty"`
	// What says what is wrong, and Remedy what to write instead.
	What   string `json:"what"`
	Remedy string `json:"remedy"`
}

// String returns the problem as one line of printable text, whatever the value
// contains.
func (p Problem) String() string {
	var out strings.Builder
	if p.Path != "" {
		out.WriteString(p.Path + ": ")
	}
	if p.Value != "" {
		out.WriteString(Quote(p.Value) + " ")
	}
	out.WriteString(p.What)
	if p.Remedy != "" {
		out.WriteString("; " + p.Remedy)
	}
	return out.String()
}

// Quote returns text in quotation marks, escaped, and cut where it is long.
func Quote(text string) string {
	if len(text) <= maxValue {
		return strconv.Quote(text)
	}
	cut := maxValue
	for cut > maxValue-utf8.UTFMax && !utf8.RuneStart(text[cut]) {
		cut--
	}
	return strconv.Quote(text[:cut] + "…")
}

// KeyPath returns the path of a key below path, in the notation of Problem.Path:
// plain where key could be a name, and in brackets and quotation marks else.
func KeyPath(path, key string) string {
	switch {
	case !validName(key):
		return path + "[" + Quote(key) + "]"
	case path == "":
		return key
	default:
		return path + "." + key
	}
}

// IndexPath returns the path of an element of the list at path.
func IndexPath(path string, i int) string { return path + "[" + strconv.Itoa(i) + "]" }

// Problems is the error for a configuration that breaks rules.
type Problems []Problem

// Error returns one problem per line, at most 20, and how many more there are.
func (p Problems) Error() string {
	lines := make([]string, len(p))
	for i, problem := range p {
		lines[i] = problem.String()
	}
	return Listing(lines)
}

// Listing joins the lines, at most 20 of them, and says how many more there are.
func Listing(lines []string) string {
	if len(lines) <= maxShown {
		return strings.Join(lines, "\n")
	}
	return fmt.Sprintf("%s\nand %d more", strings.Join(lines[:maxShown], "\n"), len(lines)-maxShown)
}
