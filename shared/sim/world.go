package sim

import (
	"errors"
	"net/netip"
	"slices"
	"sync"
	"time"
)

// blackhole is the target of a TGW route that drops its traffic, and the state
// of a route whose target is gone.
const blackhole = "blackhole"

// The states of a route (EC2 API, types Route and TransitGatewayRoute).
const (
	stateActive  = "active"
	stateDeleted = "deleted"
)

// owner is the account and the Region that a resource belongs to.
type owner struct{ account, region string }

func (o owner) is(c Caller) bool { return o.account == c.Account && o.region == c.Region }

// World is the simulated network. Its methods may be called from several
// goroutines; it starts none. No method holds the World's lock while it calls
// the Timekeeper or a subscriber.
type World struct {
	keeper  Timekeeper
	options Options
	samples samples

	mu            sync.Mutex
	globalAccount string
	gateways      map[string]*gateway
	tgwTables     map[string]*tgwTable
	attachments   map[string]*attachment
	vpcs          map[string]*vpc
	vpcTables     map[string]*vpcTable
	vpns          map[string]*vpnConnection
	sites         map[string]*site
	hosts         map[string]*host
	buckets       map[bucketKey]*bucket
	calls         []CallRecord
	events        int
	subscribers   []func(raw []byte)
	// identity says of whose calls CloudTrail tells.
	identity       func(process string) (Principal, bool)
	tunnelChanges  []TunnelChange
	healthChanges  []HealthChange
	routeChanges   []RouteChange
	learnedChanges []LearnedChange
	vpnGateways    map[string]*vpnGateway
	appliances     map[string]*appliance // by interface
	prefixLists    map[string]*prefixList
	connectPeers   map[string]*connectPeer
	// sessions are the BGP sessions in the order of the topology; advertising says
	// that what AWS advertises may have changed.
	sessions    []*bgpSession
	advertising bool
	// interfaces are the private virtual interfaces; vpnLogs the BGP logs that are
	// kept; resolving the sites whose routers find their tunnels' way by their routes.
	interfaces map[string]*directConnect
	vpnLogs    map[*bgpSession]*vpnLog
	resolving  []*site
	// everySide are the attachments, sorted; each side of a peering is one.
	everySide        []*attachment
	attachmentStates *timeline[*attachment, string]
	startedAt        time.Time
	// watching are the alarms that follow something, in the topology's order.
	alarms      map[string]*metricAlarm
	watching    []*metricAlarm
	alarmsShown *timeline[string, AlarmView]
}

// step is one action on the World: its instant, what it leaves to be done once
// the lock is released, in order, the learned routes that it has changed, and the
// lines that it has written into BGP logs.
type step struct {
	now    time.Time
	after  []func()
	routed []routed
	lines  []logLine
}

func (s *step) then(fn func()) { s.after = append(s.after, fn) }

// do runs fn with the lock held, then looks at what follows the network, and then
// does without the lock what was left to be done.
func (w *World) do(fn func(s *step)) {
	w.book(func(s *step) {
		fn(s)
		w.rerouteChanged(s)
		w.advertise(s)
		w.deliverLogs(s)
		w.announceLearned(s)
		w.noteLines(s.now, false)
		w.settleAlarms(s)
	})
}

// book is do for a step that changes nothing of the network.
func (w *World) book(fn func(s *step)) {
	s := &step{now: w.keeper.Now()}
	func() {
		w.mu.Lock()
		defer w.mu.Unlock()
		fn(s)
	}()
	for _, after := range s.after {
		after()
	}
}

// NewWorld builds the network that the topology describes. The error joins
// every problem of the topology, each with the name of the field, its value and
// the remedy.
func NewWorld(tk Timekeeper, topo Topology, opts Options) (*World, error) {
	if tk == nil {
		return nil, errors.New("the World needs a Timekeeper: pass a Scheduler or a clock")
	}
	options, err := opts.withDefaults()
	if err != nil {
		return nil, err
	}
	loaded, err := checkedSamples()
	if err != nil {
		return nil, err
	}
	w := &World{
		keeper: tk, options: options, samples: loaded, identity: byScript,
		gateways:    make(map[string]*gateway),
		tgwTables:   make(map[string]*tgwTable),
		attachments: make(map[string]*attachment),
		vpcs:        make(map[string]*vpc),
		vpcTables:   make(map[string]*vpcTable),
		vpns:        make(map[string]*vpnConnection),
		sites:       make(map[string]*site),
		hosts:       make(map[string]*host),
		buckets:     make(map[bucketKey]*bucket),
		vpnGateways: make(map[string]*vpnGateway),
		interfaces:  make(map[string]*directConnect),
		vpnLogs:     make(map[*bgpSession]*vpnLog),
		appliances:  make(map[string]*appliance),
		prefixLists: make(map[string]*prefixList),

		connectPeers:     make(map[string]*connectPeer),
		attachmentStates: newTimeline[*attachment, string](),
		startedAt:        tk.Now(),
		alarms:           make(map[string]*metricAlarm),
		alarmsShown:      newTimeline[string, AlarmView](),
	}
	b := &builder{world: w, topo: topo, now: tk.Now()}
	if err := b.build(); err != nil {
		return nil, err
	}
	for _, after := range b.started {
		after()
	}
	return w, nil
}

// Record appends a call to the call log. It assigns Seq, counted from 1, and
// EffectAt where the record has none.
func (w *World) Record(r CallRecord) {
	w.book(func(s *step) {
		w.record(s.now, r)
		w.announceCall(s, r)
	})
}

func (w *World) record(now time.Time, r CallRecord) {
	r.Seq = len(w.calls) + 1
	if r.EffectAt.IsZero() {
		r.EffectAt = now
	}
	w.calls = append(w.calls, r)
}

// Calls returns a copy of the call log, in the order of arrival.
func (w *World) Calls() []CallRecord {
	w.mu.Lock()
	defer w.mu.Unlock()
	return slices.Clone(w.calls)
}

// sortedKeys returns the keys of a map in order, since no map may reach an output.
func sortedKeys[V any](m map[string]V) []string {
	keys := make([]string, 0, len(m))
	for key := range m {
		keys = append(keys, key)
	}
	slices.Sort(keys)
	return keys
}

// comparePrefix orders IPv4 before IPv6, then by address, then shorter first.
func comparePrefix(a, b netip.Prefix) int {
	if c := a.Addr().Compare(b.Addr()); c != 0 {
		return c
	}
	return a.Bits() - b.Bits()
}

func sortedPrefixes[V any](m map[netip.Prefix]V) []netip.Prefix {
	keys := make([]netip.Prefix, 0, len(m))
	for key := range m {
		keys = append(keys, key)
	}
	slices.SortFunc(keys, comparePrefix)
	return keys
}
