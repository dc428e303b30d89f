package health

import (
	"net/netip"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"detour/shared/route"
)

var (
	observed = subject(SubjectRouteTable, "tgw-rtb-0f")
	carries  = subject(SubjectRouteTable, "tgw-rtb-01")
	block    = netip.MustParsePrefix("10.128.0.0/10")
)

// learningSpec is a Connect path that is expected to teach the block.
func learningSpec() Spec {
	spec := connectSpec()
	spec.Attachment, spec.Observation, spec.Expect = attachment.ID, observed, []netip.Prefix{block}
	return spec
}

func tableFact(kind FactKind, part, value string) Fact {
	out := fact(observed, kind, part, value)
	out.Source = SourceSearchRoutes
	return out
}

// observing is a good reading of the observation table, with more facts about it.
func observing(more ...Fact) []Fact {
	return append([]Fact{
		tableFact(FactTableState, "", TableRead),
		tableFact(FactPropagation, attachment.ID, "connect"),
	}, more...)
}

func learnedBlock() Fact { return tableFact(FactLearnedRoute, block.String(), attachment.ID) }

func own(state RouteState) Fact {
	out := fact(carries, FactExpectedRoute, block.String(), string(state))
	out.Source = SourceSearchRoutes
	return out
}

func TestAPathIsDownWhileARouteThatItShouldTeachIsMissing(t *testing.T) {
	old := learnedBlock()
	old.ObservedAt = noon.Add(-time.Hour)
	tests := map[string]struct {
		facts  []Fact
		state  State
		reason Reason
	}{
		"learned":                        {observing(learnedBlock()), Up, ReasonAllPeersUp},
		"not learned":                    {observing(), Down, ReasonRoutesNotLearned},
		"taught by another":              {observing(tableFact(FactLearnedRoute, block.String(), "tgw-attach-0z")), Down, ReasonRoutesNotLearned},
		"another block":                  {observing(tableFact(FactLearnedRoute, "10.0.0.0/8", attachment.ID)), Down, ReasonRoutesNotLearned},
		"hidden in the observation":      {observing(tableFact(FactStaticRoute, block.String(), "blackhole")), Up, ReasonAllPeersUp},
		"unread":                         {[]Fact{fact(observed, FactUnreadable, "", "")}, Up, ReasonAllPeersUp},
		"too old":                        {append(observing(), old), Up, ReasonAllPeersUp},
		"fed by another, too":            {observing(tableFact(FactPropagation, "tgw-attach-0z", "vpn")), Up, ReasonAllPeersUp},
		"not fed":                        {[]Fact{tableFact(FactTableState, "", TableRead)}, Up, ReasonAllPeersUp},
		"associated":                     {observing(tableFact(FactAssociation, "tgw-attach-0z", "vpc")), Up, ReasonAllPeersUp},
		"no word that it was read":       {observing()[1:], Up, ReasonAllPeersUp},
		"shown where the traffic goes":   {observing(own(RouteShown)), Up, ReasonAllPeersUp},
		"absent where the traffic goes":  {observing(learnedBlock(), own(RouteAbsent)), Down, ReasonRoutesNotLearned},
		"won by another, and observed":   {observing(learnedBlock(), own(RouteElsewhere)), Up, ReasonAllPeersUp},
		"won by another, and withdrawn":  {observing(own(RouteElsewhere)), Down, ReasonRoutesNotLearned},
		"hidden where the traffic goes":  {observing(own(RouteHidden)), Down, ReasonRoutesNotLearned},
		"shown in one table, not in all": {observing(own(RouteShown), own(RouteAbsent)), Down, ReasonRoutesNotLearned},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			got := Judge(learningSpec(), append(connectFacts(), tt.facts...), Use{}, Memory{}, noon)
			if got.State != tt.state || got.Reason != tt.reason {
				t.Errorf("%s (%s), want %s (%s)", got.State, got.Reason, tt.state, tt.reason)
			}
		})
	}
}

func TestWithoutAnObservationTableOnlyTheGroupsOwnTablesSpeak(t *testing.T) {
	spec := learningSpec()
	spec.Observation = Subject{}
	for state, want := range map[RouteState]State{RouteUnread: Up, RouteShown: Up, RouteElsewhere: Up, RouteHidden: Up, RouteAbsent: Down} {
		if got := Judge(spec, append(connectFacts(), own(state)), Use{}, Memory{}, noon); got.State != want {
			t.Errorf("%q in its own table: %s, want %s", state, got.State, want)
		}
	}
	aged := own(RouteAbsent)
	aged.ObservedAt = noon.Add(-time.Hour)
	if got := Judge(spec, append(connectFacts(), aged), Use{}, Memory{}, noon); got.State != Up {
		t.Errorf("by an old reading: %s", got.State)
	}
}

func TestWhyTheObservationTableProvesNothing(t *testing.T) {
	stale := observing(learnedBlock())
	for i := range stale {
		stale[i].ObservedAt = noon.Add(-time.Hour)
	}
	for problem, facts := range map[ObservationProblem][]Fact{
		"":                    observing(learnedBlock()),
		ObservationUnreadable: {fact(observed, FactUnreadable, "", "")},
		ObservationStale:      stale,
		ObservationNotFed:     {tableFact(FactTableState, "", TableRead)},
		ObservationShared:     observing(tableFact(FactPropagation, "tgw-attach-0z", "vpn")),
		ObservationAssociated: observing(tableFact(FactAssociation, attachment.ID, "connect")),
	} {
		got := Observe(learningSpec(), facts, noon)
		if got.Problem != problem {
			t.Errorf("problem %q, want %q", got.Problem, problem)
		}
		if shown := got.Route(block) == RouteShown; shown != (problem == "") {
			t.Errorf("with problem %q the route is %q", problem, got.Route(block))
		}
	}
	spec := learningSpec()
	spec.Observation = Subject{}
	if got := Observe(spec, observing(learnedBlock()), noon); got.Problem != ObservationNone || got.Route(block) != RouteUnread {
		t.Errorf("without a table: %+v", got)
	}
}

func TestTheCausesThatAreNotRuledOut(t *testing.T) {
	asn := func(peer, gateway string) []Fact {
		var out []Fact
		for _, p := range []Subject{peerOne, peerTwo} {
			out = append(out, fact(p, FactPeerASN, "", peer), fact(p, FactGatewayASN, "", gateway))
		}
		return out
	}
	ibgp, ebgp := asn("64512", "64512"), asn("65001", "64512")
	inner := []Cause{CauseNotAnnounced, CauseEmptyPath, CauseNextHop}
	tests := map[string]struct {
		facts []Fact
		state RouteState
		want  []Cause
	}{
		"learned":                     {slices.Concat(ibgp, observing(learnedBlock())), RouteShown, nil},
		"iBGP":                        {slices.Concat(ibgp, observing()), RouteAbsent, inner},
		"eBGP":                        {slices.Concat(ebgp, observing()), RouteAbsent, []Cause{CauseNotAnnounced}},
		"one peer's ASN is not known": {slices.Concat(ebgp[:2], observing()), RouteAbsent, inner},
		"no observation table":        {slices.Concat(ibgp, []Fact{own(RouteAbsent)}), RouteAbsent, append(slices.Clone(inner), CauseNotPropagated)},
		"won by another":              {slices.Concat(ebgp, []Fact{own(RouteElsewhere)}), RouteElsewhere, []Cause{CauseNotAnnounced, CauseHidden, CauseNotPropagated}},
		"hidden, observed as missing": {slices.Concat(ebgp, observing(own(RouteHidden))), RouteAbsent, []Cause{CauseNotAnnounced}},
		"nothing read":                {ebgp, RouteUnread, []Cause{CauseNotAnnounced, CauseHidden, CauseNotPropagated}},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			got := Expected(learningSpec(), append(connectFacts(), tt.facts...), noon)
			if len(got) != 1 || got[0].Block != block || got[0].State != tt.state || !slices.Equal(got[0].Causes, tt.want) {
				t.Errorf("%+v, want %q with %v", got, tt.state, tt.want)
			}
		})
	}
	dead := slices.Concat(peer(peerOne, "available", SessionDown, SessionDown), peer(peerTwo, "available", SessionDown, SessionDown), observing())
	if got := Expected(learningSpec(), dead, noon); len(got[0].Causes) > 0 {
		t.Errorf("without a session there are causes: %v", got[0].Causes)
	}
}

func TestPropertyWhatIsReadOfRoutesNeverMakesAPathBetter(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		facts := connectFacts()
		for i := range facts {
			if rapid.IntRange(0, 3).Draw(t, "other") == 0 {
				facts[i].Value = rapid.SampledFrom([]string{SessionUp, SessionDown, "available", "deleted", ""}).Draw(t, "value")
			}
		}
		seen := rapid.SliceOfN(rapid.SampledFrom([]Fact{
			tableFact(FactTableState, "", TableRead), tableFact(FactPropagation, attachment.ID, "connect"), tableFact(FactPropagation, "tgw-attach-0z", "vpn"),
			tableFact(FactAssociation, "tgw-attach-0z", "vpc"), learnedBlock(), tableFact(FactStaticRoute, block.String(), "x"),
			fact(observed, FactUnreadable, "", ""), own(RouteShown), own(RouteAbsent), own(RouteElsewhere), own(RouteHidden),
		}), 0, 6).Draw(t, "seen")
		without := Judge(connectSpec(), facts, Use{}, Memory{}, noon)
		with := Judge(learningSpec(), append(slices.Clone(facts), seen...), Use{}, Memory{}, noon)
		switch {
		case with.State == without.State:
		case with.State != Down || with.Reason != ReasonRoutesNotLearned:
			t.Fatalf("%s (%s) without looking at routes, %s (%s) with", without.State, without.Reason, with.State, with.Reason)
		}
		missing := Expected(learningSpec(), append(slices.Clone(facts), seen...), noon)[0].State == RouteAbsent
		if missing && with.State != Down {
			t.Fatalf("the route is missing, and the path %s", with.State)
		}
	})
}

func TestWhatPropagatesIntoATable(t *testing.T) {
	const old = 10 * time.Minute
	table := PropagationsOf(route.Table{Kind: route.TransitGatewayTable, ID: "tgw-rtb-01", Account: "111122223333", Region: "eu-central-1"})
	fact := func(kind FactKind, part, value string, age time.Duration) Fact {
		return Fact{Subject: table, Kind: kind, Part: part, Value: value, ObservedAt: noon.Add(-age)}
	}
	read := fact(FactTableState, "", TableRead, 0)
	for name, tt := range map[string]struct {
		facts []Fact
		want  PropagationProblem
	}{
		"it does":            {[]Fact{fact(FactPropagation, "a", PropagationEnabled, 0), read}, ""},
		"another does":       {[]Fact{read, fact(FactPropagation, "b", PropagationEnabled, 0)}, PropagationOff},
		"not yet":            {[]Fact{read, fact(FactPropagation, "a", "enabling", 0)}, PropagationOff},
		"not whole":          {[]Fact{fact(FactPropagation, "a", PropagationEnabled, 0)}, PropagationUnreadable},
		"nothing":            {nil, PropagationUnreadable},
		"unreadable":         {[]Fact{read, fact(FactUnreadable, "", "", 0)}, PropagationUnreadable},
		"old and unreadable": {[]Fact{fact(FactTableState, "", TableRead, old), fact(FactUnreadable, "", "", 0)}, PropagationUnreadable},
		"old":                {[]Fact{read, fact(FactPropagation, "a", PropagationEnabled, old)}, PropagationStale},
	} {
		if got := Propagates(tt.facts, "a", 3*time.Minute, noon); got != tt.want {
			t.Errorf("%s: %q, want %q", name, got, tt.want)
		}
	}
}
