package blueprint

import (
	"cmp"
	"time"

	"detour/shared/config"
)

// The physical names of what is deployed. They are explicit, so that people and
// other stacks can refer to them.
const (
	FunctionSwitchover  = "detour-switchover"
	FunctionSweep       = "detour-sweep"
	FunctionRouteFilter = "detour-routefilter"
	Table               = "detour"
	QueueWake           = "detour-wake"
	QueueWakeDead       = "detour-wake-dead"
	QueueFilterWake     = "detour-wake-filter"
	QueueFilterWakeDead = "detour-wake-filter-dead"
	QueueDead           = "detour-dead"
	QueueForwardDead    = "detour-forward-dead"
	Topic               = "detour"
	EventBus            = "default"
	ScheduleSweep       = "detour-sweep"
	ScheduleRehearse    = "detour-rehearse"
	// LogFilter is the name of the subscription filter of a log group.
	LogFilter = "detour-routefilter"
)

// LogPattern is the pattern of those events of a VPN connection's BGP log that
// tell of routes, in the output format json (Site-to-Site VPN User Guide,
// "AWS Site-to-Site VPN logs").
const LogPattern = `{ $.type = "RouteStatus" }`

// The variables of a function's environment that have the URL of a queue: the one
// that its wake-ups go to, and the one for those of filters where that is another.
const (
	VariableWake       = "DETOUR_WAKE_QUEUE"
	VariableFilterWake = "DETOUR_FILTER_WAKE_QUEUE"
)

// The file names of the patterns, in events/pattern.
const (
	PatternHealth  = "aws-health.json"
	PatternRoutes  = "cloudtrail-routes.json"
	PatternAlarm   = "cloudwatch-alarm.json"
	PatternRouting = "network-manager-routing.json"
	PatternStatus  = "network-manager-status.json"
)

// patterns returns the file names of all patterns, sorted.
func patterns() []string {
	return []string{PatternHealth, PatternRoutes, PatternAlarm, PatternRouting, PatternStatus}
}

// LogGroup returns the name of a function's log group.
func LogGroup(function string) string { return "/aws/lambda/" + function }

// Site is an account and a Region of it.
type Site struct {
	Account string
	Region  string
}

// Partition returns the partition that the Region is in: aws-cn for cn-…,
// aws-us-gov for us-gov-…, else aws.
func (s Site) Partition() string { return config.Partition(s.Region) }

// Compare orders sites by account, then by Region.
func (s Site) Compare(other Site) int {
	return cmp.Or(cmp.Compare(s.Account, other.Account), cmp.Compare(s.Region, other.Region))
}

// String returns ACCOUNT-REGION, which is how stacks are named.
func (s Site) String() string { return s.Account + "-" + s.Region }

// Statement is a statement of an IAM policy that allows something. Actions,
// Resources and the values of conditions are sorted.
type Statement struct {
	// Sid is unique in its policy; letters and digits.
	Sid       string
	Actions   []string
	Resources []string
	// Conditions maps an operator and a condition key to the values.
	Conditions map[string]map[string][]string
	// Reason says why there is a wildcard in Resources; it is empty where there is
	// none.
	Reason string
}

// Function is a Lambda function with its role.
type Function struct {
	Name string
	// Binary is the name of the function whose binary it is, which is its own but for the
	// tasks of failbacks: those share one.
	Binary string
	// Role is the name of the execution role.
	Role string
	// Timeout bounds one invocation. An asynchronous one is tried Retries times
	// more, and dropped when it is older than MaxAge; the tasks of failbacks are invoked
	// by a state machine that waits for them.
	Timeout  time.Duration
	MaxAge   time.Duration
	MemoryMB int
	Retries  int
	// Statements are the whole policy of the role.
	Statements []Statement
	// Environment are the variables whose values are known without a deployment.
	Environment map[string]string
	// Queues are the names of queues by the variables that have their URLs.
	Queues map[string]string
}

// Wake is a queue of wake-ups, with the queue for those that were given up on and
// the function that gets them.
type Wake struct{ Queue, Dead, Function string }

// Schedule starts a function again and again.
type Schedule struct {
	Name string
	// Expression is one of EventBridge Scheduler's, such as rate(1 minute).
	Expression string
	// Function is the Name of the function, and Input what it gets, one line of
	// JSON.
	Function string
	Input    string
}

// Home is a Site in which a controller runs.
type Home struct {
	Site
	// Groups are the names of the groups that this controller writes, and Modes
	// how many of them are in which mode, observe and enforce.
	Groups []string
	Modes  map[string]int
	// Filters and FilterModes are the same of the filters. Without a filter there is
	// no FunctionRouteFilter, and without a group no FunctionSwitchover.
	Filters     []string
	FilterModes map[string]int
	Functions   []Function
	// Failback is the workflow of its groups; nil where there is none.
	Failback  *Failback
	Schedules []Schedule
	Wakes     []Wake
	// Patterns are the file names of events/pattern whose rules lead to
	// FunctionSwitchover: what happens here, and what is forwarded to here.
	// FilterPatterns are those whose rules lead to FunctionRouteFilter.
	Patterns, FilterPatterns []string
	// LogGroups are the names of log groups of this site from which
	// FunctionRouteFilter gets what LogPattern matches.
	LogGroups []string
	// Tunnels are the VPN connections at this site; each has alarms here.
	Tunnels []Tunnel
	// Gateways are the transit gateways in the home's Region that the groups name;
	// where they name none, Attachments are those of the home's own gateway tables.
	// The packets that these drop are watched.
	Gateways    []string
	Attachments []string
	// From are the accounts that forward events to here and are not the home's own
	// (which needs no permission of the bus).
	From []string
}

// Forward is a Site from whose default event bus events are sent to that of
// Homes.
type Forward struct {
	Site
	Rules []Rule
	// Tunnels are the VPN connections at this site; each has alarms here, where
	// the site is not also a Home, which has them.
	Tunnels []Tunnel
}

// Rule is one rule of a Forward.
type Rule struct {
	// Pattern is a file name of events/pattern.
	Pattern string
	// OwnOnly: events are forwarded to this site too, so that the rule has to match
	// the site's own account and Region beside the pattern, or events would go in
	// circles.
	OwnOnly bool
	// Homes are those that want such events from here; none is the site itself.
	Homes []Site
}

// Homes returns all homes to which the site forwards something, sorted.
func (f Forward) Homes() []Site {
	var out []Site
	for _, rule := range f.Rules {
		out = append(out, rule.Homes...)
	}
	return sortedSites(out)
}

// Access is a role in a further account that the functions of one home assume.
type Access struct {
	Account string
	Home    Site
	// Role is the role's name. There are up to two in an account: one that writes, and one
	// that only looks, for those functions that write nothing.
	Role       string
	ExternalID string
	// Principals are the ARNs of the roles that may assume it.
	Principals []string
	Statements []Statement
}

// Trust returns the ARN that the trust policy names as principal: the home's
// whole account, of which a condition lets only Principals in. A role in the
// place of it would be replaced by its id when it is deleted, and a new role of
// that name locked out.
func (a Access) Trust() string {
	return "arn:" + a.Home.Partition() + ":iam::" + a.Home.Account + ":root"
}

// Tunnel is a VPN connection with the path for which its alarms are.
type Tunnel struct {
	VPN   string
	Group string
	Path  string
	// MinTunnels is how many tunnels the path needs: with 1 one alarm on the
	// maximum of all tunnels, else one that any tunnel sets off.
	MinTunnels int
}

// Blueprint is what a configuration is in AWS.
type Blueprint struct {
	// Homes and Forwards are sorted by site, Access by account and then by home.
	Homes    []Home
	Forwards []Forward
	Access   []Access
}

// Options is what a deployment chooses beside the configuration.
type Options struct {
	// ExternalID is asked for by the roles of further accounts; empty for
	// detour-ACCOUNT-REGION of the home.
	ExternalID string
}
