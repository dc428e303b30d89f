package plan

import (
	"net/netip"
	"testing"

	"detour/shared/route"
)

func TestSurveyOfPins(t *testing.T) {
	via := vpcTable(9)
	a := key(tgwTable(1), "10.0.0.0/8")
	to := func(destination, hop string) route.Route {
		return extraRoute(via, destination, hop, route.OriginStatic)
	}
	dropped := to("192.0.2.1/32", hopOf("B").ID)
	dropped.State = route.StateBlackhole
	const head = ": the check alarm-b of path B speaks to 192.0.2.1 over rtb-09, "
	for name, c := range map[string]struct {
		routes []route.Route
		unread bool
		want   []string
	}{
		"to the path":             {routes: []route.Route{to("192.0.2.1/32", hopOf("B").ID), to("0.0.0.0/0", "igw-1")}},
		"over the default route":  {routes: []route.Route{to("192.0.2.2/32", hopOf("B").ID), to("0.0.0.0/0", "igw-1")}, want: []string{"warning pin" + head + "where 0.0.0.0/0 leads to igw-1, which is no next hop of the path; the check speaks of another way"}},
		"to another path":         {routes: []route.Route{to("192.0.2.0/24", hopOf("A").ID)}, want: []string{"warning pin" + head + "where 192.0.2.0/24 leads to tgw-attach-A, which is no next hop of the path; the check speaks of another way"}},
		"nowhere":                 {routes: []route.Route{to("10.0.0.0/8", hopOf("B").ID)}, want: []string{"warning pin" + head + "which has no route there; add a host route over the path"}},
		"perhaps by a list":       {routes: []route.Route{to("pl-5", hopOf("B").ID)}, want: []string{"warning pin" + head + "which leads there by a prefix list or not at all; a host route makes it certain"}},
		"dropped":                 {routes: []route.Route{dropped}, want: []string{"warning pin" + head + "where 192.0.2.1/32 is a blackhole; point it to the path"}},
		"to a gateway in between": {routes: []route.Route{to("192.0.2.1/32", "tgw-7")}, want: []string{"info pin" + head + "where 192.0.2.1/32 leads to tgw-7; see that this goes on to the path"}},
		"unread":                  {unread: true, want: []string{"warning pin" + head + "which could not be read, so it is not known whether it leads to the path"}},
	} {
		t.Run(name, func(t *testing.T) {
			in := surveyed(group(keys(a)), tables{a: hopOf("A")})
			in.Pins = []Pin{{Path: "B", Alarm: "alarm-b", Address: netip.MustParseAddr("192.0.2.1"), Via: via}}
			in.Readings = append(in.Readings, route.Reading{Table: via, Routes: c.routes, StartedAt: noon, Complete: !c.unread})
			wantNotes(t, found(in, NotePin), c.want...)
		})
	}
}
