package awsec2

import (
	"context"
	"fmt"
	"net/url"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"detour/shared/adapter/cannedtest"
	"detour/shared/adapter/recordstest"
	"detour/shared/route"
)

func listRef(id string) route.ListRef {
	return route.ListRef{ID: id, Account: account, Region: region}
}

func describedList(id string, more ...string) string {
	return "<item><prefixListId>" + id + "</prefixListId><state>modify-complete</state><version>7</version><maxEntries>20</maxEntries><ownerId>444455556666</ownerId>" +
		strings.Join(more, "") + "</item>"
}

func listsAnswer(next string, items ...string) string {
	return "<Response><prefixListSet>" + strings.Join(items, "") + "</prefixListSet>" + nextToken(next) + "</Response>"
}

func entriesAnswer(next string, cidrs ...string) string {
	body := ""
	for _, cidr := range cidrs {
		body += "<item><cidr>" + cidr + "</cidr><description>d</description></item>"
	}
	return "<Response><entrySet>" + body + "</entrySet>" + nextToken(next) + "</Response>"
}

// listNetwork knows every list, refuses the call for an id with "missing" in it,
// and leaves out those with "silent". Each list has three pages of entries.
func listNetwork(_ context.Context, params url.Values) (int, string, error) {
	if params.Get("Action") == "GetManagedPrefixListEntries" {
		if strings.Contains(params.Get("PrefixListId"), "missing") {
			return 400, fault("InvalidPrefixListID.NotFound"), nil
		}
		return 200, map[string]string{
			"":   entriesAnswer("p2", "2001:db8::/32", "10.2.0.0/16"),
			"p2": entriesAnswer("p3"),
			"p3": entriesAnswer("", "10.1.0.18/16", "10.2.0.0/16", "10.0.0.0/8"),
		}[params.Get("NextToken")], nil
	}
	var items []string
	for _, id := range list(params, "PrefixListId") {
		switch {
		case strings.Contains(id, "missing"):
			return 400, fault("InvalidPrefixListId.NotFound"), nil
		case strings.Contains(id, "silent"):
		case strings.Contains(id, "deleted"):
			items = append(items, "<item><prefixListId>"+id+"</prefixListId><state>delete-complete</state></item>")
		case strings.Contains(id, "ipam"):
			items = append(items, describedList(id, "<ipamPrefixListResolverSyncEnabled>true</ipamPrefixListResolverSyncEnabled>"))
		default:
			items = append(items, describedList(id))
		}
	}
	return 200, listsAnswer("", items...), nil
}

func TestReadLists(t *testing.T) {
	doer := &canned{answer: listNetwork}
	c := client(doer)
	asked := []route.ListRef{listRef("pl-2"), listRef("pl-ipam"), listRef("pl-silent"), listRef("pl-deleted"), listRef("pl-2")}
	got := c.Lists(true).Read(t.Context(), asked)
	for i, want := range []struct {
		problem route.Problem
		ipam    bool
	}{{"", false}, {"", true}, {route.ProblemGone, false}, {route.ProblemGone, false}, {"", false}} {
		r := got[i]
		if r.List != asked[i] || r.Problem != want.problem || r.Complete != (want.problem == "") || r.IPAM != want.ipam || !r.StartedAt.Equal(c.clock.Now()) {
			t.Errorf("the reading of %s is %+v", asked[i].ID, r)
		}
		if want.problem == "" && (r.Owner != "444455556666" || r.Version != 7 || r.MaxEntries != 20) {
			t.Errorf("the reading of %s is %+v", asked[i].ID, r)
		}
		if entries := fmt.Sprint(r.Entries); entries != "[10.0.0.0/8 10.1.0.0/16 10.2.0.0/16 2001:db8::/32]" {
			t.Errorf("the entries are %s", entries)
		}
	}
	got[0].Entries[0] = got[0].Entries[1]
	if got[4].Entries[0] == got[4].Entries[1] {
		t.Error("two readings of one list share memory")
	}
	for _, sent := range doer.calls {
		if entries := sent.Get("Action") == "GetManagedPrefixListEntries"; entries != (sent.Get("MaxResults") == "100") || sent.Has("TargetVersion") {
			t.Errorf("sent %v", sent)
		}
	}
	if calls := doer.actions(); len(calls) != 1+4*3 {
		t.Errorf("%d calls, want one for all lists and three pages for each", len(calls))
	}
	if none := c.Lists(true).Read(t.Context(), nil); len(none) != 0 {
		t.Errorf("asked for nothing, got %+v", none)
	}
}

func TestReadListsOneBadIDSpoilsNothing(t *testing.T) {
	doer := &canned{answer: listNetwork}
	stranger := listRef("pl-1")
	stranger.Account = "999999999999"
	got := client(doer).Lists(true).Read(t.Context(), []route.ListRef{listRef("pl-1"), listRef("pl-missing"), listRef("pl-2"), stranger})
	for i, want := range []route.Problem{"", route.ProblemGone, "", route.ProblemDenied} {
		if got[i].Problem != want || got[i].Complete != (want == "") {
			t.Errorf("got %+v, want problem %q", got[i], want)
		}
	}
}

func TestReadListsGroupsCalls(t *testing.T) {
	doer := &canned{answer: listNetwork}
	var lists []route.ListRef
	for n := range 250 {
		lists = append(lists, listRef(fmt.Sprintf("pl-%03d", n)))
	}
	far, other := listRef("pl-000"), listRef("pl-000")
	far.Region, other.Account = "us-east-1", "444455556666"
	lists = append(lists, far, other)
	slices.Reverse(lists)
	for i, r := range client(doer).Lists(true).Read(t.Context(), lists) {
		if r.List != lists[i] || !r.Complete || len(r.Entries) != 4 {
			t.Errorf("reading %d is %+v", i, r)
		}
	}
	var sizes []int
	for _, params := range doer.calls {
		if params.Get("Action") == "DescribeManagedPrefixLists" {
			sizes = append(sizes, len(list(params, "PrefixListId")))
		}
	}
	if slices.Sort(sizes); !slices.Equal(sizes, []int{1, 1, 50, 100, 100}) {
		t.Errorf("the calls were for %v lists", sizes)
	}
}

func TestReadListsThatAreNotWhole(t *testing.T) {
	whole := listsAnswer("", describedList("pl-1"))
	for name, test := range map[string]struct {
		described, entries map[string]string
		problem            route.Problem
		n                  int
	}{
		"two pages of lists":          {map[string]string{"": listsAnswer("p2"), "p2": whole}, map[string]string{"": entriesAnswer("")}, route.NoProblem, 0},
		"a page that fails later":     {map[string]string{"": listsAnswer("p2", describedList("pl-1")), "p2": "fault:RequestLimitExceeded"}, map[string]string{"": entriesAnswer("")}, route.NoProblem, 0},
		"a page that fails before":    {map[string]string{"": listsAnswer("p2"), "p2": "fault:RequestLimitExceeded"}, map[string]string{"": entriesAnswer("")}, route.ProblemThrottled, 0},
		"pages of lists in a circle":  {map[string]string{"": listsAnswer("p2"), "p2": listsAnswer("p2")}, map[string]string{"": entriesAnswer("")}, route.ProblemMalformed, 0},
		"entries that fail":           {map[string]string{"": whole}, map[string]string{"": entriesAnswer("p2", "10.0.0.0/8"), "p2": "fault:UnauthorizedOperation"}, route.ProblemDenied, 1},
		"pages of entries in circles": {map[string]string{"": whole}, map[string]string{"": entriesAnswer("p2", "10.0.0.0/8"), "p2": entriesAnswer("p2")}, route.ProblemMalformed, 1},
		"an entry that is no block":   {map[string]string{"": whole}, map[string]string{"": entriesAnswer("", "10.0.0.0/8", "10.0.0.0")}, route.ProblemMalformed, 1},
		"both fail":                   {map[string]string{"": "fault:UnauthorizedOperation"}, map[string]string{"": "fault:RequestLimitExceeded"}, route.ProblemDenied, 0},
	} {
		doer := &canned{answer: func(_ context.Context, params url.Values) (int, string, error) {
			pages := test.described
			if params.Get("Action") == "GetManagedPrefixListEntries" {
				pages = test.entries
			}
			body := pages[params.Get("NextToken")]
			if code, failed := strings.CutPrefix(body, "fault:"); failed {
				return 400, fault(code), nil
			}
			return 200, body, nil
		}}
		got := client(doer).Lists(true).Read(t.Context(), []route.ListRef{listRef("pl-1")})[0]
		if got.Problem != test.problem || got.Complete != (test.problem == "") || len(got.Entries) != test.n {
			t.Errorf("%s: got %+v, want problem %q and %d entries", name, got, test.problem, test.n)
		}
	}
}

// TestReadListsInOneRoundTrip: what a list is and what it holds are asked for at
// the same time.
func TestReadListsInOneRoundTrip(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		doer := &canned{answer: func(_ context.Context, params url.Values) (int, string, error) {
			time.Sleep(time.Second)
			if params.Get("Action") == "GetManagedPrefixListEntries" {
				return 200, entriesAnswer("", "10.0.0.0/8"), nil
			}
			return 200, listsAnswer("", describedList("pl-1"), describedList("pl-2")), nil
		}}
		began := time.Now()
		got := New(cannedtest.Configs(doer), recordstest.NewClock(), 5*time.Second).Lists(true).Read(t.Context(), []route.ListRef{listRef("pl-1"), listRef("pl-2")})
		if took := time.Since(began); took != time.Second || !got[0].Complete || !got[1].Complete {
			t.Errorf("it took %s, and is %+v", took, got)
		}
	})
}
