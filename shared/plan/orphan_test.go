package plan

import (
	"reflect"
	"slices"
	"testing"
	"time"

	"detour/shared/health"
	"detour/shared/protection"
	"detour/shared/route"
)

var hole = route.NextHop{Kind: route.Blackhole}

const settleTime = 10 * time.Second

func vpnOf(path string) health.Subject {
	return health.Subject{Kind: health.SubjectVPN, ID: "vpn-" + path, Account: "111122223333", Region: "eu-central-1"}
}

func attachmentOf(path string) health.Subject {
	return health.Subject{Kind: health.SubjectAttachment, ID: hopOf(path).ID, Account: "111122223333", Region: "eu-central-1"}
}

// watched gives the group's paths the subjects, judged by facts of at most three
// minutes, and the group its settle time.
func watched(g *protection.Group, subject func(path string) health.Subject) *protection.Group {
	for i := range g.Paths {
		g.Paths[i].Spec = health.Spec{Subject: subject(g.Paths[i].Name), MaxAge: 3 * time.Minute}
	}
	g.Limits.SettleTime = settleTime
	return g
}

func about(facts ...health.Fact) func(health.Subject) []health.Fact {
	return func(s health.Subject) []health.Fact {
		var out []health.Fact
		for _, f := range facts {
			if f.Subject == s {
				out = append(out, f)
			}
		}
		return out
	}
}

func state(subject health.Subject, value string) health.Fact {
	kind := health.FactConnectionState
	if subject.Kind == health.SubjectAttachment {
		kind = health.FactAttachmentState
	}
	return health.Fact{Subject: subject, Kind: kind, Value: value}
}

func unreadable(subject health.Subject, problem route.Problem) health.Fact {
	return health.Fact{Subject: subject, Kind: health.FactUnreadable, Problem: problem}
}

func TestWhatABlackholeIsTakenFor(t *testing.T) {
	a := key(tgwTable(1), "10.0.0.0/8")
	settledOn := func(path string) protection.Record {
		return protection.Record{Decision: decided(path, path, 1), Settled: true}
	}
	moving := protection.Record{Decision: decided("A", "B", 1)}
	written := moving
	written.Applied = keys(a)
	seen := func(before time.Duration, orphan bool) protection.Record {
		record := settledOn("A")
		record.Blackholes = []protection.BlackholeSeen{{Entry: a, At: noon.Add(-before), Orphan: orphan, Stood: []string{"A"}}}
		return record
	}
	unanswered := seen(0, false)
	unanswered.Blackholes[0].At = time.Time{}
	fromBefore := seen(time.Minute, false)
	fromBefore.Blackholes[0].Stood = nil
	movedSince := unanswered
	movedSince.Decision = decided("A", "B", 2)
	gone := func(path string) health.Fact { return state(vpnOf(path), health.ConnectionGone) }
	alive := state(vpnOf("A"), "available")
	elsewhere := func(string) health.Subject { return attachmentOf("somebody") }
	tests := []struct {
		name    string
		record  protection.Record
		subject func(string) health.Subject
		fact    health.Fact
		want    bool
	}{
		{"the path's connection is deleted", settledOn("A"), vpnOf, gone("A"), true},
		{"it is being deleted", settledOn("A"), vpnOf, state(vpnOf("A"), health.ConnectionGoing), true},
		{"EC2 does not know it any more", settledOn("A"), vpnOf, unreadable(vpnOf("A"), route.ProblemGone), true},
		{"the path's attachment is deleted", settledOn("A"), attachmentOf, state(attachmentOf("A"), "deleted"), true},
		{"the attachment lives: a person's", settledOn("A"), vpnOf, alive, false},
		{"the evidence cannot be read", settledOn("A"), vpnOf, unreadable(vpnOf("A"), route.ProblemThrottled), false},
		{"there is no evidence", settledOn("A"), vpnOf, health.Fact{}, false},
		{"another path's connection is deleted", settledOn("A"), vpnOf, gone("B"), false},
		{"another attachment than the next hop is deleted", settledOn("A"), elsewhere, state(attachmentOf("somebody"), "deleted"), false},
		{"nothing was decided", protection.Record{}, vpnOf, gone("A"), false},
		{"under way: the path that the group comes from", moving, vpnOf, gone("A"), true},
		{"under way: the path that the group goes to", moving, vpnOf, gone("B"), true},
		{"under way: a third path", moving, vpnOf, gone("C"), false},
		{"written: the path that it was written to", written, vpnOf, gone("B"), true},
		{"written: the path that it came from", written, vpnOf, gone("A"), false},
		{"settled after a move: the path that it came from", protection.Record{Decision: decided("A", "B", 1), Settled: true}, vpnOf, gone("A"), false},
		{"settled after a move: the path that it went to", protection.Record{Decision: decided("A", "B", 1), Settled: true}, vpnOf, gone("B"), true},
		{"first seen a little before the evidence", seen(3*time.Minute, false), vpnOf, gone("A"), true},
		{"placed by a person long before the attachment went", seen(3*time.Minute+1, false), vpnOf, gone("A"), false},
		{"no evidence could be read since it was first seen", unanswered, vpnOf, gone("A"), true},
		{"no evidence could be read until it showed the attachment alive", unanswered, vpnOf, alive, false},
		{"the group has moved since it was first seen", movedSince, vpnOf, gone("A"), true},
		{"it stood before there was a record", fromBefore, vpnOf, gone("A"), false},
		{"an orphan stays one when the evidence goes", seen(time.Hour, true), vpnOf, health.Fact{}, true},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			g := watched(group(keys(a)), tt.subject)
			standing := Standing(g, tables{a: hole}.readings(g), nil, NeverTouch{})
			got := Blackholes(g, standing, tt.record, about(tt.fact))
			if len(got) != 1 || got[0].Entry != a || got[0].Orphan != tt.want {
				t.Fatalf("blackholes %+v, want orphan %t", got, tt.want)
			}
			marked := MarkOrphans(g, standing, got, about()).Entries[0]
			if marked.Orphan != tt.want || marked.Foreign == tt.want || len(marked.Paths) != 0 {
				t.Errorf("standing %+v", marked)
			}
			if standing.Entries[0].Orphan {
				t.Error("the input was changed")
			}
			built := Build(g, decided("A", "B", 1), nil, MarkOrphans(g, standing, got, about()))
			if tt.want {
				wantChanges(t, built.Changes, "replace-route tgw-rtb-01 10.0.0.0/8: blackhole -> tgw-attach-B")
			} else {
				wantSkipped(t, built, SkipForeign)
			}
		})
	}
}

// TestASightWithoutEvidenceIsJudgedLater: by the first evidence about every path that
// the route can have led to, however late that comes.
func TestASightWithoutEvidenceIsJudgedLater(t *testing.T) {
	a := key(tgwTable(1), "10.0.0.0/8")
	throttled := func(path string) health.Fact { return unreadable(vpnOf(path), route.ProblemThrottled) }
	shown := func(path, value string) health.Fact { return state(vpnOf(path), value) }
	moving := protection.Record{Decision: decided("A", "B", 1)}
	for _, tt := range []struct {
		name     string
		record   protection.Record
		facts    []health.Fact
		answered bool
		stood    []string
	}{
		{"nothing was read", moving, nil, false, []string{"A", "B"}},
		{"nothing was read of what was just adopted", protection.Record{Decision: decided("A", "A", 1)}, nil, false, []string{"A"}},
		{"what was read says nothing of it", moving, []health.Fact{throttled("A"), throttled("B")}, false, []string{"A", "B"}},
		{"one of two paths was read", moving, []health.Fact{shown("A", "available"), throttled("B")}, false, []string{"A", "B"}},
		{"both were", moving, []health.Fact{shown("A", "available"), shown("B", "available")}, true, []string{"A", "B"}},
		{"the one was that the route led to", protection.Record{Decision: decided("A", "B", 1), Settled: true}, []health.Fact{throttled("A"), shown("B", "pending")}, true, []string{"B"}},
	} {
		g := watched(group(keys(a)), vpnOf)
		got := Blackholes(g, Standing(g, tables{a: hole}.readings(g), nil, NeverTouch{}), tt.record, about(tt.facts...))
		if len(got) != 1 || got[0].At.IsZero() == tt.answered || got[0].Orphan || !slices.Equal(got[0].Stood, tt.stood) {
			t.Errorf("%s: %+v", tt.name, got)
		}
		tt.record.Blackholes = got
		again := Blackholes(g, Standing(g, tables{a: hole}.readings(g), nil, NeverTouch{}), tt.record, about(tt.facts...))
		if !reflect.DeepEqual(again, got) {
			t.Errorf("%s: the same look again gives %+v after %+v", tt.name, again, got)
		}
	}
}

// TestAnOrphanNeedsNoWriteTowardsAnAttachmentThatIsGone: EC2 would refuse it.
func TestAnOrphanNeedsNoWriteTowardsAnAttachmentThatIsGone(t *testing.T) {
	a := key(tgwTable(1), "10.0.0.0/8")
	g := watched(group(keys(a)), vpnOf)
	standing := Standing(g, tables{a: hole}.readings(g), nil, NeverTouch{})
	facts := about(state(vpnOf("A"), health.ConnectionGone))
	marked := MarkOrphans(g, standing, Blackholes(g, standing, protection.Record{Decision: decided("A", "A", 1), Settled: true}, facts), facts)
	if e := marked.Entries[0]; !e.Orphan || !e.On("A") || e.On("B") {
		t.Errorf("standing %+v", e)
	}
	wantChanges(t, Build(g, decided("A", "A", 1), nil, marked).Changes)
	wantChanges(t, Build(g, decided("A", "B", 1), nil, marked).Changes, "replace-route tgw-rtb-01 10.0.0.0/8: blackhole -> tgw-attach-B")
}

func TestOnlyUndeclaredBlackholesAreRemembered(t *testing.T) {
	a, b := key(tgwTable(1), "10.0.0.0/8"), key(tgwTable(1), "10.1.0.0/16")
	g := watched(group(keys(b, a)), vpnOf)
	record := protection.Record{Decision: decided("A", "A", 1), Settled: true}
	about := about(state(vpnOf("A"), health.ConnectionGone))
	look := func(stand tables) []protection.BlackholeSeen {
		return Blackholes(g, Standing(g, stand.readings(g), nil, NeverTouch{}), record, about)
	}
	both := []protection.BlackholeSeen{{Entry: a, At: noon, Orphan: true, Stood: []string{"A"}}, {Entry: b, At: noon, Orphan: true, Stood: []string{"A"}}}
	if got := look(tables{a: hole, b: hole}); !reflect.DeepEqual(got, both) {
		t.Errorf("sorted: %+v", got)
	}
	record.Blackholes = both
	for name, stand := range map[string]tables{
		"another static": {a: strangeHop, b: hopOf("B")},
		"no static":      {},
	} {
		if got := look(stand); got != nil {
			t.Errorf("%s: %+v", name, got)
		}
	}
	incomplete := tables{}.readings(g)
	incomplete[0].Complete = false
	if got := Blackholes(g, Standing(g, incomplete, nil, NeverTouch{}), record, about); !reflect.DeepEqual(got, both) {
		t.Errorf("an incomplete reading: %+v", got)
	}
	for i := range g.Units[0].Entries {
		g.Units[0].Entries[i].NextHops[2].NextHop = hole
	}
	if got := look(tables{a: hole, b: hole}); got != nil {
		t.Errorf("a blackhole that is a declared next hop: %+v", got)
	}
}

// TestABlackholeIsPlacedOnceItOutlivesTheDoubt: evidence from a settle time after the
// first sight, that the attachment lives, is final. Nothing else is.
func TestABlackholeIsPlacedOnceItOutlivesTheDoubt(t *testing.T) {
	a := key(tgwTable(1), "10.0.0.0/8")
	lives := func(path string, after time.Duration) health.Fact {
		fact := state(vpnOf(path), "available")
		fact.ObservedAt = noon.Add(after)
		return fact
	}
	tests := []struct {
		name  string
		stood []string
		facts []health.Fact
		want  bool
	}{
		{"the attachment lives a settle time later", []string{"A"}, []health.Fact{lives("A", settleTime)}, true},
		{"it lived when the blackhole was seen", []string{"A"}, []health.Fact{lives("A", settleTime-1)}, false},
		{"it cannot be read", []string{"A"}, []health.Fact{unreadable(vpnOf("A"), route.ProblemTimeout)}, false},
		{"it is gone", []string{"A"}, []health.Fact{state(vpnOf("A"), health.ConnectionGone)}, false},
		{"another path's lives", []string{"A"}, []health.Fact{lives("B", settleTime)}, false},
		{"nothing of the group stood there", nil, []health.Fact{lives("A", settleTime)}, false},
		{"under way: both ends live", []string{"A", "B"}, []health.Fact{lives("A", settleTime), lives("B", settleTime)}, true},
		{"under way: one end is not known", []string{"A", "B"}, []health.Fact{lives("B", settleTime)}, false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			g := watched(group(keys(a)), vpnOf)
			standing := Standing(g, tables{a: hole}.readings(g), nil, NeverTouch{})
			record := protection.Record{Decision: decided("A", "A", 1), Settled: true}
			record.Blackholes = []protection.BlackholeSeen{{Entry: a, At: noon, Stood: tt.stood}}
			got := Blackholes(g, standing, record, about(tt.facts...))
			if len(got) != 1 || got[0].Placed != tt.want {
				t.Fatalf("blackholes %+v, want placed %t", got, tt.want)
			}
			record.Blackholes = got
			gone := about(state(vpnOf("A"), health.ConnectionGone))
			orphan := !tt.want && len(tt.stood) > 0
			if later := Blackholes(g, standing, record, gone); later[0].Orphan != orphan {
				t.Errorf("when the attachment is deleted: %+v, want orphan %t", later, orphan)
			}
		})
	}
}

func TestADeadVPCRouteKeepsItsTargetAndIsNotForeign(t *testing.T) {
	a := key(vpcTable(1), "10.0.0.0/8")
	g := group(keys(a))
	readings := tables{a: hopOf("A")}.readings(g)
	readings[0].Routes[0].State = route.StateBlackhole
	if got := Standing(g, readings, nil, NeverTouch{}).Entries[0]; got.Foreign || got.Orphan || !got.Blackhole || !got.On("A") {
		t.Errorf("standing: %+v", got)
	}
}
