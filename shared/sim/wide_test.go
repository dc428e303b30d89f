package sim

import (
	"slices"
	"strings"
	"testing"
	"time"
)

const (
	farGW    = "tgw-0c"
	farRT    = "tgw-rtb-0d"
	attFar   = "tgw-attach-0e"
	attPeer  = "tgw-attach-11"
	attDX    = "tgw-attach-12"
	attConn  = "tgw-attach-13"
	attOver  = "tgw-attach-14" // A Connect attachment over attDX.
	peer1    = "tgw-connect-peer-01"
	peer2    = "tgw-connect-peer-02"
	peerOver = "tgw-connect-peer-03"
	list1    = "pl-01"
	list2    = "pl-02"
)

// wideTopology adds to labTopology a peering with another account's transit
// gateway in another Region, a Direct Connect gateway, Connect attachments, prefix
// lists and alarms.
func wideTopology() Topology {
	t := labTopology()
	spoke := &t.TransitGateways[0].Tables[0]
	spoke.Propagated = append(spoke.Propagated, attDX, attConn)
	spoke.Routes = append(spoke.Routes, RouteSpec{Destination: "10.8.0.0/16", Target: attPeer}, RouteSpec{Destination: list1, Target: attVPN2})
	onprem := &t.TransitGateways[0].Tables[1]
	onprem.Associated = append(onprem.Associated, attPeer, attDX, attConn, attOver)
	t.TransitGateways = append(t.TransitGateways, TransitGatewaySpec{
		ID: farGW, Name: "far", Account: foreign, Region: "eu-west-1", Tables: []TransitGatewayTable{{
			ID: farRT, Associated: []string{attFar}, Propagated: []string{attFar},
			Routes: []RouteSpec{{Destination: "10.1.0.0/16", Target: attPeer}},
		}},
	})
	main := &t.VPCs[0].Tables[0]
	main.Routes = append(main.Routes, RouteSpec{Destination: "10.8.0.0/16", Target: gw}, RouteSpec{Destination: "172.16.0.0/12", Target: gw})
	t.VPCs = append(t.VPCs, VPCSpec{
		ID: "vpc-0e", Account: foreign, Region: "eu-west-1", CIDRs: []string{"10.8.0.0/16"},
		Attachments: []AttachmentSpec{{ID: attFar, TransitGateway: farGW}},
		Tables:      []VPCTableSpec{{ID: "rtb-0e", Routes: []RouteSpec{{Destination: "10.1.0.0/16", Target: farGW}}}},
	})
	t.Peerings = []PeeringSpec{{Attachment: AttachmentSpec{ID: attPeer, TransitGateway: gw}, Name: "to far", Peer: farGW, PeerTable: farRT}}
	t.DirectConnects = []DirectConnectSpec{{
		Attachment: AttachmentSpec{ID: attDX, TransitGateway: gw}, Gateway: "11111111-2222-4333-8444-555555555555", Site: "hq", Announces: []string{"172.20.0.0/16"},
	}}
	t.Connects = []ConnectSpec{
		{
			Attachment: AttachmentSpec{ID: attConn, TransitGateway: gw}, Name: "sdwan", Transport: attB, Site: "branch", Announces: []string{"172.20.0.0/16", "172.21.0.0/16"},
			Peers: []ConnectPeerSpec{
				{ID: peer1, PeerAddress: "10.2.0.10", TransitGatewayAddress: "192.0.2.1", InsideCIDR: "169.254.6.0/29", PeerASN: 65011},
				{ID: peer2, PeerAddress: "10.2.0.11", TransitGatewayAddress: "192.0.2.2", InsideCIDR: "169.254.6.8/29", Down: true},
			},
		},
		{
			Attachment: AttachmentSpec{ID: attOver, TransitGateway: gw}, Transport: attDX, Site: "hq",
			Peers: []ConnectPeerSpec{{ID: peerOver, PeerAddress: "172.20.0.1", TransitGatewayAddress: "192.0.2.3", InsideCIDR: "169.254.6.16/29"}},
		},
	}
	t.PrefixLists = []PrefixListSpec{
		{ID: list1, MaxEntries: 5, Entries: []string{"10.2.0.0/16", "172.22.0.0/16", "192.168.0.0/16"}},
		{ID: list2, MaxEntries: 4, Entries: []string{"172.22.0.0/16", "172.23.0.0/16"}},
	}
	t.Sites = append(
		t.Sites,
		SiteSpec{Name: "hq", Networks: []string{"172.20.0.0/16"}, Routes: []SiteRouteSpec{{Destination: "10.0.0.0/8", Via: []string{attDX}}}},
		SiteSpec{Name: "branch", Networks: []string{"172.21.0.0/16"}, Routes: []SiteRouteSpec{{Destination: "10.0.0.0/8", Via: []string{attConn}}}},
	)
	t.Hosts = append(
		t.Hosts,
		HostSpec{Name: "abroad", Address: "10.8.0.10", In: "vpc-0e"},
		HostSpec{Name: "hq", Address: "172.20.0.10", In: "hq"},
		HostSpec{Name: "branch", Address: "172.21.0.10", In: "branch"},
	)
	t.Alarms = []AlarmSpec{
		{Name: "reach", From: "a", To: "branch", After: "30s"},
		{Name: "tunnels", VPN: vpn1},
		{Name: "line", Attachment: attPeer, Region: "eu-west-1", Account: foreign, After: "10s"},
		{Name: "free"},
	}
	return t
}

func wide(t *testing.T, opts Options) (*World, *handClock) {
	t.Helper()
	clock := newHandClock()
	w, err := NewWorld(clock, wideTopology(), opts)
	if err != nil {
		t.Fatalf("NewWorld: %v", err)
	}
	return w, clock
}

func wantWay(t *testing.T, w *World, from, to string, want bool, via ...string) {
	t.Helper()
	trace := w.Reach(from, to)
	if trace.OK != want {
		t.Fatalf("reach %s to %s is %v: %s\n%v", from, to, trace.OK, trace.Reason, trace.Hops)
	}
	if want && !slices.Equal(trace.ForwardVia, via) {
		t.Fatalf("reach %s to %s goes by %v, want %v", from, to, trace.ForwardVia, via)
	}
}

// history returns the values of one field of one thing, as "value@seconds".
func history(w *World, resource, field, part, kind string) []string {
	var values []string
	for _, change := range w.HealthHistory() {
		if change.Resource == resource && change.Field == field && change.Part == part && change.Kind == kind {
			values = append(values, change.Value+"@"+change.At.Sub(newHandClock().now).String())
		}
	}
	return values
}

func wantHistory(t *testing.T, w *World, resource, field, part, kind string, want ...string) {
	t.Helper()
	if got := history(w, resource, field, part, kind); !slices.Equal(got, want) {
		t.Errorf("%s %s of %s is %v, want %v", kind, field, resource, got, want)
	}
}

func TestAttachmentsOfAllTypesAreListed(t *testing.T) {
	w, clock := wide(t, Options{})
	want := map[string]AttachmentRef{
		attA:    {ID: attA, ResourceID: vpcA, ResourceType: "vpc"},
		attVPN1: {ID: attVPN1, ResourceID: vpn1, ResourceType: "vpn"},
		attPeer: {ID: attPeer, ResourceID: farGW, ResourceType: "peering"},
		attDX:   {ID: attDX, ResourceID: "11111111-2222-4333-8444-555555555555", ResourceType: "direct-connect-gateway"},
		attConn: {ID: attConn, ResourceID: attB, ResourceType: "connect"},
	}
	views := map[string]AttachmentView{}
	for _, view := range w.TransitGatewayAttachments(me()) {
		views[view.ID] = view
	}
	for id, ref := range want {
		view := views[id]
		if got := (AttachmentRef{ID: view.ID, ResourceID: view.ResourceID, ResourceType: view.ResourceType}); got != ref || view.State != "available" || view.TransitGateway != gw {
			t.Errorf("got %+v, want %+v", view, ref)
		}
	}
	if len(views) != 8 || views[attPeer].ResourceOwner != foreign || views[attPeer].OwnerAccount != account || views[attPeer].Name != "to far" {
		t.Errorf("got %d attachments, the peering %+v", len(views), views[attPeer])
	}
	far := w.TransitGatewayAttachments(Caller{Account: foreign, Region: "eu-west-1"})
	if len(far) != 2 || far[1].ID != attPeer || far[1].TransitGateway != farGW || far[1].ResourceID != gw || far[1].AssociatedTable != farRT || far[1].ResourceOwner != account {
		t.Errorf("the other side lists %+v", far)
	}
	must(t, w.SetAttachmentState(attPeer, "modifying"))
	clock.advance(time.Minute)
	must(t, w.SetAttachmentState(attPeer, "failed"))
	if far := w.TransitGatewayAttachments(Caller{Account: foreign, Region: "eu-west-1"}); far[1].State != "failed" {
		t.Errorf("got %+v, want both sides failed", far[1])
	}
	old := w.TransitGatewayAttachments(stale(30 * time.Second))
	if i := slices.IndexFunc(old, func(v AttachmentView) bool { return v.ID == attPeer }); old[i].State != "modifying" {
		t.Errorf("a stale read shows %+v", old[i])
	}
	wantHistory(t, w, attPeer, "attachment-state", "", HealthShown, "available@0s", "modifying@0s", "failed@1m0s")
	wantHistory(t, w, attPeer, "line", "", HealthTruth, "up@0s", "down@1m0s")
}

func TestPeeringLeadsIntoTheOtherTransitGateway(t *testing.T) {
	w, clock := wide(t, Options{})
	wantWay(t, w, "a", "abroad", true, attPeer)
	wantWay(t, w, "abroad", "a", true, attPeer)
	must(t, w.SetPeering(attPeer, false))
	wantWay(t, w, "a", "abroad", false)
	if w.PathUp(attPeer) {
		t.Error("the peering is up")
	}
	clock.advance(time.Hour)
	if route, _ := shown(t, w, me(), spokeRT, "10.8.0.0/16"); route.State != "active" {
		t.Errorf("got %+v: a table proves nothing about a line", route)
	}
	must(t, w.SetPeering(attPeer, true))
	wantWay(t, w, "a", "abroad", true, attPeer)
	must(t, w.DeleteAttachment(attPeer))
	for table, dst := range map[string]string{spokeRT: "10.8.0.0/16", farRT: "10.1.0.0/16"} {
		c := me()
		if table == farRT {
			c = Caller{Account: foreign, Region: "eu-west-1"}
		}
		if route, _ := shown(t, w, c, table, dst); route.State != "blackhole" || len(route.Attachments) != 0 || route.Type != "static" {
			t.Errorf("%s: got %+v, want a blackhole without attachments", table, route)
		}
	}
	if err := w.SetPeering(attA, false); err == nil {
		t.Error("a VPC attachment was taken for a peering")
	}
	if err := w.SetPeering("tgw-attach-99", false); err == nil {
		t.Error("an unknown attachment was taken")
	}
	_, refused := w.EnablePropagation(me(), onpremRT, attPeer)
	wantCode(t, refused, "InvalidTransitGatewayAttachmentID.NotFound", "")
	_, refused = w.EnablePropagation(Caller{Account: foreign, Region: "eu-west-1"}, farRT, "tgw-attach-99")
	wantCode(t, refused, "InvalidTransitGatewayAttachmentID.NotFound", "")
}

func TestDirectConnectTeachesWhileBGPIsUp(t *testing.T) {
	w, clock := wide(t, Options{})
	winner := func() string {
		route, found := shown(t, w, me(), spokeRT, "172.20.0.0/16")
		if !found {
			return "none"
		}
		return route.Attachments[0].ID + " " + route.Type
	}
	if got := winner(); got != attDX+" propagated" {
		t.Fatalf("got %s, want Direct Connect before Connect", got)
	}
	wantWay(t, w, "a", "hq", true, attDX)
	must(t, w.SetDirectConnect(attDX, false))
	wantWay(t, w, "a", "hq", false)
	clock.advance(89 * time.Second)
	if got := winner(); got != attDX+" propagated" {
		t.Fatalf("got %s before the hold time", got)
	}
	clock.advance(time.Second)
	if got := winner(); got != attConn+" propagated" {
		t.Fatalf("got %s, want what Connect teaches", got)
	}
	must(t, w.SetDirectConnect(attDX, true))
	must(t, w.SetDirectConnect(attDX, false))
	clock.advance(time.Minute)
	if got := winner(); got != attConn+" propagated" {
		t.Fatalf("got %s after a flap", got)
	}
	must(t, w.SetDirectConnect(attDX, true))
	clock.advance(5 * time.Second)
	if got := winner(); got != attDX+" propagated" {
		t.Fatalf("got %s after the recovery", got)
	}
	wantHistory(t, w, attDX, "line", "", HealthTruth, "up@0s", "down@0s", "up@1m30s", "down@1m30s", "up@2m30s")

	_, _, refused := w.CreateTransitGatewayRoute(me(), spokeRT, cidr("172.30.0.0/16"), attDX)
	wantOK(t, refused)
	must(t, w.SetDirectConnect(attDX, false))
	clock.advance(time.Hour)
	if route, _ := shown(t, w, me(), spokeRT, "172.30.0.0/16"); route.State != "active" {
		t.Errorf("got %+v: a static to Direct Connect stays active", route)
	}
	must(t, w.DeleteAttachment(attDX))
	if route, _ := shown(t, w, me(), spokeRT, "172.30.0.0/16"); route.State != "blackhole" || len(route.Attachments) != 0 {
		t.Errorf("got %+v, want a blackhole without attachments", route)
	}
	if err := w.SetDirectConnect(attA, false); err == nil {
		t.Error("a VPC attachment was taken for a Direct Connect gateway's")
	}
}

func TestRefusedAttachments(t *testing.T) {
	for name, c := range map[string]struct {
		spoil func(*Topology)
		want  string
	}{
		"no transport":      {func(t *Topology) { t.Connects[0].Transport = attVPN1 }, `connects[0].transport is "tgw-attach-01", which is neither a VPC nor a Direct Connect attachment of tgw-0a`},
		"no site":           {func(t *Topology) { t.Connects[0].Site = "x" }, `connects[0].site is "x", which the topology does not have`},
		"five peers":        {func(t *Topology) { t.Connects[0].Peers = make([]ConnectPeerSpec, 5) }, `connects[0].peers has 5 entries`},
		"peer id":           {func(t *Topology) { t.Connects[0].Peers[0].ID = "x" }, `connects[0].peers[0].id is "x"`},
		"peer twice":        {func(t *Topology) { t.Connects[0].Peers[1].ID = peer1 }, `which connects[0].peers[0].id has already`},
		"inside":            {func(t *Topology) { t.Connects[0].Peers[0].InsideCIDR = "169.254.6.0/30" }, `connects[0].peers[0].insideCidr is "169.254.6.0/30": write a /29 of 169.254.0.0/16`},
		"peer address":      {func(t *Topology) { t.Connects[0].Peers[0].PeerAddress = "x" }, `connects[0].peers[0].peerAddress is "x": write an IP address`},
		"static to connect": {func(t *Topology) { t.TransitGateways[0].Tables[0].Routes[0].Target = attConn }, `takes no static routes`},
		"peer gateway":      {func(t *Topology) { t.Peerings[0].Peer = gw }, `peerings[0].peer is "tgw-0a": name another transit gateway than tgw-0a`},
		"peer table":        {func(t *Topology) { t.Peerings[0].PeerTable = spokeRT }, `peerings[0].peerTable is "tgw-rtb-0a", which is no table of tgw-0c`},
		"peering teaches":   {func(t *Topology) { t.TransitGateways[0].Tables[1].Propagated = []string{attPeer} }, `a peering, which propagates no routes`},
		"gateway":           {func(t *Topology) { t.DirectConnects[0].Gateway = "" }, `directConnects[0].gateway is empty`},
		"list":              {func(t *Topology) { t.TransitGateways[0].Tables[0].Routes[3].Destination = "pl-99" }, `destination is "pl-99", which is no prefix list that 111122223333 sees in us-west-2`},
		"list twice": {func(t *Topology) {
			table := &t.TransitGateways[0].Tables[0]
			table.Routes = append(table.Routes, table.Routes[3])
		}, `destination is "pl-01", which the table has a reference to already`},
		"via":          {func(t *Topology) { t.Sites[2].Routes[0].Via = []string{attDX} }, `sites[2].routes[0].via[0] is "tgw-attach-12", which is no way out of site "branch"`},
		"alarm twice":  {func(t *Topology) { t.Alarms[1].Name = "reach" }, `alarms[1].name is "reach": give every alarm a name of its own`},
		"alarm after":  {func(t *Topology) { t.Alarms[0].After = "-1s" }, `alarms[0].after is "-1s": write a duration`},
		"alarm vpn":    {func(t *Topology) { t.Alarms[1].VPN = "vpn-99" }, `alarms[1].vpn is "vpn-99", which the topology does not have`},
		"alarm box":    {func(t *Topology) { t.Alarms[3].Box = "eni-99" }, `alarms[3].box is "eni-99", which the topology does not have`},
		"alarm line":   {func(t *Topology) { t.Alarms[2].Attachment = "x" }, `alarms[2].attachment is "x", which the topology does not have`},
		"alarm host":   {func(t *Topology) { t.Alarms[0].To = "x" }, `alarms[0].from is "a", which the topology does not have`},
		"alarm both":   {func(t *Topology) { t.Alarms[0].VPN = vpn1 }, `alarms[0] follows vpn and from: let it follow one thing`},
		"alarm state":  {func(t *Topology) { t.Alarms[3].State = "BAD" }, `alarms[3].state is "BAD": write one of OK, ALARM, INSUFFICIENT_DATA`},
		"state follow": {func(t *Topology) { t.Alarms[0].State = "OK" }, `alarms[0].state is "OK", but the alarm follows its from`},
	} {
		topology := wideTopology()
		c.spoil(&topology)
		wantProblem(t, name, topology, c.want)
	}
}

func wantProblem(t *testing.T, name string, topology Topology, want string) {
	t.Helper()
	_, err := NewWorld(newHandClock(), topology, Options{})
	if err == nil || !strings.Contains(err.Error(), want) {
		t.Errorf("%s: got %v, want %s", name, err, want)
	}
}
