package main

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/aws-cdk-go/awscdk/v2/awscloudwatch"
	"github.com/aws/aws-cdk-go/awscdk/v2/awssns"
	"github.com/aws/jsii-runtime-go"

	"detour/shared/blueprint"
)

// What an alarm makes of missing data.
const (
	missingIsBad  = "breaching"
	missingIsGood = "notBreaching"
)

// How an alarm compares.
const (
	below   = "LessThanThreshold"
	atLeast = "GreaterThanOrEqualToThreshold"
)

// alarm is an alarm on one metric.
type alarm struct {
	name        string
	description string
	namespace   string
	metric      string
	dimensions  map[string]string
	statistic   string
	period      time.Duration
	periods     int
	comparison  string
	threshold   float64
	missing     string
}

// alarmsOf are the alarms of a home that tell people.
func alarmsOf(home blueprint.Home) []alarm {
	var out []alarm
	add := func(name, namespace, metric, statistic, dimension, value, description string) {
		out = append(out, alarm{
			name: "detour-" + name, description: description, namespace: namespace, metric: metric,
			dimensions: map[string]string{dimension: value}, statistic: statistic, period: time.Minute, periods: 1,
			comparison: atLeast, threshold: 1, missing: missingIsGood,
		})
	}
	for _, queue := range []string{blueprint.QueueDead, blueprint.QueueWakeDead} {
		add(strings.TrimPrefix(queue, "detour-")+"-letters", "AWS/SQS", "ApproximateNumberOfMessagesVisible", "Maximum", "QueueName", queue,
			"Something that should start Detour was given up on. Read the messages in the queue "+queue+".")
	}
	for _, f := range home.Functions {
		name := shortName(f.Name)
		add(name+"-errors", "AWS/Lambda", "Errors", "Sum", "FunctionName", f.Name, "An invocation of "+f.Name+" failed. Read its log.")
		add(name+"-throttles", "AWS/Lambda", "Throttles", "Sum", "FunctionName", f.Name, "Lambda has no room for "+f.Name+". Look at the account's concurrency.")
	}
	return append(out, alarm{
		name: "detour-sweeps", description: "Nobody looked at the paths for 5 minutes. Look at the schedule, the errors of the function and the table.",
		namespace: "Detour", metric: "Sweeps", dimensions: map[string]string{"Function": shortName(blueprint.FunctionSweep)},
		statistic: "Sum", period: 5 * time.Minute, periods: 1, comparison: below, threshold: 1, missing: missingIsBad,
	})
}

// tunnelAlarm is the alarm on the tunnels of a VPN connection. It tells nobody: its
// change of state is an event that makes Detour look sooner.
//
// The metric of a connection joins both tunnels: its maximum is 1 while any of
// them is up, and its minimum is less than 1 while any is not (Site-to-Site VPN
// User Guide, "Monitor AWS Site-to-Site VPN tunnels using Amazon CloudWatch"). A
// configuration knows no tunnel's address, so there is none of one tunnel.
func tunnelAlarm(vpn string, minTunnels int, paths []string) alarm {
	a := alarm{
		name: "detour-tunnels-" + vpn, namespace: "AWS/VPN", metric: "TunnelState", dimensions: map[string]string{"VpnId": vpn},
		statistic: "Maximum", period: time.Minute, periods: 1, comparison: below, threshold: 1, missing: missingIsBad,
	}
	what := "no tunnel is up"
	if minTunnels > 1 {
		a.name += "-each"
		a.statistic = "Minimum"
		what = "a tunnel is not up"
	}
	a.description = fmt.Sprintf("VPN connection %s, path %s: %s. A hint that makes Detour look, and never evidence: Detour asks EC2 itself.", vpn, strings.Join(paths, ", "), what)
	return a
}

// renderTunnels makes the alarms of the VPN connections at a site. Paths that are
// of the same connection and need as many tunnels share one.
func renderTunnels(stack awscdk.Stack, tunnels []blueprint.Tunnel) {
	type kind struct {
		vpn string
		min int
	}
	paths := map[kind][]string{}
	var kinds []kind
	for _, t := range tunnels {
		k := kind{t.VPN, min(max(t.MinTunnels, 1), 2)}
		if !slices.Contains(kinds, k) {
			kinds = append(kinds, k)
		}
		paths[k] = append(paths[k], t.Group+"/"+t.Path)
	}
	for _, k := range kinds {
		renderAlarm(stack, tunnelAlarm(k.vpn, k.min, paths[k]), nil)
	}
}

// renderAlarms makes the alarms that publish to the topic when they go off and
// when they are over.
func renderAlarms(stack awscdk.Stack, topic awssns.CfnTopic, alarms []alarm) {
	for _, a := range alarms {
		renderAlarm(stack, a, &[]any{topic.Ref()})
	}
}

func renderAlarm(stack awscdk.Stack, a alarm, actions *[]any) {
	var dimensions []any
	for _, name := range sortedKeys(a.dimensions) {
		dimensions = append(dimensions, &awscloudwatch.CfnAlarm_DimensionProperty{Name: jsii.String(name), Value: jsii.String(a.dimensions[name])})
	}
	awscloudwatch.NewCfnAlarm(stack, jsii.String(identifier(shortName(a.name))+"Alarm"), &awscloudwatch.CfnAlarmProps{
		AlarmName: jsii.String(a.name), AlarmDescription: jsii.String(a.description),
		Namespace: jsii.String(a.namespace), MetricName: jsii.String(a.metric), Dimensions: dimensions, Statistic: jsii.String(a.statistic),
		Period: number(a.period.Seconds()), EvaluationPeriods: number(a.periods), DatapointsToAlarm: number(a.periods),
		ComparisonOperator: jsii.String(a.comparison), Threshold: number(a.threshold), TreatMissingData: jsii.String(a.missing),
		AlarmActions: actions, OkActions: actions,
	})
}
