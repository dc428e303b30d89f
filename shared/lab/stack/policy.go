package stack

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"

	"detour/shared/sim/authz"
)

// Policy is a policy document: whole, and what is read of it.
type Policy struct {
	Document   json.RawMessage
	Statements []Statement
}

// Statement is one statement of a policy.
type Statement struct {
	Sid string
	// Effect is Allow or Deny.
	Effect string
	// Principals are those of a resource policy; a role's own policies have none.
	Principals         []Principal
	Actions, Resources []string
	// Conditions has the values by operator and key.
	Conditions map[string]map[string][]string
}

// Principal is who a statement speaks of: Type is AWS, Service, or * for
// everybody.
type Principal struct{ Type, ID string }

// readPolicy reads a policy document.
func readPolicy(value any, report func(at, text string)) Policy {
	policy := Policy{Document: document(value)}
	object, ok := value.(map[string]any)
	if !ok {
		report("", "is "+describe(value)+"; write a policy document")
		return policy
	}
	for _, key := range slices.Sorted(maps.Keys(object)) {
		if key != "Version" && key != "Id" && key != "Statement" {
			report(key, "is no element of a policy that the lab models; use Version, Id and Statement")
		}
	}
	list, isList := object["Statement"].([]any)
	if !isList {
		list = []any{object["Statement"]}
	}
	for i, each := range list {
		policy.Statements = append(policy.Statements, readStatement(each, func(at, text string) {
			report(join(fmt.Sprintf("Statement[%d]", i), at), text)
		}))
	}
	return policy
}

// readStatement reads a statement. The negative elements, NotAction and the like,
// are not modelled.
func readStatement(value any, report func(at, text string)) Statement {
	var s Statement
	object, ok := value.(map[string]any)
	if !ok {
		report("", "is "+describe(value)+"; write a statement")
		return s
	}
	for _, key := range slices.Sorted(maps.Keys(object)) {
		v := object[key]
		switch key {
		case "Sid":
			s.Sid, _ = v.(string)
		case "Effect":
			s.Effect, _ = v.(string)
		case "Action":
			s.Actions = texts(v, key, report)
		case "Resource":
			s.Resources = texts(v, key, report)
		case "Principal":
			s.Principals = principals(v, report)
		case "Condition":
			s.Conditions = conditions(v, report)
		default:
			report(key, "is no element of a statement that the lab models; use Sid, Effect, Action, Resource, Principal and Condition")
		}
	}
	if s.Effect != "Allow" && s.Effect != "Deny" {
		report("Effect", fmt.Sprintf("is %q; write Allow or Deny", s.Effect))
	}
	if len(s.Actions) == 0 {
		report("Action", "is missing; name what the statement is about")
	}
	return s
}

// texts reads a string, or a list of strings.
func texts(value any, at string, report func(at, text string)) []string {
	list, isList := value.([]any)
	if !isList {
		list = []any{value}
	}
	var out []string
	for _, each := range list {
		switch v := each.(type) {
		case string:
			out = append(out, v)
		case bool, json.Number:
			out = append(out, fmt.Sprint(v))
		default:
			report(at, "has "+describe(each)+"; write strings")
		}
	}
	return out
}

func principals(value any, report func(at, text string)) []Principal {
	if value == "*" {
		return []Principal{{"*", "*"}}
	}
	object, ok := value.(map[string]any)
	if !ok {
		report("Principal", "is "+describe(value)+"; write * or an object")
		return nil
	}
	var out []Principal
	for _, kind := range slices.Sorted(maps.Keys(object)) {
		if kind != "AWS" && kind != "Service" {
			report("Principal."+kind, "is not modelled by the lab; use AWS or Service")
		}
		for _, id := range texts(object[kind], "Principal."+kind, report) {
			out = append(out, Principal{kind, id})
		}
	}
	return out
}

func conditions(value any, report func(at, text string)) map[string]map[string][]string {
	object, ok := value.(map[string]any)
	if !ok {
		report("Condition", "is "+describe(value)+"; write an object")
		return nil
	}
	out := map[string]map[string][]string{}
	for _, operator := range slices.Sorted(maps.Keys(object)) {
		keys, ok := object[operator].(map[string]any)
		if !ok {
			report("Condition."+operator, "is "+describe(object[operator])+"; write an object")
			continue
		}
		out[operator] = map[string][]string{}
		for _, key := range slices.Sorted(maps.Keys(keys)) {
			out[operator][key] = texts(keys[key], "Condition."+operator+"."+key, report)
		}
	}
	return out
}

// Sender is who puts an event on a bus of another account.
type Sender struct {
	// Account and Role are the account of the rule that forwards, and its role's ARN.
	Account, Role string
	// Rule is the rule's ARN, Source and DetailType are the event's.
	Rule, Source, DetailType string
}

// busKeys are the condition keys that a policy of a bus may use here (EventBridge
// User Guide, "Using IAM policy conditions in Amazon EventBridge"; IAM User Guide,
// "AWS global condition context keys").
func (s Sender) busKeys() map[string]string {
	return map[string]string{
		"aws:PrincipalAccount": s.Account, "aws:SourceAccount": s.Account, "aws:PrincipalArn": s.Role, "aws:SourceArn": s.Rule,
		"events:source": s.Source, "events:detail-type": s.DetailType,
	}
}

// busOperators compare the value of a condition key with those of a statement.
func busOperators() map[string]func(pattern, value string) bool {
	same := func(pattern, value string) bool { return pattern == value }
	// ArnEquals and ArnLike are alike (IAM User Guide, "IAM JSON policy elements:
	// Condition operators").
	return map[string]func(pattern, value string) bool{"StringEquals": same, "StringLike": authz.Glob, "ArnEquals": authz.Glob, "ArnLike": authz.Glob}
}

// checkBusConditions reports what Covers could not judge.
func (s Statement) checkBusConditions(report func(at, text string)) {
	for operator, keys := range s.Conditions {
		if busOperators()[operator] == nil {
			report("Statement.Condition."+operator, "is not modelled by the lab for event buses")
		}
		for key := range keys {
			if _, known := (Sender{}).busKeys()[key]; !known {
				report("Statement.Condition."+operator+"."+key, "is not modelled by the lab for event buses")
			}
		}
	}
}

// covers reports whether the statement speaks of this sender.
func (s Statement) covers(by Sender) bool {
	who := slices.ContainsFunc(s.Principals, func(p Principal) bool {
		return p.Type == "*" || p.Type == "AWS" && (p.ID == "*" || p.ID == by.Account || p.ID == by.Role ||
			strings.HasPrefix(p.ID, "arn:") && strings.HasSuffix(p.ID, "::"+by.Account+":root"))
	})
	if !who {
		return false
	}
	if !slices.ContainsFunc(s.Actions, func(action string) bool { return authz.Glob(strings.ToLower(action), "events:putevents") }) {
		return false
	}
	for operator, keys := range s.Conditions {
		holds := busOperators()[operator]
		for key, values := range keys {
			actual := by.busKeys()[key]
			if holds == nil || actual == "" || !slices.ContainsFunc(values, func(v string) bool { return holds(v, actual) }) {
				return false
			}
		}
	}
	return true
}

// Accepts reports whether the policies of a bus let a rule of another account put
// an event on it. Without any policy nobody else may.
func (s Stack) Accepts(bus string, by Sender) (allowed bool) {
	for _, p := range s.BusPolicies {
		if p.Bus != bus || !p.Statement.covers(by) {
			continue
		}
		if p.Statement.Effect == "Deny" {
			return false
		}
		allowed = true
	}
	return allowed
}

// The principals of the services that invoke functions.
const (
	eventsService = "events.amazonaws.com"
	logsService   = "logs.amazonaws.com"
)

// MayInvoke reports whether a permission lets a rule invoke its function.
func (p Permission) MayInvoke(rule Rule, account string) bool {
	return p.Principal == eventsService && p.covers(rule.ARN, account)
}

// MayDeliver reports whether a permission lets CloudWatch Logs hand events of a
// log group of the site to its function (CloudWatch Logs User Guide, "Subscription
// filters with AWS Lambda").
func (p Permission) MayDeliver(at Site, group string) bool {
	return p.Principal == logsService && p.covers(at.LogGroupARN(group), at.Account)
}

// covers reports whether a permission is for a source, an ARN, of an account.
func (p Permission) covers(source, account string) bool {
	return p.Action == "lambda:InvokeFunction" &&
		(p.SourceARN == "" || authz.Glob(p.SourceARN, source)) && (p.SourceAccount == "" || p.SourceAccount == account)
}
