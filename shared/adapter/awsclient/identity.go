package awsclient

import (
	"context"
	"fmt"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sts"
)

// Identity is whose credentials they are, by the word of AWS.
type Identity struct {
	// Account has 12 digits.
	Account string
	// ARN names the user or the role session.
	ARN string
}

// Identify asks STS whose HomeCredentials are, with one call that every principal
// is allowed (STS API, GetCallerIdentity). Of the options it needs Doer,
// HomeCredentials and HomeRegion, and uses BaseEndpoint.
func Identify(ctx context.Context, options Options) (Identity, error) {
	c := &Clients{options: options}
	c.options.Doer = redactor{next: options.Doer, refused: func(string) {}}
	answer, err := sts.NewFromConfig(c.config(options.HomeRegion, options.HomeCredentials)).GetCallerIdentity(ctx, &sts.GetCallerIdentityInput{})
	if err != nil {
		return Identity{}, fmt.Errorf("asking STS in %s whose credentials these are: %w", options.HomeRegion, err)
	}
	return Identity{Account: aws.ToString(answer.Account), ARN: aws.ToString(answer.Arn)}, nil
}
