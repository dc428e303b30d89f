package bgp

import (
	"bytes"
	"encoding/json"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"detour/shared/config"
	"detour/shared/lab"
	"detour/shared/lab/live"
	"detour/shared/sim"
)

// The tests of this file run whole stories: a network that is served, AWS's ends
// of its BGP sessions, and real BGP speakers as its routers. Time is real, and so
// are the TCP connections.

// story is a network that is served, with real sessions.
type story struct {
	t        testing.TB
	server   *live.Server
	sessions []Endpoint
	file     *lab.TopologyFile

	mu  sync.Mutex
	out bytes.Buffer
}

// Write takes the server's lines.
func (s *story) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.out.Write(p)
}

// told reports whether a line about a session ends in this.
func (s *story) told(at Endpoint, what string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	for text := range bytes.Lines(s.out.Bytes()) {
		var line struct {
			What string
			Data Endpoint
		}
		// The data of other lines is of other shapes.
		if json.Unmarshal(text, &line) == nil && line.Data == at && strings.HasSuffix(line.What, what) {
			return true
		}
	}
	return false
}

// begin serves a network with real sessions. Its AWS notices soon.
func begin(t testing.TB, file *lab.TopologyFile, opts live.Options) *story {
	t.Helper()
	const soon = config.Duration(50 * time.Millisecond)
	file.World.RecoverAfter, file.World.DetectAfter, file.World.EventDelay = soon, soon, soon
	s := &story{t: t, file: file}
	opts.File, opts.Listen, opts.Out, opts.JSON = file, "127.0.0.1:0", s, true
	var speakers []Speaker
	opts.Prepare = func(w *sim.World) (err error) {
		if speakers, err = Speakers(w, DefaultPort); err != nil {
			return err
		}
		var local []netip.Addr
		for _, speaker := range speakers {
			local = append(local, speaker.Local.Addr())
		}
		port := freePort(t, local...)
		for i := range speakers {
			speakers[i].Local = netip.AddrPortFrom(speakers[i].Local.Addr(), port)
		}
		return nil
	}
	var err error
	if s.server, err = live.Start(t.Context(), opts); err != nil {
		t.Fatal(err)
	}
	sessions, err := Serve(t.Context(), s.server, speakers, shortHold)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		sessions.Close()
		if err := s.server.Close(); err != nil {
			t.Error(err)
		}
		if t.Failed() {
			t.Log(s.out.String())
		}
	})
	s.sessions = sessions.Endpoints()
	return s
}

// example is the topology of docs/bgp.md.
func example(t testing.TB) *lab.TopologyFile {
	t.Helper()
	const name = "connect-appliance.topology.yaml"
	text, err := os.ReadFile("../../../docs/examples/bgp/" + name)
	if err != nil {
		t.Fatal(err)
	}
	file, err := lab.ParseTopology(text, name)
	if err != nil {
		t.Fatal(err)
	}
	return file
}

const (
	appliancePeer = "tgw-connect-peer-0b600000000000001"
	officeVPN     = "vpn-0b600000000000001"
	hubTable      = "tgw-rtb-0b600000000000001"
	toAppliance   = "tgw-attach-0b600000000000012"
	toOffice      = "tgw-attach-0b600000000000013"
	toCloud       = "10.128.0.0/10"
	everything    = "0.0.0.0/0"
)

// of are the sessions of a Connect peer or a VPN connection.
func (s *story) of(what string) []Endpoint {
	return slices.DeleteFunc(slices.Clone(s.sessions), func(e Endpoint) bool { return e.Of != what })
}

// target is where a route of a transit gateway's table points; empty: there is
// none.
func (s *story) target(table, prefix string) string {
	s.t.Helper()
	topo := s.file.Topology
	routes, refused := s.server.World().TransitGatewayRoutes(sim.Caller{Account: topo.Account, Region: topo.Region}, table)
	if refused != nil {
		s.t.Fatal(refused)
	}
	for _, r := range routes {
		switch {
		case r.Destination != netip.MustParsePrefix(prefix):
		case len(r.Attachments) == 0:
			return r.State
		default:
			return r.Attachments[0].ID
		}
	}
	return ""
}

func (s *story) reaches(from, to string) bool { return s.server.World().Reach(from, to).OK }

func (s *story) await(what string, holds func() bool, routers ...*router) {
	s.t.Helper()
	sources := []func() <-chan struct{}{s.server.Changed}
	for _, r := range routers {
		sources = append(sources, r.change.wait)
	}
	await(s.t, what, holds, sources...)
}

// TestTheApplianceWithoutAnASPath is story A: over iBGP, what the appliance
// originates itself is not installed, although both sessions are up; with an ASN in
// its path it is. It goes with the last session.
func TestTheApplianceWithoutAnASPath(t *testing.T) {
	t.Parallel()
	s := begin(t, example(t), live.Options{})
	ends := s.of(appliancePeer)
	if len(ends) != 2 || ends[0].ASN != ends[0].PeerASN {
		t.Fatalf("the appliance's sessions are %+v", ends)
	}
	appliance := startRouter(t, shortHold, ends...)

	appliance.announce(toCloud, "")
	for _, e := range ends {
		s.await("AWS hears the appliance", func() bool { return s.told(e, "hears 10.128.0.0/10 with an empty AS_PATH") })
	}
	if got := s.target(hubTable, toCloud); got != "" || !appliance.up() {
		t.Errorf("an empty AS_PATH over iBGP leads to %q, and the sessions are up: %t", got, appliance.up())
	}

	appliance.announce(toCloud, ends[0].PeerInside.String(), 100)
	s.await("the route stands in the table", func() bool { return s.target(hubTable, toCloud) == toAppliance })
	if !s.reaches("edge", "database") {
		t.Error("nobody reaches the other cloud")
	}
	for _, e := range ends {
		s.await("the appliance learns the VPC's network over each session", func() bool {
			r, known := appliance.learned(e)["172.30.0.0/16"]
			return known && len(r.Path) == 0 && r.MED != nil && *r.MED == 100
		}, appliance)
	}

	appliance.announce(toCloud, "192.0.2.1", 100)
	s.await("a next hop elsewhere is not taken", func() bool { return s.target(hubTable, toCloud) == "" })
	appliance.announce(toCloud, "", 100)
	s.await("the route is back", func() bool { return s.target(hubTable, toCloud) == toAppliance })

	appliance.shut(ends[0])
	s.await("the first session is down", func() bool { return !s.up(appliancePeer)[0] })
	if s.target(hubTable, toCloud) != toAppliance || !s.reaches("edge", "database") {
		t.Error("the first session took the route with it, although the second one is up")
	}
	appliance.shut(ends[1])
	s.await("the route is withdrawn", func() bool { return s.target(hubTable, toCloud) == "" })
	if s.reaches("edge", "database") {
		t.Error("traffic arrives without a session")
	}
}

// up is what DescribeTransitGatewayConnectPeers says of a peer's sessions.
func (s *story) up(peer string) (out []bool) {
	topo := s.file.Topology
	for _, view := range s.server.World().ConnectPeers(sim.Caller{Account: topo.Account, Region: topo.Region}) {
		if view.ID == peer {
			for _, session := range view.Sessions {
				out = append(out, session.Up)
			}
		}
	}
	return out
}

// TestADefaultRouteTravels is the transit gateway's half of story E: the default
// route of one site reaches the router of another through the table that both are
// associated with. A static blackhole in the table hides it from the other site.
func TestADefaultRouteTravels(t *testing.T) {
	t.Parallel()
	s := begin(t, example(t), live.Options{})
	ends := s.of(appliancePeer)
	appliance := startRouter(t, shortHold, ends...)
	lines := s.of(officeVPN)
	// Each tunnel has a session of its own, between other addresses.
	office := startRouter(t, shortHold, lines...)
	s.await("both routers are there", func() bool { return appliance.up() && office.up() }, appliance, office)

	office.announce("10.20.0.0/16", "")
	office.announce(everything, "")
	heard := func() bool {
		for _, e := range ends {
			if r, known := appliance.learned(e)[everything]; !known || !slices.Equal(r.Path, []uint32{65020}) {
				return false
			}
		}
		return true
	}
	s.await("the default route is in the table", func() bool { return s.target(hubTable, everything) == toOffice })
	s.await("the default route has reached the other site", heard, appliance)
	if _, back := office.learned(lines[0])[everything]; back {
		t.Error("the office hears its own default route")
	}

	world := s.server.World()
	if err := world.ForceRoute("operator", hubTable, everything, "blackhole"); err != nil {
		t.Fatal(err)
	}
	s.await("the other site has lost it", func() bool {
		for _, e := range ends {
			if _, known := appliance.learned(e)[everything]; known {
				return false
			}
		}
		return true
	}, appliance)
	if _, known := appliance.learned(ends[0])["10.20.0.0/16"]; !known || s.target(hubTable, everything) != "blackhole" {
		t.Errorf("the blackhole took more with it than the default route, or is not there: %v", appliance.learned(ends[0]))
	}

	if err := world.ForceRoute("operator", hubTable, everything, ""); err != nil {
		t.Fatal(err)
	}
	s.await("it comes back when the blackhole is gone, since the office still announces it", heard, appliance)
	office.withdraw(everything)
	s.await("it ends where it began", func() bool {
		_, known := appliance.learned(ends[0])[everything]
		return !known && s.target(hubTable, everything) == ""
	}, appliance)
}

// TestABlackholeThatIsAdvertised: should AWS advertise blackholes, then one hides the
// default route of one site from nobody, and the site itself hears it, too.
func TestABlackholeThatIsAdvertised(t *testing.T) {
	t.Parallel()
	file := example(t)
	file.World.AdvertiseBlackholes = true
	s := begin(t, file, live.Options{})
	ends, lines := s.of(appliancePeer), s.of(officeVPN)
	appliance, office := startRouter(t, shortHold, ends...), startRouter(t, shortHold, lines...)
	s.await("both routers are there", func() bool { return appliance.up() && office.up() }, appliance, office)
	office.announce(everything, "")
	s.await("the default route is in the table", func() bool { return s.target(hubTable, everything) == toOffice })
	if err := s.server.World().ForceRoute("operator", hubTable, everything, "blackhole"); err != nil {
		t.Fatal(err)
	}
	s.await("the other site has it from AWS now, and so has the office", func() bool {
		other, known := appliance.learned(ends[0])[everything]
		_, back := office.learned(lines[0])[everything]
		return known && len(other.Path) == 0 && back
	}, appliance, office)
}

// TestDetourMovesAwayFromDeadSessions: both sessions of the path in use die, and
// the compiled functions, told by the network's own events, bring the traffic to
// the path whose sessions live.
func TestDetourMovesAwayFromDeadSessions(t *testing.T) {
	t.Parallel()
	const (
		west, east = "tgw-connect-peer-0c200000000000001", "tgw-connect-peer-0c200000000000002"
		home, away = "tgw-0c200000000000001", "tgw-0c200000000000002"
	)
	file, err := lab.FindTopology("connect-two-gateways")
	if err != nil {
		t.Fatal(err)
	}
	s := begin(t, hurried(file), live.Options{FunctionsDir: functions(t), NoSchedule: true})
	routers := map[string]*router{}
	for _, peer := range []string{west, east} {
		routers[peer] = startRouter(t, shortHold, s.of(peer)...)
		for _, network := range []string{"10.60.0.0/16", "10.61.0.0/16"} {
			routers[peer].announce(network, "")
		}
	}
	s.await("the branch is reached over both gateways", func() bool {
		return !slices.Contains(slices.Concat(s.up(west), s.up(east)), false) && s.reaches("sales", "counter") && s.reaches("sales", "depot")
	})
	s.do("sweep")
	// The sessions start down, so Detour may have left the west before they were up.
	dies, to := west, away
	s.await("both routes go the same way", func() bool {
		got := s.targets()
		if slices.Equal(got, []string{away, away}) {
			dies, to = east, home
		}
		return slices.Equal(got, []string{away, away}) || slices.Equal(got, []string{home, home})
	})
	routers[dies].shut(s.of(dies)[0])
	s.await("one session is down", func() bool { return !s.up(dies)[0] })
	routers[dies].shut(s.of(dies)[1])
	s.await("Detour has moved both routes", func() bool { return slices.Equal(s.targets(), []string{to, to}) })
	s.await("traffic arrives again", func() bool { return s.reaches("sales", "counter") && s.reaches("sales", "depot") })
}

// targets are where the static routes of the network's VPC tables point.
func (s *story) targets() (out []string) {
	for _, r := range s.server.World().StaticRoutes() {
		if strings.HasPrefix(r.Table, "rtb-") {
			out = append(out, r.Target)
		}
	}
	return out
}

// functions builds the functions for this machine as make build does, and returns
// their folder.
func functions(t testing.TB) string {
	t.Helper()
	root, err := filepath.Abs("../../..")
	if err != nil {
		t.Fatal(err)
	}
	if out, err := exec.CommandContext(t.Context(), "make", "-s", "-C", root, "host").CombinedOutput(); err != nil {
		t.Fatalf("building the functions: %v\n%s", err, out)
	}
	return filepath.Join(root, live.HostFunctions)
}

// TestDetourMovesToTheBackupAndBack is the rest of story A. Without the appliance
// the group is on the VPN connection with static routing. The way back is taken on
// request, once the appliance teaches the network again, which the static hides in
// the table that carries traffic. When both sessions die the group leaves again.
func TestDetourMovesToTheBackupAndBack(t *testing.T) {
	t.Parallel()
	const group, toBackup, observation = "other-cloud", "tgw-attach-0b600000000000014", "tgw-rtb-0b600000000000002"
	s := begin(t, hurried(example(t)), live.Options{FunctionsDir: functions(t), NoSchedule: true})
	onBackup := func() bool { return s.target(hubTable, toCloud) == toBackup && s.reaches("edge", "database") }
	s.await("Detour is on the backup, for nobody has connected", onBackup)

	ends := s.of(appliancePeer)
	appliance := startRouter(t, shortHold, ends...)
	appliance.announce(toCloud, "", 100)
	s.await("the appliance teaches the route", func() bool {
		return s.target(observation, toCloud) == toAppliance && !slices.Contains(s.up(appliancePeer), false)
	})
	if got := s.target(hubTable, toCloud); got != toBackup {
		t.Fatalf("nobody has asked for the way back, and the route goes to %s", got)
	}
	s.do("request", group, "manual-switch-to-working")
	s.await("Detour is back", func() bool { return s.target(hubTable, toCloud) == toAppliance && s.reaches("edge", "database") })

	appliance.shut(ends...)
	s.await("Detour has moved to the backup", onBackup)
}

// do does what detour lab do does.
func (s *story) do(action string, args ...string) {
	s.t.Helper()
	if _, err := s.server.Do(s.t.Context(), action, args...); err != nil {
		s.t.Fatal(err)
	}
}

// hurried has the functions' leases end soon.
func hurried(file *lab.TopologyFile) *lab.TopologyFile {
	const ms = config.Duration(time.Millisecond)
	timers := &file.Config.Timers
	timers.CallTimeout, timers.ClockSkew, timers.Lease, timers.SettleTime = 1000*ms, 100*ms, 2500*ms, 1000*ms
	return file
}
