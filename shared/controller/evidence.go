package controller

import (
	"context"
	"maps"
	"slices"

	"detour/shared/health"
	"detour/shared/route"
)

// EvidenceByKind returns the evidence that asks, for subjects of each kind, the
// source for that kind. The sources are asked at the same time, one Read for each
// kind. The facts of each subject stand together as its source gave them, the
// subjects in the order asked; a subject that is asked for twice is answered
// once. A subject whose kind has no source, or of which its source says nothing,
// is unreadable.
func EvidenceByKind(clock Clock, sources map[health.SubjectKind]Evidence) Evidence {
	return evidenceByKind{clock: clock, sources: maps.Clone(sources)}
}

type evidenceByKind struct {
	clock   Clock
	sources map[health.SubjectKind]Evidence
}

// Read implements Evidence.
func (e evidenceByKind) Read(ctx context.Context, subjects []health.Subject) []health.Fact {
	var each []health.Subject
	seen := map[health.Subject]bool{}
	asked := map[health.SubjectKind][]health.Subject{}
	for _, subject := range subjects {
		if seen[subject] {
			continue
		}
		seen[subject] = true
		each = append(each, subject)
		if e.sources[subject.Kind] != nil {
			asked[subject.Kind] = append(asked[subject.Kind], subject)
		}
	}
	facts := e.ask(ctx, asked)
	var out []health.Fact
	for _, subject := range each {
		if len(facts[subject]) == 0 {
			out = append(out, e.unreadable(subject))
		}
		out = append(out, facts[subject]...)
	}
	return out
}

// ask asks the sources, and answers the facts by their subjects.
func (e evidenceByKind) ask(ctx context.Context, asked map[health.SubjectKind][]health.Subject) map[health.Subject][]health.Fact {
	kinds := slices.Sorted(maps.Keys(asked))
	answers := make([][]health.Fact, len(kinds))
	waits := make([]func(), 0, len(kinds))
	for i, kind := range kinds {
		if i == len(kinds)-1 { // The last one is asked here, and needs no goroutine.
			answers[i] = e.sources[kind].Read(ctx, asked[kind])
			break
		}
		waits = append(waits, e.clock.Go(ctx, func(ctx context.Context) { answers[i] = e.sources[kind].Read(ctx, asked[kind]) }))
	}
	for _, wait := range waits {
		wait()
	}
	facts := map[health.Subject][]health.Fact{}
	for _, fact := range slices.Concat(answers...) {
		facts[fact.Subject] = append(facts[fact.Subject], fact)
	}
	return facts
}

func (e evidenceByKind) unreadable(subject health.Subject) health.Fact {
	note := "the source for subjects of this kind left it out"
	if e.sources[subject.Kind] == nil {
		note = "there is no source of facts about a subject of this kind"
	}
	return health.Fact{
		Subject: subject, Kind: health.FactUnreadable, Problem: route.ProblemMalformed, Note: note, ObservedAt: e.clock.Now(),
	}
}
