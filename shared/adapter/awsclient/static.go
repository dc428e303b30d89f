package awsclient

import (
	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
)

// StaticCredentials returns credentials that never expire, for the simulated
// network. Its wire face takes the account from an access key id of 12 digits.
func StaticCredentials(accessKeyID, secret string) aws.CredentialsProvider {
	return credentials.NewStaticCredentialsProvider(accessKeyID, secret, "")
}
