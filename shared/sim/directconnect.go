package sim

import (
	"fmt"
	"net/netip"
)

// directConnect is the attachment of a Direct Connect gateway, and the line to
// the site behind it. truth is whether the line works; session is the BGP session
// over it. allowed are the prefixes that the gateway advertises to the site.
type directConnect struct {
	attachment *attachment
	gatewayID  string
	site       *site
	announces  []announcement
	allowed    []netip.Prefix
	truth      bool
	session    *bgpSession
}

func (d *directConnect) linkID() string { return d.attachment.id }

func (d *directConnect) open() (how string, ok bool) {
	return "Direct Connect gateway " + d.gatewayID, d.attachment.line()
}

func (d *directConnect) enter(p *packet) place {
	return func() place { return p.transit(d.attachment) }
}

// SetDirectConnect makes the line behind a Direct Connect gateway's attachment
// truly go down or up now. The routes that it announces are withdrawn
// DirectConnectHold later, and taught again RecoverAfter after it came up,
// unless it has flipped back by then; static routes to it stay active
// (UNVERIFIED). The attachment stays available. What GRE tunnels it carries
// fail with it. Setting what is true already does nothing.
func (w *World) SetDirectConnect(attachment string, up bool) error {
	var problem error
	w.do(func(s *step) {
		a, err := w.findAttachment(attachment)
		if err != nil {
			problem = err
			return
		}
		d := a.direct
		if d == nil {
			problem = fmt.Errorf("attachment %q is of type %s: name the attachment of a Direct Connect gateway", attachment, a.ref().ResourceType)
			return
		}
		if d.truth == up {
			return
		}
		d.truth = up
		w.reconsiderSessions(s)
	})
	return problem
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
