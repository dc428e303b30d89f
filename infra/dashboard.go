package main

import (
	"maps"
	"slices"

	"github.com/aws/aws-cdk-go/awscdk/v2/awscloudwatch"
	"github.com/aws/constructs-go/constructs/v10"
	"github.com/aws/jsii-runtime-go"

	"detour/shared/blueprint"
)

// sortedKeys returns the keys of a map in order.
func sortedKeys[V any](m map[string]V) []string { return slices.Sorted(maps.Keys(m)) }

// renderDashboard makes the dashboard of a home.
func renderDashboard(scope constructs.Construct, home blueprint.Home) {
	name := blueprint.DashboardName(home)
	awscloudwatch.NewCfnDashboard(scope, jsii.String("Dashboard"), &awscloudwatch.CfnDashboardProps{
		DashboardName: jsii.String(name), DashboardBody: jsii.String(string(blueprint.Dashboard(home))),
	})
	output(scope, "DashboardName", "the name of the CloudWatch dashboard", jsii.String(name))
}
