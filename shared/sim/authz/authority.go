package authz

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
)

// The session tokens that name who calls. In the simulated network the access key
// id is the account; the role and its session stand in the token.
const (
	roleMark     = "simulated-session-token:role:"
	functionMark = "simulated-session-token:function:"
)

// RoleToken is the session token of somebody who assumed a role.
func RoleToken(role, session string) string { return roleMark + role + "/" + session }

// FunctionToken is the session token of a Lambda function that has a role as its
// own: Lambda puts the function's ARN into the context of what it calls.
func FunctionToken(role, function string) string { return functionMark + role + "|" + function }

// Role is an IAM role.
type Role struct {
	ARN   string
	Trust Policy
	// Policies are its inline policies by name.
	Policies map[string]Policy
}

// Grant is what allowed a call: a statement of a role's policy, and of the
// statement an action and a resource, as they stand there. The grant of a trust
// policy has no policy's name.
type Grant struct {
	Role, Policy string
	// Statement is the number in the policy, from 1; Sid is its name, if it has one.
	Statement        int
	Sid              string
	Action, Resource string
}

// String names the grant for a report.
func (g Grant) String() string {
	name := g.Sid
	if name == "" {
		name = fmt.Sprintf("statement %d", g.Statement)
	}
	if g.Policy == "" {
		return fmt.Sprintf("%s of the trust policy of %s", name, g.Role)
	}
	return fmt.Sprintf("%s of %s: %s on %s", name, g.Role, g.Action, g.Resource)
}

func (g Grant) compare(other Grant) int {
	return cmp.Or(cmp.Compare(g.Role, other.Role), cmp.Compare(g.Policy, other.Policy), cmp.Compare(g.Statement, other.Statement),
		cmp.Compare(g.Action, other.Action), cmp.Compare(g.Resource, other.Resource))
}

// Denial is that somebody was not allowed what a call needs.
type Denial struct {
	// Principal is the ARN of the session.
	Principal string
	Need
	// Reason is why, in words.
	Reason string
}

// Error implements error, in AWS's words.
func (d *Denial) Error() string {
	return fmt.Sprintf("User: %s is not authorized to perform: %s on resource: %s because %s", d.Principal, d.Action, d.Resource, d.Reason)
}

// Denied is a denial and how many calls it hit.
type Denied struct {
	Denial
	Calls int
}

// Use is a grant and how many calls it allowed.
type Use struct {
	Grant
	Calls int
}

// Authority decides calls by the policies of its roles, and counts what allowed
// and what denied them. All methods may be called from several goroutines.
type Authority struct {
	roles map[string]Role
	owner Owner

	mu     sync.Mutex
	uses   map[Grant]int
	denied map[Denial]int
}

// New returns an Authority over the roles. owner may be nil: every resource then
// belongs to the account that calls.
func New(roles []Role, owner Owner) *Authority {
	if owner == nil {
		owner = func(string, string, string) (string, bool) { return "", false }
	}
	a := &Authority{roles: map[string]Role{}, owner: owner, uses: map[Grant]int{}, denied: map[Denial]int{}}
	for _, role := range roles {
		a.roles[role.ARN] = role
	}
	return a
}

// caller is who calls.
type caller struct {
	root    bool // no role: the account itself, which may do all
	arn     string
	role    string
	context map[string]string
}

// callerOf reads who calls out of the credentials.
func callerOf(c Call) caller {
	out := caller{context: map[string]string{
		"aws:principalaccount": c.Account, "aws:requestedregion": c.Region, "aws:securetransport": "true", "ec2:region": c.Region,
	}}
	session := ""
	switch {
	case strings.HasPrefix(c.Token, functionMark):
		var function string
		out.role, function, _ = strings.Cut(strings.TrimPrefix(c.Token, functionMark), "|")
		session = function[strings.LastIndex(function, ":")+1:]
		// Lambda Developer Guide, Working with Lambda execution environment credentials.
		out.context["lambda:sourcefunctionarn"] = function
	case strings.HasPrefix(c.Token, roleMark):
		both := strings.TrimPrefix(c.Token, roleMark)
		if at := strings.LastIndex(both, "/"); at >= 0 {
			out.role, session = both[:at], both[at+1:]
		}
	default:
		out.root, out.arn = true, "arn:"+partition(c.Region)+":iam::"+c.Account+":root"
		return out
	}
	name := out.role[strings.LastIndex(out.role, "/")+1:]
	out.arn = "arn:" + partition(c.Region) + ":sts::" + c.Account + ":assumed-role/" + name + "/" + session
	// IAM User Guide, AWS global condition context keys: for a session it is the role's ARN.
	out.context["aws:principalarn"], out.context["aws:principaltype"] = out.role, "AssumedRole"
	return out
}

// Authorize decides a call. It returns what allowed it, a grant for each need, or
// else the denial, or an error if the call is unknown here. Callers without a role
// are the account itself and may do all that its own resources allow.
func (a *Authority) Authorize(c Call) ([]Grant, *Denial, error) {
	needs, err := c.Needs(a.owner)
	if err != nil {
		return nil, nil, err
	}
	who := callerOf(c)
	var grants []Grant
	for _, need := range needs {
		granted, denial := a.decide(who, c, need)
		if denial != nil {
			a.mu.Lock()
			a.denied[*denial]++
			a.mu.Unlock()
			return nil, denial, nil
		}
		grants = append(grants, granted...)
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	for _, g := range grants {
		a.uses[g]++
	}
	return grants, nil, nil
}

// decide decides one need of a call.
func (a *Authority) decide(who caller, c Call, need Need) ([]Grant, *Denial) {
	var grants []Grant
	deny := func(reason string) *Denial { return &Denial{who.arn, need, reason} }
	if !who.root {
		role, known := a.roles[who.role]
		if !known || accountOf(who.role) != c.Account {
			return nil, deny("its credentials are of no role that there is")
		}
		g, reason := role.allows(need, withRequest(who.context, c))
		if reason != "" {
			return nil, deny(reason)
		}
		grants = append(grants, g)
	}
	if need.Action != "sts:AssumeRole" {
		return grants, nil
	}
	// Across accounts, and where a trust policy names an account, both policies have
	// to allow it (IAM User Guide, Cross-account policy evaluation logic).
	role, known := a.roles[need.Resource]
	if !known {
		return nil, deny("no such role trusts it") // STS tells not whether the role is there.
	}
	g, reason := role.trusts(who, c.Account, withRequest(who.context, c))
	if reason != "" {
		return nil, deny(reason)
	}
	return append(grants, g), nil
}

// withRequest adds what the request itself brings to the context.
func withRequest(context map[string]string, c Call) map[string]string {
	out := maps.Clone(context)
	if c.Service == serviceSTS {
		for key, param := range map[string]string{"sts:externalid": "ExternalId", "sts:rolesessionname": "RoleSessionName"} {
			if value := c.Params.Get(param); value != "" {
				out[key] = value
			}
		}
	}
	return out
}

// accountOf is the account in an ARN.
func accountOf(arn string) string {
	if parts := strings.SplitN(arn, ":", 6); len(parts) == 6 {
		return parts[4]
	}
	return ""
}

// allows decides by the role's own policies: a statement that denies beats all,
// and what no statement allows is denied. Of several statements the first is the
// grant, in the order of the policies' names.
func (r Role) allows(need Need, context map[string]string) (grant Grant, reason string) {
	reason = "no identity-based policy allows the " + need.Action + " action"
	found := false
	for _, name := range slices.Sorted(maps.Keys(r.Policies)) {
		for i, s := range r.Policies[name].Statements {
			action, acts := s.action(need.Action)
			resource, covers := s.resource(need.Resource)
			switch {
			case !acts || !covers || !s.holds(context):
			case !s.Allow:
				return Grant{}, "an explicit deny in an identity-based policy"
			case !found:
				grant, found, reason = Grant{r.ARN, name, i + 1, s.Sid, action, resource}, true, ""
			}
		}
	}
	return grant, reason
}

// trusts decides by the role's trust policy.
func (r Role) trusts(who caller, account string, context map[string]string) (grant Grant, reason string) {
	reason = "no resource-based policy allows the sts:AssumeRole action"
	for i, s := range r.Trust.Statements {
		action, acts := s.action("sts:AssumeRole")
		if !acts || !s.names(who, account) || !s.holds(context) {
			continue
		}
		if !s.Allow {
			return Grant{}, "an explicit deny in a resource-based policy"
		}
		if reason != "" {
			grant, reason = Grant{Role: r.ARN, Statement: i + 1, Sid: s.Sid, Action: action}, ""
		}
	}
	return grant, reason
}

// names reports whether a statement speaks of the caller: by the account, by the
// role, or by the session (IAM User Guide, AWS JSON policy elements: Principal).
func (s Statement) names(who caller, account string) bool {
	return slices.ContainsFunc(s.Principal, func(p Principal) bool {
		switch {
		case p.Type == "Service":
			return false
		case p.ID == "*", p.ID == account, p.ID == who.role && !who.root, p.ID == who.arn:
			return true
		}
		parts := strings.SplitN(p.ID, ":", 6)
		return len(parts) == 6 && parts[2] == "iam" && parts[4] == account && parts[5] == "root"
	})
}

// Uses are the grants that allowed calls, sorted.
func (a *Authority) Uses() []Use {
	a.mu.Lock()
	defer a.mu.Unlock()
	out := make([]Use, 0, len(a.uses))
	for g, n := range a.uses {
		out = append(out, Use{g, n})
	}
	slices.SortFunc(out, func(x, y Use) int { return x.compare(y.Grant) })
	return out
}

// Denials are what was denied, sorted.
func (a *Authority) Denials() []Denied {
	a.mu.Lock()
	defer a.mu.Unlock()
	out := make([]Denied, 0, len(a.denied))
	for d, n := range a.denied {
		out = append(out, Denied{d, n})
	}
	slices.SortFunc(out, func(x, y Denied) int {
		return cmp.Or(cmp.Compare(x.Principal, y.Principal), x.compare(y.Need), cmp.Compare(x.Reason, y.Reason))
	})
	return out
}
