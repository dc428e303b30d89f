package main

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"detour/shared/adapter/awsclient"
	"detour/shared/blueprint"
)

// operatorFile is a configuration with two groups of one home.
const operatorFile = `version: 1
groups:
  - name: other-cloud
    home: {account: "111122223333", region: eu-west-1}
    paths:
      - {name: primary, vpn: vpn-0b000000000000001}
      - {name: backup, vpn: vpn-0b000000000000002}
    units:
      - entries:
          - {table: tgw-rtb-0c000000000000001, destination: 10.0.0.0/8, nextHops: {primary: tgw-attach-0b000000000000001, backup: tgw-attach-0b000000000000002}}
`

func writeFile(t *testing.T, name, text string) string {
	t.Helper()
	file := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return file
}

// outside clears what the environment says of AWS and of labs.
func outside(t *testing.T) {
	t.Helper()
	for _, name := range []string{
		envLab, envConfig, envTable, envQueue, envFilterQueue, envRole, envID, envStates, "AWS_PROFILE", "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY",
		"AWS_SESSION_TOKEN", "AWS_REGION", "AWS_DEFAULT_REGION", "AWS_ENDPOINT_URL",
	} {
		t.Setenv(name, "")
	}
	nothing := filepath.Join(t.TempDir(), "nothing")
	t.Setenv("AWS_CONFIG_FILE", nothing)
	t.Setenv("AWS_SHARED_CREDENTIALS_FILE", nothing)
	t.Setenv("AWS_EC2_METADATA_DISABLED", "true")
}

// TestTheQueueOfFilters is named as a deployment names it.
func TestTheQueueOfFilters(t *testing.T) {
	for _, queue := range []string{"", "https://sqs.{region}.amazonaws.com/{account}/" + blueprint.QueueWake} {
		if got := filterQueueBeside(queue); got != strings.Replace(queue, blueprint.QueueWake, blueprint.QueueFilterWake, 1) {
			t.Errorf("%q is beside %q", got, queue)
		}
	}
}

func TestOperatorUsage(t *testing.T) {
	outside(t)
	file := writeFile(t, "detour.yaml", operatorFile)
	bad := writeFile(t, "bad.yaml", strings.Replace(operatorFile, "paths:", "patsh:", 1))
	for line, want := range map[string]string{
		"status":                                      "the configuration is missing; name it with --config FILE or in DETOUR_CONFIG, or work on a served lab with --lab",
		"status --config ./no":                        "there is no configuration ./no",
		"status --config " + bad:                      "groups[0].patsh: unknown key; did you mean paths?",
		"status --lab --table x":                      "--table has no effect in the lab at http://127.0.0.1:4599",
		"status --lab=ftp://x":                        "--lab is no URL that can be used",
		"status --lab=http://a:b@c":                   "--lab is no URL that can be used",
		"status --nope":                               "unknown flag: --nope",
		"plan a b --to c":                             "--to is a path of one group, but 2 are named",
		"plan a --to c --worst":                       "--to and --worst ask for two plans",
		"explain":                                     "name one group, not 0",
		"explain a -n 0":                              "-n is 0; write a number from 1 to 1000",
		"explain a -n x":                              `--number is "x"; write a whole number`,
		"switch":                                      "name one group, not 0",
		"switch a":                                    "the path is missing; name it with --to PATH, or write --to-working",
		"switch a --to b --to-working":                "--to and --to-working name two paths",
		"switch a --to b":                             "--why is missing; say in a sentence why",
		"switch a --to b --why":                       "flag needs an argument: --why",
		"switch a --to b --why x --json":              "--json asks no questions; add --yes to do it, or --dry-run",
		"switch a --to b --why x --yes --dry-run":     "--yes has no effect with --dry-run",
		"switch a --to b --why x --wait 0s":           "--wait is 0s; write a positive time such as 90s",
		"switch a --to b --why x --wait 1m --no-wait": "--wait has no effect with --no-wait",
		"switch a --to b --why x --config " + file:    "the queue of the wake-ups is missing; give its URL with --wake-queue",
		"switch a --to b --why x --wake-queue me:it@q --config " + file: "--wake-queue is no URL that can be used",
		"freeze a --why x --filter-wake-queue me:it@q --config " + file: "--filter-wake-queue is no URL that can be used",
		"status --lab --filter-wake-queue x":                            "--filter-wake-queue has no effect in the lab",
		"status --role detour --config " + file:                         `--role: role template "detour"`,
		"force a --why x":                                               "the path is missing; name it with --to PATH",
		"lockout a --why x":                                             "name a group and one of its paths",
		"freeze --why x":                                                "name one group, not 0, or write --all",
		"freeze a --all --why x":                                        `--all is every group, and "a" names one`,
		"freeze a --now --after-change --why x":                         "--now and --after-change contradict one another",
		"unfreeze a b --why x":                                          "name one group, not 2",
		"clear --why x":                                                 "name a group",
		"clear a --why x":                                               "name the requests by the ids that detour status a shows",
		"clear a b --all --why x":                                       `--all ends every request of the group, and "b" names one`,
		"release --why x":                                               "name one group, not 0, or write --all",
		"adopt --why x":                                                 "name one group, not 0, or write --all",
		"switch a --to b --why x\x01y":                                  "the reason has a line break or another control character",
		"failback stop a":                                               `detour failback has no command "stop"; run detour failback --help`,
		"failback statsu a":                                             `did you mean "status"?`,
		"failback start":                                                "name one group, not 0",
		"failback start a":                                              "--why is missing; say in a sentence why",
		"failback start a b --why x":                                    "name one group, not 2",
		"failback start a --why x --json":                               "--json asks no questions; add --yes to do it, or --dry-run",
		"failback start a --why x --state-machine detour --config " + file: `--state-machine is "detour", which is not the ARN of a state machine; write it as arn:aws:states:{region}:{account}:stateMachine:NAME`,
		"failback start a --why x --lab --state-machine b":                 "--state-machine has no effect in the lab",
		"failback status":                                            "name one group, not 0",
		"failback status a --watch --json":                           "--watch tells people what happens, and --json is for programs",
		"failback approve":                                           "name one group, not 0",
		"failback approve a --yes":                                   "--yes approves without asking, so it has to say what; add --plan",
		"failback approve a --plan":                                  "flag needs an argument: --plan",
		"failback approve a --plan abc":                              `--plan is "abc", which has 3 characters; write the 16 that detour failback status shows`,
		"failback approve a --plan latest":                           `--plan is "latest", which is not the beginning of a digest; copy the one`,
		"failback approve a --plan 0123456789abcdef --yes --dry-run": "--yes has no effect with --dry-run",
		"failback reject a --wait 0s":                                "--wait is 0s; write a positive time such as 90s",
		"failback reject a --why x\x01y":                             "the reason has a line break or another control character",
		"failback abort":                                             "name one group, not 0",
		"failback abort a --config " + file:                          "the queue of the wake-ups is missing; give its URL with --wake-queue",
		"failback history a -n 0":                                    "-n is 0; write a number from 1 to 100",
	} {
		code, out, errs := detour(t, strings.Fields(line)...)
		if code != exitUsage || out != "" || !strings.Contains(errs, want) {
			t.Errorf("%s: exit %d, output %q, error %q, want %q", line, code, out, errs, want)
		}
	}
	for _, name := range []string{"status", "plan", "explain", "switch", "force", "lockout", "freeze", "unfreeze", "clear", "release", "adopt"} {
		for _, line := range [][]string{{name, "--help"}, {"help", name}} {
			code, out, _ := detour(t, line...)
			if code != 0 || !strings.Contains(out, "\n  detour "+name+" ") || !strings.Contains(out, "Exit status: 0") || !strings.Contains(out, "--lab") {
				t.Errorf("%v: exit %d: %s", line, code, out)
			}
		}
	}
	for _, name := range []string{"start", "status", "approve", "reject", "abort", "history"} {
		code, out, _ := detour(t, "failback", name, "--help")
		if code != 0 || !strings.Contains(out, "\n  detour failback "+name+" ") || !strings.Contains(out, "Exit status: 0") || !strings.Contains(out, "--state-machine") {
			t.Errorf("%s: exit %d: %s", name, code, out)
		}
	}
}

// TestNobodyAnswers: what does not work is no wrong usage.
func TestNobodyAnswers(t *testing.T) {
	outside(t)
	other := httptest.NewServer(http.NotFoundHandler())
	defer other.Close()
	file := writeFile(t, "detour.yaml", operatorFile)
	for line, want := range map[string]string{
		"status --lab=127.0.0.1:1":                 "no lab answers at http://127.0.0.1:1",
		"status --lab=" + other.URL:                "is no lab (status 404)",
		"status --config " + file:                  "asking STS in eu-west-1 whose credentials these are",
		"status --profile nobody --config " + file: "finding AWS credentials",
	} {
		code, out, errs := detour(t, strings.Fields(line)...)
		if code != exitFailed || out != "" || !strings.Contains(errs, want) {
			t.Errorf("%s: exit %d, output %q, error %q, want %q", line, code, out, errs, want)
		}
	}
	t.Setenv("AWS_ENDPOINT_URL", "http://me:planted@x")
	if code, _, errs := detour(t, "status", "--config", file); code != exitUsage || strings.Contains(errs, "planted") {
		t.Errorf("exit %d: %s", code, errs)
	}
}

// TestALabIsNeverLeft: a request to anywhere else is not sent.
func TestALabIsNeverLeft(t *testing.T) {
	asked := 0
	doer := confined{host: "127.0.0.1:4599", next: doerFunc(func(*http.Request) (*http.Response, error) { asked++; return nil, nil })}
	for address, want := range map[string]error{
		"http://127.0.0.1:4599/x": nil, "https://sqs.eu-west-1.amazonaws.com": errElsewhere, "http://127.0.0.1:4598": errElsewhere, "http://localhost:4599": errElsewhere,
	} {
		request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, address, http.NoBody)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := doer.Do(request); !errors.Is(err, want) {
			t.Errorf("%s: %v, want %v", address, err, want)
		}
	}
	if asked != 1 {
		t.Errorf("%d requests were sent, want 1", asked)
	}
}

type doerFunc func(*http.Request) (*http.Response, error)

func (f doerFunc) Do(r *http.Request) (*http.Response, error) { return f(r) }

var _ awsclient.HTTPDoer = doerFunc(nil)

func TestAsk(t *testing.T) {
	for said, want := range map[string]bool{"yes\n": true, " YES \n": true, "y\n": true, "yes": true, "no\n": false, "\n": false, "": false, "yesterday\n": false} {
		in := strings.NewReader(said + "rest")
		if !strings.HasSuffix(said, "\n") {
			in = strings.NewReader(said)
		}
		var out strings.Builder
		err := ask(t.Context(), in, &out)
		if (err == nil) != want || !strings.Contains(out.String(), "(yes/no)") {
			t.Errorf("%q: %v, asked %q", said, err, out.String())
		}
		if err != nil && !strings.Contains(err.Error(), "nothing was changed") {
			t.Errorf("%q: %v", said, err)
		}
		if strings.HasSuffix(said, "\n") && in.Len() != 4 {
			t.Errorf("%q: more than the line was read", said)
		}
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	read, write, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = write.Close() }()
	if err := ask(ctx, read, &strings.Builder{}); !errors.As(err, &errInterrupted{}) {
		t.Errorf("Ctrl-C at the question: %v", err)
	}
	if asksPerson(read) || asksPerson(strings.NewReader("")) {
		t.Error("a pipe is taken for a person")
	}
	nowhere, err := os.Open(os.DevNull)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = nowhere.Close() }()
	if asksPerson(nowhere) || wantsColour(nowhere) {
		t.Error("the null device, which jobs have as their input, is taken for a terminal")
	}
}

// httpClient is the client of a lab.
func httpClient() awsclient.HTTPDoer { return awsclient.NewHTTPClient(awsclient.HTTPOptions{}) }
