// Package recordstest is the contract of controller.Records as tests that every
// store must pass. It is linked by tests only.
package recordstest

import (
	"errors"
	"testing"
	"time"

	"detour/shared/controller"
	"detour/shared/health"
	"detour/shared/protection"
	"detour/shared/route"
)

// The times that newStore must give to its store.
const (
	Lease = 20 * time.Second
	Skew  = 2 * time.Second
)

const (
	group  controller.Key = "group#paris"
	window                = 5 * time.Minute
)

// Run tests the store that newStore makes: an empty one for each call, with
// Lease, Skew and the clock.
func Run(t *testing.T, newStore func(t *testing.T, clock *Clock) controller.Records) {
	t.Helper()
	tests := []struct {
		name string
		test func(b *bench)
	}{
		{"peek/missing items are empty, in order", peekMissing},
		{"take/a free lease", takeFree},
		{"take/a held lease is busy and becomes dirty", takeBusy},
		{"take/its own token succeeds", takeOwn},
		{"take/an expired lease waits for the skew", takeExpired},
		{"take/a released lease is not abandoned", takeReleased},
		{"take/not at the end of the skew", takeBoundary},
		{"take/again says what the first one found", takeAgain},
		{"renew/lasts its full time and shows the item", renew},
		{"renew/an expired lease that nobody took", renewExpired},
		{"renew/fenced", renewFenced},
		{"commit/writes record, journal and requests", commitWrites},
		{"commit/again succeeds without effect", commitAgain},
		{"commit/fenced by a token", commitFencedByToken},
		{"commit/fenced by a revision", commitFencedByRevision},
		{"commit/an expired lease that nobody took", commitExpired},
		{"commit/requests that came in between stay", commitBetween},
		{"commit/counts moves", commitMoves},
		{"commit/a changed control item refuses all", commitControlChanged},
		{"commit/fenced before control changed", commitFencedFirst},
		{"commit/keeps when everything was looked at", commitLookedAt},
		{"commit/keeps the wake-ups", commitWakes},
		{"commit/ends requests that do not stand", commitEnded},
		{"release/dirty keeps the lease", releaseDirty},
		{"release/keeps the wake-ups", releaseWakes},
		{"release/again succeeds", releaseAgain},
		{"release/fenced", releaseFenced},
		{"request/added, sorted and cleared", requests},
		{"request/the same again", requestAgain},
		{"request/before the first Take", requestFirst},
		{"control/changes what it names", control},
		{"history/newest first", history},
		{"history/of one instant", historyOfOneInstant},
		{"note/keeps what operators did", note},
		{"note/the same again changes nothing", noteAgain},
		{"note/beside the lines of runs", noteAmongCommits},
		{"note/all or none", noteRefused},
		{"copies/nothing is shared", copies},
		{"filter/its record and its lines", filterCommit},
		{"filter/an empty record again", filterEmpty},
		{"filter/requests", filterRequests},
		{"filter/nothing is shared", filterCopies},
		{"race/takers", raceTake},
		{"race/writers", raceCommit},
		{"race/moves", raceMoves},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			clock := NewClock()
			test.test(&bench{T: t, clock: clock, store: newStore(t, clock)})
		})
	}
}

// bench is one test with its store.
type bench struct {
	*testing.T
	clock *Clock
	store controller.Records
}

func (b *bench) take(key controller.Key, token string) controller.Item {
	b.Helper()
	item, _, err := b.store.Take(b.Context(), key, token)
	b.must(err)
	if item.Key != key || item.Lease.Token != token {
		b.Fatalf("took %q with token %q, got the item of %q with token %q", key, token, item.Key, item.Lease.Token)
	}
	if want := b.clock.Now().Add(Lease); !item.Lease.Until.Equal(want) {
		b.Fatalf("the lease lasts until %s, want %s", item.Lease.Until, want)
	}
	return item
}

func (b *bench) commit(commit controller.Commit) controller.Item {
	b.Helper()
	item, err := b.store.Commit(b.Context(), commit)
	b.must(err)
	return item
}

func (b *bench) release(item controller.Item) {
	b.Helper()
	b.must(b.store.Release(b.Context(), item))
}

func (b *bench) peek(key controller.Key) controller.Item {
	b.Helper()
	items, _, err := b.store.Peek(b.Context(), []controller.Key{key})
	b.must(err)
	if len(items) != 1 || items[0].Key != key {
		b.Fatalf("peeked at %q, got %+v", key, items)
	}
	return items[0]
}

func (b *bench) control() controller.Control {
	b.Helper()
	_, control, err := b.store.Peek(b.Context(), nil)
	b.must(err)
	return control
}

func (b *bench) history(n int) []controller.JournalEntry {
	b.Helper()
	entries, err := b.store.History(b.Context(), group, n)
	b.must(err)
	return entries
}

func (b *bench) must(err error) {
	b.Helper()
	if err != nil {
		b.Fatal(err)
	}
}

func (b *bench) refused(what string, err, want error) {
	b.Helper()
	if !errors.Is(err, want) {
		b.Fatalf("%s answered %v, want %v", what, err, want)
	}
}

// record is a record that no other number makes, with something in each field.
func record(n int) protection.Record {
	at := time.Date(2026, time.January, 1, 0, 0, n, 0, time.UTC)
	key := protection.EntryKey{
		Table:       route.Table{Kind: route.TransitGatewayTable, ID: "tgw-rtb-1", Account: "111111111111", Region: "eu-west-1"},
		Destination: route.MustDestination("10.0.0.0/8"),
	}
	return protection.Record{
		Mode:     protection.Enforce,
		Decision: protection.Decision{Group: "paris", From: "a", To: "b", Extent: 1, Action: protection.Move, Reason: protection.ReasonSignalFail, Epoch: int64(n)},
		Settled:  true,
		WroteAt:  at,
		CameAt:   at.Add(-time.Minute),

		FromCameAt: at.Add(-time.Hour),

		Paths:     []protection.PathMemory{{Path: "a", Memory: health.Memory{State: health.Down, Since: at}}, {Path: "b"}},
		Sighting:  protection.Sighting{At: at, MovedTo: "a", Undone: []protection.Seen{{Entry: key, NextHop: route.MustNextHop("blackhole")}}},
		Reversals: []protection.Reversal{{Entry: key, At: at}},
		RevivedAt: at.Add(-time.Hour),
		Applied:   []protection.EntryKey{key},
		Steps:     n + 1,
		Contended: []protection.EntryKey{key},
		Writers:   []protection.Writer{{Name: "arn:aws:iam::111111111111:user/alice", At: at, Entry: key}},

		MassFailureAt: at.Add(time.Second),
		Hint:          protection.Hint{At: at, Subject: health.Subject{Kind: health.SubjectVPN, ID: "vpn-1"}, Part: "192.0.2.1", Down: true},
		Held:          protection.ReasonMassFailure,
		Blackholes:    []protection.BlackholeSeen{{Entry: key, At: at, Orphan: true, Placed: true, Stood: []string{"A"}}},
		Proving:       []protection.Proof{{Entry: key, At: at}},
		Unmet:         []protection.Unmet{{Path: "a", At: at}},
		Failback: protection.Failback{
			ID: "failback-paris-1", By: "alice", Why: "the line is back", Base: int64(n), From: "b", To: "a", Epoch: int64(n + 1), Unproven: true,
			Plan: "digest", Steps: []string{"first", "second"}, Lists: []protection.ListVersion{{ID: "pl-1", Version: 3}}, Token: "token",
			Approved: "bob", ApprovedAt: at, At: at.Add(-time.Minute), Until: at.Add(time.Minute),
			Over: protection.ReasonSilence, OverAt: at.Add(time.Second), Kept: true, Frozen: true, End: protection.EndAsBefore,
		},
	}
}

func entry(n int, at time.Time) controller.JournalEntry {
	return controller.JournalEntry{
		Key: group, At: at, Decision: record(n).Decision, Event: "event",
		Evidence: record(n).Paths,
		Ended:    []protection.Ended{{Request: request("ended", n), Reason: protection.ReasonDone}},
		Note:     "failback failback-paris-1: opened", Failback: "failback-paris-1",
	}
}

// request is a request with something in each field.
func request(id string, n int) protection.Request {
	return protection.Request{
		ID: id, Kind: protection.ManualSwitch, Path: "b", Extent: 2, IgnoreHealth: true, Immediate: true, Unproven: true,
		Lists: []protection.ListVersion{{ID: "pl-1", Version: int64(n)}, {ID: "pl-2", Version: 7}},
		At:    time.Date(2026, time.January, 1, 0, 0, n, 0, time.UTC),
		By:    "somebody", Why: "a reason",
	}
}

// ids returns the ids of the requests, in their order.
func ids(requests []protection.Request) []string {
	var out []string
	for _, r := range requests {
		out = append(out, r.ID)
	}
	return out
}
