package plan

import (
	"fmt"
	"net/netip"
	"slices"

	"detour/shared/route"
)

// Pin is how a check is bound to a path: the check speaks to Address, and the
// table Via leads there over the path.
type Pin struct {
	Path    string      `json:"path"`
	Alarm   string      `json:"alarm"`
	Address netip.Addr  `json:"address"`
	Via     route.Table `json:"via"`
}

// pins: checks whose pin does not lead to their path, so that the alarm speaks of
// something else. A table leads to a next hop and no further: what lies behind a
// transit gateway is not looked up.
func (s *surveyor) pins() {
	for _, pin := range s.in.Pins {
		n := Note{Kind: NotePin, Table: pin.Via, Path: pin.Path, About: pin.Alarm}
		head := fmt.Sprintf("the check %s of path %s speaks to %s over %s, ", pin.Alarm, pin.Path, pin.Address, pin.Via)
		reading, ok := s.readings[pin.Via]
		if !ok || !reading.Complete {
			n.Text = head + "which could not be read, so it is not known whether it leads to the path"
			s.warn(n)
			continue
		}
		standing, found := route.Lookup(reading.Routes, pin.Address)
		switch hops := s.hopsOf(pin.Path); {
		case !found && hasLists(reading.Routes):
			n.Text = head + "which leads there by a prefix list or not at all; a host route makes it certain"
			s.warn(n)
		case !found:
			n.Text = head + "which has no route there; add a host route over the path"
			s.warn(n)
		case standing.State == route.StateBlackhole || standing.NextHop.Kind == route.Blackhole:
			n.Text = head + fmt.Sprintf("where %s is a blackhole; point it to the path", standing.Destination)
			s.warn(n)
		case slices.Contains(hops, standing.NextHop.ID):
		case standing.NextHop.Kind == route.TransitGateway && !s.leadsElsewhere(pin.Path, standing.NextHop.ID):
			n.Text = head + fmt.Sprintf("where %s leads to %s; see that this goes on to the path", standing.Destination, standing.NextHop)
			s.info(n)
		default:
			n.Text = head + fmt.Sprintf("where %s leads to %s, which is no next hop of the path; the check speaks of another way", standing.Destination, standing.NextHop)
			s.warn(n)
		}
	}
}

// hopsOf are the ids that a route over the path points to.
func (s *surveyor) hopsOf(path string) []string {
	var out []string
	for _, p := range s.in.Group.Paths {
		if p.Name == path {
			out = append(out, p.Spec.Subject.ID, p.Spec.Instance.ID)
		}
	}
	for _, unit := range s.in.Group.Units {
		for _, entry := range unit.Entries {
			for _, hop := range entry.NextHops {
				if hop.Path == path {
					out = append(out, hop.NextHop.ID)
				}
			}
		}
	}
	return out
}

// leadsElsewhere reports whether the id is a next hop of another path.
func (s *surveyor) leadsElsewhere(path, id string) bool {
	for _, p := range s.in.Group.Paths {
		if p.Name != path && slices.Contains(s.hopsOf(p.Name), id) {
			return true
		}
	}
	return false
}

func hasLists(routes []route.Route) bool {
	return slices.ContainsFunc(routes, func(r route.Route) bool { return r.Destination.List() != "" })
}
