package ec2api

import (
	"net/http"
	"slices"
	"strconv"
	"strings"

	"detour/shared/sim"
)

// face is one of the services that the Handler is the wire of.
type face int

const (
	faceEC2 face = iota
	faceSTS
)

const (
	ec2Version = "2016-11-15"
	stsVersion = "2011-06-15"
)

// faceOf picks the face for an answer to a request whose credentials are not
// readable, by its API version.
func faceOf(version string) face {
	if version == stsVersion {
		return faceSTS
	}
	return faceEC2
}

func (f face) version() string {
	if f == faceSTS {
		return stsVersion
	}
	return ec2Version
}

func (f face) service() string {
	if f == faceSTS {
		return "AWSSecurityTokenService"
	}
	return "AmazonEC2"
}

// action is one call of an API.
type action struct {
	mutating bool
	// scalars and lists name the parameters: Name, and Name.N (Filter is one).
	// They are those of the API model, whether the World supports them or not.
	scalars []string
	lists   []string
	// members names the parameters Name.N.Member.
	members map[string][]string
	// bulk: without ids, filters and a page length it draws from a smaller bucket.
	bulk bool
	run  func(rq *request) (any, *sim.APIError)
}

// actionNamed returns the action of a face, or false if it has none such.
func actionNamed(f face, name string) (action, bool) {
	if f == faceSTS {
		return stsAction(name)
	}
	if act, ok := readAction(name); ok {
		return act, true
	}
	if act, ok := vpcAction(name); ok {
		return act, true
	}
	if act, ok := tgwAction(name); ok {
		return act, true
	}
	return writeAction(name)
}

// readAction returns the reading actions of the EC2 face.
func readAction(name string) (action, bool) {
	paged := []string{"DryRun", "MaxResults", "NextToken"}
	inTable := []string{"DryRun", "MaxResults", "NextToken", "TransitGatewayRouteTableId"}
	filter := []string{"Filter"}
	switch name {
	case "DescribeVpnConnections":
		return action{scalars: []string{"DryRun"}, lists: []string{"Filter", "VpnConnectionId"}, run: describeVPNConnections}, true
	case "DescribeTransitGatewayAttachments":
		return action{scalars: paged, lists: []string{"Filter", "TransitGatewayAttachmentIds"}, run: describeAttachments}, true
	case "DescribeTransitGatewayRouteTables":
		return action{scalars: paged, lists: []string{"Filter", "TransitGatewayRouteTableIds"}, run: describeTGWTables}, true
	case "SearchTransitGatewayRoutes":
		return action{scalars: inTable, lists: filter, run: searchRoutes}, true
	case "GetTransitGatewayRouteTableAssociations":
		return action{scalars: inTable, lists: filter, run: getAssociations}, true
	case "DescribeRouteTables":
		return action{scalars: paged, lists: []string{"Filter", "RouteTableId"}, run: describeRouteTables}, true
	}
	return action{}, false
}

// writeAction returns the writing actions of the EC2 face.
func writeAction(name string) (action, bool) {
	key := []string{"DryRun", "TransitGatewayRouteTableId", "DestinationCidrBlock"}
	withTarget := slices.Concat(key, []string{"TransitGatewayAttachmentId", "Blackhole"})
	vpcKey := []string{"DryRun", "RouteTableId", "DestinationCidrBlock", "DestinationIpv6CidrBlock", "DestinationPrefixListId"}
	vpcTarget := slices.Concat(vpcKey, targetNames())
	switch name {
	case "CreateTransitGatewayRoute":
		return action{mutating: true, scalars: withTarget, run: createTGWRoute}, true
	case "ReplaceTransitGatewayRoute":
		return action{mutating: true, scalars: withTarget, run: replaceTGWRoute}, true
	case "DeleteTransitGatewayRoute":
		return action{mutating: true, scalars: key, run: deleteTGWRoute}, true
	case "CreateRoute":
		return action{mutating: true, scalars: vpcTarget, run: createRoute}, true
	case "ReplaceRoute":
		return action{mutating: true, scalars: append(vpcTarget, "LocalTarget"), run: replaceRoute}, true
	case "DeleteRoute":
		return action{mutating: true, scalars: vpcKey, run: deleteRoute}, true
	}
	return action{}, false
}

// checkNames refuses a parameter that the action does not have. Source: EC2 API
// reference, Common client errors, UnknownParameter. Of several, the first by
// name is reported.
func (rq *request) checkNames(act action) *sim.APIError {
	names := make([]string, 0, len(rq.params))
	for name := range rq.params {
		names = append(names, name)
	}
	slices.Sort(names)
	for _, name := range names {
		if !act.takes(name) {
			return fail(http.StatusBadRequest, "UnknownParameter", "The parameter %s is not recognized", name)
		}
		if len(rq.params[name]) > 1 {
			return fail(http.StatusBadRequest, "InvalidParameterValue", "The parameter %s may only be specified once", name)
		}
	}
	return nil
}

// takes says whether the action has a parameter of that wire name.
func (act action) takes(name string) bool {
	if name == "Action" || name == "Version" || slices.Contains(act.scalars, name) {
		return true
	}
	root, rest, dotted := strings.Cut(name, ".")
	if members := act.members[root]; dotted && members != nil {
		number, member, _ := strings.Cut(rest, ".")
		_, ok := index(number)
		return ok && slices.Contains(members, member)
	}
	if !dotted || !slices.Contains(act.lists, root) {
		return false
	}
	if root != "Filter" {
		_, ok := index(rest)
		return ok
	}
	number, rest, _ := strings.Cut(rest, ".")
	if _, ok := index(number); !ok {
		return false
	}
	if rest == "Name" {
		return true
	}
	number, found := strings.CutPrefix(rest, "Value.")
	_, ok := index(number)
	return found && ok
}

// index reads the N of Name.N: a number from 1, without leading zeros.
func index(s string) (int, bool) {
	n, err := strconv.Atoi(s)
	return n, err == nil && n > 0 && len(s) < 7 && strconv.Itoa(n) == s
}
