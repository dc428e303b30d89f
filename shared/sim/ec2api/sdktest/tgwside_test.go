package sdktest

import (
	"slices"
	"testing"
	"time"

	"detour/shared/sim"
	"detour/shared/sim/ec2api"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"
)

const (
	wideTable = "tgw-rtb-0a"
	otherPeer = "tgw-connect-peer-02"
)

// wideWorld is a real World with everything that a transit gateway can be joined
// to: both sides of its peering are the same account's.
func wideWorld(t *testing.T) *sim.World {
	t.Helper()
	w, err := sim.NewWorld(still{}, sim.Topology{
		Account: account, Region: region,
		TransitGateways: []sim.TransitGatewaySpec{
			{ID: "tgw-0a", Name: "one", Tables: []sim.TransitGatewayTable{{
				ID: wideTable, Associated: []string{"tgw-attach-0a"}, Propagated: []string{"tgw-attach-0a", "tgw-attach-0d", "tgw-attach-0c"},
				Routes: []sim.RouteSpec{{Destination: "pl-0a", Target: "tgw-attach-0e"}},
			}}},
			{ID: "tgw-0b", Tables: []sim.TransitGatewayTable{{ID: "tgw-rtb-0b"}}},
		},
		VPCs: []sim.VPCSpec{{
			ID: "vpc-0a", CIDRs: []string{"10.1.0.0/16"}, Attachments: []sim.AttachmentSpec{{ID: "tgw-attach-0a", TransitGateway: "tgw-0a"}},
			Tables: []sim.VPCTableSpec{{ID: "rtb-0a"}},
		}},
		Peerings:       []sim.PeeringSpec{{Attachment: sim.AttachmentSpec{ID: "tgw-attach-0e", TransitGateway: "tgw-0a"}, Name: "bridge", Peer: "tgw-0b", PeerTable: "tgw-rtb-0b"}},
		DirectConnects: []sim.DirectConnectSpec{{Attachment: sim.AttachmentSpec{ID: "tgw-attach-0d", TransitGateway: "tgw-0a"}, Gateway: "11111111-2222-4333-8444-555555555555", Site: "hq", Announces: []string{"172.20.0.0/16"}}},
		Connects: []sim.ConnectSpec{{
			Attachment: sim.AttachmentSpec{ID: "tgw-attach-0c", TransitGateway: "tgw-0a"}, Name: "sdwan", Transport: "tgw-attach-0a", Site: "hq", Announces: []string{"172.21.0.0/16"},
			Peers: []sim.ConnectPeerSpec{
				{ID: "tgw-connect-peer-01", PeerAddress: "10.1.0.10", TransitGatewayAddress: "192.0.2.1", InsideCIDR: "169.254.6.0/29", PeerASN: 65011},
				{ID: otherPeer, PeerAddress: "10.1.0.11", TransitGatewayAddress: "192.0.2.2", InsideCIDR: "169.254.6.8/29", Down: true},
			},
		}},
		PrefixLists: []sim.PrefixListSpec{
			{ID: "pl-0a", MaxEntries: 5, Entries: []string{"10.8.0.0/16", "10.9.0.0/16"}},
			{ID: "pl-0b", MaxEntries: 5, Entries: []string{"10.7.0.0/16"}},
		},
		Sites: []sim.SiteSpec{{Name: "hq", Networks: []string{"172.20.0.0/16"}}},
	}, sim.Options{})
	if err != nil {
		t.Fatal(err)
	}
	return w
}

func TestDescribeTransitGateways(t *testing.T) {
	w := wideWorld(t)
	c := client(ec2api.New(w))
	got, err := c.DescribeTransitGateways(background(), &ec2.DescribeTransitGatewaysInput{TransitGatewayIds: []string{"tgw-0a"}})
	if err != nil || len(got.TransitGateways) != 1 {
		t.Fatalf("%+v %v", got, err)
	}
	g := got.TransitGateways[0]
	if *g.TransitGatewayId != "tgw-0a" || *g.TransitGatewayArn != "arn:aws:ec2:eu-west-1:111122223333:transit-gateway/tgw-0a" || g.State != "available" ||
		*g.OwnerId != account || *g.Options.AmazonSideAsn != 64512 || g.Options.VpnEcmpSupport != "enable" || !g.CreationTime.Equal(still{}.Now()) || *g.Tags[0].Value != "one" {
		t.Errorf("%+v", g)
	}
	checkFilters(t, []filterCase{
		{nil, []string{"tgw-0a", "tgw-0b"}, ""},
		{by("transit-gateway-id", "tgw-0b"), []string{"tgw-0b"}, ""},
		{by("tag:Name", "one"), []string{"tgw-0a"}, ""},
		{by("tag-key", "Name"), []string{"tgw-0a"}, ""},
		{by("owner-id", account, "state", "available", "options.amazon-side-asn", "64512"), []string{"tgw-0a", "tgw-0b"}, ""},
		{by("options.amazon-side-asn", "1"), nil, ""},
		{by("options.dns-support", "enable"), nil, "UnsupportedOperation"},
		{by("colour", "red"), nil, "InvalidParameterValue"},
	}, func(filters []types.Filter) (ids []string, err error) {
		got, err := c.DescribeTransitGateways(background(), &ec2.DescribeTransitGatewaysInput{Filters: filters})
		if err == nil {
			for _, g := range got.TransitGateways {
				ids = append(ids, *g.TransitGatewayId)
			}
		}
		return ids, err
	})
	_, err = c.DescribeTransitGateways(background(), &ec2.DescribeTransitGatewaysInput{TransitGatewayIds: []string{"tgw-99"}})
	wantCode(t, err, "InvalidTransitGatewayID.NotFound", "")
	_, err = c.DescribeTransitGateways(background(), &ec2.DescribeTransitGatewaysInput{TransitGatewayIds: []string{"x"}})
	wantCode(t, err, "InvalidTransitGatewayID.Malformed", "")
	_, err = c.DescribeTransitGateways(background(), &ec2.DescribeTransitGatewaysInput{DryRun: aws.Bool(true)})
	wantCode(t, err, "DryRunOperation", "")
	wantPages(t, w, 2, func(h *ec2api.Handler, token *string) (int, *string, error) {
		got, err := client(h).DescribeTransitGateways(background(), &ec2.DescribeTransitGatewaysInput{NextToken: token})
		if err != nil {
			return 0, nil, err
		}
		return len(got.TransitGateways), got.NextToken, nil
	})
}

// wantPages reads with pages of one, and wants them all.
func wantPages(t *testing.T, w *sim.World, want int, page func(h *ec2api.Handler, token *string) (int, *string, error)) {
	t.Helper()
	h := ec2api.New(w)
	h.LimitPages(1)
	var token *string
	got := 0
	for range want + 1 {
		n, next, err := page(h, token)
		if err != nil {
			t.Fatal(err)
		}
		got += n
		if token = next; token == nil {
			break
		}
	}
	if got != want || token != nil {
		t.Errorf("%d of %d things in pages, token %v", got, want, token)
	}
}

// TestBothSidesOfAPeering: they have one id, which is no reason to lose one of
// them between two pages.
func TestBothSidesOfAPeering(t *testing.T) {
	w := wideWorld(t)
	var shown []string
	wantPages(t, w, 5, func(h *ec2api.Handler, token *string) (int, *string, error) {
		got, err := client(h).DescribeTransitGatewayAttachments(background(), &ec2.DescribeTransitGatewayAttachmentsInput{NextToken: token})
		if err != nil {
			return 0, nil, err
		}
		for _, a := range got.TransitGatewayAttachments {
			shown = append(shown, *a.TransitGatewayAttachmentId+" "+*a.TransitGatewayId+" "+string(a.ResourceType)+" "+*a.ResourceId)
		}
		return len(got.TransitGatewayAttachments), got.NextToken, nil
	})
	want := []string{
		"tgw-attach-0a tgw-0a vpc vpc-0a", "tgw-attach-0c tgw-0a connect tgw-attach-0a",
		"tgw-attach-0d tgw-0a direct-connect-gateway 11111111-2222-4333-8444-555555555555",
		"tgw-attach-0e tgw-0a peering tgw-0b", "tgw-attach-0e tgw-0b peering tgw-0a",
	}
	if !slices.Equal(shown, want) {
		t.Errorf("got %q", shown)
	}
	calls := w.Calls()
	if told := calls[0].Told; len(told) != 1 || told[0] != (sim.Told{Resource: "tgw-attach-0a", Field: "attachment-state", Value: "available"}) {
		t.Errorf("told %+v", told)
	}
}

func TestDescribeConnects(t *testing.T) {
	w := wideWorld(t)
	c := client(ec2api.New(w))
	got, err := c.DescribeTransitGatewayConnects(background(), &ec2.DescribeTransitGatewayConnectsInput{Filters: by("options.protocol", "gre", "transport-transit-gateway-attachment-id", "tgw-attach-0a", "transit-gateway-id", "tgw-0a", "state", "available")})
	if err != nil || len(got.TransitGatewayConnects) != 1 {
		t.Fatalf("%+v %v", got, err)
	}
	if a := got.TransitGatewayConnects[0]; *a.TransitGatewayAttachmentId != "tgw-attach-0c" || *a.TransportTransitGatewayAttachmentId != "tgw-attach-0a" || a.Options.Protocol != "gre" || *a.Tags[0].Value != "sdwan" {
		t.Errorf("%+v", a)
	}
	_, err = c.DescribeTransitGatewayConnects(background(), &ec2.DescribeTransitGatewayConnectsInput{TransitGatewayAttachmentIds: []string{"tgw-attach-0a"}})
	wantCode(t, err, "InvalidTransitGatewayAttachmentID.NotFound", "")
	_, err = c.DescribeTransitGatewayConnects(background(), &ec2.DescribeTransitGatewayConnectsInput{TransitGatewayAttachmentIds: []string{"x"}})
	wantCode(t, err, "InvalidTransitGatewayAttachmentID.Malformed", "")
	_, err = c.DescribeTransitGatewayConnects(background(), &ec2.DescribeTransitGatewayConnectsInput{Filters: by("x", "y")})
	wantCode(t, err, "InvalidParameterValue", "")
}

func TestDescribeConnectPeers(t *testing.T) {
	w := wideWorld(t)
	if err := w.SetAttachmentState("tgw-attach-0c", "modifying"); err != nil {
		t.Fatal(err)
	}
	c := client(ec2api.New(w))
	got, err := c.DescribeTransitGatewayConnectPeers(background(), &ec2.DescribeTransitGatewayConnectPeersInput{TransitGatewayConnectPeerIds: []string{"tgw-connect-peer-01", otherPeer}})
	if err != nil || len(got.TransitGatewayConnectPeers) != 2 {
		t.Fatalf("%+v %v", got, err)
	}
	p := got.TransitGatewayConnectPeers[0]
	config := p.ConnectPeerConfiguration
	if *p.TransitGatewayConnectPeerId != "tgw-connect-peer-01" || *p.TransitGatewayAttachmentId != "tgw-attach-0c" || p.State != "available" || !p.CreationTime.Equal(still{}.Now()) ||
		*config.PeerAddress != "10.1.0.10" || *config.TransitGatewayAddress != "192.0.2.1" || !slices.Equal(config.InsideCidrBlocks, []string{"169.254.6.0/29"}) || config.Protocol != "gre" {
		t.Errorf("%+v", p)
	}
	bgp := config.BgpConfigurations
	if len(bgp) != 2 || *bgp[0].TransitGatewayAddress != "169.254.6.2" || *bgp[1].TransitGatewayAddress != "169.254.6.3" || *bgp[0].PeerAddress != "169.254.6.1" ||
		*bgp[0].PeerAsn != 65011 || *bgp[0].TransitGatewayAsn != 64512 || bgp[0].BgpStatus != types.BgpStatusUp {
		t.Errorf("%+v", bgp)
	}
	if down := got.TransitGatewayConnectPeers[1].ConnectPeerConfiguration.BgpConfigurations; down[1].BgpStatus != types.BgpStatusDown {
		t.Errorf("%+v", down)
	}
	want := []sim.Told{
		{Resource: "tgw-connect-peer-01", Field: "peer-state", Value: "available"},
		{Resource: "tgw-connect-peer-01", Field: "session", Part: "169.254.6.2", Value: "up"},
		{Resource: "tgw-connect-peer-01", Field: "session", Part: "169.254.6.3", Value: "up"},
		{Resource: otherPeer, Field: "peer-state", Value: "available"},
		{Resource: otherPeer, Field: "session", Part: "169.254.6.10", Value: "down"},
		{Resource: otherPeer, Field: "session", Part: "169.254.6.11", Value: "down"},
	}
	if told := w.Calls()[0].Told; !slices.Equal(told, want) {
		t.Errorf("told %+v", told)
	}
	_, err = c.DescribeTransitGatewayConnectPeers(background(), &ec2.DescribeTransitGatewayConnectPeersInput{TransitGatewayConnectPeerIds: []string{"tgw-connect-peer-99"}})
	wantCode(t, err, "InvalidTransitGatewayConnectPeerID.NotFound", "")
	_, err = c.DescribeTransitGatewayConnectPeers(background(), &ec2.DescribeTransitGatewayConnectPeersInput{TransitGatewayConnectPeerIds: []string{"x"}})
	wantCode(t, err, "InvalidTransitGatewayConnectPeerID.Malformed", "")
	_, err = c.DescribeTransitGatewayConnectPeers(background(), &ec2.DescribeTransitGatewayConnectPeersInput{DryRun: aws.Bool(true)})
	wantCode(t, err, "DryRunOperation", "")
	if told := w.Calls()[3].Told; told != nil {
		t.Errorf("a dry run was told %+v", told)
	}
	filtered, err := c.DescribeTransitGatewayConnectPeers(background(), &ec2.DescribeTransitGatewayConnectPeersInput{Filters: by("transit-gateway-attachment-id", "tgw-attach-0c", "transit-gateway-connect-peer-id", otherPeer, "state", "available")})
	if err != nil || len(filtered.TransitGatewayConnectPeers) != 1 {
		t.Errorf("%+v %v", filtered, err)
	}
	wantPages(t, w, 2, func(h *ec2api.Handler, token *string) (int, *string, error) {
		got, err := client(h).DescribeTransitGatewayConnectPeers(background(), &ec2.DescribeTransitGatewayConnectPeersInput{NextToken: token})
		if err != nil {
			return 0, nil, err
		}
		return len(got.TransitGatewayConnectPeers), got.NextToken, nil
	})
}

func TestPropagationCalls(t *testing.T) {
	w := wideWorld(t)
	c := client(ec2api.New(w))
	wantPages(t, w, 3, func(h *ec2api.Handler, token *string) (int, *string, error) {
		got, err := client(h).GetTransitGatewayRouteTablePropagations(background(), &ec2.GetTransitGatewayRouteTablePropagationsInput{TransitGatewayRouteTableId: str(wideTable), NextToken: token})
		if err != nil {
			return 0, nil, err
		}
		return len(got.TransitGatewayRouteTablePropagations), got.NextToken, nil
	})
	got, err := c.GetTransitGatewayRouteTablePropagations(background(), &ec2.GetTransitGatewayRouteTablePropagationsInput{TransitGatewayRouteTableId: str(wideTable), Filters: by("resource-type", "connect")})
	if err != nil || len(got.TransitGatewayRouteTablePropagations) != 1 || got.TransitGatewayRouteTablePropagations[0].State != "enabled" || *got.TransitGatewayRouteTablePropagations[0].TransitGatewayAttachmentId != "tgw-attach-0c" {
		t.Errorf("%+v %v", got, err)
	}
	off, err := c.DisableTransitGatewayRouteTablePropagation(background(), &ec2.DisableTransitGatewayRouteTablePropagationInput{TransitGatewayRouteTableId: str(wideTable), TransitGatewayAttachmentId: str("tgw-attach-0c")})
	if err != nil || off.Propagation.State != "disabled" || *off.Propagation.TransitGatewayRouteTableId != wideTable || off.Propagation.ResourceType != "connect" {
		t.Errorf("%+v %v", off, err)
	}
	_, err = c.DisableTransitGatewayRouteTablePropagation(background(), &ec2.DisableTransitGatewayRouteTablePropagationInput{TransitGatewayRouteTableId: str(wideTable), TransitGatewayAttachmentId: str("tgw-attach-0c")})
	wantCode(t, err, "TransitGatewayRouteTablePropagation.NotFound", "")
	enable := func(table, attachment, announcement *string, dry bool) error {
		_, err := c.EnableTransitGatewayRouteTablePropagation(background(), &ec2.EnableTransitGatewayRouteTablePropagationInput{
			TransitGatewayRouteTableId: table, TransitGatewayAttachmentId: attachment, TransitGatewayRouteTableAnnouncementId: announcement, DryRun: &dry,
		})
		return err
	}
	wantCode(t, enable(str(wideTable), str("tgw-attach-0c"), nil, true), "DryRunOperation", "")
	wantCode(t, enable(str(wideTable), str("tgw-attach-0c"), nil, false), "", "")
	wantCode(t, enable(str(wideTable), str("tgw-attach-0c"), nil, false), "TransitGatewayRouteTablePropagation.Duplicate", "")
	wantCode(t, enable(str(wideTable), nil, nil, false), "MissingParameter", "")
	wantCode(t, enable(str(wideTable), nil, str("tgw-rtb-ann-1"), false), "UnsupportedOperation", "")
	wantCode(t, enable(str("x"), str("tgw-attach-0c"), nil, false), "InvalidRouteTableId.Malformed", "")
	wantCode(t, enable(str(wideTable), str("x"), nil, false), "InvalidTransitGatewayAttachmentID.Malformed", "")
	_, err = c.GetTransitGatewayRouteTablePropagations(background(), &ec2.GetTransitGatewayRouteTablePropagationsInput{TransitGatewayRouteTableId: str("tgw-rtb-99")})
	wantCode(t, err, "InvalidRouteTableID.NotFound", "")
}

func TestReferenceCalls(t *testing.T) {
	w := wideWorld(t)
	c := client(ec2api.New(w))
	made, err := c.CreateTransitGatewayPrefixListReference(background(), &ec2.CreateTransitGatewayPrefixListReferenceInput{
		TransitGatewayRouteTableId: str(wideTable), PrefixListId: str("pl-0b"), TransitGatewayAttachmentId: str("tgw-attach-0d"),
	})
	if err != nil {
		t.Fatal(err)
	}
	r := made.TransitGatewayPrefixListReference
	if *r.PrefixListId != "pl-0b" || *r.PrefixListOwnerId != account || *r.TransitGatewayRouteTableId != wideTable || r.State != "available" || *r.Blackhole ||
		*r.TransitGatewayAttachment.TransitGatewayAttachmentId != "tgw-attach-0d" || r.TransitGatewayAttachment.ResourceType != "direct-connect-gateway" {
		t.Errorf("%+v", r)
	}
	checkFilters(t, []filterCase{
		{nil, []string{"pl-0a", "pl-0b"}, ""},
		{by("attachment.resource-type", "peering", "attachment.resource-id", "tgw-0b", "attachment.transit-gateway-attachment-id", "tgw-attach-0e"), []string{"pl-0a"}, ""},
		{by("is-blackhole", "false", "prefix-list-owner-id", account, "state", "available", "prefix-list-id", "pl-0b"), []string{"pl-0b"}, ""},
		{by("is-blackhole", "true"), nil, ""},
		{by("colour", "red"), nil, "InvalidParameterValue"},
	}, func(filters []types.Filter) (ids []string, err error) {
		got, err := c.GetTransitGatewayPrefixListReferences(background(), &ec2.GetTransitGatewayPrefixListReferencesInput{TransitGatewayRouteTableId: str(wideTable), Filters: filters})
		if err == nil {
			for _, r := range got.TransitGatewayPrefixListReferences {
				ids = append(ids, *r.PrefixListId)
			}
		}
		return ids, err
	})
	modified, err := c.ModifyTransitGatewayPrefixListReference(background(), &ec2.ModifyTransitGatewayPrefixListReferenceInput{
		TransitGatewayRouteTableId: str(wideTable), PrefixListId: str("pl-0a"), Blackhole: aws.Bool(true),
	})
	if err != nil || !*modified.TransitGatewayPrefixListReference.Blackhole || modified.TransitGatewayPrefixListReference.TransitGatewayAttachment != nil {
		t.Fatalf("%+v %v", modified, err)
	}
	found, err := c.SearchTransitGatewayRoutes(background(), &ec2.SearchTransitGatewayRoutesInput{TransitGatewayRouteTableId: str(wideTable), Filters: by("prefix-list-id", "pl-0a")})
	if err != nil || len(found.Routes) != 2 || *found.Routes[0].PrefixListId != "pl-0a" || found.Routes[0].Type != "propagated" || found.Routes[0].State != "blackhole" {
		t.Errorf("%+v %v", found, err)
	}
	calls := w.Calls()
	if write := calls[len(calls)-2].Write; write == nil || *write != (sim.RouteWrite{Table: wideTable, Destination: "pl-0a", Before: "tgw-attach-0e", After: "blackhole"}) {
		t.Errorf("wrote %+v", write)
	}
	wantPages(t, w, 2, func(h *ec2api.Handler, token *string) (int, *string, error) {
		got, err := client(h).GetTransitGatewayPrefixListReferences(background(), &ec2.GetTransitGatewayPrefixListReferencesInput{TransitGatewayRouteTableId: str(wideTable), NextToken: token})
		if err != nil {
			return 0, nil, err
		}
		return len(got.TransitGatewayPrefixListReferences), got.NextToken, nil
	})
	gone, err := c.DeleteTransitGatewayPrefixListReference(background(), &ec2.DeleteTransitGatewayPrefixListReferenceInput{TransitGatewayRouteTableId: str(wideTable), PrefixListId: str("pl-0a")})
	if err != nil || gone.TransitGatewayPrefixListReference.State != "deleting" {
		t.Errorf("%+v %v", gone, err)
	}
}

func TestReferenceCallsThatFail(t *testing.T) {
	w := wideWorld(t)
	c := client(ec2api.New(w))
	create := func(table, list, attachment string, drop, dry bool) error {
		in := &ec2.CreateTransitGatewayPrefixListReferenceInput{TransitGatewayRouteTableId: &table, PrefixListId: &list, Blackhole: &drop, DryRun: &dry}
		if attachment != "" {
			in.TransitGatewayAttachmentId = &attachment
		}
		_, err := c.CreateTransitGatewayPrefixListReference(background(), in)
		return err
	}
	wantCode(t, create(wideTable, "pl-0a", "tgw-attach-0e", false, false), "TransitGatewayPrefixListReference.Duplicate", "")
	wantCode(t, create(wideTable, "pl-0b", "tgw-attach-0c", false, false), "OperationNotPermitted", "")
	wantCode(t, create(wideTable, "pl-0b", "tgw-attach-0d", false, true), "DryRunOperation", "")
	wantCode(t, create(wideTable, "pl-0b", "tgw-attach-0d", true, false), "InvalidParameterCombination", "")
	wantCode(t, create(wideTable, "pl-0b", "", false, false), "MissingParameter", "")
	wantCode(t, create(wideTable, "x", "tgw-attach-0d", false, false), "InvalidPrefixListId.Malformed", "")
	wantCode(t, create(wideTable, "pl-99", "tgw-attach-0d", false, false), "InvalidPrefixListID.NotFound", "")
	wantCode(t, create("tgw-rtb-99", "pl-0b", "tgw-attach-0d", false, false), "InvalidRouteTableID.NotFound", "")
	_, err := c.ModifyTransitGatewayPrefixListReference(background(), &ec2.ModifyTransitGatewayPrefixListReferenceInput{TransitGatewayRouteTableId: str(wideTable), PrefixListId: str("pl-0b"), Blackhole: aws.Bool(true)})
	wantCode(t, err, "TransitGatewayPrefixListReference.NotFound", "")
	_, err = c.DeleteTransitGatewayPrefixListReference(background(), &ec2.DeleteTransitGatewayPrefixListReferenceInput{TransitGatewayRouteTableId: str(wideTable), PrefixListId: str("pl-0b")})
	wantCode(t, err, "TransitGatewayPrefixListReference.NotFound", "")
	for _, r := range w.Calls() {
		if r.Code == "" || r.Write != nil || !r.EffectAt.Equal(still{}.Now()) || time.Time.IsZero(r.SentAt) {
			t.Errorf("record %+v", r)
		}
	}
}
