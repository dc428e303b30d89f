package main

import (
	"fmt"

	"github.com/aws/aws-cdk-go/awscdk/v2"

	"detour/shared/blueprint"
)

// byStack returns the roles in further accounts, those of one stack together: of one
// account, for one home. They are sorted so already.
func byStack(all []blueprint.Access) (out [][]blueprint.Access) {
	for _, a := range all {
		if n := len(out); n > 0 && out[n-1][0].Account == a.Account && out[n-1][0].Home == a.Home {
			out[n-1] = append(out[n-1], a)
			continue
		}
		out = append(out, []blueprint.Access{a})
	}
	return out
}

// renderAccess makes the stack with the roles that the functions of a home assume in
// a further account: one that writes, and one that only looks. Roles have no Region,
// so it is deployed in the home's.
func renderAccess(app awscdk.App, roles []blueprint.Access) {
	first := roles[0] // It is the one that writes: no account has the other one alone.
	at := blueprint.Site{Account: first.Account, Region: first.Home.Region}
	stack := newStack(app, "access-"+first.Account+"-for-"+first.Home.String(), first.Role,
		fmt.Sprintf("Detour: what its functions in account %s, %s may do in this account", first.Home.Account, first.Home.Region), at)
	for i, access := range roles {
		id, does, what := "Role", "read and write declared route tables", "the role that Detour's functions assume"
		if i > 0 {
			id, does, what = "LookRole", "read declared route tables", "the role that those of Detour's functions assume that only look"
		}
		made := role(stack, id, access.Role, fmt.Sprintf("Detour's functions in account %s, %s %s with it", access.Home.Account, access.Home.Region, does),
			document(object{
				"Effect": "Allow", "Principal": object{"AWS": access.Trust()}, "Action": "sts:AssumeRole",
				"Condition": object{
					"ArnEquals":    object{"aws:PrincipalArn": list(access.Principals)},
					"StringEquals": object{"sts:ExternalId": access.ExternalID},
				},
			}), policyOf(access.Statements))
		output(stack, id+"Arn", what, made.AttrArn())
	}
}
