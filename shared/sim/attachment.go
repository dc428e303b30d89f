package sim

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"
)

// The types of an attachment's resource (EC2 API, TransitGatewayAttachmentResourceType).
const (
	typeVPC           = "vpc"
	typeVPN           = "vpn"
	typeConnect       = "connect"
	typePeering       = "peering"
	typeDirectConnect = "direct-connect-gateway"
)

// The states of an attachment (EC2 API, TransitGatewayAttachmentState).
const (
	attachmentAvailable = "available"
	attachmentModifying = "modifying"
	attachmentDeleted   = "deleted"
)

func attachmentStates() []string {
	return []string{
		"initiating", "initiatingRequest", "pendingAcceptance", "rollingBack", "pending",
		attachmentAvailable, attachmentModifying, "deleting", attachmentDeleted,
		"failed", "rejected", "rejecting", "failing",
	}
}

func knownState(state string) bool { return slices.Contains(attachmentStates(), state) }

// attachment joins something to a transit gateway: exactly one of vpc, vpn,
// connect, peering and direct is set. table is the one TGW table that it looks
// routes up in; an attachment has at most one. Of a peering each gateway has a
// side of its own, with the same id.
type attachment struct {
	id      string
	name    string
	gateway *gateway
	state   string
	table   *tgwTable
	vpc     *vpc
	vpn     *vpnConnection
	connect *connect
	peering *peering
	direct  *directConnect
	// lined is whether the line behind the attachment worked when the history was
	// last written.
	lined bool
}

// ref names the attachment by what it joins: a Connect attachment by the
// attachment that carries it, a peering by the other transit gateway.
func (a *attachment) ref() AttachmentRef {
	ref := AttachmentRef{ID: a.id}
	switch {
	case a.vpn != nil:
		ref.ResourceID, ref.ResourceType = a.vpn.id, typeVPN
	case a.connect != nil:
		ref.ResourceID, ref.ResourceType = a.connect.transport.id, typeConnect
	case a.peering != nil:
		ref.ResourceID, ref.ResourceType = a.peering.other(a).gateway.id, typePeering
	case a.direct != nil:
		ref.ResourceID, ref.ResourceType = a.direct.gatewayID, typeDirectConnect
	case a.vpc != nil:
		ref.ResourceID, ref.ResourceType = a.vpc.id, typeVPC
	}
	return ref
}

// resourceOwner is the account of what the attachment joins.
func (a *attachment) resourceOwner() string {
	switch {
	case a.vpc != nil:
		return a.vpc.owner.account
	case a.peering != nil:
		return a.peering.other(a).gateway.owner.account
	}
	return a.gateway.owner.account
}

// seenBy reports whether the attachment is listed for the caller: for the owners
// of the transit gateway and of a VPC, in the gateway's Region. The owner of the
// other transit gateway of a peering sees the other side.
func (a *attachment) seenBy(c Caller) bool {
	own := a.gateway.owner.account == c.Account || a.vpc != nil && a.vpc.owner.account == c.Account
	return own && a.gateway.owner.region == c.Region
}

// carries reports whether traffic passes: an attachment that is being modified
// goes on forwarding.
func (a *attachment) carries() bool {
	return a.state == attachmentAvailable || a.state == attachmentModifying
}

// line reports whether what the attachment leads to truly works, whatever the
// API shows.
func (a *attachment) line() bool {
	switch {
	case !a.carries():
		return false
	case a.vpn != nil:
		return a.vpn.works()
	case a.connect != nil:
		_, up := a.connect.open()
		return up
	case a.peering != nil:
		return a.peering.truth
	case a.direct != nil:
		return a.direct.truth
	}
	return true
}

// teaches returns the candidates that the attachment propagates now: a VPC's CIDR
// blocks, and what AWS has taken over each BGP session that is established.
func (a *attachment) teaches() []candidate {
	var taught []candidate
	if a.state == attachmentDeleted {
		return nil
	}
	if a.vpc != nil {
		for _, block := range a.vpc.cidrs {
			taught = append(taught, candidate{prefix: block, rank: rankVPC, from: a})
		}
	}
	for _, own := range a.sessions() {
		for _, r := range own.accepted {
			taught = append(taught, learnedRoute(a, own, r))
		}
	}
	return taught
}

// sessions are the BGP sessions that end on the attachment, in a fixed order.
func (a *attachment) sessions() []*bgpSession {
	var sessions []*bgpSession
	switch {
	case a.direct != nil:
		sessions = append(sessions, a.direct.session)
	case a.connect != nil:
		for _, p := range a.connect.peers {
			sessions = append(sessions, p.sessions[:]...)
		}
	case a.vpn != nil:
		for _, t := range a.vpn.tunnels {
			if t.bgp != nil {
				sessions = append(sessions, t.bgp)
			}
		}
	}
	return sessions
}

// sortedSides returns all attachments, each side of a peering by itself, by id
// and transit gateway.
func (w *World) sortedSides() []*attachment {
	var all []*attachment
	for _, g := range w.gateways {
		all = append(all, g.attachments...)
	}
	slices.SortFunc(all, func(x, y *attachment) int {
		return cmp.Or(cmp.Compare(x.id, y.id), cmp.Compare(x.gateway.id, y.gateway.id))
	})
	return all
}

// findAttachment names what does exist when the id is unknown.
func (w *World) findAttachment(id string) (*attachment, error) {
	if a := w.attachments[id]; a != nil {
		return a, nil
	}
	return nil, fmt.Errorf("attachment %q is not in the topology: use one of %s", id, strings.Join(sortedKeys(w.attachments), ", "))
}

// SetAttachmentState gives an attachment a state of the EC2 API, on both sides
// of a peering. Only available and modifying attachments carry traffic, and only
// available ones take new static routes. The state deleted is DeleteAttachment,
// and is final.
func (w *World) SetAttachmentState(id, state string) error {
	if !knownState(state) {
		return fmt.Errorf("attachment state %q is not one of EC2's: use one of %s", state, strings.Join(attachmentStates(), ", "))
	}
	var problem error
	w.do(func(s *step) {
		a, err := w.findAttachment(id)
		switch {
		case err != nil:
			problem = err
			return
		case a.state == attachmentDeleted && state != attachmentDeleted:
			problem = fmt.Errorf("attachment %q is deleted and does not come back: start a World with a topology that has it", id)
			return
		}
		for _, side := range a.bothSides() {
			w.setAttachmentState(s, side, state)
		}
		w.reconsiderSessions(s)
	})
	return problem
}

// DeleteAttachment deletes an attachment: its propagated routes vanish, static
// TGW routes to it become blackholes with an empty attachment list, and VPC
// routes to its transit gateway become blackholes. Deleting the attachment of a
// VPN connection deletes the connection, and that of a Connect attachment its
// peers.
func (w *World) DeleteAttachment(id string) error {
	return w.SetAttachmentState(id, attachmentDeleted)
}

func (a *attachment) bothSides() []*attachment {
	if a.peering == nil {
		return []*attachment{a}
	}
	return a.peering.sides[:]
}

func (w *World) setAttachmentState(s *step, a *attachment, state string) {
	if a.state == state {
		return
	}
	a.state = state
	w.attachmentStates.set(s.now, a, state)
	w.noteAttachment(s.now, a)
	if state != attachmentDeleted {
		return
	}
	a.table = nil
	for _, t := range a.gateway.tables {
		t.forget(a)
		delete(t.propagating, a)
		for _, id := range sortedKeys(t.references) {
			if r := t.references[id]; r.target == a {
				t.shownReferences.set(s.now, id, r.view(t))
			}
		}
	}
	for _, own := range a.sessions() {
		own.established, own.accepted = false, nil
		w.forget(s, own)
	}
	if a.connect != nil {
		w.deletePeers(s.now, a.connect)
	}
	w.refreshGateway(s, a.gateway)
	if a.vpc != nil {
		w.refreshVPC(s.now, a.vpc)
	}
}

// The fields of Told and HealthChange that speak of attachments.
const (
	fieldAttachmentState = "attachment-state"
	fieldLine            = "line"
)

// noteAttachment writes the attachment's state into the history. The state is
// what the API says it is, so truth and what is shown are one.
func (w *World) noteAttachment(at time.Time, a *attachment) {
	if a.peering != nil && a.peering.sides[0] != a {
		return // The other side has the same id, and changes with it.
	}
	w.noteHealth(at, a.id, fieldAttachmentState, "", a.state, HealthTruth)
	w.noteHealth(at, a.id, fieldAttachmentState, "", a.state, HealthShown)
}

// noteLines writes into the history what has become of the lines behind the
// attachments that can fail while they are available.
func (w *World) noteLines(at time.Time, all bool) {
	for _, a := range w.everySide {
		if a.vpc != nil || a.vpn != nil || a.peering != nil && a.peering.sides[0] != a {
			continue
		}
		if now := a.line(); all || now != a.lined {
			a.lined = now
			w.noteHealth(at, a.id, fieldLine, "", upOrDown(now), HealthTruth)
		}
	}
}
