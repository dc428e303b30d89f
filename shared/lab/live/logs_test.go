package live

import (
	"strings"
	"testing"

	"detour/events"
	"detour/events/payload"
	"detour/shared/config"
	"detour/shared/lab/stack"
)

// bgpLog is a delivery with a line of a session and one of a route.
func bgpLog(t *testing.T, group, stream string) []byte {
	t.Helper()
	raw, err := packLogs(events.LogsData{
		MessageType: events.LogsDataMessage, Owner: "111122223333", LogGroup: group, LogStream: stream, SubscriptionFilters: []string{"somebody's"},
		LogEvents: []events.LogLine{
			{ID: "1", Timestamp: 1, Message: `{"type":"BGPStatus","status":"UP"}`},
			{ID: "2", Timestamp: 2, Message: `{"type":"RouteStatus","status":"ADVERTISED","message":{"prefix":"0.0.0.0/0"}}`},
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	return raw
}

// subscribed puts a subscription of a log group and its permission into each
// template. The function of the assembly stands in for that for filters.
func subscribed(group, permission string) func(string) string {
	return func(template string) string {
		if !strings.Contains(template, `"Switchover": {`) {
			return template
		}
		return strings.Replace(template, `"Resources": {`, `"Resources": {
  "Log": {"Type": "AWS::Logs::SubscriptionFilter", "Properties": {
    "FilterName": "detour-routefilter", "LogGroupName": "`+group+`", "FilterPattern": "{ $.type = \"RouteStatus\" }", "DestinationArn": {"Fn::GetAtt": ["Switchover", "Arn"]}}},
  "LogPermission": {"Type": "AWS::Lambda::Permission", "Properties": {
    "Action": "lambda:InvokeFunction", "FunctionName": {"Ref": "Switchover"}, "Principal": "`+permission+`",
    "SourceArn": "arn:aws:logs:us-west-2:111122223333:log-group:`+group+`:*", "SourceAccount": "111122223333"}},`, 1)
	}
}

// TestATemplatesLogs: what a VPN connection logs goes to the function that
// subscribes to the log group, without what the pattern leaves out, and nowhere
// without a subscription or a permission.
func TestATemplatesLogs(t *testing.T) {
	const stream, shown = "vpn-0b000000000000001_203.0.113.11", "primary_203.0.113.11"
	for name, c := range map[string]struct {
		change  func(string) string
		want    string
		handled bool
	}{
		"handed over":   {subscribed("/vpn/bgp", "logs.amazonaws.com"), "switchover   gets log " + shown + ": RouteStatus ADVERTISED 0.0.0.0/0\n", true},
		"another group": {subscribed("/vpn/other", "logs.amazonaws.com"), "has no subscription of log group /vpn/bgp in account 111122223333 in us-west-2 for it", false},
		"no permission": {subscribed("/vpn/bgp", "events.amazonaws.com"), "cannot hand over log group /vpn/bgp: no AWS::Lambda::Permission lets it invoke detour-switchover", false},
	} {
		t.Run(name, func(t *testing.T) {
			s, out := serveTemplate(t, oneAccount(t), "one-account", c.change)
			s.emitted(bgpLog(t, "/vpn/bgp", stream))
			wants(t, s, out, "logs "+shown+": BGPStatus UP, RouteStatus ADVERTISED 0.0.0.0/0", c.want)
			if c.handled {
				until(t, s, "the function has ended", func() bool { return count(s, Switchover, CauseEvent, Succeeded) == 1 })
				got, err := unpackLogs(s.Invocations()[0].Payload)
				if err != nil || len(got.LogEvents) != 1 || got.LogEvents[0].ID != "2" || got.SubscriptionFilters[0] != "detour-routefilter" || got.LogGroup != "/vpn/bgp" {
					t.Errorf("the function got %+v, %v", got, err)
				}
			}
			if got := count(s, Switchover, CauseEvent, Succeeded); got != 0 && !c.handled {
				t.Errorf("%d invocations", got)
			}
		})
	}
}

// TestLogsThatCannotBeRead end in a line.
func TestLogsThatCannotBeRead(t *testing.T) {
	s, out := serveTemplate(t, oneAccount(t), "one-account", nil)
	empty, err := packLogs(events.LogsData{MessageType: events.LogsControlMessage})
	if err != nil {
		t.Fatal(err)
	}
	for raw, want := range map[string]string{
		`{"awslogs":{"data":"?"}}`:    "logs what cannot be read: unpacking a delivery of logs: illegal base64 data",
		`{"awslogs":{"data":"AAAA"}}`: "logs what cannot be read: unpacking a delivery of logs: ",
		string(empty):                 "logs what cannot be read: it has no lines",
	} {
		s.emitted([]byte(raw))
		wants(t, s, out, want)
	}
	if n := s.handOver(stack.Site{Account: "111122223333", Region: "us-west-2"}, events.LogsData{LogGroup: "/vpn/bgp"}); n != 0 {
		t.Errorf("%d functions got it", n)
	}
}

// TestTheBuiltInDeploymentHasFilters: where the configuration has some there is a
// function for them, with a queue of its own, and it gets what concerns filters.
func TestTheBuiltInDeploymentHasFilters(t *testing.T) {
	for name, groups := range map[string]bool{"with groups": true, "alone": false} {
		t.Run(name, func(t *testing.T) {
			file := oneAccount(t)
			f := config.NewFilter()
			f.Name, f.Home, f.Action = "no-default", config.Home{Account: "111122223333", Region: "us-west-2"}, "alert"
			f.Tables, f.Rules, f.BGPLogGroups = []string{"tgw-rtb-0c000000000000001"}, []string{"deny default-like"}, []string{"/vpn/bgp"}
			file.Config.FilterList = []config.Filter{f}
			if !groups {
				file.Config.GroupList = nil
			}
			s, out := serve(t, Options{File: file, FunctionsDir: fakeFunctions(t), NoSchedule: true})
			want := "failback-advance failback-ask failback-close failback-precheck failback-undo failback-verify routefilter sweep switchover"
			if !groups {
				want = "routefilter sweep"
			}
			if got := strings.Join(s.functionNames(), " "); got != want {
				t.Fatalf("functions %s, want %s", got, want)
			}
			s.emitted(bgpLog(t, "/vpn/bgp", "vpn-0b000000000000001_203.0.113.11"))
			wants(t, s, out, "routefilter  gets log primary_203.0.113.11: RouteStatus ADVERTISED 0.0.0.0/0\n")
			raw, err := payload.Read("tgw-route-installed.json")
			if err != nil {
				t.Fatal(err)
			}
			s.emitted(raw)
			wants(t, s, out, "routefilter  gets event TGW-ROUTE-INSTALLED")
			until(t, s, "both are handled", func() bool { return count(s, RouteFilter, CauseEvent, Succeeded) == 2 })
			h := s.homes[0]
			queues := map[string]string{}
			for _, w := range h.wakes {
				queues[w.function] = w.url
			}
			if (queues[Switchover] != "") != groups || queues[RouteFilter] == "" || h.wakeURL == "" || groups && h.wakeURL != queues[Switchover] {
				t.Errorf("the queues are %v, and that of groups %s", queues, h.wakeURL)
			}
			if got, err := s.Deployment(); err != nil || got.Homes[0].FilterWakeQueue != queues[RouteFilter] {
				t.Errorf("operators are told the queue %q for wake-ups of filters, and it is %q", got.Homes[0].FilterWakeQueue, queues[RouteFilter])
			}
			environment := h.functions[Sweep].Environment
			if groups != (environment["DETOUR_FILTER_WAKE_QUEUE"] != "") || environment["DETOUR_WAKE_QUEUE"] == "" {
				t.Errorf("the sweep's environment is %v", environment)
			}
		})
	}
}
