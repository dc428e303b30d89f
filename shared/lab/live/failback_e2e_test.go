package live_test

import (
	"context"
	"encoding/json"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/sfn"
	"github.com/aws/aws-sdk-go-v2/service/sfn/types"

	"detour/shared/config"
	"detour/shared/failback"
	"detour/shared/lab"
	"detour/shared/lab/live"
)

// hasty makes the failbacks of a network quick.
func hasty(file *lab.TopologyFile) *lab.TopologyFile {
	const second = config.Duration(time.Second)
	for i := range file.Config.GroupList {
		f := &file.Config.GroupList[i].Failback
		f.Stability, f.Soak = second, second
	}
	return file
}

// machines is a client of the simulated Step Functions, as a person has one.
func machines(server *live.Server, account, region string) *sfn.Client {
	return sfn.New(sfn.Options{
		Region: region, BaseEndpoint: aws.String(server.URL()), Credentials: credentials.NewStaticCredentialsProvider(account, "x", ""),
	})
}

// comesBack lets the primary connection fail and recover, and takes the group back to
// it by the state machine.
func comesBack(t *testing.T, server *live.Server, out *output, region string) {
	t.Helper()
	do(t, server, "tunnel-down", primary)
	await(t, server, "the routes move", func() bool { return moved(server) && reachable(server) })
	await(t, server, "the move settles", func() bool { return journal(t, server, group)[0].Note == "settled" })
	do(t, server, "tunnel-up", primary)
	if err := server.WaitDetected(t.Context()); err != nil {
		t.Fatal(err)
	}
	do(t, server, "failback-start", group, "--id", "there-and-back", "--by", "alice")
	client := machines(server, "111122223333", region)
	machine := aws.String("arn:aws:states:" + region + ":111122223333:stateMachine:detour-failback")
	execution := aws.String("arn:aws:states:" + region + ":111122223333:execution:detour-failback:there-and-back")
	state := func() string {
		history, err := client.GetExecutionHistory(context.Background(), &sfn.GetExecutionHistoryInput{ExecutionArn: execution, ReverseOrder: true})
		if err != nil {
			t.Fatal(err)
		}
		for _, e := range history.Events {
			if e.StateEnteredEventDetails != nil {
				return *e.StateEnteredEventDetails.Name
			}
		}
		return ""
	}
	await(t, server, "approval is asked for", func() bool {
		return state() == "Ask" && strings.Contains(out.String(), "Failback Approval Asked")
	})
	if !moved(server) {
		t.Fatal("something moved before the approval")
	}
	do(t, server, "failback-approve", group, "--by", "bob")
	await(t, server, "the execution ends", func() bool { return state() == "Restored" })
	x, err := client.DescribeExecution(context.Background(), &sfn.DescribeExecutionInput{ExecutionArn: execution})
	if err != nil || x.Status != types.ExecutionStatusSucceeded || *x.StateMachineArn != *machine {
		t.Errorf("got %+v, %v", x, err)
	}
	if got := targets(server); len(got) != 2 || got[0] != toPrimary || got[1] != toPrimary || !reachable(server) {
		t.Errorf("the routes point to %v", got)
	}
	for _, in := range server.Invocations() {
		// A task that finds the group's lease taken answers so, and is run again.
		if in.Result != live.Succeeded && !strings.HasPrefix(in.Error, "Busy") {
			t.Errorf("an invocation ended otherwise: %+v", in)
		}
	}
}

// TestATemplateFailsBack: the state machine of a template with the functions and the
// environment of the template, and the definition that Detour deploys.
func TestATemplateFailsBack(t *testing.T) {
	file := hasty(live.Elsewhere(t, "cloud-join", "region: ap-northeast-1", "region: us-west-2"))
	const ms = config.Duration(time.Millisecond)
	file.World.DetectAfter, file.World.RecoverAfter, file.World.EventDelay = 300*ms, 300*ms, 50*ms
	timers := &file.Config.Timers
	timers.CallTimeout, timers.ClockSkew, timers.Lease, timers.SettleTime = 1000*ms, 100*ms, 2500*ms, 1000*ms
	deployed, err := json.Marshal(failback.Definition())
	if err != nil {
		t.Fatal(err)
	}
	written := regexp.MustCompile(`"DefinitionString": ".*"`)
	assembly := live.AssemblyOf(t, "one-account", file.Config, func(template string) string {
		return written.ReplaceAllLiteralString(template, `"DefinitionString": `+string(deployed))
	})
	server, out := serve(t, live.Options{File: file, TemplateDir: assembly})
	comesBack(t, server, out, "us-west-2")
}

// TestTheRealFunctionsFailBack: the compiled tasks, run by the state machine.
func TestTheRealFunctionsFailBack(t *testing.T) {
	server, out := serve(t, live.Options{File: hasty(network(t, "cloud-join"))})
	comesBack(t, server, out, "ap-northeast-1")
	for _, in := range server.Invocations() {
		var payload struct{ Token string }
		if json.Unmarshal(in.Payload, &payload) == nil && payload.Token != "" && strings.Contains(out.String(), payload.Token) {
			t.Error("the lab shows a task token, which is a capability")
		}
	}
}
