package sim

import (
	"net/netip"
	"reflect"
	"testing"
	"time"
)

// wantRoute checks the visible route of a CIDR in the spokes' table: where it
// leads ("-" nowhere, "" no route), its type and its prefix list.
func wantRoute(t *testing.T, w *World, dst, target, kind, list string) {
	t.Helper()
	route, found := shown(t, w, me(), spokeRT, dst)
	got := ""
	switch {
	case found && len(route.Attachments) > 0:
		got = route.Attachments[0].ID
	case found:
		got = "-"
	}
	if got != target || route.Type != kind || route.PrefixList != list {
		t.Fatalf("%s leads to %q (%s, list %q), want %q (%s, list %q)", dst, got, route.Type, route.PrefixList, target, kind, list)
	}
}

func TestReferenceBetweenStaticAndPropagated(t *testing.T) {
	w, _ := wide(t, Options{})
	wantRoute(t, w, "192.168.0.0/16", attVPN1, "static", "")       // The static wins.
	wantRoute(t, w, "10.2.0.0/16", attVPN2, "propagated", list1)   // The VPC's route loses.
	wantRoute(t, w, "172.22.0.0/16", attVPN2, "propagated", list1) // Nothing else is there.
	wantRoute(t, w, "172.20.0.0/16", attDX, "propagated", "")      // Not of the list.
	_, _, refused := w.DeleteTransitGatewayRoute(me(), spokeRT, cidr("172.22.0.0/16"))
	wantCode(t, refused, "InvalidRoute.NotFound", "")
	_, _, refused = w.CreateTransitGatewayRoute(me(), spokeRT, cidr("172.22.0.0/16"), attVPN1)
	wantOK(t, refused)
	wantRoute(t, w, "172.22.0.0/16", attVPN1, "static", "")
	_, _, refused = w.DeleteTransitGatewayRoute(me(), spokeRT, cidr("172.22.0.0/16"))
	wantOK(t, refused)
	wantRoute(t, w, "172.22.0.0/16", attVPN2, "propagated", list1)
}

func TestModifyMovesAllRoutesOfAReference(t *testing.T) {
	w, clock := wide(t, Options{})
	clock.advance(time.Minute)
	view, write, refused := w.ModifyTransitGatewayPrefixListReference(me(), spokeRT, list1, attVPN1)
	wantOK(t, refused)
	want := ReferenceView{Table: spokeRT, List: list1, ListOwner: account, Attachment: AttachmentRef{ID: attVPN1, ResourceID: vpn1, ResourceType: "vpn"}, State: "available"}
	if view != want || *write != (RouteWrite{Table: spokeRT, Destination: list1, Before: attVPN2, After: attVPN1}) {
		t.Fatalf("got %+v, %+v", view, write)
	}
	wantRoute(t, w, "10.2.0.0/16", attVPN1, "propagated", list1)
	wantRoute(t, w, "172.22.0.0/16", attVPN1, "propagated", list1)
	if listed, _ := w.PrefixListReferences(me(), spokeRT); !reflect.DeepEqual(listed, []ReferenceView{want}) {
		t.Errorf("got %+v", listed)
	}
	if old, _ := w.PrefixListReferences(stale(time.Second), spokeRT); old[0].Attachment.ID != attVPN2 {
		t.Errorf("a stale read shows %+v", old)
	}
	if old, _ := shown(t, w, stale(time.Second), spokeRT, "10.2.0.0/16"); old.Attachments[0].ID != attVPN2 {
		t.Errorf("a stale read shows %+v", old)
	}
	_, write, refused = w.ModifyTransitGatewayPrefixListReference(me(), spokeRT, list1, "blackhole")
	wantOK(t, refused)
	if write.After != "blackhole" {
		t.Errorf("got %+v", write)
	}
	wantRoute(t, w, "10.2.0.0/16", "-", "propagated", list1)
	if route, _ := shown(t, w, me(), spokeRT, "10.2.0.0/16"); route.State != "blackhole" {
		t.Errorf("got %+v", route)
	}
	if listed, _ := w.PrefixListReferences(me(), spokeRT); !listed[0].Blackhole || listed[0].Attachment.ID != "" {
		t.Errorf("got %+v", listed)
	}
	gone, write, refused := w.DeleteTransitGatewayPrefixListReference(me(), spokeRT, list1)
	wantOK(t, refused)
	if gone.State != "deleting" || write.Before != "blackhole" || write.After != "" {
		t.Errorf("got %+v, %+v", gone, write)
	}
	wantRoute(t, w, "10.2.0.0/16", attB, "propagated", "")
	wantRoute(t, w, "172.22.0.0/16", "", "", "")
}

func TestTwoListsWithOneCIDR(t *testing.T) {
	w, _ := wide(t, Options{})
	_, write, refused := w.CreateTransitGatewayPrefixListReference(me(), spokeRT, list2, attA)
	wantOK(t, refused)
	if *write != (RouteWrite{Table: spokeRT, Destination: list2, After: attA}) {
		t.Errorf("got %+v", write)
	}
	wantRoute(t, w, "172.22.0.0/16", attVPN2, "propagated", list1)
	wantRoute(t, w, "172.23.0.0/16", attA, "propagated", list2)
	_, _, refused = w.DeleteTransitGatewayPrefixListReference(me(), spokeRT, list1)
	wantOK(t, refused)
	wantRoute(t, w, "172.22.0.0/16", attA, "propagated", list2)
}

func TestReferenceFollowsItsListAndItsTarget(t *testing.T) {
	w, clock := wide(t, Options{})
	must(t, w.SetPrefixListEntries("net", list1, []netip.Prefix{cidr("172.24.0.0/16")}, []netip.Prefix{cidr("10.2.0.0/16")}))
	wantRoute(t, w, "10.2.0.0/16", attB, "propagated", "")
	wantRoute(t, w, "172.24.0.0/16", attVPN2, "propagated", list1)

	must(t, w.SetTunnel(vpn2, "198.51.100.3", false))
	clock.advance(30 * time.Second)
	if route, _ := shown(t, w, me(), spokeRT, "172.24.0.0/16"); route.State != "blackhole" || route.Attachments[0].ID != attVPN2 {
		t.Errorf("with the connection down: %+v", route)
	}
	must(t, w.SetTunnel(vpn2, "198.51.100.3", true))
	clock.advance(time.Minute)
	if route, _ := shown(t, w, me(), spokeRT, "172.24.0.0/16"); route.State != "active" {
		t.Errorf("with the connection back: %+v", route)
	}
	must(t, w.DeleteAttachment(attVPN2))
	if route, _ := shown(t, w, me(), spokeRT, "172.24.0.0/16"); route.State != "blackhole" || len(route.Attachments) != 0 {
		t.Errorf("with the attachment deleted: %+v", route)
	}
	if listed, _ := w.PrefixListReferences(me(), spokeRT); listed[0].Attachment.ID != "" || listed[0].Blackhole {
		t.Errorf("got %+v", listed)
	}
}

func TestReferenceErrors(t *testing.T) {
	w, _ := wide(t, Options{})
	create := func(c Caller, table, list, target string) *APIError {
		_, write, refused := w.CreateTransitGatewayPrefixListReference(c, table, list, target)
		if refused != nil && write != nil {
			t.Errorf("a refused write left %+v", write)
		}
		return refused
	}
	before := w.Snapshot()
	wantCode(t, create(me(), spokeRT, list1, attA), "TransitGatewayPrefixListReference.Duplicate", "")
	wantCode(t, create(me(), "tgw-rtb-99", list2, attA), "InvalidRouteTableID.NotFound", "")
	wantCode(t, create(me(), "x", list2, attA), "InvalidRouteTableId.Malformed", "")
	wantCode(t, create(me(), spokeRT, "pl-99", attA), "InvalidPrefixListID.NotFound", "")
	wantCode(t, create(me(), spokeRT, list2, "tgw-attach-99"), "InvalidTransitGatewayAttachmentID.NotFound", "")
	wantCode(t, create(me(), spokeRT, list2, attOther), "InvalidTransitGatewayAttachmentID.NotFound", "")
	wantCode(t, create(dryRun(), spokeRT, list2, attA), "DryRunOperation", "")
	wantCode(t, create(Caller{Account: foreign, Region: region}, spokeRT, list2, attA), "InvalidRouteTableID.NotFound", "")
	_, _, refused := w.ModifyTransitGatewayPrefixListReference(me(), spokeRT, list2, attA)
	wantCode(t, refused, "TransitGatewayPrefixListReference.NotFound", "")
	_, _, refused = w.DeleteTransitGatewayPrefixListReference(me(), spokeRT, list2)
	wantCode(t, refused, "TransitGatewayPrefixListReference.NotFound", "")
	_, _, refused = w.DeleteTransitGatewayPrefixListReference(dryRun(), spokeRT, list1)
	wantCode(t, refused, "DryRunOperation", "")
	_, refused = w.PrefixListReferences(me(), "tgw-rtb-99")
	wantCode(t, refused, "InvalidRouteTableID.NotFound", "")
	if after := w.Snapshot(); after != before {
		t.Errorf("refused calls left\n%s", after)
	}
	w, _ = wide(t, Options{ReferenceErrorAsParameter: true, DryRunBeforeValidation: true})
	wantCode(t, create(me(), spokeRT, list1, attA), "InvalidParameterValue", "")
	wantCode(t, create(dryRun(), "x", "x", "x"), "DryRunOperation", "")
	_, _, refused = w.DeleteTransitGatewayPrefixListReference(dryRun(), "x", "x")
	wantCode(t, refused, "DryRunOperation", "")
}

// TestReferenceAgainstTheQuota counts by MaxEntries and by entries.
func TestReferenceAgainstTheQuota(t *testing.T) {
	count := func(opts Options) int {
		w, _ := wide(t, opts)
		return w.routeCount(w.gateways[gw])
	}
	entries, weight := count(Options{ListWeighsEntries: true}), count(Options{})
	if weight != entries-2+5 { // Two of its three entries show, and it weighs five.
		t.Fatalf("by entries %d, by MaxEntries %d", entries, weight)
	}
	for _, c := range []struct {
		opts Options
		add  int
	}{{Options{}, 4}, {Options{ListWeighsEntries: true}, 1}} { // Of list2 one entry is not there yet.
		base := count(c.opts)
		for room := c.add - 1; room <= c.add; room++ {
			opts := c.opts
			opts.TransitGatewayRouteQuota = base + room
			w, _ := wide(t, opts)
			_, _, refused := w.CreateTransitGatewayPrefixListReference(me(), spokeRT, list2, attA)
			if room < c.add {
				wantCode(t, refused, "TransitGatewayRouteLimitExceeded", "")
			} else {
				wantOK(t, refused)
			}
		}
	}
}

func TestForcedReferenceIsInTheCallLog(t *testing.T) {
	w, _ := wide(t, Options{})
	must(t, w.ForceRoute("ann", spokeRT, list1, attVPN1))
	must(t, w.ForceRoute("ann", spokeRT, list2, attVPN1))
	must(t, w.ForceRoute("ann", spokeRT, list1, ""))
	var log []string
	for _, call := range w.Calls() {
		log = append(log, call.Process+" "+call.Action+" "+call.Write.Destination+" "+call.Write.Before+"→"+call.Write.After)
	}
	want := []string{
		"writer:ann ModifyTransitGatewayPrefixListReference pl-01 tgw-attach-02→tgw-attach-01",
		"writer:ann CreateTransitGatewayPrefixListReference pl-02 →tgw-attach-01",
		"writer:ann DeleteTransitGatewayPrefixListReference pl-01 tgw-attach-01→",
	}
	if !reflect.DeepEqual(log, want) {
		t.Errorf("got %q", log)
	}
	for _, route := range w.StaticRoutes() {
		if route.Destination == dest(list2) && (route.Table != spokeRT || route.Target != attVPN1 || route.State != "active") || route.Destination == dest(list1) {
			t.Errorf("got %+v", route)
		}
	}
}
