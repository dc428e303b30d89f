package lab

import (
	"net/url"
	"slices"
	"testing"
	"time"

	"detour/shared/config"
	"detour/shared/controller"
	"detour/shared/protection"
	"detour/shared/sim"
)

const somebody = foreignWriter + "somebody"

// looks lets a process read a table of the transit gateway.
func (s *story) looks(process string, d time.Duration, change func(*sim.CallRecord)) *story {
	call := sim.CallRecord{
		Process: process, Action: "SearchTransitGatewayRoutes", Params: url.Values{paramGatewayTable: {"tgw-rtb-1"}},
		SentAt: at(d), EffectAt: at(d + 10*time.Millisecond),
	}
	if change != nil {
		change(&call)
	}
	s.l.calls = append(s.l.calls, call)
	return s
}

// besides declares a second group in the same table.
func (s *story) besides() *story {
	c := s.l.eras[0].config
	second := c.GroupList[0]
	second.Name = "h"
	second.Units = []config.Unit{{Entries: []config.Entry{{Table: "tgw-rtb-1", Destination: "10.3.0.0/16", NextHops: map[string]string{"a": "tgw-attach-a", "b": "tgw-attach-b"}}}}}
	c.GroupList = append(c.GroupList, second)
	s.l.eras = nil
	s.l.declare(Start(), c)
	s.l.entries[entryID{"tgw-rtb-1", "10.3.0.0/16"}].points[0].target = "tgw-attach-a"
	return s
}

// reaches gives the last write of the story the parameters that name its entry.
func (s *story) reaches() *story {
	call := &s.l.calls[len(s.l.calls)-1]
	call.Params = url.Values{paramGatewayTable: {call.Write.Table}, "DestinationCidrBlock": {call.Write.Destination}}
	return s
}

// TestCheckersKnowWhatAProcessCouldSee: somebody's route that came after the last
// reading is overwritten unseen, one that came before it is not.
func TestCheckersKnowWhatAProcessCouldSee(t *testing.T) {
	const entry, theirs, second = "10.1.0.0/16", "tgw-attach-x", time.Second
	base := func() *story { return newStory(nil).path(1, 20*minute, 0) }
	over := func(s *story) *story { return s.writes("p", 22*minute, entry, "tgw-attach-b") }
	fault := func(kind sim.FaultKind) func(*sim.CallRecord) {
		return func(c *sim.CallRecord) { c.Fault = string(kind) }
	}
	page := func(c *sim.CallRecord) { c.Params.Set("NextToken", "2") }
	stalePage := func(c *sim.CallRecord) { page(c); c.Fault = string(sim.FaultStale) }
	came := func(s *story, d time.Duration) *story { return s.writes(somebody, d, entry, theirs) }
	for _, test := range []struct {
		name  string
		story *story
		want  Invariant
	}{
		{"it came after the reading", over(came(base().looks("p", 21*minute, nil), 21*minute+30*second)), ""},
		{"it came before the reading", over(came(base(), 21*minute).looks("p", 21*minute+second, nil)), OwnRoutesOnly},
		{"another process read before it came", over(came(base().looks("q", 21*minute, nil), 21*minute+30*second)), OwnRoutesOnly},
		{"it came after one reading and before the next", over(came(base().looks("p", 21*minute, nil), 21*minute+10*second).looks("p", 21*minute+20*second, nil)), OwnRoutesOnly},
		{"the answer to the next was lost", over(came(base().looks("p", 21*minute, nil), 21*minute+10*second).looks("p", 21*minute+20*second, fault(sim.FaultLostAnswer))), ""},
		{"the next failed", over(came(base().looks("p", 21*minute, nil), 21*minute+10*second).looks("p", 21*minute+20*second, func(c *sim.CallRecord) { c.Code = codeThrottled })), ""},
		{"the next was of another table", over(came(base().looks("p", 21*minute, nil), 21*minute+10*second).looks("p", 21*minute+20*second, func(c *sim.CallRecord) { c.Params.Set(paramGatewayTable, "tgw-rtb-2") })), ""},
		{"the next is a further page", over(came(base().looks("p", 21*minute, nil), 21*minute+10*second).looks("p", 21*minute+20*second, page)), ""},
		{"the reading was stale", over(came(base(), 21*minute-5*second).looks("p", 21*minute, fault(sim.FaultStale))), ""},
		{"its second page was stale", over(came(base(), 21*minute-5*second).looks("p", 21*minute, nil).looks("p", 21*minute+second, stalePage)), ""},
		{"its second page was not", over(came(base(), 21*minute-5*second).looks("p", 21*minute, nil).looks("p", 21*minute+second, page)), OwnRoutesOnly},
		{"no reading is as stale as that", over(came(base(), 21*minute-15*second).looks("p", 21*minute, fault(sim.FaultStale))), OwnRoutesOnly},
		{"the next was another group's read-back", over(came(base().besides().looks("p", 21*minute, nil).writes("p", 21*minute+second, "10.3.0.0/16", "tgw-attach-b").reaches(), 21*minute+10*second).looks("p", 21*minute+20*second, nil)), ""},
		{"and a stale page of that", over(came(base().besides(), 21*minute-5*second).looks("p", 21*minute, nil).writes("p", 21*minute+second, "10.3.0.0/16", "tgw-attach-b").reaches().looks("p", 21*minute+2*second, nil).looks("p", 21*minute+3*second, stalePage)), OwnRoutesOnly},
		{"and after that one of the group's own", over(came(base().besides().looks("p", 21*minute, nil).writes("p", 21*minute+second, "10.3.0.0/16", "tgw-attach-b").reaches(), 21*minute+10*second).looks("p", 21*minute+20*second, nil).looks("p", 21*minute+30*second, nil)), OwnRoutesOnly},
	} {
		t.Run(test.name, func(t *testing.T) { checkStory(t, test.story, 0, test.want) })
	}
}

// TestCheckersKnowWhenABlackholeIsMistakable: EC2 shows what somebody placed and what a
// deleted attachment left alike, so it matters how soon the attachment went.
func TestCheckersKnowWhenABlackholeIsMistakable(t *testing.T) {
	goneAt := func(gone time.Duration) *story {
		s := newStory(nil).path(1, 20*minute, 0).shows(0, "tgw-attach-a", fieldAttachment, "", "available")
		s.writes(somebody, 21*minute, "10.1.0.0/16", blackholeTarget).shows(gone, "tgw-attach-a", fieldAttachment, "", "deleting")
		return s.looks("p", 25*minute, nil).writes("p", 25*minute+1, "10.1.0.0/16", "tgw-attach-b")
	}
	for _, test := range []struct {
		name  string
		story *story
		want  Invariant
	}{
		{"the attachment went before Detour surely saw the blackhole", goneAt(23 * minute), ""},
		{"it went later", goneAt(23*minute + 11*time.Second), OwnRoutesOnly},
		{"it went after the write", goneAt(26 * minute), OwnRoutesOnly},
		{"it is no blackhole", goneAt(22*minute).writes(somebody, 26*minute, "10.2.0.0/16", "tgw-attach-x").looks("q", 27*minute, nil).writes("q", 27*minute+1, "10.2.0.0/16", "tgw-attach-b"), OwnRoutesOnly},
	} {
		t.Run(test.name, func(t *testing.T) { checkStory(t, test.story, 0, test.want) })
	}
}

// TestLedgerReadsTheCommittedMoves: each lasts from its commit until it is settled,
// or until another decision takes its place.
func TestLedgerReadsTheCommittedMoves(t *testing.T) {
	decided := func(d time.Duration, epoch int64, action protection.Action, to, note string) controller.JournalEntry {
		return controller.JournalEntry{At: at(d), Note: note, Decision: protection.Decision{Epoch: epoch, Action: action, To: to}}
	}
	wouldBe := decided(2*minute, 9, protection.Move, "c", "")
	wouldBe.WouldBe = true
	journal := []controller.JournalEntry{
		decided(0, 1, protection.Adopt, "a", ""),
		decided(minute, 1, protection.Stay, "a", "settled"),
		wouldBe,
		{At: at(3 * minute), Act: controller.ActRequested},
		decided(4*minute, 2, protection.Move, "b", ""),
		decided(5*minute, 2, protection.Stay, "b", ""),
		decided(6*minute, 2, protection.Stay, "b", "settled"),
		decided(7*minute, 2, protection.Stay, "b", "settled"),
		decided(8*minute, 3, protection.Move, "c", ""),
		decided(9*minute, 4, protection.Adopt, "a", ""),
		decided(10*minute, 5, protection.Move, "b", ""),
	}
	want := []committedMove{{at(4 * minute), at(6 * minute), "b"}, {at(8 * minute), at(9 * minute), "c"}, {at(10 * minute), at(time.Hour), "b"}}
	if got := committedMoves(journal, at(time.Hour)); !slices.Equal(got, want) {
		t.Errorf("moves %v, want %v", got, want)
	}
	res, _, _ := play(t, "cloud-join", 1)
	for _, group := range res.groupNames() {
		if moves := res.ledger.moves[group]; len(moves) != 1 || !moves[0].over.Before(res.ledger.end) {
			t.Errorf("%s: %v", group, moves)
		}
	}
}
