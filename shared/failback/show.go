package failback

import (
	"detour/shared/config"
	"detour/shared/controller"
	"detour/shared/explain"
	"detour/shared/protection"
)

// Show is what people are told of a failback that would be made as it was seen. Who
// asks for it, its name and its times are the caller's.
func Show(seen controller.FailbackSight) explain.Failback {
	group := seen.Group
	out := explain.Failback{
		Group: group.Name, From: seen.Item.Record.Decision.To, To: seen.Target, At: seen.At.UTC(),
		Since: seen.Since.UTC(), ReadyAt: seen.Answer.ReadyAt.UTC(), Stability: config.Duration(group.Failback.Stability), Soak: config.Duration(group.Failback.Soak),
		Skipped: seen.Plan.Skipped, Lists: seen.Lists, Silence: config.Duration(protection.FailbackAuthority), Plan: seen.Digest,
	}
	for _, h := range seen.Report.Health {
		if h.Path == seen.Target {
			out.State, out.Reason, out.Suppressed = h.State.String(), h.Reason, h.Suppressed
		}
	}
	for _, path := range group.Paths {
		if path.Name == seen.Target {
			out.Facts = about(seen.Report.Facts, path.Spec.Subjects())
		}
	}
	for _, s := range group.Failback.Samples {
		out.Samples = append(out.Samples, explain.FailbackSample{From: s.Table.ID, To: s.Address})
	}
	out.Divide(group, seen.Plan.Changes, extentsOf(group, seen.Unproven))
	return out
}
