package ingest_test

import (
	"errors"
	"reflect"
	"testing"

	"detour/events/payload"
	"detour/shared/ingest"
)

// FuzzDecode: whatever arrives is looked at, or dropped with a reason; and a look is never empty.
func FuzzDecode(f *testing.F) {
	for _, name := range payload.Names() {
		raw, err := payload.Read(name)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(raw)
	}
	f.Fuzz(func(t *testing.T, raw []byte) {
		look, err := ingest.Decode(raw)
		if err != nil {
			drop, ok := errors.AsType[*ingest.Drop](err)
			if !ok || drop.Reason == "" || drop.Detail == "" {
				t.Fatalf("error %v is no drop with a reason", err)
			}
			if !reflect.DeepEqual(look, ingest.Look{}) {
				t.Fatalf("a drop has a look beside it: %+v", look)
			}
		} else if !look.Everything && len(look.Hints) == 0 && len(look.Tables) == 0 && len(look.Lists) == 0 {
			t.Fatalf("an empty look: %+v", look)
		}
		if look.Everything != (look.Why != "") {
			t.Fatalf("Everything is %v and Why is %q", look.Everything, look.Why)
		}
		if kind := ingest.KindOf(raw); kind == ingest.KindUnknown && err == nil {
			t.Fatal("Decode takes what KindOf does not know")
		}
		if own := (ingest.Own{Account: look.Writer.Account, Region: look.Writer.Region}); look.Writer.Role == "" && own.Made(look.Writer) {
			t.Fatalf("%+v is no role, and Detour's own", look.Writer)
		}
		for _, h := range look.Hints {
			if h.Subject.Kind == "" || h.Subject.ID == "" || len(h.Subject.Account) != 12 || h.Subject.Region == "" {
				t.Fatalf("a hint that names nothing: %+v", h)
			}
		}
		checkRoutes(t, look)
		_, err = ingest.DecodeWake(raw)
		_, dropped := errors.AsType[*ingest.Drop](err)
		_, partly := errors.AsType[*ingest.WakeError](err)
		if err != nil && !dropped && !partly {
			t.Fatalf("DecodeWake returned %v", err)
		}
	})
}

// checkRoutes: no route is more than a look needs, and none is without a block.
func checkRoutes(t *testing.T, look ingest.Look) {
	t.Helper()
	if len(look.Routes) > 1000 {
		t.Fatalf("%d routes are kept", len(look.Routes))
	}
	for _, r := range look.Routes {
		if !r.Destination.IsValid() || r.Destination != r.Destination.Masked() {
			t.Fatalf("a route to %s", r.Destination)
		}
	}
}

// FuzzDecodeLogs: whatever a log holds is looked at, or dropped with a reason, and
// nothing is unpacked without bound. The input is the log itself, unpacked, and
// what is delivered as it comes.
func FuzzDecodeLogs(f *testing.F) {
	for _, name := range payload.Names() {
		raw, err := payload.Read(name)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(raw)
	}
	f.Add(logOf("vpn-1_192.0.2.1", "RouteStatus ADVERTISED prefix: ::/0"))
	f.Fuzz(func(t *testing.T, raw []byte) {
		for _, message := range [][]byte{raw, delivery(raw)} {
			look, err := ingest.DecodeLogs(message)
			drop, dropped := errors.AsType[*ingest.Drop](err)
			switch {
			case err != nil && (!dropped || drop.Reason == "" || drop.Detail == ""):
				t.Fatalf("error %v is no drop with a reason", err)
			case err != nil && !reflect.DeepEqual(look, ingest.Look{}):
				t.Fatalf("a drop has a look beside it: %+v", look)
			case err == nil && !look.Everything && len(look.Connections) == 0:
				t.Fatalf("an empty look: %+v", look)
			}
			if look.Everything != (look.Why != "") {
				t.Fatalf("Everything is %v and Why is %q", look.Everything, look.Why)
			}
			checkRoutes(t, look)
		}
	})
}
