package handler_test

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"detour/shared/adapter/memory"
	"detour/shared/failback"
	"detour/shared/handler"
	"detour/shared/protection"
)

// failbackRig has the group "site" on path B, and its path A back for long enough.
func failbackRig(t *testing.T) (*rig, *handler.Handler) {
	t.Helper()
	group := newGroup("site", west, "tgw-rtb-1")
	group.Failback = protection.FailbackSettings{Stability: time.Minute, Soak: time.Minute, ApprovalTimeout: time.Hour}
	r := newRig(t, nil, group)
	for _, down := range []bool{true, true, false, false, false} {
		r.net.down[west.ID] = down
		r.Sweep(t.Context(), sample(t, "sweep.json"))
		r.clock.Advance(time.Minute)
	}
	r.log.buffer.Reset()
	return r, r.with(handler.Options{Function: "failback-test", Failback: r.tasks(&memory.Events{})})
}

// taskInput is what the state machine gives to the function of a task.
func taskInput(t *testing.T, task failback.Task, input string, more map[string]any) []byte {
	t.Helper()
	given := map[string]any{"task": task, "state": map[string]any{"execution": "run-1", "input": json.RawMessage(input), "looks": 0, "step": 0, "opened": false}}
	for key, value := range more {
		given[key] = value
	}
	raw, err := json.Marshal(given)
	if err != nil {
		t.Fatal(err)
	}
	return raw
}

const site = `{"group": "site", "by": "alice", "why": "mended"}`

// TestATaskAnswers: the body is what the workflow carries on, and one line says it.
func TestATaskAnswers(t *testing.T) {
	r, h := failbackRig(t)
	out := h.Failback(t.Context(), failback.Precheck, taskInput(t, failback.Precheck, site, nil))
	body, err := out.Answer()
	if err != nil {
		t.Fatal(err)
	}
	var state failback.State
	if err := json.Unmarshal(body, &state); err != nil || state.Next != failback.NextAsk || state.Execution != "run-1" || !state.Opened {
		t.Errorf("the answer is %s, %v", body, err)
	}
	lines := r.log.shown(t)
	last := lines[len(lines)-1]
	if last["msg"] != "failback" || last["level"] != "INFO" || last["task"] != "precheck" || last["group"] != "site" || last["execution"] != "run-1" || last["next"] != "ask" {
		t.Errorf("the line is %v", last)
	}
	if before := lines[0]; before["msg"] != "decision" || before["event"] != "run-1" {
		t.Errorf("the line of the run is %v", before)
	}
}

// TestATaskFails with an error whose type the state machine goes by, and one line.
func TestATaskFails(t *testing.T) {
	r, h := failbackRig(t)
	r.net.down[west.ID] = true
	for _, c := range []struct {
		task         failback.Task
		input        string
		name, detail string
	}{
		{failback.Verify, site, "Refused", "failback-over"},
		{failback.Ask, site, "Invalid", "token is missing"},
		{failback.Precheck, `{"group": "other\nline"}`, "Invalid", `\"other\\nline\" is not configured`},
	} {
		r.log.buffer.Reset()
		out := h.Failback(t.Context(), c.task, taskInput(t, c.task, c.input, nil))
		body, err := out.Answer()
		if failback.ErrorName(err) != c.name || body != nil {
			t.Errorf("%s answers %s, %v", c.task, body, err)
			continue
		}
		lines := r.log.shown(t)
		last := lines[len(lines)-1]
		if last["msg"] != "failback" || last["level"] != "WARN" || last["failure"] != c.name || !strings.Contains(r.log.buffer.String(), c.detail) {
			t.Errorf("%s logs %v", c.task, last)
		}
	}
}

// TestNoLineHasTheToken: whoever reads logs need not be who may approve.
func TestNoLineHasTheToken(t *testing.T) {
	r, h := failbackRig(t)
	out := h.Failback(t.Context(), failback.Precheck, taskInput(t, failback.Precheck, site, nil))
	var state json.RawMessage
	if body, err := out.Answer(); err != nil {
		t.Fatal(err)
	} else {
		state = body
	}
	out = h.Failback(t.Context(), failback.Ask, taskInput(t, failback.Ask, site, map[string]any{"state": state, "token": "the-secret-task-token"}))
	body, err := out.Answer()
	if err != nil {
		t.Fatal(err)
	}
	if strings.Contains(r.log.buffer.String()+string(body), "the-secret-task-token") {
		t.Errorf("the token is in\n%s\n%s", body, r.log.buffer.String())
	}
	if !strings.Contains(r.state(t), "the-secret-task-token") {
		t.Error("the token is not in the record")
	}
}

// TestATaskOutOfTime does not begin, and is asked for again.
func TestATaskOutOfTime(t *testing.T) {
	r, h := failbackRig(t)
	before := r.state(t)
	out := h.Failback(late{t.Context(), r.clock.Now().Add(3 * time.Second)}, failback.Precheck, taskInput(t, failback.Precheck, site, nil))
	if _, err := out.Answer(); failback.ErrorName(err) != "Busy" || r.state(t) != before {
		t.Errorf("the answer is %v", err)
	}
}

// TestTheTargetFailsInTheTask: a path that is down refuses the failback, and the answer
// ends it.
func TestTheTargetFailsInTheTask(t *testing.T) {
	r, h := failbackRig(t)
	r.net.down[west.ID] = true
	out := h.Failback(t.Context(), failback.Precheck, taskInput(t, failback.Precheck, site, nil))
	body, err := out.Answer()
	if err != nil || !strings.Contains(string(body), `"next":"close"`) || !strings.Contains(string(body), `"reason":"target-not-up"`) {
		t.Errorf("the answer is %s, %v", body, err)
	}
}
