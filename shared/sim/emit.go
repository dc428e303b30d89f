package sim

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"sync"
	"time"

	"detour/events/payload"
)

// Network Manager events go to the default bus of us-west-2, whatever the
// Region of the transit gateway (Network Manager guide).
const eventRegion = "us-west-2"

// eventTime is the format of an event's time: whole seconds, UTC.
const eventTime = "2006-01-02T15:04:05Z"

const (
	sampleIPsecDown   = "vpn-connection-ipsec-down.json"
	sampleIPsecUp     = "vpn-connection-ipsec-up.json"
	sampleInstalled   = "tgw-route-installed.json"
	sampleUninstalled = "tgw-route-uninstalled.json"

	sampleTunnelBGPDown = "vpn-connection-bgp-down.json"
	sampleTunnelBGPUp   = "vpn-connection-bgp-establish.json"

	// sampleBGPRoute is Cloud WAN's, the only published one with what a transit
	// gateway's event also names: the family bgp and the attributes.
	sampleBGPRoute = "cloud-wan-segment-routes-installed.json"

	// The samples of a Connect peer's sessions are made after the transit gateway's
	// other events: UNVERIFIED, see Options.NoConnectPeerEvents.
	sampleSessionDown = "tgw-connect-peer-bgp-down-expected.json"
	sampleSessionUp   = "tgw-connect-peer-bgp-establish-expected.json"

	// The samples of a call by a user, by a role and of one that failed.
	sampleCall       = "cloudtrail-replace-route.json"
	sampleCallRole   = "cloudtrail-create-route-prefix-list.json"
	sampleCallFailed = "cloudtrail-replace-route-denied.json"

	sampleAlarm       = "cloudwatch-alarm-state-change.json"
	sampleTunnelAlarm = "cloudwatch-alarm-state-change-tunnel-state.json"
)

// sampleNames are the samples that the World makes events from.
func sampleNames() []string {
	return []string{
		sampleIPsecDown, sampleIPsecUp, sampleInstalled, sampleUninstalled,
		sampleTunnelBGPDown, sampleTunnelBGPUp,
		sampleSessionDown, sampleSessionUp, sampleAlarm, sampleTunnelAlarm,
		sampleCall, sampleCallRole, sampleCallFailed,
	}
}

// samples are the published events that the World's own are made from, as JSON.
type samples map[string][]byte

// checkedSamples are read and tried once for all Worlds; nothing changes them.
var checkedSamples = sync.OnceValues(loadSamples) //nolint:gochecknoglobals // A constant that has to be read from files.

func loadSamples() (samples, error) {
	loaded := make(samples)
	for _, name := range sampleNames() {
		raw, err := payload.Read(name)
		if err != nil {
			return nil, fmt.Errorf("reading the sample that events are made from: %w", err)
		}
		loaded[name] = raw
	}
	raw, err := payload.Read(sampleVPNLog)
	if err != nil {
		return nil, fmt.Errorf("reading the sample that logs are delivered by: %w", err)
	}
	loaded[sampleVPNLog] = raw
	return loaded, errors.Join(loaded.check(), loaded.checkLog())
}

// check makes one event from every sample, so that a sample without an expected
// key is an error at the start and not a silent one later.
func (s samples) check() error {
	trial := eventHead{account: "111122223333", region: eventRegion, network: true, resource: "arn:aws:ec2:us-west-2:111122223333:vpn-connection/vpn-0"}
	tunnel := tunnelEvent{region: eventRegion, account: "111122223333"}
	attributes, err := bgpAttributes()
	if err != nil {
		return err
	}
	routes := routesEvent{region: eventRegion, account: "111122223333", routes: []eventRoute{{}, {family: familyBGP}}, attributes: attributes}
	session := sessionEvent{region: eventRegion, account: "111122223333"}
	fills := map[string]func(object) error{
		sampleIPsecDown: tunnel.fill, sampleIPsecUp: tunnel.fill,
		sampleInstalled: routes.fill, sampleUninstalled: routes.fill,
		sampleTunnelBGPDown: tunnel.fillBGP, sampleTunnelBGPUp: tunnel.fillBGP,
		sampleSessionDown: session.fill, sampleSessionUp: session.fill,
		sampleAlarm: alarmEvent{}.fill, sampleTunnelAlarm: alarmEvent{vpn: "vpn-0"}.fill,
		sampleCall: callEvent{principal: Principal{User: "x"}}.fill, sampleCallRole: callEvent{principal: Principal{Role: "x"}}.fill,
		sampleCallFailed: callEvent{code: "x", principal: Principal{User: "x"}}.fill,
	}
	for _, name := range sampleNames() {
		if _, err := s.make(name, trial, fills[name]); err != nil {
			return err
		}
	}
	return nil
}

// eventHead is what the envelope of an event says.
type eventHead struct {
	serial   int
	at       time.Time
	account  string
	region   string
	resource string
	// network says that the event is Network Manager's, whose first resource is
	// the global network.
	network bool
}

// object is a JSON object of a sample. Only keys that the sample has may be
// overwritten: a key of the World's own making would teach a decoder a shape
// that AWS does not send.
type object map[string]any

func (o object) overwrite(key string, value any) error {
	if _, present := o[key]; !present {
		return fmt.Errorf("the sample has no key %q to overwrite: compare the sample with the World's code", key)
	}
	o[key] = value
	return nil
}

func (o object) overwriteAll(pairs ...any) error {
	for i := 0; i+1 < len(pairs); i += 2 {
		key, _ := pairs[i].(string)
		if err := o.overwrite(key, pairs[i+1]); err != nil {
			return err
		}
	}
	return nil
}

// make makes an event from a sample; fill overwrites the detail.
func (s samples) make(name string, head eventHead, fill func(detail object) error) ([]byte, error) {
	var event object
	decoder := json.NewDecoder(bytes.NewReader(s[name]))
	decoder.UseNumber()
	if err := decoder.Decode(&event); err != nil {
		return nil, fmt.Errorf("decoding the sample %s: %w", name, err)
	}
	resources := []string{}
	if head.resource != "" {
		resources = append(resources, head.resource)
	}
	if head.network {
		resources = []string{event.globalNetwork(head.account), head.resource}
	}
	detail, ok := event["detail"].(map[string]any)
	if !ok {
		return nil, fmt.Errorf("the sample %s has no object detail", name)
	}
	err := event.overwriteAll(
		"id", fmt.Sprintf("00000000-0000-4000-8000-%012x", head.serial),
		"time", head.at.UTC().Format(eventTime),
		"account", head.account,
		"region", head.region,
		"resources", resources,
	)
	if err == nil {
		err = fill(detail)
	}
	if err != nil {
		return nil, fmt.Errorf("making an event from the sample %s: %w", name, err)
	}
	return json.Marshal(event)
}

// globalNetwork is the ARN of the account's global network, with the id that the
// sample has.
func (o object) globalNetwork(account string) string {
	network := "global-network-1234567890abcdef0"
	if resources, ok := o["resources"].([]any); ok && len(resources) > 0 {
		if arn, ok := resources[0].(string); ok {
			network = arn[strings.LastIndex(arn, "/")+1:]
		}
	}
	return fmt.Sprintf("arn:aws:networkmanager::%s:global-network/%s", account, network)
}

func ec2ARN(region, account, kind, id string) string {
	return fmt.Sprintf("arn:aws:ec2:%s:%s:%s/%s", region, account, kind, id)
}

// tunnelEvent is the detail of a status event of one tunnel; the router's ASN is
// in those of BGP only.
type tunnelEvent struct {
	region, account, vpn, attachment, gateway, outsideIP string
	asn                                                  uint32
}

func (e tunnelEvent) fill(detail object) error {
	return detail.overwriteAll(
		"region", e.region,
		"transitGatewayAttachmentArn", ec2ARN(e.region, e.account, "transit-gateway-attachment", e.attachment),
		"vpnConnectionArn", ec2ARN(e.region, e.account, "vpn-connection", e.vpn),
		"outsideIpAddress", e.outsideIP,
		"transitGatewayArn", ec2ARN(e.region, e.account, "transit-gateway", e.gateway),
	)
}

// Subscribe has fn called with every event that the World emits, as JSON, in
// the order of subscription, and with what the subscription filters of VPN
// connections' BGP logs invoke their function with, {"awslogs": …}, which no bus
// comes between. fn is called from the Timekeeper's callbacks,
// without the World's lock; it must not block, and must not change the slice.
func (w *World) Subscribe(fn func(raw []byte)) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.subscribers = append(w.subscribers, fn)
}

// announceTunnel emits a status event with the status at detection, EventDelay
// after it.
func (w *World) announceTunnel(s *step, v *vpnConnection, t *tunnel) {
	if v.attachment.gateway.unregistered {
		return
	}
	own := v.attachment.gateway.owner
	event := tunnelEvent{
		region: own.region, account: own.account, vpn: v.id, attachment: v.attachment.id,
		gateway: v.attachment.gateway.id, outsideIP: t.outsideIP,
	}
	name := sampleIPsecDown
	if t.detected {
		name = sampleIPsecUp
	}
	w.emitLater(s, name, ec2ARN(own.region, own.account, "vpn-connection", v.id), event.fill)
}

// emitLater makes an event of Network Manager EventDelay from now; its time is
// that of the change.
func (w *World) emitLater(s *step, name, resource string, fill func(object) error) {
	w.emitAs(s, name, eventHead{at: s.now, account: w.globalAccount, region: eventRegion, network: true, resource: resource}, fill)
}

// emitAs makes an event EventDelay from now.
func (w *World) emitAs(s *step, name string, head eventHead, fill func(object) error) {
	w.emitAfter(s, name, head, w.options.EventDelay, fill)
}

func (w *World) emitAfter(s *step, name string, head eventHead, delay time.Duration, fill func(object) error) {
	w.sendAfter(s, name, delay, func(serial int) ([]byte, error) {
		head.serial = serial
		return w.samples.make(name, head, fill)
	})
}

// sendAfter passes what is made then to the subscribers, with the serial number
// that it has among all that was sent.
func (w *World) sendAfter(s *step, name string, delay time.Duration, made func(serial int) ([]byte, error)) {
	due := s.now.Add(delay)
	s.then(func() {
		w.keeper.At(due, "event "+strings.TrimSuffix(name, ".json"), func() {
			w.book(func(later *step) {
				w.events++
				raw, err := made(w.events)
				if err != nil {
					panic(fmt.Sprintf("sim: %v", err)) // NewWorld has made one of each kind.
				}
				for _, subscriber := range w.subscribers {
					later.then(func() { subscriber(bytes.Clone(raw)) })
				}
			})
		})
	})
}
