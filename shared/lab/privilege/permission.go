package privilege

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"detour/shared/sim/authz"
)

// Permission is a part of a role's policies that can be taken away: a statement,
// of a statement an action or an ARN, or an ARN in a condition of a trust policy.
type Permission struct {
	Role, Policy string // no policy: the trust policy
	Statement    int    // from 1
	Sid          string
	// Action, Resource and Value are what is taken of the statement; at most one is
	// set, and without any it is all of it.
	Action, Resource, Value string
}

// String names the permission in a report.
func (p Permission) String() string {
	name := p.Sid
	if name == "" {
		name = fmt.Sprintf("statement %d", p.Statement)
	}
	if p.Policy == "" {
		name += " of the trust policy"
	}
	if part := p.Action + p.Resource + p.Value; part != "" {
		name = part + " in " + name
	}
	return name + " of " + p.Role[strings.LastIndex(p.Role, "/")+1:]
}

// permissions are all statements, actions and ARNs of the roles; sorted by role,
// policy and statement.
func permissions(roles []authz.Role) []Permission {
	var out []Permission
	for _, role := range roles {
		for _, name := range slices.Sorted(maps.Keys(role.Policies)) {
			for i, s := range role.Policies[name].Statements {
				whole := Permission{Role: role.ARN, Policy: name, Statement: i + 1, Sid: s.Sid}
				out = append(out, whole)
				for _, action := range s.Action {
					part := whole
					part.Action = action
					out = append(out, part)
				}
				for _, resource := range s.Resource {
					part := whole
					part.Resource = resource
					out = append(out, part)
				}
			}
		}
		for i, s := range role.Trust.Statements {
			whole := Permission{Role: role.ARN, Statement: i + 1, Sid: s.Sid}
			out = append(out, whole)
			for _, c := range s.Condition {
				for _, value := range c.Values {
					part := whole
					part.Value = value
					out = append(out, part)
				}
			}
		}
	}
	return out
}

// alone reports whether a part is all that its statement has of the kind, so that
// to take it away is to take the statement away.
func (p Permission) alone(roles []authz.Role) bool {
	for _, role := range roles {
		if role.ARN != p.Role {
			continue
		}
		s := role.Trust.Statements
		if p.Policy != "" {
			s = role.Policies[p.Policy].Statements
		}
		return p.Resource != "" && len(s[p.Statement-1].Resource) == 1
	}
	return false
}

// without returns the roles without the permission; those given stay as they are.
func (p Permission) without(roles []authz.Role) []authz.Role {
	out := slices.Clone(roles)
	for i, role := range out {
		if role.ARN != p.Role {
			continue
		}
		if p.Policy == "" {
			out[i].Trust = authz.Policy{Statements: p.cut(role.Trust.Statements)}
			continue
		}
		out[i].Policies = maps.Clone(role.Policies)
		out[i].Policies[p.Policy] = authz.Policy{Statements: p.cut(role.Policies[p.Policy].Statements)}
	}
	return out
}

// cut takes the permission out of the statements.
func (p Permission) cut(statements []authz.Statement) []authz.Statement {
	out := slices.Clone(statements)
	at := p.Statement - 1
	if p.Action+p.Resource+p.Value == "" {
		return slices.Delete(out, at, at+1)
	}
	s := &out[at]
	s.Action, s.Resource = cutText(s.Action, p.Action), cutText(s.Resource, p.Resource)
	s.Condition = slices.Clone(s.Condition)
	for i := range s.Condition {
		s.Condition[i].Values = cutText(s.Condition[i].Values, p.Value)
	}
	return out
}

// cutText takes a text out of a list that stays as it is.
func cutText(list []string, text string) []string {
	if text == "" {
		return list
	}
	return slices.DeleteFunc(slices.Clone(list), func(each string) bool { return each == text })
}

// usedBy reports whether a grant made use of the permission.
func (p Permission) usedBy(g authz.Grant) bool {
	return p.Role == g.Role && p.Policy == g.Policy && p.Statement == g.Statement &&
		(p.Action == "" || p.Action == g.Action) && (p.Resource == "" || p.Resource == g.Resource)
}
