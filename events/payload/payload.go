// Package payload holds one sample of every message that Detour receives or publishes, as embedded JSON files, and nothing else.
// It is the single copy: decoders are tested against it, and the simulated network makes its events from it.
//
// Where the samples come from:
//
//   - vpn-connection-*, connect-peer-bgp-*, tgw-* and vpc-attachment-deleted-mixed, unless named below: the AWS page
//     "Monitor your global network using EventBridge" of the Network Manager guide for transit gateways. Its
//     Connect-peer status samples are Cloud WAN shaped although they stand on the transit gateway page; they are kept so. Two
//     of its samples are hand-edited beyond use: BGP-DOWN names two VPN connections, and the uninstalled route has an
//     impossible date and partition. Both are mended here.
//   - *-legacy: the kebab-case keys of the 2019 edition of that page ("Monitoring Your Global Network with CloudWatch
//     Events"), which spells the change type "status-change" in a status update and "change-type" elsewhere. The DOWN sample
//     is its UP sample with the other change type.
//   - *-mixed: both spellings in one event, as the current page still has it for VPC-ATTACHMENT-DELETED. That a status event
//     was ever mixed so is UNVERIFIED.
//   - cloud-wan-*: the AWS page "Monitor with Amazon CloudWatch Events" of the Cloud WAN guide. The DOWN sample is its UP
//     sample with the other change type.
//   - tgw-connect-peer-bgp-*-expected: UNVERIFIED. AWS has published no sample of the transit gateway's own Connect-peer
//     status event. These are composed from the keys of its topology event (TGW-CONNECT-PEER-CREATED) and the two
//     spellings of the change type that are conceivable. Nothing may depend on them being right.
//   - service-advisory: only its detail-type is published; the content is UNVERIFIED.
//   - vpn-connection-unknown-change: a change type that nobody has published, on purpose.
//   - cloudwatch-alarm-state-change*: the AWS page "Alarm events and EventBridge" of the CloudWatch guide; the
//     tunnel-state one applies the same schema to the metric AWS/VPN TunnelState.
//   - aws-health-*: the AWS page "AWS Health event Amazon EventBridge schema", filled with the VPN event type codes.
//   - cloudtrail-*: the AWS page "AWS service events delivered via AWS CloudTrail" around a record as on the page "CloudTrail
//     record contents"; the parameters of ReplaceRoute and CreateRoute are spelled as in records that people have published.
//   - cloudtrail-*-expected: UNVERIFIED. Nobody has published such a record of these calls about transit gateways and prefix
//     lists. The parameters are wrapped as CloudTrail wraps those of other EC2 calls of that age.
//   - vpn-bgp-log-session-up and -route-updated: the AWS page "AWS Site-to-Site VPN logs", each one line of a log in the
//     format json. The other two routes are that line with another prefix, AS path and status.
//   - vpn-bgp-log-delivery: the session and two of the routes as CloudWatch Logs delivers them to a Lambda function (AWS page
//     "Log group-level subscription filters"). -control is the message with which it tries the way: that its type is
//     CONTROL_MESSAGE is published, its text is UNVERIFIED.
//   - wake-up: an SQS batch as on the AWS page "Using Lambda with Amazon SQS", with Detour's own bodies.
//   - sweep, rehearse: the Inputs that Detour's own schedules pass (EventBridge Scheduler passes it unchanged).
//   - detour-*: what Detour itself publishes, one sample for each kind. Package awsevents publishes the same events in a test
//     and compares. The envelope around the detail is EventBridge's, as on the AWS page "AWS service event metadata".
//   - inner/*: what a message holds in a packed form, so that no message looks like it; Names leaves them out. vpn-bgp-log is
//     what a subscription filter compresses, as on the AWS page "Log group-level subscription filters" of the CloudWatch Logs
//     guide, with one line of each kind as on the AWS page "Site-to-Site VPN logs". The names of the log group and of the
//     filter are the owner's to choose.
//   - truncated: deliberately cut off, and so not valid JSON. It is what a decoder must refuse.
package payload

import (
	"embed"
	"fmt"
)

//go:embed *.json inner/*.json
var files embed.FS

// Read returns the sample of that file name, for example "vpn-connection-ipsec-down.json".
func Read(name string) ([]byte, error) {
	b, err := files.ReadFile(name)
	if err != nil {
		return nil, fmt.Errorf("reading sample %q: no such sample; use one of the names that Names returns: %w", name, err)
	}
	return b, nil
}

// Names returns the file names of all samples that are messages, sorted.
func Names() []string {
	entries, err := files.ReadDir(".")
	if err != nil {
		return nil // The embedded root always exists.
	}
	names := make([]string, 0, len(entries))
	for _, e := range entries { // ReadDir sorts by file name.
		if !e.IsDir() {
			names = append(names, e.Name())
		}
	}
	return names
}
