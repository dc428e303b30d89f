// Package wiring puts one function together: it reads the function's
// environment and the normalized configuration beside the binary, and builds
// the adapters, the controller and the handler once, before the first event.
//
// The environment variables:
//
//	DETOUR_CONFIG        the file of the normalized configuration; by default detour.json in LAMBDA_TASK_ROOT
//	DETOUR_ACCOUNT       the account that the function runs in, 12 digits
//	AWS_REGION           the Region that the function runs in; Lambda sets it
//	DETOUR_TABLE         the DynamoDB table of the records
//	DETOUR_WAKE_QUEUE    the URL of the SQS queue of the wake-ups
//	DETOUR_FILTER_WAKE_QUEUE   the URL of the queue for wake-ups of filters; by default the one above
//	DETOUR_EVENT_BUS     the bus for Detour's own events; by default "default"
//	DETOUR_ROLE          the ARN of the role to assume in other accounts, with {account} and {region} in it; empty: none
//	DETOUR_EXTERNAL_ID   the external id that those roles ask for; empty: none
//	DETOUR_LOG_LEVEL     info or debug; by default info. The metrics are in the lines of level info
//	DETOUR_TASK          of a function for failbacks: precheck, ask, advance, verify, undo or close
//	AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY, AWS_SESSION_TOKEN   Lambda sets them
//	AWS_ENDPOINT_URL     a server that stands in for AWS; empty: AWS
//
// A function runs the groups and filters whose home is its account and Region, and
// no other: switchover and the tasks of failbacks the groups, routefilter the filters,
// sweep both.
package wiring

import (
	"cmp"
	"context"
	"crypto/rand"
	"fmt"
	"io"
	"log/slog"
	"slices"
	"strings"
	"time"

	"detour/shared/adapter/awsclient"
	"detour/shared/adapter/awsdynamo"
	"detour/shared/adapter/awsevents"
	"detour/shared/adapter/awswake"
	"detour/shared/adapter/systemclock"
	"detour/shared/config"
	"detour/shared/controller"
	"detour/shared/failback"
	"detour/shared/filter"
	"detour/shared/handler"
	"detour/shared/ingest"
	"detour/shared/protection"
)

// connectTimeout bounds how long a connection to an AWS endpoint may take to
// stand. One that takes longer is as good as none, and the call's own timeout
// still leaves room for the answer.
const connectTimeout = 2 * time.Second

// connections is how many connections to one endpoint are kept open: as many as
// a group has calls under way, so that no write waits for a handshake.
const connections = 32

// Process is what a function gets from its process.
type Process struct {
	Getenv   func(name string) string
	ReadFile func(name string) ([]byte, error)
	// Log gets the log, one JSON object on each line.
	Log io.Writer
}

// Open builds the handler of the function with this name. The error names
// everything that is missing or wrong in the environment; it holds no secret.
func Open(function string, process Process) (*handler.Handler, error) {
	env, err := readEnvironment(process.Getenv)
	if err != nil {
		return nil, fmt.Errorf("reading the function's environment: %w", err)
	}
	credentials, err := awsclient.EnvironmentCredentials(process.Getenv)
	if err != nil {
		return nil, fmt.Errorf("reading the function's environment: %w", err)
	}
	own, err := env.configuration(function, process.ReadFile)
	if err != nil {
		return nil, err
	}
	settings := controller.SettingsFrom(own.config)
	clients, err := awsclient.New(awsclient.Options{
		Doer:        awsclient.NewHTTPClient(awsclient.HTTPOptions{Connect: connectTimeout, Response: settings.CallTimeout, Connections: connections}),
		HomeAccount: env.account, HomeCredentials: credentials, HomeRegion: env.region,
		Role: env.role, ExternalID: env.externalID, BaseEndpoint: env.endpoint,
	})
	if err != nil {
		return nil, err
	}
	home, err := clients.Config(env.account, env.region)
	if err != nil {
		return nil, err
	}
	clock := systemclock.New()
	records, err := awsdynamo.New(home, awsdynamo.Options{
		Table: env.table, Clock: clock, Lease: settings.Lease, Skew: settings.Skew, CallTimeout: settings.CallTimeout,
	})
	if err != nil {
		return nil, err
	}
	publish := awsevents.New(home, awsevents.Options{Bus: env.bus, Clock: clock, CallTimeout: settings.CallTimeout})
	network := NewNetwork(clients, clock, settings.CallTimeout, own.groups, len(settings.Never.Destinations) > 0)
	c := controller.New(own.groups, settings, controller.Ports{
		Tables: network.Tables, Lists: network.Lists, Evidence: network.Evidence, Neighbors: network.Neighbors,
		Records: records,
		Wake: ByKey{
			Groups:  awswake.New(home, awswake.Options{QueueURL: env.queue, Clock: clock, CallTimeout: settings.CallTimeout}),
			Filters: awswake.New(home, awswake.Options{QueueURL: cmp.Or(env.filterQueue, env.queue), Clock: clock, CallTimeout: settings.CallTimeout}),
		},
		Publish: publish, Clock: clock, NewToken: rand.Text,
	}, own.filters...)
	log := slog.New(slog.NewJSONHandler(process.Log, &slog.HandlerOptions{Level: env.level, ReplaceAttr: handler.Redact(env.secrets...)}))
	return handler.New(c, clock, log, handler.Options{
		Function: function, Own: ingest.Own{Account: env.account, Region: env.region, Assumed: env.role},
		Failback: failback.New(c, failback.Options{Publish: publish, Clock: clock, Settle: settings.Settle, Elsewhere: own.elsewhere}),
	}), nil
}

// OpenTask builds the handler of the task of a failback that the environment names.
func OpenTask(process Process) (failback.Task, *handler.Handler, error) {
	name := process.Getenv("DETOUR_TASK")
	task, ok := failback.TaskOf(name)
	if !ok {
		return "", nil, fmt.Errorf("reading the function's environment: DETOUR_TASK is %q, which is no task of a failback; write one of %v", name, failback.Tasks())
	}
	built, err := Open(task.Function(), process)
	return task, built, err
}

// Duties returns what of the groups and filters the function with this name works
// on. A function that is not one of Detour's works on all.
func Duties(function string, groups []protection.Group, filters []filter.Filter) ([]protection.Group, []filter.Filter) {
	ofGroups, ofFilters := duties(function)
	if !ofGroups {
		groups = nil
	}
	if !ofFilters {
		filters = nil
	}
	return groups, filters
}

// duties says whether a function works on groups, and whether on filters.
func duties(function string) (groups, filters bool) {
	switch {
	case function == "switchover", strings.HasPrefix(function, "failback-"):
		return true, false
	case function == "routefilter":
		return false, true
	default:
		return true, true
	}
}

// ByKey asks for the wake-ups of groups and filters in queues of their own: each is
// worked on by a function that may write for it.
type ByKey struct{ Groups, Filters controller.Wake }

// At implements controller.Wake.
func (w ByKey) At(ctx context.Context, key controller.Key, at time.Time) error {
	if key.ForFilters() {
		return w.Filters.At(ctx, key, at)
	}
	return w.Groups.At(ctx, key, at)
}

// own is what of the configuration a function has.
type own struct {
	config  config.Config
	groups  []protection.Group
	filters []filter.Filter
	// elsewhere are the groups whose home is another one, with that home.
	elsewhere map[string]string
}

// configuration reads the configuration, and makes the groups and filters of this home
// that the function works on, and no others: it is part of every cold start.
func (e environment) configuration(function string, readFile func(string) ([]byte, error)) (own, error) {
	raw, err := readFile(e.config)
	if err != nil {
		return own{}, fmt.Errorf("reading the configuration %s: %w; put the normalized configuration there, or name it in DETOUR_CONFIG", e.config, err)
	}
	out := own{elsewhere: map[string]string{}}
	if out.config, err = config.Parse(raw); err != nil {
		return own{}, fmt.Errorf("reading the configuration %s: %w", e.config, err)
	}
	var homes []string
	here := e.account + " in " + e.region
	for _, g := range out.config.GroupList {
		home := g.Home.Account + " in " + g.Home.Region
		homes = append(homes, home)
		if home != here {
			out.elsewhere[g.Name] = home
		}
	}
	for _, f := range out.config.FilterList {
		homes = append(homes, f.Home.Account+" in "+f.Home.Region)
	}
	if !slices.Contains(homes, here) {
		slices.Sort(homes)
		return own{}, fmt.Errorf("configuration %s: no group or filter has its home in account %s, where this function runs; there are some of %s",
			e.config, here, strings.Join(slices.Compact(homes), ", "))
	}
	ofGroups, ofFilters := duties(function)
	if ofGroups {
		out.groups = slices.DeleteFunc(out.config.Groups(), func(g protection.Group) bool { return g.Account != e.account || g.Region != e.region })
	}
	if ofFilters {
		out.filters = slices.DeleteFunc(out.config.Filters(), func(f filter.Filter) bool { return f.Account != e.account || f.Region != e.region })
	}
	return out, nil
}
