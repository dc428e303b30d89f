package lab

import (
	"cmp"
	"slices"
	"strconv"
	"time"

	"detour/shared/config"
)

// Verb is what a step of the script does.
type Verb string

// The verbs of a script.
const (
	// TunnelDown and TunnelUp make a tunnel truly fail or recover; without
	// tunnel, all tunnels of the connection.
	TunnelDown Verb = "tunnel-down"
	TunnelUp   Verb = "tunnel-up"
	// InstanceStop, InstanceStart and InstanceTerminate are somebody's calls of
	// EC2 on the instance of an appliance; what is terminated stays so.
	InstanceStop      Verb = "instance-stop"
	InstanceStart     Verb = "instance-start"
	InstanceTerminate Verb = "instance-terminate"
	// InstanceImpaired makes one of the two status checks of an instance fail,
	// InstanceOK lets both pass.
	InstanceImpaired Verb = "instance-impaired"
	InstanceOK       Verb = "instance-ok"
	// ForwardingStops and ForwardingWorks are the routing process of an appliance,
	// which no API of EC2 sees; LineDown and LineUp its own line to the site.
	ForwardingStops Verb = "forwarding-stops"
	ForwardingWorks Verb = "forwarding-works"
	LineDown        Verb = "line-down"
	LineUp          Verb = "line-up"
	// SourceDestCheckOn has an interface drop what is not addressed to it.
	SourceDestCheckOn  Verb = "source-dest-check-on"
	SourceDestCheckOff Verb = "source-dest-check-off"
	// SessionDown and SessionUp are the BGP sessions of a Connect peer; without
	// session, both.
	SessionDown Verb = "session-down"
	SessionUp   Verb = "session-up"
	// BGPDown and BGPUp are the BGP session inside a tunnel of a VPN connection, whose
	// IPsec stays as it is; without tunnel, those of all its tunnels.
	BGPDown Verb = "bgp-down"
	BGPUp   Verb = "bgp-up"
	// Announce lets a router announce a route over BGP, in place of one with the same
	// prefix; Withdraw ends that.
	Announce Verb = "announce"
	Withdraw Verb = "withdraw"
	// SetRouterRoute gives the router of a site a static route, or takes it out where
	// via is empty.
	SetRouterRoute Verb = "router-route"
	// DirectConnectDown and DirectConnectUp are the line behind the attachment of
	// a Direct Connect gateway.
	DirectConnectDown Verb = "direct-connect-down"
	DirectConnectUp   Verb = "direct-connect-up"
	// PeeringDown and PeeringUp are what carries a peering attachment; EC2 goes on
	// to call it available.
	PeeringDown Verb = "peering-down"
	PeeringUp   Verb = "peering-up"
	// GatewayDetached and GatewayAttached take a virtual private gateway off its
	// VPC and put it back.
	GatewayDetached Verb = "gateway-detached"
	GatewayAttached Verb = "gateway-attached"
	// AttachmentState gives a transit gateway attachment a state of the EC2 API.
	AttachmentState Verb = "attachment-state"
	// SetAlarm gives an alarm a state, whatever it follows; the state follow lets
	// it follow again. DeleteAlarm removes it for good.
	SetAlarm    Verb = "alarm"
	DeleteAlarm Verb = "alarm-deleted"
	// EditPrefixList is somebody else's change of a managed prefix list.
	EditPrefixList Verb = "prefix-list"
	// MakeRequest and ClearRequest are an operator's.
	MakeRequest  Verb = "request"
	ClearRequest Verb = "clear"
	// FailbackStart starts the failback of a group; FailbackApprove, FailbackReject and
	// FailbackAbort are what an operator does with one that is open.
	FailbackStart   Verb = "failback-start"
	FailbackApprove Verb = "failback-approve"
	FailbackReject  Verb = "failback-reject"
	FailbackAbort   Verb = "failback-abort"
	// StopExecution stops the execution of a group's failback from outside, as in the
	// console: no task of it learns that.
	StopExecution Verb = "stop-execution"
	// Configure changes the configuration for all runs that start from here on.
	Configure Verb = "configure"
	// WriteRoute is somebody else's write: by sets the route, or removes it where
	// target is empty.
	WriteRoute Verb = "write"
	// LoseEvents loses every event from here on, DeliverEvents ends that.
	LoseEvents    Verb = "lose-events"
	DeliverEvents Verb = "deliver-events"
)

// EveryGroup stands for all groups in a freeze, a release, an adoption, and the
// clearing of a freeze.
const EveryGroup = "all"

// The checks of an instance, for InstanceImpaired.
const (
	checkInstance = "instance"
	checkSystem   = "system"
)

// follow is the state of SetAlarm that ends what it did.
const follow = "follow"

// Step is one line of the script.
type Step struct {
	At config.Duration `json:"at"`
	Do Verb            `json:"do"`

	VPN    string `json:"vpn,omitempty"`
	Tunnel string `json:"tunnel,omitempty"`

	// Instance and Interface name an appliance, each by its id.
	Instance  string `json:"instance,omitempty"`
	Interface string `json:"interface,omitempty"`
	// Check is the status check that fails: instance (the default) or system.
	Check string `json:"check,omitempty"`
	// Peer is a Connect peer, Session 1 or 2.
	Peer    string `json:"peer,omitempty"`
	Session int    `json:"session,omitempty"`
	// Speaker is what announces: a site, over all of its BGP sessions, or a Connect
	// peer, VPN connection or Direct Connect line, over its own.
	Speaker string `json:"speaker,omitempty"`
	// Prefix is what is announced or withdrawn. ASPath, MED and NextHopSelf are its
	// attributes, as sim.AnnouncementSpec has them.
	Prefix      string `json:"prefix,omitempty"`
	ASPath      []int  `json:"asPath,omitempty"`
	MED         *int   `json:"med,omitempty"`
	NextHopSelf bool   `json:"nextHopSelf,omitempty"`
	// Site is where a router stands; Via are the ways of its route, best first.
	Site string   `json:"site,omitempty"`
	Via  []string `json:"via,omitempty"`
	// Attachment is a transit gateway attachment.
	Attachment string `json:"attachment,omitempty"`
	// Gateway is a virtual private gateway.
	Gateway string `json:"gateway,omitempty"`
	// Name is an alarm's name.
	Name string `json:"name,omitempty"`
	// State is the state of the attachment or alarm.
	State string `json:"state,omitempty"`

	Group string `json:"group,omitempty"`
	// Kind is the kind of the request: forced-switch, lockout, ….
	Kind         string `json:"kind,omitempty"`
	ID           string `json:"id,omitempty"`
	Path         string `json:"path,omitempty"`
	Extent       int    `json:"extent,omitempty"`
	IgnoreHealth bool   `json:"ignoreHealth,omitempty"`
	Immediate    bool   `json:"immediate,omitempty"`
	Unproven     bool   `json:"unproven,omitempty"`
	// Lists are the versions of prefix lists that the operator saw in the plan.
	Lists map[string]int `json:"lists,omitempty"`

	// Plan is the digest that is approved; empty: that of the plan that was shown.
	Plan string `json:"plan,omitempty"`

	// Set are the keys of the group that change; Removed takes the group out of the
	// configuration.
	Set     *GroupChange `json:"set,omitempty"`
	Removed bool         `json:"removed,omitempty"`
	// Filter names a filter: Declare is the whole of it from here on, under that name,
	// and Removed takes it out.
	Filter  string         `json:"filter,omitempty"`
	Declare *config.Filter `json:"declare,omitempty"`

	By          string `json:"by,omitempty"`
	Table       string `json:"table,omitempty"`
	Destination string `json:"destination,omitempty"`
	Target      string `json:"target,omitempty"`
	// List is a managed prefix list; Add and Remove are CIDR blocks.
	List   string   `json:"list,omitempty"`
	Add    []string `json:"add,omitempty"`
	Remove []string `json:"remove,omitempty"`
}

// GroupChange are the keys of a group that a change of the configuration sets. A
// key that is nil or absent keeps its value; a list takes the place of the whole
// old one.
type GroupChange struct {
	Mode            *string          `json:"mode,omitempty"`
	Priority        *int             `json:"priority,omitempty"`
	Stateful        *bool            `json:"stateful,omitempty"`
	Revertive       *bool            `json:"revertive,omitempty"`
	WaitToRestore   *config.Duration `json:"waitToRestore,omitempty"`
	HoldOff         *config.Duration `json:"holdOff,omitempty"`
	SwitchOnDegrade *bool            `json:"switchOnDegrade,omitempty"`
	TakeOver        *bool            `json:"takeOver,omitempty"`
	Paths           []config.Path    `json:"paths,omitempty"`
	Units           []config.Unit    `json:"units,omitempty"`
}

func set[T any](field *T, value *T) {
	if value != nil {
		*field = *value
	}
}

// onto returns the group with the change.
func (c *GroupChange) onto(g config.Group) config.Group {
	set(&g.Mode, c.Mode)
	set(&g.Priority, c.Priority)
	set(&g.Stateful, c.Stateful)
	set(&g.Revertive, c.Revertive)
	set(&g.WaitToRestore, c.WaitToRestore)
	if c.Revertive != nil && !*c.Revertive && c.WaitToRestore == nil {
		g.WaitToRestore = config.NewGroup().WaitToRestore // It means nothing in such a group.
	}
	set(&g.HoldOff, c.HoldOff)
	set(&g.SwitchOnDegrade, c.SwitchOnDegrade)
	set(&g.TakeOver, c.TakeOver)
	if c.Paths != nil {
		g.Paths = c.Paths
	}
	if c.Units != nil {
		g.Units = c.Units
	}
	return g
}

// configured returns the configuration after a configure step, normalized. A group that
// is not there yet is added, with the defaults of a group and the home.
func (s Step) configured(c config.Config, home config.Home) config.Config {
	c = c.Normalize()
	if s.Filter != "" {
		return s.refiltered(c, home)
	}
	i := slices.IndexFunc(c.GroupList, func(g config.Group) bool { return g.Name == s.Group })
	switch {
	case s.Removed && i >= 0:
		c.GroupList = slices.Delete(c.GroupList, i, i+1)
	case s.Removed || s.Set == nil:
	case i >= 0:
		c.GroupList[i] = s.Set.onto(c.GroupList[i])
	default:
		group := config.NewGroup()
		group.Name, group.Home = s.Group, home
		c.GroupList = append(c.GroupList, s.Set.onto(group))
	}
	return pruneLists(c).Normalize()
}

// refiltered is configured for a step about a filter.
func (s Step) refiltered(c config.Config, home config.Home) config.Config {
	i := slices.IndexFunc(c.FilterList, func(f config.Filter) bool { return f.Name == s.Filter })
	switch {
	case s.Removed && i >= 0:
		c.FilterList = slices.Delete(c.FilterList, i, i+1)
	case s.Removed || s.Declare == nil:
	default:
		f := *s.Declare
		f.Name, f.Home = s.Filter, home
		if i >= 0 {
			c.FilterList[i] = f
		} else {
			c.FilterList = append(c.FilterList, f)
		}
	}
	return c.Normalize()
}

// pruneLists takes out what is said of prefix lists that no entry names.
func pruneLists(c config.Config) config.Config {
	named := map[string]bool{}
	for _, g := range c.GroupList {
		for _, u := range g.Units {
			for _, e := range u.Entries {
				named[e.Destination] = true
			}
		}
	}
	c.ListList = slices.DeleteFunc(slices.Clone(c.ListList), func(list config.PrefixList) bool { return !named[list.ID] })
	return c
}

// nameUnits gives the units that a step sets the names that units have by default.
func nameUnits(script []Step) {
	for _, step := range script {
		if step.Set == nil {
			continue
		}
		for i := range step.Set.Units {
			if step.Set.Units[i].Name == "" {
				step.Set.Units[i].Name = "unit-" + strconv.Itoa(i+1)
			}
		}
	}
}

// homeOf is the home of the configuration's first group or filter, which is that of
// all of a rig.
func homeOf(c config.Config) config.Home {
	switch {
	case len(c.GroupList) > 0:
		return c.GroupList[0].Home
	case len(c.FilterList) > 0:
		return c.FilterList[0].Home
	default:
		return config.Home{}
	}
}

// configAt is a configuration, and since when it has been the one of new runs.
type configAt struct {
	since time.Time
	config.Config
}

// configs are the configurations of a scenario, in the order of time; the first
// is that of the start. Steps of one instant apply in the order of the script.
func (s *Scenario) configs() []configAt {
	out := []configAt{{since: Start(), Config: s.Config}}
	for _, step := range inOrder(s.Script) {
		if step.Do == Configure {
			last := out[len(out)-1]
			out = append(out, configAt{Start().Add(time.Duration(step.At)), step.configured(last.Config, homeOf(s.Config))})
		}
	}
	return out
}

// inOrder returns the steps in the order of time.
func inOrder(script []Step) []Step {
	out := slices.Clone(script)
	slices.SortStableFunc(out, func(a, b Step) int { return cmp.Compare(a.At, b.At) })
	return out
}
