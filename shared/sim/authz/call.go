package authz

import (
	"fmt"
	"maps"
	"net/url"
	"slices"
	"strings"
)

// everything is the resource of an action that AWS checks for no resource: only a
// statement about * allows it.
const everything = "*"

// The names of the services in credential scopes.
const (
	serviceEC2        = "ec2"
	serviceSTS        = "sts"
	serviceDynamoDB   = "dynamodb"
	serviceSQS        = "sqs"
	serviceEvents     = "events"
	serviceCloudWatch = "monitoring"
)

// Call is an API call as it came.
type Call struct {
	// Service is that of the credential scope; Account and Region are the caller's.
	Service, Account, Region string
	// Token is the session token of the credentials; empty: there is none.
	Token string
	// Operation is the call's name, such as DescribeVpnConnections.
	Operation string
	// Params are the parameters in the Query protocol, and Body is the request's
	// body, as decoded from JSON or CBOR, in any other.
	Params url.Values
	Body   map[string]any
}

// Need is one permission that a call needs: an action on a resource.
type Need struct{ Action, Resource string }

// Owner tells whose a resource of EC2 is, by its id. ok is false for what is not
// there.
type Owner func(id, account, region string) (owner string, ok bool)

// Needs returns the permissions that a call needs, all of them, in a fixed order.
// A call that no table here knows is an error that names it.
func (c Call) Needs(owner Owner) ([]Need, error) {
	var needs []Need
	var known bool
	switch c.Service {
	case serviceEC2:
		needs, known = c.ec2(owner)
	case serviceSTS:
		needs, known = c.sts()
	case serviceDynamoDB:
		needs, known = c.dynamoDB()
	case serviceSQS:
		needs, known = c.sqs()
	case serviceEvents:
		needs, known = c.events()
	case serviceCloudWatch:
		needs, known = c.cloudWatch()
	}
	if !known {
		return nil, fmt.Errorf("nothing is known of the permissions of %s:%s: add it to the calls of package authz, from the Service Authorization Reference", c.Service, c.Operation)
	}
	return needs, nil
}

// partition is the partition of a Region.
func partition(region string) string {
	switch {
	case strings.HasPrefix(region, "cn-"):
		return "aws-cn"
	case strings.HasPrefix(region, "us-gov-"):
		return "aws-us-gov"
	}
	return "aws"
}

// arn is the ARN of a resource in the call's Region.
func (c Call) arn(service, account, resource string) string {
	return "arn:" + partition(c.Region) + ":" + service + ":" + c.Region + ":" + account + ":" + resource
}

// resource is a resource of an EC2 call: its type in ARNs, and the parameter that
// has its id.
type resource struct{ sort, param string }

// The resources of EC2 calls.
const (
	sortTable      = "transit-gateway-route-table"
	sortAttachment = "transit-gateway-attachment"
	sortList       = "prefix-list"
	sortVPCTable   = "route-table"
)

// ec2Resources are the resources that EC2 checks for a call, those that the call
// must name and those that it may; none: it checks for no resource. Source:
// Service Authorization Reference, Actions, resources, and condition keys for
// Amazon EC2, read from a public copy of its tables. UNVERIFIED: the Describe calls,
// those that delete, and those that switch propagation or change a list.
func ec2Resources(operation string) (resources []resource, known bool) {
	table := resource{sortTable, "TransitGatewayRouteTableId"}
	attachment := resource{sortAttachment, "TransitGatewayAttachmentId"}
	list := resource{sortList, "PrefixListId"}
	vpcTable := resource{sortVPCTable, "RouteTableId"}
	switch operation {
	case "DescribeVpnConnections", "DescribeTransitGatewayAttachments", "DescribeTransitGatewayRouteTables", "DescribeRouteTables",
		"DescribeTransitGateways", "DescribeTransitGatewayConnects", "DescribeTransitGatewayConnectPeers",
		"DescribeVpnGateways", "DescribeVpcs", "DescribeSubnets", "DescribeInstances", "DescribeInstanceStatus",
		"DescribeNetworkInterfaces", "DescribeManagedPrefixLists",
		"GetTransitGatewayPrefixListReferences", "GetTransitGatewayRouteTableAssociations", "GetTransitGatewayRouteTablePropagations":
		return nil, true
	case "SearchTransitGatewayRoutes":
		return []resource{table}, true
	case "GetManagedPrefixListEntries":
		return []resource{list}, true
	case "CreateTransitGatewayRoute", "ReplaceTransitGatewayRoute":
		return []resource{table, attachment}, true
	case "CreateTransitGatewayPrefixListReference", "ModifyTransitGatewayPrefixListReference":
		return []resource{list, table, attachment}, true
	case "CreateRoute", "ReplaceRoute":
		// Neither the target nor a prefix list that is the destination.
		return []resource{vpcTable}, true
	case "DeleteTransitGatewayRoute":
		return []resource{table}, true
	case "DeleteTransitGatewayPrefixListReference":
		return []resource{list, table}, true
	case "DeleteRoute":
		return []resource{vpcTable, {sortList, "DestinationPrefixListId"}}, true
	case "EnableTransitGatewayRouteTablePropagation", "DisableTransitGatewayRouteTablePropagation":
		return []resource{table, attachment}, true
	case "EnableVgwRoutePropagation", "DisableVgwRoutePropagation":
		return []resource{vpcTable, {"vpn-gateway", "GatewayId"}}, true
	case "ModifyManagedPrefixList":
		return []resource{list}, true
	}
	return nil, false
}

// ec2 are the permissions of a call of EC2, with the owner's account in the ARN of
// what is there, else the caller's.
func (c Call) ec2(owner Owner) ([]Need, bool) {
	resources, known := ec2Resources(c.Operation)
	if !known {
		return nil, false
	}
	action := "ec2:" + c.Operation
	var needs []Need
	for _, r := range resources {
		id := c.Params.Get(r.param)
		if id == "" {
			continue
		}
		account := c.Account
		if found, ok := owner(id, c.Account, c.Region); ok {
			account = found
		}
		needs = append(needs, Need{action, c.arn("ec2", account, r.sort+"/"+id)})
	}
	if len(needs) == 0 {
		// Without a resource, also where one is missing, which is answered after this.
		needs = []Need{{action, everything}}
	}
	return needs, true
}

// sts: anybody may ask who he is. Source: STS API reference, GetCallerIdentity.
func (c Call) sts() ([]Need, bool) {
	switch c.Operation {
	case "AssumeRole":
		return []Need{{"sts:AssumeRole", c.Params.Get("RoleArn")}}, true
	case "GetCallerIdentity":
		return nil, true
	}
	return nil, false
}

// dynamoDB: a transaction needs the permissions of what it is made of, and has
// none of its own. Source: DynamoDB Developer Guide, Transactions; Service
// Authorization Reference.
func (c Call) dynamoDB() ([]Need, bool) {
	table := func(name any) string { return c.arn("dynamodb", c.Account, "table/"+text(name)) }
	switch c.Operation {
	case "UpdateItem", "GetItem", "Query":
		return []Need{{"dynamodb:" + c.Operation, table(c.Body["TableName"])}}, true
	case "BatchGetItem":
		requests, _ := c.Body["RequestItems"].(map[string]any)
		var needs []Need
		for _, name := range slices.Sorted(maps.Keys(requests)) {
			needs = append(needs, Need{"dynamodb:BatchGetItem", table(name)})
		}
		return needs, true
	case "TransactWriteItems":
		var needs []Need
		for _, item := range objects(c.Body["TransactItems"]) {
			for member, action := range map[string]string{"ConditionCheck": "ConditionCheckItem", "Delete": "DeleteItem", "Put": "PutItem", "Update": "UpdateItem"} {
				if part, ok := item[member].(map[string]any); ok {
					needs = append(needs, Need{"dynamodb:" + action, table(part["TableName"])})
				}
			}
		}
		return distinct(needs), true
	}
	return nil, false
}

// sqs: the queue is that of the URL.
func (c Call) sqs() ([]Need, bool) {
	if c.Operation != "SendMessage" {
		return nil, false
	}
	u, err := url.Parse(text(c.Body["QueueUrl"]))
	if err != nil {
		return []Need{{"sqs:SendMessage", everything}}, true
	}
	account, name, _ := strings.Cut(strings.TrimPrefix(u.Path, "/"), "/")
	return []Need{{"sqs:SendMessage", c.arn("sqs", account, name)}}, true
}

// events: a bus is named by its name or its ARN; without one it is the default.
func (c Call) events() ([]Need, bool) {
	if c.Operation != "PutEvents" {
		return nil, false
	}
	var needs []Need
	for _, entry := range objects(c.Body["Entries"]) {
		bus := text(entry["EventBusName"])
		switch {
		case bus == "":
			bus = c.arn("events", c.Account, "event-bus/default")
		case !strings.HasPrefix(bus, "arn:"):
			bus = c.arn("events", c.Account, "event-bus/"+bus)
		}
		needs = append(needs, Need{"events:PutEvents", bus})
	}
	return distinct(needs), true
}

// cloudWatch: composite alarms are shown to nobody who may not describe all alarms
// (CloudWatch API reference, DescribeAlarms). UNVERIFIED: that alarms which are
// named are checked one by one otherwise.
func (c Call) cloudWatch() ([]Need, bool) {
	if c.Operation != "DescribeAlarms" {
		return nil, false
	}
	const action = "cloudwatch:DescribeAlarms"
	types, _ := c.Body["AlarmTypes"].([]any)
	names, _ := c.Body["AlarmNames"].([]any)
	if len(names) == 0 || slices.Contains(types, any("CompositeAlarm")) {
		return []Need{{action, everything}}, true
	}
	var needs []Need
	for _, name := range names {
		needs = append(needs, Need{action, c.arn("cloudwatch", c.Account, "alarm:"+text(name))})
	}
	return distinct(needs), true
}

// text is a string of a decoded body; what is none is empty, and matches nothing.
func text(value any) string {
	s, _ := value.(string)
	return s
}

// objects are the objects of a list of a decoded body.
func objects(value any) []map[string]any {
	list, _ := value.([]any)
	var out []map[string]any
	for _, each := range list {
		if object, ok := each.(map[string]any); ok {
			out = append(out, object)
		}
	}
	return out
}

// distinct sorts the needs and takes out the second of two that are equal.
func distinct(needs []Need) []Need {
	slices.SortFunc(needs, Need.compare)
	return slices.Compact(needs)
}

func (n Need) compare(other Need) int {
	if d := strings.Compare(n.Action, other.Action); d != 0 {
		return d
	}
	return strings.Compare(n.Resource, other.Resource)
}
