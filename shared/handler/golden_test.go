package handler

import (
	"bytes"
	"context"
	"errors"
	"flag"
	"log/slog"
	"net/netip"
	"os"
	"path/filepath"
	"testing"
	"time"

	"detour/shared/adapter/recordstest"
	"detour/shared/controller"
	"detour/shared/health"
	"detour/shared/ingest"
	"detour/shared/plan"
	"detour/shared/protection"
	"detour/shared/route"
)

var update = flag.Bool("update", false, "write the golden files")

var (
	goldenNow     = time.Date(2026, time.January, 2, 3, 4, 5, 0, time.UTC)
	goldenSubject = health.Subject{Kind: health.SubjectVPN, ID: "vpn-1", Account: "111122223333", Region: "eu-west-1"}
	goldenTable   = route.Table{Kind: route.TransitGatewayTable, ID: "tgw-rtb-1", Account: "111122223333", Region: "eu-west-1"}
)

func goldenEntry(n string) protection.EntryKey {
	return protection.EntryKey{Table: goldenTable, Destination: route.MustDestination("10." + n + ".0.0/16")}
}

// report is a quiet one; change makes a case of it.
func report(status controller.Status, change func(r *controller.Report)) controller.Report {
	r := controller.Report{
		Group: "berlin", Status: status, Event: "event-1",
		Decision: protection.Decision{Group: "berlin", From: "A", To: "A", Extent: 1, Action: protection.Stay, Reason: protection.ReasonNoRequest, Epoch: 7},
		Health: []protection.PathHealth{
			{Path: "A", Assessment: health.Assessment{State: health.Up, Reason: health.ReasonAllTunnelsUp}},
			{Path: "B", Assessment: health.Assessment{State: health.Unknown, Reason: health.ReasonSensor, Suppressed: true}},
		},
	}
	change(&r)
	return r
}

func receipt(n string, outcome route.Outcome, code string) route.Receipt {
	entry := goldenEntry(n)
	return route.Receipt{Change: route.Change{Table: entry.Table, Destination: entry.Destination}, Outcome: outcome, Code: code, Message: "free text"}
}

func goldenReports() []controller.Report {
	return []controller.Report{
		report(controller.StatusQuiet, func(*controller.Report) {}),
		report(controller.StatusBusy, func(*controller.Report) {}),
		report(controller.StatusDone, func(r *controller.Report) {
			r.Writers, r.Unannounced = []string{"arn:aws:iam::111122223333:user/alice", "cloudformation.amazonaws.com"}, true
		}),
		report(controller.StatusDone, func(r *controller.Report) {
			r.Decision.To, r.Decision.Action, r.Decision.Reason, r.Decision.Epoch = "B", protection.Move, protection.ReasonSignalFail, 8
			r.Output.Starts, r.Lag, r.WakeAt = true, 12*time.Second, goldenNow.Add(10*time.Second)
			r.Receipts = []route.Receipt{receipt("1", route.Applied, ""), receipt("2", route.AlreadyInPlace, "")}
			for i, stage := range []controller.Stage{
				controller.StageTake, controller.StageRead, controller.StageDecide, controller.StageCommit, controller.StageDecide, controller.StageCommit,
				controller.StageWrite, controller.StageVerify, controller.StageWrite, controller.StageVerify, controller.StageCommit, controller.StageRelease,
			} {
				r.Stages = append(r.Stages, controller.StageTime{Stage: stage, Took: time.Duration(i+1) * 1500 * time.Microsecond})
			}
		}),
		report(controller.StatusUnfinished, func(r *controller.Report) {
			r.OutOfTime = true
			r.Receipts = []route.Receipt{
				receipt("1", route.Denied, "UnauthorizedOperation"), receipt("2", route.Failed, ""), receipt("3", route.Throttled, "RequestLimitExceeded"),
				receipt("4", route.Busy, "IncorrectState"), receipt("5", route.NotStarted, ""), receipt("7", route.Refused, "Gateway.NotAttached"),
			}
			r.Skipped = []plan.Skipped{{Entry: goldenEntry("6"), Reason: plan.SkipForeign}}
			r.Stages = []controller.StageTime{{Stage: controller.StageTake}}
		}),
		report(controller.StatusQuiet, func(r *controller.Report) {
			r.Skipped = []plan.Skipped{{Entry: goldenEntry("1"), Reason: plan.SkipIPAM}, {Entry: goldenEntry("2"), Reason: plan.SkipHeldWithUnit}}
		}),
		report(controller.StatusQuiet, func(r *controller.Report) {
			r.Problems = []controller.TableProblem{{Table: goldenTable, Problem: route.ProblemDenied}}
			r.ListProblems = []controller.ListProblem{{List: route.ListRef{ID: "pl-1"}, Problem: route.ProblemTimeout}}
			r.Facts = []health.Fact{
				{Subject: goldenSubject, Kind: health.FactUnreadable, Problem: route.ProblemThrottled, Note: "free text"},
				{Subject: health.Subject{Kind: health.SubjectVPN, ID: "vpn-of-another-group"}, Kind: health.FactUnreadable, Problem: route.ProblemDenied},
			}
		}),
		report(controller.StatusQuiet, func(r *controller.Report) {
			for range 12 {
				r.Output.Next.Contended = append(r.Output.Next.Contended, goldenEntry("1"))
			}
		}),
		report(controller.StatusQuiet, func(r *controller.Report) {
			r.Decision.Action, r.Decision.Reason = protection.Hold, protection.ReasonMassFailure
			r.Output.Next.MassFailureAt, r.Output.Unsafe = goldenNow.Add(-time.Minute), true
		}),
		report(controller.StatusQuiet, func(r *controller.Report) {
			r.Decision.To, r.Decision.Action, r.Decision.Reason, r.WouldBe = "B", protection.Move, protection.ReasonSignalFail, true
			r.Output.Freeze, r.Output.HeldPartial = protection.FreezeState{On: true, Immediate: true}, true
			r.Cost.Calls = []plan.BucketCalls{{Calls: 3}, {Calls: 4}}
		}),
		report(controller.StatusQuiet, func(r *controller.Report) {
			r.Decision.Action, r.Decision.Reason = protection.Hold, protection.ReasonNoUsablePath
			r.Unlearned = []controller.Unlearned{{Path: "A", Routes: []health.ExpectedRoute{{
				Block: netip.MustParsePrefix("10.128.0.0/10"), State: health.RouteAbsent, Causes: []health.Cause{health.CauseNotAnnounced, health.CauseEmptyPath},
			}}}}
		}),
		report(controller.StatusQuiet, func(r *controller.Report) { r.Output.HeldPartial = true }),
		report(controller.StatusQuiet, func(r *controller.Report) { // Observed: nobody is told.
			r.Decision.Action, r.Decision.Reason, r.WouldBe = protection.Hold, protection.ReasonNoUsablePath, true
		}),
		report(controller.StatusFenced, func(r *controller.Report) { r.Stages = []controller.StageTime{{Stage: controller.StageTake}} }),
		report(controller.StatusFailed, func(r *controller.Report) {
			r.Err, r.Stages = errors.Join(errors.New("the store\tdid not answer"), errors.New("nor did the queue")), []controller.StageTime{{Stage: controller.StageTake, Took: time.Second}}
		}),
		report(controller.StatusFailed, func(r *controller.Report) { r.Group, r.Err = "paris", errors.New("the store did not answer") }),
	}
}

// TestGoldenLines: what people and alarms read is changed on purpose only.
func TestGoldenLines(t *testing.T) {
	var buffer bytes.Buffer
	log := slog.New(slog.NewJSONHandler(&buffer, &slog.HandlerOptions{Level: slog.LevelDebug, ReplaceAttr: func(_ []string, a slog.Attr) slog.Attr {
		if a.Key == slog.TimeKey {
			return slog.Attr{} // slog takes it from the wall clock.
		}
		return a
	}}))
	group := protection.Group{Name: "berlin", Paths: []protection.Path{{Name: "A", Spec: health.Spec{Subject: goldenSubject}}}}
	clock := recordstest.NewClock()
	h := New(controller.New([]protection.Group{group}, controller.Settings{}, controller.Ports{Clock: clock}), clock, log, Options{Function: "switchover"})
	reports := goldenReports()
	out := h.finish(t.Context(), reports)
	h.swept(t.Context(), sweep{event: "sweep", why: "schedule", beat: true}, reports, clock.Now().Add(-1200*time.Millisecond))
	h.outOfTime(t.Context(), "event-2")
	h.drop(t.Context(), dropsOf(&ingest.Drop{Reason: ingest.DropForeignSource, Detail: "source \"aws.ec2\" is not subscribed to"})...)
	h.drop(t.Context(), dropsOf(errors.New("something\nelse"))...)
	buffer.WriteString(out.Err().Error() + "\n")
	file := filepath.Join("testdata", "lines.golden")
	if *update {
		if err := os.WriteFile(file, buffer.Bytes(), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if buffer.String() != string(want) {
		t.Errorf("the lines changed; run with -update and look at the difference\ngot:\n%s", buffer.String())
	}
}

// TestWithoutAFunctionThereAreNoMetrics: the lab's log is for people.
func TestWithoutAFunctionThereAreNoMetrics(t *testing.T) {
	var buffer bytes.Buffer
	clock := recordstest.NewClock()
	h := New(controller.New(nil, controller.Settings{}, controller.Ports{Clock: clock}), clock, slog.New(slog.NewJSONHandler(&buffer, nil)), Options{})
	h.finish(t.Context(), goldenReports())
	h.swept(context.Background(), sweep{}, nil, clock.Now())
	if buffer.Len() == 0 || bytes.Contains(buffer.Bytes(), []byte("_aws")) || bytes.Contains(buffer.Bytes(), []byte("swept")) {
		t.Errorf("the log is\n%s", buffer.String())
	}
}
