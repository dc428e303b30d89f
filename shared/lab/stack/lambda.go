package stack

import (
	"encoding/json"
	"fmt"
	"strings"
	"time"
)

// tags change nothing in the lab, and neither do descriptions.
type tags []struct {
	Key   string `must:"name the tag"`
	Value string `must:"give the tag a value"`
}

type functionProperties struct {
	Architectures []string
	Code          struct {
		S3Bucket, S3Key string `must:"let the function's code be a file asset"`
	} `must:"let the function's code be a file asset"`
	Description                  string
	Environment                  struct{ Variables map[string]string }
	FunctionName                 string
	Handler                      string
	LoggingConfig                struct{ LogFormat, LogGroup, ApplicationLogLevel, SystemLogLevel string }
	MemorySize                   *int
	ReservedConcurrentExecutions *int
	Role                         string `must:"give the function the role that it works as"`
	Runtime                      string `must:"write provided.al2023"`
	RecursiveLoop                string
	Tags                         tags
	Timeout                      *int
	TracingConfig                struct{ Mode string }
}

func addFunction(b *builder, r *resource, own Resource, w functionProperties) {
	b.oneOf(r, "Runtime", w.Runtime, "provided.al2023")
	architecture := "x86_64" // Lambda's default.
	if len(w.Architectures) > 0 {
		architecture = w.Architectures[0]
	}
	b.oneOf(r, "Architectures[0]", architecture, "arm64", "x86_64")
	if len(w.Architectures) > 1 {
		b.problem(r, "Architectures", "has several; a function has one")
	}
	asset, err := b.assets.folder(w.Code.S3Bucket, w.Code.S3Key)
	if err != nil {
		b.problem(r, "Code", err.Error())
	}
	reserved := b.within(r, "ReservedConcurrentExecutions", w.ReservedConcurrentExecutions, 0, 1, 1000)
	b.stack.Functions = append(b.stack.Functions, Function{
		Resource: own, Asset: asset, Architecture: architecture, Role: w.Role, Environment: w.Environment.Variables, LogGroup: w.LoggingConfig.LogGroup,
		Timeout:  time.Duration(b.within(r, "Timeout", w.Timeout, 3, 1, 900)) * time.Second,
		MemoryMB: b.within(r, "MemorySize", w.MemorySize, 128, 128, 10240), Reserved: reserved,
	})
}

// functionARN is the ARN of a function that is given by its name or its ARN.
func (b *builder) functionARN(nameOrARN string) string {
	if strings.HasPrefix(nameOrARN, "arn:") {
		return nameOrARN
	}
	return b.stack.ARN("lambda", "function:"+nameOrARN)
}

type destination struct {
	Destination string `must:"name the destination's ARN"`
}

type invokeProperties struct {
	DestinationConfig        struct{ OnFailure destination }
	FunctionName             string `must:"name the function"`
	MaximumEventAgeInSeconds *int
	MaximumRetryAttempts     *int
	Qualifier                string `must:"write $LATEST"`
}

func addInvokeConfig(b *builder, r *resource, own Resource, w invokeProperties) {
	b.oneOf(r, "Qualifier", w.Qualifier, "$LATEST")
	b.stack.InvokeConfigs = append(b.stack.InvokeConfigs, InvokeConfig{
		Resource: own, Function: b.functionARN(w.FunctionName), OnFailure: w.DestinationConfig.OnFailure.Destination,
		Retries: b.within(r, "MaximumRetryAttempts", w.MaximumRetryAttempts, DefaultRetries, 0, 2),
		MaxAge:  seconds(b.within(r, "MaximumEventAgeInSeconds", w.MaximumEventAgeInSeconds, int(DefaultMaxAge/time.Second), 60, 21600)),
	})
}

func seconds(n int) time.Duration { return time.Duration(n) * time.Second }

type permissionProperties struct {
	Action                   string `must:"write lambda:InvokeFunction"`
	FunctionName             string `must:"name the function"`
	Principal                string `must:"name the service or the account that may"`
	SourceArn, SourceAccount string
}

func addPermission(b *builder, r *resource, own Resource, w permissionProperties) {
	b.oneOf(r, "Action", w.Action, "lambda:InvokeFunction")
	b.stack.Permissions = append(b.stack.Permissions, Permission{
		Resource: own, Function: b.functionARN(w.FunctionName), Action: w.Action, Principal: w.Principal, SourceARN: w.SourceArn, SourceAccount: w.SourceAccount,
	})
}

type mappingProperties struct {
	BatchSize                      *int
	Enabled                        *bool
	EventSourceArn                 string `must:"name the queue's ARN"`
	FunctionName                   string `must:"name the function"`
	FunctionResponseTypes          []string
	MaximumBatchingWindowInSeconds int
	ScalingConfig                  struct{ MaximumConcurrency *int }
	Tags                           tags
}

func addMapping(b *builder, r *resource, own Resource, w mappingProperties) {
	for _, kind := range w.FunctionResponseTypes {
		b.oneOf(r, "FunctionResponseTypes", kind, "ReportBatchItemFailures")
	}
	if w.MaximumBatchingWindowInSeconds != 0 {
		b.problem(r, "MaximumBatchingWindowInSeconds", "is not modelled by the lab unless it is 0; a wake-up must not wait")
	}
	b.stack.Mappings = append(b.stack.Mappings, Mapping{
		Resource: own, Queue: w.EventSourceArn, Function: b.functionARN(w.FunctionName), Partial: len(w.FunctionResponseTypes) > 0,
		BatchSize:   b.within(r, "BatchSize", w.BatchSize, 10, 1, 10),
		Concurrency: b.within(r, "ScalingConfig.MaximumConcurrency", w.ScalingConfig.MaximumConcurrency, 0, 2, 1000),
		Enabled:     w.Enabled == nil || *w.Enabled,
	})
}

type roleProperties struct {
	AssumeRolePolicyDocument any `must:"say who may assume the role"`
	Description              string
	MaxSessionDuration       *int
	Policies                 []struct {
		PolicyDocument any    `must:"write the policy"`
		PolicyName     string `must:"name the policy"`
	}
	RoleName string
	Tags     tags
}

func addRole(b *builder, r *resource, own Resource, w roleProperties) {
	role := Role{Resource: own, Trust: b.policy(r, "AssumeRolePolicyDocument", w.AssumeRolePolicyDocument)}
	role.MaxSession = seconds(b.within(r, "MaxSessionDuration", w.MaxSessionDuration, 0, 3600, 43200))
	for i, p := range w.Policies {
		role.Policies = append(role.Policies, NamedPolicy{p.PolicyName, b.policy(r, fmt.Sprintf("Policies[%d].PolicyDocument", i), p.PolicyDocument)})
	}
	b.stack.Roles = append(b.stack.Roles, role)
}

// policy reads a policy document at a place.
func (b *builder) policy(r *resource, at string, value any) Policy {
	return readPolicy(value, func(inner, text string) { b.problem(r, join(at, inner), text) })
}

type keyProperties struct {
	Description          string
	EnableKeyRotation    bool
	Enabled              *bool
	KeyPolicy            any `must:"say who may use the key"`
	KeySpec, KeyUsage    string
	PendingWindowInDays  int
	RotationPeriodInDays int
	Tags                 tags
}

func addKey(b *builder, r *resource, own Resource, w keyProperties) {
	if w.Enabled != nil && !*w.Enabled {
		b.problem(r, "Enabled", "is false, and what the key encrypts cannot be read; leave it out")
	}
	b.stack.Keys = append(b.stack.Keys, Key{Resource: own, Policy: b.policy(r, "KeyPolicy", w.KeyPolicy), Rotated: w.EnableKeyRotation})
}

type aliasProperties struct {
	AliasName   string
	TargetKeyId string `must:"name the key"` //nolint:revive // It is the property's name.
}

// addAlias waits with the alias until all keys are there.
func addAlias(b *builder, r *resource, own Resource, w aliasProperties) {
	b.later = append(b.later, func() {
		for i := range b.stack.Keys {
			if key := &b.stack.Keys[i]; w.TargetKeyId == key.Name || w.TargetKeyId == key.ARN {
				key.Aliases = append(key.Aliases, own.Name)
				return
			}
		}
		b.problem(r, "TargetKeyId", "is \""+w.TargetKeyId+"\", which is no key of the stack")
	})
}

type logGroupProperties struct {
	DeletionProtectionEnabled bool
	KmsKeyId, LogGroupClass   string //nolint:revive // It is the property's name.
	LogGroupName              string
	RetentionInDays           int
	Tags                      tags
}

func addLogGroup(b *builder, _ *resource, own Resource, w logGroupProperties) {
	b.stack.LogGroups = append(b.stack.LogGroups, LogGroup{Resource: own, Days: w.RetentionInDays})
}

type dashboardProperties struct {
	DashboardBody string `must:"write the dashboard"`
	DashboardName string
}

func addDashboard(b *builder, r *resource, own Resource, w dashboardProperties) {
	if !json.Valid([]byte(w.DashboardBody)) {
		b.problem(r, "DashboardBody", "is no JSON")
		return
	}
	b.stack.Dashboards = append(b.stack.Dashboards, Dashboard{Resource: own, Body: json.RawMessage(w.DashboardBody)})
}
