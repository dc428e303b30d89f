package sim

import (
	"net/netip"
	"testing"
)

// TestASpeakerForOneSession: two speakers can have one session each of a Connect
// peer, and say different things over them.
func TestASpeakerForOneSession(t *testing.T) {
	w, _ := wide(t, Options{})
	var of []BGPSessionView
	for _, view := range w.BGPSessions() {
		if view.Of == peer1 {
			of = append(of, view)
		}
	}
	if len(of) != 2 || of[0].Number != 1 || of[1].Number != 2 || of[0].Site != "branch" || of[0].ASN != 64512 || of[0].PeerASN != 65011 {
		t.Fatalf("the sessions of %s are %+v", peer1, of)
	}
	if of[0].Address.String() != session1 || of[1].Address.String() != session2 || of[1].PeerAddress.String() != "169.254.6.1" {
		t.Errorf("the addresses are %+v", of)
	}
	first, err := w.SpeakFor(of[0].ID, nil)
	must(t, err)
	second, err := w.SpeakFor(of[1].ID, nil)
	must(t, err)
	if _, err := w.SpeakFor(peer1, nil); err == nil {
		t.Error("a third speaker speaks for sessions that have theirs")
	}
	if learnedFromConnect(t, w) {
		t.Error("what the topology announces is still there, and no session is up")
	}
	prefix := netip.MustParsePrefix("172.21.0.0/16")
	second.Announce(prefix, []uint32{65011}, nil, true)
	first.Session(true)
	if learnedFromConnect(t, w) {
		t.Error("the second session's route came over the first")
	}
	second.Session(true)
	if !learnedFromConnect(t, w) {
		t.Error("the second session's route is not taken")
	}
	first.Session(false)
	if !learnedFromConnect(t, w) {
		t.Error("the first session took the second one's route with it")
	}
}

// TestASpeakerSeesWhatAWSMadeOfItsSession: carried or not, established or not.
func TestASpeakerSeesWhatAWSMadeOfItsSession(t *testing.T) {
	w, clock := wide(t, Options{ConnectLimitResets: true})
	speaker, err := w.SpeakFor(peer1+" 1", nil)
	must(t, err)
	want := func(when string, carried, established bool) {
		t.Helper()
		if c, e := speaker.State(); c != carried || e != established {
			t.Errorf("%s it is carried %t and established %t, not %t and %t", when, c, e, carried, established)
		}
	}
	want("at the start", true, false)
	speaker.Session(true)
	want("when it was brought up", true, true)
	for i := range 1001 {
		speaker.Announce(netip.PrefixFrom(netip.AddrFrom4([4]byte{10, byte(i >> 8), byte(i), 0}), 24), []uint32{65011}, nil, true)
	}
	want("with too many routes", true, false)
	speaker.Session(false)
	must(t, w.SetAttachmentState(attConn, attachmentDeleted))
	clock.advance(0)
	want("with its attachment deleted", false, false)
}
