package sim

import "fmt"

// peering joins two transit gateways. Routes over it are static: only with Cloud
// WAN does a peering propagate (Transit Gateway guide, peering attachments).
type peering struct {
	sides [2]*attachment
	truth bool
}

func (p *peering) other(side *attachment) *attachment {
	if p.sides[0] == side {
		return p.sides[1]
	}
	return p.sides[0]
}

// SetPeering makes what carries a peering attachment truly fail or work, now.
// The API shows nothing of it: the attachment stays available, and its routes
// stay active (UNVERIFIED). Setting what is true already does nothing.
func (w *World) SetPeering(attachment string, up bool) error {
	var problem error
	w.do(func(*step) {
		a, err := w.findAttachment(attachment)
		if err != nil {
			problem = err
			return
		}
		if a.peering == nil {
			problem = fmt.Errorf("attachment %q is of type %s: name a peering attachment", attachment, a.ref().ResourceType)
			return
		}
		a.peering.truth = up
	})
	return problem
}

// across takes a packet over a peering into the other transit gateway.
func (p *packet) across(out *attachment) place {
	if !out.peering.truth {
		return p.drop("the line of the peering %s is down", out.id)
	}
	other := out.peering.other(out)
	if !other.carries() {
		return p.drop("attachment %s is %s", other.id, other.state)
	}
	p.via = append(p.via, out.id)
	p.hop("%s: to %s", out.id, other.gateway.id)
	return func() place { return p.transit(other) }
}
