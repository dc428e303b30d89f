package operator

import (
	"net/netip"
	"strings"
	"testing"

	"detour/shared/health"
	"detour/shared/protection"
)

func TestStatusTellsOfLearnedRoutes(t *testing.T) {
	route := func(block string, state health.RouteState, causes ...health.Cause) health.ExpectedRoute {
		return health.ExpectedRoute{Block: netip.MustParsePrefix(block), State: state, Causes: causes}
	}
	status := Status{Paths: []PathStatus{
		{Path: "appliance", NotReady: protection.ReasonRouteNotLearned, Expected: []health.ExpectedRoute{
			route("10.0.0.0/16", health.RouteShown),
			route("10.128.0.0/10", health.RouteAbsent, health.CauseNotAnnounced, health.CauseEmptyPath, health.CauseNextHop),
			route("10.64.0.0/10", health.RouteElsewhere, health.CauseHidden),
		}},
		{Path: "backup", InUse: true, Expected: []health.ExpectedRoute{route("10.1.0.0/16", health.RouteUnread)}},
	}}
	want := []string{
		"  appliance cannot be switched to: a route that the path's attachment should have taught is not learned; detour explain lists what may be the matter",
		"  appliance: 10.128.0.0/10 is not learned (not ruled out: not-announced, empty-as-path, no-next-hop-self)",
		"  appliance: 10.64.0.0/10 is another attachment's route (not ruled out: hidden-by-another-route)",
	}
	if got := strings.Split(strings.TrimRight(Style{}.learned(status), "\n"), "\n"); strings.Join(got, "\n") != strings.Join(want, "\n") {
		t.Errorf("got\n%s", strings.Join(got, "\n"))
	}
	for range 10 {
		status.Paths[0].Expected = append(status.Paths[0].Expected, route("10.2.0.0/16", health.RouteAbsent))
	}
	if got := (Style{}).learned(status); strings.Count(got, "\n") != 7 || !strings.HasSuffix(got, "  and more of appliance\n") {
		t.Errorf("of many:\n%s", got)
	}
}

func TestEveryReasonOfLearnedRoutesHasAMeaning(t *testing.T) {
	for _, reason := range []protection.Reason{
		protection.ReasonNoObservation, protection.ReasonObservationUnreadable, protection.ReasonObservationStale, protection.ReasonObservationNotFed,
		protection.ReasonObservationShared, protection.ReasonObservationAssociated, protection.ReasonObservationHidden, protection.ReasonRouteNotLearned,
		protection.ReasonNotPropagated, protection.ReasonPropagationsUnreadable, protection.ReasonPropagationsStale,
	} {
		if Meaning(reason) == string(reason) {
			t.Errorf("%s stands for itself", reason)
		}
	}
}
