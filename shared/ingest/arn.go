package ingest

import (
	"cmp"
	"net/netip"
	"strings"
	"unicode"

	"detour/shared/health"
)

// Compare orders hints by subject, part and direction.
func (h Hint) Compare(other Hint) int {
	return cmp.Or(
		h.Subject.Compare(other.Subject),
		cmp.Compare(h.Part, other.Part),
		cmp.Compare(h.Direction, other.Direction),
	)
}

// arn is an Amazon Resource Name (AWS page "Identify AWS resources with Amazon Resource Names"):
// arn:partition:service:region:account:resource.
type arn struct{ service, region, account, resource string }

// parseARN splits an ARN of one of the partitions in which Detour can run.
func parseARN(s string) (arn, bool) {
	const most = 2048
	parts := strings.SplitN(s, ":", 6)
	if len(s) > most || len(parts) != 6 || parts[0] != "arn" {
		return arn{}, false
	}
	switch parts[1] {
	case "aws", "aws-cn", "aws-us-gov":
	default:
		return arn{}, false
	}
	return arn{service: parts[2], region: parts[3], account: parts[4], resource: parts[5]}, true
}

// ec2ARN takes the subject from the ARN of an EC2 resource: its account and Region are the resource's, whatever the
// envelope says.
func ec2ARN(s string, kind health.SubjectKind, resourceType, idPrefix string) (health.Subject, bool) {
	a, ok := parseARN(s)
	if !ok || a.service != "ec2" || !isAccount(a.account) || !isRegion(a.region) {
		return health.Subject{}, false
	}
	id, ok := strings.CutPrefix(a.resource, resourceType+"/")
	if !ok || !isID(id, idPrefix) {
		return health.Subject{}, false
	}
	return health.Subject{Kind: kind, ID: id, Account: a.account, Region: a.region}, true
}

// vpnARN takes a VPN connection from arn:aws:ec2:REGION:ACCOUNT:vpn-connection/vpn-….
func vpnARN(s string) (health.Subject, bool) {
	return ec2ARN(s, health.SubjectVPN, "vpn-connection", "vpn-")
}

// connectPeerARN takes a transit gateway's Connect peer from
// arn:aws:ec2:REGION:ACCOUNT:transit-gateway-connect-peer/tgw-connect-peer-…. A core network's is not one.
func connectPeerARN(s string) (health.Subject, bool) {
	return ec2ARN(s, health.SubjectConnectPeer, "transit-gateway-connect-peer", "tgw-connect-peer-")
}

// attachmentARN takes an attachment from arn:aws:ec2:REGION:ACCOUNT:transit-gateway-attachment/tgw-attach-….
func attachmentARN(s string) (health.Subject, bool) {
	return ec2ARN(s, health.SubjectAttachment, "transit-gateway-attachment", "tgw-attach-")
}

// alarmARN takes an alarm from arn:aws:cloudwatch:REGION:ACCOUNT:alarm:NAME. A name may hold colons and slashes.
func alarmARN(s string) (health.Subject, bool) {
	a, ok := parseARN(s)
	if !ok || a.service != "cloudwatch" {
		return health.Subject{}, false
	}
	name, ok := strings.CutPrefix(a.resource, "alarm:")
	if !ok {
		return health.Subject{}, false
	}
	return alarmSubject(name, a.account, a.region)
}

// alarmSubject names an alarm, if it can be one.
func alarmSubject(name, account, region string) (health.Subject, bool) {
	const most = 4 * 255 // PutMetricAlarm: 1 to 255 characters, of up to 4 bytes each
	if name == "" || len(name) > most || strings.ContainsFunc(name, unicode.IsControl) || !isAccount(account) || !isRegion(region) {
		return health.Subject{}, false
	}
	return health.Subject{Kind: health.SubjectAlarm, ID: name, Account: account, Region: region}, true
}

// vpnID names a VPN connection by its id, account and Region, if it can be one.
func vpnID(id, account, region string) (health.Subject, bool) {
	if !isID(id, "vpn-") || !isAccount(account) || !isRegion(region) {
		return health.Subject{}, false
	}
	return health.Subject{Kind: health.SubjectVPN, ID: id, Account: account, Region: region}, true
}

// isID says whether s is an EC2 id with that prefix. Real ids end in 8 or 17 hexadecimal digits; documentation and
// simulations write others, so letters, digits and hyphens pass.
func isID(s, prefix string) bool {
	const most = 64
	rest, ok := strings.CutPrefix(s, prefix)
	return ok && rest != "" && len(s) <= most && only(rest, func(c byte) bool {
		return c >= '0' && c <= '9' || c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c == '-'
	})
}

// isAccount says whether s is an account id: twelve digits.
func isAccount(s string) bool {
	return len(s) == 12 && only(s, func(c byte) bool { return c >= '0' && c <= '9' })
}

// isRegion says whether s could be the name of a Region, such as us-gov-west-1.
func isRegion(s string) bool {
	const most = 32
	return s != "" && len(s) <= most && only(s, func(c byte) bool {
		return c >= '0' && c <= '9' || c >= 'a' && c <= 'z' || c == '-'
	})
}

// only says whether every byte of s passes.
func only(s string, pass func(byte) bool) bool {
	for i := range len(s) {
		if !pass(s[i]) {
			return false
		}
	}
	return true
}

// address returns an IP address in its usual spelling, or "" if s is none.
func address(s string) string {
	a, err := netip.ParseAddr(s)
	if err != nil || a.Zone() != "" {
		return ""
	}
	return a.Unmap().String()
}

// firstAddress returns the first that is an IP address.
func firstAddress(candidates ...string) string {
	for _, s := range candidates {
		if a := address(s); a != "" {
			return a
		}
	}
	return ""
}
