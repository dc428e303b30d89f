package doctor

import (
	"fmt"
	"strings"

	"detour/shared/route"
)

// registrations: transit gateways of groups and filters whose events do not come.
func registrations(x *examination) {
	e := x.s.Events
	if !e.Wanted || e.Problem != route.NoProblem {
		return // It is told that it was not examined, or nobody listens.
	}
	tables := x.filterTables()
	for _, g := range x.s.Groups {
		tables = append(tables, g.Group.Tables()...)
	}
	told := map[string]bool{}
	for _, table := range tables {
		gateway := x.gatewayOf[table]
		if table.Kind == route.TransitGatewayTable && gateway != "" && !told[gateway] {
			told[gateway] = true
			x.registered(table, gateway)
		}
	}
}

func (x *examination) registered(table route.Table, gateway string) {
	e := x.s.Events
	var states []string
	for _, r := range e.Registrations {
		if r.TransitGateway != gateway || r.Account != table.Account || r.Region != table.Region {
			continue
		}
		if r.State == RegistrationAvailable {
			return
		}
		states = append(states, fmt.Sprintf("%s in %s", r.State, r.GlobalNetwork))
	}
	f := Finding{
		ID: NotRegistered, Severity: Warning, Where: Where{Account: table.Account, Region: table.Region, TransitGateway: gateway},
		What: fmt.Sprintf("%s is registered with no global network of account %s", gateway, e.Account),
	}
	network := "GLOBAL-NETWORK"
	switch {
	case len(states) > 0:
		f.What = fmt.Sprintf("the registration of %s is %s, not %s", gateway, strings.Join(states, " and "), RegistrationAvailable)
	case len(e.Networks) == 0:
		f.What += ", which has none"
		f.Do = append(f.Do, "make a global network: aws networkmanager create-global-network --region "+NetworkManagerRegion(table.Region))
	default:
		network = e.Networks[0]
	}
	f.Do = append(f.Do, fmt.Sprintf("register it: aws networkmanager register-transit-gateway --global-network-id %s --transit-gateway-arn arn:%s:ec2:%s:%s:transit-gateway/%s --region %s",
		network, partition(table.Region), table.Region, table.Account, gateway, NetworkManagerRegion(table.Region)),
		"say in networkManager.account which account owns the global network, if it is another one")
	seen := "no global network"
	if len(e.Networks) > 0 {
		seen = few(e.Networks)
	}
	f.Evidence = []Evidence{{At: e.ReadAt.UTC(), Text: fmt.Sprintf("account %s shows %s, with %s", e.Account, seen, plural(len(e.Registrations), "registration"))}}
	x.add(f)
}

// NetworkManagerRegion returns the Region of Network Manager's API in the partition
// of a Region, which is the only one that takes its requests: us-west-2 (Network
// Manager API reference, Welcome), and us-gov-west-1 in GovCloud (AWS General
// Reference, Network Manager endpoints).
// It is empty for a partition without one.
func NetworkManagerRegion(region string) string {
	switch {
	case strings.HasPrefix(region, "cn-"):
		return ""
	case strings.HasPrefix(region, "us-gov-"):
		return "us-gov-west-1"
	default:
		return "us-west-2"
	}
}

// partition is the partition of a Region, for ARNs.
func partition(region string) string {
	switch {
	case strings.HasPrefix(region, "cn-"):
		return "aws-cn"
	case strings.HasPrefix(region, "us-gov-"):
		return "aws-us-gov"
	default:
		return "aws"
	}
}
