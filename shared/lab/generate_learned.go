package lab

import (
	"fmt"
	"slices"
	"time"

	"detour/shared/config"
)

// learnedGroup declares a group whose one path is a learned route, and whose other
// paths are static VPN connections of the same transit gateway.
func (g *generator) learnedGroup() {
	var from []speaker
	for _, s := range g.speakers {
		if s.gateway != "" && len(g.backups(s.gateway)) > 0 && len(g.learning(s)) > 0 {
			from = append(from, s)
		}
	}
	if len(from) == 0 {
		return
	}
	s := oneOfList(g, from)
	table := oneOfList(g, g.learning(s))
	group := config.NewGroup()
	group.Name, group.Home, group.Mode = "group-learned", config.Home{Account: labAccount, Region: labRegion}, "enforce"
	group.Revertive = g.chance(0.3)
	if group.Revertive {
		group.WaitToRestore = g.oneOf(30*time.Second, 2*time.Minute)
	}
	learned := s.path
	learned.Name, learned.Region = "learned", g.regionOf(s.gateway)
	if g.chance(0.8) {
		learned.Observation = s.observation
	}
	backup := oneOfList(g, g.backups(s.gateway))
	second := backup.path
	second.Name, second.Region, second.Checks = "backup", learned.Region, nil
	group.Paths = []config.Path{learned, second}
	if g.chance(0.3) {
		slices.Reverse(group.Paths)
	}
	start := oneOfList(g, []string{"learned", "learned", "backup"})
	for k := range 1 + g.rng.IntN(2) {
		hops := map[string]string{"learned": "propagated:" + s.attachment, "backup": backup.attachment}
		entry := config.Entry{Table: table, Region: learned.Region, Destination: s.own(k), NextHops: hops}
		group.Units = append(group.Units, config.Unit{Name: fmt.Sprintf("unit-%d", k+1), Entries: []config.Entry{entry}})
		if start == "backup" {
			g.putRoute(table, s.own(k), backup.attachment)
		}
	}
	if g.withGroup(group) {
		g.learnedRequests(group)
		g.learner = s
	}
}

// withGroup declares the group, if that makes a good configuration all along.
func (g *generator) withGroup(group config.Group) bool {
	before := g.s.Config
	g.s.Config.GroupList = append(slices.Clone(before.GroupList), group)
	if g.declaredWell() {
		return true
	}
	g.s.Config = before
	return false
}

// declaredWell reports whether every configuration of the run passes the check.
func (g *generator) declaredWell() bool {
	return !slices.ContainsFunc(g.s.configs(), func(c configAt) bool { return len(config.Check(c.Normalize())) > 0 })
}

// backups are the VPN connections with static routing of a transit gateway.
func (g *generator) backups(gateway string) []wayOut {
	var out []wayOut
	for _, w := range g.outs {
		if w.gateway == gateway && w.attachment != "" && w.path.Kind == kindVPN {
			out = append(out, w)
		}
	}
	return out
}

// learning are the tables that learn from a speaker, but for observation tables.
func (g *generator) learning(s speaker) []string {
	var out []string
	for _, gw := range g.s.Topology.TransitGateways {
		for _, t := range gw.Tables {
			if slices.Contains(t.Propagated, s.attachment) && !g.observes(t.ID) {
				out = append(out, t.ID)
			}
		}
	}
	return out
}

// learnedRequests ask the group to go to and fro, with proof or without.
func (g *generator) learnedRequests(group config.Group) {
	for range g.rng.IntN(4) {
		step := Step{At: g.instant(), Do: MakeRequest, Group: group.Name, ID: fmt.Sprintf("r%d", len(g.s.Script)+1)}
		switch g.rng.IntN(4) {
		case 0:
			step.Kind, step.Path = "manual-switch", "backup"
		case 1:
			step.Kind, step.Path = "forced-switch", oneOfList(g, []string{"learned", "backup"})
		default:
			step.Kind, step.Path = "manual-switch", "learned"
		}
		step.Unproven = step.Path == "learned" && g.chance(0.6)
		g.add(step)
		if g.chance(0.5) {
			g.clears(step)
		}
	}
}
