package events

import (
	"encoding/json"
	"time"
)

// The source and detail-type of an AWS Health event (AWS page "AWS Health event Amazon EventBridge schema").
const (
	SourceHealth = "aws.health"

	DetailHealth = "AWS Health Event"

	// HealthServiceVPN is the service of notices about Site-to-Site VPN.
	HealthServiceVPN = "VPN"
)

// HealthEvent is the detail of "AWS Health Event" (AWS page "AWS Health event Amazon EventBridge schema"; for VPN
// "Monitor VPN health events"). Its notices come too late to switch by: some after the work is complete, some monthly.
type HealthEvent struct {
	EventARN          string `json:"eventArn"`
	Service           string `json:"service"`
	EventTypeCode     string `json:"eventTypeCode"`
	EventTypeCategory string `json:"eventTypeCategory"`
	EventScopeCode    string `json:"eventScopeCode,omitempty"`
	CommunicationID   string `json:"communicationId,omitempty"`
	// StartTime, LastUpdatedTime and EndTime are RFC 1123 with a day of one or two digits. HealthTime reads them.
	StartTime       string `json:"startTime,omitempty"`
	LastUpdatedTime string `json:"lastUpdatedTime,omitempty"`
	EndTime         string `json:"endTime,omitempty"`
	StatusCode      string `json:"statusCode,omitempty"`
	// EventRegion is what is affected; the envelope's Region is where the event was delivered.
	EventRegion      string              `json:"eventRegion,omitempty"`
	AffectedAccount  string              `json:"affectedAccount,omitempty"`
	EventDescription []HealthDescription `json:"eventDescription,omitempty"`
	AffectedEntities []HealthEntity      `json:"affectedEntities,omitempty"`
	Page             string              `json:"page,omitempty"`
	TotalPages       string              `json:"totalPages,omitempty"`
}

// HealthDescription is the text of a Health event in one language.
type HealthDescription struct {
	Language          string `json:"language"`
	LatestDescription string `json:"latestDescription"`
}

// HealthEntity is one affected resource: an id or an ARN.
type HealthEntity struct {
	EntityValue string `json:"entityValue"`
	Status      string `json:"status,omitempty"`
}

// UnmarshalJSON fills every field that it can and reports the first of the others.
func (h *HealthEvent) UnmarshalJSON(raw []byte) error {
	type plain HealthEvent // without this method
	return wholeOrShape(json.Unmarshal(raw, (*plain)(h)))
}

// HealthTime reads a time of a Health event, in UTC. It is false if it is in another layout.
func HealthTime(s string) (time.Time, bool) {
	t, err := time.Parse("Mon, 2 Jan 2006 15:04:05 MST", s)
	if err != nil {
		return time.Time{}, false
	}
	return t.UTC(), true
}
