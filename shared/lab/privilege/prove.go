package privilege

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"detour/shared/lab"
	"detour/shared/sim/authz"
)

// Case is a scenario and the roles that were made for its configuration.
type Case struct {
	Scenario   *lab.Scenario
	Identities *lab.Identities
	// Rehearse are the instants, from the start, at which the daily rehearsal runs.
	Rehearse []time.Duration
}

// Outcome is what came of one run.
type Outcome struct {
	// Denied are the calls that were denied, and Uses is what allowed the others.
	Denied []authz.Denied
	Uses   []authz.Use
	// Failures are the scenario's own expectations that failed, and the invariants
	// that were broken.
	Failures []string
}

// missing plays the case with roles that lack something, up to the first denial;
// where whole is set, to its end, so that its own expectations are looked at too.
func (c Case) missing(ctx context.Context, roles []authz.Role, whole bool) (Outcome, error) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	var first []authz.Denied
	who := *c.Identities
	who.Denied = func(d authz.Denial) {
		if first == nil {
			first = []authz.Denied{{Denial: d, Calls: 1}}
		}
		if !whole {
			cancel()
		}
	}
	c.Identities = &who
	outcome, err := c.play(ctx, roles)
	switch {
	case first == nil || whole && err == nil:
		return outcome, err
	case whole: // The script could not be gone through to its end.
		return Outcome{Denied: first, Failures: []string{err.Error()}}, nil
	default:
		return Outcome{Denied: first}, nil
	}
}

// play plays the case with the roles.
func (c Case) play(ctx context.Context, roles []authz.Role) (Outcome, error) {
	who := *c.Identities
	who.Roles = roles
	result, err := lab.Play(ctx, c.Scenario, lab.PlayOptions{Wire: true, Identities: &who, Rehearse: c.Rehearse})
	if err != nil {
		return Outcome{}, fmt.Errorf("playing %s: %w", c.Scenario.Name, err)
	}
	out := Outcome{Denied: result.Rig.Authority.Denials(), Uses: result.Rig.Authority.Uses(), Failures: slices.Clone(result.Failures)}
	for _, v := range result.Violations {
		out.Failures = append(out.Failures, fmt.Sprint(v))
	}
	return out, nil
}

// Missed says which scenario misses a permission, and how.
type Missed struct {
	Permission
	Scenario string
	// Denied is a call that was denied without it, the first in the order of its kind
	// if it was played to the end.
	Denied authz.Denied
	// Failures are the scenario's own expectations that fail without it.
	Failures []string
}

// String says it in one line.
func (m Missed) String() string {
	said := fmt.Sprintf("%s misses %s: denied %s on %s", m.Scenario, m.Permission, m.Denied.Action, m.Denied.Resource)
	if len(m.Failures) > 0 {
		said += fmt.Sprintf("; %d of its own expectations fail, such as: %s", len(m.Failures), m.Failures[0])
	}
	return said
}

// Report is what a proof found.
type Report struct {
	// Missed are the permissions that a scenario misses.
	Missed []Missed
	// Problems are what a proof must not find: a denied call or a failed expectation
	// with the policies as they are, a permission that no scenario used, and one that
	// no scenario misses.
	Problems []string
}

// Excuse says of a permission that the lab cannot use why it is there; empty: the
// lab can.
type Excuse func(p Permission) string

// Prove plays the cases with their policies, and again without each statement and
// without each ARN.
//
// Each statement and each ARN has to be used by its own case, and those of the tasks
// of failbacks by a case with failbacks. An action has to be
// used by some case in which the same role's statement of the same name has it:
// whether a route is created or replaced is the network's doing. That is enough of
// an action, since without it the call that used it is denied.
//
// Without a permission a case is played up to the first call that is denied, or to
// its end where whole is set: the report then has the case's own expectations that
// fail.
func Prove(ctx context.Context, cases []Case, excuse Excuse, whole bool) (Report, error) {
	var out Report
	outcomes, err := out.playAll(ctx, cases)
	if err != nil {
		return out, err
	}
	for i, c := range cases {
		for _, p := range permissions(c.Identities.Roles) {
			if excuse(p) != "" || c.others(p) {
				continue
			}
			used := slices.ContainsFunc(outcomes[i].Uses, func(u authz.Use) bool { return p.usedBy(u.Grant) })
			if !used && (p.Action == "" || !usedElsewhere(p, cases, outcomes)) {
				out.problem("%s: nothing used %s", c.Scenario.Name, p)
			}
			if !used || p.Action != "" || p.alone(c.Identities.Roles) {
				continue
			}
			if err := out.take(ctx, c, p, whole); err != nil {
				return out, err
			}
		}
	}
	return out, nil
}

// playAll plays the cases with all permissions, where nothing may be denied or fail.
func (r *Report) playAll(ctx context.Context, cases []Case) ([]Outcome, error) {
	outcomes := make([]Outcome, len(cases))
	for i, c := range cases {
		var err error
		if outcomes[i], err = c.play(ctx, c.Identities.Roles); err != nil {
			return nil, err
		}
		for _, d := range outcomes[i].Denied {
			r.problem("%s: denied %d times: %v", c.Scenario.Name, d.Calls, &d.Denial)
		}
		for _, failure := range outcomes[i].Failures {
			r.problem("%s: %s", c.Scenario.Name, failure)
		}
	}
	return outcomes, nil
}

func (r *Report) problem(format string, args ...any) {
	r.Problems = append(r.Problems, fmt.Sprintf(format, args...))
}

// usedElsewhere reports whether another case used the same action of the
// statement that is named alike, in the role that is named alike.
func usedElsewhere(p Permission, cases []Case, outcomes []Outcome) bool {
	for i := range cases {
		for _, u := range outcomes[i].Uses {
			if u.Action == p.Action && u.Sid == p.Sid && kind(u.Role) == kind(p.Role) {
				return true
			}
		}
	}
	return false
}

// kind is what a role is for: the first two words of its name, and of a task of a
// failback the first three.
func kind(role string) string {
	n := 2
	if isTask(role) {
		n = 3
	}
	words := strings.SplitN(role[strings.LastIndex(role, "/")+1:], "-", n+1)
	return strings.Join(words[:min(n, len(words))], "-")
}

// others reports whether a permission is for other cases to prove. In a case without a
// failback no task runs. And a task runs what a switchover runs, so that its
// statements about the network are those of the switchover (the tests of blueprint
// and infra compare them), of which each ARN and each action has to be missed; of a
// task's each statement has.
func (c Case) others(p Permission) bool {
	failbacks := slices.ContainsFunc(c.Scenario.Script, func(s lab.Step) bool { return s.Do == lab.FailbackStart })
	switch {
	case !failbacks:
		return isTask(p.Role) || isLook(p.Role) || isTask(p.Value)
	case isTask(p.Role):
		return strings.Contains(p.Resource, ":ec2:") || strings.HasPrefix(p.Action, "ec2:")
	default:
		// What the functions for events and for the schedule need is missed elsewhere.
		return !isLook(p.Role) && !isTask(p.Value)
	}
}

// take plays a case without one permission. A call that is denied is what has to
// come of it.
func (r *Report) take(ctx context.Context, c Case, p Permission, whole bool) error {
	outcome, err := c.missing(ctx, p.without(c.Identities.Roles), whole)
	if err != nil {
		return fmt.Errorf("without %s: %w", p, err)
	}
	if len(outcome.Denied) == 0 {
		r.problem("%s: nothing misses %s", c.Scenario.Name, p)
		return nil
	}
	r.Missed = append(r.Missed, Missed{Permission: p, Scenario: c.Scenario.Name, Denied: outcome.Denied[0], Failures: outcome.Failures})
	return nil
}
