package recordstest

import (
	"fmt"
	"net/netip"
	"reflect"
	"slices"
	"time"

	"detour/shared/controller"
	"detour/shared/filter"
	"detour/shared/protection"
	"detour/shared/route"
)

// edge is a filter with the name of the group in the other tests.
const edge controller.Key = "filter#paris"

// filterRecord is a filter's record that no other number makes, with something in
// each field and n measures, at least one.
func filterRecord(n int) filter.Record {
	at := time.Date(2026, time.January, 1, 0, 0, n, 0, time.UTC)
	table := record(n).Contended[0].Table
	out := filter.Record{Mode: protection.Enforce}
	for i := range max(n, 1) {
		prefix := netip.PrefixFrom(netip.AddrFrom4([4]byte{10, byte(i / 256), byte(i), 0}), 24)
		key := filter.Key{Table: table, Destination: route.CIDR(prefix)}
		out.Measures = append(out.Measures, filter.Measure{
			Key: key, Action: filter.Pin, Since: at, SeenAt: at.Add(time.Minute), GoneSince: at.Add(time.Hour), Preset: true, Manual: true,
			NextHop: route.MustNextHop("tgw-attach-1"), Statics: []filter.Static{{Destination: key.Destination, Adopted: true, Seen: true}},
			Off: true, OffSeen: true, WroteAt: at, Why: finding(prefix),
		})
	}
	quarantined := filter.Key{Table: table, Attachment: "tgw-attach-2"}
	out.Flaps = []filter.Flap{{Key: quarantined, Penalty: 1000.5, At: at, Suppressed: true}}
	out.Reversals = []filter.Reversal{{Key: quarantined, At: at}}
	out.Contended, out.Released = []filter.Key{quarantined}, []filter.Key{out.Measures[0].Key}
	out.Held = []filter.Held{{Key: quarantined, Reason: filter.ReasonECMP}}
	return out
}

func finding(prefix netip.Prefix) filter.Finding {
	return filter.Finding{
		Announcers: []filter.Neighbor{{Attachment: "tgw-attach-2", Type: filter.TypeVPN, Resource: "vpn-2", BGP: filter.SpeaksBGP}},
		Sources:    []filter.Source{{Connection: "vpn-3", CustomerGateway: "cgw-3"}},
		Denied:     []netip.Prefix{prefix}, DeniedCount: 1, Prefixes: 1001, TookOver: route.MustNextHop("tgw-attach-1"),
		AtRisk: []route.Destination{route.CIDR(prefix)}, AtRiskCount: 1,
		Tunnels: []filter.Outside{{Address: prefix.Addr(), Resource: "vpn-1", CustomerGateway: "cgw-1", Gateway: "vgw-1"}}, TunnelCount: 1, Groups: []string{"paris"},
	}
}

func verdicts(n int) []filter.Verdict {
	m := filterRecord(n).Measures[0]
	return []filter.Verdict{{Key: m.Key, Action: m.Action, Reason: filter.ReasonDenied, InForce: true, New: true, Why: m.Why}}
}

// filterCommit: a filter's record comes back as it was written, large ones too, and
// that of a group with its name is another.
func filterCommit(b *bench) {
	for _, n := range []int{1, 300} {
		item := b.take(edge, fmt.Sprintf("token-%d", n))
		item.Filter = filterRecord(n)
		line := controller.JournalEntry{Key: edge, At: b.clock.Now(), Verdicts: verdicts(n), WouldBe: true, Event: "event", Note: "note"}
		written := b.commit(controller.Commit{Item: item, Journal: []controller.JournalEntry{line}})
		if seen := b.peek(edge); !seen.Filter.Equal(filterRecord(n)) || !written.Filter.Equal(filterRecord(n)) {
			b.Errorf("of %d measures the record came back as %+v", n, seen.Filter)
		}
		b.release(written)
		lines, err := b.store.History(b.Context(), edge, 1)
		b.must(err)
		if len(lines) != 1 || !reflect.DeepEqual(lines[0].Verdicts, verdicts(n)) || !lines[0].WouldBe || lines[0].Decision != (protection.Decision{}) {
			b.Errorf("the line came back as %+v", lines)
		}
		b.clock.Advance(time.Second)
	}
	if seen := b.peek(group); seen.Revision != 0 || !seen.Record.Equal(protection.Record{}) || len(seen.Filter.Measures) > 0 {
		b.Errorf("the group of that name has %+v", seen)
	}
	if seen := b.peek(edge); !seen.Record.Equal(protection.Record{}) {
		b.Errorf("the filter has a group's record: %+v", seen.Record)
	}
	if n := len(b.history(10)); n != 0 {
		b.Errorf("the group of that name has %d lines", n)
	}
}

// filterEmpty: a filter whose last measure was lifted has an empty record.
func filterEmpty(b *bench) {
	item := b.take(edge, "one")
	item.Filter = filterRecord(2)
	item = b.commit(controller.Commit{Item: item})
	item.Filter = filter.Record{}
	b.commit(controller.Commit{Item: item})
	if seen := b.peek(edge); !seen.Filter.Equal(filter.Record{}) {
		b.Errorf("the record is %+v", seen.Filter)
	}
}

// filterRequests: a filter is frozen by a request, as a group is.
func filterRequests(b *bench) {
	freeze := protection.Request{ID: "f", Kind: protection.Freeze, Immediate: true, At: b.clock.Now()}
	b.must(b.store.Request(b.Context(), edge, freeze))
	if item := b.take(edge, "one"); !slices.Equal(ids(item.Requests), []string{"f"}) || item.Dirty != 1 {
		b.Errorf("the item is %+v", item)
	}
	b.must(b.store.Clear(b.Context(), edge, "f"))
	if item := b.peek(edge); len(item.Requests) != 0 || item.Dirty != 2 {
		b.Errorf("after the clear the item is %+v", item)
	}
}

// filterCopies: what is kept of a filter shares no memory with anybody's.
func filterCopies(b *bench) {
	spoilt := func(r filter.Record) {
		m := &r.Measures[0]
		m.Action, m.Statics[0].Adopted, m.Why.Denied[0], m.Why.Tunnels[0].Resource = "spoilt", false, netip.Prefix{}, "spoilt"
		r.Flaps[0].Penalty, r.Contended[0].Attachment = 0, "spoilt"
	}
	item := b.take(edge, "one")
	item.Filter = filterRecord(1)
	lines := []controller.JournalEntry{{Key: edge, At: b.clock.Now(), Verdicts: verdicts(1)}}
	written := b.commit(controller.Commit{Item: item, Journal: lines})
	spoilt(item.Filter)
	spoilt(written.Filter)
	spoilt(b.peek(edge).Filter)
	lines[0].Verdicts[0].Why.Denied[0] = netip.Prefix{}
	if seen := b.peek(edge); !seen.Filter.Equal(filterRecord(1)) {
		b.Errorf("the record was changed from outside: %+v", seen.Filter)
	}
	for range 2 {
		kept, err := b.store.History(b.Context(), edge, 1)
		b.must(err)
		if !reflect.DeepEqual(kept[0].Verdicts, verdicts(1)) {
			b.Errorf("the journal was changed from outside: %+v", kept[0].Verdicts)
		}
		kept[0].Verdicts[0].Why.Denied[0] = netip.Prefix{}
	}
}
