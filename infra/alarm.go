package main

import (
	"github.com/aws/aws-cdk-go/awscdk/v2/awscloudwatch"
	"github.com/aws/aws-cdk-go/awscdk/v2/awssns"
	"github.com/aws/constructs-go/constructs/v10"
	"github.com/aws/jsii-runtime-go"

	"detour/shared/blueprint"
)

// renderTunnels makes the alarms of the VPN connections at a site. They tell nobody.
func renderTunnels(scope constructs.Construct, tunnels []blueprint.Tunnel) {
	for _, a := range blueprint.TunnelAlarms(tunnels) {
		renderAlarm(scope, a, nil)
	}
}

// renderAlarms makes the alarms that publish to the topic when they go off and
// when they are over.
func renderAlarms(scope constructs.Construct, topic awssns.CfnTopic, alarms []blueprint.Alarm) {
	for _, a := range alarms {
		renderAlarm(scope, a, &[]any{topic.Ref()})
	}
}

func renderAlarm(scope constructs.Construct, a blueprint.Alarm, actions *[]any) {
	var dimensions []any
	for _, name := range sortedKeys(a.Dimensions) {
		dimensions = append(dimensions, &awscloudwatch.CfnAlarm_DimensionProperty{Name: jsii.String(name), Value: jsii.String(a.Dimensions[name])})
	}
	awscloudwatch.NewCfnAlarm(scope, jsii.String(identifier(shortName(a.Name))+"Alarm"), &awscloudwatch.CfnAlarmProps{
		AlarmName: jsii.String(a.Name), AlarmDescription: jsii.String(a.Description),
		Namespace: jsii.String(a.Namespace), MetricName: jsii.String(a.Metric), Dimensions: dimensions, Statistic: jsii.String(a.Statistic),
		Period: number(a.Period.Seconds()), EvaluationPeriods: number(a.Periods), DatapointsToAlarm: number(a.Periods),
		ComparisonOperator: jsii.String(a.Comparison), Threshold: number(a.Threshold), TreatMissingData: jsii.String(a.Missing),
		AlarmActions: actions, OkActions: actions,
	})
}
