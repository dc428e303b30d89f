package main

import (
	"crypto/sha256"
	"encoding/hex"

	"github.com/aws/aws-cdk-go/awscdk/v2/awslambda"
	"github.com/aws/aws-cdk-go/awscdk/v2/awslogs"
	"github.com/aws/jsii-runtime-go"

	"detour/shared/blueprint"
)

// renderLogFilters hands what the BGP logs of VPN connections tell of routes to the
// function for filters. The log groups are there already, and somebody else's. A
// group takes two subscription filters and no more (CloudWatch Logs API,
// PutSubscriptionFilter), of which this is one.
func (c *controller) renderLogFilters() {
	f := c.functions[blueprint.FunctionRouteFilter]
	for _, group := range c.home.LogGroups {
		id := "Log" + logID(group)
		permission := awslambda.NewCfnPermission(c.stack, jsii.String(id+"Permission"), &awslambda.CfnPermissionProps{
			FunctionName: f.resource.Ref(), Action: jsii.String("lambda:InvokeFunction"), Principal: jsii.String(logsService),
			SourceArn: jsii.String(arn(c.home.Site, "logs", "log-group:"+group+":*")), SourceAccount: jsii.String(c.home.Account),
		})
		subscription := awslogs.NewCfnSubscriptionFilter(c.stack, jsii.String(id+"Filter"), &awslogs.CfnSubscriptionFilterProps{
			FilterName: jsii.String(blueprint.LogFilter), LogGroupName: jsii.String(group), FilterPattern: jsii.String(blueprint.LogPattern),
			DestinationArn: f.resource.AttrArn(),
		})
		// CloudWatch Logs tries the function before it makes the subscription.
		subscription.AddResourceDependency(permission, nil)
	}
}

// logID makes part of a logical id of the name of a log group. Names that differ in
// characters that an id cannot have differ in the number behind it.
func logID(group string) string {
	sum := sha256.Sum256([]byte(group))
	return identifier(group) + hex.EncodeToString(sum[:4])
}
