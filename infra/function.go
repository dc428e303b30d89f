package main

import (
	"fmt"
	"slices"
	"time"

	"github.com/aws/aws-cdk-go/awscdk/v2/awsevents"
	"github.com/aws/aws-cdk-go/awscdk/v2/awslambda"
	"github.com/aws/aws-cdk-go/awscdk/v2/awslogs"
	"github.com/aws/aws-cdk-go/awscdk/v2/awss3assets"
	"github.com/aws/aws-cdk-go/awscdk/v2/awsscheduler"
	"github.com/aws/jsii-runtime-go"

	"detour/shared/blueprint"
)

const (
	// logRetention is how many days the log lines are kept, which hold the metrics
	// too.
	logRetention = 90
	// batchSize is how many wake-ups an invocation gets at most: the default of a
	// standard queue.
	batchSize = 10
	// batchesAtOnce is the mapping's maximum concurrency, 2 being the least that
	// Lambda takes. Groups have leases, so more would only wait for one another.
	batchesAtOnce = 2
	// scheduleAge is the age at which a scheduled input becomes a dead letter: the
	// next one is due by then. A minute is the least that EventBridge Scheduler takes.
	scheduleAge = time.Minute
	// scheduleRetries is how often it is tried again until then.
	scheduleRetries = 2
)

// function is a function of the blueprint and what it was rendered as.
type function struct {
	blueprint.Function
	// id begins the logical ids of what belongs to the function.
	id       string
	resource awslambda.CfnFunction
}

// renderFunction makes a function, and what becomes of its asynchronous invocations
// that fail.
func (c *controller) renderFunction(f blueprint.Function) function {
	made := c.renderCode(f, describe(f))
	awslambda.NewCfnEventInvokeConfig(c.stack, jsii.String(made.id+"Invoke"), &awslambda.CfnEventInvokeConfigProps{
		FunctionName: made.resource.Ref(), Qualifier: jsii.String("$LATEST"),
		MaximumRetryAttempts: number(f.Retries), MaximumEventAgeInSeconds: number(f.MaxAge.Seconds()),
		DestinationConfig: &awslambda.CfnEventInvokeConfig_DestinationConfigProperty{
			OnFailure: &awslambda.CfnEventInvokeConfig_OnFailureProperty{Destination: c.dead.AttrArn()},
		},
	})
	return made
}

// renderCode makes a function with its role and its log group.
func (c *controller) renderCode(f blueprint.Function, description string) function {
	id := identifier(shortName(f.Name))
	logs := awslogs.NewCfnLogGroup(c.stack, jsii.String(id+"Logs"), &awslogs.CfnLogGroupProps{
		LogGroupName: jsii.String(blueprint.LogGroup(f.Name)), RetentionInDays: number(logRetention),
	})
	identity := role(c.stack, id+"Role", f.Role, "What Detour's function "+f.Name+" may do", trust(lambdaService, nil), policyOf(f.Statements))
	code := awss3assets.NewAsset(c.stack, jsii.String(id+"Code"), &awss3assets.AssetProps{Path: jsii.String(c.assets[f.Binary])})
	resource := awslambda.NewCfnFunction(c.stack, jsii.String(id+"Function"), &awslambda.CfnFunctionProps{
		FunctionName: jsii.String(f.Name), Description: jsii.String(description),
		Runtime: jsii.String("provided.al2023"), Architectures: jsii.Strings("arm64"), Handler: jsii.String(bootstrapFile),
		Code:       &awslambda.CfnFunction_CodeProperty{S3Bucket: code.S3BucketName(), S3Key: code.S3ObjectKey()},
		MemorySize: number(f.MemoryMB), Timeout: number(f.Timeout.Seconds()), Role: identity.AttrArn(),
		Environment: &awslambda.CfnFunction_EnvironmentProperty{Variables: c.environment(f)},
		// Text, since Lambda would wrap lines that are JSON already, and CloudWatch
		// would no longer find the metrics in them.
		LoggingConfig: &awslambda.CfnFunction_LoggingConfigProperty{LogGroup: logs.Ref(), LogFormat: jsii.String("Text")},
	})
	return function{Function: f, id: id, resource: resource}
}

// describe says what a function is for.
func describe(f blueprint.Function) string {
	switch f.Name {
	case blueprint.FunctionSweep:
		return "Detour: looks at every group on a schedule"
	case blueprint.FunctionRouteFilter:
		return "Detour: looks at the filters whose tables an event concerns"
	default:
		return "Detour: looks at the groups that an event or a wake-up concerns"
	}
}

// environment are the function's variables.
func (c *controller) environment(f blueprint.Function) object {
	out := object{}
	for name, queue := range f.Queues {
		out[name] = c.wakes[queue].Ref()
	}
	for name, value := range f.Environment {
		out[name] = value
	}
	return out
}

// allowRule lets a rule invoke the function.
func (f function) allowRule(c *controller, name string, made awsevents.CfnRule) {
	id := identifier(shortName(name))
	if f.Name != blueprint.FunctionSwitchover { // Of which a rule had the only permission once.
		id += f.id
	}
	awslambda.NewCfnPermission(c.stack, jsii.String(id+"Permission"), &awslambda.CfnPermissionProps{
		FunctionName: f.resource.Ref(), Action: jsii.String("lambda:InvokeFunction"), Principal: jsii.String(eventsService),
		SourceArn: made.AttrArn(), SourceAccount: jsii.String(c.home.Account),
	})
}

// renderMapping gives the wake-ups of a queue to their function.
func (c *controller) renderMapping(w blueprint.Wake) {
	awslambda.NewCfnEventSourceMapping(c.stack, jsii.String(identifier(shortName(w.Queue))+"Mapping"), &awslambda.CfnEventSourceMappingProps{
		FunctionName: c.functions[w.Function].resource.Ref(), EventSourceArn: c.wakes[w.Queue].AttrArn(), BatchSize: number(batchSize),
		FunctionResponseTypes: jsii.Strings("ReportBatchItemFailures"),
		ScalingConfig:         &awslambda.CfnEventSourceMapping_ScalingConfigProperty{MaximumConcurrency: number(batchesAtOnce)},
	})
}

// renderSchedules makes the schedules with the role that they invoke functions
// with.
func (c *controller) renderSchedules() {
	at := c.home.Site
	var invoked []string
	for _, s := range c.home.Schedules {
		invoked = append(invoked, arn(at, "lambda", "function:"+s.Function))
	}
	if len(invoked) == 0 {
		return
	}
	slices.Sort(invoked)
	// The source is the schedule's group, and must not be a schedule (EventBridge
	// Scheduler User Guide, "Confused deputy prevention"). Scheduler writes dead
	// letters with this role too.
	identity := role(c.stack, "ScheduleRole", "detour-schedule-"+at.Region, "EventBridge Scheduler starts Detour's functions with it",
		trust(schedulerService, object{
			"ArnEquals":    object{"aws:SourceArn": arn(at, "scheduler", "schedule-group/default")},
			"StringEquals": object{"aws:SourceAccount": at.Account},
		}),
		document(
			object{"Sid": "Invoke", "Effect": "Allow", "Action": "lambda:InvokeFunction", "Resource": list(slices.Compact(invoked))},
			object{"Sid": "DeadLetters", "Effect": "Allow", "Action": "sqs:SendMessage", "Resource": arn(at, "sqs", blueprint.QueueDead)},
		))
	for _, s := range c.home.Schedules {
		awsscheduler.NewCfnSchedule(c.stack, jsii.String(identifier(shortName(s.Name))+"Schedule"), &awsscheduler.CfnScheduleProps{
			Name: jsii.String(s.Name), Description: jsii.String(fmt.Sprintf("Detour: starts %s", s.Function)), GroupName: jsii.String("default"),
			ScheduleExpression: jsii.String(s.Expression), State: jsii.String("ENABLED"),
			FlexibleTimeWindow: &awsscheduler.CfnSchedule_FlexibleTimeWindowProperty{Mode: jsii.String("OFF")},
			Target: &awsscheduler.CfnSchedule_TargetProperty{
				Arn: c.functions[s.Function].resource.AttrArn(), RoleArn: identity.AttrArn(), Input: jsii.String(s.Input),
				DeadLetterConfig: &awsscheduler.CfnSchedule_DeadLetterConfigProperty{Arn: c.dead.AttrArn()},
				RetryPolicy: &awsscheduler.CfnSchedule_RetryPolicyProperty{
					MaximumEventAgeInSeconds: number(scheduleAge.Seconds()), MaximumRetryAttempts: number(scheduleRetries),
				},
			},
		})
	}
}
