package failback

import (
	"detour/shared/protection"
	"detour/shared/route"
)

// extentsOf are how many units of the group have come over after each step: the canary
// alone, and then as many more at a time as the group's batch says. Without proof of the
// learned routes a step ends with the first unit that has one: the others follow once
// its route has shown.
func extentsOf(group *protection.Group, unproven bool) []int {
	all := group.Steps()
	out := []int{1}
	if rest := all - 1; rest > 0 {
		batch := group.Failback.Batch
		if batch <= 0 {
			batch = (rest + 3) / 4
		}
		alone, most := 0, maxSteps-1 // Steps after the canary.
		if unproven {
			alone, most = firstLearned(group), most-1
		}
		batch = max(batch, (rest+most-1)/most)
		for done := 1; done < all; {
			next := min(done+batch, all)
			if done < alone && alone < next {
				next = alone
			}
			done = next
			out = append(out, done)
		}
	}
	return out
}

// firstLearned is the extent that ends with the first unit of which a route is a learned
// one on the working path; 0: there is none.
func firstLearned(group *protection.Group) int {
	for u, unit := range group.Units {
		for _, entry := range unit.Entries {
			if entry.NextHop(group.Working()).Kind == route.Propagated {
				return group.Step(u) + 1
			}
		}
	}
	return 0
}
