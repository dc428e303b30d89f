package events_test

import (
	"bytes"
	"compress/gzip"
	"encoding/base64"
	"encoding/json"
	"errors"
	"io"
	"reflect"
	"strings"
	"testing"
	"time"

	"detour/events"
	"detour/events/payload"
)

// details says which shape each sample's detail has. A sample without a row fails the test.
func details() map[string]any {
	return map[string]any{
		"aws-health-vpn-redundancy-loss.json":                    &events.HealthEvent{},
		"aws-health-vpn-single-tunnel.json":                      &events.HealthEvent{},
		"cloud-wan-segment-routes-installed.json":                &events.NetworkManagerRouting{},
		"cloud-wan-vpn-connection-ipsec-down.json":               &events.NetworkManagerStatus{},
		"cloud-wan-vpn-connection-ipsec-up.json":                 &events.NetworkManagerStatus{},
		"cloudtrail-create-route-prefix-list.json":               &events.APICall{},
		"cloudtrail-disable-propagation-expected.json":           &events.APICall{},
		"cloudtrail-modify-managed-prefix-list-expected.json":    &events.APICall{},
		"cloudtrail-modify-prefix-list-reference-expected.json":  &events.APICall{},
		"cloudtrail-own-write-expected.json":                     &events.APICall{},
		"cloudtrail-replace-route-denied.json":                   &events.APICall{},
		"cloudtrail-replace-route.json":                          &events.APICall{},
		"cloudtrail-replace-transit-gateway-route-expected.json": &events.APICall{},
		"cloudwatch-alarm-state-change-insufficient-data.json":   &events.AlarmStateChange{},
		"cloudwatch-alarm-state-change-ok.json":                  &events.AlarmStateChange{},
		"cloudwatch-alarm-state-change-tunnel-state.json":        &events.AlarmStateChange{},
		"cloudwatch-alarm-state-change.json":                     &events.AlarmStateChange{},
		"connect-peer-bgp-down.json":                             &events.NetworkManagerStatus{},
		"connect-peer-bgp-up.json":                               &events.NetworkManagerStatus{},
		"detour-contended.json":                                  &events.Own{},
		"detour-filter-measure-held.json":                        &events.Own{},
		"detour-filter-measure-lifted.json":                      &events.Own{},
		"detour-filter-measure-placed.json":                      &events.Own{},
		"detour-path-state-changed.json":                         &events.Own{},
		"detour-failback-asked.json":                             &events.Own{},
		"detour-failback-ended.json":                             &events.Own{},
		"detour-failback-over.json":                              &events.Own{},
		"detour-request-ended.json":                              &events.Own{},
		"detour-switchover-completed.json":                       &events.Own{},
		"detour-switchover-held.json":                            &events.Own{},
		"detour-switchover-started.json":                         &events.Own{},
		"service-advisory.json":                                  nil, // Its shape is not published.
		"tgw-connect-peer-bgp-down-expected.json":                &events.NetworkManagerStatus{},
		"tgw-connect-peer-bgp-establish-expected.json":           &events.NetworkManagerStatus{},
		"tgw-connect-peer-created.json":                          &events.NetworkManagerTopology{},
		"tgw-deleted.json":                                       &events.NetworkManagerTopology{},
		"tgw-route-installed.json":                               &events.NetworkManagerRouting{},
		"tgw-route-table-associated-legacy.json":                 &events.NetworkManagerRouting{},
		"tgw-route-uninstalled.json":                             &events.NetworkManagerRouting{},
		"vpc-attachment-deleted-mixed.json":                      &events.NetworkManagerTopology{},
		"vpn-connection-bgp-down-mixed.json":                     &events.NetworkManagerStatus{},
		"vpn-connection-bgp-down.json":                           &events.NetworkManagerStatus{},
		"vpn-connection-bgp-establish.json":                      &events.NetworkManagerStatus{},
		"vpn-connection-deleted.json":                            &events.NetworkManagerTopology{},
		"vpn-connection-ipsec-down-legacy.json":                  &events.NetworkManagerStatus{},
		"vpn-connection-ipsec-down.json":                         &events.NetworkManagerStatus{},
		"vpn-connection-ipsec-up-legacy.json":                    &events.NetworkManagerStatus{},
		"vpn-connection-ipsec-up.json":                           &events.NetworkManagerStatus{},
		"vpn-connection-unknown-change.json":                     &events.NetworkManagerStatus{},
	}
}

// TestSamplesRoundTrip: no field of any sample is lost, and none is renamed, except that the kebab-case keys of 2019 come
// out in camel case.
func TestSamplesRoundTrip(t *testing.T) {
	table := details()
	for _, name := range payload.Names() {
		raw := sample(t, name)
		switch name {
		case "truncated.json":
			if err := json.Unmarshal(raw, &events.Envelope{}); err == nil {
				t.Error("truncated.json was decoded")
			}
			continue
		case "sweep.json", "rehearse.json":
			roundTrip(t, name, raw, &events.Sweep{}, false)
			continue
		case "wake-up.json":
			var batch events.SQSBatch
			roundTrip(t, name, raw, &batch, false)
			for _, record := range batch.Records {
				roundTrip(t, name, []byte(record.Body), &events.WakeUp{}, false)
			}
			continue
		case "vpn-bgp-log-control.json", "vpn-bgp-log-delivery.json":
			var delivery events.LogsDelivery
			roundTrip(t, name, raw, &delivery, false)
			roundTripLog(t, name, unpacked(t, delivery.AWSLogs.Data))
			continue
		}
		if strings.HasPrefix(name, "vpn-bgp-log-") {
			roundTrip(t, name, raw, &events.VPNBGPLog{}, false)
			continue
		}
		var env events.Envelope
		roundTrip(t, name, raw, &env, false)
		if _, ok := env.SentAt(); !ok {
			t.Errorf("%s: time %q is no date", name, env.Time)
		}
		detail, ok := table[name]
		if !ok {
			t.Errorf("sample %s has no row in the table: write down its shape", name)
		} else if detail != nil {
			roundTrip(t, name, env.Detail, detail, strings.Contains(name, "legacy") || strings.Contains(name, "mixed"))
		}
	}
}

// unpacked takes a log out of its delivery.
func unpacked(t *testing.T, data string) []byte {
	t.Helper()
	packed, err := base64.StdEncoding.DecodeString(data)
	if err != nil {
		t.Fatal(err)
	}
	reader, err := gzip.NewReader(bytes.NewReader(packed))
	if err != nil {
		t.Fatal(err)
	}
	raw, err := io.ReadAll(reader)
	if err != nil {
		t.Fatal(err)
	}
	return raw
}

// roundTripLog does it for a part of a log, and its lines if it has any.
func roundTripLog(t *testing.T, name string, raw []byte) {
	t.Helper()
	var data events.LogsData
	roundTrip(t, name, raw, &data, false)
	for _, line := range data.LogEvents {
		if data.MessageType == events.LogsDataMessage {
			roundTrip(t, name, []byte(line.Message), &events.VPNBGPLog{}, false)
		}
	}
}

// roundTrip decodes and encodes. Old spellings are compared after their keys have been brought to today's.
func roundTrip(t *testing.T, name string, raw []byte, v any, oldKeys bool) {
	t.Helper()
	if err := json.Unmarshal(raw, v); err != nil {
		t.Errorf("%s: %v", name, err)
		return
	}
	out, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	var want, got any
	if err := errors.Join(json.Unmarshal(raw, &want), json.Unmarshal(out, &got)); err != nil {
		t.Fatal(err)
	}
	if oldKeys {
		want = modern(want.(map[string]any))
	}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("%s: came out as\n%s\nwant\n%v", name, out, want)
	}
}

// modern brings the kebab-case keys of 2019 to today's.
func modern(old map[string]any) map[string]any {
	out := map[string]any{}
	for key, value := range old {
		switch key {
		case "status-change", "change-type":
			key = "changeType"
		case "transit-gateway-route-table-arn":
			key, value = "transitGatewayRouteTableArns", []any{value}
		case "peer-asn":
			value = "65001" // A number in the mixed sample, on purpose.
		}
		words := strings.Split(key, "-")
		for i := 1; i < len(words); i++ {
			words[i] = strings.ToUpper(words[i][:1]) + words[i][1:]
		}
		out[strings.Join(words, "")] = value
	}
	return out
}

// TestWrongShapesAreReportedAndTheRestIsRead: right JSON of the wrong types.
func TestWrongShapesAreReportedAndTheRestIsRead(t *testing.T) {
	tests := []struct {
		name, raw string
		got, want any
		fields    []string // what the error must name
	}{
		{
			"envelope", `{"source":"s","detail-type":1,"id":{},"resources":"r","region":[],"detail":[1]}`,
			&events.Envelope{}, &events.Envelope{Source: "s", Detail: json.RawMessage(`[1]`)},
			[]string{"detail-type", "id", "resources", "region"},
		},
		{
			"envelope with an array of other things", `{"source":"s","resources":["a",1]}`,
			&events.Envelope{}, &events.Envelope{Source: "s"},
			[]string{"resources"},
		},
		{"envelope that is an array", `[]`, &events.Envelope{}, &events.Envelope{}, []string{""}},
		{"envelope that is a string", `"s"`, &events.Envelope{}, &events.Envelope{}, []string{""}},
		{
			"status", `{"changeType":["A"],"vpnConnectionArn":"v","outsideIpAddress":7,"peerAsn":{}}`,
			&events.NetworkManagerStatus{}, &events.NetworkManagerStatus{VPNConnectionARN: "v"},
			[]string{"changeType", "outsideIpAddress", "peerAsn"},
		},
		{
			"topology", `{"changeType":"A","outsideIpAddresses":"x","isPrivateVpn":"no"}`,
			&events.NetworkManagerTopology{}, &events.NetworkManagerTopology{ChangeType: "A"},
			[]string{"outsideIpAddresses", "isPrivateVpn"},
		},
		{
			"routing", `{"changeType":"A","sequenceNumber":1.5,"routes":{},"transitGatewayRouteTableArns":["t"]}`,
			&events.NetworkManagerRouting{}, &events.NetworkManagerRouting{ChangeType: "A", TransitGatewayRouteTableARNs: []string{"t"}},
			[]string{"sequenceNumber", "routes"},
		},
		{
			"alarm", `{"alarmName":"a","configuration":{"metrics":7},"state":{"value":"OK","timestamp":5}}`,
			&events.AlarmStateChange{}, &events.AlarmStateChange{AlarmName: "a", State: events.AlarmState{Value: "OK"}},
			[]string{"configuration.metrics"},
		},
		{
			"health", `{"service":"VPN","affectedEntities":"vpn-1","eventTypeCode":"C"}`,
			&events.HealthEvent{}, &events.HealthEvent{Service: "VPN", EventTypeCode: "C"},
			[]string{"affectedEntities"},
		},
		{
			"API call", `{"eventName":"ReplaceRoute","awsRegion":7,"userIdentity":[],"readOnly":"no","requestParameters":{"routeTableId":"rtb-1"}}`,
			&events.APICall{}, &events.APICall{EventName: "ReplaceRoute", RequestParameters: json.RawMessage(`{"routeTableId":"rtb-1"}`)},
			[]string{"awsRegion", "userIdentity", "readOnly"},
		},
		{
			"batch", `{"Records":[{"messageId":"m","body":5}]}`,
			&events.SQSBatch{}, &events.SQSBatch{Records: []events.SQSRecord{{MessageID: "m"}}},
			[]string{"Records.body"},
		},
		{"wake-up", `{"detour":"wake-up","key":1}`, &events.WakeUp{}, &events.WakeUp{Detour: "wake-up"}, []string{"key"}},
		{
			"own event", `{"version":"one","kind":1,"group":"g","at":"yesterday","extent":1.5,"epoch":"7","detail":{}}`,
			&events.Own{}, &events.Own{Group: "g", Epoch: 7},
			[]string{"version", "kind", "at", "extent", "detail"},
		},
		{"sweep", `{"detour":true}`, &events.Sweep{}, &events.Sweep{}, []string{"detour"}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			err := json.Unmarshal([]byte(test.raw), test.got)
			if _, ok := errors.AsType[*events.ShapeError](err); !ok {
				t.Fatalf("got error %v, want a *ShapeError", err)
			}
			for _, field := range test.fields {
				if !strings.Contains(err.Error(), `field "`+field+`"`) {
					t.Errorf("error %q does not name the field %q", err, field)
				}
			}
			if !reflect.DeepEqual(test.got, test.want) {
				t.Errorf("got %+v, want %+v", test.got, test.want)
			}
		})
	}
}

func TestNumbersAndStringsWhereEitherMayCome(t *testing.T) {
	var r events.NetworkManagerRouting
	if err := json.Unmarshal([]byte(`{"sequenceNumber":"1687879467281"}`), &r); err != nil || r.SequenceNumber != 1687879467281 {
		t.Errorf("a sequence number as a string: %d, %v", r.SequenceNumber, err)
	}
	var s events.NetworkManagerStatus
	if err := json.Unmarshal([]byte(`{"peerAsn":4200000001}`), &s); err != nil || s.PeerASN != "4200000001" {
		t.Errorf("an ASN as a number: %q, %v", s.PeerASN, err)
	}
}

func TestKeysAreExact(t *testing.T) {
	var env events.Envelope
	if err := json.Unmarshal([]byte(`{"source":"a","SOURCE":"b","Detail-Type":"c"}`), &env); err != nil || env.Source != "a" || env.DetailType != "" {
		t.Errorf("got %+v, %v", env, err)
	}
	var s events.NetworkManagerStatus
	if err := json.Unmarshal([]byte(`{"status-change":"OLD","changeType":null}`), &s); err != nil || s.ChangeType != "OLD" {
		t.Errorf("null must count as missing: got %+v, %v", s, err)
	}
	if err := json.Unmarshal([]byte(`{"status-change":"OLD","changeType":"NEW"}`), &s); err != nil || s.ChangeType != "NEW" {
		t.Errorf("the newer spelling wins: got %+v, %v", s, err)
	}
}

func TestTimes(t *testing.T) {
	if _, ok := (events.Envelope{Time: "2022-02-30T23:18:50Z"}).SentAt(); ok {
		t.Error("an impossible date was read")
	}
	at, ok := events.Envelope{Time: "2023-01-31T20:48:05+01:00"}.SentAt()
	if want := time.Date(2023, 1, 31, 19, 48, 5, 0, time.UTC); !ok || at != want {
		t.Errorf("SentAt = %v, %v, want %v", at, ok, want)
	}
	at, ok = events.AlarmTime("2019-10-02T17:04:40.989+0000").Time()
	if want := time.Date(2019, 10, 2, 17, 4, 40, 989e6, time.UTC); !ok || at != want {
		t.Errorf("alarm time = %v, %v, want %v", at, ok, want)
	}
	if _, ok := events.AlarmTime("2019-10-02T17:04:40Z").Time(); ok {
		t.Error("an alarm's time in another layout was read")
	}
	for _, s := range []string{"Tue, 10 May 2022 06:00:54 GMT", "Thu, 1 Jun 2023 00:00:00 GMT", "Thu, 01 Jun 2023 00:00:00 GMT"} {
		if _, ok := events.HealthTime(s); !ok {
			t.Errorf("HealthTime(%q) was not read", s)
		}
	}
	if _, ok := events.HealthTime("2023-06-01T00:00:00Z"); ok {
		t.Error("a Health time in another layout was read")
	}
}

func TestShapeErrorShortensWhatItQuotes(t *testing.T) {
	err := json.Unmarshal([]byte(`{"source":["`+strings.Repeat("é", 500)+`"]}`), &events.Envelope{})
	if err == nil || len(err.Error()) > 250 {
		t.Errorf("got an error of %d bytes", len(err.Error()))
	}
}

func sample(t *testing.T, name string) []byte {
	t.Helper()
	raw, err := payload.Read(name)
	if err != nil {
		t.Fatal(err)
	}
	return raw
}

// TestCallParameters: both spellings of CloudTrail, for any call.
func TestCallParameters(t *testing.T) {
	for _, test := range []struct {
		name, call, raw string
		want            events.CallParameters
		field           string // what the error names; "": there is none
	}{
		{"small letters", "ReplaceRoute", `{"routeTableId":"rtb-1","destinationCidrBlock":"10.0.0.0/8"}`, events.CallParameters{RouteTableID: "rtb-1", Destination: "10.0.0.0/8"}, ""},
		{"IPv6", "DeleteRoute", `{"routeTableId":"rtb-1","destinationIpv6CidrBlock":"::/0"}`, events.CallParameters{RouteTableID: "rtb-1", Destination: "::/0"}, ""},
		{"capital letters", "ReplaceRoute", `{"RouteTableId":"rtb-1","DestinationPrefixListId":"pl-1"}`, events.CallParameters{RouteTableID: "rtb-1", Destination: "pl-1"}, ""},
		{
			"wrapped", "ReplaceTransitGatewayRoute", `{"ReplaceTransitGatewayRouteRequest":{"TransitGatewayRouteTableId":"tgw-rtb-1","DestinationCidrBlock":"10.0.0.0/8"}}`,
			events.CallParameters{TransitGatewayRouteTableID: "tgw-rtb-1", Destination: "10.0.0.0/8"},
			"",
		},
		{
			"wrapped in small letters", "ModifyManagedPrefixList", `{"modifyManagedPrefixListRequest":{"prefixListId":"pl-1"}}`,
			events.CallParameters{PrefixListID: "pl-1"},
			"",
		},
		{"wrapped as another call", "ReplaceRoute", `{"CreateRouteRequest":{"RouteTableId":"rtb-1"}}`, events.CallParameters{}, ""},
		{"null keys", "ReplaceRoute", `{"routeTableId":null,"RouteTableId":"rtb-1"}`, events.CallParameters{RouteTableID: "rtb-1"}, ""},
		{"none", "ReplaceRoute", `null`, events.CallParameters{}, ""},
		{"an array", "ReplaceRoute", `[]`, events.CallParameters{}, ""},
		{"a wrapped text", "ReplaceRoute", `{"ReplaceRouteRequest":"x"}`, events.CallParameters{}, ""},
		{"a number for an id", "ReplaceRoute", `{"routeTableId":7,"destinationCidrBlock":"10.0.0.0/8"}`, events.CallParameters{Destination: "10.0.0.0/8"}, "routeTableId"},
	} {
		t.Run(test.name, func(t *testing.T) {
			got, err := events.APICall{EventName: test.call, RequestParameters: json.RawMessage(test.raw)}.Parameters()
			if got != test.want {
				t.Errorf("got %+v, want %+v", got, test.want)
			}
			if test.field != "" && (err == nil || !strings.Contains(err.Error(), test.field)) {
				t.Errorf("got error %v, want one that names %s", err, test.field)
			}
		})
	}
	if _, err := (events.APICall{}).Parameters(); err == nil {
		t.Error("a call without parameters has some")
	}
}
