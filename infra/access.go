package main

import (
	"fmt"

	"github.com/aws/aws-cdk-go/awscdk/v2"

	"detour/shared/blueprint"
)

// renderAccess makes the stack with the role that the functions of a home assume
// in a further account. Roles have no Region, so it is deployed in the home's.
func renderAccess(app awscdk.App, access blueprint.Access) {
	at := blueprint.Site{Account: access.Account, Region: access.Home.Region}
	stack := newStack(app, "access-"+access.Account+"-for-"+access.Home.String(), access.Role,
		fmt.Sprintf("Detour: what its functions in account %s, %s may do in this account", access.Home.Account, access.Home.Region), at)
	made := role(stack, "Role", access.Role, fmt.Sprintf("Detour's functions in account %s, %s read and write declared route tables with it", access.Home.Account, access.Home.Region),
		document(object{
			"Effect": "Allow", "Principal": object{"AWS": access.Trust()}, "Action": "sts:AssumeRole",
			"Condition": object{
				"ArnEquals":    object{"aws:PrincipalArn": list(access.Principals)},
				"StringEquals": object{"sts:ExternalId": access.ExternalID},
			},
		}), policyOf(access.Statements))
	output(stack, "RoleArn", "the role that Detour's functions assume", made.AttrArn())
}
