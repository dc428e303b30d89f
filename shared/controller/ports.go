package controller

import (
	"context"
	"errors"
	"slices"
	"strings"
	"time"

	"detour/shared/filter"
	"detour/shared/health"
	"detour/shared/protection"
	"detour/shared/route"
)

// RouteTables reads and writes route tables. Every method makes calls at once
// and never retries: pacing, retries and re-planning are the controller's.
type RouteTables interface {
	// Read reads the tables whole. It answers one reading for each table, in the
	// order asked; a table that could not be read whole has Complete false and a
	// Problem.
	Read(ctx context.Context, tables []route.Table) []route.Reading
	// Write makes one change with one call. It never upserts.
	Write(ctx context.Context, change route.Change) route.Receipt
	// Try makes the call of the change as a dry run, which changes nothing. Its
	// receipt is Allowed, Denied, or says what else kept AWS from an answer.
	Try(ctx context.Context, change route.Change) route.Receipt
}

// PrefixLists reads managed prefix lists. It answers one reading for each list,
// in the order asked; one that could not be read whole has Complete false and a
// Problem. Like RouteTables it makes its calls at once, and never retries.
type PrefixLists interface {
	Read(ctx context.Context, lists []route.ListRef) []route.ListReading
}

// Evidence reads facts about subjects. A subject that could not be read is
// answered with a fact of kind unreadable, never left out.
type Evidence interface {
	Read(ctx context.Context, subjects []health.Subject) []health.Fact
}

// Key names an item of the record store: group#NAME, filter#NAME, KeyEverything
// or KeyEveryFilter.
type Key string

// KeyEverything is the item that coalesces looks at everything. Its journal has
// what operators did to all groups at once.
const KeyEverything Key = "everything"

// KeyEveryFilter is the item that coalesces looks at all filters because of messages
// that do not say which, apart from those at everything: the functions for groups and
// for filters do not wait for one another.
const KeyEveryFilter Key = "every-filter"

// ForFilters reports whether wake-ups of the key are for the function of filters.
func (k Key) ForFilters() bool {
	_, is := k.Filter()
	return is || k == KeyEveryFilter
}

// groupPrefix starts the key of a group's item, filterPrefix that of a filter's.
const (
	groupPrefix  = "group#"
	filterPrefix = "filter#"
)

// GroupKey returns the key of a group's item.
func GroupKey(name string) Key { return Key(groupPrefix + name) }

// FilterKey returns the key of a filter's item.
func FilterKey(name string) Key { return Key(filterPrefix + name) }

// Group returns the name of the group whose item the key names.
func (k Key) Group() (string, bool) { return k.after(groupPrefix) }

// Filter returns the name of the filter whose item the key names.
func (k Key) Filter() (string, bool) { return k.after(filterPrefix) }

func (k Key) after(prefix string) (string, bool) {
	name, ok := strings.CutPrefix(string(k), prefix)
	if !ok || name == "" {
		return "", false
	}
	return name, true
}

// Lease is the right to write a group or a filter until Until. The token is made anew by
// every Take, and fences writers: Renew, Commit and Release are refused for a
// token that is not the item's.
type Lease struct {
	Token string    `json:"token,omitempty"`
	Until time.Time `json:"until,omitzero"`
}

// Item is the record store's item of one group or one filter.
type Item struct {
	Key   Key
	Lease Lease
	// Dirty counts requests and busy Takes. A holder releases only if it is what
	// it saw, and else runs once more.
	Dirty int64
	// Revision rises by one with every Commit.
	Revision int64
	// Abandoned: the item was taken from a lease that ran out, not from one that
	// was released. Its holder may have written until the lease ended.
	Abandoned bool
	// Record is a group's, Filter a filter's. Which of the two is kept follows from the
	// key; the other one is empty.
	Record   protection.Record
	Filter   filter.Record
	Requests []protection.Request
	// Wakes are the wake-ups that are armed, so that no run asks for one again that
	// is still to come: earliest first, a bounded number of them. What was asked for
	// and is not in the list is armed once more at the worst.
	Wakes []time.Time
	// LookedAt is when everything was last looked at, or all filters were (KeyEverything
	// and KeyEveryFilter only).
	LookedAt time.Time
}

// Control is the record store's one control item.
type Control struct {
	// Revision rises by one with every change of the item.
	Revision int64
	Freeze   protection.FreezeState
	// Moves are the starts of recent moves, oldest first. The blast radius counts
	// different keys among them.
	Moves      []Move
	ReleasedAt time.Time
}

// Move is the start of a group's move.
type Move struct {
	Key Key       `json:"key"`
	At  time.Time `json:"at"`
}

// JournalEntry is one line of a group's history.
type JournalEntry struct {
	Key      Key                 `json:"key"`
	At       time.Time           `json:"at"`
	Decision protection.Decision `json:"decision"`
	// WouldBe: the decision was made and not committed (observe, freeze).
	WouldBe bool `json:"wouldBe,omitempty"`
	// Verdicts are what a filter's run placed, lifted or was held from, of many the
	// first MaxVerdicts. A filter's line has no decision.
	Verdicts []filter.Verdict `json:"verdicts,omitempty"`
	// Event is the id of the event or wake-up that led to the run.
	Event string `json:"event,omitempty"`
	// Evidence is what the paths showed.
	Evidence []protection.PathMemory `json:"evidence,omitempty"`
	// Ended are the requests that ended with this entry.
	Ended []protection.Ended `json:"ended,omitempty"`
	Note  string             `json:"note,omitempty"`
	// Gaps are the gaps of the learned routes that took over from deleted statics.
	Gaps []Gap `json:"gaps,omitempty"`
	// Failback is the id of the failback that Note tells of, be it of a run or of an act.
	Failback string `json:"failback,omitempty"`
	// Act is what an operator did; empty: the entry is of a run, and the rest of the
	// fields is empty, too. Where there is an act there is no decision.
	Act Act `json:"act,omitempty"`
	// Request is the request that was made or cleared; nil: none.
	Request *protection.Request `json:"request,omitempty"`
	// Freeze is the freeze that was laid over all groups.
	Freeze protection.FreezeState `json:"freeze,omitzero"`
	// By says who it was, and Why is the reason that they gave.
	By  string `json:"by,omitempty"`
	Why string `json:"why,omitempty"`
}

// MaxVerdicts is how many verdicts a line of a journal has at most: a line has to
// fit into an item.
const MaxVerdicts = 20

// Act is what an operator did, or what was found beside the runs.
type Act string

// The acts of operators, and the rehearsal.
const (
	// ActRequested: a request was made of the group.
	ActRequested Act = "requested"
	// ActCleared: a standing request of the group was cleared.
	ActCleared Act = "cleared"
	// ActFroze and ActUnfroze: the freeze of all groups was laid or lifted.
	ActFroze   Act = "froze-all"
	ActUnfroze Act = "unfroze-all"
	// ActReleased: all mass-failure holds were released.
	ActReleased Act = "released-all"
	// ActRehearsed: the daily rehearsal found writes that would be denied; Why says
	// which.
	ActRehearsed Act = "rehearsed"
)

// Commit is what one Commit writes, in one transaction.
type Commit struct {
	// Item is the item as taken, with the record to write in it. Its Revision is
	// the one that was read.
	Item Item
	// Ended are the ids of requests to remove. Requests that came in between stay.
	Ended   []string
	Journal []JournalEntry
	// Move is the start of a move of the item's group; zero: none. It is counted in
	// the control item on the condition that that item's revision is Control's.
	// Moves older than MoveWindow are forgotten with it.
	Move       time.Time
	MoveWindow time.Duration
	// Control is the control item as the decision saw it.
	Control Control
}

// Moves are the moves of the control item once the commit's own is counted,
// oldest first.
func (c Commit) Moves() []Move {
	oldest := c.Move.Add(-c.MoveWindow)
	moves := append(slices.Clone(c.Control.Moves), Move{Key: c.Item.Key, At: c.Move})
	moves = slices.DeleteFunc(moves, func(move Move) bool { return move.At.Before(oldest) })
	slices.SortStableFunc(moves, func(a, b Move) int { return a.At.Compare(b.At) })
	return moves
}

// The errors of Records. Anything else is a failure of the store, after which
// it is unknown whether the call took effect.
var (
	// ErrBusy: another holder has the lease; the item's dirty counter was raised.
	ErrBusy = errors.New("lease is held by another run")
	// ErrFenced: the lease token is not the item's any more.
	ErrFenced = errors.New("lease was lost to another run")
	// ErrDirty: the item changed since it was taken; run once more.
	ErrDirty = errors.New("item changed while the lease was held")
	// ErrControlChanged: the control item changed; renew and decide again.
	ErrControlChanged = errors.New("control item changed")
)

// Records is the store of decisions, leases and requests.
type Records interface {
	// Peek reads items without a lease. Items that do not exist are answered
	// empty, in the order asked.
	Peek(ctx context.Context, keys []Key) ([]Item, Control, error)
	// Take takes the lease with a new token, or answers ErrBusy and raises dirty.
	// A lease is free once its end plus the clock skew is past. A Take that finds
	// its own token has succeeded.
	Take(ctx context.Context, key Key, token string) (Item, Control, error)
	// Renew makes the lease last its full time from now, and answers the item
	// and the control item as they stand. ErrFenced.
	Renew(ctx context.Context, item Item) (Item, Control, error)
	// Commit writes the record, the wake-ups and when everything was looked at, on
	// the condition that the token and the revision are the item's. If an earlier try had its effect already, that is success.
	// ErrFenced, ErrControlChanged.
	Commit(ctx context.Context, commit Commit) (Item, error)
	// Release gives the lease back, and writes the item's wake-ups with it: only then
	// is it known what was armed. ErrDirty keeps the lease, and writes nothing.
	// ErrFenced.
	Release(ctx context.Context, item Item) error
	// Request adds a request and raises dirty.
	Request(ctx context.Context, key Key, request protection.Request) error
	// Clear removes a standing request by id and raises dirty.
	Clear(ctx context.Context, key Key, id string) error
	// Control changes the control item: the global freeze and the release.
	Control(ctx context.Context, change ControlChange) error
	// Note adds journal entries about what operators did, all of them or none. Each
	// has a key and a time. The same entries again change nothing, so that a Note
	// whose answer was lost may be sent again. At most 100 at once.
	Note(ctx context.Context, entries []JournalEntry) error
	// History returns the newest n journal entries of a key, newest first.
	History(ctx context.Context, key Key, n int) ([]JournalEntry, error)
}

// ControlChange is an operator's change of the control item; nil leaves a field.
type ControlChange struct {
	Freeze     *protection.FreezeState
	ReleasedAt *time.Time
}

// Wake delivers a wake-up for the key of a group or a filter at the time, at least once. The time is no
// more than 15 minutes ahead.
type Wake interface {
	At(ctx context.Context, key Key, at time.Time) error
}

// Publisher publishes what a run did.
type Publisher interface {
	Publish(ctx context.Context, event Event) error
}

// Clock is the only source of time and of goroutines below main.
type Clock interface {
	Now() time.Time
	// Sleep waits for d, or answers the context's error.
	Sleep(ctx context.Context, d time.Duration) error
	// Go runs fn in a goroutine; wait returns when fn has ended.
	Go(ctx context.Context, fn func(context.Context)) (wait func())
	// Timeout is context.WithTimeout by this clock.
	Timeout(ctx context.Context, d time.Duration) (context.Context, context.CancelFunc)
}
