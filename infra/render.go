package main

import (
	"fmt"
	"strings"

	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/constructs-go/constructs/v10"
	"github.com/aws/jsii-runtime-go"

	"detour/shared/blueprint"
)

// deployment is all that the stacks are made from.
type deployment struct {
	blueprint blueprint.Blueprint
	// assets are the folders with the functions' code, by the name of the function whose
	// binary it is.
	assets map[string]string
	// email is subscribed to the topic of every home, where it is not empty.
	email string
}

// render makes the stacks of a deployment: one for each home, for each site that
// forwards events, and for the roles that a home has in a further account. They
// refer to one another by name and can be deployed in any order.
func render(app awscdk.App, d deployment) {
	for _, home := range d.blueprint.Homes {
		renderController(app, d, home)
	}
	for _, forward := range d.blueprint.Forwards {
		renderForward(app, forward)
	}
	for _, roles := range byStack(d.blueprint.Access) {
		renderAccess(app, roles)
	}
}

// newStack returns an empty stack. id is unique in the app, name in the account and
// Region of the stack. There is no rule that looks for the version of the CDK's
// bootstrap stack, since a template with parameters is one more thing to be wrong.
func newStack(app awscdk.App, id, name, description string, at blueprint.Site) awscdk.Stack {
	return awscdk.NewStack(app, jsii.String(id), &awscdk.StackProps{
		StackName: jsii.String(name), Description: jsii.String(description),
		Env: &awscdk.Environment{Account: jsii.String(at.Account), Region: jsii.String(at.Region)},
		Synthesizer: awscdk.NewDefaultStackSynthesizer(&awscdk.DefaultStackSynthesizerProps{
			GenerateBootstrapVersionRule: jsii.Bool(false),
		}),
	})
}

// output adds a line to what is printed after a deployment.
func output(scope constructs.Construct, id, description string, value *string) {
	awscdk.NewCfnOutput(scope, jsii.String(id), &awscdk.CfnOutputProps{Description: jsii.String(description), Value: value})
}

// arn returns the ARN of a resource of a site.
func arn(at blueprint.Site, service, resource string) string {
	return fmt.Sprintf("arn:%s:%s:%s:%s:%s", at.Partition(), service, at.Region, at.Account, resource)
}

// roleARN returns the ARN of a role, which has no Region, in the site's account.
func roleARN(at blueprint.Site, name string) string {
	return fmt.Sprintf("arn:%s:iam::%s:role/%s", at.Partition(), at.Account, name)
}

// identifier makes a logical id, which has letters and digits only, of words that
// are joined by other characters.
func identifier(words string) string {
	var out strings.Builder
	for word := range strings.FieldsFuncSeq(words, func(r rune) bool {
		return (r < 'a' || r > 'z') && (r < 'A' || r > 'Z') && (r < '0' || r > '9')
	}) {
		out.WriteString(strings.ToUpper(word[:1]) + word[1:])
	}
	return out.String()
}

// number returns a number as the CDK takes it.
func number[T int | float64](n T) *float64 { return jsii.Number(n) }
