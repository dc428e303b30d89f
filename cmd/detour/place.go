package main

import (
	"cmp"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"net/netip"
	"net/url"
	"os"
	"os/user"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"detour/shared/adapter/awsclient"
	"detour/shared/adapter/awsdynamo"
	"detour/shared/adapter/awsstates"
	"detour/shared/adapter/awswake"
	"detour/shared/adapter/systemclock"
	"detour/shared/config"
	"detour/shared/controller"
	"detour/shared/filter"
	"detour/shared/lab"
	"detour/shared/operator"
	"detour/shared/plan"
	"detour/shared/protection"
	"detour/shared/route"
	"detour/shared/wiring"
)

// defaultLab is where detour lab serve listens unless it is told otherwise.
const defaultLab = "http://127.0.0.1:4599"

// The variables that stand in for flags.
const (
	envLab    = "DETOUR_LAB"
	envConfig = "DETOUR_CONFIG"
	envTable  = "DETOUR_TABLE"
	envQueue  = "DETOUR_WAKE_QUEUE"
	envRole   = "DETOUR_ROLE"
	envStates = "DETOUR_STATE_MACHINE"
	envID     = "DETOUR_EXTERNAL_ID"
	// envFilterQueue is the one that the functions have.
	envFilterQueue = "DETOUR_FILTER_WAKE_QUEUE"
)

// defaultTable is the name of the record table unless it is told otherwise.
const defaultTable = "detour"

// placeFlags say where a command works: against AWS, or against a served lab.
type placeFlags struct {
	lab                                                          string
	config, table, queue, filterQueue, profile, region, role, id string
	machine                                                      string
}

// bind gives a command the flags.
func (f *placeFlags) bind(cmd *cobra.Command) {
	flags := cmd.Flags()
	flags.StringVar(&f.lab, "lab", "", "work on the network that detour lab serve serves, and never on AWS: --lab, or --lab=`ADDRESS` ("+envLab+")")
	flags.Lookup("lab").NoOptDefVal = cmp.Or(os.Getenv(envLab), defaultLab)
	flags.StringVar(&f.config, "config", "", "the configuration, YAML or normalized JSON: a `file` ("+envConfig+")")
	flags.StringVar(&f.table, "table", "", "the DynamoDB `table` of the records ("+envTable+"; \""+defaultTable+"\" otherwise)")
	flags.StringVar(&f.queue, "wake-queue", "", "the `URL` of the SQS queue of the wake-ups; {account} and {region} in it stand for a group's home ("+envQueue+")")
	flags.StringVar(&f.filterQueue, "filter-wake-queue", "", "the `URL` of the SQS queue of the wake-ups of filters ("+envFilterQueue+"; that of --wake-queue with -filter after it otherwise)")
	flags.StringVar(&f.profile, "profile", "", "the `profile` of the AWS configuration files (AWS_PROFILE)")
	flags.StringVar(&f.region, "region", "", "the `Region` whose STS is asked; by default that of the profile, or of the first group's home")
	flags.StringVar(&f.role, "role", "", "the `ARN` of the role to assume in accounts other than one's own, with {account} in it ("+envRole+")")
	flags.StringVar(&f.id, "external-id", "", "the external `id` that those roles ask for ("+envID+")")
}

// bindMachine gives a command the flag that names the state machine.
func (f *placeFlags) bindMachine(cmd *cobra.Command) {
	cmd.Flags().StringVar(&f.machine, "state-machine", "", "the `ARN` of the state machine of failbacks; {account} and {region} in it stand for a group's home ("+envStates+"; the one that Detour deploys otherwise)")
}

// elsewhere names the flags that have no meaning in a lab.
func elsewhere(cmd *cobra.Command) []string {
	var out []string
	for _, name := range []string{"config", "table", "wake-queue", "filter-wake-queue", "profile", "region", "role", "external-id", "state-machine"} {
		if cmd.Flags().Changed(name) {
			out = append(out, "--"+name)
		}
	}
	return out
}

// place is where a command works, with what there is.
type place struct {
	// name says where, for people.
	name     string
	config   config.Config
	groups   []protection.Group
	filters  []filter.Filter
	operator *operator.Operator
	clock    systemclock.Clock
}

// opened is what a place is built from.
type opened struct {
	name   string
	config config.Config
	// who says who asks.
	who string
	// home reaches a home: its AWS configurations, table and queue.
	home func(account, region string) (reached, error)
	// bare says why there are no records where Detour is not deployed; nil: it is, as
	// far as is known.
	bare error
}

// reached is how a home is reached.
type reached struct {
	clients *awsclient.Clients
	table   string
	// queue is for the wake-ups of groups, filterQueue for those of filters; empty:
	// there is none, or it is not known.
	queue, filterQueue string
	// machine is the ARN of the state machine of failbacks; empty: there is none.
	machine string
}

// open finds out where the command works and opens the homes of the groups that it
// names; none stands for all. changes says that it will make requests.
func (f *placeFlags) open(ctx context.Context, cmd *cobra.Command, names []string, changes bool) (*place, []string, error) {
	p, groups, _, err := f.openBoth(ctx, cmd, names, changes, false)
	return p, groups, err
}

// openBoth is open for commands that tell of filters, too, if withFilters: it splits the
// names, and without names it stands for all groups and all filters.
func (f *placeFlags) openBoth(ctx context.Context, cmd *cobra.Command, names []string, changes, withFilters bool) (p *place, groups, filters []string, err error) {
	from, err := f.find(ctx, cmd, changes)
	if err != nil {
		return nil, nil, nil, err
	}
	if from.bare != nil {
		return nil, nil, nil, failure{from.bare}
	}
	return from.place(names, withFilters)
}

// find finds out where the command works.
func (f *placeFlags) find(ctx context.Context, cmd *cobra.Command, changes bool) (opened, error) {
	address := f.lab
	if address == "" {
		address = os.Getenv(envLab)
	}
	switch wrong := elsewhere(cmd); {
	case address != "" && len(wrong) > 0:
		return opened{}, fmt.Errorf("%s has no effect in the lab at %s, which says itself what is deployed there; leave it out, or leave --lab out and unset %s to work on AWS",
			strings.Join(wrong, ", "), address, envLab)
	case address != "":
		return openLab(ctx, address)
	default:
		return f.openAWS(ctx, changes)
	}
}

// split takes the names of filters out of the names of groups. A group goes before a
// filter of its name.
func (p *place) split(names []string) (groups, filters []string) {
	for _, name := range names {
		isGroup := slices.ContainsFunc(p.groups, func(g protection.Group) bool { return g.Name == name })
		if !isGroup && slices.ContainsFunc(p.filters, func(f filter.Filter) bool { return f.Name == name }) {
			filters = append(filters, name)
		} else {
			groups = append(groups, name)
		}
	}
	return groups, filters
}

// pick splits the names that were asked about, and stands all for none. An unknown
// name is an error, and so is a configuration with nothing to choose from.
func (p *place) pick(asked []string, withFilters bool) (groups, filters []string, err error) {
	groups = asked
	if withFilters {
		groups, filters = p.split(asked)
	}
	if withFilters && len(asked) == 0 {
		for i := range p.filters {
			filters = append(filters, p.filters[i].Name)
		}
	}
	filtersAlone := len(filters) > 0 && len(groups) == 0 && (len(asked) > 0 || len(p.groups) == 0)
	if !filtersAlone {
		groups, err = p.choose(groups, withFilters)
	}
	return groups, filters, err
}

// place builds the operator's tool over the homes of the named groups, and of the named
// filters where they are wanted.
func (from opened) place(asked []string, withFilters bool) (*place, []string, []string, error) {
	p := &place{name: from.name, config: from.config, groups: from.config.Groups(), filters: from.config.Filters(), clock: systemclock.New()}
	names, mine, err := p.pick(asked, withFilters)
	if err != nil {
		return nil, nil, nil, err
	}
	settings := controller.SettingsFrom(p.config)
	options := operator.Options{
		Groups: p.groups, Filters: p.filters, Clock: p.clock, By: from.who, NewID: func() string { return strings.ToLower(rand.Text()[:5]) },
		Pins:   pinsOf(p.config),
		Quotas: plan.Quotas{VPCRoutes: p.config.Limits.VPCRoutes, TransitGatewayRoutes: p.config.Limits.TransitGatewayRoutes},
	}
	var homes [][2]string
	for _, group := range p.groups {
		if slices.Contains(names, group.Name) {
			homes = append(homes, [2]string{group.Account, group.Region})
		}
	}
	for _, f := range p.filters {
		if slices.Contains(mine, f.Name) {
			homes = append(homes, [2]string{f.Account, f.Region})
		}
	}
	for i, at := range homes {
		if slices.Index(homes, at) < i {
			continue
		}
		reached, err := from.home(at[0], at[1])
		if err != nil {
			return nil, nil, nil, err
		}
		home, err := p.homeOf(at[0], at[1], settings, reached)
		if err != nil {
			return nil, nil, nil, err
		}
		options.Homes = append(options.Homes, home)
	}
	p.operator = operator.New(options)
	return p, names, mine, nil
}

// homeOf wires one home: the same adapters as a function has.
func (p *place) homeOf(account, region string, settings controller.Settings, at reached) (operator.Home, error) {
	clock := p.clock
	own := slices.DeleteFunc(slices.Clone(p.groups), func(g protection.Group) bool { return g.Account != account || g.Region != region })
	filters := slices.DeleteFunc(slices.Clone(p.filters), func(f filter.Filter) bool { return f.Account != account || f.Region != region })
	aws, err := at.clients.Config(account, region)
	if err != nil {
		return operator.Home{}, failure{fmt.Errorf("%w; sign in to that account, or name a role with --role", err)}
	}
	records, err := awsdynamo.New(aws, awsdynamo.Options{
		Table: at.table, Clock: clock, Lease: settings.Lease, Skew: settings.Skew, CallTimeout: settings.CallTimeout,
	})
	if err != nil {
		return operator.Home{}, err
	}
	network := wiring.NewNetwork(at.clients, clock, settings.CallTimeout, own, true)
	home := operator.Home{Account: account, Region: region, Records: records, Tables: network.Tables, Around: network.Surroundings}
	if at.queue != "" {
		home.Wake = awswake.New(aws, awswake.Options{QueueURL: at.queue, Clock: clock, CallTimeout: settings.CallTimeout})
	}
	if at.filterQueue != "" {
		home.FilterWake = awswake.New(aws, awswake.Options{QueueURL: at.filterQueue, Clock: clock, CallTimeout: settings.CallTimeout})
	}
	if at.machine != "" {
		home.Workflows = awsstates.New(aws, awsstates.Options{ARN: at.machine, Clock: clock, CallTimeout: settings.CallTimeout})
	}
	home.Controller = controller.New(own, settings, controller.Ports{
		Tables: network.Tables, Lists: network.Lists, Evidence: network.Evidence, Neighbors: network.Neighbors,
		Records: records, Wake: home.Wake, Clock: clock, NewToken: rand.Text,
	}, filters...)
	return home, nil
}

// pinsOf are the pins of the checks by group. A table that is no entry's and has no
// account is taken for one of the path's.
func pinsOf(cfg config.Config) map[string][]plan.Pin {
	cfg = cfg.Normalize()
	owners := map[string]route.Table{}
	for _, table := range cfg.TableList {
		owners[table.ID] = route.Table{Account: table.Account, Region: table.Region}
	}
	for _, group := range cfg.Groups() {
		for _, table := range group.Tables() {
			owners[table.ID] = table
		}
	}
	out := map[string][]plan.Pin{}
	for _, group := range cfg.GroupList {
		for _, path := range group.Paths {
			for _, check := range path.Checks {
				addr, err := netip.ParseAddr(check.Pinned)
				kind, kindErr := route.KindOfTable(check.Via)
				if err != nil || kindErr != nil {
					continue
				}
				owner := owners[check.Via]
				out[group.Name] = append(out[group.Name], plan.Pin{Path: path.Name, Alarm: check.Alarm, Address: addr, Via: route.Table{
					Kind: kind, ID: check.Via, Account: cmp.Or(owner.Account, path.Account), Region: cmp.Or(owner.Region, path.Region),
				}})
			}
		}
	}
	return out
}

// choose checks the names of groups, and returns them all if none is given. orFilters says
// that the names of filters would have been taken, too.
func (p *place) choose(names []string, orFilters bool) ([]string, error) {
	known := make([]string, 0, len(p.groups)+len(p.filters))
	for i := range p.groups {
		known = append(known, p.groups[i].Name)
	}
	groups := slices.Clone(known)
	what := "group"
	if orFilters && len(p.filters) > 0 {
		what = "group or filter"
		for i := range p.filters {
			known = append(known, p.filters[i].Name)
		}
	}
	isFilter := func(name string) bool {
		return slices.ContainsFunc(p.filters, func(f filter.Filter) bool { return f.Name == name })
	}
	if len(groups) == 0 && !slices.ContainsFunc(names, isFilter) && (len(names) == 0 || len(known) == 0) {
		return nil, fmt.Errorf("%s: the configuration has no groups; add some", p.name)
	}
	for _, name := range names {
		switch {
		case slices.Contains(groups, name):
		case isFilter(name):
			return nil, fmt.Errorf("%s is a filter, and this is for groups; a filter takes status, explain, freeze, unfreeze and release", name)
		case strings.ContainsAny(name, ":/"):
			return nil, fmt.Errorf("there is no %s %q; if it is the address of a lab write --lab=%s", what, name, name)
		default:
			return nil, fmt.Errorf("there is no %s %q; %s", what, name, lab.Nearest(name, known))
		}
	}
	if len(names) == 0 {
		return groups, nil
	}
	return names, nil
}

// path checks the name of a path of a group.
func (p *place) path(group, name string) error {
	at := slices.IndexFunc(p.groups, func(g protection.Group) bool { return g.Name == group })
	if at < 0 || p.groups[at].HasPath(name) {
		return nil
	}
	var known []string
	for _, path := range p.groups[at].Paths {
		known = append(known, path.Name)
	}
	return fmt.Errorf("group %s has no path %q; %s", group, name, lab.Nearest(name, known))
}

// style is how text for people is written just now.
func (p *place) style(io streams) operator.Style {
	return operator.Style{Colour: io.colour, Now: p.clock.Now()}
}

// claimed is who the person says to be: the machine's word, which nobody checks.
func claimed() string {
	name, host := "somebody", "somewhere"
	if u, err := user.Current(); err == nil && u.Username != "" {
		name = u.Username
	}
	if h, err := os.Hostname(); err == nil && h != "" {
		host = h
	}
	return name + "@" + host
}

// identify asks AWS, or the lab, whose credentials they are. What the machine says
// stands behind, and alone where nobody answers.
func identify(ctx context.Context, clock systemclock.Clock, options awsclient.Options) (awsclient.Identity, error) {
	ctx, cancel := clock.Timeout(ctx, 10*time.Second)
	defer cancel()
	return awsclient.Identify(ctx, options)
}

// httpAddress checks the address of a server. A value that may hold a password is
// not repeated.
func httpAddress(what, value string) (*url.URL, error) {
	u, err := url.Parse(value)
	if err != nil || (u.Scheme != "http" && u.Scheme != "https") || u.Host == "" || u.User != nil {
		return nil, errors.New(what + " is no URL that can be used; write http:// or https://, a host and no user name")
	}
	return u, nil
}
