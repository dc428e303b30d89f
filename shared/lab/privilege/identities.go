package privilege

import (
	"errors"
	"fmt"
	"strings"

	"detour/shared/adapter/awsclient"
	"detour/shared/lab"
	"detour/shared/lab/stack"
	"detour/shared/sim/authz"
)

// Identities are who the functions of the one home of an assembly are, with all
// roles of all its stacks. An error names the role whose policy cannot be
// evaluated, or the function that is missing.
func Identities(a *stack.Assembly) (*lab.Identities, error) {
	out := &lab.Identities{Functions: map[lab.Function]lab.Identity{}}
	for _, s := range a.Stacks {
		for _, r := range s.Roles {
			role, err := roleOf(r)
			if err != nil {
				return nil, fmt.Errorf("stack %s, role %s: %w", s.Name, r.Name, err)
			}
			out.Roles = append(out.Roles, role)
		}
		for _, f := range s.Functions {
			if err := addFunction(out, f); err != nil {
				return nil, fmt.Errorf("stack %s, function %s: %w", s.Name, f.Name, err)
			}
		}
	}
	// A home has one of the others, or both.
	if out.Functions[lab.Sweep].Role == "" {
		return nil, fmt.Errorf("the assembly has no function detour-%s", lab.Sweep)
	}
	return out, nil
}

func roleOf(r stack.Role) (authz.Role, error) {
	out := authz.Role{ARN: r.ARN, Policies: map[string]authz.Policy{}}
	var err error
	if out.Trust, err = authz.ParseTrust(r.Trust.Document); err != nil {
		return out, fmt.Errorf("its trust policy: %w", err)
	}
	for _, p := range r.Policies {
		if out.Policies[p.Name], err = authz.Parse(p.Document); err != nil {
			return out, fmt.Errorf("its policy %s: %w", p.Name, err)
		}
	}
	return out, nil
}

func addFunction(to *lab.Identities, f stack.Function) error {
	fn := lab.Function(strings.TrimPrefix(f.Name, "detour-"))
	if to.Functions[fn].Role != "" {
		return errors.New("there is another in another home, and the lab runs one home")
	}
	self := lab.Identity{Function: f.ARN, Role: f.Role}
	if template := f.Environment["DETOUR_ROLE"]; template != "" {
		var err error
		if self.Assumed, err = awsclient.RoleTemplate(template); err != nil {
			return fmt.Errorf("its DETOUR_ROLE: %w", err)
		}
		to.ExternalID = f.Environment["DETOUR_EXTERNAL_ID"]
	}
	if fn == lab.Sweep {
		to.Assumed = self.Assumed // That of those that write, by which they know their own calls.
	}
	to.Functions[fn] = self
	return nil
}
