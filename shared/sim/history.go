package sim

import "time"

// historyKept is how far back a stale read can look. Older changes are dropped.
const historyKept = 15 * time.Minute

// pruneEvery is the number of changes after which a timeline looks for entries
// that no stale read can reach any more.
const pruneEvery = 256

// timeline is a map that remembers what it held, as a log of changes with what
// stood before each of them. Its cost grows with the changes, not with the size
// of the map, so that a large table with many writes stays cheap.
type timeline[K comparable, V any] struct {
	current map[K]V
	log     []undo[K, V]
}

// undo is one change: what the key held before it.
type undo[K comparable, V any] struct {
	at      time.Time
	key     K
	before  V
	existed bool
}

func newTimeline[K comparable, V any]() *timeline[K, V] {
	return &timeline[K, V]{current: make(map[K]V)}
}

// set stores the value and remembers what stood before.
func (t *timeline[K, V]) set(at time.Time, key K, value V) {
	t.remember(at, key)
	t.current[key] = value
}

// remove deletes the key and remembers what stood before.
func (t *timeline[K, V]) remove(at time.Time, key K) {
	t.remember(at, key)
	delete(t.current, key)
}

func (t *timeline[K, V]) remember(at time.Time, key K) {
	before, existed := t.current[key]
	t.log = append(t.log, undo[K, V]{at: at, key: key, before: before, existed: existed})
	if len(t.log)%pruneEvery == 0 {
		t.prune(at.Add(-historyKept))
	}
}

// asOf returns what the map held at the instant, changes of that very instant
// included. The result is the map itself when nothing has changed since; the
// caller must not write to it.
func (t *timeline[K, V]) asOf(instant time.Time) map[K]V {
	newest := len(t.log) - 1
	if newest < 0 || !t.log[newest].at.After(instant) {
		return t.current
	}
	past := make(map[K]V, len(t.current))
	for key, value := range t.current {
		past[key] = value
	}
	for i := newest; i >= 0 && t.log[i].at.After(instant); i-- {
		change := t.log[i]
		if change.existed {
			past[change.key] = change.before
		} else {
			delete(past, change.key)
		}
	}
	return past
}

// prune forgets the changes before the instant.
func (t *timeline[K, V]) prune(before time.Time) {
	keep := 0
	for keep < len(t.log) && t.log[keep].at.Before(before) {
		keep++
	}
	t.log = append([]undo[K, V](nil), t.log[keep:]...)
}

// The kinds of HealthChange.
const (
	// HealthTruth is a thing itself becoming better or worse.
	HealthTruth = "truth"
	// HealthShown is the API showing it, for one who reads without staleness.
	HealthShown = "shown"
)

// HealthChange is one value about something's health, and when it came to hold.
// Resource, Field, Part and Value are those of Told. Fields of the kind truth
// that no API shows are forwarding (works, hung) and uplink (up, down) of an
// appliance's interface, and line (up, down) of an attachment.
type HealthChange struct {
	At       time.Time `json:"at"`
	Resource string    `json:"resource"`
	Field    string    `json:"field"`
	Part     string    `json:"part,omitempty"`
	Value    string    `json:"value"`
	Kind     string    `json:"kind"`
}

// HealthHistory returns every change of every thing but VPN tunnels, which have
// TunnelHistory, in order. It begins with what holds at the start.
func (w *World) HealthHistory() []HealthChange {
	w.mu.Lock()
	defer w.mu.Unlock()
	return append([]HealthChange(nil), w.healthChanges...)
}

func (w *World) noteHealth(at time.Time, resource, field, part, value, kind string) {
	w.healthChanges = append(w.healthChanges, HealthChange{At: at, Resource: resource, Field: field, Part: part, Value: value, Kind: kind})
}
