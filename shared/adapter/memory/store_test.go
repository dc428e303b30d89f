package memory_test

import (
	"context"
	"errors"
	"slices"
	"testing"
	"time"

	"detour/shared/adapter/memory"
	"detour/shared/adapter/recordstest"
	"detour/shared/controller"
	"detour/shared/protection"
)

func TestStoreKeepsTheContract(t *testing.T) {
	recordstest.Run(t, func(_ *testing.T, clock *recordstest.Clock) controller.Records {
		return memory.New(clock, recordstest.Lease, recordstest.Skew)
	})
}

// The contract leaves these open; the reference says what it does.
func TestTakeAgainKeepsAbandoned(t *testing.T) {
	clock := recordstest.NewClock()
	store := memory.New(clock, recordstest.Lease, recordstest.Skew)
	take := func(token string) controller.Item {
		t.Helper()
		item, _, err := store.Take(t.Context(), "group#a", token)
		if err != nil {
			t.Fatal(err)
		}
		return item
	}
	take("one")
	clock.Advance(recordstest.Lease + recordstest.Skew)
	if _, _, err := store.Take(t.Context(), "group#a", "two"); !errors.Is(err, controller.ErrBusy) {
		t.Errorf("at the very end of lease and skew Take answered %v, want ErrBusy", err)
	}
	clock.Advance(time.Nanosecond)
	for _, name := range []string{"first", "repeated"} {
		if !take("two").Abandoned {
			t.Errorf("the %s Take does not say Abandoned", name)
		}
	}
	items, _, err := store.Peek(t.Context(), []controller.Key{"group#a"})
	if err != nil || items[0].Abandoned {
		t.Errorf("Peek shows Abandoned: %+v, %v", items, err)
	}
}

func TestStoreRefusesWhatCannotBeKept(t *testing.T) {
	store := memory.New(recordstest.NewClock(), recordstest.Lease, recordstest.Skew)
	if _, _, err := store.Take(t.Context(), "group#a", ""); err == nil {
		t.Error("a Take with an empty token succeeded")
	}
	if err := store.Request(t.Context(), "group#a", protection.Request{}); err == nil {
		t.Error("a request without an id was added")
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	item := controller.Item{Key: "group#a", Lease: controller.Lease{Token: "one"}}
	_, _, peek := store.Peek(ctx, nil)
	_, _, take := store.Take(ctx, "group#a", "one")
	_, _, renew := store.Renew(ctx, item)
	_, commit := store.Commit(ctx, controller.Commit{Item: item})
	_, history := store.History(ctx, "group#a", 1)
	for i, err := range []error{
		peek, take, renew, commit, history, store.Release(ctx, item),
		store.Request(ctx, "group#a", protection.Request{ID: "r1"}), store.Clear(ctx, "group#a", "r1"),
		store.Control(ctx, controller.ControlChange{}),
	} {
		if !errors.Is(err, context.Canceled) {
			t.Errorf("call %d on a context that is over answered %v", i, err)
		}
	}
}

func TestWakeQueue(t *testing.T) {
	now := recordstest.NewClock().Now()
	var told []controller.Key
	queue := memory.NewWakeQueue(func(key controller.Key, _ time.Time) { told = append(told, key) })
	for key, after := range map[controller.Key]time.Duration{"group#c": 2, "group#b": 1, "group#a": 1} {
		if err := queue.At(t.Context(), key, now.Add(after*time.Second)); err != nil {
			t.Fatal(err)
		}
	}
	if len(told) != 3 || len(queue.Waiting()) != 3 {
		t.Errorf("told of %v, waiting %v", told, queue.Waiting())
	}
	if due := queue.Due(now); len(due) != 0 {
		t.Errorf("due before their time: %v", due)
	}
	want := []memory.WakeUp{{"group#a", now.Add(time.Second)}, {"group#b", now.Add(time.Second)}}
	if due := queue.Due(now.Add(time.Second)); !slices.Equal(due, want) {
		t.Errorf("due are %v, want %v", due, want)
	}
	if waiting := queue.Waiting(); len(waiting) != 1 || waiting[0].Key != "group#c" {
		t.Errorf("still waiting are %v", waiting)
	}
}

func TestEvents(t *testing.T) {
	var events memory.Events
	for _, group := range []string{"b", "a"} {
		if err := events.Publish(t.Context(), controller.Event{Kind: controller.EventContended, Group: group}); err != nil {
			t.Fatal(err)
		}
	}
	all := events.All()
	if len(all) != 2 || all[0].Group != "b" || all[1].Group != "a" {
		t.Errorf("published were %+v", all)
	}
	all[0].Group = "spoiled"
	if events.All()[0].Group != "b" {
		t.Error("All shares memory with what is kept")
	}
}
