package lab

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/netip"
	"slices"
	"strings"
	"time"

	"detour/events"
	"detour/shared/config"
	"detour/shared/handler"
	"detour/shared/protection"
	"detour/shared/sim"
)

const (
	// replayLead is how long the network stands still before the first event, so
	// that Detour has adopted it: two sweeps and what a detection takes.
	replayLead = 5 * time.Minute
	// replayTail is how long the run goes on after the last event: that long after
	// a hint a group is read again.
	replayTail = 5 * time.Minute
)

// ReplayOptions say how recorded events are played.
type ReplayOptions struct {
	// HintsOnly leaves the network as it is. Without it the network follows the
	// events, so that what they tell is true.
	HintsOnly bool
	Seed      uint64
	// Wire plays with the real adapters of the record store, the queue and the bus.
	Wire bool
	Log  io.Writer
}

// ReplayedEvent is one recorded event, and what came of it.
type ReplayedEvent struct {
	// Line is where the event stands in the recording, AtSeconds when it was
	// played, in virtual time since the start.
	Line      int     `json:"line"`
	AtSeconds float64 `json:"atSeconds"`
	SentAt    string  `json:"sentAt"`
	ID        string  `json:"id,omitempty"`
	Source    string  `json:"source,omitempty"`
	Type      string  `json:"detailType,omitempty"`
	// About says what the event tells, in words.
	About string `json:"about"`
	// Network says what the network did with it.
	Network string `json:"network"`
	// Detour says what Detour made of it, a line for each group.
	Detour []string `json:"detour"`

	at     time.Time
	raw    []byte
	action string
}

// Replay plays recorded events against a network, in virtual time and at their
// distance in time. Detour gets these events and no others; its schedule and its
// wake-ups go on as ever.
func Replay(ctx context.Context, file *TopologyFile, recording []Recorded, opts ReplayOptions) (*Result, error) {
	if len(file.Config.GroupList) == 0 {
		return nil, fmt.Errorf("topology %s declares no groups, so Detour has nothing to do; declare at least one under groups", file.Name)
	}
	if len(recording) == 0 {
		return nil, fmt.Errorf("the recording holds no event; it must hold at least one")
	}
	span := recording[len(recording)-1].At.Sub(recording[0].At)
	s := &Scenario{
		Name: "replay", Title: fmt.Sprintf("%s played on %s", plural(len(recording), "recorded event"), file.Name),
		Story: "The first event was sent at " + recording[0].At.Format(time.RFC3339) + ".",
		Seed:  opts.Seed, World: file.World, Topology: file.Topology, Config: file.Config,
		Duration: config.Duration(replayLead + span + replayTail),
	}
	f := follower{topo: file.Topology, world: file.World.options(), changed: map[string]time.Time{}, still: opts.HintsOnly}
	replayed := make([]*ReplayedEvent, 0, len(recording))
	for _, r := range recording {
		e := &ReplayedEvent{
			Line: r.Line, SentAt: r.At.Format(time.RFC3339), ID: r.env.ID, Source: r.env.Source, Type: r.env.DetailType,
			at: Start().Add(replayLead + r.At.Sub(recording[0].At)), raw: r.Raw, About: aboutWords(r),
		}
		e.AtSeconds = e.at.Sub(Start()).Seconds()
		e.Network = f.follow(r, e.at)
		replayed = append(replayed, e)
	}
	s.Script = f.script
	return Play(ctx, s, PlayOptions{Wire: opts.Wire, Log: opts.Log, replay: replayed})
}

// aboutWords says what an event tells.
func aboutWords(r Recorded) string {
	if e, ok := networkEventOf(r.Raw); ok && e.change != "" {
		return e.words(e.part)
	}
	return cmp.Or(r.env.DetailType, "an event without a detail-type")
}

// follower makes a network do what recorded events tell.
type follower struct {
	topo  sim.Topology
	world sim.Options
	still bool
	// changed is when each thing last changed as AWS saw it.
	changed map[string]time.Time
	script  []Step
}

// follow writes the steps into the script that make the event true, and says what
// they do, or why there is none. at is when the event is played.
func (f *follower) follow(r Recorded, at time.Time) string {
	switch {
	case f.still:
		return "stays as it is"
	case r.env.DetailType == events.DetailNetworkManagerStatus:
		var d events.NetworkManagerStatus
		if json.Unmarshal(r.env.Detail, &d) != nil {
			return "stays as it is: the detail cannot be read"
		}
		return f.status(d, at)
	case r.env.DetailType == events.DetailAlarmStateChange:
		var d events.AlarmStateChange
		if json.Unmarshal(r.env.Detail, &d) != nil {
			return "stays as it is: the detail cannot be read"
		}
		return f.alarm(d, at)
	default:
		return "stays as it is: the lab knows no change behind such an event"
	}
}

func (f *follower) status(d events.NetworkManagerStatus, at time.Time) string {
	change := changeWords(d.ChangeType)
	up := strings.HasSuffix(change, " up")
	switch {
	case !up && !strings.HasSuffix(change, " down"):
		return fmt.Sprintf("stays as it is: %q says neither up nor down", d.ChangeType)
	case d.VPNConnectionARN != "" && strings.HasPrefix(change, "IPsec"):
		return f.tunnel(lastOf(d.VPNConnectionARN), d.OutsideIPAddress, up, at)
	case d.VPNConnectionARN != "":
		return "stays as it is: the lab's VPN connections have static routing, without BGP"
	case d.ConnectPeerARN != "":
		return f.session(lastOf(d.ConnectPeerARN), d.TransitGatewayAddress, up, at)
	default:
		return "stays as it is: the event names neither a VPN connection nor a Connect peer"
	}
}

func (f *follower) tunnel(vpn, ip string, up bool, at time.Time) string {
	i := slices.IndexFunc(f.topo.VPNs, func(v sim.VPNSpec) bool { return v.ID == vpn })
	if i < 0 {
		return fmt.Sprintf("stays as it is: the topology has no VPN connection %s", vpn)
	}
	if !slices.ContainsFunc(f.topo.VPNs[i].Tunnels, func(t sim.TunnelSpec) bool { return t.OutsideIP == ip }) {
		return fmt.Sprintf("stays as it is: %s has no tunnel %s in the topology", vpn, ip)
	}
	before := f.before(vpn+" "+ip, at, up, f.world.DetectAfter, 30*time.Second)
	f.add(Step{Do: pick(up, TunnelUp, TunnelDown), VPN: vpn, Tunnel: ip}, before)
	return fmt.Sprintf("the tunnel truly goes %s at %s", upDown(up), sinceStart(before))
}

// session follows an event about a Connect peer. One that names no session of the
// peer is taken for the first that is not yet so.
func (f *follower) session(peer, address string, up bool, at time.Time) string {
	for _, c := range f.topo.Connects {
		for _, p := range c.Peers {
			if p.ID != peer {
				continue
			}
			number := sessionOf(p, address)
			if number == 0 {
				number = 1
				if f.sessionIs(peer, 1) == upDown(up) {
					number = 2
				}
			}
			key := fmt.Sprintf("%s %d", peer, number)
			before := f.before(key, at, up, f.world.ConnectHold, 30*time.Second)
			f.add(Step{Do: pick(up, SessionUp, SessionDown), Peer: peer, Session: number}, before)
			return fmt.Sprintf("BGP session %d truly goes %s at %s", number, upDown(up), sinceStart(before))
		}
	}
	return fmt.Sprintf("stays as it is: the topology has no Connect peer %s", peer)
}

// sessionIs is the state that the script has brought a session to by now.
func (f *follower) sessionIs(peer string, number int) string {
	is := valueUp
	for _, step := range f.script {
		if step.Peer == peer && step.Session == number {
			is = upDown(step.Do == SessionUp)
		}
	}
	return is
}

// sessionOf is the number of the session that has the address, or 0.
func sessionOf(p sim.ConnectPeerSpec, address string) int {
	inside, err := netip.ParsePrefix(p.InsideCIDR)
	at, errAddress := netip.ParseAddr(address)
	if err != nil || errAddress != nil {
		return 0
	}
	first := inside.Masked().Addr().Next().Next() // The first host address is the peer's.
	switch at {
	case first:
		return 1
	case first.Next():
		return 2
	default:
		return 0
	}
}

func (f *follower) alarm(d events.AlarmStateChange, at time.Time) string {
	if !slices.ContainsFunc(f.topo.Alarms, func(a sim.AlarmSpec) bool { return a.Name == d.AlarmName }) {
		return fmt.Sprintf("stays as it is: the topology has no alarm %q", d.AlarmName)
	}
	switch d.State.Value {
	case events.AlarmOK, events.AlarmAlarm, events.AlarmInsufficientData:
	default:
		return fmt.Sprintf("stays as it is: %q is no state of an alarm", d.State.Value)
	}
	before := at.Add(-cmp.Or(f.world.EventDelay, 2*time.Second))
	f.add(Step{Do: SetAlarm, Name: d.AlarmName, State: d.State.Value}, before)
	return fmt.Sprintf("alarm %s goes to %s at %s", d.AlarmName, d.State.Value, sinceStart(before))
}

// before is when something must truly change for AWS to find out an event delay
// before the event. It never lies before AWS found out about the last change, or
// that one would not be found out at all.
func (f *follower) before(what string, at time.Time, up bool, fails, failsByDefault time.Duration) time.Time {
	detect := cmp.Or(fails, failsByDefault)
	if up {
		detect = cmp.Or(f.world.RecoverAfter, 5*time.Second)
	}
	truth := at.Add(-detect - cmp.Or(f.world.EventDelay, 2*time.Second))
	if last, ok := f.changed[what]; ok && !truth.After(last) {
		truth = last.Add(time.Millisecond)
	}
	f.changed[what] = truth.Add(detect)
	return truth
}

func (f *follower) add(step Step, at time.Time) {
	step.At = config.Duration(at.Sub(Start()))
	f.script = append(f.script, step)
}

// deliver puts the recorded events on the scheduler.
func (res *Result) deliver() {
	for _, e := range res.Replayed {
		res.Rig.Scheduler.At(e.at, "recorded event", func() {
			if len(res.Rig.targets(e.raw)) == 0 {
				e.action = "no rule of Detour's subscribes to it"
				return
			}
			res.Rig.Deliver(e.raw)
		})
	}
}

// settleReplay says of each recorded event what Detour made of it.
func (res *Result) settleReplay() {
	for _, e := range res.Replayed {
		e.Detour = []string{}
		if e.action != "" {
			e.Detour = append(e.Detour, e.action)
			continue
		}
		for i, run := range res.Rig.Runs {
			// Every attempt at an event has its very bytes.
			if len(run.Message) == 0 || &run.Message[0] != &e.raw[0] {
				continue
			}
			for _, line := range res.madeOf(run) {
				e.Detour = append(e.Detour, run.name(i)+" "+line)
			}
		}
	}
}

// madeOf says what a run made of its event, a line for each group.
func (res *Result) madeOf(run Run) []string {
	switch {
	case run.Process.Killed():
		return []string{"is killed"}
	case !run.Finished:
		return []string{"is still at work when the run ends"}
	case run.Outcome.Action == handler.Retry:
		return []string{"fails; Lambda tries again later"}
	case run.Outcome.Action == handler.Drop:
		return []string{"drops it: " + string(run.Outcome.Dropped)}
	case len(run.Outcome.Reports) == 0:
		return []string{"finds no group that it is about"}
	}
	var out []string
	for _, r := range run.Outcome.Reports {
		text := fmt.Sprintf("%s: %s", r.Group, r.Status)
		if r.Decision.Action != "" {
			text = fmt.Sprintf("%s: %s (%s)", r.Group, actionWords(r.Decision), r.Decision.Reason)
			if r.WouldBe {
				text = fmt.Sprintf("%s: would be: %s (%s)", r.Group, actionWords(r.Decision), r.Decision.Reason)
			}
		}
		if len(r.Receipts) > 0 {
			text += fmt.Sprintf(", %s: %s", plural(len(r.Receipts), "route write"), outcomes(r.Receipts))
		}
		out = append(out, text)
	}
	return out
}

// actionWords says a decision in a few words.
func actionWords(d protection.Decision) string {
	switch d.Action {
	case protection.Move:
		return "moves from " + d.From + " to " + d.To
	case protection.Step:
		return "moves more to " + d.To
	case protection.Adopt:
		return "adopts what stands, on " + d.To
	case protection.Hold:
		return "holds, on " + d.To
	case protection.Stay:
		return "stays on " + d.To
	default:
		return string(d.Action)
	}
}
