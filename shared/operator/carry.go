package operator

import (
	"context"
	"errors"
	"fmt"
	"time"

	"detour/shared/controller"
)

// attempts bounds how often a call of the record store is made whose outcome is
// not known. Each of them may be made twice without harm.
const attempts = 3

// Carry does what was proposed: it writes the journal, then the requests, then
// asks for wake-ups. The journal comes first, so that nothing is ever done of
// which there is no line. Should the error come after it, the line says what was
// asked for, and the error what is missing.
//
// A wake-up that cannot be armed is no error, since the sweep makes up for it;
// late then says why.
func (o *Operator) Carry(ctx context.Context, p *Proposal) (late, err error) {
	if err := o.journal(ctx, p); err != nil {
		return nil, fmt.Errorf("nothing was done, because the journal cannot be written: %w", err)
	}
	changed := map[*Home]bool{}
	for i := range p.Effects {
		e := &p.Effects[i]
		key := controller.GroupKey(e.Group())
		var err error
		switch {
		case p.Act.control() && changed[e.home]:
		case p.Act.control():
			changed[e.home] = true
			err = o.again(ctx, func() error { return e.home.Records.Control(ctx, p.Act.change(p.At)) })
		case p.Act.Clear:
			for _, request := range e.Clears {
				err = errors.Join(err, o.again(ctx, func() error { return e.home.Records.Clear(ctx, key, request.ID) }))
			}
		default:
			err = o.again(ctx, func() error { return e.home.Records.Request(ctx, key, *e.Request) })
		}
		if err != nil {
			return nil, fmt.Errorf("group %s: %w; look with detour status what stands, and ask again", e.Group(), err)
		}
	}
	for _, other := range p.others {
		if err := o.again(ctx, func() error { return other.home.Records.Control(ctx, p.Act.change(p.At)) }); err != nil {
			return nil, fmt.Errorf("filters of account %s in %s: %w; look with detour status what stands, and ask again", other.home.Account, other.home.Region, err)
		}
	}
	return errors.Join(o.wake(ctx, p), o.wakeFilters(ctx, p)), nil
}

// wakeFilters has every filter looked at that the proposal is for.
func (o *Operator) wakeFilters(ctx context.Context, p *Proposal) error {
	var errs []error
	for _, name := range p.Filters {
		home, err := o.filterHome(name)
		if err == nil && home.FilterWake != nil {
			err = home.FilterWake.At(ctx, controller.FilterKey(name), o.options.Clock.Now())
		}
		errs = append(errs, err)
	}
	return errors.Join(errs...)
}

// wake has every group of the proposal looked at. One by one: a look at
// everything comes once a minute at most.
func (o *Operator) wake(ctx context.Context, p *Proposal) error {
	var errs []error
	for _, e := range p.Effects {
		if e.home.Wake == nil || p.Act.Clear && !p.Act.control() && len(e.Clears) == 0 {
			continue
		}
		if err := e.home.Wake.At(ctx, controller.GroupKey(e.Group()), o.options.Clock.Now()); err != nil {
			errs = append(errs, err)
		}
	}
	return errors.Join(errs...)
}

// journal writes a line for each request that is made or cleared, or one for all
// groups in every home.
func (o *Operator) journal(ctx context.Context, p *Proposal) error {
	entries := map[*Home][]controller.JournalEntry{}
	var order []*Home
	add := func(home *Home, entry controller.JournalEntry) {
		if len(entries[home]) == 0 {
			order = append(order, home)
		}
		entry.At, entry.By, entry.Why = p.At, p.By, p.Act.Why
		entries[home] = append(entries[home], entry)
	}
	for _, e := range p.Effects {
		key := controller.GroupKey(e.Group())
		switch {
		case p.Act.control() && len(entries[e.home]) > 0:
		case p.Act.control():
			add(e.home, p.Act.entry(p.At))
		case p.Act.Clear:
			for i := range e.Clears {
				add(e.home, controller.JournalEntry{Key: key, Act: controller.ActCleared, Request: &e.Clears[i]})
			}
		default:
			add(e.home, controller.JournalEntry{Key: key, Act: controller.ActRequested, Request: e.Request})
		}
	}
	for _, other := range p.others {
		add(other.home, p.Act.entry(p.At))
	}
	for _, home := range order {
		if err := o.note(ctx, home, entries[home]); err != nil {
			return err
		}
	}
	return nil
}

// entry is the line of the journal of an act on a control item.
func (a Act) entry(at time.Time) controller.JournalEntry {
	change := a.change(at)
	out := controller.JournalEntry{Key: controller.KeyEverything, Act: controller.ActReleased}
	if change.Freeze != nil {
		out.Freeze, out.Act = *change.Freeze, controller.ActUnfroze
	}
	if out.Freeze.On {
		out.Act = controller.ActFroze
	}
	return out
}

// maxNotes is how many journal entries go out at once.
const maxNotes = 100

func (o *Operator) note(ctx context.Context, home *Home, entries []controller.JournalEntry) error {
	for len(entries) > 0 {
		n := min(len(entries), maxNotes)
		if err := o.again(ctx, func() error { return home.Records.Note(ctx, entries[:n]) }); err != nil {
			return err
		}
		entries = entries[n:]
	}
	return nil
}

// again makes a call of the record store until its outcome is known.
func (o *Operator) again(ctx context.Context, call func() error) error {
	var err error
	for attempt := range attempts {
		if attempt > 0 && o.options.Clock.Sleep(ctx, time.Duration(attempt)*500*time.Millisecond) != nil {
			return err
		}
		if err = call(); err == nil {
			return nil
		}
	}
	return err
}
