package health

import (
	"testing"
	"time"
)

func TestAttachmentPath(t *testing.T) {
	bad, silent := says(pinned, AlarmAlarm), says(pinned, AlarmInsufficientData)
	badToo := says(onBox, AlarmAlarm)
	checkCases(t, attachmentSpec(), Use{}, attachmentFacts, []kindCase{
		{"available and checks good: Up", nil, Up, ReasonChecksGood},
		{"not available, checks good: Down", is(attachment, FactAttachmentState, "deleted"), Down, ReasonAttachmentNotAvailable},
		{"unreadable, checks good: Unknown", unreadable(attachment), Unknown, ReasonSensor},
		{"unreadable, checks bad: Down", edits(unreadable(attachment), bad, badToo), Down, ReasonChecksFailing},
		{"one check bad: Degraded", bad, Degraded, ReasonSomeChecksFailing},
		{"all checks bad: Down", edits(bad, badToo), Down, ReasonChecksFailing},
		{"one good, one silent: Up", silent, Up, ReasonChecksGood},
		{"one bad, one silent: Unknown", edits(silent, badToo), Unknown, ReasonNoEvidence},
		{"one bad, one unreadable: Unknown", edits(unreadable(pinned), badToo), Unknown, ReasonSensor},
		{"one bad, one too old: Unknown", edits(stale(pinned), badToo), Unknown, ReasonStale},
		{"one bad, one not answered: Unknown", edits(without(pinned), badToo), Unknown, ReasonNoEvidence},
		{"one good, one unreadable: Up", unreadable(pinned), Up, ReasonChecksGood},
		{"all unreadable: Unknown", edits(unreadable(pinned), unreadable(onBox)), Unknown, ReasonSensor},
		{"all silent: Unknown", edits(silent, says(onBox, AlarmInsufficientData)), Unknown, ReasonNoEvidence},
		{"a strange state: Unknown", edits(says(pinned, "WEIRD"), badToo), Unknown, ReasonSensor},
		{"told twice, the worse counts", edits(badToo, also(alarm(pinned, AlarmAlarm, time.Hour))), Down, ReasonChecksFailing},
		{
			"told twice, silent is worse than good",
			edits(badToo, also(alarm(pinned, AlarmInsufficientData, time.Hour))), Unknown, ReasonNoEvidence,
		},
		{"nothing read: Unknown", func([]Fact) []Fact { return nil }, Unknown, ReasonNoEvidence},
	})
	none := attachmentSpec()
	none.Checks = nil
	checkCases(t, none, Use{}, attachmentFacts, []kindCase{{"no check declared: Unknown", nil, Unknown, ReasonNoValidCheck}})
}

func TestACheckThatFollowsTheRoutesSpeaksOnlyOfTheTimeInUse(t *testing.T) {
	spec := attachmentSpec()
	spec.Checks = []Check{{Alarm: pinned}, {Alarm: follows, ActiveOnly: true}}
	facts := func(value string, ago time.Duration) func() []Fact {
		return func() []Fact {
			return []Fact{fact(attachment, FactAttachmentState, "", "available"), alarm(pinned, AlarmOK, time.Hour), alarm(follows, value, ago)}
		}
	}
	for _, tt := range []struct {
		name   string
		use    Use
		value  string
		ago    time.Duration
		state  State
		reason Reason
	}{
		{"bad since after the move: it counts", inUse, AlarmAlarm, 30*time.Minute - 1, Degraded, ReasonSomeChecksFailing},
		{"bad since the very instant of the move: it does not", inUse, AlarmAlarm, 30 * time.Minute, Up, ReasonChecksGood},
		{"bad since before the move: it does not", inUse, AlarmAlarm, time.Hour, Up, ReasonChecksGood},
		{"bad, and not in use: it does not", Use{}, AlarmAlarm, time.Minute, Up, ReasonChecksGood},
		{"good since after the move: it counts", inUse, AlarmOK, time.Minute, Up, ReasonChecksGood},
	} {
		checkCases(t, spec, tt.use, facts(tt.value, tt.ago), []kindCase{{tt.name, nil, tt.state, tt.reason}})
	}
	notPinned := says(pinned, AlarmInsufficientData)
	checkCases(t, spec, inUse, facts(AlarmAlarm, time.Minute), []kindCase{
		{"bad beside one that is silent: Unknown", notPinned, Unknown, ReasonNoEvidence},
		{"bad beside one that is bad: Down", says(pinned, AlarmAlarm), Down, ReasonChecksFailing},
		{"unreadable beside one that is bad: Unknown", edits(unreadable(follows), says(pinned, AlarmAlarm)), Unknown, ReasonSensor},
	})
	checkCases(t, spec, inUse, facts(AlarmOK, time.Minute), []kindCase{
		{"good beside one that is silent: Up", notPinned, Up, ReasonChecksGood},
		{"told twice with an old time: not valid", edits(notPinned, also(alarm(follows, AlarmOK, time.Hour))), Unknown, ReasonNoEvidence},
	})
	spec.Checks = spec.Checks[1:]
	alone := facts(AlarmAlarm, time.Minute)
	checkCases(t, spec, inUse, alone, []kindCase{
		{"alone and in use: it decides", nil, Down, ReasonChecksFailing},
		{"alone and unreadable: Unknown", unreadable(follows), Unknown, ReasonSensor},
		{"alone and too old: Unknown", stale(follows), Unknown, ReasonStale},
		{"alone and not answered: Unknown", without(follows), Unknown, ReasonNoEvidence},
	})
	checkCases(t, spec, inUse, facts(AlarmAlarm, time.Hour), []kindCase{
		{"alone, with old words: no valid check", nil, Unknown, ReasonNoValidCheck},
		{"alone, with old words and something too old: Unknown", func(facts []Fact) []Fact {
			return append(facts, stale(follows)([]Fact{alarm(follows, AlarmOK, time.Minute)})...)
		}, Unknown, ReasonStale},
	})
	checkCases(t, spec, Use{}, alone, []kindCase{
		{"alone and not in use: no valid check", nil, Unknown, ReasonNoValidCheck},
		{"alone, not in use and unreadable: no valid check", unreadable(follows), Unknown, ReasonNoValidCheck},
	})
}

// Checks of a path whose other facts prove it alive can only make it worse.
func TestChecksOfVPNAndConnectPathsOnlyWorsen(t *testing.T) {
	vpnSpec, connect := testSpec(), connectSpec()
	checks := []Check{{Alarm: pinned}, {Alarm: onBox}}
	vpnSpec.Checks, connect.Checks = checks, checks
	good := []Fact{alarm(pinned, AlarmOK, time.Hour), alarm(onBox, AlarmOK, time.Hour)}
	bad := says(pinned, AlarmAlarm)
	badToo := says(onBox, AlarmAlarm)
	for _, path := range []struct {
		spec        Spec
		up          func() []Fact
		reason      Reason
		degrade     edit
		degraded    Reason
		fail        edit
		failed      Reason
		mainSubject Subject
	}{
		{
			vpnSpec, func() []Fact { return upFacts(noon) }, ReasonAllTunnelsUp, set(vpn, FactTunnelStatus, "192.0.2.1", TunnelDown), ReasonSomeTunnelsUp,
			edits(set(vpn, FactTunnelStatus, "192.0.2.1", TunnelDown), set(vpn, FactTunnelStatus, "192.0.2.2", TunnelDown)), ReasonTooFewTunnels, vpn,
		},
		{
			connect, connectFacts, ReasonAllPeersUp, sessions(peerOne, SessionDown, SessionDown), ReasonSomePeersUp,
			edits(sessions(peerOne, SessionDown, SessionDown), sessions(peerTwo, SessionDown, SessionDown)), ReasonTooFewPeers, attachment,
		},
	} {
		facts := func() []Fact { return append(path.up(), good...) }
		checkCases(t, path.spec, Use{}, facts, []kindCase{
			{"checks good: as without", nil, Up, path.reason},
			{"one bad: Degraded", bad, Degraded, ReasonSomeChecksFailing},
			{"all bad: Down", edits(bad, badToo), Down, ReasonChecksFailing},
			{"one bad, the other unreadable: Down", edits(bad, unreadable(onBox)), Down, ReasonChecksFailing},
			{"one bad, the other silent: Down", edits(bad, says(onBox, AlarmInsufficientData)), Down, ReasonChecksFailing},
			{"all unreadable: as without", edits(unreadable(pinned), unreadable(onBox)), Up, path.reason},
			{"all too old: as without", edits(bad, badToo, stale(pinned), stale(onBox)), Up, path.reason},
			{"not answered: as without", edits(without(pinned), without(onBox)), Up, path.reason},
			{"the path Degraded, checks good: Degraded", path.degrade, Degraded, path.degraded},
			{"the path Degraded, one check bad: its own reason first", edits(path.degrade, bad), Degraded, path.degraded},
			{"the path Down, checks good: Down", path.fail, Down, path.failed},
			{"the path unreadable, checks good: Unknown", unreadable(path.mainSubject), Unknown, ReasonSensor},
			{"the path unreadable, checks bad: Down", edits(unreadable(path.mainSubject), bad, badToo), Down, ReasonChecksFailing},
		})
	}
}
