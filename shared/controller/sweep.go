package controller

import (
	"context"
	"errors"
	"slices"
	"time"

	"detour/shared/protection"
)

// everythingEvery is how often an event that Detour does not understand may
// lead to a look at everything.
const everythingEvery = time.Minute

// Sweep looks at every group. It runs the same code as an event does, and needs
// no event: events are best effort.
func (c *Controller) Sweep(ctx context.Context, event string) []Report {
	return c.Look(ctx, Trigger{Groups: c.Names(), Event: event, Sweep: true})
}

// Look looks at the trigger's groups without a lease. Only those in which there
// is something to do are reconciled, so quiet ones cause no writes at all. Groups
// that are awaited are passed over, and have no report.
func (c *Controller) Look(ctx context.Context, trigger Trigger) []Report {
	groups := c.chosen(trigger)
	keys := make([]Key, len(groups))
	for i, group := range groups {
		keys[i] = GroupKey(group.Name)
	}
	items, control, err := c.peek(ctx, keys)
	out := make([]Report, len(groups))
	for i, group := range groups {
		out[i] = Report{Group: group.Name, Event: trigger.Event, Status: StatusFailed, Err: err}
	}
	if err != nil {
		return out
	}
	return c.lookThenReconcile(ctx, trigger, groups, items, control, out)
}

func (c *Controller) lookThenReconcile(ctx context.Context, trigger Trigger, groups []*protection.Group, items []Item, control Control, out []Report) []Report {
	for i := 0; i < len(groups); {
		if !c.awaited(items[i], trigger) {
			i++
			continue
		}
		groups, items, out = slices.Delete(groups, i, i+1), slices.Delete(items, i, i+1), slices.Delete(out, i, i+1)
	}
	if len(groups) == 0 {
		return nil
	}
	seen := c.look(ctx, groups)
	now := c.ports.Clock.Now()
	trigger.Groups = nil
	for i, group := range groups {
		h := &hold{group: group, trigger: trigger, item: items[i], look: seen, report: &out[i]}
		d := c.decide(group, items[i], control, trigger, seen, now)
		c.note(h, d)
		out[i].Status, out[i].Err = StatusQuiet, nil
		if d.pending {
			trigger.Groups = append(trigger.Groups, group.Name)
		}
	}
	return insteadOf(out, c.Reconcile(ctx, trigger), func(r Report) string { return r.Group })
}

// peek reads items and the control item without a lease.
func (c *Controller) peek(ctx context.Context, keys []Key) (items []Item, control Control, err error) {
	err = c.retry(ctx, func() error {
		items, control, err = c.ports.Records.Peek(ctx, keys)
		return err
	})
	return items, control, err
}

// insteadOf returns the reports of looks, each replaced by those of the runs of the
// same name where there are some.
func insteadOf[T any](looks, runs []T, name func(T) string) []T {
	out := make([]T, 0, len(looks))
	for _, look := range looks {
		mine := slices.DeleteFunc(slices.Clone(runs), func(r T) bool { return name(r) != name(look) })
		if len(mine) == 0 {
			mine = []T{look}
		}
		out = append(out, mine...)
	}
	return out
}

// awaited reports whether a look because of somebody's call would tell nothing
// new: the group is looked at within a settle time in any case, and the writer is
// remembered. Whoever rewrites a thousand routes would start a thousand looks.
func (c *Controller) awaited(item Item, trigger Trigger) bool {
	now := c.ports.Clock.Now()
	if len(trigger.Writers) == 0 || len(ahead(item.Wakes, now, now.Add(c.settings.Settle))) == 0 {
		return false
	}
	for _, w := range trigger.Writers {
		known := func(k protection.Writer) bool { return k.Name == w.Name && k.Entry.Table.ID == w.Entry.Table.ID }
		if !slices.ContainsFunc(item.Record.Writers, known) {
			return false
		}
	}
	return true
}

// Everything looks at every group because of an event that does not say which,
// at most once a minute. An event that comes sooner is made up for by a wake-up
// at the end of the minute; a wake-up that comes sooner is dropped. looked says
// whether a look was taken.
func (c *Controller) Everything(ctx context.Context, event string, fromWake bool) (reports []Report, looked bool, err error) {
	if looked, err = c.mayLook(ctx, KeyEverything, fromWake); err != nil || !looked {
		return nil, false, err
	}
	return c.Look(ctx, Trigger{Groups: c.Names(), Event: event}), true, nil
}

// mayLook takes the turn of a look that is coalesced by the item, if there is one now.
func (c *Controller) mayLook(ctx context.Context, key Key, fromWake bool) (may bool, err error) {
	token := c.ports.NewToken()
	var item Item
	err = c.retry(ctx, func() error {
		var err error
		item, _, err = c.ports.Records.Take(ctx, key, token)
		return err
	})
	if errors.Is(err, ErrBusy) {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	now := c.ports.Clock.Now()
	next := item.LookedAt.Add(everythingEvery)
	if fromWake {
		now = now.Add(c.settings.Skew) // The clock that armed it may have been ahead.
	}
	if now.Before(next) {
		if fromWake {
			// An event that found the lease held relies on this run.
			if err := c.ports.Records.Release(ctx, item); !errors.Is(err, ErrDirty) {
				return false, err
			}
		}
		if !slices.ContainsFunc(item.Wakes, next.Equal) {
			err = c.ports.Wake.At(ctx, key, next)
			item.Wakes = []time.Time{next}
			item, err = c.commitItem(ctx, item, err)
		}
		return false, errors.Join(err, c.letGo(ctx, item))
	}
	item.LookedAt = c.ports.Clock.Now()
	item, err = c.commitItem(ctx, item, nil)
	if err != nil {
		return false, err
	}
	if err := c.letGo(ctx, item); err != nil {
		return false, err
	}
	return true, nil
}

// commitItem commits an item that is no group's, unless something failed before.
func (c *Controller) commitItem(ctx context.Context, item Item, failed error) (Item, error) {
	if failed != nil {
		return item, failed
	}
	err := c.retry(ctx, func() error {
		committed, err := c.ports.Records.Commit(ctx, Commit{Item: item})
		if err == nil {
			item = committed
		}
		return err
	})
	return item, err
}

// letGo releases the item; it does not matter whether it became dirty. If it
// becomes so again and again, the lease runs out by itself.
func (c *Controller) letGo(ctx context.Context, item Item) error {
	for range maxCycles {
		err := c.retry(ctx, func() error { return c.ports.Records.Release(ctx, item) })
		if !errors.Is(err, ErrDirty) {
			return err
		}
		err = c.retry(ctx, func() error {
			renewed, _, err := c.ports.Records.Renew(ctx, item)
			if err == nil {
				item = renewed
			}
			return err
		})
		if err != nil {
			return err
		}
	}
	return nil
}
