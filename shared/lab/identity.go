package lab

import (
	"errors"
	"fmt"
	"net/http"

	"detour/shared/adapter/awsclient"
	"detour/shared/sim"
	"detour/shared/sim/authz"
	"detour/shared/sim/ec2api"
	"detour/shared/sim/endpoint"
)

// Identities are who the functions are, and the roles that there are. With them a
// call that the policies do not allow is denied, as in AWS.
type Identities struct {
	// Roles are all roles of all accounts, with their policies.
	Roles []authz.Role
	// Functions are the identities of the functions; each has one.
	Functions map[Function]Identity
	// Assumed gives the ARN of the role that the functions assume in another account,
	// for what lies in a Region, unless they have one of their own, and ExternalID what
	// they show for it.
	Assumed    func(account, region string) string
	ExternalID string
	// Denied is told each denial, if it is there.
	Denied func(authz.Denial)
}

// Identity is a function's ARN, and that of its role.
type Identity struct {
	Function, Role string
	// Assumed is as in Identities, for this function alone; nil: it is that.
	Assumed func(account, region string) string
}

// authorize has the services decide by the roles, if there are any.
func (r *Rig) authorize(services *endpoint.Handler, tokens *ec2api.Handler) error {
	who := r.opts.Identities
	if who == nil {
		return nil
	}
	if !r.opts.Wire {
		return errors.New("roles are for calls over the wire: play with Wire, or without Identities")
	}
	for _, fn := range []Function{RouteFilter, Switchover, Sweep} {
		if r.has(fn) && who.Functions[fn].Role == "" {
			return fmt.Errorf("function %s has no identity: name its ARN and that of its role", fn)
		}
	}
	r.Authority = authz.New(who.Roles, r.World.OwnerOf)
	tokens.IssueTokens(authz.RoleToken)
	services.Authorize(r.Authority, r.denied)
	return nil
}

// denied puts a denied call into the call log, where the face that did not see it
// would have put it.
func (r *Rig) denied(req *http.Request, c authz.Call, code string, d *authz.Denial) {
	if tell := r.opts.Identities.Denied; tell != nil {
		tell(*d)
	}
	call := sim.CallFrom(req.Context())
	r.World.Record(sim.CallRecord{
		Process: call.Process, Account: c.Account, Region: c.Region, Action: c.Operation, Params: c.Params,
		SentAt: call.SentAt, Code: code, Fault: call.Fault,
	})
}

// functionClients are the SDK configurations of a function, with the credentials
// that Lambda gives it.
func (r *Rig) functionClients(fn Function) (*awsclient.Clients, error) {
	who := r.opts.Identities
	if who == nil {
		return r.clients(r.transport)
	}
	self := who.Functions[fn]
	environment := map[string]string{
		"AWS_ACCESS_KEY_ID": r.home, "AWS_SECRET_ACCESS_KEY": "simulated", "AWS_SESSION_TOKEN": authz.FunctionToken(self.Role, self.Function),
	}
	credentials, err := awsclient.EnvironmentCredentials(func(name string) string { return environment[name] })
	if err != nil {
		return nil, err
	}
	assumed := who.Assumed
	if self.Assumed != nil {
		assumed = self.Assumed
	}
	return awsclient.New(awsclient.Options{
		Doer: r.transport, HomeAccount: r.home, HomeCredentials: credentials, Role: assumed, ExternalID: who.ExternalID,
	})
}
