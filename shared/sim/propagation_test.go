package sim

import (
	"slices"
	"testing"
)

func propagating(t *testing.T, w *World, table string) []string {
	t.Helper()
	refs, refused := w.Propagations(me(), table)
	wantOK(t, refused)
	ids := make([]string, 0, len(refs))
	for _, ref := range refs {
		ids = append(ids, ref.ID)
	}
	return ids
}

func TestPropagationIsSwitched(t *testing.T) {
	w, _ := wide(t, Options{})
	if got := propagating(t, w, spokeRT); !slices.Equal(got, []string{attA, attB, attDX, attConn}) {
		t.Fatalf("got %v", got)
	}
	ref, refused := w.DisablePropagation(me(), spokeRT, attConn)
	wantOK(t, refused)
	if ref != (AttachmentRef{ID: attConn, ResourceID: attB, ResourceType: "connect"}) || learnedFromConnect(t, w) {
		t.Errorf("got %+v", ref)
	}
	if got := propagating(t, w, spokeRT); !slices.Equal(got, []string{attA, attB, attDX}) {
		t.Errorf("got %v", got)
	}
	// What it taught to other tables stays, and so do statics.
	if _, found := shown(t, w, me(), onpremRT, "10.1.0.0/16"); !found {
		t.Error("another table lost its routes")
	}
	_, refused = w.EnablePropagation(me(), spokeRT, attConn)
	wantOK(t, refused)
	if !learnedFromConnect(t, w) {
		t.Error("not learned")
	}
	// A VPN with static routing can propagate, and has nothing to teach.
	_, refused = w.EnablePropagation(me(), spokeRT, attVPN1)
	wantOK(t, refused)
	// A Connect attachment without sessions teaches when one comes up.
	must(t, w.SetSession(peer1, 0, false))
}

func TestPropagationErrors(t *testing.T) {
	w, _ := wide(t, Options{})
	enable := func(c Caller, table, attachment string) *APIError {
		_, refused := w.EnablePropagation(c, table, attachment)
		return refused
	}
	disable := func(c Caller, table, attachment string) *APIError {
		_, refused := w.DisablePropagation(c, table, attachment)
		return refused
	}
	before := w.Snapshot()
	wantCode(t, enable(me(), spokeRT, attA), "TransitGatewayRouteTablePropagation.Duplicate", "Propagation tgw-attach-0a already exists in Transit Gateway Route Table tgw-rtb-0a.")
	wantCode(t, disable(me(), spokeRT, attVPN1), "TransitGatewayRouteTablePropagation.NotFound", "")
	wantCode(t, enable(me(), spokeRT, attPeer), "OperationNotPermitted", "")
	wantCode(t, enable(me(), spokeRT, "x"), "InvalidTransitGatewayAttachmentID.Malformed", "")
	wantCode(t, enable(me(), spokeRT, attOther), "InvalidTransitGatewayAttachmentID.NotFound", "")
	wantCode(t, enable(me(), "tgw-rtb-99", attA), "InvalidRouteTableID.NotFound", "")
	wantCode(t, enable(dryRun(), spokeRT, attVPN1), "DryRunOperation", "")
	wantCode(t, disable(dryRun(), spokeRT, attA), "DryRunOperation", "")
	must(t, w.SetAttachmentState(attVPN1, "failed"))
	wantCode(t, enable(me(), spokeRT, attVPN1), "IncorrectState", "")
	_, refused := w.Propagations(me(), "tgw-rtb-99")
	wantCode(t, refused, "InvalidRouteTableID.NotFound", "")
	if after := w.Snapshot(); after != before {
		t.Errorf("refused calls left\n%s", after)
	}
	w, _ = wide(t, Options{PropagationErrorAsProbed: true, DryRunBeforeValidation: true})
	wantCode(t, disable(me(), spokeRT, attVPN1), "InvalidparameterValue", "")
	wantCode(t, enable(dryRun(), "x", "x"), "DryRunOperation", "")
}

func TestForcedPropagation(t *testing.T) {
	w, _ := wide(t, Options{})
	must(t, w.ForcePropagation("ann", spokeRT, attB, false))
	if err := w.ForcePropagation("ann", spokeRT, attB, false); err == nil {
		t.Error("switched off twice")
	}
	if err := w.ForcePropagation("ann", mainRT, attB, false); err == nil {
		t.Error("a VPC table took it")
	}
	if err := w.ForcePropagation("ann", "tgw-rtb-99", attB, true); err == nil {
		t.Error("an unknown table took it")
	}
	must(t, w.ForcePropagation("ann", spokeRT, attB, true))
	calls := w.Calls()
	if len(calls) != 4 || calls[0].Process != "writer:ann" || calls[0].Action != "DisableTransitGatewayRouteTablePropagation" || calls[0].Code != "" || calls[0].Write != nil ||
		calls[1].Code != "TransitGatewayRouteTablePropagation.NotFound" || calls[3].Action != "EnableTransitGatewayRouteTablePropagation" {
		t.Errorf("got %+v", calls)
	}
}

func TestTransitGatewaysAreListed(t *testing.T) {
	w, clock := wide(t, Options{})
	if got := w.TransitGateways(me()); len(got) != 1 || got[0] != (TransitGatewayView{ID: gw, OwnerAccount: account, Region: region, State: "available", ASN: 64512, VPNECMP: true, CreatedAt: clock.now}) {
		t.Errorf("got %+v", got)
	}
	if got := w.TransitGateways(Caller{Account: foreign, Region: "eu-west-1"}); len(got) != 1 || got[0].Name != "far" {
		t.Errorf("got %+v", got)
	}
}
