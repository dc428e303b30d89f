package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/spf13/cobra"

	"detour/shared/adapter/awsdynamo"
	"detour/shared/adapter/awsec2"
	"detour/shared/adapter/awsnetworkmanager"
	"detour/shared/adapter/systemclock"
	"detour/shared/config"
	"detour/shared/controller"
	"detour/shared/doctor"
	"detour/shared/filter"
	"detour/shared/operator"
	"detour/shared/plan"
	"detour/shared/protection"
	"detour/shared/wiring"
)

// doctorFlags are the flags of detour doctor.
type doctorFlags struct {
	lookFlags
	noRecords bool
}

func doctorCommand(io streams) *cobra.Command {
	flags := doctorFlags{}
	cmd := &cobra.Command{
		Use:     "doctor",
		GroupID: groupLook,
		Short:   "Look for what will hurt: leaks, loops, dead backups, missing events",
		Long: `Look at the whole network around the configured groups, and say what will hurt: default routes that a peer taught, tunnels that carry
their own packets, static routes that hide a backup or lead nowhere, Connect peers that are up and silent, VPCs without a way back,
checks that prove nothing, standbys that were never proven alive, quotas that the worst switchover breaks, and transit gateways that
send no events. Each finding says what, where, why it matters, what to do, and what was seen when. What could not be read is said, too.
docs/doctor.md explains every finding.

Everything is read, in each account and Region that the configuration names; nothing is written, and no run is disturbed. It works before
Detour is deployed as well: with --no-records the records are not asked for.` + doctorPlaces + `

Exit status: 0 nothing found (notes for the record aside), 1 it could not be run, 2 wrong usage, 3 something critical or a warning was
found, 4 nothing was found, but something could not be examined.`,
		Example: `  detour doctor                        # everything, for people
  detour doctor --no-records           # before Detour is deployed
  detour doctor --json | jq -r '.findings[] | select(.severity == "critical") | .what'
  detour doctor --lab                  # on what detour lab serve serves, with or without --functions`,
		Args: noArguments,
		RunE: func(cmd *cobra.Command, _ []string) error { return runDoctor(cmd.Context(), cmd, io, flags) },
	}
	flags.bind(cmd)
	cmd.Flags().BoolVar(&flags.noRecords, "no-records", false, "Detour is not deployed yet: do not ask for its records")
	return cmd
}

// doctorPlaces says where the command works.
const doctorPlaces = `

Against AWS, or what AWS_ENDPOINT_URL names, it needs the configuration (--config, or DETOUR_CONFIG) and credentials as the AWS CLI has
them; docs/doctor.md lists the permissions. With --lab it works on the network that detour lab serve serves, and sends nothing to AWS.`

func runDoctor(ctx context.Context, cmd *cobra.Command, io streams, flags doctorFlags) error {
	from, err := flags.place.find(ctx, cmd, false)
	if err != nil {
		return err
	}
	if len(from.config.Groups())+len(from.config.Filters()) == 0 {
		return fmt.Errorf("%s: the configuration has no groups and no filters, so there is no network to look at; add some", from.name)
	}
	options, err := from.examination(flags.noRecords || from.bare != nil)
	if err != nil {
		return err
	}
	examined := operator.Examine(ctx, options)
	if ctx.Err() != nil {
		return errInterrupted{"the network was not looked at whole"}
	}
	style := operator.Style{Colour: io.colour, Now: options.Clock.Now()}
	text := func() string { return from.name + "\n\n" + operator.DoctorText(examined, style) }
	if err := printResult(io, flags.json, examined, text); err != nil {
		return err
	}
	switch examined.Worst() {
	case doctor.Critical, doctor.Warning:
		return errUnhealthy
	case doctor.Unknown:
		return errUnseen
	case doctor.Info:
	}
	return nil
}

// examination is what the examination reads: every home of groups, with all accounts
// and Regions that the configuration names.
func (from opened) examination(noRecords bool) (operator.DoctorOptions, error) {
	clock, cfg := systemclock.New(), from.config.Normalize()
	settings := controller.SettingsFrom(cfg)
	groups, filters := cfg.Groups(), cfg.Filters()
	options := operator.DoctorOptions{
		Clock: clock, Pins: pinsOf(cfg), Never: settings.Never,
		Quotas: plan.Quotas{VPCRoutes: cfg.Limits.VPCRoutes, TransitGatewayRoutes: cfg.Limits.TransitGatewayRoutes},
	}
	for _, home := range homesOf(groups, filters) {
		at, err := from.home(home.Account, home.Region)
		if err != nil {
			return operator.DoctorOptions{}, err
		}
		own := slices.DeleteFunc(slices.Clone(groups), func(g protection.Group) bool { return g.Account != home.Account || g.Region != home.Region })
		ownFilters := slices.DeleteFunc(slices.Clone(filters), func(f filter.Filter) bool { return f.Account != home.Account || f.Region != home.Region })
		network := wiring.NewNetwork(at.clients, clock, settings.CallTimeout, own, true)
		practice := operator.Practice{
			Groups: own, Filters: ownFilters, Sites: operator.SitesOf(own, ownFilters), Inventory: awsec2.New(at.clients.Config, clock, settings.CallTimeout).Inventory(),
			Tables: network.Tables, Lists: network.Lists, Evidence: network.Evidence, Around: network.Surroundings,
		}
		if len(options.Practices) == 0 {
			practice.Sites = append(practice.Sites, sitesOf(cfg)...)
		}
		slices.SortFunc(practice.Sites, operator.Site.Compare)
		practice.Sites = slices.Compact(practice.Sites)
		if !noRecords {
			if practice.Records, err = recordsOf(home, at, settings, clock); err != nil {
				return operator.DoctorOptions{}, err
			}
		}
		options.Practices = append(options.Practices, practice)
	}
	from.events(cfg, settings, clock, &options)
	return options, nil
}

// homesOf are the homes of groups and filters, those of groups first, each once.
func homesOf(groups []protection.Group, filters []filter.Filter) []operator.Site {
	var out []operator.Site
	add := func(home operator.Site) {
		if !slices.Contains(out, home) {
			out = append(out, home)
		}
	}
	for i := range groups {
		add(operator.Site{Account: groups[i].Account, Region: groups[i].Region})
	}
	for i := range filters {
		add(operator.Site{Account: filters[i].Account, Region: filters[i].Region})
	}
	return out
}

// sitesOf are the sites of the tables that the configuration declares.
func sitesOf(cfg config.Config) []operator.Site {
	var out []operator.Site
	for _, table := range cfg.TableList {
		if table.Account != "" && table.Region != "" {
			out = append(out, operator.Site{Account: table.Account, Region: table.Region})
		}
	}
	return out
}

func recordsOf(home operator.Site, at reached, settings controller.Settings, clock systemclock.Clock) (controller.Records, error) {
	aws, err := at.clients.Config(home.Account, home.Region)
	if err != nil {
		return nil, failure{fmt.Errorf("%w; sign in to that account, or name a role with --role", err)}
	}
	return awsdynamo.New(aws, awsdynamo.Options{
		Table: at.table, Clock: clock, Lease: settings.Lease, Skew: settings.Skew, CallTimeout: settings.CallTimeout,
	})
}

// events finds out who can be asked which transit gateways send events.
func (from opened) events(cfg config.Config, settings controller.Settings, clock systemclock.Clock, options *operator.DoctorOptions) {
	if cfg.NetworkManager.Region == config.NoRegion {
		return
	}
	homes := homesOf(cfg.Groups(), cfg.Filters())
	home := homes[0]
	for _, h := range homes {
		if h.Account == cfg.NetworkManager.Account {
			home = h
		}
	}
	options.EventsFrom = cmp.Or(cfg.NetworkManager.Account, "(not known)")
	registrations, err := from.registrations(cfg.NetworkManager.Account, home, settings, clock)
	if err != nil {
		options.NoRegistrations = err.Error()
		return
	}
	options.Registrations = registrations
}

func (from opened) registrations(account string, home operator.Site, settings controller.Settings, clock systemclock.Clock) (operator.Registrations, error) {
	region := doctor.NetworkManagerRegion(home.Region)
	switch {
	case account == "":
		return nil, errors.New("the configuration does not say which account owns the global network; set networkManager.account")
	case region == "":
		return nil, fmt.Errorf("there is no Network Manager in the partition of %s; set networkManager.region to %s", home.Region, config.NoRegion)
	}
	at, err := from.home(home.Account, home.Region)
	if err != nil {
		return nil, err
	}
	aws, err := at.clients.Config(account, region)
	if err != nil {
		return nil, err
	}
	return awsnetworkmanager.New(aws, clock, settings.CallTimeout), nil
}
