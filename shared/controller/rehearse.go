package controller

import (
	"context"
	"fmt"
	"slices"
	"time"

	"detour/shared/plan"
	"detour/shared/route"
)

const (
	// trialPause is the time between two dry runs that draw from one bucket: a fifth
	// of what EC2 refills, so that a switchover finds the bucket as full as ever.
	trialPause = time.Second
	// maxTrials bounds the dry runs of one rehearsal.
	maxTrials = 1000
	// day is how often a rehearsal is scheduled: each begins elsewhere.
	day = 24 * time.Hour
)

// Rehearsal is what became of a rehearsal: every write that a move of any group to
// any of its paths would make, sent as a dry run.
type Rehearsal struct {
	// Groups is how many groups there are, and Unread names those of which a table
	// could not be read whole, so that nobody knows what would be written.
	Groups int
	Unread []string
	// Planned is how many different writes the moves would take, Tried how many were
	// sent, and Allowed how many of those AWS would have let through. What was left
	// out, Planned less Tried, is for another day.
	Planned, Tried, Allowed int
	// Denied are the trials that were denied, and Doubtful those that were answered
	// otherwise.
	Denied, Doubtful []Refusal
	// Err is the record store's, or that of the journal.
	Err error
}

// Refusal is a trial that was not allowed.
type Refusal struct {
	Group, Path string
	Receipt     route.Receipt
}

// trial is one dry run to make.
type trial struct {
	group string
	plan.Trial
}

// Rehearse tries what the plans of all groups would write, as dry runs, without a
// lease and without a change of any record. It is paced so that it takes nothing
// from a switchover, begins with one write for each permission, and ends in time for
// the context's deadline. What is denied is noted in the groups' journals.
func (c *Controller) Rehearse(ctx context.Context) Rehearsal {
	out := Rehearsal{Groups: len(c.groups)}
	trials, err := c.trials(ctx, &out)
	if err != nil {
		out.Err = err
		return out
	}
	out.Planned = len(trials)
	queues := byPermission(trials, c.ports.Clock.Now())
	next := map[plan.Bucket]time.Time{}
	for out.Tried < maxTrials && len(queues) > 0 {
		now := c.ports.Clock.Now()
		at := slices.IndexFunc(queues, func(q []trial) bool { return !next[plan.BucketOf(q[0].Change)].After(now) })
		if at < 0 {
			wait := trialPause
			for _, q := range queues {
				wait = min(wait, next[plan.BucketOf(q[0].Change)].Sub(now))
			}
			if !c.timeLeft(ctx, wait) || c.ports.Clock.Sleep(ctx, wait) != nil {
				break
			}
			continue
		}
		if ctx.Err() != nil || !c.timeLeft(ctx, 0) {
			break
		}
		one := queues[at][0]
		bucket := plan.BucketOf(one.Change)
		next[bucket] = now.Add(trialPause)
		receipt := c.ports.Tables.Try(ctx, one.Change)
		out.add(one, receipt)
		queues[at] = queues[at][1:]
		if receipt.Outcome == route.Throttled {
			queues[at] = nil // Somebody needs the bucket: the rest is for another day.
		}
		if len(queues[at]) == 0 {
			queues = slices.Delete(queues, at, at+1)
		}
	}
	c.noteDenied(ctx, &out)
	return out
}

// trials reads the tables and lists all different writes, group by group.
func (c *Controller) trials(ctx context.Context, out *Rehearsal) ([]trial, error) {
	keys := make([]Key, len(c.groups))
	groups := c.chosen(Trigger{Groups: c.Names()})
	for i, group := range groups {
		keys[i] = GroupKey(group.Name)
	}
	items, _, err := c.peek(ctx, keys)
	if err != nil {
		return nil, err
	}
	w := wantOf(groups)
	w.subjects = nil
	seen := c.read(ctx, w)
	var trials []trial
	known := map[route.Change]bool{}
	for i, group := range groups {
		standing := c.standing(group, seen)
		if !standing.Complete {
			out.Unread = append(out.Unread, group.Name)
			continue
		}
		for _, t := range plan.Rehearse(group, items[i].Record.Contended, standing) {
			if !known[t.Change] {
				known[t.Change] = true
				trials = append(trials, trial{group: group.Name, Trial: t})
			}
		}
	}
	return trials, nil
}

// byPermission sorts trials into one queue for each bucket, in the order of their
// first. One trial for each permission goes first; the others begin elsewhere every
// day, so that those at the end have their turn.
func byPermission(trials []trial, now time.Time) [][]trial {
	seen := map[plan.Permission]bool{}
	first, others := map[plan.Bucket][]trial{}, map[plan.Bucket][]trial{}
	var order []plan.Bucket
	for _, t := range trials {
		permission := plan.PermissionOf(t.Change)
		bucket := permission.Bucket
		if len(first[bucket]) == 0 {
			order = append(order, bucket)
		}
		if seen[permission] {
			others[bucket] = append(others[bucket], t)
			continue
		}
		seen[permission] = true
		first[bucket] = append(first[bucket], t)
	}
	out := make([][]trial, 0, len(order))
	for _, bucket := range order {
		queue, rest := first[bucket], others[bucket]
		if n := int64(len(rest)); n > 0 {
			const stride = 31 // A rehearsal of a minute gets about so far in one bucket.
			from := now.UnixNano() / int64(day) * stride % n
			rest = slices.Concat(rest[from:], rest[:from])
		}
		out = append(out, slices.Concat(queue, rest))
	}
	return out
}

func (r *Rehearsal) add(t trial, receipt route.Receipt) {
	r.Tried++
	refusal := Refusal{Group: t.group, Path: t.Path, Receipt: receipt}
	switch receipt.Outcome {
	case route.Allowed:
		r.Allowed++
	case route.Denied:
		r.Denied = append(r.Denied, refusal)
	case route.Applied, route.AlreadyInPlace, route.PreconditionFailed, route.Throttled, route.Busy, route.Refused, route.Failed, route.NotStarted:
		r.Doubtful = append(r.Doubtful, refusal)
	}
}

// noteDenied leaves one journal entry for each group that has something denied.
func (c *Controller) noteDenied(ctx context.Context, out *Rehearsal) {
	now := c.ports.Clock.Now()
	count, first := map[string]int{}, map[string]Refusal{}
	var entries []JournalEntry
	for _, refusal := range out.Denied {
		if count[refusal.Group] == 0 {
			first[refusal.Group] = refusal
		}
		count[refusal.Group]++
	}
	for _, name := range c.Names() {
		if n := count[name]; n > 0 {
			r := first[name]
			entries = append(entries, JournalEntry{
				Key: GroupKey(name), At: now, Act: ActRehearsed, By: "the daily rehearsal",
				Why: fmt.Sprintf("%d writes would be denied, the first is %s on %s to %s (%s)",
					n, plan.BucketOf(r.Receipt.Change).API, r.Receipt.Change.Table, r.Receipt.Change.After, r.Receipt.Code),
			})
		}
	}
	for part := range slices.Chunk(entries, maxNotes) {
		if err := c.retry(ctx, func() error { return c.ports.Records.Note(ctx, part) }); err != nil {
			out.Err = err
			return
		}
	}
}

// maxNotes is how many entries one Note takes.
const maxNotes = 100
