package sim

import (
	"fmt"
	"net/netip"
)

// directConnect is the attachment of a Direct Connect gateway, or a private virtual
// interface (id) on a virtual private gateway (vgw), and the line to the site behind
// it. truth is whether the line works; session is the BGP session over it. allowed
// are the prefixes that a Direct Connect gateway advertises to the site.
type directConnect struct {
	attachment *attachment
	id         string
	vgw        *vpnGateway
	gatewayID  string
	site       *site
	announces  []announcement
	allowed    []netip.Prefix
	truth      bool
	session    *bgpSession
}

func (d *directConnect) linkID() string {
	if d.vgw != nil {
		return d.id
	}
	return d.attachment.id
}

func (d *directConnect) open() (how string, ok bool) {
	if d.vgw != nil {
		return "a private virtual interface of " + d.vgw.id, d.truth && d.vgw.attached
	}
	return "Direct Connect gateway " + d.gatewayID, d.attachment.line()
}

func (d *directConnect) enter(p *packet) place {
	if d.vgw != nil {
		return func() place { return p.atVPNGateway(d.vgw) }
	}
	return func() place { return p.transit(d.attachment) }
}

// SetDirectConnect makes the line behind a Direct Connect gateway's attachment, or
// that of a private virtual interface, truly go down or up now. The routes that it announces are withdrawn
// DirectConnectHold later, and taught again RecoverAfter after it came up,
// unless it has flipped back by then; static routes to it stay active
// (UNVERIFIED). The attachment stays available. What GRE tunnels it carries
// fail with it. Setting what is true already does nothing.
func (w *World) SetDirectConnect(attachment string, up bool) error {
	var problem error
	w.do(func(s *step) {
		d, err := w.findLine(attachment)
		if err != nil {
			problem = err
			return
		}
		if d.truth == up {
			return
		}
		d.truth = up
		if d.vgw != nil {
			w.noteHealth(s.now, d.id, fieldLine, "", upOrDown(up), HealthTruth)
		}
		w.reconsiderSessions(s)
	})
	return problem
}

func (w *World) findLine(id string) (*directConnect, error) {
	if d := w.interfaces[id]; d != nil {
		return d, nil
	}
	a, err := w.findAttachment(id)
	switch {
	case err != nil:
		return nil, err
	case a.direct == nil:
		return nil, fmt.Errorf("attachment %q is of type %s: name the attachment of a Direct Connect gateway", id, a.ref().ResourceType)
	}
	return a.direct, nil
}

// toSite leaves AWS over a line that is no VPN connection.
func (p *packet) toSite(link uplink, behind *site) place {
	how, ok := link.open()
	if !ok {
		return p.drop("nothing behind %s works", link.linkID())
	}
	p.via = append(p.via, link.linkID())
	p.hop("%s: %s to %s", link.linkID(), how, behind.name)
	return func() place { return p.router(behind) }
}
