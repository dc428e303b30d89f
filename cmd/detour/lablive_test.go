package main

import (
	"context"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"detour/shared/lab/hosttest"
	"detour/shared/lab/live"
	"detour/shared/sim"
)

// served is a lab serve that runs beside the test. It takes the lines as they
// come, and hands them out one by one.
type served struct {
	url, address string

	mu      sync.Mutex
	text    string
	arrived chan struct{} // closed and made anew at each write
}

// Write takes what lab serve prints.
func (s *served) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.text += string(p)
	close(s.arrived)
	s.arrived = make(chan struct{})
	return len(p), nil
}

// serveLab runs lab serve on a free port until the test ends, and then wants
// exit code 0 of it.
func serveLab(t *testing.T, args ...string) *served {
	t.Helper()
	s := &served{arrived: make(chan struct{})}
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan int, 1)
	go func() {
		ended <- run(ctx, append([]string{"lab", "serve", "--listen", "127.0.0.1:0", "--json"}, args...), strings.NewReader(""), s, s)
	}()
	t.Cleanup(func() {
		cancel()
		if code := <-ended; code != 0 {
			t.Errorf("lab serve ended with exit code %d", code)
		}
	})
	var ready struct {
		Data struct{ URL, Address string }
	}
	if err := json.Unmarshal([]byte(s.wait(t, `"kind":"ready"`)), &ready); err != nil {
		t.Fatal(err)
	}
	s.url, s.address = ready.Data.URL, ready.Data.Address
	return s
}

// wait takes lines until one has the text in it.
func (s *served) wait(t *testing.T, text string) string {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	for {
		s.mu.Lock()
		line, rest, whole := strings.Cut(s.text, "\n")
		if whole {
			s.text = rest
		}
		arrived := s.arrived
		s.mu.Unlock()
		switch {
		case whole && strings.Contains(line, text):
			return line
		case whole:
			continue
		}
		select {
		case <-arrived:
		case <-ctx.Done():
			t.Fatalf("lab serve prints no line with %s", text)
		}
	}
}

// quickTopology is a file in which AWS notices at once.
func quickTopology(t *testing.T) string {
	t.Helper()
	text, err := os.ReadFile("../../shared/lab/topologies/cloud-join.topology.yaml")
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(t.TempDir(), "quick.topology.yaml")
	quick := strings.Replace(string(text), "detectAfter: 10s, recoverAfter: 5s, eventDelay: 2s", "detectAfter: 1ms, recoverAfter: 1ms, eventDelay: 1ms", 1)
	if err := os.WriteFile(file, []byte(quick), 0o600); err != nil {
		t.Fatal(err)
	}
	return file
}

func TestServeAndDo(t *testing.T) {
	s := serveLab(t, "--topology", quickTopology(t))
	if code, out, errs := detour(t, "lab", "do", s.address, "tunnel-down", "primary"); code != 0 || errs != "" || !strings.Contains(out, "tunnels 203.0.113.11 and 203.0.113.12 are down") {
		t.Fatalf("exit %d: %s%s", code, out, errs)
	}
	s.wait(t, "sends VPN-CONNECTION-IPSEC-DOWN")
	code, out, _ := detour(t, "lab", "do", s.url+"/", "status", "--json")
	var status live.Status
	if err := json.Unmarshal([]byte(out), &status); err != nil || code != 0 || len(status.Tunnels) != 4 || status.Tunnels[0].Telemetry {
		t.Errorf("exit %d, %v: %s", code, err, out)
	}
	code, out, _ = detour(t, "lab", "do", s.address, "write", "tgw-rtb-0c000000000000001", "10.0.0.0/8", "tgw-attach-0b000000000000002", "--by", "terraform")
	if code != 0 || !strings.Contains(out, "goes to tgw-attach-0b000000000000002") {
		t.Errorf("exit %d: %s", code, out)
	}
	if line := s.wait(t, `"kind":"write"`); !strings.Contains(line, `"who":"terraform"`) {
		t.Errorf("the write is told as %s", line)
	}
	if code, out, _ := detour(t, "lab", "do", s.address, "matrix"); code != 0 || !strings.Contains(out, "shop        .      yes    yes       no") {
		t.Errorf("exit %d: %s", code, out)
	}
	code, out, errs := detour(t, "lab", "do", s.address, "tunnel-dwon", "primary")
	if code != 2 || out != "" || errs != `detour: there is no action "tunnel-dwon"; did you mean tunnel-down or tunnel-up?`+"\n" {
		t.Errorf("exit %d: %s%s", code, out, errs)
	}
}

func TestLiveUsage(t *testing.T) {
	for line, want := range map[string]string{
		"lab serve":                                                                              "--topology is missing; name a file, or one of branch-two-gateways, cloud-join",
		"lab serve --topology cloud-jion":                                                        `there is no topology "cloud-jion"; did you mean cloud-join? For a file write ./cloud-jion`,
		"lab serve --topology ./no.yaml":                                                         "reading the topology: open ./no.yaml",
		"lab serve --topology cloud-join x":                                                      "detour lab serve takes no argument",
		"lab serve --topology run_test.yaml":                                                     "reading the topology",
		"lab serve --topology ../../shared/lab/scenarios/cloud-join.yaml":                        "title: unknown key",
		"lab serve --topology cloud-join --listen 0.0.0.0:1":                                     "which others could reach",
		"lab serve --topology cloud-join --functions-dir x":                                      `--functions-dir is "x", and has no effect without --functions or --template; add one of them`,
		"lab serve --topology cloud-join --template x --functions":                               "--functions runs the built-in deployment, and --template x what the templates describe; leave one of them out",
		"lab serve --topology cloud-join --template=":                                            "--template is empty; name the folder that make synth has written, cdk.out",
		"lab serve --topology cloud-join --template /nope":                                       "the templates in /nope cannot be served:",
		"lab serve --topology cloud-join --listen 127.0.0.1:0 --functions --functions-dir /nope": "run make build, which builds the functions",
		"lab do":                             "name the address that lab serve has printed, and an action",
		"lab do 127.0.0.1:1":                 "name the address that lab serve has printed, and an action",
		"lab do 127.0.0.1:1 matrix":          "nobody answers at 127.0.0.1:1",
		"lab do 127.0.0.1:x matrix":          `address "127.0.0.1:x"`,
		"lab invoke":                         "name a function and an event, not 0 arguments",
		"lab invoke swep payload:sweep.json": `there is no function "swep"; did you mean sweep`,
		"lab invoke sweep payload:swep.json": "--topology is missing",
		"lab invoke sweep payload:swep.json --topology cloud-join":                        `there is no sample "swep.json"; did you mean sweep.json`,
		"lab invoke sweep nope.json --topology cloud-join":                                "reading the event: open nope.json",
		"lab invoke sweep event:last --topology cloud-join":                               `the event is event:last, and no step makes the network send one; add --do "tunnel-down VPN"`,
		"lab invoke sweep payload:sweep.json --topology cloud-join --functions-dir /nope": "run make build",
	} {
		code, out, errs := detour(t, strings.Fields(line)...)
		if code != 2 || out != "" || !strings.Contains(errs, want) {
			t.Errorf("%s: exit %d, output %q, error %q, want %q", line, code, out, errs, want)
		}
	}
	for _, line := range []string{"lab serve --help", "lab do --help", "lab do 127.0.0.1:1 matrix -h", "lab invoke --help"} {
		code, out, _ := detour(t, strings.Fields(line)...)
		if code != 0 || !strings.Contains(out, "Usage:") || !strings.Contains(out, "Exit status:") {
			t.Errorf("%q: exit %d: %s", line, code, out)
		}
	}
}

// fakeFunctions is a folder with functions that are this test binary.
func fakeFunctions(t *testing.T) string {
	t.Helper()
	return hosttest.Functions(t, "failback", live.Sweep, live.Switchover)
}

// TestBootstrap is no test: it is the function of fakeFunctions. It answers the event
// that it got.
func TestBootstrap(*testing.T) {
	hosttest.Serve(`{"level":"INFO","msg":"seen","bytes":1}`, func(event []byte) string { return string(event) })
}

func TestWhichStepsSendAnEvent(t *testing.T) {
	topology := sim.Topology{VPNs: []sim.VPNSpec{{ID: "vpn-1", Name: "one"}, {ID: "vpn-2", Name: "two", VPNGateway: "vgw-1"}}}
	watched := topology
	watched.Alarms = []sim.AlarmSpec{{Name: "box", Box: "eni-1"}, {Name: "tunnels", VPN: "vpn-2"}}
	boxed := topology
	boxed.Alarms = watched.Alarms[:1]
	for _, c := range []struct {
		topology sim.Topology
		steps    string
		want     string // in the error; empty: an event may come
	}{
		{topology, "tunnel-down one", ""},
		{topology, "tunnel-down vpn-2,tunnel-down vpn-1", ""},
		{topology, "tunnel-down three", ""}, // The network refuses it.
		{topology, "tunnel-down two", "none about two, a VPN connection on a virtual private gateway"},
		{topology, "tunnel-down two,session-down peer", ""},
		{boxed, "tunnel-down two", "none about two"},
		{boxed, "tunnel-down two,forwarding-stops router", ""},
		{watched, "tunnel-down two", ""},
		{topology, "sweep", "no step makes the network send one"},
		{topology, "tunnel-down", "no step makes the network send one"},
	} {
		err := sendsOne(c.topology, strings.Split(c.steps, ","))
		if (err == nil) != (c.want == "") || err != nil && !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s with %d alarms: %v, want %q", c.steps, len(c.topology.Alarms), err, c.want)
		}
	}
}

func TestInvoke(t *testing.T) {
	functions, topology := fakeFunctions(t), quickTopology(t)
	invoke := func(stdin string, args ...string) (int, string, string) {
		var out, errs strings.Builder
		code := run(t.Context(), append([]string{"lab", "invoke", "--functions-dir", functions, "--topology", topology}, args...), strings.NewReader(stdin), &out, &errs)
		return code, out.String(), errs.String()
	}
	code, out, errs := invoke("", "sweep", "payload:sweep.json")
	for _, want := range []string{"sweep          seen bytes=1\n", "\nanswer\n  {", `"detour": "sweep"`, "\nwrote\n  nothing\n", "\ncost\n  start  ", "\n  run    ", "\n  peak   "} {
		if code != 0 || errs != "" || !strings.Contains(out, want) {
			t.Errorf("exit %d, %s: %s\nwant %q", code, errs, out, want)
		}
	}
	if strings.Contains(out, "ready at") {
		t.Errorf("what to try is told to somebody who cannot: %s", out)
	}
	code, out, errs = invoke("", "switchover", "event:last", "--do", "tunnel-down primary 203.0.113.11", "--do", "write tgw-rtb-0c000000000000001 10.0.0.0/8 blackhole --by bob")
	if code != 0 || !strings.Contains(out, "AWS          has noticed that tunnel 203.0.113.11 of primary is down\n") || !strings.Contains(out, `"changeType":"VPN-CONNECTION-IPSEC-DOWN"`) || !strings.Contains(out, "bob          ReplaceTransitGatewayRoute") {
		t.Errorf("exit %d, %s: %s", code, errs, out)
	}
	if code, out, errs = invoke(`"please fail"`, "switchover", "-"); code != 1 || errs != "" || !strings.Contains(out, "failed after ") || !strings.Contains(out, "Boom: as asked") {
		t.Errorf("exit %d, %s: %s", code, errs, out)
	}
	if code, _, errs = invoke("", "switchover", "event:last", "--do", "tunnel-down tertiary"); code != 2 || !strings.Contains(errs, `--do "tunnel-down tertiary": tunnel-down: there is no VPN connection "tertiary"`) {
		t.Errorf("exit %d, %s", code, errs)
	}
	if code, _, errs = invoke("", "switchover", "event:last", "--do", "tunnel-up primary"); code != 2 || !strings.Contains(errs, "the steps have changed no tunnel") {
		t.Errorf("exit %d, %s", code, errs)
	}
	topology = "gateway-vpn"
	for _, step := range []string{"tunnel-down line", "tunnel-up vpn-0f000000000000001"} {
		if code, out, errs = invoke("", "switchover", "event:last", "--do", "sweep", "--do", step); code != 2 || out != "" || !strings.Contains(errs, "AWS sends none about "+strings.Fields(step)[1]) {
			t.Errorf("exit %d, %s: %s", code, errs, out)
		}
	}
	if code, _, errs = invoke("", "sweep", "payload:sweep.json", "--do", " "); code != 2 || !strings.Contains(errs, "--do is empty") {
		t.Errorf("exit %d, %s", code, errs)
	}
}
