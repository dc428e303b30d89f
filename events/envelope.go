package events

import (
	"encoding/json"
	"time"
)

// MaxBytes is the size above which no EventBridge event exists. An entry must be smaller than 256 KiB, "and the event in
// EventBridge is always larger than the entry size due to the necessary characters and keys of the JSON representation"
// (AWS page "Calculating PutEvents event entry size"): 4 KiB are for those.
const MaxBytes = 256<<10 + 4<<10

// Envelope is what every EventBridge event has around its detail (AWS page "AWS service event metadata", events version 0).
type Envelope struct {
	Version    string `json:"version"`
	ID         string `json:"id"`
	DetailType string `json:"detail-type"`
	Source     string `json:"source"`
	// Account is the account that the event was sent to. For Network Manager that is the owner of the global network, not of
	// the resource: take the resource's account from its ARN.
	Account string `json:"account"`
	// Time is kept as it came, since published samples exist whose time is no date. SentAt reads it.
	Time string `json:"time"`
	// Region is where the event was delivered: us-west-2 for Network Manager, wherever the resource is.
	Region    string          `json:"region"`
	Resources []string        `json:"resources"`
	Detail    json.RawMessage `json:"detail"`
}

// UnmarshalJSON fills every field that it can and reports the others.
func (e *Envelope) UnmarshalJSON(raw []byte) error {
	o, err := open(raw)
	if err != nil {
		return err
	}
	o.text(&e.Source, "source")
	o.text(&e.DetailType, "detail-type")
	o.word(&e.Version, "version")
	o.text(&e.ID, "id")
	o.word(&e.Account, "account")
	o.text(&e.Time, "time")
	o.text(&e.Region, "region")
	o.texts(&e.Resources, "resources")
	o.raw(&e.Detail, "detail")
	return o.err()
}

// SentAt returns the time of the event, in UTC. It is false if the event has none or it is no date.
func (e Envelope) SentAt() (time.Time, bool) {
	t, err := time.Parse(time.RFC3339Nano, e.Time)
	if err != nil {
		return time.Time{}, false
	}
	return t.UTC(), true
}
