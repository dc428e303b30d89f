package protection

import (
	"fmt"
	"slices"
	"testing"
	"time"
)

func TestWritersAreRemembered(t *testing.T) {
	by := func(name string, ago time.Duration, key EntryKey) Writer {
		return Writer{Name: name, At: noon.Add(-ago), Entry: key}
	}
	entry := func(in Input, n int) EntryKey { return in.Group.Units[n].Entries[0].EntryKey }
	tests := []struct {
		name   string
		change func(in *Input)
		want   []string
	}{
		{"of an entry that was changed", func(in *Input) { in.Writers = []Writer{by("alice", time.Second, entry(*in, 0))} }, []string{"alice"}},
		{"of an entry that stands as decided", func(in *Input) { in.Writers = []Writer{by("alice", time.Second, entry(*in, 1))} }, nil},
		{"of the whole table", func(in *Input) {
			in.Writers = []Writer{by("alice", time.Second, EntryKey{Table: entry(*in, 0).Table})}
		}, []string{"alice"}},
		{"by the table's id only, as events name it", func(in *Input) {
			key := entry(*in, 0)
			key.Table.Kind, key.Table.Account, key.Table.Region = "", "", ""
			in.Writers = []Writer{by("alice", time.Second, key)}
		}, []string{"alice"}},
		{"of another table", func(in *Input) {
			key := entry(*in, 0)
			key.Table.ID = "tgw-rtb-other"
			in.Writers = []Writer{by("alice", time.Second, key)}
		}, nil},
		{"long ago", func(in *Input) { in.Writers = []Writer{by("alice", time.Hour, entry(*in, 0))} }, nil},
		{"without a name", func(in *Input) { in.Writers = []Writer{by("", time.Second, entry(*in, 0))} }, nil},
		{"the newest first, others stay", func(in *Input) {
			in.Record.Writers = []Writer{by("bob", 2*time.Minute, entry(*in, 0)), by("carol", time.Hour, entry(*in, 0))}
			in.Writers = []Writer{by("alice", time.Second, entry(*in, 0))}
		}, []string{"alice", "bob"}},
		{"twice, by a doubled event", func(in *Input) {
			in.Record.Writers = []Writer{by("alice", time.Second, entry(*in, 0))}
			in.Writers = []Writer{by("alice", time.Second, entry(*in, 0))}
		}, []string{"alice"}},
		{"eight at most", func(in *Input) {
			for n := range 12 {
				in.Writers = append(in.Writers, by(fmt.Sprintf("w%02d", n), time.Duration(n)*time.Second, entry(*in, 0)))
			}
		}, []string{"w00", "w01", "w02", "w03", "w04", "w05", "w06", "w07"}},
		{"not while the group is only observed", func(in *Input) {
			in.Group.Mode, in.Record.Mode = Observe, Observe
			in.Writers = []Writer{by("alice", time.Second, entry(*in, 0))}
		}, nil},
		{"not from half a reading", func(in *Input) {
			in.Standing.Complete = false
			in.Writers = []Writer{by("alice", time.Second, entry(*in, 0))}
		}, nil},
		{"forgotten with the contention", func(in *Input) {
			in.Record.Writers = []Writer{by("alice", time.Second, entry(*in, 0))}
			in.Requests = []Request{{ID: "r", Kind: Release, At: noon}}
		}, nil},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			in := settledOn("A")
			in.stands("B", "A", "A")
			test.change(&in)
			out := Decide(in)
			var got []string
			for _, w := range out.Next.Writers {
				got = append(got, w.Name)
			}
			if !slices.Equal(got, test.want) {
				t.Errorf("remembered %v, want %v", got, test.want)
			}
			with := in
			with.Writers, with.Record.Writers = nil, nil
			out.Next.Writers = nil
			if other := Decide(with); !other.Next.Equal(out.Next) || other.Decision != out.Decision {
				t.Error("who wrote it changes the decision")
			}
			in.Record = Decide(in).Next
			if !Decide(in).Next.Equal(in.Record) {
				t.Error("the same event again changes the record")
			}
		})
	}
}

func TestWritersOf(t *testing.T) {
	in := settledOn("A")
	first, second := in.Group.Units[0].Entries[0].EntryKey, in.Group.Units[1].Entries[0].EntryKey
	rec := Record{Writers: []Writer{{Name: "bob", At: noon, Entry: second}, {Name: "alice", At: noon.Add(-time.Second), Entry: first}}}
	if got := rec.WritersOf(first); !slices.Equal(got, []string{"alice"}) {
		t.Errorf("the first entry was written by %v", got)
	}
	if got := rec.WritersOf(first, second); !slices.Equal(got, []string{"bob", "alice"}) {
		t.Errorf("both were written by %v", got)
	}
	third := first
	third.Destination = second.Destination
	third.Table.ID = "tgw-rtb-other"
	if got := rec.WritersOf(third); len(got) != 0 {
		t.Errorf("an entry of another table was written by %v", got)
	}
	if got := (Record{Writers: rec.Writers[:1]}).WritersOf(first); first.Table == second.Table && !slices.Equal(got, []string{"bob"}) {
		t.Errorf("the table was written by %v", got)
	}
	if got := rec.WritersOf(); len(got) != 0 {
		t.Errorf("nothing was written by %v", got)
	}
}
