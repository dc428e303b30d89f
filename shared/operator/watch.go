package operator

import (
	"context"
	"time"

	"detour/shared/controller"
	"detour/shared/health"
	"detour/shared/protection"
)

// lookEvery is how often the record store is asked while something is watched.
const lookEvery = time.Second

// Outcome says how far an act has come for one group.
type Outcome string

// The outcomes of an act.
const (
	// OutcomeDone: what was asked for has taken effect.
	OutcomeDone Outcome = "done"
	// OutcomeStands: what was asked for stands in the record store, and has not
	// taken effect yet.
	OutcomeStands Outcome = "stands"
	// OutcomeEnded: the request ended without effect.
	OutcomeEnded Outcome = "ended"
)

// Ending is what became of an act for one group while it was watched.
type Ending struct {
	Group   string  `json:"group"`
	Request string  `json:"request,omitempty"`
	Outcome Outcome `json:"outcome"`
	// Reason says why the request ended.
	Reason protection.Reason `json:"reason,omitempty"`
	// End is what a failback came to.
	End protection.FailbackEnd `json:"end,omitempty"`
	// Path is the path that the group belongs to now.
	Path string `json:"path,omitempty"`
	Text string `json:"text"`
	// Waited: there was something to wait for. Seconds is how long it was watched.
	Waited  bool    `json:"waited,omitempty"`
	Seconds float64 `json:"seconds"`
}

// Progress is something that happened to a group while it was watched.
type Progress struct {
	Group string
	At    time.Time
	Text  string
}

// watched is an effect that has not ended.
type watched struct {
	effect *Effect
	told   string // the last progress
}

// Watch looks at the record store until the act has taken effect in every group,
// or has ended there, for at most limit; 0 does not wait at all. If ctx ends, what
// was asked for goes on standing. tell is called for each step that is seen.
func (o *Operator) Watch(ctx context.Context, p *Proposal, limit time.Duration, tell func(Progress)) []Ending {
	started := o.options.Clock.Now()
	endings := make([]Ending, len(p.Effects))
	open := map[int]*watched{}
	for i := range p.Effects {
		endings[i] = Ending{Group: p.Effects[i].Group(), Outcome: OutcomeStands, Path: p.Effects[i].before.Item.Record.Decision.To}
		if r := p.Effects[i].Request; r != nil {
			endings[i].Request = r.ID
		}
		switch {
		case !p.waits(&p.Effects[i]):
			endings[i].Outcome, endings[i].Text = p.unwatched(&p.Effects[i])
		case limit <= 0:
			endings[i].Text = "stands; the next run of the group sees it"
		default:
			open[i] = &watched{effect: &p.Effects[i]}
			endings[i].Waited = true
		}
	}
	for len(open) > 0 {
		o.lookAgain(ctx, p, open, endings, tell)
		now := o.options.Clock.Now()
		for i := range open {
			endings[i].Seconds = now.Sub(started).Seconds()
		}
		over := ctx.Err() != nil || now.Sub(started) >= limit
		if len(open) == 0 || over || o.options.Clock.Sleep(ctx, lookEvery) != nil {
			break
		}
	}
	for i := range open {
		endings[i].Text = "stands, and had no effect yet"
		if ctx.Err() != nil {
			endings[i].Text = "stands, although nobody watches any more"
		}
	}
	return endings
}

// waits reports whether there is something to wait for in the effect's group.
func (p *Proposal) waits(e *Effect) bool {
	freezes := p.Act.Kind == protection.Freeze
	switch {
	case freezes:
		return true
	case e.Request != nil:
		return !e.after.Report.WouldBe
	default:
		return !e.after.Report.WouldBe && e.changes()
	}
}

// changes reports whether the run would commit another decision than the record's.
func (e *Effect) changes() bool {
	return otherMove(e.after.Report.Output.Next.Decision, e.before.Item.Record.Decision) || e.after.Report.Decision.Action == protection.Undo
}

// otherMove reports whether a decision is of another move than one before, or takes it
// back.
func otherMove(d, before protection.Decision) bool {
	return d.Epoch != before.Epoch || d.To != before.To
}

// unwatched says how the act stands where there is nothing to wait for.
func (p *Proposal) unwatched(e *Effect) (Outcome, string) {
	switch {
	case e.Request == nil && !e.changes():
		return OutcomeDone, "no route changes because of it"
	case e.after.Group.Mode == protection.Observe:
		return OutcomeStands, "stands; the group is in mode observe, so no route is written"
	default:
		return OutcomeStands, "stands until the freeze ends; no route is written before"
	}
}

// lookAgain reads the items of the open groups, home by home, and closes those in
// which the act has ended. An item that cannot be read is read again next time.
func (o *Operator) lookAgain(ctx context.Context, p *Proposal, open map[int]*watched, endings []Ending, tell func(Progress)) {
	for h := range o.options.Homes {
		home := &o.options.Homes[h]
		var keys []controller.Key
		var which []int
		for i := range p.Effects {
			if open[i] != nil && p.Effects[i].home == home {
				keys, which = append(keys, controller.GroupKey(p.Effects[i].Group())), append(which, i)
			}
		}
		if len(keys) == 0 {
			continue
		}
		items, _, err := home.Records.Peek(ctx, keys)
		now := o.options.Clock.Now()
		for n, i := range which {
			if err != nil {
				open[i].tell(now, "the record store does not answer; trying again", tell)
				continue
			}
			endings[i].Path = items[n].Record.Decision.To
			if text := stepOf(items[n], open[i].effect, now); text != "" {
				open[i].tell(now, text, tell)
			}
			if ending, ok := o.ended(ctx, p, open[i].effect, items[n], now); ok {
				endings[i].Outcome, endings[i].Reason, endings[i].Text = ending.Outcome, ending.Reason, ending.Text
				delete(open, i)
			}
		}
	}
}

func (w *watched) tell(at time.Time, text string, tell func(Progress)) {
	if w.told != text {
		w.told = text
		tell(Progress{Group: w.effect.Group(), At: at, Text: text})
	}
}

// stepOf says how far a group has come since the act; empty: nothing to tell.
func stepOf(item controller.Item, e *Effect, now time.Time) string {
	before, d := e.before.Item.Record, item.Record.Decision
	pending := otherMove(d, before.Decision) && !item.Record.Settled && d.From != d.To // An adoption is no move.
	switch {
	case pending && item.Record.WroteAt.After(time.UnixMilli(d.Epoch)) && item.Record.WroteAt.After(before.WroteAt):
		return "the routes to " + d.To + " are written; waiting for a reading that shows them"
	case pending:
		return "moving from " + d.From + " to " + d.To + " (" + string(d.Reason) + ")"
	case running(item, now):
		return "a run is under way"
	default:
		return ""
	}
}

// running reports whether a run holds the group's lease.
func running(item controller.Item, now time.Time) bool {
	return item.Lease.Token != "" && item.Lease.Until.After(now)
}

// ended reports whether the act has ended for the group, and how.
func (o *Operator) ended(ctx context.Context, p *Proposal, e *Effect, item controller.Item, now time.Time) (Ending, bool) {
	d := item.Record.Decision
	on := "the group is on " + d.To
	done := func(is bool, text string) (Ending, bool) { return Ending{Outcome: OutcomeDone, Text: text}, is }
	switch {
	case p.Act.Kind == protection.Freeze:
		quiet := !running(item, now) && (p.Act.Immediate || item.Record.Settled || d.Epoch == 0 || e.after.Group.Mode != protection.Enforce)
		return done(quiet, "frozen; no route is written until the freeze is cleared")
	case e.Request == nil:
		return done(otherMove(d, e.before.Item.Record.Decision) && item.Record.Settled, on)
	case !stands(item.Requests, e.Request.ID):
		return o.gone(ctx, e, item)
	case e.Request.Kind == protection.Lockout:
		return done(item.Record.Memory(e.Request.Path).State == health.AdminDown && (item.Record.Settled || d.To == e.Request.Path),
			"path "+e.Request.Path+" is locked out; "+on)
	case e.Request.Kind == protection.ForcedSwitch, e.Request.Kind == protection.ManualSwitch:
		return done(d.To == e.Request.Path && d.Extent >= e.after.Group.Steps() && item.Record.Settled, on)
	default:
		return Ending{}, false
	}
}

// gone tells how a request ended that does not stand any more.
func (o *Operator) gone(ctx context.Context, e *Effect, item controller.Item) (Ending, bool) {
	entry, at, err := endOf(ctx, e.home.Records, e.Group(), e.Request.ID)
	switch {
	case err != nil:
		return Ending{}, false // It is asked for again.
	case at < 0:
		return Ending{Outcome: OutcomeEnded, Text: "somebody cleared it"}, true
	}
	reason := entry.Ended[at].Reason
	if reason != protection.ReasonDone {
		return Ending{Outcome: OutcomeEnded, Reason: reason, Text: Meaning(reason)}, true
	}
	if e.Request.Kind == protection.ManualSwitchToWorking && !item.Record.Settled {
		return Ending{}, false
	}
	return Ending{Outcome: OutcomeDone, Reason: reason, Text: "the group is on " + item.Record.Decision.To}, true
}

func stands(requests []protection.Request, id string) bool {
	for _, r := range requests {
		if r.ID == id {
			return true
		}
	}
	return false
}
