package pattern_test

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"

	"detour/events/pattern"
	"detour/events/payload"
)

// matches is written by hand: which patterns pass which sample on. A sample without a row fails the test.
var matches = map[string][]string{
	"aws-health-vpn-redundancy-loss.json":                    {"aws-health.json"},
	"aws-health-vpn-single-tunnel.json":                      {"aws-health.json"},
	"cloud-wan-segment-routes-installed.json":                {"network-manager-routing.json"},
	"cloud-wan-vpn-connection-ipsec-down.json":               {"network-manager-status.json"},
	"cloud-wan-vpn-connection-ipsec-up.json":                 {"network-manager-status.json"},
	"cloudtrail-create-route-prefix-list.json":               {"cloudtrail-routes.json"},
	"cloudtrail-disable-propagation-expected.json":           {"cloudtrail-routes.json"},
	"cloudtrail-modify-managed-prefix-list-expected.json":    {"cloudtrail-routes.json"},
	"cloudtrail-modify-prefix-list-reference-expected.json":  {"cloudtrail-routes.json"},
	"cloudtrail-own-write-expected.json":                     {"cloudtrail-routes.json"},
	"cloudtrail-replace-route-denied.json":                   {"cloudtrail-routes.json"},
	"cloudtrail-replace-route.json":                          {"cloudtrail-routes.json"},
	"cloudtrail-replace-transit-gateway-route-expected.json": {"cloudtrail-routes.json"},
	"cloudwatch-alarm-state-change-insufficient-data.json":   {"cloudwatch-alarm.json"},
	"cloudwatch-alarm-state-change-ok.json":                  {"cloudwatch-alarm.json"},
	"cloudwatch-alarm-state-change-tunnel-state.json":        {"cloudwatch-alarm.json"},
	"cloudwatch-alarm-state-change.json":                     {"cloudwatch-alarm.json"},
	"connect-peer-bgp-down.json":                             {"network-manager-status.json"},
	"connect-peer-bgp-up.json":                               {"network-manager-status.json"},
	"detour-contended.json":                                  nil, // Detour's own events lead to no run.
	"detour-failback-asked.json":                             nil, // Detour's own events lead to no run.
	"detour-failback-ended.json":                             nil, // Detour's own events lead to no run.
	"detour-failback-over.json":                              nil, // Detour's own events lead to no run.
	"detour-filter-measure-held.json":                        nil, // Detour's own events lead to no run.
	"detour-filter-measure-lifted.json":                      nil, // Detour's own events lead to no run.
	"detour-filter-measure-placed.json":                      nil, // Detour's own events lead to no run.
	"detour-path-state-changed.json":                         nil, // Detour's own events lead to no run.
	"detour-request-ended.json":                              nil, // Detour's own events lead to no run.
	"detour-switchover-completed.json":                       nil, // Detour's own events lead to no run.
	"detour-switchover-held.json":                            nil, // Detour's own events lead to no run.
	"detour-switchover-started.json":                         nil, // Detour's own events lead to no run.
	"rehearse.json":                                          nil, // Comes from the schedule, through no rule.
	"service-advisory.json":                                  nil,
	"sweep.json":                                             nil, // Comes from the schedule, through no rule.
	"tgw-connect-peer-bgp-down-expected.json":                {"network-manager-status.json"},
	"tgw-connect-peer-bgp-establish-expected.json":           {"network-manager-status.json"},
	"tgw-connect-peer-created.json":                          {"network-manager-status.json"},
	"tgw-deleted.json":                                       {"network-manager-status.json"},
	"tgw-route-installed.json":                               {"network-manager-routing.json"},
	"tgw-route-table-associated-legacy.json":                 {"network-manager-routing.json"},
	"tgw-route-uninstalled.json":                             {"network-manager-routing.json"},
	"vpc-attachment-deleted-mixed.json":                      {"network-manager-status.json"},
	"vpn-connection-bgp-down-mixed.json":                     {"network-manager-status.json"},
	"vpn-connection-bgp-down.json":                           {"network-manager-status.json"},
	"vpn-connection-bgp-establish.json":                      {"network-manager-status.json"},
	"vpn-connection-deleted.json":                            {"network-manager-status.json"},
	"vpn-connection-ipsec-down-legacy.json":                  {"network-manager-status.json"},
	"vpn-connection-ipsec-down.json":                         {"network-manager-status.json"},
	"vpn-connection-ipsec-up-legacy.json":                    {"network-manager-status.json"},
	"vpn-connection-ipsec-up.json":                           {"network-manager-status.json"},
	"vpn-connection-unknown-change.json":                     {"network-manager-status.json"},
	"vpn-bgp-log-control.json":                               nil, // Comes from a subscription of the log, through no rule.
	"vpn-bgp-log-delivery.json":                              nil, // Comes from a subscription of the log, through no rule.
	"vpn-bgp-log-route-advertised.json":                      nil, // Comes from a subscription of the log, through no rule.
	"vpn-bgp-log-route-updated.json":                         nil, // Comes from a subscription of the log, through no rule.
	"vpn-bgp-log-route-withdrawn.json":                       nil, // Comes from a subscription of the log, through no rule.
	"vpn-bgp-log-session-up.json":                            nil, // Comes from a subscription of the log, through no rule.
	"wake-up.json":                                           nil, // Comes from the queue, through no rule.
}

func TestShippedPatternsMatchExactlyTheSamplesTheyShould(t *testing.T) {
	for _, name := range payload.Names() {
		event, err := payload.Read(name)
		if err != nil {
			t.Fatal(err)
		}
		if name == "truncated.json" {
			for _, p := range pattern.Names() {
				if _, err := pattern.Match(read(t, p), event); err == nil {
					t.Errorf("%s against %s: want an error, the event is not JSON", p, name)
				}
			}
			continue
		}
		want, ok := matches[name]
		if !ok {
			t.Errorf("sample %s has no row in the table: write down which patterns pass it on", name)
			continue
		}
		var got []string
		for _, p := range pattern.Names() {
			matched, err := pattern.Match(read(t, p), event)
			if err != nil {
				t.Fatalf("%s against %s: %v", p, name, err)
			}
			if matched {
				got = append(got, p)
			}
		}
		if !slices.Equal(got, want) {
			t.Errorf("%s is passed on by %q, want %q", name, got, want)
		}
	}
	if extra := len(matches) + 1 - len(payload.Names()); extra != 0 {
		t.Errorf("the table has %d rows more than there are samples", extra)
	}
}

func TestShippedPatternsKeepEventBridgeLimits(t *testing.T) {
	want := []string{"aws-health.json", "cloudtrail-routes.json", "cloudwatch-alarm.json", "network-manager-routing.json", "network-manager-status.json"}
	if got := pattern.Names(); !slices.Equal(got, want) {
		t.Fatalf("Names() = %q, want %q", got, want)
	}
	for _, name := range want {
		raw := read(t, name)
		if len(raw) > 2048 {
			t.Errorf("%s has %d characters; EventBridge's default quota is 2,048", name, len(raw))
		}
		var fields map[string]json.RawMessage
		if err := json.Unmarshal(raw, &fields); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		if strings.HasPrefix(name, "network-manager-") && len(fields) != 2 {
			t.Errorf("%s must match on source and detail-type only, or Cloud WAN shaped events are lost", name)
		}
	}
	if _, err := pattern.Read("match.go"); err == nil {
		t.Error("Read gave a file that is not a pattern")
	}
}

func TestMatch(t *testing.T) {
	tests := []struct {
		name, pattern, event string
		want                 bool
	}{
		{"one of several strings", `{"a":["x","y"]}`, `{"a":"y"}`, true},
		{"is case-sensitive", `{"a":["x"]}`, `{"a":"X"}`, false},
		{"key is case-sensitive", `{"a":["x"]}`, `{"A":"x"}`, false},
		{"missing key", `{"a":["x"]}`, `{}`, false},
		{"missing key is not null", `{"a":[null]}`, `{}`, false},
		{"null", `{"a":[null]}`, `{"a":null}`, true},
		{"empty string", `{"a":[""]}`, `{"a":""}`, true},
		{"number", `{"a":[1]}`, `{"a":1}`, true},
		{"a number is not its string", `{"a":[1]}`, `{"a":"1"}`, false},
		{"a number written otherwise", `{"a":[300]}`, `{"a":300.0}`, false},
		{"boolean", `{"a":[true]}`, `{"a":true}`, true},
		{"every key must match", `{"a":["x"],"b":["y"]}`, `{"a":"x","b":"z"}`, false},
		{"nested", `{"a":{"b":["x"]}}`, `{"a":{"b":"x","c":1}}`, true},
		{"nested, value is not an object", `{"a":{"b":["x"]}}`, `{"a":"b"}`, false},
		{"any element of an array", `{"a":["x"]}`, `{"a":["w","x"]}`, true},
		{"no element of an array", `{"a":["x"]}`, `{"a":["w"]}`, false},
		{"empty array", `{"a":["x"]}`, `{"a":[]}`, false},
		{"any object of an array", `{"a":{"b":["x"]}}`, `{"a":[{"b":"w"},{"b":"x"}]}`, true},
		{"one object must match all of it", `{"a":{"b":["x"],"c":["y"]}}`, `{"a":[{"b":"x"},{"c":"y"}]}`, false},
		{"object where a value is wanted", `{"a":["x"]}`, `{"a":{"b":"x"}}`, false},
		{"array in an array", `{"a":["x"]}`, `{"a":[["x"]]}`, true},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			got, err := pattern.Match([]byte(test.pattern), []byte(test.event))
			if err != nil || got != test.want {
				t.Errorf("Match(%s, %s) = %v, %v, want %v", test.pattern, test.event, got, err, test.want)
			}
		})
	}
}

func TestMatchRefuses(t *testing.T) {
	tests := []struct{ name, pattern, event, want string }{
		{"an operator", `{"a":[{"prefix":"x"}]}`, `{}`, "exact matching only"},
		{"a nested operator", `{"a":{"b":["x",{"exists":false}]}}`, `{"a":{"b":"x"}}`, `"a.b"`},
		{"$or", `{"$or":[{"a":["x"]}]}`, `{}`, "exact matching only"},
		{"a bare value", `{"a":"x"}`, `{}`, "into an array"},
		{"an empty array", `{"a":[]}`, `{}`, "empty array"},
		{"an array in an array", `{"a":[["x"]]}`, `{}`, "array in an array"},
		{"an empty object", `{}`, `{}`, "no keys"},
		{"a pattern that is an array", `[]`, `{}`, "reading the pattern"},
		{"a pattern that is no JSON", `{`, `{}`, "reading the pattern"},
		{"an event that is no JSON", `{"a":["x"]}`, `{`, "reading the event"},
		{"an event with something behind it", `{"a":["x"]}`, `{} {}`, "reading the event"},
		{"an event that is an array", `{"a":["x"]}`, `[{"a":"x"}]`, "reading the event"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			got, err := pattern.Match([]byte(test.pattern), []byte(test.event))
			if err == nil || got || !strings.Contains(err.Error(), test.want) {
				t.Errorf("Match(%s, %s) = %v, %v, want an error with %q", test.pattern, test.event, got, err, test.want)
			}
		})
	}
}

func read(t *testing.T, name string) []byte {
	t.Helper()
	raw, err := pattern.Read(name)
	if err != nil {
		t.Fatal(err)
	}
	return raw
}
