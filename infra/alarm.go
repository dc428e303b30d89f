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

// tunnelAlarm is the alarm on the tunnels of a VPN connection. It tells nobody: its
// change of state is an event that makes Detour look sooner.
//
// The metric of a connection joins both tunnels: its maximum is 1 while any of
// them is up, and its minimum is less than 1 while any is not (Site-to-Site VPN
// User Guide, "Monitor AWS Site-to-Site VPN tunnels using Amazon CloudWatch"). A
// configuration knows no tunnel's address, so there is none of one tunnel.
func tunnelAlarm(vpn string, minTunnels int, paths []string) blueprint.Alarm {
	a := blueprint.Alarm{
		Name: "detour-tunnels-" + vpn, Namespace: "AWS/VPN", Metric: "TunnelState", Dimensions: map[string]string{"VpnId": vpn},
		Statistic: blueprint.Maximum, Period: time.Minute, Periods: 1, Comparison: blueprint.Below, Threshold: 1, Missing: blueprint.MissingIsBad,
	}
	what := "no tunnel is up"
	if minTunnels > 1 {
		a.Name += "-each"
		a.Statistic = "Minimum"
		what = "a tunnel is not up"
	}
	a.Description = fmt.Sprintf("VPN connection %s, path %s: %s. A hint that makes Detour look, and never evidence: Detour asks EC2 itself.", vpn, strings.Join(paths, ", "), what)
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
func renderAlarms(stack awscdk.Stack, topic awssns.CfnTopic, alarms []blueprint.Alarm) {
	for _, a := range alarms {
		renderAlarm(stack, a, &[]any{topic.Ref()})
	}
}

func renderAlarm(stack awscdk.Stack, a blueprint.Alarm, actions *[]any) {
	var dimensions []any
	for _, name := range sortedKeys(a.Dimensions) {
		dimensions = append(dimensions, &awscloudwatch.CfnAlarm_DimensionProperty{Name: jsii.String(name), Value: jsii.String(a.Dimensions[name])})
	}
	awscloudwatch.NewCfnAlarm(stack, jsii.String(identifier(shortName(a.Name))+"Alarm"), &awscloudwatch.CfnAlarmProps{
		AlarmName: jsii.String(a.Name), AlarmDescription: jsii.String(a.Description),
		Namespace: jsii.String(a.Namespace), MetricName: jsii.String(a.Metric), Dimensions: dimensions, Statistic: jsii.String(a.Statistic),
		Period: number(a.Period.Seconds()), EvaluationPeriods: number(a.Periods), DatapointsToAlarm: number(a.Periods),
		ComparisonOperator: jsii.String(a.Comparison), Threshold: number(a.Threshold), TreatMissingData: jsii.String(a.Missing),
		AlarmActions: actions, OkActions: actions,
	})
}
