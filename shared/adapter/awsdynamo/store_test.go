package awsdynamo

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"detour/shared/adapter/recordstest"
	"detour/shared/controller"
	"detour/shared/protection"
)

const group controller.Key = "group#paris"

func TestStoreKeepsTheContract(t *testing.T) {
	on(t, func(t *testing.T, b backend) {
		b.open(t)
		recordstest.Run(t, func(t *testing.T, clock *recordstest.Clock) controller.Records {
			return b.newTable(t, clock)(nil)
		})
	})
}

// bench is a test on one table.
type bench struct {
	*testing.T
	clock *recordstest.Clock
	open  func(wrap func(doer) doer) *Store
	store *Store
}

// each runs a test on a new table of each backend.
func each(t *testing.T, test func(b *bench)) {
	t.Helper()
	on(t, func(t *testing.T, on backend) { test(newBench(t, on)) })
}

func newBench(t *testing.T, on backend) *bench {
	t.Helper()
	b := &bench{T: t, clock: recordstest.NewClock()}
	b.open = on.newTable(t, b.clock)
	b.store = b.open(nil)
	return b
}

func (b *bench) take(token string) controller.Item {
	b.Helper()
	item, _, err := b.store.Take(b.Context(), group, token)
	b.must(err)
	return item
}

func (b *bench) peek() (controller.Item, controller.Control) {
	b.Helper()
	items, control, err := b.store.Peek(b.Context(), []controller.Key{group})
	b.must(err)
	return items[0], control
}

// spoil breaks an attribute in the table.
func (b *bench) spoil(key attributes, attribute string) {
	b.Helper()
	b.put(key, attribute, text("{"))
}

// put writes an attribute in the table.
func (b *bench) put(key attributes, attribute string, value types.AttributeValue) {
	b.Helper()
	_, err := b.store.update(b.Context(), &dynamodb.UpdateItemInput{
		Key: key, UpdateExpression: aws.String("SET #a = :a"),
		ExpressionAttributeNames: map[string]string{"#a": attribute}, ExpressionAttributeValues: attributes{":a": value},
	})
	b.must(err)
}

func (b *bench) must(err error) {
	b.Helper()
	if err != nil {
		b.Fatal(err)
	}
}

func (b *bench) answered(what string, err, want error) {
	b.Helper()
	if !errors.Is(err, want) {
		b.Fatalf("%s answered %v, want %v", what, err, want)
	}
}

func (b *bench) lost(what string, err error) {
	b.Helper()
	if !errors.Is(err, errLost) || sentinel(err) {
		b.Fatalf("%s whose answer was lost answered %v", what, err)
	}
}

// sentinel reports whether an error is one of the port's own.
func sentinel(err error) bool {
	return errors.Is(err, controller.ErrBusy) || errors.Is(err, controller.ErrFenced) ||
		errors.Is(err, controller.ErrDirty) || errors.Is(err, controller.ErrControlChanged)
}

func (b *bench) expire() { b.clock.Advance(recordstest.Lease + recordstest.Skew + time.Second) }

func entry(at time.Time) controller.JournalEntry { return controller.JournalEntry{Key: group, At: at} }

func TestLostAnswers(t *testing.T) {
	each(t, func(b *bench) {
		for _, abandoned := range []bool{false, true} {
			b.Run(fmt.Sprintf("Take, abandoned %t", abandoned), func(t *testing.T) {
				b := &bench{T: t, clock: b.clock, open: b.open, store: b.store}
				losing := b.open(losing("UpdateItem"))
				_, _, err := losing.Take(b.Context(), group, fmt.Sprintf("lost-%t", abandoned))
				b.lost("a Take", err)
				b.clock.Advance(time.Second)
				item, _, err := losing.Take(b.Context(), group, fmt.Sprintf("lost-%t", abandoned))
				b.must(err)
				if item.Abandoned != abandoned || item.Dirty != 0 || !item.Lease.Until.Equal(b.clock.Now().Add(recordstest.Lease)) {
					b.Errorf("the Take after a lost answer took %+v", item)
				}
				b.expire()
			})
		}
	})
}

func TestLostAnswerOfACommit(t *testing.T) {
	for _, operation := range []string{"UpdateItem", "TransactWriteItems"} {
		t.Run(operation, func(t *testing.T) {
			each(t, func(b *bench) {
				commit := controller.Commit{Item: b.take("one")}
				commit.Item.Record.Decision.Epoch = 7
				if operation == "TransactWriteItems" {
					commit.Move, commit.MoveWindow = b.clock.Now(), time.Minute
					commit.Journal = []controller.JournalEntry{entry(b.clock.Now())}
				}
				losing := b.open(losing(operation))
				_, err := losing.Commit(b.Context(), commit)
				b.lost("a Commit", err)
				item, err := losing.Commit(b.Context(), commit)
				b.must(err)
				seen, control := b.peek()
				if item.Revision != 1 || seen.Revision != 1 || seen.Record.Decision.Epoch != 7 {
					b.Errorf("the Commit after a lost answer made revision %d, and the item is %+v", item.Revision, seen)
				}
				lines, err := b.store.History(b.Context(), group, 10)
				b.must(err)
				if len(lines) != len(commit.Journal) || len(control.Moves) != len(commit.Journal) {
					b.Errorf("%d lines and %d moves, want %d of each", len(lines), len(control.Moves), len(commit.Journal))
				}
				// What is decided anew on the same token is another commit.
				item.Record.Decision.Epoch = 8
				commit.Item, commit.Control = item, control
				_, err = losing.Commit(b.Context(), commit)
				b.must(err)
				if seen, _ := b.peek(); seen.Revision != 2 || seen.Record.Decision.Epoch != 8 {
					b.Errorf("the next Commit left %+v", seen)
				}
			})
		})
	}
}

func TestLostAnswerOfARelease(t *testing.T) {
	each(t, func(b *bench) {
		item := b.take("one")
		losing := b.open(losing("UpdateItem"))
		b.lost("a Release", losing.Release(b.Context(), item))
		b.must(losing.Release(b.Context(), item))
		if next := b.take("two"); next.Abandoned {
			b.Error("a lease whose Release lost its answer counts as Abandoned")
		}
	})
}

// meanwhile opens a store before whose update number n (from 1) act runs, on
// another connection.
func (b *bench) meanwhile(act func(update int)) *Store {
	updates := 0
	return b.open(func(inner doer) doer {
		return &meddling{inner: inner, before: func(asked request) {
			if asked.operation == "UpdateItem" {
				updates++
				act(updates)
			}
		}}
	})
}

// The holder releases after the late-comer was told that the lease is held, and
// before it raises dirty. Nobody would look at the counter again.
func TestTakeWhileTheHolderReleases(t *testing.T) {
	each(t, func(b *bench) {
		held := b.take("one")
		late := b.meanwhile(func(update int) {
			if update == 2 {
				b.must(b.store.Release(b.Context(), held))
			}
		})
		item, _, err := late.Take(b.Context(), group, "late")
		b.must(err)
		if item.Lease.Token != "late" || item.Dirty != 0 || item.Abandoned {
			b.Errorf("took %+v", item)
		}
	})
}

// As above, but a third run takes the lease: it is the one that must run again.
func TestTakeWhileTheLeaseChangesHands(t *testing.T) {
	each(t, func(b *bench) {
		held := b.take("one")
		late := b.meanwhile(func(update int) {
			if update == 2 {
				b.must(b.store.Release(b.Context(), held))
				held = b.take("two")
			}
		})
		_, _, err := late.Take(b.Context(), group, "late")
		b.answered("a Take of a lease that went to another", err, controller.ErrBusy)
		b.answered("a Release of the run that came between", b.store.Release(b.Context(), held), controller.ErrDirty)
	})
}

func TestTakeGivesUpAfterManyRounds(t *testing.T) {
	each(t, func(b *bench) {
		held := b.take("one")
		late := b.meanwhile(func(update int) {
			if update%2 == 0 {
				b.must(b.store.Release(b.Context(), held))
				held = b.take(fmt.Sprintf("next-%d", update))
			}
		})
		_, _, err := late.Take(b.Context(), group, "late")
		if err == nil || sentinel(err) || !strings.Contains(err.Error(), "changed hands") {
			b.Errorf("a Take of a lease that never stands still answered %v", err)
		}
	})
}

// Its own token is there, and is taken over just before the Take renews it.
func TestTakeLosesItsOwnLeaseMeanwhile(t *testing.T) {
	each(t, func(b *bench) {
		b.take("one")
		b.expire()
		slow := b.meanwhile(func(update int) {
			if update == 2 {
				b.take("two")
			}
		})
		_, _, err := slow.Take(b.Context(), group, "one")
		b.answered("a Take whose lease went to another", err, controller.ErrBusy)
		if seen, _ := b.peek(); seen.Lease.Token != "two" || seen.Dirty != 1 {
			b.Errorf("the item is %+v", seen)
		}
	})
}

// Each rule of fencing, for both shapes of a commit.
func TestCommitIsFenced(t *testing.T) {
	tests := []struct {
		name  string
		spoil func(b *bench, commit *controller.Commit)
		want  error
	}{
		{"nothing is wrong", func(*bench, *controller.Commit) {}, nil},
		{"the lease went to another run", func(b *bench, _ *controller.Commit) { b.expire(); b.take("two") }, controller.ErrFenced},
		{"the lease was released", func(b *bench, c *controller.Commit) { b.must(b.store.Release(b.Context(), c.Item)) }, controller.ErrFenced},
		{"there is no token", func(_ *bench, c *controller.Commit) { c.Item.Lease.Token = "" }, controller.ErrFenced},
		{"the item was never taken", func(_ *bench, c *controller.Commit) { c.Item.Key = "group#none" }, controller.ErrFenced},
		{"the revision is two ahead", func(b *bench, c *controller.Commit) {
			item := c.Item
			for range 2 {
				var err error
				item, err = b.store.Commit(b.Context(), controller.Commit{Item: item})
				b.must(err)
			}
		}, controller.ErrFenced},
		{"the revision is behind", func(_ *bench, c *controller.Commit) { c.Item.Revision = 3 }, controller.ErrFenced},
		{"the next revision is another run's", func(b *bench, _ *controller.Commit) {
			b.expire()
			_, err := b.store.Commit(b.Context(), controller.Commit{Item: b.take("two")})
			b.must(err)
		}, controller.ErrFenced},
	}
	for _, shape := range []string{"one update", "a transaction"} {
		for _, test := range tests {
			t.Run(shape+"/"+test.name, func(t *testing.T) {
				each(t, func(b *bench) {
					commit := controller.Commit{Item: b.take("one")}
					if shape == "a transaction" {
						commit.Move, commit.MoveWindow = b.clock.Now(), time.Minute
						commit.Journal = []controller.JournalEntry{entry(b.clock.Now())}
					}
					test.spoil(b, &commit)
					before, _ := b.peek()
					_, err := b.store.Commit(b.Context(), commit)
					b.answered("the Commit", err, test.want)
					after, control := b.peek()
					if test.want != nil && (after.Revision != before.Revision || len(control.Moves) != 0) {
						b.Errorf("a refused Commit left %+v and %+v", after, control)
					}
				})
			})
		}
	}
}

// The hot path has one round trip for each step. The control item is read beside.
func TestCallsOfEachMethod(t *testing.T) {
	each(t, func(b *bench) {
		var seen *meddling
		store := b.open(func(inner doer) doer { seen = &meddling{inner: inner}; return seen })
		var item controller.Item
		take := func(token string) func() error {
			return func() (err error) { item, _, err = store.Take(b.Context(), group, token); return err }
		}
		commit := func(change func(*controller.Commit)) func() error {
			return func() (err error) {
				c := controller.Commit{Item: item, MoveWindow: time.Minute}
				change(&c)
				item, err = store.Commit(b.Context(), c)
				return err
			}
		}
		steps := []struct {
			name string
			call func() error
			want []string
		}{
			{"Take", take("one"), []string{"GetItem", "UpdateItem"}},
			{"Take of a held lease", func() error {
				if _, _, err := store.Take(b.Context(), group, "two"); !errors.Is(err, controller.ErrBusy) {
					return fmt.Errorf("a held lease: %w", err)
				}
				return nil
			}, []string{"GetItem", "UpdateItem", "UpdateItem"}},
			{"Renew", func() (err error) { item, _, err = store.Renew(b.Context(), item); return err }, []string{"GetItem", "UpdateItem"}},
			{"Commit", commit(func(*controller.Commit) {}), []string{"UpdateItem"}},
			{"Commit with a line", commit(func(c *controller.Commit) { c.Journal = []controller.JournalEntry{entry(b.clock.Now())} }), []string{"TransactWriteItems"}},
			{"Commit with a move", commit(func(c *controller.Commit) { c.Move = b.clock.Now() }), []string{"TransactWriteItems"}},
			{"Release", func() error { return store.Release(b.Context(), item) }, []string{"UpdateItem"}},
			{"Request", func() error { return store.Request(b.Context(), group, protection.Request{ID: "r1"}) }, []string{"UpdateItem"}},
			{"Clear", func() error { return store.Clear(b.Context(), group, "r1") }, []string{"UpdateItem"}},
			{"Control", func() error {
				return store.Control(b.Context(), controller.ControlChange{Freeze: &protection.FreezeState{}})
			}, []string{"UpdateItem"}},
			{"Peek", func() error { _, _, err := store.Peek(b.Context(), []controller.Key{group, group}); return err }, []string{"BatchGetItem"}},
			{"History", func() error { _, err := store.History(b.Context(), group, 2); return err }, []string{"Query"}},
		}
		for _, step := range steps {
			seen.calls = nil
			b.must(step.call())
			var got []string
			for _, call := range seen.calls {
				got = append(got, call.operation)
			}
			slices.Sort(got)
			if !slices.Equal(got, step.want) {
				b.Errorf("%s made the calls %v, want %v", step.name, got, step.want)
			}
		}
	})
}

func TestNewNamesEachWrongOption(t *testing.T) {
	_, err := New(aws.Config{}, Options{Skew: -1, Keep: -1})
	if err == nil {
		t.Fatal("wrong options were taken")
	}
	for _, name := range []string{"Table", "Clock", "Lease", "Skew", "CallTimeout", "Keep"} {
		if !strings.Contains(err.Error(), "option "+name) {
			t.Errorf("the error does not name %s: %v", name, err)
		}
	}
}
