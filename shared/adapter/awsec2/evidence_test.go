package awsec2

import (
	"context"
	"fmt"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"detour/shared/adapter/cannedtest"
	"detour/shared/health"
	"detour/shared/route"
)

func vpn(id string) health.Subject {
	return health.Subject{Kind: health.SubjectVPN, ID: id, Account: account, Region: region}
}

// vpnNetwork knows every connection but those with "missing" in their ids, and
// leaves those with "silent" out of its answers.
func vpnNetwork(_ context.Context, params url.Values) (int, string, error) {
	body := ""
	for _, id := range list(params, "VpnConnectionId") {
		switch {
		case strings.Contains(id, "missing"):
			return 400, fault("InvalidVpnConnectionID.NotFound"), nil
		case strings.Contains(id, "silent"):
			continue
		case strings.Contains(id, "odd"):
			body += "<item><vpnConnectionId>" + id + "</vpnConnectionId><state>available</state><vgwTelemetry><item><status>UP</status></item></vgwTelemetry></item>"
			continue
		}
		body += "<item><vpnConnectionId>" + id + "</vpnConnectionId><state>available</state><vgwTelemetry>" +
			"<item><outsideIpAddress>198.51.100.2</outsideIpAddress><status>DOWN</status><statusMessage>IPSEC IS DOWN</statusMessage><acceptedRouteCount>0</acceptedRouteCount><lastStatusChange>2026-01-02T03:00:00Z</lastStatusChange></item>" +
			"<item><outsideIpAddress>198.51.100.1</outsideIpAddress><status>UP</status><statusMessage></statusMessage><acceptedRouteCount>7</acceptedRouteCount></item>" +
			"</vgwTelemetry></item>"
	}
	return 200, "<DescribeVpnConnectionsResponse><vpnConnectionSet>" + body + "</vpnConnectionSet></DescribeVpnConnectionsResponse>", nil
}

func factLines(facts []health.Fact) []string {
	var out []string
	for _, f := range facts {
		out = append(out, fmt.Sprintf("%s %s %s %s %d %s", f.Subject.ID, f.Kind, f.Part, f.Value, f.AcceptedRoutes, f.Problem))
	}
	return out
}

func TestEvidenceFacts(t *testing.T) {
	doer := &canned{answer: vpnNetwork}
	c := client(doer)
	facts := c.Evidence().Read(t.Context(), []health.Subject{vpn("vpn-2"), vpn("vpn-1"), vpn("vpn-2")})
	cannedtest.Expect(t, factLines(facts), []string{
		"vpn-2 connection-state  available 0 ", "vpn-2 tunnel-status 198.51.100.1 UP 7 ", "vpn-2 tunnel-status 198.51.100.2 DOWN 0 ",
		"vpn-1 connection-state  available 0 ", "vpn-1 tunnel-status 198.51.100.1 UP 7 ", "vpn-1 tunnel-status 198.51.100.2 DOWN 0 ",
	})
	for _, f := range facts {
		if f.Source != health.SourceDescribeVPNConnections || !f.ObservedAt.Equal(c.clock.Now()) {
			t.Errorf("fact %+v has the wrong source or time", f)
		}
	}
	down := facts[2]
	if down.Note != "IPSEC IS DOWN" || !down.ChangedAt.Equal(time.Date(2026, 1, 2, 3, 0, 0, 0, time.UTC)) || !facts[1].ChangedAt.IsZero() {
		t.Errorf("the tunnels are %+v and %+v", facts[1], down)
	}
	if calls := doer.actions(); !slices.Equal(calls, []string{"DescribeVpnConnections"}) {
		t.Errorf("calls were %v", calls)
	}
}

func TestEvidenceUnreadable(t *testing.T) {
	doer := &canned{answer: vpnNetwork}
	stranger := vpn("vpn-3")
	stranger.Account = "999999999999"
	alarm := health.Subject{Kind: health.SubjectAlarm, ID: "alarm-1", Account: account, Region: region}
	facts := client(doer).Evidence().Read(t.Context(), []health.Subject{alarm, stranger, vpn("vpn-silent"), vpn("vpn-odd")})
	cannedtest.Expect(t, factLines(facts), []string{
		"alarm-1 unreadable   0 malformed", "vpn-3 unreadable   0 denied", "vpn-silent unreadable   0 gone", "vpn-odd unreadable   0 malformed",
	})
	if none := client(doer).Evidence().Read(t.Context(), nil); len(none) != 0 {
		t.Errorf("asked for nothing, got %v", none)
	}
}

func TestEvidenceMissingConnectionDoesNotBlindTheOthers(t *testing.T) {
	doer := &canned{answer: vpnNetwork}
	facts := client(doer).Evidence().Read(t.Context(), []health.Subject{vpn("vpn-1"), vpn("vpn-missing"), vpn("vpn-2")})
	if len(facts) != 7 || facts[3].Kind != health.FactUnreadable || facts[3].Problem != route.ProblemGone {
		t.Errorf("facts are %v", factLines(facts))
	}
	if calls := doer.actions(); len(calls) != 4 {
		t.Errorf("%d calls, want one for all and one for each", len(calls))
	}
}

func TestEvidenceFailedCallIsUnreadableForEverySubject(t *testing.T) {
	doer := answers(503, fault("RequestLimitExceeded"))
	facts := client(doer).Evidence().Read(t.Context(), []health.Subject{vpn("vpn-2"), vpn("vpn-1")})
	cannedtest.Expect(t, factLines(facts), []string{"vpn-2 unreadable   0 throttled", "vpn-1 unreadable   0 throttled"})
	if len(doer.calls) != 1 {
		t.Errorf("%d calls, want one", len(doer.calls))
	}
}
