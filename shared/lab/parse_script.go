package lab

import (
	"fmt"
	"math"
	"net/netip"
	"slices"
	"strings"

	"detour/shared/config"
)

// verbRule is a verb of a script with the keys that it takes beside at and do,
// and the check of their values.
type verbRule struct {
	verb  Verb
	keys  []string
	check func(k *scenarioCheck, path string, step Step)
}

// verbs are the verbs of a script, in the order in which they are listed.
func verbs() []verbRule {
	appliance := []string{"instance"}
	return []verbRule{
		{TunnelDown, []string{"vpn", "tunnel"}, (*scenarioCheck).tunnelStep},
		{TunnelUp, []string{"vpn", "tunnel"}, (*scenarioCheck).tunnelStep},
		{InstanceStop, appliance, (*scenarioCheck).instanceStep},
		{InstanceStart, appliance, (*scenarioCheck).instanceStep},
		{InstanceTerminate, appliance, (*scenarioCheck).instanceStep},
		{InstanceImpaired, []string{"instance", "check"}, (*scenarioCheck).instanceStep},
		{InstanceOK, appliance, (*scenarioCheck).instanceStep},
		{ForwardingStops, appliance, (*scenarioCheck).instanceStep},
		{ForwardingWorks, appliance, (*scenarioCheck).instanceStep},
		{LineDown, appliance, (*scenarioCheck).instanceStep},
		{LineUp, appliance, (*scenarioCheck).instanceStep},
		{SourceDestCheckOn, []string{"interface"}, (*scenarioCheck).interfaceStep},
		{SourceDestCheckOff, []string{"interface"}, (*scenarioCheck).interfaceStep},
		{SessionDown, []string{"peer", "session"}, (*scenarioCheck).sessionStep},
		{SessionUp, []string{"peer", "session"}, (*scenarioCheck).sessionStep},
		{BGPDown, []string{"vpn", "tunnel"}, (*scenarioCheck).bgpStep},
		{BGPUp, []string{"vpn", "tunnel"}, (*scenarioCheck).bgpStep},
		{Announce, []string{"speaker", "prefix", "asPath", "med", "nextHopSelf"}, (*scenarioCheck).announceStep},
		{Withdraw, []string{"speaker", "prefix"}, (*scenarioCheck).withdrawStep},
		{SetRouterRoute, []string{"site", "destination", "via"}, (*scenarioCheck).routerRouteStep},
		{DirectConnectDown, []string{"attachment"}, (*scenarioCheck).directConnectStep},
		{DirectConnectUp, []string{"attachment"}, (*scenarioCheck).directConnectStep},
		{PeeringDown, []string{"attachment"}, (*scenarioCheck).peeringStep},
		{PeeringUp, []string{"attachment"}, (*scenarioCheck).peeringStep},
		{GatewayDetached, []string{"gateway"}, (*scenarioCheck).gatewayStep},
		{GatewayAttached, []string{"gateway"}, (*scenarioCheck).gatewayStep},
		{AttachmentState, []string{"attachment", "state"}, (*scenarioCheck).attachmentStep},
		{SetAlarm, []string{"name", "state"}, (*scenarioCheck).alarmStep},
		{DeleteAlarm, []string{"name"}, (*scenarioCheck).alarmStep},
		{EditPrefixList, []string{"by", "list", "add", "remove"}, (*scenarioCheck).listStep},
		{MakeRequest, []string{"group", "kind", "id", "path", "extent", "ignoreHealth", "immediate", "unproven", "lists"}, (*scenarioCheck).requestStep},
		{ClearRequest, []string{"group", "id"}, (*scenarioCheck).clearStep},
		{FailbackStart, []string{"group", "id", "by", "unproven"}, (*scenarioCheck).failbackStep},
		{FailbackApprove, []string{"group", "by", "plan"}, (*scenarioCheck).failbackStep},
		{FailbackReject, []string{"group", "by"}, (*scenarioCheck).failbackStep},
		{FailbackAbort, []string{"group", "by"}, (*scenarioCheck).failbackStep},
		{StopExecution, []string{"group", "by"}, (*scenarioCheck).failbackStep},
		{Configure, []string{"group", "set", "removed", "filter", "declare"}, (*scenarioCheck).configureStep},
		{WriteRoute, []string{"by", "table", "destination", "target"}, (*scenarioCheck).writeStep},
		{LoseEvents, nil, nil},
		{DeliverEvents, nil, nil},
	}
}

// stepKeys are all keys of a step that depend on its verb.
func stepKeys() []string {
	var out []string
	for _, v := range verbs() {
		for _, key := range v.keys {
			if !slices.Contains(out, key) {
				out = append(out, key)
			}
		}
	}
	return out
}

func (k *scenarioCheck) script() {
	rules := map[Verb]verbRule{}
	var names []string
	for _, v := range verbs() {
		names = append(names, string(v.verb))
		rules[v.verb] = v
	}
	for i, step := range k.s.Script {
		path := config.IndexPath("script", i)
		k.at(path, step.At)
		rule, known := rules[step.Do]
		if !known {
			k.unknownVerb(path+".do", string(step.Do), names)
			continue
		}
		for _, key := range stepKeys() {
			if k.r.Has(path+"."+key) && !slices.Contains(rule.keys, key) {
				k.add(path+"."+key, "", "has no effect with do: "+string(step.Do), "remove it")
			}
		}
		if rule.check != nil {
			rule.check(k, path, step)
		}
	}
	k.configures()
}

func (k *scenarioCheck) unknownVerb(path, verb string, names []string) {
	if verb == "" {
		k.add(path, "", "missing", "write one of "+strings.Join(names, ", "))
		return
	}
	k.add(path, verb, "is not a verb", Nearest(verb, names))
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

func (k *scenarioCheck) tableAndDestination(path, table, destination string) {
	k.inTopology(path+".table", table, "is not in the topology", k.tables)
	if !k.required(path+".destination", destination, "write a CIDR block such as 10.0.0.0/8") {
		return
	}
	if strings.HasPrefix(destination, "pl-") {
		k.inTopology(path+".destination", destination, "is not a prefix list of the topology", k.lists)
		return
	}
	k.block(path+".destination", destination)
}

// block checks a CIDR block in its canonical spelling.
func (k *scenarioCheck) block(path, text string) {
	prefix, err := netip.ParsePrefix(text)
	switch {
	case err != nil:
		k.add(path, text, "is not a CIDR block", "write for example 10.0.0.0/8")
	case prefix != prefix.Masked():
		k.add(path, text, "has host bits set", "write "+prefix.Masked().String())
	case prefix.String() != text:
		k.add(path, text, "is not in its canonical spelling", "write "+prefix.String())
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
		k.tableTarget(path, table)
	}
	k.failbacks()
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

// tableTarget checks that an expectation of a table says where either the static or
// the learned route points.
func (k *scenarioCheck) tableTarget(path string, table TableExpectation) {
	known := append([]string{noRoute}, k.targets...)
	switch {
	case k.r.Has(path+".learned") && k.r.Has(path+".target"):
		k.add(path+".learned", table.Learned, "stands beside target", "write target for the static route, or learned for the one that is learned")
	case k.r.Has(path + ".learned"):
		k.inTopology(path+".learned", table.Learned, "is not in the topology", known)
	default:
		k.inTopology(path+".target", table.Target, "is not in the topology", known)
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
	k.inTopology(path+".from", reach.From, "is not a host of the topology", k.hosts)
	k.inTopology(path+".to", reach.To, "is not a host of the topology", k.hosts)
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
