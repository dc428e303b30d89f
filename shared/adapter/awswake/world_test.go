package awswake_test

import (
	"context"
	"slices"
	"testing"
	"time"

	"detour/shared/adapter/awswake"
	"detour/shared/adapter/cannedtest"
	"detour/shared/controller"
	"detour/shared/sim"
	"detour/shared/sim/sqsapi"
)

// TestThroughTheSimulatedQueue: a wake-up becomes visible when it was asked for,
// one that is far away after 15 minutes, and one that is past at once.
func TestThroughTheSimulatedQueue(t *testing.T) {
	scheduler := sim.NewScheduler(1, time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC))
	t.Cleanup(scheduler.Close)
	started := scheduler.Now()
	sqs := sqsapi.New(scheduler)
	address := sqs.Create(sqsapi.Queue{Account: account, Region: region, Name: "detour-wake-up"})
	type wake struct {
		body  string
		after time.Duration
	}
	var got []wake
	sqs.OnVisible(address, func() {
		for _, message := range sqs.Receive(address, 10) {
			got = append(got, wake{message.Body, scheduler.Now().Sub(started).Round(time.Second)})
			sqs.Delete(address, message.Receipt)
		}
	})
	done := false
	doer := sim.NewTransport(scheduler, sqs, nil)
	cfg := cannedtest.Config(t, doer, region)
	scheduler.Start("test", func(ctx context.Context, p *sim.Process) {
		q := awswake.New(cfg, awswake.Options{QueueURL: address, Clock: p, CallTimeout: 5 * time.Second})
		for _, ask := range []struct {
			key controller.Key
			at  time.Duration
		}{{"group#far", time.Hour}, {"group#near", 90 * time.Second}, {"group#past", -time.Minute}} {
			if err := q.At(ctx, ask.key, started.Add(ask.at)); err != nil {
				t.Error(err)
			}
		}
		if err := awswake.New(cfg, awswake.Options{QueueURL: address + "-of-nobody", Clock: p, CallTimeout: 5 * time.Second}).At(ctx, "group#a", started); err == nil {
			t.Error("a queue that does not exist took a message")
		}
		done = true
	})
	scheduler.RunUntil(started.Add(2 * time.Hour))
	want := []wake{
		{`{"detour":"wake-up","key":"group#past"}`, 0},
		{`{"detour":"wake-up","key":"group#near"}`, 90 * time.Second},
		{`{"detour":"wake-up","key":"group#far"}`, 15 * time.Minute},
	}
	if !done || !slices.Equal(got, want) {
		t.Errorf("done %v, the wake-ups came as %v, want %v", done, got, want)
	}
}
