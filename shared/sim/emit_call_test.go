package sim

import (
	"encoding/json"
	"strings"
	"testing"
	"time"
)

// toldCall is what a test looks at in an event about a call.
type toldCall struct {
	Account string `json:"account"`
	Region  string `json:"region"`
	Source  string `json:"source"`
	Kind    string `json:"detail-type"`
	Time    string `json:"time"`
	Detail  struct {
		Name       string          `json:"eventName"`
		Error      string          `json:"errorCode"`
		Parameters json.RawMessage `json:"requestParameters"`
		Identity   struct {
			ARN     string `json:"arn"`
			Context struct {
				Issuer struct {
					ARN string `json:"arn"`
				} `json:"sessionIssuer"`
			} `json:"sessionContext"`
		} `json:"userIdentity"`
	} `json:"detail"`
}

// callsHeard collects the events about calls.
func callsHeard(t *testing.T, w *World) *[]toldCall {
	t.Helper()
	var out []toldCall
	w.Subscribe(func(raw []byte) {
		var e toldCall
		if err := json.Unmarshal(raw, &e); err != nil {
			t.Error(err)
		}
		if e.Source == "aws.ec2" {
			out = append(out, e)
		}
	})
	return &out
}

func TestCloudTrailTellsOfWritesByScript(t *testing.T) {
	for name, c := range map[string]struct {
		write      func(w *World) error
		action     string
		parameters string
		code       string
	}{
		"a transit gateway's route": {
			func(w *World) error { return w.ForceRoute("ann", spokeRT, "192.168.0.0/16", attVPN2) }, "ReplaceTransitGatewayRoute",
			`{"ReplaceTransitGatewayRouteRequest":{"DestinationCidrBlock":"192.168.0.0/16","TransitGatewayAttachmentId":"` + attVPN2 + `","TransitGatewayRouteTableId":"` + spokeRT + `"}}`, "",
		},
		"a blackhole": {
			func(w *World) error { return w.ForceRoute("ann", spokeRT, "10.9.0.0/16", "blackhole") }, "CreateTransitGatewayRoute",
			`{"CreateTransitGatewayRouteRequest":{"Blackhole":true,"DestinationCidrBlock":"10.9.0.0/16","TransitGatewayRouteTableId":"` + spokeRT + `"}}`, "",
		},
		"a VPC's route": {
			func(w *World) error { return w.ForceRoute("ann", mainRT, "10.2.0.0/16", gw) }, "ReplaceRoute",
			`{"destinationCidrBlock":"10.2.0.0/16","routeTableId":"` + mainRT + `","transitGatewayId":"` + gw + `"}`, "",
		},
		"a route that is deleted": {
			func(w *World) error { return w.ForceRoute("ann", mainRT, "10.2.0.0/16", "") }, "DeleteRoute",
			`{"destinationCidrBlock":"10.2.0.0/16","routeTableId":"` + mainRT + `"}`, "",
		},
		"a call that fails": {
			func(w *World) error {
				if w.ForceRoute("ann", mainRT, "10.99.0.0/16", "") == nil {
					t.Error("it succeeded")
				}
				return nil
			}, "DeleteRoute", `{"destinationCidrBlock":"10.99.0.0/16","routeTableId":"` + mainRT + `"}`, "Client.InvalidRoute.NotFound",
		},
		"a propagation": {
			func(w *World) error { return w.ForcePropagation("ann", spokeRT, attB, false) }, "DisableTransitGatewayRouteTablePropagation",
			`{"DisableTransitGatewayRouteTablePropagationRequest":{"TransitGatewayAttachmentId":"` + attB + `","TransitGatewayRouteTableId":"` + spokeRT + `"}}`, "",
		},
	} {
		t.Run(name, func(t *testing.T) {
			w, clock := lab(t, Options{})
			heard := callsHeard(t, w)
			start := clock.now
			must(t, c.write(w))
			clock.advance(10*time.Second - 1)
			if len(*heard) != 0 {
				t.Fatalf("told at once: %+v", *heard)
			}
			clock.advance(1)
			if len(*heard) != 1 {
				t.Fatalf("told %d times", len(*heard))
			}
			got := (*heard)[0]
			if got.Account != account || got.Region != region || got.Kind != "AWS API Call via CloudTrail" || got.Time != start.UTC().Format(eventTime) {
				t.Errorf("the envelope is %+v", got)
			}
			if d := got.Detail; d.Name != c.action || string(d.Parameters) != c.parameters || d.Error != c.code || d.Identity.ARN != "arn:aws:iam::"+account+":user/ann" {
				t.Errorf("got %s %s %s by %s\nwant %s %s %s", d.Name, d.Parameters, d.Error, d.Identity.ARN, c.action, c.parameters, c.code)
			}
		})
	}
}

func TestCloudTrailTellsOfPrefixLists(t *testing.T) {
	wanted := func(w *World, clock *handClock, heard *[]toldCall, want ...string) {
		t.Helper()
		clock.advance(time.Second)
		if len(*heard) != len(want) {
			t.Fatalf("told of %+v", *heard)
		}
		for i, e := range *heard {
			if got := e.Detail.Name + " " + string(e.Detail.Parameters); got != want[i] {
				t.Errorf("got %s\nwant %s", got, want[i])
			}
		}
	}
	w, clock := wide(t, Options{CallEventDelay: time.Second})
	heard := callsHeard(t, w)
	must(t, w.ForceRoute("ann", spokeRT, list1, ""))
	wanted(w, clock, heard, `DeleteTransitGatewayPrefixListReference {"DeleteTransitGatewayPrefixListReferenceRequest":{"PrefixListId":"`+list1+`","TransitGatewayRouteTableId":"`+spokeRT+`"}}`)
	w, clock = edge(t, Options{CallEventDelay: time.Second})
	heard = callsHeard(t, w)
	must(t, w.ForceRoute("ann", edgeRT, list, eniA))
	must(t, w.SetPrefixListEntries("ann", list, blocks("192.168.0.0/16"), nil))
	wanted(w, clock, heard, `CreateRoute {"destinationPrefixListId":"`+list+`","networkInterfaceId":"`+eniA+`","routeTableId":"`+edgeRT+`"}`,
		`ModifyManagedPrefixList {"ModifyManagedPrefixListRequest":{"CurrentVersion":"1","PrefixListId":"`+list+`"}}`)
}

// TestOfWhoseCallsCloudTrailTells: by default of writers by script and of nobody
// else; else of whom the test names.
func TestOfWhoseCallsCloudTrailTells(t *testing.T) {
	w, clock := lab(t, Options{})
	heard := callsHeard(t, w)
	call := func(process, action, code, fault string, write *RouteWrite) {
		w.Record(CallRecord{Process: process, Account: account, Region: region, Action: action, Code: code, Fault: fault, Write: write})
		clock.advance(time.Minute)
	}
	wrote := &RouteWrite{Table: spokeRT}
	call("switchover-1", "ReplaceTransitGatewayRoute", "", "", wrote)
	call("", "ReplaceTransitGatewayRoute", "", "", wrote)
	if len(*heard) != 0 {
		t.Fatalf("told of %+v", *heard)
	}
	w.TellOfCalls(func(process string) (Principal, bool) {
		return Principal{Role: "worker", Session: process}, strings.HasPrefix(process, "switchover-")
	})
	call("switchover-1", "ReplaceTransitGatewayRoute", "", "", wrote)
	call("switchover-2", "ReplaceTransitGatewayRoute", "DryRunOperation", "", nil)
	call("switchover-3", "ReplaceTransitGatewayRoute", "", "lost", nil)                      // It did not arrive.
	call("switchover-4", "ReplaceTransitGatewayRoute", "RequestLimitExceeded", "error", nil) // Neither did this one.
	call("switchover-5", "ReplaceTransitGatewayRoute", "", "answer-lost", wrote)
	call("switchover-6", "DescribeRouteTables", "", "", nil)
	call("writer:ann", "ReplaceTransitGatewayRoute", "", "", wrote)
	var got []string
	for _, e := range *heard {
		got = append(got, e.Detail.Identity.ARN+" "+e.Detail.Identity.Context.Issuer.ARN+" "+e.Detail.Error)
	}
	session := "arn:aws:sts::" + account + ":assumed-role/worker/switchover-"
	role := " arn:aws:iam::" + account + ":role/worker "
	want := []string{session + "1" + role, session + "2  Client.DryRunOperation", session + "5" + role}
	if strings.Join(got, "\n") != strings.Join(want, "\n") {
		t.Errorf("told of\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
}
