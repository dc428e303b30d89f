package sim

import (
	"testing"
	"time"
)

// session1 and session2 are the transit gateway's BGP addresses of peer1.
const (
	session1 = "169.254.6.2"
	session2 = "169.254.6.3"
)

// told is what DescribeTransitGatewayConnectPeers shows of a peer.
func told(t *testing.T, w *World, c Caller, id string) (state string, up [2]bool) {
	t.Helper()
	for _, view := range w.ConnectPeers(c) {
		if view.ID == id {
			return view.State, [2]bool{view.Sessions[0].Up, view.Sessions[1].Up}
		}
	}
	t.Fatalf("peer %s is not listed", id)
	return "", up
}

func learnedFromConnect(t *testing.T, w *World) bool {
	t.Helper()
	_, found := shown(t, w, me(), spokeRT, "172.21.0.0/16")
	return found
}

func TestConnectPeerAsItIsListed(t *testing.T) {
	w, _ := wide(t, Options{})
	peers := w.ConnectPeers(me())
	if len(peers) != 3 || peers[0].ID != peer1 {
		t.Fatalf("got %+v", peers)
	}
	p := peers[0]
	if p.Attachment != attConn || p.State != "available" || p.PeerAddress.String() != "10.2.0.10" || p.TransitGatewayAddress.String() != "192.0.2.1" ||
		p.InsideCIDR != cidr("169.254.6.0/29") || p.PeerASN != 65011 || p.TransitGatewayASN != 64512 || peers[2].PeerASN != 64512 {
		t.Errorf("got %+v", p)
	}
	if p.Sessions[0].TransitGatewayAddress.String() != session1 || p.Sessions[1].TransitGatewayAddress.String() != session2 || p.Sessions[0].PeerAddress.String() != "169.254.6.1" {
		t.Errorf("got %+v", p.Sessions)
	}
	connects := w.Connects(me())
	if len(connects) != 2 || connects[0].ID != attConn || connects[0].Transport != attB || connects[0].TransitGateway != gw || connects[0].State != "available" || connects[0].Name != "sdwan" {
		t.Errorf("got %+v", connects)
	}
	if other := w.ConnectPeers(Caller{Account: foreign, Region: region}); len(other) != 0 {
		t.Errorf("another account sees %+v", other)
	}
}

func TestSessionIsDetectedByHoldTime(t *testing.T) {
	w, clock := wide(t, Options{TelemetryLag: 7 * time.Second})
	wantWay(t, w, "a", "branch", true, attConn)
	must(t, w.SetSession(peer1, 1, false))
	wantWay(t, w, "a", "branch", true, attConn) // The other session is up.
	clock.advance(29 * time.Second)
	must(t, w.SetSession(peer1, 0, false))
	wantWay(t, w, "a", "branch", false)
	if w.PathUp(attConn) || !learnedFromConnect(t, w) {
		t.Fatal("no session is up, but AWS does not know yet")
	}
	clock.advance(8 * time.Second) // 37 s: the first session is shown down, the second not even noticed.
	if _, up := told(t, w, me(), peer1); up != [2]bool{false, true} || !learnedFromConnect(t, w) {
		t.Fatalf("got %v", up)
	}
	if _, up := told(t, w, stale(10*time.Second), peer1); up != [2]bool{true, true} {
		t.Fatalf("a stale read shows %v", up)
	}
	clock.advance(22 * time.Second) // 59 s
	if learnedFromConnect(t, w) {
		t.Fatal("the routes are not withdrawn with the last session")
	}
	clock.advance(7 * time.Second)
	if state, up := told(t, w, me(), peer1); up != [2]bool{} || state != "available" {
		t.Fatalf("got %s %v", state, up)
	}
	must(t, w.SetSession(peer2, 2, true))
	clock.advance(5 * time.Second)
	if !learnedFromConnect(t, w) {
		t.Fatal("a session of another peer does not teach")
	}
	wantWay(t, w, "a", "branch", true, attConn)
	wantHistory(t, w, peer1, "session", session1, HealthTruth, "up@0s", "down@0s")
	wantHistory(t, w, peer1, "session", session2, HealthTruth, "up@0s", "down@29s")
	wantHistory(t, w, peer1, "session", session1, HealthShown, "up@0s", "down@37s")
	wantHistory(t, w, peer1, "session", session2, HealthShown, "up@0s", "down@1m6s")
	wantHistory(t, w, attConn, "line", "", HealthTruth, "up@0s", "down@29s", "up@1m6s")
}

func TestSessionThatFlapsIsNotNoticed(t *testing.T) {
	w, clock := wide(t, Options{})
	events := heard(t, w)
	must(t, w.SetSession(peer1, 0, false))
	clock.advance(29 * time.Second)
	must(t, w.SetSession(peer1, 0, true))
	must(t, w.SetSession(peer1, 0, true)) // It is already.
	clock.advance(time.Hour)
	if _, up := told(t, w, me(), peer1); up != [2]bool{true, true} || len(*events) != 0 {
		t.Fatalf("got %v and %d events", up, len(*events))
	}
}

func TestUnknownSessions(t *testing.T) {
	w, _ := wide(t, Options{})
	for _, err := range []error{w.SetSession("tgw-connect-peer-99", 1, true), w.SetSession(peer1, 3, true), w.SetSession(peer1, -1, true)} {
		if err == nil {
			t.Error("taken")
		}
	}
}

func TestSessionsEndWithWhatCarriesThem(t *testing.T) {
	w, clock := wide(t, Options{})
	must(t, w.SetDirectConnect(attDX, false))
	clock.advance(30 * time.Second)
	if _, up := told(t, w, me(), peerOver); up != [2]bool{} {
		t.Errorf("over a dead line: %v", up)
	}
	must(t, w.SetDirectConnect(attDX, true))
	clock.advance(5 * time.Second)
	if _, up := told(t, w, me(), peerOver); up != [2]bool{true, true} {
		t.Errorf("after it came back: %v", up)
	}
	must(t, w.SetAttachmentState(attB, "failed")) // The transport of attConn.
	wantWay(t, w, "a", "branch", false)
	clock.advance(30 * time.Second)
	if _, up := told(t, w, me(), peer1); up != [2]bool{} || learnedFromConnect(t, w) {
		t.Errorf("over a failed transport: %v", up)
	}
	must(t, w.SetSession(peer2, 0, true)) // The router would, but there is no way.
	clock.advance(time.Minute)
	if _, up := told(t, w, me(), peer2); up != [2]bool{} {
		t.Errorf("a session came up over nothing: %v", up)
	}
	must(t, w.SetAttachmentState(attB, "available"))
	clock.advance(5 * time.Second)
	if _, up := told(t, w, me(), peer2); up != [2]bool{true, true} || !learnedFromConnect(t, w) {
		t.Errorf("over a transport that is back: %v", up)
	}
}

func TestDeletedConnectAttachment(t *testing.T) {
	w, clock := wide(t, Options{})
	must(t, w.SetSession(peer1, 0, false))
	must(t, w.DeleteAttachment(attConn))
	if learnedFromConnect(t, w) {
		t.Error("a deleted attachment teaches")
	}
	if state, up := told(t, w, me(), peer1); state != "deleted" || up != [2]bool{} {
		t.Errorf("got %s %v", state, up)
	}
	clock.advance(time.Minute) // What the deletion leaves to be said.
	events := heard(t, w)
	must(t, w.SetSession(peer1, 0, true))
	clock.advance(time.Minute)
	if _, up := told(t, w, me(), peer1); up != [2]bool{} || learnedFromConnect(t, w) || len(*events) != 0 {
		t.Errorf("got %v, %d events", up, len(*events))
	}
	wantHistory(t, w, peer1, "peer-state", "", HealthShown, "available@0s", "deleted@0s")
}

func TestConnectTakesNoStatics(t *testing.T) {
	w, _ := wide(t, Options{})
	_, _, refused := w.CreateTransitGatewayRoute(me(), spokeRT, cidr("172.30.0.0/16"), attConn)
	wantCode(t, refused, "OperationNotPermitted", "Static routes are not supported for Transit Gateway Connect attachment tgw-attach-13.")
	_, _, refused = w.ModifyTransitGatewayPrefixListReference(me(), spokeRT, list1, attConn)
	wantCode(t, refused, "OperationNotPermitted", "")
}

// TestConnectPeerEvents: one event per session, in the shape that the samples
// have; none where they are switched off.
func TestConnectPeerEvents(t *testing.T) {
	w, clock := wide(t, Options{})
	events := heard(t, w)
	must(t, w.SetAlarm("reach", "OK")) // It would speak too.
	must(t, w.SetSession(peer1, 2, false))
	clock.advance(31 * time.Second)
	if len(*events) != 0 {
		t.Fatalf("got %v before the event's delay", *events)
	}
	clock.advance(time.Second)
	must(t, w.SetSession(peer1, 2, true))
	clock.advance(time.Minute)
	if len(*events) != 2 {
		t.Fatalf("got %d events", len(*events))
	}
	for i, change := range []string{"CONNECT_PEER_BGP_DOWN", "TGW-CONNECT-PEER-BGP-ESTABLISH"} {
		event := (*events)[i]
		d := detail(event)
		if event["source"] != "aws.networkmanager" || event["detail-type"] != "Network Manager Status Update" || event["region"] != "us-west-2" || event["account"] != "777788889999" ||
			d["changeType"] != change || d["connectPeerArn"] != "arn:aws:ec2:us-west-2:111122223333:transit-gateway-connect-peer/tgw-connect-peer-01" ||
			d["transitGatewayAddress"] != session2 || d["peerAsn"] != "65011" || d["transitGatewayAttachmentArn"] != "arn:aws:ec2:us-west-2:111122223333:transit-gateway-attachment/tgw-attach-13" {
			t.Errorf("got %v", event)
		}
	}
	silent, clock := wide(t, Options{NoConnectPeerEvents: true})
	events = heard(t, silent)
	must(t, silent.SetAlarm("reach", "OK"))
	must(t, silent.SetSession(peer1, 0, false))
	clock.advance(time.Minute)
	for _, event := range *events {
		if event["detail-type"] != "Network Manager Routing Update" {
			t.Errorf("got %v", event)
		}
	}
	if len(*events) == 0 || learnedFromConnect(t, silent) {
		t.Errorf("got %d events", len(*events))
	}
}

// TestDetectionStartsAnewWithEachFlap: the hold timer runs from the last failure.
func TestDetectionStartsAnewWithEachFlap(t *testing.T) {
	w, clock := wide(t, Options{})
	flap := func() {
		must(t, w.SetSession(peer1, 0, false))
		must(t, w.SetDirectConnect(attDX, false))
		clock.advance(20 * time.Second)
		must(t, w.SetSession(peer1, 0, true))
		must(t, w.SetDirectConnect(attDX, true))
		clock.advance(4 * time.Second)
	}
	flap()
	flap()
	must(t, w.SetSession(peer1, 0, false))
	must(t, w.SetDirectConnect(attDX, false))
	clock.advance(29 * time.Second)
	if _, up := told(t, w, me(), peer1); up != [2]bool{true, true} {
		t.Fatalf("sessions are %v by a timer of an earlier failure", up)
	}
	wantAlarm(t, w, "reach", "OK")
	clock.advance(time.Second)
	if _, up := told(t, w, me(), peer1); up != [2]bool{} {
		t.Fatalf("sessions are %v when the hold time is over", up)
	}
	wantAlarm(t, w, "reach", "ALARM")
	clock.advance(59 * time.Second)
	wantRoute(t, w, "172.20.0.0/16", attDX, "propagated", "")
	clock.advance(time.Second)
	wantRoute(t, w, "172.20.0.0/16", "", "", "")
}
