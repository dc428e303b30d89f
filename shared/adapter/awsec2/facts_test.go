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

// kindOfSubject is what the tests know of a kind of subject: its call, the
// parameter of its ids, the start of its error codes, and an answer's item.
type kindOfSubject struct {
	kind                  health.SubjectKind
	action, param, code   string
	set, idElement, extra string
	source                health.Source
	want                  []string
}

func kindsOfSubject() []kindOfSubject {
	return []kindOfSubject{
		{
			health.SubjectVPN, "DescribeVpnConnections", "VpnConnectionId", "InvalidVpnConnectionID",
			"vpnConnectionSet", "vpnConnectionId", "<state>available</state>", health.SourceDescribeVPNConnections,
			[]string{"connection-state  available"},
		},
		{
			health.SubjectAttachment, "DescribeTransitGatewayAttachments", "TransitGatewayAttachmentIds", "InvalidTransitGatewayAttachmentID",
			"transitGatewayAttachments", "transitGatewayAttachmentId", "<state>modifying</state>", health.SourceDescribeAttachments,
			[]string{"attachment-state  modifying"},
		},
		{
			health.SubjectConnectPeer, "DescribeTransitGatewayConnectPeers", "TransitGatewayConnectPeerIds", "InvalidTransitGatewayConnectPeerID",
			"transitGatewayConnectPeerSet", "transitGatewayConnectPeerId",
			"<state>available</state><connectPeerConfiguration><transitGatewayAddress>10.0.0.234</transitGatewayAddress><bgpConfigurations>" +
				"<item><transitGatewayAddress>169.254.6.3</transitGatewayAddress><peerAddress>169.254.6.1</peerAddress><bgpStatus>up</bgpStatus></item>" +
				"<item><transitGatewayAddress>169.254.6.2</transitGatewayAddress><peerAddress>169.254.6.1</peerAddress><bgpStatus>down</bgpStatus><transitGatewayAsn>64512</transitGatewayAsn><peerAsn>4200000000</peerAsn></item>" +
				"</bgpConfigurations></connectPeerConfiguration>", health.SourceDescribeConnectPeers,
			[]string{"peer-asn 169.254.6.2 4200000000", "peer-state  available", "session-status 169.254.6.2 down", "session-status 169.254.6.3 up", "transit-gateway-asn 169.254.6.2 64512"},
		},
		{
			health.SubjectInterface, "DescribeNetworkInterfaces", "NetworkInterfaceId", "InvalidNetworkInterfaceID",
			"networkInterfaceSet", "networkInterfaceId",
			"<status>in-use</status><sourceDestCheck>false</sourceDestCheck><attachment><instanceId>i-1</instanceId><status>attached</status></attachment>",
			health.SourceDescribeInterfaces,
			[]string{"interface-instance  i-1", "interface-status  in-use", "source-dest-check  false"},
		},
		{
			health.SubjectInstance, "DescribeInstanceStatus", "InstanceId", "InvalidInstanceID",
			"instanceStatusSet", "instanceId",
			"<instanceState><code>16</code><name>running</name></instanceState>" +
				"<instanceStatus><status>impaired</status><details><item><name>reachability</name><status>failed</status><impairedSince>2026-01-02T03:00:00Z</impairedSince></item>" +
				"<item><name>reachability</name><status>failed</status><impairedSince>2026-01-02T03:01:00Z</impairedSince></item></details></instanceStatus>" +
				"<systemStatus><status>ok</status><details><item><name>reachability</name><status>passed</status></item></details></systemStatus>" +
				"<attachedEbsStatus><status>impaired</status></attachedEbsStatus>", health.SourceDescribeInstanceStatus,
			[]string{"instance-state  running", "instance-status  impaired", "system-status  ok"},
		},
	}
}

func (k kindOfSubject) subject(id string) health.Subject {
	return health.Subject{Kind: k.kind, ID: id, Account: account, Region: region}
}

func (k kindOfSubject) item(id string) string {
	return "<item><" + k.idElement + ">" + id + "</" + k.idElement + ">" + k.extra + "</item>"
}

func (k kindOfSubject) body(next string, items ...string) string {
	return "<Response><" + k.set + ">" + strings.Join(items, "") + "</" + k.set + ">" + nextToken(next) + "</Response>"
}

// network answers the kind's call. It refuses a call for an id with "missing" in
// it, and leaves out those with "silent".
func (k kindOfSubject) network(_ context.Context, params url.Values) (int, string, error) {
	var items []string
	for _, id := range list(params, k.param) {
		switch {
		case strings.Contains(id, "missing"):
			return 400, fault(k.code + ".NotFound"), nil
		case !strings.Contains(id, "silent"):
			items = append(items, k.item(id))
		}
	}
	return 200, k.body("", items...), nil
}

func (k kindOfSubject) lines(id string) []string {
	var out []string
	for _, line := range k.want {
		out = append(out, id+" "+line)
	}
	return out
}

func shortLines(facts []health.Fact) []string {
	var out []string
	for _, f := range facts {
		out = append(out, fmt.Sprintf("%s %s %s %s%s", f.Subject.ID, f.Kind, f.Part, f.Value, f.Problem))
	}
	return out
}

func TestEvidenceOfEveryKind(t *testing.T) {
	for _, k := range kindsOfSubject() {
		t.Run(string(k.kind), func(t *testing.T) {
			doer := &canned{answer: k.network}
			c := client(doer)
			facts := c.Evidence().Read(t.Context(), []health.Subject{k.subject("x-2"), k.subject("x-silent"), k.subject("x-1"), k.subject("x-2")})
			cannedtest.Expect(t, shortLines(facts), slices.Concat(k.lines("x-2"), []string{"x-silent unreadable  gone"}, k.lines("x-1")))
			for _, f := range facts {
				if f.Source != k.source || !f.ObservedAt.Equal(c.clock.Now()) || f.Subject.Kind != k.kind {
					t.Errorf("the fact is %+v", f)
				}
			}
			cannedtest.Expect(t, doer.actions(), []string{k.action})
			if sent := doer.calls[0]; sent.Has("MaxResults") || (k.kind == health.SubjectInstance && sent.Get("IncludeAllInstances") != "true") {
				t.Errorf("sent %v", sent)
			}
		})
	}
	if kinds := EvidenceKinds(); len(kinds) != len(kindsOfSubject()) {
		t.Errorf("the kinds are %v", kinds)
	}
}

func TestEvidenceOneBadIDSpoilsNothing(t *testing.T) {
	for _, k := range kindsOfSubject() {
		doer := &canned{answer: k.network}
		facts := client(doer).Evidence().Read(t.Context(), []health.Subject{k.subject("x-1"), k.subject("x-missing"), k.subject("x-2")})
		cannedtest.Expect(t, shortLines(facts), slices.Concat(k.lines("x-1"), []string{"x-missing unreadable  gone"}, k.lines("x-2")))
		if calls := doer.actions(); len(calls) != 4 {
			t.Errorf("%s: %d calls, want one for all and one for each", k.kind, len(calls))
		}
	}
}

func TestEvidencePages(t *testing.T) {
	for _, k := range kindsOfSubject() {
		if k.kind == health.SubjectVPN {
			continue // DescribeVpnConnections has no pages.
		}
		for _, test := range []struct {
			name  string
			pages map[string]string
			want  []string
		}{
			{"all pages", map[string]string{"": k.body("p2", k.item("x-1")), "p2": k.body("p3"), "p3": k.body("", k.item("x-2"))}, slices.Concat(k.lines("x-1"), k.lines("x-2"))},
			{"a page that fails", map[string]string{"": k.body("p2", k.item("x-1")), "p2": "throttle"}, append(k.lines("x-1"), "x-2 unreadable  throttled")},
			{"a page that names itself", map[string]string{"": k.body("p2", k.item("x-2")), "p2": k.body("p2")}, append([]string{"x-1 unreadable  malformed"}, k.lines("x-2")...)},
			{"pages in a circle", map[string]string{"": k.body("p2", k.item("x-2")), "p2": k.body("p3"), "p3": k.body("p2")}, append([]string{"x-1 unreadable  malformed"}, k.lines("x-2")...)},
			{"the same on two pages", map[string]string{"": k.body("p2", k.item("x-1"), k.item("x-2")), "p2": k.body("", k.item("x-1"))}, slices.Concat(k.lines("x-1"), k.lines("x-2"))},
			{"what nobody asked for", map[string]string{"": k.body("", k.item("x-0"), k.item("x-1"), k.item("x-2"), k.item("x-3"))}, slices.Concat(k.lines("x-1"), k.lines("x-2"))},
			{"no XML", map[string]string{"": "<html"}, []string{"x-1 unreadable  malformed", "x-2 unreadable  malformed"}},
		} {
			t.Run(string(k.kind)+": "+test.name, func(t *testing.T) {
				doer := &canned{answer: func(_ context.Context, params url.Values) (int, string, error) {
					if got := list(params, k.param); len(got) != 2 {
						t.Errorf("a page is asked for %v", got)
					}
					body := test.pages[params.Get("NextToken")]
					if body == "throttle" {
						return 503, fault("RequestLimitExceeded"), nil
					}
					return 200, body, nil
				}}
				facts := client(doer).Evidence().Read(t.Context(), []health.Subject{k.subject("x-1"), k.subject("x-2")})
				cannedtest.Expect(t, shortLines(facts), test.want)
			})
		}
	}
}

// TestEvidenceGroupsCalls: one call for each hundred of a kind, account and
// Region, however they are mixed.
func TestEvidenceGroupsCalls(t *testing.T) {
	kinds := kindsOfSubject()
	doer := &canned{answer: func(ctx context.Context, params url.Values) (int, string, error) {
		for _, k := range kinds {
			if k.action == params.Get("Action") {
				return k.network(ctx, params)
			}
		}
		t.Errorf("called %s", params.Get("Action"))
		return 400, fault("InvalidAction"), nil
	}}
	var subjects []health.Subject
	for n := range 250 {
		for _, k := range kinds {
			subjects = append(subjects, k.subject(fmt.Sprintf("x-%03d", n)))
		}
	}
	for _, k := range kinds {
		far, other, stranger := k.subject("x-000"), k.subject("x-000"), k.subject("x-000")
		far.Region, other.Account, stranger.Account = "us-east-1", "444455556666", "999999999999"
		subjects = append(subjects, far, other, stranger)
	}
	facts := client(doer).Evidence().Read(t.Context(), subjects)
	var order []health.Subject
	for _, f := range facts {
		if len(order) == 0 || order[len(order)-1] != f.Subject {
			order = append(order, f.Subject)
		}
		if want := f.Subject.Account == "999999999999"; want != (f.Problem == route.ProblemDenied) || want != (f.Kind == health.FactUnreadable) {
			t.Errorf("the fact is %+v", f)
		}
	}
	if !slices.Equal(order, subjects) {
		t.Error("the facts do not stand in the order asked")
	}
	sizes := map[string][]int{}
	for _, params := range doer.calls {
		for _, k := range kinds {
			if k.action == params.Get("Action") {
				sizes[k.action] = append(sizes[k.action], len(list(params, k.param)))
			}
		}
	}
	for _, k := range kinds {
		if slices.Sort(sizes[k.action]); !slices.Equal(sizes[k.action], []int{1, 1, 50, 100, 100}) {
			t.Errorf("%s was called with %v ids", k.action, sizes[k.action])
		}
	}
}

func TestFactsInDetail(t *testing.T) {
	byKind := map[health.SubjectKind]kindOfSubject{}
	for _, k := range kindsOfSubject() {
		byKind[k.kind] = k
	}
	for _, test := range []struct {
		name  string
		kind  health.SubjectKind
		extra string
		want  []string
	}{
		{"an interface without an attachment", health.SubjectInterface, "<status>available</status><sourceDestCheck>true</sourceDestCheck>", []string{
			"x-1 interface-instance  ", "x-1 interface-status  available", "x-1 source-dest-check  true",
		}},
		{"an interface of a service", health.SubjectInterface, "<status>in-use</status><sourceDestCheck>false</sourceDestCheck><attachment><instanceOwnerId>amazon-aws</instanceOwnerId></attachment>", []string{
			"x-1 interface-instance  ", "x-1 interface-status  in-use", "x-1 source-dest-check  false",
		}},
		{"an interface without its check", health.SubjectInterface, "<status>in-use</status>", []string{"x-1 unreadable  malformed"}},
		{"a peer without sessions", health.SubjectConnectPeer, "<state>pending</state>", []string{"x-1 peer-state  pending"}},
		{"a session without an address", health.SubjectConnectPeer, "<state>available</state><connectPeerConfiguration><bgpConfigurations><item><bgpStatus>up</bgpStatus></item></bgpConfigurations></connectPeerConfiguration>", []string{"x-1 unreadable  malformed"}},
		{"a stopped instance", health.SubjectInstance, "<instanceState><name>stopped</name></instanceState><instanceStatus><status>not-applicable</status></instanceStatus><systemStatus><status>not-applicable</status></systemStatus>", []string{
			"x-1 instance-state  stopped", "x-1 instance-status  not-applicable", "x-1 system-status  not-applicable",
		}},
		{"an instance without its checks", health.SubjectInstance, "<instanceState><name>running</name></instanceState>", []string{"x-1 unreadable  malformed"}},
		{"an attachment that goes", health.SubjectAttachment, "<state>deleting</state>", []string{"x-1 attachment-state  deleting"}},
	} {
		t.Run(test.name, func(t *testing.T) {
			k := byKind[test.kind]
			k.extra = test.extra
			facts := client(&canned{answer: k.network}).Evidence().Read(t.Context(), []health.Subject{k.subject("x-1")})
			cannedtest.Expect(t, shortLines(facts), test.want)
		})
	}
	k := byKind[health.SubjectInstance]
	k.extra += "<eventsSet><item><code>instance-retirement</code><description>The instance is running on degraded hardware</description></item></eventsSet>"
	facts := client(&canned{answer: k.network}).Evidence().Read(t.Context(), []health.Subject{k.subject("x-1")})
	if want := "attached EBS volumes: impaired; scheduled: instance-retirement The instance is running on degraded hardware"; facts[0].Note != want {
		t.Errorf("the note is %q, want %q", facts[0].Note, want)
	}
	if since := time.Date(2026, 1, 2, 3, 0, 0, 0, time.UTC); !facts[1].ChangedAt.Equal(since) || !facts[2].ChangedAt.IsZero() {
		t.Errorf("the checks changed at %s and %s", facts[1].ChangedAt, facts[2].ChangedAt)
	}
}

// TestEvidenceShownTwice: an answer that contradicts itself proves nothing.
func TestEvidenceShownTwice(t *testing.T) {
	for _, k := range kindsOfSubject() {
		other := k
		other.extra = strings.NewReplacer("available", "pending", "modifying", "deleting", "false", "true", "running", "stopping").Replace(k.extra)
		facts := client(answers(200, k.body("", k.item("x-1"), other.item("x-1")))).Evidence().Read(t.Context(), []health.Subject{k.subject("x-1")})
		cannedtest.Expect(t, shortLines(facts), []string{"x-1 unreadable  malformed"})
	}
}

// TestEvidenceKeepsSecrets: the answer about a VPN connection holds its
// pre-shared keys, and nothing of it reaches a fact.
func TestEvidenceKeepsSecrets(t *testing.T) {
	k := kindsOfSubject()[0]
	k.extra = "<customerGatewayConfiguration>&lt;pre_shared_key&gt;planted-key&lt;/pre_shared_key&gt;</customerGatewayConfiguration><state>available</state>"
	whole := k.body("", k.item("x-1"))
	for _, body := range []string{whole, whole + "<", whole[:strings.Index(whole, "planted-key")+len("planted-key")], strings.Replace(whole, "planted-key", "planted-key&bad;", 1)} {
		for _, f := range client(answers(200, body)).Evidence().Read(t.Context(), []health.Subject{k.subject("x-1")}) {
			if strings.Contains(fmt.Sprintf("%+v", f), "planted-key") {
				t.Errorf("the fact is %+v", f)
			}
		}
	}
}
