package lab

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"

	"detour/shared/sim"
)

// health tells what becomes of everything that is no tunnel, and what AWS shows
// of it. Sessions of one Connect peer that change together share a line.
func (t *timeline) health() {
	type key struct {
		at                    time.Time
		resource, field, kind string
		value                 string
	}
	var changes bundle[key]
	known := map[[2]string]map[string]string{} // by resource and field: the values of its parts
	for _, c := range t.res.Rig.World.HealthHistory() {
		at := [2]string{c.Resource + "/" + c.Kind, c.Field}
		if known[at] == nil {
			known[at] = map[string]string{}
		}
		before, had := known[at][c.Part]
		known[at][c.Part] = c.Value
		if !had || before == c.Value {
			continue // What holds at the start, or holds on.
		}
		changes.add(key{c.At, c.Resource, c.Field, c.Kind, c.Value}, c.Part)
	}
	for k, parts := range changes.all() {
		change := sim.HealthChange{At: k.at, Resource: k.resource, Field: k.field, Value: k.value, Kind: k.kind}
		if k.kind == sim.HealthShown {
			other := k
			other.kind = sim.HealthTruth
			t.shown(change, parts, changes.has(other))
			continue
		}
		if text, tone := truthWords(change, parts); text != "" {
			t.add(k.at, rankNetwork, "network", tone, "%s", text)
		}
	}
}

// shown tells what an API came to show, unless it became true at that instant.
func (t *timeline) shown(c sim.HealthChange, parts []string, atOnce bool) {
	if atOnce {
		return
	}
	if c.Field == fieldAlarm {
		tone := map[string]tone{"OK": good, "ALARM": bad}[c.Value]
		t.add(c.At, rankAWS, "AWS", tone, "alarm %s goes to %s", c.Resource, c.Value)
		return
	}
	if text := shownWords(c, parts); text != "" {
		t.add(c.At, rankAWS, "AWS", plain, "now shows in its API that %s", text)
	}
}

// truthWords says a change of the truth; empty: it is not worth a line.
func truthWords(c sim.HealthChange, parts []string) (string, tone) {
	better := goodValue(c)
	tone := bad
	if better {
		tone = good
	}
	pick := func(yes, no string) string {
		if better {
			return yes
		}
		return no
	}
	what := ""
	switch c.Field {
	case fieldSession:
		what = fmt.Sprintf("%s (%s) %s", plural(len(parts), "BGP session"), listing(parts), verb(len(parts), better))
	case fieldForwarding:
		what = pick("its routing process works again", "its routing process hangs; EC2 shows nothing of it")
	case fieldUplink:
		what = pick("its line to the site comes up", "its line to the site dies")
	case fieldLine:
		what = pick("the line behind it comes up", "the line behind it dies")
	case fieldInstance:
		what = "the instance is " + c.Value
	case fieldChecks:
		what = "the instance check would be " + c.Value
	case fieldSystem:
		what = "the system check would be " + c.Value
	case fieldSourceDest:
		what = pick("the source/destination check is off", "the source/destination check is on, and drops what the router forwards")
	case fieldInterface:
		what = pick("the interface is "+c.Value, "the interface is deleted")
	case fieldGateway:
		what = "the gateway is " + c.Value
	case fieldAttachment:
		what = "the attachment is " + c.Value
	default:
		return "", plain
	}
	return c.Resource + ": " + what, tone
}

// goodValue reports whether a value is the one that a working path has.
func goodValue(c sim.HealthChange) bool {
	return slices.Contains([]string{valueUp, "works", valueRunning, valueOK, "in-use", "attached", valueAvailable}, c.Value) ||
		c.Field == fieldSourceDest && c.Value == "false"
}

func verb(n int, up bool) string {
	switch {
	case up && n > 1:
		return "come up"
	case up:
		return "comes up"
	case n > 1:
		return "die"
	default:
		return "dies"
	}
}

// shownWords says what an API shows; empty: it is not worth a line.
func shownWords(c sim.HealthChange, parts []string) string {
	switch c.Field {
	case fieldSession:
		is := "is"
		if len(parts) > 1 {
			is = "are"
		}
		return fmt.Sprintf("%s of %s %s %s (%s)", plural(len(parts), "BGP session"), c.Resource, is, c.Value, listing(parts))
	case fieldPeer:
		return fmt.Sprintf("Connect peer %s is %s", c.Resource, c.Value)
	case fieldChecks:
		return fmt.Sprintf("the instance check of %s is %s", c.Resource, c.Value)
	case fieldSystem:
		return fmt.Sprintf("the system check of %s is %s", c.Resource, c.Value)
	case fieldInstance:
		return fmt.Sprintf("instance %s is %s", c.Resource, c.Value)
	case fieldAttachment:
		return fmt.Sprintf("attachment %s is %s", c.Resource, c.Value)
	default:
		return ""
	}
}

// configureWords says a change of the configuration.
func configureWords(step Step) string {
	switch {
	case step.Filter != "" && step.Removed:
		return fmt.Sprintf("takes filter %s out of the configuration", step.Filter)
	case step.Declare != nil:
		return fmt.Sprintf("declares filter %s: %s in %s, %s", step.Filter, step.Declare.Action, strings.Join(step.Declare.Tables, " "), strings.Join(step.Declare.Rules, ", "))
	case step.Removed:
		return fmt.Sprintf("takes group %s out of the configuration", step.Group)
	}
	text, err := json.Marshal(step.Set)
	if err != nil {
		panic(err) // It holds plain values only.
	}
	var keys map[string]json.RawMessage
	if err := json.Unmarshal(text, &keys); err != nil {
		panic(err) // It was written just now.
	}
	var parts []string
	for _, key := range []string{"mode", "priority", "stateful", "revertive", "waitToRestore", "holdOff", "switchOnDegrade", "takeOver"} {
		if value, ok := keys[key]; ok {
			parts = append(parts, key+" "+strings.Trim(string(value), `"`))
		}
	}
	if step.Set.Paths != nil {
		var names []string
		for _, p := range step.Set.Paths {
			names = append(names, p.Name)
		}
		parts = append(parts, "paths "+strings.Join(names, " "))
	}
	if step.Set.Units != nil {
		routes := 0
		for _, u := range step.Set.Units {
			routes += len(u.Entries)
		}
		parts = append(parts, fmt.Sprintf("%s with %s", plural(len(step.Set.Units), "unit"), plural(routes, "route")))
	}
	return fmt.Sprintf("changes the configuration of %s: %s", step.Group, strings.Join(parts, ", "))
}
