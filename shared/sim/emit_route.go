package sim

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"sync"

	"detour/events/payload"
)

// The families of a propagated route in a routing update (Network Manager guide).
const (
	familyConnected = "connected"
	familyBGP       = "bgp"
)

// routesPerEvent is how many routes one routing update tells of. AWS tells of
// several in one, and not of how many at most: UNVERIFIED.
const routesPerEvent = 100

// routed is a learned route that a step has made visible in a table, or taken
// away. best is the candidate by which it came.
type routed struct {
	table     *tgwTable
	view      TGWRouteView
	best      candidate
	installed bool
}

// eventRoute is one route in a routing update. A static one has no family; path
// and med are of the family bgp.
type eventRoute struct {
	dst         netip.Prefix
	attachments []AttachmentRef
	state       string
	family      string
	path        []uint32
	med         uint32
}

// routesEvent is the detail of a routing update of one table.
type routesEvent struct {
	region, account, gateway, table string
	sequence                        int64
	routes                          []eventRoute
	attributes                      map[string]any // the sample's bgpAttributes
}

func (e routesEvent) fill(detail object) error {
	listed, ok := detail["routes"].([]any)
	if !ok || len(listed) == 0 {
		return errors.New("the sample's detail.routes is no list with a route")
	}
	sample, ok := listed[0].(map[string]any)
	if !ok {
		return errors.New("the sample's detail.routes[0] is no object")
	}
	routes := make([]any, 0, len(e.routes))
	for _, r := range e.routes {
		filled, err := r.fill(sample, e.attributes)
		if err != nil {
			return err
		}
		routes = append(routes, filled)
	}
	return detail.overwriteAll(
		"region", e.region,
		"transitGatewayRouteTableArns", []string{ec2ARN(e.region, e.account, "transit-gateway-route-table", e.table)},
		"sequenceNumber", e.sequence,
		"routes", routes,
		"transitGatewayArn", ec2ARN(e.region, e.account, "transit-gateway", e.gateway),
	)
}

// fill makes the route from the sample's. The sample of an uninstalled route is of
// a static one, so the family's key comes from that of an installed one.
func (r eventRoute) fill(sample, attributes object) (object, error) {
	out := make(object, len(sample)+2)
	for key, value := range sample {
		out[key] = value
	}
	attachments := make([]map[string]any, 0, len(r.attachments))
	for _, ref := range r.attachments {
		attachments = append(attachments, map[string]any{
			"tgwAttachmentId": ref.ID, "resourceId": ref.ResourceID, "attachmentType": attachmentTypeInEvents(ref.ResourceType),
		})
	}
	kind := "route_static"
	if r.family != "" {
		kind = "route_propagated"
	}
	err := out.overwriteAll("destinationCidrBlock", r.dst.String(), "attachments", attachments, "routeType", kind, "routeState", r.state)
	delete(out, "propagatedRouteFamily")
	if err != nil || r.family == "" {
		return out, err
	}
	out["propagatedRouteFamily"] = r.family
	if r.family == familyBGP {
		filled := make(object, len(attributes))
		for key, value := range attributes {
			filled[key] = value
		}
		path := fmt.Sprintf("AS_SEQ: [%s]", strings.Join(asnTexts(r.path), ", "))
		err = filled.overwriteAll("med", strconv.FormatUint(uint64(r.med), 10), "asPath", []string{path})
		out["bgpAttributes"] = filled
	}
	return out, err
}

// attachmentTypeInEvents spells a resource type as Network Manager does, which
// differs from EC2's spelling (a Lambda that AWS published).
func attachmentTypeInEvents(resourceType string) string {
	switch resourceType {
	case typeDirectConnect:
		return "direct_connect_gateway"
	case typePeering:
		return "peer_tgw"
	}
	return resourceType
}

func asnTexts(path []uint32) []string {
	texts := make([]string, 0, len(path))
	for _, asn := range path {
		texts = append(texts, strconv.FormatUint(uint64(asn), 10))
	}
	return texts
}

// bgpAttributes are the attributes of a route as Cloud WAN's sample has them: of a
// transit gateway's event no sample with them was published, so that their place
// in one is UNVERIFIED.
var bgpAttributes = sync.OnceValues(loadBGPAttributes) //nolint:gochecknoglobals // A constant that has to be read from a file.

func loadBGPAttributes() (map[string]any, error) {
	raw, err := payload.Read(sampleBGPRoute)
	if err != nil {
		return nil, fmt.Errorf("reading the sample of a BGP route's attributes: %w", err)
	}
	var event struct {
		Detail struct {
			Routes []struct {
				BGPAttributes map[string]any `json:"bgpAttributes"`
			} `json:"routes"`
		} `json:"detail"`
	}
	if err := json.Unmarshal(raw, &event); err != nil {
		return nil, fmt.Errorf("decoding the sample %s: %w", sampleBGPRoute, err)
	}
	if len(event.Detail.Routes) == 0 || event.Detail.Routes[0].BGPAttributes == nil {
		return nil, fmt.Errorf("the sample %s has no detail.routes[0].bgpAttributes: compare the sample with the World's code", sampleBGPRoute)
	}
	return event.Detail.Routes[0].BGPAttributes, nil
}

// announceRoute emits a routing update for a static route of a TGW table,
// EventDelay after the write.
func (w *World) announceRoute(s *step, t *tgwTable, route TGWRouteView, installed bool) {
	told := eventRoute{dst: route.Destination, attachments: route.Attachments, state: route.State}
	if !installed {
		// The published sample of an uninstalled static route is a blackhole without attachments.
		told.attachments, told.state = nil, blackhole
	}
	w.emitRoutes(s, t, []eventRoute{told}, installed)
}

// announceLearned emits routing updates for the learned routes that a step has
// installed or uninstalled: those of one table together, in the order in which
// they changed. A learned route that a static one hides is not announced as
// uninstalled (UNVERIFIED).
func (w *World) announceLearned(s *step) {
	changed := s.routed
	s.routed = nil
	for len(changed) > 0 {
		first := changed[0]
		var told []eventRoute
		changed = slices.DeleteFunc(changed, func(r routed) bool {
			same := r.table == first.table && r.installed == first.installed && len(told) < routesPerEvent
			if same {
				told = append(told, r.told())
			}
			return same
		})
		w.emitRoutes(s, first.table, told, first.installed)
	}
}

func (r routed) told() eventRoute {
	told := eventRoute{dst: r.view.Destination, attachments: r.view.Attachments, state: r.view.State, family: familyConnected}
	if r.best.session != nil {
		told.family, told.path, told.med = familyBGP, r.best.path, r.best.med
	}
	if !r.installed {
		told.attachments, told.state = nil, blackhole // As in the sample of a static one.
	}
	return told
}

func (w *World) emitRoutes(s *step, t *tgwTable, routes []eventRoute, installed bool) {
	if t.gateway.unregistered {
		return
	}
	attributes, err := bgpAttributes()
	if err != nil {
		panic(fmt.Sprintf("sim: %v", err)) // NewWorld has read it.
	}
	own := t.gateway.owner
	event := routesEvent{
		region: own.region, account: own.account, gateway: t.gateway.id, table: t.id,
		sequence: s.now.UnixMilli(), routes: routes, attributes: attributes,
	}
	name := sampleInstalled
	if !installed {
		name = sampleUninstalled
	}
	w.emitLater(s, name, ec2ARN(own.region, own.account, "transit-gateway", t.gateway.id), event.fill)
}
