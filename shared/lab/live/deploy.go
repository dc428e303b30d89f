package live

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"detour/shared/config"
	"detour/shared/lab/lambdahost"
	"detour/shared/lab/stack"
	"detour/shared/sim/sqsapi"
)

// home is an account and Region with functions of Detour in it, and what
// operators' tools must know of them.
type home struct {
	config.Home
	// functions are by the names that lines call them by, such as switchover.
	functions map[string]*function
	table     string
	// wakeURL is the queue for the wake-ups of groups, and wakes are all queues of
	// wake-ups.
	wakeURL string
	// machine is the ARN of the state machine of failbacks; empty: there is none.
	machine string
	wakes   []wakes
	// role and externalID are those of further accounts.
	role, externalID string
}

// wakes is a queue of wake-ups: the function that it feeds, and the URL of its
// dead-letter queue, empty if it has none.
type wakes struct{ function, url, dead string }

// function is one function that runs.
type function struct {
	stack.Function
	// label names it in lines and in the call log: by its name alone where there is
	// one home.
	label   string
	process *lambdahost.Function
	async   *async
}

// shortName is a function's name as lines and people call it.
func shortName(name string) string { return strings.TrimPrefix(name, functionPrefix) }

// deploy brings to life what the model describes.
func (s *Server) deploy(model *stack.Assembly) error {
	s.model = model
	s.queueURLs, s.byARN = map[string]string{}, map[string]*function{}
	for _, st := range model.Stacks {
		for _, table := range st.Tables {
			s.tables.Create(st.Account, st.Region, table.Name)
		}
		if err := s.makeQueues(st); err != nil {
			return err
		}
	}
	sites := 0
	for _, st := range model.Stacks {
		sites += min(len(st.Functions), 1)
	}
	for _, st := range model.Stacks {
		for _, f := range st.Functions {
			if err := s.launch(st.Site, f, sites > 1); err != nil {
				return fmt.Errorf("deploying to account %s in %s: %w", st.Account, st.Region, err)
			}
		}
	}
	for _, st := range model.Stacks {
		for _, m := range st.StateMachines {
			arn := s.workflows.Create(st.Account, st.Region, m.Name, m.Role, m.Definition)
			for _, h := range s.homes {
				if h.Home == config.Home(st.Site) {
					h.machine = arn
				}
			}
		}
		if err := s.connect(st); err != nil {
			return err
		}
	}
	if len(s.homes) == 0 {
		return errors.New("the template has no function of Detour, so nothing would run; make synth CONFIG=FILE writes one with controller stacks")
	}
	return nil
}

// makeQueues makes the queues of a stack, a dead-letter queue before those that
// move their messages to it.
func (s *Server) makeQueues(st stack.Stack) error {
	left := slices.Clone(st.Queues)
	for len(left) > 0 {
		var next []stack.Queue
		for _, q := range left {
			if _, made := s.queueURLs[q.DeadLetter]; q.DeadLetter != "" && !made {
				next = append(next, q)
				continue
			}
			s.queueURLs[q.ARN] = s.queues.Create(sqsapi.Queue{
				Account: st.Account, Region: st.Region, Name: q.Name, VisibilityTimeout: q.Visibility, MaxReceives: q.MaxReceives, DeadLetter: lastPart(q.DeadLetter),
			})
			if q.DeadLetter != "" {
				s.tellRedrives(q)
			}
		}
		if len(next) == len(left) {
			return fmt.Errorf("stack %s: %s (AWS::SQS::Queue): RedrivePolicy.deadLetterTargetArn is %q; a dead-letter queue is another queue of the same account and Region",
				st.Name, left[0].LogicalID, left[0].DeadLetter)
		}
		left = next
	}
	return nil
}

// tellRedrives has a line for each message that a queue gives up.
func (s *Server) tellRedrives(q stack.Queue) {
	name := lastPart(q.DeadLetter)
	s.queues.OnVisible(s.queueURLs[q.DeadLetter], func() {
		s.lines.tell(line{Kind: kindDeadLetter, Who: byAWS, What: "moves a message to " + name + ", received too often"})
		s.change.signal()
	})
}

// launch starts a function with the environment that its deployment gives it.
func (s *Server) launch(at stack.Site, model stack.Function, several bool) error {
	f := &function{Function: model, label: shortName(model.Name)}
	if several {
		f.label += "-" + at.Account + "-" + at.Region
	}
	env := maps.Clone(model.Environment)
	maps.Copy(env, map[string]string{
		"AWS_ENDPOINT_URL":      s.URL() + callersPath + f.label,
		"AWS_ACCESS_KEY_ID":     at.Account, // The simulated services take the account from it.
		"AWS_SECRET_ACCESS_KEY": "simulated-secret",
		"AWS_SESSION_TOKEN":     "simulated-session-token",
	})
	maps.Copy(env, s.opts.Env)
	file, root := s.code(model)
	environments := s.opts.Environments
	if model.Reserved > 0 {
		environments = model.Reserved
	}
	var err error
	f.process, err = lambdahost.Start(lambdahost.Options{
		Name: model.Name, Bootstrap: file, TaskRoot: root, Env: env,
		Account: at.Account, Region: at.Region, Timeout: model.Timeout, MemoryMB: model.MemoryMB, Environments: environments, Freeze: true,
		Clock: s.clock,
		Log: func(l lambdahost.Line) {
			s.lines.tell(line{Kind: kindLog, Who: f.label, What: l.Text, Data: asJSON([]byte(l.Text))})
		},
	})
	if err != nil {
		return fmt.Errorf("starting function %s: %w", model.Name, err)
	}
	aimed := target{
		name: shortName(model.Name), home: config.Home(at), host: f.process, now: s.keeper.Now,
		begins: func(in Invocation) { s.begins(f.label, in) }, ends: func(in Invocation) { s.ends(f.label, in) },
	}
	f.async = &async{target: aimed, keeper: s.keeper, retries: s.opts.RetryDelays, maxAge: stack.DefaultMaxAge, start: s.start, dead: s.bury}
	s.byARN[model.ARN] = f
	s.started = append(s.started, f) // Close closes what has started.
	if table := model.Environment["DETOUR_TABLE"]; table != "" {
		h := s.homeAt(at)
		h.functions[shortName(model.Name)] = f
		h.table, h.role, h.externalID = table, model.Environment["DETOUR_ROLE"], model.Environment["DETOUR_EXTERNAL_ID"]
	}
	return nil
}

// homeAt is the home at a site, made if need be.
func (s *Server) homeAt(at stack.Site) *home {
	for _, h := range s.homes {
		if h.Home == config.Home(at) {
			return h
		}
	}
	h := &home{Home: config.Home(at), functions: map[string]*function{}}
	s.homes = append(s.homes, h)
	return h
}

// code is the executable of a function and the folder that it runs in.
func (s *Server) code(model stack.Function) (file, root string) {
	own := bootstrap(s.opts.FunctionsDir, binaryOf(shortName(model.Name)))
	if s.opts.TemplateDir == "" {
		return own, filepath.Dir(own)
	}
	root = filepath.Join(s.opts.TemplateDir, filepath.FromSlash(model.Asset))
	if runsHere(model.Architecture) {
		return filepath.Join(root, "bootstrap"), root
	}
	return own, root
}

func bootstrap(folder, function string) string { return filepath.Join(folder, function, "bootstrap") }

// connect does what leads to the functions of a stack: queues, settings of
// asynchronous invocations, and rules.
func (s *Server) connect(st stack.Stack) error {
	for _, i := range st.InvokeConfigs {
		if f := s.byARN[i.Function]; f != nil {
			f.async.maxAge, f.async.onFailure = i.MaxAge, lastPart(i.OnFailure)
			f.async.retries = s.opts.RetryDelays[:min(i.Retries, len(s.opts.RetryDelays))]
		}
	}
	for _, m := range st.Mappings {
		f, queue := s.byARN[m.Function], s.queueOf(m.Queue)
		if f == nil || !m.Enabled {
			continue
		}
		if f.Timeout > queue.Visibility {
			return fmt.Errorf("stack %s: %s (AWS::Lambda::EventSourceMapping): EventSourceArn leads to queue %s with a visibility timeout of %s, shorter than the function's timeout of %s, which Lambda refuses",
				st.Name, m.LogicalID, queue.Name, queue.Visibility, f.Timeout)
		}
		url := s.queueURLs[m.Queue]
		feed := &mapping{
			target: f.async.target, url: url, queue: s.queues, keeper: s.keeper, visibility: queue.Visibility, source: queue.Name,
			batch: m.BatchSize, atOnce: m.Concurrency, partial: m.Partial, start: s.start, deleted: s.change.signal,
		}
		if feed.atOnce == 0 {
			feed.atOnce = unlimitedBatches
		}
		if !s.opts.Manual {
			s.queues.OnVisible(url, feed.poll)
		}
	}
	for _, h := range s.homes {
		if h.Home != config.Home(st.Site) {
			continue
		}
		for _, q := range st.Queues {
			if q.URL == h.wakeQueue() {
				h.wakeURL = s.queueURLs[q.ARN]
			}
		}
		for _, m := range st.Mappings {
			if f := s.byARN[m.Function]; f != nil {
				h.wakes = append(h.wakes, wakes{shortName(f.Name), s.queueURLs[m.Queue], s.queueURLs[s.queueOf(m.Queue).DeadLetter]})
			}
		}
	}
	return nil
}

// filterWakeURL is the queue for the wake-ups of filters; empty where there are none.
func (h *home) filterWakeURL() string {
	for _, w := range h.wakes {
		if w.function == RouteFilter {
			return w.url
		}
	}
	return ""
}

// wakeQueue is the URL that the home's functions for groups are given, or any where
// there are none.
func (h *home) wakeQueue() string {
	for _, name := range append([]string{Switchover}, slices.Sorted(maps.Keys(h.functions))...) {
		if f := h.functions[name]; f != nil && f.Environment["DETOUR_WAKE_QUEUE"] != "" {
			return f.Environment["DETOUR_WAKE_QUEUE"]
		}
	}
	return ""
}

// queueOf is the queue with that ARN.
func (s *Server) queueOf(arn string) stack.Queue {
	for _, st := range s.model.Stacks {
		for _, q := range st.Queues {
			if q.ARN == arn {
				return q
			}
		}
	}
	return stack.Queue{}
}

// functionNames are the names of the functions, sorted.
func (s *Server) functionNames() []string {
	var out []string
	for _, h := range s.homes {
		out = slices.AppendSeq(out, maps.Keys(h.functions))
	}
	slices.Sort(out)
	return slices.Compact(out)
}

// schedule starts the schedules: one with a period is due now, and then once in
// each period (EventBridge Scheduler User Guide, "Schedule types": a rate without
// a start date begins at once). The built-in deployment sweeps in this way.
func (s *Server) schedule() {
	for _, st := range s.model.Stacks {
		for _, one := range st.Schedules {
			f := s.byARN[one.Target]
			if f == nil || !one.Enabled {
				continue
			}
			var at func(due time.Time)
			at = func(due time.Time) {
				s.keeper.At(due, "schedule "+one.Name, func() {
					f.async.send(one.Input, CauseSchedule)
					if next, ok := one.Expression.Next(due); ok {
						at(next)
					}
				})
			}
			first, ok := s.keeper.Now(), true
			if one.Expression.Every == 0 {
				first, ok = one.Expression.Next(first)
			}
			if ok {
				at(first)
			}
		}
	}
}

// begins tells that a function is given something.
func (s *Server) begins(label string, in Invocation) {
	what := "is invoked by hand"
	switch in.Cause {
	case CauseEvent:
		what = "gets event " + describe(in.Payload)
		if data, err := unpackLogs(in.Payload); err == nil {
			what = "gets log " + describeLogs(data)
		}
	case CauseWakeUp:
		what = "gets wake-up " + describeBatch(in.Payload)
	case CauseWorkflow:
		what = "is invoked by the state machine" + describeTask(in.Payload)
	case CauseSchedule:
		what = "is invoked by the schedule"
		if string(in.Payload) != sweepEvent {
			what += ": " + compact(in.Payload)
		}
	}
	if in.Attempt > 1 {
		what += " (attempt " + strconv.Itoa(in.Attempt) + ")"
	}
	payload := in.Payload
	if in.Cause == CauseWorkflow {
		payload = withoutToken(payload)
	}
	s.lines.tell(line{Kind: kindInvocation, Who: label, What: what, Data: asJSON(payload)})
}

// ends keeps the end of an attempt, and tells of it.
func (s *Server) ends(label string, in Invocation) {
	s.mu.Lock()
	s.invocations = append(s.invocations, in)
	s.mu.Unlock()
	s.lines.tell(line{Kind: kindResult, Who: label, What: in.Text(), Data: in})
	s.change.signal()
}

// bury keeps what the dead-letter queue of a function or a rule gets. Without a
// queue it is lost, and only told.
func (s *Server) bury(letter DeadLetter) {
	if letter.Queue != "" {
		s.mu.Lock()
		s.dead = append(s.dead, letter)
		s.mu.Unlock()
	}
	s.lines.tell(line{Kind: kindDeadLetter, Who: byAWS, What: letter.Text(), Data: letter})
	s.change.signal()
}

// deadWakes are the messages in the dead-letter queues of the wake-ups.
func (h *home) deadWakes(queues *sqsapi.Handler) []DeadLetter {
	var out []DeadLetter
	for _, w := range h.wakes {
		if w.dead == "" {
			continue
		}
		for _, message := range queues.Waiting(w.dead) {
			out = append(out, DeadLetter{
				Queue: lastPart(w.dead), At: message.VisibleAt, Function: w.function, Home: h.Home, Condition: MaxReceives,
				Attempts: message.Receives, Body: message.Body,
			})
		}
	}
	return out
}

// closeFunctions ends the functions that have started.
func (s *Server) closeFunctions() error {
	var errs []error
	for _, f := range s.started {
		errs = append(errs, f.process.Close())
	}
	return errors.Join(errs...)
}

// sweep has every home swept, and waits for it. It is a synchronous invocation,
// which Lambda does not repeat.
func (s *Server) sweep(ctx context.Context) []Invocation {
	var out []Invocation
	for _, h := range s.homes {
		if f := h.functions[Sweep]; f != nil {
			in, _ := f.async.invoke(ctx, []byte(sweepEvent), CauseLab, 1)
			out = append(out, in)
		}
	}
	return out
}

// Invoke has the function of the first home handle a payload, as a person does
// with aws lambda invoke, and waits for the end.
func (s *Server) Invoke(ctx context.Context, name string, payload []byte) (Invocation, error) {
	if len(s.homes) == 0 || s.homes[0].functions[name] == nil {
		return Invocation{}, fmt.Errorf("function %q does not run; there are %s", name, strings.Join(s.functionNames(), ", "))
	}
	in, _ := s.homes[0].functions[name].async.invoke(ctx, payload, CauseLab, 1)
	return in, ctx.Err()
}
