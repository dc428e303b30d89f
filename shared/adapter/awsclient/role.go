package awsclient

import (
	"fmt"
	"regexp"
	"strings"
)

// The placeholders of a role template.
const (
	placeAccount = "{account}"
	placeRegion  = "{region}"
)

// longestRegion stands for {region} when the length of a role name is checked.
// No Region's name is longer today.
const longestRegion = "ap-southeast-1"

// roleARN is what the ARN of an IAM role looks like, in the partitions that
// Detour knows: a path of up to 512 characters and a name of up to 64 (IAM API
// reference, Role).
var roleARN = regexp.MustCompile(`^arn:(?:aws|aws-cn|aws-us-gov):iam::[0-9]{12}:role(/|/[!-~]{1,510}/)[\w+=,.@-]{1,64}$`)

// placeholder is anything in braces, and any brace left alone.
var placeholder = regexp.MustCompile(`\{[^{}]*\}|[{}]`)

// RoleTemplate turns a template such as
// arn:aws:iam::{account}:role/detour-{region} into a function for Options.Role.
// {account} must stand where an ARN has the account; {region} may stand in the
// role's name or path, which gives one role for each account and Region. The
// error names the value, what is wrong with it, and the remedy.
func RoleTemplate(template string) (func(account, region string) string, error) {
	fill := func(account, region string) string {
		return strings.NewReplacer(placeAccount, account, placeRegion, region).Replace(template)
	}
	problem := func(what string) error { return fmt.Errorf("role template %q %s", template, what) }
	for _, found := range placeholder.FindAllString(template, -1) {
		if found != placeAccount && found != placeRegion {
			return nil, problem(fmt.Sprintf("has %s, which is no placeholder; write {account} or {region}", found))
		}
	}
	parts := strings.SplitN(template, ":", 6)
	switch {
	case !strings.Contains(template, placeAccount):
		return nil, problem("does not name the account; write {account} in its place, as in arn:aws:iam::{account}:role/detour")
	case !roleARN.MatchString(fill("123456789012", longestRegion)):
		return nil, problem("gives no ARN of an IAM role; write arn:PARTITION:iam::{account}:role/NAME with the partition aws, aws-cn or aws-us-gov, and a name of at most 64 letters, digits and +=,.@_-")
	case parts[4] != placeAccount:
		return nil, problem("has " + parts[4] + " where the account belongs; write {account} there, or every account would get a role of that one")
	}
	return fill, nil
}
