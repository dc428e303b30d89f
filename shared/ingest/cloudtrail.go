package ingest

import (
	"cmp"
	"encoding/json"
	"fmt"
	"strings"

	"detour/events"
	"detour/shared/route"
)

// Writer is who made a call, as CloudTrail tells it. The zero value: nobody did, or it is not known.
type Writer struct {
	// Name is the ARN of the principal, that of the session for an assumed role, or what CloudTrail has in its place.
	Name string
	// Role is the name of the role whose credentials were used, and RoleARN its ARN; "": it was no role.
	Role    string
	RoleARN string
	// Account is the account of the role.
	Account string
	// Region is the Region in which the call was made.
	Region string
}

// Own are the roles that Detour itself writes with.
type Own struct {
	// Account and Region are those that the functions run in.
	Account, Region string
	// Assumed gives the ARN of the role that the functions assume in another account, for the tables of a Region; nil: none.
	Assumed func(account, region string) string
}

// functions are those that write routes.
func functions() []string {
	return []string{"switchover", "sweep", "routefilter", "failback-advance", "failback-undo"}
}

// Made reports whether the writer is this Detour. It is told by the whole name of the role: a role of the functions in
// their own account (detour-switchover-REGION, detour-sweep-REGION), or the one that they assume elsewhere. Another Detour,
// of another account or Region, is a stranger like any other: if it writes the same routes, somebody has to know.
func (o Own) Made(w Writer) bool {
	switch {
	case w.Role == "" || o.Account == "" || o.Region == "":
		return false
	case w.Account == o.Account:
		for _, function := range functions() {
			if w.Role == "detour-"+function+"-"+o.Region {
				return true
			}
		}
		return false
	default:
		return o.Assumed != nil && w.RoleARN == o.Assumed(w.Account, w.Region)
	}
}

// apiCall looks at a call of somebody that may have changed a route: at the table, or the prefix list, that it names. What
// stands there is read, not believed. A call that failed changed nothing, and a dry run is one that failed.
func apiCall(env events.Envelope, look *Look) *Drop {
	if env.DetailType != events.DetailAPICall {
		look.all(WhyUnknownDetailType, "detail-type %q of %s", look.DetailType, look.Source)
		return nil
	}
	var d events.APICall
	_ = json.Unmarshal(env.Detail, &d) // What could not be read is missing, and a missing key widens the look.
	look.ChangeType = clean(d.EventName)
	look.Writer = writer(d.UserIdentity, cmp.Or(d.AWSRegion, env.Region))
	if d.ErrorCode != "" {
		return &Drop{DropNoEffect, fmt.Sprintf("%s by %s failed with %s; it changed nothing", look.ChangeType, look.Writer.Name, clean(d.ErrorCode))}
	}
	p, _ := d.Parameters()
	transit, vpc, list := isID(p.TransitGatewayRouteTableID, "tgw-rtb-"), isID(p.RouteTableID, "rtb-"), isID(p.PrefixListID, "pl-")
	switch kind := kindOfCall(d.EventName); {
	case d.EventName == "":
		look.all(WhyMissingKey, "an API call without eventName")
	case d.EventSource != events.EventSourceEC2:
		look.all(WhyUnknownService, "an API call of %q", clean(d.EventSource))
	case kind == callUnknown:
		look.all(WhyUnknownChangeType, "eventName %q", look.ChangeType)
	case kind == callOfList && list:
		look.Lists = append(look.Lists, p.PrefixListID)
	case kind == callOfTransitTable && transit:
		look.touched(p.TransitGatewayRouteTableID, cmp.Or(p.Destination, p.PrefixListID))
	case kind == callOfVPCTable && vpc:
		look.touched(p.RouteTableID, p.Destination)
	default:
		look.all(WhyMissingKey, "%s names no table or prefix list that it could be about", look.ChangeType)
	}
	return nil
}

// touched adds a table. A destination that can be read narrows the look to the entries for it.
func (l *Look) touched(table, destination string) {
	l.Tables = append(l.Tables, table)
	if d, err := route.ParseDestination(destination); err == nil && (d.List() == "" || isID(d.List(), "pl-")) {
		l.Destination = d
	}
}

// call is what a call changes.
type call int

const (
	callUnknown call = iota
	callOfTransitTable
	callOfVPCTable
	callOfList
)

// kindOfCall knows the calls of events/pattern/cloudtrail-routes.json.
func kindOfCall(name string) call {
	switch name {
	case "CreateTransitGatewayRoute", "ReplaceTransitGatewayRoute", "DeleteTransitGatewayRoute",
		"CreateTransitGatewayPrefixListReference", "ModifyTransitGatewayPrefixListReference", "DeleteTransitGatewayPrefixListReference",
		"EnableTransitGatewayRouteTablePropagation", "DisableTransitGatewayRouteTablePropagation",
		"AssociateTransitGatewayRouteTable", "DisassociateTransitGatewayRouteTable", "DeleteTransitGatewayRouteTable":
		return callOfTransitTable
	case "CreateRoute", "ReplaceRoute", "DeleteRoute", "EnableVgwRoutePropagation", "DisableVgwRoutePropagation",
		"AssociateRouteTable", "ReplaceRouteTableAssociation", "DeleteRouteTable":
		return callOfVPCTable
	case "ModifyManagedPrefixList", "RestoreManagedPrefixListVersion":
		return callOfList
	default:
		return callUnknown
	}
}

// writer takes out of an identity what says who it was. Access keys stay behind.
func writer(id events.UserIdentity, region string) Writer {
	out := Writer{Name: clean(cmp.Or(id.ARN, id.InvokedBy, id.PrincipalID, id.Type, "somebody")), Region: clean(region)}
	if id.SessionContext == nil || id.SessionContext.SessionIssuer == nil {
		return out
	}
	issuer := id.SessionContext.SessionIssuer
	a, ok := parseARN(issuer.ARN)
	if !ok || a.service != "iam" || !strings.HasPrefix(a.resource, "role/") {
		return out
	}
	out.RoleARN, out.Account = clean(issuer.ARN), clean(a.account)
	out.Role = clean(a.resource[strings.LastIndexByte(a.resource, '/')+1:])
	return out
}
