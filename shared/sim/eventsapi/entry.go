package eventsapi

import (
	"encoding/json"
	"fmt"
	"math"
	"strings"
	"time"
	"unicode/utf8"

	"detour/shared/sim/endpoint"
)

// timeSize is what the Time of an entry counts for in the size of a request,
// whatever it is. Source: EventBridge user guide, Calculating event size.
const timeSize = 14

// entry is one entry of a PutEvents request.
type entry struct {
	source     string
	detailType string
	detail     string
	bus        string
	resources  []string
	timed      bool
	at         time.Time // if timed
}

// size is the entry's size in bytes, as EventBridge counts it. Source:
// EventBridge user guide, Calculating event size.
func (e *entry) size() int {
	size := len(e.source) + len(e.detailType) + len(e.detail)
	if e.timed {
		size += timeSize
	}
	for _, resource := range e.resources {
		size += len(resource)
	}
	return size
}

// check returns the result of an entry that is wrong by itself, or nil. The
// order of the checks is UNVERIFIED.
func (e *entry) check() *resultEntry {
	for _, m := range []struct{ name, value string }{
		{"Source", e.source}, {"DetailType", e.detailType}, {"Detail", e.detail},
	} {
		if m.value == "" {
			return &resultEntry{
				ErrorCode:    "InvalidArgument",
				ErrorMessage: fmt.Sprintf("Parameter %s is not valid. Reason: %s is a required argument.", m.name, m.name),
			}
		}
	}
	switch {
	case strings.HasPrefix(e.source, "aws."):
		return &resultEntry{ErrorCode: "NotAuthorizedForSourceException", ErrorMessage: "Not authorized for the source."}
	case utf8.RuneCountInString(e.detailType) > maxDetailType:
		return &resultEntry{
			ErrorCode:    "InvalidArgument",
			ErrorMessage: fmt.Sprintf("Parameter DetailType is not valid. Reason: DetailType has more than %d characters.", maxDetailType),
		}
	case !isObject(e.detail):
		return &resultEntry{ErrorCode: "MalformedDetail", ErrorMessage: "Detail is malformed."}
	default:
		return nil
	}
}

// isObject says whether the text is one JSON object.
func isObject(text string) bool {
	return strings.HasPrefix(strings.TrimLeft(text, " \t\r\n"), "{") && json.Valid([]byte(text))
}

// readEntries reads a PutEvents request, and checks what concerns all entries.
func readEntries(raw []byte) ([]entry, *endpoint.Error) {
	members, err := endpoint.Members("the PutEvents request", raw, "Entries")
	if err != nil {
		return nil, err
	}
	var each []json.RawMessage
	if err := endpoint.Decode(members, "Entries", &each); err != nil {
		return nil, err
	}
	if len(each) == 0 || len(each) > maxEntries {
		return nil, invalid("1 validation error detected: Value at 'entries' failed to satisfy constraint: Member must have 1 to %d entries; the request has %d.", maxEntries, len(each))
	}
	entries := make([]entry, len(each))
	size := 0
	for i := range each {
		if err := entries[i].read(fmt.Sprintf("entry %d", i), each[i]); err != nil {
			return nil, err
		}
		size += entries[i].size()
	}
	if size >= maxSize {
		return nil, invalid("Total size of the entries in the request is over the limit: it is %d bytes, and must be less than %d.", size, maxSize)
	}
	return entries, nil
}

// read reads one entry; context says which one it is.
func (e *entry) read(context string, raw []byte) *endpoint.Error {
	members, err := endpoint.Members(context, raw, "Source", "DetailType", "Detail", "EventBusName", "Resources", "Time")
	if err != nil {
		return err
	}
	var seconds float64
	for _, m := range []struct {
		name string
		into any
	}{
		{"Source", &e.source},
		{"DetailType", &e.detailType},
		{"Detail", &e.detail},
		{"EventBusName", &e.bus},
		{"Resources", &e.resources},
		{"Time", &seconds},
	} {
		if err := endpoint.Decode(members, m.name, m.into); err != nil {
			return err
		}
	}
	if e.bus == "" {
		e.bus = defaultBus
	}
	if e.resources == nil {
		e.resources = []string{} // The envelope has an empty list, not null.
	}
	if _, e.timed = members["Time"]; !e.timed {
		return nil
	}
	// An envelope's time has a year of four digits and whole seconds.
	const first, last = -62135596800, 253402300799 // The years 1 to 9999.
	if seconds < first || seconds > last {
		return invalid("The Time of %s is out of range: it is %g, and must be Unix seconds in the years 1 to 9999.", context, seconds)
	}
	e.at = time.Unix(int64(math.Floor(seconds)), 0)
	return nil
}

// invalid makes an error that concerns a request as a whole.
func invalid(format string, args ...any) *endpoint.Error {
	return &endpoint.Error{Type: "ValidationException", Message: fmt.Sprintf(format, args...)}
}
