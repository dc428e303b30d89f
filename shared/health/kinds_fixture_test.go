package health

import (
	"slices"
	"testing"
	"time"
)

func subject(kind SubjectKind, id string) Subject {
	return Subject{Kind: kind, ID: id, Account: "111122223333", Region: "eu-central-1"}
}

var (
	attachment = subject(SubjectAttachment, "tgw-attach-0a")
	peerOne    = subject(SubjectConnectPeer, "tgw-connect-peer-01")
	peerTwo    = subject(SubjectConnectPeer, "tgw-connect-peer-02")
	eni        = subject(SubjectInterface, "eni-0a")
	router     = subject(SubjectInstance, "i-0a")
	pinned     = subject(SubjectAlarm, "pinned")
	onBox      = subject(SubjectAlarm, "on-box")
	follows    = subject(SubjectAlarm, "follows-the-routes")
)

// inUse: the group came onto the path half an hour before noon.
var inUse = Use{Since: noon.Add(-30 * time.Minute)}

func connectSpec() Spec {
	spec := testSpec()
	spec.Kind, spec.Subject, spec.Peers, spec.MinPeers = KindConnect, attachment, []Subject{peerOne, peerTwo}, 1
	return spec
}

func applianceSpec() Spec {
	spec := testSpec()
	spec.Kind, spec.Subject, spec.Instance = KindAppliance, eni, router
	spec.Checks = []Check{{Alarm: onBox}, {Alarm: pinned}}
	return spec
}

func attachmentSpec() Spec {
	spec := testSpec()
	spec.Kind, spec.Subject, spec.Checks = KindAttachment, attachment, []Check{{Alarm: pinned}, {Alarm: onBox}}
	return spec
}

func fact(about Subject, kind FactKind, part, value string) Fact {
	sources := map[SubjectKind]Source{
		SubjectVPN: SourceDescribeVPNConnections, SubjectConnectPeer: SourceDescribeConnectPeers,
		SubjectAttachment: SourceDescribeAttachments, SubjectInterface: SourceDescribeInterfaces,
		SubjectInstance: SourceDescribeInstanceStatus, SubjectAlarm: SourceDescribeAlarms,
	}
	return Fact{Subject: about, Kind: kind, Part: part, Value: value, Source: sources[about.Kind], ObservedAt: noon}
}

// alarm is a check that came into its state the given time before noon.
func alarm(about Subject, value string, ago time.Duration) Fact {
	out := fact(about, FactAlarmState, "", value)
	out.ChangedAt = noon.Add(-ago)
	return out
}

func peer(about Subject, state, first, second string) []Fact {
	return []Fact{
		fact(about, FactPeerState, "", state),
		fact(about, FactSessionStatus, "169.254.6.2", first),
		fact(about, FactSessionStatus, "169.254.6.3", second),
	}
}

func connectFacts() []Fact {
	return slices.Concat(
		[]Fact{fact(attachment, FactAttachmentState, "", "available")},
		peer(peerOne, "available", SessionUp, SessionUp),
		peer(peerTwo, "available", SessionUp, SessionUp),
	)
}

func applianceFacts() []Fact {
	return []Fact{
		fact(eni, FactInterfaceStatus, "", "in-use"),
		fact(eni, FactInterfaceInstance, "", router.ID),
		fact(eni, FactSourceDestCheck, "", "false"),
		fact(router, FactInstanceState, "", "running"),
		fact(router, FactInstanceStatus, "", "ok"),
		fact(router, FactSystemStatus, "", "ok"),
		alarm(onBox, AlarmOK, time.Hour),
		alarm(pinned, AlarmOK, time.Hour),
	}
}

func attachmentFacts() []Fact {
	return []Fact{
		fact(attachment, FactAttachmentState, "", "available"),
		alarm(pinned, AlarmOK, time.Hour),
		alarm(onBox, AlarmOK, time.Hour),
	}
}

// An edit changes facts.
type edit func([]Fact) []Fact

// set gives a fact another value.
func set(about Subject, kind FactKind, part, value string) edit {
	return func(facts []Fact) []Fact {
		for i := range facts {
			if facts[i].Subject == about && facts[i].Kind == kind && facts[i].Part == part {
				facts[i].Value = value
				return facts
			}
		}
		panic("no such fact: " + about.ID + " " + string(kind))
	}
}

// is gives a fact that has no part another value, and says an alarm's state.
func is(about Subject, kind FactKind, value string) edit { return set(about, kind, "", value) }
func says(about Subject, state string) edit              { return is(about, FactAlarmState, state) }

var stopped = is(router, FactInstanceState, "stopped")

func sessions(about Subject, first, second string) edit {
	return edits(set(about, FactSessionStatus, "169.254.6.2", first), set(about, FactSessionStatus, "169.254.6.3", second))
}

func edits(all ...edit) edit {
	return func(facts []Fact) []Fact {
		for _, e := range all {
			facts = e(facts)
		}
		return facts
	}
}

// without drops the facts of a kind about a subject, or all of them.
func without(about Subject, kinds ...FactKind) edit {
	return func(facts []Fact) []Fact {
		return slices.DeleteFunc(facts, func(f Fact) bool {
			return f.Subject == about && (len(kinds) == 0 || slices.Contains(kinds, f.Kind))
		})
	}
}

func unreadable(about Subject) edit {
	return func(facts []Fact) []Fact {
		return append(without(about)(facts), Fact{Subject: about, Kind: FactUnreadable, Problem: "denied", ObservedAt: noon})
	}
}

// stale makes what was read of a subject too old by a nanosecond.
func stale(about Subject) edit {
	return func(facts []Fact) []Fact {
		for i := range facts {
			if facts[i].Subject == about {
				facts[i].ObservedAt = noon.Add(-3*time.Minute - 1)
			}
		}
		return facts
	}
}

// also adds a fact.
func also(f Fact) edit { return func(facts []Fact) []Fact { return append(facts, f) } }

// kindCase is one row: facts of a path that is Up in everything, and the edit
// that makes the case.
type kindCase struct {
	name   string
	edit   edit
	state  State
	reason Reason
}

func checkCases(t *testing.T, spec Spec, use Use, facts func() []Fact, cases []kindCase) {
	t.Helper()
	for _, tt := range cases {
		t.Run(tt.name, func(t *testing.T) {
			given := facts()
			if tt.edit != nil {
				given = tt.edit(given)
			}
			got := Judge(spec, given, use, Memory{}, noon)
			if got.State != tt.state || got.Reason != tt.reason || got.Evidence != tt.state {
				t.Errorf("%s (%s), evidence %s; want %s (%s)", got.State, got.Reason, got.Evidence, tt.state, tt.reason)
			}
		})
	}
}
