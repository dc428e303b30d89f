package failback

import "detour/shared/protection"

// Extents are how many units of the group have come over after each step: the canary
// alone, and then as many more at a time as the group's batch says.
func Extents(group *protection.Group) []int {
	all := group.Steps()
	out := []int{1}
	if rest := all - 1; rest > 0 {
		batch := group.Failback.Batch
		if batch <= 0 {
			batch = (rest + 3) / 4
		}
		batch = max(batch, (rest+maxSteps-2)/(maxSteps-1))
		for done := 1; done < all; {
			done = min(done+batch, all)
			out = append(out, done)
		}
	}
	return out
}
