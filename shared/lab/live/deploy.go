package live

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"detour/shared/config"
	"detour/shared/lab"
	"detour/shared/lab/lambdahost"
	"detour/shared/sim/sqsapi"
)

// What a deployment's functions are given. The table, the queue and the role are
// named alike in every home.
const (
	recordTable  = "detour"
	roleTemplate = "arn:aws:iam::{account}:role/detour"
	externalID   = "detour-lab"
	memoryMB     = 256
	// environments is how many invocations of a function run at the same time,
	// unless Options say otherwise.
	environments = 4
)

// functionNames are the functions of a deployment, sorted.
func functionNames() []string { return []string{Sweep, Switchover} }

// home is one deployment of Detour: the account and Region that the groups have
// their home in, with their functions and queues.
type home struct {
	config.Home
	functions map[string]*function
	mapping   *mapping
	wakeURL   string
	deadURL   string
}

// function is one function of a home.
type function struct {
	label   string
	process *lambdahost.Function
	async   *async
}

// deploy makes the homes of the configured groups.
func (s *Server) deploy() error {
	for _, name := range functionNames() {
		if _, err := os.Stat(bootstrap(s.opts.FunctionsDir, name)); err != nil {
			return fmt.Errorf("function %s: %w; run make build, which builds the functions, or name their folder with --functions-dir", name, err)
		}
	}
	if len(s.opts.File.Config.GroupList) == 0 {
		return fmt.Errorf("topology %s: it has no groups, so there is nothing for the functions to do; add groups, or leave --functions out", s.opts.File.Name)
	}
	text, err := s.opts.File.Config.JSON()
	if err != nil {
		return err
	}
	if s.folder, err = os.MkdirTemp("", "detour-lab-"); err != nil {
		return fmt.Errorf("making a folder for the configuration: %w", err)
	}
	file := filepath.Join(s.folder, "detour.json")
	if err := os.WriteFile(file, text, 0o600); err != nil {
		return fmt.Errorf("writing the configuration: %w", err)
	}
	var at []config.Home
	for _, group := range s.opts.File.Config.GroupList {
		if !slices.Contains(at, group.Home) {
			at = append(at, group.Home)
		}
	}
	for _, where := range at {
		h := &home{Home: where, functions: map[string]*function{}}
		s.homes = append(s.homes, h) // Close closes what has started.
		if err := s.furnish(h, file, len(at) > 1); err != nil {
			return fmt.Errorf("deploying to account %s in %s: %w", where.Account, where.Region, err)
		}
	}
	return nil
}

func bootstrap(folder, function string) string { return filepath.Join(folder, function, "bootstrap") }

// furnish makes a home's table, queues and functions, and connects them.
func (s *Server) furnish(h *home, configuration string, several bool) error {
	s.tables.Create(h.Account, h.Region, recordTable)
	h.deadURL = s.queues.Create(sqsapi.Queue{Account: h.Account, Region: h.Region, Name: WakeDeadQueue})
	h.wakeURL = s.queues.Create(sqsapi.Queue{
		Account: h.Account, Region: h.Region, Name: WakeQueue,
		VisibilityTimeout: s.opts.Visibility, MaxReceives: lab.WakeReceives, DeadLetter: WakeDeadQueue,
	})
	for _, name := range functionNames() {
		f := &function{label: name}
		if several {
			f.label = name + "-" + h.Account + "-" + h.Region
		}
		var err error
		f.process, err = s.launch(h, f.label, name, configuration)
		if err != nil {
			return err
		}
		aimed := target{
			name: name, home: h.Home, host: f.process, now: s.keeper.Now,
			begins: func(in Invocation) { s.begins(f.label, in) }, ends: func(in Invocation) { s.ends(f.label, in) },
		}
		f.async = &async{target: aimed, keeper: s.keeper, retries: s.opts.RetryDelays, start: s.start, dead: s.bury}
		h.functions[name] = f
	}
	h.mapping = &mapping{
		target: h.functions[Switchover].async.target, url: h.wakeURL, queue: s.queues, keeper: s.keeper, visibility: s.opts.Visibility,
		start: s.start, deleted: s.change.signal,
	}
	if !s.opts.Manual {
		s.queues.OnVisible(h.wakeURL, h.mapping.poll)
	}
	s.queues.OnVisible(h.deadURL, func() {
		s.lines.tell(line{Kind: kindDeadLetter, Who: byAWS, What: "moves a message to " + WakeDeadQueue + ", received too often"})
		s.change.signal()
	})
	return nil
}

// launch starts a function with the environment that its deployment gives it.
func (s *Server) launch(h *home, label, name, configuration string) (*lambdahost.Function, error) {
	env := map[string]string{
		"DETOUR_CONFIG":         configuration,
		"DETOUR_ACCOUNT":        h.Account,
		"DETOUR_TABLE":          recordTable,
		"DETOUR_WAKE_QUEUE":     h.wakeURL,
		"DETOUR_EVENT_BUS":      "default",
		"DETOUR_ROLE":           roleTemplate,
		"DETOUR_EXTERNAL_ID":    externalID,
		"AWS_ENDPOINT_URL":      s.URL() + callersPath + label,
		"AWS_ACCESS_KEY_ID":     h.Account, // The simulated services take the account from it.
		"AWS_SECRET_ACCESS_KEY": "simulated-secret",
		"AWS_SESSION_TOKEN":     "simulated-session-token",
	}
	maps.Copy(env, s.opts.Env)
	file := bootstrap(s.opts.FunctionsDir, name)
	process, err := lambdahost.Start(lambdahost.Options{
		Name: label, Bootstrap: file, TaskRoot: filepath.Dir(file), Env: env,
		Account: h.Account, Region: h.Region, Timeout: s.opts.Visibility, MemoryMB: memoryMB, Environments: s.opts.Environments, Freeze: true,
		Clock: s.clock,
		Log: func(l lambdahost.Line) {
			s.lines.tell(line{Kind: kindLog, Who: label, What: l.Text, Data: asJSON([]byte(l.Text))})
		},
	})
	if err != nil {
		return nil, fmt.Errorf("starting function %s: %w", name, err)
	}
	return process, nil
}

// schedule has every home swept now, and then once in each period. EventBridge
// Scheduler would begin within the first period.
func (s *Server) schedule() {
	period := time.Duration(s.opts.File.Config.Timers.SweepPeriod)
	var at func(due time.Time)
	at = func(due time.Time) {
		s.keeper.At(due, "schedule", func() {
			for _, h := range s.homes {
				h.functions[Sweep].async.send([]byte(sweepEvent), CauseSchedule)
			}
			at(due.Add(period))
		})
	}
	at(s.keeper.Now())
}

// begins tells that a function is given something.
func (s *Server) begins(label string, in Invocation) {
	what := "is invoked by hand"
	switch in.Cause {
	case CauseEvent:
		what = "gets event " + describe(in.Payload)
	case CauseWakeUp:
		what = "gets wake-up " + describeBatch(in.Payload)
	case CauseSchedule:
		what = "is invoked by the schedule"
	}
	if in.Attempt > 1 {
		what += " (attempt " + strconv.Itoa(in.Attempt) + ")"
	}
	s.lines.tell(line{Kind: kindInvocation, Who: label, What: what, Data: asJSON(in.Payload)})
}

// ends keeps the end of an attempt, and tells of it.
func (s *Server) ends(label string, in Invocation) {
	s.mu.Lock()
	s.invocations = append(s.invocations, in)
	s.mu.Unlock()
	s.lines.tell(line{Kind: kindResult, Who: label, What: in.Text(), Data: in})
	s.change.signal()
}

// bury keeps what the on-failure destination gets.
func (s *Server) bury(letter DeadLetter) {
	s.mu.Lock()
	s.dead = append(s.dead, letter)
	s.mu.Unlock()
	s.lines.tell(line{Kind: kindDeadLetter, Who: byAWS, What: letter.Text(), Data: letter})
	s.change.signal()
}

// deadWakes are the messages in the dead-letter queue of the wake-ups.
func (h *home) deadWakes(queues *sqsapi.Handler) []DeadLetter {
	var out []DeadLetter
	if h.deadURL == "" {
		return nil
	}
	for _, message := range queues.Waiting(h.deadURL) {
		out = append(out, DeadLetter{
			Queue: WakeDeadQueue, At: message.VisibleAt, Function: Switchover, Home: h.Home, Condition: MaxReceives,
			Attempts: message.Receives, Body: message.Body,
		})
	}
	return out
}

// close ends the functions of a home.
func (h *home) close() error {
	var errs []error
	for _, name := range functionNames() {
		if f := h.functions[name]; f != nil {
			errs = append(errs, f.process.Close())
		}
	}
	return errors.Join(errs...)
}

// sweep has every home swept, and waits for it. It is a synchronous invocation,
// which Lambda does not repeat.
func (s *Server) sweep(ctx context.Context) []Invocation {
	var out []Invocation
	for _, h := range s.homes {
		in, _ := h.functions[Sweep].async.invoke(ctx, []byte(sweepEvent), CauseLab, 1)
		out = append(out, in)
	}
	return out
}

// Invoke has the function of the first home handle a payload, as a person does
// with aws lambda invoke, and waits for the end.
func (s *Server) Invoke(ctx context.Context, name string, payload []byte) (Invocation, error) {
	if len(s.homes) == 0 || s.homes[0].functions[name] == nil {
		return Invocation{}, fmt.Errorf("function %q does not run; there are %s", name, strings.Join(functionNames(), ", "))
	}
	in, _ := s.homes[0].functions[name].async.invoke(ctx, payload, CauseLab, 1)
	return in, ctx.Err()
}
