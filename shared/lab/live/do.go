package live

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"detour/shared/lab"
)

// Answer is what an action came to. Its JSON is for programs.
type Answer interface {
	// Text is the answer for a person, without a line break at its end.
	Text() string
}

// done is the answer of an action that only does something.
type done struct {
	What string `json:"what"`
}

// Text implements Answer.
func (d done) Text() string { return d.What }

// order is an action with what it was given.
type order struct {
	action  action
	args    []string
	options map[string]string
}

// action is one thing that Do does.
type action struct {
	name string
	// args names the arguments; one in brackets may be left out.
	args []string
	// options take a value; switches do not.
	options  []string
	switches []string
	short    string
	run      func(s *Server, ctx context.Context, o order) (Answer, error)
}

func (a action) usage() string {
	parts := append([]string{a.name}, a.args...)
	for _, option := range a.options {
		parts = append(parts, "[--"+option+" "+strings.ToUpper(option)+"]")
	}
	for _, option := range a.switches {
		parts = append(parts, "[--"+option+"]")
	}
	return strings.Join(parts, " ")
}

// actions are all that Do can do, in the order of the help.
func actions() []action {
	return slices.Concat(networkActions(), edgeActions(), detourActions(), failbackActions())
}

// networkActions act on the network, or show it.
func networkActions() []action {
	return []action{
		{name: "tunnel-down", args: []string{"VPN", "[OUTSIDE-IP]"}, short: "make a tunnel truly fail, or all of the connection's", run: tunnelAction(false)},
		{name: "tunnel-up", args: []string{"VPN", "[OUTSIDE-IP]"}, short: "mend it", run: tunnelAction(true)},
		{name: "write", args: []string{"TABLE", "DESTINATION", "TARGET"}, options: []string{"by"}, short: "write a route, as somebody else does", run: (*Server).writeRoute},
		{name: "remove", args: []string{"TABLE", "DESTINATION"}, options: []string{"by"}, short: "remove a static route, as somebody else does", run: (*Server).removeRoute},
		{name: "attachment-state", args: []string{"ATTACHMENT", "STATE"}, short: "give an attachment a state of the EC2 API", run: (*Server).attachmentState},
		{name: "telemetry-freeze", args: []string{"VPN", "on|off"}, short: "keep DescribeVpnConnections from following the truth", run: (*Server).telemetryFreeze},
		{name: "events", args: []string{"lose|double|deliver"}, short: "lose every event from here on, deliver each twice, or once", run: (*Server).setDelivery},
		{name: "reach", args: []string{"FROM", "TO"}, short: "ask whether one host reaches another, and by which way", run: (*Server).reach},
		{name: "matrix", short: "ask it for every pair of hosts", run: (*Server).matrix},
		{name: "tables", short: "show all route tables", run: (*Server).showTables},
		{name: "calls", args: []string{"[N]"}, switches: []string{"writes"}, short: "show the newest calls of the EC2 API (20)", run: (*Server).showCalls},
		{name: "status", short: "show the tunnels: the truth, what AWS has noticed, what it shows", run: (*Server).status},
	}
}

// detourActions act on Detour, or show it. They need functions.
func detourActions() []action {
	return []action{
		{name: "sweep", short: "have every group looked at, and wait for it", run: needFunctions((*Server).sweepAction)},
		{name: "kill", args: []string{"FUNCTION"}, short: "kill a function in the middle of its work", run: needFunctions((*Server).kill)},
		{
			name: "request", args: []string{"GROUP", "KIND", "[PATH]"}, options: []string{"id", "extent", "why"}, switches: []string{"ignore-health", "immediate", "unproven"},
			short: "make an operator's request: freeze, lockout, forced-switch, manual-switch, manual-switch-to-working, release, adopt", run: needFunctions((*Server).request),
		},
		{name: "clear", args: []string{"GROUP", "ID"}, short: "clear a standing request; all freeze ends the freeze of all groups", run: needFunctions((*Server).clearRequest)},
		{name: "journal", args: []string{"GROUP", "[N]"}, short: "show a group's newest decisions (20)", run: needFunctions((*Server).journal)},
		{name: "dead-letters", short: "show what was given up", run: needFunctions((*Server).deadLetters)},
	}
}

// Usage has a line for each action: how it is written, and what it does.
func Usage() string {
	var out strings.Builder
	for _, a := range actions() {
		fmt.Fprintf(&out, "  %s\n      %s\n", a.usage(), a.short)
	}
	return strings.TrimRight(out.String(), "\n")
}

// Do does one action, as detour lab do does. args are its arguments and options
// in any order, an option as --name VALUE or --name=VALUE. The answer implements
// Answer; an error names what is wrong and what there is.
func (s *Server) Do(ctx context.Context, name string, args ...string) (any, error) {
	all := actions()
	i := slices.IndexFunc(all, func(a action) bool { return a.name == name })
	if i < 0 {
		var names []string
		for _, a := range all {
			names = append(names, a.name)
		}
		return nil, fmt.Errorf("there is no action %q; %s", name, lab.Nearest(name, names))
	}
	o, err := parse(all[i], args)
	if err != nil {
		return nil, err
	}
	answer, err := o.action.run(s, ctx, o)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	return answer, nil
}

// parse takes the arguments of an action apart.
func parse(a action, args []string) (order, error) {
	o := order{action: a, options: map[string]string{}}
	for i := 0; i < len(args); i++ {
		name, isOption := strings.CutPrefix(args[i], "--")
		if !isOption {
			o.args = append(o.args, args[i])
			continue
		}
		name, value, given := strings.Cut(name, "=")
		switch {
		case slices.Contains(a.switches, name) && !given:
			value = "true"
		case slices.Contains(a.switches, name):
			return o, fmt.Errorf("%s: --%s is a switch and takes no value; write it alone", a.name, name)
		case !slices.Contains(a.options, name):
			return o, fmt.Errorf("%s: there is no option --%s; the usage is: %s", a.name, name, a.usage())
		case !given && i+1 == len(args):
			return o, fmt.Errorf("%s: --%s has no value; the usage is: %s", a.name, name, a.usage())
		case !given:
			i++
			value = args[i]
		}
		o.options[name] = value
	}
	needed := 0
	for _, arg := range a.args {
		if !strings.HasPrefix(arg, "[") {
			needed++
		}
	}
	switch {
	case len(o.args) < needed:
		return o, fmt.Errorf("%s: %s is missing; the usage is: %s", a.name, a.args[len(o.args)], a.usage())
	case len(o.args) > len(a.args):
		return o, fmt.Errorf("%s: %q is one argument too many; the usage is: %s", a.name, o.args[len(a.args)], a.usage())
	}
	return o, nil
}

// arg returns an argument, or nothing if it was left out.
func (o order) arg(i int) string {
	if i < len(o.args) {
		return o.args[i]
	}
	return ""
}

// needFunctions refuses an action that asks Detour for something where no
// function runs.
func needFunctions(run func(*Server, context.Context, order) (Answer, error)) func(*Server, context.Context, order) (Answer, error) {
	return func(s *Server, ctx context.Context, o order) (Answer, error) {
		if len(s.homes) == 0 {
			return nil, fmt.Errorf("no function runs here; start detour lab serve with --functions")
		}
		return run(s, ctx, o)
	}
}

// choose refuses a value that is none of the known ones.
func choose(kind, value string, known []string) error {
	if slices.Contains(known, value) {
		return nil
	}
	return fmt.Errorf("there is no %s %q; %s", kind, value, lab.Nearest(value, known))
}
