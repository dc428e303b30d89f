package sim

import (
	"bytes"
	"compress/gzip"
	"encoding/base64"
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

var update = flag.Bool("update", false, "write the golden files")

// deliveries collects what the World passes on of its logs, decoded without any
// of our own types, one line for each line of a log: when it came, the stream,
// and the line as it is.
func deliveries(t *testing.T, w *World, clock *handClock) *[]string {
	t.Helper()
	lines := &[]string{}
	w.Subscribe(func(raw []byte) {
		var outer struct {
			AWSLogs struct {
				Data string `json:"data"`
			} `json:"awslogs"`
		}
		must(t, json.Unmarshal(raw, &outer))
		if IsLogDelivery(raw) != (outer.AWSLogs.Data != "") {
			t.Errorf("IsLogDelivery is wrong about %s", raw)
		}
		if outer.AWSLogs.Data == "" {
			return
		}
		packed, err := base64.StdEncoding.DecodeString(outer.AWSLogs.Data)
		must(t, err)
		zip, err := gzip.NewReader(bytes.NewReader(packed))
		must(t, err)
		text, err := io.ReadAll(zip)
		must(t, err)
		var envelope map[string]json.RawMessage
		must(t, json.Unmarshal(text, &envelope))
		var events []map[string]any
		must(t, json.Unmarshal(envelope["logEvents"], &events))
		*lines = append(*lines, fmt.Sprintf("%s %s %s %s %s %s", clock.now.Format("15:04:05"),
			envelope["messageType"], envelope["owner"], envelope["logGroup"], envelope["logStream"], envelope["subscriptionFilters"]))
		for _, event := range events {
			*lines = append(*lines, fmt.Sprintf("  %s %.0f %s", event["id"], event["timestamp"], event["message"]))
		}
	})
	return lines
}

// TestBGPLogHasTheDocumentedShape: what a site says over its sessions comes out
// of its connection's log, line by line, and nothing of the others'.
func TestBGPLogHasTheDocumentedShape(t *testing.T) {
	w, clock := hubWorld(t, func(topo *Topology) { topo.VPNs[1].BGPLog = true })
	got := deliveries(t, w, clock)
	clock.advance(time.Minute)
	if len(*got) > 0 {
		t.Fatalf("what stood at the start was logged: %q", *got)
	}
	med := 7
	for _, act := range []func() error{
		func() error { return w.Announce("shop", AnnouncementSpec{Prefix: allRoute}) },
		func() error {
			return w.Announce("shop", AnnouncementSpec{Prefix: allRoute, ASPath: []int{65021, 65022}, MED: &med})
		},
		func() error {
			return w.Announce("shop", AnnouncementSpec{Prefix: "198.18.0.0/16", ASPath: []int{64600}})
		},
		func() error { return w.Withdraw("shop", allRoute) },
		func() error { return w.SetBGP(hubVPN2, "", false) },
		func() error { return w.SetBGP(hubVPN2, "", true) },
		func() error { return w.Announce("lab", AnnouncementSpec{Prefix: "198.19.0.0/16"}) },
	} {
		must(t, act())
		clock.advance(time.Minute)
	}
	wantGolden(t, "vpn-bgp-log.golden", strings.Join(*got, "\n")+"\n")
}

func wantGolden(t *testing.T, name, got string) {
	t.Helper()
	file := filepath.Join("testdata", name)
	if *update {
		must(t, os.WriteFile(file, []byte(got), 0o600))
	}
	want, err := os.ReadFile(file)
	must(t, err)
	if got != string(want) {
		t.Fatalf("got\n%s\nwant\n%s\nrun with -update if that is meant", got, want)
	}
}

func TestBGPLogComesLate(t *testing.T) {
	topo := hubTopology()
	topo.VPNs[1].BGPLog = true
	clock := newHandClock()
	w, err := NewWorld(clock, topo, Options{VPNLogDelay: 3 * time.Minute})
	must(t, err)
	got := deliveries(t, w, clock)
	must(t, w.Announce("shop", AnnouncementSpec{Prefix: allRoute}))
	clock.advance(3*time.Minute - time.Second)
	if len(*got) > 0 {
		t.Fatalf("came early: %q", *got)
	}
	clock.advance(time.Second)
	if len(*got) != 2 || !strings.Contains((*got)[1], `"timestamp":"2026-01-02 03:04:05.000Z"`) {
		t.Fatalf("got %q, want one line with the time of the announcement", *got)
	}
}

// TestSessionEndedForItsRoutesIsLogged: up, the routes that were too many, down.
func TestSessionEndedForItsRoutesIsLogged(t *testing.T) {
	w, clock := hubWorld(t, func(topo *Topology) { topo.VPNs[1].BGPLog = true })
	got := deliveries(t, w, clock)
	for i := range 100 {
		must(t, w.Announce("shop", AnnouncementSpec{Prefix: fmt.Sprintf("198.18.%d.0/24", i)}))
	}
	clock.advance(11 * time.Second)
	last := (*got)[len(*got)-1]
	if !strings.Contains(last, `"status":"DOWN"`) || !strings.Contains(last, "from Established to Idle") {
		t.Fatalf("the last line is %s", last)
	}
}

func TestLogWithoutBGPIsRefused(t *testing.T) {
	topo := edgeTopology()
	topo.VPNs[0].BGPLog = true
	wantRefused(t, topo, []string{"vpns[0].bgpLog is true, but the connection has no bgp: give it bgp, or leave the log out"})
}
