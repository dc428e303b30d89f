package explain

import (
	"strings"
	"testing"

	"detour/shared/config"
)

func TestWhatALearnedPathNeeds(t *testing.T) {
	g := config.NewGroup()
	p := config.NewPathOf("connect")
	p.Name, p.Attachment, p.Peers, p.ExpectRoutes = "appliance", "tgw-attach-01", []string{"tgw-connect-peer-01"}, []string{"10.0.0.0/16", "10.128.0.0/10"}
	entry := config.Entry{Table: "tgw-rtb-01", Destination: "10.128.0.0/10", NextHops: map[string]string{"appliance": "propagated:tgw-attach-01"}}
	g.Units = []config.Unit{{Entries: []config.Entry{entry}}}
	if got := needs(g, p); !strings.HasSuffix(got, "; 2 routes learned, as read in the group's own tables while no static hides it; without an observation table a switchover to the path needs --unproven") {
		t.Errorf("without a table: %s", got)
	}
	p.Observation = "tgw-rtb-0f"
	if got := needs(g, p); !strings.HasSuffix(got, "; 2 routes learned, as read in tgw-rtb-0f; a switchover to the path deletes statics once that table proves the routes, and creates them again if the routes do not show within 15s") {
		t.Errorf("with one: %s", got)
	}
	watches := watched(p)
	if last := watches[len(watches)-1]; last.Call != "ec2:SearchTransitGatewayRoutes" || last.IDs[0] != "tgw-rtb-0f" {
		t.Errorf("watches %+v", watches)
	}
	p.Observation, p.ExpectRoutes, g.Units = "", nil, nil
	if got := needs(g, p); strings.Contains(got, "learned") {
		t.Errorf("without learned routes: %s", got)
	}
}
