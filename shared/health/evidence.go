package health

import (
	"slices"
	"time"
)

// evidence is what the facts alone speak for.
type evidence struct {
	state   State
	reason  Reason
	sources int
}

// judgeEvidence does not depend on the order of the facts.
func judgeEvidence(spec Spec, facts []Fact, use Use, now time.Time) evidence {
	in := input{spec: spec, facts: facts, use: use, now: now}
	switch spec.Kind {
	case KindVPN:
		return all(in.tunnels(), in.expected(), in.optionalChecks()).evidence()
	case KindConnect:
		return all(in.attachment(), in.peers(), in.expected(), in.optionalChecks()).evidence()
	case KindAppliance:
		return all(in.networkInterface(), in.sourceDestCheck(), in.instance(), in.checks()).evidence()
	case KindAttachment:
		return all(in.attachment(), in.expected(), in.checks()).evidence()
	default:
		return evidence{state: Unknown, reason: ReasonNoEvidence}
	}
}

// input is what evidence is judged from.
type input struct {
	spec  Spec
	facts []Fact
	use   Use
	now   time.Time
}

// finding is the judgement of one condition that a path needs: Up, it holds;
// Degraded, it holds with less than there should be; Down, it is proven not to
// hold; Unknown, nothing proves either. One that simply holds needs no reason.
type finding struct {
	state  State
	reason Reason
	// sources are the APIs that the finding rests on; none if it is Unknown.
	sources []Source
}

func unknown(reason Reason) finding { return finding{state: Unknown, reason: reason} }

// all joins conditions every one of which must hold. One that is proven not to
// hold decides, whatever is not known of the others; without one, what is not
// known decides. The first condition with the deciding state gives the reason,
// and if all simply hold the last. The sources are those that prove the path
// Down, or all that contribute to its being alive.
func all(findings ...finding) finding {
	out := finding{state: Up}
	for _, f := range findings {
		switch {
		case f.state == out.state || (f.state.Alive() && out.state.Alive()):
			out.sources = slices.Concat(out.sources, f.sources)
			if severity(f.state) > severity(out.state) || (out.state == Up && f.reason != "") {
				out.state, out.reason = f.state, f.reason
			}
		case severity(f.state) > severity(out.state):
			out = f
		}
	}
	return out
}

func (f finding) evidence() evidence {
	different := map[Source]bool{}
	for _, source := range f.sources {
		different[source] = true
	}
	return evidence{f.state, f.reason, len(different)}
}

// view is what was read of one subject.
type view struct {
	// blind is why nothing is proven: the subject could not be read, or some fact
	// about it is too old. There are no facts then.
	blind Reason
	facts []Fact
}

// view collects the facts about the subject. What was not read comes before what
// is too old, and both before what was read: facts about one subject are read
// together, so the others are no better.
func (in input) view(subject Subject) view {
	var out view
	for _, fact := range in.facts {
		switch {
		case fact.Subject != subject:
		case fact.Kind == FactUnreadable:
			return view{blind: ReasonSensor}
		case in.now.Sub(fact.ObservedAt) > in.spec.MaxAge:
			out.blind = ReasonStale
		default:
			out.facts = append(out.facts, fact)
		}
	}
	if out.blind != "" {
		out.facts = nil
	}
	return out
}

// one judges the facts of a kind by their value. Where the same thing was read
// twice with different values, the worse counts.
func (v view) one(kind FactKind, judge func(value string) finding) finding {
	if v.blind != "" {
		return unknown(v.blind)
	}
	out, seen := unknown(ReasonNoEvidence), false
	for _, fact := range v.facts {
		if fact.Kind != kind {
			continue
		}
		found := judge(fact.Value)
		if found.state != Unknown {
			found.sources = []Source{fact.Source}
		}
		switch {
		case !seen || severity(found.state) > severity(out.state):
			out = found
		case found.state == out.state:
			out.reason = min(out.reason, found.reason) // Any of them, and always the same.
			out.sources = append(out.sources, found.sources...)
		}
		seen = true
	}
	return out
}

// severity orders findings: what is proven not to hold decides, then what is not
// known.
func severity(s State) int {
	switch s {
	case Down:
		return 3
	case Unknown:
		return 2
	case Degraded:
		return 1
	case Up, AdminDown:
		return 0
	default:
		return 0
	}
}

// expect judges a value of an enumeration: good holds, bad gives the reason for
// Down, and any other value proves nothing.
func expect(value string, good, bad []string, reason Reason) finding {
	switch {
	case slices.Contains(good, value):
		return finding{state: Up}
	case slices.Contains(bad, value):
		return finding{state: Down, reason: reason}
	default:
		return unknown(ReasonSensor)
	}
}
