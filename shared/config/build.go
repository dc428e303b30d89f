package config

import (
	"cmp"
	"slices"
	"time"

	"detour/shared/health"
	"detour/shared/protection"
	"detour/shared/route"
)

// Groups returns the groups that the controller works with, sorted by priority,
// then by name. c must have passed Check, as what Parse and source.Read return
// has; Groups panics on ids and destinations that do not parse.
func (c Config) Groups() []protection.Group {
	c = c.Normalize()
	out := make([]protection.Group, 0, len(c.GroupList))
	for _, group := range c.GroupList {
		out = append(out, c.group(group))
	}
	slices.SortStableFunc(out, func(a, b protection.Group) int {
		return cmp.Or(cmp.Compare(a.Priority, b.Priority), cmp.Compare(a.Name, b.Name))
	})
	return out
}

func (c Config) group(g Group) protection.Group {
	out := protection.Group{
		Name:            g.Name,
		Account:         g.Home.Account,
		Region:          g.Home.Region,
		Mode:            protection.Mode(g.Mode),
		Priority:        g.Priority,
		Stateful:        g.Stateful,
		Revertive:       g.Revertive,
		WaitToRestore:   time.Duration(g.WaitToRestore),
		SwitchOnDegrade: g.SwitchOnDegrade,
		TakeOver:        g.TakeOver,
		Limits: protection.Limits{
			SettleTime:      time.Duration(c.Timers.SettleTime),
			ContendedAfter:  c.Timers.ContendedAfter,
			ContendedWindow: time.Duration(c.Timers.ContendedWindow),
			IgnoreHealthFor: time.Duration(c.Timers.IgnoreHealthFor),
		},
	}
	out.Failback = g.Failback.settings(g)
	for _, path := range g.Paths {
		out.Paths = append(out.Paths, protection.Path{Name: path.Name, Spec: c.spec(g, path)})
	}
	for _, unit := range g.Units {
		built := protection.Unit{Name: unit.Name}
		for _, entry := range unit.Entries {
			built.Entries = append(built.Entries, entry.build(g.Paths, c.acceptedOwner(entry.Destination)))
		}
		out.Units = append(out.Units, built)
	}
	return out
}

func (c Config) spec(g Group, path Path) health.Spec {
	owned := func(kind health.SubjectKind, id string) health.Subject {
		return health.Subject{Kind: kind, ID: id, Account: path.Account, Region: path.Region}
	}
	out := health.Spec{
		Kind:              health.Kind(path.Kind),
		MinPeers:          path.MinPeers,
		Tunnels:           path.Tunnels,
		MinTunnels:        path.MinTunnels,
		MinAcceptedRoutes: path.MinAcceptedRoutes,
		HoldOff:           time.Duration(g.HoldOff),
		MaxAge:            time.Duration(c.Timers.MaxFactAge),
		Damping:           c.damping(),
		Expect:            g.expects(path),
	}
	if len(out.Expect) > 0 {
		out.Attachment, out.Observation = g.attachmentOf(path), c.observationOf(g, path)
	}
	switch out.Kind {
	case health.KindVPN:
		out.Subject = owned(health.SubjectVPN, path.VPN)
	case health.KindConnect, health.KindAttachment:
		out.Subject = owned(health.SubjectAttachment, path.Attachment)
	case health.KindAppliance:
		out.Subject = owned(health.SubjectInterface, path.Interface)
		out.Instance = owned(health.SubjectInstance, path.Instance)
	}
	for _, peer := range path.Peers {
		out.Peers = append(out.Peers, owned(health.SubjectConnectPeer, peer))
	}
	for _, check := range path.Checks {
		out.Checks = append(out.Checks, health.Check{
			Alarm:      health.Subject{Kind: health.SubjectAlarm, ID: check.Alarm, Account: check.Account, Region: check.Region},
			ActiveOnly: check.ActiveOnly,
		})
	}
	return out
}

// acceptedOwner returns the account that may own the prefix list beside that of
// the table, or "".
func (c Config) acceptedOwner(destination string) string {
	for _, list := range c.ListList {
		if list.ID == destination && list.Accept {
			return list.Owner
		}
	}
	return ""
}

func (e Entry) build(paths []Path, acceptedOwner string) protection.Entry {
	kind, err := route.KindOfTable(e.Table)
	if err != nil {
		panic(err)
	}
	out := protection.Entry{EntryKey: protection.EntryKey{
		Table:       route.Table{Kind: kind, ID: e.Table, Account: e.Account, Region: e.Region},
		Destination: route.MustDestination(e.Destination),
	}, AcceptOwner: acceptedOwner}
	for _, path := range paths {
		out.NextHops = append(out.NextHops, protection.PathNextHop{Path: path.Name, NextHop: route.MustNextHop(e.NextHops[path.Name])})
	}
	return out
}

// NeverTouch returns the tables and destinations that nothing may write, in the
// order in which they were declared. c must have passed Check; NeverTouch
// panics on a destination that does not parse.
func (c Config) NeverTouch() (tables []string, destinations []route.Destination) {
	for _, text := range c.Never.Destinations {
		destinations = append(destinations, route.MustDestination(text))
	}
	return slices.Clone(c.Never.Tables), destinations
}
