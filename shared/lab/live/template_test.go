package live

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"detour/events/payload"
	"detour/shared/lab"
	"detour/shared/lab/stack"
)

// oneAccount is the network of the assembly with one account, whose home is where
// Network Manager's events appear.
func oneAccount(t testing.TB) *lab.TopologyFile {
	return Elsewhere(t, "cloud-join", "region: ap-northeast-1", "region: us-west-2")
}

// hub is the network of the assembly with a forwarder and an access role.
func hub(t testing.TB) *lab.TopologyFile {
	return Elsewhere(t, "branch-two-gateways", "  region: eu-central-1", "  region: eu-central-1\n  globalNetworkAccount: \"777788889999\"")
}

// serveTemplate serves a network with what an assembly describes, its functions
// being fakes.
func serveTemplate(t *testing.T, file *lab.TopologyFile, assembly string, change func(string) string) (*Server, *output) {
	t.Helper()
	return serve(t, Options{
		File: file, FunctionsDir: fakeFunctions(t), TemplateDir: AssemblyOf(t, assembly, file.Config, change), NoSchedule: true,
		RetryDelays: []time.Duration{time.Millisecond, 2 * time.Millisecond},
	})
}

func replacing(old, replacement string) func(string) string {
	return func(template string) string { return strings.ReplaceAll(template, old, replacement) }
}

// wants looks for lines.
func wants(t *testing.T, s *Server, out *output, lines ...string) {
	t.Helper()
	for _, want := range lines {
		until(t, s, "a line has "+want, func() bool { return strings.Contains(out.String(), want) })
	}
}

func TestATemplateIsServed(t *testing.T) {
	s, out := serveTemplate(t, oneAccount(t), "one-account", nil)
	if _, err := s.Do(t.Context(), "tunnel-down", "primary"); err != nil {
		t.Fatal(err)
	}
	until(t, s, "both events are handled", func() bool { return count(s, Switchover, CauseEvent, Succeeded) == 2 })
	wants(t, s, out,
		"controller-111122223333-us-west-2: functions 8, state machines 1, rules 4, schedules 2, queues 3, mappings 1, tables 1, topics 1, alarms 4, roles 10",
		"alarms that the lab does not evaluate: 2", "policies of roles, queues, topics and keys are read, and not enforced", "functions: failback-advance, failback-ask, failback-close, failback-precheck, failback-undo, failback-verify, sweep, switchover",
		"switchover   gets event VPN-CONNECTION-IPSEC-DOWN tunnel 203.0.113.11 of primary\n")
	if !runsHere("arm64") {
		wants(t, s, out, "the templates' binaries are for linux/arm64 and this machine is")
	}
	for _, name := range []string{Switchover, Sweep} {
		role, ok := s.RoleOf(name)
		if !ok || role.Name != "detour-"+name+"-us-west-2" || len(role.Policies) != 1 || len(role.Trust.Document) == 0 {
			t.Errorf("the role of %s is %+v", name, role)
		}
	}
	if role, ok := s.RoleOf("aws-cli"); ok {
		t.Errorf("a stranger has the role %+v", role)
	}
	got, _ := getDeployment(t, s)
	if len(got.Homes) != 1 || got.Homes[0].Region != "us-west-2" || got.Homes[0].Table != "detour" || !strings.HasSuffix(got.Homes[0].WakeQueue, "/111122223333/detour-wake") || got.Homes[0].Role != "" {
		t.Errorf("the deployment is %+v", got)
	}
	// An operator's request goes through the template's table and queue.
	if _, err := s.Do(t.Context(), "request", "other-cloud", "freeze"); err != nil {
		t.Fatal(err)
	}
	until(t, s, "the group was woken", func() bool { return count(s, Switchover, CauseWakeUp, Succeeded) == 1 })
}

// TestATemplatesEventsNeedRules: an event goes from the bus where it appears to
// the home by a rule, a role and a policy, and nowhere without them.
func TestATemplatesEventsNeedRules(t *testing.T) {
	const policy = `"AWS": "777788889999"`
	for name, c := range map[string]struct {
		change func(string) string
		want   []string
		dead   string
	}{
		"forwarded": {nil, []string{
			"forwards it from 777788889999 in us-west-2 to 111122223333 in eu-central-1 (rule detour-forward-network-manager-status)",
			"switchover   gets event VPN-CONNECTION-IPSEC-DOWN tunnel 198.51.100.11",
		}, ""},
		"no rule":       {replacing(`"aws.networkmanager"`, `"aws.other"`), []string{"has no rule for it in account 777788889999 in us-west-2"}, ""},
		"a rule is off": {replacing(`"Name": "detour-forward-network-manager-status",`, `"Name": "detour-forward-network-manager-status", "State": "DISABLED",`), []string{"has no rule for it"}, ""},
		"no policy": {
			replacing(policy, `"AWS": "444455556666"`),
			[]string{"no AWS::Events::EventBusPolicy of 111122223333 in eu-central-1 lets 777788889999 put events on its bus"},
			"detour-forward-dead",
		},
		"another role": {replacing(":role/detour-forward-us-west-2\"", ":role/other\""), []string{"no AWS::Events::EventBusPolicy"}, "detour-forward-dead"},
		"no permission": {
			replacing(`"Principal": "events.amazonaws.com"`, `"Principal": "sns.amazonaws.com"`),
			[]string{"no AWS::Lambda::Permission lets the rule invoke detour-switchover"},
			"detour-dead",
		},
	} {
		t.Run(name, func(t *testing.T) {
			s, out := serveTemplate(t, hub(t), "hub", c.change)
			if _, err := s.Do(t.Context(), "tunnel-down", "north-line", "198.51.100.11"); err != nil {
				t.Fatal(err)
			}
			wants(t, s, out, c.want...)
			letters := s.DeadLetters()
			switch {
			case c.dead == "" && len(letters) != 0:
				t.Errorf("there are dead letters: %+v", letters)
			case c.dead != "" && (len(letters) != 1 || letters[0].Queue != c.dead || letters[0].Condition != noPermission || !strings.Contains(letters[0].Body, "IPSEC-DOWN")):
				t.Errorf("the dead letters are %+v", letters)
			}
			if handled := strings.Contains(out.String(), "gets event"); handled != (name == "forwarded") {
				t.Errorf("the function got the event: %v", handled)
			}
		})
	}
}

// TestATemplatesSettings: retries, the destination of what fails, and a topic with
// its input transformer.
func TestATemplatesSettings(t *testing.T) {
	s, out := serveTemplate(t, oneAccount(t), "one-account", replacing(`"MaximumRetryAttempts": 2`, `"MaximumRetryAttempts": 1`))
	f := s.homes[0].functions[Switchover]
	f.async.send([]byte(`"please fail"`), CauseEvent)
	until(t, s, "it is given up", func() bool { return len(s.DeadLetters()) == 1 })
	if letter := s.DeadLetters()[0]; letter.Queue != OnFailure || letter.Attempts != 2 || f.async.maxAge != time.Hour {
		t.Errorf("the dead letter is %+v, the age %s", letter, f.async.maxAge)
	}
	raw, err := payload.Read("detour-switchover-completed.json")
	if err != nil {
		t.Fatal(err)
	}
	if n := s.deliver(stack.Site{Account: "111122223333", Region: "us-west-2"}, raw, 1); n != 1 {
		t.Errorf("%d rules took the event", n)
	}
	wants(t, s, out, "topic detour publishes Detour: Switchover Completed of group ")
	s.homes[0].functions[Sweep].async.send([]byte(`{"detour":"rehearse"}`), CauseSchedule)
	wants(t, s, out, `sweep        is invoked by the schedule: {"detour":"rehearse"}`)
	s.publish("arn:aws:sns:us-west-2:111122223333:detour", "\"one\"\n\"two\"")
	wants(t, s, out, "publishes one\n"+strings.Repeat(" ", 28)+"two\n")
	if strings.Contains(out.String(), "<group>") {
		t.Errorf("a variable stays: %s", out)
	}
	if q := s.queueOf("arn:aws:sqs:us-west-2:111122223333:detour-wake"); q.Visibility != 30*time.Minute {
		t.Errorf("the queue is %+v", q)
	}
}

// TestATemplatesAlarms: the alarm of a connection's tunnels changes in the
// network, its event reaches the function, and its action the topic.
func TestATemplatesAlarms(t *testing.T) {
	s, out := serveTemplate(t, oneAccount(t), "one-account", replacing(`"Period": 60`, `"Period": 1`))
	if _, err := s.Do(t.Context(), "tunnel-down", "primary"); err != nil {
		t.Fatal(err)
	}
	wants(t, s, out,
		"switchover   gets event detour-tunnels-primary: OK to ALARM",
		"topic detour publishes ALARM: detour-tunnels-primary. A hint and never evidence: no tunnel of primary is up.")
}

// TestATemplatesSchedules: a rate begins at once.
func TestATemplatesSchedules(t *testing.T) {
	file := oneAccount(t)
	s, _ := serve(t, Options{File: file, FunctionsDir: fakeFunctions(t), TemplateDir: AssemblyOf(t, "one-account", file.Config, nil)})
	until(t, s, "the schedule has swept", func() bool { return count(s, Sweep, CauseSchedule, Succeeded) > 0 })
	for _, in := range s.Invocations() {
		if string(in.Payload) != sweepEvent {
			t.Errorf("a schedule sends %s", in.Payload)
		}
	}
}

func TestATemplateIsRefused(t *testing.T) {
	fakes := fakeFunctions(t)
	file := oneAccount(t)
	good := AssemblyOf(t, "one-account", file.Config, nil)
	without := AssemblyOf(t, "one-account", file.Config, nil)
	different := AssemblyOf(t, "one-account", file.Config, nil)
	broken := AssemblyOf(t, "one-account", file.Config, nil)
	configurations := map[string]string{filepath.Join(different, "asset.sweep", "detour.json"): "{}"}
	for _, asset := range []string{"asset.failback", "asset.sweep", "asset.switchover"} {
		configurations[filepath.Join(broken, asset, "detour.json")] = "{"
	}
	for name, text := range configurations {
		if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Remove(filepath.Join(without, "asset.sweep", "detour.json")); err != nil {
		t.Fatal(err)
	}
	change := func(old, replacement string) string {
		return AssemblyOf(t, "one-account", file.Config, replacing(old, replacement))
	}
	for want, opts := range map[string]Options{
		"make synth CONFIG=FILE writes them to cdk.out":                                  {File: file, TemplateDir: filepath.Join(t.TempDir(), "cdk.out"), FunctionsDir: fakes},
		"type \"AWS::IAM::User\" is not modelled by the lab":                             {File: file, TemplateDir: change("AWS::KMS::Alias", "AWS::IAM::User"), FunctionsDir: fakes},
		"run make synth CONFIG=FILE, which puts it there":                                {File: file, TemplateDir: without, FunctionsDir: fakes},
		"differ, and all functions have one configuration":                               {File: file, TemplateDir: different, FunctionsDir: fakes},
		"detour.json does not fit this version of Detour; run make build and make synth": {File: file, TemplateDir: broken, FunctionsDir: fakes},
		"write table tgw-rtb-0c000000000000001 in account 111122223333 in us-west-2 (group other-cloud), and topology cloud-join has it in account 111122223333 in ap-northeast-1": {File: quickly(t, "cloud-join"), TemplateDir: good, FunctionsDir: fakes},
		"and topology branch-two-gateways has no such table; it has rtb-0d000000000000001, rtb-0d000000000000002, tgw-rtb-0d000000000000001":                                       {File: hub(t), TemplateDir: good, FunctionsDir: fakes},
		"Dimensions has VpnId vpn-0b0000000000000ff, and topology cloud-join has no such VPN connection":                                                                           {File: file, TemplateDir: change("vpn-0b000000000000002", "vpn-0b0000000000000ff"), FunctionsDir: fakes},
		"queue detour-wake with a visibility timeout of 2m0s, shorter than the function's timeout of 5m0s":                                                                         {File: file, TemplateDir: change(`"VisibilityTimeout": 1800`, `"VisibilityTimeout": 120`), FunctionsDir: fakes},
		"a dead-letter queue is another queue of the same account and Region":                                                                                                      {File: file, TemplateDir: change(`"WakeDead",`, `"Wake",`), FunctionsDir: fakes},
		"have no function of Detour, so nothing would run":                                                                                                                         {File: file, TemplateDir: change(`"DETOUR_TABLE"`, `"OTHER_TABLE"`), FunctionsDir: fakes},
	} {
		opts.Listen = "127.0.0.1:0"
		s, err := Start(t.Context(), opts)
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v\nwant %q", err, want)
		}
		if s != nil {
			_ = s.Close()
		}
	}
	if !runsHere("arm64") {
		_, err := Start(t.Context(), Options{File: file, TemplateDir: good, FunctionsDir: filepath.Join(t.TempDir(), "dist", "host"), Listen: "127.0.0.1:0"})
		if err == nil || !strings.Contains(err.Error(), "function detour-sweep is for linux/arm64 in the template, and this machine is") || !strings.Contains(err.Error(), "run make host") {
			t.Errorf("no binaries for this machine: %v", err)
		}
	}
}
