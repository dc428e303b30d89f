package protection

import (
	"testing"
	"time"

	"detour/shared/health"
)

func hintFixture() (Hint, []health.Fact, []health.Fact) {
	subject := vpnSubject
	hint := Hint{At: noon, Subject: subject, Part: "192.0.2.1", Down: true}
	fact := health.Fact{Subject: subject, Kind: health.FactTunnelStatus, Part: "192.0.2.1", Value: health.TunnelUp}
	other := health.Fact{Subject: subject, Kind: health.FactTunnelStatus, Part: "192.0.2.2", Value: health.TunnelDown}
	down := fact
	down.Value = health.TunnelDown
	return hint, []health.Fact{fact, other}, []health.Fact{down, other}
}

func TestAHintThatTheFactsContradictIsReadAgain(t *testing.T) {
	hint, contradict, _ := hintFixture()
	out := TrackHint(Hint{}, hint, contradict, noon)
	for _, seconds := range []int{5, 15, 30, 60, 120} {
		want := noon.Add(time.Duration(seconds) * time.Second)
		if !out.Deadline.Equal(want) || out.Hint != hint {
			t.Fatalf("read again at %v with hint %+v, want %v", out.Deadline, out.Hint, want)
		}
		out = TrackHint(out.Hint, Hint{}, contradict, want)
	}
	if out != (HintTracking{}) {
		t.Errorf("after the last re-read the hint is still open: %+v", out)
	}
}

func TestALateRunSkipsTheRereadsThatArePast(t *testing.T) {
	hint, contradict, _ := hintFixture()
	out := TrackHint(hint, Hint{}, contradict, noon.Add(16*time.Second))
	if want := noon.Add(30 * time.Second); !out.Deadline.Equal(want) {
		t.Errorf("read again at %v, want %v", out.Deadline, want)
	}
}

func TestAHintThatTheFactsBearOut(t *testing.T) {
	hint, contradict, agree := hintFixture()
	t.Run("at once: no hint, no lag", func(t *testing.T) {
		if out := TrackHint(Hint{}, hint, agree, noon); out != (HintTracking{}) {
			t.Errorf("got %+v", out)
		}
	})
	t.Run("later: the lag is recorded and the hint closed", func(t *testing.T) {
		open := TrackHint(Hint{}, hint, contradict, noon).Hint
		out := TrackHint(open, Hint{}, agree, noon.Add(37*time.Second))
		if out != (HintTracking{Lag: 37 * time.Second}) {
			t.Errorf("got %+v", out)
		}
	})
	t.Run("an up hint needs the tunnel UP", func(t *testing.T) {
		up := hint
		up.Down = false
		if out := TrackHint(Hint{}, up, agree, noon); out.Hint != up {
			t.Errorf("a tunnel that is DOWN bears out an up hint: %+v", out)
		}
		if out := TrackHint(Hint{}, up, contradict, noon); out != (HintTracking{}) {
			t.Errorf("a tunnel that is UP does not: %+v", out)
		}
	})
}

func TestAHintWithoutAFactStaysOpen(t *testing.T) {
	hint, _, agree := hintFixture()
	for name, facts := range map[string][]health.Fact{"none": nil, "of the other tunnel": agree[1:], "unreadable": {{Subject: hint.Subject, Kind: health.FactUnreadable}}} {
		if out := TrackHint(Hint{}, hint, facts, noon); out.Hint != hint || out.Deadline.IsZero() {
			t.Errorf("%s: %+v", name, out)
		}
	}
	elsewhere := agree[0]
	elsewhere.Subject.ID = "vpn-2"
	if out := TrackHint(Hint{}, hint, []health.Fact{elsewhere}, noon); out.Hint != hint {
		t.Errorf("a fact about another connection bears the hint out: %+v", out)
	}
}

func TestAHintOlderThanTheRereadsStartsNone(t *testing.T) {
	hint, contradict, _ := hintFixture()
	if out := TrackHint(Hint{}, hint, contradict, noon.Add(10*time.Minute)); out != (HintTracking{}) {
		t.Errorf("got %+v", out)
	}
}

func TestNoHintNoTracking(t *testing.T) {
	_, contradict, _ := hintFixture()
	if out := TrackHint(Hint{}, Hint{}, contradict, noon); out != (HintTracking{}) {
		t.Errorf("got %+v", out)
	}
}

func TestHintsOfOtherKinds(t *testing.T) {
	peer := health.Subject{Kind: health.SubjectConnectPeer, ID: "tgw-connect-peer-01", Account: "111122223333", Region: "eu-central-1"}
	alarm := health.Subject{Kind: health.SubjectAlarm, ID: "probe", Account: "111122223333", Region: "eu-central-1"}
	session := func(part, value string) health.Fact {
		return health.Fact{Subject: peer, Kind: health.FactSessionStatus, Part: part, Value: value}
	}
	sessions := func(first, second string) []health.Fact {
		state := health.Fact{Subject: peer, Kind: health.FactPeerState, Value: "available"}
		return []health.Fact{state, session("169.254.6.2", first), session("169.254.6.3", second)}
	}
	says := func(value string) []health.Fact {
		return []health.Fact{{Subject: alarm, Kind: health.FactAlarmState, Value: value}}
	}
	up, down := health.SessionUp, health.SessionDown
	for _, tt := range []struct {
		name  string
		hint  Hint
		facts []health.Fact
		agree bool
	}{
		{"a session is down, both are up", Hint{Subject: peer, Down: true}, sessions(up, up), false},
		{"a session is down, the first is", Hint{Subject: peer, Down: true}, sessions(down, up), true},
		{"a session is down, the second is", Hint{Subject: peer, Down: true}, sessions(up, down), true},
		{"a session is down, and the address is none of theirs", Hint{Subject: peer, Part: "192.0.2.9", Down: true}, sessions(up, down), true},
		{"a session is up, both are down", Hint{Subject: peer}, sessions(down, down), false},
		{"a session is up, one is", Hint{Subject: peer}, sessions(down, up), true},
		{"a session is down, and says something strange", Hint{Subject: peer, Down: true}, sessions(up, "WEIRD"), false},
		{"a session is down, and no session is read", Hint{Subject: peer, Down: true}, sessions(up, down)[:1], false},
		{"a session is down, of another peer", Hint{Subject: alarm, Down: true}, sessions(down, down), false},
		{"an alarm went off, and is off", Hint{Subject: alarm, Down: true}, says(health.AlarmOK), false},
		{"an alarm went off, and is on", Hint{Subject: alarm, Down: true}, says(health.AlarmAlarm), true},
		{"an alarm went off, and has no data", Hint{Subject: alarm, Down: true}, says(health.AlarmInsufficientData), false},
		{"an alarm is over, and is on", Hint{Subject: alarm}, says(health.AlarmAlarm), false},
		{"an alarm is over, and is off", Hint{Subject: alarm}, says(health.AlarmOK), true},
		{"an alarm is over, and has no data", Hint{Subject: alarm}, says(health.AlarmInsufficientData), false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			tt.hint.At = noon
			out := TrackHint(Hint{}, tt.hint, tt.facts, noon)
			if agree := out == (HintTracking{}); agree != tt.agree {
				t.Fatalf("borne out: %t, want %t", agree, tt.agree)
			}
			if !tt.agree && (out.Hint != tt.hint || !out.Deadline.Equal(noon.Add(FirstReread))) {
				t.Errorf("%+v", out)
			}
		})
	}
}
