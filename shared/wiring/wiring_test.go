package wiring

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"os"
	"strings"
	"testing"
	"time"

	"detour/shared/config"
	"detour/shared/controller"
	"detour/shared/failback"
	"detour/shared/filter"
	"detour/shared/handler"
	"detour/shared/protection"
)

// whole is an environment in which nothing is missing.
func whole() map[string]string {
	return map[string]string{
		"LAMBDA_TASK_ROOT": "/var/task",
		"DETOUR_ACCOUNT":   "111122223333", "AWS_REGION": "eu-west-1",
		"DETOUR_TABLE": "detour", "DETOUR_WAKE_QUEUE": "https://sqs.eu-west-1.amazonaws.com/111122223333/detour-wake",
		"AWS_ACCESS_KEY_ID": "AKIAIOSFODNN7EXAMPLE", "AWS_SECRET_ACCESS_KEY": "planted-secret-key", "AWS_SESSION_TOKEN": "planted-session-token",
		"DETOUR_ROLE": "arn:aws:iam::{account}:role/detour-{region}", "DETOUR_EXTERNAL_ID": "planted-external-id",
	}
}

const branch = `{
  "version": 1,
  "groups": [{
    "name": "branch", "mode": "enforce", "home": {"account": "111122223333", "region": "eu-west-1"},
    "paths": [{"name": "one", "kind": "vpn", "vpn": "vpn-0b000000000000001"}, {"name": "two", "kind": "vpn", "vpn": "vpn-0b000000000000002"}],
    "units": [{"entries": [{"table": "tgw-rtb-0c000000000000001", "destination": "10.0.0.0/8",
      "nextHops": {"one": "tgw-attach-0b000000000000001", "two": "tgw-attach-0b000000000000002"}}]}]
  }]
}`

// open opens a function in the environment, with the configuration at the place
// where a deployment puts it.
func open(env map[string]string, cfg string) (*handler.Handler, *bytes.Buffer, error) {
	var log bytes.Buffer
	h, err := Open("switchover", Process{
		Getenv: func(name string) string { return env[name] },
		ReadFile: func(name string) ([]byte, error) {
			if name != "/var/task/detour.json" {
				return nil, &os.PathError{Op: "open", Path: name, Err: os.ErrNotExist}
			}
			return []byte(cfg), nil
		},
		Log: &log,
	})
	return h, &log, err
}

func TestOpen(t *testing.T) {
	h, log, err := open(whole(), branch)
	if err != nil {
		t.Fatal(err)
	}
	// An event that is dropped needs nothing of AWS, and shows that the parts fit.
	out := h.Switchover(context.Background(), []byte(`{"source":"somebody.else"}`))
	var line map[string]any
	if err := json.Unmarshal(log.Bytes(), &line); err != nil || out.Action != handler.Drop {
		t.Fatalf("the outcome is %+v, the log %q, %v", out, log, err)
	}
	if line["Function"] != "switchover" || line["msg"] != "dropped" {
		t.Errorf("the line is %v", line)
	}
}

const noDefault = `{
  "version": 1,
  "filters": [{
    "name": "no-default", "mode": "enforce", "home": {"account": "111122223333", "region": "eu-west-1"},
    "tables": ["tgw-rtb-0c000000000000001"], "rules": ["deny default-like"], "action": "alert"
  }]
}`

// TestOpenWithFiltersAlone: a home may have filters and no groups.
func TestOpenWithFiltersAlone(t *testing.T) {
	h, log, err := open(whole(), noDefault)
	if err != nil {
		t.Fatal(err)
	}
	if out := h.RouteFilter(context.Background(), []byte(`{"source":"somebody.else"}`)); out.Action != handler.Drop || log.Len() == 0 {
		t.Errorf("the outcome is %+v, the log %q", out, log)
	}
}

// TestDuties: each function works on what its role may write.
func TestDuties(t *testing.T) {
	groups, filters := []protection.Group{{Name: "g"}}, []filter.Filter{{Name: "f"}}
	for function, want := range map[string][2]int{"switchover": {1, 0}, "routefilter": {0, 1}, "sweep": {1, 1}, "failback-ask": {1, 0}, "failback-undo": {1, 0}} {
		g, f := Duties(function, groups, filters)
		if got := [2]int{len(g), len(f)}; got != want {
			t.Errorf("%s works on %v groups and filters, want %v", function, got, want)
		}
	}
}

// TestOpenTask: which task a function is for stands in its environment. It knows which
// groups are another home's.
func TestOpenTask(t *testing.T) {
	far := strings.Replace(strings.Replace(branch, `"branch"`, `"far"`, 1), `"region": "eu-west-1"`, `"region": "eu-west-3"`, 1)
	far = strings.NewReplacer("vpn-0b", "vpn-0d", "tgw-rtb-0c", "tgw-rtb-0d").Replace(far[strings.Index(far, "[{")+1 : strings.LastIndex(far, "]")])
	both := strings.Replace(branch, `"groups": [{`, `"groups": [`+far+`, {`, 1)
	env := whole()
	var log bytes.Buffer
	process := Process{
		Getenv: func(name string) string { return env[name] }, ReadFile: func(string) ([]byte, error) { return []byte(both), nil }, Log: &log,
	}
	for _, name := range []string{"", "sweep", "Precheck"} {
		env["DETOUR_TASK"] = name
		if _, _, err := OpenTask(process); err == nil || !strings.Contains(err.Error(), fmt.Sprintf("DETOUR_TASK is %q, which is no task of a failback; write one of [precheck ask advance verify undo close]", name)) {
			t.Errorf("%q: %v", name, err)
		}
	}
	env["DETOUR_TASK"] = "precheck"
	task, h, err := OpenTask(process)
	if err != nil || task != failback.Precheck {
		t.Fatalf("%s, %v", task, err)
	}
	// An input that is refused needs nothing of AWS, and shows that the parts fit.
	out := h.Failback(t.Context(), task, []byte(`{"task": "precheck", "state": {"execution": "run", "input": {"group": "far"}}}`))
	if _, err := out.Answer(); err == nil || !strings.Contains(err.Error(), `"far" has its home in account 111122223333 in eu-west-3`) {
		t.Errorf("the answer is %v", err)
	}
	if !strings.Contains(log.String(), `"msg":"failback"`) {
		t.Errorf("the log is %s", log.String())
	}
}

// asked is a queue that remembers its keys.
type asked struct{ keys []controller.Key }

func (a *asked) At(_ context.Context, key controller.Key, _ time.Time) error {
	a.keys = append(a.keys, key)
	return nil
}

func TestWakeUpsGoToTheQueueOfTheirKey(t *testing.T) {
	var groups, filters asked
	for _, key := range []controller.Key{"group#a", "filter#b", controller.KeyEverything, controller.KeyEveryFilter} {
		if err := (ByKey{&groups, &filters}).At(t.Context(), key, time.Time{}); err != nil {
			t.Error(err)
		}
	}
	if len(groups.keys) != 2 || len(filters.keys) != 2 || filters.keys[0] != "filter#b" || filters.keys[1] != controller.KeyEveryFilter {
		t.Errorf("the groups' queue got %v, the filters' %v", groups.keys, filters.keys)
	}
}

// TestOpenMasksSecrets: a line that repeats what came from outside shows no
// secret of the environment.
func TestOpenMasksSecrets(t *testing.T) {
	env := whole()
	h, log, err := open(env, branch)
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN", "DETOUR_EXTERNAL_ID"} {
		log.Reset()
		h.Switchover(context.Background(), []byte(`{"source":"`+env[name]+`"}`))
		if strings.Contains(log.String(), env[name]) || !strings.Contains(log.String(), "REDACTED") {
			t.Errorf("%s: the line is %s", name, log)
		}
	}
}

func TestOpenNeedsNoRole(t *testing.T) {
	env := whole()
	for _, name := range []string{"DETOUR_ROLE", "DETOUR_EXTERNAL_ID"} {
		delete(env, name)
	}
	if _, _, err := open(env, branch); err != nil {
		t.Error(err)
	}
}

func TestOpenSaysAllThatIsWrong(t *testing.T) {
	for name, c := range map[string]struct {
		change map[string]string
		config string
		want   []string
	}{
		"nothing is set": {
			map[string]string{"DETOUR_ACCOUNT": "", "AWS_REGION": "", "DETOUR_TABLE": "", "DETOUR_WAKE_QUEUE": ""},
			branch,
			[]string{"DETOUR_ACCOUNT is not set", "AWS_REGION is not set", "DETOUR_TABLE is not set", "DETOUR_WAKE_QUEUE is not set"},
		},
		"no account":              {map[string]string{"DETOUR_ACCOUNT": "11112222333"}, branch, []string{`DETOUR_ACCOUNT is "11112222333"`, "12 digits"}},
		"no URL":                  {map[string]string{"DETOUR_WAKE_QUEUE": "detour-wake"}, branch, []string{"DETOUR_WAKE_QUEUE is no URL"}},
		"a password in a URL":     {map[string]string{"AWS_ENDPOINT_URL": "http://me:planted-password@localhost"}, branch, []string{"AWS_ENDPOINT_URL is no URL"}},
		"no URL for filters":      {map[string]string{"DETOUR_FILTER_WAKE_QUEUE": "detour-wake-filter"}, branch, []string{"DETOUR_FILTER_WAKE_QUEUE is no URL"}},
		"no level":                {map[string]string{"DETOUR_LOG_LEVEL": "loud"}, branch, []string{`DETOUR_LOG_LEVEL is "loud"`, "debug"}},
		"a level without metrics": {map[string]string{"DETOUR_LOG_LEVEL": "warn"}, branch, []string{`DETOUR_LOG_LEVEL is "warn"`, "metrics"}},
		"no role":                 {map[string]string{"DETOUR_ROLE": "detour"}, branch, []string{"DETOUR_ROLE", `"detour"`}},
		"no credentials":          {map[string]string{"AWS_SECRET_ACCESS_KEY": ""}, branch, []string{"AWS_SECRET_ACCESS_KEY"}},
		"no configuration":        {map[string]string{"DETOUR_CONFIG": "/elsewhere.json"}, branch, []string{"/elsewhere.json", "DETOUR_CONFIG"}},
		"a broken one":            {nil, strings.Replace(branch, "enforce", "enforced", 1), []string{"/var/task/detour.json", "enforced"}},
		"another home's groups":   {map[string]string{"AWS_REGION": "eu-west-3"}, branch, []string{"no group or filter has its home in account 111122223333 in eu-west-3", "111122223333 in eu-west-1"}},
	} {
		t.Run(name, func(t *testing.T) {
			env := whole()
			maps.Copy(env, c.change)
			_, log, err := open(env, c.config)
			if err == nil {
				t.Fatal("it opened")
			}
			for _, want := range c.want {
				if !strings.Contains(err.Error(), want) {
					t.Errorf("nothing of %q in: %v", want, err)
				}
			}
			if strings.Contains(err.Error(), "planted") || log.Len() > 0 {
				t.Errorf("a secret in the error, or a log: %v\n%s", err, log)
			}
			if _, wrong := errors.AsType[config.Problems](err); name == "a broken one" && !wrong {
				t.Errorf("the configuration's problems are lost: %v", err)
			}
		})
	}
}
