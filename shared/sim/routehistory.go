package sim

import (
	"net/netip"
	"strings"
	"time"
)

// RouteChange is one change of what a transit gateway route table shows for a block.
type RouteChange struct {
	At          time.Time `json:"at"`
	Table       string    `json:"table"`
	Destination string    `json:"destination"`
	// Type and State are EC2's: static or propagated, active or blackhole. Empty: no
	// route stands any more.
	Type  string `json:"type,omitempty"`
	State string `json:"state,omitempty"`
	// Target are the ids of the attachments, joined by commas; empty for a blackhole.
	Target string `json:"target,omitempty"`
	// List is the prefix list whose reference made the route.
	List string `json:"list,omitempty"`
}

// RouteHistory returns every change of what transit gateway route tables showed, in
// order. It begins with what stands at the start.
func (w *World) RouteHistory() []RouteChange {
	w.mu.Lock()
	defer w.mu.Unlock()
	return append([]RouteChange(nil), w.routeChanges...)
}

// LearnedChange is one change of what a virtual private gateway teaches a VPC route
// table. Target is the gateway; empty: it does not teach the block any more.
type LearnedChange struct {
	At          time.Time `json:"at"`
	Table       string    `json:"table"`
	Destination string    `json:"destination"`
	Target      string    `json:"target,omitempty"`
	State       string    `json:"state,omitempty"`
}

// LearnedHistory returns every change of the propagated routes of VPC route tables, in
// order, which begins with those at the start.
func (w *World) LearnedHistory() []LearnedChange {
	w.mu.Lock()
	defer w.mu.Unlock()
	return append([]LearnedChange(nil), w.learnedChanges...)
}

// noteLearned remembers a change of an entry, if it is a propagated one; the zero view:
// it is gone.
func (w *World) noteLearned(at time.Time, t *vpcTable, key vpcKey, view VPCRouteView) {
	if key.propagated {
		w.learnedChanges = append(w.learnedChanges, LearnedChange{At: at, Table: t.id, Destination: key.dst.String(), Target: view.Target, State: view.State})
	}
}

// noteRoute remembers a change; the zero view: the route is gone.
func (w *World) noteRoute(at time.Time, t *tgwTable, dst netip.Prefix, view TGWRouteView) {
	ids := make([]string, 0, len(view.Attachments))
	for _, a := range view.Attachments {
		ids = append(ids, a.ID)
	}
	w.routeChanges = append(w.routeChanges, RouteChange{
		At: at, Table: t.id, Destination: dst.String(), Type: view.Type, State: view.State, Target: strings.Join(ids, ","), List: view.PrefixList,
	})
}
