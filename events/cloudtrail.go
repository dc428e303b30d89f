package events

import (
	"encoding/json"
	"strings"
)

// The source, detail-type and eventSource of an EC2 call that CloudTrail tells EventBridge of (AWS page "AWS service events
// delivered via AWS CloudTrail").
const (
	SourceEC2 = "aws.ec2"

	DetailAPICall = "AWS API Call via CloudTrail"

	// EventSourceEC2 is the eventSource of EC2's calls.
	EventSourceEC2 = "ec2.amazonaws.com"
)

// APICall is the detail of "AWS API Call via CloudTrail": a CloudTrail record (AWS page "CloudTrail record contents for
// management, data, and network activity events"). It comes to the bus of the account and Region in which the call was made,
// as best effort, and some time after it.
type APICall struct {
	EventVersion string       `json:"eventVersion,omitempty"`
	UserIdentity UserIdentity `json:"userIdentity"`
	EventTime    string       `json:"eventTime,omitempty"`
	EventSource  string       `json:"eventSource"`
	// EventName is the action, such as ReplaceRoute.
	EventName       string `json:"eventName"`
	AWSRegion       string `json:"awsRegion"`
	SourceIPAddress string `json:"sourceIPAddress,omitempty"`
	UserAgent       string `json:"userAgent,omitempty"`
	// ErrorCode is there if the call failed, and so changed nothing. EC2's codes come with "Client." or "Server." before them.
	ErrorCode    string `json:"errorCode,omitempty"`
	ErrorMessage string `json:"errorMessage,omitempty"`
	// RequestParameters are what was asked for, null for some failed calls. Parameters reads them.
	RequestParameters json.RawMessage `json:"requestParameters"`
	ResponseElements  json.RawMessage `json:"responseElements"`
	RequestID         string          `json:"requestID,omitempty"`
	EventID           string          `json:"eventID,omitempty"`
	ReadOnly          bool            `json:"readOnly"`
	EventType         string          `json:"eventType,omitempty"`
	ManagementEvent   bool            `json:"managementEvent"`
	// RecipientAccountID is the account that the record was delivered to; that of the caller is in UserIdentity.
	RecipientAccountID string `json:"recipientAccountId,omitempty"`
	EventCategory      string `json:"eventCategory,omitempty"`
}

// UserIdentity is who made a call (AWS page "CloudTrail userIdentity element").
type UserIdentity struct {
	Type        string `json:"type"` // Root, IAMUser, AssumedRole, AWSService and others
	PrincipalID string `json:"principalId,omitempty"`
	// ARN is that of the principal: for an assumed role that of the session.
	ARN         string `json:"arn,omitempty"`
	AccountID   string `json:"accountId,omitempty"`
	AccessKeyID string `json:"accessKeyId,omitempty"`
	UserName    string `json:"userName,omitempty"`
	// InvokedBy is the AWS service that made the call, such as cloudformation.amazonaws.com.
	InvokedBy      string          `json:"invokedBy,omitempty"`
	SessionContext *SessionContext `json:"sessionContext,omitempty"`
}

// SessionContext says where temporary credentials came from.
type SessionContext struct {
	SessionIssuer *SessionIssuer  `json:"sessionIssuer,omitempty"`
	Attributes    json.RawMessage `json:"attributes,omitempty"`
}

// SessionIssuer is what temporary credentials were issued for: for an assumed role, the role.
type SessionIssuer struct {
	Type        string `json:"type,omitempty"`
	PrincipalID string `json:"principalId,omitempty"`
	ARN         string `json:"arn,omitempty"`
	AccountID   string `json:"accountId,omitempty"`
	UserName    string `json:"userName,omitempty"`
}

// UnmarshalJSON fills every field that it can and reports the others.
func (c *APICall) UnmarshalJSON(raw []byte) error {
	o, err := open(raw)
	if err != nil {
		return err
	}
	for _, field := range []struct {
		dst *string
		key string
	}{
		{&c.EventVersion, "eventVersion"},
		{&c.EventTime, "eventTime"},
		{&c.EventSource, "eventSource"},
		{&c.EventName, "eventName"},
		{&c.AWSRegion, "awsRegion"},
		{&c.SourceIPAddress, "sourceIPAddress"},
		{&c.UserAgent, "userAgent"},
		{&c.ErrorCode, "errorCode"},
		{&c.ErrorMessage, "errorMessage"},
		{&c.RequestID, "requestID"},
		{&c.EventID, "eventID"},
		{&c.EventType, "eventType"},
		{&c.EventCategory, "eventCategory"},
	} {
		o.text(field.dst, field.key)
	}
	o.word(&c.RecipientAccountID, "recipientAccountId")
	read(o, &c.UserIdentity, "an object as CloudTrail's userIdentity is", "userIdentity")
	read(o, &c.ReadOnly, "a boolean", "readOnly")
	read(o, &c.ManagementEvent, "a boolean", "managementEvent")
	o.raw(&c.RequestParameters, "requestParameters")
	o.raw(&c.ResponseElements, "responseElements")
	return o.err()
}

// CallParameters are the parameters of an EC2 call that say what of a route table it is about. What the call does not name is "".
type CallParameters struct {
	TransitGatewayRouteTableID string
	RouteTableID               string
	PrefixListID               string
	// Destination is a CIDR block of either family, as it was written, or the id of a prefix list.
	Destination string
}

// Parameters reads the request's parameters. CloudTrail spells those of EC2's older calls with a small letter at the start,
// as in {"routeTableId": …}, and wraps those of newer ones, as in {"ReplaceTransitGatewayRouteRequest":
// {"TransitGatewayRouteTableId": …}}. Which calls about transit gateways and prefix lists are wrapped is UNVERIFIED, so both
// are read for every call.
func (c APICall) Parameters() (CallParameters, error) {
	var out CallParameters
	o, err := open(c.RequestParameters)
	if err != nil {
		return out, err
	}
	if _, wrapped := o.get(c.EventName+"Request", lowered(c.EventName)+"Request"); wrapped != nil {
		if o, err = open(wrapped); err != nil {
			return out, err
		}
	}
	either := func(dst *string, names ...string) {
		for _, name := range names {
			if *dst == "" {
				o.text(dst, name, lowered(name))
			}
		}
	}
	either(&out.TransitGatewayRouteTableID, "TransitGatewayRouteTableId")
	either(&out.RouteTableID, "RouteTableId")
	either(&out.PrefixListID, "PrefixListId")
	either(&out.Destination, "DestinationCidrBlock", "DestinationIpv6CidrBlock", "DestinationPrefixListId")
	return out, o.err()
}

// lowered writes a name with a small letter at the start.
func lowered(name string) string {
	if name == "" {
		return ""
	}
	return strings.ToLower(name[:1]) + name[1:]
}
