package blueprint_test

import (
	"fmt"
	"maps"
	"os"
	"slices"
	"strings"
	"testing"

	"detour/shared/blueprint"
	"detour/shared/config"
	"detour/shared/config/source"
)

// example reads an example of the documentation.
func example(t *testing.T, name string) config.Config {
	t.Helper()
	data, err := os.ReadFile("../../docs/examples/" + name + ".yaml")
	if err != nil {
		t.Fatal(err)
	}
	return read(t, string(data))
}

func read(t *testing.T, yaml string) config.Config {
	t.Helper()
	c, err := source.Read([]byte(yaml), "test.yaml")
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func blueprintOf(t *testing.T, c config.Config) blueprint.Blueprint {
	t.Helper()
	b, err := blueprint.New(c, blueprint.Options{})
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// policy writes statements as the expectations do: the Sid, and indented below it
// the actions, the resources, and what must hold.
func policy(statements []blueprint.Statement) string {
	var out strings.Builder
	for _, s := range statements {
		out.WriteString(s.Sid + "\n")
		for _, line := range slices.Concat(s.Actions, s.Resources) {
			out.WriteString("  " + line + "\n")
		}
		for _, operator := range slices.Sorted(maps.Keys(s.Conditions)) {
			for _, key := range slices.Sorted(maps.Keys(s.Conditions[operator])) {
				fmt.Fprintf(&out, "  if %s %s %s\n", operator, key, strings.Join(s.Conditions[operator][key], " "))
			}
		}
	}
	return out.String()
}

// overview writes everything of a Blueprint but policies.
func overview(b blueprint.Blueprint) string {
	var out strings.Builder
	tunnels := func(of []blueprint.Tunnel) {
		for _, t := range of {
			fmt.Fprintf(&out, "  tunnels of %s for %s/%s, needs %d\n", t.VPN, t.Group, t.Path, t.MinTunnels)
		}
	}
	for _, h := range b.Homes {
		fmt.Fprintf(&out, "home %s: %s; observe %d, enforce %d\n", h, strings.Join(h.Groups, " "), h.Modes["observe"], h.Modes["enforce"])
		if len(h.Filters) > 0 {
			fmt.Fprintf(&out, "  filters %s; observe %d, enforce %d\n", strings.Join(h.Filters, " "), h.FilterModes["observe"], h.FilterModes["enforce"])
			fmt.Fprintf(&out, "  rules for filters %s\n", strings.Join(h.FilterPatterns, " "))
		}
		for _, group := range h.LogGroups {
			fmt.Fprintf(&out, "  log group %s\n", group)
		}
		fmt.Fprintf(&out, "  rules %s\n", strings.Join(h.Patterns, " "))
		if len(h.From) > 0 {
			fmt.Fprintf(&out, "  from %s\n", strings.Join(h.From, " "))
		}
		tunnels(h.Tunnels)
		for _, w := range h.Wakes {
			fmt.Fprintf(&out, "  wake-ups in %s, then %s, for %s\n", w.Queue, w.Dead, w.Function)
		}
		for _, s := range h.Schedules {
			fmt.Fprintf(&out, "  schedule %s %s %s %s\n", s.Name, s.Expression, s.Function, s.Input)
		}
		for _, f := range h.Functions {
			fmt.Fprintf(&out, "  function %s as %s: %s, %d MB, %d retries for %s\n", f.Name, f.Role, f.Timeout, f.MemoryMB, f.Retries, f.MaxAge)
			for _, name := range slices.Sorted(maps.Keys(f.Environment)) {
				fmt.Fprintf(&out, "    %s=%s\n", name, f.Environment[name])
			}
			for _, name := range slices.Sorted(maps.Keys(f.Queues)) {
				fmt.Fprintf(&out, "    %s is the URL of %s\n", name, f.Queues[name])
			}
		}
		workflow(&out, h.Failback)
	}
	for _, f := range b.Forwards {
		fmt.Fprintf(&out, "forward %s\n", f)
		tunnels(f.Tunnels)
		for _, r := range f.Rules {
			own := ""
			if r.OwnOnly {
				own = ", own events only"
			}
			fmt.Fprintf(&out, "  %s to %s%s\n", r.Pattern, join(r.Homes), own)
		}
	}
	for _, a := range b.Access {
		fmt.Fprintf(&out, "access %s for %s: %s, %s, trusts %s\n", a.Account, a.Home, a.Role, a.ExternalID, a.Trust())
		for _, p := range a.Principals {
			fmt.Fprintf(&out, "  only %s\n", p)
		}
	}
	return out.String()
}

// workflow writes the workflow of a home: what its tasks have in common with TASK in
// the place of the task's name, and then their names.
func workflow(out *strings.Builder, f *blueprint.Failback) {
	if f == nil {
		return
	}
	fmt.Fprintf(out, "  failback %s as %s, logs to %s\n", f.StateMachine, f.Role, f.LogGroup)
	var texts []string
	names := map[string]string{}
	for _, t := range f.Tasks {
		text := fmt.Sprintf("%s of %s as %s: %s, %d MB", t.Name, t.Binary, t.Role, t.Timeout, t.MemoryMB)
		if role := t.Environment["DETOUR_ROLE"]; role != "" {
			text += ", " + role
		}
		text = strings.ReplaceAll(text+"; wakes "+t.Queues[blueprint.VariableWake], "-"+t.Task, "-TASK")
		if names[text] == "" {
			texts = append(texts, text)
		}
		names[text] += " " + t.Task
	}
	for _, text := range texts {
		fmt.Fprintf(out, "    %s:%s\n", text, names[text])
	}
}

func join(sites []blueprint.Site) string {
	out := make([]string, len(sites))
	for i, s := range sites {
		out[i] = s.String()
	}
	return strings.Join(out, " ")
}

func same(t *testing.T, what, got, want string) {
	t.Helper()
	want = strings.TrimPrefix(want, "\n")
	if got == want {
		return
	}
	a, b := strings.Split(got, "\n"), strings.Split(want, "\n")
	for i := range max(len(a), len(b)) {
		if i >= len(a) || i >= len(b) || a[i] != b[i] {
			t.Errorf("%s differs in line %d; got\n%s", what, i+1, got)
			return
		}
	}
}

// samePolicy compares the policy of a function of the first home with a text in which
// NAME stands for the function.
func samePolicy(t *testing.T, b blueprint.Blueprint, name, want string) {
	t.Helper()
	same(t, "the policy of "+name, policy(function(t, b, 0, name)), strings.ReplaceAll(want, "NAME", name))
}

// function returns a function's policy.
func function(t *testing.T, b blueprint.Blueprint, home int, name string) []blueprint.Statement {
	t.Helper()
	for _, f := range b.Homes[home].Functions {
		if f.Name == name {
			return f.Statements
		}
	}
	if f := b.Homes[home].Failback; f != nil {
		for _, task := range f.Tasks {
			if task.Name == name {
				return task.Statements
			}
		}
	}
	t.Fatalf("%s has no function %s", b.Homes[home], name)
	return nil
}
