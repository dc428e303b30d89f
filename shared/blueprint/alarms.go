package blueprint

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"

	"detour/shared/protection"
	"detour/shared/route"
)

// What an Alarm makes of missing data, and how it compares (CloudWatch API,
// PutMetricAlarm).
const (
	MissingIsBad  = "breaching"
	MissingIsGood = "notBreaching"
	Below         = "LessThanThreshold"
	AtLeast       = "GreaterThanOrEqualToThreshold"
)

// The statistics that alarms use.
const (
	Sum     = "Sum"
	Maximum = "Maximum"
	Minimum = "Minimum"
)

// maxAlarmPeriod is the longest period of an alarm's metric (CloudWatch API,
// PutMetricAlarm: 86,400 seconds in all, where the period is shorter than an hour).
const maxAlarmPeriod = 24 * time.Hour

// Alarm is a CloudWatch alarm on one metric.
type Alarm struct {
	Name string
	// Description is what somebody reads who was woken by the alarm. Its last word
	// is the file of the runbook, relative to the repository.
	Description string
	Namespace   string
	Metric      string
	// Dimensions maps the names of all dimensions of the metric to their values.
	Dimensions map[string]string
	Statistic  string
	// Period is a whole number of minutes, and Periods of them in a row set the
	// alarm off.
	Period     time.Duration
	Periods    int
	Threshold  float64
	Comparison string
	// Missing is what a period without data counts as.
	Missing string
}

// Runbook returns the file of the alarm's runbook, relative to the repository.
func (a Alarm) Runbook() string { return a.Description[strings.LastIndex(a.Description, " ")+1:] }

// describe writes a description: how urgent it is, what is the matter, and the
// runbook.
func describe(urgency, what, runbook string) string {
	return urgency + ": " + what + " Runbook: docs/runbook/" + runbook + ".md"
}

// How urgent an alarm is: page wakes somebody, ticket waits until the morning.
const (
	page   = "PAGE"
	ticket = "TICKET"
)

// own is an alarm on one of Detour's own metrics. All are the sweep's: it sees
// every group in every period, so a trouble that lasts has data without gaps,
// which the function for events has not.
type own struct {
	name, metric string
	urgency      string
	what         string
	runbook      string
	// sweeps are the periods of the sweep in a period of the alarm, and days its
	// length where that is none of the sweep's doing.
	sweeps, days int
	periods      int
	threshold    float64
	// missed: the alarm is on what does not happen.
	missed bool
	// groups and filters: there is none where the home has no group, or no filter.
	groups, filters bool
}

// ownAlarms are the alarms on Detour's own metrics. The alarms on a state have two
// sweeps in a period, so that a sweep that begins late leaves none without data.
func ownAlarms() []own {
	return []own{
		{
			name: "contended", metric: "Contended", urgency: page, runbook: "contended", sweeps: 2, periods: 1, threshold: 1,
			what: "Somebody keeps undoing routes, and Detour no longer writes them: a failure of the path in use would not move them.",
		},
		{
			name: "denied", metric: "Denied", groups: true, urgency: page, runbook: "denied", days: 1, periods: 1, threshold: 1,
			what: "The daily rehearsal found writes that AWS would deny: a switchover of these groups would fail.",
		},
		{
			name: "filter-held", metric: "FilterHeld", filters: true, urgency: page, runbook: "filter-held", sweeps: 2, periods: 1, threshold: 1,
			what: "A route that a filter denies stands or could stand in a table, and the filter cannot help it.",
		},
		{
			name: "filter-measures", metric: "FilterMeasures", filters: true, urgency: ticket, runbook: "filter-measures", sweeps: 2, periods: 1, threshold: 1,
			what: "Somebody announces a route that a filter denies, and the filter keeps it out. It is theirs to take back.",
		},
		{
			name: "held-partial", metric: "HeldPartial", groups: true, urgency: page, runbook: "held-partial", sweeps: 2, periods: 1, threshold: 1,
			what: "An immediate freeze stopped a change in the middle: some routes lead to one path, some to the other.",
		},
		{
			name: "mass-failure", metric: "MassFailure", groups: true, urgency: page, runbook: "mass-failure", sweeps: 2, periods: 1, threshold: 1,
			what: "More groups wanted to move at once than the configuration allows; the rest wait for detour release.",
		},
		{
			name: "no-sweeps", metric: "Sweeps", urgency: page, runbook: "no-sweeps", sweeps: 5, periods: 1, threshold: 1, missed: true,
			what: "For five sweeps nobody has looked at the paths.",
		},
		{
			name: "no-usable-path", metric: "NoUsablePath", groups: true, urgency: page, runbook: "no-usable-path", sweeps: 2, periods: 1, threshold: 1,
			what: "The path in use is down, and no other path of the group is usable.",
		},
		{
			name: "not-rehearsed", metric: "Rehearsed", groups: true, urgency: ticket, runbook: "denied", days: 1, periods: 2, threshold: 1, missed: true,
			what: "For two days no planned write was rehearsed, so nobody knows whether AWS would deny any.",
		},
		{
			name: "unannounced", metric: "Unannounced", urgency: ticket, runbook: "unannounced", days: 1, periods: 1, threshold: 3,
			what: "Three times within a day a sweep found a change that no event had told of: events are not arriving.",
		},
		{
			name: "unreadable", metric: "SensorProblems", urgency: page, runbook: "unreadable", sweeps: 2, periods: 3, threshold: 1,
			what: "Detour cannot read a table, a prefix list or a path, and does not act on what it cannot see.",
		},
		{
			name: "write-failures", metric: "WriteFailures", urgency: page, runbook: "write-failures", sweeps: 2, periods: 2, threshold: 1,
			what: "AWS keeps refusing routes that Detour has decided on.",
		},
	}
}

// Alarms returns the alarms of a home that tell people, sorted by name. Those on
// the tunnels are not among them: they are hints for Detour.
func Alarms(home Home) []Alarm {
	sweep := home.sweepPeriod()
	out := []Alarm{deadLetters(QueueDead)}
	for _, w := range home.Wakes {
		out = append(out, deadLetters(w.Dead))
	}
	for _, o := range ownAlarms() {
		if o.groups && len(home.Groups) == 0 || o.filters && len(home.Filters) == 0 {
			continue
		}
		a := Alarm{
			Name: "detour-" + o.name, Description: describe(o.urgency, o.what, o.runbook),
			Namespace: "Detour", Metric: o.metric, Dimensions: map[string]string{"Function": shortName(FunctionSweep)},
			Statistic: Sum, Period: min(time.Duration(o.sweeps)*sweep, maxAlarmPeriod), Periods: o.periods,
			Threshold: o.threshold, Comparison: AtLeast, Missing: MissingIsGood,
		}
		if o.days > 0 {
			a.Period = time.Duration(o.days) * 24 * time.Hour
		}
		if o.missed {
			a.Comparison, a.Missing = Below, MissingIsBad
		}
		out = append(out, a)
	}
	for _, f := range home.Functions {
		out = append(out, functionAlarms(f)...)
	}
	out = append(out, failbackAlarms(home)...)
	for _, id := range home.Gateways {
		out = append(out, blackholeDrops("TransitGateway", id))
	}
	for _, id := range home.Attachments {
		out = append(out, blackholeDrops("TransitGatewayAttachment", id))
	}
	return sortedAlarms(out)
}

// ForwardAlarms returns the alarms of a site that forwards events. There is nobody
// there whom they could tell.
func ForwardAlarms(Forward) []Alarm { return []Alarm{deadLetters(QueueForwardDead)} }

// tunnelAlarm is the alarm on the tunnels of a VPN connection. It tells nobody: its
// change of state is an event that makes Detour look sooner.
//
// The metric of a connection joins both tunnels: its maximum is 1 while any of
// them is up, and its minimum is less than 1 while any is not (Site-to-Site VPN
// User Guide, "Monitor AWS Site-to-Site VPN tunnels using Amazon CloudWatch"). A
// configuration knows no tunnel's address, so there is none of one tunnel.
func tunnelAlarm(vpn string, minTunnels int, paths []string) Alarm {
	a := Alarm{
		Name: "detour-tunnels-" + vpn, Namespace: "AWS/VPN", Metric: "TunnelState", Dimensions: map[string]string{"VpnId": vpn},
		Statistic: Maximum, Period: time.Minute, Periods: 1, Comparison: Below, Threshold: 1, Missing: MissingIsBad,
	}
	what := "no tunnel is up"
	if minTunnels > 1 {
		a.Name += "-each"
		a.Statistic = Minimum
		what = "a tunnel is not up"
	}
	a.Description = fmt.Sprintf("VPN connection %s, path %s: %s. A hint that makes Detour look, and never evidence: Detour asks EC2 itself.", vpn, strings.Join(paths, ", "), what)
	return a
}

// TunnelAlarms returns the alarms of the VPN connections at a site, in the order of
// the tunnels. Paths that are of the same connection and need as many tunnels share
// one.
func TunnelAlarms(tunnels []Tunnel) []Alarm {
	type kind struct {
		vpn string
		min int
	}
	paths := map[kind][]string{}
	var kinds []kind
	for _, t := range tunnels {
		k := kind{t.VPN, min(max(t.MinTunnels, 1), 2)}
		if !slices.Contains(kinds, k) {
			kinds = append(kinds, k)
		}
		paths[k] = append(paths[k], t.Group+"/"+t.Path)
	}
	var out []Alarm
	for _, k := range kinds {
		out = append(out, tunnelAlarm(k.vpn, k.min, paths[k]))
	}
	return out
}

func sortedAlarms(alarms []Alarm) []Alarm {
	slices.SortFunc(alarms, func(a, b Alarm) int { return cmp.Compare(a.Name, b.Name) })
	return alarms
}

// deadLetters is the alarm on messages in a dead-letter queue. It lasts as long as
// they lie there.
func deadLetters(queue string) Alarm {
	return Alarm{
		Name:        queue + "-letters",
		Description: describe(ticket, "Messages that should have made Detour look were given up on, and lie in the queue "+queue+".", "dead-letters"),
		Namespace:   "AWS/SQS", Metric: "ApproximateNumberOfMessagesVisible", Dimensions: map[string]string{"QueueName": queue},
		Statistic: Maximum, Period: time.Minute, Periods: 1, Threshold: 1, Comparison: AtLeast, Missing: MissingIsGood,
	}
}

// functionAlarms are the alarms on what Lambda counts. One error is tried again
// after a minute; three within five minutes are an invocation that never went
// well, or every sweep.
func functionAlarms(f Function) []Alarm {
	of := func(metric, urgency, what string, threshold float64) Alarm {
		return Alarm{
			Name:        f.Name + "-" + strings.ToLower(metric),
			Description: describe(urgency, what, "function-errors"),
			Namespace:   "AWS/Lambda", Metric: metric, Dimensions: map[string]string{"FunctionName": f.Name},
			Statistic: Sum, Period: 5 * time.Minute, Periods: 1, Threshold: threshold, Comparison: AtLeast, Missing: MissingIsGood,
		}
	}
	return []Alarm{
		of("Errors", page, "Invocations of "+f.Name+" keep failing.", 3),
		of("Throttles", page, "Lambda has no room for "+f.Name+": the concurrency of the account is used up.", 1),
	}
}

// blackholeDrops is the alarm on packets that a transit gateway drops because they
// match a blackhole route: what is left when no switchover happened (Amazon VPC
// Transit Gateways, CloudWatch metrics, which is where its dimensions are from; the
// metrics are in the account that owns the gateway). Whether each attachment of
// its own has the metric without the gateway beside it is UNVERIFIED by a
// measurement.
func blackholeDrops(dimension, id string) Alarm {
	return Alarm{
		Name:        "detour-blackhole-drops-" + id,
		Description: describe(page, id+" has dropped packets on a blackhole route for three minutes.", "blackhole-drops"),
		Namespace:   "AWS/TransitGateway", Metric: "PacketDropCountBlackhole", Dimensions: map[string]string{dimension: id},
		Statistic: Sum, Period: time.Minute, Periods: 3, Threshold: 1, Comparison: AtLeast, Missing: MissingIsGood,
	}
}

// shortName is the name by which a function calls itself in its metrics.
func shortName(function string) string { return strings.TrimPrefix(function, "detour-") }

// sweepPeriod is the period of the home's sweep.
func (h Home) sweepPeriod() time.Duration {
	for _, s := range h.Schedules {
		minutes := 0
		if _, err := fmt.Sscanf(s.Expression, "rate(%d minute", &minutes); err == nil && s.Name == ScheduleSweep {
			return time.Duration(minutes) * time.Minute
		}
	}
	return time.Minute
}

// dropping returns what the drops of a home's transit gateways are counted of:
// the gateways that VPC tables of the home's Region lead to, or, where the groups
// name none, the attachments that the home's own gateway tables lead to.
func dropping(at Site, groups []protection.Group) (gateways, attachments []string) {
	for _, g := range groups {
		for _, unit := range g.Units {
			for _, entry := range unit.Entries {
				if entry.Table.Region != at.Region {
					continue
				}
				for _, next := range entry.NextHops {
					switch {
					case next.NextHop.Kind == route.TransitGateway:
						gateways = append(gateways, next.NextHop.ID)
					case next.NextHop.Kind == route.TransitGatewayAttachment && entry.Table.Account == at.Account:
						attachments = append(attachments, next.NextHop.ID)
					}
				}
			}
		}
	}
	if len(gateways) > 0 {
		attachments = nil
	}
	return sorted(gateways), sorted(attachments)
}
