package lab

import (
	"time"

	"detour/shared/config"
	"detour/shared/sim"
)

// Scenario is a network, what happens to it, and what is expected. A network
// engineer writes it as YAML (see Parse); the random tester makes it from a
// seed, and prints it in the same form when it finds something.
type Scenario struct {
	Name  string `json:"name"`
	Title string `json:"title"`
	Story string `json:"story,omitempty"`
	// Seed picks the order of what is ready at the same instant, all latencies
	// and all random faults.
	Seed uint64 `json:"seed"`
	// Duration is how long the run takes, in virtual time.
	Duration config.Duration `json:"duration"`
	World    WorldTimes      `json:"world,omitzero"`
	Topology sim.Topology    `json:"topology"`
	// Config is the configuration of Detour: the keys groups, limits, neverTouch
	// and timers of the file.
	Config config.Config `json:"-"`
	Faults FaultSpec     `json:"faults,omitzero"`
	Script []Step        `json:"script,omitempty"`
	Expect Expect        `json:"expect,omitzero"`
}

// WorldTimes are the World's times and switches that a scenario may set; see
// sim.Options.
type WorldTimes struct {
	DetectAfter       config.Duration `json:"detectAfter,omitzero"`
	RecoverAfter      config.Duration `json:"recoverAfter,omitzero"`
	ConnectHold       config.Duration `json:"connectHold,omitzero"`
	DirectConnectHold config.Duration `json:"directConnectHold,omitzero"`
	VPNHold           config.Duration `json:"vpnHold,omitzero"`
	BGPRestartAfter   config.Duration `json:"bgpRestartAfter,omitzero"`
	AdvertiseAfter    config.Duration `json:"advertiseAfter,omitzero"`
	VPNLogDelay       config.Duration `json:"vpnLogDelay,omitzero"`
	StatusCheckAfter  config.Duration `json:"statusCheckAfter,omitzero"`
	TelemetryLag      config.Duration `json:"telemetryLag,omitzero"`
	EventDelay        config.Duration `json:"eventDelay,omitzero"`
	CallEventDelay    config.Duration `json:"callEventDelay,omitzero"`
	// PrefixListModifyTime is how long a prefix list shows modify-in-progress.
	PrefixListModifyTime config.Duration `json:"prefixListModifyTime,omitzero"`
	// VPCRouteQuota and TransitGatewayRouteQuota are the quotas of routes.
	VPCRouteQuota            int `json:"vpcRouteQuota,omitempty"`
	TransitGatewayRouteQuota int `json:"transitGatewayRouteQuota,omitempty"`

	ReplaceMissingIsNotFound      bool `json:"replaceMissingIsNotFound,omitempty"`
	ReplaceTGWPropagatedFails     bool `json:"replaceTGWPropagatedFails,omitempty"`
	BlackholeOutlastsOutage       bool `json:"blackholeOutlastsOutage,omitempty"`
	NoConnectPeerEvents           bool `json:"noConnectPeerEvents,omitempty"`
	AdvertiseBlackholes           bool `json:"advertiseBlackholes,omitempty"`
	ConnectLimitResets            bool `json:"connectLimitResets,omitempty"`
	GatewayAdvertisesStatics      bool `json:"gatewayAdvertisesStatics,omitempty"`
	PropagationErrorAsProbed      bool `json:"propagationErrorAsProbed,omitempty"`
	ReferenceErrorAsParameter     bool `json:"referenceErrorAsParameter,omitempty"`
	ListWeighsEntries             bool `json:"listWeighsEntries,omitempty"`
	StoppedInstanceStaysActive    bool `json:"stoppedInstanceStaysActive,omitempty"`
	PrefixListIDNotFoundMixedCase bool `json:"prefixListIdNotFoundMixedCase,omitempty"`
	// PageLimit bounds how many items a page of an answer has; 0: as many as the
	// caller asks for.
	PageLimit int `json:"pageLimit,omitempty"`
}

func (t WorldTimes) options() sim.Options {
	return sim.Options{
		DetectAfter: time.Duration(t.DetectAfter), RecoverAfter: time.Duration(t.RecoverAfter),
		ConnectHold: time.Duration(t.ConnectHold), DirectConnectHold: time.Duration(t.DirectConnectHold),
		VPNHold: time.Duration(t.VPNHold), BGPRestartAfter: time.Duration(t.BGPRestartAfter), AdvertiseAfter: time.Duration(t.AdvertiseAfter),
		VPNLogDelay:      time.Duration(t.VPNLogDelay),
		StatusCheckAfter: time.Duration(t.StatusCheckAfter), PrefixListModifyTime: time.Duration(t.PrefixListModifyTime),
		TelemetryLag: time.Duration(t.TelemetryLag), EventDelay: time.Duration(t.EventDelay),
		CallEventDelay: time.Duration(t.CallEventDelay),
		VPCRouteQuota:  t.VPCRouteQuota, TransitGatewayRouteQuota: t.TransitGatewayRouteQuota,
		ReplaceMissingIsNotFound: t.ReplaceMissingIsNotFound, ReplaceTGWPropagatedFails: t.ReplaceTGWPropagatedFails,
		BlackholeOutlastsOutage: t.BlackholeOutlastsOutage, NoConnectPeerEvents: t.NoConnectPeerEvents,
		PropagationErrorAsProbed: t.PropagationErrorAsProbed, ReferenceErrorAsParameter: t.ReferenceErrorAsParameter,
		ListWeighsEntries: t.ListWeighsEntries, StoppedInstanceStaysActive: t.StoppedInstanceStaysActive,
		PrefixListIDNotFoundMixedCase: t.PrefixListIDNotFoundMixedCase,
		AdvertiseBlackholes:           t.AdvertiseBlackholes, ConnectLimitResets: t.ConnectLimitResets, GatewayAdvertisesStatics: t.GatewayAdvertisesStatics,
	}
}

// durations are the times that must not be negative, by their keys.
func (t *WorldTimes) durations() []namedDuration {
	return []namedDuration{
		{"detectAfter", &t.DetectAfter},
		{"recoverAfter", &t.RecoverAfter},
		{"connectHold", &t.ConnectHold},
		{"directConnectHold", &t.DirectConnectHold},
		{"vpnHold", &t.VPNHold},
		{"bgpRestartAfter", &t.BGPRestartAfter},
		{"advertiseAfter", &t.AdvertiseAfter},
		{"vpnLogDelay", &t.VPNLogDelay},
		{"statusCheckAfter", &t.StatusCheckAfter},
		{"telemetryLag", &t.TelemetryLag},
		{"eventDelay", &t.EventDelay},
		{"callEventDelay", &t.CallEventDelay},
		{"prefixListModifyTime", &t.PrefixListModifyTime},
	}
}

// counts are the numbers that must not be negative, by their keys.
func (t *WorldTimes) counts() []namedCount {
	return []namedCount{
		{"vpcRouteQuota", &t.VPCRouteQuota, "write a number of routes, or leave it out"},
		{"transitGatewayRouteQuota", &t.TransitGatewayRouteQuota, "write a number of routes, or leave it out"},
		{"pageLimit", &t.PageLimit, "write how many items a page has at most, or leave it out"},
	}
}

type namedDuration struct {
	key   string
	value *config.Duration
}

type namedCount struct {
	key    string
	value  *int
	remedy string
}

// FaultSpec are the faults of a scenario. Chances are from 0 to 1 per
// opportunity.
type FaultSpec struct {
	// Until switches the random faults off; zero: they last.
	Until    config.Duration `json:"until,omitzero"`
	Throttle float64         `json:"throttle,omitempty"`
	// ThrottleBurst bounds how many calls of one API a burst of throttling hits.
	ThrottleBurst int     `json:"throttleBurst,omitempty"`
	ErrorBefore   float64 `json:"errorBefore,omitempty"`
	ErrorAfter    float64 `json:"errorAfter,omitempty"`
	DropAnswer    float64 `json:"dropAnswer,omitempty"`
	Stale         float64 `json:"stale,omitempty"`
	// MaxStale bounds how old a stale reading is.
	MaxStale     config.Duration `json:"maxStale,omitzero"`
	PageFails    float64         `json:"pageFails,omitempty"`
	TokenInvalid float64         `json:"tokenInvalid,omitempty"`
	Kill         float64         `json:"kill,omitempty"`
	Freeze       float64         `json:"freeze,omitempty"`
	// MaxFreeze bounds how long a function is frozen.
	MaxFreeze   config.Duration `json:"maxFreeze,omitzero"`
	LoseEvent   float64         `json:"loseEvent,omitempty"`
	DoubleEvent float64         `json:"doubleEvent,omitempty"`
	// MaxEventDelay bounds how late an event is delivered; different delays
	// change the order.
	MaxEventDelay config.Duration `json:"maxEventDelay,omitzero"`
	StoreError    float64         `json:"storeError,omitempty"`
	DoubleWake    float64         `json:"doubleWake,omitempty"`
	// EarlyWake is the chance that a wake-up comes up to a second early.
	EarlyWake float64 `json:"earlyWake,omitempty"`
	// Rules are faults at exact places.
	Rules []RuleSpec `json:"rules,omitempty"`
}

// RuleSpec is one scripted fault: it hits the Nth call of an action, and the
// following Times-1; see sim.FaultRule.
type RuleSpec struct {
	Action string `json:"action,omitempty"`
	// Writes narrows the rule to calls that change something, Process to the functions
	// whose names begin so, such as failback-advance.
	Writes  bool   `json:"writes,omitempty"`
	Process string `json:"process,omitempty"`
	Nth     int    `json:"nth,omitempty"`
	Times   int    `json:"times,omitempty"`
	// Kind is one of sim's fault kinds: throttle, error-before, error-after,
	// lost-answer, drop-answer, stale, page-fails, next-token-invalid, delay, kill,
	// kill-after, freeze.
	Kind sim.FaultKind `json:"kind"`
	Code string        `json:"code,omitempty"`
	// For is the length of a freeze or delay, and the age of a stale reading.
	For config.Duration `json:"for,omitzero"`
}

// faults turns the spec into the faults of a rig.
func (f FaultSpec) faults() Faults {
	out := Faults{
		Calls: sim.FaultPlan{Enabled: true, Rates: sim.FaultRates{
			Throttle: f.Throttle, ThrottleBurst: f.ThrottleBurst, ErrorBefore: f.ErrorBefore, ErrorAfter: f.ErrorAfter,
			DropAnswer: f.DropAnswer, Stale: f.Stale, MaxStale: time.Duration(f.MaxStale),
			PageFails: f.PageFails, NextTokenInvalid: f.TokenInvalid,
			KillAtYield: f.Kill, FreezeAtYield: f.Freeze, MaxFreeze: time.Duration(f.MaxFreeze),
		}},
		Events:     sim.EventFaults{Lose: f.LoseEvent, Double: f.DoubleEvent, MaxDelay: time.Duration(f.MaxEventDelay)},
		StoreError: f.StoreError, DoubleWake: f.DoubleWake, EarlyWake: f.EarlyWake,
	}
	for _, r := range f.Rules {
		out.Calls.Rules = append(out.Calls.Rules, sim.FaultRule{
			Action: r.Action, Writes: r.Writes, Process: r.Process, Nth: r.Nth, Times: r.Times, Fault: r.Kind, Code: r.Code, Duration: time.Duration(r.For),
		})
	}
	return out
}

// Expect is what a scenario expects. It is written by hand.
type Expect struct {
	// Reach are expectations of who reaches whom, at instants of the run.
	Reach []ReachExpectation `json:"reach,omitempty"`
	// Tables are expectations of single routes, at instants of the run.
	Tables []TableExpectation `json:"tables,omitempty"`
	// Failbacks are expectations of how failbacks stand, at instants of the run.
	Failbacks []FailbackExpectation `json:"failbacks,omitempty"`
	// ConvergedBy is when every group must stand wholly on one path, after which
	// nothing more is written; zero: not checked.
	ConvergedBy config.Duration `json:"convergedBy,omitzero"`
	// Metrics are bounds of the run's figures, by name.
	Metrics map[string]Bound `json:"metrics,omitempty"`
}

// ReachExpectation says who reaches whom at an instant.
type ReachExpectation struct {
	At config.Duration `json:"at"`
	// Everyone expects every host to reach every other.
	Everyone bool `json:"everyone,omitempty"`
	// From and To name one pair; Reachable is what is expected of it.
	From      string `json:"from,omitempty"`
	To        string `json:"to,omitempty"`
	Reachable bool   `json:"reachable,omitempty"`
}

// TableExpectation says where a route points at an instant: Target for the static
// one, or Learned for the one that the table shows as propagated. "none" expects
// that there is no such route.
type TableExpectation struct {
	At          config.Duration `json:"at"`
	Table       string          `json:"table"`
	Destination string          `json:"destination"`
	Target      string          `json:"target,omitempty"`
	Learned     string          `json:"learned,omitempty"`
}

// FailbackExpectation says how the last failback of a group stands at an instant.
type FailbackExpectation struct {
	At    config.Duration `json:"at"`
	Group string          `json:"group"`
	// Is is none, open, ending (its authority is over and routes are on their way), or
	// what it came to: restored, as-before, superseded or held-partial.
	Is string `json:"is,omitempty"`
	// Over is the reason for which its authority ended.
	Over string `json:"over,omitempty"`
	// State is the state that the state machine is in, or was in last; Execution is the
	// name of the execution, by default the one that was started last.
	State     string `json:"state,omitempty"`
	Execution string `json:"execution,omitempty"`
}

// Bound bounds a figure: Min ≤ figure ≤ Max. Exactly sets both.
type Bound struct {
	Exactly *float64 `json:"exactly,omitempty"`
	Min     *float64 `json:"min,omitempty"`
	Max     *float64 `json:"max,omitempty"`
}
