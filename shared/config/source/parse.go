package source

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"regexp"
	"strconv"
	"strings"
	"unicode/utf8"

	"go.yaml.in/yaml/v3"

	"detour/shared/config"
)

// byteOrderMark may start a UTF-8 file.
const byteOrderMark = "\uFEFF"

// parse reads the one document of the file. The root is nil for a file that has
// none.
func parse(data []byte) (root *yaml.Node, problem *Problem) {
	if len(data) > MaxSize {
		return nil, located(position{1, 1}, fmt.Sprintf("the file has more than %d bytes", MaxSize), "write prefix lists in place of many blocks, or one file for each home, with its groups")
	}
	data = bytes.TrimPrefix(data, []byte(byteOrderMark))
	if problem := checkText(data); problem != nil {
		return nil, problem
	}
	// The YAML library panics on a few malformed inputs that it does not expect.
	defer func() {
		if cause := recover(); cause != nil {
			root, problem = nil, located(position{1, 1}, "the file is not YAML that can be read", "write plain mappings, lists and values")
		}
	}()
	decoder := yaml.NewDecoder(bytes.NewReader(data))
	var first, second yaml.Node
	switch err := decoder.Decode(&first); {
	case errors.Is(err, io.EOF):
		return nil, nil
	case err != nil:
		return nil, syntaxProblem(data, err)
	}
	switch err := decoder.Decode(&second); {
	case errors.Is(err, io.EOF):
		return &first, nil
	case err != nil:
		return nil, syntaxProblem(data, err)
	}
	at := positionOf(&second)
	if inner := content(&second); inner != nil {
		at = positionOf(inner)
	}
	return nil, located(at, "a second document starts here", "write one document per file")
}

func located(at position, what, remedy string) *Problem {
	return &Problem{Line: at.line, Column: at.column, Problem: config.Problem{What: what, Remedy: remedy}}
}

// checkText refuses bytes that no editor shows: what is not UTF-8, and control
// characters other than tab and line breaks.
func checkText(data []byte) *Problem {
	at := position{1, 1}
	for len(data) > 0 {
		r, size := utf8.DecodeRune(data)
		switch {
		case r == utf8.RuneError && size == 1:
			return located(at, "the file is not UTF-8 text here", "save it as UTF-8")
		case r < ' ' && r != '\t' && r != '\n' && r != '\r', r >= 0x7f && r < 0xa0:
			return located(at, fmt.Sprintf("control character %U", r), "remove it")
		case r == '\uFEFF', r == '\u2028', r == '\u2029':
			return located(at, fmt.Sprintf("invisible character %U", r), "remove it")
		}
		data = data[size:]
		at.column++
		if r == '\n' || r == '\r' && !bytes.HasPrefix(data, []byte("\n")) {
			at = position{at.line + 1, 1}
		}
	}
	return nil
}

// syntaxProblem turns the YAML library's error, which names a line at most,
// into a problem. A tab in the indentation is named as what it is.
func syntaxProblem(data []byte, err error) *Problem {
	for i, line := range strings.Split(strings.ReplaceAll(string(data), "\r\n", "\n"), "\n") {
		indentation := line[:len(line)-len(strings.TrimLeft(line, " \t"))]
		if tab := strings.IndexByte(indentation, '\t'); tab >= 0 && indentation != line {
			return located(position{i + 1, tab + 1}, "tab in the indentation", "indent with spaces")
		}
	}
	text := strings.TrimPrefix(err.Error(), "yaml: ")
	line := 1
	if found := regexp.MustCompile(`^line (\d+): `).FindStringSubmatch(text); found != nil {
		line, _ = strconv.Atoi(found[1])
		text = text[len(found[0]):]
	}
	const maxText = 200
	if len(text) > maxText {
		text = strings.ToValidUTF8(text[:maxText], "") + "…"
	}
	return located(position{line, 1}, "not YAML: "+text, "correct the line, or one shortly before it")
}
