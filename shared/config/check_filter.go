package config

import (
	"fmt"
	"maps"
	"net/netip"
	"slices"
	"strings"

	"detour/shared/filter"
	"detour/shared/protection"
	"detour/shared/route"
)

// filterUse is where a table or an observation table of a filter stands.
type filterUse struct{ path, filter string }

// filterChecker checks one filter.
type filterChecker struct {
	*checker
	c    Config
	f    Filter
	path string
	// givenEgress are the tables of the egress as they were written, sorted.
	givenEgress []string
	// rules are those that parsed, with their places.
	rules []placedRule
	// tables are the good ones, with their places and kinds.
	tables []placedTable
}

type placedRule struct {
	rule filter.Rule
	path string
}

type placedTable struct {
	id, path string
	kind     route.TableKind
}

// filters checks the filters, after all groups.
func (k *checker) filters(c Config, given []Filter, home Home) {
	for i, f := range c.FilterList {
		at := filterChecker{checker: k, c: c, f: f, path: IndexPath("filters", i), givenEgress: slices.Sorted(maps.Keys(given[i].Egress))}
		k.homeGiven = [2]bool{given[i].Home.Account == "" && home.Account != "", given[i].Home.Region == "" && home.Region != ""}
		at.check()
	}
	k.filterObservations()
}

func (k *filterChecker) check() {
	k.uniqueName(k.path+".name", k.f.Name, "filter", k.filterNames)
	if !k.homeGiven[0] {
		k.account(k.path+".home.account", k.f.Home.Account, "of the account whose controller enforces the filter")
	}
	if !k.homeGiven[1] {
		k.region(k.path+".home.region", k.f.Home.Region, "in which the filter's controller runs")
	}
	if k.f.Mode != string(protection.Observe) && k.f.Mode != string(protection.Enforce) {
		k.wrongOrMissing(k.path+".mode", k.f.Mode, "is not a mode", "write observe or enforce")
	}
	k.checkRules()
	k.checkTables()
	k.checkAttachments()
	k.checkLogGroups()
	k.positive(k.path+".liftAfter", k.f.LiftAfter, "5m")
	switch filter.Action(k.f.Action) {
	case filter.Blackhole, filter.Pin, filter.Quarantine, filter.Alert:
		k.checkBound()
		k.checkEgress()
		k.checkPreset()
		k.checkObservation()
		k.checkAcceptLoss()
		k.checkGroups()
	default:
		k.wrongOrMissing(k.path+".action", k.f.Action, "is not an action", "write blackhole, pin, quarantine or alert")
	}
}

func (k *filterChecker) is(actions ...filter.Action) bool {
	return slices.Contains(actions, filter.Action(k.f.Action))
}

func (k *filterChecker) checkRules() {
	first, denies := map[string]string{}, false
	for i, text := range k.f.Rules {
		at := IndexPath(k.path+".rules", i)
		rule, err := filter.ParseRule(text)
		if err != nil {
			what, remedy, _ := strings.Cut(err.Error(), "; ")
			k.wrongOrMissing(at, text, what, remedy)
			denies = true // Perhaps this one does.
			continue
		}
		denies = denies || !rule.Permit
		words := strings.SplitN(rule.String(), " ", 2)
		if earlier, twice := first[words[1]]; twice {
			k.add(at, text, "never decides, since an earlier rule matches the same, "+earlier, "remove one of the two")
			continue
		}
		first[words[1]] = at
		k.rules = append(k.rules, placedRule{rule, at})
	}
	if !denies && k.f.MaxPrefixes == 0 {
		k.add(k.path+".rules", "", "no rule denies anything", "write for example deny default-like")
	}
}

func (k *filterChecker) checkTables() {
	const path = ".tables"
	if len(k.f.Tables) == 0 {
		k.add(k.path+path, "", "missing", "write the route tables in which the rules hold")
	}
	seen := map[string]string{}
	for i, id := range k.f.Tables {
		at := IndexPath(k.path+path, i)
		kind, ok := k.tableRef(at, id)
		if !ok {
			continue
		}
		if first, twice := seen[id]; twice {
			k.add(at, id, "is listed twice, first at "+first, "remove one of the two")
			continue
		}
		seen[id] = at
		k.tables = append(k.tables, placedTable{id, at, kind})
		k.tableHere(at, id, kind)
	}
}

// tableHere checks that the filter may act in the table.
func (k *filterChecker) tableHere(at, id string, kind route.TableKind) {
	if kind == route.VPCTable && k.is(filter.Blackhole) {
		k.add(at, id, "is a VPC route table, which has no blackhole as a target", "write action: pin, with an egress, or take the table out")
	}
	if kind == route.VPCTable && k.is(filter.Quarantine) {
		k.add(at, id, "is a VPC route table, and a virtual private gateway teaches it the routes of all its connections at once", "write action: pin, with an egress, or take the table out")
	}
	table := k.c.table(k.f, id)
	if known, twice := k.owned[id]; twice && (known.account != table.Account || known.region != table.Region) {
		k.add(at, id, fmt.Sprintf("is declared in account %s, Region %s, at %s, and would be in %s, %s here", known.account, known.region, known.path, table.Account, table.Region),
			"give the table a name under tables, with its account and Region")
	} else if !twice {
		k.owned[id] = owner{table.Account, table.Region, at}
	}
	if !filter.Action(k.f.Action).Writes() {
		return
	}
	if never, ok := k.untouchable.tables[id]; ok {
		k.add(at, id, "is listed at "+never+", so no measure could be written", "write action: alert, or take the table off the list")
	}
	if first, twice := k.filtered[id]; twice {
		k.add(at, id, fmt.Sprintf("is a table of filter %q too, %s, and the two could undo each other's measures", first.filter, first.path), "write one filter for the table, or action: alert in one of the two")
	} else {
		k.filtered[id] = filterUse{at, k.f.Name}
	}
}

func (k *filterChecker) checkAttachments() {
	seen := map[string]string{}
	of := map[route.TableKind]bool{}
	for i, id := range k.f.Attachments {
		at := IndexPath(k.path+".attachments", i)
		var kind route.TableKind
		switch {
		case validID(id, "tgw-attach-"):
			kind = route.TransitGatewayTable
		case validID(id, "vgw-"):
			kind = route.VPCTable
		default:
			k.wrongOrMissing(at, id, "is neither a transit gateway attachment nor a virtual private gateway", "write tgw-attach-… or vgw-…")
			return
		}
		if first, twice := seen[id]; twice {
			k.add(at, id, "is listed twice, first at "+first, "remove one of the two")
			continue
		}
		seen[id], of[kind] = at, true
		if !slices.ContainsFunc(k.tables, func(t placedTable) bool { return t.kind == kind }) && len(k.tables) > 0 {
			k.add(at, id, "teaches none of the filter's tables anything", "write tgw-attach-… for transit gateway tables and vgw-… for VPC tables")
		}
	}
	for _, t := range k.tables {
		if len(k.f.Attachments) > 0 && !of[t.kind] {
			k.add(t.path, t.id, "is taught by none of the filter's attachments, so nothing would be judged in it", "write tgw-attach-… for transit gateway tables and vgw-… for VPC tables, or no attachments")
		}
	}
}

// maxLogGroupName is how long the name of a log group may be (CloudWatch Logs API,
// CreateLogGroup).
const maxLogGroupName = 512

func (k *filterChecker) checkLogGroups() {
	seen := map[string]string{}
	for i, name := range k.f.BGPLogGroups {
		at := IndexPath(k.path+".bgpLogGroups", i)
		first, twice := seen[name]
		seen[name] = at
		switch {
		case strings.HasPrefix(name, "arn:"):
			k.add(at, name, "is an ARN", "write the name of the log group alone, such as /vpn/bgp")
		case !validLogGroup(name):
			k.wrongOrMissing(at, name, fmt.Sprintf("is not the name of a log group, which has 1 to %d letters, digits and characters of . _ - / #", maxLogGroupName),
				"write the name of the CloudWatch log group, such as /vpn/bgp")
		case twice:
			k.add(at, name, "is listed twice, first at "+first, "remove one of the two")
		}
	}
}

func validLogGroup(name string) bool {
	return name != "" && len(name) <= maxLogGroupName && allOf(name, func(b byte) bool {
		return b >= '0' && b <= '9' || b >= 'a' && b <= 'z' || b >= 'A' && b <= 'Z' || strings.IndexByte("._-/#", b) >= 0
	})
}

func (k *filterChecker) checkBound() {
	path := k.path + ".maxPrefixes"
	value := fmt.Sprint(k.f.MaxPrefixes)
	switch {
	case k.f.MaxPrefixes < 0:
		k.add(path, value, "is negative", "write a number of prefixes, or 0 for no bound")
	case k.f.MaxPrefixes > 0 && !k.is(filter.Quarantine, filter.Alert):
		k.add(path, value, "has no effect with action "+k.f.Action+", which acts on single destinations and cannot tell which of them is too much", "write action: quarantine or alert, or leave maxPrefixes out")
	}
}

func (k *filterChecker) checkEgress() {
	path := k.path + ".egress"
	if !k.is(filter.Pin) {
		if len(k.f.Egress) > 0 {
			k.add(path, "", "has no effect with action "+k.f.Action, "write action: pin, or leave egress out")
		}
		return
	}
	for _, t := range k.tables {
		hop, ok := k.f.Egress[t.id]
		if !ok {
			k.add(path, "", "no egress for table "+t.id, "write its id or its name, and the target to which the denied routes are pinned")
			continue
		}
		k.checkTarget(k.egressPath(t.id), t, hop)
	}
	for _, id := range slices.Sorted(maps.Keys(k.f.Egress)) {
		if !slices.ContainsFunc(k.tables, func(t placedTable) bool { return t.id == id }) && len(k.tables) == len(k.f.Tables) {
			k.add(k.egressPath(id), id, "is not a table of the filter", "write it under tables too, or remove it here")
		}
	}
}

// egressPath returns the path of a table's egress as it was written, which can be under the
// table's name.
func (k *filterChecker) egressPath(id string) string {
	for _, given := range k.givenEgress {
		if resolved, _ := indexTables(k.c.TableList).resolve(given); resolved == id {
			return KeyPath(k.path+".egress", given)
		}
	}
	return KeyPath(k.path+".egress", id)
}

func (k *filterChecker) checkTarget(at string, t placedTable, text string) {
	hop, err := route.ParseNextHop(text)
	switch {
	case err == nil && hop.Kind == route.Propagated:
		k.add(at, text, "is a learned route, and a pin is a static one", "write the id of a target, such as tgw-attach-…")
		return
	case err == nil && hop.Kind == route.Blackhole:
		k.add(at, text, "leads nowhere", "write action: blackhole, or a target such as tgw-attach-…")
		return
	case slices.Contains(k.f.Attachments, text):
		k.add(at, text, "is an attachment whose routes are denied, so the pin would give it what the rules take", "write another target, or take it out of attachments")
		return
	}
	before := len(k.problems)
	k.nextHop(at, text, t.kind, route.Destination{})
	if len(k.problems) > before || err != nil {
		return
	}
	for _, r := range k.rules {
		if prefix := r.rule.Prefix; !r.rule.Permit && !r.rule.DefaultLike && !filter.Carries(hop, prefix.Addr().Is4()) {
			k.add(r.path, r.rule.String(), fmt.Sprintf("cannot be pinned to %s in table %s, which does not carry %s", hop, t.id, family(prefix)),
				"write an egress that carries both, such as eni-… or tgw-…, or a filter for each address family")
		}
	}
}

func family(prefix netip.Prefix) string {
	if prefix.Addr().Is4() {
		return "IPv4"
	}
	return "IPv6"
}

// plain returns the rules without their places.
func (k *filterChecker) plain() []filter.Rule {
	out := make([]filter.Rule, len(k.rules))
	for i, r := range k.rules {
		out[i] = r.rule
	}
	return out
}

// checkPreset checks what stands before any announcement, and that nothing keeps a measure
// from being written that the rules deny by name.
func (k *filterChecker) checkPreset() {
	path := k.path + ".preset"
	if k.f.Preset && !k.is(filter.Blackhole, filter.Pin) {
		k.add(path, "true", "has no effect with action "+k.f.Action+", which puts no route in the place of a denied one", "write action: blackhole or pin, or leave preset out")
		return
	}
	if !k.is(filter.Blackhole, filter.Pin) || len(k.rules) < len(k.f.Rules) {
		return
	}
	presets := filter.Presets(k.plain())
	if k.f.Preset && len(presets) == 0 {
		k.add(path, "true", "has no effect, since no rule denies a block by name, and a static route cannot stand for a range of lengths", "write deny default-like, or deny with a CIDR block alone, or leave preset out")
	}
	for _, prefix := range presets {
		i := slices.IndexFunc(k.rules, func(r placedRule) bool { return r.rule.Matches(prefix, nil) })
		k.presetable(k.rules[i], prefix)
	}
}

// presetable checks a block that the rule denies by name, or with default-like.
func (k *filterChecker) presetable(r placedRule, prefix netip.Prefix) {
	if r.rule.DefaultLike && !k.f.Preset {
		return
	}
	onlyVPC := len(k.tables) > 0 && !slices.ContainsFunc(k.tables, func(t placedTable) bool { return t.kind != route.VPCTable })
	if k.f.Preset && onlyVPC && prefix.Addr().Is6() && !r.rule.DefaultLike {
		k.add(r.path, r.rule.String(), "cannot be preset in a VPC table, since the VPN connections of a virtual private gateway carry no IPv6",
			"leave preset out, so that what Direct Connect brings is pinned when it comes, or take the rule out")
	}
	if outer, never, ok := k.untouchable.cover(route.CIDR(prefix)); ok {
		k.add(r.path, r.rule.String(), fmt.Sprintf("denies %s, which lies in %s, listed at %s, so no measure could be written", prefix, outer, never),
			"take the rule out, or the destination off the list")
	}
}

func (k *filterChecker) checkAcceptLoss() {
	if k.f.AcceptLoss && !k.is(filter.Quarantine) {
		k.add(k.path+".acceptLoss", "true", "has no effect with action "+k.f.Action+", which loses no permitted route", "write action: quarantine, or leave acceptLoss out")
	}
	if !k.is(filter.Quarantine) || k.f.AcceptLoss {
		return
	}
	if len(k.f.Attachments) == 0 {
		k.add(k.path+".attachments", "", "missing, and a quarantine has to follow what each attachment announces", "write the attachments, each with a table under observation, or acceptLoss: true")
		return
	}
	for i, id := range k.f.Attachments {
		at := IndexPath(k.path+".attachments", i)
		if _, ok := k.f.Observation[id]; !ok && validID(id, "tgw-attach-") {
			k.add(at, id, "has no table under observation, so a quarantine could not follow what it announces", "write one, or acceptLoss: true")
		}
		if where, connect := k.connects[id]; connect {
			k.add(at, id, fmt.Sprintf("is the Connect attachment of %s, which takes no static routes, so a quarantine loses what it is permitted", where), "write acceptLoss: true where that is wanted, or action: blackhole or alert")
		}
	}
}
