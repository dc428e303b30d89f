package health

import (
	"net/netip"
	"slices"
	"time"
)

// State is the state of a path. The names are those of RFC 5880, section 6.8.1,
// with Degraded between Up and Down.
type State string

// The states of a path.
const (
	// Unknown is the zero value: there is no usable evidence.
	Unknown State = ""
	// Up: the path has all that it should have.
	Up State = "up"
	// Degraded: the path carries traffic, with less than it should have.
	Degraded State = "degraded"
	// Down: the path does not carry traffic.
	Down State = "down"
	// AdminDown: an operator took the path out of use.
	AdminDown State = "admin-down"
)

// String returns the state's name; the zero value is "unknown".
func (s State) String() string {
	if s == Unknown {
		return "unknown"
	}
	return string(s)
}

// Alive reports whether the path carries traffic, as far as is known.
func (s State) Alive() bool { return s == Up || s == Degraded }

// Reason says why a path has its state.
type Reason string

// The reasons for a state.
const (
	ReasonAllTunnelsUp   Reason = "all-tunnels-up"
	ReasonSomeTunnelsUp  Reason = "some-tunnels-up"
	ReasonTooFewTunnels  Reason = "too-few-tunnels-up"
	ReasonTooFewRoutes   Reason = "too-few-accepted-routes"
	ReasonConnectionGone Reason = "connection-deleted"
	ReasonSensor         Reason = "sensor"
	ReasonStale          Reason = "evidence-too-old"
	ReasonNoEvidence     Reason = "no-evidence"
	ReasonHoldOff        Reason = "hold-off"
	ReasonLockout        Reason = "lockout"

	ReasonAllPeersUp  Reason = "all-peers-up"
	ReasonSomePeersUp Reason = "some-peers-up"
	// ReasonSomeSessionsUp: every peer is good, but not each by both its sessions.
	ReasonSomeSessionsUp Reason = "some-sessions-up"
	ReasonTooFewPeers    Reason = "too-few-peers-up"

	ReasonAttachmentNotAvailable Reason = "attachment-not-available"
	ReasonInterfaceNotInUse      Reason = "interface-not-in-use"
	// ReasonInterfaceMoved: the interface is attached to another instance than the
	// declared one, so what is read of that one says nothing about the path.
	ReasonInterfaceMoved     Reason = "interface-moved"
	ReasonSourceDestCheck    Reason = "source-dest-check-on"
	ReasonInstanceNotRunning Reason = "instance-not-running"
	ReasonStatusCheckFailed  Reason = "status-check-impaired"

	// ReasonRoutesNotLearned: a route that the path's attachment is expected to teach
	// is not learned where it could be read.
	ReasonRoutesNotLearned Reason = "expected-routes-not-learned"

	// ReasonChecksGood: the resource works and every valid check that says
	// something is good.
	ReasonChecksGood        Reason = "checks-good"
	ReasonSomeChecksFailing Reason = "some-checks-failing"
	ReasonChecksFailing     Reason = "checks-failing"
	ReasonNoValidCheck      Reason = "no-valid-check"
)

// Kind is the kind of a path.
type Kind string

// The kinds of path.
const (
	// KindVPN is a Site-to-Site VPN connection, on a transit gateway or on a
	// virtual private gateway.
	KindVPN Kind = "vpn"
	// KindConnect is a transit gateway Connect attachment with its peers.
	KindConnect Kind = "connect"
	// KindAppliance is a router instance behind its network interface.
	KindAppliance Kind = "appliance"
	// KindAttachment is any other transit gateway attachment: VPC, peering, Direct
	// Connect gateway.
	KindAttachment Kind = "attachment"
)

// Check is a CloudWatch alarm that speaks for a path. It is valid for the path
// only if its traffic is pinned to the path, or if it runs on the box itself.
type Check struct {
	Alarm Subject `json:"alarm"`
	// ActiveOnly checks are not pinned to the path, and mean nothing while the
	// path is not in use.
	ActiveOnly bool `json:"activeOnly,omitempty"`
}

// Spec is what must be known to judge a path: its kind, the subject that the
// facts are about, and the minimums.
type Spec struct {
	Kind    Kind    `json:"kind"`
	Subject Subject `json:"subject"`
	// Instance is the instance of an appliance, whose Subject is its interface.
	Instance Subject `json:"instance,omitzero"`
	// Peers are the Connect peers of a Connect path, whose Subject is the
	// attachment. MinPeers of them must have one of their two BGP sessions up;
	// 1 ≤ MinPeers ≤ len(Peers).
	Peers    []Subject `json:"peers,omitempty"`
	MinPeers int       `json:"minPeers,omitempty"`
	Checks   []Check   `json:"checks,omitempty"`
	// Attachment is the transit gateway attachment that teaches the path's routes;
	// empty where none of them is learned.
	Attachment string `json:"attachment,omitempty"`
	// Observation is the route table into which only Attachment propagates and with
	// which nothing is associated; the zero Subject: there is none.
	Observation Subject `json:"observation,omitzero"`
	// Expect are the CIDR blocks that Attachment must have taught, sorted.
	Expect []netip.Prefix `json:"expect,omitempty"`
	// Tunnels is how many tunnels UP make the path Up; fewer make it Degraded.
	Tunnels int `json:"tunnels"`
	// MinTunnels is how many tunnels UP the path needs to carry traffic; fewer
	// make it Down. 1 ≤ MinTunnels ≤ Tunnels.
	MinTunnels int `json:"minTunnels"`
	// MinAcceptedRoutes is how many routes each tunnel that counts as UP must
	// have accepted; 0 means that routes are not looked at.
	MinAcceptedRoutes int `json:"minAcceptedRoutes,omitempty"`
	// HoldOff is how long bad evidence must last before it counts.
	HoldOff time.Duration `json:"holdOff,omitempty"`
	// MaxAge is the age beyond which a fact proves nothing.
	MaxAge  time.Duration `json:"maxAge"`
	Damping Damping       `json:"damping"`
}

// Subjects returns all subjects that the path is judged by, each once: its own
// first, then the instance, the peers, the alarms and the observation table, as
// declared.
func (s Spec) Subjects() []Subject {
	out := []Subject{s.Subject}
	add := func(subject Subject) {
		if subject.ID != "" && !slices.Contains(out, subject) {
			out = append(out, subject)
		}
	}
	add(s.Instance)
	for _, peer := range s.Peers {
		add(peer)
	}
	for _, check := range s.Checks {
		add(check.Alarm)
	}
	add(s.Observation)
	return out
}

// Use is how a path is used while it is judged.
type Use struct {
	// Locked: an operator's lockout stands on the path.
	Locked bool
	// Since is when the group came onto the path; zero: it is not in use. An
	// ActiveOnly check counts only by what it said after that.
	Since time.Time
}

// Damping is flap damping after RFC 2439, with one figure of merit per path.
type Damping struct {
	// Penalty is added by each Down transition.
	Penalty float64 `json:"penalty"`
	// HalfLife is the time in which a penalty halves.
	HalfLife time.Duration `json:"halfLife"`
	// Suppress is the penalty at which the path is suppressed, Reuse the lower
	// one below which it is used again.
	Suppress float64 `json:"suppress"`
	Reuse    float64 `json:"reuse"`
	// Ceiling bounds the penalty, and with it the time of suppression.
	Ceiling float64 `json:"ceiling"`
}

// Memory is what is remembered of a path from run to run. It changes only when
// something happened: time passing alone does not change it.
type Memory struct {
	// State is the last judged state, AdminDown and hold-off applied, and Since
	// the instant from which it has been unbroken.
	State State     `json:"state"`
	Since time.Time `json:"since,omitzero"`
	// Proven is the last state with evidence (Up, Degraded or Down), so that a
	// gap in the evidence neither hides nor invents a Down transition.
	Proven State `json:"proven,omitempty"`
	// WorseSince is when evidence first spoke for a worse state that hold-off
	// still keeps from counting; zero when there is none.
	WorseSince time.Time `json:"worseSince,omitzero"`
	// Penalty is the figure of merit at PenaltyAt.
	Penalty    float64   `json:"penalty,omitempty"`
	PenaltyAt  time.Time `json:"penaltyAt,omitzero"`
	Suppressed bool      `json:"suppressed,omitempty"`
}

// Assessment is the judgement of one path at one instant.
type Assessment struct {
	State      State  `json:"state"`
	Reason     Reason `json:"reason"`
	Suppressed bool   `json:"suppressed,omitempty"`
	// Since is when the state began, unbroken.
	Since time.Time `json:"since,omitzero"`
	// Evidence is the state that the facts alone speak for, without hold-off
	// and lockout.
	Evidence State `json:"evidence"`
	// Sources is the number of different APIs whose facts speak for Evidence.
	Sources int `json:"sources"`
	// Penalty is the figure of merit now.
	Penalty float64 `json:"penalty,omitempty"`
	// Deadline is the next instant at which the assessment can change without
	// new facts (hold-off, reuse); zero when there is none.
	Deadline time.Time `json:"deadline,omitzero"`
	Memory   Memory    `json:"memory"`
}
