package operator_test

import (
	"context"
	"encoding/json"
	"errors"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"

	"detour/shared/doctor"
	"detour/shared/operator"
	"detour/shared/plan"
	"detour/shared/protection"
	"detour/shared/route"
)

// inventory lists what the groups of a world need, and counts how often each site is
// asked for.
type inventory struct {
	w      *world
	asked  map[operator.Site]int
	unread []doctor.Unread
}

func (f *inventory) Read(_ context.Context, account, region string) doctor.Network {
	f.w.mu.Lock()
	defer f.w.mu.Unlock()
	f.asked[operator.Site{Account: account, Region: region}]++
	out := doctor.Network{Account: account, Region: region, ReadAt: f.w.clock.Now(), Gateways: []doctor.Gateway{{ID: "tgw-1", ASN: 64512}}, Unread: f.unread}
	for _, g := range f.w.groups {
		out.GatewayTables = append(out.GatewayTables, doctor.GatewayTable{Table: g.Units[0].Entries[0].Table, TransitGateway: "tgw-1"})
		for _, path := range []string{"A", "B", "C"} {
			id := subject(g.Name, path).ID
			vpn := doctor.VPN{ID: id, TransitGateway: "tgw-1", Static: true}
			for _, outside := range []string{"192.0.2.1", "192.0.2.2"} {
				tunnel := doctor.Tunnel{Outside: netip.MustParseAddr(outside), Up: !f.w.down[id], ChangedAt: f.w.clock.Now().Add(-3 * time.Minute)}
				if f.w.down[id] {
					tunnel.Note = "IPSEC IS DOWN\x1b[2J"
				}
				vpn.Tunnels = append(vpn.Tunnels, tunnel)
			}
			out.VPNs = append(out.VPNs, vpn)
			out.Attachments = append(out.Attachments, doctor.Attachment{ID: hop(g.Name, path).ID, TransitGateway: "tgw-1", Type: "vpn", Resource: id, Owner: account, State: "available"})
		}
	}
	return out
}

// manager is a Network Manager with two global networks.
type manager struct {
	gateways []string
	fail     error
}

func (f manager) GlobalNetworks(context.Context) ([]string, error) {
	return []string{"global-network-2", "global-network-1"}, nil
}

func (f manager) Registrations(_ context.Context, network string) ([]doctor.Registration, error) {
	var out []doctor.Registration
	for _, id := range f.gateways {
		if network == "global-network-2" {
			out = append(out, doctor.Registration{GlobalNetwork: network, TransitGateway: id, Account: account, Region: region, State: doctor.RegistrationAvailable})
		}
	}
	return out, f.fail
}

// practice is the home of a world as the doctor sees it.
func practice(w *world) (operator.DoctorOptions, *inventory) {
	for _, g := range w.groups {
		w.around.Tables = append(w.around.Tables, plan.TableSurroundings{Table: g.Units[0].Entries[0].Table, TransitGateway: "tgw-1", Complete: true})
	}
	w.around.Gateways = []plan.GatewayUse{{ID: "tgw-1", Account: account, Region: region, Routes: 3, Complete: true}}
	list := &inventory{w: w, asked: map[operator.Site]int{}}
	return operator.DoctorOptions{
		Clock: w.clock, Quotas: plan.Quotas{VPCRoutes: 500, TransitGatewayRoutes: 10_000}, EventsFrom: account, Registrations: manager{gateways: []string{"tgw-1"}},
		Practices: []operator.Practice{{
			Groups: w.groups, Sites: operator.SitesOf(w.groups, nil), Inventory: list, Tables: (*tables)(w), Lists: (*lists)(w), Evidence: (*evidence)(w),
			Around: (*surroundings)(w), Records: &records{Store: w.store, w: w},
		}},
	}, list
}

func TestDoctorFindsNothing(t *testing.T) {
	w := newWorld(t, group("paris", 2)).adopted()
	options, list := practice(w)
	options.Practices = append(options.Practices, options.Practices[0]) // Another home that reaches into the same site.
	options.Practices[1].Groups = nil
	got := operator.Examine(t.Context(), options)
	if len(got.Findings) > 0 || got.Worst() != doctor.Info || len(got.Looked) != len(doctor.IDs())-1 || len(w.writes) > 0 {
		t.Errorf("got %+v", got)
	}
	site := operator.Site{Account: account, Region: region}
	if !slices.Equal(got.Sites, []operator.Site{site}) || list.asked[site] != 1 {
		t.Errorf("looked at %v, asked %v", got.Sites, list.asked)
	}
	golden(t, "doctor-healthy.txt", operator.DoctorText(got, operator.Style{Now: w.clock.Now()}))
}

func TestDoctorText(t *testing.T) {
	w := newWorld(t, group("paris", 2), group("tokyo", 1)).adopted()
	w.down["vpn-parisA"], w.down["vpn-parisB"] = true, true
	w.blind["tgw-rtb-tokyo"], w.blind["vpn-tokyoC"] = true, true
	w.tables[protection.EntryKey{Table: route.Table{Kind: route.TransitGatewayTable, ID: "tgw-rtb-paris", Account: account, Region: region}, Destination: route.MustDestination("192.0.2.0/30")}] = hop("paris", "C")
	options, _ := practice(w)
	w.around.Tables[0].Associated = []plan.Attachment{{ID: hop("paris", "A").ID, Type: "vpn", Resource: "vpn-parisA"}}
	options.Registrations = manager{}
	style := operator.Style{Now: w.clock.Now().Add(2 * time.Second)}
	got := operator.Examine(t.Context(), options)
	text := operator.DoctorText(got, style)
	golden(t, "doctor.txt", text)
	if strings.Contains(text, "\x1b") || got.Worst() != doctor.Critical {
		t.Error("what AWS says steers the terminal")
	}
	style.Colour = true
	golden(t, "doctor-colour.txt", operator.DoctorText(got, style))
	raw, err := json.MarshalIndent(got, "", "  ")
	if err != nil {
		t.Fatal(err)
	}
	golden(t, "doctor.json", string(raw)+"\n")
}

// TestDoctorWithoutAnswers: whatever does not answer is told, and is no reason to fail.
func TestDoctorWithoutAnswers(t *testing.T) {
	t.Parallel()
	denied := &doctor.ReadError{Problem: route.ProblemDenied, Err: errors.New("AccessDeniedException: no")}
	for _, c := range []struct {
		name   string
		change func(w *world, o *operator.DoctorOptions, l *inventory)
		blind  doctor.ID
		says   string
	}{
		{"Network Manager is denied", func(_ *world, o *operator.DoctorOptions, _ *inventory) { o.Registrations = manager{fail: denied} }, doctor.NotRegistered, "(denied)"},
		{"Network Manager does not answer", func(_ *world, o *operator.DoctorOptions, _ *inventory) {
			o.Registrations = manager{fail: errRefused}
		}, doctor.NotRegistered, "(timeout)"},
		{"Network Manager cannot be asked", func(_ *world, o *operator.DoctorOptions, _ *inventory) {
			o.Registrations, o.NoRegistrations = nil, "no role"
		}, doctor.NotRegistered, "(denied)"},
		{"the records are gone", func(w *world, _ *operator.DoctorOptions, _ *inventory) { w.fail["peek"] = 1 }, doctor.StandbyUnproven, "record of group paris"},
		{"a part is unread", func(_ *world, _ *operator.DoctorOptions, l *inventory) {
			l.unread = []doctor.Unread{{Part: doctor.PartPeers, Problem: route.ProblemThrottled}}
		}, doctor.ConnectNothingLearned, "Connect peers"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, group("paris", 1)).adopted()
			options, list := practice(w)
			c.change(w, &options, list)
			got := operator.Examine(t.Context(), options)
			if len(got.Findings) != 1 || got.Worst() != doctor.Unknown || !slices.Contains(got.Findings[0].Blind, c.blind) || !strings.Contains(got.Findings[0].What, c.says) {
				t.Errorf("got %+v", got.Findings)
			}
		})
	}
}

// TestDoctorBeforeDetour: without records, and with nobody listening, there is nothing
// to complain of.
func TestDoctorBeforeDetour(t *testing.T) {
	w := newWorld(t, group("paris", 1))
	options, _ := practice(w)
	options.Practices[0].Records, options.EventsFrom, options.Registrations = nil, "", nil
	if got := operator.Examine(t.Context(), options); len(got.Findings) > 0 {
		t.Errorf("got %+v", got.Findings)
	}
}
