package blueprint

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"
)

// Limits of a dashboard (CloudWatch API reference, "Dashboard body structure and
// syntax"): its width, the alarms in one widget, and as many lines as somebody
// can tell apart.
const (
	dashboardWidth = 24
	maxAlarms      = 100
	maxLines       = 50
)

// DashboardName is the name of a home's dashboard.
func DashboardName(home Home) string { return "detour-" + home.Region }

// dashboardQuery is what the dashboard asks the log groups of the functions:
// the newest decisions that changed something or are worth a warning.
const dashboardQuery = `fields @timestamp, group, action, reason, from, to, status, paths, writes, failures, skipped, contended, writers, error
| filter msg in ["decision", "denied", "undecided", "looking at everything failed", "not begun"]
| sort @timestamp desc
| limit 50`

// filterQuery is the same of filters.
const filterQuery = `fields @timestamp, status, verdicts, held, writes, failures, left, unreadable, error
| filter msg = "filter"
| sort @timestamp desc
| limit 50`

// Dashboard returns the body of a home's dashboard as JSON. It is read from the top
// by somebody who has just been woken: is Detour alive and is anything held; then
// what it did, what keeps it from doing so, and what it works on.
func Dashboard(home Home) []byte {
	alarms := Alarms(home)
	d := dashboard{home: home}
	d.row(3, d.text(home))
	d.row(6, d.alive(), d.held())
	d.row(alarmsHeight(len(alarms)), d.alarms(alarms))
	d.row(6,
		d.chart("Switchovers, and what would move but may not", "Sum", d.groups("Switchovers"), d.groups("WouldMove")),
		d.chart("Contended and foreign: somebody else's routes", "Sum", d.sweep("Contended"), d.sweep("Foreign")),
		d.chart("Writes that failed or were given up on", "Sum", d.all("WriteFailures"), d.all("Throttled"), d.all("Unfinished"), d.all("OutOfTime")),
	)
	if len(home.Filters) > 0 {
		d.row(6, d.filters())
	}
	if len(home.Tunnels) > 0 {
		d.row(6, d.tunnels())
	}
	d.row(9, d.log("The last decisions", dashboardQuery, FunctionRouteFilter))
	if len(home.Filters) > 0 {
		d.row(6, d.log("What filters kept out, or could not", filterQuery, FunctionSwitchover))
	}
	d.row(6,
		d.chart("Telemetry lag: how late AWS's view of a tunnel is (ms)", "Maximum", d.groups("TelemetryLagMs")),
		d.chart("A run for one group, 99th percentile (ms)", "p99", d.groups("RunMs")),
		d.chart("A look at all groups (ms)", "Maximum", d.groups("SweepMs")),
	)
	d.row(6, d.functions(), d.letters(), d.sight())
	if home.Failback != nil {
		d.row(6, d.failbacks())
	}
	if len(home.Gateways)+len(home.Attachments) > 0 {
		d.row(6, d.drops())
	}
	body, err := json.Marshal(map[string]any{"widgets": d.widgets})
	if err != nil {
		panic(err) // Texts and numbers always marshal.
	}
	return body
}

// dashboard gathers widgets, row by row.
type dashboard struct {
	home    Home
	widgets []widget
	y       int
}

type widget struct {
	Type       string         `json:"type"`
	X          int            `json:"x"`
	Y          int            `json:"y"`
	Width      int            `json:"width"`
	Height     int            `json:"height"`
	Properties map[string]any `json:"properties"`
}

// row adds widgets that share the width.
func (d *dashboard) row(height int, widgets ...widget) {
	width := dashboardWidth / len(widgets)
	for i, w := range widgets {
		w.X, w.Y, w.Width, w.Height = i*width, d.y, width, height
		d.widgets = append(d.widgets, w)
	}
	d.y += height
}

// series is one line of a chart: namespace, metric, and names and values of the
// dimensions, then how it is drawn.
type series = []any

func (d *dashboard) text(home Home) widget {
	return widget{Type: "text", Properties: map[string]any{"markdown": fmt.Sprintf(
		"# Detour in %s, %s\n%s\n\n`detour status` says where every group is and what is wrong; `detour explain GROUP` why. "+
			"`detour freeze --all --why \"...\"` stops every write. Each alarm's description names its runbook.",
		home.Account, home.Region, modes(home))}}
}

// modes says how many groups and filters are in which mode.
func modes(home Home) string {
	of := func(modes map[string]int, noun string) string {
		return "observe: " + count(modes["observe"], noun) + ", enforce: " + count(modes["enforce"], noun)
	}
	out := of(home.Modes, "group")
	if len(home.Filters) > 0 {
		out += "; " + of(home.FilterModes, "filter")
	}
	return out
}

func count(n int, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return fmt.Sprintf("%d %ss", n, noun)
}

func (d *dashboard) metric(function, name string) series {
	return series{"Detour", name, "Function", function, map[string]any{"label": name + " (" + function + ")"}}
}

func (d *dashboard) sweep(name string) []series {
	return []series{d.metric(shortName(FunctionSweep), name)}
}

// all are the metric's lines of all functions.
func (d *dashboard) all(name string) []series { return d.without("", name) }

// groups are the lines of the functions for groups.
func (d *dashboard) groups(name string) []series { return d.without(FunctionRouteFilter, name) }

// without are the lines of all functions but one.
func (d *dashboard) without(function, name string) []series {
	var out []series
	for _, f := range d.home.Functions {
		if f.Name != function {
			out = append(out, d.metric(shortName(f.Name), name))
		}
	}
	return out
}

// chart draws lines against the time. The smallest period of a home's metrics is
// that of its sweep.
func (d *dashboard) chart(title, statistic string, lines ...[]series) widget {
	return widget{Type: "metric", Properties: map[string]any{
		"title": title, "region": d.home.Region, "view": "timeSeries", "stat": statistic, "period": int(d.home.sweepPeriod() / time.Second),
		"metrics": slices.Concat(lines...), "yAxis": map[string]any{"left": map[string]any{"min": 0}},
	}}
}

// mark draws a horizontal line.
func (w widget) mark(label string, value int) widget {
	w.Properties["annotations"] = map[string]any{"horizontal": []any{map[string]any{"label": label, "value": value}}}
	return w
}

func (d *dashboard) alive() widget {
	return d.chart("Is it alive? Sweeps", "Sum", d.sweep("Sweeps")).mark("alive", 1)
}

// held counts groups: a sweep counts each once, so the sum of a period with one
// sweep is their number.
func (d *dashboard) held() widget {
	return d.chart("Is anything held? Groups", "Sum", d.sweep("Held"), d.sweep("NoUsablePath"), d.sweep("MassFailure"), d.sweep("HeldPartial"))
}

// filters counts measures: a sweep counts each once, as it does groups.
func (d *dashboard) filters() widget {
	return d.chart("Filters: measures in force, and filters that cannot help", "Sum", d.sweep("FilterMeasures"), d.sweep("FilterHeld"))
}

func alarmsHeight(n int) int { return 2 + (n+5)/6 }

func (d *dashboard) alarms(alarms []Alarm) widget {
	var arns []string
	title := "Alarms"
	for i, a := range alarms {
		if i == maxAlarms {
			title = fmt.Sprintf("The first %d of %d alarms", maxAlarms, len(alarms))
			break
		}
		arns = append(arns, fmt.Sprintf("arn:%s:cloudwatch:%s:%s:alarm:%s", d.home.Partition(), d.home.Region, d.home.Account, a.Name))
	}
	return widget{Type: "alarm", Properties: map[string]any{"title": title, "alarms": arns, "sortBy": "stateUpdatedTimestamp"}}
}

func (d *dashboard) tunnels() widget {
	var ids []string
	for _, t := range d.home.Tunnels {
		ids = append(ids, t.VPN)
	}
	ids = sorted(ids)
	title := "Tunnels: 1 is up, less than 1 is a connection with a tunnel that is not"
	if len(ids) > maxLines {
		title = fmt.Sprintf("Tunnels of the first %d of %d connections", maxLines, len(ids))
		ids = ids[:maxLines]
	}
	var lines []series
	for _, id := range ids {
		lines = append(lines, series{"AWS/VPN", "TunnelState", "VpnId", id})
	}
	w := d.chart(title, "Average", lines)
	w.Properties["period"] = 60
	return w
}

// log asks the log groups of all functions but one.
func (d *dashboard) log(title, query, but string) widget {
	var sources []string
	for _, f := range d.home.Functions {
		if f.Name != but {
			sources = append(sources, "SOURCE '"+LogGroup(f.Name)+"'")
		}
	}
	if d.home.Failback != nil && but != FunctionSwitchover {
		for _, t := range d.home.Failback.Tasks {
			sources = append(sources, "SOURCE '"+LogGroup(t.Name)+"'")
		}
	}
	return widget{Type: "log", Properties: map[string]any{
		"title": title, "region": d.home.Region, "view": "table", "query": strings.Join(sources, " | ") + " | " + query,
	}}
}

func (d *dashboard) functions() widget {
	var lines []series
	for _, f := range d.home.Functions {
		for _, metric := range []string{"Errors", "Throttles"} {
			lines = append(lines, series{"AWS/Lambda", metric, "FunctionName", f.Name})
		}
	}
	return d.chart("Errors and throttles of the functions", "Sum", lines)
}

// failbacks counts the executions of the workflow.
func (d *dashboard) failbacks() widget {
	var lines []series
	for _, metric := range []string{"ExecutionsStarted", "ExecutionsSucceeded", "ExecutionsFailed", "ExecutionsTimedOut", "ExecutionsAborted"} {
		lines = append(lines, series{"AWS/States", metric, "StateMachineArn", StateMachineARN(d.home.Site)})
	}
	return d.chart("Failbacks: started, and how they ended", "Sum", lines)
}

func (d *dashboard) letters() widget {
	var lines []series
	queues := []string{QueueDead}
	for _, w := range d.home.Wakes {
		queues = append(queues, w.Dead)
	}
	for _, queue := range queues {
		lines = append(lines, series{"AWS/SQS", "ApproximateNumberOfMessagesVisible", "QueueName", queue})
	}
	return d.chart("Dead letters", "Maximum", lines)
}

func (d *dashboard) sight() widget {
	return d.chart("What Detour cannot see, and what nobody told it", "Sum", d.sweep("SensorProblems"), d.sweep("Unannounced"), d.sweep("Denied"))
}

func (d *dashboard) drops() widget {
	var lines []series
	for _, id := range d.home.Gateways {
		lines = append(lines, series{"AWS/TransitGateway", "PacketDropCountBlackhole", "TransitGateway", id})
	}
	for _, id := range d.home.Attachments {
		lines = append(lines, series{"AWS/TransitGateway", "PacketDropCountBlackhole", "TransitGatewayAttachment", id})
	}
	w := d.chart("Packets dropped on blackhole routes", "Sum", lines[:min(len(lines), maxLines)])
	w.Properties["period"] = 60
	return w
}
