package handler_test

import (
	"bytes"
	"compress/gzip"
	"context"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"testing"
	"time"

	"detour/events"
	"detour/shared/adapter/memory"
	"detour/shared/adapter/recordstest"
	"detour/shared/controller"
	"detour/shared/filter"
	"detour/shared/handler"
	"detour/shared/health"
	"detour/shared/ingest"
	"detour/shared/protection"
	"detour/shared/route"
)

var filtered = route.Table{Kind: route.TransitGatewayTable, ID: "tgw-rtb-f", Account: account, Region: region}

// surrounded is who stands around the filtered table: one VPN attachment teaches it.
type surrounded struct{}

func (surrounded) Read(_ context.Context, tables []route.Table) []controller.NeighborReading {
	out := make([]controller.NeighborReading, len(tables))
	for i, table := range tables {
		out[i] = controller.NeighborReading{
			Table: table, Associations: filter.Neighbors{Complete: true}, Outside: filter.Outsides{Complete: true},
			Propagations: filter.Neighbors{Complete: true, List: []filter.Neighbor{{Attachment: "tgw-attach-1", Type: filter.TypeVPN, Resource: "vpn-1"}}},
		}
	}
	return out
}

// asked is a record store that remembers what it was asked for.
type asked struct {
	controller.Records
	calls []string
	fails bool
}

func (a *asked) Take(ctx context.Context, key controller.Key, token string) (controller.Item, controller.Control, error) {
	a.calls = append(a.calls, "take "+string(key))
	if a.fails {
		return controller.Item{}, controller.Control{}, errStore
	}
	return a.Records.Take(ctx, key, token)
}

func (a *asked) Peek(ctx context.Context, keys []controller.Key) ([]controller.Item, controller.Control, error) {
	a.calls = append(a.calls, fmt.Sprintf("peek %v", keys))
	if a.fails {
		return nil, controller.Control{}, errStore
	}
	return a.Records.Peek(ctx, keys)
}

// filterRig is a handler with the filter no-default over one table, and no groups.
type filterRig struct {
	*handler.Handler
	clock *recordstest.Clock
	net   *network
	store *asked
	log   *lines
	// forget takes the filter out of the configuration.
	forget func()
	wakes  *memory.WakeQueue
}

func newFilterRig(t *testing.T, change func(f *filter.Filter)) *filterRig {
	t.Helper()
	deny, err := filter.ParseRule("deny default-like")
	if err != nil {
		t.Fatal(err)
	}
	permit, err := filter.ParseRule("permit 10.0.0.0/8 le 24")
	if err != nil {
		t.Fatal(err)
	}
	f := filter.Filter{
		Name: "no-default", Account: account, Region: region, Mode: protection.Enforce, Action: filter.Blackhole, LiftAfter: 5 * time.Minute,
		Scopes: []filter.Scope{{Table: filtered}}, Rules: []filter.Rule{permit, deny},
		Damping: health.Damping{Penalty: 1000, HalfLife: 15 * time.Minute, Suppress: 3000, Reuse: 750, Ceiling: 12000},
		Limits:  filter.Limits{SettleTime: 10 * time.Second, ContendedAfter: 3, ContendedWindow: 10 * time.Minute},
	}
	if change != nil {
		change(&f)
	}
	r := &filterRig{clock: recordstest.NewClock(), log: &lines{}, wakes: memory.NewWakeQueue(nil)}
	r.net = &network{clock: r.clock, down: map[string]bool{}, routes: map[protection.EntryKey]route.NextHop{}}
	settings := controller.Settings{
		MaxMoves: 10, MoveWindow: 5 * time.Minute, Lease: recordstest.Lease, CallTimeout: 5 * time.Second, Skew: recordstest.Skew, Settle: 10 * time.Second,
	}
	r.store = &asked{Records: memory.New(r.clock, settings.Lease, settings.Skew)}
	tokens := 0
	configure := func(filters ...filter.Filter) *controller.Controller {
		c := controller.New(nil, settings, controller.Ports{
			Tables: r.net, Evidence: evidence{r.net}, Neighbors: surrounded{}, Records: r.store, Wake: r.wakes, Publish: &memory.Events{},
			Clock: r.clock, NewToken: func() string { tokens++; return fmt.Sprint("token-", tokens) },
		}, filters...)
		log := slog.New(slog.NewJSONHandler(&r.log.buffer, &slog.HandlerOptions{Level: slog.LevelDebug}))
		r.Handler = handler.New(c, r.clock, log, handler.Options{Function: "detour-test", Own: ingest.Own{Account: account, Region: region}})
		return c
	}
	r.forget = func() { configure() }
	c := configure(f)
	c.SweepFilters(t.Context(), "first sight") // The record says which mode it is of.
	r.store.calls = nil
	return r
}

// leak has the attachment announce the prefix.
func (r *filterRig) leak(prefix string) {
	r.net.learned = append(r.net.learned, route.Route{
		Table: filtered, Destination: route.MustDestination(prefix), Origin: route.OriginPropagated, State: route.StateActive,
		NextHop: route.MustNextHop("tgw-attach-1"),
	})
}

// routingUpdate names a route of the filtered table.
func routingUpdate(change, kind, prefix, attachment string) []byte {
	return []byte(`{"source":"aws.networkmanager","detail-type":"Network Manager Routing Update","id":"e","detail":{"changeType":"` + change +
		`","transitGatewayRouteTableArns":["arn:aws:ec2:eu-west-1:111122223333:transit-gateway-route-table/` + filtered.ID + `"],` +
		`"routes":[{"destinationCidrBlock":"` + prefix + `","routeType":"` + kind + `","attachments":[{"tgwAttachmentId":"` + attachment + `"}]}]}}`)
}

// logLines is what CloudWatch Logs delivers of a VPN connection's log.
func logLines(t *testing.T, lines ...string) []byte {
	t.Helper()
	data := events.LogsData{MessageType: events.LogsDataMessage, LogStream: "vpn-1_192.0.2.1"}
	for _, line := range lines {
		data.LogEvents = append(data.LogEvents, events.LogLine{ID: "line", Timestamp: 1, Message: line})
	}
	raw, err := json.Marshal(data)
	if err != nil {
		t.Fatal(err)
	}
	var packed bytes.Buffer
	w := gzip.NewWriter(&packed)
	if _, err := w.Write(raw); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return []byte(`{"awslogs":{"data":"` + base64.StdEncoding.EncodeToString(packed.Bytes()) + `"}}`)
}

const (
	takes = "take filter#no-default"
	peeks = "peek [filter#no-default]"
	// turns is what a look takes that is coalesced.
	turns = "take every-filter, " + peeks
)

// TestWhatIsUrgent: what may be denied is run at once, all else is looked at first.
func TestWhatIsUrgent(t *testing.T) {
	const installed, gone, learned, static = "TGW-ROUTE-INSTALLED", "TGW-ROUTE-UNINSTALLED", "route_propagated", "route_static"
	named := func(f *filter.Filter) { f.Scopes[0].Attachments = []string{"tgw-attach-2"} }
	for name, test := range map[string]struct {
		raw    []byte
		change func(f *filter.Filter)
		want   string
	}{
		"a default is learned":                 {routingUpdate(installed, learned, "0.0.0.0/0", "tgw-attach-1"), nil, takes},
		"of IPv6":                              {routingUpdate(installed, learned, "::/0", "tgw-attach-1"), nil, takes},
		"it could hold a tunnel's address":     {routingUpdate(installed, learned, "192.0.2.0/24", "tgw-attach-1"), nil, takes},
		"a rule permits it":                    {routingUpdate(installed, learned, "10.1.0.0/16", "tgw-attach-1"), nil, peeks},
		"a static, which may be our own":       {routingUpdate(installed, static, "0.0.0.0/0", "tgw-attach-1"), nil, peeks},
		"a default is gone":                    {routingUpdate(gone, learned, "0.0.0.0/0", "tgw-attach-1"), nil, peeks},
		"of an attachment that is not judged":  {routingUpdate(installed, learned, "0.0.0.0/0", "tgw-attach-1"), named, peeks},
		"of the one that is":                   {routingUpdate(installed, learned, "0.0.0.0/0", "tgw-attach-2"), named, takes},
		"a filter that observes":               {routingUpdate(installed, learned, "0.0.0.0/0", "tgw-attach-1"), func(f *filter.Filter) { f.Mode = protection.Observe }, peeks},
		"a filter that only tells":             {routingUpdate(installed, learned, "0.0.0.0/0", "tgw-attach-1"), func(f *filter.Filter) { f.Action = filter.Alert }, peeks},
		"nothing can be read of the routes":    {routingUpdate(installed, "route_leaked", "0.0.0.0/0", "tgw-attach-1"), nil, peeks},
		"a change that is not known":           {routingUpdate("TGW-ROUTE-REPLACED", learned, "10.0.0.0/8", "tgw-attach-1"), nil, peeks},
		"the log of a VPN: a default":          {logLines(t, "RouteStatus ADVERTISED 0.0.0.0/0"), nil, takes},
		"the log of a VPN: its own tunnel":     {logLines(t, "RouteStatus ADVERTISED 192.0.2.0/24"), nil, takes},
		"the log of a VPN: any other prefix":   {logLines(t, "RouteStatus ADVERTISED 198.51.100.0/24"), nil, turns},
		"the log of a VPN: a filter observes":  {logLines(t, "RouteStatus ADVERTISED 0.0.0.0/0"), func(f *filter.Filter) { f.Mode = protection.Observe }, turns},
		"the log of a VPN: withdrawn":          {logLines(t, "RouteStatus WITHDRAWN 0.0.0.0/0"), nil, turns},
		"the log of a VPN: refused":            {logLines(t, "RouteStatus UPDATED 0.0.0.0/0 DENIED due to: own AS"), nil, turns},
		"the log of a VPN: a session":          {logLines(t, "BGPStatus UP"), nil, turns},
		"the log of a VPN that cannot be read": {[]byte(`{"awslogs":{"data":"?"}}`), nil, turns},
	} {
		t.Run(name, func(t *testing.T) {
			r := newFilterRig(t, test.change)
			out := r.RouteFilter(t.Context(), test.raw)
			if out.Action != handler.Value || strings.Join(r.store.calls, ", ") != test.want || string(out.Body) != `{"batchItemFailures":[]}` {
				t.Errorf("%s %s after %v, want %q", out.Action, out.Body, r.store.calls, test.want)
			}
		})
	}
}

func TestALeakThatALogTellsOfIsBlackholed(t *testing.T) {
	r := newFilterRig(t, nil)
	r.leak("0.0.0.0/0")
	out := r.RouteFilter(t.Context(), logLines(t, "RouteStatus ADVERTISED 0.0.0.0/0"))
	if len(out.Filters) != 1 || len(out.Filters[0].Placed) != 1 || r.net.writes != 1 {
		t.Fatalf("%d writes, %+v", r.net.writes, out.Filters)
	}
	line := r.log.shown(t)[0]
	if line["msg"] != "filter" || line["filter"] != "no-default" || line["FilterMeasures"] != 1.0 || line["RouteWrites"] != 1.0 ||
		!strings.Contains(fmt.Sprint(line["verdicts"]), "announced by vpn vpn-1 (tgw-attach-1)") {
		t.Errorf("the line is %v", line)
	}
	// Nothing changes any more, and the measure is counted with each look at it.
	before := len(r.log.shown(t))
	r.RouteFilter(t.Context(), logLines(t, "RouteStatus WITHDRAWN 10.1.0.0/16"))
	lines := r.log.shown(t)[before:]
	if len(lines) != 1 || lines[0]["status"] != string(controller.StatusQuiet) || lines[0]["FilterMeasures"] != 1.0 {
		t.Errorf("a look at what stands says %v", lines)
	}
	// What comes back of the write is looked at, and ends there.
	r.store.calls = nil
	r.RouteFilter(t.Context(), routingUpdate("TGW-ROUTE-INSTALLED", "route_static", "0.0.0.0/0", "tgw-attach-1"))
	r.RouteFilter(t.Context(), routingUpdate("TGW-ROUTE-UNINSTALLED", "route_propagated", "0.0.0.0/0", "tgw-attach-1"))
	if r.net.writes != 1 || slices.Contains(r.store.calls, takes) {
		t.Errorf("%d writes, %v", r.net.writes, r.store.calls)
	}
}

func TestWhatIsNoneOfTheFiltersIsPassedOver(t *testing.T) {
	other := bytes.ReplaceAll(routingUpdate("TGW-ROUTE-INSTALLED", "route_propagated", "0.0.0.0/0", "tgw-attach-1"), []byte(filtered.ID), []byte("tgw-rtb-other"))
	for name, test := range map[string]struct {
		raw  []byte
		want ingest.DropReason
	}{
		"another table":            {other, handler.DropUnconfigured},
		"a core network":           {sample(t, "cloud-wan-segment-routes-installed.json"), handler.DropUnconfigured},
		"a call of another table":  {sample(t, "cloudtrail-replace-transit-gateway-route-expected.json"), handler.DropUnconfigured},
		"a call that failed":       {sample(t, "cloudtrail-replace-route-denied.json"), ingest.DropNoEffect},
		"a control message":        {sample(t, "vpn-bgp-log-control.json"), ingest.DropNoLines},
		"a sweep":                  {sample(t, "sweep.json"), ingest.DropNotForUs},
		"an event of Detour's own": {sample(t, "detour-filter-measure-placed.json"), ingest.DropForeignSource},
		"no JSON":                  {[]byte("hello"), ingest.DropMalformed},
	} {
		t.Run(name, func(t *testing.T) {
			r := newFilterRig(t, nil)
			out := r.RouteFilter(t.Context(), test.raw)
			if out.Action != handler.Drop || out.Dropped != test.want || len(r.store.calls) > 0 || string(out.Body) != `{"batchItemFailures":[]}` {
				t.Errorf("%s %s after %v, want a drop: %s", out.Action, out.Dropped, r.store.calls, test.want)
			}
		})
	}
	r := newFilterRig(t, nil)
	r.RouteFilter(t.Context(), sample(t, "vpn-bgp-log-control.json"))
	if shown := r.log.shown(t); len(shown) > 0 {
		t.Errorf("a control message is logged as %v", shown)
	}
}

func TestACallOfSomebodyIsLookedAt(t *testing.T) {
	call := bytes.ReplaceAll(sample(t, "cloudtrail-replace-transit-gateway-route-expected.json"), []byte("tgw-rtb-0123456789abcdef0"), []byte(filtered.ID))
	r := newFilterRig(t, nil)
	if out := r.RouteFilter(t.Context(), call); out.Action != handler.Value || len(r.store.calls) != 1 || r.store.calls[0] != peeks {
		t.Errorf("%s %s after %v", out.Action, out.Dropped, r.store.calls)
	}
}

// TestMessagesThatNameNoTableAreCoalesced: the second within a minute asks for a wake-up,
// which looks. What is surely denied does not wait for it, and neither does the look at
// everything.
func TestMessagesThatNameNoTableAreCoalesced(t *testing.T) {
	r := newFilterRig(t, nil)
	session := logLines(t, "BGPStatus UP")
	first, second := r.RouteFilter(t.Context(), session), r.RouteFilter(t.Context(), session)
	if len(first.Filters) != 1 || len(second.Filters) != 0 || second.Action != handler.Value || string(second.Body) != `{"batchItemFailures":[]}` {
		t.Fatalf("the outcomes are %+v and %+v", first, second)
	}
	if waiting := r.wakes.Waiting(); len(waiting) != 1 || waiting[0].Key != controller.KeyEveryFilter {
		t.Fatalf("the wake-ups are %v", waiting)
	}
	r.leak("0.0.0.0/0")
	if out := r.RouteFilter(t.Context(), logLines(t, "RouteStatus ADVERTISED 0.0.0.0/0")); len(out.Filters) != 1 || r.net.writes != 1 {
		t.Errorf("a default that is announced meanwhile: %d writes, %+v", r.net.writes, out)
	}
	r.leak("::/0")
	if out := r.Switchover(t.Context(), sample(t, "tgw-deleted.json")); len(out.Filters) != 1 {
		t.Errorf("a look at everything looked at %+v", out.Filters)
	}
	r.net.writes = 0
	r.leak("198.18.0.0/7")
	r.clock.Advance(time.Minute)
	due := r.wakes.Due(r.clock.Now())
	for _, up := range due {
		if up.Key == controller.KeyEveryFilter {
			out := r.RouteFilter(t.Context(), []byte(`{"Records":[{"messageId":"m1","eventSource":"aws:sqs","body":"{\"detour\":\"wake-up\",\"key\":\"every-filter\"}"}]}`))
			if len(out.Filters) != 1 || r.net.writes != 1 || string(out.Body) != `{"batchItemFailures":[]}` {
				t.Errorf("the wake-up led to %d writes and %+v", r.net.writes, out)
			}
			return
		}
	}
	t.Errorf("the wake-ups are %v", due)
}

func TestALookAtAllFiltersThatFailsComesAgain(t *testing.T) {
	r := newFilterRig(t, nil)
	r.store.fails = true
	if out := r.RouteFilter(t.Context(), logLines(t, "BGPStatus UP")); out.Action != handler.Retry {
		t.Errorf("%+v", out)
	}
	raw := []byte(`{"Records":[{"messageId":"m1","eventSource":"aws:sqs","body":"{\"detour\":\"wake-up\",\"key\":\"every-filter\"}"}]}`)
	if out := r.RouteFilter(t.Context(), raw); string(out.Body) != `{"batchItemFailures":[{"itemIdentifier":"m1"}]}` {
		t.Errorf("a wake-up is answered %s", out.Body)
	}
}

func TestWakeUpsOfFilters(t *testing.T) {
	batch := func(keys ...string) []byte {
		var records []string
		for i, key := range keys {
			records = append(records, fmt.Sprintf(`{"messageId":"m%d","eventSource":"aws:sqs","body":"{\"detour\":\"wake-up\",\"key\":\"%s\"}"}`, i, key))
		}
		return []byte(`{"Records":[` + strings.Join(records, ",") + `]}`)
	}
	r := newFilterRig(t, nil)
	r.leak("0.0.0.0/0")
	out := r.RouteFilter(t.Context(), batch("filter#no-default", "filter#unknown", "group#site"))
	if r.net.writes != 1 || len(out.Filters) != 1 || string(out.Body) != `{"batchItemFailures":[]}` {
		t.Errorf("%d writes, %+v, %s", r.net.writes, out.Filters, out.Body)
	}
	failing := newFilterRig(t, nil)
	failing.store.fails = true
	if out := failing.RouteFilter(t.Context(), batch("filter#no-default")); string(out.Body) != `{"batchItemFailures":[{"itemIdentifier":"m0"}]}` {
		t.Errorf("a wake-up of which the run failed is answered %s", out.Body)
	}
}

func TestTheSweepEnforcesFilters(t *testing.T) {
	r := newFilterRig(t, nil)
	r.leak("0.0.0.0/0")
	out := r.Sweep(t.Context(), sample(t, "sweep.json"))
	if r.net.writes != 1 || out.Action != handler.Value || len(out.Filters) != 1 || string(out.Body) != "null" {
		t.Errorf("%d writes, %s, %+v", r.net.writes, out.Action, out.Filters)
	}
	heartbeat := func(r *filterRig) bool {
		return slices.ContainsFunc(r.log.all(t), func(line map[string]any) bool { return line["Sweeps"] == 1.0 })
	}
	if !heartbeat(r) {
		t.Error("there was no heartbeat")
	}
	failing := newFilterRig(t, nil)
	failing.store.fails = true
	if out := failing.Sweep(t.Context(), sample(t, "sweep.json")); out.Action != handler.Retry || heartbeat(failing) {
		t.Errorf("a sweep that could look at nothing is answered %s, heartbeat %t", out.Action, heartbeat(failing))
	}
}

// TestAFilterThatIsHeldIsShouted: the line is a warning, and an alarm can count it.
func TestAFilterThatIsHeldIsShouted(t *testing.T) {
	r := newFilterRig(t, func(f *filter.Filter) { f.Scopes[0].Attachments = []string{"tgw-attach-2"} })
	r.net.learned = nil
	r.leak("0.0.0.0/0")
	r.net.learned[0].NextHop = route.MustNextHop("tgw-attach-2")
	r.Sweep(t.Context(), sample(t, "sweep.json"))
	for _, line := range r.log.shown(t) {
		if line["msg"] == "filter" && line["level"] == "WARN" && line["FilterHeld"] == 1.0 && strings.Contains(fmt.Sprint(line["held"]), "permitted-elsewhere") {
			return
		}
	}
	t.Errorf("the lines are %v", r.log.shown(t))
}

// TestMeasuresOfAFormerFilterAreShouted, those of the last one once a day.
func TestMeasuresOfAFormerFilterAreShouted(t *testing.T) {
	r := newFilterRig(t, nil)
	r.leak("0.0.0.0/0")
	r.Sweep(t.Context(), sample(t, "sweep.json"))
	r.forget()
	r.Sweep(t.Context(), sample(t, "rehearse.json"))
	for _, line := range r.log.shown(t) {
		if line["msg"] == "filter" && line["level"] == "WARN" && line["FilterHeld"] == 1.0 && strings.Contains(fmt.Sprint(line["leftover"]), "blackhole of "+filtered.ID+" 0.0.0.0/0") {
			return
		}
	}
	t.Errorf("the lines are %v", r.log.shown(t))
}
