package live

import (
	"fmt"
	"maps"
	"slices"
	"strings"
)

// readiness is the ready line for a program.
type readiness struct {
	URL       string            `json:"url"`
	Address   string            `json:"address"`
	Topology  string            `json:"topology"`
	Functions []string          `json:"functions"`
	Templates string            `json:"templates,omitempty"`
	Env       map[string]string `json:"env"`
	Commands  []string          `json:"commands"`
}

// ready tells where the network is, and what to try.
func (s *Server) ready() {
	topo := s.opts.File.Topology
	account, region := topo.Account, topo.Region
	if len(topo.TransitGateways) > 0 {
		if own := topo.TransitGateways[0].Account; own != "" {
			account = own
		}
		if own := topo.TransitGateways[0].Region; own != "" {
			region = own
		}
	}
	endpoint := " --endpoint-url " + s.URL()
	r := readiness{
		URL: s.URL(), Address: s.address, Topology: s.opts.File.Name, Functions: []string{},
		Env: map[string]string{
			"AWS_ACCESS_KEY_ID": account, "AWS_SECRET_ACCESS_KEY": "anything",
			// The first version of the AWS CLI reads the second of them only.
			"AWS_REGION": region, "AWS_DEFAULT_REGION": region,
		},
		Commands: []string{"aws ec2 describe-vpn-connections" + endpoint},
	}
	if len(topo.TransitGateways) > 0 && len(topo.TransitGateways[0].Tables) > 0 {
		r.Commands = append(r.Commands, "aws ec2 search-transit-gateway-routes"+endpoint+" --transit-gateway-route-table-id "+
			topo.TransitGateways[0].Tables[0].ID+" --filters Name=state,Values=active,blackhole")
	}
	if len(topo.VPNs) > 0 {
		r.Commands = append(r.Commands, "detour lab do "+s.address+" tunnel-down "+topo.VPNs[0].ID)
	}
	r.Commands = append(r.Commands, "detour lab do "+s.address+" matrix")
	text := fmt.Sprintf("ready at %s: %s\nexport AWS_ACCESS_KEY_ID=%s AWS_SECRET_ACCESS_KEY=anything AWS_REGION=%s AWS_DEFAULT_REGION=%s\n%s",
		r.URL, r.Topology, account, region, region, strings.Join(r.Commands, "\n"))
	for _, h := range s.homes {
		for _, name := range slices.Sorted(maps.Keys(h.functions)) {
			r.Functions = append(r.Functions, h.functions[name].label)
		}
	}
	if len(r.Functions) > 0 {
		text += "\nfunctions: " + strings.Join(r.Functions, ", ")
	}
	if s.opts.TemplateDir != "" {
		r.Templates = s.opts.TemplateDir
		text += "\n" + s.deployed()
	}
	s.lines.tell(line{Kind: kindReady, Who: "lab", What: text, Data: r})
}
