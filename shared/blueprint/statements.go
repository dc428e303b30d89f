package blueprint

import (
	"cmp"
	"encoding/json"
	"fmt"
	"slices"

	"detour/shared/config"
	"detour/shared/health"
	"detour/shared/protection"
	"detour/shared/route"
)

// Why a statement has a wildcard among its resources. Source: Service
// Authorization Reference, Actions, resources, and condition keys for Amazon EC2
// and for Amazon CloudWatch Logs; CloudWatch API reference, DescribeAlarms.
const (
	reasonReads  = "EC2 has no resource-level permissions for these reads"
	reasonAlarms = "CloudWatch shows composite alarms only to who may describe all alarms"
	reasonLogs   = "the names of log streams are Lambda's"

	reasonDelivery = "CloudWatch Logs has no resource-level permissions for the delivery of a service's logs"
)

// maxPolicy is how many characters the inline policies of a role have together at
// most, white space not counted (IAM User Guide, IAM and AWS STS quotas).
const maxPolicy = 10_240

// arns collects ARNs, each once.
type arns map[string]bool

func (a arns) list() []string {
	out := make([]string, 0, len(a))
	for arn := range a {
		out = append(out, arn)
	}
	slices.Sort(out)
	return out
}

// need is what the functions of one home need in one account.
type need struct {
	// reads are calls that EC2 allows for all resources or none.
	reads  map[string]bool
	alarms bool
	// searched are transit gateway tables, and listed the prefix lists whose entries
	// are read.
	searched, listed arns
	// routed are the resources of routes in transit gateway tables, referred those
	// of prefix list references, and replaced the VPC tables.
	routed, referred, replaced arns
	// cleared are the transit gateway tables of which routes are deleted, and deleted
	// the VPC tables; switched are the resources of propagations.
	cleared, deleted, switched arns
}

func newNeed() *need {
	return &need{
		reads: map[string]bool{}, searched: arns{}, listed: arns{},
		routed: arns{}, referred: arns{}, replaced: arns{}, cleared: arns{}, deleted: arns{}, switched: arns{},
	}
}

// ec2ARN returns the ARN of a resource of EC2.
func ec2ARN(account, region, sort, id string) string {
	return fmt.Sprintf("arn:%s:ec2:%s:%s:%s/%s", config.Partition(region), region, account, sort, id)
}

// needs are what the functions of one home need, by account.
type needs struct {
	of map[string]*need
	// owners are the declared owners of prefix lists; the entries of lists are read
	// where withEntries.
	owners      map[string]string
	withEntries bool
}

// newNeeds returns the needs of no group yet. A run reads the entries of lists
// only to compare them with what must never be touched.
func newNeeds(c config.Config) needs {
	out := needs{of: map[string]*need{}, owners: map[string]string{}, withEntries: len(c.Never.Destinations) > 0}
	for _, list := range c.ListList {
		out.owners[list.ID] = list.Owner
	}
	return out
}

func (n needs) in(account string) *need {
	if n.of[account] == nil {
		n.of[account] = newNeed()
	}
	return n.of[account]
}

// add adds what a group needs: its evidence, its tables, and the writes to them.
func (n needs) add(g protection.Group) {
	owner := map[string]string{}
	for _, path := range g.Paths {
		owner[path.Name] = path.Spec.Subject.Account
		for _, subject := range g.SubjectsOf(path) {
			n.evidence(subject)
		}
	}
	for _, unit := range g.Units {
		for _, entry := range unit.Entries {
			n.entry(entry, owner)
		}
	}
}

func (n needs) evidence(subject health.Subject) {
	at := n.in(subject.Account)
	switch subject.Kind {
	case health.SubjectVPN:
		at.reads["ec2:DescribeVpnConnections"] = true
	case health.SubjectAttachment:
		at.reads["ec2:DescribeTransitGatewayAttachments"] = true
	case health.SubjectConnectPeer:
		at.reads["ec2:DescribeTransitGatewayConnectPeers"] = true
	case health.SubjectInterface:
		at.reads["ec2:DescribeNetworkInterfaces"] = true
	case health.SubjectInstance:
		at.reads["ec2:DescribeInstanceStatus"] = true
	case health.SubjectAlarm:
		at.alarms = true
	case health.SubjectRouteTable:
		at.searched[ec2ARN(subject.Account, subject.Region, "transit-gateway-route-table", subject.ID)] = true
		at.neighbors() // It proves something only if one attachment alone teaches it.
	case health.SubjectPropagations:
		at.reads["ec2:GetTransitGatewayRouteTablePropagations"] = true
	}
}

func (n needs) entry(entry protection.Entry, owner map[string]string) {
	table := entry.Table
	at := n.in(table.Account)
	list := entry.Destination.List()
	listARN := ec2ARN(n.listOwner(list, table.Account), table.Region, "prefix-list", list)
	if list != "" {
		at.reads["ec2:DescribeManagedPrefixLists"] = true
		if n.withEntries {
			at.listed[listARN] = true
		}
	}
	if table.Kind == route.VPCTable {
		// EC2 checks the table alone: neither the target of a VPC route nor a prefix
		// list that is its destination is a resource of CreateRoute and ReplaceRoute.
		at.reads["ec2:DescribeRouteTables"] = true
		at.replaced[ec2ARN(table.Account, table.Region, "route-table", table.ID)] = true
		return
	}
	tableARN := ec2ARN(table.Account, table.Region, "transit-gateway-route-table", table.ID)
	at.searched[tableARN] = true
	written := at.routed
	if list != "" {
		at.reads["ec2:GetTransitGatewayPrefixListReferences"] = true
		written = at.referred
		written[listARN] = true
	}
	written[tableARN] = true
	for _, hop := range entry.NextHops {
		switch hop.NextHop.Kind { //nolint:exhaustive // Nothing else has an ARN.
		case route.TransitGatewayAttachment:
			// An attachment is routed to in the Region of the table. UNVERIFIED: which
			// account stands in the ARN of an attachment that the owner of the transit
			// gateway does not own. The configuration's owner is taken.
			written[ec2ARN(owner[hop.Path], table.Region, "transit-gateway-attachment", hop.NextHop.ID)] = true
		case route.Propagated:
			at.cleared[tableARN] = true // The static route goes, so that the learned one stands.
		}
	}
}

// listOwner returns who stands in the ARN of a prefix list: the declared owner,
// "aws" for a list that AWS manages (EC2 API, type ManagedPrefixList), else the
// owner of the table.
func (n needs) listOwner(id, table string) string {
	if owner := n.owners[id]; owner == config.OwnedByAWS {
		return "aws"
	} else if owner != "" {
		return owner
	}
	return table
}

// accounts returns the accounts in which something is needed, without the one
// given, sorted.
func (n needs) accounts(without string) []string {
	out := make([]string, 0, len(n.of))
	for account := range n.of {
		if account != without {
			out = append(out, account)
		}
	}
	slices.Sort(out)
	return out
}

// statements returns the statements that allow what is needed, and nothing else.
// The conditions are those of writes.
func (n *need) statements(conditions map[string]map[string][]string) []Statement {
	if n == nil {
		return nil
	}
	var out []Statement
	add := func(s Statement) {
		if len(s.Resources) > 0 {
			out = append(out, s)
		}
	}
	if len(n.reads) > 0 {
		add(Statement{Sid: "ReadNetwork", Actions: arns(n.reads).list(), Resources: []string{"*"}, Reason: reasonReads})
	}
	if n.alarms {
		add(Statement{Sid: "ReadAlarms", Actions: []string{"cloudwatch:DescribeAlarms"}, Resources: []string{"*"}, Reason: reasonAlarms})
	}
	add(Statement{Sid: "ReadTransitGatewayRoutes", Actions: []string{"ec2:SearchTransitGatewayRoutes"}, Resources: n.searched.list()})
	add(Statement{Sid: "ReadPrefixLists", Actions: []string{"ec2:GetManagedPrefixListEntries"}, Resources: n.listed.list()})
	add(Statement{
		Sid: "WriteTransitGatewayRoutes", Actions: []string{"ec2:CreateTransitGatewayRoute", "ec2:ReplaceTransitGatewayRoute"},
		Resources: n.routed.list(), Conditions: conditions,
	})
	add(Statement{
		Sid: "WritePrefixListReferences", Actions: []string{"ec2:CreateTransitGatewayPrefixListReference", "ec2:ModifyTransitGatewayPrefixListReference"},
		Resources: n.referred.list(), Conditions: conditions,
	})
	add(Statement{
		Sid: "WriteRoutes", Actions: []string{"ec2:CreateRoute", "ec2:ReplaceRoute"},
		Resources: n.replaced.list(), Conditions: conditions,
	})
	add(Statement{
		Sid: "DeleteTransitGatewayRoutes", Actions: []string{"ec2:DeleteTransitGatewayRoute"}, Resources: n.cleared.list(), Conditions: conditions,
	})
	add(Statement{Sid: "DeleteRoutes", Actions: []string{"ec2:DeleteRoute"}, Resources: n.deleted.list(), Conditions: conditions})
	add(Statement{
		Sid: "SwitchPropagations", Actions: []string{"ec2:DisableTransitGatewayRouteTablePropagation", "ec2:EnableTransitGatewayRouteTablePropagation"},
		Resources: n.switched.list(), Conditions: conditions,
	})
	return ordered(out)
}

func ordered(statements []Statement) []Statement {
	slices.SortFunc(statements, func(a, b Statement) int { return cmp.Compare(a.Sid, b.Sid) })
	return statements
}

// functionStatements returns the whole policy of a function's role. roles are the
// roles in other accounts.
func functionStatements(home Site, f Function, here *need, roles []string) []Statement {
	arn := func(service, resource string) string {
		return fmt.Sprintf("arn:%s:%s:%s:%s:%s", home.Partition(), service, home.Region, home.Account, resource)
	}
	// The key is in the context of every call that the function's code makes with the
	// credentials of its role (Lambda Developer Guide, Working with source function
	// ARN), so that the role is of no use to anything else.
	own := map[string]map[string][]string{"ArnEquals": {"lambda:SourceFunctionArn": {arn("lambda", "function:"+f.Name)}}}
	var queues []string
	if !isTask(f.Name) {
		queues = []string{arn("sqs", QueueDead)} // Of asynchronous invocations that failed.
	}
	for _, queue := range f.Queues {
		queues = append(queues, arn("sqs", queue))
	}
	out := here.statements(own)
	out = append(out,
		Statement{Sid: "Records", Actions: recordActions(f.Name), Resources: []string{arn("dynamodb", "table/"+Table)}},
		Statement{Sid: "Events", Actions: []string{"events:PutEvents"}, Resources: []string{arn("events", "event-bus/"+EventBus)}},
		Statement{Sid: "Queues", Actions: []string{"sqs:SendMessage"}, Resources: sorted(queues)},
		Statement{
			Sid: "Logs", Actions: []string{"logs:CreateLogStream", "logs:PutLogEvents"},
			Resources: []string{arn("logs", "log-group:"+LogGroup(f.Name)+":*")}, Reason: reasonLogs,
		},
	)
	if f.Name != FunctionSweep && !isTask(f.Name) {
		// Lambda's poller takes messages with the function's role (Lambda Developer
		// Guide, Using Lambda with Amazon SQS: execution role permissions).
		out = append(out, Statement{
			Sid: "WakeUps", Actions: []string{"sqs:DeleteMessage", "sqs:GetQueueAttributes", "sqs:ReceiveMessage"},
			Resources: []string{arn("sqs", f.Queues[VariableWake])},
		})
	}
	if len(roles) > 0 {
		out = append(out, Statement{Sid: "OtherAccounts", Actions: []string{"sts:AssumeRole"}, Resources: roles, Conditions: own})
	}
	return ordered(out)
}

// policySize returns how many characters the policy has in IAM's count.
func policySize(statements []Statement) int {
	type statement struct {
		Sid, Effect      string
		Action, Resource []string
		Condition        map[string]map[string][]string `json:",omitempty"`
	}
	policy := struct {
		Version   string
		Statement []statement
	}{Version: "2012-10-17"}
	for _, s := range statements {
		policy.Statement = append(policy.Statement, statement{s.Sid, "Allow", s.Actions, s.Resources, s.Conditions})
	}
	text, err := json.Marshal(policy)
	if err != nil {
		panic(err) // Texts only.
	}
	return len(text)
}
