package sim

import (
	"fmt"
	"net/url"
	"slices"
	"strings"
	"time"
)

// Principal is who makes calls, as CloudTrail names them: a user, or the session of
// a role.
type Principal struct {
	// User is the user's name, and empty for a role.
	User          string
	Role, Session string
}

// writerPrefix begins the process of a person or program that a script has write.
const writerPrefix = "writer:"

// byScript is the principal of a writer by script, and of nobody else.
func byScript(process string) (Principal, bool) {
	name, ok := strings.CutPrefix(process, writerPrefix)
	return Principal{User: name}, ok
}

// TellOfCalls sets of whose calls CloudTrail tells: those for whose process identity
// returns a principal. Until it is called these are the writers by script, each a
// user. AWS tells of every call of everybody; what a checked program does by itself
// would only fill the log.
func (w *World) TellOfCalls(identity func(process string) (Principal, bool)) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.identity = identity
}

// callTold knows the calls that CloudTrail tells of, of those that the World has: all
// that change routes, their tables and prefix lists. inWrite says that the record of
// one that succeeded has its effect in Write.
func callTold(action string) (told, inWrite bool) {
	switch action {
	case "CreateRoute", "ReplaceRoute", "DeleteRoute",
		"CreateTransitGatewayRoute", "ReplaceTransitGatewayRoute", "DeleteTransitGatewayRoute",
		"CreateTransitGatewayPrefixListReference", "ModifyTransitGatewayPrefixListReference", "DeleteTransitGatewayPrefixListReference":
		return true, true
	case "EnableTransitGatewayRouteTablePropagation", "DisableTransitGatewayRouteTablePropagation",
		"EnableVgwRoutePropagation", "DisableVgwRoutePropagation", "ModifyManagedPrefixList":
		return true, false
	}
	return false, false
}

// callEvent is the detail of a call.
type callEvent struct {
	serial     int
	at         time.Time
	account    string
	region     string
	action     string
	code       string
	parameters map[string]any
	principal  Principal
}

// announceCall has CloudTrail tell of a call, CallEventDelay after it: on the default
// bus of the account and Region in which it was made.
func (w *World) announceCall(s *step, r CallRecord) {
	told, inWrite := callTold(r.Action)
	if !told || w.identity == nil || r.Fault != "" && r.Write == nil || r.Code == "" && inWrite && r.Write == nil {
		return
	}
	who, ok := w.identity(r.Process)
	if !ok {
		return
	}
	event := callEvent{
		serial: len(w.calls), at: s.now, account: r.Account, region: r.Region, action: r.Action, code: r.Code,
		parameters: callParameters(r.Action, r.Params), principal: who,
	}
	name := sampleCall
	switch {
	case r.Code != "":
		name = sampleCallFailed
	case who.User == "":
		name = sampleCallRole
	}
	w.emitAfter(s, name, eventHead{at: s.now, account: r.Account, region: r.Region}, w.options.CallEventDelay, event.fill)
}

func (e callEvent) fill(detail object) error {
	if err := e.fillIdentity(detail); err != nil {
		return err
	}
	if e.code != "" {
		// CloudTrail writes who was at fault before EC2's code.
		if err := detail.overwriteAll("errorCode", "Client."+e.code, "errorMessage", e.code); err != nil {
			return err
		}
	}
	return detail.overwriteAll(
		"eventName", e.action, "awsRegion", e.region, "recipientAccountId", e.account, "eventTime", e.at.UTC().Format(eventTime),
		"requestParameters", e.parameters, "responseElements", nil,
		"eventID", fmt.Sprintf("00000000-0000-4000-8000-%012x", e.serial), "requestID", fmt.Sprintf("00000000-0000-4000-8000-%012x", e.serial),
	)
}

func (e callEvent) fillIdentity(detail object) error {
	identity, ok := detail["userIdentity"].(map[string]any)
	if !ok {
		return fmt.Errorf("the sample's detail.userIdentity is no object")
	}
	who := object(identity)
	if e.principal.User != "" || e.principal.Role == "" {
		if _, isUser := who["userName"]; !isUser {
			return fmt.Errorf("the sample's detail.userIdentity is no user's")
		}
		return who.overwriteAll("arn", fmt.Sprintf("arn:aws:iam::%s:user/%s", e.account, e.principal.User), "accountId", e.account, "userName", e.principal.User)
	}
	session, _ := who["sessionContext"].(map[string]any)
	issuer, ok := session["sessionIssuer"].(map[string]any)
	if !ok {
		// A failed call has a user's sample; a role's identity is otherwise the same.
		return who.overwriteAll("arn", fmt.Sprintf("arn:aws:sts::%s:assumed-role/%s/%s", e.account, e.principal.Role, e.principal.Session), "accountId", e.account, "userName", e.principal.Role)
	}
	err := who.overwriteAll("arn", fmt.Sprintf("arn:aws:sts::%s:assumed-role/%s/%s", e.account, e.principal.Role, e.principal.Session), "accountId", e.account)
	if err != nil {
		return err
	}
	return object(issuer).overwriteAll("arn", fmt.Sprintf("arn:aws:iam::%s:role/%s", e.account, e.principal.Role), "accountId", e.account, "userName", e.principal.Role)
}

// callParameters spells a call's parameters as CloudTrail does: those of EC2's older
// calls begin with a small letter, those of newer ones are wrapped. Which ones are is
// UNVERIFIED for calls about transit gateways and prefix lists, see the samples.
func callParameters(action string, params url.Values) map[string]any {
	wrapped := strings.Contains(action, "TransitGateway") || strings.Contains(action, "PrefixList")
	out := map[string]any{}
	for _, name := range sortedKeys(params) {
		value := params.Get(name)
		if slices.Contains([]string{"Action", "Version", "DryRun"}, name) || strings.Contains(name, ".") || value == "" {
			continue
		}
		if name == "Target" { // A script's.
			name = targetName(value, wrapped)
		}
		if name == "DestinationPrefixListId" && wrapped {
			name = "PrefixListId"
		}
		switch {
		case name == "Blackhole":
			out[name] = true
		case wrapped:
			out[name] = value
		default:
			out[strings.ToLower(name[:1])+name[1:]] = value
		}
	}
	if wrapped {
		return map[string]any{action + "Request": out}
	}
	return out
}

// targetName is the parameter that a target is given in.
func targetName(target string, transit bool) string {
	if transit {
		if target == blackhole {
			return "Blackhole"
		}
		return "TransitGatewayAttachmentId"
	}
	kind, _, _ := strings.Cut(target, "-")
	switch kind {
	case "tgw":
		return "TransitGatewayId"
	case "eni":
		return "NetworkInterfaceId"
	case "i":
		return "InstanceId"
	case "nat":
		return "NatGatewayId"
	case "pcx":
		return "VpcPeeringConnectionId"
	case "vpce":
		return "VpcEndpointId"
	default:
		return "GatewayId"
	}
}
