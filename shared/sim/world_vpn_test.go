package sim

import (
	"fmt"
	"reflect"
	"strings"
	"testing"
	"time"

	"detour/events/payload"
)

func telemetry(w *World, c Caller) string {
	var out strings.Builder
	for _, v := range w.VPNConnections(c) {
		for _, t := range v.Tunnels {
			fmt.Fprintf(&out, "%s=%t ", t.OutsideIP, t.Up)
		}
	}
	return strings.TrimSpace(out.String())
}

const (
	allUp   = "198.51.100.1=true 198.51.100.2=true 198.51.100.3=true 198.51.100.4=false"
	oneDown = "198.51.100.1=false 198.51.100.2=true 198.51.100.3=true 198.51.100.4=false"
)

func TestTruthDetectionTelemetryAndEventComeOneAfterTheOther(t *testing.T) {
	w, clock := lab(t, Options{TelemetryLag: 10 * time.Second})
	events := heard(t, w)
	start := clock.now
	must(t, w.SetTunnel(vpn1, "198.51.100.1", false))
	for _, want := range []struct {
		at        time.Duration
		up        int
		events    int
		telemetry string
	}{{29, 2, 0, allUp}, {30, 1, 0, allUp}, {32, 1, 1, allUp}, {39, 1, 1, allUp}, {40, 1, 1, oneDown}} {
		clock.advance(start.Add(want.at * time.Second).Sub(clock.now))
		up, total := w.Reported(vpn1)
		if up != want.up || total != 2 || len(*events) != want.events || telemetry(w, me()) != want.telemetry {
			t.Fatalf("%d s: %d of %d reported, %d events, telemetry %s", want.at, up, total, len(*events), telemetry(w, me()))
		}
	}
	view := w.VPNConnections(me())[0].Tunnels[0]
	if view.StatusMessage != "IPSEC IS DOWN" || !view.LastStatusChange.Equal(start.Add(30*time.Second)) {
		t.Fatalf("got %+v", view)
	}
	if got := telemetry(w, stale(time.Second)); got != allUp {
		t.Fatalf("a second ago: %s", got)
	}
	var kinds []string
	for _, change := range w.TunnelHistory() {
		kinds = append(kinds, fmt.Sprintf("%s %s %t", change.At.Sub(start), change.Kind, change.Up))
	}
	if want := []string{"0s truth false", "30s detected false", "40s telemetry false"}; !reflect.DeepEqual(kinds, want) {
		t.Fatalf("got %q, want %q", kinds, want)
	}
}

func TestTunnelThatFlipsBackIsNotDetected(t *testing.T) {
	w, clock := lab(t, Options{})
	events := heard(t, w)
	must(t, w.SetTunnel(vpn1, "198.51.100.1", false))
	clock.advance(20 * time.Second)
	must(t, w.SetTunnel(vpn1, "198.51.100.1", true))
	clock.advance(5 * time.Second)
	must(t, w.SetTunnel(vpn1, "198.51.100.1", false))
	clock.advance(29 * time.Second) // The first failure's detection would have been due.
	if up, _ := w.Reported(vpn1); up != 2 || len(*events) != 0 {
		t.Fatalf("%d reported up, %d events", up, len(*events))
	}
	clock.advance(3 * time.Second)
	if up, _ := w.Reported(vpn1); up != 1 || len(*events) != 1 {
		t.Fatalf("%d reported up, %d events", up, len(*events))
	}
}

func TestEventTellsTheStatusAtDetection(t *testing.T) {
	w, clock := lab(t, Options{RecoverAfter: time.Second, EventDelay: 10 * time.Second})
	events := heard(t, w)
	must(t, w.SetTunnel(vpn1, "198.51.100.1", false))
	clock.advance(30 * time.Second)
	must(t, w.SetTunnel(vpn1, "198.51.100.1", true)) // Before the event goes out.
	clock.advance(time.Minute)
	if len(*events) != 2 || detail((*events)[0])["changeType"] != "VPN-CONNECTION-IPSEC-DOWN" || detail((*events)[1])["changeType"] != "VPN-CONNECTION-IPSEC-UP" {
		t.Fatalf("got %v", *events)
	}
}

func TestStatusEventHasTheShapeOfTheSample(t *testing.T) {
	w, clock := lab(t, Options{})
	var raw []byte
	w.Subscribe(func(event []byte) { raw = event })
	must(t, w.SetTunnel(vpn1, "198.51.100.2", false))
	clock.advance(time.Minute)
	want, err := payload.Read("vpn-connection-ipsec-down.json")
	must(t, err)
	text := string(want)
	for old, replacement := range map[string]string{
		"a1b2c3d4-5678-90ab-cdef-EXAMPLE11111": "00000000-0000-4000-8000-000000000001",
		"2023-01-31T19:48:05Z":                 "2026-01-02T03:04:35Z",
		"123456789012":                         "777788889999",
		"35.84.102.207":                        "198.51.100.2",
		"tgw-attach-1234567890abcdef0":         attVPN1,
		"vpn-1234567890abcdef0":                vpn1,
		"tgw-1234567890abcdef0":                gw,
	} {
		text = strings.ReplaceAll(text, old, replacement)
	}
	if got, wanted := generic(t, raw), generic(t, []byte(text)); !reflect.DeepEqual(got, wanted) {
		t.Fatalf("got  %v\nwant %v", got, wanted)
	}
}

func TestRoutingUpdatesForStaticRoutesComeBack(t *testing.T) {
	w, clock := lab(t, Options{})
	events := heard(t, w)
	_, _, refused := w.ReplaceTransitGatewayRoute(me(), spokeRT, cidr("192.168.0.0/16"), attVPN2)
	wantOK(t, refused)
	if len(*events) != 0 {
		t.Fatal("the event came before its delay")
	}
	clock.advance(2 * time.Second)
	_, _, refused = w.ReplaceTransitGatewayRoute(me(), spokeRT, cidr("192.168.0.0/16"), attVPN2)
	wantOK(t, refused) // Nothing changes: nothing is announced.
	_, _, refused = w.DeleteTransitGatewayRoute(me(), spokeRT, cidr("192.168.0.0/16"))
	wantOK(t, refused)
	clock.advance(2 * time.Second)
	if len(*events) != 2 {
		t.Fatalf("got %d events, want 2", len(*events))
	}
	installed, uninstalled := detail((*events)[0]), detail((*events)[1])
	if installed["changeType"] != "TGW-ROUTE-INSTALLED" || uninstalled["changeType"] != "TGW-ROUTE-UNINSTALLED" {
		t.Fatalf("got %v and %v", installed["changeType"], uninstalled["changeType"])
	}
	want := []any{map[string]any{
		"destinationCidrBlock": "192.168.0.0/16", "routeType": "route_static", "routeState": "active",
		"attachments": []any{map[string]any{"tgwAttachmentId": attVPN2, "resourceId": vpn2, "attachmentType": "vpn"}},
	}}
	if !reflect.DeepEqual(installed["routes"], want) {
		t.Fatalf("got %v, want %v", installed["routes"], want)
	}
	if arns := installed["transitGatewayRouteTableArns"]; !reflect.DeepEqual(arns, []any{"arn:aws:ec2:us-west-2:111122223333:transit-gateway-route-table/tgw-rtb-0a"}) {
		t.Fatalf("got %v", arns)
	}
	if (*events)[0]["id"] == (*events)[1]["id"] {
		t.Fatal("two events share an id")
	}
}

func TestStaticToVPNWithoutReportedTunnelIsBlackholeAndShadows(t *testing.T) {
	w, clock := lab(t, Options{})
	_, _, refused := w.CreateTransitGatewayRoute(me(), spokeRT, cidr("10.2.0.0/16"), attVPN1)
	wantOK(t, refused)
	downBoth(t, w)
	clock.advance(29 * time.Second)
	if route, _ := shown(t, w, me(), spokeRT, "192.168.0.0/16"); route.State != "active" {
		t.Fatalf("got %+v before detection, want active", route)
	}
	if w.PathUp(vpn1) {
		t.Fatal("the path is truly down")
	}
	clock.advance(time.Second)
	for _, dst := range []string{"192.168.0.0/16", "10.2.0.0/16"} {
		route, _ := shown(t, w, me(), spokeRT, dst)
		if route.State != "blackhole" || route.Type != "static" || len(route.Attachments) != 1 || route.Attachments[0].ID != attVPN1 {
			t.Fatalf("got %+v, want a static blackhole with its attachment", route)
		}
	}
}

func TestBlackholeAfterTheOutage(t *testing.T) {
	for _, want := range []struct {
		outlasts bool
		state    string
	}{{false, "active"}, {true, "blackhole"}} {
		w, clock := lab(t, Options{BlackholeOutlastsOutage: want.outlasts})
		downBoth(t, w)
		clock.advance(time.Minute)
		upBoth(t, w)
		clock.advance(time.Minute)
		if route, _ := shown(t, w, me(), spokeRT, "192.168.0.0/16"); route.State != want.state {
			t.Fatalf("outlasts %t: got %+v", want.outlasts, route)
		}
		view, _, refused := w.ReplaceTransitGatewayRoute(me(), spokeRT, cidr("192.168.0.0/16"), attVPN1)
		wantOK(t, refused)
		if view.State != "active" {
			t.Fatalf("outlasts %t: got %+v after a replace", want.outlasts, view)
		}
	}
}

func TestFrozenTelemetryStopsAndCatchesUp(t *testing.T) {
	w, clock := lab(t, Options{})
	events := heard(t, w)
	must(t, w.SetTelemetryFrozen(vpn1, true))
	must(t, w.SetTunnel(vpn1, "198.51.100.1", false))
	clock.advance(time.Minute)
	if got := telemetry(w, me()); got != allUp || len(*events) != 1 {
		t.Fatalf("got %s and %d events, want stale telemetry and an event", got, len(*events))
	}
	must(t, w.SetTelemetryFrozen(vpn1, false))
	if got := telemetry(w, me()); got != oneDown {
		t.Fatalf("got %s after the thaw", got)
	}
}

func TestUnknownNamesAreErrorsThatNameTheKnown(t *testing.T) {
	w, _ := lab(t, Options{})
	for _, c := range []struct {
		err  error
		want string
	}{
		{w.SetTunnel("vpn-99", "198.51.100.1", true), "use one of vpn-01, vpn-02"},
		{w.SetTunnel(vpn1, "192.0.2.9", true), "use one of 198.51.100.1, 198.51.100.2"},
		{w.SetTelemetryFrozen("vpn-99", true), "use one of vpn-01, vpn-02"},
		{w.SetAttachmentState("tgw-attach-99", "available"), "use one of tgw-attach-01"},
		{w.SetAttachmentState(attA, "asleep"), "use one of initiating"},
		{w.DeleteAttachment("tgw-attach-99"), "use one of tgw-attach-01"},
		{w.ForceRoute("x", "rtb-99", "10.0.0.0/8", gw), "use one of tgw-rtb-0a"},
		{w.ForceRoute("x", mainRT, "10", gw), "write for example 10.0.0.0/8"},
	} {
		if c.err == nil || !strings.Contains(c.err.Error(), c.want) {
			t.Errorf("got %v, want an error with %q", c.err, c.want)
		}
	}
}

func TestForceRouteIsInTheCallLogUnderItsWriter(t *testing.T) {
	w, _ := lab(t, Options{})
	w.Record(CallRecord{Process: "p", Action: "DescribeRouteTables"})
	must(t, w.ForceRoute("terraform", spokeRT, "192.168.0.0/16", attVPN2))
	must(t, w.ForceRoute("ann", mainRT, "10.2.0.0/16", ""))
	must(t, w.ForceRoute("ann", mainRT, "10.2.0.0/16", gw))
	must(t, w.ForceRoute("ann", mainRT, "10.2.0.0/16", "igw-0a"))
	must(t, w.ForceRoute("ann", spokeRT, "203.0.113.0/24", ""))
	must(t, w.ForceRoute("ann", spokeRT, "10.2.0.0/16", attB))
	if w.ForceRoute("ann", spokeRT, "203.0.113.0/24", "") == nil {
		t.Fatal("a delete of a missing route succeeded")
	}
	var got []string
	for _, call := range w.Calls() {
		line := fmt.Sprintf("%d %s %s %s", call.Seq, call.Process, call.Action, call.Code)
		if call.Write != nil {
			line += call.Write.Before + ">" + call.Write.After
		}
		got = append(got, line)
	}
	want := []string{
		"1 p DescribeRouteTables ",
		"2 writer:terraform ReplaceTransitGatewayRoute tgw-attach-01>tgw-attach-02",
		"3 writer:ann DeleteRoute tgw-0a>",
		"4 writer:ann CreateRoute >tgw-0a",
		"5 writer:ann ReplaceRoute tgw-0a>igw-0a",
		"6 writer:ann DeleteTransitGatewayRoute blackhole>",
		"7 writer:ann CreateTransitGatewayRoute >tgw-attach-0b",
		"8 writer:ann DeleteTransitGatewayRoute InvalidRoute.NotFound",
	}
	if !reflect.DeepEqual(got, want) {
		t.Fatalf("got  %q\nwant %q", got, want)
	}
}

func TestStaticRoutesAndSnapshotShowWhatStands(t *testing.T) {
	w, _ := lab(t, Options{})
	routes := w.StaticRoutes()
	if len(routes) != 9 || routes[0] != (StaticRoute{mainRT, dest("0.0.0.0/0"), "igw-0a", "active"}) || routes[8] != (StaticRoute{spokeRT, dest("203.0.113.0/24"), "blackhole", "blackhole"}) {
		t.Fatalf("got %+v", routes)
	}
	text := w.Snapshot()
	for _, line := range []string{"tgw-rtb-0a (transit gateway tgw-0a)\n", "rtb-0a (VPC vpc-0a, main)\n", "tgw-attach-01 (vpn-01)"} {
		if !strings.Contains(text, line) {
			t.Errorf("no %q in\n%s", line, text)
		}
	}
	again, _ := lab(t, Options{})
	if again.Snapshot() != text {
		t.Fatal("equal Worlds print differently")
	}
}
