package health

import (
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"
)

// drawn is a path of some kind with facts about it, in any condition.
type drawn struct {
	spec  Spec
	facts []Fact
	use   Use
}

// drawPath draws a path of a kind, whose facts say anything and are of any age;
// some are missing, some subjects are unreadable, and there are strangers among
// them.
func drawPath(t *rapid.T) drawn {
	out := drawn{use: Use{}}
	var values map[FactKind][]string
	switch rapid.SampledFrom([]Kind{KindVPN, KindConnect, KindAppliance, KindAttachment}).Draw(t, "kind") {
	case KindVPN:
		out.spec, out.facts = testSpec(), upFacts(noon)
		values = map[FactKind][]string{FactConnectionState: {"available", "available", ConnectionGone}, FactTunnelStatus: {TunnelUp, TunnelDown, ""}}
	case KindConnect:
		out.spec, out.facts = connectSpec(), connectFacts()
		out.spec.MinPeers = rapid.IntRange(1, 2).Draw(t, "minPeers")
		values = map[FactKind][]string{
			FactAttachmentState: {"available", "modifying", "deleted", "WEIRD"}, FactPeerState: {"available", "available", "deleting", "WEIRD"},
			FactSessionStatus: {SessionUp, SessionDown, SessionDown, ""},
		}
	case KindAppliance:
		out.spec, out.facts = applianceSpec(), applianceFacts()
		values = map[FactKind][]string{
			FactInterfaceStatus: {"in-use", "in-use", "available", "associated"}, FactInterfaceInstance: {router.ID, router.ID, "i-0b"},
			FactSourceDestCheck: {"false", "false", "true", ""}, FactInstanceState: {"running", "running", "stopped", ""},
			FactInstanceStatus: {"ok", "impaired", "initializing"}, FactSystemStatus: {"ok", "not-applicable", "impaired", "WEIRD"},
		}
	case KindAttachment:
		out.spec, out.facts = attachmentSpec(), attachmentFacts()
		values = map[FactKind][]string{FactAttachmentState: {"available", "available", "deleted", "WEIRD"}}
	}
	values[FactAlarmState] = []string{AlarmOK, AlarmAlarm, AlarmInsufficientData}
	out.spec.Checks = []Check{{Alarm: onBox}, {Alarm: pinned}, {Alarm: follows, ActiveOnly: true}}[:rapid.IntRange(0, 3).Draw(t, "checks")]
	out.facts = append(out.facts, alarm(onBox, AlarmOK, time.Hour), alarm(pinned, AlarmOK, time.Hour), alarm(follows, AlarmOK, time.Hour))
	out.facts = slices.Clip(out.facts)
	if rapid.Bool().Draw(t, "in use") {
		out.use = inUse
	}
	out.muddle(t, values)
	return out
}

func (d *drawn) muddle(t *rapid.T, values map[FactKind][]string) {
	seen := map[Subject]bool{}
	var facts []Fact
	for _, f := range d.facts {
		if seen[f.Subject] {
			facts = append(facts, f)
			continue
		}
		seen[f.Subject] = true
		if rapid.IntRange(0, 9).Draw(t, "unreadable "+f.Subject.ID) == 0 {
			facts = append(facts, Fact{Subject: f.Subject, Kind: FactUnreadable, ObservedAt: noon})
		}
		facts = append(facts, f)
	}
	d.facts = facts[:0]
	for _, f := range facts {
		if f.Kind != FactUnreadable {
			f.Value = rapid.SampledFrom(values[f.Kind]).Draw(t, string(f.Kind)+" "+f.Subject.ID+f.Part)
			f.ChangedAt = noon.Add(-time.Duration(rapid.IntRange(0, 60).Draw(t, "changed")) * time.Minute)
			f.ObservedAt = noon.Add(-rapid.SampledFrom([]time.Duration{0, 0, 0, time.Minute, time.Hour}).Draw(t, "age"))
		}
		switch rapid.IntRange(0, 19).Draw(t, "copies") {
		case 0:
		case 1:
			other := f
			other.Value = rapid.SampledFrom(append(values[f.Kind], "WEIRD")).Draw(t, "contradiction")
			d.facts = append(d.facts, f, other)
		default:
			d.facts = append(d.facts, f)
		}
	}
}

func (d *drawn) judge(facts []Fact) Assessment { return Judge(d.spec, facts, d.use, Memory{}, noon) }

func TestPropertyTheOrderOfFactsDoesNotMatterForAnyKind(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		d := drawPath(t)
		want := d.judge(d.facts)
		if got := d.judge(rapid.Permutation(d.facts).Draw(t, "order")); got != want {
			t.Fatalf("%+v\n%+v", want, got)
		}
		if got := d.judge(append(slices.Clone(d.facts), d.facts...)); d.spec.Kind != KindVPN && got != want {
			t.Fatalf("everything told twice:\n%+v\n%+v", want, got)
		}
	})
}

func TestPropertyFactsOfOthersDoNotMatterForAnyKind(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		d := drawPath(t)
		want := d.judge(d.facts)
		facts := slices.Clone(d.facts)
		for _, f := range drawPath(t).facts {
			switch rapid.IntRange(0, 2).Draw(t, "strangeness") {
			case 0:
				f.Subject.ID += "0"
			case 1:
				f.Subject.Region = "eu-west-1"
			default:
				f.Subject.Account = "444455556666"
			}
			facts = slices.Insert(facts, rapid.IntRange(0, len(facts)).Draw(t, "at"), f)
		}
		if got := d.judge(facts); got != want {
			t.Fatalf("%+v\n%+v", want, got)
		}
	})
}

// needed says which facts a path needs to be alive, so that to lose one proves
// nothing. The state of a VPN connection, a tunnel's status that nobody knows, and
// checks of a path that needs none are only ever held against it.
func (d *drawn) needed(f Fact) bool {
	switch d.spec.Kind {
	case KindVPN:
		return f.Kind == FactTunnelStatus && (f.Value == TunnelUp || f.Value == TunnelDown)
	case KindConnect:
		return f.Kind == FactAttachmentState || f.Kind == FactPeerState || f.Kind == FactSessionStatus
	case KindAppliance, KindAttachment:
		return f.Kind != FactUnreadable
	default:
		return false
	}
}

func TestPropertyToKnowLessMakesNoPathAlive(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		d := drawPath(t)
		before := d.judge(d.facts)
		// That an interface has moved takes its instance's facts out of the judgement,
		// and to forget it brings them back.
		moved := slices.ContainsFunc(d.facts, func(f Fact) bool { return f.Kind == FactInterfaceInstance && f.Value != router.ID })
		// What was told twice is lost as a whole, or it would settle a contradiction.
		type what struct {
			about Subject
			kind  FactKind
			part  string
		}
		lost := map[what]bool{}
		var less, older []Fact
		for _, f := range d.facts {
			w := what{f.Subject, f.Kind, f.Part}
			if _, asked := lost[w]; !asked {
				lost[w] = rapid.IntRange(0, 3).Draw(t, "lost") == 0
			}
			old := f
			tooOld := noon.Sub(f.ObservedAt) > d.spec.MaxAge
			if lost[w] && d.needed(f) {
				old.ObservedAt = noon.Add(-time.Hour)
			}
			if !lost[w] || !d.needed(f) || tooOld {
				less = append(less, f)
			}
			older = append(older, old)
		}
		for name, facts := range map[string][]Fact{"lost": less, "too old": older} {
			after := d.judge(facts)
			if after.State.Alive() && !before.State.Alive() {
				t.Fatalf("%s: %s (%s) became %s (%s)", name, before.State, before.Reason, after.State, after.Reason)
			}
			if after.State == Down && before.State != Down && !moved {
				t.Fatalf("%s: %s (%s) became Down (%s)", name, before.State, before.Reason, after.Reason)
			}
		}
	})
}

// Whatever else is known, a path one of whose own needs is proven not to be met
// is Down, and one of which nothing is proven is not.
func TestPropertyAProvenFailureDecides(t *testing.T) {
	proofs := map[Kind][]edit{
		KindConnect:    {also(fact(attachment, FactAttachmentState, "", "deleted"))},
		KindAttachment: {also(fact(attachment, FactAttachmentState, "", "rejected"))},
		KindAppliance: {
			also(fact(eni, FactSourceDestCheck, "", "true")),
			also(fact(eni, FactInterfaceStatus, "", "available")),
		},
	}
	rapid.Check(t, func(t *rapid.T) {
		d := drawPath(t)
		all := proofs[d.spec.Kind]
		blind := slices.ContainsFunc(d.facts, func(f Fact) bool {
			return f.Subject == d.spec.Subject && (f.Kind == FactUnreadable || noon.Sub(f.ObservedAt) > d.spec.MaxAge)
		})
		if len(all) > 0 && !blind {
			if got := d.judge(rapid.SampledFrom(all).Draw(t, "proof")(slices.Clone(d.facts))); got.State != Down || got.Sources < 1 {
				t.Fatalf("%s (%s)", got.State, got.Reason)
			}
		}
		var nothing []Fact
		for _, about := range d.spec.Subjects() {
			if rapid.Bool().Draw(t, "unreadable") {
				nothing = append(nothing, Fact{Subject: about, Kind: FactUnreadable, ObservedAt: noon})
			}
		}
		if got := d.judge(nothing); got.State != Unknown || got.Sources != 0 {
			t.Fatalf("nothing read, and the path is %s (%s)", got.State, got.Reason)
		}
	})
}

// An alarm that follows the routes means nothing while its path is not in use, and
// nothing by what it said before.
func TestPropertyOldWordsOfACheckThatFollowsTheRoutesAreNotHeard(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		d := drawPath(t)
		for i := range d.facts {
			if d.facts[i].Subject == follows && d.facts[i].ChangedAt.After(inUse.Since) {
				d.facts[i].ChangedAt = inUse.Since
			}
		}
		d.facts = slices.DeleteFunc(d.facts, func(f Fact) bool { return f.Subject == follows && f.Kind == FactUnreadable })
		if !slices.ContainsFunc(d.facts, func(f Fact) bool { return f.Subject == follows }) {
			d.use = Use{}
		}
		for i := range d.facts {
			if d.facts[i].Subject == follows {
				d.facts[i].ObservedAt = noon
			}
		}
		want := d.judge(d.facts)
		d.spec.Checks = slices.DeleteFunc(slices.Clone(d.spec.Checks), func(c Check) bool { return c.ActiveOnly })
		if got := d.judge(d.facts); got != want {
			t.Fatalf("%+v\n%+v", want, got)
		}
	})
}
