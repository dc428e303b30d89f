package sim

import (
	"fmt"
	"reflect"
	"testing"
	"time"
)

func TestStaticShadowsPropagatedAndRemovalReinstalls(t *testing.T) {
	w, _ := lab(t, Options{})
	before, _ := shown(t, w, me(), spokeRT, "10.2.0.0/16")
	if before.Type != "propagated" || before.Attachments[0] != (AttachmentRef{ID: attB, ResourceID: vpcB, ResourceType: "vpc"}) {
		t.Fatalf("got %+v, want the route that vpc-0b propagates", before)
	}
	_, write, refused := w.CreateTransitGatewayRoute(me(), spokeRT, cidr("10.2.0.0/16"), "blackhole")
	wantOK(t, refused)
	if *write != (RouteWrite{Table: spokeRT, Destination: "10.2.0.0/16", After: "blackhole"}) {
		t.Fatalf("got %+v", write)
	}
	during, _ := shown(t, w, me(), spokeRT, "10.2.0.0/16")
	if during.Type != "static" || during.State != "blackhole" || len(during.Attachments) != 0 {
		t.Fatalf("got %+v, want only the static blackhole", during)
	}
	deleted, _, refused := w.DeleteTransitGatewayRoute(me(), spokeRT, cidr("10.2.0.0/16"))
	wantOK(t, refused)
	if deleted.State != "deleted" {
		t.Fatalf("got state %q, want deleted", deleted.State)
	}
	if after, _ := shown(t, w, me(), spokeRT, "10.2.0.0/16"); !reflect.DeepEqual(after, before) {
		t.Fatalf("got %+v, want the propagated route back", after)
	}
}

func TestReplaceTransitGatewayRouteIsUpsert(t *testing.T) {
	w, _ := lab(t, Options{})
	view, write, refused := w.ReplaceTransitGatewayRoute(me(), spokeRT, cidr("172.16.0.0/12"), attVPN1)
	wantOK(t, refused)
	if write.Before != "" || write.After != attVPN1 || view.State != "active" || view.Type != "static" {
		t.Fatalf("got %+v, %+v; want a new static route", view, write)
	}
	_, write, refused = w.ReplaceTransitGatewayRoute(me(), spokeRT, cidr("172.16.0.0/12"), "blackhole")
	wantOK(t, refused)
	if write.Before != attVPN1 || write.After != "blackhole" {
		t.Fatalf("got %+v", write)
	}
}

func TestReplaceTransitGatewayRouteOverPropagated(t *testing.T) {
	w, _ := lab(t, Options{})
	view, _, refused := w.ReplaceTransitGatewayRoute(me(), spokeRT, cidr("10.2.0.0/16"), attVPN1)
	wantOK(t, refused)
	if view.Type != "static" {
		t.Fatalf("got %+v, want a static route", view)
	}
	w, _ = lab(t, Options{ReplaceTGWPropagatedFails: true})
	_, _, refused = w.ReplaceTransitGatewayRoute(me(), spokeRT, cidr("10.2.0.0/16"), attVPN1)
	wantCode(t, refused, "InvalidRoute.NotFound", "")
	_, _, refused = w.ReplaceTransitGatewayRoute(me(), spokeRT, cidr("172.16.0.0/12"), attVPN1)
	wantOK(t, refused)
}

func TestCreateTransitGatewayRouteTwiceIsRouteAlreadyExists(t *testing.T) {
	w, _ := lab(t, Options{})
	_, _, refused := w.CreateTransitGatewayRoute(me(), spokeRT, cidr("192.168.0.0/16"), attVPN1)
	wantCode(t, refused, "RouteAlreadyExists", "Route 192.168.0.0/16 already exists in Transit Gateway Route Table tgw-rtb-0a.")
}

func TestDeleteTransitGatewayRouteOfMissingOrPropagatedIsNotFound(t *testing.T) {
	w, _ := lab(t, Options{})
	for _, dst := range []string{"172.16.0.0/12", "10.2.0.0/16"} {
		_, _, refused := w.DeleteTransitGatewayRoute(me(), spokeRT, cidr(dst))
		wantCode(t, refused, "InvalidRoute.NotFound",
			"The route "+dst+" does not exist in Transit Gateway Route Table tgw-rtb-0a.")
	}
}

func TestTransitGatewayTableCodes(t *testing.T) {
	w, _ := lab(t, Options{})
	for _, table := range []string{"tgw-rtb-99", otherRT} {
		_, refused := w.TransitGatewayRoutes(me(), table)
		wantCode(t, refused, "InvalidRouteTableID.NotFound", "Transit Gateway Route Table "+table+" was deleted or does not exist.")
		_, refused = w.Associations(me(), table)
		wantCode(t, refused, "InvalidRouteTableID.NotFound", "")
		_, _, refused = w.CreateTransitGatewayRoute(me(), table, cidr("172.16.0.0/12"), attVPN1)
		wantCode(t, refused, "InvalidRouteTableID.NotFound", "")
	}
	_, refused := w.TransitGatewayRoutes(me(), "rtb-0a")
	wantCode(t, refused, "InvalidRouteTableId.Malformed", "Invalid Transit Gateway Route Table id rtb-0a.")
}

func TestTransitGatewayAttachmentCodes(t *testing.T) {
	w, _ := lab(t, Options{})
	for _, target := range []string{"tgw-attach-99", attOther} {
		_, _, refused := w.CreateTransitGatewayRoute(me(), spokeRT, cidr("172.16.0.0/12"), target)
		wantCode(t, refused, "InvalidTransitGatewayAttachmentID.NotFound", "Transit Gateway Attachment "+target+" was deleted or does not exist.")
	}
	_, _, refused := w.CreateTransitGatewayRoute(me(), spokeRT, cidr("172.16.0.0/12"), "vpn-01")
	wantCode(t, refused, "InvalidTransitGatewayAttachmentID.Malformed", "Invalid Transit Gateway Attachment id.")
	must(t, w.SetAttachmentState(attVPN1, "modifying"))
	_, _, refused = w.ReplaceTransitGatewayRoute(me(), spokeRT, cidr("172.16.0.0/12"), attVPN1)
	wantCode(t, refused, "IncorrectState", "tgw-attach-01 is in invalid state")
}

func TestTransitGatewayCIDRIsCanonicalised(t *testing.T) {
	w, _ := lab(t, Options{})
	view, write, refused := w.CreateTransitGatewayRoute(me(), spokeRT, cidr("100.68.0.18/18"), attVPN1)
	wantOK(t, refused)
	if view.Destination != cidr("100.68.0.0/18") || write.Destination != "100.68.0.0/18" {
		t.Fatalf("got %+v, %+v", view, write)
	}
}

func TestTransitGatewayRouteQuotaCountsAllTables(t *testing.T) {
	w, _ := lab(t, Options{TransitGatewayRouteQuota: 9}) // 5 + 3 stand: two VPCs of three CIDR blocks in two tables, two statics.
	_, _, refused := w.CreateTransitGatewayRoute(me(), spokeRT, cidr("172.16.0.0/16"), attVPN1)
	wantOK(t, refused)
	_, _, refused = w.CreateTransitGatewayRoute(me(), onpremRT, cidr("172.17.0.0/16"), attVPN1)
	wantCode(t, refused, "TransitGatewayRouteLimitExceeded", "")
	_, _, refused = w.CreateTransitGatewayRoute(me(), spokeRT, cidr("10.2.0.0/16"), attVPN1)
	wantOK(t, refused) // A shadow adds no visible route.
}

func TestDeletedAttachmentLeavesBlackholeWithEmptyList(t *testing.T) {
	w, _ := lab(t, Options{})
	_, _, refused := w.CreateTransitGatewayRoute(me(), onpremRT, cidr("172.16.0.0/12"), attB)
	wantOK(t, refused)
	must(t, w.DeleteAttachment(attB))
	route, _ := shown(t, w, me(), onpremRT, "172.16.0.0/12")
	if route.State != "blackhole" || len(route.Attachments) != 0 || route.Type != "static" {
		t.Fatalf("got %+v, want a blackhole with an empty list", route)
	}
	if _, stands := shown(t, w, me(), onpremRT, "10.2.0.0/16"); stands {
		t.Fatal("the route that the deleted attachment propagated still stands")
	}
	refs, _ := w.Associations(me(), spokeRT)
	if !reflect.DeepEqual(refs, []AttachmentRef{{ID: attA, ResourceID: vpcA, ResourceType: "vpc"}}) {
		t.Fatalf("got associations %+v", refs)
	}
	if err := w.SetAttachmentState(attB, "available"); err == nil {
		t.Fatal("a deleted attachment came back")
	}
	_, _, refused = w.ReplaceTransitGatewayRoute(me(), onpremRT, cidr("172.16.0.0/12"), attB)
	wantCode(t, refused, "InvalidTransitGatewayAttachmentID.NotFound", "")
}

func TestTransitGatewayDryRunChangesNothing(t *testing.T) {
	w, _ := lab(t, Options{})
	before := w.Snapshot()
	_, _, refused := w.ReplaceTransitGatewayRoute(dryRun(), spokeRT, cidr("192.168.0.0/16"), attVPN2)
	wantCode(t, refused, "DryRunOperation", "Request would have succeeded, but DryRun flag is set.")
	_, _, refused = w.DeleteTransitGatewayRoute(dryRun(), spokeRT, cidr("192.168.0.0/16"))
	wantCode(t, refused, "DryRunOperation", "")
	if refused.Status != 412 {
		t.Fatalf("got status %d, want 412", refused.Status)
	}
	if w.Snapshot() != before {
		t.Fatal("a dry run changed a table")
	}
}

func TestDryRunAndValidationOrder(t *testing.T) {
	w, _ := lab(t, Options{})
	_, _, refused := w.DeleteTransitGatewayRoute(dryRun(), spokeRT, cidr("172.16.0.0/12"))
	wantCode(t, refused, "InvalidRoute.NotFound", "")
	_, refused = w.CreateRoute(dryRun(), mainRT, dest("10.2.0.0/16"), gw)
	wantCode(t, refused, "RouteAlreadyExists", "")
	w, _ = lab(t, Options{DryRunBeforeValidation: true})
	_, _, refused = w.DeleteTransitGatewayRoute(dryRun(), spokeRT, cidr("172.16.0.0/12"))
	wantCode(t, refused, "DryRunOperation", "")
	_, refused = w.CreateRoute(dryRun(), mainRT, dest("10.2.0.0/16"), gw)
	wantCode(t, refused, "DryRunOperation", "")
}

func TestStaleReadShowsTheTableAsItStood(t *testing.T) {
	w, clock := lab(t, Options{})
	for i, target := range []string{attVPN2, attVPN1, attVPN2} {
		clock.advance(10 * time.Second)
		_, _, refused := w.ReplaceTransitGatewayRoute(me(), spokeRT, cidr("192.168.0.0/16"), target)
		wantOK(t, refused)
		_, _, refused = w.CreateTransitGatewayRoute(me(), spokeRT, cidr(fmt.Sprintf("172.16.%d.0/24", i)), target)
		wantOK(t, refused)
	}
	for _, want := range []struct {
		age    time.Duration
		target string
		routes int
	}{{0, attVPN2, 8}, {time.Second, attVPN1, 7}, {11 * time.Second, attVPN2, 6}, {21 * time.Second, attVPN1, 5}, {time.Hour, attVPN1, 5}} {
		routes, _ := w.TransitGatewayRoutes(stale(want.age), spokeRT)
		route, _ := shown(t, w, stale(want.age), spokeRT, "192.168.0.0/16")
		if len(routes) != want.routes || route.Attachments[0].ID != want.target {
			t.Errorf("%s ago: got %d routes and %s, want %d and %s", want.age, len(routes), route.Attachments[0].ID, want.routes, want.target)
		}
	}
}

func TestTimelinePrunesOnlyWhatNoReadReaches(t *testing.T) {
	line := newTimeline[int, int]()
	start := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	for i := range 10 * pruneEvery {
		line.set(start.Add(time.Duration(i)*time.Second), 1, i)
	}
	last := 10*pruneEvery - 1
	end := start.Add(time.Duration(last) * time.Second)
	if kept := len(line.log); kept > int(historyKept/time.Second)+pruneEvery+1 {
		t.Fatalf("%d changes are kept", kept)
	}
	for _, age := range []int{0, 1, 17, 899} {
		if got := line.asOf(end.Add(-time.Duration(age) * time.Second))[1]; got != last-age {
			t.Fatalf("%d s ago: got %d, want %d", age, got, last-age)
		}
	}
}

func TestListsAreSortedAndOfTheCallersAccountAndRegion(t *testing.T) {
	w, _ := lab(t, Options{})
	var ids []string
	for _, view := range w.TransitGatewayAttachments(me()) {
		ids = append(ids, view.ID+" "+view.AssociatedTable)
	}
	if want := []string{attVPN1 + " " + onpremRT, attVPN2 + " " + onpremRT, attA + " " + spokeRT, attB + " " + spokeRT}; !reflect.DeepEqual(ids, want) {
		t.Fatalf("got %q, want %q", ids, want)
	}
	if got := w.TransitGatewayRouteTables(me()); len(got) != 2 || got[0].ID != spokeRT || got[1].ID != onpremRT {
		t.Fatalf("got %+v", got)
	}
	if got := w.RouteTables(me()); len(got) != 3 || got[0].ID != mainRT || !got[0].Main || got[1].Main {
		t.Fatalf("got %+v", got)
	}
	elsewhere := Caller{Account: account, Region: "eu-west-1"}
	if len(w.TransitGatewayAttachments(elsewhere))+len(w.RouteTables(elsewhere))+len(w.VPNConnections(elsewhere))+len(w.TransitGatewayRouteTables(elsewhere)) != 0 {
		t.Fatal("another Region shows resources")
	}
}
