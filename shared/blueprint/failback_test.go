package blueprint_test

import (
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"detour/shared/blueprint"
	"detour/shared/failback"
)

// The expectations of this test are written by hand from the example.
func TestFailback(t *testing.T) {
	b := blueprintOf(t, example(t, "deploy-hub-and-spokes"))
	same(t, "the policy of the state machine", policy(b.Homes[0].Failback.Statements), `
DeliverLogs
  logs:CreateLogDelivery
  logs:DeleteLogDelivery
  logs:DescribeLogGroups
  logs:DescribeResourcePolicies
  logs:GetLogDelivery
  logs:ListLogDeliveries
  logs:PutResourcePolicy
  logs:UpdateLogDelivery
  *
Tasks
  lambda:InvokeFunction
  arn:aws:lambda:eu-central-1:111122223333:function:detour-failback-advance
  arn:aws:lambda:eu-central-1:111122223333:function:detour-failback-ask
  arn:aws:lambda:eu-central-1:111122223333:function:detour-failback-close
  arn:aws:lambda:eu-central-1:111122223333:function:detour-failback-precheck
  arn:aws:lambda:eu-central-1:111122223333:function:detour-failback-undo
  arn:aws:lambda:eu-central-1:111122223333:function:detour-failback-verify
`)
	// The state machine waits for the tasks, so that no dead letter is theirs. Undo and close
	// do not look at the group beside the controller's run.
	reading := strings.Replace(hubReads, "  arn:aws:sqs:eu-central-1:111122223333:detour-dead\n", "", 1)
	looking, writing := strings.ReplaceAll(reading, "detour-access-", "detour-look-"), reading+hubWrites
	withoutALook := func(text string) string { return strings.Replace(text, "  dynamodb:BatchGetItem\n", "", 1) }
	for task, want := range map[string]string{
		"precheck": looking, "ask": looking, "verify": looking, "close": withoutALook(looking),
		"advance": writing, "undo": withoutALook(writing),
	} {
		samePolicy(t, b, blueprint.FunctionFailback+"-"+task, want)
	}
}

// TestTheTasksAreThoseOfTheWorkflow: this package cannot import the one of the tasks.
func TestTheTasksAreThoseOfTheWorkflow(t *testing.T) {
	tasks := blueprintOf(t, example(t, "deploy-one-account")).Homes[0].Failback.Tasks
	if len(tasks) != len(failback.Tasks()) {
		t.Fatalf("%d tasks, want %d", len(tasks), len(failback.Tasks()))
	}
	for i, want := range failback.Tasks() {
		got := tasks[i]
		if got.Task != string(want) || got.Substitution != want.Substitution() || got.Name != "detour-"+want.Function() || got.Environment[blueprint.VariableTask] != string(want) {
			t.Errorf("task %d is %+v, want %s", i+1, got.Function, want)
		}
		if writes := len(written(got.Statements)) > 0; writes != want.Writes() {
			t.Errorf("%s writes: %t", want, writes)
		}
	}
}

// TestPropertyOnlyTheTasksThatWriteCanWrite: of the others neither the own role nor
// one that they may assume in another account has a write of a route.
func TestPropertyOnlyTheTasksThatWriteCanWrite(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		b, err := blueprint.New(draw(t), blueprint.Options{})
		if err != nil {
			t.Fatal(err)
		}
		for _, home := range b.Homes {
			for i, task := range home.Failback.Tasks {
				principal := "arn:aws:iam::" + home.Account + ":role/" + task.Role
				reach := written(task.Statements)
				var accounts []string
				for _, a := range b.Access {
					if a.Home != home.Site || !slices.Contains(a.Principals, principal) {
						continue
					}
					accounts = append(accounts, a.Account)
					reach = append(reach, written(a.Statements)...)
					if role := "arn:aws:iam::" + a.Account + ":role/" + a.Role; !mayAssume(task.Statements, role) || task.Environment["DETOUR_ROLE"] != "arn:aws:iam::{account}:role/"+a.Role {
						t.Fatalf("%s is let in by %s, and does not know or may not assume it", task.Name, role)
					}
				}
				if len(slices.Compact(accounts)) != len(accounts) {
					t.Fatalf("%s has more than one role in an account: %v", task.Name, accounts)
				}
				if writes := failback.Tasks()[i].Writes(); !writes && len(reach) > 0 {
					t.Fatalf("%s only looks, and can write %v", task.Name, reach)
				} else if writes && len(reach) == 0 {
					t.Fatalf("%s can write nothing", task.Name)
				}
			}
		}
	})
}

func mayAssume(statements []blueprint.Statement, role string) bool {
	return slices.ContainsFunc(statements, func(s blueprint.Statement) bool {
		return slices.Contains(s.Actions, "sts:AssumeRole") && slices.Contains(s.Resources, role)
	})
}
