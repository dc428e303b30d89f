package route

import (
	"testing"

	"pgregory.net/rapid"
)

func TestParseNextHopOfEveryKind(t *testing.T) {
	tests := []struct {
		text string
		kind NextHopKind
		id   string
	}{
		{"tgw-attach-0a1", TransitGatewayAttachment, "tgw-attach-0a1"},
		{"tgw-0a1", TransitGateway, "tgw-0a1"},
		{"igw-0a1", InternetGateway, "igw-0a1"},
		{"eigw-0a1", EgressOnlyInternetGateway, "eigw-0a1"},
		{"vgw-0a1", VPNGateway, "vgw-0a1"},
		{"vpce-0a1", VPCEndpoint, "vpce-0a1"},
		{"nat-0a1", NATGateway, "nat-0a1"},
		{"eni-0a1", NetworkInterface, "eni-0a1"},
		{"i-0a1", Instance, "i-0a1"},
		{"pcx-0a1", VPCPeeringConnection, "pcx-0a1"},
		{"lgw-0a1", LocalGateway, "lgw-0a1"},
		{"cagw-0a1", CarrierGateway, "cagw-0a1"},
		{"local", Local, ""},
		{"blackhole", Blackhole, ""},
		{"propagated:tgw-attach-0a1", Propagated, "tgw-attach-0a1"},
	}
	for _, tt := range tests {
		got, err := ParseNextHop(tt.text)
		if err != nil || got != (NextHop{Kind: tt.kind, ID: tt.id}) {
			t.Errorf("%q reads as %+v, %v", tt.text, got, err)
		}
		if got.String() != tt.text {
			t.Errorf("%q is written %q", tt.text, got)
		}
		if got.IsZero() {
			t.Errorf("%q is no next hop", tt.text)
		}
	}
}

func TestParseNextHopRefuses(t *testing.T) {
	for _, text := range []string{
		"", "none", "tgw-", "tgw-attach-", "i-", "eni-", "propagated", "propagated:", "Local", "vpn-0a1", "10.0.0.1",
		"xtgw-0a1", " tgw-0a1", "tgw0a1", "tgw-rtb-0a1",
	} {
		if got, err := ParseNextHop(text); err == nil {
			t.Errorf("%q reads as %+v", text, got)
		}
	}
}

func TestANextHopThatCannotBeParsedKeepsItsID(t *testing.T) {
	for _, hop := range []NextHop{
		{Kind: CoreNetwork, ID: "arn:aws:networkmanager::111122223333:core-network/core-network-0a1"},
		{Kind: ODBNetwork, ID: "arn:aws:odb:eu-central-1:111122223333:odb-network/odbnet_1"},
		{Kind: IPAddress, ID: "10.0.0.1"},
		{Kind: UnknownNextHop, ID: "brand-new-1"},
		{Kind: TransitGatewayAttachment, ID: "tgw-attach-1,tgw-attach-2"},
	} {
		if hop.String() != hop.ID {
			t.Errorf("%+v is written %q", hop, hop)
		}
	}
	if got := (NextHop{}).String(); got != "none" {
		t.Errorf("no next hop is written %q", got)
	}
}

func TestMustNextHopPanicsOnNonsense(t *testing.T) {
	defer func() {
		if recover() == nil {
			t.Error("no panic")
		}
	}()
	MustNextHop("nonsense")
}

func drawHop(t *rapid.T) NextHop {
	return NextHop{
		Kind: rapid.SampledFrom([]NextHopKind{NoNextHop, TransitGatewayAttachment, NetworkInterface, Blackhole, Propagated}).Draw(t, "kind"),
		ID:   rapid.SampledFrom([]string{"", "a", "b", "c"}).Draw(t, "id"),
	}
}

func TestPropertyNextHopsAreTotallyOrdered(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		checkOrder(t, drawHop(t), drawHop(t), drawHop(t), NextHop.Compare)
	})
}
