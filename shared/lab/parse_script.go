package lab

import (
	"fmt"
	"math"
	"net/netip"
	"slices"
	"strings"

	"detour/shared/config"
	"detour/shared/protection"
)

// verbs are the verbs of a script, with the keys that each takes beside at and do.
func verbs() []struct {
	verb Verb
	keys []string
} {
	return []struct {
		verb Verb
		keys []string
	}{
		{TunnelDown, []string{"vpn", "tunnel"}},
		{TunnelUp, []string{"vpn", "tunnel"}},
		{MakeRequest, []string{"group", "kind", "id", "path", "extent", "ignoreHealth", "immediate"}},
		{ClearRequest, []string{"group", "id"}},
		{WriteRoute, []string{"by", "table", "destination", "target"}},
		{LoseEvents, nil},
		{DeliverEvents, nil},
	}
}

// stepKeys are all keys of a step that depend on its verb.
func stepKeys() []string {
	return []string{"vpn", "tunnel", "group", "kind", "id", "path", "extent", "ignoreHealth", "immediate", "by", "table", "destination", "target"}
}

func (k *scenarioCheck) script() {
	for i, step := range k.s.Script {
		path := config.IndexPath("script", i)
		k.at(path, step.At)
		var names []string
		var takes []string
		for _, v := range verbs() {
			names = append(names, string(v.verb))
			if v.verb == step.Do {
				takes = v.keys
			}
		}
		if !k.oneOf(path+".do", string(step.Do), "is not a verb", names) {
			continue
		}
		for _, key := range stepKeys() {
			if k.r.Has(path+"."+key) && !slices.Contains(takes, key) {
				k.add(path+"."+key, "", "has no effect with do: "+string(step.Do), "remove it")
			}
		}
		switch step.Do {
		case TunnelDown, TunnelUp:
			k.tunnelStep(path, step)
		case MakeRequest:
			k.requestStep(path, step)
		case ClearRequest:
			k.clearStep(path, step)
		case WriteRoute:
			k.writeStep(path, step)
		case LoseEvents, DeliverEvents:
		}
	}
}

// at checks an instant of the run.
func (k *scenarioCheck) at(path string, at config.Duration) {
	path += ".at"
	switch {
	case !k.r.Has(path):
		k.add(path, "", "missing", "write the time since the start, such as 3m or 3m15s")
	case at < 0:
		k.add(path, at.String(), "is before the start", "write the time since the start, such as 3m")
	case k.s.Duration > 0 && at > k.s.Duration:
		k.add(path, at.String(), fmt.Sprintf("is after the end of the run (duration: %s)", k.s.Duration), "write an earlier time, or a longer duration")
	}
}

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
	known := k.oneOf(path+".group", step.Group, "is not a group of this file", append(k.groupNames(), EveryGroup))
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
		string(protection.ManualSwitch), string(protection.ManualSwitchToWorking), string(protection.Release),
	}
	known := k.oneOf(path+".kind", step.Kind, "is not a kind of request", kinds)
	names := k.groupNames()
	kind := protection.RequestKind(step.Kind)
	if kind == protection.Freeze || kind == protection.Release {
		names = append(names, EveryGroup)
	}
	if !k.oneOf(path+".group", step.Group, "is not a group of this file", names) || !known {
		return
	}
	switches := kind == protection.ForcedSwitch || kind == protection.ManualSwitch
	group, _ := k.group(step.Group)
	if switches || kind == protection.Lockout {
		var paths []string
		for _, p := range group.Paths {
			paths = append(paths, p.Name)
		}
		k.oneOf(path+".path", step.Path, "is not a path of group "+group.Name, paths)
	} else {
		k.useless(path, "path", kind)
	}
	if kind != protection.ManualSwitch && kind != protection.ManualSwitchToWorking {
		k.useless(path, "extent", kind)
	} else if step.Extent < 0 || step.Extent > len(group.Units) {
		k.add(path+".extent", fmt.Sprint(step.Extent), "is not a number of units that the group has", fmt.Sprintf("write 1 to %d, or leave it out for all", len(group.Units)))
	}
	if kind != protection.ForcedSwitch {
		k.useless(path, "ignoreHealth", kind)
	}
	if kind != protection.Freeze {
		k.useless(path, "immediate", kind)
	}
}

func (k *scenarioCheck) useless(path, key string, kind protection.RequestKind) {
	if k.r.Has(path + "." + key) {
		k.add(path+"."+key, "", "has no effect with kind: "+string(kind), "remove it")
	}
}

func (k *scenarioCheck) writeStep(path string, step Step) {
	k.required(path+".by", step.By, "write who writes the route, such as terraform")
	k.tableAndDestination(path, step.Table, step.Destination)
	if k.known && step.Target != "" {
		k.oneOf(path+".target", step.Target, "is not in the topology", k.targets)
	}
}

func (k *scenarioCheck) tableAndDestination(path, table, destination string) {
	if k.known {
		k.oneOf(path+".table", table, "is not in the topology", k.tables)
	}
	if !k.required(path+".destination", destination, "write a CIDR block such as 10.0.0.0/8") {
		return
	}
	prefix, err := netip.ParsePrefix(destination)
	switch {
	case err != nil:
		k.add(path+".destination", destination, "is not a CIDR block", "write for example 10.0.0.0/8")
	case prefix != prefix.Masked():
		k.add(path+".destination", destination, "has host bits set", "write "+prefix.Masked().String())
	case prefix.String() != destination:
		k.add(path+".destination", destination, "is not in its canonical spelling", "write "+prefix.String())
	}
}

func (k *scenarioCheck) expect() {
	e := k.s.Expect
	for i, reach := range e.Reach {
		k.reach(config.IndexPath("expect.reach", i), reach)
	}
	for i, table := range e.Tables {
		path := config.IndexPath("expect.tables", i)
		k.at(path, table.At)
		k.tableAndDestination(path, table.Table, table.Destination)
		if k.known {
			k.oneOf(path+".target", table.Target, "is not in the topology", append([]string{"none"}, k.targets...))
		}
	}
	if e.ConvergedBy < 0 || (k.s.Duration > 0 && e.ConvergedBy > k.s.Duration) {
		k.add("expect.convergedBy", e.ConvergedBy.String(), "is not within the run", "write a time up to the duration")
	}
	names := make([]string, 0, len(e.Metrics))
	for name := range e.Metrics {
		names = append(names, name)
	}
	slices.Sort(names)
	for _, name := range names {
		k.bound(config.KeyPath("expect.metrics", name), name, e.Metrics[name])
	}
}

func (k *scenarioCheck) reach(path string, reach ReachExpectation) {
	k.at(path, reach.At)
	if reach.Everyone {
		for _, key := range []string{"from", "to", "reachable"} {
			if k.r.Has(path + "." + key) {
				k.add(path+"."+key, "", "has no effect with everyone: true", "remove it")
			}
		}
		return
	}
	if !k.r.Has(path + ".reachable") {
		k.add(path+".reachable", "", "missing", "write reachable: true or reachable: false, or everyone: true in place of from and to")
	}
	if k.known {
		k.oneOf(path+".from", reach.From, "is not a host of the topology", k.hosts)
		k.oneOf(path+".to", reach.To, "is not a host of the topology", k.hosts)
	}
}

func (k *scenarioCheck) bound(path, name string, b Bound) {
	if _, known := (Metrics{}).ByName(name); !known {
		k.add(path, "", "is not a figure of a run", "write one of "+strings.Join(MetricNames(), ", "))
		return
	}
	switch {
	case b.Exactly == nil && b.Min == nil && b.Max == nil:
		k.add(path, "", "has no bound", "write exactly, min or max, such as {exactly: 2}")
	case b.Exactly != nil && (b.Min != nil || b.Max != nil):
		k.add(path+".exactly", "", "stands beside min or max", "write exactly alone, or min and max")
	case b.Min != nil && b.Max != nil && *b.Min > *b.Max:
		k.add(path+".min", fmt.Sprint(*b.Min), "is above max", "write a smaller number")
	}
	for _, value := range []*float64{b.Exactly, b.Min, b.Max} {
		if value != nil && (*value < 0 || math.IsNaN(*value)) {
			k.add(path, fmt.Sprint(*value), "is negative", "write a number of zero or more")
		}
	}
}

// MetricNames are the names of the figures that a scenario can bound.
func MetricNames() []string {
	return []string{"switchovers", "writes", "reads", "throttled", "routelessSeconds", "deadPathSeconds", "decisionToLastWriteSeconds"}
}
