package ec2api

import (
	"encoding/xml"
	"net/http"
	"strings"

	"detour/shared/sim"
	"detour/shared/sim/endpoint"
)

// What every assumed role gets. The secret and the token mean nothing: the
// access key id is the account. Credentials never expire in the simulated
// network, whose time is not the caller's.
const (
	roleSecret  = "simulated-secret"
	roleToken   = "simulated-session-token"
	roleExpires = "2099-12-31T23:59:59Z"
)

// stsAction returns the actions of the STS face.
func stsAction(name string) (action, bool) {
	switch name {
	case "AssumeRole":
		return action{
			scalars: []string{"RoleArn", "RoleSessionName", "ExternalId", "DurationSeconds"},
			run:     assumeRole,
		}, true
	case "GetCallerIdentity":
		return action{run: callerIdentity}, true
	}
	return action{}, false
}

type assumedRole struct {
	XMLName     xml.Name       `xml:"AssumeRoleResult"`
	Credentials stsCredentials `xml:"Credentials"`
	Arn         string         `xml:"AssumedRoleUser>Arn"`
	ID          string         `xml:"AssumedRoleUser>AssumedRoleId"`
}

type stsCredentials struct {
	AccessKeyID     string `xml:"AccessKeyId"`
	SecretAccessKey string
	SessionToken    string
	Expiration      string
}

// assumeRole answers AssumeRole with credentials of the role's account: anybody
// may assume any role, with any external id, unless the endpoint authorizes.
// Source: STS API reference, AssumeRole; the messages are UNVERIFIED.
func assumeRole(rq *request) (any, *sim.APIError) {
	arn, session := rq.params.Get("RoleArn"), rq.params.Get("RoleSessionName")
	if arn == "" {
		return nil, nullMember("roleArn")
	}
	if session == "" {
		return nil, nullMember("roleSessionName")
	}
	// arn:aws:iam::111122223333:role/path/name
	parts := strings.SplitN(arn, ":", 6)
	if len(parts) != 6 || parts[0] != "arn" || parts[2] != "iam" || !endpoint.IsAccount(parts[4]) || !strings.HasPrefix(parts[5], "role/") {
		return nil, fail(http.StatusBadRequest, "ValidationError", "%s is invalid", arn)
	}
	name := parts[5][strings.LastIndex(parts[5], "/")+1:]
	return assumedRole{
		Credentials: stsCredentials{AccessKeyID: parts[4], SecretAccessKey: roleSecret, SessionToken: rq.issue(arn, session), Expiration: roleExpires},
		Arn:         "arn:" + parts[1] + ":sts::" + parts[4] + ":assumed-role/" + name + "/" + session,
		ID:          "AROA" + parts[4] + ":" + session,
	}, nil
}

func nullMember(name string) *sim.APIError {
	return fail(http.StatusBadRequest, "ValidationError", "1 validation error detected: Value null at '%s' failed to satisfy constraint: Member must not be null", name)
}

type identity struct {
	XMLName xml.Name `xml:"GetCallerIdentityResult"`
	Arn     string
	UserID  string `xml:"UserId"`
	Account string
}

// callerIdentity answers GetCallerIdentity. Which role was assumed is not known
// here: every caller is the root of its account.
func callerIdentity(rq *request) (any, *sim.APIError) {
	account := rq.caller.Account
	return identity{Arn: "arn:aws:iam::" + account + ":root", UserID: account, Account: account}, nil
}
