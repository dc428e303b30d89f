package live

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strings"
	"time"
)

// The kinds of lines.
const (
	kindReady      = "ready"
	kindTunnel     = "tunnel"
	kindHealth     = "health"
	kindWrite      = "write"
	kindEvent      = "event"
	kindOwnEvent   = "own-event"
	kindNotice     = "notice"
	kindInvocation = "invocation"
	kindResult     = "result"
	kindLog        = "log"
	// kindExecution is the start or end of an execution of a state machine.
	kindExecution  = "execution"
	kindDeadLetter = "dead-letter"
	kindAction     = "action"
	kindUnshown    = "unshown"
	kindBGP        = "bgp"
)

// line is one thing that happened.
type line struct {
	At   time.Time `json:"at"`
	Kind string    `json:"kind"`
	// Who did it: network, AWS, a function, a program, or whom somebody named.
	Who  string `json:"who"`
	What string `json:"what"`
	// Data is the same for a program, where there is more to say.
	Data any `json:"data,omitempty"`
}

// teller writes what happens, one line for each thing. It may be used from
// several goroutines.
type teller struct {
	now   func() time.Time
	names *strings.Replacer
	json  bool
	out   *outlet // nil: nobody reads
}

// tell writes a line. That it cannot be written stops nothing: whoever reads it
// has gone.
func (t *teller) tell(l line) {
	if t.out != nil {
		t.out.write(t.text(l))
	}
}

// unshown is the line in the place of lines that were not written.
func (t *teller) unshown(n int) []byte {
	return t.text(line{Kind: kindUnshown, Who: "lab", What: fmt.Sprintf("… %d lines were not shown", n), Data: n})
}

// text is the line as it is written.
func (t *teller) text(l line) []byte {
	l.At = t.now().UTC()
	if !t.json {
		return l.readable(t.names)
	}
	text, err := json.Marshal(l)
	if err != nil {
		text = fmt.Appendf(nil, `{"kind":%q,"what":%q}`, l.Kind, "cannot be written: "+err.Error())
	}
	return append(text, '\n')
}

// readable is the line for a person. What a function logs is indented, and so is
// every further line.
func (l line) readable(names *strings.Replacer) []byte {
	what := strings.TrimRight(l.What, "\n")
	if l.Kind == kindLog {
		what = "  " + readableLog(what)
	}
	if l.Kind != kindReady { // Its commands must be typed as they are.
		what = names.Replace(what)
	}
	what = strings.ReplaceAll(what, "\n", "\n"+strings.Repeat(" ", 28))
	return fmt.Appendf(nil, "%s  %-12s %s\n", l.At.Format("15:04:05.000"), l.Who, what)
}

// readableLog turns a line of JSON, as the functions log it, into its message and
// its fields in their order. The time and the function's name stand before it, and
// the key _aws is for CloudWatch alone. Any other line stays as it is.
func readableLog(text string) string {
	decoder := json.NewDecoder(strings.NewReader(text))
	if token, err := decoder.Token(); err != nil || token != json.Delim('{') {
		return text
	}
	level, message := "", ""
	var fields []string
	for decoder.More() {
		key, err := decoder.Token()
		if err != nil {
			return text
		}
		var value json.RawMessage
		if err := decoder.Decode(&value); err != nil {
			return text
		}
		shown := string(value)
		if plain := ""; json.Unmarshal(value, &plain) == nil && plain != "" {
			shown = plain
		}
		switch key {
		case "time", "function", "Function", "_aws":
		case "level":
			level = shown
		case "msg":
			message = shown
		default:
			fields = append(fields, fmt.Sprintf("%v=%s", key, quoted(shown)))
		}
	}
	if _, err := decoder.Token(); err != nil {
		return text // It was cut off.
	}
	if level == "INFO" {
		level = ""
	}
	return strings.Join(strings.Fields(level+" "+message), " ") + leading(" ", strings.Join(fields, " "))
}

// quoted puts quotation marks around a value that has spaces in it.
func quoted(value string) string {
	if strings.ContainsAny(value, " \n\t") && !strings.HasPrefix(value, "{") && !strings.HasPrefix(value, "[") {
		return fmt.Sprintf("%q", value)
	}
	return value
}

// leading puts something before a text that is not empty.
func leading(before, text string) string {
	if text == "" {
		return ""
	}
	return before + text
}

// compact is JSON on one line, and any other text as it is.
func compact(text []byte) string {
	var out bytes.Buffer
	if json.Compact(&out, text) != nil {
		return string(text)
	}
	return out.String()
}

// asJSON is a text as a value for a program: as it is if it is JSON, else as a
// string.
func asJSON(text []byte) any {
	if json.Valid(text) {
		return json.RawMessage(text)
	}
	return string(text)
}
