package config

import (
	"fmt"
	"net/netip"
	"strings"

	"detour/shared/health"
	"detour/shared/protection"
)

// maxChecks bounds the checks of a path. maxAlarm is how many characters the
// name of an alarm has at most (CloudWatch API, PutMetricAlarm).
const (
	maxChecks = 16
	maxAlarm  = 255
)

// pin is an address that a check is pinned to, and the table whose route leads
// to it.
type pin struct {
	path, table string
	addr        netip.Addr
}

// alarmUse is where an alarm speaks for a path, and whether as an activeOnly
// check.
type alarmUse struct {
	path       string
	activeOnly bool
}

// checks checks the alarms of a path. seen are the group's alarms.
func (k *checker) checks(path string, g Group, p Path, seen map[string]alarmUse) {
	if len(p.Checks) > maxChecks {
		k.add(path, "", fmt.Sprintf("there are %d checks", len(p.Checks)), fmt.Sprintf("write at most %d, or combine alarms in a composite one", maxChecks))
		return
	}
	valid := false
	for i, check := range p.Checks {
		at := IndexPath(path, i)
		k.owner(at, Home{p.Account, p.Region}, check.Account, check.Region, "alarm")
		k.alarm(at, check, seen)
		k.proof(at, p, check)
		valid = valid || check.Pinned != "" || check.OnBox
	}
	needs := p.Kind == string(health.KindAppliance) || p.Kind == string(health.KindAttachment)
	if !needs || valid || g.Mode != string(protection.Enforce) {
		return
	}
	what := "missing"
	if len(p.Checks) > 0 {
		what = "none of these checks is pinned to the path"
	}
	remedy := "write a check with pinned: and via:, or mode: observe"
	if p.Kind == string(health.KindAppliance) {
		remedy = "write a check with onBox: true, or with pinned: and via:, or mode: observe"
	}
	k.add(path, "", fmt.Sprintf("%s, and a path of kind %s proves nothing without one, so the group could not be in mode enforce", what, p.Kind), remedy)
}

// alarm checks the name of an alarm, and that it does not speak for two paths.
func (k *checker) alarm(path string, check PathCheck, seen map[string]alarmUse) {
	name := check.Alarm
	if strings.HasPrefix(name, "arn:") {
		k.add(path+".alarm", name, "is an ARN", "write the alarm's name, and account and region where they are not those of the path")
		return
	}
	if name == "" || len([]rune(name)) > maxAlarm || !allOf(name, func(b byte) bool { return b >= ' ' && b != 0x7f }) {
		k.wrongOrMissing(path+".alarm", name, "is not the name of an alarm", "write the name of a CloudWatch alarm, at most 255 characters")
		return
	}
	id := strings.Join([]string{check.Account, check.Region, name}, "\n")
	first, twice := seen[id]
	if !twice {
		seen[id] = alarmUse{path, check.ActiveOnly}
		return
	}
	owner, _, _ := strings.Cut(path, ".checks")
	if other, _, _ := strings.Cut(first.path, ".checks"); other == owner {
		k.add(path+".alarm", name, "is listed twice, first at "+first.path, "remove one of the two")
	} else if !first.activeOnly || !check.ActiveOnly {
		k.add(path+".alarm", name, "speaks for another path of the group too, "+first.path, "give each path an alarm of its own; one alarm follows two paths only where both say activeOnly: true")
	}
}

// proof checks that the check says in exactly one way how its traffic takes the
// path.
func (k *checker) proof(path string, p Path, check PathCheck) {
	ways := make([]string, 0, 3)
	for _, way := range []struct {
		key string
		set bool
	}{{"pinned", check.Pinned != ""}, {"onBox", check.OnBox}, {"activeOnly", check.ActiveOnly}} {
		if way.set {
			ways = append(ways, way.key)
		}
	}
	switch {
	case len(ways) == 0 && check.Via != "":
		k.add(path+".pinned", "", "missing, although there is via", "write the address that the check speaks to, or remove via")
	case len(ways) == 0:
		k.add(path, check.Alarm, "does not say how its traffic takes the path", "write pinned: with via:, onBox: true, or activeOnly: true where it follows the routes")
	case len(ways) > 1:
		k.add(path, check.Alarm, "has "+strings.Join(ways, " and "), "keep one of them")
	}
	if check.OnBox && p.Kind != string(health.KindAppliance) && knownKind(p.Kind) {
		k.add(path+".onBox", "true", fmt.Sprintf("has no effect on a path of kind %s", p.Kind), "pin the check with pinned: and via:, or write activeOnly: true")
	}
	switch {
	case check.Pinned != "":
		k.pinnedCheck(path, check)
	case len(ways) > 0 && check.Via != "":
		k.add(path+".via", check.Via, "has no effect without pinned", "remove it, or write pinned: and the address")
	}
}

// pinnedCheck checks the address and the table of a check that is pinned, and remembers
// the two for pinned.
func (k *checker) pinnedCheck(path string, check PathCheck) {
	addr, ok := k.address(path+".pinned", check.Pinned)
	if check.Via == "" {
		if ok {
			k.add(path+".via", "", "missing", "write the route table that leads to "+check.Pinned+" over this path alone")
		}
		return
	}
	if _, tableOK := k.tableRef(path+".via", check.Via); ok && tableOK {
		k.pins = append(k.pins, pin{path + ".pinned", check.Via, addr})
	}
}

// address checks an address that a check is pinned to.
func (k *checker) address(path, text string) (netip.Addr, bool) {
	addr, err := netip.ParseAddr(text)
	alone, rest, _ := strings.Cut(text, " ")
	table, via := strings.CutPrefix(strings.TrimSpace(rest), "via ")
	prefix, prefixErr := netip.ParsePrefix(text)
	switch {
	case err != nil && via:
		k.add(path, text, "is an address and a table in one", fmt.Sprintf("write two keys, pinned: %s and via: %s", alone, strings.TrimSpace(table)))
	case err != nil && prefixErr == nil:
		k.add(path, text, "is a CIDR block, not an address", "write "+prefix.Addr().String())
	case err != nil:
		k.add(path, text, "is not an address", "write an address such as 10.0.0.1 or 2001:db8::1")
	case addr.Zone() != "":
		k.add(path, text, "is an address with a zone, which no route can lead to", "write an address such as 2001:db8::1")
	case addr.Is4In6():
		k.add(path, text, "is an IPv4 address in IPv6 notation", "write "+addr.Unmap().String())
	default:
		return addr, true
	}
	return netip.Addr{}, false
}

// pinned refuses a pin that an entry of any group covers: the check's traffic
// would follow the routes that Detour moves.
func (k *checker) pinned() {
	for _, pin := range k.pins {
		for block := range blocksAround(pin.addr, pin.addr.BitLen()) {
			if entry, ok := k.seen[entryID{pin.table, block}]; ok {
				k.add(pin.path, pin.addr.String(), fmt.Sprintf("lies in %s, which %s moves in table %s, so the check would follow the moves", block, entry, pin.table),
					"pin the check to an address outside of all entries of that table, such as a loopback of the peer with a route of its own")
				break
			}
		}
	}
}
