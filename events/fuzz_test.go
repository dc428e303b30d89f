package events_test

import (
	"encoding/json"
	"reflect"
	"testing"

	"detour/events"
	"detour/events/payload"
)

// FuzzOwn: what is decoded without an error comes out again as the same event.
func FuzzOwn(f *testing.F) {
	for _, name := range payload.Names() {
		raw, err := payload.Read(name)
		if err != nil {
			f.Fatal(err)
		}
		var env events.Envelope
		if json.Unmarshal(raw, &env) == nil && env.Detail != nil {
			f.Add([]byte(env.Detail))
		}
	}
	f.Fuzz(func(t *testing.T, raw []byte) {
		var first, second events.Own
		if json.Unmarshal(raw, &first) != nil {
			return
		}
		again, err := json.Marshal(first)
		if err != nil {
			t.Fatalf("%s was decoded and cannot be encoded: %v", raw, err)
		}
		if err := json.Unmarshal(again, &second); err != nil || !first.At.Equal(second.At) {
			t.Fatalf("%s came out as %s, %v", raw, again, err)
		}
		first.At = second.At // The same instant can be written in several ways.
		if len(first.Announcers) == 0 && len(second.Announcers) == 0 {
			first.Announcers, second.Announcers = nil, nil // An empty list is left out.
		}
		if !reflect.DeepEqual(first, second) {
			t.Fatalf("%s came out as %s", raw, again)
		}
	})
}
