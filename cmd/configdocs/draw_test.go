package main

import (
	"fmt"
	"strings"
	"time"

	"pgregory.net/rapid"

	"detour/shared/config"
)

// drawConfig draws a configuration that passes config.Check.
func drawConfig(t *rapid.T) config.Config {
	c := config.New()
	d := drawer{t: t, c: &c}
	c.Home = config.Home{Account: "000012345678", Region: "us-gov-west-1"}
	if d.chance("table") {
		c.TableList = []config.Table{{Name: "core", ID: "tgw-rtb-c0"}}
	}
	if d.chance("never") {
		c.Never = config.Never{Tables: []string{"rtb-never"}, Destinations: []string{"192.0.2.0/24", "pl-never", "2001:db8:ffff::/48"}}
	}
	c.Timers.Lease = config.Duration(rapid.IntRange(15, 900).Draw(t, "lease")) * config.Duration(time.Second)
	c.Timers.Damping.Penalty = float64(rapid.IntRange(0, 1000).Draw(t, "penalty")) / 4
	c.Limits.MaxMoves = rapid.IntRange(0, 50).Draw(t, "moves")
	for i := range rapid.IntRange(1, 4).Draw(t, "groups") {
		c.GroupList = append(c.GroupList, d.group(i))
	}
	for i := range rapid.IntRange(0, 3).Draw(t, "filters") {
		c.FilterList = append(c.FilterList, d.filter(i))
	}
	if problems := config.Check(c); len(problems) > 0 {
		t.Fatalf("drew a bad configuration: %v", config.Problems(problems))
	}
	return c
}

type drawer struct {
	t *rapid.T
	c *config.Config
	// n makes ids unique.
	n int
}

func (d *drawer) chance(what string) bool { return rapid.Bool().Draw(d.t, what) }

func (d *drawer) id(marker string) string {
	d.n++
	return fmt.Sprintf("%s0%dx", marker, d.n)
}

func (d *drawer) group(i int) config.Group {
	g := config.NewGroup()
	g.Name = fmt.Sprintf("g_%d", i)
	g.Mode = rapid.SampledFrom([]string{"observe", "enforce"}).Draw(d.t, "mode")
	g.Stateful, g.TakeOver, g.SwitchOnDegrade = d.chance("stateful"), d.chance("takeOver"), d.chance("switchOnDegrade")
	g.Priority = rapid.IntRange(-5, 5).Draw(d.t, "priority")
	if d.chance("failback") {
		g.Failback.Stability, g.Failback.Batch = config.Duration(rapid.IntRange(1, 86400).Draw(d.t, "stability"))*config.Duration(time.Second), 3
	}
	if d.chance("revertive") {
		g.Revertive, g.WaitToRestore = true, config.Duration(90*time.Second)
	}
	g.HoldOff = config.Duration(rapid.IntRange(0, 9).Draw(d.t, "holdOff")) * config.Duration(1500*time.Millisecond)
	for p := range rapid.IntRange(2, 4).Draw(d.t, "paths") {
		g.Paths = append(g.Paths, d.path(fmt.Sprintf("p%d", p)))
	}
	for u := range rapid.IntRange(1, 3).Draw(d.t, "units") {
		unit := config.Unit{}
		for e := range rapid.IntRange(1, 3).Draw(d.t, "entries") {
			unit.Entries = append(unit.Entries, d.entry(g, i, u, e))
		}
		g.Units = append(g.Units, unit)
	}
	return g
}

func (d *drawer) path(name string) config.Path {
	kind := rapid.SampledFrom([]string{"vpn", "connect", "appliance", "attachment"}).Draw(d.t, "kind")
	p := config.NewPathOf(kind)
	p.Name = name
	switch kind {
	case "vpn":
		p.VPN = d.id("vpn-")
		p.MinAcceptedRoutes = rapid.IntRange(0, 3).Draw(d.t, "accepted")
	case "connect":
		p.Attachment = d.id("tgw-attach-")
		for range rapid.IntRange(1, 3).Draw(d.t, "peers") {
			p.Peers = append(p.Peers, d.id("tgw-connect-peer-"))
		}
	case "appliance":
		p.Interface, p.Instance = d.id("eni-"), d.id("i-")
		p.Checks = []config.PathCheck{{Alarm: d.id("box & co "), OnBox: true}}
	case "attachment":
		p.Attachment = d.id("tgw-attach-")
		p.Checks = []config.PathCheck{{Alarm: d.id("probe-"), Pinned: rapid.SampledFrom([]string{"198.51.100.1", "2001:db8::1"}).Draw(d.t, "pin"), Via: d.id("rtb-")}}
	}
	if d.chance("activeOnly") {
		p.Checks = append(p.Checks, config.PathCheck{Alarm: d.id("end-to-end "), ActiveOnly: true, Region: "eu-west-1"})
	}
	return p
}

func (d *drawer) entry(g config.Group, i, u, n int) config.Entry {
	e := config.Entry{Table: "rtb-v", NextHops: map[string]string{}, Destination: fmt.Sprintf("10.%d.%d.%d/32", i, u, n)}
	switch rapid.IntRange(0, 2).Draw(d.t, "destination") {
	case 0:
		e.Destination = fmt.Sprintf("2001:db8:%d:%d%d::/64", i, u, n)
	case 1:
		e.Destination = d.id("pl-")
	}
	if len(d.c.TableList) > 0 && d.chance("core") {
		e.Table = "core"
	}
	for _, p := range g.Paths {
		switch {
		case e.Table == "core":
			e.NextHops[p.Name] = d.id("tgw-attach-")
		case p.Kind == "appliance":
			e.NextHops[p.Name] = p.Interface
		default:
			targets := []string{"tgw-", "pcx-", "vgw-"}
			if strings.Contains(e.Destination, "::") {
				targets = targets[:2] // The VPN connections of a virtual private gateway carry no IPv6.
			}
			e.NextHops[p.Name] = d.id(rapid.SampledFrom(targets).Draw(d.t, "target"))
		}
	}
	return e
}

// filter draws a filter with tables of its own, so that none is written twice.
func (d *drawer) filter(i int) config.Filter {
	f := config.NewFilter()
	f.Name = fmt.Sprintf("f_%d", i)
	f.Mode = rapid.SampledFrom([]string{"observe", "enforce"}).Draw(d.t, "filter mode")
	f.Action = rapid.SampledFrom([]string{"blackhole", "pin", "quarantine", "alert"}).Draw(d.t, "action")
	f.LiftAfter = config.Duration(rapid.IntRange(1, 900).Draw(d.t, "liftAfter")) * config.Duration(time.Second)
	f.Rules = append(f.Rules, rapid.SampledFrom([]string{
		"deny default-like", "deny 10.128.0.0/9 ge 10 le 24", "deny 0.0.0.0/0", "deny 2001:db8:f000::/36 le 48",
	}).Draw(d.t, "rule"))
	if d.chance("permit") {
		f.Rules = append([]string{"permit 172.16.0.0/12"}, f.Rules...)
	}
	table := d.id("tgw-rtb-f")
	f.Tables = []string{table}
	attachment := d.id("tgw-attach-f")
	if d.chance("attachment") || f.Action == "quarantine" {
		f.Attachments = []string{attachment}
	}
	if f.Action != "alert" && (d.chance("observation") || f.Action == "quarantine") {
		f.Observation = map[string]string{attachment: d.id("tgw-rtb-o")}
	}
	switch f.Action {
	case "pin":
		f.Egress = map[string]string{table: d.id("tgw-attach-e")}
	case "quarantine":
		f.AcceptLoss, f.MaxPrefixes = d.chance("acceptLoss"), rapid.IntRange(0, 50).Draw(d.t, "bound")
	case "alert":
		f.MaxPrefixes = rapid.IntRange(0, 50).Draw(d.t, "bound")
	}
	f.Preset = (f.Action == "pin" || f.Action == "blackhole") && (f.Rules[len(f.Rules)-1] == "deny default-like" || f.Rules[len(f.Rules)-1] == "deny 0.0.0.0/0")
	return f
}
