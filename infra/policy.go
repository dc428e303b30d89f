package main

import (
	"github.com/aws/aws-cdk-go/awscdk/v2/awsiam"
	"github.com/aws/constructs-go/constructs/v10"
	"github.com/aws/jsii-runtime-go"

	"detour/shared/blueprint"
)

// object is a JSON object.
type object = map[string]any

// document is a policy of those statements.
func document(statements ...any) object {
	return object{"Version": "2012-10-17", "Statement": statements}
}

// policyOf is the policy document of a blueprint's statements.
func policyOf(statements []blueprint.Statement) object {
	out := make([]any, len(statements))
	for i, s := range statements {
		out[i] = allow(s)
	}
	return document(out...)
}

// allow is a statement of an identity-based policy.
func allow(s blueprint.Statement) object {
	out := object{"Sid": s.Sid, "Effect": "Allow", "Action": list(s.Actions), "Resource": list(s.Resources)}
	if len(s.Conditions) > 0 {
		conditions := object{}
		for operator, keys := range s.Conditions {
			inner := object{}
			for key, values := range keys {
				inner[key] = list(values)
			}
			conditions[operator] = inner
		}
		out["Condition"] = conditions
	}
	return out
}

// list writes a list of one as the value alone, as IAM's own pages do.
func list(values []string) any {
	if len(values) == 1 {
		return values[0]
	}
	return values
}

// trust is the policy that lets a service assume a role.
func trust(service string, condition object) object {
	statement := object{"Effect": "Allow", "Principal": object{"Service": service}, "Action": "sts:AssumeRole"}
	if condition != nil {
		statement["Condition"] = condition
	}
	return document(statement)
}

// role makes a role with one inline policy.
func role(scope constructs.Construct, id, name, description string, trusts, policy object) awsiam.CfnRole {
	return awsiam.NewCfnRole(scope, jsii.String(id), &awsiam.CfnRoleProps{
		RoleName: jsii.String(name), Description: jsii.String(description), AssumeRolePolicyDocument: trusts,
		Policies: []any{&awsiam.CfnRole_PolicyProperty{PolicyName: jsii.String("detour"), PolicyDocument: policy}},
	})
}
