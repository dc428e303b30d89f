package protection

import (
	"cmp"
	"slices"
	"strings"
	"time"
)

// maxWriters bounds how many writers a record remembers, the newest: a list for people, in an item of bounded size.
const maxWriters = 8

// Writer is somebody who wrote to a table of the group, as an event told it. It is for people: nothing is decided by it,
// since such events are best effort and late.
type Writer struct {
	// Name is the ARN of the principal, or what was told in its place.
	Name string `json:"name"`
	// At is when the call was made.
	At time.Time `json:"at"`
	// Entry is the entry that the writer was last told to have written; without a destination anything in the table.
	Entry EntryKey `json:"entry"`
}

func (w Writer) equal(other Writer) bool {
	return w.Name == other.Name && w.At.Equal(other.At) && w.Entry == other.Entry
}

// about reports whether the writer's call may have changed the entry.
func (w Writer) about(key EntryKey) bool {
	return w.Entry.Table.ID == key.Table.ID && (w.Entry.Destination.IsZero() || w.Entry.Destination == key.Destination)
}

// noteWriters remembers who wrote an entry that does not stand as decided, so that the run that gives the entry up can name
// them. An event that comes twice, or late, adds nothing.
func (d *decider) noteWriters() {
	oldest := d.in.Now.Add(-d.in.Group.Limits.ContendedWindow)
	for _, w := range d.in.Writers {
		at := slices.IndexFunc(d.in.Standing.Entries, func(e EntryStanding) bool {
			return w.about(e.Entry) && !e.On(d.in.Record.Decision.PathFor(d.step(e.Unit)))
		})
		if at < 0 || w.Name == "" || !w.At.After(oldest) {
			continue
		}
		if w.Entry.Destination.IsZero() {
			w.Entry.Table = d.in.Standing.Entries[at].Entry.Table
		} else {
			w.Entry = d.in.Standing.Entries[at].Entry
		}
		next := &d.out.Next
		if known := slices.IndexFunc(next.Writers, func(k Writer) bool { return k.Name == w.Name }); known >= 0 {
			if !next.Writers[known].At.Before(w.At) {
				continue
			}
			next.Writers = slices.Delete(next.Writers, known, known+1)
		}
		next.Writers = slices.DeleteFunc(append(next.Writers, w), func(k Writer) bool { return !k.At.After(oldest) })
		slices.SortFunc(next.Writers, func(a, b Writer) int { return cmp.Or(b.At.Compare(a.At), strings.Compare(a.Name, b.Name)) })
		next.Writers = next.Writers[:min(len(next.Writers), maxWriters)]
	}
}

// WritersOf names those who wrote one of the entries as far as is known, the newest first: those whose last call was about
// one of them, or else about its table.
func (r Record) WritersOf(keys ...EntryKey) []string {
	var exact, near []string
	for _, w := range r.Writers {
		switch {
		case slices.ContainsFunc(keys, w.about):
			exact = append(exact, w.Name)
		case slices.ContainsFunc(keys, func(key EntryKey) bool { return key.Table == w.Entry.Table }):
			near = append(near, w.Name)
		}
	}
	if len(exact) > 0 {
		return exact
	}
	return near
}
