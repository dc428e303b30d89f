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
	roleTemplate   = "arn:aws:iam::{account}:role/detour"
	externalID     = "detour-lab"
	memoryMB       = 256
	// environments is how many invocations of a function run at the same time,
	// unless Options say otherwise.
	environments = 4
)

// builtinFunctions are the functions of the built-in deployment, sorted.
func builtinFunctions() []string { return []string{Sweep, Switchover} }

// builtin is the deployment that needs no template: what the templates of a
// configuration describe, apart from roles, alarms and the like. Every home gets
// all events of the network, so that nothing forwards them.
func (s *Server) builtin() (*stack.Assembly, error) {
	for _, name := range builtinFunctions() {
		if _, err := os.Stat(bootstrap(s.opts.FunctionsDir, name)); err != nil {
			return nil, fmt.Errorf("function %s: %w; run make build, which builds the functions, or name their folder with --functions-dir", name, err)
		}
	}
	if len(s.opts.File.Config.GroupList) == 0 {
		return nil, fmt.Errorf("topology %s: it has no groups, so there is nothing for the functions to do; add groups, or leave --functions out", s.opts.File.Name)
	}
	file, err := s.writeConfiguration()
	if err != nil {
		return nil, err
	}
	out := &stack.Assembly{}
	var at []config.Home
	for _, group := range s.opts.File.Config.GroupList {
		if !slices.Contains(at, group.Home) {
			at = append(at, group.Home)
			out.Stacks = append(out.Stacks, s.controllerAt(stack.Site(group.Home), file))
		}
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
func (s *Server) controllerAt(at stack.Site, configuration string) stack.Stack {
	out := stack.Stack{Site: at, Name: "controller-" + at.Account + "-" + at.Region}
	queue := func(name string) stack.Queue {
		return stack.Queue{Resource: stack.Resource{Name: name, ARN: at.ARN("sqs", name)}, URL: at.QueueURL(name), Visibility: s.opts.Visibility}
	}
	wake, wakeDead, dead := queue(WakeQueue), queue(WakeDeadQueue), queue(OnFailure)
	wake.DeadLetter, wake.MaxReceives = wakeDead.ARN, lab.WakeReceives
	out.Queues = []stack.Queue{dead, wake, wakeDead}
	out.Tables = []stack.Table{{Resource: stack.Resource{Name: recordTable, ARN: at.ARN("dynamodb", "table/"+recordTable)}}}
	arn := func(name string) string { return at.ARN("lambda", "function:"+functionPrefix+name) }
	for _, name := range builtinFunctions() {
		out.Functions = append(out.Functions, stack.Function{
			Resource: stack.Resource{Name: functionPrefix + name, ARN: arn(name)}, Timeout: s.opts.Visibility, MemoryMB: memoryMB,
			Environment: map[string]string{
				"DETOUR_CONFIG": configuration, "DETOUR_ACCOUNT": at.Account, "DETOUR_TABLE": recordTable, "DETOUR_WAKE_QUEUE": wake.URL,
				"DETOUR_EVENT_BUS": stack.DefaultBus, "DETOUR_ROLE": roleTemplate, "DETOUR_EXTERNAL_ID": externalID,
			},
		})
		out.InvokeConfigs = append(out.InvokeConfigs, stack.InvokeConfig{
			Function: arn(name), MaxAge: stack.DefaultMaxAge, Retries: stack.DefaultRetries, OnFailure: dead.ARN,
		})
	}
	out.Mappings = []stack.Mapping{{Queue: wake.ARN, Function: arn(Switchover), BatchSize: batchSize, Concurrency: batchesAtOnce, Partial: true, Enabled: true}}
	for _, r := range s.rules {
		own := stack.Resource{Name: r.name, ARN: at.ARN("events", "rule/"+r.name)}
		out.Rules = append(out.Rules, stack.Rule{
			Resource: own, Bus: stack.DefaultBus, Pattern: r.pattern, Enabled: true, Targets: []stack.Target{{ID: r.function, ARN: arn(r.function)}},
		})
		out.Permissions = append(out.Permissions, stack.Permission{
			Function: arn(r.function), Action: "lambda:InvokeFunction", Principal: "events.amazonaws.com", SourceARN: own.ARN,
		})
	}
	out.Schedules = []stack.Schedule{{
		Resource:   stack.Resource{Name: functionPrefix + Sweep},
		Expression: stack.Expression{Every: time.Duration(s.opts.File.Config.Timers.SweepPeriod)},
		Enabled:    true, Target: arn(Sweep), Input: []byte(sweepEvent),
	}}
	return out
}
