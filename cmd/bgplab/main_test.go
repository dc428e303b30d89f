package main

import (
	"bytes"
	"context"
	"errors"
	"net"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

const example = "../../docs/examples/bgp/connect-appliance.topology.yaml"

func TestWrongUsage(t *testing.T) {
	for name, c := range map[string]struct {
		args []string
		want string
	}{
		"no topology":           {nil, "--topology is missing; name a file, or one of "},
		"no such topology":      {[]string{"--topology", "connect-two-gateway"}, `there is no topology "connect-two-gateway"; did you mean connect-two-gateways or`},
		"no BGP":                {[]string{"--topology", "cloud-join"}, "the topology has no BGP session; give it a Connect peer"},
		"no such site":          {[]string{"--topology", example, "--site", "moon"}, `site "moon" has no BGP session in the topology; name a site with`},
		"no port":               {[]string{"--topology", example, "--bgp-port", "0"}, "--bgp-port is 0; name the port"},
		"a hold time too short": {[]string{"--topology", example, "--hold-time", "1s"}, "the hold time is 1s; BGP has whole seconds from 3s"},
		"two deployments":       {[]string{"--topology", example, "--functions", "--template", "cdk.out"}, "--functions runs the built-in deployment, and --template cdk.out"},
		"an argument":           {[]string{"serve"}, "unknown command"},
	} {
		t.Run(name, func(t *testing.T) {
			var stdout, stderr bytes.Buffer
			args := append([]string{"--listen", "127.0.0.1:0"}, c.args...)
			if code := run(t.Context(), args, &stdout, &stderr); code != exitUsage {
				t.Errorf("the exit code is %d", code)
			}
			if !strings.HasPrefix(stderr.String(), "bgplab: "+c.want) {
				t.Errorf("it says %q, and was to say %q", stderr.String(), c.want)
			}
		})
	}
}

// lines collects what the command prints, and tells when it prints.
type lines struct {
	mu      sync.Mutex
	text    strings.Builder
	printed chan struct{}
}

func (l *lines) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.text.Write(p)
	select {
	case l.printed <- struct{}{}:
	default:
	}
	return len(p), nil
}

func (l *lines) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.String()
}

// TestServe: the first lines say where a router is to connect to, there it can
// connect, and Ctrl-C ends everything.
func TestServe(t *testing.T) {
	port := freePort(t, "127.254.6.2", "127.254.6.3")
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	out := &lines{printed: make(chan struct{}, 1)}
	var stderr bytes.Buffer
	ended := make(chan int)
	go func() {
		ended <- run(ctx, []string{"--topology", example, "--listen", "127.0.0.1:0", "--bgp-port", port, "--site", "cloud"}, out, &stderr)
	}()
	last := "session 2 of other-cloud peer 1: AS 64512 listens on 127.254.6.3:" + port + " for AS 64512 at 127.254.6.1 (iBGP; 169.254.6.3 and 169.254.6.1 inside the tunnel)"
	for !strings.Contains(out.String(), last) {
		select {
		case <-out.printed:
		case code := <-ended:
			t.Fatalf("it ended with %d: %s\n%s", code, stderr.String(), out)
		case <-ctx.Done():
			t.Fatalf("it printed only\n%s", out)
		}
	}
	if strings.Contains(out.String(), "office-line: AS") {
		t.Error("a real router is wanted at a site that was not named")
	}
	conn, err := net.Dial("tcp", "127.254.6.2:"+port)
	if err != nil {
		t.Fatal(err)
	}
	_ = conn.Close() // Nobody answers a stranger.
	cancel()
	if code := <-ended; code != exitOK {
		t.Errorf("it ended with %d: %s", code, stderr.String())
	}
}

// freePort finds a port that is free on all the addresses, or skips the test if
// they are not this machine's.
func freePort(t *testing.T, addresses ...string) string {
	t.Helper()
	port := 0
	for _, address := range addresses {
		listener, err := net.ListenTCP("tcp", &net.TCPAddr{IP: net.ParseIP(address), Port: port})
		if errors.Is(err, syscall.EADDRNOTAVAIL) {
			t.Skipf("SKIPPED: no BGP session can run here: %v", err)
		}
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = listener.Close() }() // All are held until the last is tried.
		port = listener.Addr().(*net.TCPAddr).Port
	}
	return strconv.Itoa(port)
}
