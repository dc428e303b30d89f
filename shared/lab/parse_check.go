package lab

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"detour/shared/config"
	"detour/shared/sim"
)

// maxDuration bounds how long a scenario runs.
const maxDuration = config.Duration(7 * 24 * time.Hour)

func (k *scenarioCheck) head() {
	if k.required("name", k.s.Name, "write a name of letters, digits and hyphens") && !scenarioName(k.s.Name) {
		k.add("name", k.s.Name, "is not a name", "write at most 64 letters, digits, hyphens and underscores, a letter or digit first")
	}
	k.required("title", k.s.Title, "write what the scenario shows, in one line")
	if strings.ContainsAny(k.s.Title, "\n\r") {
		k.add("title", k.s.Title, "has more than one line", "keep the title short, and tell the rest in story")
	}
	switch {
	case k.s.Duration == 0 && !k.r.Has("duration"):
		k.add("duration", "", "missing", "write how long the run takes in virtual time, such as 15m")
	case k.s.Duration <= 0, k.s.Duration > maxDuration:
		k.add("duration", k.s.Duration.String(), "is not a time above zero and up to 168h", "write how long the run takes in virtual time, such as 15m")
	}
}

// scenarioName has the form of the names of the configuration.
func scenarioName(name string) bool {
	const maxName = 64
	return len(name) <= maxName && config.KeyPath("", name) == name && name != ""
}

func (k *scenarioCheck) world() {
	for _, d := range k.s.World.durations() {
		k.notNegative("world."+d.key, *d.value)
	}
	for _, n := range k.s.World.counts() {
		if *n.value < 0 {
			k.add("world."+n.key, strconv.Itoa(*n.value), "is negative", n.remedy)
		}
	}
}

func (k *scenarioCheck) notNegative(path string, d config.Duration) {
	if d < 0 {
		k.add(path, d.String(), "is negative", "write a duration such as 30s")
	}
}

// faultKinds are the kinds that a rule can name.
func faultKinds() []string {
	return []string{
		string(sim.FaultThrottle), string(sim.FaultErrorBefore), string(sim.FaultErrorAfter), string(sim.FaultLostAnswer),
		string(sim.FaultDropAnswer), string(sim.FaultStale), string(sim.FaultPageFails), string(sim.FaultNextTokenInvalid),
		string(sim.FaultDelay), string(sim.FaultKill), string(sim.FaultKillAfter), string(sim.FaultFreeze),
	}
}

func (k *scenarioCheck) faults() {
	f := k.s.Faults
	for _, rate := range []struct {
		name  string
		value float64
	}{
		{"throttle", f.Throttle},
		{"errorBefore", f.ErrorBefore},
		{"errorAfter", f.ErrorAfter},
		{"dropAnswer", f.DropAnswer},
		{"stale", f.Stale},
		{"pageFails", f.PageFails},
		{"tokenInvalid", f.TokenInvalid},
		{"kill", f.Kill},
		{"freeze", f.Freeze},
		{"loseEvent", f.LoseEvent},
		{"doubleEvent", f.DoubleEvent},
		{"storeError", f.StoreError},
		{"doubleWake", f.DoubleWake},
		{"earlyWake", f.EarlyWake},
	} {
		if rate.value < 0 || rate.value > 1 {
			k.add("faults."+rate.name, fmt.Sprint(rate.value), "is not a chance", "write a number from 0 to 1")
		}
	}
	k.notNegative("faults.until", f.Until)
	k.notNegative("faults.maxStale", f.MaxStale)
	k.notNegative("faults.maxFreeze", f.MaxFreeze)
	k.notNegative("faults.maxEventDelay", f.MaxEventDelay)
	if f.ThrottleBurst < 0 {
		k.add("faults.throttleBurst", fmt.Sprint(f.ThrottleBurst), "is negative", "write a number of calls")
	}
	k.bounded("stale", f.Stale, "maxStale", f.MaxStale)
	k.bounded("freeze", f.Freeze, "maxFreeze", f.MaxFreeze)
	for i, rule := range f.Rules {
		k.rule(config.IndexPath("faults.rules", i), rule)
	}
}

// bounded refuses a chance of something that has no length: it never happens.
func (k *scenarioCheck) bounded(name string, chance float64, bound string, length config.Duration) {
	if chance > 0 && length == 0 {
		k.add("faults."+name, fmt.Sprint(chance), "has no effect without "+bound, "write "+bound+", such as 8s")
	}
}

func (k *scenarioCheck) rule(path string, rule RuleSpec) {
	kind := string(rule.Kind)
	if !k.oneOf(path+".kind", kind, "is not a fault that a rule can lay on a call", faultKinds()) {
		return
	}
	k.ruleAction(path+".action", rule)
	if rule.Nth < 0 {
		k.add(path+".nth", fmt.Sprint(rule.Nth), "is negative", "write 1 for the first call")
	}
	if rule.Times < -1 {
		k.add(path+".times", fmt.Sprint(rule.Times), "is below -1", "write a number of calls, or -1 for all further ones")
	}
	long := slices.Contains([]sim.FaultKind{sim.FaultStale, sim.FaultDelay, sim.FaultFreeze}, rule.Kind)
	switch {
	case long && rule.For <= 0:
		k.add(path+".for", rule.For.String(), "is no time at all", "write how long the "+kind+" lasts, such as 10s")
	case !long && rule.For != 0:
		k.add(path+".for", rule.For.String(), "has no effect with kind "+kind, "remove it")
	}
}

// actions are the actions of the simulated EC2, CloudWatch and STS.
func actions() []string {
	return []string{
		"DescribeVpnConnections", "DescribeTransitGatewayAttachments", "DescribeTransitGatewayRouteTables", "SearchTransitGatewayRoutes",
		"GetTransitGatewayRouteTableAssociations", "DescribeRouteTables", "CreateTransitGatewayRoute", "ReplaceTransitGatewayRoute",
		"DeleteTransitGatewayRoute", "CreateRoute", "ReplaceRoute", "DeleteRoute",
		"DescribeTransitGateways", "DescribeTransitGatewayConnects", "DescribeTransitGatewayConnectPeers",
		"GetTransitGatewayRouteTablePropagations", "EnableTransitGatewayRouteTablePropagation", "DisableTransitGatewayRouteTablePropagation",
		"GetTransitGatewayPrefixListReferences", "CreateTransitGatewayPrefixListReference", "ModifyTransitGatewayPrefixListReference",
		"DeleteTransitGatewayPrefixListReference",
		"DescribeVpnGateways", "EnableVgwRoutePropagation", "DisableVgwRoutePropagation", "DescribeVpcs", "DescribeSubnets",
		"DescribeInstances", "DescribeInstanceStatus", "DescribeNetworkInterfaces",
		"DescribeManagedPrefixLists", "GetManagedPrefixListEntries", "ModifyManagedPrefixList",
		"DescribeAlarms", "AssumeRole", "GetCallerIdentity",
	}
}

// yieldPoints are the steps of a function at which a rule can kill or freeze it.
func yieldPoints() []string { return []string{"sleep", "send", "answer"} }

func (k *scenarioCheck) ruleAction(path string, rule RuleSpec) {
	known, stops := actions(), rule.Kind == sim.FaultKill || rule.Kind == sim.FaultFreeze
	switch {
	case rule.Action == "":
	case stops:
		k.oneOf(path, rule.Action, "is neither an action of the simulated APIs nor a step of a function", append(known, yieldPoints()...))
	case slices.Contains(yieldPoints(), rule.Action):
		k.add(path, rule.Action, "is a step of a function, at which only kill and freeze can hit", "write kind: kill or kind: freeze, or an action such as ReplaceRoute")
	default:
		k.oneOf(path, rule.Action, "is not an action of the simulated APIs", known)
	}
}

// topology has the World build the network, and reports what it says.
func (k *scenarioCheck) topology() bool {
	if k.r.Broken("topology") {
		return false
	}
	if !k.r.Has("topology") {
		k.add("topology", "", "missing", "describe the network")
		return false
	}
	times := k.s.World
	for _, d := range times.durations() {
		*d.value = max(*d.value, 0) // A negative one is reported already.
	}
	for _, n := range times.counts() {
		*n.value = max(*n.value, 0)
	}
	scheduler := sim.NewScheduler(0, Start())
	defer scheduler.Close()
	topo := k.s.Topology
	topo.Account = k.account()
	if topo.Account != k.s.Topology.Account {
		k.add("topology.account", k.s.Topology.Account, "is not an account number", "write the 12 digits of an AWS account")
	}
	_, err := sim.NewWorld(scheduler, topo, times.options())
	if err == nil {
		return topo.Account == k.s.Topology.Account
	}
	for _, problem := range flatten(err) {
		k.topologyProblem(problem.Error())
	}
	return false
}

// account is the topology's account. One that is no account number is reported
// once, and another takes its place for all that depends on it.
func (k *scenarioCheck) account() string {
	account := k.s.Topology.Account
	const digits = 12
	if account == "" || len(account) == digits && strings.Trim(account, "0123456789") == "" {
		return account
	}
	return strings.Repeat("0", digits)
}

// names refuses two things of a kind that the report would call by one name. The
// World refuses equal names of sites and of hosts.
func (k *scenarioCheck) names() {
	topo := k.s.Topology
	for _, kind := range []struct {
		key   string
		count int
		name  func(i int) string
	}{
		{"transitGateways", len(topo.TransitGateways), func(i int) string { return topo.TransitGateways[i].Name }},
		{"vpcs", len(topo.VPCs), func(i int) string { return topo.VPCs[i].Name }},
		{"vpns", len(topo.VPNs), func(i int) string { return topo.VPNs[i].Name }},
		{"vpnGateways", len(topo.VPNGateways), func(i int) string { return topo.VPNGateways[i].Name }},
		{"appliances", len(topo.Appliances), func(i int) string { return topo.Appliances[i].Name }},
		{"connects", len(topo.Connects), func(i int) string { return topo.Connects[i].Name }},
		{"peerings", len(topo.Peerings), func(i int) string { return topo.Peerings[i].Name }},
		{"directConnects", len(topo.DirectConnects), func(i int) string { return topo.DirectConnects[i].Name }},
		{"prefixLists", len(topo.PrefixLists), func(i int) string { return topo.PrefixLists[i].Name }},
	} {
		first := map[string]string{}
		for i := range kind.count {
			at, name := config.IndexPath("topology."+kind.key, i), kind.name(i)
			switch {
			case name == "":
			case first[name] != "":
				k.add(at+".name", name, "is the name of "+first[name]+" already", "give each its own name")
			default:
				first[name] = at
			}
		}
	}
}

// flatten returns the errors that an error joins.
func flatten(err error) []error {
	for err != nil {
		if joined, ok := err.(interface{ Unwrap() []error }); ok {
			return joined.Unwrap()
		}
		wrapped, ok := err.(interface{ Unwrap() error })
		if !ok {
			break
		}
		err = wrapped.Unwrap()
	}
	return []error{err}
}

// topologyProblem puts a problem of the World at the field that it names first:
// vpns[0].site is "x", which ….
func (k *scenarioCheck) topologyProblem(text string) {
	field, rest, _ := strings.Cut(text, " ")
	what, remedy := rest, "correct it"
	if i := strings.LastIndex(rest, ": "); i >= 0 {
		what, remedy = rest[:i], rest[i+2:]
	}
	k.add("topology."+field, "", what, remedy)
}

// references checks what the configuration refers to.
func (k *scenarioCheck) references() {
	k.referencesOf(k.s.Config, func(path string) string { return path })
	k.filterReferences()
}

// referencesOf checks what a configuration refers to. at says where a path of it
// stands in the file.
func (k *scenarioCheck) referencesOf(c config.Config, at func(path string) string) {
	for i, g := range c.GroupList {
		group := config.IndexPath("groups", i)
		for j, p := range g.Paths {
			k.pathReferences(at(config.IndexPath(group+".paths", j)), p)
		}
		for u, unit := range g.Units {
			for e, entry := range unit.Entries {
				k.entry(at(config.IndexPath(config.IndexPath(group+".units", u)+".entries", e)), g, entry)
			}
		}
	}
}

// filterReferences checks what the filters refer to.
func (k *scenarioCheck) filterReferences() {
	const missing = "is not in the topology"
	for i, f := range k.s.Config.FilterList {
		path := config.IndexPath("filters", i)
		for j, table := range f.Tables {
			k.oneOf(config.IndexPath(path+".tables", j), table, missing, k.tables)
		}
		for j, id := range f.Attachments {
			k.oneOf(config.IndexPath(path+".attachments", j), id, missing, append(slices.Clone(k.attachments), k.gateways...))
		}
		for _, table := range slices.Sorted(maps.Keys(f.Egress)) {
			k.oneOf(config.KeyPath(path+".egress", table), f.Egress[table], missing, k.targets)
		}
		for _, id := range slices.Sorted(maps.Keys(f.Observation)) {
			k.oneOf(config.KeyPath(path+".observation", id), f.Observation[id], missing, k.tables)
		}
	}
}

func (k *scenarioCheck) pathReferences(path string, p config.Path) {
	const missing = "is not in the topology"
	switch p.Kind {
	case kindVPN:
		k.oneOf(path+".vpn", p.VPN, missing, k.vpnIDs())
	case kindConnect:
		k.oneOf(path+".attachment", p.Attachment, "is not a Connect attachment of the topology", k.connects)
		for i, peer := range p.Peers {
			k.oneOf(config.IndexPath(path+".peers", i), peer, missing, k.peers)
		}
	case kindAppliance:
		k.oneOf(path+".interface", p.Interface, missing, k.interfaces)
		k.oneOf(path+".instance", p.Instance, missing, k.instances)
	case kindAttachment:
		k.oneOf(path+".attachment", p.Attachment, missing, k.attachments)
	}
	for i, check := range p.Checks {
		k.oneOf(config.IndexPath(path+".checks", i)+".alarm", check.Alarm, "is not an alarm of the topology", k.alarms)
	}
}

// oneHome refuses a second home account: a rig is one deployment.
func (k *scenarioCheck) oneHome() {
	home := homeOf(k.s.Config).Account
	of := func(path, account string) {
		if account != home {
			k.add(path+".home.account", account, "is another home than that of the first group or filter ("+home+"), and the lab runs one", "write "+home)
		}
	}
	for i, g := range k.s.Config.GroupList {
		of(config.IndexPath("groups", i), g.Home.Account)
	}
	for i, f := range k.s.Config.FilterList {
		of(config.IndexPath("filters", i), f.Home.Account)
	}
}

func (k *scenarioCheck) entry(path string, g config.Group, entry config.Entry) {
	k.oneOf(path+".table", entry.Table, "is not in the topology", k.tables)
	if strings.HasPrefix(entry.Destination, "pl-") {
		k.oneOf(path+".destination", entry.Destination, "is not a prefix list of the topology", k.lists)
	}
	for _, p := range g.Paths {
		if hop, ok := entry.NextHops[p.Name]; ok {
			k.oneOf(config.KeyPath(path+".nextHops", p.Name), strings.TrimPrefix(hop, "propagated:"), "is not in the topology", k.targets)
		}
	}
}
