package operator

import (
	"context"
	"fmt"
	"slices"

	"detour/shared/controller"
	"detour/shared/health"
)

// Explanation is why a group is where it is, and how it came there.
type Explanation struct {
	Status Status `json:"status"`
	// Meaning says in a sentence what the reason of the decision means.
	Meaning string `json:"meaning"`
	// Evidence is what the APIs said of each path just now, in path order.
	Evidence []PathEvidence `json:"evidence"`
	// History has the newest decisions and acts, newest first.
	History []controller.JournalEntry `json:"history"`
}

// PathEvidence are the facts about one path.
type PathEvidence struct {
	Path  string        `json:"path"`
	Facts []health.Fact `json:"facts"`
}

// Explain tells of one group, with at most n lines of its history. What operators
// did to all groups is in it.
func (o *Operator) Explain(ctx context.Context, name string, n int) (Explanation, error) {
	home, err := o.home(name)
	if err != nil {
		return Explanation{}, err
	}
	s, err := o.look(ctx, []string{name})
	if err != nil {
		return Explanation{}, err
	}
	preview := s.decide(name, controller.Supposed{})
	out := Explanation{Status: statusOf(preview), Meaning: Meaning(preview.Report.Decision.Reason), Evidence: []PathEvidence{}}
	for _, path := range preview.Group.Paths {
		subjects := preview.Group.SubjectsOf(path)
		facts := []health.Fact{}
		for _, fact := range preview.Report.Facts {
			others := fact.Subject.Kind == health.SubjectPropagations && fact.Kind == health.FactPropagation && fact.Part != path.Spec.Attachment
			if slices.Contains(subjects, fact.Subject) && !others {
				facts = append(facts, fact)
			}
		}
		out.Evidence = append(out.Evidence, PathEvidence{Path: path.Name, Facts: facts})
	}
	out.History, err = history(ctx, home.Records, name, n)
	return out, err
}

// history merges the group's journal with that of what concerned all groups.
func history(ctx context.Context, records controller.Records, name string, n int) ([]controller.JournalEntry, error) {
	out := []controller.JournalEntry{}
	for _, key := range []controller.Key{controller.GroupKey(name), controller.KeyEverything} {
		entries, err := records.History(ctx, key, n)
		if err != nil {
			return nil, fmt.Errorf("reading the history of group %s: %w", name, err)
		}
		out = append(out, entries...)
	}
	slices.SortStableFunc(out, func(a, b controller.JournalEntry) int { return b.At.Compare(a.At) })
	return out[:min(n, len(out))], nil
}

// endOf finds in the journal how a request ended.
func endOf(ctx context.Context, records controller.Records, name, id string) (controller.JournalEntry, int, error) {
	entries, err := records.History(ctx, controller.GroupKey(name), endsLookedAt)
	if err != nil {
		return controller.JournalEntry{}, 0, fmt.Errorf("reading the history of group %s: %w", name, err)
	}
	for _, entry := range entries {
		for i, ended := range entry.Ended {
			if ended.Request.ID == id {
				return entry, i, nil
			}
		}
	}
	return controller.JournalEntry{}, -1, nil
}

// endsLookedAt is how many lines of the journal are searched for the end of a
// request that has just been made.
const endsLookedAt = 50
