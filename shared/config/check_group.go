package config

import (
	"fmt"
	"strings"

	"detour/shared/protection"
)

// maxPaths bounds the paths of a group, and maxName a name.
const (
	maxPaths = 16
	maxName  = 64
)

func (k *checker) group(path string, g Group) {
	k.uniqueName(path+".name", g.Name, "group", k.groups)
	k.groupHome(path+".home", g)
	if g.Mode != string(protection.Observe) && g.Mode != string(protection.Enforce) {
		k.wrongOrMissing(path+".mode", g.Mode, "is not a mode", "write observe or enforce")
	}
	k.restore(path, g)
	k.notNegative(path+".holdOff", g.HoldOff, "30s")
	named := k.paths(path+".paths", g)
	k.units(path+".units", g, named)
	if named {
		k.distinctPaths(path+".paths", g)
	}
}

// groupHome checks the home of a group where it is not the file's.
func (k *checker) groupHome(path string, g Group) {
	accounts, regions := g.owners()
	const several = "missing, and the group lies in several %s (%s)"
	switch {
	case k.homeGiven[0]:
	case g.Home.Account == "" && len(accounts) > 1:
		k.add(path+".account", "", fmt.Sprintf(several, "accounts", some(accounts)), "write the 12 digits of the account whose controller writes the group")
	default:
		k.account(path+".account", g.Home.Account, "of the account whose controller writes the group")
	}
	switch {
	case k.homeGiven[1]:
	case g.Home.Region == "" && len(regions) > 1:
		k.add(path+".region", "", fmt.Sprintf(several, "Regions", some(regions)), "write the Region in which the group's controller runs")
	default:
		k.region(path+".region", g.Home.Region, "in which the group's controller runs")
	}
}

// some joins the first few words.
func some(words []string) string {
	const most = 5
	if len(words) > most {
		return strings.Join(words[:most], ", ") + ", …"
	}
	return strings.Join(words, ", ")
}

// restore checks what says when a group goes back by itself.
func (k *checker) restore(path string, g Group) {
	path += ".waitToRestore"
	if g.Revertive {
		k.positive(path, g.WaitToRestore, "10m")
		return
	}
	if k.notNegative(path, g.WaitToRestore, "10m") && g.WaitToRestore != NewGroup().WaitToRestore {
		k.add(path, g.WaitToRestore.String(), "has no effect in a group that is not revertive", "write revertive: true, or leave waitToRestore out")
	}
}

// paths checks the group's paths, and reports whether each has a good name of
// its own, so that next hops can be compared with them.
func (k *checker) paths(path string, g Group) bool {
	switch {
	case len(g.Paths) == 0:
		k.add(path, "", "missing", "declare at least two paths, the working path first")
		return false
	case len(g.Paths) == 1:
		k.add(path, "", "there is only one path", "declare at least two, the working path first")
	case len(g.Paths) > maxPaths:
		k.add(path, "", fmt.Sprintf("there are %d paths", len(g.Paths)), fmt.Sprintf("declare at most %d", maxPaths))
		return false
	}
	named := true
	names, resources, alarms := map[string]string{}, map[string]string{}, map[string]alarmUse{}
	for i, p := range g.Paths {
		at := IndexPath(path, i)
		named = k.uniqueName(at+".name", p.Name, "path", names) && named
		k.path(at, g, p, resources)
		k.checks(at+".checks", g, p, alarms)
	}
	return named
}

// distinctPaths refuses a path that would change no route when it is chosen
// instead of another one.
func (k *checker) distinctPaths(path string, g Group) {
	seen := map[string]string{}
	for i, p := range g.Paths {
		var hops strings.Builder
		for _, unit := range g.Units {
			for _, entry := range unit.Entries {
				if entry.NextHops[p.Name] == "" {
					return // The missing next hop is a problem of its own.
				}
				hops.WriteString(entry.NextHops[p.Name] + "\n")
			}
		}
		if hops.Len() == 0 {
			return
		}
		if first, same := seen[hops.String()]; same {
			k.add(IndexPath(path, i), p.Name, fmt.Sprintf("has the same next hops as path %q, so a move between them would change no route", first), "give it a target of its own in at least one entry")
			continue
		}
		seen[hops.String()] = p.Name
	}
}

// uniqueName checks a name of the sort ("group", "path" or "unit") and remembers
// where it stands.
func (k *checker) uniqueName(path, name, sort string, seen map[string]string) bool {
	if !validName(name) {
		k.wrongOrMissing(path, name, "is not a name", nameRemedy)
		return false
	}
	if first, twice := seen[name]; twice {
		k.add(path, name, fmt.Sprintf("is the name of another %s too, %s", sort, first), "give each "+sort+" a name of its own")
		return false
	}
	seen[name] = strings.TrimSuffix(path, ".name")
	return true
}

const nameRemedy = "write at most 64 letters, digits, hyphens and underscores, a letter or digit first"

func validName(name string) bool {
	if name == "" || len(name) > maxName || name[0] == '-' || name[0] == '_' {
		return false
	}
	return allOf(name, nameByte)
}

func nameByte(b byte) bool {
	return b >= '0' && b <= '9' || b >= 'a' && b <= 'z' || b >= 'A' && b <= 'Z' || b == '-' || b == '_'
}

func allOf(text string, ok func(byte) bool) bool {
	for i := range len(text) {
		if !ok(text[i]) {
			return false
		}
	}
	return true
}

// wrongOrMissing adds a problem with the value, or the problem that there is
// none.
func (k *checker) wrongOrMissing(path, value, what, remedy string) {
	if value == "" {
		what = "missing"
	}
	k.add(path, value, what, remedy)
}

// owner checks the account and Region of a resource where they are not just the
// group's home, which has been checked already.
func (k *checker) owner(path string, home Home, account, region, sort string) bool {
	ok := true
	if account != home.Account {
		ok = k.account(path+".account", account, "of the account that owns the "+sort)
	}
	if region != home.Region {
		ok = k.region(path+".region", region, "of the "+sort) && ok
	}
	return ok
}

// sameOwner checks that a resource is declared with one owner only.
func (k *checker) sameOwner(path, id, account, region string) {
	first, twice := k.owned[id]
	switch {
	case !twice:
		k.owned[id] = owner{account, region, path}
	case first.account != account:
		k.add(path+".account", account, fmt.Sprintf("is not the account that %s has at %s (%s)", id, first.path, first.account), "write the same account in both places")
	case first.region != region:
		k.add(path+".region", region, fmt.Sprintf("is not the Region that %s has at %s (%s)", id, first.path, first.region), "write the same Region in both places")
	}
}

func (k *checker) account(path, account, whose string) bool {
	const digits = 12
	ok := len(account) == digits && allOf(account, func(b byte) bool { return b >= '0' && b <= '9' })
	if !ok {
		k.wrongOrMissing(path, account, "is not an account number", "write the 12 digits "+whose)
	}
	return ok
}

// region checks the shape of a Region's name, such as eu-central-1 or
// us-gov-west-1. Which Regions there are is not known here.
func (k *checker) region(path, region, whose string) bool {
	parts := strings.Split(region, "-")
	ok := len(parts) >= 3
	for i, part := range parts {
		letters, digits := allOf(part, func(b byte) bool { return b >= 'a' && b <= 'z' }), allOf(part, func(b byte) bool { return b >= '0' && b <= '9' })
		last := i == len(parts)-1
		ok = ok && part != "" && (last && digits || !last && letters)
	}
	if !ok {
		k.wrongOrMissing(path, region, "is not the name of a Region", "write the Region "+whose+", such as eu-central-1")
	}
	return ok
}
