package main

import (
	"fmt"
	"slices"

	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/aws-cdk-go/awscdk/v2/awsdynamodb"
	"github.com/aws/aws-cdk-go/awscdk/v2/awsevents"
	"github.com/aws/aws-cdk-go/awscdk/v2/awssqs"
	"github.com/aws/jsii-runtime-go"

	"detour/shared/blueprint"
)

// controller is the stack of a home while it is made.
type controller struct {
	deployment
	stack awscdk.Stack
	home  blueprint.Home
	// dead takes what rules, schedules and asynchronous invocations could not
	// deliver or do.
	dead   awssqs.CfnQueue
	notice notice
	// wakes are the queues of wake-ups that were made, by name.
	wakes map[string]awssqs.CfnQueue
	// functions are those that were made, by name.
	functions map[string]function
}

// renderController makes the stack of a home.
func renderController(app awscdk.App, d deployment, home blueprint.Home) {
	c := &controller{
		stack:      newStack(app, "controller-"+home.String(), "detour-controller", "Detour: the controller. "+modes(home), home.Site),
		deployment: d, home: home, functions: map[string]function{}, wakes: map[string]awssqs.CfnQueue{},
	}
	c.dead = deadQueue(c.stack, home.Site, blueprint.QueueDead, c.ruleARNs())
	c.renderTable()
	for _, w := range home.Wakes {
		c.renderWakeQueue(w)
	}
	c.notice = renderNotice(c.stack, home, d.email, c.dead)
	for _, f := range home.Functions {
		c.functions[f.Name] = c.renderFunction(f)
	}
	for _, w := range home.Wakes {
		c.renderMapping(w)
	}
	c.renderFailback()
	c.renderRules()
	c.renderLogFilters()
	c.renderSchedules()
	c.renderBusPolicies()
	renderTunnels(c.stack, home.Tunnels)
	renderAlarms(c.stack, c.notice.topic, blueprint.Alarms(home))
	renderDashboard(c.stack, home)
	output(c.stack, "Mode", "how many groups are only observed, and how many are written", jsii.String(modes(home)))
	if len(home.Filters) > 0 {
		output(c.stack, "FilterMode", "how many filters only observe, and how many write", jsii.String(filterModes(home)))
	}
}

// modes says how many groups of a home are in which mode.
func modes(home blueprint.Home) string { return modesOf("group", home.Modes) }

// filterModes says the same of its filters.
func filterModes(home blueprint.Home) string { return modesOf("filter", home.FilterModes) }

func modesOf(noun string, modes map[string]int) string {
	if modes["observe"] != 1 {
		noun += "s"
	}
	return fmt.Sprintf("observe: %d %s, enforce: %d", modes["observe"], noun, modes["enforce"])
}

// renderTable makes the table of the records, as package awsdynamo describes it.
// It outlives the stack: a record says what was committed, and a journal what was
// done.
func (c *controller) renderTable() {
	table := awsdynamodb.NewCfnTable(c.stack, jsii.String("Table"), &awsdynamodb.CfnTableProps{
		TableName:   jsii.String(blueprint.Table),
		BillingMode: jsii.String("PAY_PER_REQUEST"),
		AttributeDefinitions: []any{
			&awsdynamodb.CfnTable_AttributeDefinitionProperty{AttributeName: jsii.String("pk"), AttributeType: jsii.String("S")},
			&awsdynamodb.CfnTable_AttributeDefinitionProperty{AttributeName: jsii.String("sk"), AttributeType: jsii.String("S")},
		},
		KeySchema: []any{
			&awsdynamodb.CfnTable_KeySchemaProperty{AttributeName: jsii.String("pk"), KeyType: jsii.String("HASH")},
			&awsdynamodb.CfnTable_KeySchemaProperty{AttributeName: jsii.String("sk"), KeyType: jsii.String("RANGE")},
		},
		TimeToLiveSpecification:          &awsdynamodb.CfnTable_TimeToLiveSpecificationProperty{AttributeName: jsii.String("expires"), Enabled: jsii.Bool(true)},
		PointInTimeRecoverySpecification: &awsdynamodb.CfnTable_PointInTimeRecoverySpecificationProperty{PointInTimeRecoveryEnabled: jsii.Bool(true)},
		DeletionProtectionEnabled:        jsii.Bool(true),
	})
	table.ApplyRemovalPolicy(awscdk.RemovalPolicy_RETAIN, nil)
}

// renderWakeQueue makes a queue of wake-ups.
func (c *controller) renderWakeQueue(w blueprint.Wake) {
	dead := deadQueue(c.stack, c.home.Site, w.Dead, nil)
	seconds := 0.0
	for _, f := range c.home.Functions {
		if f.Name == w.Function {
			seconds = f.Timeout.Seconds() * visibilityFactor
		}
	}
	queue := awssqs.NewCfnQueue(c.stack, jsii.String(identifier(shortName(w.Queue))+"Queue"), &awssqs.CfnQueueProps{
		QueueName: jsii.String(w.Queue), SqsManagedSseEnabled: jsii.Bool(true), VisibilityTimeout: number(seconds),
		RedrivePolicy: object{"deadLetterTargetArn": dead.AttrArn(), "maxReceiveCount": wakeReceives},
	})
	queuePolicy(c.stack, c.home.Site, queue, w.Queue, nil)
	c.wakes[w.Queue] = queue
}

// ruleName is the name of the rule of a pattern in a home.
func ruleName(file string) string { return "detour-" + stem(file) }

// patterns are the files of the rules of a home, sorted.
func (c *controller) patterns() []string {
	files := slices.Concat(c.home.Patterns, c.home.FilterPatterns)
	slices.Sort(files)
	return slices.Compact(files)
}

// ruleARNs are the rules whose dead letters the stack keeps.
func (c *controller) ruleARNs() []string {
	var out []string
	for name := range noticeRules(c.home) {
		out = append(out, ruleARN(c.home.Site, name))
	}
	for _, file := range c.patterns() {
		out = append(out, ruleARN(c.home.Site, ruleName(file)))
	}
	slices.Sort(out)
	return out
}

// renderRules makes the rules that start the functions for groups and for filters:
// for what happens here, and for what other sites forward to here.
func (c *controller) renderRules() {
	for _, file := range c.patterns() {
		var started []function
		if slices.Contains(c.home.Patterns, file) {
			started = append(started, c.functions[blueprint.FunctionSwitchover])
		}
		if slices.Contains(c.home.FilterPatterns, file) {
			started = append(started, c.functions[blueprint.FunctionRouteFilter])
		}
		var targets []any
		for _, f := range started {
			targets = append(targets, target(f.Name, f.resource.AttrArn(), c.dead.AttrArn(), f.MaxAge))
		}
		name := ruleName(file)
		made := rule(c.stack, name, "Detour: what makes it look sooner than the schedule", readPattern(file), targets...)
		for _, f := range started {
			f.allowRule(c, name, made)
		}
	}
}

// renderBusPolicies lets further accounts send events to the home's bus, with no
// other role than that of their forwarding stacks. The account is the principal
// and the role a condition, since a role as principal has to exist first.
func (c *controller) renderBusPolicies() {
	for _, account := range c.home.From {
		var roles []string
		for _, forward := range c.blueprint.Forwards {
			if forward.Account == account && slices.Contains(forward.Homes(), c.home.Site) {
				roles = append(roles, roleARN(forward.Site, forwardRole(forward.Site)))
			}
		}
		awsevents.NewCfnEventBusPolicy(c.stack, jsii.String("BusPolicy"+account), &awsevents.CfnEventBusPolicyProps{
			EventBusName: jsii.String(blueprint.EventBus), StatementId: jsii.String("detour-from-" + account),
			Statement: object{
				"Sid": "detour-from-" + account, "Effect": "Allow", "Action": "events:PutEvents", "Resource": busARN(c.home.Site),
				"Principal": object{"AWS": fmt.Sprintf("arn:%s:iam::%s:root", c.home.Partition(), account)},
				"Condition": object{"ArnEquals": object{"aws:PrincipalArn": list(roles)}},
			},
		})
	}
}
