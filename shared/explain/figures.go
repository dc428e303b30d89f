package explain

import (
	"time"

	"detour/shared/config"
)

// Figure is a time that passes before something is known, with its source. A
// range says that it depends on settings that the configuration does not show.
type Figure struct {
	// Name is what steps call it.
	Name string          `json:"name"`
	Min  config.Duration `json:"min"`
	Max  config.Duration `json:"max"`
	// What says what takes the time, and on what it depends.
	What string `json:"what"`
	// Source is where the figure comes from.
	Source string `json:"source"`
	// Unverified: the figure is a field report, or sources disagree. Nothing in
	// Detour relies on it.
	Unverified bool `json:"unverified,omitempty"`
}

// The names of the figures.
const (
	figureDPD         = "dead peer detection"
	figureConnectHold = "Connect hold time"
	figureSweep       = "sweep"
	figureNetworkMgr  = "Network Manager event"
	figureAlarm       = "alarm"
	figureStatusCheck = "EC2 status check"
	figureHoldOff     = "hold-off"
	figureBGP         = "BGP failover"
)

const second, minute = config.Duration(time.Second), config.Duration(time.Minute)

// figures is the one table of detection times. The sweep's depends on the
// period, which c has.
func figures(c config.Config) []Figure {
	return []Figure{
		{
			Name: figureDPD, Min: 30 * second, Max: 40 * second,
			What:   "AWS takes a tunnel for dead when its peer has not answered for the DPD timeout of the tunnel, 30 or 40 s by default; DescribeVpnConnections has the value. A far end that is only disabled can leave the tunnel up for longer",
			Source: "AWS Site-to-Site VPN User Guide, tunnel options; EC2 API, VpnTunnelOptionsSpecification (30 s) and ModifyVpnTunnelOptionsSpecification (40 s)",
		},
		{
			Name: figureConnectHold, Min: 30 * second, Max: 30 * second,
			What:   "a BGP session of a Connect peer ends after its hold time; Connect has no BFD. Older copies of the page say 90 s, which is UNVERIFIED",
			Source: "Amazon VPC Transit Gateways, Connect attachments (keepalive 10 s, hold time 30 s)",
		},
		{
			Name: figureSweep, Min: 0, Max: 2 * c.Timers.SweepPeriod,
			What:   "the sweep reads everything without any event; a schedule fires with a precision of 60 s, so two periods can lie between two sweeps",
			Source: "EventBridge Scheduler User Guide, schedule types; timers.sweepPeriod",
		},
		{
			Name: figureNetworkMgr, Min: 0, Max: 2 * minute, Unverified: true,
			What:   "Network Manager sends events as best effort: late, twice, out of order, or never. AWS says near real time; one field report says 60 to 120 s. The transit gateway must be registered in a global network, and the rule must stand where networkManager says",
			Source: "EventBridge Events Reference, Network Manager (best effort); field report on IPsec failover with Lambda",
		},
		{
			Name: figureAlarm, Min: minute, Max: 340 * second, Unverified: true,
			What:   "an alarm needs its period times its evaluation periods: 60 s is the shortest with a metric of standard resolution, and 340 s passed in AWS's sample with 300 s. CloudWatch guarantees to deliver the event. A Route 53 health check adds its interval (10 or 30 s) times its failure threshold (3 by default), and AWS speaks of several minutes",
			Source: "CloudWatch API, PutMetricAlarm; CloudWatch User Guide, alarm events and EventBridge; Route 53 Developer Guide",
		},
		{
			Name: figureStatusCheck, Min: minute, Max: 2 * minute, Unverified: true,
			What:   "the status checks of an instance run about once a minute; how many must fail is not published",
			Source: "EC2 User Guide, status checks",
		},
		{
			Name: figureBGP, Min: 10 * second, Max: 30 * second, Unverified: true,
			What:   "what BGP itself takes to leave a dead VPN connection on a transit gateway, according to field reports",
			Source: "AWS re:Post, transit gateway with a backup VPN path",
		},
	}
}

// figureNamed finds a figure. The hold-off is the group's own.
func figureNamed(all []Figure, name string) Figure {
	for _, f := range all {
		if f.Name == name {
			return f
		}
	}
	return Figure{}
}
