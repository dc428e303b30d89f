// Package memory keeps Detour's records, wake-ups and events in memory. Its
// Store is the reference implementation of the controller's Records port: what
// another store answers differently is a mistake of that store.
package memory

import (
	"context"
	"fmt"
	"reflect"
	"slices"
	"sync"
	"time"

	"detour/shared/controller"
	"detour/shared/protection"
)

// Store implements controller.Records in memory. It may be used from several
// goroutines; no lock is held across a call to the clock. Everything that goes
// in or comes out is copied.
type Store struct {
	clock interface{ Now() time.Time }
	lease time.Duration
	skew  time.Duration

	mu      sync.Mutex
	items   map[controller.Key]*stored
	control controller.Control
	journal map[controller.Key][]controller.JournalEntry
}

var _ controller.Records = (*Store)(nil)

// stored is an item with what the store alone knows of it.
type stored struct {
	item controller.Item
	// released is the token that the last Release gave back, so that the same
	// Release again is known to have succeeded.
	released string
}

// New returns an empty store. A lease lasts for lease from each Take or Renew;
// another run may take it once skew more is past.
func New(clock interface{ Now() time.Time }, lease, skew time.Duration) *Store {
	return &Store{
		clock: clock, lease: lease, skew: skew,
		items:   make(map[controller.Key]*stored),
		journal: make(map[controller.Key][]controller.JournalEntry),
	}
}

// find returns the item, and makes it where it does not exist.
func (s *Store) find(key controller.Key) *stored {
	found, ok := s.items[key]
	if !ok {
		found = &stored{item: controller.Item{Key: key}}
		s.items[key] = found
	}
	return found
}

// held returns the item if the token is its lease's.
func (s *Store) held(key controller.Key, token string) (*stored, error) {
	found, ok := s.items[key]
	if !ok || token == "" || found.item.Lease.Token != token {
		return nil, controller.ErrFenced
	}
	return found, nil
}

// Peek implements controller.Records. Abandoned is not shown: it belongs to a
// lease.
func (s *Store) Peek(ctx context.Context, keys []controller.Key) ([]controller.Item, controller.Control, error) {
	if err := ctx.Err(); err != nil {
		return nil, controller.Control{}, fmt.Errorf("peeking at items: %w", err)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	items := make([]controller.Item, len(keys))
	for i, key := range keys {
		items[i] = controller.Item{Key: key}
		if found, ok := s.items[key]; ok {
			items[i] = cloneItem(found.item)
			items[i].Abandoned = false
		}
	}
	return items, cloneControl(s.control), nil
}

// Take implements controller.Records. A Take that finds its own token makes the
// lease last its full time again; Abandoned is then what the first one found.
func (s *Store) Take(ctx context.Context, key controller.Key, token string) (controller.Item, controller.Control, error) {
	if err := ctx.Err(); err != nil {
		return controller.Item{}, controller.Control{}, fmt.Errorf("taking lease: %w", err)
	}
	if token == "" {
		return controller.Item{}, controller.Control{}, fmt.Errorf("taking lease of %s: the token is empty", key)
	}
	now := s.clock.Now()
	s.mu.Lock()
	defer s.mu.Unlock()
	found := s.find(key)
	lease := found.item.Lease
	switch {
	case lease.Token == token:
	case lease.Token == "":
		found.item.Abandoned = false
	case now.After(lease.Until.Add(s.skew)):
		found.item.Abandoned = true
	default:
		found.item.Dirty++
		return controller.Item{}, controller.Control{}, fmt.Errorf("taking lease of %s: %w", key, controller.ErrBusy)
	}
	found.item.Lease = controller.Lease{Token: token, Until: now.Add(s.lease)}
	return cloneItem(found.item), cloneControl(s.control), nil
}

// Renew implements controller.Records. A lease that ran out, but that nobody
// took, is renewed.
func (s *Store) Renew(ctx context.Context, item controller.Item) (controller.Item, controller.Control, error) {
	if err := ctx.Err(); err != nil {
		return controller.Item{}, controller.Control{}, fmt.Errorf("renewing lease: %w", err)
	}
	now := s.clock.Now()
	s.mu.Lock()
	defer s.mu.Unlock()
	found, err := s.held(item.Key, item.Lease.Token)
	if err != nil {
		return controller.Item{}, controller.Control{}, fmt.Errorf("renewing lease of %s: %w", item.Key, err)
	}
	found.item.Lease.Until = now.Add(s.lease)
	return cloneItem(found.item), cloneControl(s.control), nil
}

// Commit implements controller.Records. The item that it answers is the one
// that the caller saw, with the record written and the revision raised: its
// dirty counter and its requests leave out what came in between, so that the
// Release that follows finds the item dirty.
func (s *Store) Commit(ctx context.Context, commit controller.Commit) (controller.Item, error) {
	if err := ctx.Err(); err != nil {
		return controller.Item{}, fmt.Errorf("committing record: %w", err)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	key := commit.Item.Key
	found, err := s.held(key, commit.Item.Lease.Token)
	if err != nil {
		return controller.Item{}, fmt.Errorf("committing record of %s: %w", key, err)
	}
	switch found.item.Revision {
	case commit.Item.Revision:
		if err := s.count(commit); err != nil {
			return controller.Item{}, fmt.Errorf("committing record of %s: %w", key, err)
		}
		s.write(found, commit)
	case commit.Item.Revision + 1:
		// This Commit took effect before, and its answer was lost.
	default:
		return controller.Item{}, fmt.Errorf("committing record of %s: %w", key, controller.ErrFenced)
	}
	answer := cloneItem(commit.Item)
	answer.Revision++
	answer.Requests = without(answer.Requests, commit.Ended)
	return answer, nil
}

// count counts the commit's move in the control item, or refuses it.
func (s *Store) count(commit controller.Commit) error {
	if commit.Move.IsZero() {
		return nil
	}
	if s.control.Revision != commit.Control.Revision {
		return controller.ErrControlChanged
	}
	s.control.Moves = commit.Moves()
	s.control.Revision++
	return nil
}

func (s *Store) write(found *stored, commit controller.Commit) {
	if _, isFilter := commit.Item.Key.Filter(); isFilter {
		found.item.Filter = commit.Item.Filter.Clone()
	} else {
		found.item.Record = commit.Item.Record.Clone()
	}
	found.item.LookedAt, found.item.Wakes = commit.Item.LookedAt, slices.Clone(commit.Item.Wakes)
	found.item.Revision++
	found.item.Requests = without(found.item.Requests, commit.Ended)
	for _, entry := range commit.Journal {
		if entry.Key == "" {
			entry.Key = commit.Item.Key
		}
		s.journal[entry.Key] = append(s.journal[entry.Key], cloneEntry(entry))
	}
}

// Release implements controller.Records. The same Release again succeeds as
// long as nobody took the lease since.
func (s *Store) Release(ctx context.Context, item controller.Item) error {
	if err := ctx.Err(); err != nil {
		return fmt.Errorf("releasing lease: %w", err)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	token := item.Lease.Token
	found, err := s.held(item.Key, token)
	if err != nil {
		again, ok := s.items[item.Key]
		if ok && token != "" && again.item.Lease.Token == "" && again.released == token {
			return nil
		}
		return fmt.Errorf("releasing lease of %s: %w", item.Key, err)
	}
	if found.item.Dirty != item.Dirty {
		return fmt.Errorf("releasing lease of %s: %w", item.Key, controller.ErrDirty)
	}
	found.item.Lease, found.item.Abandoned = controller.Lease{}, false
	found.item.Wakes = slices.Clone(item.Wakes)
	found.released = token
	return nil
}

// Request implements controller.Records. A request with the id of one that
// stands takes its place, so that it may be sent again.
func (s *Store) Request(ctx context.Context, key controller.Key, request protection.Request) error {
	if err := ctx.Err(); err != nil {
		return fmt.Errorf("adding request: %w", err)
	}
	if request.ID == "" {
		return fmt.Errorf("adding request to %s: the request has no id", key)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	found := s.find(key)
	found.item.Requests = append(without(found.item.Requests, []string{request.ID}), cloneRequest(request))
	slices.SortFunc(found.item.Requests, protection.Request.Compare)
	found.item.Dirty++
	return nil
}

// Clear implements controller.Records. Clearing what does not stand succeeds.
func (s *Store) Clear(ctx context.Context, key controller.Key, id string) error {
	if err := ctx.Err(); err != nil {
		return fmt.Errorf("clearing request: %w", err)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	found := s.find(key)
	found.item.Requests = without(found.item.Requests, []string{id})
	found.item.Dirty++
	return nil
}

// Control implements controller.Records.
func (s *Store) Control(ctx context.Context, change controller.ControlChange) error {
	if err := ctx.Err(); err != nil {
		return fmt.Errorf("changing control item: %w", err)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if change.Freeze != nil {
		s.control.Freeze = *change.Freeze
	}
	if change.ReleasedAt != nil {
		s.control.ReleasedAt = *change.ReleasedAt
	}
	s.control.Revision++
	return nil
}

// maxNotes is how many entries one Note takes, as DynamoDB's transactions do.
const maxNotes = 100

// Note implements controller.Records.
func (s *Store) Note(ctx context.Context, entries []controller.JournalEntry) error {
	if err := ctx.Err(); err != nil {
		return fmt.Errorf("noting acts: %w", err)
	}
	if len(entries) > maxNotes {
		return fmt.Errorf("noting %d acts: there is room for %d: note fewer at once", len(entries), maxNotes)
	}
	for i, entry := range entries {
		if entry.Key == "" || entry.At.IsZero() {
			return fmt.Errorf("noting acts: entry %d has no key or no time: give it both", i)
		}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, entry := range entries {
		known := slices.ContainsFunc(s.journal[entry.Key], func(k controller.JournalEntry) bool { return reflect.DeepEqual(k, entry) })
		if !known {
			s.journal[entry.Key] = append(s.journal[entry.Key], cloneEntry(entry))
		}
	}
	return nil
}

// History implements controller.Records. Of entries of one instant the one
// written last is the newest. An n of zero or less asks for none.
func (s *Store) History(ctx context.Context, key controller.Key, n int) ([]controller.JournalEntry, error) {
	if err := ctx.Err(); err != nil {
		return nil, fmt.Errorf("reading history: %w", err)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	entries := slices.Clone(s.journal[key])
	slices.Reverse(entries)
	slices.SortStableFunc(entries, func(a, b controller.JournalEntry) int { return b.At.Compare(a.At) })
	entries = entries[:min(max(n, 0), len(entries))]
	for i := range entries {
		entries[i] = cloneEntry(entries[i])
	}
	return entries, nil
}
