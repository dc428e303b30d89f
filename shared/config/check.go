package config

import (
	"fmt"
	"math"
	"strconv"
	"time"

	"detour/shared/health"
	"detour/shared/route"
)

// maxDuration bounds every duration, so that sums of them cannot overflow.
const maxDuration = Duration(720 * time.Hour)

// Check returns every problem of c at once, in the order of the model, those of
// pinned checks and of observation tables last; none means that c is valid. At most MaxProblems are
// collected.
//
// Names of groups, paths, units, tables and flows are made of letters, digits,
// hyphens and underscores, start with a letter or digit, and have at most 64
// characters.
func Check(c Config) []Problem {
	given := c
	c = c.Normalize()
	k := newChecker(c)
	k.version(c.Version)
	k.limits(c.Limits)
	k.home(given.Home)
	k.networkManager(given.NetworkManager, c.homes())
	k.declaredTables(c.TableList, given.TableList)
	k.never(c.Never)
	k.declaredLists(c.ListList)
	k.timers(c.Timers)
	k.failbackTimes("defaults.failback", c.Defaults.Failback, false)
	if len(c.GroupList)+len(c.FilterList) == 0 {
		k.add("groups", "", "missing", "declare at least one group or filter")
	}
	for i, group := range c.GroupList {
		k.homeGiven = [2]bool{
			given.GroupList[i].Home.Account == "" && given.Home.Account != "",
			given.GroupList[i].Home.Region == "" && given.Home.Region != "",
		}
		k.group(IndexPath("groups", i), group)
		own := given.GroupList[i].Failback
		k.failbackTimes(IndexPath("groups", i)+".failback", FailbackTimes{own.Stability, own.Soak, own.ApprovalTimeout, own.Batch}, true)
		k.samples(IndexPath("groups", i)+".failback.samples", group)
	}
	k.filters(c, given.FilterList, given.Home)
	k.usedLists(c.ListList)
	k.pinned()
	k.observed()
	return k.problems
}

// checker collects problems, and what was declared so far.
type checker struct {
	problems []Problem
	// homeGiven says that account and Region of the home of the group at hand are
	// the file's, which were checked already.
	homeGiven [2]bool
	// groups maps a group's name to its path.
	groups map[string]string
	// owned maps the id of a resource to who was first said to own it.
	owned map[string]owner
	// tables maps the names of tables to their paths, and tableOwners their ids to
	// what was declared of them.
	tables      map[string]string
	tableOwners map[string]Home
	// lists are the declared prefix lists by id.
	lists map[string]*declaredList
	// connects maps the Connect attachments of all paths to the paths.
	connects map[string]string
	// flows maps the name of a flow to where its first entry stands.
	flows map[string]seat
	// seen maps an entry to its path.
	seen        map[entryID]string
	pins        []pin
	untouchable untouchable
	// written maps the tables of entries to the first entry of each, and
	// observations are the observation tables of all paths.
	written      map[string]string
	observations []observation
	// filterNames maps a filter's name to its path, and filtered the tables to which a
	// filter may write to where they stand. filterTables are the observation tables of
	// all filters.
	filterNames  map[string]string
	filtered     map[string]filterUse
	filterTables []observation
}

// owner is the account and Region that a resource was declared with, and where.
type owner struct{ account, region, path string }

func newChecker(c Config) *checker {
	k := &checker{
		groups:      map[string]string{},
		owned:       map[string]owner{},
		tables:      map[string]string{},
		tableOwners: map[string]Home{},
		lists:       map[string]*declaredList{},
		connects:    map[string]string{},
		flows:       map[string]seat{},
		seen:        map[entryID]string{},
		written:     map[string]string{},
		filterNames: map[string]string{},
		filtered:    map[string]filterUse{},
	}
	for i, group := range c.GroupList {
		for j, path := range group.Paths {
			if path.Kind != string(health.KindConnect) || path.Attachment == "" {
				continue
			}
			if _, twice := k.connects[path.Attachment]; !twice {
				k.connects[path.Attachment] = IndexPath(IndexPath("groups", i)+".paths", j)
			}
		}
	}
	return k
}

func (k *checker) add(path, value, what, remedy string) {
	if len(k.problems) < MaxProblems {
		k.problems = append(k.problems, Problem{Path: path, Value: value, What: what, Remedy: remedy})
	}
}

func (k *checker) version(version int) {
	switch version {
	case CurrentVersion:
	case 0:
		k.add("version", "", "missing", "write version: 1")
	default:
		k.add("version", strconv.Itoa(version), "is not a version that this Detour reads", "write 1")
	}
}

func (k *checker) limits(limits Limits) {
	if limits.MaxMoves < 0 {
		k.add("limits.maxMoves", strconv.Itoa(limits.MaxMoves), "is negative", "write a number of groups, or 0 for the larger of 10 and a quarter of all groups")
	}
	k.positive("limits.window", limits.Window, "5m")
	k.quota("limits.vpcRoutes", limits.VPCRoutes, "500")
	k.quota("limits.transitGatewayRoutes", limits.TransitGatewayRoutes, "10000")
}

func (k *checker) quota(path string, routes int, example string) {
	if routes < 1 {
		k.add(path, strconv.Itoa(routes), "is not a number of routes above zero", "write the quota that your account has, such as "+example)
	}
}

// home checks the home of all groups that name none. Each of its two values may
// be left out.
func (k *checker) home(home Home) {
	if home.Account != "" {
		k.account("home.account", home.Account, "of the account whose controller writes the groups")
	}
	if home.Region != "" {
		k.region("home.region", home.Region, "in which the groups' controller runs")
	}
}

func (k *checker) timers(t Timers) {
	ok := k.positive("timers.sweepPeriod", t.SweepPeriod, "60s")
	ok = k.positive("timers.lease", t.Lease, "20s") && ok
	ok = k.positive("timers.callTimeout", t.CallTimeout, "5s") && ok
	ok = k.notNegative("timers.clockSkew", t.ClockSkew, "2s") && ok
	if least := 2 * (t.CallTimeout + t.ClockSkew); ok && t.Lease <= least {
		k.add("timers.lease", t.Lease.String(),
			fmt.Sprintf("is not longer than twice callTimeout plus clockSkew (%s)", least),
			fmt.Sprintf("write more than %s, or shorten callTimeout", least))
	}
	k.positive("timers.maxFactAge", t.MaxFactAge, "3m")
	k.notNegative("timers.settleTime", t.SettleTime, "10s")
	if t.ContendedAfter < 1 {
		k.add("timers.contendedAfter", strconv.Itoa(t.ContendedAfter), "is below 1", "write a number of reversals, such as 3")
	}
	k.positive("timers.contendedWindow", t.ContendedWindow, "10m")
	k.positive("timers.ignoreHealthFor", t.IgnoreHealthFor, "1h")
	k.damping(t.Damping)
}

func (k *checker) damping(d Damping) {
	const path = "timers.damping."
	ok := k.figure(path+"penalty", d.Penalty)
	k.positive(path+"halfLife", d.HalfLife, "15m")
	ok = k.figure(path+"suppress", d.Suppress) && ok
	ok = k.figure(path+"reuse", d.Reuse) && ok
	ok = k.figure(path+"ceiling", d.Ceiling) && ok
	if !ok {
		return
	}
	if d.Reuse == 0 {
		k.add(path+"reuse", "0", "would never let a suppressed path be used again", "write a number above zero, such as 750")
	}
	if d.Reuse >= d.Suppress {
		k.add(path+"reuse", number(d.Reuse), fmt.Sprintf("is not below suppress (%s)", number(d.Suppress)), "write a smaller number, such as a quarter of suppress")
	}
	if d.Suppress > d.Ceiling {
		k.add(path+"suppress", number(d.Suppress), fmt.Sprintf("is above ceiling (%s), so it could never be reached", number(d.Ceiling)), "write at most the ceiling")
	}
	if d.Penalty > d.Ceiling {
		k.add(path+"penalty", number(d.Penalty), fmt.Sprintf("is above ceiling (%s)", number(d.Ceiling)), "write at most the ceiling")
	}
}

// figure reports whether v is a finite number that is not negative.
func (k *checker) figure(path string, v float64) bool {
	if v < 0 || math.IsNaN(v) || math.IsInf(v, 0) {
		k.add(path, number(v), "is not a number of zero or more", "write a plain number, such as 1000")
		return false
	}
	return true
}

func number(v float64) string { return strconv.FormatFloat(v, 'g', -1, 64) }

// positive reports whether d is above zero and not too long.
func (k *checker) positive(path string, d Duration, example string) bool {
	if d == 0 {
		k.add(path, d.String(), "is no time at all", "write a duration above zero, such as "+example)
		return false
	}
	return k.notNegative(path, d, example)
}

// notNegative reports whether d is zero or more and not too long.
func (k *checker) notNegative(path string, d Duration, example string) bool {
	switch {
	case d < 0:
		k.add(path, d.String(), "is negative", "write a duration such as "+example)
	case d > maxDuration:
		k.add(path, d.String(), "is longer than 720h", "write a duration such as "+example)
	default:
		return true
	}
	return false
}

func (k *checker) never(never Never) {
	k.untouchable = untouchable{tables: map[string]string{}, destinations: map[route.Destination]string{}}
	for i, table := range never.Tables {
		path := IndexPath("neverTouch.tables", i)
		if first, twice := k.untouchable.tables[table]; twice {
			k.add(path, table, "is listed twice, first at "+first, "remove one of the two")
			continue
		}
		k.tableRef(path, table)
		k.untouchable.tables[table] = path
	}
	for i, text := range never.Destinations {
		path := IndexPath("neverTouch.destinations", i)
		destination, ok := k.destination(path, text)
		if !ok {
			continue
		}
		if first, twice := k.untouchable.destinations[destination]; twice {
			k.add(path, text, "is listed twice, first at "+first, "remove one of the two")
			continue
		}
		k.untouchable.destinations[destination] = path
	}
}
