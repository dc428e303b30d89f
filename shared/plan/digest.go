package plan

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"slices"

	"detour/shared/protection"
	"detour/shared/route"
)

// ToWorking is the plan that brings the whole group to its working path from what
// stands: what a failback shows for approval.
func ToWorking(group *protection.Group, record protection.Record, unproven bool, standing protection.Standing) Plan {
	decision := protection.Decision{
		Group: group.Name, From: record.Decision.To, To: group.Working(), Extent: group.Steps(), Action: protection.Move,
		Reason: protection.ReasonFailback, Unproven: unproven,
	}
	return Build(group, decision, record.Contended, standing)
}

// Step is what a plan does to the units of one step, as an extent counts them.
type Step struct {
	// Units are the names of the units that move together.
	Units   []string       `json:"units"`
	Changes []route.Change `json:"changes"`
	Skipped []Skipped      `json:"skipped,omitempty"`
	// Digest is that of all the above. It is short, since a record keeps one for each step.
	Digest string `json:"digest"`
}

// stepDigest is how many hexadecimal digits the digest of a step has.
const stepDigest = 16

// Steps splits a plan into the steps of a move of the group, in order.
func Steps(group *protection.Group, built Plan) []Step {
	out := make([]Step, group.Steps())
	step := map[protection.EntryKey]int{}
	for u, unit := range group.Units {
		n := group.Step(u)
		out[n].Units = append(out[n].Units, unit.Name)
		for _, entry := range unit.Entries {
			step[entry.EntryKey] = n
		}
	}
	for _, c := range built.Changes {
		n := step[protection.EntryKey{Table: c.Table, Destination: c.Destination}]
		out[n].Changes = append(out[n].Changes, c)
	}
	for _, s := range built.Skipped {
		n := step[s.Entry]
		out[n].Skipped = append(out[n].Skipped, s)
	}
	for n := range out {
		out[n].Digest = digestOf(out[n].Units, out[n].Changes, out[n].Skipped)[:stepDigest]
	}
	return out
}

// DigestsOf are the digests of the steps, in order.
func DigestsOf(steps []Step) []string {
	out := make([]string, len(steps))
	for i, step := range steps {
		out[i] = step.Digest
	}
	return out
}

// ListVersions are the versions of the prefix lists that were read, sorted, each once.
func ListVersions(lists []route.ListReading) []protection.ListVersion {
	var out []protection.ListVersion
	for _, list := range lists {
		if seen := (protection.ListVersion{ID: list.List.ID, Version: list.Version}); list.Complete && !slices.Contains(out, seen) {
			out = append(out, seen)
		}
	}
	slices.SortFunc(out, protection.ListVersion.Compare)
	return out
}

// Digest is the digest of a plan that is shown for approval: of the group, the epoch
// that it starts from, its target, its changes step by step with what they expect to
// find, what it leaves alone, and the versions of its prefix lists.
func Digest(group string, epoch int64, target string, steps []Step, lists []protection.ListVersion) string {
	return digestOf(group, epoch, target, steps, lists)
}

// digestOf is the SHA-256 of the values as JSON, in hexadecimal.
func digestOf(values ...any) string {
	text, err := json.Marshal(values)
	if err != nil {
		panic(err) // Values of this package alone, which all can be written.
	}
	sum := sha256.Sum256(text)
	return hex.EncodeToString(sum[:])
}
