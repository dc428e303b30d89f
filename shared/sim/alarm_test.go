package sim

import (
	"slices"
	"strings"
	"testing"
	"time"
)

func alarmNamed(t *testing.T, w *World, c Caller, name string) AlarmView {
	t.Helper()
	for _, view := range w.Alarms(c) {
		if view.Name == name {
			return view
		}
	}
	t.Fatalf("alarm %s is not listed", name)
	return AlarmView{}
}

func wantAlarm(t *testing.T, w *World, name, state string) {
	t.Helper()
	if got := alarmNamed(t, w, me(), name).State; got != state {
		t.Fatalf("alarm %s is %s, want %s", name, got, state)
	}
}

func TestAlarmsOfTheCallerAreListed(t *testing.T) {
	w, clock := wide(t, Options{})
	var names []string
	for _, view := range w.Alarms(me()) {
		names = append(names, view.Name+" "+view.State)
		if view.ARN != "arn:aws:cloudwatch:us-west-2:111122223333:alarm:"+view.Name || !view.UpdatedAt.Equal(clock.now) || !view.TransitionedAt.Equal(clock.now) {
			t.Errorf("got %+v", view)
		}
	}
	if !slices.Equal(names, []string{"free OK", "reach OK", "tunnels OK"}) {
		t.Errorf("got %v", names)
	}
	if far := w.Alarms(Caller{Account: foreign, Region: "eu-west-1"}); len(far) != 1 || far[0].Name != "line" {
		t.Errorf("got %+v", far)
	}
}

func TestAlarmFollowsWhatIsTrue(t *testing.T) {
	w, clock := wide(t, Options{})
	events := heard(t, w)
	must(t, w.SetSession(peer1, 0, false))
	clock.advance(29 * time.Second)
	wantAlarm(t, w, "reach", "OK")
	clock.advance(time.Second)
	wantAlarm(t, w, "reach", "ALARM")
	if old := alarmNamed(t, w, stale(time.Second), "reach"); old.State != "OK" {
		t.Errorf("a stale read shows %+v", old)
	}
	changed := clock.now
	must(t, w.SetSession(peer1, 0, true))
	clock.advance(29 * time.Second)
	must(t, w.SetSession(peer1, 0, false)) // It did not last.
	clock.advance(time.Hour)
	if got := alarmNamed(t, w, me(), "reach"); got.State != "ALARM" || !got.TransitionedAt.Equal(changed) || !got.UpdatedAt.Equal(changed) {
		t.Fatalf("got %+v", got)
	}
	alarms := slices.DeleteFunc(*events, func(event map[string]any) bool { return event["source"] != "aws.cloudwatch" })
	if len(alarms) != 1 {
		t.Fatalf("got %d events of alarms", len(alarms))
	}
	wantHistory(t, w, "reach", "alarm-state", "", HealthShown, "OK@0s", "ALARM@30s")
}

// TestAlarmOfTunnels follows what AWS has detected, since its metric does.
func TestAlarmOfTunnels(t *testing.T) {
	w, clock := wide(t, Options{})
	events := heard(t, w)
	downBoth(t, w)
	clock.advance(89 * time.Second)
	wantAlarm(t, w, "tunnels", "OK")
	clock.advance(time.Second)
	wantAlarm(t, w, "tunnels", "ALARM")
	clock.advance(2 * time.Second)
	event := (*events)[len(*events)-1]
	if event["source"] != "aws.cloudwatch" || event["detail-type"] != "CloudWatch Alarm State Change" || event["account"] != account || event["region"] != region ||
		event["resources"].([]any)[0] != "arn:aws:cloudwatch:us-west-2:111122223333:alarm:tunnels" || len(event["resources"].([]any)) != 1 {
		t.Errorf("got %v", event)
	}
	d := detail(event)
	state, before := d["state"].(map[string]any), d["previousState"].(map[string]any)
	if d["alarmName"] != "tunnels" || state["value"] != "ALARM" || before["value"] != "OK" || state["timestamp"] != "2026-01-02T03:05:35.000+0000" || before["timestamp"] != "2026-01-02T03:04:05.000+0000" {
		t.Errorf("got %v", d)
	}
	dimensions, err := dimensionsOf(d)
	if err != nil || dimensions["VpnId"] != vpn1 {
		t.Errorf("got %v, %v", dimensions, err)
	}
}

func TestAlarmOfALineOfAnotherAccount(t *testing.T) {
	w, clock := wide(t, Options{})
	events := heard(t, w)
	must(t, w.SetPeering(attPeer, false))
	clock.advance(12 * time.Second)
	far := Caller{Account: foreign, Region: "eu-west-1"}
	if got := alarmNamed(t, w, far, "line"); got.State != "ALARM" || len(*events) != 1 || (*events)[0]["account"] != foreign || (*events)[0]["region"] != "eu-west-1" {
		t.Fatalf("got %+v and %v", got, *events)
	}
}

func TestAlarmThatIsSetIsAFalseSignal(t *testing.T) {
	w, clock := wide(t, Options{})
	events := heard(t, w)
	must(t, w.SetAlarm("reach", "ALARM"))
	wantAlarm(t, w, "reach", "ALARM")
	must(t, w.SetAlarm("reach", "INSUFFICIENT_DATA"))
	must(t, w.SetSession(peer1, 0, false))
	clock.advance(10 * time.Second)
	must(t, w.SetAlarm("reach", "INSUFFICIENT_DATA")) // Again: only UpdatedAt moves.
	clock.advance(time.Hour)
	got := alarmNamed(t, w, me(), "reach")
	if got.State != "INSUFFICIENT_DATA" || got.UpdatedAt.Sub(got.TransitionedAt) != 10*time.Second {
		t.Fatalf("got %+v", got)
	}
	must(t, w.SetAlarm("reach", ""))
	clock.advance(29 * time.Second)
	wantAlarm(t, w, "reach", "INSUFFICIENT_DATA")
	clock.advance(3 * time.Second)
	wantAlarm(t, w, "reach", "ALARM")
	var values []string
	for _, event := range *events {
		if event["source"] == "aws.cloudwatch" {
			values = append(values, detail(event)["state"].(map[string]any)["value"].(string))
		}
	}
	if !slices.Equal(values, []string{"ALARM", "INSUFFICIENT_DATA", "ALARM"}) {
		t.Errorf("the events say %v", values)
	}
}

func TestDeletedAlarmIsSilent(t *testing.T) {
	w, clock := wide(t, Options{})
	events := heard(t, w)
	must(t, w.SetSession(peer1, 0, false))
	must(t, w.DeleteAlarm("reach"))
	must(t, w.DeleteAlarm("free"))
	clock.advance(time.Hour)
	if views := w.Alarms(me()); len(views) != 1 || views[0].Name != "tunnels" {
		t.Errorf("got %+v", views)
	}
	for _, event := range *events {
		if event["source"] == "aws.cloudwatch" {
			t.Errorf("got %v", event)
		}
	}
	wantHistory(t, w, "free", "alarm-state", "", HealthShown, "OK@0s", "@0s")
}

func TestWrongAlarms(t *testing.T) {
	w, _ := wide(t, Options{})
	must(t, w.DeleteAlarm("reach"))
	for want, err := range map[string]error{
		`alarm "x" is not in the topology: use one of free, line, reach, tunnels`: w.SetAlarm("x", "OK"),
		`alarm state "BAD" is not one of CloudWatch's`:                            w.SetAlarm("free", "BAD"),
		`alarm "free" follows nothing: give it a state`:                           w.SetAlarm("free", ""),
		`alarm "reach" is deleted and does not come back`:                         w.SetAlarm("reach", "OK"),
		`alarm "y" is not in the topology`:                                        w.DeleteAlarm("y"),
	} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("got %v, want %s", err, want)
		}
	}
}

// TestAlarmsLeaveNoTimers: an alarm whose truth does not change costs no
// callback, so that a Scheduler can become idle.
func TestAlarmsLeaveNoTimers(t *testing.T) {
	w, clock := wide(t, Options{})
	if len(clock.pending) != 0 {
		t.Fatalf("%d callbacks at the start", len(clock.pending))
	}
	must(t, w.SetSession(peer1, 0, false))
	clock.advance(time.Hour)
	if len(clock.pending) != 0 {
		t.Fatalf("%d callbacks after everything has settled", len(clock.pending))
	}
}

// TestAlarmEventsAreDurable: they can be late or doubled, but not lost.
func TestAlarmEventsAreDurable(t *testing.T) {
	s := NewScheduler(1, newHandClock().now)
	defer s.Close()
	faults := &EventFaults{Lose: 1}
	var got []string
	for _, source := range []string{"aws.networkmanager", "aws.cloudwatch"} {
		faults.Deliver(s, []byte(`{"source":"`+source+`"}`), func(raw []byte) { got = append(got, string(raw)) })
	}
	s.RunUntil(s.Now().Add(time.Minute))
	if !slices.Equal(got, []string{`{"source":"aws.cloudwatch"}`}) {
		t.Errorf("delivered %v", got)
	}
}
