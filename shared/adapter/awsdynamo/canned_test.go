package awsdynamo

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"detour/shared/adapter/recordstest"
	"detour/shared/controller"
	"detour/shared/protection"
)

// methods calls every method of a store once, Commit in both shapes.
func methods(ctx context.Context, store *Store) map[string]error {
	item := controller.Item{Key: group, Lease: controller.Lease{Token: "one"}, Revision: 4}
	out := make(map[string]error)
	_, _, out["Peek"] = store.Peek(ctx, []controller.Key{group})
	_, _, out["Take"] = store.Take(ctx, group, "one")
	_, _, out["Renew"] = store.Renew(ctx, item)
	_, out["Commit"] = store.Commit(ctx, controller.Commit{Item: item})
	_, out["Commit with a move"] = store.Commit(ctx, controller.Commit{Item: item, Move: time.Unix(1, 0)})
	out["Release"] = store.Release(ctx, item)
	out["Request"] = store.Request(ctx, group, protection.Request{ID: "r1"})
	out["Clear"] = store.Clear(ctx, group, "r1")
	out["Note"] = store.Note(ctx, []controller.JournalEntry{entry(time.Unix(1, 0))})
	out["Control"] = store.Control(ctx, controller.ControlChange{})
	_, out["History"] = store.History(ctx, group, 1)
	return out
}

func cannedStore(t *testing.T, answer canned) *Store {
	t.Helper()
	return open(t, configure(answer, ""), "records", recordstest.NewClock())
}

// What is no answer of the store's own is an ordinary error, which the
// controller may try again. It says what DynamoDB said.
func TestErrorCodes(t *testing.T) {
	tests := []struct {
		status int
		code   string
		want   string
	}{
		{http.StatusBadRequest, "ProvisionedThroughputExceededException", ""},
		{http.StatusBadRequest, "ThrottlingException", ""},
		{http.StatusBadRequest, "RequestLimitExceeded", ""},
		{http.StatusBadRequest, "TransactionConflictException", ""},
		{http.StatusBadRequest, "TransactionInProgressException", ""},
		{http.StatusBadRequest, "IdempotentParameterMismatchException", ""},
		{http.StatusBadRequest, "ItemCollectionSizeLimitExceededException", ""},
		{http.StatusBadRequest, "ResourceNotFoundException", `table "records"`},
		{http.StatusBadRequest, "ValidationException", ""},
		{http.StatusBadRequest, "AccessDeniedException", ""},
		{http.StatusBadRequest, "ExpiredTokenException", ""},
		{http.StatusBadRequest, "SomethingNewException", ""},
		{http.StatusInternalServerError, "InternalServerError", ""},
		{http.StatusServiceUnavailable, "ServiceUnavailable", ""},
	}
	for _, test := range tests {
		t.Run(test.code, func(t *testing.T) {
			store := cannedStore(t, func(context.Context, request) (int, string) {
				return test.status, fmt.Sprintf(`{"__type":"com.amazonaws.dynamodb.v20120810#%s","message":"about it"}`, test.code)
			})
			for method, err := range methods(t.Context(), store) {
				if err == nil || sentinel(err) || !strings.Contains(err.Error(), test.code) || !strings.Contains(err.Error(), test.want) {
					t.Errorf("%s answered %v", method, err)
				}
			}
		})
	}
	for _, method := range []string{"Commit", "Renew", "Release"} {
		store := cannedStore(t, func(context.Context, request) (int, string) {
			return http.StatusBadRequest, `{"__type":"ConditionalCheckFailedException","message":"no","Item":{"leaseToken":{"S":"two"}}}`
		})
		if err := methods(t.Context(), store)[method]; !errors.Is(err, controller.ErrFenced) {
			t.Errorf("after a failed condition %s answered %v, want ErrFenced", method, err)
		}
	}
	store := cannedStore(t, func(context.Context, request) (int, string) { return http.StatusOK, "<html>" })
	for method, err := range methods(t.Context(), store) {
		// What an update answers is not looked at where nothing is asked for.
		if err == nil && slices.Contains([]string{"Peek", "Take", "Renew", "History"}, method) || sentinel(err) {
			t.Errorf("after an answer that is none %s answered %v", method, err)
		}
	}
}

// What a cancelled transaction's reasons become. The first is of the record,
// the second of the control item.
func TestCancelledTransactions(t *testing.T) {
	const failed, none = "ConditionalCheckFailed", "None"
	tests := []struct {
		name  string
		codes []string
		item  string // the record's item, as its reason shows it
		want  error  // nil: an ordinary error
		ok    bool
	}{
		{"control changed", []string{none, failed}, "", controller.ErrControlChanged, false},
		{"fenced by a token", []string{failed, none}, `"leaseToken":{"S":"two"},"revision":{"N":"4"}`, controller.ErrFenced, false},
		{"fenced by a revision", []string{failed, none}, `"leaseToken":{"S":"one"},"revision":{"N":"6"}`, controller.ErrFenced, false},
		{"fenced before control changed", []string{failed, failed}, `"leaseToken":{"S":"two"},"revision":{"N":"4"}`, controller.ErrFenced, false},
		{"the item is gone", []string{failed, failed}, "", controller.ErrFenced, false},
		{"its own effect", []string{failed, failed}, `"leaseToken":{"S":"one"},"revision":{"N":"5"}`, nil, true},
		{"another's next revision", []string{failed, failed}, `"leaseToken":{"S":"two"},"revision":{"N":"5"}`, controller.ErrFenced, false},
		{"a conflict on the record", []string{"TransactionConflict", none}, "", nil, false},
		{"a conflict on the record, and control changed", []string{"TransactionConflict", failed}, "", nil, false},
		{"a conflict on control", []string{none, "TransactionConflict"}, "", controller.ErrControlChanged, false},
		{"throttled", []string{none, "ThrottlingError"}, "", nil, false},
		{"no capacity", []string{"ProvisionedThroughputExceeded", none}, "", nil, false},
		{"not valid", []string{"ValidationError", none}, "", nil, false},
		{"no reasons", nil, "", nil, false},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			var reasons []string
			for i, code := range test.codes {
				reason := fmt.Sprintf(`"Code":%q`, code)
				if i == 0 && test.item != "" {
					reason += `,"Item":{` + test.item + `}`
				}
				reasons = append(reasons, "{"+reason+"}")
			}
			store := cannedStore(t, func(context.Context, request) (int, string) {
				return http.StatusBadRequest, `{"__type":"com.amazonaws.dynamodb.v20120810#TransactionCanceledException","Message":"cancelled","CancellationReasons":[` + strings.Join(reasons, ",") + `]}`
			})
			item := controller.Item{Key: group, Lease: controller.Lease{Token: "one"}, Revision: 4}
			_, err := store.Commit(t.Context(), controller.Commit{Item: item, Move: time.Unix(1, 0)})
			switch {
			case test.ok:
				if err != nil {
					t.Errorf("answered %v, want success", err)
				}
			case test.want != nil:
				if !errors.Is(err, test.want) {
					t.Errorf("answered %v, want %v", err, test.want)
				}
			case err == nil || sentinel(err):
				t.Errorf("answered %v, want an ordinary error", err)
			default:
				for _, code := range test.codes {
					if code != none && !strings.Contains(err.Error(), code) {
						t.Errorf("answered %v, which does not tell the reason %s", err, code)
					}
				}
			}
		})
	}
}

// A journal entry alone has no control item beside it, so the second reason is
// the entry's.
func TestConditionsOfOthersAreNotTheControlItems(t *testing.T) {
	store := cannedStore(t, func(context.Context, request) (int, string) {
		return http.StatusBadRequest, `{"__type":"TransactionCanceledException","CancellationReasons":[{"Code":"None"},{"Code":"ConditionalCheckFailed"}]}`
	})
	item := controller.Item{Key: group, Lease: controller.Lease{Token: "one"}}
	_, err := store.Commit(t.Context(), controller.Commit{Item: item, Journal: []controller.JournalEntry{entry(time.Unix(1, 0))}})
	if err == nil || sentinel(err) {
		t.Errorf("answered %v", err)
	}
}

// keysOf returns the partition keys that a BatchGetItem asks for.
func keysOf(t *testing.T, body string) []string {
	t.Helper()
	var input struct {
		RequestItems map[string]struct {
			Keys           []map[string]map[string]string
			ConsistentRead bool
		}
	}
	if err := json.Unmarshal([]byte(body), &input); err != nil {
		t.Fatal(err)
	}
	asked := input.RequestItems["records"]
	if !asked.ConsistentRead {
		t.Errorf("the read is not consistent: %s", body)
	}
	var out []string
	for _, key := range asked.Keys {
		out = append(out, key["pk"]["S"])
	}
	return out
}

// serve answers a BatchGetItem with the first n of its keys, and leaves the rest.
func serve(keys []string, n int) string {
	var found, left []string
	for i, key := range keys {
		sort := "record"
		if key == "control" {
			sort = "control"
		}
		names := fmt.Sprintf(`"pk":{"S":%q},"sk":{"S":%q}`, key, sort)
		if i < n {
			found = append(found, fmt.Sprintf(`{%s,"dirty":{"N":"%d"},"revision":{"N":"1"}}`, names, len(key)))
		} else {
			left = append(left, "{"+names+"}")
		}
	}
	unprocessed := "{}"
	if len(left) > 0 {
		unprocessed = `{"records":{"Keys":[` + strings.Join(left, ",") + `]}}`
	}
	return `{"Responses":{"records":[` + strings.Join(found, ",") + `]},"UnprocessedKeys":` + unprocessed + `}`
}

func TestPeekAsksForWhatWasLeftOver(t *testing.T) {
	var keys []controller.Key
	for n := range 250 {
		keys = append(keys, controller.GroupKey(strings.Repeat("x", n+1)))
	}
	slices.Reverse(keys)
	var sizes []int
	clock := recordstest.NewClock()
	started := clock.Now()
	store := open(t, configure(canned(func(_ context.Context, asked request) (int, string) {
		got := keysOf(t, asked.body)
		sizes = append(sizes, len(got))
		return http.StatusOK, serve(got, 60)
	}), ""), "records", clock)
	items, control, err := store.Peek(t.Context(), keys)
	if err != nil {
		t.Fatal(err)
	}
	for i, item := range items {
		if item.Key != keys[i] || item.Dirty != int64(len(keys[i])) {
			t.Fatalf("item %d is %+v, want that of %s", i, item, keys[i])
		}
	}
	if want := []int{100, 40, 100, 40, 51}; !slices.Equal(sizes, want) || control.Revision != 1 {
		t.Errorf("asked for %v keys at once, want %v; control item %+v", sizes, want, control)
	}
	if paused := clock.Now().Sub(started); paused != 2*firstPause {
		t.Errorf("paused for %s in all, want %s", paused, 2*firstPause)
	}
}

func TestPeekGivesUpAfterManyAsks(t *testing.T) {
	asks := 0
	store := cannedStore(t, func(_ context.Context, asked request) (int, string) {
		asks++
		return http.StatusOK, serve(keysOf(t, asked.body), 0)
	})
	items, _, err := store.Peek(t.Context(), []controller.Key{group})
	if err == nil || items != nil || asks != maxAsks || !strings.Contains(err.Error(), "2 of 2 keys") {
		t.Errorf("after %d asks Peek answered %v, %v", asks, items, err)
	}
}

func TestHistoryFollowsPages(t *testing.T) {
	var asked []string
	store := cannedStore(t, func(_ context.Context, r request) (int, string) {
		asked = append(asked, r.body)
		if strings.Contains(r.body, `"ExclusiveStartKey"`) {
			return http.StatusOK, `{"Items":[{"entry":{"S":"{\"key\":\"second\"}"}}]}`
		}
		return http.StatusOK, `{"Items":[{"entry":{"S":"{\"key\":\"first\"}"}}],"LastEvaluatedKey":{"pk":{"S":"p"},"sk":{"S":"s"}}}`
	})
	lines, err := store.History(t.Context(), group, 3)
	if err != nil || len(lines) != 2 || lines[0].Key != "first" || lines[1].Key != "second" {
		t.Fatalf("answered %+v, %v", lines, err)
	}
	if len(asked) != 2 || !strings.Contains(asked[0], `"Limit":3`) || !strings.Contains(asked[1], `"Limit":2`) {
		t.Errorf("asked %v", asked)
	}
	asked = nil
	if lines, err := store.History(t.Context(), group, 1); err != nil || len(lines) != 1 || len(asked) != 1 {
		t.Errorf("asked for one, got %+v, %v with %d calls", lines, err, len(asked))
	}
}

// realTimeout is a clock whose timeouts run out.
type realTimeout struct{ *recordstest.Clock }

func (realTimeout) Timeout(ctx context.Context, _ time.Duration) (context.Context, context.CancelFunc) {
	return context.WithTimeout(ctx, time.Nanosecond)
}

func TestEveryCallHasATimeout(t *testing.T) {
	store := open(t, configure(canned(func(ctx context.Context, _ request) (int, string) {
		<-ctx.Done()
		return http.StatusInternalServerError, ""
	}), ""), "records", realTimeout{recordstest.NewClock()})
	for method, err := range methods(t.Context(), store) {
		if !errors.Is(err, context.DeadlineExceeded) || sentinel(err) {
			t.Errorf("%s whose time ran out answered %v", method, err)
		}
	}
}
