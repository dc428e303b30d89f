package main

import (
	"encoding/json"
	"maps"
	"slices"

	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/aws-cdk-go/awscdk/v2/awscloudwatch"
	"github.com/aws/jsii-runtime-go"

	"detour/shared/blueprint"
)

// sortedKeys returns the keys of a map in order.
func sortedKeys[V any](m map[string]V) []string { return slices.Sorted(maps.Keys(m)) }

// dashboardOf is the body of a home's dashboard (CloudWatch API reference,
// "Dashboard body structure and syntax").
func dashboardOf(home blueprint.Home) []byte {
	widget := func(x, y int, title string, metrics ...[]any) object {
		return object{
			"type": "metric", "x": x, "y": y, "width": 12, "height": 6,
			"properties": object{"title": title, "region": home.Region, "stat": "Sum", "period": 60, "view": "timeSeries", "metrics": metrics},
		}
	}
	own := func(metric, function string) []any { return []any{"Detour", metric, "Function", function} }
	body, _ := json.Marshal(object{"widgets": []any{ // Texts and numbers always marshal.
		widget(0, 0, "Held and contended groups", own("Held", "switchover"), own("Held", "sweep"), own("Contended", "switchover"), own("Contended", "sweep")),
		widget(12, 0, "Switchovers", own("Switchovers", "switchover"), own("Switchovers", "sweep"), own("WouldMove", "sweep")),
		widget(0, 6, "Sweeps: the heartbeat", own("Sweeps", "sweep")),
		widget(12, 6, "Dead letters", []any{"AWS/SQS", "ApproximateNumberOfMessagesVisible", "QueueName", blueprint.QueueDead},
			[]any{"AWS/SQS", "ApproximateNumberOfMessagesVisible", "QueueName", blueprint.QueueWakeDead}),
	}})
	return body
}

// renderDashboard makes the dashboard of a home.
func renderDashboard(stack awscdk.Stack, home blueprint.Home) {
	name := "detour-" + home.Region
	awscloudwatch.NewCfnDashboard(stack, jsii.String("Dashboard"), &awscloudwatch.CfnDashboardProps{
		DashboardName: jsii.String(name), DashboardBody: jsii.String(string(dashboardOf(home))),
	})
	output(stack, "DashboardName", "the name of the CloudWatch dashboard", jsii.String(name))
}
