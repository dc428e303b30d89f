package ingest

import (
	"encoding/json"

	"detour/events"
)

// cloudWatch looks at an alarm, and at the VPN connections whose metrics it watches: an alarm on AWS/VPN TunnelState is the
// durable second to Network Manager's best-effort event, also where no group names it as a check.
func cloudWatch(env events.Envelope, look *Look) {
	if env.DetailType != events.DetailAlarmStateChange {
		look.all(WhyUnknownDetailType, "detail-type %q of %s", look.DetailType, look.Source)
		return
	}
	var d events.AlarmStateChange
	_ = json.Unmarshal(env.Detail, &d) // What could not be read is missing, and a missing key widens the look.
	look.ChangeType = clean(d.State.Value)
	subjects := named(alarmARN, "", env.Resources)
	if len(subjects) == 0 { // An alarm's event is delivered in its own account and Region.
		if s, ok := alarmSubject(d.AlarmName, env.Account, env.Region); ok {
			subjects = append(subjects, s)
		}
	}
	for _, s := range subjects {
		look.Hints = append(look.Hints, Hint{Subject: s, Direction: alarmDirection(d.State.Value)})
		look.vpnMetrics(d.Configuration.Metrics, s.Account, s.Region)
	}
	if len(subjects) == 0 {
		look.all(WhyMissingKey, "neither resources nor alarmName %q names an alarm", clean(d.AlarmName))
	}
	switch d.State.Value {
	case events.AlarmOK, events.AlarmAlarm, events.AlarmInsufficientData:
	default:
		look.all(WhyMissingKey, "state.value is %q, which is no state of an alarm", look.ChangeType)
	}
}

// vpnMetrics adds hints on the VPN connections of the metrics AWS/VPN (AWS page "Monitor AWS Site-to-Site VPN tunnels using
// Amazon CloudWatch"). Which way the threshold points is the alarm's business, so they have no direction.
func (l *Look) vpnMetrics(metrics []events.AlarmMetric, account, region string) {
	for _, m := range metrics {
		if m.MetricStat == nil || m.MetricStat.Metric.Namespace != "AWS/VPN" {
			continue
		}
		owner := account
		if m.AccountID != "" {
			owner = m.AccountID
		}
		dimensions := m.MetricStat.Metric.Dimensions
		if s, ok := vpnID(dimensions["VpnId"], owner, region); ok {
			l.Hints = append(l.Hints, Hint{Subject: s, Part: address(dimensions["TunnelIpAddress"])})
		}
	}
}

// alarmDirection reads an alarm as a check: ALARM is bad, OK is good.
func alarmDirection(value string) Direction {
	switch value {
	case events.AlarmAlarm:
		return DirectionDown
	case events.AlarmOK:
		return DirectionUp
	default:
		return DirectionUnknown
	}
}
