package lab

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"detour/shared/config"
	"detour/shared/protection"
)

func (k *scenarioCheck) tunnelStep(path string, step Step) {
	if !k.known || !k.oneOf(path+".vpn", step.VPN, "is not in the topology", k.vpnIDs()) {
		return
	}
	if step.Tunnel != "" {
		k.oneOf(path+".tunnel", step.Tunnel, "is not a tunnel of "+step.VPN, k.vpns[step.VPN])
	}
}

// clearStep checks that there is something to clear.
func (k *scenarioCheck) clearStep(path string, step Step) {
	known := k.oneOf(path+".group", step.Group, "is not a group of this file", append(k.groupsAt(step.At), EveryGroup))
	if !k.required(path+".id", step.ID, "write the id of the request to clear") || !known {
		return
	}
	ids := requestIDs(k.s.Script)
	if madeBefore(k.s.Script, ids, step) {
		return
	}
	remedy := "make the request at an earlier time, or remove this step"
	var made []string
	for i, request := range k.s.Script {
		if request.Do == MakeRequest && request.Group == step.Group && request.At < step.At {
			made = append(made, ids[i])
		}
	}
	if len(made) > 0 {
		remedy = "write one of " + strings.Join(made, ", ")
	}
	k.add(path+".id", step.ID, "is not the id of an earlier request of group "+step.Group, remedy)
}

// madeBefore reports whether the request that the step clears is made before it.
// What is at the same instant has no order.
func madeBefore(script []Step, ids map[int]string, clearing Step) bool {
	for i, step := range script {
		if step.Do == MakeRequest && step.Group == clearing.Group && ids[i] == clearing.ID && step.At < clearing.At {
			return true
		}
	}
	return false
}

func (k *scenarioCheck) requestStep(path string, step Step) {
	kinds := []string{
		string(protection.Freeze), string(protection.Lockout), string(protection.ForcedSwitch),
		string(protection.ManualSwitch), string(protection.ManualSwitchToWorking), string(protection.Release), string(protection.AdoptAnew),
	}
	known := k.oneOf(path+".kind", step.Kind, "is not a kind of request", kinds)
	names := k.groupsAt(step.At)
	kind := protection.RequestKind(step.Kind)
	if forEveryone(kind) {
		names = append(names, EveryGroup)
	}
	if !k.oneOf(path+".group", step.Group, "is not a group of this file", names) || !known {
		return
	}
	switches := kind == protection.ForcedSwitch || kind == protection.ManualSwitch
	group, _ := k.group(step.Group, step.At)
	if switches || kind == protection.Lockout {
		var paths []string
		for _, p := range group.Paths {
			paths = append(paths, p.Name)
		}
		k.oneOf(path+".path", step.Path, "is not a path of group "+group.Name, paths)
	} else {
		k.useless(path, "path", kind)
	}
	k.requestKeys(path, step, kind, len(group.Units))
}

// forEveryone: the kinds of request that can be made for every group at once.
func forEveryone(kind protection.RequestKind) bool {
	return kind == protection.Freeze || kind == protection.Release || kind == protection.AdoptAnew
}

// requestKeys checks the keys of a request that not every kind has.
func (k *scenarioCheck) requestKeys(path string, step Step, kind protection.RequestKind, units int) {
	if kind != protection.ManualSwitch && kind != protection.ManualSwitchToWorking {
		k.useless(path, "extent", kind)
	} else if step.Extent < 0 || step.Extent > units {
		k.add(path+".extent", fmt.Sprint(step.Extent), "is not a number of units that the group has", fmt.Sprintf("write 1 to %d, or leave it out for all", units))
	}
	if kind != protection.ForcedSwitch {
		k.useless(path, "ignoreHealth", kind)
	}
	if kind != protection.Freeze {
		k.useless(path, "immediate", kind)
	}
	switch kind {
	case protection.ForcedSwitch, protection.ManualSwitch, protection.ManualSwitchToWorking:
		k.versions(path+".lists", step)
	default:
		k.useless(path, "unproven", kind)
		k.useless(path, "lists", kind)
	}
}

// versions checks the versions of prefix lists that a request names.
func (k *scenarioCheck) versions(path string, step Step) {
	for _, list := range slices.Sorted(maps.Keys(step.Lists)) {
		at := config.KeyPath(path, list)
		k.inTopology(at, list, "is not a prefix list of the topology", k.lists)
		if step.Lists[list] < 1 {
			k.add(at, fmt.Sprint(step.Lists[list]), "is not a version", "write 1 or more, as the plan showed it")
		}
	}
}

func (k *scenarioCheck) useless(path, key string, kind protection.RequestKind) {
	if k.r.Has(path + "." + key) {
		k.add(path+"."+key, "", "has no effect with kind: "+string(kind), "remove it")
	}
}

// failbackStep checks a step about a group's failback.
func (k *scenarioCheck) failbackStep(path string, step Step) {
	if !k.oneOf(path+".group", step.Group, "is not a group of this file", k.groupsAt(step.At)) || step.Do == FailbackStart {
		return
	}
	started := slices.ContainsFunc(k.s.Script, func(earlier Step) bool {
		return earlier.Do == FailbackStart && earlier.Group == step.Group && earlier.At < step.At
	})
	if !started {
		k.add(path+".group", step.Group, "has no failback by then", "start one at an earlier time with do: "+string(FailbackStart))
	}
}

func (k *scenarioCheck) writeStep(path string, step Step) {
	k.required(path+".by", step.By, "write who writes the route, such as terraform")
	k.tableAndDestination(path, step.Table, step.Destination)
	if step.Target != "" {
		k.inTopology(path+".target", step.Target, "is not in the topology", k.targets)
	}
}

func (k *scenarioCheck) instanceStep(path string, step Step) {
	k.inTopology(path+".instance", step.Instance, "is not an appliance's instance in the topology", k.instances)
	if step.Do == InstanceImpaired && step.Check != "" {
		k.oneOf(path+".check", step.Check, "is not a status check", []string{checkInstance, checkSystem})
	}
}

func (k *scenarioCheck) interfaceStep(path string, step Step) {
	k.inTopology(path+".interface", step.Interface, "is not an appliance's interface in the topology", k.interfaces)
}

func (k *scenarioCheck) sessionStep(path string, step Step) {
	k.inTopology(path+".peer", step.Peer, "is not a Connect peer of the topology", k.peers)
	if k.r.Has(path+".session") && step.Session != 1 && step.Session != 2 {
		k.add(path+".session", fmt.Sprint(step.Session), "is not a session of a Connect peer", "write 1 or 2, or leave it out for both")
	}
}

func (k *scenarioCheck) directConnectStep(path string, step Step) {
	k.inTopology(path+".attachment", step.Attachment, "is not the attachment of a Direct Connect gateway in the topology", k.directConnects)
}

func (k *scenarioCheck) peeringStep(path string, step Step) {
	k.inTopology(path+".attachment", step.Attachment, "is not a peering attachment of the topology", k.peerings)
}

func (k *scenarioCheck) gatewayStep(path string, step Step) {
	k.inTopology(path+".gateway", step.Gateway, "is not a virtual private gateway of the topology", k.gateways)
}

func (k *scenarioCheck) attachmentStep(path string, step Step) {
	k.inTopology(path+".attachment", step.Attachment, "is not in the topology", k.attachments)
	k.oneOf(path+".state", step.State, "is not a state of a transit gateway attachment in the EC2 API", attachmentStates())
}

func (k *scenarioCheck) alarmStep(path string, step Step) {
	k.inTopology(path+".name", step.Name, "is not an alarm of the topology", k.alarms)
	if step.Do == SetAlarm && step.State == follow && k.known && !slices.Contains(k.following, step.Name) && slices.Contains(k.alarms, step.Name) {
		k.add(path+".state", step.State, "means nothing for an alarm that follows nothing", "write OK, ALARM or INSUFFICIENT_DATA")
	} else if step.Do == SetAlarm {
		k.oneOf(path+".state", step.State, "is not a state of an alarm", []string{"OK", "ALARM", "INSUFFICIENT_DATA", follow})
	}
}

func (k *scenarioCheck) listStep(path string, step Step) {
	k.required(path+".by", step.By, "write who changes the list, such as terraform")
	k.inTopology(path+".list", step.List, "is not a prefix list of the topology", k.lists)
	for i, text := range step.Add {
		k.block(config.IndexPath(path+".add", i), text)
	}
	for i, text := range step.Remove {
		k.block(config.IndexPath(path+".remove", i), text)
	}
	if len(step.Add)+len(step.Remove) == 0 {
		k.add(path, "", "changes nothing", "write add or remove with CIDR blocks")
	}
}

// configureStep checks that a change of the configuration says what changes.
func (k *scenarioCheck) configureStep(path string, step Step) {
	if step.Filter != "" {
		k.refilterStep(path, step)
		return
	}
	if !k.required(path+".group", step.Group, "write the name of the group that changes, or of a new one") {
		return
	}
	switch {
	case step.Removed && step.Set != nil:
		k.add(path+".set", "", "has no effect with removed: true", "remove one of the two")
	case step.Removed:
		k.oneOf(path+".group", step.Group, "is not a group of this file at that time", k.groupsBefore(path))
	case step.Set == nil:
		k.add(path, "", "changes nothing", "write set: with the keys that change, or removed: true")
	}
}

// refilterStep is configureStep for a filter.
func (k *scenarioCheck) refilterStep(path string, step Step) {
	if step.Group != "" || step.Set != nil {
		k.add(path, "", "changes a group and a filter at once", "write a step for each")
	}
	switch {
	case step.Removed && step.Declare != nil:
		k.add(path+".declare", "", "has no effect with removed: true", "remove one of the two")
	case step.Removed:
		k.oneOf(path+".filter", step.Filter, "is not a filter of this file at that time", k.filtersBefore(path))
	case step.Declare == nil:
		k.add(path, "", "changes nothing", "write declare: with the whole filter, or removed: true")
	}
}

// configures has every configuration of the run checked as a whole, in the order
// of time. What is wrong is reported at the step after which it is.
func (k *scenarioCheck) configures() {
	current := k.s.Config
	for _, i := range stepOrder(k.s.Script) {
		step := k.s.Script[i]
		path := config.IndexPath("script", i)
		if step.Do != Configure || k.r.Broken(path) {
			continue
		}
		next := step.configured(current, homeOf(k.s.Config))
		bad := false
		for _, problem := range config.Check(next) {
			bad = true
			problem.Path = k.atStep(path, step, next, problem.Path)
			k.r.Report(problem)
		}
		if !bad && k.known {
			k.referencesOf(next, func(at string) string { return k.atStep(path, step, next, at) })
		}
		current = next
	}
}

// atStep is where a problem of the configuration stands in the step that makes it.
func (k *scenarioCheck) atStep(path string, step Step, c config.Config, problem string) string {
	for i, g := range c.GroupList {
		rest, ok := strings.CutPrefix(problem, config.IndexPath("groups", i)+".")
		if ok && g.Name == step.Group && k.r.Has(path+".set."+firstKey(rest)) {
			return path + ".set." + rest
		}
	}
	return path
}

func firstKey(path string) string {
	if i := strings.IndexAny(path, ".["); i >= 0 {
		return path[:i]
	}
	return path
}

// stepOrder are the indexes of the steps in the order of time.
func stepOrder(script []Step) []int {
	out := make([]int, len(script))
	for i := range out {
		out[i] = i
	}
	slices.SortStableFunc(out, func(a, b int) int { return cmp.Compare(script[a].At, script[b].At) })
	return out
}

// groupsBefore are the groups that are declared when a configure step begins.
func (k *scenarioCheck) groupsBefore(path string) []string {
	return namesOfGroups(k.configBefore(path))
}

// filtersBefore are the filters that are declared when a configure step begins.
func (k *scenarioCheck) filtersBefore(path string) []string {
	var out []string
	for _, f := range k.configBefore(path).FilterList {
		out = append(out, f.Name)
	}
	return out
}

// configBefore is the configuration when a configure step begins.
func (k *scenarioCheck) configBefore(path string) config.Config {
	current := k.s.Config
	for _, i := range stepOrder(k.s.Script) {
		if config.IndexPath("script", i) == path {
			break
		}
		if k.s.Script[i].Do == Configure {
			current = k.s.Script[i].configured(current, homeOf(k.s.Config))
		}
	}
	return current
}

// configAt is the configuration at an instant of the run.
func (k *scenarioCheck) configAt(at config.Duration) config.Config {
	out := k.s.Config
	for _, c := range k.s.configs() {
		if !c.since.After(Start().Add(time.Duration(at))) {
			out = c.Config
		}
	}
	return out
}

// groupsAt are the names of the groups at an instant, sorted.
func (k *scenarioCheck) groupsAt(at config.Duration) []string { return namesOfGroups(k.configAt(at)) }

func namesOfGroups(c config.Config) []string {
	out := make([]string, 0, len(c.GroupList))
	for _, g := range c.GroupList {
		out = append(out, g.Name)
	}
	slices.Sort(out)
	return out
}

// group finds a group of the configuration at an instant.
func (k *scenarioCheck) group(name string, at config.Duration) (config.Group, bool) {
	for _, g := range k.configAt(at).GroupList {
		if g.Name == name {
			return g, true
		}
	}
	return config.Group{}, false
}

// attachmentStates are the states of a transit gateway attachment (EC2 API, type
// TransitGatewayAttachmentState).
func attachmentStates() []string {
	return []string{
		"initiating", "initiatingRequest", "pendingAcceptance", "rollingBack", "pending", "available", "modifying",
		"deleting", "deleted", "failed", "rejected", "rejecting", "failing",
	}
}
