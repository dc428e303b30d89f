package ingest

import (
	"cmp"
	"encoding/json"

	"detour/events"
)

// awsHealth looks at the VPN connections that an AWS Health event names. Its notices come when all is over, so it
// annotates: there is never a direction.
func awsHealth(env events.Envelope, look *Look) {
	if env.DetailType != events.DetailHealth {
		look.all(WhyUnknownDetailType, "detail-type %q of %s", look.DetailType, look.Source)
		return
	}
	var d events.HealthEvent
	_ = json.Unmarshal(env.Detail, &d) // What could not be read is missing, and a missing key widens the look.
	look.ChangeType = clean(d.EventTypeCode)
	account := cmp.Or(d.AffectedAccount, env.Account)
	region := cmp.Or(d.EventRegion, env.Region)
	entities := make([]string, 0, len(d.AffectedEntities)+len(env.Resources))
	for _, e := range d.AffectedEntities {
		entities = append(entities, e.EntityValue)
	}
	for _, entity := range append(entities, env.Resources...) {
		s, ok := vpnARN(entity)
		if !ok {
			s, ok = vpnID(entity, account, region)
		}
		if ok {
			look.Hints = append(look.Hints, Hint{Subject: s})
		}
	}
	switch {
	case d.Service == "":
		look.all(WhyMissingKey, "a Health event without service")
	case d.Service != events.HealthServiceVPN:
		look.all(WhyUnknownService, "a Health event about service %q", clean(d.Service))
	case len(look.Hints) == 0:
		look.all(WhyMissingKey, "neither affectedEntities nor resources names a VPN connection")
	}
}
