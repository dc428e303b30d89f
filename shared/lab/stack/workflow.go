package stack

import (
	"slices"
	"strings"

	"detour/shared/sim/authz"
	"detour/shared/sim/states"
)

// StateMachine is a Standard workflow of Step Functions.
type StateMachine struct {
	Resource
	// Definition is what it runs, with what was substituted in it.
	Definition *states.Definition
	// Role is the ARN of the role that it invokes functions with.
	Role string
	// LogGroup is the ARN of the log group that it logs to, as Step Functions wants it;
	// empty: it does not log.
	LogGroup string
}

type stateMachineProperties struct {
	DefinitionString        string `must:"write the definition"`
	DefinitionSubstitutions map[string]string
	LoggingConfiguration    struct {
		Destinations []struct {
			CloudWatchLogsLogGroup struct {
				LogGroupArn string `must:"name the log group"`
			} `must:"name the log group"`
		}
		IncludeExecutionData bool
		Level                string
	}
	RoleArn              string `must:"give the state machine the role that it works as"`
	StateMachineName     string
	StateMachineType     string
	Tags                 tags
	TracingConfiguration struct{ Enabled bool }
}

// addStateMachine reads a state machine. Its definition is one that the lab can run.
func addStateMachine(b *builder, r *resource, own Resource, w stateMachineProperties) {
	if w.StateMachineType != "" {
		b.oneOf(r, "StateMachineType", w.StateMachineType, "STANDARD")
	}
	if w.LoggingConfiguration.Level != "" {
		b.oneOf(r, "LoggingConfiguration.Level", w.LoggingConfiguration.Level, "ALL", "ERROR", "FATAL", "OFF")
	}
	m := StateMachine{Resource: own, Role: w.RoleArn}
	if list := w.LoggingConfiguration.Destinations; len(list) > 1 {
		b.problem(r, "LoggingConfiguration.Destinations", "has several; a state machine logs to one log group")
	} else if len(list) == 1 {
		m.LogGroup = list[0].CloudWatchLogsLogGroup.LogGroupArn
	}
	var err error
	if m.Definition, err = states.Load([]byte(w.DefinitionString), w.DefinitionSubstitutions); err != nil {
		for line := range strings.SplitSeq(err.Error(), "\n") {
			b.problem(r, "DefinitionString", "cannot be run by the lab: "+line)
		}
		return
	}
	b.stack.StateMachines = append(b.stack.StateMachines, m)
}

// workflows checks what state machines refer to, and that their roles may do what
// they do. Source: Step Functions Developer Guide, "How AWS Step Functions works with
// IAM", AWS Lambda.
func (c checker) workflows(a *Assembly) {
	const kind = "AWS::StepFunctions::StateMachine"
	for _, m := range c.stack.StateMachines {
		c.refers(m.Resource, kind, "RoleArn", m.Role, "iam")
		c.refers(m.Resource, kind, "LoggingConfiguration.Destinations", strings.TrimSuffix(m.LogGroup, ":*"), "logs")
		role, found := a.role(m.Role)
		if found && !role.trusts("states.amazonaws.com", m.ARN, c.stack.Account) {
			c.nothing(m.Resource, kind, "RoleArn", m.Role, "Step Functions may not assume; let the role trust states.amazonaws.com for it")
		}
		for _, function := range m.Definition.Functions() {
			c.refers(m.Resource, kind, "DefinitionString", function, "lambda")
			if found && !role.mayInvoke(function) {
				c.nothing(m.Resource, kind, "DefinitionString", function, "the role "+role.Name+" may not invoke; allow lambda:InvokeFunction on it")
			}
		}
	}
}

// role finds a role of the assembly.
func (a *Assembly) role(arn string) (Role, bool) {
	for _, s := range a.Stacks {
		for _, role := range s.Roles {
			if role.ARN == arn {
				return role, true
			}
		}
	}
	return Role{}, false
}

// trusts reports whether a service may assume the role on behalf of a resource of an
// account. Conditions of other kinds are not met.
func (r Role) trusts(service, source, account string) bool {
	return slices.ContainsFunc(r.Trust.Statements, func(s Statement) bool {
		return s.Effect == "Allow" && slices.Contains(s.Actions, "sts:AssumeRole") && slices.Contains(s.Principals, Principal{"Service", service}) &&
			s.from(source, account)
	})
}

// from reports whether a statement's conditions let a source be.
func (s Statement) from(source, account string) bool {
	actual := map[string]string{"aws:SourceArn": source, "aws:SourceAccount": account}
	for operator, keys := range s.Conditions {
		holds := busOperators()[operator]
		for key, values := range keys {
			if holds == nil || actual[key] == "" || !slices.ContainsFunc(values, func(v string) bool { return holds(v, actual[key]) }) {
				return false
			}
		}
	}
	return true
}

// mayInvoke reports whether the role's own policies let it invoke a function.
func (r Role) mayInvoke(function string) (allowed bool) {
	for _, p := range r.Policies {
		for _, s := range p.Statements {
			about := slices.ContainsFunc(s.Actions, func(action string) bool { return authz.Glob(strings.ToLower(action), "lambda:invokefunction") }) &&
				slices.ContainsFunc(s.Resources, func(resource string) bool { return authz.Glob(resource, function) })
			switch {
			case about && s.Effect == "Deny":
				return false
			case about && len(s.Conditions) == 0:
				allowed = true
			}
		}
	}
	return allowed
}
