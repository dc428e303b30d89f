package operator

import (
	"context"
	"errors"
	"fmt"
	"time"

	"detour/shared/controller"
	"detour/shared/plan"
	"detour/shared/protection"
	"detour/shared/route"
)

// Outlook is what a run would do to a group, or a switchover.
type Outlook struct {
	Group string          `json:"group"`
	Mode  protection.Mode `json:"mode"`
	// At is when the group was looked at.
	At time.Time `json:"at"`
	// Path is the path that the group belongs to by its record, and Toward the path
	// that the changes lead to.
	Path   string `json:"path,omitempty"`
	Toward string `json:"toward,omitempty"`
	// Decision is the decision that the changes follow from; zero where they are
	// those of a switchover that nobody decided. WouldBe says that it would not be
	// committed, because the group is observed or frozen.
	Decision protection.Decision    `json:"decision,omitzero"`
	WouldBe  bool                   `json:"wouldBe,omitempty"`
	Freeze   protection.FreezeState `json:"freeze,omitzero"`
	// Changes are in the order in which they are sent. There are none where Complete
	// is false: a table could not be read whole, and Problems say which.
	Changes  []route.Change `json:"changes"`
	Skipped  []plan.Skipped `json:"skipped"`
	Complete bool           `json:"complete"`
	Problems []string       `json:"problems,omitempty"`
	Cost     Cost           `json:"cost"`
	Notes    []plan.Note    `json:"notes"`
	Lists    []ListSeen     `json:"lists,omitempty"`
}

// Cost is what changes spend: calls, and the seconds from the first of them to
// the last by the request buckets of EC2, exact for a lone writer.
type Cost struct {
	Calls   int                `json:"calls"`
	Seconds float64            `json:"seconds"`
	Buckets []plan.BucketCalls `json:"buckets,omitempty"`
}

// ListSeen is a prefix list among the destinations, with the version seen.
type ListSeen struct {
	ID      string `json:"id"`
	Version int64  `json:"version"`
}

func costOf(cost plan.Cost) Cost {
	out := Cost{Seconds: cost.Wait.Seconds(), Buckets: cost.Calls}
	for _, bucket := range cost.Calls {
		out.Calls += bucket.Calls
	}
	return out
}

// PlanOptions say which plan is asked for. At most one of the fields is set;
// none asks for what a run would do now.
type PlanOptions struct {
	// To asks for a switchover to this path.
	To string
	// Worst asks for the switchover that costs most.
	Worst bool
}

// Plan tells what would be written now, by priority of the groups.
func (o *Operator) Plan(ctx context.Context, names []string, options PlanOptions) ([]Outlook, error) {
	if options.To != "" && options.Worst {
		return nil, errors.New("a plan is to one path or the worst one, not both; leave one out")
	}
	s, err := o.look(ctx, names)
	if err != nil {
		return nil, err
	}
	out := make([]Outlook, 0, len(s.names))
	for _, name := range s.names {
		preview := s.decide(name, controller.Supposed{})
		look := outlookOf(preview)
		built := preview.Plan
		switch {
		case options.Worst:
			look.Toward, built = preview.Worst()
		case options.To != "" && !preview.Group.HasPath(options.To):
			return nil, fmt.Errorf("group %s has no path %q", name, options.To)
		case options.To != "":
			look.Toward, built = options.To, preview.Toward(options.To)
		}
		if options != (PlanOptions{}) {
			look.Decision, look.WouldBe = protection.Decision{}, false
		}
		look.take(built)
		look.Notes = s.notes(ctx, preview, built)
		out = append(out, look)
	}
	return out, nil
}

func outlookOf(p controller.Preview) Outlook {
	out := Outlook{
		Group: p.Group.Name, Mode: p.Group.Mode, At: p.At.UTC(), Path: p.Item.Record.Decision.To, Toward: p.Report.Output.Next.Decision.To,
		Decision: p.Report.Decision, WouldBe: p.Report.WouldBe, Freeze: p.Report.Output.Freeze, Notes: []plan.Note{},
	}
	if moves(p) {
		out.Toward = p.Report.Decision.To
	}
	for _, problem := range p.Report.Problems {
		out.Problems = append(out.Problems, "table "+problem.Table.ID+" could not be read whole: "+string(problem.Problem))
	}
	for _, list := range p.Lists {
		out.Lists = append(out.Lists, ListSeen{ID: list.List.ID, Version: list.Version})
	}
	out.take(p.Plan)
	return out
}

// take puts a plan's changes into the outlook.
func (l *Outlook) take(built plan.Plan) {
	l.Changes = append([]route.Change{}, built.Changes...)
	l.Skipped = append([]plan.Skipped{}, built.Skipped...)
	l.Complete, l.Cost = built.Complete, costOf(plan.Predict(built.Changes))
}
