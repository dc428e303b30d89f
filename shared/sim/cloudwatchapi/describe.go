package cloudwatchapi

import (
	"crypto/sha256"
	"encoding/base64"
	"maps"
	"slices"
	"strings"

	"detour/shared/sim"
)

// The limits of DescribeAlarms (CloudWatch API reference, DescribeAlarms).
const (
	maxNames   = 100
	maxRecords = 100
	usualPage  = 50
)

const metricAlarm = "MetricAlarm"

// input is what a DescribeAlarms request asks for.
type input struct {
	names, types         []string
	prefix, state, token string
	max                  int
}

// readInput reads the members of the request. A member beyond those that are
// simulated is refused, because leaving it out could change what the request
// means; a null member counts as absent.
func (p protocol) readInput(body []byte) (input, *failure) {
	in := input{max: usualPage}
	value, err := p.read(body)
	members, ok := value.(map[string]any)
	if err != nil || !ok {
		return in, refuse("SerializationException", "MalformedInput", "The request body is no map: %v.", err)
	}
	for _, name := range slices.Sorted(maps.Keys(members)) {
		member := members[name]
		if member == nil {
			continue
		}
		good := true
		switch name {
		case "AlarmNames":
			in.names, good = texts(member)
		case "AlarmTypes":
			in.types, good = texts(member)
		case "AlarmNamePrefix":
			in.prefix, good = member.(string)
		case "StateValue":
			in.state, good = member.(string)
		case "NextToken":
			in.token, good = member.(string)
		case "MaxRecords":
			var n int64
			n, good = member.(int64)
			in.max = int(min(max(n, -1), maxRecords+1))
		default:
			return in, refuse("SerializationException", "MalformedInput", "The member %q of DescribeAlarms is not simulated: leave it out.", name)
		}
		if !good {
			return in, refuse("SerializationException", "MalformedInput", "The member %s is of the wrong type.", name)
		}
	}
	return in, nil
}

func texts(member any) ([]string, bool) {
	items, ok := member.([]any)
	list := make([]string, 0, len(items))
	for _, item := range items {
		text, isText := item.(string)
		ok = ok && isText
		list = append(list, text)
	}
	return list, ok
}

// check refuses values that AWS refuses. The texts are UNVERIFIED.
func (in input) check() *failure {
	invalid := func(format string, args ...any) *failure {
		return refuse("InvalidParameterValueException", "ValidationError", format, args...)
	}
	switch {
	case in.max < 1 || in.max > maxRecords:
		return invalid("MaxRecords must be a value from 1 to %d.", maxRecords)
	case len(in.names) > maxNames:
		return invalid("AlarmNames has %d members: at most %d are allowed.", len(in.names), maxNames)
	case len(in.names) > 0 && in.prefix != "":
		return invalid("AlarmNames and AlarmNamePrefix may not be used together.")
	case in.state != "" && !slices.Contains([]string{"OK", "ALARM", "INSUFFICIENT_DATA"}, in.state):
		return invalid("StateValue %q is not one of OK, ALARM and INSUFFICIENT_DATA.", in.state)
	}
	for _, kind := range in.types {
		if !slices.Contains([]string{metricAlarm, "CompositeAlarm", "LogAlarm"}, kind) {
			return invalid("AlarmTypes has %q, which is no type of alarm.", kind)
		}
	}
	return nil
}

// wants says whether the request asks for the alarm. All alarms of the simulated
// network are metric alarms; without AlarmTypes only those are answered.
func (in input) wants(a sim.AlarmView) bool {
	return (len(in.types) == 0 || slices.Contains(in.types, metricAlarm)) &&
		(len(in.names) == 0 || slices.Contains(in.names, a.Name)) &&
		strings.HasPrefix(a.Name, in.prefix) &&
		(in.state == "" || in.state == a.State)
}

// describeAlarms answers DescribeAlarms, and notes in the call log which states
// it showed. Names that no alarm has are left out of the answer, without an error;
// the log notes them with the last page, which is what tells that they are absent.
func (rq *request) describeAlarms(body []byte) (map[string]any, *failure) {
	in, failed := rq.protocol.readInput(body)
	if failed != nil {
		return nil, failed
	}
	rq.params(in)
	if failed := in.check(); failed != nil {
		return nil, failed
	}
	after, ok := in.open()
	if !ok {
		return nil, refuse("InvalidNextToken", "InvalidNextToken", "The next token is invalid.")
	}
	limit := in.max
	if rq.pageLimit > 0 {
		limit = min(limit, rq.pageLimit)
	}
	shown := []any{}
	answer := map[string]any{"CompositeAlarms": []any{}}
	last := ""
	alarms := rq.world.Alarms(rq.caller)
	for _, a := range alarms { // sorted by name
		if !in.wants(a) || in.token != "" && a.Name <= after {
			continue
		}
		if len(shown) == limit {
			answer["NextToken"] = in.seal(last)
			break
		}
		last = a.Name
		shown = append(shown, shape(a))
		rq.record.Told = append(rq.record.Told, sim.Told{Resource: a.Name, Field: "alarm-state", Value: a.State})
	}
	answer["MetricAlarms"] = shown
	if answer["NextToken"] == nil {
		for _, name := range in.absent(alarms) {
			rq.record.Told = append(rq.record.Told, sim.Told{Resource: name, Field: "alarm-state"})
		}
	}
	return answer, nil
}

// absent returns the names asked for that no alarm has, sorted, each once. A
// request that does not ask for metric alarms learns nothing of them.
func (in input) absent(alarms []sim.AlarmView) []string {
	if len(in.types) > 0 && !slices.Contains(in.types, metricAlarm) {
		return nil
	}
	names := slices.Compact(slices.Sorted(slices.Values(in.names)))
	return slices.DeleteFunc(names, func(name string) bool {
		return slices.ContainsFunc(alarms, func(a sim.AlarmView) bool { return a.Name == name })
	})
}

// shape shows an alarm. Source of the names: CloudWatch API model 2010-08-01,
// MetricAlarm.
func shape(a sim.AlarmView) map[string]any {
	shown := map[string]any{
		"AlarmName": a.Name, "AlarmArn": a.ARN, "StateValue": a.State, "StateReason": a.Reason,
		"StateUpdatedTimestamp": a.UpdatedAt, "StateTransitionedTimestamp": a.TransitionedAt,
		"ActionsEnabled": true, "EvaluationPeriods": 1, "Period": 60,
	}
	if a.VPN != "" {
		shown["Namespace"], shown["MetricName"] = "AWS/VPN", "TunnelState"
		shown["Dimensions"] = []any{map[string]any{"Name": "VpnId", "Value": a.VPN}}
	}
	return shown
}

const sumSize = 8

// print is of everything that must be the same on each page of one read.
func (in input) print() string {
	names, types := slices.Sorted(slices.Values(in.names)), slices.Sorted(slices.Values(in.types))
	whole := sha256.Sum256([]byte(strings.Join(names, "\x00") + "\x01" + strings.Join(types, "\x00") + "\x01" + in.prefix + "\x01" + in.state))
	return string(whole[:sumSize])
}

// seal makes the token of the page after the alarm of that name.
func (in input) seal(after string) string {
	return base64.RawURLEncoding.EncodeToString([]byte(in.print() + after))
}

// open returns the name after which the page begins; "" for the first page.
func (in input) open() (after string, ok bool) {
	if in.token == "" {
		return "", true
	}
	raw, err := base64.RawURLEncoding.Strict().DecodeString(in.token)
	if err != nil || len(raw) <= sumSize || string(raw[:sumSize]) != in.print() || strings.ContainsAny(in.token, "\r\n") {
		return "", false
	}
	return string(raw[sumSize:]), true
}
