package awsclient

import (
	"fmt"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
)

// EnvironmentCredentials returns the credentials of the execution role, which
// Lambda sets in three variables of a function's environment (AWS page "Using
// Lambda environment variables", section "Defined runtime environment
// variables"). They do not expire in the process: Lambda replaces an
// environment before its credentials end, and the variables never change in one.
// The error names the variables that are not set, and never a value.
func EnvironmentCredentials(getenv func(name string) string) (aws.CredentialsProvider, error) {
	var values [3]string
	var missing []string
	for i, name := range [...]string{"AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN"} {
		if values[i] = getenv(name); values[i] == "" {
			missing = append(missing, name)
		}
	}
	if len(missing) > 0 {
		return nil, fmt.Errorf("reading credentials from the environment: %s not set; Lambda sets all three, so outside of it export those of a role session",
			strings.Join(missing, ", "))
	}
	return credentials.NewStaticCredentialsProvider(values[0], values[1], values[2]), nil
}
