package lab

import (
	"cmp"
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"time"

	"detour/shared/controller"
	"detour/shared/filter"
	"detour/shared/route"
	"detour/shared/sim"
)

// actionPropagation ends the names of the calls that switch a propagation.
const actionPropagation = "TransitGatewayRouteTablePropagation"

// filterKey is what a filter judges.
type filterKey struct {
	filter string
	key    filter.Key
}

// filterState is what was told of a verdict last.
type filterState struct {
	reason  filter.Reason
	inForce bool
}

// filtered tells what a run decided about filters, where it is news.
func (t *timeline) filtered(i int) []entry {
	var out []entry
	run := t.res.Rig.Runs[i]
	for _, r := range run.Outcome.Filters {
		switch r.Status {
		case controller.StatusBusy:
			out = append(out, entry{tone: faint, quiet: brief, text: "leaves filter " + r.Filter + " to the run that holds its lease, which will look once more"})
			continue
		case controller.StatusFenced:
			out = append(out, entry{tone: bad, text: "lost the lease on filter " + r.Filter + " to another run, and stops"})
			continue
		case controller.StatusFailed:
			out = append(out, entry{tone: bad, text: fmt.Sprintf("cannot use the record store for filter %s: %v", r.Filter, r.Err)})
			continue
		case controller.StatusQuiet, controller.StatusDone, controller.StatusUnfinished:
		}
		news := t.judged(i, r)
		if len(r.Receipts) > 0 && len(news) == 0 {
			news = []entry{{at: t.firstFilterWrite(i), rank: rankDecision, tone: loud, text: "filter " + r.Filter + " brings what it wrote in line with what is announced"}}
		}
		out = append(out, news...)
		if len(r.Receipts) > 0 {
			out = append(out, entry{tone: plain, text: fmt.Sprintf("ends, %s after it was woken; %s for filter %s: %s",
				run.Ended.Sub(run.Started).Round(time.Millisecond), plural(len(r.Receipts), "write"), r.Filter, outcomes(r.Receipts))})
		}
		if r.Status == controller.StatusUnfinished {
			out = append(out, entry{tone: bad, text: "has not finished filter " + r.Filter + "; a later run will"})
		}
	}
	return out
}

// judged tells the verdicts of one filter's run that are not those of before.
func (t *timeline) judged(i int, r controller.FilterReport) []entry {
	var out []entry
	at := t.firstFilterWrite(i)
	verdicts := verdictsOf(r)
	for _, v := range verdicts {
		key := filterKey{r.Filter, v.Key}
		before := t.verdicts[key]
		now := filterState{v.Reason, v.InForce}
		if !v.InForce && !v.Reason.Holds() {
			now = filterState{} // Nothing of it is left to tell of.
		}
		if now == before {
			continue
		}
		t.verdicts[key] = now
		text, tone := verdictWords(r, v, before)
		out = append(out, entry{at: at, rank: rankDecision, tone: tone, text: text})
	}
	// What no verdict speaks of is over.
	for key := range t.verdicts {
		spoken := slices.ContainsFunc(verdicts, func(v filter.Verdict) bool { return v.Key == key.key })
		if key.filter == r.Filter && !spoken {
			delete(t.verdicts, key)
		}
	}
	return out
}

// verdictsOf are the verdicts of a run. Those by which a measure began or ended are
// of the round that made them; after the writes the same is judged once more.
func verdictsOf(r controller.FilterReport) []filter.Verdict {
	out := slices.Clone(r.Decision.Verdicts)
	for _, v := range slices.Concat(r.Placed, r.Lifted) {
		i := slices.IndexFunc(out, func(o filter.Verdict) bool { return o.Key == v.Key })
		switch {
		case i < 0:
			out = append(out, v)
		case out[i].InForce == v.InForce && !out[i].Reason.Holds():
			out[i] = v
		}
	}
	return out
}

// firstFilterWrite is when the first write of a run took effect, or when the run
// ended if it wrote nothing.
func (t *timeline) firstFilterWrite(i int) time.Time {
	run := t.res.Rig.Runs[i]
	for _, c := range t.res.ledger.calls {
		switchesPropagation := strings.HasSuffix(c.Action, actionPropagation) && !isReadAction(c.Action)
		if c.Process == run.name(i) && (c.Write != nil || switchesPropagation) {
			return c.EffectAt
		}
	}
	return run.Ended
}

// verdictWords says one verdict to a person. before is what was told last.
func verdictWords(r controller.FilterReport, v filter.Verdict, before filterState) (string, tone) {
	mood := ""
	switch {
	case r.Frozen:
		mood = "frozen: "
	case r.WouldBe:
		mood = "only observes: "
	}
	who := fmt.Sprintf("%sfilter %s", mood, r.Filter)
	why := fmt.Sprintf("%s (%s)", filterReasonWords(v.Reason), v.Reason)
	switch {
	case v.Reason.Holds():
		return fmt.Sprintf("%s cannot act on %s: %s%s", who, keyWords(v.Key), why, findingWords(v)), bad
	case v.InForce && (!before.inForce || v.New):
		return fmt.Sprintf("%s %s: %s%s", who, measureWords(v), why, findingWords(v)), loud
	case v.InForce:
		text := fmt.Sprintf("%s leaves its measure on %s in force: %s", who, keyWords(v.Key), why)
		if v.Reason == filter.ReasonGone && !r.Decision.Next.IsZero() {
			text += "; looks again at " + wholeSeconds(r.Decision.Next)
		}
		return text, plain
	case before.inForce:
		return fmt.Sprintf("%s ends its measure on %s: %s", who, keyWords(v.Key), why), good
	default:
		return fmt.Sprintf("%s has nothing to do about %s any more: %s", who, keyWords(v.Key), why), good
	}
}

// keyWords says what a measure acts upon.
func keyWords(k filter.Key) string {
	switch {
	case k.Attachment != "":
		return fmt.Sprintf("what %s teaches %s", k.Attachment, k.Table.ID)
	case !k.Destination.IsZero():
		return fmt.Sprintf("%s in %s", k.Destination, k.Table.ID)
	default:
		return k.Table.ID
	}
}

// measureWords says what a filter does about a denied route.
func measureWords(v filter.Verdict) string {
	switch v.Action {
	case filter.Blackhole:
		return "puts a blackhole on " + keyWords(v.Key)
	case filter.Pin:
		return "pins " + keyWords(v.Key)
	case filter.Quarantine:
		return "quarantines " + keyWords(v.Key)
	default:
		return "reports " + keyWords(v.Key)
	}
}

// findingWords says who announces a denied route, what it would have taken over, what
// is at risk, and what to change where it comes from.
func findingWords(v filter.Verdict) string {
	parts := originWords(v.Why)
	if v.Why.DeniedCount > 0 && v.Attachment != "" {
		parts = append(parts, "denied: "+countedList(prefixWords(v.Why.Denied), v.Why.DeniedCount))
	}
	if v.Why.Prefixes > 0 {
		parts = append(parts, fmt.Sprintf("%d prefixes", v.Why.Prefixes))
	}
	parts = append(parts, riskWords(v.Why)...)
	for _, advice := range v.Why.Advice() {
		switch advice {
		case filter.AdviceStopAnnouncing:
			parts = append(parts, "to change: the announcer should not announce it")
		case filter.AdviceHostRoutes:
			parts = append(parts, "to change: whoever hears it should have a host route to each end of its tunnels")
		}
	}
	if len(parts) == 0 {
		return ""
	}
	return "; " + strings.Join(parts, "; ")
}

// originWords say where a denied route comes from.
func originWords(f filter.Finding) []string {
	var parts, who, over []string
	for _, n := range f.Announcers {
		who = append(who, cmp.Or(n.Resource, n.Attachment))
	}
	if len(who) > 0 {
		parts = append(parts, "announced by "+listing(who))
	}
	for _, from := range f.Sources {
		over = append(over, from.String())
	}
	if len(over) > 0 {
		parts = append(parts, "over "+listing(over))
	}
	return parts
}

// riskWords say what a denied route does harm to.
func riskWords(f filter.Finding) []string {
	var parts []string
	if !f.TookOver.IsZero() {
		parts = append(parts, "traffic would leave "+f.TookOver.String())
	}
	if f.AtRiskCount > 0 {
		parts = append(parts, "at risk: "+countedList(destinationWords(f.AtRisk), f.AtRiskCount))
	}
	if f.TunnelCount > 0 {
		var tunnels []string
		for _, o := range f.Tunnels {
			tunnels = append(tunnels, fmt.Sprintf("%s of %s", o.Address, o.Resource))
		}
		parts = append(parts, "tunnels at risk: "+countedList(tunnels, f.TunnelCount))
	}
	return parts
}

// countedList names the first of a list that has n items in all.
func countedList(words []string, n int) string {
	shown := words[:min(len(words), shownEntries)]
	if more := n - len(shown); more > 0 {
		shown = append(slices.Clone(shown), fmt.Sprintf("%d more", more))
	}
	return listing(shown)
}

func prefixWords(prefixes []netip.Prefix) []string {
	out := make([]string, 0, len(prefixes))
	for _, p := range prefixes {
		out = append(out, p.String())
	}
	return out
}

func destinationWords(destinations []route.Destination) []string {
	out := make([]string, 0, len(destinations))
	for _, d := range destinations {
		out = append(out, d.String())
	}
	return out
}

// filterReasonWords says a filter's reason to a person.
func filterReasonWords(reason filter.Reason) string {
	words := map[filter.Reason]string{
		filter.ReasonNothingDenied:      "nothing denied is there",
		filter.ReasonDenied:             "the rules deny it",
		filter.ReasonOverLimit:          "more prefixes are announced than are allowed",
		filter.ReasonPreset:             "it stands whether or not anything is announced",
		filter.ReasonGone:               "it is announced no more",
		filter.ReasonSuppressed:         "it comes and goes too often",
		filter.ReasonUnobserved:         "nothing shows whether it is still announced; an operator ends the measure",
		filter.ReasonLifted:             "it has been gone for long enough",
		filter.ReasonReleased:           "an operator releases it",
		filter.ReasonOutOfScope:         "the configuration has it no more",
		filter.ReasonAttachmentGone:     "its attachment is deleted",
		filter.ReasonForeign:            "somebody else's static route stands there",
		filter.ReasonIncomplete:         "the table could not be read whole",
		filter.ReasonNeighbors:          "what propagates into the table could not be read whole",
		filter.ReasonOutsides:           "the outside addresses of the tunnels could not be read whole",
		filter.ReasonObservation:        "the observation table is none, or could not be read whole",
		filter.ReasonDeclared:           "a group moves the destination in this table",
		filter.ReasonPermittedElsewhere: "another attachment is permitted it",
		filter.ReasonAdvertised:         "it would be advertised over BGP",
		filter.ReasonECMP:               "a permitted prefix has several next hops",
		filter.ReasonLoss:               "permitted prefixes would be lost",
		filter.ReasonUnsynced:           "what is announced could not be followed",
		filter.ReasonNeverTouch:         "neverTouch covers it",
		filter.ReasonNoIPv6:             "a virtual private gateway's VPN connections carry no IPv6",
		filter.ReasonEgressFamily:       "the egress does not carry the address family",
		filter.ReasonTableKind:          "this kind of table cannot do it",
		filter.ReasonContended:          "somebody else undoes it again and again",
	}
	return cmp.Or(words[reason], string(reason))
}

// propagationWords says a call that switches a propagation.
func propagationWords(c sim.CallRecord) string {
	onto := "off"
	if strings.HasPrefix(c.Action, "Enable") {
		onto = "on"
	}
	return fmt.Sprintf("switches the propagation of %s into %s %s", c.Params.Get("TransitGatewayAttachmentId"), c.Params.Get("TransitGatewayRouteTableId"), onto)
}
