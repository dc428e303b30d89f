package main

import (
	"bytes"
	"encoding/json"
	"fmt"

	"github.com/aws/aws-cdk-go/awscdk/v2/awslogs"
	"github.com/aws/aws-cdk-go/awscdk/v2/awsstepfunctions"
	"github.com/aws/jsii-runtime-go"

	"detour/shared/blueprint"
	"detour/shared/failback"
)

// renderFailback makes the workflow that takes groups back to their working paths:
// the functions of its tasks, which nothing but the state machine invokes, and the
// state machine.
//
// It logs every event without the data of its executions: a task token is among them,
// and whoever has that can approve. The data are in the history, which Step Functions
// keeps for 90 days. It is not traced by X-Ray: it waits for people and for minutes,
// the history has the times of all steps, and the permissions of tracing have no
// resources.
func (c *controller) renderFailback() {
	f := c.home.Failback
	if f == nil {
		return
	}
	substitutions := map[string]*string{}
	for _, t := range f.Tasks {
		made := c.renderCode(t.Function, "Detour: does "+t.Task+" in a failback")
		substitutions[t.Substitution] = made.resource.AttrArn()
	}
	at := c.home.Site
	logs := awslogs.NewCfnLogGroup(c.stack, jsii.String("FailbackLogs"), &awslogs.CfnLogGroupProps{
		LogGroupName: jsii.String(f.LogGroup), RetentionInDays: number(logRetention),
	})
	identity := role(c.stack, "FailbackRole", f.Role, "Step Functions runs Detour's failbacks with it", trust(statesService, object{
		"ArnEquals":    object{"aws:SourceArn": blueprint.StateMachineARN(at)},
		"StringEquals": object{"aws:SourceAccount": at.Account},
	}), policyOf(f.Statements))
	machine := awsstepfunctions.NewCfnStateMachine(c.stack, jsii.String("FailbackStateMachine"), &awsstepfunctions.CfnStateMachineProps{
		StateMachineName: jsii.String(f.StateMachine), StateMachineType: jsii.String("STANDARD"), RoleArn: identity.AttrArn(),
		DefinitionString: jsii.String(compact(failback.DefinitionIn(at.Partition()))), DefinitionSubstitutions: &substitutions,
		LoggingConfiguration: &awsstepfunctions.CfnStateMachine_LoggingConfigurationProperty{
			Level: jsii.String("ALL"), IncludeExecutionData: jsii.Bool(false),
			Destinations: []any{&awsstepfunctions.CfnStateMachine_LogDestinationProperty{
				CloudWatchLogsLogGroup: &awsstepfunctions.CfnStateMachine_CloudWatchLogsLogGroupProperty{LogGroupArn: logs.AttrArn()},
			}},
		},
	})
	output(c.stack, "StateMachineArn", "the state machine of failbacks", machine.Ref())
}

// compact writes JSON without the spaces that are for people.
func compact(text string) string {
	var out bytes.Buffer
	if err := json.Compact(&out, []byte(text)); err != nil {
		panic(fmt.Sprintf("the definition of failbacks is not JSON: %v", err))
	}
	return out.String()
}
