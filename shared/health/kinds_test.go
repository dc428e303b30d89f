package health

import (
	"slices"
	"testing"
	"time"
)

func TestAttachmentStates(t *testing.T) {
	for value, want := range map[string]State{
		"available": Up, "modifying": Up, "rollingBack": Unknown, "WEIRD": Unknown, "": Unknown,
		"initiating": Down, "initiatingRequest": Down, "pendingAcceptance": Down, "pending": Down, "deleting": Down,
		"deleted": Down, "failing": Down, "failed": Down, "rejecting": Down, "rejected": Down,
	} {
		for _, spec := range []Spec{connectSpec(), attachmentSpec()} {
			facts := append(connectFacts(), attachmentFacts()[1:]...)
			got := Judge(spec, is(attachment, FactAttachmentState, value)(facts), Use{}, Memory{}, noon)
			if got.State != want {
				t.Errorf("%s path with an attachment that is %q: %s (%s), want %s", spec.Kind, value, got.State, got.Reason, want)
			}
			if want == Down && got.Reason != ReasonAttachmentNotAvailable {
				t.Errorf("%q: reason %s", value, got.Reason)
			}
		}
	}
}

func TestConnect(t *testing.T) {
	bothDown := edits(sessions(peerOne, SessionDown, SessionDown), sessions(peerTwo, SessionDown, SessionDown))
	checkCases(t, connectSpec(), Use{}, connectFacts, []kindCase{
		{"all sessions up: Up", nil, Up, ReasonAllPeersUp},
		{"one session of a peer down: Degraded", sessions(peerTwo, SessionUp, SessionDown), Degraded, ReasonSomeSessionsUp},
		{"the other session of a peer down: Degraded", sessions(peerTwo, SessionDown, SessionUp), Degraded, ReasonSomeSessionsUp},
		{"one peer down: Degraded", sessions(peerOne, SessionDown, SessionDown), Degraded, ReasonSomePeersUp},
		{
			"one session up of four: Degraded",
			edits(sessions(peerOne, SessionDown, SessionDown), sessions(peerTwo, SessionDown, SessionUp)), Degraded, ReasonSomePeersUp,
		},
		{"no session up: Down", bothDown, Down, ReasonTooFewPeers},
		{
			"a peer that is deleted counts as down",
			edits(is(peerOne, FactPeerState, "deleted"), sessions(peerTwo, SessionDown, SessionDown)), Down, ReasonTooFewPeers,
		},
		{
			"one that is being deleted, too",
			edits(is(peerOne, FactPeerState, "deleting"), is(peerTwo, FactPeerState, "pending")), Down, ReasonTooFewPeers,
		},
		{"a deleted peer with its sessions up is not good", is(peerOne, FactPeerState, "deleted"), Degraded, ReasonSomePeersUp},
		{"a strange state of a peer whose other one is up: Degraded", is(peerOne, FactPeerState, "WEIRD"), Degraded, ReasonSomePeersUp},
		{
			"a strange state and no other peer: Unknown",
			edits(bothDown, is(peerOne, FactPeerState, "WEIRD"), sessions(peerOne, SessionUp, SessionUp)), Unknown, ReasonSensor,
		},
		{"a strange session beside one that is up: Degraded", sessions(peerOne, "WEIRD", SessionUp), Degraded, ReasonSomeSessionsUp},
		{"a strange session beside one that is down: Unknown", edits(bothDown, sessions(peerOne, "", SessionDown)), Unknown, ReasonSensor},
		{"a session that is missing may be the one that is up: Unknown", func(facts []Fact) []Fact {
			return slices.DeleteFunc(bothDown(facts), func(f Fact) bool { return f.Subject == peerTwo && f.Part == "169.254.6.3" })
		}, Unknown, ReasonNoEvidence},
		{"the same session told twice is one", func(facts []Fact) []Fact {
			facts = slices.DeleteFunc(bothDown(facts), func(f Fact) bool { return f.Subject == peerTwo && f.Part == "169.254.6.3" })
			return append(facts, fact(peerTwo, FactSessionStatus, "169.254.6.2", SessionDown))
		}, Unknown, ReasonNoEvidence},
		{"no sessions read of the peer that is left: Unknown", edits(bothDown, without(peerTwo, FactSessionStatus)), Unknown, ReasonNoEvidence},
		{"a peer unreadable, the other up: Degraded", unreadable(peerTwo), Degraded, ReasonSomePeersUp},
		{"a peer unreadable, the other down: Unknown", edits(bothDown, unreadable(peerTwo)), Unknown, ReasonSensor},
		{"a peer too old, the other down: Unknown", edits(bothDown, stale(peerTwo)), Unknown, ReasonStale},
		{"both peers unreadable: Unknown", edits(unreadable(peerOne), unreadable(peerTwo)), Unknown, ReasonSensor},
		{"the attachment unreadable, peers up: Unknown", unreadable(attachment), Unknown, ReasonSensor},
		{"the attachment too old, peers up: Unknown", stale(attachment), Unknown, ReasonStale},
		{"the attachment unreadable, peers down: Down", edits(unreadable(attachment), bothDown), Down, ReasonTooFewPeers},
		{
			"the attachment deleted, peers unreadable: Down",
			edits(is(attachment, FactAttachmentState, "deleted"), unreadable(peerOne), unreadable(peerTwo)), Down, ReasonAttachmentNotAvailable,
		},
		{"nothing read: Unknown", func([]Fact) []Fact { return nil }, Unknown, ReasonNoEvidence},
	})
	two := connectSpec()
	two.MinPeers = 2
	checkCases(t, two, Use{}, connectFacts, []kindCase{
		{"both needed, both up: Up", nil, Up, ReasonAllPeersUp},
		{
			"both needed, one session each: Degraded",
			edits(sessions(peerOne, SessionUp, SessionDown), sessions(peerTwo, SessionDown, SessionUp)), Degraded, ReasonSomeSessionsUp,
		},
		{"both needed, one down: Down", sessions(peerOne, SessionDown, SessionDown), Down, ReasonTooFewPeers},
		{"both needed, one unreadable: Unknown", unreadable(peerOne), Unknown, ReasonSensor},
		{
			"both needed, one down and one unreadable: Down",
			edits(sessions(peerOne, SessionDown, SessionDown), unreadable(peerTwo)), Down, ReasonTooFewPeers,
		},
	})
}

func TestAppliance(t *testing.T) {
	spec := applianceSpec()
	bothBad := edits(says(onBox, AlarmAlarm), says(pinned, AlarmAlarm))
	cases := []kindCase{
		{"all good: Up", nil, Up, ReasonChecksGood},
		{"source/dest check on: Down", is(eni, FactSourceDestCheck, "true"), Down, ReasonSourceDestCheck},
		{"source/dest check strange: Unknown", is(eni, FactSourceDestCheck, ""), Unknown, ReasonSensor},
		{"source/dest check not read: Unknown", without(eni, FactSourceDestCheck), Unknown, ReasonNoEvidence},
		{"interface on another instance: Unknown", is(eni, FactInterfaceInstance, "i-0b"), Unknown, ReasonInterfaceMoved},
		{
			"interface on another instance, the declared one stopped: Unknown",
			edits(is(eni, FactInterfaceInstance, "i-0b"), stopped), Unknown, ReasonInterfaceMoved,
		},
		{
			"interface on another instance, its checks bad: Down",
			edits(is(eni, FactInterfaceInstance, "i-0b"), bothBad), Down, ReasonChecksFailing,
		},
		{
			"interface on no instance and not in use: Down",
			edits(is(eni, FactInterfaceInstance, ""), is(eni, FactInterfaceStatus, "available")), Down, ReasonInterfaceNotInUse,
		},
		{"the instance of the interface not read: Unknown", without(eni, FactInterfaceInstance), Unknown, ReasonNoEvidence},
		{
			"the instance of the interface not read, the declared one stopped: Down",
			edits(without(eni, FactInterfaceInstance), stopped), Down, ReasonInstanceNotRunning,
		},
		{"the interface unreadable: Unknown", unreadable(eni), Unknown, ReasonSensor},
		{"the interface too old: Unknown", stale(eni), Unknown, ReasonStale},
		{"the interface unreadable, the instance stopped: Down", edits(unreadable(eni), stopped), Down, ReasonInstanceNotRunning},
		{"the instance unreadable: Unknown", unreadable(router), Unknown, ReasonSensor},
		{"the instance too old: Unknown", stale(router), Unknown, ReasonStale},
		{"the instance stopped but too old: Unknown", edits(stopped, stale(router)), Unknown, ReasonStale},
		{
			"the instance unreadable, source/dest check on: Down",
			edits(unreadable(router), is(eni, FactSourceDestCheck, "true")), Down, ReasonSourceDestCheck,
		},
		{"no status checks read: Unknown", without(router, FactInstanceStatus, FactSystemStatus), Unknown, ReasonNoEvidence},
		{
			"a status check told twice, pending and strange",
			edits(is(router, FactSystemStatus, "initializing"), also(fact(router, FactSystemStatus, "", "WEIRD"))), Unknown, ReasonNoEvidence,
		},
		{
			"a status check told twice, strange and pending",
			edits(is(router, FactSystemStatus, "WEIRD"), also(fact(router, FactSystemStatus, "", "initializing"))), Unknown, ReasonNoEvidence,
		},
		{"one status check read: Unknown", without(router, FactSystemStatus), Unknown, ReasonNoEvidence},
		{
			"one impaired, the other pending: Down",
			edits(is(router, FactInstanceStatus, "impaired"), is(router, FactSystemStatus, "initializing")), Down, ReasonStatusCheckFailed,
		},
		{"stopped comes before impaired", edits(stopped, is(router, FactSystemStatus, "impaired")), Down, ReasonInstanceNotRunning},
		{"one check bad: Degraded", says(onBox, AlarmAlarm), Degraded, ReasonSomeChecksFailing},
		{"all checks bad: Down", bothBad, Down, ReasonChecksFailing},
		{"all checks bad, the instance unreadable: Down", edits(bothBad, unreadable(router)), Down, ReasonChecksFailing},
		{"nothing read: Unknown", func([]Fact) []Fact { return nil }, Unknown, ReasonNoEvidence},
	}
	for value, want := range map[string]State{"available": Down, "attaching": Down, "detaching": Down, "associated": Unknown, "WEIRD": Unknown} {
		cases = append(cases, kindCase{
			"interface " + value, is(eni, FactInterfaceStatus, value), want,
			map[State]Reason{Down: ReasonInterfaceNotInUse, Unknown: ReasonSensor}[want],
		})
	}
	for value, want := range map[string]State{"pending": Down, "shutting-down": Down, "terminated": Down, "stopping": Down, "stopped": Down, "": Unknown} {
		cases = append(cases, kindCase{
			"instance " + value, is(router, FactInstanceState, value), want,
			map[State]Reason{Down: ReasonInstanceNotRunning, Unknown: ReasonSensor}[want],
		})
	}
	for _, kind := range []FactKind{FactInstanceStatus, FactSystemStatus} {
		cases = append(cases,
			kindCase{string(kind) + " impaired: Down", is(router, kind, "impaired"), Down, ReasonStatusCheckFailed},
			kindCase{string(kind) + " initializing: Unknown", is(router, kind, "initializing"), Unknown, ReasonNoEvidence},
			kindCase{string(kind) + " insufficient-data: Unknown", is(router, kind, "insufficient-data"), Unknown, ReasonNoEvidence},
			kindCase{string(kind) + " not-applicable: Up", is(router, kind, "not-applicable"), Up, ReasonChecksGood},
			kindCase{string(kind) + " strange: Unknown", is(router, kind, "WEIRD"), Unknown, ReasonSensor})
	}
	checkCases(t, spec, Use{}, applianceFacts, cases)
}

func TestSourcesOfAllKinds(t *testing.T) {
	bothBad := edits(says(onBox, AlarmAlarm), says(pinned, AlarmAlarm))
	vpnSpec := testSpec()
	vpnSpec.Checks = []Check{{Alarm: pinned}}
	vpnDown := append(downFacts(noon), alarm(pinned, AlarmAlarm, time.Hour))
	for _, tt := range []struct {
		name  string
		spec  Spec
		facts []Fact
		state State
		want  int
	}{
		{"a vpn path that its tunnels and its check call dead", vpnSpec, vpnDown, Down, 2},
		{"a vpn path that its tunnels alone call dead", vpnSpec, says(pinned, AlarmOK)(slices.Clone(vpnDown)), Down, 1},
		{"a connect path that is alive: attachment and peers", connectSpec(), connectFacts(), Up, 2},
		{
			"a connect path whose peers are down",
			connectSpec(), edits(sessions(peerOne, SessionDown, SessionDown), sessions(peerTwo, SessionDown, SessionDown))(connectFacts()), Down, 1,
		},
		{"an appliance that is alive: interface, instance and alarms", applianceSpec(), applianceFacts(), Up, 3},
		{"an appliance that is Degraded: the same", applianceSpec(), says(onBox, AlarmAlarm)(applianceFacts()), Degraded, 3},
		{"an appliance whose checks alone fail", applianceSpec(), bothBad(applianceFacts()), Down, 1},
		{
			"an appliance whose checks fail and that is impaired",
			applianceSpec(), edits(bothBad, is(router, FactSystemStatus, "impaired"))(applianceFacts()), Down, 2,
		},
		{"an appliance that is Unknown", applianceSpec(), unreadable(router)(applianceFacts()), Unknown, 0},
		{"an attachment that is alive", attachmentSpec(), attachmentFacts(), Up, 2},
		{"an attachment whose checks alone fail", attachmentSpec(), bothBad(attachmentFacts()), Down, 1},
		{
			"an attachment that is gone, with checks that fail",
			attachmentSpec(), edits(bothBad, is(attachment, FactAttachmentState, "deleted"))(attachmentFacts()), Down, 2,
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			got := Judge(tt.spec, slices.Clone(tt.facts), Use{}, Memory{}, noon)
			if got.State != tt.state || got.Sources != tt.want {
				t.Errorf("%s by %d sources, want %s by %d", got.State, got.Sources, tt.state, tt.want)
			}
		})
	}
}

func TestHoldOffAndDampingApplyToAllKinds(t *testing.T) {
	for _, path := range []struct {
		spec  Spec
		facts func() []Fact
		fail  edit
	}{
		{connectSpec(), connectFacts, is(attachment, FactAttachmentState, "deleted")},
		{applianceSpec(), applianceFacts, stopped},
		{attachmentSpec(), attachmentFacts, is(attachment, FactAttachmentState, "deleted")},
	} {
		s := &story{t: t, spec: path.spec}
		s.spec.HoldOff = 30 * time.Second
		seen := func(change edit) func(time.Time) []Fact {
			return func(at time.Time) []Fact {
				facts := path.facts()
				if change != nil {
					facts = change(facts)
				}
				for i := range facts {
					facts[i].ObservedAt = at
				}
				return facts
			}
		}
		s.see(0, seen(nil), Up)
		if got := s.see(time.Minute, seen(path.fail), Up); got.Reason != ReasonHoldOff || got.Evidence != Down {
			t.Errorf("%s: %s, evidence %s", path.spec.Kind, got.Reason, got.Evidence)
		}
		if got := s.see(time.Minute+30*time.Second, seen(path.fail), Down); got.Penalty != 1000 {
			t.Errorf("%s: penalty %v", path.spec.Kind, got.Penalty)
		}
	}
}

func TestAKindThatNobodyKnowsIsUnknown(t *testing.T) {
	spec := testSpec()
	spec.Kind = "carrier-pigeon"
	if got := Judge(spec, upFacts(noon), Use{}, Memory{}, noon); got.State != Unknown || got.Reason != ReasonNoEvidence {
		t.Errorf("%s (%s)", got.State, got.Reason)
	}
}
