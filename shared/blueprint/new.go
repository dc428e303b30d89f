package blueprint

import (
	"cmp"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"time"

	"detour/shared/config"
	"detour/shared/filter"
	"detour/shared/health"
	"detour/shared/protection"
	"detour/shared/route"
)

// What every function gets. A move of some hundred routes at the pace of EC2's
// call limits takes a minute or two, and the queue hides a wake-up for six times
// the timeout. A processor comes with the memory, and a cold start is TLS.
const (
	timeout  = 5 * time.Minute
	memoryMB = 512
	retries  = 2
)

// How old an event may be before it is dropped. What an event of ten minutes
// tells the sweeps saw long ago, and a sweep is followed by the next.
const (
	maxEventAge = 10 * time.Minute
	maxSweepAge = 5 * time.Minute
)

// The inputs of the schedules, as in events/payload.
const (
	inputSweep    = `{"detour":"sweep"}`
	inputRehearse = `{"detour":"rehearse"}`
)

// externalIDForm is what an external id is, and maxExternalID how many characters
// it has at most (STS API, AssumeRole).
var externalIDForm = regexp.MustCompile(`^[\w+=,.@:/-]{2,}$`)

const maxExternalID = 1224

// New returns the Blueprint of a configuration that passed config.Check. An
// error is of the type config.Problems where the configuration is not one that
// can be deployed.
func New(c config.Config, o Options) (Blueprint, error) {
	if o.ExternalID != "" && (len(o.ExternalID) > maxExternalID || !externalIDForm.MatchString(o.ExternalID)) {
		return Blueprint{}, errors.New("the external id is none that STS takes; write 2 to 1224 letters, digits and +=,.@:/-_")
	}
	b := builder{config: c.Normalize(), options: o, events: map[flow]listeners{}, tunnels: map[Site][]Tunnel{}}
	groups, filters := map[Site][]protection.Group{}, map[Site][]filter.Filter{}
	for _, g := range b.config.Groups() {
		at := Site{g.Account, g.Region}
		b.homes = append(b.homes, at)
		groups[at] = append(groups[at], g)
	}
	for _, f := range b.config.Filters() {
		at := Site{f.Account, f.Region}
		b.homes = append(b.homes, at)
		filters[at] = append(filters[at], f)
	}
	b.homes = sortedSites(b.homes)
	b.checkPartitions()
	for _, f := range b.config.Filters() {
		b.checkFilter(f)
	}
	period := b.period()
	for _, at := range b.homes {
		for _, g := range groups[at] {
			b.listen(at, g)
		}
		for _, f := range filters[at] {
			b.listenForFilter(at, f)
		}
	}
	var out Blueprint
	for _, at := range b.homes {
		home, access := b.home(at, groups[at], filters[at])
		home.Schedules = schedules(period, len(groups[at]) > 0)
		out.Homes, out.Access = append(out.Homes, home), append(out.Access, access...)
	}
	slices.SortFunc(out.Access, func(a, b Access) int {
		return cmp.Or(cmp.Compare(a.Account, b.Account), a.Home.Compare(b.Home), cmp.Compare(a.Role, b.Role))
	})
	out.Forwards = b.forwards()
	if len(b.problems) > 0 {
		return Blueprint{}, b.problems
	}
	return out, nil
}

// builder gathers what a Blueprint is made of.
type builder struct {
	config   config.Config
	options  Options
	homes    []Site
	events   map[flow]listeners
	tunnels  map[Site][]Tunnel
	problems config.Problems
}

// flow is that events of a pattern are wanted from a site at a home.
type flow struct {
	pattern    string
	from, home Site
}

// listeners are who wants them.
type listeners struct{ groups, filters bool }

func byGroups() listeners { return listeners{groups: true} }

func byFilters() listeners { return listeners{filters: true} }

func (b *builder) problem(path, value, what, remedy string) {
	b.problems = append(b.problems, config.Problem{Path: path, Value: value, What: what, Remedy: remedy})
}

// checkPartitions refuses a group of which something lies in another partition:
// no role and no event gets there.
func (b *builder) checkPartitions() {
	for i, g := range b.config.GroupList {
		own := config.Partition(g.Home.Region)
		for _, region := range regionsOf(g) {
			if other := config.Partition(region); other != own {
				b.problem(config.IndexPath("groups", i), g.Name, fmt.Sprintf("has its home in partition %s and uses %s, which is in %s", own, region, other),
					"declare what lies in another partition in a group with its home there")
				break
			}
		}
	}
}

func regionsOf(g config.Group) []string {
	var out []string
	for _, path := range g.Paths {
		out = append(out, path.Region)
		for _, check := range path.Checks {
			out = append(out, check.Region)
		}
	}
	for _, unit := range g.Units {
		for _, entry := range unit.Entries {
			out = append(out, entry.Region)
		}
	}
	return out
}

// period is the period of the sweep. EventBridge Scheduler counts whole minutes
// (EventBridge Scheduler User Guide, Rate-based schedules).
func (b *builder) period() time.Duration {
	period := time.Duration(b.config.Timers.SweepPeriod)
	if period < time.Minute || period%time.Minute != 0 {
		b.problem("timers.sweepPeriod", b.config.Timers.SweepPeriod.String(), "is no whole number of minutes, and EventBridge Scheduler knows no other", "write 60s, or another whole number of minutes")
	}
	return period
}

// schedules are the sweep and, where there are groups, whose moves are rehearsed,
// the rehearsal.
func schedules(period time.Duration, groups bool) []Schedule {
	rate := fmt.Sprintf("rate(%d minutes)", period/time.Minute)
	if period == time.Minute {
		rate = "rate(1 minute)"
	}
	out := []Schedule{{Name: ScheduleSweep, Expression: rate, Function: FunctionSweep, Input: inputSweep}}
	if groups {
		out = append([]Schedule{{Name: ScheduleRehearse, Expression: "rate(1 day)", Function: FunctionSweep, Input: inputRehearse}}, out...)
	}
	return out
}

// listen notes which events a group's home wants, and from where.
func (b *builder) listen(home Site, g protection.Group) {
	status, routing := false, false
	for _, path := range g.Paths {
		for _, subject := range path.Spec.Subjects() {
			status = b.watch(home, g.Name, path, subject) || status
		}
	}
	for _, unit := range g.Units {
		for _, entry := range unit.Entries {
			b.want(PatternRoutes, Site{entry.Table.Account, entry.Table.Region}, home, byGroups())
			routing = routing || entry.Table.Kind == route.TransitGatewayTable
		}
	}
	b.listenToManager(home, status, routing, byGroups())
}

// listenToManager notes which events of Network Manager are wanted.
func (b *builder) listenToManager(home Site, status, routing bool, by listeners) {
	manager := b.config.NetworkManager
	switch {
	case !status && !routing || manager.Region == config.NoRegion:
		return
	case !manager.Complete():
		b.networkManagerMissing(manager)
		return
	}
	if status {
		b.want(PatternStatus, Site(manager), home, by)
	}
	if routing {
		b.want(PatternRouting, Site(manager), home, by)
	}
}

// want notes that the groups of a home, or its filters, want to hear of something.
func (b *builder) want(pattern string, from, home Site, by listeners) {
	key := flow{pattern, from, home}
	known := b.events[key]
	b.events[key] = listeners{known.groups || by.groups, known.filters || by.filters}
}

// watch notes which events tell of a subject, and reports whether Network
// Manager's do.
func (b *builder) watch(home Site, group string, path protection.Path, subject health.Subject) bool {
	at := Site{subject.Account, subject.Region}
	switch subject.Kind {
	case health.SubjectVPN:
		b.tunnel(at, Tunnel{VPN: subject.ID, Group: group, Path: path.Name, MinTunnels: path.Spec.MinTunnels})
		b.want(PatternAlarm, at, home, byGroups()) // That of the tunnels' state.
		b.want(PatternHealth, at, home, byGroups())
		return true
	case health.SubjectAttachment, health.SubjectConnectPeer:
		return true
	case health.SubjectAlarm:
		b.want(PatternAlarm, at, home, byGroups())
	case health.SubjectInterface, health.SubjectInstance, health.SubjectRouteTable, health.SubjectPropagations:
	}
	return false
}

// networkManagerMissing says once what is not known of Network Manager.
func (b *builder) networkManagerMissing(manager config.NetworkManager) {
	const path = "networkManager"
	if slices.ContainsFunc(b.problems, func(p config.Problem) bool { return p.Path == path+".region" || p.Path == path+".account" }) {
		return
	}
	if manager.Region == "" {
		b.problem(path+".region", "", "missing, and AWS documents none for the partitions of the groups' homes",
			"write the Region in which EventBridge gets the events of Network Manager, or none to do without them")
	}
	if manager.Account == "" {
		b.problem(path+".account", "", "missing, and the groups have their homes in several accounts",
			"write the 12 digits of the account that owns the global network, or region: none to do without its events")
	}
}

// tunnel notes a VPN connection. One that several paths need alike has one set of
// alarms, for the first of them.
func (b *builder) tunnel(at Site, t Tunnel) {
	i := slices.IndexFunc(b.tunnels[at], func(known Tunnel) bool { return known.VPN == t.VPN && known.MinTunnels == t.MinTunnels })
	switch {
	case i < 0:
		b.tunnels[at] = append(b.tunnels[at], t)
	case t.compare(b.tunnels[at][i]) < 0:
		b.tunnels[at][i] = t
	}
}

func (t Tunnel) compare(other Tunnel) int {
	return cmp.Or(
		cmp.Compare(t.VPN, other.VPN), cmp.Compare(t.MinTunnels, other.MinTunnels),
		cmp.Compare(t.Group, other.Group), cmp.Compare(t.Path, other.Path),
	)
}

func (b *builder) tunnelsAt(site Site) []Tunnel {
	out := slices.Clone(b.tunnels[site])
	slices.SortFunc(out, Tunnel.compare)
	return out
}

// home makes a home and the roles in other accounts that its functions assume.
func (b *builder) home(at Site, groups []protection.Group, filters []filter.Filter) (Home, []Access) {
	home := Home{
		Site: at, Modes: map[string]int{string(protection.Observe): 0, string(protection.Enforce): 0},
		FilterModes: map[string]int{string(protection.Observe): 0, string(protection.Enforce): 0},
		Tunnels:     b.tunnelsAt(at),
	}
	for _, g := range groups {
		home.Groups = append(home.Groups, g.Name)
		home.Modes[string(g.Mode)]++
	}
	for _, f := range filters {
		home.Filters = append(home.Filters, f.Name)
		home.FilterModes[string(f.Mode)]++
	}
	for _, f := range b.config.FilterList {
		if Site(f.Home) == at {
			home.LogGroups = append(home.LogGroups, f.BGPLogGroups...)
		}
	}
	home.Groups, home.Filters, home.LogGroups = sorted(home.Groups), sorted(home.Filters), sorted(home.LogGroups)
	home.Gateways, home.Attachments = dropping(at, groups)
	b.hear(&home)
	home.Functions, home.Wakes = functionsOf(at, len(groups) > 0, len(filters) > 0)
	needs := newHomeNeeds(b.config, groups, filters)
	all := slices.Clone(home.Functions)
	if len(groups) > 0 {
		home.Failback = failback(at)
		for _, t := range home.Failback.Tasks {
			all = append(all, t.Function)
		}
	}
	access := b.access(at, needs, all)
	for i := range home.Functions {
		b.equip(at, &home.Functions[i], needs[home.Functions[i].Name], access)
	}
	if home.Failback != nil {
		for i := range home.Failback.Tasks {
			t := &home.Failback.Tasks[i]
			b.equip(at, &t.Function, needs[t.Name], access)
			t.Environment[VariableTask] = t.Task
		}
	}
	return home, access
}

// hear says which events a home listens to, and from which accounts.
func (b *builder) hear(home *Home) {
	for flow, by := range b.events {
		if flow.home != home.Site {
			continue
		}
		if by.groups {
			home.Patterns = append(home.Patterns, flow.pattern)
		}
		if by.filters {
			home.FilterPatterns = append(home.FilterPatterns, flow.pattern)
		}
		if flow.from.Account != home.Account {
			home.From = append(home.From, flow.from.Account)
		}
	}
	home.Patterns, home.FilterPatterns, home.From = sorted(home.Patterns), sorted(home.FilterPatterns), sorted(home.From)
}

// functionsOf returns the functions of a home, sorted by name, and its queues of
// wake-ups. The wake-ups of filters have a queue of their own, so that the
// functions of groups and of filters need no permission of one another's tables.
func functionsOf(at Site, groups, filters bool) (functions []Function, wakes []Wake) {
	add := func(name string, age time.Duration, queues map[string]string) {
		functions = append(functions, Function{
			Name: name, Binary: name, Role: functionRole(at, name), Timeout: timeout, MaxAge: age, MemoryMB: memoryMB, Retries: retries, Queues: queues,
		})
	}
	swept := map[string]string{VariableWake: QueueWake}
	if filters {
		add(FunctionRouteFilter, maxEventAge, map[string]string{VariableWake: QueueFilterWake})
		wakes = append(wakes, Wake{QueueFilterWake, QueueFilterWakeDead, FunctionRouteFilter})
		swept[VariableFilterWake] = QueueFilterWake
		if !groups {
			swept = map[string]string{VariableWake: QueueFilterWake}
		}
	}
	add(FunctionSweep, maxSweepAge, swept)
	if groups {
		add(FunctionSwitchover, maxEventAge, map[string]string{VariableWake: QueueWake})
		wakes = append([]Wake{{QueueWake, QueueWakeDead, FunctionSwitchover}}, wakes...)
	}
	return functions, wakes
}

// equip gives a function its permissions and its environment.
func (b *builder) equip(at Site, f *Function, needs needs, access []Access) {
	f.Environment = map[string]string{"DETOUR_ACCOUNT": at.Account, "DETOUR_TABLE": Table, "DETOUR_EVENT_BUS": EventBus}
	var roles []string
	for _, a := range access {
		if a.looks() != looks(f.Name) {
			continue
		}
		// Functions that assume no role have to know it too: they recognize by it the
		// calls that the others make.
		f.Environment["DETOUR_ROLE"] = roleARN(at, "{account}", a.Role)
		f.Environment["DETOUR_EXTERNAL_ID"] = a.ExternalID
		if needs.of[a.Account] != nil {
			roles = append(roles, roleARN(at, a.Account, a.Role))
		}
	}
	f.Statements = functionStatements(at, *f, needs.of[at.Account], roles)
	b.checkSize(at, f.Role, f.Statements)
}

// access makes the roles in other accounts: one in each for all functions of the
// home that need something there, and one for those of them that only look.
func (b *builder) access(home Site, needs homeNeeds, functions []Function) (out []Access) {
	// The sweep does what all others do, and the switchover what is done about groups.
	writing, looking := needs[FunctionSweep], needs[FunctionSwitchover].looking()
	for _, account := range writing.accounts(home.Account) {
		out = append(out, b.accessTo(home, account, accessRole(home), writing.of[account], functions, needs))
	}
	for _, account := range looking.accounts(home.Account) {
		out = append(out, b.accessTo(home, account, lookRole(home), looking.of[account], functions, needs))
	}
	return out
}

// accessTo makes one role in another account.
func (b *builder) accessTo(home Site, account, role string, needed *need, functions []Function, needs homeNeeds) Access {
	a := Access{
		Account: account, Home: home, Role: role, ExternalID: b.externalID(home),
		// Without the condition of a function: it is in the context of calls with the
		// credentials of the function's own role only.
		Statements: needed.statements(nil),
	}
	for _, f := range functions {
		if looks(f.Name) == a.looks() && needs[f.Name].of[account] != nil {
			a.Principals = append(a.Principals, roleARN(home, home.Account, f.Role))
		}
	}
	slices.Sort(a.Principals)
	b.checkSize(home, role+" in account "+account, a.Statements)
	return a
}

// checkSize refuses a policy that IAM would.
func (b *builder) checkSize(home Site, role string, statements []Statement) {
	if size := policySize(statements); size > maxPolicy {
		b.problem("groups", "", fmt.Sprintf("those with their home in account %s in %s make the policy of role %s %d characters long, and IAM takes %d",
			home.Account, home.Region, role, size, maxPolicy), "give some of the groups a home in another account or Region")
	}
}

func functionRole(home Site, function string) string { return function + "-" + home.Region }

func accessRole(home Site) string { return "detour-access-" + home.String() }

func lookRole(home Site) string { return "detour-look-" + home.String() }

// looks reports whether a function only looks, so that the role that it assumes in
// other accounts is the one that only looks, too.
func looks(function string) bool {
	return slices.ContainsFunc(failbackTasks(), func(t failbackTask) bool { return t.function() == function && !t.writes })
}

// looks reports whether the role only looks.
func (a Access) looks() bool { return a.Role == lookRole(a.Home) }

func roleARN(home Site, account, role string) string {
	return "arn:" + home.Partition() + ":iam::" + account + ":role/" + role
}

func (b *builder) externalID(home Site) string {
	return cmp.Or(b.options.ExternalID, "detour-"+home.String())
}

// forwards makes the sites that send events to a home elsewhere.
func (b *builder) forwards() []Forward {
	type source struct {
		from    Site
		pattern string
	}
	wanted, received := map[source][]Site{}, map[source]bool{}
	var sites []Site
	for flow := range b.events {
		if flow.from != flow.home {
			from := source{flow.from, flow.pattern}
			wanted[from] = append(wanted[from], flow.home)
			received[source{flow.home, flow.pattern}] = true
			sites = append(sites, flow.from)
		}
	}
	var out []Forward
	for _, site := range sortedSites(sites) {
		f := Forward{Site: site}
		if !slices.Contains(b.homes, site) {
			f.Tunnels = b.tunnelsAt(site)
		}
		for _, pattern := range patterns() {
			if homes := wanted[source{site, pattern}]; len(homes) > 0 {
				f.Rules = append(f.Rules, Rule{Pattern: pattern, OwnOnly: received[source{site, pattern}], Homes: sortedSites(homes)})
			}
		}
		out = append(out, f)
	}
	return out
}
