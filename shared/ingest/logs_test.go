package ingest_test

import (
	"bytes"
	"compress/gzip"
	"encoding/base64"
	"encoding/json"
	"net/netip"
	"reflect"
	"strings"
	"testing"
	"time"

	"detour/events"
	"detour/shared/ingest"
)

// delivery packs what is to be delivered as CloudWatch Logs does.
func delivery(unpacked []byte) []byte {
	var packed bytes.Buffer
	writer := gzip.NewWriter(&packed)
	_, err := writer.Write(unpacked)
	if err == nil {
		err = writer.Close()
	}
	if err != nil {
		panic(err)
	}
	return []byte(`{"awslogs":{"data":"` + base64.StdEncoding.EncodeToString(packed.Bytes()) + `"}}`)
}

// logOf is a part of a log stream with these lines.
func logOf(stream string, lines ...string) []byte {
	data := events.LogsData{MessageType: events.LogsDataMessage, Owner: "111122223333", LogGroup: "/vpn/bgp", LogStream: stream}
	for n, line := range lines {
		data.LogEvents = append(data.LogEvents, events.LogLine{ID: "id-" + string(rune('a'+n)), Timestamp: 1762580431012 + int64(n), Message: line})
	}
	raw, err := json.Marshal(data)
	if err != nil {
		panic(err)
	}
	return raw
}

// announced is a route that the tunnel vpn-1_192.0.2.1 told of.
func announced(prefix string) ingest.RouteHint {
	return ingest.RouteHint{Destination: netip.MustParsePrefix(prefix), Connection: "vpn-1", Outside: "192.0.2.1"}
}

func TestTheSampleOfADelivery(t *testing.T) {
	look, err := ingest.DecodeLogs(sample(t, "vpn-bgp-log-delivery.json"))
	want := ingest.Look{
		Source: ingest.SourceLogs, DetailType: "/vpn/bgp", EventID: "31953106606966983378809025079804211143289615424298221568",
		SentAt: time.UnixMilli(1762579573243).UTC(), Connections: []string{"vpn-1234abcd"},
		Routes: []ingest.RouteHint{
			{Destination: netip.MustParsePrefix("0.0.0.0/0"), Connection: "vpn-1234abcd", Outside: "1.2.3.4"},
			{Destination: netip.MustParsePrefix("172.31.0.0/16"), Connection: "vpn-1234abcd", Outside: "1.2.3.4", Refused: true},
		},
	}
	if err != nil || !reflect.DeepEqual(look, want) {
		t.Errorf("got  %+v, %v\nwant %+v", look, err, want)
	}
	_, err = ingest.DecodeLogs(sample(t, "vpn-bgp-log-control.json"))
	wantDrop(t, err, ingest.DropNoLines)
}

func TestLines(t *testing.T) {
	gone, refused := announced("10.0.0.0/8"), announced("10.0.0.0/8")
	gone.Gone, refused.Refused = true, true
	bare := announced("0.0.0.0/0")
	bare.Outside = ""
	json := func(kind, status, message string) string {
		return `{"resource_id":"vpn-1_192.0.2.1","type":"` + kind + `","status":"` + status + `","message":` + message + `}`
	}
	for name, test := range map[string]struct {
		line    string
		want    []ingest.RouteHint
		unknown bool
	}{
		"advertised":                {json("RouteStatus", "ADVERTISED", `{"prefix":"0.0.0.0/0"}`), []ingest.RouteHint{announced("0.0.0.0/0")}, false},
		"updated":                   {json("RouteStatus", "UPDATED", `{"prefix":"0.0.0.0/0","asPath":65001}`), []ingest.RouteHint{announced("0.0.0.0/0")}, false},
		"withdrawn":                 {json("RouteStatus", "WITHDRAWN", `{"prefix":"10.0.0.0/8"}`), []ingest.RouteHint{gone}, false},
		"of IPv6":                   {json("RouteStatus", "ADVERTISED", `{"prefix":"::/0"}`), []ingest.RouteHint{announced("::/0")}, false},
		"refused by AWS":            {json("RouteStatus", "UPDATED", `{"prefix":"10.0.0.0/8","details":"DENIED due to: as-path contains our own AS"}`), []ingest.RouteHint{refused}, false},
		"a session up":              {json("BGPStatus", "UP", `{"details":"x"}`), nil, false},
		"a session on its way":      {json("BGPStatus", "DOWN", `null`), nil, false},
		"a status that is unknown":  {json("RouteStatus", "DAMPED", `{"prefix":"10.0.0.0/8"}`), nil, true},
		"a type that is unknown":    {json("BFDStatus", "UP", `null`), nil, true},
		"no prefix":                 {json("RouteStatus", "ADVERTISED", `{}`), nil, true},
		"a message that is text":    {json("RouteStatus", "ADVERTISED", `"0.0.0.0/0"`), nil, true},
		"no connection in it":       {`{"type":"RouteStatus","status":"ADVERTISED","message":{"prefix":"0.0.0.0/0"}}`, []ingest.RouteHint{announced("0.0.0.0/0")}, false},
		"text":                      {"vpn-1_192.0.2.1 RouteStatus ADVERTISED 0.0.0.0/0 65001", []ingest.RouteHint{announced("0.0.0.0/0")}, false},
		"text with labels":          {"resource_id=vpn-1_192.0.2.1, type: RouteStatus, status: WITHDRAWN, prefix:10.0.0.0/8", []ingest.RouteHint{gone}, false},
		"text of IPv6 with a label": {"type=RouteStatus;status=ADVERTISED;prefix=::/0", []ingest.RouteHint{announced("::/0")}, false},
		"text without spaces":       {"RouteStatus|ADVERTISED|prefix:::/0", []ingest.RouteHint{announced("::/0")}, false},
		"text, refused":             {"RouteStatus UPDATED 10.0.0.0/8 details: DENIED due to: x", []ingest.RouteHint{refused}, false},
		"text of a session":         {"vpn-1_192.0.2.1 BGPStatus UP", nil, false},
		"a connection alone":        {"vpn-1 RouteStatus ADVERTISED 0.0.0.0/0", []ingest.RouteHint{bare}, false},
		"nonsense":                  {"hello", nil, true},
		"nothing":                   {"", nil, true},
		"cut off":                   {`{"resource_id":"vpn-1_192.0.2.1","type":"RouteSt`, nil, true},
	} {
		t.Run(name, func(t *testing.T) {
			look, err := ingest.DecodeLogs(delivery(logOf("vpn-1_192.0.2.1", test.line)))
			if err != nil || look.Everything || !reflect.DeepEqual(look.Routes, test.want) || look.RoutesUnknown != test.unknown ||
				!reflect.DeepEqual(look.Connections, []string{"vpn-1"}) {
				t.Errorf("got %+v, %v; want %+v, unknown %t", look, err, test.want, test.unknown)
			}
		})
	}
}

func TestWhatIsNoLogOfAConnectionIsLookedAtWidely(t *testing.T) {
	for name, test := range map[string]struct {
		raw []byte
		why string
	}{
		"no connection anywhere":  {delivery(logOf("stream", "RouteStatus ADVERTISED 0.0.0.0/0")), ingest.WhyUnknownLine},
		"no base64":               {[]byte(`{"awslogs":{"data":"?"}}`), ingest.WhyUnreadableLog},
		"no gzip":                 {[]byte(`{"awslogs":{"data":"aGVsbG8="}}`), ingest.WhyUnreadableLog},
		"no data":                 {[]byte(`{"awslogs":{}}`), ingest.WhyUnreadableLog},
		"data of another shape":   {[]byte(`{"awslogs":7}`), ingest.WhyUnreadableLog},
		"no JSON in it":           {delivery([]byte("hello")), ingest.WhyUnreadableLog},
		"an array in it":          {delivery([]byte("[]")), ingest.WhyUnreadableLog},
		"no lines":                {delivery(logOf("vpn-1_192.0.2.1")), ingest.WhyUnreadableLog},
		"more than a bomb's size": {delivery([]byte(`{"logStream":"` + strings.Repeat("x", 9<<20) + `"}`)), ingest.WhyUnreadableLog},
	} {
		t.Run(name, func(t *testing.T) {
			look, err := ingest.DecodeLogs(test.raw)
			if err != nil || look.Why != test.why || look.WhyDetail == "" {
				t.Errorf("got %+v, %v; want a look at everything: %s", look, err, test.why)
			}
		})
	}
	_, err := ingest.DecodeLogs([]byte(`{"source":"aws.networkmanager"}`))
	wantDrop(t, err, ingest.DropNotForUs)
	_, err = ingest.DecodeLogs([]byte(`{"awslogs":{"data":"` + strings.Repeat("A", 7<<20) + `"}}`))
	wantDrop(t, err, ingest.DropOversized)
}

func TestLinesOfSeveralTunnels(t *testing.T) {
	look, err := ingest.DecodeLogs(delivery(logOf("", "vpn-2_192.0.2.2 RouteStatus ADVERTISED 10.0.0.0/8", "vpn-1_192.0.2.1 BGPStatus UP", "vpn-2_192.0.2.3 BGPStatus DOWN")))
	if err != nil || !reflect.DeepEqual(look.Connections, []string{"vpn-1", "vpn-2"}) || len(look.Routes) != 1 || look.Routes[0].Outside != "192.0.2.2" {
		t.Errorf("got %+v, %v", look, err)
	}
}
