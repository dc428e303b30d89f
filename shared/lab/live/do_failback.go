package live

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"strings"

	"detour/shared/adapter/awsdynamo"
	"detour/shared/config"
	"detour/shared/controller"
	"detour/shared/failback"
	"detour/shared/lab/stack"
	"detour/shared/protection"
	"detour/shared/sim/states"
)

// failbackActions are what an operator does with failbacks. They need functions.
func failbackActions() []action {
	by := []string{"by"}
	return []action{
		{
			name: "failback-start", args: []string{"GROUP"}, options: []string{"id", "by", "why"}, switches: []string{"unproven"},
			short: "start the failback of a group, under a name of your own or the next one", run: needFunctions((*Server).failbackStart),
		},
		{name: "failback-approve", args: []string{"GROUP"}, options: []string{"by", "plan"}, short: "approve the plan that was shown", run: needFunctions((*Server).failbackAnswer)},
		{name: "failback-reject", args: []string{"GROUP"}, options: by, short: "reject it", run: needFunctions((*Server).failbackAnswer)},
		{name: "failback-abort", args: []string{"GROUP"}, options: by, short: "end the failback, and undo what it has moved", run: needFunctions((*Server).failbackAbort)},
		{name: "stop-execution", args: []string{"GROUP"}, options: by, short: "stop the group's execution from outside, as in the console", run: needFunctions((*Server).stopExecution)},
	}
}

// failbackOf is a group with its record, and the ARN of the state machine of its home.
func (s *Server) failbackOf(ctx context.Context, o order) (config.Group, protection.Record, string, error) {
	group, err := s.group(o.arg(0))
	if err != nil {
		return group, protection.Record{}, "", err
	}
	records, _, err := s.store(group.Home)
	if err != nil {
		return group, protection.Record{}, "", err
	}
	items, _, err := records.Peek(ctx, []controller.Key{controller.GroupKey(group.Name)})
	if err != nil {
		return group, protection.Record{}, "", err
	}
	machine := s.homeAt(stack.Site(group.Home)).machine
	if machine == "" {
		return group, protection.Record{}, "", fmt.Errorf("there is no state machine %s in account %s in %s", stateMachine, group.Home.Account, group.Home.Region)
	}
	return group, items[0].Record, machine, nil
}

// execution is the ARN of an execution of a state machine.
func execution(machine, name string) string {
	return strings.Replace(machine, ":stateMachine:", ":execution:", 1) + ":" + name
}

func (s *Server) failbackStart(ctx context.Context, o order) (Answer, error) {
	group, record, machine, err := s.failbackOf(ctx, o)
	if err != nil {
		return nil, err
	}
	name := o.options["id"]
	for attempt := 1; name == ""; attempt++ {
		name = failback.Name(group.Name, record.Decision.Epoch, attempt)
		if _, missing := s.workflows.Execution(execution(machine, name)); missing == nil {
			name = ""
		}
	}
	input, err := json.Marshal(failback.Input{
		Group: group.Name, By: cmp.Or(o.options["by"], "operator"), Why: o.options["why"], Unproven: o.options["unproven"] != "",
	})
	if err != nil {
		return nil, err
	}
	if _, refused := s.workflows.Start(machine, name, string(input)); refused != nil {
		return nil, refused
	}
	return done{fmt.Sprintf("execution %s of %s is started", name, stateMachine)}, nil
}

func (s *Server) failbackAnswer(ctx context.Context, o order) (Answer, error) {
	group, record, _, err := s.failbackOf(ctx, o)
	if err != nil {
		return nil, err
	}
	f, by := record.Failback, cmp.Or(o.options["by"], "operator")
	if !f.Open() || f.Token == "" {
		return nil, fmt.Errorf("group %s waits for no approval of a failback", group.Name)
	}
	var refused *states.Error
	what := "approves"
	if o.action.name == "failback-reject" {
		what = "rejects"
		refused = s.workflows.Fail(f.Token, "Rejected", "rejected by "+by)
	} else {
		output, err := json.Marshal(failback.Approval{Plan: cmp.Or(o.options["plan"], f.Plan), By: by})
		if err != nil {
			return nil, err
		}
		refused = s.workflows.Succeed(f.Token, string(output))
	}
	if refused != nil {
		return nil, refused
	}
	text := fmt.Sprintf("%s %s the failback of group %s", by, what, group.Name)
	s.lines.tell(line{Kind: kindAction, Who: "operator", What: text})
	return done{text}, nil
}

func (s *Server) failbackAbort(ctx context.Context, o order) (Answer, error) {
	group, record, _, err := s.failbackOf(ctx, o)
	if err != nil {
		return nil, err
	}
	by := cmp.Or(o.options["by"], "operator")
	made := protection.Request{ID: "abort-" + record.Failback.ID, Kind: protection.FailbackAbort, At: s.clock.Now(), By: by}
	text := fmt.Sprintf("the failback of group %s is to end", group.Name)
	answer, err := s.ask(ctx, group, text, func(records *awsdynamo.Store, key controller.Key) error { return records.Request(ctx, key, made) })
	if err == nil && record.Failback.Token != "" {
		_ = s.workflows.Fail(record.Failback.Token, "Aborted", "aborted by "+by) // The question may have been answered meanwhile.
	}
	return answer, err
}

func (s *Server) stopExecution(ctx context.Context, o order) (Answer, error) {
	group, record, machine, err := s.failbackOf(ctx, o)
	if err != nil {
		return nil, err
	}
	if record.Failback.ID == "" {
		return nil, fmt.Errorf("no failback of group %s was ever opened", group.Name)
	}
	x, refused := s.workflows.Stop(execution(machine, record.Failback.ID), "", "stopped by "+cmp.Or(o.options["by"], "operator"))
	if refused != nil {
		return nil, refused
	}
	return done{fmt.Sprintf("execution %s is %s", x.Name, strings.ToLower(x.Status))}, nil
}
