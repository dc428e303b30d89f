package events

import "encoding/json"

// LogsDelivery is what Lambda is passed for a CloudWatch Logs subscription (AWS page "Log group-level subscription filters",
// section "Subscription filters with Lambda"): LogsData as JSON, compressed by gzip, in base64.
type LogsDelivery struct {
	AWSLogs struct {
		Data string `json:"data"`
	} `json:"awslogs"`
}

// UnmarshalJSON fills every field that it can and reports the others.
func (d *LogsDelivery) UnmarshalJSON(raw []byte) error {
	o, err := open(raw)
	if err != nil {
		return err
	}
	var inner json.RawMessage
	o.raw(&inner, "awslogs")
	if inner == nil {
		return o.err()
	}
	logs, err := open(inner)
	if err != nil {
		return err
	}
	logs.text(&d.AWSLogs.Data, "data")
	return logs.err()
}

// The message types of LogsData. A control message is sent to see whether the destination can be reached; it has no lines.
const (
	LogsDataMessage    = "DATA_MESSAGE"
	LogsControlMessage = "CONTROL_MESSAGE"
)

// LogsData is a part of one log stream (same page).
type LogsData struct {
	MessageType string `json:"messageType"`
	// Owner is the account of the log group.
	Owner               string    `json:"owner"`
	LogGroup            string    `json:"logGroup"`
	LogStream           string    `json:"logStream"`
	SubscriptionFilters []string  `json:"subscriptionFilters"`
	LogEvents           []LogLine `json:"logEvents"`
}

// LogLine is one event of a log stream.
type LogLine struct {
	ID string `json:"id"`
	// Timestamp is in Unix milliseconds.
	Timestamp int64  `json:"timestamp"`
	Message   string `json:"message"`
}

// UnmarshalJSON fills every field that it can and reports the others.
func (d *LogsData) UnmarshalJSON(raw []byte) error {
	o, err := open(raw)
	if err != nil {
		return err
	}
	o.text(&d.MessageType, "messageType")
	o.word(&d.Owner, "owner")
	o.text(&d.LogGroup, "logGroup")
	o.text(&d.LogStream, "logStream")
	o.texts(&d.SubscriptionFilters, "subscriptionFilters")
	read(o, &d.LogEvents, "an array of log events", "logEvents")
	return o.err()
}

// UnmarshalJSON fills every field that it can and reports the others.
func (l *LogLine) UnmarshalJSON(raw []byte) error {
	o, err := open(raw)
	if err != nil {
		return err
	}
	o.word(&l.ID, "id")
	o.integer(&l.Timestamp, "timestamp")
	o.text(&l.Message, "message")
	return o.err()
}

// The types of a line of a VPN connection's BGP log, and what the line of a route says of it.
const (
	BGPLogSession = "BGPStatus"
	BGPLogRoute   = "RouteStatus"

	RouteAdvertised = "ADVERTISED"
	RouteUpdated    = "UPDATED"
	RouteWithdrawn  = "WITHDRAWN"
)

// VPNBGPLog is one line of the BGP log of a VPN connection, in the format json (AWS page "AWS Site-to-Site VPN logs"). A
// tunnel has a log stream of its own.
type VPNBGPLog struct {
	// ResourceID is the id of the connection, an underscore, and the outside address of the tunnel.
	ResourceID string `json:"resource_id"`
	// EventTimestamp is in Unix milliseconds.
	EventTimestamp int64         `json:"event_timestamp"`
	Timestamp      string        `json:"timestamp"`
	Type           string        `json:"type"`
	Status         string        `json:"status"`
	Message        VPNBGPMessage `json:"message"`
}

// VPNBGPMessage is what the line says of a route; of a session it has Details alone.
type VPNBGPMessage struct {
	Prefix    string `json:"prefix,omitempty"`
	ASPath    string `json:"asPath,omitempty"`
	LocalPref *int64 `json:"localPref,omitempty"`
	MED       *int64 `json:"med,omitempty"`
	NextHopIP string `json:"nextHopIp,omitempty"`
	Weight    *int64 `json:"weight,omitempty"`
	// Details are for people. Of a route that AWS did not take they say why.
	Details string `json:"details,omitempty"`
}

// UnmarshalJSON fills every field that it can and reports the others.
func (l *VPNBGPLog) UnmarshalJSON(raw []byte) error {
	o, err := open(raw)
	if err != nil {
		return err
	}
	o.text(&l.ResourceID, "resource_id")
	o.integer(&l.EventTimestamp, "event_timestamp")
	o.text(&l.Timestamp, "timestamp")
	o.text(&l.Type, "type")
	o.text(&l.Status, "status")
	read(o, &l.Message, "an object", "message")
	return o.err()
}

// UnmarshalJSON fills every field that it can and reports the others.
func (m *VPNBGPMessage) UnmarshalJSON(raw []byte) error {
	o, err := open(raw)
	if err != nil {
		return err
	}
	o.text(&m.Prefix, "prefix")
	o.word(&m.ASPath, "asPath")
	for key, dst := range map[string]**int64{"localPref": &m.LocalPref, "med": &m.MED, "weight": &m.Weight} {
		if _, there := o.get(key); there != nil {
			*dst = new(int64)
			o.integer(*dst, key)
		}
	}
	o.text(&m.NextHopIP, "nextHopIp")
	o.text(&m.Details, "details")
	return o.err()
}
