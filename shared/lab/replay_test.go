package lab

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"
)

// recordedTunnel is an event about a tunnel of cloud-join, as Network Manager
// sends it.
func recordedTunnel(at, change, vpn, ip string) string {
	return fmt.Sprintf(`{"version":"0","id":"e-%s-%s","detail-type":"Network Manager Status Update","source":"aws.networkmanager","account":"111122223333",`+
		`"time":%q,"region":"us-west-2","resources":[],"detail":{"changeType":"VPN-CONNECTION-IPSEC-%s","region":"ap-northeast-1",`+
		`"vpnConnectionArn":"arn:aws:ec2:ap-northeast-1:111122223333:vpn-connection/%s","outsideIpAddress":%q}}`, at, ip, at, change, vpn, ip)
}

const (
	primaryVPN  = "vpn-0b000000000000001"
	firstTunnel = "203.0.113.11"
	otherTunnel = "203.0.113.12"
)

func twoDown() []string {
	return []string{
		recordedTunnel("2026-03-01T10:00:07Z", "DOWN", primaryVPN, otherTunnel),
		recordedTunnel("2026-03-01T10:00:00Z", "DOWN", primaryVPN, firstTunnel),
	}
}

// TestRecordingsInEveryShape: the same two events in each shape that is read
// give the same recording, in the order of their time.
func TestRecordingsInEveryShape(t *testing.T) {
	two := twoDown()
	logs := fmt.Sprintf(`{"events": [{"timestamp": 1, "message": %s}, {"timestamp": 2, "message": %s}], "searchedLogStreams": []}`, quote(t, two[0]), quote(t, two[1]))
	for name, text := range map[string]string{
		"array":  "[\n" + two[0] + ",\n" + two[1] + "\n]\n",
		"lines":  two[0] + "\n\n" + two[1],
		"CRLF":   two[0] + "\r\n" + two[1] + "\r\n",
		"BOM":    "\xef\xbb\xbf" + two[0] + "\n" + two[1] + "\n",
		"export": "2026-03-01T10:00:08.123Z " + two[0] + "\n2026-03-01T10:00:01.000Z " + two[1] + "\n",
		"logs":   logs,
	} {
		got, err := ReadRecording([]byte(text))
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if len(got) != 2 || string(got[0].Raw) != two[1] || string(got[1].Raw) != two[0] || got[1].At.Sub(got[0].At) != 7*time.Second {
			t.Errorf("%s: %+v", name, got)
		}
	}
}

func quote(t *testing.T, text string) string {
	t.Helper()
	out, err := json.Marshal(text)
	if err != nil {
		t.Fatal(err)
	}
	return string(out)
}

func TestWrongRecordings(t *testing.T) {
	good := twoDown()[0]
	for name, test := range map[string]struct{ text, want string }{
		"empty":        {"", "the recording is empty"},
		"blank":        {" \n\t\n", "the recording is empty"},
		"no event":     {"[]", "the recording holds no event"},
		"no JSON":      {good + "\n{\"time\": ", "line 2: this is no JSON"},
		"cut array":    {"[" + good + ",\n", "line 2: this is no JSON"},
		"two arrays":   {"[" + good + "]\n[]", "line 2: something follows the array of events"},
		"a number":     {"[" + good + ", 7]", "line 1: this is no event"},
		"no time":      {good + "\n\n{\"id\": \"x\"}", "line 3: the event has no time"},
		"odd time":     {`{"time": "yesterday"}`, `line 1: time is "yesterday"; write it as 2026-01-05T03:00:00Z`},
		"time no text": {`{"time": 5}`, "line 1: time is no text"},
		"NUL":          {good + "\n\x00", "line 2: this is no event"},
		"too far":      {good + "\n" + strings.ReplaceAll(good, "2026-03-01", "2026-03-09"), "are allowed; play them in parts"},
		"message":      {`{"events": [{"message": "hello"}]}`, "(the line is the message's number)"},
		"too big":      {strings.Repeat(" ", MaxRecording+1), "play it in parts"},
		"too many":     {strings.Repeat(`{"time":"2026-03-01T10:00:00Z"}`+"\n", MaxRecorded+1), "there are more than 10000 events"},
		"a fat event":  {`{"time":"2026-03-01T10:00:00Z","x":"` + strings.Repeat("x", maxRecordedEvent) + `"}`, "and EventBridge allows"},
	} {
		if _, err := ReadRecording([]byte(test.text)); err == nil || !strings.Contains(err.Error(), test.want) {
			t.Errorf("%s: error %v, want one with %q", name, err, test.want)
		}
	}
}

func FuzzReadRecording(f *testing.F) {
	f.Add([]byte("[" + strings.Join(twoDown(), ",") + "]"))
	f.Add([]byte(`{"events": [{"message": "{}"}]}`))
	f.Add([]byte("2026-03-01T10:00:08.123Z " + twoDown()[0] + "\r\n"))
	f.Fuzz(func(t *testing.T, data []byte) {
		got, err := ReadRecording(data)
		if (err == nil) != (len(got) > 0) {
			t.Fatalf("%d events and error %v", len(got), err)
		}
		for i, r := range got {
			if !json.Valid(r.Raw) || r.At.IsZero() || i > 0 && r.At.Before(got[i-1].At) {
				t.Fatalf("event %d: %+v", i, r)
			}
		}
	})
}

func replay(t *testing.T, topology string, opts ReplayOptions, lines ...string) (*Result, string) {
	t.Helper()
	file, err := FindTopology(topology)
	if err != nil {
		t.Fatal(err)
	}
	recording, err := ReadRecording([]byte(strings.Join(lines, "\n")))
	if err != nil {
		t.Fatal(err)
	}
	res, err := Replay(t.Context(), file, recording, opts)
	if err != nil {
		t.Fatal(err)
	}
	return res, Text(res, TextOptions{})
}

// TestReplayFollowsTheEvents: the network does what the events tell, a detection
// time and an event delay before them, and Detour moves on the second event.
func TestReplayFollowsTheEvents(t *testing.T) {
	up := recordedTunnel("2026-03-01T10:04:00Z", "UP", primaryVPN, firstTunnel)
	_, text := replay(t, "cloud-join", ReplayOptions{}, append(twoDown(), up)...)
	says(t, text,
		"3 recorded events played on cloud-join", "The first event was sent at 2026-03-01T10:00:00Z.",
		"+04:48.000  network        primary: 1 tunnel (203.0.113.11) dies",
		"+05:00.000  recording      has an event: IPsec down, primary 203.0.113.11",
		"+05:07.000  recording      has an event: IPsec down, primary 203.0.113.12",
		"moves other-cloud from primary to backup: the path in use is down (signal-fail)",
		"THE RECORDED EVENTS",
		"  +05:00.000  2026-03-01T10:00:00Z  IPsec down, primary 203.0.113.11\n      network: the tunnel truly goes down at +04:48.000\n      switchover-", " other-cloud: stays on primary (no-request)",
		"2026-03-01T10:00:07Z  IPsec down, primary 203.0.113.12\n", "other-cloud: moves from primary to backup (signal-fail), 2 route writes: 2 applied",
		"network: the tunnel truly goes up at +08:53.000", "other-cloud: stays on backup (do-not-revert)",
		"verdict       passed")
	if strings.Contains(text, "lost on the way") {
		t.Errorf("the report tells of events that nobody sent:\n%s", text)
	}
}

// TestReplayOfHintsOnly: an event is a hint. The network is well, so nothing moves.
func TestReplayOfHintsOnly(t *testing.T) {
	res, text := replay(t, "cloud-join", ReplayOptions{HintsOnly: true}, twoDown()...)
	if res.Metrics.Switchovers != 0 || res.Metrics.Writes != 0 {
		t.Errorf("%+v\n%s", res.Metrics, text)
	}
	says(t, text, "network: stays as it is\n", "other-cloud: stays on primary (no-request)")
	if !strings.Contains(text, "has an event") || strings.Contains(text, " dies") {
		t.Errorf("the network changed:\n%s", text)
	}
}

// TestReplayOfWhatTheNetworkDoesNotHave: strange events are told, not fatal.
func TestReplayOfWhatTheNetworkDoesNotHave(t *testing.T) {
	at := func(line, second string) string { return strings.Replace(line, "10:00:00", "10:00:"+second, 1) }
	line := func(source, detailType, detail string) string {
		return fmt.Sprintf(`{"id":"x","source":%q,"detail-type":%q,"account":"111122223333","region":"us-west-2","time":"2026-03-01T10:00:00Z","detail":%s}`, source, detailType, detail)
	}
	res, text := replay(t, "cloud-join", ReplayOptions{},
		recordedTunnel("2026-03-01T10:00:00Z", "DOWN", "vpn-0f000000000000009", firstTunnel),
		at(recordedTunnel("2026-03-01T10:00:00Z", "DOWN", primaryVPN, "198.51.100.1"), "01"),
		at(recordedTunnel("2026-03-01T10:00:00Z", "SIDEWAYS", primaryVPN, firstTunnel), "02"),
		at(line("aws.cloudwatch", "CloudWatch Alarm State Change", `{"alarmName":"nobody","state":{"value":"ALARM"}}`), "03"),
		at(line("aws.networkmanager", "Network Manager Routing Update", `{}`), "04"),
		at(line("aws.networkmanager", "Network Manager Status Update", `{"changeType":"CONNECT_PEER_BGP_DOWN","connectPeerArn":"arn:aws:ec2:x:1:transit-gateway-connect-peer/tgw-connect-peer-9"}`), "05"),
		at(`{"time":"2026-03-01T10:00:00Z"}`, "06"),
	)
	says(t, text,
		"network: stays as it is: the topology has no VPN connection vpn-0f000000000000009", "drops it: unconfigured",
		"network: stays as it is: primary has no tunnel 198.51.100.1 in the topology",
		`network: stays as it is: "VPN-CONNECTION-IPSEC-SIDEWAYS" says neither up nor down`,
		`network: stays as it is: the topology has no alarm "nobody"`,
		"network: stays as it is: the lab knows no change behind such an event", "no rule of Detour's subscribes to it",
		"network: stays as it is: the topology has no Connect peer tgw-connect-peer-9",
		"an event without a detail-type", "no rule of Detour's subscribes to it")
	if res.Metrics.Writes != 0 {
		t.Errorf("%d writes", res.Metrics.Writes)
	}
}

// TestReplayOfQuickChanges: events that lie closer together than AWS needs to find
// out still bring the network to the state that the last of them tells.
func TestReplayOfQuickChanges(t *testing.T) {
	res, _ := replay(t, "cloud-join", ReplayOptions{},
		recordedTunnel("2026-03-01T10:00:00Z", "DOWN", primaryVPN, firstTunnel), recordedTunnel("2026-03-01T10:00:01Z", "UP", primaryVPN, firstTunnel),
		recordedTunnel("2026-03-01T10:00:02Z", "DOWN", primaryVPN, firstTunnel), recordedTunnel("2026-03-01T10:00:02Z", "DOWN", primaryVPN, otherTunnel))
	if up, total := res.Rig.World.Reported(primaryVPN); up != 0 || total != 2 {
		t.Errorf("%d of %d tunnels are up in the end", up, total)
	}
	if res.Metrics.Switchovers != 1 || !res.Passed() {
		t.Errorf("%d switchovers, %v", res.Metrics.Switchovers, res.Violations)
	}
}

// TestReplayIsRepeatable: equal input gives equal bytes, and the JSON has the events.
func TestReplayIsRepeatable(t *testing.T) {
	var texts [2]string
	for i := range texts {
		res, text := replay(t, "cloud-join", ReplayOptions{Seed: 4}, twoDown()...)
		data, err := JSON(res)
		if err != nil {
			t.Fatal(err)
		}
		texts[i] = text + string(data)
		var out struct{ Events []ReplayedEvent }
		if err := json.Unmarshal(data, &out); err != nil || len(out.Events) != 2 || out.Events[0].AtSeconds != 300 || out.Events[0].Line != 2 || len(out.Events[1].Detour) == 0 {
			t.Errorf("%v, %+v", err, out.Events)
		}
	}
	if texts[0] != texts[1] {
		t.Error("two replays differ")
	}
}

func TestReplayNeedsGroupsAndEvents(t *testing.T) {
	file, _ := FindTopology("cloud-join")
	recording, err := ReadRecording([]byte(twoDown()[0]))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := Replay(t.Context(), file, nil, ReplayOptions{}); err == nil {
		t.Error("no error without an event")
	}
	file.Config.GroupList = nil
	if _, err := Replay(t.Context(), file, recording, ReplayOptions{}); err == nil || !strings.Contains(err.Error(), "declares no groups") {
		t.Errorf("error %v", err)
	}
}
