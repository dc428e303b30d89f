package sim

import (
	"fmt"
	"testing"
	"time"
)

func TestCreateRouteTwiceIsRouteAlreadyExists(t *testing.T) {
	w, _ := lab(t, Options{})
	_, refused := w.CreateRoute(me(), mainRT, dest("10.2.0.0/16"), gw)
	wantCode(t, refused, "RouteAlreadyExists", "The route identified by 10.2.0.0/16 already exists.")
}

func TestCreateRouteCanonicalisesTheCIDR(t *testing.T) {
	w, _ := lab(t, Options{})
	write, refused := w.CreateRoute(me(), mainRT, dest("100.68.0.18/18"), gw)
	wantOK(t, refused)
	if *write != (RouteWrite{Table: mainRT, Destination: "100.68.0.0/18", After: gw}) {
		t.Fatalf("got %+v", write)
	}
	route, _ := shownVPC(w, me(), mainRT, "100.68.0.0/18")
	if route.Origin != "CreateRoute" || route.State != "active" || route.Target != gw {
		t.Fatalf("got %+v", route)
	}
}

func TestReplaceRouteKeepsOriginAndTakesTheSameTarget(t *testing.T) {
	w, _ := lab(t, Options{})
	for range 2 {
		_, refused := w.ReplaceRoute(me(), mainRT, dest("10.2.0.0/16"), "igw-0a")
		wantOK(t, refused)
	}
	route, _ := shownVPC(w, me(), mainRT, "10.2.0.0/16")
	if route.Origin != "CreateRoute" || route.Target != "igw-0a" {
		t.Fatalf("got %+v", route)
	}
}

func TestReplaceRouteOfMissingDestination(t *testing.T) {
	w, _ := lab(t, Options{})
	_, refused := w.ReplaceRoute(me(), mainRT, dest("172.16.0.0/12"), gw)
	wantCode(t, refused, "InvalidParameterValue", "There is no route defined for '172.16.0.0/12' in the route table. Use CreateRoute instead.")
	w, _ = lab(t, Options{ReplaceMissingIsNotFound: true})
	_, refused = w.ReplaceRoute(me(), mainRT, dest("172.16.0.0/12"), gw)
	wantCode(t, refused, "InvalidRoute.NotFound", "")
}

func TestDeleteRouteTwiceIsNotFound(t *testing.T) {
	w, _ := lab(t, Options{})
	write, refused := w.DeleteRoute(me(), mainRT, dest("10.2.0.0/16"))
	wantOK(t, refused)
	if write.Before != gw || write.After != "" {
		t.Fatalf("got %+v", write)
	}
	_, refused = w.DeleteRoute(me(), mainRT, dest("10.2.0.0/16"))
	wantCode(t, refused, "InvalidRoute.NotFound", "no route with destination-cidr-block 10.2.0.0/16 in route table rtb-0a")
}

func TestLocalRouteIsNotDeletedOrReplacedByATransitGateway(t *testing.T) {
	w, _ := lab(t, Options{})
	_, refused := w.DeleteRoute(me(), mainRT, dest("10.1.0.0/16"))
	wantCode(t, refused, "InvalidParameterValue", "cannot remove local route 10.1.0.0/16 in route table rtb-0a")
	_, refused = w.ReplaceRoute(me(), mainRT, dest("10.1.0.0/16"), gw)
	wantCode(t, refused, "InvalidParameterValue", "Route target is not supported. This route only supports interface and instance targets.")
	_, refused = w.CreateRoute(me(), mainRT, dest("10.1.0.0/16"), gw)
	wantCode(t, refused, "InvalidParameterValue", "Route target is not supported. This route only supports interface and instance targets.")
}

func TestLocalRouteTakesAnInterfaceAndGoesBack(t *testing.T) {
	w, _ := lab(t, Options{})
	write, refused := w.ReplaceRoute(me(), mainRT, dest("10.1.0.0/16"), "eni-0a")
	wantOK(t, refused)
	if write.Before != "local" || write.After != "eni-0a" {
		t.Fatalf("got %+v", write)
	}
	_, refused = w.ReplaceRoute(me(), mainRT, dest("10.1.0.0/16"), "local")
	wantOK(t, refused)
	if route, _ := shownVPC(w, me(), mainRT, "10.1.0.0/16"); route.Target != "local" || route.Origin != "CreateRouteTable" {
		t.Fatalf("got %+v", route)
	}
}

func TestMoreSpecificThanLocalNeedsAWholeSubnetAndAnInterface(t *testing.T) {
	w, _ := lab(t, Options{})
	_, refused := w.CreateRoute(me(), mainRT, dest("10.1.2.0/25"), "eni-0a")
	wantCode(t, refused, "InvalidParameterValue", "")
	_, refused = w.CreateRoute(me(), mainRT, dest("10.1.2.0/24"), gw)
	wantCode(t, refused, "InvalidParameterValue", "Route target is not supported. This route only supports interface and instance targets.")
	_, refused = w.CreateRoute(me(), mainRT, dest("10.1.2.0/24"), "nat-0a")
	wantOK(t, refused)
}

func TestReservedRangesAreRefusedAndLargerOnesAccepted(t *testing.T) {
	w, _ := lab(t, Options{})
	for _, dst := range []string{"169.254.168.0/22", "169.254.169.254/32", "fd00:ec2::/32", "fd00:ec2::254/128"} {
		_, refused := w.CreateRoute(me(), mainRT, dest(dst), gw)
		wantCode(t, refused, "InvalidParameterValue", "")
	}
	for _, dst := range []string{"169.254.0.0/16", "fd00::/16"} {
		_, refused := w.CreateRoute(me(), mainRT, dest(dst), gw)
		wantOK(t, refused)
	}
}

func TestRouteToUnattachedTransitGatewayIsNotFound(t *testing.T) {
	w, _ := lab(t, Options{})
	for _, target := range []string{"tgw-99", gw2} {
		_, refused := w.CreateRoute(me(), mainRT, dest("172.16.0.0/12"), target)
		wantCode(t, refused, "InvalidTransitGatewayID.NotFound", "The transitGateway ID '"+target+"' does not exist.")
	}
	must(t, w.SetAttachmentState(attA, "pending"))
	_, refused := w.ReplaceRoute(me(), mainRT, dest("0.0.0.0/0"), gw)
	wantCode(t, refused, "InvalidTransitGatewayID.NotFound", "")
}

func TestVPCTableCodesKeepTheirCasing(t *testing.T) {
	w, _ := lab(t, Options{})
	for _, table := range []string{"rtb-99", "rtb-0f"} {
		_, refused := w.CreateRoute(me(), table, dest("172.16.0.0/12"), gw)
		wantCode(t, refused, "InvalidRouteTableID.NotFound", "The routeTable ID '"+table+"' does not exist")
	}
	_, refused := w.DeleteRoute(me(), "tgw-rtb-0a", dest("172.16.0.0/12"))
	wantCode(t, refused, "InvalidRouteTableId.Malformed", "")
}

func TestMissingTargetsHaveTheirOwnCodes(t *testing.T) {
	w, _ := lab(t, Options{})
	for target, code := range map[string]string{
		"igw-99": "InvalidGatewayID.NotFound", "eni-99": "InvalidNetworkInterfaceID.NotFound",
		"nat-99": "NatGatewayNotFound", "pcx-99": "InvalidVpcPeeringConnectionID.NotFound",
		"i-99": "InvalidInstanceID.NotFound", "blackhole": "InvalidParameterValue",
	} {
		_, refused := w.CreateRoute(me(), mainRT, dest("172.16.0.0/12"), target)
		wantCode(t, refused, code, "")
	}
}

func TestVPCRouteQuotaIs500PerFamilyByDefault(t *testing.T) {
	w, _ := lab(t, Options{})
	for i := range 500 {
		_, refused := w.CreateRoute(me(), vpcBRT, dest(fmt.Sprintf("172.%d.%d.0/24", 16+i/256, i%256)), gw)
		if i < 498 { // Two stand already.
			wantOK(t, refused)
		} else {
			wantCode(t, refused, "RouteLimitExceeded", "")
		}
	}
	_, refused := w.CreateRoute(me(), vpcBRT, dest("2001:db8::/48"), gw)
	wantOK(t, refused)
	_, refused = w.ReplaceRoute(me(), vpcBRT, dest("172.16.0.0/24"), gw)
	wantOK(t, refused)
	w, _ = lab(t, Options{VPCRouteQuota: 3})
	_, refused = w.CreateRoute(me(), vpcBRT, dest("172.16.0.0/24"), gw)
	wantOK(t, refused)
	_, refused = w.CreateRoute(me(), vpcBRT, dest("172.16.1.0/24"), gw)
	wantCode(t, refused, "RouteLimitExceeded", "")
}

func TestDeletedVPCAttachmentLeavesBlackholeInTheVPCTable(t *testing.T) {
	w, clock := lab(t, Options{})
	clock.advance(time.Minute)
	must(t, w.DeleteAttachment(attA))
	if route, _ := shownVPC(w, me(), mainRT, "10.2.0.0/16"); route.State != "blackhole" || route.Target != gw {
		t.Fatalf("got %+v, want a blackhole that keeps its target", route)
	}
	if route, _ := shownVPC(w, stale(time.Second), mainRT, "10.2.0.0/16"); route.State != "active" {
		t.Fatalf("got %+v a second ago, want active", route)
	}
	// It goes on winning: traffic does not fall through to 0.0.0.0/0.
	if trace := w.Reach("a", "b"); trace.OK || trace.Reason != "the route 10.2.0.0/16 in rtb-0a is a blackhole: tgw-0a is not attached to vpc-0a" {
		t.Fatalf("got %+v", trace)
	}
}

func TestVPCDryRunChangesNothing(t *testing.T) {
	w, _ := lab(t, Options{})
	before := w.Snapshot()
	_, refused := w.CreateRoute(dryRun(), mainRT, dest("172.16.0.0/12"), gw)
	wantCode(t, refused, "DryRunOperation", "Request would have succeeded, but DryRun flag is set.")
	_, refused = w.ReplaceRoute(dryRun(), mainRT, dest("10.2.0.0/16"), "igw-0a")
	wantCode(t, refused, "DryRunOperation", "")
	_, refused = w.DeleteRoute(dryRun(), mainRT, dest("10.2.0.0/16"))
	wantCode(t, refused, "DryRunOperation", "")
	if w.Snapshot() != before {
		t.Fatal("a dry run changed a table")
	}
}

func TestRequestBucketsPerActionAccountAndRegion(t *testing.T) {
	w, clock := lab(t, Options{})
	admitted := func(action string, mutating bool, calls int) int {
		count := 0
		for range calls {
			if refused := w.Admit(me(), action, mutating); refused == nil {
				count++
			} else if refused.Status != 503 || refused.Code != "RequestLimitExceeded" || refused.Message != "Request limit exceeded." {
				t.Fatalf("got %+v", refused)
			}
		}
		return count
	}
	if got := admitted("ReplaceRoute", true, 120); got != 50 {
		t.Fatalf("%d of a full mutating bucket, want 50", got)
	}
	clock.advance(time.Second)
	if got := admitted("ReplaceRoute", true, 120); got != 5 {
		t.Fatalf("%d after a second, want 5", got)
	}
	if got := admitted("CreateRoute", true, 60); got != 50 {
		t.Fatalf("%d of another action's bucket, want 50", got)
	}
	if got := admitted("DescribeRouteTables", false, 120); got != 100 {
		t.Fatalf("%d of a full reading bucket, want 100", got)
	}
	clock.advance(500 * time.Millisecond)
	if got := admitted("DescribeRouteTables", false, 20); got != 10 {
		t.Fatalf("%d after half a second, want 10", got)
	}
	if refused := w.Admit(Caller{Account: foreign, Region: region}, "ReplaceRoute", true); refused != nil {
		t.Fatal("another account shares the bucket")
	}
	want := []ThrottleCount{
		{"CreateRoute", account, region, 10}, {"DescribeRouteTables", account, region, 30}, {"ReplaceRoute", account, region, 185},
	}
	if got := w.Throttled(); fmt.Sprint(got) != fmt.Sprint(want) {
		t.Fatalf("got %v, want %v", got, want)
	}
	clock.advance(time.Hour)
	if got := admitted("ReplaceRoute", true, 120); got != 50 {
		t.Fatalf("%d after an hour, want 50: a bucket does not overflow", got)
	}
}
