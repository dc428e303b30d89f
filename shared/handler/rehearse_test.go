package handler_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"

	"detour/shared/controller"
	"detour/shared/handler"
	"detour/shared/route"
)

func TestARehearsalIsOneLineIfAllIsWell(t *testing.T) {
	r := newRig(t, nil, newGroup("site-a", west, "tgw-rtb-1"))
	out := r.Sweep(t.Context(), sample(t, "rehearse.json"))
	body, err := out.Answer()
	if out.Action != handler.Value || string(body) != "null" || err != nil || r.net.tried != 2 || r.net.writes != 0 {
		t.Errorf("the outcome is %+v with %d trials and %d writes", out, r.net.tried, r.net.writes)
	}
	log := r.log.all(t)
	if len(log) != 1 || log[0]["msg"] != "rehearsed" || log[0]["planned"] != 2.0 || log[0]["allowed"] != 2.0 || log[0]["left"] != 0.0 || log[0]["Rehearsed"] != 2.0 || log[0]["level"] != "INFO" {
		t.Errorf("the log is %v", log)
	}
}

// TestADeniedTrialSaysWhatToDo: one line for each, with the group, the call, the
// table, the target and the remedy.
func TestADeniedTrialSaysWhatToDo(t *testing.T) {
	r := newRig(t, nil, newGroup("site-a", west, "tgw-rtb-1"))
	r.net.deny = map[string]string{"tgw-attach-B": "UnauthorizedOperation", "tgw-attach-A": "InvalidTransitGatewayAttachmentID.NotFound"}
	if out := r.Sweep(t.Context(), sample(t, "rehearse.json")); out.Action != handler.Value {
		t.Errorf("the outcome is %+v", out)
	}
	log := r.log.all(t)
	if len(log) != 3 {
		t.Fatalf("the log is %v", log)
	}
	denied, doubtful := log[0], log[1]
	for key, want := range map[string]any{
		"msg": "denied", "level": "WARN", "group": "site-a", "path": "B", "call": "ReplaceTransitGatewayRoute", "table": "tgw-rtb-1",
		"target": "tgw-attach-B", "account": account, "region": region, "code": "UnauthorizedOperation", "Denied": 1.0, "Group": "site-a",
	} {
		if denied[key] != want {
			t.Errorf("%s is %v, want %v", key, denied[key], want)
		}
	}
	if remedy, _ := denied["remedy"].(string); !strings.Contains(remedy, "allow ec2:ReplaceTransitGatewayRoute on tgw-rtb-1") {
		t.Errorf("the remedy is %q", remedy)
	}
	if doubtful["msg"] != "doubtful" || doubtful["outcome"] != "failed" || doubtful["Denied"] != nil || doubtful["remedy"] != nil {
		t.Errorf("the line is %v", doubtful)
	}
	if log[2]["denied"] != 1.0 || log[2]["doubtful"] != 1.0 || log[2]["Rehearsed"] != 2.0 {
		t.Errorf("the last line is %v", log[2])
	}
}

// TestDeniedTrialsHaveFewLines: the last of them counts the others, and so does its
// metric.
func TestDeniedTrialsHaveFewLines(t *testing.T) {
	g := newGroup("site-a", west, "tgw-rtb-1")
	for n := range 59 {
		entry := g.Units[0].Entries[0]
		entry.Destination = route.MustDestination(fmt.Sprintf("10.0.%d.0/24", n))
		g.Units[0].Entries = append(g.Units[0].Entries, entry)
	}
	r := newRig(t, nil, g)
	r.net.deny = map[string]string{"tgw-attach-B": "UnauthorizedOperation"}
	r.Sweep(t.Context(), sample(t, "rehearse.json"))
	log := r.log.all(t)
	if len(log) != 52 || log[50]["count"] != 10.0 || log[50]["Denied"] != 10.0 || log[51]["denied"] != 60.0 {
		t.Errorf("%d lines, the last two are %v", len(log), log[max(0, len(log)-2):])
	}
}

// TestARehearsalOfNothing has no metric: that nothing is rehearsed raises an alarm.
func TestARehearsalOfNothing(t *testing.T) {
	r := newRig(t, nil)
	out := r.Sweep(t.Context(), sample(t, "rehearse.json"))
	if log := r.log.all(t); out.Action != handler.Value || len(log) != 1 || log[0]["Rehearsed"] != nil {
		t.Errorf("the outcome is %+v and the log %v", out, log)
	}
}

// TestARehearsalThatCannotBegin: the record store, and too little time.
func TestARehearsalThatCannotBegin(t *testing.T) {
	broken := func(inner controller.Records) controller.Records { return failingStore{Records: inner, all: true} }
	r := newRig(t, broken, newGroup("site-a", west, "tgw-rtb-1"))
	out := r.Sweep(t.Context(), sample(t, "rehearse.json"))
	if out.Action != handler.Retry || out.Err() == nil || strings.Contains(out.Err().Error(), errStore.Error()) || r.net.tried != 0 {
		t.Errorf("the outcome is %+v", out)
	}
	if log := r.log.all(t); len(log) != 1 || log[0]["msg"] != "not rehearsed" || log[0]["Failed"] != 1.0 {
		t.Errorf("the log is %v", log)
	}
	r = newRig(t, func(inner controller.Records) controller.Records { return unnotable{inner} }, newGroup("site-a", west, "tgw-rtb-1"))
	r.net.deny = map[string]string{"tgw-attach-B": "UnauthorizedOperation"}
	out = r.Sweep(t.Context(), sample(t, "rehearse.json"))
	log := r.log.all(t)
	if out.Action != handler.Value || len(log) != 2 || log[1]["level"] != "WARN" || log[1]["error"] == nil {
		t.Errorf("without a journal the outcome is %+v and the log %v", out, log)
	}
}

// unnotable is a record store that takes no notes.
type unnotable struct{ controller.Records }

func (unnotable) Note(context.Context, []controller.JournalEntry) error {
	return errors.New("no notes")
}
