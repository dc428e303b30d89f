package doctor

import (
	"cmp"
	"slices"
	"strings"
	"time"
)

// ID names a kind of finding. The names are stable.
type ID string

// The kinds of finding, in the order in which they are told. docs/doctor.md explains
// each.
const (
	TunnelThroughItself   ID = "tunnel-through-itself"
	SiteHearsEndpoint     ID = "site-hears-endpoint"
	LearnedDefault        ID = "learned-default"
	StaticToDownVPN       ID = "static-to-down-vpn"
	Blackhole             ID = "blackhole"
	StaticHidesBackup     ID = "static-hides-backup"
	ConnectNothingLearned ID = "connect-nothing-learned"
	NoWayBack             ID = "no-way-back"
	CheckNotPinned        ID = "check-not-pinned"
	StandbyUnproven       ID = "standby-unproven"
	QuotaHeadroom         ID = "quota-headroom"
	NotRegistered         ID = "tgw-not-registered"
	// NotExamined is no finding about the network: something could not be read, and
	// Blind says what is therefore not known.
	NotExamined ID = "not-examined"
)

// IDs are all kinds of finding, in the order in which they are told.
func IDs() []ID {
	return []ID{
		TunnelThroughItself, SiteHearsEndpoint, LearnedDefault, StaticToDownVPN, Blackhole, StaticHidesBackup, ConnectNothingLearned,
		NoWayBack, CheckNotPinned, StandbyUnproven, QuotaHeadroom, NotRegistered, NotExamined,
	}
}

// Severity says how much a finding matters.
type Severity string

// The severities, the worst first.
const (
	// Critical: traffic is lost now, or one failure from being lost.
	Critical Severity = "critical"
	// Warning: somebody should look into it.
	Warning Severity = "warning"
	// Unknown: something was not examined.
	Unknown Severity = "unknown"
	// Info is for the record, and no reason to act.
	Info Severity = "info"
)

// Severities are all severities, the worst first.
func Severities() []Severity { return []Severity{Critical, Warning, Unknown, Info} }

// Finding is one thing that was found.
type Finding struct {
	ID       ID       `json:"id"`
	Severity Severity `json:"severity"`
	// What says in a sentence what was found, and Why why it matters.
	What  string `json:"what"`
	Where Where  `json:"where"`
	Why   string `json:"why"`
	// Do are the steps that end it: commands to copy, or settings to change.
	Do []string `json:"do"`
	// Evidence is what was read, with when.
	Evidence []Evidence `json:"evidence"`
	// Blind are the kinds of finding that were not looked for (NotExamined only).
	Blind []ID `json:"blind,omitempty"`
}

// Where says what a finding is about. What does not apply is empty.
type Where struct {
	Account        string   `json:"account,omitempty"`
	Region         string   `json:"region,omitempty"`
	Group          string   `json:"group,omitempty"`
	Filter         string   `json:"filter,omitempty"`
	Path           string   `json:"path,omitempty"`
	Table          string   `json:"table,omitempty"`
	TransitGateway string   `json:"transitGateway,omitempty"`
	VPNGateway     string   `json:"vpnGateway,omitempty"`
	VPC            string   `json:"vpc,omitempty"`
	Attachment     string   `json:"attachment,omitempty"`
	VPN            string   `json:"vpn,omitempty"`
	ConnectPeer    string   `json:"connectPeer,omitempty"`
	Alarm          string   `json:"alarm,omitempty"`
	Destinations   []string `json:"destinations,omitempty"`
}

// Compare orders places.
func (w Where) Compare(other Where) int {
	return cmp.Or(
		cmp.Compare(w.Account, other.Account), cmp.Compare(w.Region, other.Region), cmp.Compare(w.Group, other.Group), cmp.Compare(w.Filter, other.Filter), cmp.Compare(w.Path, other.Path),
		cmp.Compare(w.TransitGateway, other.TransitGateway), cmp.Compare(w.VPC, other.VPC), cmp.Compare(w.VPNGateway, other.VPNGateway),
		cmp.Compare(w.Table, other.Table), cmp.Compare(w.Attachment, other.Attachment), cmp.Compare(w.VPN, other.VPN),
		cmp.Compare(w.ConnectPeer, other.ConnectPeer), cmp.Compare(w.Alarm, other.Alarm), slices.Compare(w.Destinations, other.Destinations),
	)
}

// Evidence is one thing that was read.
type Evidence struct {
	// At is when it was read, or since when it has been so; zero: that is not known.
	At   time.Time `json:"at,omitzero"`
	Text string    `json:"text"`
}

// Compare orders findings: the worst first, then by kind and place.
func (f Finding) Compare(other Finding) int {
	return cmp.Or(
		cmp.Compare(slices.Index(Severities(), f.Severity), slices.Index(Severities(), other.Severity)),
		cmp.Compare(slices.Index(IDs(), f.ID), slices.Index(IDs(), other.ID)),
		f.Where.Compare(other.Where),
		strings.Compare(f.What, other.What),
	)
}

// About is what all findings of a kind have in common.
type About struct {
	// Title names the kind in a few words, and Why says why it matters.
	Title, Why string
}

// Of returns what all findings of the kind have in common.
func Of(id ID) About { return abouts()[id] }

func abouts() map[ID]About {
	return map[ID]About{
		TunnelThroughItself: {
			"A tunnel's endpoint is reached through the tunnel itself",
			"Packets that build the tunnel are sent into it. It dies, its route goes with it, it comes back, and so on: a loop of reconnects that looks like a fault of the VPN.",
		},
		SiteHearsEndpoint: {
			"A site hears a route that covers its own tunnel's endpoint",
			"A router that follows the route sends the packets that build the tunnel into the tunnel, and takes itself off the network. Only a more specific route on the router keeps it from that, and AWS cannot show whether there is one.",
		},
		LearnedDefault: {
			"A default-like route was learned from a peer",
			"Transit gateways and virtual private gateways take whatever a peer announces. One site's default route takes the traffic that has no better route, and is announced on to other sites.",
		},
		StaticToDownVPN: {
			"A static route leads to a VPN connection that is down",
			"A static route stays when its VPN connection dies, and drops what it matches. It also keeps a learned route to the same destination out of the table.",
		},
		Blackhole: {
			"A route drops its traffic",
			"What the route matches is dropped, and does not fall through to a shorter route.",
		},
		StaticHidesBackup: {
			"A static route hides a learned route to the same destination",
			"The static route wins as long as it stands, dead or alive, so the learned route takes over only when somebody deletes the static one. A transit gateway table shows the winner alone: that a backup is hidden can be told only from other tables and from what a VPN connection accepts.",
		},
		ConnectNothingLearned: {
			"A Connect peer is up and no route is learned from it",
			"The BGP session says that the appliance is alive, and yet nothing is sent to it: whatever relies on the peer is down.",
		},
		NoWayBack: {
			"A VPC table has no way back",
			"Traffic arrives from the site and the answers do not return. Forward without return is the usual mistake, and it looks like a dead path.",
		},
		CheckNotPinned: {
			"A check is not pinned to its path",
			"A check whose traffic takes whatever way the routes point to says nothing about a standby path, and after a switchover it speaks of the new path.",
		},
		StandbyUnproven: {
			"Nothing proves a standby path alive",
			"Detour does not leave a living path for one of which nothing is known. If the path in use fails now, there is nothing to go to.",
		},
		QuotaHeadroom: {
			"The worst switchover does not fit the quota",
			"EC2 refuses the routes beyond the quota in the middle of a switchover, when nobody can wait for a quota increase.",
		},
		NotRegistered: {
			"A transit gateway sends no events",
			"Only transit gateways that are registered with Network Manager send events. Without them a failure is found by the sweep, up to a minute later and more.",
		},
		NotExamined: {
			"Something was not examined",
			"What could not be read may be healthy or not. Nothing is known of it.",
		},
	}
}
