package lab

import (
	"net/netip"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"detour/shared/sim"
)

// inIPv6 turns the private blocks and the addresses in them into IPv6, a bit for a bit:
// 10.50.1.0/24 into 2001:db8:a32:100::/56, and 0.0.0.0/0 into what all is. What tunnels
// and sessions run between stays IPv4, as in AWS: a Connect peer's inside addresses
// (IPv6 goes over the same sessions, by MP-BGP), and the outside addresses.
func inIPv6(text, all string) string {
	var out strings.Builder
	for line := range strings.Lines(text) {
		if !strings.Contains(line, "peerAddress") && !strings.Contains(line, "insideCidr") {
			line = dotted.ReplaceAllStringFunc(line, func(old string) string { return oneInIPv6(old, all) })
		}
		out.WriteString(line)
	}
	return out.String()
}

var dotted = regexp.MustCompile(`\d+\.\d+\.\d+\.\d+(/\d+)?`)

func oneInIPv6(old, all string) string {
	if old == "0.0.0.0/0" {
		return `"` + all + `"`
	}
	address, _, block := strings.Cut(old, "/")
	addr, err := netip.ParseAddr(address)
	if err != nil || !addr.IsPrivate() {
		return old
	}
	four, six := addr.As4(), netip.MustParseAddr("2001:db8::").As16()
	copy(six[4:], four[:])
	if !block {
		return `"` + netip.AddrFrom16(six).String() + `"`
	}
	return `"` + netip.PrefixFrom(netip.AddrFrom16(six), 32+netip.MustParsePrefix(old).Bits()).String() + `"`
}

// TestIPv6LeaksAreTakenOut: each action, on a table that no BGP attachment is associated
// with, and each way to write a default route of IPv6.
func TestIPv6LeaksAreTakenOut(t *testing.T) {
	for _, test := range []struct{ action, more, static string }{
		{"blackhole", "", "blackhole"},
		{"pin", `, "egress": {"tgw-rtb-0a": "tgw-attach-0c"}`, "tgw-attach-0c"},
		{"quarantine", `, "attachments": ["tgw-attach-01", "tgw-attach-02"]`, ""},
	} {
		for _, denied := range []string{"::/0", "2000::/3", "8000::/1"} {
			want := []string{denied + " " + test.static}
			if test.static == "" {
				want = []string{"10.1.0.0/16 tgw-attach-01", "10.11.0.0/16 tgw-attach-01", "2001:db8:1::/48 tgw-attach-01"}
			}
			r, err := NewRig(Options{Seed: 1, Topology: twoSites(), Config: filterOf(t, test.action, test.more), NoSweep: true})
			if err != nil {
				t.Fatal(err)
			}
			defer r.Close()
			if err := r.World.Announce("paris", sim.AnnouncementSpec{Prefix: "2001:db8:1::/48"}); err != nil {
				t.Fatal(err)
			}
			if err := r.RunUntil(Start().Add(time.Minute)); err != nil {
				t.Fatal(err)
			}
			if err := r.World.Announce("paris", sim.AnnouncementSpec{Prefix: denied}); err != nil {
				t.Fatal(err)
			}
			if err := r.RunUntil(Start().Add(time.Minute + 10*time.Second)); err != nil {
				t.Fatal(err)
			}
			if got := inTable(r.World, "tgw-rtb-0a"); !slices.Equal(got, want) {
				t.Errorf("%s of %s: there stand %v, want %v", test.action, denied, got, want)
			}
		}
	}
}

// TestIPv6PassesWhatIPv4Passes plays the scenarios of learned routes and of filters with
// IPv6 in the place of IPv4, with their own expectations. A default route of IPv6 takes
// no tunnel down, since their ends have IPv4 addresses: what else it takes over is what
// the twins of story E are about.
func TestIPv6PassesWhatIPv4Passes(t *testing.T) {
	tunnelsStay := regexp.MustCompile(`(?m)^ +- \{at: 3m[^,]+, from: luc, to: app, reachable: false\}\n`)
	const (
		permitted      = "rules: [permit 10.50.0.0/16 ge 24 le 24, deny 0.0.0.0/0 le 32]"
		permittedInSix = `rules: ["permit 2001:db8:a32::/48 ge 56 le 56", "deny ::/0 le 128"]`
	)
	for _, test := range []struct {
		name, all string
		without   *regexp.Regexp // expectations that are about tunnels which die
	}{
		{"connect-as-path", "::/0", nil},
		{"connect-sessions-die", "::/0", nil},
		{"connect-to-static-vpn-and-back", "::/0", nil},
		{"unproven-route-does-not-come", "::/0", nil},
		{"way-back-not-propagated", "::/0", nil},
		{"leaked-default-blackholed", "::/0", tunnelsStay},
		{"leaked-default-blackholed", "2000::/3", tunnelsStay},
		{"leaked-prefixes-quarantined", "::/0", nil},
		{"direct-connect-line-dies", "::/0", nil},
		{"two-gateways", "::/0", nil},
		{"prefix-list-routes", "::/0", nil},
	} {
		t.Run(test.name+" "+test.all, func(t *testing.T) {
			text, err := scenarioFiles.ReadFile("scenarios/" + test.name + ".yaml")
			if err != nil {
				t.Fatal(err)
			}
			if test.without != nil {
				if !test.without.Match(text) {
					t.Fatalf("the scenario has no line like %s", test.without)
				}
				text = test.without.ReplaceAll(text, nil)
			}
			twin := inIPv6(strings.ReplaceAll(string(text), permitted, permittedInSix), test.all)
			if !strings.Contains(twin, "2001:db8:") {
				t.Fatal("there is no IPv6 in the twin")
			}
			s, err := Parse([]byte(twin), test.name+".yaml")
			if err != nil {
				t.Fatal(err)
			}
			res, err := Play(t.Context(), s, PlayOptions{})
			if err != nil {
				t.Fatal(err)
			}
			if !res.Passed() {
				t.Errorf("the twin does not pass:\n%s", Text(res, TextOptions{}))
			}
		})
	}
}
