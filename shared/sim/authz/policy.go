package authz

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
)

// version is the version of the policy language. In the older one, which is the
// default, policy variables are plain text; nobody writes it any more.
const version = "2012-10-17"

// The effects of a statement.
const (
	effectAllow = "Allow"
	effectDeny  = "Deny"
)

// Policy is a policy document: an identity-based policy, whose statements have
// resources, or a trust policy, whose statements have principals.
type Policy struct{ Statements []Statement }

// Statement is one statement of a policy.
type Statement struct {
	Sid    string
	Allow  bool // else it denies
	Action []string
	// Resource is empty in a trust policy, and Principal in any other.
	Resource  []string
	Principal []Principal
	// Condition holds if each of its tests does; sorted by operator and key.
	Condition []Condition
}

// Principal is who a statement of a trust policy speaks of: Type is AWS or
// Service, or * for everybody.
type Principal struct{ Type, ID string }

// Condition is one test of a statement: it holds if the value of the key in the
// context of the call compares with one of the values. A key that is not in the
// context has no value, and the test fails.
type Condition struct {
	Operator, Key string
	Values        []string
}

// Parse reads an identity-based policy. An element, an effect or a condition
// operator that is not evaluated here is an error that names it: leaving it out
// would change who may do what.
func Parse(document []byte) (Policy, error) { return parse(document, false) }

// ParseTrust reads the policy that says who may assume a role.
func ParseTrust(document []byte) (Policy, error) { return parse(document, true) }

func parse(document []byte, trust bool) (Policy, error) {
	var whole struct {
		Version   string
		ID        string `json:"Id"`
		Statement json.RawMessage
	}
	if err := strictly(document, &whole); err != nil {
		return Policy{}, fmt.Errorf("reading a policy: %w; write Version, Id and Statement", err)
	}
	if whole.Version != version {
		return Policy{}, fmt.Errorf("reading a policy: its Version is %q; write %s", whole.Version, version)
	}
	var raw []json.RawMessage
	if err := json.Unmarshal(whole.Statement, &raw); err != nil {
		raw = []json.RawMessage{whole.Statement}
	}
	if len(raw) == 0 || len(raw[0]) == 0 {
		return Policy{}, errors.New("reading a policy: it has no Statement; write one or more")
	}
	var p Policy
	for i, each := range raw {
		s, err := parseStatement(each, trust)
		if err != nil {
			return Policy{}, fmt.Errorf("reading statement %d of a policy: %w", i+1, err)
		}
		p.Statements = append(p.Statements, s)
	}
	return p, nil
}

// strictly reads an object that has no members but those of the struct.
func strictly(raw []byte, into any) error {
	decoder := json.NewDecoder(bytes.NewReader(raw))
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(into); err != nil {
		return err //nolint:wrapcheck // The caller says what was read.
	}
	if decoder.More() {
		return errors.New("something follows the object")
	}
	return nil
}

func parseStatement(raw []byte, trust bool) (Statement, error) {
	var in struct {
		Sid, Effect      string
		Action, Resource texts
		Principal        json.RawMessage
		Condition        map[string]map[string]texts
	}
	if err := strictly(raw, &in); err != nil {
		return Statement{}, fmt.Errorf("%w; the elements Sid, Effect, Action, Resource, Principal and Condition are evaluated", err)
	}
	s := Statement{Sid: in.Sid, Allow: in.Effect == effectAllow, Action: in.Action, Resource: in.Resource}
	switch {
	case in.Effect != effectAllow && in.Effect != effectDeny:
		return s, fmt.Errorf("the Effect is %q; write %s or %s", in.Effect, effectAllow, effectDeny)
	case len(s.Action) == 0:
		return s, errors.New("it has no Action; name what it is about")
	case !trust && len(s.Resource) == 0:
		return s, errors.New("it has no Resource; a policy of a role says on what")
	case !trust && in.Principal != nil:
		return s, errors.New("it has a Principal; a policy of a role has none")
	case trust && len(s.Resource) > 0:
		return s, errors.New("it has a Resource; a trust policy is about its own role")
	}
	err := spelled(s.Action, append(slices.Clone(s.Resource), valuesOf(in.Condition)...))
	if err != nil {
		return s, err
	}
	if trust {
		if s.Principal, err = parsePrincipal(in.Principal); err != nil {
			return s, err
		}
	}
	s.Condition, err = parseConditions(in.Condition)
	return s, err
}

// spelled refuses actions of another form than IAM's, and values with variables.
func spelled(actions, values []string) error {
	for _, action := range actions {
		if action != "*" && strings.Count(action, ":") != 1 {
			return fmt.Errorf("the Action %q is not of the form service:Operation", action)
		}
	}
	for _, value := range values {
		if strings.Contains(value, "${") {
			return fmt.Errorf("%q has a policy variable, which is not evaluated; write what it stands for", value)
		}
	}
	return nil
}

func valuesOf(conditions map[string]map[string]texts) []string {
	var out []string
	for _, operator := range slices.Sorted(maps.Keys(conditions)) {
		for _, key := range slices.Sorted(maps.Keys(conditions[operator])) {
			out = append(out, conditions[operator][key]...)
		}
	}
	return out
}

func parsePrincipal(raw json.RawMessage) ([]Principal, error) {
	if string(raw) == `"*"` {
		return []Principal{{"*", "*"}}, nil
	}
	var in map[string]texts
	if err := json.Unmarshal(raw, &in); err != nil || len(in) == 0 {
		return nil, errors.New(`it has no Principal; write an object such as {"AWS": "arn:aws:iam::111122223333:root"}`)
	}
	var out []Principal
	for _, kind := range slices.Sorted(maps.Keys(in)) {
		if kind != "AWS" && kind != "Service" {
			return nil, fmt.Errorf("its Principal is of the type %q, which is not evaluated; use AWS or Service", kind)
		}
		for _, id := range in[kind] {
			out = append(out, Principal{kind, id})
		}
	}
	return out, nil
}

func parseConditions(in map[string]map[string]texts) ([]Condition, error) {
	var out []Condition
	for _, operator := range slices.Sorted(maps.Keys(in)) {
		if compare(operator) == nil {
			return nil, fmt.Errorf("the condition operator %s is not evaluated; use ArnEquals, ArnLike, StringEquals, StringLike or Bool", operator)
		}
		for _, key := range slices.Sorted(maps.Keys(in[operator])) {
			if values := in[operator][key]; len(values) > 0 {
				out = append(out, Condition{operator, key, values})
				continue
			}
			return nil, fmt.Errorf("the condition %s of %s has no value; write one or more", operator, key)
		}
	}
	return out, nil
}

// texts is a string or a list of strings; a boolean is written as IAM writes it.
type texts []string

// UnmarshalJSON implements json.Unmarshaler.
func (t *texts) UnmarshalJSON(raw []byte) error {
	var many []json.RawMessage
	if err := json.Unmarshal(raw, &many); err != nil {
		many = []json.RawMessage{raw}
	}
	for _, each := range many {
		var text string
		switch string(each) {
		case "true", "false":
			text = string(each)
		default:
			if err := json.Unmarshal(each, &text); err != nil || text == "" {
				return fmt.Errorf("%s is no text", each)
			}
		}
		*t = append(*t, text)
	}
	return nil
}
