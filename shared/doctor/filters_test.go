package doctor

import (
	"slices"
	"strings"
	"testing"

	"detour/shared/filter"
	"detour/shared/protection"
	"detour/shared/route"
)

// filtered adds a filter that denies default-like routes in a table.
func (s *Snapshot) filtered(table string, action filter.Action, egress string) *Filter {
	f := &filter.Filter{
		Name: "no-default", Account: account, Region: region, Mode: protection.Enforce, Action: action,
		Rules: []filter.Rule{{DefaultLike: true}}, Scopes: []filter.Scope{{Table: s.table(table).Table}},
	}
	if egress != "" {
		f.Scopes[0].Egress = route.MustNextHop(egress)
	}
	s.Filters = append(s.Filters, Filter{Filter: f})
	return &s.Filters[len(s.Filters)-1]
}

// TestMeasuresOfFilters are no faults: nobody is told to delete what keeps a leak out, and
// no leak is called a backup.
func TestMeasuresOfFilters(t *testing.T) {
	t.Parallel()
	quarantined := func(s *Snapshot) {
		f := s.filtered("tgw-rtb-main", filter.Quarantine, "")
		f.Record.Measures = []filter.Measure{{
			Key: filter.Key{Table: s.table("tgw-rtb-main").Table, Attachment: "tgw-attach-vpn2"}, Action: filter.Quarantine, Off: true,
			NextHop: route.MustNextHop("tgw-attach-vpn2"), Statics: []filter.Static{{Destination: prefix("10.50.0.0/16"), Seen: true}},
		}}
		s.drop("tgw-rtb-main", "10.50.0.0/16", true)
		s.put("tgw-rtb-main", "10.50.0.0/16", "tgw-attach-vpn2")
	}
	for _, c := range []struct {
		name   string
		change func(s *Snapshot)
		want   []string
		never  string
	}{
		{"a blackhole", func(s *Snapshot) {
			s.filtered("tgw-rtb-main", filter.Blackhole, "")
			s.put("tgw-rtb-main", "0.0.0.0/0", "blackhole").State = route.StateBlackhole
		}, []string{"info blackhole tgw-rtb-main no-default 0.0.0.0/0"}, "delete"},
		{"somebody else's blackhole", func(s *Snapshot) {
			s.filtered("tgw-rtb-main", filter.Blackhole, "")
			s.put("tgw-rtb-main", "11.0.0.0/8", "blackhole").State = route.StateBlackhole
		}, []string{"info blackhole tgw-rtb-main 11.0.0.0/8"}, ""},
		{"a pin", func(s *Snapshot) {
			s.filtered("rtb-vpc", filter.Pin, "nat-1")
			s.put("rtb-vpc", "0.0.0.0/0", "~vgw-1")
			s.put("rtb-vpc", "0.0.0.0/0", "nat-1")
			s.vpn("vpn-3").Tunnels[0].AcceptedRoutes, s.vpn("vpn-3").Static = 0, true
			s.vpn("vpn-4").Static = true
		}, []string{"warning learned-default rtb-vpc vgw-1 no-default 0.0.0.0/0", "info static-hides-backup rtb-vpc vgw-1 no-default 0.0.0.0/0"}, "delete"},
		{"a pin whose egress is gone", func(s *Snapshot) {
			s.filtered("rtb-vpc", filter.Pin, "nat-1")
			s.put("rtb-vpc", "0.0.0.0/0", "nat-1").State = route.StateBlackhole
		}, []string{"warning blackhole rtb-vpc no-default 0.0.0.0/0"}, "delete"},
		{"a quarantine", quarantined, nil, ""},
		{"a quarantine whose connection died", func(s *Snapshot) {
			quarantined(s)
			s.fell("vpn-2", 0)
			s.group().Paths = s.group().Paths[:1]
		}, []string{"critical static-to-down-vpn tgw-rtb-main tgw-attach-vpn2 vpn-2 no-default 10.50.0.0/16"}, "declare it as an entry"},
		{"an observation table", func(s *Snapshot) {
			f := s.filtered("tgw-rtb-main", filter.Blackhole, "")
			f.Filter.Scopes[0].Observation = []filter.Observation{{Attachment: "tgw-attach-vpn2", Table: s.table("tgw-rtb-seen").Table}}
			s.put("tgw-rtb-seen", "0.0.0.0/0", "~tgw-attach-vpn2")
		}, []string{"warning learned-default tgw-rtb-seen tgw-attach-vpn2 vpn-2 no-default 0.0.0.0/0"}, "a filter for"},
		{"a record that was not read", func(s *Snapshot) { s.filtered("tgw-rtb-main", filter.Blackhole, "").Unrecorded = "denied" }, []string{
			"unknown not-examined no-default",
		}, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			s := healthy()
			c.change(s)
			got := slices.DeleteFunc(Examine(*s), func(f Finding) bool { return f.ID == TunnelThroughItself || f.ID == SiteHearsEndpoint })
			expect(t, got, c.want...)
			for _, f := range got {
				if text := strings.Join(f.Do, "; "); c.never != "" && strings.Contains(text, c.never) {
					t.Errorf("it says: %s", text)
				}
			}
		})
	}
}

// TestFiltersNeedEventsToo: a transit gateway that only filters name.
func TestFiltersNeedEventsToo(t *testing.T) {
	s := healthy()
	s.filtered("tgw-rtb-main", filter.Blackhole, "")
	s.Groups, s.Facts, s.Events.Registrations = nil, nil, nil
	expect(t, Examine(*s), "warning tgw-not-registered tgw-1")
}
