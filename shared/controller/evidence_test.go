package controller_test

import (
	"context"
	"fmt"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"pgregory.net/rapid"

	"detour/shared/adapter/recordstest"
	"detour/shared/controller"
	"detour/shared/health"
	"detour/shared/route"
)

// telling is a source that tells two facts of each subject, and none of those
// that it keeps quiet about. It notes what it was asked.
type telling struct {
	name  string
	quiet map[string]bool
	delay time.Duration
	asked [][]health.Subject
}

func (s *telling) Read(_ context.Context, subjects []health.Subject) []health.Fact {
	time.Sleep(s.delay)
	s.asked = append(s.asked, subjects)
	var out []health.Fact
	for _, subject := range subjects {
		if !s.quiet[subject.ID] {
			out = append(out, health.Fact{Subject: subject, Value: s.name + " 1"}, health.Fact{Subject: subject, Value: s.name + " 2"})
		}
	}
	return out
}

func evidenceSubject(kind health.SubjectKind, id string) health.Subject {
	return health.Subject{Kind: kind, ID: id, Account: "111122223333", Region: "eu-west-1"}
}

func TestEvidenceByKind(t *testing.T) {
	clock := recordstest.NewClock()
	vpns, alarms := &telling{name: "ec2"}, &telling{name: "cloudwatch", quiet: map[string]bool{"quiet": true}}
	e := controller.EvidenceByKind(clock, map[health.SubjectKind]controller.Evidence{
		health.SubjectVPN: vpns, health.SubjectAlarm: alarms, health.SubjectConnectPeer: nil,
	})
	subjects := []health.Subject{
		evidenceSubject(health.SubjectAlarm, "a"), evidenceSubject(health.SubjectVPN, "vpn-2"), evidenceSubject(health.SubjectAlarm, "quiet"),
		evidenceSubject(health.SubjectInstance, "i-1"), evidenceSubject(health.SubjectVPN, "vpn-1"), evidenceSubject(health.SubjectConnectPeer, "peer-1"),
		evidenceSubject(health.SubjectVPN, "vpn-2"),
	}
	var got []string
	for _, f := range e.Read(t.Context(), subjects) {
		got = append(got, f.Subject.ID+" "+string(f.Kind)+f.Value+string(f.Problem))
		if f.Kind == health.FactUnreadable && (f.Note == "" || !f.ObservedAt.Equal(clock.Now())) {
			t.Errorf("the fact is %+v", f)
		}
	}
	want(t, "the facts", got, []string{
		"a cloudwatch 1", "a cloudwatch 2", "vpn-2 ec2 1", "vpn-2 ec2 2", "quiet unreadablemalformed",
		"i-1 unreadablemalformed", "vpn-1 ec2 1", "vpn-1 ec2 2", "peer-1 unreadablemalformed",
	})
	if len(vpns.asked) != 1 || len(alarms.asked) != 1 {
		t.Errorf("the sources were asked %d and %d times", len(vpns.asked), len(alarms.asked))
	}
	if none := e.Read(t.Context(), nil); len(none) != 0 || len(vpns.asked) != 1 {
		t.Errorf("asked for nothing, got %v", none)
	}
}

// TestEvidenceByKindAsksAtTheSameTime: the slowest source decides how long it
// takes.
func TestEvidenceByKindAsksAtTheSameTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		e := controller.EvidenceByKind(recordstest.NewClock(), map[health.SubjectKind]controller.Evidence{
			health.SubjectVPN: &telling{delay: 3 * time.Second}, health.SubjectAlarm: &telling{delay: 2 * time.Second}, health.SubjectInstance: &telling{delay: time.Second},
		})
		began := time.Now()
		facts := e.Read(t.Context(), []health.Subject{
			evidenceSubject(health.SubjectInstance, "i-1"), evidenceSubject(health.SubjectVPN, "vpn-1"), evidenceSubject(health.SubjectAlarm, "a"),
		})
		if took := time.Since(began); took != 3*time.Second || len(facts) != 6 {
			t.Errorf("%d facts after %s", len(facts), took)
		}
	})
}

// TestPropertyEvidenceByKind: whatever is asked for, and whoever knows it, every
// subject is answered, in the order asked, each once.
func TestPropertyEvidenceByKind(t *testing.T) {
	kinds := []health.SubjectKind{health.SubjectVPN, health.SubjectConnectPeer, health.SubjectAttachment, health.SubjectInterface, health.SubjectInstance, health.SubjectAlarm}
	rapid.Check(t, func(t *rapid.T) {
		sources := map[health.SubjectKind]controller.Evidence{}
		for _, kind := range kinds {
			if rapid.Bool().Draw(t, "source") {
				sources[kind] = &telling{name: string(kind), quiet: map[string]bool{fmt.Sprint(rapid.IntRange(0, 5).Draw(t, "quiet")): true}}
			}
		}
		var subjects, want []health.Subject
		for range rapid.IntRange(0, 20).Draw(t, "subjects") {
			s := evidenceSubject(rapid.SampledFrom(kinds).Draw(t, "kind"), fmt.Sprint(rapid.IntRange(0, 3).Draw(t, "id")))
			subjects = append(subjects, s)
			if !slices.Contains(want, s) {
				want = append(want, s)
			}
		}
		var got []health.Subject
		for _, f := range controller.EvidenceByKind(recordstest.NewClock(), sources).Read(t.Context(), subjects) {
			if len(got) == 0 || got[len(got)-1] != f.Subject {
				got = append(got, f.Subject)
			}
			source, _ := sources[f.Subject.Kind].(*telling)
			if known := source != nil && !source.quiet[f.Subject.ID]; known != (f.Problem == route.NoProblem) {
				t.Fatalf("the fact is %+v", f)
			}
		}
		if !slices.Equal(got, want) {
			t.Fatalf("answered %v, want %v", got, want)
		}
	})
}
