package controller

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"strings"

	"detour/shared/filter"
)

// newsKind says what a verdict tells beyond the record before it.
type newsKind int

const (
	newsNone   newsKind = iota
	newsPlaced          // a measure began
	newsLifted          // a measure ended
	newsHeld            // a measure, or its end, begins to be impossible
)

// newsOf compares a verdict with the record that it was made from. wouldBe says that
// nothing is written for it. A measure that was wanted before, and held or only
// observed, begins with its first write.
func newsOf(before filter.Record, v filter.Verdict, wouldBe bool) newsKind {
	m, _ := before.Measure(v.Key)
	written := !wouldBe && (!acted(m) || m.Action == filter.Alert && v.Action.Writes())
	switch {
	case v.InForce && (v.New || written):
		return newsPlaced
	case acted(m) && !v.InForce && !v.Reason.Holds(), m.Stands() && m.EndedFor != v.Reason && v.Reason == filter.ReasonAttachmentGone:
		return newsLifted
	case v.Reason.Pages() && !slices.Contains(before.Held, filter.Held{Key: v.Key, Reason: v.Reason}):
		return newsHeld
	default:
		return newsNone
	}
}

// acted reports whether a measure in force did something: one that was held from the
// start, or only observed, has nothing that could be lifted.
func acted(m filter.Measure) bool {
	return m.EndedAt.IsZero() && (m.Off || len(m.Statics) > 0 || m.Action == filter.Alert)
}

// maxFilterEvents bounds the events of one run and kind: an attachment can announce a
// thousand routes that are all denied.
const maxFilterEvents = 10

// publishFilter tells the world what the run did. A publication that fails is noted
// in the report; it never undoes or repeats anything.
func (c *Controller) publishFilter(ctx context.Context, h *filterHold) {
	for _, group := range []struct {
		kind     EventKind
		verdicts []filter.Verdict
	}{
		{EventMeasurePlaced, h.out.Placed}, {EventMeasureLifted, h.out.Lifted}, {EventMeasureHeld, h.out.Held},
	} {
		for i, v := range group.verdicts {
			event := Event{Kind: group.kind, Filter: h.filter.Name, At: c.ports.Clock.Now(), Verdict: v, Detail: Describe(v)}
			if advice := Advise(v); len(advice) > 0 && group.kind != EventMeasureLifted {
				event.Detail += "; to change: " + strings.Join(advice, "; ")
			}
			if rest := len(group.verdicts) - i - 1; i == maxFilterEvents && rest > 0 {
				event.Detail += fmt.Sprintf("; and %d more", rest)
			}
			if err := c.ports.Publish.Publish(ctx, event); err != nil {
				h.report.Err = errors.Join(h.report.Err, err)
			}
			if i == maxFilterEvents {
				break
			}
		}
	}
}

// Describe says in one line what a verdict is about, for people: what is denied, who
// announced it, which next hop it would have taken over, and what was at risk.
func Describe(v filter.Verdict) string {
	parts := []string{fmt.Sprintf("%s: %s", v.Key, v.Reason)}
	if v.Action != "" {
		parts[0] = fmt.Sprintf("%s of %s: %s", v.Action, v.Key, v.Reason)
	}
	why := v.Why
	var announcers []string
	for _, n := range why.Announcers {
		announcers = append(announcers, strings.TrimSpace(n.Type+" "+n.Resource)+" ("+n.Attachment+")")
	}
	if len(announcers) > 0 {
		parts = append(parts, "announced by "+strings.Join(announcers, ", "))
	}
	if why.DeniedCount > 0 && v.Attachment != "" {
		parts = append(parts, "denied: "+firstOf(texts(why.Denied), why.DeniedCount))
	}
	if len(why.Sources) > 0 {
		parts = append(parts, "it came over "+strings.Join(texts(why.Sources), ", "))
	}
	if why.Prefixes > 0 {
		parts = append(parts, fmt.Sprintf("%d prefixes", why.Prefixes))
	}
	if !why.TookOver.IsZero() {
		parts = append(parts, "takes traffic from "+why.TookOver.String())
	}
	if why.AtRiskCount > 0 {
		parts = append(parts, fmt.Sprintf("%d destinations at risk, the first is %s", why.AtRiskCount, why.AtRisk[0]))
	}
	if why.TunnelCount > 0 {
		parts = append(parts, fmt.Sprintf("%d tunnels at risk, the first is %s of %s", why.TunnelCount, why.Tunnels[0].Address, why.Tunnels[0].Resource))
	}
	if len(why.Groups) > 0 {
		parts = append(parts, "groups that lose a path: "+strings.Join(slices.Clone(why.Groups), ", "))
	}
	return strings.Join(parts, "; ")
}

// Advise says what to change on which router so that what a verdict is about ends, for
// people. Where a virtual private gateway hands on what one VPN connection announces, no
// route table stops it, so that there it is the only remedy.
func Advise(v filter.Verdict) []string {
	var out []string
	for _, advice := range v.Why.Advice() {
		switch advice {
		case filter.AdviceStopAnnouncing:
			what := firstOf(texts(v.Why.Denied), v.Why.DeniedCount)
			out = append(out, fmt.Sprintf("%s should not announce %s", firstOf(routersOf(v.Why), len(v.Why.Announcers)), what))
		case filter.AdviceHostRoutes:
			out = append(out, hostRoutes(v.Why)...)
		}
	}
	return out
}

// routersOf names the routers behind announcers, as far as AWS tells: of a virtual
// private gateway only what a log told.
func routersOf(why filter.Finding) []string {
	out := make([]string, len(why.Announcers))
	for i, n := range why.Announcers {
		switch {
		case n.Type == filter.TypeVPNGateway && len(why.Sources) > 0:
			out[i] = "the router of " + firstOf(texts(why.Sources), len(why.Sources))
		case n.Type == filter.TypeVPNGateway || n.Type == filter.TypeDirectConnect:
			out[i] = "the router behind " + cmp.Or(n.Resource, n.Attachment) + " that does, which AWS does not name,"
		default:
			out[i] = "the router behind " + cmp.Or(n.Resource, n.Attachment)
		}
	}
	return out
}

// maxAdvised bounds the routers of which each is told its host routes.
const maxAdvised = 4

// hostRoutes says which host routes each router should have that builds a tunnel at risk.
func hostRoutes(why filter.Finding) []string {
	var out []string
	var order []string
	routes := map[string][]string{}
	for _, o := range why.Tunnels {
		router := "the router of " + o.Resource
		if o.CustomerGateway != "" {
			router = o.CustomerGateway + " (" + o.Resource + ")"
		}
		if len(routes[router]) == 0 {
			order = append(order, router)
		}
		routes[router] = append(routes[router], netip.PrefixFrom(o.Address, o.Address.BitLen()).String())
	}
	for i, router := range order {
		if i == maxAdvised {
			return append(out, "and so on for the other tunnels")
		}
		out = append(out, fmt.Sprintf("%s should have host routes outside its tunnels: %s", router, strings.Join(routes[router], ", ")))
	}
	return out
}

// firstOf names the first of n.
func firstOf(names []string, n int) string {
	const most = 3
	text := strings.Join(names[:min(most, len(names))], ", ")
	if n > most {
		text += fmt.Sprintf(" and %d more", n-most)
	}
	return text
}

func texts[T fmt.Stringer](values []T) []string {
	out := make([]string, len(values))
	for i, v := range values {
		out[i] = v.String()
	}
	return out
}
