package privilege

import (
	"embed"
	"fmt"
	"slices"
	"strings"
	"time"

	"detour/shared/failback"
	"detour/shared/lab"
)

//go:embed scenarios/*.yaml
var files embed.FS

// Cases are the scenarios that together need all that the policies of their
// configurations allow, without identities. They come from this package, and from
// those of package lab.
func Cases() ([]Case, error) {
	var out []Case
	entries, err := files.ReadDir("scenarios")
	if err != nil {
		return nil, fmt.Errorf("reading the scenarios of privileges: %w", err)
	}
	for _, entry := range entries {
		data, err := files.ReadFile("scenarios/" + entry.Name())
		if err != nil {
			return nil, fmt.Errorf("reading scenario %s: %w", entry.Name(), err)
		}
		s, err := lab.Parse(data, entry.Name())
		if err != nil {
			return nil, fmt.Errorf("reading scenario %s: %w", entry.Name(), err)
		}
		one := Case{Scenario: s}
		if len(s.Config.GroupList) > 0 {
			// Before a switch back, and where routes have just been taken away.
			one.Rehearse = []time.Duration{9 * time.Minute, 24*time.Minute + time.Second}
		}
		out = append(out, one)
	}
	for _, name := range []string{"router-dies"} {
		s, err := lab.Find(name)
		if err != nil {
			return nil, fmt.Errorf("package lab: %w", err)
		}
		out = append(out, Case{Scenario: s, Rehearse: []time.Duration{10 * time.Minute}})
	}
	return out, nil
}

// isTask reports whether the role is that of a task of a failback.
func isTask(role string) bool {
	name := role[strings.LastIndex(role, "/")+1:]
	return slices.ContainsFunc(failback.Tasks(), func(t failback.Task) bool { return strings.HasPrefix(name, "detour-"+t.Function()+"-") })
}

// isLook reports whether the role is that in a further account that only looks, which
// tasks of failbacks assume.
func isLook(role string) bool {
	return strings.HasPrefix(role[strings.LastIndex(role, "/")+1:], "detour-look-")
}

// Unplayed says of a permission why no scenario of the lab can need it: what uses
// it is AWS itself, which is not played.
func Unplayed(p Permission) string {
	const (
		byLambda  = "Lambda itself uses it with the role of the function, and the lab's Lambda asks nobody"
		byService = "no function has the role: a service of AWS calls with it"
	)
	name := p.Role[strings.LastIndex(p.Role, "/")+1:]
	function := isTask(p.Role)
	for _, prefix := range []string{"detour-switchover-", "detour-sweep-", "detour-routefilter-"} {
		function = function || strings.HasPrefix(name, prefix)
	}
	switch {
	case !function && !strings.HasPrefix(name, "detour-access-") && !isLook(p.Role):
		return byService
	case function && p.Policy == "": // Trusts Lambda.
		return byLambda
	case p.Sid == "Logs", p.Sid == "WakeUps", strings.HasSuffix(p.Resource, ":detour-dead"):
		return byLambda
	}
	return ""
}
