package live

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"time"

	"detour/shared/config"
	"detour/shared/lab"
	"detour/shared/lab/stack"
	"detour/shared/sim"
)

// maxConfiguration is the longest detour.json that is read, in bytes. Lambda takes
// 250 MB for all of a function's files.
const maxConfiguration = 64 << 20

// runsHere reports whether a function for that architecture of Lambda runs on this
// machine.
func runsHere(architecture string) bool {
	return runtime.GOOS == "linux" && architecture == map[string]string{"arm64": "arm64", "amd64": "x86_64"}[runtime.GOARCH]
}

// readTemplate reads the cloud assembly in TemplateDir, and fits the topology to
// it: the configuration is the one that lies beside the functions, and the alarms
// of tunnels are part of the network. The topology file itself stays as it is.
func (s *Server) readTemplate() (*stack.Assembly, error) {
	model, err := stack.Read(s.opts.TemplateDir)
	if err != nil {
		return nil, fmt.Errorf("the templates in %s cannot be served:\n%w", s.opts.TemplateDir, err)
	}
	file := *s.opts.File
	if file.Config, err = s.bundled(model); err != nil {
		return nil, err
	}
	file.Topology.Alarms, err = tunnelAlarms(model, &file)
	if err := errors.Join(append(fits(&file, s.opts.TemplateDir), err, s.binaries(model))...); err != nil {
		return nil, err
	}
	s.opts.File = &file
	return model, nil
}

// bundled is the configuration that the functions of the template have beside
// them. It is the same for all.
func (s *Server) bundled(model *stack.Assembly) (config.Config, error) {
	var first []byte
	var from string
	for _, st := range model.Stacks {
		for _, f := range st.Functions {
			if f.Environment["DETOUR_TABLE"] == "" {
				continue
			}
			name := filepath.Join(s.opts.TemplateDir, filepath.FromSlash(f.Asset), "detour.json")
			text, err := readBounded(name)
			switch {
			case err != nil:
				return config.Config{}, fmt.Errorf("the configuration of function %s: %w; run make synth CONFIG=FILE, which puts it there", f.Name, err)
			case first == nil:
				first, from = text, name
			case !bytes.Equal(first, text):
				return config.Config{}, fmt.Errorf("%s and %s differ, and all functions have one configuration; run make synth CONFIG=FILE anew", from, name)
			}
		}
	}
	if first == nil {
		return config.Config{}, fmt.Errorf("the templates in %s have no function of Detour, so nothing would run; make synth CONFIG=FILE writes controller stacks", s.opts.TemplateDir)
	}
	cfg, err := config.Parse(first)
	if err != nil {
		return cfg, fmt.Errorf("%s does not fit this version of Detour; run make build and make synth CONFIG=FILE anew: %w", from, err)
	}
	return cfg, nil
}

func readBounded(name string) ([]byte, error) {
	file, err := os.Open(name) //nolint:gosec // Whoever runs the server names the folder.
	if err != nil {
		return nil, err
	}
	defer func() { _ = file.Close() }() // It was only read.
	text, err := io.ReadAll(io.LimitReader(file, maxConfiguration+1))
	if err == nil && len(text) > maxConfiguration {
		err = fmt.Errorf("%s is longer than %d bytes", name, maxConfiguration)
	}
	return text, err
}

// binaries looks for the functions' executables for this machine, where the
// templates have them for another.
func (s *Server) binaries(model *stack.Assembly) error {
	var errs []error
	for _, st := range model.Stacks {
		for _, f := range st.Functions {
			file, _ := s.code(f)
			if _, err := os.Stat(file); err != nil {
				errs = append(errs, fmt.Errorf("function %s is for linux/%s in the template, and this machine is %s/%s: %w; run make host, which builds the functions for this machine, or name their folder with --functions-dir",
					f.Name, f.Architecture, runtime.GOOS, runtime.GOARCH, err))
			}
		}
	}
	return errors.Join(errs...)
}

// fits reports tables of the configuration that the topology has not, or has
// elsewhere: a template for another network would only fail later, call by call.
func fits(file *lab.TopologyFile, folder string) []error {
	there := tableSites(file.Topology)
	var errs []error
	told := map[string]bool{}
	for _, group := range file.Config.GroupList {
		for _, unit := range group.Units {
			for _, entry := range unit.Entries {
				at, known := there[entry.Table]
				want := stack.Site{Account: entry.Account, Region: entry.Region}
				if told[entry.Table] || known && at == want {
					continue
				}
				told[entry.Table] = true
				found := "has no such table; it has " + strings.Join(slices.Sorted(maps.Keys(there)), ", ")
				if known {
					found = "has it in account " + at.String()
				}
				errs = append(errs, fmt.Errorf("the templates in %s write table %s in account %s (group %s), and topology %s %s; serve the network that they are for, or run make synth CONFIG=FILE with a configuration of this one",
					folder, entry.Table, want, group.Name, file.Name, found))
			}
		}
	}
	return errs
}

// tableSites are the accounts and Regions of a topology's route tables.
func tableSites(topo sim.Topology) map[string]stack.Site {
	out := map[string]stack.Site{}
	for _, gateway := range topo.TransitGateways {
		for _, table := range gateway.Tables {
			out[table.ID] = siteIn(topo, gateway.Account, gateway.Region)
		}
	}
	for _, vpc := range topo.VPCs {
		for _, table := range vpc.Tables {
			out[table.ID] = siteIn(topo, vpc.Account, vpc.Region)
		}
	}
	return out
}

// siteIn is where something of a topology is, which may leave out what is the
// topology's own.
func siteIn(topo sim.Topology, account, region string) stack.Site {
	if account == "" {
		account = topo.Account
	}
	if region == "" {
		region = topo.Region
	}
	return stack.Site{Account: account, Region: region}
}

// tunnelAlarms are the alarms of the topology and those of the templates that the
// simulated CloudWatch can have. One of a VPN connection that is not at the
// alarm's site would stand in ALARM for ever.
func tunnelAlarms(model *stack.Assembly, file *lab.TopologyFile) ([]sim.AlarmSpec, error) {
	out := slices.Clone(file.Topology.Alarms)
	var errs []error
	for _, st := range model.Stacks {
		for _, a := range st.Alarms {
			vpn, ok := a.Tunnels()
			if !ok {
				continue
			}
			if at, known := vpnSites(file.Topology)[vpn]; !known || at != st.Site {
				errs = append(errs, fmt.Errorf("stack %s: %s (AWS::CloudWatch::Alarm): Dimensions has VpnId %s, and topology %s has no such VPN connection in account %s; serve the network that the templates are for",
					st.Name, a.LogicalID, vpn, file.Name, st.Site))
				continue
			}
			out = append(out, sim.AlarmSpec{Name: a.Name, Account: st.Account, Region: st.Region, VPN: vpn, After: (a.Period * time.Duration(a.Periods)).String()})
		}
	}
	return out, errors.Join(errs...)
}

// vpnSites are the accounts and Regions of a topology's VPN connections, which are
// those of the gateways that they end on.
func vpnSites(topo sim.Topology) map[string]stack.Site {
	gateways := map[string]stack.Site{}
	for _, g := range topo.TransitGateways {
		gateways[g.ID] = siteIn(topo, g.Account, g.Region)
	}
	vpcs := map[string]stack.Site{}
	for _, v := range topo.VPCs {
		vpcs[v.ID] = siteIn(topo, v.Account, v.Region)
	}
	for _, g := range topo.VPNGateways {
		gateways[g.ID] = vpcs[g.VPC]
	}
	out := map[string]stack.Site{}
	for _, vpn := range topo.VPNs {
		if vpn.VPNGateway != "" {
			out[vpn.ID] = gateways[vpn.VPNGateway]
		} else {
			out[vpn.ID] = gateways[vpn.Attachment.TransitGateway]
		}
	}
	return out
}

// deployed says what the templates have brought up, and what the lab does in
// another way.
func (s *Server) deployed() string {
	var out strings.Builder
	fmt.Fprintf(&out, "templates: %s", s.opts.TemplateDir)
	unwatched := 0
	elsewhere := map[string]bool{}
	for _, st := range s.model.Stacks {
		fmt.Fprintf(&out, "\n  %s: %s", st.Name, describeStack(st))
		for _, a := range st.Alarms {
			if _, ok := a.Tunnels(); !ok {
				unwatched++
			}
		}
		for _, f := range st.Functions {
			if !runsHere(f.Architecture) {
				elsewhere[f.Architecture] = true
			}
		}
	}
	for _, architecture := range slices.Sorted(maps.Keys(elsewhere)) {
		fmt.Fprintf(&out, "\nthe templates' binaries are for linux/%s and this machine is %s/%s: those of %s run instead", architecture, runtime.GOOS, runtime.GOARCH, s.opts.FunctionsDir)
	}
	if unwatched > 0 {
		fmt.Fprintf(&out, "\nalarms that the lab does not evaluate: %d", unwatched)
	}
	out.WriteString("\npolicies of roles, queues, topics and keys are read, and not enforced")
	return out.String()
}

// describeStack counts what a stack has.
func describeStack(st stack.Stack) string {
	var parts []string
	for _, c := range []struct {
		n    int
		what string
	}{
		{len(st.Functions), "functions"},
		{len(st.StateMachines), "state machines"},
		{len(st.Rules), "rules"},
		{len(st.Schedules), "schedules"},
		{len(st.Queues), "queues"},
		{len(st.Mappings), "mappings"},
		{len(st.Tables), "tables"},
		{len(st.Topics), "topics"},
		{len(st.Alarms), "alarms"},
		{len(st.Roles), "roles"},
	} {
		if c.n > 0 {
			parts = append(parts, fmt.Sprintf("%s %d", c.what, c.n))
		}
	}
	return strings.Join(parts, ", ")
}
