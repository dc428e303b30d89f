package lab

import (
	"fmt"
	"slices"
	"strconv"
	"time"

	"detour/shared/config"
	"detour/shared/protection"
)

// instant draws a time of the fault phase.
func (g *generator) instant() config.Duration {
	return config.Duration(time.Duration(g.rng.IntN(int(faultPhase/time.Second))) * time.Second)
}

// events draws what happens: mostly ways out that fail and recover, some requests
// of operators, some writes by others, and changes of alarms and prefix lists.
func (g *generator) events() {
	for range 3 + g.rng.IntN(14) {
		at := g.instant()
		switch p := g.rng.Float64(); {
		case p < 0.62:
			g.fails(at)
		case p < 0.67:
			g.alarm(at)
		case p < 0.83:
			g.operator(at)
		case p < 0.90:
			g.edit(at)
		default:
			g.meddle(at)
		}
	}
	g.endWhatPasses()
	g.endWhatIsFinal()
}

// endWhatPasses ends every state of an attachment in which AWS leaves none: one
// that is being changed or is pending becomes available, one that is being deleted
// is deleted. AWS refuses routes to it meanwhile, so a group could wait for ever.
func (g *generator) endWhatPasses() {
	passing := map[string]string{"modifying": valueAvailable, "pending": valueAvailable, "deleting": "deleted"}
	steps := inOrder(g.s.Script)
	for i, step := range steps {
		next, passes := passing[step.State]
		if step.Do != AttachmentState || !passes {
			continue
		}
		end := step.At + config.Duration(time.Duration(10+g.rng.IntN(50))*time.Second)
		end = max(step.At, min(end, config.Duration(faultPhase-time.Second)))
		sooner := slices.ContainsFunc(steps[i+1:], func(s Step) bool {
			return s.Do == AttachmentState && s.Attachment == step.Attachment && s.At <= end
		})
		if !sooner {
			step.At, step.State = end, next
			g.add(step)
		}
	}
}

// endWhatIsFinal takes out the steps that would bring back what does not come
// back: a deleted attachment, a terminated instance, a deleted alarm.
func (g *generator) endWhatIsFinal() {
	end := map[string]*Step{}
	boxOf := map[string]string{}
	for _, a := range g.s.Topology.Appliances {
		boxOf[a.Interface] = a.Instance // The interface goes with its instance.
	}
	ends := func(step Step) (what string, final bool) {
		switch step.Do {
		case AttachmentState:
			return step.Attachment, step.State == "deleted"
		case InstanceTerminate:
			return step.Instance, true
		case DeleteAlarm:
			return step.Name, true
		default:
			return step.Instance + boxOf[step.Interface] + step.Attachment + step.Name, false
		}
	}
	steps := inOrder(g.s.Script)
	for _, step := range steps {
		if what, final := ends(step); final && end[what] == nil {
			end[what] = &step
		}
	}
	// Steps of one instant have no order, so that instant is too late as well.
	g.s.Script = slices.DeleteFunc(steps, func(step Step) bool {
		what, final := ends(step)
		last := end[what]
		return last != nil && step.At >= last.At && (!final || step.At != last.At)
	})
}

func (g *generator) add(step Step) { g.s.Script = append(g.s.Script, step) }

// groupsAt are the groups that are declared at an instant.
func (g *generator) groupsAt(at config.Duration) []config.Group {
	out := g.s.Config.GroupList
	for _, c := range g.s.configs() {
		if !c.since.After(Start().Add(time.Duration(at))) {
			out = c.GroupList
		}
	}
	return out
}

// fails fails a way out or mends it; mostly one that a group uses.
func (g *generator) fails(at config.Duration) {
	var used []wayOut
	for _, out := range g.outs {
		for _, group := range g.s.Config.GroupList {
			if slices.ContainsFunc(group.Paths, func(p config.Path) bool {
				return p.VPN == out.path.VPN && p.Attachment == out.path.Attachment && p.Interface == out.path.Interface
			}) {
				used = append(used, out)
				break
			}
		}
	}
	from := g.outs
	if g.chance(0.9) {
		from = used
	}
	out := oneOfList(g, from)
	g.add(oneOfList(g, out.events)(at, g.chance(0.4)))
	if gateways := g.s.Topology.VPNGateways; len(gateways) > 0 && g.chance(0.03) {
		g.add(Step{At: at, Do: pick(g.chance(0.5), GatewayAttached, GatewayDetached), Gateway: oneOfList(g, gateways).ID})
	}
}

// alarm gives an alarm a state, true or false, or ends that.
func (g *generator) alarm(at config.Duration) {
	if len(g.s.Topology.Alarms) == 0 {
		g.fails(at)
		return
	}
	name := oneOfList(g, g.s.Topology.Alarms).Name
	if len(g.standing) > 0 && g.chance(0.6) {
		name = oneOfList(g, g.standing)
	}
	switch {
	case g.chance(0.05):
		g.add(Step{At: at, Do: DeleteAlarm, Name: name})
	default:
		states := []string{"ALARM", "ALARM", "OK", "INSUFFICIENT_DATA"}
		if !slices.Contains(g.standing, name) {
			states = append(states, follow, follow)
		}
		g.add(Step{At: at, Do: SetAlarm, Name: name, State: oneOfList(g, states)})
	}
}

func (g *generator) operator(at config.Duration) {
	groups := g.groupsAt(at)
	group := oneOfList(g, groups)
	kind := oneOfList(g, []protection.RequestKind{
		protection.Freeze, protection.Lockout, protection.ForcedSwitch, protection.ForcedSwitch, protection.ManualSwitch,
		protection.ManualSwitch, protection.ManualSwitchToWorking, protection.Release, protection.AdoptAnew,
	})
	step := Step{At: at, Do: MakeRequest, Group: group.Name, Kind: string(kind), ID: fmt.Sprintf("r%d", len(g.s.Script)+1)}
	switch kind {
	case protection.Lockout, protection.ForcedSwitch, protection.ManualSwitch:
		step.Path = oneOfList(g, group.Paths).Name
		step.IgnoreHealth = kind == protection.ForcedSwitch && g.chance(0.3)
	case protection.Freeze:
		step.Immediate = g.chance(0.5)
	case protection.ManualSwitchToWorking, protection.Release, protection.AdoptAnew, protection.FailbackAbort:
	}
	if lists := g.s.Topology.PrefixLists; len(lists) > 0 && kind == protection.ManualSwitch && g.chance(0.3) {
		step.Lists = map[string]int{oneOfList(g, lists).ID: 1}
	}
	if forEveryone(kind) && g.chance(0.3) {
		step.Group = EveryGroup
	}
	g.add(step)
	if kind == protection.Freeze || (step.Group != EveryGroup && g.chance(0.5)) {
		g.clears(step)
	}
}

// clears has the request cleared later, if its group is still there then.
func (g *generator) clears(request Step) {
	later := request.At + config.Duration(time.Duration(10+g.rng.IntN(200))*time.Second)
	there := request.Group == EveryGroup || slices.ContainsFunc(g.groupsAt(later), func(c config.Group) bool { return c.Name == request.Group })
	if time.Duration(later) < faultPhase && there {
		g.add(Step{At: later, Do: ClearRequest, Group: request.Group, ID: request.ID})
	}
}

// edit is somebody else who changes a prefix list.
func (g *generator) edit(at config.Duration) {
	lists := g.s.Topology.PrefixLists
	if len(lists) == 0 {
		g.fails(at)
		return
	}
	n := g.rng.IntN(len(lists))
	step := Step{At: at, Do: EditPrefixList, By: "somebody", List: lists[n].ID}
	block := listBlock(n, g.rng.IntN(5))
	if g.chance(0.2) {
		block = "10.240.1.0/24" // Within neverBlock.
	}
	if g.chance(0.6) {
		step.Add = []string{block}
	} else {
		step.Remove = []string{block}
	}
	g.add(step)
}

// meddle is somebody else who removes one route, points it elsewhere, or moves
// all routes of a group.
func (g *generator) meddle(at config.Duration) {
	group := oneOfList(g, g.groupsAt(at))
	path := oneOfList(g, group.Paths).Name
	all := g.chance(0.3)
	for _, unit := range group.Units {
		for _, entry := range unit.Entries {
			if !all && !g.chance(0.3) {
				continue
			}
			step := Step{At: at, Do: WriteRoute, By: "somebody", Table: entry.Table, Destination: entry.Destination, Target: entry.NextHops[path]}
			switch {
			case all:
			case g.chance(0.25):
				step.Target = ""
			case g.chance(0.25):
				step.Target = g.foreignTarget(entry)
			}
			g.add(step)
		}
	}
}

// configure draws a change of the configuration in the middle of the run.
func (g *generator) configure() {
	if !g.chance(0.4) {
		return
	}
	group := oneOfList(g, g.s.Config.GroupList)
	step := Step{At: g.instant(), Do: Configure, Group: group.Name}
	change := &GroupChange{}
	switch p := g.rng.Float64(); {
	case p < 0.2:
		mode := "enforce"
		if group.Mode == mode {
			mode = "observe"
		}
		change.Mode = &mode
	case p < 0.5 && len(group.Paths) > 2:
		g.withoutPath(change, group)
	case p < 0.62:
		change.Units = append(slices.Clone(group.Units), g.newUnit(group))
	case p < 0.7 && len(group.Units) > 1:
		change.Units = group.Units[:len(group.Units)-1]
	case p < 0.8:
		revertive := !group.Revertive
		change.Revertive = &revertive
		if revertive {
			wait := g.oneOf(30*time.Second, 2*time.Minute)
			change.WaitToRestore = &wait
		}
	case p < 0.95 && len(g.s.Config.GroupList) > 1:
		change, step.Removed = nil, true
	default:
		hold := g.oneOf(0, 20*time.Second)
		change.HoldOff = &hold
	}
	step.Set = change
	g.add(step)
}

// withoutPath takes one path out of a group.
func (g *generator) withoutPath(change *GroupChange, group config.Group) {
	gone := oneOfList(g, group.Paths).Name
	change.Paths = slices.DeleteFunc(slices.Clone(group.Paths), func(p config.Path) bool { return p.Name == gone })
	for _, unit := range group.Units {
		unit.Entries = slices.Clone(unit.Entries)
		for i, entry := range unit.Entries {
			hops := map[string]string{}
			for name, hop := range entry.NextHops {
				if name != gone {
					hops[name] = hop
				}
			}
			unit.Entries[i].NextHops = hops
		}
		change.Units = append(change.Units, unit)
	}
}

// newUnit has an entry beside one of the group's, for which no route stands yet.
func (g *generator) newUnit(group config.Group) config.Unit {
	entry := oneOfList(g, oneOfList(g, group.Units).Entries)
	number, _ := strconv.Atoi(group.Name[len("group-"):])
	entry.Destination = fmt.Sprintf("10.%d.%d.0/24", number, 100+g.rng.IntN(50))
	return config.Unit{Name: "unit-new", Entries: []config.Entry{entry}}
}
