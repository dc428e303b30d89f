package main

import (
	"testing"

	"detour/shared/plan"
	"detour/shared/route"
)

// TestPinsOf: a pin's table belongs to its declaration, or else to its path.
func TestPinsOf(t *testing.T) {
	for file, want := range map[string]struct {
		group string
		pin   plan.Pin
	}{
		"prefix-lists":      {"partners", plan.Pin{Path: "exchange", Alarm: "exchange-answers", Via: route.Table{Kind: route.TransitGatewayTable, ID: "tgw-rtb-0a000000000000001", Account: "444455556666", Region: "eu-central-1"}}},
		"vgw-and-appliance": {"remote-region", plan.Pin{Path: "router", Alarm: "router-peer-answers", Via: route.Table{Kind: route.VPCTable, ID: "rtb-0c000000000000003", Account: "111122223333", Region: "eu-central-1"}}},
	} {
		cfg, err := readConfig("../../docs/examples/" + file + ".yaml")
		if err != nil {
			t.Fatal(err)
		}
		got := pinsOf(cfg)[want.group]
		if len(got) != 1 || !got[0].Address.IsValid() {
			t.Fatalf("%s: %+v", file, got)
		}
		want.pin.Address = got[0].Address
		if got[0] != want.pin {
			t.Errorf("%s: %+v, want %+v", file, got[0], want.pin)
		}
	}
}
