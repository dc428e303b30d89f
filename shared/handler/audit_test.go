package handler_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"
	"unicode"

	"detour/events/payload"
	"detour/shared/controller"
	"detour/shared/handler"
	"detour/shared/health"
	"detour/shared/ingest"
)

// canary stands for whatever a message should not have held.
const canary = "s3cr3t-canary"

// mutations are the sample in the ways in which messages go wrong. None of them
// is about a group of the test.
func mutations(raw []byte) map[string][]byte {
	out := map[string][]byte{"as it is": raw}
	for i := range 8 {
		out[fmt.Sprint("cut off ", i)] = raw[:len(raw)*i/8]
	}
	var fields map[string]any
	if json.Unmarshal(raw, &fields) != nil {
		return out
	}
	wrong := map[string]any{
		"null": nil, "a number": 7, "a list": []any{canary}, "an object": map[string]any{"PreSharedKey": canary}, "control characters": "a\n\x1b[31m\u202e" + canary,
	}
	for key, old := range fields {
		for what, value := range wrong {
			fields[key] = value
			out[key+" is "+what], _ = json.Marshal(fields)
		}
		delete(fields, key)
		out["no "+key], _ = json.Marshal(fields)
		fields[key] = old
	}
	fields["CustomerGatewayConfiguration"] = canary
	fields["account"] = "999999999999"
	out["a secret and a foreign account"], _ = json.Marshal(fields)
	fields["padding"] = strings.Repeat("x", 300<<10)
	out["oversized"], _ = json.Marshal(fields)
	return out
}

// TestNoMessageDoesHarm: every sample and every mutation of it, about nothing
// that a group watches, is one line at most for people, asks for no retry, writes
// nothing although a path is down, and leaves nothing of itself in the log.
func TestNoMessageDoesHarm(t *testing.T) {
	for _, name := range payload.Names() {
		for what, raw := range mutations(sample(t, name)) {
			t.Run(name+" "+what, func(t *testing.T) {
				r := newRig(t, nil, newGroup("elsewhere", health.Subject{Kind: health.SubjectVPN, ID: "vpn-elsewhere"}, "tgw-rtb-elsewhere"))
				out := r.Switchover(t.Context(), raw)
				if out.Action == handler.Retry || r.net.writes != 0 || len(r.wakes.Waiting()) != 0 {
					t.Errorf("the outcome is %+v with %d writes and the wake-ups %v", out, r.net.writes, r.wakes.Waiting())
				}
				var batch struct{ Records []json.RawMessage }
				want := 1
				if json.Unmarshal(raw, &batch) == nil {
					want = max(1, len(batch.Records))
				}
				if strings.Contains(r.log.buffer.String(), `"msg":"passed over"`) {
					want = 0 // Somebody's call that is of no concern is no news.
				}
				if lines := r.log.shown(t); len(lines) != want {
					t.Errorf("%d lines, want %d: %v", len(lines), want, lines)
				}
				wantClean(t, r.log.buffer.String(), what == "source is control characters" || strings.HasPrefix(what, "id ") || strings.HasPrefix(what, "detail-type "))
			})
		}
	}
}

// wantClean: a log holds no canary, unless it stands in a field that is shown,
// and no character that a terminal obeys.
func wantClean(t *testing.T, log string, shown bool) {
	t.Helper()
	if !shown && strings.Contains(log, canary) {
		t.Errorf("the log repeats what the message held: %s", log)
	}
	for line := range strings.Lines(log) {
		if len(line) > 8<<10 {
			t.Errorf("a line of %d bytes", len(line))
		}
		var fields map[string]any
		if err := json.Unmarshal([]byte(line), &fields); err != nil {
			t.Fatal(err)
		}
		for key, value := range fields {
			if text, ok := value.(string); ok && strings.ContainsFunc(text, func(r rune) bool { return !unicode.IsPrint(r) }) {
				t.Errorf("%s is %q", key, text)
			}
		}
	}
}

// TestAForeignAccountIsNoMoreThanAHint: an ARN of another account or Region is
// not the watched subject; the envelope's account is not asked, since it is the
// global network's.
func TestAForeignAccountIsNoMoreThanAHint(t *testing.T) {
	raw := string(sample(t, "vpn-connection-ipsec-down.json"))
	arn := "arn:aws:ec2:" + region + ":" + account + ":vpn-connection/" + west.ID
	if !strings.Contains(raw, arn) {
		t.Fatalf("the sample does not name %s", arn)
	}
	t.Run("the resource is of another account", func(t *testing.T) {
		r := newRig(t, nil, newGroup("site-a", west, "tgw-rtb-1"))
		r.net.down[west.ID] = true
		wantDrop(t, r, []byte(strings.ReplaceAll(raw, region+":"+account, region+":999999999999")), handler.DropUnconfigured)
		if detail := r.log.all(t)[0]["detail"].(string); !strings.Contains(detail, west.ID+" of account 999999999999 in "+region) {
			t.Errorf("the line does not say whose it is: %s", detail)
		}
	})
	t.Run("the resource is in another Region", func(t *testing.T) {
		wantDrop(t, newRig(t, nil, newGroup("site-a", west, "tgw-rtb-1")), []byte(strings.ReplaceAll(raw, ":"+region+":", ":eu-north-1:")), handler.DropUnconfigured)
	})
	t.Run("the event lies, from another account", func(t *testing.T) {
		r := newRig(t, nil, newGroup("site-a", west, "tgw-rtb-1"))
		lie := strings.ReplaceAll(raw, `"account": "123456789012"`, `"account": "999999999999"`) // AWS's sample has another one than its ARN, too.
		out := r.Switchover(t.Context(), []byte(lie))
		if lie == raw || len(out.Reports) != 1 || out.Reports[0].Decision.To != "A" || r.net.reads == 0 || r.net.writes != 0 {
			t.Errorf("the outcome is %+v with %d reads and %d writes", out, r.net.reads, r.net.writes)
		}
	})
	t.Run("a table of another account", func(t *testing.T) {
		r := newRig(t, nil, newGroup("site-a", west, "tgw-rtb-1234567890abcdef0"))
		before := r.state(t)
		out := r.Switchover(t.Context(), []byte(strings.ReplaceAll(string(sample(t, "tgw-route-installed.json")), account, "999999999999")))
		if len(out.Reports) != 1 || out.Reports[0].Status != controller.StatusQuiet || r.state(t) != before || r.net.writes != 0 {
			t.Errorf("the outcome is %+v", out)
		}
	})
}

// TestDropsRepeatNoValues: what stands where a field should be is not repeated,
// also within a batch.
func TestDropsRepeatNoValues(t *testing.T) {
	for _, raw := range []string{
		`"` + canary + `"`, `["` + canary + `"]`, `{"source":{"PreSharedKey":"` + canary + `"}}`, `{"source":["` + canary + `"],"id":{"a":"` + canary + `"}}`,
		`{"detour":{"k":"` + canary + `"}}`, `{"Records":"` + canary + `"}`, `{"k":"` + canary + `"`, canary,
		string(batch(t, canary, `"`+canary+`"`, `{"detour":["`+canary+`"]}`, `{"detour":"wake-up","key":{"k":"`+canary+`"}}`, `{"k":"`+canary+`"}`)),
	} {
		r := newRig(t, nil, newGroup("site-a", west, "tgw-rtb-1"))
		if out := r.Switchover(t.Context(), []byte(raw)); out.Action != handler.Drop {
			t.Errorf("%s: the outcome is %+v", raw, out)
		}
		wantClean(t, r.log.buffer.String(), false)
	}
}

// TestErrorsAreOneShortLine: what an adapter's error holds cannot break the log.
func TestErrorsAreOneShortLine(t *testing.T) {
	long := errors.New("first\nsecond\x1b[31m\u202e" + strings.Repeat("é", 5000))
	down := func(inner controller.Records) controller.Records {
		return failingStore{Records: inner, all: true, err: long}
	}
	r := newRig(t, down, newGroup("site-a", west, "tgw-rtb-1"))
	r.Switchover(t.Context(), sample(t, "vpn-connection-ipsec-down.json"))
	r.Switchover(t.Context(), sample(t, "tgw-deleted.json"))
	r.Sweep(t.Context(), nil)
	if log := r.log.all(t); !strings.HasPrefix(log[0]["error"].(string), "first; second") || len(log[0]["error"].(string)) > 2000 {
		t.Errorf("the error is %q", log[0]["error"])
	}
	wantClean(t, r.log.buffer.String(), false)
}

// FuzzSwitchover: whatever arrives, nothing panics, the answer is JSON, the lines
// are few, and what was dropped has read and written nothing, although a path of
// the group is down.
func FuzzSwitchover(f *testing.F) {
	for _, name := range payload.Names() {
		raw, err := payload.Read(name)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(raw)
	}
	f.Add([]byte(`{"Records":[{"messageId":"m1","eventSource":"aws:sqs","body":"{\"detour\":\"wake-up\",\"key\":\"group#site-a\"}"},1,{}]}`))
	f.Fuzz(func(t *testing.T, raw []byte) {
		r := newRig(t, nil, newGroup("site-a", west, "tgw-rtb-1234567890abcdef0"))
		r.net.down[west.ID] = true
		before := r.state(t)
		out := r.Switchover(t.Context(), raw)
		if out.Action == handler.Retry || !json.Valid(out.Body) {
			t.Fatalf("the outcome is %+v", out)
		}
		lines := r.log.all(t)
		if len(lines) > 11+4 {
			t.Errorf("%d lines", len(lines))
		}
		wantClean(t, r.log.buffer.String(), true)
		if r.net.writes > 1 {
			t.Errorf("%d writes for one route", r.net.writes)
		}
		if out.Action != handler.Drop {
			return
		}
		if out.Dropped == "" || len(lines) == 0 || r.net.reads != 0 || r.net.writes != 0 || r.state(t) != before {
			t.Errorf("a drop with %d lines, %d reads and %d writes: %+v", len(lines), r.net.reads, r.net.writes, out)
		}
		if _, err := ingest.Decode(raw); err == nil && out.Dropped != handler.DropUnconfigured {
			t.Errorf("an event that can be read was dropped: %s", out.Dropped)
		}
	})
}
