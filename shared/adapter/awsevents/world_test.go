package awsevents_test

import (
	"context"
	"encoding/json"
	"errors"
	"reflect"
	"testing"
	"time"

	"detour/events"
	"detour/shared/adapter/awsevents"
	"detour/shared/adapter/cannedtest"
	"detour/shared/controller"
	"detour/shared/protection"
	"detour/shared/sim"
	"detour/shared/sim/eventsapi"
)

// TestThroughTheSimulatedBus: what arrives is what package events decodes, on
// the bus that was named, and the envelope agrees with the detail.
func TestThroughTheSimulatedBus(t *testing.T) {
	scheduler := sim.NewScheduler(1, time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC))
	t.Cleanup(scheduler.Close)
	var got []eventsapi.Event
	bridge := eventsapi.New(scheduler, func(e eventsapi.Event) { got = append(got, e) })
	bridge.CreateBus(account, region, "detour")
	cfg := cannedtest.Config(t, sim.NewTransport(scheduler, bridge, nil), region)
	event := controller.Event{
		Kind: controller.EventSwitchoverStarted, Group: "site-a", At: scheduler.Now().Add(123 * time.Millisecond), Detail: "signal-fail",
		Decision: protection.Decision{
			Group: "site-a", From: "vpn-a", To: "vpn-b", Extent: 2,
			Action: protection.Move, Reason: protection.ReasonSignalFail, Epoch: 1767323045000,
		},
	}
	done := false
	scheduler.Start("test", func(ctx context.Context, p *sim.Process) {
		for _, bus := range []string{"", "detour"} {
			if err := awsevents.New(cfg, awsevents.Options{Bus: bus, Clock: p, CallTimeout: 5 * time.Second}).Publish(ctx, event); err != nil {
				t.Error(err)
			}
		}
		done = true
	})
	scheduler.RunUntil(scheduler.Now().Add(time.Minute))
	if !done || len(got) != 2 || got[0].Bus != "default" || got[1].Bus != "detour" {
		t.Fatalf("done %v, the events are %+v", done, got)
	}
	want := events.Own{
		Version: 1, Kind: "Switchover Started", Group: "site-a", At: event.At, From: "vpn-a", To: "vpn-b", Extent: 2,
		Action: "move", Reason: "signal-fail", Epoch: 1767323045000, Detail: "signal-fail",
	}
	for _, e := range got {
		var envelope events.Envelope
		var own events.Own
		if err := errors.Join(json.Unmarshal(e.Raw, &envelope), json.Unmarshal(envelope.Detail, &own)); err != nil {
			t.Fatal(err)
		}
		sent, ok := envelope.SentAt()
		if envelope.Source != events.SourceDetour || envelope.DetailType != own.Kind || !ok || !sent.Equal(event.At.Truncate(time.Second)) || !reflect.DeepEqual(own, want) {
			t.Errorf("on %s came %s", e.Bus, e.Raw)
		}
	}
}
