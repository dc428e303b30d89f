package numbers

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"detour/shared/config"
	"detour/shared/lab"
	"detour/shared/plan"
	"detour/shared/sim"
)

// mostAnnounced is how many prefixes a transit gateway takes over a VPN connection;
// with one more it resets the sessions (AWS Site-to-Site VPN quotas).
const mostAnnounced = 1000

// leak is a network with a filter over the table of its VPC: partners announce
// permitted prefixes, and then denied ones, too.
type leak struct {
	name, action                string
	partners, permitted, denied int
}

const (
	hub   = "tgw-rtb-0000000000000000a"
	ours  = "tgw-attach-0000000000000000a" // of the VPC
	trust = "10.0.0.0/8"
)

// notice is how long after a leak its events have come.
const notice = 3 * time.Second

func partner(i int) string { return fmt.Sprintf("partner-%d", i+1) }

// permits is permitted prefix number i of a partner, and denies denied one number i.
func permits(partner, i int) string { return fmt.Sprintf("10.%d.%d.0/24", 16*partner+i/256, i%256) }
func denies(partner, i int) string  { return fmt.Sprintf("%d.%d.0.0/15", 128+partner, 2*i) }

// topology: each partner has a VPN connection with BGP that propagates into the table
// of the VPC, and into one of its own.
func (l leak) topology() sim.Topology {
	tables := []sim.TransitGatewayTable{{ID: hub, Associated: []string{ours}, Propagated: []string{ours}}}
	out := sim.Topology{Account: account, Region: region, VPCs: []sim.VPCSpec{{
		ID: id("vpc", 1), CIDRs: []string{"172.30.0.0/16"}, Attachments: []sim.AttachmentSpec{{ID: ours, TransitGateway: id("tgw", 1)}},
		Tables: []sim.VPCTableSpec{{ID: id("rtb", 1), Routes: []sim.RouteSpec{{Destination: trust, Target: id("tgw", 1)}}}},
	}}}
	for p := range l.partners {
		attachment := id("tgw-attach", p+1)
		tables[0].Propagated = append(tables[0].Propagated, attachment)
		tables = append(tables, sim.TransitGatewayTable{ID: id("tgw-rtb", p+1), Propagated: []string{attachment}})
		site := sim.SiteSpec{Name: partner(p), ASN: 65001 + p, Networks: []string{permits(p, 0)}}
		for i := range l.permitted {
			site.Announces = append(site.Announces, sim.AnnouncementSpec{Prefix: permits(p, i)})
		}
		out.Sites = append(out.Sites, site)
		out.VPNs = append(out.VPNs, sim.VPNSpec{
			ID: id("vpn", p+1), Site: partner(p), Attachment: sim.AttachmentSpec{ID: attachment, TransitGateway: id("tgw", 1)}, BGP: &sim.VPNBGPSpec{},
			Tunnels: []sim.TunnelSpec{{OutsideIP: fmt.Sprintf("203.0.113.%d", 2*p+1)}, {OutsideIP: fmt.Sprintf("203.0.113.%d", 2*p+2)}},
		})
	}
	out.TransitGateways = []sim.TransitGatewaySpec{{ID: id("tgw", 1), Tables: tables}}
	return out
}

// config declares the one filter.
func (l leak) config() config.Config {
	f := config.NewFilter()
	f.Name, f.Mode, f.Action, f.Tables = "edge", "enforce", l.action, []string{hub}
	f.Home = config.Home{Account: account, Region: region}
	f.Rules = []string{"permit " + trust + " le 24", "deny 128.0.0.0/2 le 15"}
	f.Observation = map[string]string{}
	for p := range l.partners {
		if l.action == "quarantine" { // The others act on a destination, whoever announces it.
			f.Attachments = append(f.Attachments, id("tgw-attach", p+1))
		}
		f.Observation[id("tgw-attach", p+1)] = id("tgw-rtb", p+1)
	}
	if l.action == "pin" {
		f.Egress = map[string]string{hub: ours}
	}
	c := config.New()
	c.FilterList = []config.Filter{f}
	return c.Normalize()
}

// answered is what Detour did about a leak.
type answered struct {
	leak leak
	// started is when the run that wrote first began to call, statics and whole when
	// its last static and its last change took effect.
	started, statics, whole time.Time
	// trips are the EC2 round trips in sequence of that run up to its last change.
	trips                             int
	routes, switches, runs, throttled int
	// nowhere is how long permitted prefixes had no live next hop in the table, added up.
	nowhere time.Duration
	// stands: no denied route forwards, and every permitted prefix has its next hop.
	stands bool
}

// answer lets the partners announce what is denied, all at one instant, and waits for
// what the filter does about it. One event of the leak is delivered. With echo all are,
// those of Detour's own writes included.
func answer(t testing.TB, l leak, echo bool) answered {
	t.Helper()
	rig, err := lab.NewRig(lab.Options{Seed: seed, Topology: l.topology(), Config: l.config(), Silent: !echo, NoSweep: true})
	if err != nil {
		t.Fatal(err)
	}
	defer rig.Close()
	from := lab.Start().Add(outage)
	if err := rig.RunUntil(from); err != nil {
		t.Fatal(err)
	}
	for p := range l.partners {
		for i := range l.denied {
			if err := rig.World.Announce(partner(p), sim.AnnouncementSpec{Prefix: denies(p, i)}); err != nil {
				t.Fatal(err)
			}
		}
	}
	if err := rig.RunUntil(from.Add(notice)); err != nil {
		t.Fatal(err)
	}
	if !echo {
		rig.Deliver(rig.Emitted[0].Raw)
	}
	if err := rig.RunUntil(from.Add(given)); err != nil {
		t.Fatal(err)
	}
	out := answered{leak: l}
	out.read(rig.World.Calls(), from)
	out.judge(rig.World, from)
	return out
}

// read makes the figures of the calls since the leak.
func (a *answered) read(calls []sim.CallRecord, from time.Time) {
	writers := map[string]bool{}
	first := ""
	for _, call := range calls {
		if call.Process == "" || call.SentAt.Before(from) || !isEC2(call.Action) || isRead(call.Action) {
			continue
		}
		writers[call.Process] = true
		first = cmp.Or(first, call.Process)
		switch {
		case call.Code == "RequestLimitExceeded":
			a.throttled++
		case call.Write != nil:
			a.routes++
			a.statics, a.whole = call.EffectAt, call.EffectAt
		case call.Code == "":
			a.switches++
			a.whole = call.EffectAt
		}
	}
	a.runs = len(writers)
	own := slices.DeleteFunc(slices.Clone(calls), func(c sim.CallRecord) bool { return c.Process != first || c.EffectAt.After(a.whole) })
	last := len(own)
	for last > 0 && isRead(own[last-1].Action) {
		last--
	}
	a.trips = moved{run: own[:last]}.roundTrips()
	if last > 0 {
		a.started = own[0].SentAt
	}
}

// judge reads the table's own history.
func (a *answered) judge(w *sim.World, from time.Time) {
	shown, since := map[string]sim.RouteChange{}, map[string]time.Time{}
	for _, change := range w.RouteHistory() {
		if change.Table != hub {
			continue
		}
		shown[change.Destination] = change
		gone, out := since[change.Destination]
		switch live := change.State == "active"; {
		case live && out:
			a.nowhere += change.At.Sub(gone)
			delete(since, change.Destination)
		case !live && !out && change.At.After(from) && strings.HasPrefix(change.Destination, "10."):
			since[change.Destination] = change.At
		}
	}
	a.stands = len(since) == 0
	for p := range a.leak.partners {
		for i := range a.leak.permitted {
			r := shown[permits(p, i)]
			a.stands = a.stands && r.State == "active" && r.Target == id("tgw-attach", p+1)
		}
		for i := range a.leak.denied {
			r := shown[denies(p, i)]
			a.stands = a.stands && (r.State != "active" || r.Target == ours)
		}
	}
}

// wants says how many routes the filter has to write, and switches how many
// propagations.
func (l leak) wants() (statics, switches int) {
	if l.action == "quarantine" {
		return l.partners * l.permitted, l.partners
	}
	return l.partners * l.denied, 0
}

// answers are the cases of filters.
func answers(t testing.TB) []answered {
	var out []answered
	for _, l := range []leak{
		{"blackhole of 1 route", "blackhole", 1, 10, 1},
		{"blackhole of 50 routes", "blackhole", 1, 10, plan.WriteBurst},
		{"pin of 1 route", "pin", 1, 10, 1},
		{"pin of 50 routes", "pin", 1, 10, plan.WriteBurst},
		{"quarantine, 1 permitted prefix", "quarantine", 1, 1, 1},
		{"quarantine, 50 permitted prefixes", "quarantine", 1, plan.WriteBurst, 1},
		{"quarantine, 100 permitted prefixes", "quarantine", 1, 100, 1},
		{"quarantine of 1,000 prefixes, 999 permitted", "quarantine", 1, mostAnnounced - 1, 1},
		{"two of these at once", "quarantine", 2, mostAnnounced - 1, 1},
	} {
		out = append(out, answer(t, l, false))
	}
	return out
}

// checkAnswer: the fewest writes, none of them sent twice but after a throttle; two EC2
// round trips in sequence, or three with a quarantine, where the bucket has a token for
// each write; else at most 1.05 of the time that the buckets leave. No permitted prefix
// is ever without its next hop.
func checkAnswer(t *testing.T, a answered) {
	t.Helper()
	statics, switches := a.leak.wants()
	if !a.stands || a.nowhere != 0 || a.routes != statics || a.switches != switches {
		t.Errorf("%s: as wanted %t, %s without a next hop, %d routes written of %d, %d switches of %d", a.leak.name, a.stands, a.nowhere, a.routes, statics, a.switches, switches)
	}
	if want := 2 + min(switches, 1); a.inOneBurst() && a.trips != want {
		t.Errorf("%s: %d EC2 round trips in sequence, want %d", a.leak.name, a.trips, want)
	}
	if least := floor(statics); least > 0 && a.statics.Sub(a.started).Seconds() > 1.05*least.Seconds() {
		t.Errorf("%s: %s from the start to the last static, floor %s", a.leak.name, a.statics.Sub(a.started), least)
	}
}

// inOneBurst reports whether a full bucket has a token for every write.
func (a answered) inOneBurst() bool {
	statics, _ := a.leak.wants()
	return statics <= plan.WriteBurst
}

// TestOwnWritesComeBackToAFilter: the event of every write of Detour's own has the
// function look once more. It costs no write, and no round trip before the last one.
func TestOwnWritesComeBackToAFilter(t *testing.T) {
	for _, l := range []leak{
		{"blackhole", "blackhole", 1, 10, plan.WriteBurst}, {"pin", "pin", 1, 10, plan.WriteBurst}, {"quarantine", "quarantine", 1, plan.WriteBurst, 1},
	} {
		checkAnswer(t, answer(t, l, true))
	}
}

// filtering is the table of what filters do.
func filtering(rows []answered) string {
	var out strings.Builder
	out.WriteString("| Measure | Start to last route write | Start to propagation off | Floor | Route writes | Throttled calls | Runs | Route-seconds without a next hop |\n")
	out.WriteString("|---|---:|---:|---:|---:|---:|---:|---:|\n")
	for _, a := range rows {
		off := ""
		if a.switches > 0 {
			off = seconds(a.whole.Sub(a.started))
		}
		fmt.Fprintf(&out, "| %s | %s | %s | %s | %d | %d | %d | %.0f |\n", a.leak.name, seconds(a.statics.Sub(a.started)), off,
			seconds(floor(a.routes)), a.routes, a.throttled, a.runs, a.nowhere.Seconds())
	}
	return out.String()
}
