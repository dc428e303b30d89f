package main

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"detour/events/pattern"
)

// assetHash is the name of an asset in a template.
var assetHash = regexp.MustCompile(`\b[0-9a-f]{64}\.zip`)

// TestTemplates keeps the templates of every example, without the hashes of the
// functions' code.
func TestTemplates(t *testing.T) {
	for _, example := range examples(t) {
		files := synthesized(t, example)
		folder := filepath.Join("testdata", example)
		if *update {
			if err := os.RemoveAll(folder); err != nil {
				t.Fatal(err)
			}
			if err := os.MkdirAll(folder, 0o750); err != nil {
				t.Fatal(err)
			}
		}
		for _, stack := range sortedKeys(files) {
			got := assetHash.ReplaceAll(files[stack], []byte("ASSET.zip"))
			file := filepath.Join(folder, stack+".template.json")
			if *update {
				if err := os.WriteFile(file, got, 0o600); err != nil {
					t.Fatal(err)
				}
			}
			want, err := os.ReadFile(file)
			if err != nil {
				t.Error(err)
			} else if string(got) != string(want) {
				t.Errorf("%s differs; run with -update and look at the difference\ngot:\n%s", file, got)
			}
		}
		kept, err := filepath.Glob(filepath.Join(folder, "*"))
		if err != nil || len(kept) != len(files) {
			t.Errorf("%s has %d files and the example %d stacks (%v); run with -update", folder, len(kept), len(files), err)
		}
	}
}

// TestStacks compares the stacks with those that the examples are described with.
func TestStacks(t *testing.T) {
	want := map[string][]string{
		"filters": {
			"access-444455556666-for-111122223333-eu-central-1", "controller-111122223333-eu-central-1", "forward-111122223333-us-west-2",
			"forward-444455556666-eu-central-1",
		},
		"one-account": {"controller-111122223333-eu-central-1", "forward-111122223333-us-west-2"},
		"hub-and-spokes": {
			"access-444455556666-for-111122223333-eu-central-1", "access-777788889999-for-111122223333-eu-central-1",
			"controller-111122223333-eu-central-1",
			"forward-111122223333-us-east-1", "forward-444455556666-eu-central-1", "forward-777788889999-eu-central-1", "forward-999900001111-us-west-2",
		},
		"two-regions": {"controller-111122223333-eu-central-1", "forward-111122223333-eu-west-1", "forward-111122223333-us-west-2"},
	}
	for _, example := range examples(t) {
		if got := sortedKeys(synthesized(t, example)); !slices.Equal(got, want[example]) {
			t.Errorf("%s has the stacks %v, and should have %v", example, got, want[example])
		}
	}
}

// known are the resource types that the lab's reader of templates knows too.
var known = []string{
	"AWS::CloudWatch::Alarm", "AWS::CloudWatch::Dashboard", "AWS::DynamoDB::Table", "AWS::Events::EventBusPolicy", "AWS::Events::Rule", "AWS::IAM::Role",
	"AWS::KMS::Alias", "AWS::KMS::Key", "AWS::Lambda::EventInvokeConfig", "AWS::Lambda::EventSourceMapping", "AWS::Lambda::Function", "AWS::Lambda::Permission",
	"AWS::Logs::LogGroup", "AWS::Logs::SubscriptionFilter", "AWS::SNS::Subscription", "AWS::SNS::Topic", "AWS::SNS::TopicPolicy", "AWS::SQS::Queue", "AWS::SQS::QueuePolicy", "AWS::Scheduler::Schedule",
	"AWS::StepFunctions::StateMachine",
}

// TestOnlyKnown finds resource types, intrinsic functions and sections of a
// template that the lab does not run.
func TestOnlyKnown(t *testing.T) {
	for _, example := range examples(t) {
		for stack, body := range synthesized(t, example) {
			var sections object
			if err := json.Unmarshal(body, &sections); err != nil {
				t.Fatal(err)
			}
			for _, section := range sortedKeys(sections) {
				if !slices.Contains([]string{"Description", "Outputs", "Resources"}, section) {
					t.Errorf("%s %s has a section %s", example, stack, section)
				}
			}
			for id, r := range decoded(t, body).Resources {
				if !slices.Contains(known, r.Type) {
					t.Errorf("%s %s: %s is a %s", example, stack, id, r.Type)
				}
				intrinsics(r.Properties, func(name string) {
					if name != "Ref" && name != "Fn::GetAtt" {
						t.Errorf("%s %s: %s uses %s", example, stack, id, name)
					}
				})
			}
		}
	}
}

// intrinsics calls found for every intrinsic function in a value.
func intrinsics(value any, found func(name string)) {
	switch value := value.(type) {
	case object:
		for key, inner := range value {
			if key == "Ref" || key == "Condition" && len(value) == 1 || strings.HasPrefix(key, "Fn::") {
				found(key)
			}
			intrinsics(inner, found)
		}
	case []any:
		for _, inner := range value {
			intrinsics(inner, found)
		}
	}
}

// TestPatterns compares the rules' patterns with the files.
func TestPatterns(t *testing.T) {
	for _, example := range examples(t) {
		for stack, body := range synthesized(t, example) {
			for id, r := range decoded(t, body).Resources {
				name, _ := r.Properties["Name"].(string)
				if r.Type != "AWS::Events::Rule" || strings.HasPrefix(name, noticeRule) {
					continue
				}
				file := strings.TrimPrefix(strings.TrimPrefix(name, "detour-"), "forward-") + ".json"
				raw, err := pattern.Read(file)
				if err != nil {
					t.Errorf("%s %s: %s: %v", example, stack, id, err)
					continue
				}
				wantJSON(t, fmt.Sprintf("%s %s: the pattern of %s", example, stack, name), r.Properties["EventPattern"], string(raw))
			}
		}
	}
}

// TestNoticePattern compares the rules for people, put together, with the page that
// tells them what to subscribe to.
func TestNoticePattern(t *testing.T) {
	page, err := os.ReadFile(filepath.Join(repository, "docs/events.md"))
	if err != nil {
		t.Fatal(err)
	}
	_, after, _ := strings.Cut(string(page), "which is what people should be paged for:\n\n```json\n")
	want, _, ok := strings.Cut(after, "```")
	if !ok {
		t.Fatal("docs/events.md no longer has the pattern of what people should be paged for")
	}
	both := groupMessage()
	both.kinds = append(both.kinds, filterMessage().kinds...)
	wantJSON(t, "the pattern", both.pattern(), want)
}

// TestPartitions looks at the ARNs and principals of the other partitions.
func TestPartitions(t *testing.T) {
	for region, partition := range map[string]string{"cn-north-1": "aws-cn", "us-gov-west-1": "aws-us-gov"} {
		text := fmt.Sprintf(`version: 1
home: {account: 111122223333, region: %[1]s}
networkManager: {region: %[1]s, account: 999900001111}
groups:
  - name: office
    paths: [{name: a, vpn: vpn-0a000000000000001}, {name: b, vpn: vpn-0b000000000000002}]
    units:
      - entries:
          - {table: rtb-0a000000000000001, account: 444455556666, destination: 10.1.0.0/16, nextHops: {a: tgw-0a000000000000001, b: vgw-0b000000000000002}}
`, region)
		files := templateFiles(t, parse(t, text), "who@example.com")
		if want := []string{
			"access-444455556666-for-111122223333-" + region, "controller-111122223333-" + region,
			"forward-444455556666-" + region, "forward-999900001111-" + region,
		}; !slices.Equal(sortedKeys(files), want) {
			t.Errorf("stacks %v, want %v", sortedKeys(files), want)
		}
		wantJSON(t, "the subscription", decoded(t, files["controller-111122223333-"+region]).Resources["Email"].Properties,
			`{"TopicArn": {"Ref": "Topic"}, "Protocol": "email", "Endpoint": "who@example.com"}`)
		for stack, body := range files {
			for _, found := range regexp.MustCompile(`arn:[a-z-]+:`).FindAllString(string(body), -1) {
				if found != "arn:"+partition+":" {
					t.Errorf("%s has %s", stack, found)
				}
			}
			for _, found := range regexp.MustCompile(`"[a-z]+\.amazonaws\.com(\.cn)?"`).FindAllString(string(body), -1) {
				if service := strings.Trim(found, `"`); !slices.Contains([]string{eventsService, schedulerService, lambdaService, cloudwatchService, logsService, statesService, "ec2.amazonaws.com"}, service) {
					t.Errorf("%s has the principal %s", stack, service)
				}
			}
		}
	}
}
