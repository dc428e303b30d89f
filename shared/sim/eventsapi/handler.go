// Package eventsapi simulates Amazon EventBridge as far as a publisher sees it:
// PutEvents in the AWS JSON protocol. What an event bus does with an event is its
// user's business: it gets the events as EventBridge hands them to targets.
package eventsapi

import (
	"encoding/json"
	"fmt"
	"net/http"
	"sync"
	"time"

	"detour/shared/sim"
	"detour/shared/sim/endpoint"
)

// Limits of a PutEvents call. Source: EventBridge user guide, PutEvents, and API
// reference. UNVERIFIED: newer pages allow 1 MB; this is the older, smaller limit.
const (
	maxEntries    = 10
	maxSize       = 256 << 10 // bytes; the entries together are smaller
	maxDetailType = 128       // characters
)

// defaultBus is the event bus that every account has in every Region.
const defaultBus = "default"

// Event is one event on an event bus.
type Event struct {
	Account string
	Region  string
	Bus     string
	// Raw is the event as a target gets it: the whole envelope, as JSON.
	Raw []byte
}

// Handler answers EventBridge requests. It is an http.Handler for a listener,
// and an HTTP client (Do) for an SDK in the same process. All methods may be
// called from several goroutines; none holds the lock while it calls the
// Timekeeper.
type Handler struct {
	keeper  sim.Timekeeper
	deliver func(Event)
	face    *endpoint.JSON

	mu     sync.Mutex
	buses  map[bus]bool
	serial uint64 // of events
}

type bus struct{ account, region, name string }

// New returns a Handler. deliver gets every event, through the Timekeeper at the
// instant of the call and never inside of it; events of one instant come in the
// order that the Timekeeper gives them. deliver must not block.
func New(tk sim.Timekeeper, deliver func(Event)) *Handler {
	h := &Handler{keeper: tk, deliver: deliver, buses: make(map[bus]bool)}
	h.face = &endpoint.JSON{Version: "1.1", Service: "events", Target: "AWSEvents.PutEvents", Run: h.putEvents}
	return h
}

// CreateBus creates an event bus beside the default one. Creating it again
// changes nothing.
func (h *Handler) CreateBus(account, region, name string) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.buses[bus{account, region, name}] = true
}

// Do answers the request in process; with it a Handler is an HTTPClient of the
// AWS SDK. A request whose context is over does not arrive.
func (h *Handler) Do(r *http.Request) (*http.Response, error) { return h.face.Do(r) }

// ServeHTTP implements http.Handler.
func (h *Handler) ServeHTTP(w http.ResponseWriter, r *http.Request) { h.face.ServeHTTP(w, r) }

// result is the answer to a PutEvents. The entries are in the request's order.
type result struct {
	FailedEntryCount int
	Entries          []resultEntry
}

// resultEntry has either an EventID or the other two.
type resultEntry struct {
	EventID      string `json:"EventId,omitempty"`
	ErrorCode    string `json:",omitempty"`
	ErrorMessage string `json:",omitempty"`
}

// putEvents answers a PutEvents: entries stand or fail one by one, unless the
// request as a whole is wrong.
func (h *Handler) putEvents(scope endpoint.Scope, raw []byte) (any, *endpoint.Error) {
	entries, err := readEntries(raw)
	if err != nil {
		return nil, err
	}
	now := h.keeper.Now()
	out := result{Entries: make([]resultEntry, 0, len(entries))}
	for i := range entries {
		e := &entries[i]
		failed := e.check()
		if failed == nil && !h.exists(scope, e.bus) {
			failed = &resultEntry{ErrorCode: "InvalidArgument", ErrorMessage: fmt.Sprintf(
				"Parameter EventBusName is not valid. Reason: account %s has no event bus %q in %s; create it, or use %s.",
				scope.AccessKey, e.bus, scope.Region, defaultBus)}
		}
		if failed != nil {
			out.FailedEntryCount++
			out.Entries = append(out.Entries, *failed)
			continue
		}
		id := h.nextID()
		event := Event{Account: scope.AccessKey, Region: scope.Region, Bus: e.bus, Raw: e.envelope(id, scope, now)}
		h.keeper.At(now, "event bus "+e.bus, func() { h.deliver(event) })
		out.Entries = append(out.Entries, resultEntry{EventID: id})
	}
	return out, nil
}

// exists says whether the caller has the event bus. EventBridge itself answers an
// unknown one with an event id and drops the event (aws/aws-cli issue 9186); here
// it is an error, because in a test it is a mistake in the set-up.
func (h *Handler) exists(scope endpoint.Scope, name string) bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	return name == defaultBus || h.buses[bus{scope.AccessKey, scope.Region, name}]
}

// nextID makes the id of the next event.
func (h *Handler) nextID() string {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.serial++
	return endpoint.ID(0x9000, h.serial)
}

// envelope is an event as targets get it. Source: EventBridge user guide, Events.
type envelope struct {
	Version    string          `json:"version"`
	ID         string          `json:"id"`
	DetailType string          `json:"detail-type"`
	Source     string          `json:"source"`
	Account    string          `json:"account"`
	Time       string          `json:"time"`
	Region     string          `json:"region"`
	Resources  []string        `json:"resources"`
	Detail     json.RawMessage `json:"detail"`
}

// envelope makes the event of a checked entry.
func (e *entry) envelope(id string, scope endpoint.Scope, now time.Time) []byte {
	at := now
	if e.timed {
		at = e.at
	}
	raw, err := json.Marshal(envelope{
		Version: "0", ID: id, DetailType: e.detailType, Source: e.source, Account: scope.AccessKey,
		Time: at.UTC().Format("2006-01-02T15:04:05Z"), Region: scope.Region,
		Resources: e.resources, Detail: json.RawMessage(e.detail),
	})
	if err != nil {
		panic(fmt.Sprintf("eventsapi: encoding an event: %v", err)) // The detail has been checked, and the rest is strings.
	}
	return raw
}
