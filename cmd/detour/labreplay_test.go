package main

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

const recordedEvent = `{"id":"e-1","source":"aws.networkmanager","detail-type":"Network Manager Status Update","account":"111122223333","region":"us-west-2",` +
	`"time":"2026-03-01T10:00:00Z","resources":[],"detail":{"changeType":"VPN-CONNECTION-IPSEC-DOWN","region":"ap-northeast-1",` +
	`"vpnConnectionArn":"arn:aws:ec2:ap-northeast-1:111122223333:vpn-connection/vpn-0b000000000000001","outsideIpAddress":"203.0.113.11"}}`

func TestLabReplay(t *testing.T) {
	file := filepath.Join(t.TempDir(), "events.jsonl")
	if err := os.WriteFile(file, []byte(recordedEvent+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, test := range []struct {
		name, stdin string
		args        []string
		code        int
		out, err    string
	}{
		{"a file", "", []string{file, "--topology", "cloud-join"}, exitOK, "network: the tunnel truly goes down at +04:48.000", ""},
		{"standard input", recordedEvent, []string{"-", "--topology", "cloud-join", "--hints-only"}, exitOK, "network: stays as it is", ""},
		{"a scenario as the network", recordedEvent, []string{"-", "--topology", "two-gateways"}, exitOK, "1 recorded event played on two-gateways", ""},
		{"a scenario's file", recordedEvent, []string{"-", "--topology", "../../shared/lab/scenarios/lost-event.yaml"}, exitOK, "played on lost-event", ""},
		{"no file", "", []string{"--topology", "cloud-join"}, exitUsage, "", "name one file with recorded events, not 0"},
		{"no topology", "", []string{file}, exitUsage, "", "--topology is missing"},
		{"an unknown topology", "", []string{file, "--topology", "cloud-jion"}, exitUsage, "", `there is no topology "cloud-jion"; did you mean cloud-join?`},
		{"no such file", "", []string{"nowhere.json", "--topology", "cloud-join"}, exitUsage, "", "name a file that can be read"},
		{"no events", "hello", []string{"-", "--topology", "cloud-join"}, exitUsage, "", "the recording cannot be played: line 1: this is no event"},
	} {
		var out, problems bytes.Buffer
		code := run(t.Context(), append([]string{"lab", "replay"}, test.args...), strings.NewReader(test.stdin), &out, &problems)
		if code != test.code || !strings.Contains(out.String(), test.out) || !strings.Contains(problems.String(), test.err) {
			t.Errorf("%s: code %d\n%s%s", test.name, code, &out, &problems)
		}
	}
}

func TestLabReplayJSON(t *testing.T) {
	var out, problems bytes.Buffer
	code := run(t.Context(), []string{"lab", "replay", "-", "--topology", "cloud-join", "--json"}, strings.NewReader(recordedEvent), &out, &problems)
	var got struct {
		Passed bool
		Events []struct {
			ID     string
			Detour []string
		}
	}
	if err := json.Unmarshal(out.Bytes(), &got); err != nil || code != exitOK || !got.Passed || len(got.Events) != 1 || got.Events[0].ID != "e-1" || len(got.Events[0].Detour) == 0 {
		t.Errorf("code %d, %v: %s%s", code, err, &out, &problems)
	}
}
