package main

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"detour/shared/failback"
)

// failbackRoles are the roles of a home's failbacks.
var failbackRoles = []string{
	"FailbackAdvanceRole", "FailbackAskRole", "FailbackCloseRole", "FailbackPrecheckRole", "FailbackRole", "FailbackUndoRole", "FailbackVerifyRole",
}

// TestFailback compares what failbacks add to the stack of a home with what is written
// out here by hand. That of the tasks that write is what the switchover has, but for
// its name, its calls of the record store, and what takes and gives up wake-ups.
func TestFailback(t *testing.T) {
	made := templateOf(t, hub, home)
	for id, want := range map[string]string{
		"FailbackRole": `{"RoleName": "detour-failback-eu-central-1", "Description": "Step Functions runs Detour's failbacks with it",
			"AssumeRolePolicyDocument": {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Principal": {"Service": "states.amazonaws.com"}, "Action": "sts:AssumeRole",
				"Condition": {"ArnEquals": {"aws:SourceArn": "arn:aws:states:eu-central-1:111122223333:stateMachine:detour-failback"},
					"StringEquals": {"aws:SourceAccount": "111122223333"}}}]},
			"Policies": [{"PolicyName": "detour", "PolicyDocument": {"Version": "2012-10-17", "Statement": [
				{"Sid": "DeliverLogs", "Effect": "Allow", "Action": ["logs:CreateLogDelivery", "logs:DeleteLogDelivery", "logs:DescribeLogGroups",
					"logs:DescribeResourcePolicies", "logs:GetLogDelivery", "logs:ListLogDeliveries", "logs:PutResourcePolicy", "logs:UpdateLogDelivery"], "Resource": "*"},
				{"Sid": "Tasks", "Effect": "Allow", "Action": "lambda:InvokeFunction", "Resource": [
					"arn:aws:lambda:eu-central-1:111122223333:function:detour-failback-advance", "arn:aws:lambda:eu-central-1:111122223333:function:detour-failback-ask",
					"arn:aws:lambda:eu-central-1:111122223333:function:detour-failback-close", "arn:aws:lambda:eu-central-1:111122223333:function:detour-failback-precheck",
					"arn:aws:lambda:eu-central-1:111122223333:function:detour-failback-undo", "arn:aws:lambda:eu-central-1:111122223333:function:detour-failback-verify"]}]}}]}`,
		"FailbackLogs":    `{"LogGroupName": "/aws/vendedlogs/states/detour-failback", "RetentionInDays": 90}`,
		"FailbackAskLogs": `{"LogGroupName": "/aws/lambda/detour-failback-ask", "RetentionInDays": 90}`,
		"NoticeFailbackRule": `{"Name": "detour-notice-failback", "EventBusName": "default", "State": "ENABLED", "Description": "Detour: what somebody must see at once",
			"EventPattern": {"source": ["detour"], "detail-type": ["Failback Approval Asked", "Failback Ended"]},
			"Targets": [{"Id": "topic", "Arn": {"Ref": "Topic"}, "DeadLetterConfig": {"Arn": {"Fn::GetAtt": ["DeadQueue", "Arn"]}},
				"RetryPolicy": {"MaximumEventAgeInSeconds": 86400, "MaximumRetryAttempts": 185}, "InputTransformer": {
				"InputPathsMap": {"kind": "$.detail-type", "account": "$.account", "region": "$.region", "group": "$.detail.group", "detail": "$.detail.detail", "at": "$.detail.at"},
				"InputTemplate": "\"Detour: <kind>, group <group>\"\n\"<detail>\"\n\"At <at>, by Detour in account <account>, Region <region>.\"\n\"How to answer, and how to stop it, is in docs/runbook/failback.md.\""}}]}`,
	} {
		wantJSON(t, id, made.Resources[id].Properties, want)
	}
	machine := made.Resources["FailbackStateMachine"].Properties
	definition, _ := at(t, machine, "DefinitionString").(string)
	var got, want any
	if err := json.Unmarshal([]byte(definition), &got); err != nil {
		t.Error(err)
	}
	if err := json.Unmarshal([]byte(failback.Definition()), &want); err != nil {
		t.Error(err)
	}
	if indented(t, got) != indented(t, want) {
		t.Errorf("the definition is\n%s", indented(t, got))
	}
	delete(machine, "DefinitionString")
	wantJSON(t, "the state machine", machine, `{"StateMachineName": "detour-failback", "StateMachineType": "STANDARD", "RoleArn": {"Fn::GetAtt": ["FailbackRole", "Arn"]},
		"DefinitionSubstitutions": {"Precheck": {"Fn::GetAtt": ["FailbackPrecheckFunction", "Arn"]}, "Ask": {"Fn::GetAtt": ["FailbackAskFunction", "Arn"]},
			"Advance": {"Fn::GetAtt": ["FailbackAdvanceFunction", "Arn"]}, "Verify": {"Fn::GetAtt": ["FailbackVerifyFunction", "Arn"]},
			"Undo": {"Fn::GetAtt": ["FailbackUndoFunction", "Arn"]}, "Close": {"Fn::GetAtt": ["FailbackCloseFunction", "Arn"]}},
		"LoggingConfiguration": {"Level": "ALL", "IncludeExecutionData": false,
			"Destinations": [{"CloudWatchLogsLogGroup": {"LogGroupArn": {"Fn::GetAtt": ["FailbackLogs", "Arn"]}}}]}}`)
	if got := made.Outputs["StateMachineArn"].Value; indented(t, got) != indented(t, object{"Ref": "FailbackStateMachine"}) {
		t.Errorf("the state machine is told as %v", got)
	}
	tasks(t, made)
}

// tasks compares the functions of the tasks, and their roles.
func tasks(t *testing.T, made template) {
	t.Helper()
	before, after, _ := strings.Cut(switchoverPolicy, `{"Sid": "WakeUps"`)
	_, after, _ = strings.Cut(after, "},\n")
	writing := strings.NewReplacer(`"Resource": ["arn:aws:sqs:eu-central-1:111122223333:detour-dead", "arn:aws:sqs:eu-central-1:111122223333:detour-wake"]`,
		`"Resource": "arn:aws:sqs:eu-central-1:111122223333:detour-wake"`).Replace(before + after)
	looking, _, _ := strings.Cut(strings.ReplaceAll(writing, "detour-access-", "detour-look-"), `{"Sid": "WritePrefixListReferences"`)
	looking = strings.TrimSuffix(strings.TrimSpace(looking), ",") + "]}"
	codeOf := func(id string) string { return fmt.Sprint(at(t, made.Resources[id+"Function"].Properties, "Code")) }
	own := codeOf("FailbackPrecheck")
	if own == codeOf("Switchover") || own == codeOf("Sweep") {
		t.Error("the tasks are of another function's code")
	}
	for _, task := range failback.Tasks() {
		name := "detour-" + task.Function()
		id := "Failback" + task.Substitution()
		policy, role := looking, "look"
		if task.Writes() {
			policy, role = writing, "access"
		}
		if task == failback.Undo || task == failback.Close {
			policy = strings.Replace(policy, `"dynamodb:BatchGetItem", `, "", 1)
		}
		wantJSON(t, "the policy of "+name, inline(t, made, id+"Role"), strings.ReplaceAll(policy, "detour-switchover", name))
		function := made.Resources[id+"Function"].Properties
		if codeOf(id) != own {
			t.Errorf("%s is of other code", name)
		}
		wantJSON(t, "the environment of "+name, at(t, function, "Environment", "Variables"), `{"DETOUR_TASK": "`+string(task)+`", "DETOUR_ACCOUNT": "111122223333", "DETOUR_TABLE": "detour",
			"DETOUR_EVENT_BUS": "default", "DETOUR_WAKE_QUEUE": {"Ref": "WakeQueue"},
			"DETOUR_ROLE": "arn:aws:iam::{account}:role/detour-`+role+`-111122223333-eu-central-1", "DETOUR_EXTERNAL_ID": "detour-111122223333-eu-central-1"}`)
		if at(t, function, "FunctionName") != name || fmt.Sprint(at(t, function, "Timeout")) != "300" {
			t.Errorf("%s is %v", name, function)
		}
		if _, has := made.Resources[id+"Invoke"]; has {
			t.Errorf("%s is configured for asynchronous invocations, of which there are none", name)
		}
	}
}
