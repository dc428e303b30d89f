// Command infra is the CDK app that deploys Detour. It reads the same
// configuration as everything else, asks package blueprint what that is in AWS,
// and renders the answer as CloudFormation stacks; what is allowed, forwarded and
// watched is decided there, and here only how it is written down.
//
// cdk.json has the CDK's command line run it, with the configuration as context:
//
//	cdk synth -c config=detour.yaml
//
// Every file is named relative to the folder of cdk.json, in which the command
// line runs the app. Nothing is asked of AWS, so it needs no account.
package main
