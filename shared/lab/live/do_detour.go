package live

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"detour/shared/adapter/awsclient"
	"detour/shared/adapter/awsdynamo"
	"detour/shared/adapter/awswake"
	"detour/shared/config"
	"detour/shared/controller"
	"detour/shared/protection"
)

// everyGroup stands for all groups in a freeze, a release, and the clearing of a
// freeze.
const everyGroup = "all"

// Swept is the answer of sweep: one invocation for each home.
type Swept []Invocation

// Text implements Answer.
func (sw Swept) Text() string {
	lines := make([]string, 0, len(sw))
	for _, in := range sw {
		lines = append(lines, fmt.Sprintf("sweep of %s in %s: %s", in.Home.Account, in.Home.Region, in.Text()))
	}
	return strings.Join(lines, "\n")
}

func (s *Server) sweepAction(ctx context.Context, _ order) (Answer, error) {
	out := s.sweep(ctx)
	return Swept(out), ctx.Err()
}

func (s *Server) kill(_ context.Context, o order) (Answer, error) {
	if err := choose("function", o.arg(0), s.functionNames()); err != nil {
		return nil, err
	}
	killed := 0
	for _, h := range s.homes {
		if f := h.functions[o.arg(0)]; f != nil {
			killed += f.process.Kill()
		}
	}
	text := fmt.Sprintf("environments of %s killed: %d", o.arg(0), killed)
	s.lines.tell(line{Kind: kindAction, Who: "lab", What: text})
	return done{text}, nil
}

// Letters is the answer of dead-letters.
type Letters []DeadLetter

// Text implements Answer.
func (l Letters) Text() string {
	if len(l) == 0 {
		return "there are no dead letters"
	}
	lines := make([]string, 0, len(l))
	for _, letter := range l {
		lines = append(lines, letter.At.UTC().Format("15:04:05.000")+"  "+letter.Text())
	}
	return strings.Join(lines, "\n")
}

func (s *Server) deadLetters(context.Context, order) (Answer, error) {
	return append(Letters{}, s.DeadLetters()...), nil
}

// group finds a group of the configuration.
func (s *Server) group(name string, also ...string) (config.Group, error) {
	var known []string
	for _, g := range s.opts.File.Config.GroupList {
		if g.Name == name {
			return g, nil
		}
		known = append(known, g.Name)
	}
	return config.Group{}, choose("group", name, append(known, also...))
}

// store is the record store of a home, and the queue of its wake-ups, as the
// operator's tools reach them: through the same adapters as the functions, under
// the operator's name.
func (s *Server) store(at config.Home) (*awsdynamo.Store, *awswake.Queue, error) {
	i := slices.IndexFunc(s.homes, func(h *home) bool { return h.Home == at })
	if i < 0 {
		return nil, nil, fmt.Errorf("account %s in %s is no home of a group", at.Account, at.Region)
	}
	settings := controller.SettingsFrom(s.opts.File.Config)
	clients, err := awsclient.New(awsclient.Options{
		Doer:        awsclient.NewHTTPClient(awsclient.HTTPOptions{}),
		HomeAccount: at.Account, HomeCredentials: awsclient.StaticCredentials(at.Account, "simulated-secret"),
		BaseEndpoint: s.URL() + callersPath + operatorName,
	})
	if err != nil {
		return nil, nil, err
	}
	aws, err := clients.Config(at.Account, at.Region)
	if err != nil {
		return nil, nil, err
	}
	records, err := awsdynamo.New(aws, awsdynamo.Options{
		Table: s.homes[i].table, Clock: s.clock, Lease: settings.Lease, Skew: settings.Skew, CallTimeout: settings.CallTimeout,
	})
	if err != nil {
		return nil, nil, err
	}
	return records, awswake.New(aws, awswake.Options{QueueURL: s.homes[i].wakeURL, Clock: s.clock, CallTimeout: settings.CallTimeout}), nil
}

// kinds are the kinds of request.
func kinds() []string {
	return []string{
		string(protection.Freeze), string(protection.Lockout), string(protection.ForcedSwitch),
		string(protection.ManualSwitch), string(protection.ManualSwitchToWorking), string(protection.Release), string(protection.AdoptAnew),
	}
}

// request makes an operator's request, and wakes the group.
func (s *Server) request(ctx context.Context, o order) (Answer, error) {
	if err := choose("kind of request", o.arg(1), kinds()); err != nil {
		return nil, err
	}
	made, err := s.read(o)
	if err != nil {
		return nil, err
	}
	if o.arg(0) == everyGroup {
		change := controller.ControlChange{ReleasedAt: &made.At}
		if made.Kind == protection.Freeze {
			change = controller.ControlChange{Freeze: &protection.FreezeState{On: true, Immediate: made.Immediate}}
		}
		return s.changeControl(ctx, change, fmt.Sprintf("%s of all groups", made.Kind))
	}
	group, err := s.group(o.arg(0))
	if err != nil {
		return nil, err
	}
	if made.ID == "" {
		s.mu.Lock()
		s.requests++
		made.ID = "request-" + strconv.Itoa(s.requests)
		s.mu.Unlock()
	}
	towards := " to "
	if made.Kind == protection.Lockout {
		towards = ", path " // It is the path that is taken out of use.
	}
	text := fmt.Sprintf("request %s: %s of group %s%s", made.ID, made.Kind, group.Name, leading(towards, made.Path))
	return s.ask(ctx, group, text, func(records *awsdynamo.Store, key controller.Key) error { return records.Request(ctx, key, made) })
}

// read makes a request of what the operator wrote.
func (s *Server) read(o order) (protection.Request, error) {
	made := protection.Request{
		Kind: protection.RequestKind(o.arg(1)), Path: o.arg(2), IgnoreHealth: o.options["ignore-health"] != "",
		Immediate: o.options["immediate"] != "", Unproven: o.options["unproven"] != "", At: s.clock.Now(), By: "operator", Why: o.options["why"], ID: o.options["id"],
	}
	forAll := made.Kind == protection.Freeze || made.Kind == protection.Release
	if o.arg(0) == everyGroup && !forAll {
		return made, fmt.Errorf("a %s is of one group; name it", made.Kind)
	}
	group, err := s.group(o.arg(0), everyGroup)
	if err != nil && o.arg(0) != everyGroup {
		return made, err
	}
	if made.Extent, err = extentOf(o.options["extent"], made.Kind, group); err != nil {
		return made, err
	}
	return made, agrees(made, group)
}

// agrees refuses what has no effect with the kind of the request, and a path that
// the group does not have.
func agrees(made protection.Request, group config.Group) error {
	switches := slices.Contains([]protection.RequestKind{protection.ForcedSwitch, protection.ManualSwitch, protection.ManualSwitchToWorking}, made.Kind)
	takesPath := made.Kind == protection.Lockout || switches && made.Kind != protection.ManualSwitchToWorking
	switch {
	case made.IgnoreHealth && made.Kind != protection.ForcedSwitch:
		return fmt.Errorf("--ignore-health has no effect with %s; leave it out", made.Kind)
	case made.Immediate && made.Kind != protection.Freeze:
		return fmt.Errorf("--immediate has no effect with %s; leave it out", made.Kind)
	case made.Unproven && !switches:
		return fmt.Errorf("--unproven has no effect with %s; leave it out", made.Kind)
	case takesPath && made.Path == "":
		return fmt.Errorf("PATH is missing: a %s names a path of group %s", made.Kind, group.Name)
	case takesPath:
		var paths []string
		for _, p := range group.Paths {
			paths = append(paths, p.Name)
		}
		return choose("path of group "+group.Name, made.Path, paths)
	case made.Path != "":
		return fmt.Errorf("path %q has no effect with %s; leave it out", made.Path, made.Kind)
	default:
		return nil
	}
}

// extentOf reads how many units a manual switch moves; 0 stands for all.
func extentOf(text string, kind protection.RequestKind, group config.Group) (int, error) {
	if text == "" {
		return 0, nil
	}
	extent, err := strconv.Atoi(text)
	if err != nil || extent < 1 || extent > len(group.Units) || kind != protection.ManualSwitch && kind != protection.ManualSwitchToWorking {
		return 0, fmt.Errorf("--extent is %q; write how many of the %d units of the group a manual switch moves, or leave it out for all", text, len(group.Units))
	}
	return extent, nil
}

func (s *Server) clearRequest(ctx context.Context, o order) (Answer, error) {
	if o.arg(0) == everyGroup {
		if err := choose("request of all groups", o.arg(1), []string{string(protection.Freeze)}); err != nil {
			return nil, err
		}
		return s.changeControl(ctx, controller.ControlChange{Freeze: &protection.FreezeState{}}, "the freeze of all groups is over")
	}
	group, err := s.group(o.arg(0), everyGroup)
	if err != nil {
		return nil, err
	}
	if err := s.stands(ctx, group, o.arg(1)); err != nil {
		return nil, err
	}
	text := fmt.Sprintf("request %s of group %s is cleared", o.arg(1), group.Name)
	return s.ask(ctx, group, text, func(records *awsdynamo.Store, key controller.Key) error { return records.Clear(ctx, key, o.arg(1)) })
}

// stands refuses the id of a request that does not stand: a lockout must not stay
// because of a slip of the pen.
func (s *Server) stands(ctx context.Context, group config.Group, id string) error {
	records, _, err := s.store(group.Home)
	if err != nil {
		return err
	}
	items, _, err := records.Peek(ctx, []controller.Key{controller.GroupKey(group.Name)})
	if err != nil {
		return err
	}
	var ids []string
	for _, r := range items[0].Requests {
		ids = append(ids, r.ID)
	}
	if len(ids) == 0 {
		return fmt.Errorf("no request of group %s stands, so there is no %q to clear", group.Name, id)
	}
	return choose("request of group "+group.Name, id, ids)
}

// ask changes a group's requests and wakes it.
func (s *Server) ask(ctx context.Context, group config.Group, text string, change func(*awsdynamo.Store, controller.Key) error) (Answer, error) {
	records, wake, err := s.store(group.Home)
	if err != nil {
		return nil, err
	}
	key := controller.GroupKey(group.Name)
	if err := change(records, key); err != nil {
		return nil, err
	}
	s.lines.tell(line{Kind: kindAction, Who: "operator", What: text})
	if err := wake.At(ctx, key, s.clock.Now()); err != nil {
		return nil, fmt.Errorf("%s, but the group is not woken (the next sweep finds it): %w", text, err)
	}
	return done{text}, nil
}

// changeControl changes the control item of every home, and wakes all groups.
func (s *Server) changeControl(ctx context.Context, change controller.ControlChange, text string) (Answer, error) {
	var errs []error
	for _, h := range s.homes {
		records, wake, err := s.store(h.Home)
		if err == nil {
			err = records.Control(ctx, change)
		}
		errs = append(errs, err)
		for _, group := range s.opts.File.Config.GroupList {
			// One by one: a look at everything comes once a minute at the most.
			if err == nil && group.Home == h.Home {
				errs = append(errs, wake.At(ctx, controller.GroupKey(group.Name), s.clock.Now()))
			}
		}
	}
	if err := errors.Join(errs...); err != nil {
		return nil, err
	}
	s.lines.tell(line{Kind: kindAction, Who: "operator", What: text})
	return done{text}, nil
}

// Journal is the answer of journal, newest first.
type Journal []controller.JournalEntry

// Text implements Answer.
func (j Journal) Text() string {
	if len(j) == 0 {
		return "no decision yet"
	}
	lines := make([]string, 0, len(j))
	for _, e := range j {
		d := e.Decision
		text := fmt.Sprintf("%s  %s %s to %s, extent %d, %s, epoch %d", e.At.UTC().Format("15:04:05.000"), d.Action, d.From, d.To, d.Extent, d.Reason, d.Epoch)
		if e.WouldBe {
			text += " (would be)"
		}
		for _, ended := range e.Ended {
			text += fmt.Sprintf("; request %s ended: %s", ended.Request.ID, ended.Reason)
		}
		lines = append(lines, text+leading("; ", e.Note))
	}
	return strings.Join(lines, "\n")
}

func (s *Server) journal(ctx context.Context, o order) (Answer, error) {
	group, err := s.group(o.arg(0))
	if err != nil {
		return nil, err
	}
	n, err := number(o.arg(1), 20)
	if err != nil {
		return nil, err
	}
	records, _, err := s.store(group.Home)
	if err != nil {
		return nil, err
	}
	entries, err := records.History(ctx, controller.GroupKey(group.Name), n)
	if err != nil {
		return nil, err
	}
	return append(Journal{}, entries...), nil
}
