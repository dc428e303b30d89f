package operator

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"
	"unicode"

	"detour/shared/controller"
	"detour/shared/protection"
)

// Act is what an operator wants done.
type Act struct {
	// Kind is the kind of request that is made; empty where Clear is set.
	Kind protection.RequestKind `json:"kind,omitempty"`
	// Groups are the groups that the act is for. All says that it is for every group
	// at once: a freeze, its end and a release then change the control item, and an
	// adoption is a request to each group.
	Groups []string `json:"groups"`
	All    bool     `json:"all,omitempty"`
	// Path is the target of a switch, or what a lockout takes out of use.
	Path string `json:"path,omitempty"`
	// IgnoreHealth and Immediate are those of the request.
	IgnoreHealth bool `json:"ignoreHealth,omitempty"`
	// Unproven is that of the request of a switch.
	Unproven  bool `json:"unproven,omitempty"`
	Immediate bool `json:"immediate,omitempty"`
	// Clear ends standing requests: those with the ids in IDs, or where there are
	// none those of the kind in ClearKind, or all of them.
	Clear     bool                   `json:"clear,omitempty"`
	IDs       []string               `json:"ids,omitempty"`
	ClearKind protection.RequestKind `json:"clearKind,omitempty"`
	// Why is the reason, for the journal.
	Why string `json:"why"`
}

// maxWhy is the longest reason that is taken, in bytes.
const maxWhy = 500

// control reports whether the act changes the control item and no group's.
func (a Act) control() bool {
	return a.All && (a.Kind == protection.Freeze || a.Kind == protection.Release || a.Clear && a.ClearKind == protection.Freeze)
}

// freezesAll reports whether the act lays or ends the freeze of all, which filters obey
// as groups do.
func (a Act) freezesAll() bool { return a.control() && a.Kind != protection.Release }

// CheckWhy refuses a reason that the journal cannot hold, or that nobody could read
// there.
func CheckWhy(why string) error {
	switch {
	case strings.TrimSpace(why) == "":
		return fmt.Errorf("the reason is missing; give it with --why, for those who read the journal")
	case len(why) > maxWhy:
		return fmt.Errorf("the reason has %d bytes; write at most %d, and refer to a ticket for the rest", len(why), maxWhy)
	case strings.ContainsFunc(why, unicode.IsControl):
		return fmt.Errorf("the reason has a line break or another control character in it; write one line")
	}
	return nil
}

// check refuses an act that means nothing.
func (a Act) check() error {
	if len(a.Groups) == 0 && !a.freezesAll() {
		return fmt.Errorf("no group is named; name one, or all of them with --all")
	}
	return CheckWhy(a.Why)
}

// Proposal is an act with what would follow from it. Nothing has been changed.
type Proposal struct {
	Act Act       `json:"act"`
	At  time.Time `json:"at"`
	// By says who asks.
	By      string   `json:"by"`
	Effects []Effect `json:"effects"`
	// Filters are those that the freeze of all, or its end, is for too.
	Filters []string `json:"filters,omitempty"`

	// others are the homes of filters alone, with their control items.
	others []otherHome
}

// otherHome is a home in which nothing but filters obeys an act.
type otherHome struct {
	home    *Home
	control controller.Control
}

// Effect is what would follow for one group.
type Effect struct {
	Outlook Outlook `json:"outlook"`
	// Request is the request that would be made; nil: none.
	Request *protection.Request `json:"request,omitempty"`
	// Clears are the standing requests that would be cleared.
	Clears []protection.Request `json:"clears,omitempty"`
	// Refused says why the next run would end the request without effect; empty: it
	// would not.
	Refused protection.Reason `json:"refused,omitempty"`
	// Cancels are the other standing requests that would end because of the act.
	Cancels []protection.Ended `json:"cancels,omitempty"`
	// Moves: routes would be brought to another path.
	Moves bool `json:"moves"`
	// Warnings are what speaks against it, in sentences.
	Warnings []string `json:"warnings,omitempty"`

	before, after controller.Preview
	home          *Home
}

// Group is the name of the effect's group.
func (e Effect) Group() string { return e.Outlook.Group }

// Refused reports whether the act would do nothing, since every group's run would
// refuse it.
func (p *Proposal) Refused() bool {
	return len(p.Effects) > 0 && !slices.ContainsFunc(p.Effects, func(e Effect) bool { return e.Refused == "" })
}

// Propose reads the groups and works out what the act would lead to. It changes
// nothing.
func (o *Operator) Propose(ctx context.Context, act Act) (*Proposal, error) {
	if err := act.check(); err != nil {
		return nil, err
	}
	s, err := o.look(ctx, act.Groups)
	if err != nil {
		return nil, err
	}
	act.Groups = s.names
	out := &Proposal{Act: act, At: o.options.Clock.Now().UTC(), By: o.options.By}
	for _, name := range s.names {
		before := s.decide(name, controller.Supposed{})
		supposed := controller.Supposed{}
		effect := Effect{before: before, home: s.homes[name]}
		switch {
		case act.control():
			supposed.Control = act.change(out.At)
		case act.Clear:
			if effect.Clears, err = act.cleared(before); err != nil {
				return nil, err
			}
			for _, request := range effect.Clears {
				supposed.Cleared = append(supposed.Cleared, request.ID)
			}
		default:
			request := o.request(act, before, out.At)
			effect.Request = &request
			supposed.Requests = []protection.Request{request}
		}
		effect.after = s.decide(name, supposed)
		effect.judge(supposed)
		if len(s.names) <= maxWhole {
			effect.Outlook.Notes = s.notes(ctx, effect.after, effect.after.Plan)
		}
		out.Effects = append(out.Effects, effect)
	}
	if err := o.withFilters(ctx, out); err != nil {
		return nil, err
	}
	if err := act.checkThaw(out.Effects, out.others); err != nil {
		return nil, err
	}
	return out, nil
}

// withFilters adds to a freeze of all what it is for beside groups: all filters, and the
// homes that have nothing else.
func (o *Operator) withFilters(ctx context.Context, p *Proposal) error {
	if !p.Act.freezesAll() {
		return nil
	}
	p.Filters = o.Filters()
	for i := range o.options.Homes {
		home := &o.options.Homes[i]
		if slices.ContainsFunc(p.Effects, func(e Effect) bool { return e.home == home }) {
			continue
		}
		_, control, err := home.Records.Peek(ctx, []controller.Key{controller.KeyEverything})
		if err != nil {
			return fmt.Errorf("reading the records of account %s in %s: %w", home.Account, home.Region, err)
		}
		p.others = append(p.others, otherHome{home, control})
	}
	return nil
}

// checkThaw refuses to end the freeze of all groups where none stands: a group's
// own freeze is not ended with it.
func (a Act) checkThaw(effects []Effect, others []otherHome) error {
	if slices.ContainsFunc(others, func(h otherHome) bool { return h.control.Freeze.On }) {
		return nil
	}
	var frozen []string
	for _, e := range effects {
		if e.before.Control.Freeze.On {
			return nil
		}
		if e.before.Report.Output.Freeze.On {
			frozen = append(frozen, e.Group())
		}
	}
	switch {
	case !a.Clear || !a.control():
		return nil
	case len(frozen) == 0:
		return fmt.Errorf("nothing was frozen, so there is nothing to end")
	default:
		return fmt.Errorf("no freeze of all groups stands; of those with a freeze of their own name one, detour unfreeze GROUP: %s", strings.Join(frozen, ", "))
	}
}

// change is what the act does to the control item.
func (a Act) change(at time.Time) controller.ControlChange {
	switch {
	case a.Clear:
		return controller.ControlChange{Freeze: &protection.FreezeState{}}
	case a.Kind == protection.Freeze:
		return controller.ControlChange{Freeze: &protection.FreezeState{On: true, Immediate: a.Immediate}}
	default:
		return controller.ControlChange{ReleasedAt: &at}
	}
}

// request makes the request of the act, with an id that none of the group has.
func (o *Operator) request(act Act, seen controller.Preview, at time.Time) protection.Request {
	made := protection.Request{
		Kind: act.Kind, Path: act.Path, IgnoreHealth: act.IgnoreHealth, Immediate: act.Immediate, Unproven: act.Unproven,
		At: at, By: o.options.By, Why: act.Why,
	}
	switch act.Kind {
	case protection.ForcedSwitch, protection.ManualSwitch, protection.ManualSwitchToWorking:
		for _, list := range seen.Lists {
			made.Lists = append(made.Lists, protection.ListVersion{ID: list.List.ID, Version: list.Version})
		}
	case protection.Freeze, protection.Lockout, protection.Release, protection.AdoptAnew, protection.FailbackAbort:
	}
	taken := func(id string) bool {
		return slices.ContainsFunc(seen.Item.Requests, func(r protection.Request) bool { return r.ID == id })
	}
	for made.ID == "" || taken(made.ID) {
		made.ID = string(act.Kind) + "-" + o.options.NewID()
	}
	return made
}

// cleared picks the standing requests that the act ends.
func (a Act) cleared(seen controller.Preview) ([]protection.Request, error) {
	var out []protection.Request
	for _, id := range a.IDs {
		at := slices.IndexFunc(seen.Item.Requests, func(r protection.Request) bool { return r.ID == id })
		if at < 0 {
			return nil, fmt.Errorf("group %s has no standing request %q; %s", seen.Group.Name, id, standingIDs(seen.Item.Requests))
		}
		out = append(out, seen.Item.Requests[at])
	}
	if len(a.IDs) > 0 {
		return out, nil
	}
	for _, request := range seen.Item.Requests {
		if a.ClearKind == "" || request.Kind == a.ClearKind {
			out = append(out, request)
		}
	}
	if len(out) > 0 || a.All {
		return out, nil
	}
	what := "request"
	if a.ClearKind != "" {
		what = string(a.ClearKind)
	}
	also := ""
	if a.ClearKind == protection.Freeze && seen.Control.Freeze.On {
		also = "; the freeze of all groups ends with detour unfreeze --all"
	}
	return nil, fmt.Errorf("no %s of group %s stands, so there is nothing to clear%s", what, seen.Group.Name, also)
}

func standingIDs(requests []protection.Request) string {
	if len(requests) == 0 {
		return "none stands"
	}
	ids := make([]string, len(requests))
	for i, r := range requests {
		ids[i] = r.ID
	}
	return "there are " + strings.Join(ids, ", ")
}

// judge works out what follows from the difference between the two previews.
func (e *Effect) judge(supposed controller.Supposed) {
	e.Outlook = outlookOf(e.after)
	e.Moves = moves(e.after)
	ended := func(list []protection.Ended, id string) bool {
		return slices.ContainsFunc(list, func(x protection.Ended) bool { return x.Request.ID == id })
	}
	for _, x := range e.after.Report.Output.Ended {
		switch {
		case e.Request != nil && x.Request.ID == e.Request.ID:
			if x.Reason != protection.ReasonDone {
				e.Refused = x.Reason
			}
		case !ended(e.before.Report.Output.Ended, x.Request.ID):
			e.Cancels = append(e.Cancels, x)
		}
	}
	e.warn(len(supposed.Requests) > 0 && e.Request.Kind == protection.Freeze)
}

// warn says what the operator should think of before the act.
func (e *Effect) warn(freezes bool) {
	add := func(is bool, format string, values ...any) {
		if is {
			e.Warnings = append(e.Warnings, fmt.Sprintf(format, values...))
		}
	}
	p, mode := e.after, e.after.Group.Mode
	frozen := p.Report.Output.Freeze.On
	add(mode == protection.Observe, "group %s is in mode observe: what is decided is reported, and no route is written", p.Group.Name)
	add(frozen && !freezes && e.before.Report.Output.Freeze.On, "group %s is frozen: nothing follows before the freeze ends", p.Group.Name)
	add(p.Item.Record.Decision.Epoch == 0, "no run has seen group %s yet: the first one takes over what stands, and moves nothing", p.Group.Name)
	add(!p.Plan.Complete, "a table could not be read whole, so it is not known what would be written")
	for _, path := range p.Report.Health {
		toward := path.Path == e.Outlook.Toward && e.Moves
		add(toward && !path.State.Alive(), "path %s is %s (%s)", path.Path, path.State, path.Reason)
		add(toward && path.State.Alive() && path.Suppressed, "path %s has flapped, and is suppressed", path.Path)
	}
	add(p.Report.Decision.Unproven && e.Moves, "nothing proves the learned routes of %s: a static is deleted, and if its route does not show within %s the static is created again",
		e.Outlook.Toward, protection.LearnWithin)
	add(p.Report.Decision.Action == protection.Hold, "the group holds: %s", Meaning(p.Report.Decision.Reason))
	unlike := p.Report.Decision.To != p.Report.Output.Next.Decision.To
	add(e.Request != nil && e.Request.Path != "" && e.Request.Kind != protection.Lockout && e.Refused == "" && !unlike && p.Report.Decision.To != e.Request.Path,
		"the request would stand and not be followed now: %s", Meaning(p.Report.Decision.Reason))
}
