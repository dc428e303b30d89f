package doctor

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"detour/shared/route"
)

// silentPeers: Connect attachments with a BGP session that is up, from which no table
// has a route. Which of an attachment's peers taught a route cannot be seen, so its
// peers are told together.
func silentPeers(x *examination) {
	byAttachment := map[string][]end{}
	for _, e := range x.ends {
		if e.peer != nil && slices.ContainsFunc(e.peer.Sessions, func(s Session) bool { return s.Up }) {
			byAttachment[e.attachment] = append(byAttachment[e.attachment], e)
		}
	}
	for _, id := range slices.Sorted(maps.Keys(byAttachment)) {
		x.silent(id, byAttachment[id])
	}
}

// fed is what is known of the tables that an attachment propagates into.
type fed struct {
	tables []string
	// whole: all tables of the transit gateway were read, with what propagates there.
	whole bool
	// others have further routes, one of which may hide what the attachment announces.
	others  bool
	learned bool
}

func (x *examination) fed(attachment string) fed {
	out := fed{whole: true}
	for _, reading := range x.tables {
		if reading.Table.Kind != route.TransitGatewayTable {
			continue
		}
		for _, r := range reading.Routes {
			out.learned = out.learned || r.Origin == route.OriginPropagated && slices.Contains(hops(r), attachment)
		}
		around, read := x.s.Around.Of(reading.Table)
		feeds := false
		for _, a := range around.Propagating {
			feeds = feeds || a.ID == attachment
		}
		mine := x.sameGateway(reading.Table, attachment)
		if feeds {
			out.tables = append(out.tables, reading.Table.ID)
			out.others = out.others || len(reading.Routes) > 0
		}
		if mine && (!read || !around.Complete || feeds && !reading.Complete) {
			out.whole = false
		}
	}
	return out
}

// sameGateway reports whether the table is of the attachment's transit gateway, or
// may be.
func (x *examination) sameGateway(table route.Table, attachment string) bool {
	sides := x.attachments[attachment]
	return len(sides) == 0 || slices.ContainsFunc(sides, func(a Attachment) bool { return a.TransitGateway == x.gatewayOf[table] })
}

func (x *examination) silent(attachment string, peers []end) {
	into := x.fed(attachment)
	if into.learned || !into.whole {
		return // What is not whole is told as not examined.
	}
	n := peers[0].network
	where := Where{Account: n.Account, Region: n.Region, Attachment: attachment}
	for _, side := range x.attachments[attachment] {
		where.TransitGateway = side.TransitGateway
	}
	var names []string
	ibgp := false
	var evidence []Evidence
	for _, e := range peers {
		names = append(names, e.id)
		ibgp = ibgp || e.peer.PeerASN == e.peer.ASN
		evidence = append(evidence, x.sessions(e.peer, n)...)
		evidence = append(evidence, Evidence{At: n.ReadAt.UTC(), Text: fmt.Sprintf("%s has ASN %d, the transit gateway %d: %s", e.id, e.peer.PeerASN, e.peer.ASN, kindOfBGP(e.peer))})
	}
	where.ConnectPeer = strings.Join(names, ",")
	f := Finding{
		ID: ConnectNothingLearned, Severity: Critical, Where: where, Evidence: evidence,
		What: fmt.Sprintf("%s is up by BGP, and no table has a route from %s. Causes not ruled out: %s", strings.Join(names, " and "), attachment, strings.Join(causes(into, ibgp), "; ")),
	}
	if len(into.tables) == 0 {
		f.Do = []string{fmt.Sprintf("let it propagate: aws ec2 enable-transit-gateway-route-table-propagation --transit-gateway-route-table-id TABLE --transit-gateway-attachment-id %s --region %s", attachment, n.Region)}
	} else {
		f.Evidence = append(f.Evidence, Evidence{Text: attachment + " propagates into " + few(into.tables)})
		f.Do = []string{"on the appliance: see what it announces to the two sessions, with AS_PATH and next hop (gobgp: global rib, neighbor ADDRESS adj-out)"}
	}
	if ibgp {
		f.Do = append(f.Do, "on the appliance: use an ASN other than the transit gateway's, so that the sessions are eBGP; or announce with a non-empty AS_PATH and next-hop-self")
	}
	x.add(f)
}

// causes are those that what was read does not rule out. Over iBGP a route needs a
// non-empty AS_PATH and next-hop-self (Amazon VPC Transit Gateways, Connect); over
// eBGP both always hold.
func causes(into fed, ibgp bool) []string {
	if len(into.tables) == 0 {
		return []string{"its propagation is enabled into no table"}
	}
	out := []string{"it announces nothing"}
	if ibgp {
		out = append(out, "it announces with an empty AS_PATH, which is not installed since both ASNs are the same", "it does not set next-hop-self")
	}
	if into.others {
		out = append(out, "other routes to the same destinations hide what it announces")
	}
	return out
}

func kindOfBGP(p *Peer) string {
	if p.PeerASN == p.ASN {
		return "iBGP"
	}
	return "eBGP"
}

func (x *examination) sessions(p *Peer, n *Network) []Evidence {
	var out []Evidence
	at := time.Time{}
	if n != nil {
		at = n.ReadAt.UTC()
	}
	for _, session := range p.Sessions {
		state := "down"
		if session.Up {
			state = "up"
		}
		out = append(out, Evidence{At: at, Text: fmt.Sprintf("session %s of %s is %s", session.Address, p.ID, state)})
	}
	return out
}
