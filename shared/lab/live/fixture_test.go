package live

import (
	"bytes"
	"context"
	"net/http"
	"os"
	"os/exec"
	"strings"
	"sync"
	"testing"
	"time"

	"detour/shared/lab"
	"detour/shared/lab/hosttest"
)

// output is where a server's lines go.
type output struct {
	mu     sync.Mutex
	buffer bytes.Buffer
}

func (o *output) Write(p []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.buffer.Write(p)
}

func (o *output) String() string {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.buffer.String()
}

// quickly is a shipped topology in which AWS notices at once.
func quickly(t *testing.T, name string) *lab.TopologyFile {
	t.Helper()
	text, err := os.ReadFile("../topologies/" + name + ".topology.yaml")
	if err != nil {
		t.Fatal(err)
	}
	quick := strings.Replace(string(text), "world: {detectAfter: 10s, recoverAfter: 5s, eventDelay: 2s}", "world: {detectAfter: 1ms, recoverAfter: 1ms, eventDelay: 1ms}", 1)
	file, err := lab.ParseTopology([]byte(quick), name+".topology.yaml")
	if err != nil || quick == string(text) {
		t.Fatalf("the file cannot be made quicker: %v", err)
	}
	return file
}

// serve starts a server that ends with the test.
func serve(t *testing.T, opts Options) (*Server, *output) {
	t.Helper()
	out := &output{}
	if opts.File == nil {
		opts.File = quickly(t, "cloud-join")
	}
	opts.Listen, opts.Out = "127.0.0.1:0", out
	s, err := Start(t.Context(), opts)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Errorf("closing the server: %v", err)
		}
	})
	return s, out
}

// until waits for a condition, looking at every change.
func until(t *testing.T, s *Server, what string, done func() bool) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	if err := s.waitFor(ctx, done); err != nil {
		t.Fatalf("waiting until %s: %v", what, err)
	}
}

// fakeFunctions is a folder with a bootstrap for every function.
func fakeFunctions(t *testing.T) string {
	t.Helper()
	return hosttest.Functions(t, append(builtinFunctions(), failbackTasks)...)
}

// TestBootstrap is no test: it is the function of fakeFunctions. It writes a route if the
// event says so.
func TestBootstrap(*testing.T) {
	hosttest.Serve(`{"time":"x","level":"WARN","msg":"seen","group":"g","paths":"a=up b=down"}`, func(event []byte) string {
		if strings.Contains(string(event), "please write") {
			return `"` + replaceRoute() + `"`
		}
		return `{"batchItemFailures":[]}`
	})
}

// replaceRoute writes a route as an SDK does, and returns the status.
func replaceRoute() string {
	form := "Action=ReplaceTransitGatewayRoute&Version=2016-11-15&TransitGatewayRouteTableId=tgw-rtb-0c000000000000001&DestinationCidrBlock=10.0.0.0%2F8&TransitGatewayAttachmentId=tgw-attach-0b000000000000002"
	r, err := http.NewRequest(http.MethodPost, os.Getenv("AWS_ENDPOINT_URL"), strings.NewReader(form))
	if err != nil {
		return err.Error()
	}
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	r.Header.Set("Authorization", "AWS4-HMAC-SHA256 Credential="+os.Getenv("AWS_ACCESS_KEY_ID")+"/20260105/"+os.Getenv("AWS_REGION")+"/ec2/aws4_request, SignedHeaders=host, Signature=00")
	answer, err := http.DefaultClient.Do(r)
	if err != nil {
		return err.Error()
	}
	return answer.Status
}

// awsCLI runs the AWS CLI against the server, or skips the test.
func awsCLI(t *testing.T, s *Server, args ...string) string {
	t.Helper()
	path, err := exec.LookPath("aws")
	if err != nil {
		t.Skip("SKIPPED: the AWS CLI is not installed, so nothing shows that it can talk to the lab")
	}
	cmd := exec.CommandContext(t.Context(), path, append(args, "--endpoint-url", s.URL(), "--output", "json")...)
	cmd.Env = []string{
		"PATH=" + os.Getenv("PATH"), "HOME=" + t.TempDir(), "AWS_ACCESS_KEY_ID=111122223333", "AWS_SECRET_ACCESS_KEY=anything",
		"AWS_DEFAULT_REGION=ap-northeast-1", "AWS_EC2_METADATA_DISABLED=true",
	}
	text, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("aws %v: %v\n%s", args, err, text)
	}
	return string(text)
}
