package blueprint_test

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"detour/shared/blueprint"
	"detour/shared/handler"
)

// alarmLine writes an alarm in one line, without its description.
func alarmLine(a blueprint.Alarm) string {
	dimension := ""
	for name, value := range a.Dimensions {
		dimension += " " + name + "=" + value
	}
	return fmt.Sprintf("%s: %s of %s %s%s %s %g, %s × %d, missing %s", a.Name, a.Statistic, a.Namespace, a.Metric, dimension, a.Comparison, a.Threshold, a.Period, a.Periods, a.Missing)
}

func alarmLines(alarms []blueprint.Alarm) string {
	var out strings.Builder
	for _, a := range alarms {
		out.WriteString(alarmLine(a) + "\n")
	}
	return out.String()
}

// TestAlarms compares the alarms of the smallest example with a list by hand.
func TestAlarms(t *testing.T) {
	b := blueprintOf(t, example(t, "deploy-one-account"))
	same(t, "alarms", alarmLines(blueprint.Alarms(b.Homes[0])), `
detour-blackhole-drops-tgw-attach-0a000000000000001: Sum of AWS/TransitGateway PacketDropCountBlackhole TransitGatewayAttachment=tgw-attach-0a000000000000001 GreaterThanOrEqualToThreshold 1, 1m0s × 3, missing notBreaching
detour-blackhole-drops-tgw-attach-0b000000000000002: Sum of AWS/TransitGateway PacketDropCountBlackhole TransitGatewayAttachment=tgw-attach-0b000000000000002 GreaterThanOrEqualToThreshold 1, 1m0s × 3, missing notBreaching
detour-contended: Sum of Detour Contended Function=sweep GreaterThanOrEqualToThreshold 1, 2m0s × 1, missing notBreaching
detour-dead-letters: Maximum of AWS/SQS ApproximateNumberOfMessagesVisible QueueName=detour-dead GreaterThanOrEqualToThreshold 1, 1m0s × 1, missing notBreaching
detour-denied: Sum of Detour Denied Function=sweep GreaterThanOrEqualToThreshold 1, 24h0m0s × 1, missing notBreaching
detour-failback-advance-errors: Sum of AWS/Lambda Errors FunctionName=detour-failback-advance GreaterThanOrEqualToThreshold 10, 5m0s × 1, missing notBreaching
detour-failback-ask-errors: Sum of AWS/Lambda Errors FunctionName=detour-failback-ask GreaterThanOrEqualToThreshold 10, 5m0s × 1, missing notBreaching
detour-failback-close-errors: Sum of AWS/Lambda Errors FunctionName=detour-failback-close GreaterThanOrEqualToThreshold 10, 5m0s × 1, missing notBreaching
detour-failback-failed: Sum of AWS/States ExecutionsFailed StateMachineArn=arn:aws:states:eu-central-1:111122223333:stateMachine:detour-failback GreaterThanOrEqualToThreshold 1, 1m0s × 1, missing notBreaching
detour-failback-precheck-errors: Sum of AWS/Lambda Errors FunctionName=detour-failback-precheck GreaterThanOrEqualToThreshold 10, 5m0s × 1, missing notBreaching
detour-failback-timed-out: Sum of AWS/States ExecutionsTimedOut StateMachineArn=arn:aws:states:eu-central-1:111122223333:stateMachine:detour-failback GreaterThanOrEqualToThreshold 1, 1m0s × 1, missing notBreaching
detour-failback-undo-errors: Sum of AWS/Lambda Errors FunctionName=detour-failback-undo GreaterThanOrEqualToThreshold 10, 5m0s × 1, missing notBreaching
detour-failback-verify-errors: Sum of AWS/Lambda Errors FunctionName=detour-failback-verify GreaterThanOrEqualToThreshold 10, 5m0s × 1, missing notBreaching
detour-held-partial: Sum of Detour HeldPartial Function=sweep GreaterThanOrEqualToThreshold 1, 2m0s × 1, missing notBreaching
detour-mass-failure: Sum of Detour MassFailure Function=sweep GreaterThanOrEqualToThreshold 1, 2m0s × 1, missing notBreaching
detour-no-sweeps: Sum of Detour Sweeps Function=sweep LessThanThreshold 1, 5m0s × 1, missing breaching
detour-no-usable-path: Sum of Detour NoUsablePath Function=sweep GreaterThanOrEqualToThreshold 1, 2m0s × 1, missing notBreaching
detour-not-rehearsed: Sum of Detour Rehearsed Function=sweep LessThanThreshold 1, 24h0m0s × 2, missing breaching
detour-sweep-errors: Sum of AWS/Lambda Errors FunctionName=detour-sweep GreaterThanOrEqualToThreshold 3, 5m0s × 1, missing notBreaching
detour-sweep-throttles: Sum of AWS/Lambda Throttles FunctionName=detour-sweep GreaterThanOrEqualToThreshold 1, 5m0s × 1, missing notBreaching
detour-switchover-errors: Sum of AWS/Lambda Errors FunctionName=detour-switchover GreaterThanOrEqualToThreshold 3, 5m0s × 1, missing notBreaching
detour-switchover-throttles: Sum of AWS/Lambda Throttles FunctionName=detour-switchover GreaterThanOrEqualToThreshold 1, 5m0s × 1, missing notBreaching
detour-unannounced: Sum of Detour Unannounced Function=sweep GreaterThanOrEqualToThreshold 3, 24h0m0s × 1, missing notBreaching
detour-unreadable: Sum of Detour SensorProblems Function=sweep GreaterThanOrEqualToThreshold 1, 2m0s × 3, missing notBreaching
detour-wake-dead-letters: Maximum of AWS/SQS ApproximateNumberOfMessagesVisible QueueName=detour-wake-dead GreaterThanOrEqualToThreshold 1, 1m0s × 1, missing notBreaching
detour-write-failures: Sum of Detour WriteFailures Function=sweep GreaterThanOrEqualToThreshold 1, 2m0s × 2, missing notBreaching
`)
	same(t, "the forwarder's", alarmLines(blueprint.ForwardAlarms(b.Forwards[0])), `
detour-forward-dead-letters: Maximum of AWS/SQS ApproximateNumberOfMessagesVisible QueueName=detour-forward-dead GreaterThanOrEqualToThreshold 1, 1m0s × 1, missing notBreaching
`)
}

// TestDropsAreWatched: at gateways where the groups name them, and else at
// attachments of the home's own tables; elsewhere there are no metrics.
func TestDropsAreWatched(t *testing.T) {
	tests := []struct{ example, gateways, attachments string }{
		{"deploy-one-account", "", "tgw-attach-0a000000000000001 tgw-attach-0b000000000000002"},
		{"deploy-hub-and-spokes", "tgw-0a000000000000001 tgw-0b000000000000002", ""},
		{"deploy-two-regions", "", "tgw-attach-0a000000000000001 tgw-attach-0c000000000000003"},
	}
	for _, test := range tests {
		home := blueprintOf(t, example(t, test.example)).Homes[0]
		if got := strings.Join(home.Gateways, " "); got != test.gateways {
			t.Errorf("%s: gateways %q, want %q", test.example, got, test.gateways)
		}
		if got := strings.Join(home.Attachments, " "); got != test.attachments {
			t.Errorf("%s: attachments %q, want %q", test.example, got, test.attachments)
		}
	}
}

// TestDropsElsewhereHaveNoAlarm: the metrics are in the account that owns the
// gateway, which is most likely that of its table.
func TestDropsElsewhereHaveNoAlarm(t *testing.T) {
	raw, err := os.ReadFile("../../docs/examples/deploy-one-account.yaml")
	if err != nil {
		t.Fatal(err)
	}
	const table = "id: tgw-rtb-0a000000000000001}"
	other := strings.Replace(string(raw), table, "id: tgw-rtb-0a000000000000001, account: 444455556666}", 1)
	if other == string(raw) {
		t.Fatalf("the example has no %q", table)
	}
	if home := blueprintOf(t, read(t, other)).Homes[0]; len(home.Gateways)+len(home.Attachments) != 0 {
		t.Errorf("drops are counted of %v and %v", home.Gateways, home.Attachments)
	}
}

// TestAlarmsFollowTheSweep: where it comes less often, so does what it counts.
func TestAlarmsFollowTheSweep(t *testing.T) {
	home := blueprintOf(t, read(t, strings.Replace(pairIn("eu-central-1"), "groups:", "timers: {sweepPeriod: 5m}\ngroups:", 1))).Homes[0]
	want := map[string]time.Duration{"detour-no-sweeps": 25 * time.Minute, "detour-contended": 10 * time.Minute, "detour-dead-letters": time.Minute}
	for _, a := range blueprint.Alarms(home) {
		if period, ok := want[a.Name]; ok && a.Period != period {
			t.Errorf("%s has a period of %s, want %s", a.Name, a.Period, period)
		}
	}
	home.Schedules = nil // Without any, the period is the default.
	if lines := alarmLines(blueprint.Alarms(home)); !strings.Contains(lines, "detour-no-sweeps: Sum of Detour Sweeps Function=sweep LessThanThreshold 1, 5m0s") {
		t.Error(lines)
	}
}

// homes are all homes of the examples, and all alarms.
func homes(t *testing.T) (out []blueprint.Home, alarms [][]blueprint.Alarm) {
	t.Helper()
	for _, name := range []string{"deploy-one-account", "deploy-hub-and-spokes", "deploy-two-regions", "deploy-filters"} {
		b := blueprintOf(t, example(t, name))
		for _, home := range b.Homes {
			out, alarms = append(out, home), append(alarms, blueprint.Alarms(home))
		}
		for _, forward := range b.Forwards {
			alarms = append(alarms, blueprint.ForwardAlarms(forward))
		}
	}
	return out, alarms
}

// TestAlarmsAreWellFormed: sorted, each name once, within CloudWatch's limits
// (CloudWatch API, PutMetricAlarm), on metrics that there are.
func TestAlarmsAreWellFormed(t *testing.T) {
	metrics := map[string]string{
		"ApproximateNumberOfMessagesVisible": "AWS/SQS", "Errors": "AWS/Lambda", "Throttles": "AWS/Lambda", "PacketDropCountBlackhole": "AWS/TransitGateway",
		"ExecutionsFailed": "AWS/States", "ExecutionsTimedOut": "AWS/States",
	}
	for _, m := range handler.Metrics() {
		metrics[m.Name] = handler.Namespace
	}
	_, all := homes(t)
	for _, alarms := range all {
		if !slices.IsSortedFunc(alarms, func(a, b blueprint.Alarm) int { return strings.Compare(a.Name, b.Name) }) {
			t.Errorf("not sorted:\n%s", alarmLines(alarms))
		}
		seen := map[string]bool{}
		for _, a := range alarms {
			if seen[a.Name] || len(a.Name) > 255 || !strings.HasPrefix(a.Name, "detour-") {
				t.Errorf("the name %q", a.Name)
			}
			seen[a.Name] = true
			if metrics[a.Metric] != a.Namespace {
				t.Errorf("%s is on %s %s, which is no metric", a.Name, a.Namespace, a.Metric)
			}
			if len(a.Dimensions) != 1 || len(a.Description) > 1024 {
				t.Errorf("%s has the dimensions %v, and %d bytes of description", a.Name, a.Dimensions, len(a.Description))
			}
			whole := time.Duration(a.Periods) * a.Period
			if a.Period%time.Minute != 0 || a.Periods < 1 || whole > 7*24*time.Hour || a.Period < time.Hour && whole > 24*time.Hour {
				t.Errorf("%s has %d periods of %s", a.Name, a.Periods, a.Period)
			}
			if (a.Missing == blueprint.MissingIsBad) != (a.Comparison == blueprint.Below) {
				t.Errorf("%s takes missing data as %s", a.Name, a.Missing)
			}
			if !strings.HasPrefix(a.Description, "PAGE: ") && !strings.HasPrefix(a.Description, "TICKET: ") {
				t.Errorf("%s does not say how urgent it is: %s", a.Name, a.Description)
			}
		}
	}
}

// TestRunbooks: every alarm's runbook is there, and has all its parts in order;
// every runbook is one of an alarm, or documentation leads to it; and the index
// has every alarm.
func TestRunbooks(t *testing.T) {
	const root = "../.."
	index, err := os.ReadFile(filepath.Join(root, "docs/runbook/README.md"))
	if err != nil {
		t.Fatal(err)
	}
	named := map[string]bool{"docs/runbook/README.md": true}
	_, all := homes(t)
	for _, alarms := range all {
		for _, a := range alarms {
			named[a.Runbook()] = true
			name := regexp.MustCompile(`tgw-.*$`).ReplaceAllString(a.Name, "ID")
			if row := "| `" + name + "` |"; !strings.Contains(string(index), row) {
				t.Errorf("docs/runbook/README.md has no row %s", row)
			}
			text, err := os.ReadFile(filepath.Join(root, a.Runbook()))
			if err != nil {
				t.Errorf("%s: %v", a.Name, err)
				continue
			}
			if !strings.Contains(string(text), "`"+name+"`") {
				t.Errorf("%s does not name the alarm %s", a.Runbook(), name)
			}
			if got := regexp.MustCompile(`(?m)^## .*$`).FindAllString(string(text), -1); !slices.Equal(got, runbookParts) {
				t.Errorf("%s has the parts %q, want %q", a.Runbook(), got, runbookParts)
			}
		}
	}
	files, err := filepath.Glob(filepath.Join(root, "docs/runbook/*.md"))
	if err != nil || len(files) == 0 {
		t.Fatal(files, err)
	}
	for _, file := range files {
		name, err := filepath.Rel(root, file)
		if err != nil {
			t.Fatal(err)
		}
		if !named[filepath.ToSlash(name)] && !strings.Contains(string(index), "("+filepath.Base(file)+")") {
			t.Errorf("neither an alarm nor docs/runbook/README.md leads to %s", name)
		}
	}
	for _, file := range []string{"README.md", "docs/deploy.md"} {
		if text, err := os.ReadFile(filepath.Join(root, file)); err != nil || !strings.Contains(string(text), "runbook/README.md)") {
			t.Errorf("%s does not lead to the runbooks (%v)", file, err)
		}
	}
}

// runbookParts are the parts of every runbook of an alarm.
var runbookParts = []string{"## What it means", "## What Detour did, and does by itself", "## What to look at", "## What to do", "## How it ends"}
