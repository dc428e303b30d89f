package main

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/jsii-runtime-go"
	"github.com/cdklabs/cdk-nag-go/cdknag/v2"
)

// suppressed are the findings of cdk-nag's AwsSolutions that stand, each with its
// reason. All others fail the test, and so does one of these that is found nowhere.
// They are not in the templates, which would be larger for it.
var suppressed = map[string]string{
	"SweepRole AwsSolutions-IAM5[Resource::*]":       "EC2 and CloudWatch have no resource-level permissions for these reads (blueprint.Statement.Reason)",
	"SwitchoverRole AwsSolutions-IAM5[Resource::*]":  "EC2 and CloudWatch have no resource-level permissions for these reads (blueprint.Statement.Reason)",
	"RoutefilterRole AwsSolutions-IAM5[Resource::*]": "EC2 has no resource-level permissions for these reads (blueprint.Statement.Reason)",
	"Role AwsSolutions-IAM5[Resource::*]":            "EC2 and CloudWatch have no resource-level permissions for these reads (blueprint.Statement.Reason)",
	"SweepRole AwsSolutions-IAM5[Resource::arn:aws:logs:eu-central-1:111122223333:log-group:/aws/lambda/detour-sweep:*]":             "the names of the log streams are Lambda's",
	"SwitchoverRole AwsSolutions-IAM5[Resource::arn:aws:logs:eu-central-1:111122223333:log-group:/aws/lambda/detour-switchover:*]":   "the names of the log streams are Lambda's",
	"RoutefilterRole AwsSolutions-IAM5[Resource::arn:aws:logs:eu-central-1:111122223333:log-group:/aws/lambda/detour-routefilter:*]": "the names of the log streams are Lambda's",
	"LookRole AwsSolutions-IAM5[Resource::*]":            "EC2 and CloudWatch have no resource-level permissions for these reads (blueprint.Statement.Reason)",
	"FailbackAdvanceRole AwsSolutions-IAM5[Resource::*]": "EC2 and CloudWatch have no resource-level permissions for these reads (blueprint.Statement.Reason)",
	"FailbackAdvanceRole AwsSolutions-IAM5[Resource::arn:aws:logs:eu-central-1:111122223333:log-group:/aws/lambda/detour-failback-advance:*]": "the names of the log streams are Lambda's",
	"FailbackAskRole AwsSolutions-IAM5[Resource::*]": "EC2 and CloudWatch have no resource-level permissions for these reads (blueprint.Statement.Reason)",
	"FailbackAskRole AwsSolutions-IAM5[Resource::arn:aws:logs:eu-central-1:111122223333:log-group:/aws/lambda/detour-failback-ask:*]": "the names of the log streams are Lambda's",
	"FailbackCloseRole AwsSolutions-IAM5[Resource::*]": "EC2 and CloudWatch have no resource-level permissions for these reads (blueprint.Statement.Reason)",
	"FailbackCloseRole AwsSolutions-IAM5[Resource::arn:aws:logs:eu-central-1:111122223333:log-group:/aws/lambda/detour-failback-close:*]": "the names of the log streams are Lambda's",
	"FailbackPrecheckRole AwsSolutions-IAM5[Resource::*]": "EC2 and CloudWatch have no resource-level permissions for these reads (blueprint.Statement.Reason)",
	"FailbackPrecheckRole AwsSolutions-IAM5[Resource::arn:aws:logs:eu-central-1:111122223333:log-group:/aws/lambda/detour-failback-precheck:*]": "the names of the log streams are Lambda's",
	"FailbackUndoRole AwsSolutions-IAM5[Resource::*]": "EC2 and CloudWatch have no resource-level permissions for these reads (blueprint.Statement.Reason)",
	"FailbackUndoRole AwsSolutions-IAM5[Resource::arn:aws:logs:eu-central-1:111122223333:log-group:/aws/lambda/detour-failback-undo:*]": "the names of the log streams are Lambda's",
	"FailbackVerifyRole AwsSolutions-IAM5[Resource::*]": "EC2 and CloudWatch have no resource-level permissions for these reads (blueprint.Statement.Reason)",
	"FailbackVerifyRole AwsSolutions-IAM5[Resource::arn:aws:logs:eu-central-1:111122223333:log-group:/aws/lambda/detour-failback-verify:*]": "the names of the log streams are Lambda's",
	"FailbackRole AwsSolutions-IAM5[Resource::*]": "CloudWatch Logs has no resource-level permissions for the delivery of a service's logs (blueprint.Statement.Reason)",
	"FailbackStateMachine AwsSolutions-SF2":       "X-Ray shows nothing of a workflow that waits for people that its history does not, and its permissions have no resources",
	"ForwardDeadQueue AwsSolutions-SQS3":          "it is the dead-letter queue of rules, which the rule does not look at",
}

// TestNag runs cdk-nag over every example.
func TestNag(t *testing.T) {
	found := map[string]bool{}
	for _, example := range examples(t) {
		folder := t.TempDir()
		app := build(t, blueprintOf(t, example), folder, "")
		awscdk.Aspects_Of(app).Add(cdknag.NewAwsSolutionsChecks(&cdknag.NagPackProps{Reports: jsii.Bool(false)}), nil)
		app.Synth(nil)
		for _, finding := range findings(t, folder) {
			found[finding] = true
			if suppressed[finding] == "" {
				t.Errorf("%s: %s", example, finding)
			}
		}
	}
	for finding := range suppressed {
		if !found[finding] {
			t.Errorf("suppressed, and nowhere found: %s", finding)
		}
	}
}

// findings are the errors and warnings that the assembly in a folder holds, each
// as the last part of the construct's path and the rule.
func findings(t *testing.T, folder string) []string {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(folder, "*.metadata.json"))
	if err != nil || len(files) == 0 {
		t.Fatalf("metadata %v, %v", files, err)
	}
	var out []string
	for _, file := range files {
		body, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		var entries map[string][]struct {
			Type string
			Data any
		}
		if err := json.Unmarshal(body, &entries); err != nil {
			t.Fatal(err)
		}
		for path, each := range entries {
			for _, entry := range each {
				if entry.Type != "aws:cdk:error" && entry.Type != "aws:cdk:warning" {
					continue
				}
				text, _ := entry.Data.(string)
				rule, _, ok := strings.Cut(text, ": ")
				if !ok {
					rule = text
				}
				out = append(out, filepath.Base(path)+" "+rule)
			}
		}
	}
	return out
}
