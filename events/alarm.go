package events

import (
	"encoding/json"
	"time"
)

// The source and detail-type of an alarm's state change, which CloudWatch guarantees to deliver to EventBridge (AWS page
// "Alarm events and EventBridge").
const (
	SourceCloudWatch = "aws.cloudwatch"

	DetailAlarmStateChange = "CloudWatch Alarm State Change"
)

// The values of an alarm's state.
const (
	AlarmOK               = "OK"
	AlarmAlarm            = "ALARM"
	AlarmInsufficientData = "INSUFFICIENT_DATA"
)

// AlarmStateChange is the detail of "CloudWatch Alarm State Change" (AWS page "Alarm events and EventBridge", "Sample events
// for state change"). A composite alarm has no metrics. The first state has no previous one and no reasonData.
type AlarmStateChange struct {
	AlarmName     string             `json:"alarmName"`
	Configuration AlarmConfiguration `json:"configuration"`
	PreviousState *AlarmState        `json:"previousState,omitempty"`
	State         AlarmState         `json:"state"`
}

// AlarmConfiguration is what the alarm watches.
type AlarmConfiguration struct {
	Description string        `json:"description,omitempty"`
	Metrics     []AlarmMetric `json:"metrics,omitempty"`
	AlarmRule   string        `json:"alarmRule,omitempty"` // a composite alarm's
}

// AlarmMetric is one metric or expression of an alarm.
type AlarmMetric struct {
	ID         string           `json:"id"`
	AccountID  string           `json:"accountId,omitempty"` // where the metric is another account's
	Expression string           `json:"expression,omitempty"`
	Label      string           `json:"label,omitempty"`
	MetricStat *AlarmMetricStat `json:"metricStat,omitempty"`
	ReturnData bool             `json:"returnData"`
}

// AlarmMetricStat is a metric, and how it is aggregated.
type AlarmMetricStat struct {
	Metric struct {
		Dimensions map[string]string `json:"dimensions,omitempty"`
		Name       string            `json:"name"`
		Namespace  string            `json:"namespace"`
	} `json:"metric"`
	Period int    `json:"period"`
	Stat   string `json:"stat"`
}

// AlarmState is a state and why the alarm has it. ReasonData is JSON inside a string.
type AlarmState struct {
	Reason     string    `json:"reason"`
	ReasonData string    `json:"reasonData,omitempty"`
	Timestamp  AlarmTime `json:"timestamp"`
	Value      string    `json:"value"`
}

// UnmarshalJSON fills every field that it can and reports the first of the others.
func (a *AlarmStateChange) UnmarshalJSON(raw []byte) error {
	type plain AlarmStateChange // without this method
	return wholeOrShape(json.Unmarshal(raw, (*plain)(a)))
}

// alarmTimeLayout is how CloudWatch writes the time of a state: no RFC 3339, the offset is +0000.
const alarmTimeLayout = "2006-01-02T15:04:05.000-0700"

// AlarmTime is the time of an alarm's state. It keeps what came, so that a time in another layout does not cost the event.
type AlarmTime string

// Time reads the time, in UTC. It is false if it is in another layout.
func (t AlarmTime) Time() (time.Time, bool) {
	v, err := time.Parse(alarmTimeLayout, string(t))
	if err != nil {
		return time.Time{}, false
	}
	return v.UTC(), true
}
