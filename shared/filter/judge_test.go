package filter

import (
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"

	"detour/shared/protection"
	"detour/shared/route"
)

// The attachments of the table tests.
const (
	site  = "tgw-attach-site"
	other = "tgw-attach-other"
	spoke = "tgw-attach-spoke"
)

// leaky is a table into which a site leaks a default route.
func leaky() *model {
	return newModel(mainTable).attach(site, TypeVPN, "0.0.0.0/0", "10.1.0.0/16").attach(spoke, TypeVPC, "172.30.0.0/16")
}

// TestFirstLook is what each action does about a leak at first sight, and what stands in
// its way.
func TestFirstLook(t *testing.T) {
	connect := func() *model { return newModel(mainTable).attach(site, TypeConnect, "0.0.0.0/0", "10.1.0.0/16") }
	for name, tt := range map[string]struct {
		action Action
		model  *model
		rules  []string
		set    func(*story)
		want   string
		what   string
		reason Reason
	}{
		"blackhole":                      {action: Blackhole, what: "0.0.0.0/0", want: "create-route 0.0.0.0/0 blackhole", reason: ReasonDenied},
		"blackhole, nothing denied":      {action: Blackhole, rules: []string{"permit 0.0.0.0/0", "deny default-like"}, reason: ReasonNothingDenied},
		"blackhole, named attachment":    {action: Blackhole, what: "0.0.0.0/0", set: func(s *story) { s.f.Scopes[0].Attachments = []string{site} }, want: "create-route 0.0.0.0/0 blackhole", reason: ReasonDenied},
		"blackhole, another may have it": {action: Blackhole, what: "0.0.0.0/0", model: leaky().attach(other, TypeVPN), set: func(s *story) { s.f.Scopes[0].Attachments = []string{site} }, reason: ReasonPermittedElsewhere},
		"blackhole, a VPC could have it": {action: Blackhole, what: "10.1.0.0/16", rules: []string{"deny 10.1.0.0/16"}, reason: ReasonPermittedElsewhere},
		"blackhole, the leak of another": {action: Blackhole, set: func(s *story) { s.f.Scopes[0].Attachments = []string{other} }, reason: ReasonNothingDenied},
		"blackhole, never touch":         {action: Blackhole, what: "0.0.0.0/0", set: func(s *story) { s.f.NeverTouch = []route.Destination{route.MustDestination("0.0.0.0/0")} }, reason: ReasonNeverTouch},
		"blackhole, a VPC table":         {action: Blackhole, model: newModel(vpcTable).attach("vgw-1", "", "0.0.0.0/0"), reason: ReasonTableKind},
		"pin":                            {action: Pin, what: "0.0.0.0/0", want: "create-route 0.0.0.0/0 tgw-attach-egress", reason: ReasonDenied},
		"pin, no egress":                 {action: Pin, set: func(s *story) { s.f.Scopes[0].Egress = route.NextHop{} }, reason: ReasonTableKind},
		"pin, heard by BGP": {action: Pin, what: "0.0.0.0/0", set: func(s *story) {
			s.m.associated = []Neighbor{{Attachment: other, Type: TypeVPN, BGP: SpeaksBGP}}
		}, reason: ReasonAdvertised},
		"pin, perhaps heard by BGP": {action: Pin, what: "0.0.0.0/0", set: func(s *story) { s.m.associated = []Neighbor{{Attachment: other, Type: TypeVPN}} }, reason: ReasonAdvertised},
		"pin, associated without BGP": {action: Pin, what: "0.0.0.0/0", set: func(s *story) {
			s.m.associated = []Neighbor{{Attachment: other, Type: TypeVPN, BGP: SpeaksNoBGP}, {Attachment: spoke, Type: TypeVPC}}
		}, want: "create-route 0.0.0.0/0 tgw-attach-egress", reason: ReasonDenied},
		"pin, the default route of the egress": {action: Pin, set: func(s *story) { s.f.Scopes[0].Egress = route.MustNextHop(site) }, reason: ReasonNothingDenied},
		"pin, a VPC table":                     {action: Pin, what: "0.0.0.0/0", model: newModel(vpcTable).attach("vgw-1", "", "0.0.0.0/0"), want: "create-route 0.0.0.0/0 eni-1", reason: ReasonDenied},
		"pin, IPv6 by NAT gateway": {action: Pin, what: "::/0", model: newModel(vpcTable).attach("vgw-1", "", "::/0"), set: func(s *story) {
			s.f.Scopes[0].Egress = route.MustNextHop("nat-1")
		}, reason: ReasonEgressFamily},
		"pin, IPv6 of a VPC table": {action: Pin, what: "::/0", model: newModel(vpcTable).attach("vgw-1", "", "::/0"), want: "create-route ::/0 eni-1", reason: ReasonDenied},
		"pin, overridden by the local route": {action: Pin, rules: []string{"deny 10.1.0.0/16 le 24"}, model: func() *model {
			m := newModel(vpcTable).attach("vgw-1", "", "10.1.2.0/24")
			m.local = []netip.Prefix{netip.MustParsePrefix("10.1.0.0/16")}
			return m
		}(), reason: ReasonNothingDenied},
		"quarantine":                      {action: Quarantine, what: site, want: "create-route 10.1.0.0/16 tgw-attach-site; disable-propagation tgw-attach-site", reason: ReasonDenied},
		"quarantine without observation":  {action: Quarantine, what: site, set: func(s *story) { s.f.Scopes[0].Observation = nil }, reason: ReasonUnsynced},
		"quarantine, loss accepted":       {action: Quarantine, what: site, set: func(s *story) { s.f.Scopes[0].Observation, s.f.AcceptLoss = nil, true }, want: "create-route 10.1.0.0/16 tgw-attach-site; disable-propagation tgw-attach-site", reason: ReasonDenied},
		"quarantine, observation invalid": {action: Quarantine, what: site, set: func(s *story) { s.observed = nil }, reason: ReasonObservation},
		"quarantine, ECMP": {action: Quarantine, what: site, model: func() *model {
			m := leaky().attach(other, TypeVPN, "10.1.0.0/16")
			m.rib[other][netip.MustParsePrefix("10.1.0.0/16")] = m.rib[site][netip.MustParsePrefix("10.1.0.0/16")]
			return m
		}(), reason: ReasonECMP},
		"quarantine, won by another": {action: Quarantine, what: site, model: newModel(mainTable).attach(other, TypeVPN, "10.1.0.0/16").attach(site, TypeVPN, "0.0.0.0/0", "10.1.0.0/16"), want: "disable-propagation tgw-attach-site", reason: ReasonDenied},
		"quarantine, Connect":        {action: Quarantine, what: site, model: connect(), reason: ReasonLoss},
		"quarantine, Connect, loss accepted": {
			action: Quarantine, what: site, model: connect(), set: func(s *story) { s.f.AcceptLoss = true },
			want: "disable-propagation tgw-attach-site", reason: ReasonDenied,
		},
		"quarantine, an unknown type": {action: Quarantine, what: site, model: newModel(mainTable).attach(site, "vpn-concentrator", "0.0.0.0/0"), reason: ReasonLoss},
		"quarantine, never touch":     {action: Quarantine, what: site, set: func(s *story) { s.f.NeverTouch = []route.Destination{route.MustDestination("10.0.0.0/8")} }, reason: ReasonNeverTouch},
		"quarantine, too many": {
			action: Quarantine, what: site, rules: []string{"permit 0.0.0.0/0"}, model: newModel(mainTable).attach(site, TypeVPN, "10.1.0.0/16", "10.2.0.0/16", "10.0.0.0/8"),
			set:  func(s *story) { s.f.MaxPrefixes = 2 },
			want: "create-route 10.0.0.0/8 tgw-attach-site; create-route 10.1.0.0/16 tgw-attach-site; disable-propagation tgw-attach-site", reason: ReasonOverLimit,
		},
		"quarantine, just enough": {action: Quarantine, rules: []string{"permit 0.0.0.0/0"}, set: func(s *story) { s.f.MaxPrefixes = 2 }, reason: ReasonNothingDenied},
		"quarantine, a VPC table": {action: Quarantine, model: newModel(vpcTable).attach("vgw-1", "", "0.0.0.0/0"), reason: ReasonTableKind},
		"alert":                   {action: Alert, what: "0.0.0.0/0", reason: ReasonDenied},
		"alert, too many":         {action: Alert, what: site, rules: []string{"permit 0.0.0.0/0"}, set: func(s *story) { s.f.MaxPrefixes = 1 }, reason: ReasonOverLimit},
	} {
		t.Run(name, func(t *testing.T) {
			if tt.model == nil {
				tt.model = leaky()
			}
			if tt.rules == nil {
				tt.rules = []string{"deny default-like"}
			}
			s := newStory(tt.action, tt.model, tt.rules...)
			s.f.Scopes[0].Egress = route.MustNextHop("tgw-attach-egress")
			if tt.model.table.Kind == route.VPCTable {
				s.f.Scopes[0].Egress = route.MustNextHop("eni-1")
			} else {
				s.watch(site)
			}
			if tt.set != nil {
				tt.set(s)
			}
			d := s.look(0)
			if got := texts(d.Changes); got != tt.want {
				t.Errorf("changes %q, want %q", got, tt.want)
			}
			if got := reasonOf(d, tt.what); got != tt.reason {
				t.Errorf("reason %q, want %q: %+v", got, tt.reason, d.Verdicts)
			}
			if wantPage := tt.reason.Holds(); d.Pages() != wantPage {
				t.Errorf("pages: %v, want %v", d.Pages(), wantPage)
			}
		})
	}
}

// TestPreset: the measures stand before anything is announced, for what can be named.
func TestPreset(t *testing.T) {
	m := newModel(mainTable).attach(site, TypeVPN)
	s := newStory(Blackhole, m, "permit 172.16.0.0/12", "deny 172.16.0.0/12", "deny 10.0.0.0/8 ge 9", "deny 192.168.0.0/16", "deny default-like")
	s.f.Preset = true
	if d := s.look(0); texts(d.Changes) != "create-route 0.0.0.0/0 blackhole; create-route 192.168.0.0/16 blackhole; create-route ::/0 blackhole" || reasonOf(d, "0.0.0.0/0") != ReasonPreset {
		t.Fatalf("%s: %+v", texts(d.Changes), d.Verdicts)
	}
	s.watch(site)
	m.announce(site, "0.0.0.0/0")
	if d := s.look(time.Hour); len(d.Changes) > 0 || reasonOf(d, "0.0.0.0/0") != ReasonDenied {
		t.Fatalf("announced: %s, %+v", texts(d.Changes), d.Verdicts)
	}
	m.withdraw(site, "0.0.0.0/0")
	for range 3 {
		if d := s.look(time.Hour); len(d.Changes) > 0 || reasonOf(d, "0.0.0.0/0") != ReasonPreset {
			t.Fatalf("withdrawn: %s, %+v", texts(d.Changes), d.Verdicts)
		}
	}
	s.f.Preset = false
	if d := s.look(time.Minute); texts(d.Changes) != "delete-route 0.0.0.0/0 none" {
		t.Errorf("no longer preset: %s, %+v", texts(d.Changes), d.Verdicts)
	}
	s.look(6 * time.Minute)
	if s.look(time.Minute); len(m.statics) > 0 || len(s.record.Measures) > 0 {
		t.Errorf("left: %v %+v", m.statics, s.record.Measures)
	}
}

// TestPresetOfIPv6OnAVirtualPrivateGateway: it says that there is none to come.
func TestPresetOfIPv6OnAVirtualPrivateGateway(t *testing.T) {
	s := newStory(Pin, newModel(vpcTable).attach("vgw-1", "", "10.1.0.0/16"), "deny default-like")
	s.f.Preset, s.f.Scopes[0].Egress = true, route.MustNextHop("eni-1")
	d := s.look(0)
	if texts(d.Changes) != "create-route 0.0.0.0/0 eni-1" || reasonOf(d, "::/0") != ReasonNoIPv6 || d.Pages() {
		t.Fatalf("%s: %+v", texts(d.Changes), d.Verdicts)
	}
}

// TestSyncing: while an attachment is in quarantine, its statics follow what it announces,
// and what another attachment provides is left to that.
func TestSyncing(t *testing.T) {
	m := leaky().attach(other, TypeVPN, "10.9.0.0/16")
	s := newStory(Quarantine, m, "deny default-like").watch(site, other)
	s.f.Scopes[0].Attachments = []string{site}
	s.look(0)
	for _, step := range []struct {
		name string
		do   func()
		want string
	}{
		{"more", func() { m.announce(site, "10.2.0.0/16", "10.3.0.0/16") }, "create-route 10.2.0.0/16 tgw-attach-site; create-route 10.3.0.0/16 tgw-attach-site"},
		{"a denied one", func() { m.announce(site, "128.0.0.0/1") }, ""},
		{"one that another has", func() { m.announce(site, "10.9.0.0/16") }, ""},
		{"the other withdraws it", func() { m.withdraw(other, "10.9.0.0/16") }, "create-route 10.9.0.0/16 tgw-attach-site"},
		{"withdrawn", func() { m.withdraw(site, "10.1.0.0/16", "10.2.0.0/16") }, "delete-route 10.1.0.0/16 none; delete-route 10.2.0.0/16 none"},
		{"nothing", func() {}, ""},
		{"observation lost", func() { s.observed = nil; m.withdraw(site, "10.3.0.0/16") }, ""},
	} {
		step.do()
		if d := s.look(time.Minute); texts(d.Changes) != step.want {
			t.Fatalf("%s: %q, want %q", step.name, texts(d.Changes), step.want)
		}
	}
}

// TestADeadStaticIsWrittenAgain: an outage left it with the state blackhole, while what
// it stands in for is announced again. Two readings have to show that, and one write has
// to do for a contention window.
func TestADeadStaticIsWrittenAgain(t *testing.T) {
	s := newStory(Quarantine, leaky(), "deny default-like").watch(site)
	s.look(0)
	destination := route.MustDestination("10.1.0.0/16")
	for _, step := range []struct {
		after  time.Duration
		dead   bool
		writes bool
		next   time.Duration
	}{
		{after: time.Minute},
		{after: time.Minute, dead: true, next: 10 * time.Second},
		{after: 9 * time.Second, dead: true, next: time.Second},
		{after: time.Second, dead: true, writes: true, next: 10 * time.Minute},
		{after: time.Minute, dead: true, next: 9 * time.Minute}, // It did not help.
		{after: 9 * time.Minute, dead: true, writes: true, next: 10 * time.Minute},
		{after: time.Minute}, // It did, until the next outage.
		{after: time.Minute, dead: true, next: 10 * time.Second},
		{after: 10 * time.Second, dead: true, writes: true, next: 10 * time.Minute},
	} {
		s.m.dead[destination] = step.dead
		want := map[bool]string{true: "replace-route 10.1.0.0/16 tgw-attach-site"}[step.writes]
		next := time.Time{}
		if step.next > 0 {
			next = s.now.Add(step.after + step.next)
		}
		if d := s.look(step.after); texts(d.Changes) != want || !d.Next.Equal(next) || len(d.Record.Reversals) > 0 {
			t.Fatalf("%s: %q, next look %v, want %q and %v", s.now.Sub(begin), texts(d.Changes), d.Next, want, next)
		}
	}
}

// TestMoving: a destination that one quarantined attachment withdraws and another still
// announces is moved in one call.
func TestMoving(t *testing.T) {
	m := leaky().attach(other, TypeVPN, "0.0.0.0/0", "10.1.0.0/16")
	s := newStory(Quarantine, m, "deny default-like").watch(site, other)
	s.look(0)
	m.withdraw(site, "10.1.0.0/16")
	if d := s.look(time.Minute); texts(d.Changes) != "replace-route 10.1.0.0/16 tgw-attach-other" {
		t.Fatalf("%s", texts(d.Changes))
	}
	if d := s.look(time.Minute); len(d.Changes) > 0 || len(d.Record.Measures[0].Statics) != 1 || len(d.Record.Measures[1].Statics) != 0 {
		t.Fatalf("%s: %+v", texts(d.Changes), d.Record.Measures)
	}
}

// TestForeign: what is somebody else's is adopted where it is what is wanted, else left
// alone, and never deleted.
func TestForeign(t *testing.T) {
	all := route.MustDestination("0.0.0.0/0")
	t.Run("another next hop", func(t *testing.T) {
		m := leaky()
		m.statics[all] = route.MustNextHop("tgw-attach-egress")
		s := newStory(Blackhole, m, "deny default-like").watch(site)
		if d := s.look(0); len(d.Changes) > 0 || reasonOf(d, "0.0.0.0/0") != ReasonForeign || d.Verdicts[0].InForce || d.Pages() {
			t.Fatalf("%s: %+v", texts(d.Changes), d.Verdicts)
		}
	})
	t.Run("the same next hop", func(t *testing.T) {
		m := leaky()
		m.statics[all] = route.NextHop{Kind: route.Blackhole}
		s := newStory(Blackhole, m, "deny default-like").watch(site)
		if d := s.look(0); len(d.Changes) > 0 || !d.Record.Measures[0].Statics[0].Adopted {
			t.Fatalf("%s: %+v", texts(d.Changes), d.Record.Measures)
		}
		m.withdraw(site, "0.0.0.0/0")
		s.look(time.Minute)
		s.look(time.Hour)
		if s.look(time.Hour); len(m.statics) != 1 || len(s.record.Measures) > 0 {
			t.Fatalf("%v, %+v", m.statics, s.record.Measures)
		}
	})
}

// TestAHiddenLeakStartsNoQuarantine: the denied route does not stand, since a static of
// somebody else hides it; once that is gone, it does.
func TestAHiddenLeakStartsNoQuarantine(t *testing.T) {
	s := newStory(Quarantine, leaky(), "deny default-like").watch(site)
	s.m.statics[route.MustDestination("0.0.0.0/0")] = route.MustNextHop("tgw-attach-egress")
	if d := s.look(0); len(d.Changes) > 0 || reasonOf(d, "") != ReasonNothingDenied {
		t.Fatalf("%s: %+v", texts(d.Changes), d.Verdicts)
	}
	clear(s.m.statics)
	if d := s.look(time.Minute); len(d.Changes) != 2 {
		t.Fatalf("%s: %+v", texts(d.Changes), d.Verdicts)
	}
}

// TestFinding: who, instead of what, and what was at risk.
func TestFinding(t *testing.T) {
	m := leaky().attach(other, TypeVPN, "10.8.0.0/16", "192.0.2.0/24")
	m.statics[route.MustDestination("0.0.0.0/0")] = route.MustNextHop("tgw-attach-egress") // It hides the one of the site.
	m.announce(site, "128.0.0.0/1")
	m.outside = []Outside{{Address: netip.MustParseAddr("203.0.113.9"), Resource: "vpn-b"}, {Address: netip.MustParseAddr("203.0.113.9"), Resource: "vpn-a"}, {Address: netip.MustParseAddr("100.64.0.1"), Resource: "vpn-c"}}
	s := newStory(Quarantine, m, "deny default-like").watch(site)
	s.f.Scopes[0].Attachments = []string{site}
	s.f.Groups = []GroupUse{{Group: "branch", Attachment: site, Table: mainTable}, {Group: "far", Attachment: site, Table: vpcTable}, {Group: "any", Attachment: site}}
	why := s.look(0).Verdicts[0].Why
	if len(why.Announcers) != 1 || why.Announcers[0] != (Neighbor{Attachment: site, Type: TypeVPN}) {
		t.Errorf("announcers %+v", why.Announcers)
	}
	if why.DeniedCount != 1 || why.TookOver != route.MustNextHop("tgw-attach-egress") {
		t.Errorf("denied %v, took over %v", why.Denied, why.TookOver)
	}
	if !slices.Equal(why.Groups, []string{"any", "branch"}) {
		t.Errorf("groups %v", why.Groups)
	}
	if !slices.Equal(why.AtRisk, []route.Destination{route.MustDestination("172.30.0.0/16"), route.MustDestination("192.0.2.0/24")}) {
		t.Errorf("at risk %v", why.AtRisk)
	}
	if why.TunnelCount != 2 || why.Tunnels[0].Resource != "vpn-a" {
		t.Errorf("tunnels %v", why.Tunnels)
	}
}

// TestSourcesOfAVirtualPrivateGateway: the connections of the gateway whose logs told of
// the route, and no others; they stay when the log says nothing more.
func TestSourcesOfAVirtualPrivateGateway(t *testing.T) {
	all := netip.MustParsePrefix("0.0.0.0/0")
	at := func(last byte, connection, gateway string) Outside {
		return Outside{Address: netip.AddrFrom4([4]byte{203, 0, 113, last}), Resource: connection, CustomerGateway: "c" + connection[1:], Gateway: gateway}
	}
	s := newStory(Pin, newModel(vpcTable).attach("vgw-1", "", "0.0.0.0/0"), "deny default-like")
	s.f.Scopes[0].Egress = route.MustNextHop("eni-1")
	s.m.outside = []Outside{at(1, "vpn-a", "vgw-1"), at(2, "vpn-a", "vgw-1"), at(3, "vpn-b", "vgw-1"), at(4, "vpn-other", "vgw-2"), at(5, "vpn-transit", "")}
	for i, step := range []struct {
		logged []Logged
		want   []Source
	}{
		{nil, nil},
		{[]Logged{{all, "vpn-other"}, {all, "vpn-transit"}, {all, "vpn-gone"}, {netip.MustParsePrefix("10.0.0.0/8"), "vpn-a"}}, nil},
		{[]Logged{{all, "vpn-b"}, {all, "vpn-b"}}, []Source{{"vpn-b", "cpn-b"}}},
		{nil, []Source{{"vpn-b", "cpn-b"}}},
		{[]Logged{{all, "vpn-a"}}, []Source{{"vpn-a", "cpn-a"}, {"vpn-b", "cpn-b"}}},
	} {
		before := s.record.Clone()
		s.m.logged = step.logged
		d := s.look(time.Minute)
		if got := d.Verdicts[0].Why.Sources; !slices.Equal(got, step.want) {
			t.Errorf("step %d: it came over %v, want %v", i, got, step.want)
		}
		if changed := !slices.EqualFunc(before.Measures, d.Record.Measures, func(a, b Measure) bool { return a.Why.equal(b.Why) }); i > 0 && changed != (i == 2 || i == 4) {
			t.Errorf("step %d: the finding in the record changed: %t", i, changed)
		}
	}
}

// TestAdvice: what the other side has to change.
func TestAdvice(t *testing.T) {
	for _, tt := range []struct {
		f    Finding
		want []Advice
	}{
		{Finding{}, nil},
		{Finding{DeniedCount: 1}, []Advice{AdviceStopAnnouncing}},
		{Finding{DeniedCount: 1, TunnelCount: 2}, []Advice{AdviceStopAnnouncing, AdviceHostRoutes}},
	} {
		if got := tt.f.Advice(); !slices.Equal(got, tt.want) {
			t.Errorf("%+v: %v", tt.f, got)
		}
	}
}

// TestChangesOfTheConfiguration: what the filter no longer wants is taken out, and what it
// wants otherwise is replaced in one call.
func TestChangesOfTheConfiguration(t *testing.T) {
	for name, tt := range map[string]struct {
		change func(*story)
		want   string
	}{
		"another action": {func(s *story) {
			s.f.Action, s.f.Scopes[0].Egress = Pin, route.MustNextHop("tgw-attach-egress")
		}, "replace-route 0.0.0.0/0 tgw-attach-egress"},
		"alert only":       {func(s *story) { s.f.Action = Alert }, "delete-route 0.0.0.0/0 none"},
		"quarantine":       {func(s *story) { s.f.Action = Quarantine }, "create-route 10.1.0.0/16 tgw-attach-site; disable-propagation tgw-attach-site; delete-route 0.0.0.0/0 none"},
		"permitted now":    {func(s *story) { s.f.Rules = nil }, "delete-route 0.0.0.0/0 none"},
		"another table":    {func(s *story) { s.f.Scopes = nil }, "delete-route 0.0.0.0/0 none"},
		"observe":          {func(s *story) { s.f.Mode = protection.Observe }, ""},
		"observe, and end": {func(s *story) { s.f.Mode, s.f.Rules = protection.Observe, nil }, "delete-route 0.0.0.0/0 none"},
	} {
		t.Run(name, func(t *testing.T) {
			s := newStory(Blackhole, leaky(), "deny default-like").watch(site)
			s.look(0)
			s.look(time.Minute)
			tt.change(s)
			d := s.look(time.Minute)
			if texts(d.Changes) != tt.want {
				t.Fatalf("%q, want %q: %+v", texts(d.Changes), tt.want, d.Verdicts)
			}
			if d.WouldBe && !d.Record.Measures[0].stands() {
				t.Error("what stands is forgotten")
			}
			if again := s.look(time.Minute); !again.WouldBe && len(again.Changes) > 0 {
				t.Errorf("once more: %s", texts(again.Changes))
			}
		})
	}
}

// TestAReplacementThatFails is made again, and not taken for a reversal.
func TestAReplacementThatFails(t *testing.T) {
	s := newStory(Blackhole, leaky(), "deny default-like").watch(site)
	s.look(0)
	s.look(time.Minute)
	s.f.Action, s.f.Scopes[0].Egress = Pin, route.MustNextHop("tgw-attach-egress")
	for range 5 {
		d := Judge(s.f, []View{s.m.view(s.now, site)}, s.record, s.now)
		if s.record = d.Record; texts(d.Changes) != "replace-route 0.0.0.0/0 tgw-attach-egress" || len(d.Record.Reversals) > 0 {
			t.Fatalf("%s, %+v", texts(d.Changes), d.Record)
		}
		s.now = s.now.Add(time.Minute)
	}
}

// TestATableWithoutAView counts as not read.
func TestATableWithoutAView(t *testing.T) {
	s := newStory(Blackhole, leaky(), "deny default-like")
	if d := Judge(s.f, nil, Record{}, begin); d.Verdicts[0].Reason != ReasonIncomplete {
		t.Errorf("%+v", d.Verdicts)
	}
}

// TestADeletedTable: what stood in it is forgotten once the configuration does not have it
// any more, and not before, and not for any other reason.
func TestADeletedTable(t *testing.T) {
	for name, tt := range map[string]struct {
		problem route.Problem
		scopes  int
		kept    int
	}{
		"and taken out":                    {route.ProblemGone, 0, 1},
		"and still configured":             {route.ProblemGone, 1, 2},
		"taken out, and cannot be read":    {route.ProblemThrottled, 0, 2},
		"taken out, and may not be read":   {route.ProblemDenied, 0, 2},
		"taken out, and read in half":      {route.ProblemMalformed, 0, 2},
		"taken out, and no answer in time": {route.ProblemTimeout, 0, 2},
	} {
		s := newStory(Blackhole, leaky(), "deny default-like")
		second := newModel(route.Table{Kind: route.TransitGatewayTable, ID: "tgw-rtb-second", Account: "111122223333", Region: "eu-central-1"})
		second.attach(site, TypeVPN, "0.0.0.0/0")
		whole := append(slices.Clone(s.f.Scopes), Scope{Table: second.table})
		s.f.Scopes = whole
		d := Judge(s.f, []View{s.m.view(begin), second.view(begin)}, Record{}, begin)
		d.Record.Contended = []Key{d.Record.Measures[0].Key, d.Record.Measures[1].Key}
		s.f.Scopes = append(slices.Clone(whole[1:]), whole[:tt.scopes]...)
		gone := View{Reading: route.Reading{Table: mainTable, Problem: tt.problem, StartedAt: begin}}
		d = Judge(s.f, []View{gone, second.view(begin)}, d.Record, begin.Add(time.Minute))
		if len(d.Record.Measures) != tt.kept || len(d.Record.Contended) != tt.kept || len(d.Record.Tables()) != tt.kept || len(d.Changes) > 0 {
			t.Errorf("%s: %+v, %s", name, d.Record, texts(d.Changes))
		}
		if forgotten := reasonOf(d, "0.0.0.0/0") == ReasonOutOfScope; forgotten != (tt.kept == 1) || d.Verdicts[len(d.Verdicts)-1].Table != second.table {
			t.Errorf("%s: %+v", name, d.Verdicts)
		}
	}
}

// TestEveryReasonThatPagesHolds.
func TestEveryReasonThatPagesHolds(t *testing.T) {
	for _, r := range []Reason{ReasonNothingDenied, ReasonDenied, ReasonPreset, ReasonGone, ReasonLifted, ReasonForeign, ReasonUnobserved} {
		if r.Holds() || r.Pages() {
			t.Errorf("%s holds", r)
		}
	}
	if !strings.Contains(string(ReasonNoIPv6), "virtual-private-gateway") || ReasonNoIPv6.Pages() || !ReasonNoIPv6.Holds() {
		t.Error("IPv6 on a virtual private gateway")
	}
}
