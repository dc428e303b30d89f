package lab

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"detour/events"
)

// The bounds of a recording.
const (
	// MaxRecording is how many bytes a recording may have.
	MaxRecording = 16 << 20
	// MaxRecorded is how many events it may hold.
	MaxRecorded = 10_000
	// maxRecordedEvent is how many bytes one event may have, that of EventBridge.
	maxRecordedEvent = 1 << 20
)

// Recorded is one recorded event.
type Recorded struct {
	// Line is where the event begins in the file, from 1.
	Line int
	// At is the envelope's time.
	At  time.Time
	Raw []byte
	env events.Envelope
}

// ReadRecording reads recorded EventBridge events, in the order of their time.
// The data are one of: a JSON array of events, one event on each line (each may
// have a time before it, as in a CloudWatch Logs export to S3), or the answer of
// CloudWatch Logs' FilterLogEvents or GetLogEvents, whose messages are events.
// The error names the line, what is wrong there, and what would be right.
func ReadRecording(data []byte) ([]Recorded, error) {
	if len(data) > MaxRecording {
		return nil, fmt.Errorf("the recording has %d bytes, and %d are allowed; play it in parts", len(data), MaxRecording)
	}
	data = bytes.TrimPrefix(data, []byte("\xef\xbb\xbf"))
	text := bytes.TrimSpace(data)
	var out []Recorded
	var err error
	switch {
	case len(text) == 0:
		return nil, errors.New("the recording is empty; it must hold at least one event")
	case text[0] == '[':
		out, err = readArray(data)
	default:
		if messages, ok := logEvents(text); ok {
			out, err = readMessages(messages)
		} else {
			out, err = readLines(data)
		}
	}
	if err != nil {
		return nil, err
	}
	if len(out) == 0 {
		return nil, errors.New("the recording holds no event; it must hold at least one")
	}
	slices.SortStableFunc(out, func(a, b Recorded) int { return a.At.Compare(b.At) })
	if span := out[len(out)-1].At.Sub(out[0].At); span > time.Duration(maxDuration) {
		return nil, fmt.Errorf("the events lie %s apart, from line %d to line %d, and %s are allowed; play them in parts",
			span, out[0].Line, out[len(out)-1].Line, maxDuration)
	}
	return out, nil
}

// readArray reads a JSON array of events.
func readArray(data []byte) ([]Recorded, error) {
	decoder := json.NewDecoder(bytes.NewReader(data))
	if _, err := decoder.Token(); err != nil {
		return nil, wrongJSON(1, err)
	}
	var out []Recorded
	for decoder.More() {
		var raw json.RawMessage
		line := lineOf(data, decoder.InputOffset())
		if err := decoder.Decode(&raw); err != nil {
			return nil, wrongJSON(lineOf(data, decoder.InputOffset()), err)
		}
		var err error
		if out, err = appendEvent(out, line, raw); err != nil {
			return nil, err
		}
	}
	if _, err := decoder.Token(); err != nil {
		return nil, wrongJSON(lineOf(data, int64(len(data))), err)
	}
	if _, err := decoder.Token(); !errors.Is(err, io.EOF) {
		return nil, fmt.Errorf("line %d: something follows the array of events; write one array, or one event on each line", lineOf(data, decoder.InputOffset()))
	}
	return out, nil
}

// lineOf is the line in which the next value at or after the offset begins.
func lineOf(data []byte, offset int64) int {
	at := min(int(offset), len(data))
	for at < len(data) && strings.ContainsRune(" \t\r\n,", rune(data[at])) {
		at++
	}
	return 1 + bytes.Count(data[:at], []byte("\n"))
}

// logEvents are the messages of an answer of CloudWatch Logs; it is not ok if the
// data are none.
func logEvents(data []byte) (messages []string, ok bool) {
	var answer struct {
		Events *[]struct {
			Message *string `json:"message"`
		} `json:"events"`
	}
	if json.Unmarshal(data, &answer) != nil || answer.Events == nil {
		return nil, false
	}
	for _, e := range *answer.Events {
		if e.Message == nil {
			return nil, false
		}
		messages = append(messages, *e.Message)
	}
	return messages, true
}

// readMessages reads events that are texts; their number stands for the line.
func readMessages(messages []string) ([]Recorded, error) {
	var out []Recorded
	for i, message := range messages {
		var err error
		if out, err = appendEvent(out, i+1, []byte(message)); err != nil {
			return nil, fmt.Errorf("%w (the line is the message's number)", err)
		}
	}
	return out, nil
}

// readLines reads one event from each line that is not empty.
func readLines(data []byte) ([]Recorded, error) {
	var out []Recorded
	number := 0
	for line := range bytes.Lines(data) {
		number++
		line = bytes.TrimSpace(line)
		if len(line) == 0 {
			continue
		}
		// An export to S3 has the time of the log event before it.
		if first, rest, ok := bytes.Cut(line, []byte(" ")); ok && line[0] != '{' {
			if _, err := time.Parse(time.RFC3339, string(first)); err == nil {
				line = bytes.TrimSpace(rest)
			}
		}
		var err error
		if out, err = appendEvent(out, number, line); err != nil {
			return nil, err
		}
	}
	return out, nil
}

// appendEvent takes in one event.
func appendEvent(out []Recorded, line int, raw []byte) ([]Recorded, error) {
	switch {
	case len(out) == MaxRecorded:
		return nil, fmt.Errorf("line %d: there are more than %d events; play them in parts", line, MaxRecorded)
	case len(raw) > maxRecordedEvent:
		return nil, fmt.Errorf("line %d: the event has %d bytes, and EventBridge allows %d; take it out", line, len(raw), maxRecordedEvent)
	case len(raw) == 0 || raw[0] != '{':
		return nil, fmt.Errorf("line %d: this is no event; write a JSON object with the envelope of EventBridge (id, source, detail-type, time, detail)", line)
	}
	var compact bytes.Buffer
	if err := json.Compact(&compact, raw); err != nil {
		return nil, wrongJSON(line, err)
	}
	e := Recorded{Line: line, Raw: compact.Bytes()}
	var when struct {
		Time   string          `json:"time"`
		Detail json.RawMessage `json:"detail"`
	}
	if err := json.Unmarshal(e.Raw, &when); err != nil {
		return nil, fmt.Errorf("line %d: time is no text; write it as 2026-01-05T03:00:00Z", line)
	}
	_ = json.Unmarshal(e.Raw, &e.env) // What cannot be read is Detour's to handle.
	at, err := time.Parse(time.RFC3339, when.Time)
	switch {
	case when.Time == "":
		return nil, fmt.Errorf("line %d: the event has no time; write when it was sent, as 2026-01-05T03:00:00Z", line)
	case err != nil:
		return nil, fmt.Errorf("line %d: time is %q; write it as 2026-01-05T03:00:00Z", line, when.Time)
	}
	e.At = at.UTC()
	return append(out, e), nil
}

func wrongJSON(line int, err error) error {
	return fmt.Errorf("line %d: this is no JSON (%w); write a JSON array of events, or one event on each line", line, err)
}
