package stack

import (
	"encoding/json"
	"strings"
	"time"
)

// Site is an account in a Region.
type Site struct{ Account, Region string }

// Partition is the AWS partition of the Region.
func (s Site) Partition() string {
	switch {
	case strings.HasPrefix(s.Region, "cn-"):
		return "aws-cn"
	case strings.HasPrefix(s.Region, "us-gov-"):
		return "aws-us-gov"
	default:
		return "aws"
	}
}

// String names the site in an error or a line.
func (s Site) String() string { return s.Account + " in " + s.Region }

// urlSuffix is the domain of the partition's endpoints.
func (s Site) urlSuffix() string {
	if s.Partition() == "aws-cn" {
		return "amazonaws.com.cn"
	}
	return "amazonaws.com"
}

// ARN is the ARN of a resource of a service here.
func (s Site) ARN(service, rest string) string {
	return "arn:" + s.Partition() + ":" + service + ":" + s.Region + ":" + s.Account + ":" + rest
}

// RoleARN is the ARN of a role without a path. Roles are the account's in all
// its Regions.
func (s Site) RoleARN(name string) string {
	return "arn:" + s.Partition() + ":iam::" + s.Account + ":role/" + name
}

// BusARN is the ARN of an event bus.
func (s Site) BusARN(name string) string { return s.ARN("events", "event-bus/"+name) }

// QueueURL is the URL that AWS gives a queue.
func (s Site) QueueURL(name string) string {
	return "https://sqs." + s.Region + "." + s.urlSuffix() + "/" + s.Account + "/" + name
}

// DefaultBus is the bus that every account has in every Region.
const DefaultBus = "default"

// Assembly is what a cloud assembly describes, its stacks sorted by name.
type Assembly struct{ Stacks []Stack }

// Stack is what one template describes. The resources of each type are sorted by
// logical id.
type Stack struct {
	Site
	// Name is the stack's id in the assembly.
	Name string

	Functions     []Function
	InvokeConfigs []InvokeConfig
	Permissions   []Permission
	Mappings      []Mapping
	Roles         []Role
	Rules         []Rule
	BusPolicies   []BusPolicy
	Schedules     []Schedule
	Queues        []Queue
	QueuePolicies []ResourcePolicy
	Tables        []Table
	Topics        []Topic
	TopicPolicies []ResourcePolicy
	Subscriptions []Subscription
	Keys          []Key
	LogGroups     []LogGroup
	LogFilters    []SubscriptionFilter
	Alarms        []Alarm
	Dashboards    []Dashboard
	StateMachines []StateMachine
	// Outputs are the values of the outputs.
	Outputs map[string]string
}

// Resource is what all resources have. ARN is empty for what has none.
type Resource struct{ LogicalID, Name, ARN string }

// Function is a Lambda function.
type Function struct {
	Resource
	// Asset is the folder of its code, from the assembly's folder on: bootstrap is
	// in it, and what lies beside it.
	Asset string
	// Architecture is arm64 or x86_64.
	Architecture string
	// Role is the ARN of the role whose permissions it has.
	Role        string
	Environment map[string]string
	Timeout     time.Duration
	MemoryMB    int
	// Reserved is the reserved concurrency; 0: there is none.
	Reserved int
	// LogGroup is the name of its log group; empty: the one that Lambda makes.
	LogGroup string
}

// InvokeConfig says what Lambda does with asynchronous invocations of a function.
type InvokeConfig struct {
	Resource
	// Function is the function's ARN.
	Function string
	// MaxAge is how old an event may become, Retries how often it is tried again
	// after a function error. The defaults are Lambda's: 6 h and 2.
	MaxAge  time.Duration
	Retries int
	// OnFailure is the ARN of the queue for what was given up; empty: it is lost.
	OnFailure string
}

// The defaults of asynchronous invocations, and their limits (Lambda API
// reference, PutFunctionEventInvokeConfig).
const (
	DefaultMaxAge  = 6 * time.Hour
	DefaultRetries = 2
)

// Permission is a statement of a function's resource policy.
type Permission struct {
	Resource
	// Function is the function's ARN.
	Function  string
	Action    string
	Principal string
	// SourceARN may have wildcards; it and SourceAccount are empty where the
	// statement does not ask for them.
	SourceARN, SourceAccount string
}

// Mapping is an event source mapping of a queue.
type Mapping struct {
	Resource
	// Queue and Function are ARNs.
	Queue, Function string
	BatchSize       int
	// Concurrency is the maximum concurrency; 0: it is not limited.
	Concurrency int
	// Partial: the function's answer names the messages that were not done.
	Partial bool
	Enabled bool
}

// Role is an IAM role with its policies, whole.
type Role struct {
	Resource
	// Trust is the policy that says who may assume it.
	Trust Policy
	// Policies are its inline policies by name.
	Policies []NamedPolicy
	// MaxSession is the longest session; 0: the default, an hour.
	MaxSession time.Duration
}

// NamedPolicy is an inline policy of a role.
type NamedPolicy struct {
	Name string
	Policy
}

// Rule is a rule of an event bus.
type Rule struct {
	Resource
	Bus     string
	Pattern json.RawMessage
	Enabled bool
	Targets []Target
}

// Target is a target of a rule.
type Target struct {
	// ID is its id among the rule's.
	ID string
	// ARN is that of a function, an event bus, a topic or a queue.
	ARN string
	// Role is the ARN of the role that the target is called with; empty: the target's
	// own policy says that it may be called.
	Role string
	// Input is what the target gets in place of the event; Template makes it from
	// the event. At most one of both is there.
	Input    json.RawMessage
	Template *Template
	Delivery
}

// Delivery says what becomes of what cannot be delivered.
type Delivery struct {
	// DeadLetter is the ARN of a queue; empty: it is lost.
	DeadLetter string
	MaxAge     time.Duration
	Retries    int
}

// BusPolicy is a statement of the resource policy of an event bus.
type BusPolicy struct {
	Resource
	Bus       string
	Statement Statement
	// Document is the statement as it was written.
	Document json.RawMessage
}

// Schedule is a schedule of EventBridge Scheduler.
type Schedule struct {
	Resource
	Expression Expression
	Enabled    bool
	// Target is the ARN of a function, Role that of the role which invokes it.
	Target, Role string
	Input        json.RawMessage
	Delivery
}

// Queue is a standard queue.
type Queue struct {
	Resource
	URL        string
	Visibility time.Duration
	Retention  time.Duration
	// DeadLetter is the ARN of the queue for what was received MaxReceives times;
	// empty: there is no limit.
	DeadLetter  string
	MaxReceives int
}

// ResourcePolicy is the policy of queues or topics.
type ResourcePolicy struct {
	Resource
	// Of are the queues' URLs, or the topics' ARNs.
	Of []string
	Policy
}

// Table is a DynamoDB table with the keys pk and sk, both strings.
type Table struct {
	Resource
	// Expires is the attribute with the time to live; empty: there is none.
	Expires string
	// Recovery: point in time; Protected: against deletion.
	Recovery, Protected bool
}

// Topic is a standard topic. Key is the id, alias or ARN of the key that it is
// encrypted with; empty: none.
type Topic struct {
	Resource
	Key string
}

// Subscription is a subscription of a topic.
type Subscription struct {
	Resource
	Topic, Protocol, Endpoint string
}

// Key is a KMS key. Name is its id, and Aliases are its names.
type Key struct {
	Resource
	Policy
	Aliases []string
	Rotated bool
}

// LogGroup is a log group. Days is its retention; 0: for ever.
type LogGroup struct {
	Resource
	Days int
}

// Alarm is a metric alarm. The lab evaluates those that Tunnels can say, and no
// other.
type Alarm struct {
	Resource
	Description string
	// Actions, OK and Insufficient are ARNs of topics.
	Actions, OK, Insufficient []string
	ActionsEnabled            bool
	// Namespace, Metric, Dimensions, Statistic and Period say what is measured;
	// they are empty for an alarm over an expression.
	Namespace, Metric, Statistic string
	Dimensions                   map[string]string
	Period                       time.Duration
	Comparison, Missing          string
	Threshold                    float64
	Periods, Datapoints          int
	// Expressions is the number of expressions and metrics of an alarm over several.
	Expressions int
}

// Tunnels returns the VPN connection whose tunnels an alarm watches in the way
// that the simulated CloudWatch can: it is in alarm while no tunnel is up.
func (a Alarm) Tunnels() (vpn string, ok bool) {
	vpn = a.Dimensions["VpnId"]
	ok = a.Namespace == "AWS/VPN" && a.Metric == "TunnelState" && len(a.Dimensions) == 1 && vpn != "" && a.Statistic == "Maximum" &&
		a.Comparison == "LessThanThreshold" && a.Threshold > 0 && a.Threshold <= 1 && a.Missing == "breaching"
	return vpn, ok
}

// Dashboard is a CloudWatch dashboard.
type Dashboard struct {
	Resource
	Body json.RawMessage
}
