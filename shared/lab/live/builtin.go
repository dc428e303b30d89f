package live

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"time"

	"detour/shared/config"
	"detour/shared/lab"
	"detour/shared/lab/stack"
)

// What the built-in deployment's functions are given. The table, the queues and
// the role are named alike in every home.
const (
	functionPrefix = "detour-"
	recordTable    = "detour"
	invokeFunction = "lambda:InvokeFunction"
	roleTemplate   = "arn:aws:iam::{account}:role/detour"
	externalID     = "detour-lab"
	memoryMB       = 256
	// environments is how many invocations of a function run at the same time,
	// unless Options say otherwise.
	environments = 4
)

// builtinFunctions are the functions of the built-in deployment, sorted.
func builtinFunctions() []string { return []string{RouteFilter, Sweep, Switchover} }

// owned is what has its home at a site.
type owned struct{ groups, filters bool }

// functions are the functions that a home needs, sorted.
func (o owned) functions() []string {
	return slices.DeleteFunc(builtinFunctions(), func(name string) bool {
		return name == Switchover && !o.groups || name == RouteFilter && !o.filters
	})
}

// homesOf are the homes of a configuration, in the order in which they stand there,
// those of groups first.
func homesOf(c config.Config) (at []config.Home, what map[config.Home]owned) {
	what = map[config.Home]owned{}
	note := func(home config.Home, has owned) {
		before, known := what[home]
		if !known {
			at = append(at, home)
		}
		what[home] = owned{before.groups || has.groups, before.filters || has.filters}
	}
	for _, group := range c.GroupList {
		note(group.Home, owned{groups: true})
	}
	for _, filter := range c.FilterList {
		note(filter.Home, owned{filters: true})
	}
	return at, what
}

// builtin is the deployment that needs no template: what the templates of a
// configuration describe, apart from roles, alarms and the like. Every home gets
// all events of the network, so that nothing forwards them.
func (s *Server) builtin() (*stack.Assembly, error) {
	at, what := homesOf(s.opts.File.Config)
	for _, home := range at {
		for _, name := range what[home].functions() {
			if err := s.haveBinary(name); err != nil {
				return nil, err
			}
		}
		if what[home].groups {
			if err := s.haveBinary(failbackTasks); err != nil {
				return nil, err
			}
		}
	}
	if len(at) == 0 {
		return nil, fmt.Errorf("topology %s: it has no groups and no filters, so there is nothing for the functions to do; add some, or leave --functions out", s.opts.File.Name)
	}
	file, err := s.writeConfiguration()
	if err != nil {
		return nil, err
	}
	out := &stack.Assembly{}
	for _, home := range at {
		st, err := s.controllerAt(stack.Site(home), what[home], file)
		if err != nil {
			return nil, err
		}
		out.Stacks = append(out.Stacks, st)
	}
	return out, nil
}

// writeConfiguration writes the configuration to a file, whose folder is deleted
// when the server is closed.
func (s *Server) writeConfiguration() (string, error) {
	text, err := s.opts.File.Config.JSON()
	if err != nil {
		return "", err
	}
	if s.folder, err = os.MkdirTemp("", "detour-lab-"); err != nil {
		return "", fmt.Errorf("making a folder for the configuration: %w", err)
	}
	file := filepath.Join(s.folder, "detour.json")
	if err := os.WriteFile(file, text, 0o600); err != nil {
		return "", fmt.Errorf("writing the configuration: %w", err)
	}
	return file, nil
}

// controllerAt is what there is in one home.
func (s *Server) controllerAt(at stack.Site, has owned, configuration string) (stack.Stack, error) {
	out := stack.Stack{Site: at, Name: "controller-" + at.Account + "-" + at.Region}
	dead := s.queueAt(at, OnFailure)
	out.Queues = []stack.Queue{dead}
	out.Tables = []stack.Table{{Resource: stack.Resource{Name: recordTable, ARN: at.ARN("dynamodb", "table/"+recordTable)}}}
	arn := func(name string) string { return at.ARN("lambda", "function:"+functionPrefix+name) }
	queues := map[string]string{}
	for _, name := range has.functions() {
		queue := map[string]string{Switchover: WakeQueue, RouteFilter: FilterWakeQueue}[name]
		if queue == "" {
			continue
		}
		wake, wakeDead := s.queueAt(at, queue), s.queueAt(at, queue+"-dead")
		wake.DeadLetter, wake.MaxReceives = wakeDead.ARN, lab.WakeReceives
		queues[name], out.Queues = wake.URL, append(out.Queues, wake, wakeDead)
		out.Mappings = append(out.Mappings, stack.Mapping{
			Queue: wake.ARN, Function: arn(name), BatchSize: batchSize, Concurrency: batchesAtOnce, Partial: true, Enabled: true,
		})
	}
	for _, name := range has.functions() {
		environment := environmentOf(at, configuration, queues[name])
		switch {
		case name != Sweep:
		case has.groups && has.filters:
			environment["DETOUR_WAKE_QUEUE"], environment["DETOUR_FILTER_WAKE_QUEUE"] = queues[Switchover], queues[RouteFilter]
		default: // It has one of both.
			environment["DETOUR_WAKE_QUEUE"] = queues[Switchover] + queues[RouteFilter]
		}
		out.Functions = append(out.Functions, stack.Function{
			Resource: stack.Resource{Name: functionPrefix + name, ARN: arn(name)}, Timeout: s.opts.Visibility, MemoryMB: memoryMB, Environment: environment,
		})
		out.InvokeConfigs = append(out.InvokeConfigs, stack.InvokeConfig{
			Function: arn(name), MaxAge: stack.DefaultMaxAge, Retries: stack.DefaultRetries, OnFailure: dead.ARN,
		})
	}
	s.listenAt(&out, has)
	out.Schedules = []stack.Schedule{{
		Resource:   stack.Resource{Name: functionPrefix + Sweep},
		Expression: stack.Expression{Every: time.Duration(s.opts.File.Config.Timers.SweepPeriod)},
		Enabled:    true, Target: arn(Sweep), Input: []byte(sweepEvent),
	}}
	if !has.groups {
		return out, nil
	}
	return out, s.workflowAt(&out, environmentOf(at, configuration, queues[Switchover]))
}

// environmentOf is the environment of a function of the built-in deployment.
func environmentOf(at stack.Site, configuration, queue string) map[string]string {
	return map[string]string{
		"DETOUR_CONFIG": configuration, "DETOUR_ACCOUNT": at.Account, "DETOUR_TABLE": recordTable, "DETOUR_WAKE_QUEUE": queue,
		"DETOUR_EVENT_BUS": stack.DefaultBus, "DETOUR_ROLE": roleTemplate, "DETOUR_EXTERNAL_ID": externalID,
	}
}

// routesLogged is the pattern of those lines of a BGP log that tell of routes.
func routesLogged() stack.LogPattern {
	p, err := stack.ParseLogPattern(`{ $.type = "RouteStatus" }`)
	if err != nil {
		panic(err) // It is the pattern of the templates.
	}
	return p
}

// queueAt is a queue of a home.
func (s *Server) queueAt(at stack.Site, name string) stack.Queue {
	return stack.Queue{Resource: stack.Resource{Name: name, ARN: at.ARN("sqs", name)}, URL: at.QueueURL(name), Visibility: s.opts.Visibility}
}

// listenAt adds the rules and the subscriptions of log groups of a home, each with
// its permission.
func (s *Server) listenAt(out *stack.Stack, has owned) {
	arn := func(name string) string { return out.ARN("lambda", "function:"+functionPrefix+name) }
	for _, r := range s.rules {
		if !slices.Contains(has.functions(), r.function) {
			continue
		}
		own := stack.Resource{Name: r.name, ARN: out.ARN("events", "rule/"+r.name)}
		out.Rules = append(out.Rules, stack.Rule{
			Resource: own, Bus: stack.DefaultBus, Pattern: r.pattern, Enabled: true, Targets: []stack.Target{{ID: r.function, ARN: arn(r.function)}},
		})
		out.Permissions = append(out.Permissions, stack.Permission{
			Function: arn(r.function), Action: invokeFunction, Principal: "events.amazonaws.com", SourceARN: own.ARN,
		})
	}
	var groups []string
	for _, filter := range s.opts.File.Config.FilterList {
		if stack.Site(filter.Home) == out.Site {
			groups = append(groups, filter.BGPLogGroups...)
		}
	}
	slices.Sort(groups)
	for _, group := range slices.Compact(groups) {
		out.LogFilters = append(out.LogFilters, stack.SubscriptionFilter{
			Resource: stack.Resource{Name: functionPrefix + RouteFilter}, LogGroup: group, Pattern: routesLogged(), Destination: arn(RouteFilter),
		})
		out.Permissions = append(out.Permissions, stack.Permission{
			Function: arn(RouteFilter), Action: invokeFunction, Principal: "logs.amazonaws.com", SourceARN: out.LogGroupARN(group),
		})
	}
}
