package ingest_test

import (
	"errors"
	"fmt"
	"maps"
	"net/netip"
	"reflect"
	"strings"
	"testing"
	"time"

	"detour/events"
	"detour/events/payload"
	"detour/shared/health"
	"detour/shared/ingest"
)

const (
	down    = ingest.DirectionDown
	up      = ingest.DirectionUp
	unknown = ingest.DirectionUnknown
)

// row is what is wanted of one sample: a look, or a drop.
type row struct {
	look ingest.Look
	drop ingest.DropReason
}

func vpn(id, account, region string) health.Subject {
	return health.Subject{Kind: health.SubjectVPN, ID: id, Account: account, Region: region}
}

func peer(account, region string) health.Subject {
	return health.Subject{Kind: health.SubjectConnectPeer, ID: "tgw-connect-peer-1234567890abcdef0", Account: account, Region: region}
}

func attachment(account, region string) health.Subject {
	return health.Subject{Kind: health.SubjectAttachment, ID: "tgw-attach-1234567890abcdef0", Account: account, Region: region}
}

func alarm(name, account string) health.Subject {
	return health.Subject{Kind: health.SubjectAlarm, ID: name, Account: account, Region: "us-east-1"}
}

func one(s health.Subject, part string, d ingest.Direction) []ingest.Hint {
	return []ingest.Hint{{Subject: s, Part: part, Direction: d}}
}

// event has the parts of a look that are the envelope's.
func event(source, detailType, change, sent string) ingest.Look {
	at, err := time.Parse(time.RFC3339, sent)
	if err != nil {
		panic(err)
	}
	return ingest.Look{Source: source, DetailType: detailType, ChangeType: change, SentAt: at}
}

func status(change, sent string) ingest.Look {
	return event("aws.networkmanager", "Network Manager Status Update", change, sent)
}

func topology(change, sent string) ingest.Look {
	return event("aws.networkmanager", "Network Manager Topology Change", change, sent)
}

func routing(change, sent string) ingest.Look {
	return event("aws.networkmanager", "Network Manager Routing Update", change, sent)
}

func alarmChange(value, sent string) ingest.Look {
	return event("aws.cloudwatch", "CloudWatch Alarm State Change", value, sent)
}

func hinted(l ingest.Look, hints ...ingest.Hint) row {
	l.Hints = hints
	return row{look: l}
}

func everything(l ingest.Look, why string, hints ...ingest.Hint) row {
	l.Hints, l.Everything, l.Why = hints, true, why
	return row{look: l}
}

func tables(l ingest.Look, ids ...string) row {
	l.Tables = ids
	return row{look: l}
}

// withRoutes has these routes, or unknown ones.
func withRoutes(r row, routes ...ingest.RouteHint) row {
	r.look.Routes, r.look.RoutesUnknown = routes, len(routes) == 0
	return r
}

// wanted is written by hand: what each sample makes Detour look at. A sample without a row fails the test. Event ids and
// the free text of WhyDetail are checked elsewhere.
func wanted() map[string]row {
	west := vpn("vpn-1234567890abcdef0", "111122223333", "us-west-2") // The resource's account, not the envelope's 123456789012.
	east := "us-east-1"
	rows := map[string]row{
		"vpn-connection-ipsec-down.json":    hinted(status("VPN-CONNECTION-IPSEC-DOWN", "2023-01-31T19:48:05Z"), ingest.Hint{west, "35.84.102.207", down}),
		"vpn-connection-ipsec-up.json":      hinted(status("VPN-CONNECTION-IPSEC-UP", "2023-01-31T19:34:54Z"), ingest.Hint{west, "52.37.214.193", up}),
		"vpn-connection-bgp-down.json":      hinted(status("VPN-CONNECTION-BGP-DOWN", "2023-01-31T19:48:23Z"), ingest.Hint{west, "54.190.210.71", down}),
		"vpn-connection-bgp-establish.json": hinted(status("VPN-CONNECTION-BGP-ESTABLISH", "2023-01-31T19:34:40Z"), ingest.Hint{west, "52.37.214.193", up}),
		"vpn-connection-unknown-change.json": everything(status("VPN-CONNECTION-MAINTENANCE-STARTED", "2023-01-31T19:50:00Z"),
			ingest.WhyUnknownChangeType, ingest.Hint{west, "35.84.102.207", unknown}),
		"vpn-connection-ipsec-down-legacy.json": hinted(status("VPN-CONNECTION-IPSEC-DOWN", "2019-06-30T23:18:50Z"), ingest.Hint{west, "35.84.102.207", down}),
		"vpn-connection-ipsec-up-legacy.json": hinted(status("VPN-CONNECTION-IPSEC-UP", "2019-06-30T23:18:50Z"),
			ingest.Hint{vpn("vpn-33333333333344444", "123456789012", east), "198.51.100.3", up}),
		"vpn-connection-bgp-down-mixed.json":       hinted(status("VPN-CONNECTION-BGP-DOWN", "2019-06-30T23:19:10Z"), ingest.Hint{west, "54.190.210.71", down}),
		"cloud-wan-vpn-connection-ipsec-down.json": everything(status("VPN-CONNECTION-IPSEC-DOWN", "2021-09-02T12:00:38Z"), ingest.WhyCloudWAN),
		"cloud-wan-vpn-connection-ipsec-up.json":   everything(status("VPN-CONNECTION-IPSEC-UP", "2021-09-02T12:00:38Z"), ingest.WhyCloudWAN),
		"connect-peer-bgp-down.json":               everything(status("CONNECT-PEER-BGP-DOWN", "2023-03-01T19:57:34Z"), ingest.WhyCloudWAN),
		"connect-peer-bgp-up.json":                 everything(status("CONNECT-PEER-BGP-UP", "2023-03-01T19:57:49Z"), ingest.WhyCloudWAN),
		"tgw-connect-peer-bgp-down-expected.json": hinted(status("CONNECT-PEER-BGP-DOWN", "2023-06-27T17:30:05Z"),
			ingest.Hint{peer("111122223333", east), "10.0.0.1", down}),
		"tgw-connect-peer-bgp-establish-expected.json": hinted(status("TGW-CONNECT-PEER-BGP-ESTABLISH", "2023-06-27T17:31:40Z"),
			ingest.Hint{peer("111122223333", east), "10.0.0.1", up}),

		"vpn-connection-deleted.json": hinted(topology("VPN-CONNECTION-DELETED", "2023-01-19T19:43:12Z"),
			ingest.Hint{vpn("vpn-1234567890abcdef0", "123456789012", east), "", unknown}),
		"tgw-connect-peer-created.json": everything(topology("TGW-CONNECT-PEER-CREATED", "2023-06-27T17:22:45Z"), ingest.WhyTopology,
			ingest.Hint{attachment("111122223333", east), "", unknown}, ingest.Hint{peer("111122223333", east), "", unknown}),
		"vpc-attachment-deleted-mixed.json": everything(topology("VPC-ATTACHMENT-DELETED", "2019-06-30T23:18:50Z"), ingest.WhyTopology,
			ingest.Hint{attachment("123456789012", east), "", unknown}),
		"tgw-deleted.json": everything(topology("TGW-DELETED", "2023-01-18T22:18:44Z"), ingest.WhyTopology),

		"tgw-route-installed.json": withRoutes(tables(routing("TGW-ROUTE-INSTALLED", "2023-06-27T15:24:32Z"), "tgw-rtb-1234567890abcdef0"),
			ingest.RouteHint{Destination: netip.MustParsePrefix("11.0.0.0/16"), Attachment: "tgw-attach-1234567890abcdef0"}),
		"tgw-route-uninstalled.json": withRoutes(tables(routing("TGW-ROUTE-UNINSTALLED", "2022-03-24T18:41:43Z"), "tgw-rtb-1234567890abcdef0"),
			ingest.RouteHint{Destination: netip.MustParsePrefix("10.10.0.0/16"), Static: true, Gone: true}),
		"tgw-route-table-associated-legacy.json":  withRoutes(tables(routing("TGW-ROUTE-TABLE-ASSOCIATED", "2019-06-30T23:18:50Z"), "tgw-rtb-123abc123abc123ab")),
		"cloud-wan-segment-routes-installed.json": withRoutes(everything(routing("SEGMENT-ROUTES-INSTALLED", "2021-09-02T12:00:38Z"), ingest.WhyCloudWAN)),
		"service-advisory.json": everything(event("aws.networkmanager", "Network Manager Service Advisory", "", "2023-03-01T20:00:00Z"),
			ingest.WhyUnknownDetailType),

		"cloudwatch-alarm-state-change.json":    hinted(alarmChange("ALARM", "2019-10-02T17:04:40Z"), ingest.Hint{alarm("ServerCpuTooHigh", "123456789012"), "", down}),
		"cloudwatch-alarm-state-change-ok.json": hinted(alarmChange("OK", "2019-10-02T17:24:40Z"), ingest.Hint{alarm("ServerCpuTooHigh", "123456789012"), "", up}),
		"cloudwatch-alarm-state-change-insufficient-data.json": hinted(alarmChange("INSUFFICIENT_DATA", "2019-10-02T16:55:12Z"),
			ingest.Hint{alarm("ServerCpuTooHigh", "123456789012"), "", unknown}),
		"cloudwatch-alarm-state-change-tunnel-state.json": hinted(alarmChange("ALARM", "2023-01-31T19:50:12Z"),
			ingest.Hint{alarm("vpn-a-both-tunnels-down", "111122223333"), "", down},
			ingest.Hint{vpn("vpn-1234567890abcdef0", "111122223333", east), "", unknown}),

		"aws-health-vpn-redundancy-loss.json": hinted(event("aws.health", "AWS Health Event", "AWS_VPN_REDUNDANCY_LOSS", "2022-05-10T06:00:54Z"),
			ingest.Hint{vpn("vpn-0d2aca25695801ce2", "111122223333", "us-west-2"), "", unknown}),
		"aws-health-vpn-single-tunnel.json": hinted(event("aws.health", "AWS Health Event", "AWS_VPN_SINGLE_TUNNEL_NOTIFICATION", "2023-06-01T00:10:00Z"),
			ingest.Hint{vpn("vpn-0d2aca25695801ce2", "111122223333", "us-west-2"), "", unknown}),
		"detour-contended.json":             {drop: ingest.DropForeignSource},
		"detour-filter-measure-held.json":   {drop: ingest.DropForeignSource},
		"detour-filter-measure-lifted.json": {drop: ingest.DropForeignSource},
		"detour-filter-measure-placed.json": {drop: ingest.DropForeignSource},
		"detour-path-state-changed.json":    {drop: ingest.DropForeignSource},
		"detour-failback-asked.json":        {drop: ingest.DropForeignSource},
		"detour-failback-ended.json":        {drop: ingest.DropForeignSource},
		"detour-failback-over.json":         {drop: ingest.DropForeignSource},
		"detour-request-ended.json":         {drop: ingest.DropForeignSource},
		"detour-switchover-completed.json":  {drop: ingest.DropForeignSource},
		"detour-switchover-held.json":       {drop: ingest.DropForeignSource},
		"detour-switchover-started.json":    {drop: ingest.DropForeignSource},

		"vpn-bgp-log-control.json":          {drop: ingest.DropNotForUs},
		"vpn-bgp-log-delivery.json":         {drop: ingest.DropNotForUs},
		"vpn-bgp-log-route-advertised.json": {drop: ingest.DropNotForUs},
		"vpn-bgp-log-route-updated.json":    {drop: ingest.DropNotForUs},
		"vpn-bgp-log-route-withdrawn.json":  {drop: ingest.DropNotForUs},
		"vpn-bgp-log-session-up.json":       {drop: ingest.DropNotForUs},

		"sweep.json":     everything(ingest.Look{}, ingest.WhySweep),
		"wake-up.json":   {drop: ingest.DropNotForUs},
		"truncated.json": {drop: ingest.DropMalformed},
	}
	maps.Copy(rows, writes())
	return rows
}

func TestEverySampleIsLookedAtAsWritten(t *testing.T) {
	table := wanted()
	for _, name := range payload.Names() {
		want, ok := table[name]
		if !ok {
			t.Errorf("sample %s has no row in the table: write down what it makes Detour look at", name)
			continue
		}
		t.Run(name, func(t *testing.T) {
			look, err := ingest.Decode(sample(t, name))
			if want.drop != "" {
				wantDrop(t, err, want.drop)
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			if (look.EventID == "") != (name == "sweep.json") {
				t.Errorf("event id is %q", look.EventID)
			}
			if look.Everything != (look.WhyDetail != "") {
				t.Errorf("Everything is %v and WhyDetail %q", look.Everything, look.WhyDetail)
			}
			look.EventID, look.WhyDetail = "", ""
			if !reflect.DeepEqual(look, want.look) {
				t.Errorf("got  %+v\nwant %+v", look, want.look)
			}
		})
	}
	if len(table) != len(payload.Names()) {
		t.Errorf("the table has %d rows for %d samples", len(table), len(payload.Names()))
	}
}

// statusWith is a status update with this detail.
func statusWith(detail string) string {
	return `{"source":"aws.networkmanager","detail-type":"Network Manager Status Update","detail":` + detail + `}`
}

const vpnKey = `"vpnConnectionArn":"arn:aws:ec2:us-west-2:111122223333:vpn-connection/vpn-1"`

func TestNothingFromASubscribedSourceIsDropped(t *testing.T) {
	for name, raw := range map[string]string{
		"nothing but the source":          `{"source":"aws.networkmanager"}`,
		"detail-type is a number":         `{"source":"aws.networkmanager","detail-type":7}`,
		"detail-type is null":             `{"source":"aws.cloudwatch","detail-type":null}`,
		"detail-type in other case":       `{"source":"aws.networkmanager","detail-type":"network manager status update"}`,
		"detail is missing":               `{"source":"aws.networkmanager","detail-type":"Network Manager Status Update"}`,
		"detail is a string":              statusWith(`"down"`),
		"detail is an array":              statusWith(`[]`),
		"detail is null":                  statusWith(`null`),
		"changeType is a number":          statusWith(`{"changeType":1,` + vpnKey + `}`),
		"changeType is blank":             statusWith(`{"changeType":"  ",` + vpnKey + `}`),
		"changeType is missing":           statusWith(`{` + vpnKey + `}`),
		"the VPN's ARN is missing":        statusWith(`{"changeType":"VPN-CONNECTION-IPSEC-DOWN"}`),
		"the VPN's ARN is a number":       statusWith(`{"changeType":"VPN-CONNECTION-IPSEC-DOWN","vpnConnectionArn":3}`),
		"the VPN's ARN is another's":      statusWith(`{"changeType":"VPN-CONNECTION-IPSEC-DOWN","vpnConnectionArn":"arn:aws:ec2:us-west-2:111122223333:vpc/vpc-1"}`),
		"the partition is impossible":     statusWith(`{"changeType":"VPN-CONNECTION-IPSEC-DOWN","vpnConnectionArn":"arn:aws-us-east-1:ec2:us-east-1:111122223333:vpn-connection/vpn-1"}`),
		"the ARN is another service's":    statusWith(`{"changeType":"VPN-CONNECTION-IPSEC-DOWN","vpnConnectionArn":"arn:aws:ec3:us-west-2:111122223333:vpn-connection/vpn-1"}`),
		"the ARN has no account":          statusWith(`{"changeType":"VPN-CONNECTION-IPSEC-DOWN","vpnConnectionArn":"arn:aws:ec2:us-west-2::vpn-connection/vpn-1"}`),
		"the ARN has no Region":           statusWith(`{"changeType":"VPN-CONNECTION-IPSEC-DOWN","vpnConnectionArn":"arn:aws:ec2::111122223333:vpn-connection/vpn-1"}`),
		"the id has a NUL byte":           statusWith(`{"changeType":"VPN-CONNECTION-IPSEC-DOWN","vpnConnectionArn":"arn:aws:ec2:us-west-2:111122223333:vpn-connection/vpn-1\u0000"}`),
		"the id is a path":                statusWith(`{"changeType":"VPN-CONNECTION-IPSEC-DOWN","vpnConnectionArn":"arn:aws:ec2:us-west-2:111122223333:vpn-connection/vpn-1/../2"}`),
		"routing without tables":          `{"source":"aws.networkmanager","detail-type":"Network Manager Routing Update","detail":{"changeType":"TGW-ROUTE-INSTALLED"}}`,
		"routing with a table of no sort": `{"source":"aws.networkmanager","detail-type":"Network Manager Routing Update","detail":{"changeType":"TGW-ROUTE-INSTALLED","transitGatewayRouteTableArns":["tgw-rtb-1"]}}`,
		"routing of an unknown sort":      `{"source":"aws.networkmanager","detail-type":"Network Manager Routing Update","detail":{"changeType":"TGW-ROUTE-REPLACED","transitGatewayRouteTableArns":["arn:aws:ec2:us-east-1:111122223333:transit-gateway-route-table/tgw-rtb-1"]}}`,
		"an unknown topology change":      `{"source":"aws.networkmanager","detail-type":"Network Manager Topology Change","detail":{"changeType":"VPN-CONNECTION-RENAMED",` + vpnKey + `}}`,
		"an alarm without a name":         `{"source":"aws.cloudwatch","detail-type":"CloudWatch Alarm State Change","detail":{"state":{"value":"ALARM"}}}`,
		"an alarm without a state":        `{"source":"aws.cloudwatch","detail-type":"CloudWatch Alarm State Change","resources":["arn:aws:cloudwatch:us-east-1:123456789012:alarm:a"]}`,
		"another event of CloudWatch":     `{"source":"aws.cloudwatch","detail-type":"CloudWatch Alarm Configuration Change"}`,
		"a Health event without service":  `{"source":"aws.health","detail-type":"AWS Health Event","account":"111122223333","region":"us-west-2","resources":["vpn-1"]}`,
		"a Health event of EC2":           `{"source":"aws.health","detail-type":"AWS Health Event","detail":{"service":"EC2"}}`,
		"a Health event that names none":  `{"source":"aws.health","detail-type":"AWS Health Event","detail":{"service":"VPN"}}`,
		"another event of Health":         `{"source":"aws.health","detail-type":"AWS Health Abuse Event"}`,
	} {
		t.Run(name, func(t *testing.T) {
			look, err := ingest.Decode([]byte(raw))
			if err != nil || !look.Everything || look.Why == "" || look.WhyDetail == "" {
				t.Errorf("got %+v, %v, want a look at everything with its reason", look, err)
			}
		})
	}
}

func TestHintsAreTakenFromOddEvents(t *testing.T) {
	const arns = `"arn:aws-cn:ec2:cn-north-1:444455556666:vpn-connection/vpn-b","arn:aws-us-gov:ec2:us-gov-west-1:111122223333:vpn-connection/vpn-a"`
	a, b := vpn("vpn-a", "111122223333", "us-gov-west-1"), vpn("vpn-b", "444455556666", "cn-north-1")
	first := vpn("vpn-1", "111122223333", "us-west-2")
	for name, test := range map[string]struct {
		raw  string
		want []ingest.Hint
	}{
		"resources where the detail names none": {
			`{"source":"aws.networkmanager","detail-type":"Network Manager Status Update","resources":[` + arns + `,` + arns + `],"detail":{"changeType":"vpn_connection_bgp_established"}}`,
			[]ingest.Hint{{a, "", up}, {b, "", up}},
		},
		"the detail wins over the resources": {
			`{"source":"aws.networkmanager","detail-type":"Network Manager Status Update","resources":[` + arns + `],"detail":{"changeType":"VPN-CONNECTION-BGP-DOWN",` + vpnKey + `}}`,
			one(first, "", down),
		},
		"an outside address that is none": {statusWith(`{"changeType":"VPN-CONNECTION-IPSEC-DOWN",` + vpnKey + `,"outsideIpAddress":"eth0"}`), one(first, "", down)},
		"an outside address of IPv6":      {statusWith(`{"changeType":"VPN-CONNECTION-IPSEC-DOWN",` + vpnKey + `,"outsideIpAddress":"2001:DB8:0::1"}`), one(first, "2001:db8::1", down)},
		"a direction that is not known":   {statusWith(`{"changeType":"VPN-CONNECTION-BGP-FLAPPING",` + vpnKey + `}`), one(first, "", unknown)},
		"UP inside a word":                {statusWith(`{"changeType":"VPN-CONNECTION-IPSEC-GROUP",` + vpnKey + `}`), one(first, "", unknown)},
		"of doubled keys the last":        {statusWith(`{"changeType":"VPN-CONNECTION-IPSEC-UP","changeType":"VPN-CONNECTION-IPSEC-DOWN",` + vpnKey + `}`), one(first, "", down)},
		"keys in other case are others":   {statusWith(`{"changeType":"VPN-CONNECTION-IPSEC-DOWN","CHANGETYPE":"X",` + vpnKey + `}`), one(first, "", down)},
		"numbers where strings belong":    {statusWith(`{"changeType":"VPN-CONNECTION-BGP-DOWN","peerAsn":65001,"region":9,` + vpnKey + `}`), one(first, "", down)},
		"the other fields are all wrong": {
			`{"version":0,"id":[],"account":1,"time":5,"region":{},"resources":"x","source":"aws.networkmanager","detail-type":"Network Manager Status Update","detail":{"changeType":"VPN-CONNECTION-IPSEC-DOWN",` + vpnKey + `}}`,
			one(first, "", down),
		},
		"an impossible date": {
			`{"time":"2022-02-30T23:18:50Z","source":"aws.networkmanager","detail-type":"Network Manager Status Update","detail":{"changeType":"VPN-CONNECTION-IPSEC-DOWN",` + vpnKey + `}}`,
			one(first, "", down),
		},
		"an alarm's name with colons": {
			`{"source":"aws.cloudwatch","detail-type":"CloudWatch Alarm State Change","resources":["arn:aws:cloudwatch:us-east-1:123456789012:alarm:a:b/c d"],"detail":{"state":{"value":"OK"}}}`,
			one(alarm("a:b/c d", "123456789012"), "", up),
		},
		"an alarm by its name alone": {
			`{"source":"aws.cloudwatch","detail-type":"CloudWatch Alarm State Change","account":"123456789012","region":"us-east-1","detail":{"alarmName":"a","state":{"value":"ALARM"},"configuration":7}}`,
			one(alarm("a", "123456789012"), "", down),
		},
		"a metric of another account": {
			`{"source":"aws.cloudwatch","detail-type":"CloudWatch Alarm State Change","resources":["arn:aws:cloudwatch:us-east-1:123456789012:alarm:a"],"detail":{"state":{"value":"ALARM"},"configuration":{"metrics":[` +
				`{"expression":"m1"},{"accountId":"111122223333","metricStat":{"metric":{"namespace":"AWS/VPN","dimensions":{"VpnId":"vpn-1","TunnelIpAddress":"192.0.2.1"}}}}]}}}`,
			[]ingest.Hint{{alarm("a", "123456789012"), "", down}, {vpn("vpn-1", "111122223333", "us-east-1"), "192.0.2.1", unknown}},
		},
		"a Health event of another Region": {
			`{"source":"aws.health","detail-type":"AWS Health Event","account":"123456789012","region":"us-west-2","detail":{"service":"VPN","eventRegion":"eu-west-1","affectedAccount":"111122223333","affectedEntities":[{"entityValue":"vpn-1"}]}}`,
			one(vpn("vpn-1", "111122223333", "eu-west-1"), "", unknown),
		},
	} {
		t.Run(name, func(t *testing.T) {
			look, err := ingest.Decode([]byte(test.raw))
			if err != nil || look.Everything || !reflect.DeepEqual(look.Hints, test.want) {
				t.Errorf("got %+v, %v, want the hints %+v alone", look, err, test.want)
			}
		})
	}
}

func TestDecodeDrops(t *testing.T) {
	padding := strings.Repeat("x", events.MaxBytes)
	for name, test := range map[string]struct {
		raw  string
		want ingest.DropReason
	}{
		"nothing":                    {"", ingest.DropMalformed},
		"no JSON":                    {"hello", ingest.DropMalformed},
		"a NUL byte in a string":     {"{\"source\":\"aws.networkmanager\x00\"}", ingest.DropMalformed},
		"NUL bytes":                  {"\x00\x00\x00", ingest.DropMalformed},
		"a byte order mark":          {"\uFEFF{}", ingest.DropMalformed},
		"something behind the event": {`{"source":"aws.networkmanager"} x`, ingest.DropMalformed},
		"an array":                   {`[{"source":"aws.networkmanager"}]`, ingest.DropMalformed},
		"null":                       {`null`, ingest.DropMalformed},
		"a string":                   {`"aws.networkmanager"`, ingest.DropMalformed},
		"source is a number":         {`{"source":1}`, ingest.DropMalformed},
		"source is an array":         {`{"source":["aws.networkmanager"]}`, ingest.DropMalformed},
		"nested too deep":            {`{"source":"aws.networkmanager","detail":` + strings.Repeat("[", 20_000) + strings.Repeat("]", 20_000) + `}`, ingest.DropMalformed},
		"too large":                  {`{"source":"aws.networkmanager","id":"` + padding + `"}`, ingest.DropOversized},
		"another source":             {`{"source":"aws.s3","detail-type":"x"}`, ingest.DropForeignSource},
		"the source in other case":   {`{"source":"AWS.NetworkManager"}`, ingest.DropForeignSource},
		"the source of a later key":  {`{"source":"aws.networkmanager","source":"evil\u0000"}`, ingest.DropForeignSource},
		"an empty object":            {`{}`, ingest.DropNotForUs},
		"source is empty":            {`{"source":""}`, ingest.DropNotForUs},
		"source is null":             {`{"source":null}`, ingest.DropNotForUs},
		"another message of ours":    {`{"detour":"wake-up","key":"group#a"}`, ingest.DropNotForUs},
		"the key source capitalized": {`{"Source":"aws.networkmanager"}`, ingest.DropNotForUs},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := ingest.Decode([]byte(test.raw))
			wantDrop(t, err, test.want)
		})
	}
}

func TestDeepNestingThatEventBridgeAllowsIsRead(t *testing.T) {
	deep := strings.Repeat(`{"a":`, 1000) + "1" + strings.Repeat("}", 1000)
	look, err := ingest.Decode([]byte(statusWith(`{"changeType":"VPN-CONNECTION-IPSEC-DOWN","extra":` + deep + `,` + vpnKey + `}`)))
	if err != nil || len(look.Hints) != 1 || look.Everything {
		t.Errorf("got %+v, %v", look, err)
	}
}

func TestWhatIsKeptOfAnEventIsFitForALog(t *testing.T) {
	long := strings.Repeat("é", 5000)
	look, err := ingest.Decode([]byte(fmt.Sprintf(`{"source":"aws.networkmanager","detail-type":"a\nb\u001b[31m%s","id":"x\u0000y"}`, long)))
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range []string{look.DetailType, look.EventID, look.WhyDetail} {
		if len(s) > 800 || strings.ContainsAny(s, "\x00\n\x1b") {
			t.Errorf("%d bytes, or with control characters: %q", len(s), s)
		}
	}
}

func TestDirectionString(t *testing.T) {
	if got := fmt.Sprint(unknown, down, up); got != "unknown down up" {
		t.Errorf("got %q", got)
	}
}

func wantDrop(t *testing.T, err error, want ingest.DropReason) {
	t.Helper()
	drop, ok := errors.AsType[*ingest.Drop](err)
	if !ok || drop.Reason != want || drop.Detail == "" || !strings.Contains(err.Error(), string(want)) {
		t.Errorf("got %v, want a drop: %s", err, want)
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
