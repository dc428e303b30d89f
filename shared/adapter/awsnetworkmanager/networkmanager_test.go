package awsnetworkmanager

import (
	"errors"
	"io"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"detour/shared/adapter/cannedtest"
	"detour/shared/adapter/systemclock"
	"detour/shared/doctor"
	"detour/shared/route"
	"detour/shared/sim"
	"detour/shared/sim/networkmanagerapi"
)

const network = "global-network-1234567890abcdef0"

// still is a Timekeeper whose time does not pass.
type still struct{}

func (still) Now() time.Time               { return time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC) }
func (still) At(time.Time, string, func()) {}

// reader returns a client of account 111122223333.
func reader(t *testing.T, doer interface {
	Do(r *http.Request) (*http.Response, error)
}, timeout time.Duration,
) *Client {
	t.Helper()
	config, err := cannedtest.Configs(doer)("111122223333", doctor.NetworkManagerRegion("eu-central-1"))
	if err != nil {
		t.Fatal(err)
	}
	return New(config, systemclock.New(), timeout)
}

// TestTheWorld asks the simulated network over the real SDK, page by page.
func TestTheWorld(t *testing.T) {
	t.Parallel()
	w, err := sim.NewWorld(still{}, sim.Topology{Account: "111122223333", Region: "eu-central-1", TransitGateways: []sim.TransitGatewaySpec{
		{ID: "tgw-0a"}, {ID: "tgw-0b", Unregistered: true}, {ID: "tgw-0c", Account: "444455556666", Region: "us-east-1"},
	}}, sim.Options{})
	if err != nil {
		t.Fatal(err)
	}
	face := networkmanagerapi.New(w)
	face.LimitPages(1)
	client := reader(t, face, time.Minute)
	networks, err := client.GlobalNetworks(t.Context())
	if err != nil || !slices.Equal(networks, []string{network}) {
		t.Fatalf("got %v, %v", networks, err)
	}
	got, err := client.Registrations(t.Context(), networks[0])
	want := []doctor.Registration{
		{GlobalNetwork: network, TransitGateway: "tgw-0a", Account: "111122223333", Region: "eu-central-1", State: doctor.RegistrationAvailable},
		{GlobalNetwork: network, TransitGateway: "tgw-0c", Account: "444455556666", Region: "us-east-1", State: doctor.RegistrationAvailable},
	}
	if err != nil || !slices.Equal(got, want) {
		t.Errorf("got %v, %v", got, err)
	}
	if calls := len(w.Calls()); calls != 3 {
		t.Errorf("made %d calls, want one for each page", calls)
	}
	_, err = client.Registrations(t.Context(), "global-network-0")
	wantProblem(t, err, route.ProblemGone)
}

func wantProblem(t *testing.T, err error, want route.Problem) {
	t.Helper()
	var failed *doctor.ReadError
	if !errors.As(err, &failed) || failed.Problem != want || strings.Contains(err.Error(), "planted-secret") {
		t.Errorf("got %v, want %s", err, want)
	}
}

// canned answers every call alike.
type canned struct {
	status     int
	code, body string
	calls      int
}

func (c *canned) Do(r *http.Request) (*http.Response, error) {
	c.calls++
	out := &http.Response{StatusCode: c.status, Header: http.Header{"Content-Type": {"application/json"}}, Body: io.NopCloser(strings.NewReader(c.body)), Request: r}
	if c.code != "" {
		out.Header.Set("X-Amzn-Errortype", c.code)
	}
	if c.status == 0 {
		<-r.Context().Done()
		return nil, errors.New("connection closed")
	}
	return out, nil
}

// TestProblems: each failure is named, after one call.
func TestProblems(t *testing.T) {
	t.Parallel()
	for want, cases := range map[route.Problem][]canned{
		route.ProblemDenied:    {{status: 403, code: "AccessDeniedException"}, {status: 403, code: "UnrecognizedClientException"}},
		route.ProblemThrottled: {{status: 429, code: "ThrottlingException"}},
		route.ProblemGone:      {{status: 404, code: "ResourceNotFoundException"}},
		route.ProblemTimeout:   {{status: 500, code: "InternalServerException"}, {status: 503, body: "no JSON"}, {status: 0}},
		route.ProblemMalformed: {{status: 200, body: "no JSON"}, {status: 400, code: "ValidationException"}},
	} {
		for _, c := range cases {
			timeout := time.Minute
			if c.status == 0 {
				timeout = 10 * time.Millisecond
			}
			client := reader(t, &c, timeout)
			_, err := client.GlobalNetworks(t.Context())
			wantProblem(t, err, want)
			_, err = client.Registrations(t.Context(), network)
			wantProblem(t, err, want)
			if c.calls != 2 {
				t.Errorf("%s: %d calls, want 2: nothing is tried again", want, c.calls)
			}
		}
	}
}

// TestPagesWithoutEnd: pages that go round in a circle are read once.
func TestPagesWithoutEnd(t *testing.T) {
	t.Parallel()
	c := &canned{status: 200, body: `{"GlobalNetworks":[],"TransitGatewayRegistrations":[],"NextToken":"again"}`}
	client := reader(t, c, time.Minute)
	_, err := client.GlobalNetworks(t.Context())
	wantProblem(t, err, route.ProblemMalformed)
	_, err = client.Registrations(t.Context(), network)
	wantProblem(t, err, route.ProblemMalformed)
	if c.calls != 4 {
		t.Errorf("%d calls, want 4", c.calls)
	}
}

// TestOddRegistrations: what names no transit gateway matches none.
func TestOddRegistrations(t *testing.T) {
	t.Parallel()
	c := &canned{status: 200, body: `{"TransitGatewayRegistrations":[{"TransitGatewayArn":"tgw-0a"},{"State":{"Code":"PENDING"}}]}`}
	got, err := reader(t, c, time.Minute).Registrations(t.Context(), network)
	if want := []doctor.Registration{{GlobalNetwork: network}, {GlobalNetwork: network, State: "PENDING"}}; err != nil || !slices.Equal(got, want) {
		t.Errorf("got %v, %v", got, err)
	}
}
