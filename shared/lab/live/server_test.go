package live

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"detour/shared/sim"
)

const (
	coreTable = "tgw-rtb-0c000000000000001"
	toBackup  = "tgw-attach-0b000000000000002"
)

func TestOnLoopback(t *testing.T) {
	for listen, want := range map[string]string{
		"127.0.0.1:4599": "", "127.0.0.1:0": "", "[::1]:0": "", "localhost:1": "", "127.8.9.1:1": "",
		"0.0.0.0:4599":   `--listen is "0.0.0.0:4599", which others could reach, and nobody has to log in; write 127.0.0.1, [::1] or localhost`,
		":4599":          "which others could reach",
		"192.0.2.1:4599": "which others could reach",
		"[::]:1":         "which others could reach",
		"example.org:1":  "which others could reach",
		"127.0.0.1":      `--listen is "127.0.0.1": address 127.0.0.1: missing port in address; write an address and a port`,
		"":               "write an address and a port",
	} {
		err := onLoopback(listen)
		if (err == nil) != (want == "") || err != nil && !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %q", listen, err, want)
		}
	}
}

// TestAWSCLI: what the AWS CLI reads, writes, and reads after a tunnel died.
func TestAWSCLI(t *testing.T) {
	s, out := serve(t, Options{})
	if text := awsCLI(t, s, "ec2", "describe-vpn-connections"); strings.Count(text, `"Status": "UP"`) != 4 || strings.Contains(text, "DOWN") {
		t.Errorf("describe-vpn-connections: %s", text)
	}
	search := []string{"ec2", "search-transit-gateway-routes", "--transit-gateway-route-table-id", coreTable, "--filters", "Name=state,Values=active,blackhole"}
	if text := awsCLI(t, s, search...); !strings.Contains(text, "10.0.0.0/8") || strings.Contains(text, toBackup) {
		t.Errorf("search-transit-gateway-routes: %s", text)
	}
	text := awsCLI(t, s, "ec2", "replace-transit-gateway-route", "--transit-gateway-route-table-id", coreTable, "--destination-cidr-block", "10.0.0.0/8", "--transit-gateway-attachment-id", toBackup)
	if !strings.Contains(text, toBackup) || !strings.Contains(awsCLI(t, s, search...), toBackup) {
		t.Errorf("replace-transit-gateway-route: %s", text)
	}
	if _, err := s.Do(t.Context(), "tunnel-down", "vpn-0b000000000000001", "203.0.113.11"); err != nil {
		t.Fatal(err)
	}
	if err := s.WaitDetected(t.Context()); err != nil {
		t.Fatal(err)
	}
	if text := awsCLI(t, s, "ec2", "describe-vpn-connections", "--vpn-connection-ids", "vpn-0b000000000000001"); strings.Count(text, `"Status": "DOWN"`) != 1 || strings.Count(text, `"Status": "UP"`) != 1 {
		t.Errorf("describe-vpn-connections with a dead tunnel: %s", text)
	}
	wants(t, s, out,
		"ready at "+s.URL()+": cloud-join", "aws ec2 describe-vpn-connections --endpoint-url "+s.URL(), "export AWS_ACCESS_KEY_ID=111122223333 ",
		"aws-cli      ReplaceTransitGatewayRoute core table 10.0.0.0/8 from primary to backup\n",
		"network      tunnel 203.0.113.11 of primary is down\n", "AWS          has noticed that tunnel 203.0.113.11 of primary is down\n",
		"AWS          shows tunnel 203.0.113.11 of primary down\n", "AWS          sends VPN-CONNECTION-IPSEC-DOWN tunnel 203.0.113.11 of primary\n",
	)
}

func TestDo(t *testing.T) {
	s, out := serve(t, Options{})
	do := func(line string) string {
		t.Helper()
		words := strings.Fields(line)
		answer, err := s.Do(t.Context(), words[0], words[1:]...)
		if err != nil {
			t.Fatalf("%s: %v", line, err)
		}
		if strings.HasPrefix(words[0], "tunnel-") {
			if err := s.WaitDetected(t.Context()); err != nil {
				t.Fatal(err)
			}
		}
		return answer.(Answer).Text()
	}
	for _, step := range []struct{ line, want string }{
		{"matrix", "shop        .      yes    yes      yes"},
		{"reach shop tokyo", "shop reaches tokyo\n"},
		{"tunnel-down primary", "vpn-0b000000000000001: tunnels 203.0.113.11 and 203.0.113.12 are down; AWS notices in 1ms"},
		{"matrix", "shop        .      yes     no       no"},
		{"reach shop tokyo", "shop does not reach tokyo: "},
		{"status", "vpn-0b000000000000001    primary      203.0.113.11     down   down      down"},
		{"tables", "blackhole"},
		{"write " + coreTable + " 10.0.0.0/8 " + toBackup + " --by terraform", coreTable + ": 10.0.0.0/8 goes to " + toBackup},
		{"write --by=terraform " + coreTable + " 192.168.0.0/16 " + toBackup, "192.168.0.0/16 goes to " + toBackup},
		{"matrix", "shop        .      yes    yes      yes"},
		{"calls --writes", "writer:terraform"},
		{"remove " + coreTable + " 10.0.0.0/8 --by bob", "has no static route any more"},
		{"calls 1", "DeleteTransitGatewayRoute " + coreTable + " 10.0.0.0/8, which went to " + toBackup},
		{"telemetry-freeze primary on", "the telemetry of vpn-0b000000000000001 is frozen"},
		{"tunnel-up primary 203.0.113.11", "AWS notices in 1ms"},
		{"status", "203.0.113.11     up     up        down (frozen)"},
		{"telemetry-freeze primary off", "follows the truth"},
		{"status", "203.0.113.11     up     up        up"},
		{"events lose", "events are lost from here on"},
		{"status", "events: lose"},
		{"attachment-state " + toBackup + " modifying", "attachment " + toBackup + " is modifying"},
		{"status", "attachment " + toBackup + " is modifying"},
	} {
		if got := do(step.line); !strings.Contains(got, step.want) {
			t.Errorf("%s:\n%s\nwant %q", step.line, got, step.want)
		}
	}
	wants(t, s, out,
		"terraform    ReplaceTransitGatewayRoute core table 10.0.0.0/8 from primary to backup\n",
		"bob          DeleteTransitGatewayRoute core table 10.0.0.0/8, which went to backup\n",
	)
}

func TestDoRefuses(t *testing.T) {
	s, _ := serve(t, Options{})
	before := s.World().Snapshot()
	for line, want := range map[string]string{
		"tunel-down x":                                           `there is no action "tunel-down"; did you mean tunnel-down`,
		"tunnel-down":                                            "tunnel-down: VPN is missing; the usage is: tunnel-down VPN [OUTSIDE-IP]",
		"tunnel-down vpn-0b00000000000000f":                      `tunnel-down: there is no VPN connection "vpn-0b00000000000000f"; did you mean vpn-0b000000000000001 or vpn-0b000000000000002?`,
		"tunnel-down primary 203.0.113.21":                       `there is no tunnel of vpn-0b000000000000001 "203.0.113.21"; did you mean 203.0.113.11`,
		"tunnel-up primary 203.0.113.11 x":                       `tunnel-up: "x" is one argument too many`,
		"write " + coreTable + " 10.0.0.0/8":                     "write: TARGET is missing; the usage is: write TABLE DESTINATION TARGET [--by BY]",
		"write rtb-1 10.0.0.0/8 x --by b":                        `there is no table "rtb-1"`,
		"write " + coreTable + " 10.0.0.1/8 blackhole --by b":    `destination "10.0.0.1/8" is not a CIDR block without host bits`,
		"write " + coreTable + " 10.0.0.0/8 blackhole":           "--by is missing; write who writes the route",
		"write " + coreTable + " 10.0.0.0/8 tgw-attach-1 --by b": "InvalidTransitGatewayAttachmentID",
		"write a b c --from d":                                   "write: there is no option --from; the usage is: write",
		"write a b c --by":                                       "write: --by has no value",
		"remove " + coreTable + " 10.9.0.0/16":                   "InvalidRoute.NotFound",
		"attachment-state tgw-attach-1 deleted":                  `attachment "tgw-attach-1" is not in the topology`,
		"attachment-state " + toBackup + " x":                    `attachment state "x" is not one of EC2's`,
		"telemetry-freeze primary maybe":                         `there is no switch "maybe"; there are on, off.`,
		"reach shop osaka":                                       `there is no host "osaka"; there are shop, billing, tokyo, beijing.`,
		"calls none":                                             `"none" is not a number of lines; write 1 or more`,
		"calls --writes=yes":                                     "--writes is a switch and takes no value",
		"events loose":                                           `there is no way of delivery "loose"; did you mean lose?`,
		"sweep":                                                  "sweep: no function runs here; start detour lab serve with --functions",
		"kill switchover":                                        "no function runs here",
		"request other-cloud freeze":                             "no function runs here",
		"journal other-cloud":                                    "no function runs here",
	} {
		words := strings.Fields(line)
		if answer, err := s.Do(t.Context(), words[0], words[1:]...); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, %v, want %q", line, answer, err, want)
		}
	}
	if s.World().Snapshot() != before {
		t.Error("an order that was refused changed a table")
	}
}

// TestControl: the control face answers in JSON, and no web page can use it.
func TestControl(t *testing.T) {
	s, _ := serve(t, Options{})
	for _, c := range []struct {
		kind, body string
		status     int
		want       string
	}{
		{"application/json", `{"action":"matrix"}`, 200, `"hosts":["shop"`},
		{"application/json; charset=utf-8", `{"action":"status","args":[]}`, 200, `"outsideIp":"203.0.113.11","up":true`},
		{"text/plain", `{"action":"matrix"}`, 400, `the content type is \"text/plain\"; send application/json`},
		{"application/json", `{`, 400, "reading the order"},
		{"application/json", `{"action":"matrix","arg":[]}`, 400, "unknown field"},
		{"application/json", `{"action":"x"}`, 400, `there is no action \"x\"`},
	} {
		answer, err := http.Post(s.URL()+ControlPath, c.kind, strings.NewReader(c.body))
		if err != nil {
			t.Fatal(err)
		}
		var text bytes.Buffer
		_, _ = text.ReadFrom(answer.Body)
		_ = answer.Body.Close()
		if answer.StatusCode != c.status || !strings.Contains(text.String(), c.want) || !json.Valid(text.Bytes()) {
			t.Errorf("%s %s: %d %s, want %q", c.kind, c.body, answer.StatusCode, &text, c.want)
		}
	}
}

func FuzzOrder(f *testing.F) {
	f.Add([]byte(`{"action":"write","args":["a","b","c","--by","d"]}`))
	f.Add([]byte(`{"action":"request","args":["g","freeze","--immediate","--id=x"]}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		o, err := readOrder(bytes.NewReader(data))
		if err != nil {
			return
		}
		for _, a := range actions() {
			made, err := parse(a, o.Args)
			if err != nil {
				continue
			}
			if len(made.args) > len(a.args) || len(made.options) > len(a.options)+len(a.switches) {
				t.Fatalf("%s takes %v", a.name, o.Args)
			}
		}
	})
}

func TestFunctions(t *testing.T) {
	s, out := serve(t, Options{FunctionsDir: fakeFunctions(t), RetryDelays: []time.Duration{time.Millisecond, 2 * time.Millisecond}})
	until(t, s, "the schedule has swept", func() bool { return len(s.Invocations()) > 0 })
	if first := s.Invocations()[0]; first.Function != Sweep || first.Cause != CauseSchedule || first.Result != Succeeded || !first.Cold || string(first.Payload) != sweepEvent {
		t.Errorf("the first invocation is %+v", first)
	}
	if s.Function(Sweep) == nil || s.Function(Switchover) == nil || s.Function("x") != nil {
		t.Error("the functions are not those that run")
	}
	if _, err := s.Do(t.Context(), "tunnel-down", "primary", "203.0.113.11"); err != nil {
		t.Fatal(err)
	}
	until(t, s, "the event was handled", func() bool { return count(s, Switchover, CauseEvent, Succeeded) == 1 })
	if _, err := s.Do(t.Context(), "events", "double"); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Do(t.Context(), "tunnel-up", "primary", "203.0.113.11"); err != nil {
		t.Fatal(err)
	}
	until(t, s, "the event was handled twice", func() bool { return count(s, Switchover, CauseEvent, Succeeded) == 3 })

	// What fails three times is given up.
	s.homes[0].functions[Switchover].async.send([]byte(`"please fail"`), CauseEvent)
	until(t, s, "it is given up", func() bool { return len(s.DeadLetters()) == 1 })
	if letter := s.DeadLetters()[0]; letter.Queue != OnFailure || letter.Attempts != 3 || letter.Error != "Boom: as asked" || count(s, Switchover, CauseEvent, Failed) != 3 {
		t.Errorf("the dead letter is %+v", letter)
	}
	// A wake-up goes through the queue.
	post(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { s.queues.ServeHTTP(w, withRegion(r)) }), "sqs", "AmazonSQS.SendMessage",
		map[string]any{"QueueUrl": s.homes[0].wakeURL, "MessageBody": `{"detour":"wake-up","key":"group#other-cloud"}`})
	until(t, s, "the wake-up was handled", func() bool {
		return count(s, Switchover, CauseWakeUp, Succeeded) == 1 && len(s.queues.Waiting(s.homes[0].wakeURL)) == 0
	})

	in, err := s.Invoke(t.Context(), Switchover, []byte(`"please write"`))
	if err != nil || string(in.Answer) != `"200 OK"` || in.Cause != CauseLab {
		t.Errorf("invoked by hand: %v, %+v, %s", err, in, in.Answer)
	}
	calls := s.World().Calls()
	if last := calls[len(calls)-1]; last.Process != Switchover || last.Write == nil || last.Write.After != toBackup {
		t.Errorf("the last call is %+v", last)
	}
	swept, err := s.Do(t.Context(), "sweep")
	if err != nil || len(swept.(Swept)) != 1 {
		t.Errorf("sweep: %v, %v", swept, err)
	}
	killed, err := s.Do(t.Context(), "kill", Switchover)
	if err != nil || !strings.HasPrefix(killed.(Answer).Text(), "environments of switchover killed: ") {
		t.Errorf("kill: %v, %v", killed, err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{
		"sweep        is invoked by the schedule\n", "sweep          WARN seen group=g paths=\"a=up b=down\"\n",
		"switchover   gets event VPN-CONNECTION-IPSEC-DOWN tunnel 203.0.113.11 of primary\n", "(twice)\n",
		"switchover   gets wake-up group#other-cloud\n", "(attempt 3)\n", "Boom: as asked\n", "detour-dead gets what switchover could not handle (RetriesExhausted, attempts: 3)",
		"switchover   ReplaceTransitGatewayRoute core table 10.0.0.0/8 from primary to backup\n", "switchover   is invoked by hand\n",
	} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("the lines lack %q:\n%s", want, out)
		}
	}
	if err := s.Close(); err != nil {
		t.Errorf("the second Close: %v", err)
	}
}

// withRegion signs for the Region of the shipped topology.
func withRegion(r *http.Request) *http.Request {
	r.Header.Set("Authorization", strings.Replace(r.Header.Get("Authorization"), homeOfTest.Region, "ap-northeast-1", 1))
	return r
}

func count(s *Server, function, cause, result string) int {
	n := 0
	for _, in := range s.Invocations() {
		if in.Function == function && in.Cause == cause && in.Result == result {
			n++
		}
	}
	return n
}

// TestRequests: an operator's requests reach the record store, and wake the group.
func TestRequests(t *testing.T) {
	s, _ := serve(t, Options{FunctionsDir: fakeFunctions(t), NoSchedule: true})
	for i, line := range []string{"request other-cloud forced-switch backup --id r1 --ignore-health --why=test", "clear other-cloud r1", "request all freeze --immediate", "clear all freeze", "request other-cloud manual-switch backup --extent 1"} {
		words := strings.Fields(line)
		if _, err := s.Do(t.Context(), words[0], words[1:]...); err != nil {
			t.Fatalf("%s: %v", line, err)
		}
		until(t, s, "the group was woken", func() bool { return count(s, Switchover, CauseWakeUp, Succeeded) == i+1 })
	}
	items := fmt.Sprint(s.tables.Items("111122223333", "ap-northeast-1", recordTable))
	for _, want := range []string{"request#request-1", "manual-switch", "group#other-cloud", "freeze"} {
		if !strings.Contains(items, want) {
			t.Errorf("the records lack %q: %s", want, items)
		}
	}
	if lockout, err := s.Do(t.Context(), "request", "other-cloud", "lockout", "backup"); err != nil || !strings.Contains(lockout.(Answer).Text(), "lockout of group other-cloud, path backup") {
		t.Errorf("lockout: %v, %v", lockout, err)
	}
	if strings.Contains(items, "request#r1") {
		t.Errorf("the request that was cleared is in %s", items)
	}
	if answer, err := s.Do(t.Context(), "journal", "other-cloud"); err != nil || answer.(Answer).Text() != "no decision yet" {
		t.Errorf("journal: %v, %v", answer, err)
	}
	for line, want := range map[string]string{
		"request other-cluod freeze":                          `there is no group "other-cluod"; did you mean other-cloud?`,
		"request other-cloud freez":                           `there is no kind of request "freez"; did you mean freeze`,
		"request other-cloud lockout third":                   `there is no path of group other-cloud "third"; there are primary, backup.`,
		"request other-cloud freeze backup":                   `path "backup" has no effect with freeze; leave it out`,
		"request all lockout primary":                         "a lockout is of one group; name it",
		"request other-cloud lockout primary --extent 1":      `--extent is "1"`,
		"request other-cloud manual-switch backup --extent 9": "2 units",
		"request other-cloud freeze --ignore-health":          "--ignore-health has no effect with freeze",
		"request other-cloud release --immediate":             "--immediate has no effect with release",
		"request other-cloud lockout":                         "PATH is missing: a lockout names a path of group other-cloud",
		"clear other-cloud r1":                                `there is no request of group other-cloud "r1"; there are request-1, request-2.`,
		"clear all r1":                                        `there is no request of all groups "r1"; there are freeze.`,
		"kill sweeep":                                         `there is no function "sweeep"; did you mean sweep`,
	} {
		words := strings.Fields(line)
		if _, err := s.Do(t.Context(), words[0], words[1:]...); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %q", line, err, want)
		}
	}
}

func TestStartRefuses(t *testing.T) {
	alone := quickly(t, "cloud-join")
	alone.Config.GroupList = nil
	for name, c := range map[string]struct {
		opts Options
		want string
	}{
		"no binary": {Options{File: quickly(t, "cloud-join"), FunctionsDir: t.TempDir()}, "run make build"},
		"no group":  {Options{File: alone, FunctionsDir: fakeFunctions(t)}, "topology cloud-join: it has no groups"},
	} {
		c.opts.Listen = "127.0.0.1:0"
		if s, err := Start(t.Context(), c.opts); err == nil || s != nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v, want %q", name, err, c.want)
		}
	}
	s, _ := serve(t, Options{})
	if _, err := Start(t.Context(), Options{File: quickly(t, "cloud-join"), Listen: strings.TrimPrefix(s.URL(), "http://")}); err == nil || !strings.Contains(err.Error(), "choose another port with --listen") {
		t.Errorf("a port that is taken: %v", err)
	}
}

// TestWrap: a test stands between the callers and the services, and knows who calls.
func TestWrap(t *testing.T) {
	var seen []string
	s, _ := serve(t, Options{FunctionsDir: fakeFunctions(t), Manual: true, Wrap: func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			seen = append(seen, sim.CallFrom(r.Context()).Process+" "+r.URL.Path)
			next.ServeHTTP(w, r)
		})
	}})
	if _, err := s.Invoke(t.Context(), Switchover, []byte(`"please write"`)); err != nil {
		t.Fatal(err)
	}
	if len(seen) != 1 || seen[0] != "switchover /" {
		t.Errorf("seen %v", seen)
	}
	if _, err := s.Invoke(t.Context(), "x", nil); err == nil || !strings.Contains(err.Error(), `function "x" does not run; there are failback-advance, failback-ask, failback-close, failback-precheck, failback-undo, failback-verify, sweep, switchover`) {
		t.Errorf("an unknown function: %v", err)
	}
}

func TestJSONLines(t *testing.T) {
	s, out := serve(t, Options{FunctionsDir: fakeFunctions(t), JSON: true, NoSchedule: true})
	if _, err := s.Do(t.Context(), "sweep"); err != nil {
		t.Fatal(err)
	}
	kinds := map[string]json.RawMessage{}
	for text := range strings.Lines(out.String()) {
		var l struct {
			Kind string
			Data json.RawMessage
		}
		if err := json.Unmarshal([]byte(text), &l); err != nil {
			t.Fatalf("%v: %s", err, text)
		}
		kinds[l.Kind] = l.Data
	}
	var ready readiness
	if err := json.Unmarshal(kinds[kindReady], &ready); err != nil || ready.URL != s.URL() || !slices.Equal(ready.Functions, s.functionNames()) || len(ready.Commands) != 4 {
		t.Errorf("ready: %v, %+v", err, ready)
	}
	if log := string(kinds[kindLog]); !strings.Contains(log, `"msg":"seen"`) || kinds[kindInvocation] == nil || !strings.Contains(string(kinds[kindResult]), `"result":"succeeded"`) {
		t.Errorf("the lines are %s", out)
	}
}

func TestReadableLog(t *testing.T) {
	for text, want := range map[string]string{
		"plain text": "plain text",
		`{"time":"x","level":"INFO","msg":"decision","group":"g","n":3,"paths":"a b","empty":"","_aws":{"x":1},"function":"f"}`: `decision group=g n=3 paths="a b" empty=""`,
		`{"level":"WARN","msg":"dropped"}`: "WARN dropped",
		`{"level":"WARN"`:                  `{"level":"WARN"`,
		`[1]`:                              `[1]`,
	} {
		if got := readableLog(text); got != want {
			t.Errorf("%s reads %q, want %q", text, got, want)
		}
	}
}
