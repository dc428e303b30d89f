package sim

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"detour/shared/route"
)

func entriesOf(texts ...string) []PrefixListEntry {
	var list []PrefixListEntry
	for _, block := range blocks(texts...) {
		list = append(list, PrefixListEntry{CIDR: block})
	}
	return list
}

func listOf(t *testing.T, w *World, c Caller, id string) PrefixListView {
	t.Helper()
	for _, v := range w.PrefixLists(c) {
		if v.ID == id {
			return v
		}
	}
	t.Fatalf("no list %s", id)
	return PrefixListView{}
}

func TestRoutesFollowTheLatestVersionOfAList(t *testing.T) {
	w, _ := edge(t, Options{})
	wantDrop(t, w, "app", "far30", "rtb-0e has no route to 172.30.0.10")
	write, refused := w.CreateRoute(me(), edgeRT, dest(list), eniB)
	wantOK(t, refused)
	if *write != (RouteWrite{Table: edgeRT, Destination: list, After: eniB}) {
		t.Fatalf("got %+v", write)
	}
	_, refused = w.CreateRoute(me(), edgeRT, dest(list), eniB)
	wantCode(t, refused, "RouteAlreadyExists", "The route identified by pl-0a already exists.")
	trace := w.Reach("app", "far30")
	if !trace.OK || trace.Hops[1] != "rtb-0e: 172.30.0.0/16 of pl-0a -> eni-0b" {
		t.Fatalf("got %+v", trace)
	}
	// A longer entry of a list wins over a shorter static route, and an equal static route over the entry.
	wantReach(t, w, "app", "far5", []string{eniB}, []string{eniA})
	must(t, w.ForceRoute("x", edgeRT, "172.20.5.0/24", eniA))
	wantReach(t, w, "app", "far5", []string{eniA}, []string{eniA})
	// An entry wins over an equal propagated route.
	must(t, w.SetPrefixListEntries("ipam", list, blocks("192.168.0.0/16"), nil))
	if trace := w.Reach("app", "dc"); trace.Hops[1] != "rtb-0e: 192.168.0.0/16 of pl-0a -> eni-0b" {
		t.Fatalf("got %+v", trace)
	}
}

func TestReplaceAndDeleteOfAListRoute(t *testing.T) {
	w, _ := edge(t, Options{})
	_, refused := w.ReplaceRoute(me(), edgeRT, dest(list), eniA)
	wantCode(t, refused, "InvalidParameterValue", "There is no route defined for 'pl-0a' in the route table. Use CreateRoute instead.")
	_, refused = w.DeleteRoute(me(), edgeRT, dest(list))
	wantCode(t, refused, "InvalidRoute.NotFound", "no route with destination-prefix-list-id pl-0a in route table rtb-0e")
	must(t, w.ForceRoute("x", edgeRT, list, eniA))
	must(t, w.ForceRoute("x", edgeRT, list, eniB))
	if !slices.Contains(w.StaticRoutes(), StaticRoute{edgeRT, dest(list), eniB, "active"}) || !strings.Contains(w.Snapshot(), "  pl-0a ") {
		t.Fatalf("got %+v", w.StaticRoutes())
	}
	must(t, w.SetInstance(boxB, "terminated"))
	wantDrop(t, w, "app", "far30", "the route 172.30.0.0/16 of pl-0a in rtb-0e is a blackhole: instance i-0b is terminated")
	must(t, w.ForceRoute("x", edgeRT, list, ""))
	calls := w.Calls()
	if last := calls[len(calls)-1]; last.Action != "DeleteRoute" || last.Params.Get("DestinationPrefixListId") != list || *last.Write != (RouteWrite{Table: edgeRT, Destination: list, Before: eniB}) {
		t.Fatalf("got %+v", last)
	}
	_, refused = w.CreateRoute(me(), edgeRT, dest(list), "vpce-0a")
	wantCode(t, refused, "InvalidParameterValue", "Cannot create or replace a prefix list route targeting a VPC Endpoint.")
	_, refused = w.CreateRoute(me(), edgeRT, route.Destination{}, eniA)
	wantCode(t, refused, "InvalidParameterValue", "")
}

func TestListsAreSeenByTheirOwnerAndByWhomTheyAreSharedWith(t *testing.T) {
	w, _ := edge(t, Options{})
	other := Caller{Account: foreign, Region: region}
	if got := w.PrefixLists(other); len(got) != 1 || got[0].ID != list || got[0].Owner != account {
		t.Fatalf("got %+v", got)
	}
	if got := w.PrefixLists(Caller{Account: account, Region: "eu-west-1"}); len(got) != 0 {
		t.Fatalf("got %+v", got)
	}
	_, refused := w.PrefixListEntries(other, list6, 0)
	wantCode(t, refused, "InvalidPrefixListID.NotFound", "The prefix list ID 'pl-06' does not exist")
	_, refused = w.EditPrefixList(other, list, PrefixListEdit{Name: "mine"})
	if refused == nil || refused.Code != "UnauthorizedOperation" {
		t.Fatalf("got %v", refused)
	}
	w, _ = edge(t, Options{PrefixListIDNotFoundMixedCase: true})
	_, refused = w.CreateRoute(me(), edgeRT, dest("pl-99"), eniA)
	wantCode(t, refused, "InvalidPrefixListId.NotFound", "")
}

func TestEditsMakeVersions(t *testing.T) {
	w, clock := edge(t, Options{})
	clock.advance(time.Minute)
	view, refused := w.EditPrefixList(me(), list, PrefixListEdit{Version: 1, Add: entriesOf("10.20.0.1/16"), Remove: blocks("172.30.0.0/16")})
	wantOK(t, refused)
	if view != (PrefixListView{ID: list, Name: "far nets", Owner: account, State: "modify-complete", AddressFamily: "IPv4", MaxEntries: 3, Version: 2}) {
		t.Fatalf("got %+v", view)
	}
	for version, want := range map[int64][]PrefixListEntry{0: entriesOf("10.20.0.0/16", "172.20.5.0/24"), 1: entriesOf("172.20.5.0/24", "172.30.0.0/16"), 2: entriesOf("10.20.0.0/16", "172.20.5.0/24")} {
		got, refused := w.PrefixListEntries(me(), list, version)
		wantOK(t, refused)
		if !slices.Equal(got, want) {
			t.Errorf("version %d: got %v, want %v", version, got, want)
		}
	}
	if got := listOf(t, w, stale(time.Second), list); got.Version != 1 || got.State != "create-complete" {
		t.Errorf("a second ago: %+v", got)
	}
	if got, _ := w.PrefixListEntries(stale(time.Second), list, 0); got[0].CIDR != cidr("172.20.5.0/24") {
		t.Errorf("a second ago: %+v", got)
	}
	_, refused = w.PrefixListEntries(me(), list, 3)
	wantCode(t, refused, "InvalidParameterValue", "")
	// Name, size and descriptions.
	view, refused = w.EditPrefixList(me(), list, PrefixListEdit{Name: "n", MaxEntries: 2})
	wantOK(t, refused)
	if view.Version != 2 || view.Name != "n" || view.MaxEntries != 2 {
		t.Fatalf("got %+v", view)
	}
	view, refused = w.EditPrefixList(me(), list, PrefixListEdit{Version: 2, Add: []PrefixListEntry{{CIDR: cidr("10.20.0.0/16"), Description: "new"}}})
	wantOK(t, refused)
	if got, _ := w.PrefixListEntries(me(), list, 0); view.Version != 3 || got[0].Description != "new" || len(got) != 2 {
		t.Fatalf("got %+v %+v", view, got)
	}
}

func TestEditsThatAreRefused(t *testing.T) {
	many := func(n int) []PrefixListEntry {
		var out []PrefixListEntry
		for i := range n {
			out = append(out, PrefixListEntry{CIDR: cidr(fmt.Sprintf("10.20.%d.0/24", i))})
		}
		return out
	}
	for _, c := range []struct {
		name          string
		edit          PrefixListEdit
		code, message string
	}{
		{"old version", PrefixListEdit{Version: 7, Add: many(1)}, "PrefixListVersionMismatch", ""},
		{"no version", PrefixListEdit{Add: many(1)}, "MissingParameter", ""},
		{"entries and size", PrefixListEdit{Version: 1, Add: many(1), MaxEntries: 5}, "InvalidParameterCombination", "You cannot modify the entries and the maximum entries for the prefix list in the same request."},
		{"removal of nothing", PrefixListEdit{Version: 1, Remove: blocks("10.0.0.0/8")}, "InvalidPrefixListModification", "The prefix list entry 10.0.0.0/8 does not exist."},
		{"too many in one call", PrefixListEdit{Version: 1, Add: many(101)}, "InvalidParameterValue", "The number of entries per request cannot exceeds limit (100)."},
		{"full", PrefixListEdit{Version: 1, Add: many(2)}, "PrefixListMaxEntriesExceeded", ""},
		{"other family", PrefixListEdit{Version: 1, Add: entriesOf("::/0")}, "InvalidParameterValue", ""},
		{"twice", PrefixListEdit{Version: 1, Add: entriesOf("10.0.0.0/8", "10.0.0.0/8")}, "InvalidParameterValue", ""},
		{"in and out", PrefixListEdit{Version: 1, Add: entriesOf("172.30.0.0/16"), Remove: blocks("172.30.0.0/16")}, "InvalidParameterValue", ""},
		{"too large", PrefixListEdit{MaxEntries: 1001}, "InvalidParameterValue", "Must specify a max size between 1 and 1000"},
		{"too small", PrefixListEdit{MaxEntries: 1}, "InvalidParameterValue", ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			w, _ := edge(t, Options{})
			_, refused := w.EditPrefixList(me(), list, c.edit)
			wantCode(t, refused, c.code, c.message)
			if got := listOf(t, w, me(), list); got.Version != 1 || got.State != "create-complete" || got.MaxEntries != 3 {
				t.Fatalf("got %+v", got)
			}
		})
	}
	w, _ := edge(t, Options{})
	dry := dryRun()
	_, refused := w.EditPrefixList(dry, list, PrefixListEdit{Version: 1, Add: many(1)})
	wantCode(t, refused, "DryRunOperation", "")
	_, refused = w.EditPrefixList(me(), "pl-99", PrefixListEdit{Name: "x"})
	wantCode(t, refused, "InvalidPrefixListID.NotFound", "")
}

func TestAModificationCanTakeTime(t *testing.T) {
	w, clock := edge(t, Options{PrefixListModifyTime: 10 * time.Second})
	must(t, w.ForceRoute("x", edgeRT, list, eniA))
	view, refused := w.EditPrefixList(me(), list, PrefixListEdit{Version: 1, Remove: blocks("172.30.0.0/16")})
	wantOK(t, refused)
	if view.State != "modify-in-progress" || view.Version != 2 {
		t.Fatalf("got %+v", view)
	}
	wantDrop(t, w, "app", "far30", "rtb-0e has no route to 172.30.0.10")
	_, refused = w.EditPrefixList(me(), list, PrefixListEdit{Version: 2, Add: entriesOf("10.0.0.0/8")})
	wantCode(t, refused, "IncorrectState", "")
	clock.advance(10 * time.Second)
	if got := listOf(t, w, me(), list); got.State != "modify-complete" {
		t.Fatalf("got %+v", got)
	}
	_, refused = w.EditPrefixList(me(), list, PrefixListEdit{Version: 2, Add: entriesOf("10.0.0.0/8")})
	wantOK(t, refused)
}

func TestListsWeighTheirMaxEntries(t *testing.T) {
	w, _ := edge(t, Options{VPCRouteQuota: 4})
	must(t, w.ForceRoute("x", edgeRT, list, eniA)) // One route and three entries, of which two stand.
	_, refused := w.CreateRoute(me(), edgeRT, dest("10.7.0.0/16"), eniA)
	wantCode(t, refused, "RouteLimitExceeded", "")
	_, refused = w.CreateRoute(me(), edgeRT, dest("2001:db8:7::/48"), eniA)
	wantOK(t, refused)
	_, refused = w.CreateRoute(me(), edgeRT, dest(list6), eniA)
	wantOK(t, refused)
	_, refused = w.ReplaceRoute(me(), edgeRT, dest(list), eniB)
	wantOK(t, refused)
	_, refused = w.CreateRoute(me(), routerRT, dest(list), eniA)
	wantOK(t, refused)
	// What does not fit into some table fails, and says where.
	view, refused := w.EditPrefixList(me(), list, PrefixListEdit{MaxEntries: 4})
	wantOK(t, refused)
	if view.State != "modify-failed" || view.MaxEntries != 3 || !strings.HasSuffix(view.StateMessage, ": rtb-0e") {
		t.Fatalf("got %+v", view)
	}
	must(t, w.ForceRoute("x", edgeRT, list, ""))
	view, refused = w.EditPrefixList(me(), list, PrefixListEdit{MaxEntries: 4})
	wantOK(t, refused)
	if view.State != "modify-complete" || view.MaxEntries != 4 || view.StateMessage != "" {
		t.Fatalf("got %+v", view)
	}
}

func TestScriptedEditsAreInTheCallLog(t *testing.T) {
	w, _ := edge(t, Options{})
	must(t, w.SetPrefixListEntries("eve", list, blocks("10.0.0.0/8"), blocks("172.30.0.0/16")))
	err := w.SetPrefixListEntries("eve", list, nil, blocks("172.30.0.0/16"))
	if err == nil || !strings.Contains(err.Error(), "InvalidPrefixListModification") {
		t.Fatalf("got %v", err)
	}
	var got []string
	for _, c := range w.Calls() {
		got = append(got, fmt.Sprint(c.Process, " ", c.Action, " ", c.Params.Encode(), " ", c.Code))
	}
	wantLines(t, got,
		"writer:eve ModifyManagedPrefixList AddEntry.1.Cidr=10.0.0.0%2F8&CurrentVersion=1&PrefixListId=pl-0a&RemoveEntry.1.Cidr=172.30.0.0%2F16 ",
		"writer:eve ModifyManagedPrefixList CurrentVersion=2&PrefixListId=pl-0a&RemoveEntry.1.Cidr=172.30.0.0%2F16 InvalidPrefixListModification")
	if err := w.SetPrefixListEntries("eve", "pl-99", nil, nil); err == nil || !strings.Contains(err.Error(), "use one of pl-06, pl-0a") {
		t.Fatalf("got %v", err)
	}
}

// TestVPCLookupAgreesWithRouteLookup draws tables with static routes, routes to
// prefix lists and propagated routes, and compares with route.Lookup over the
// same routes written out, without those that the local route shields against.
func TestVPCLookupAgreesWithRouteLookup(t *testing.T) {
	pool := []string{"0.0.0.0/0", "10.0.0.0/8", "10.1.0.0/16", "10.1.2.0/24", "10.2.0.0/16", "10.2.3.0/24", "10.2.3.4/32", "192.168.0.0/16"}
	some := func(rt *rapid.T, label string) []string {
		return rapid.SliceOfNDistinct(rapid.SampledFrom(pool), 0, 5, rapid.ID).Draw(rt, label)
	}
	local := cidr("10.1.0.0/16")
	rapid.Check(t, func(rt *rapid.T) {
		topo := edgeTopology()
		topo.PrefixLists = []PrefixListSpec{
			{ID: "pl-1", MaxEntries: 9, Entries: some(rt, "list 1")}, {ID: "pl-2", MaxEntries: 9, Entries: some(rt, "list 2")},
		}
		topo.VPNs[0].Routes, topo.VPNs[1].Routes = some(rt, "vpn 1"), some(rt, "vpn 2")
		topo.VPCs[0].Tables[0].Routes = nil
		written := []route.Route{{Destination: route.CIDR(local), Origin: route.OriginLocal, NextHop: route.MustNextHop("local")}}
		for _, block := range some(rt, "static") {
			if !within(cidr(block), local) {
				topo.VPCs[0].Tables[0].Routes = append(topo.VPCs[0].Tables[0].Routes, RouteSpec{Destination: block, Target: "eni-9"})
				written = append(written, route.Route{Destination: dest(block), Origin: route.OriginStatic, NextHop: route.MustNextHop("eni-9")})
			}
		}
		expand := func(blocks []string, origin route.Origin, hop string) {
			for _, block := range blocks {
				if !within(cidr(block), local) {
					written = append(written, route.Route{Destination: dest(block), Origin: origin, NextHop: route.MustNextHop(hop)})
				}
			}
		}
		for _, l := range topo.PrefixLists {
			target := map[string]string{"pl-1": eniA, "pl-2": eniB}[l.ID]
			if rapid.Bool().Draw(rt, l.ID) {
				topo.VPCs[0].Tables[0].Routes = append(topo.VPCs[0].Tables[0].Routes, RouteSpec{Destination: l.ID, Target: target})
				expand(l.Entries, route.OriginPrefixListReference, target)
			}
		}
		expand(slices.Concat(topo.VPNs[0].Routes, topo.VPNs[1].Routes), route.OriginPropagated, vgw)
		w, err := NewWorld(newHandClock(), topo, Options{})
		if err != nil {
			rt.Fatal(err)
		}
		addr := rapid.SampledFrom([]string{"10.1.2.3", "10.1.9.9", "10.2.3.4", "10.2.3.5", "10.2.9.9", "10.9.9.9", "192.168.1.1", "8.8.8.8", "2001:db8::1"}).Draw(rt, "addr")
		got, found := w.vpcTables[edgeRT].lookup(w, netip.MustParseAddr(addr))
		want, wanted := route.Lookup(written, netip.MustParseAddr(addr))
		if found != wanted || found && (got.prefix != want.Destination.Prefix() || got.route.Target != want.NextHop.String()) {
			rt.Fatalf("%s: got %v %t, route.Lookup %v %t\n%s", addr, got, found, want, wanted, w.Snapshot())
		}
	})
}
