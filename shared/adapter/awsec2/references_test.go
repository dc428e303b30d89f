package awsec2

import (
	"context"
	"fmt"
	"net/url"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"detour/shared/adapter/cannedtest"
	"detour/shared/adapter/recordstest"
	"detour/shared/protection"
	"detour/shared/route"
)

func referenceItem(list, state, attachment string, more ...string) string {
	if attachment != "" {
		attachment = "<transitGatewayAttachment><transitGatewayAttachmentId>" + attachment + "</transitGatewayAttachmentId></transitGatewayAttachment>"
	}
	return "<item><prefixListId>" + list + "</prefixListId><state>" + state + "</state>" + attachment + strings.Join(more, "") + "</item>"
}

func referencesAnswer(next string, items ...string) string {
	return "<Response><transitGatewayPrefixListReferenceSet>" + strings.Join(items, "") + "</transitGatewayPrefixListReferenceSet>" + nextToken(next) + "</Response>"
}

// referring answers the two calls about a table: with one static and one route
// of a reference, and with the pages of references.
func referring(pages map[string]string) *canned {
	return &canned{answer: func(_ context.Context, params url.Values) (int, string, error) {
		if params.Get("Action") == "SearchTransitGatewayRoutes" {
			return 200, searchAnswer("", false,
				tgwItem("10.1.0.0/16", "static", "active", "", "tgw-attach-a"),
				tgwItem("10.2.0.0/16", "propagated", "active", "<prefixListId>pl-1</prefixListId>", "tgw-attach-a")), nil
		}
		body := pages[params.Get("NextToken")]
		if code, failed := strings.CutPrefix(body, "fault:"); failed {
			return 400, fault(code), nil
		}
		return 200, body, nil
	}}
}

func all(route.Table) bool { return true }

func TestReadReferences(t *testing.T) {
	doer := referring(map[string]string{
		"": referencesAnswer("p2",
			referenceItem("pl-6", "deleting", "tgw-attach-b"),
			referenceItem("pl-1", "available", "tgw-attach-a"),
			referenceItem("pl-2", "available", "", "<blackhole>true</blackhole>")),
		"p2": referencesAnswer("",
			referenceItem("pl-3", "available", ""), // Its attachment was deleted.
			referenceItem("pl-4", "pending", "tgw-attach-a"),
			referenceItem("pl-5", "modifying", "", "<blackhole>true</blackhole>"),
			referenceItem("pl-7", "available", "tgw-attach-a", "<blackhole>true</blackhole>"),
			referenceItem("pl-8", "available", "tgw-attach-a", "<blackhole>false</blackhole>")),
	})
	got := client(doer).Tables(all).Read(t.Context(), []route.Table{tgwTable("tgw-rtb-1")})[0]
	if !got.Complete {
		t.Errorf("the reading is %+v", got)
	}
	cannedtest.Expect(t, lines(got.Routes), []string{
		"10.1.0.0/16 static transit-gateway-attachment/tgw-attach-a active",
		"10.2.0.0/16 prefix-list-reference transit-gateway-attachment/tgw-attach-a active",
		"pl-1 static transit-gateway-attachment/tgw-attach-a active",
		"pl-2 static blackhole/blackhole blackhole",
		"pl-3 static blackhole/blackhole blackhole",
		"pl-4 static transit-gateway-attachment/tgw-attach-a pending",
		"pl-5 static blackhole/blackhole modifying",
		"pl-6 static transit-gateway-attachment/tgw-attach-b deleting",
		"pl-7 static blackhole/blackhole blackhole",
		"pl-8 static transit-gateway-attachment/tgw-attach-a active",
	})
	cannedtest.Expect(t, doer.actions(), []string{"GetTransitGatewayPrefixListReferences", "GetTransitGatewayPrefixListReferences", "SearchTransitGatewayRoutes"})
	for _, r := range got.Routes {
		if r.Table != got.Table {
			t.Errorf("a route is of %s", r.Table)
		}
	}
}

func TestReadReferencesThatAreNotWhole(t *testing.T) {
	for name, test := range map[string]struct {
		pages   map[string]string
		problem route.Problem
		routes  int
	}{
		"a page that fails":          {map[string]string{"": referencesAnswer("p2", referenceItem("pl-1", "available", "tgw-attach-a")), "p2": "fault:RequestLimitExceeded"}, route.ProblemThrottled, 3},
		"a page that names itself":   {map[string]string{"": referencesAnswer("p2"), "p2": referencesAnswer("p2")}, route.ProblemMalformed, 2},
		"denied":                     {map[string]string{"": "fault:UnauthorizedOperation"}, route.ProblemDenied, 2},
		"no list":                    {map[string]string{"": referencesAnswer("", referenceItem("", "available", "tgw-attach-a"))}, route.ProblemMalformed, 2},
		"an attachment without id":   {map[string]string{"": referencesAnswer("", referenceItem("pl-1", "available", "", "<transitGatewayAttachment><resourceType>vpn</resourceType></transitGatewayAttachment>"))}, route.ProblemMalformed, 2},
		"two references to one list": {map[string]string{"": referencesAnswer("", referenceItem("pl-1", "available", "tgw-attach-a"), referenceItem("pl-1", "available", "tgw-attach-b"))}, route.ProblemMalformed, 4},
	} {
		got := client(referring(test.pages)).Tables(all).Read(t.Context(), []route.Table{tgwTable("tgw-rtb-1")})[0]
		if got.Complete || got.Problem != test.problem || len(got.Routes) != test.routes {
			t.Errorf("%s: got %+v, want problem %q and %d routes", name, got, test.problem, test.routes)
		}
	}
}

func TestReferencesAreReadWhereTheyMatter(t *testing.T) {
	entry := func(table route.Table, destination string) protection.Entry {
		return protection.Entry{EntryKey: protection.EntryKey{Table: table, Destination: route.MustDestination(destination)}}
	}
	wanted := ReferencesOf([]protection.Group{
		{Units: []protection.Unit{{Entries: []protection.Entry{entry(tgwTable("tgw-rtb-1"), "10.0.0.0/8"), entry(vpcTable("rtb-1"), "pl-1")}}}},
		{Units: []protection.Unit{{}, {Entries: []protection.Entry{entry(tgwTable("tgw-rtb-2"), "pl-1")}}}},
	})
	doer := referring(map[string]string{"": referencesAnswer("", referenceItem("pl-9", "available", "tgw-attach-a"))})
	elsewhere := tgwTable("tgw-rtb-2")
	elsewhere.Region = "us-east-1"
	got := client(doer).Tables(wanted).Read(t.Context(), []route.Table{tgwTable("tgw-rtb-1"), tgwTable("tgw-rtb-2"), elsewhere})
	for i, want := range []int{2, 3, 2} {
		if !got[i].Complete || len(got[i].Routes) != want {
			t.Errorf("%s: got %+v, want %d routes", got[i].Table, got[i], want)
		}
	}
	cannedtest.Expect(t, doer.actions(), []string{"GetTransitGatewayPrefixListReferences", "SearchTransitGatewayRoutes", "SearchTransitGatewayRoutes", "SearchTransitGatewayRoutes"})
}

// TestReferencesAreReadBesideTheRoutes: a table and its references take one round
// trip, and the reading begins before both.
func TestReferencesAreReadBesideTheRoutes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		inner := referring(map[string]string{"": referencesAnswer("", referenceItem("pl-1", "available", "tgw-attach-a"))})
		doer := &canned{answer: func(ctx context.Context, params url.Values) (int, string, error) {
			time.Sleep(time.Second)
			return inner.answer(ctx, params)
		}}
		began := time.Now()
		got := New(cannedtest.Configs(doer), recordstest.NewClock(), 5*time.Second).Tables(all).Read(t.Context(), []route.Table{tgwTable("tgw-rtb-1")})[0]
		if took := time.Since(began); took != time.Second || !got.Complete {
			t.Errorf("it took %s, and is %+v", took, got)
		}
	})
}

func TestFollow(t *testing.T) {
	walk := func(next map[string]string) (asked []string, err error) {
		err = follow(func(token *string) (*string, error) {
			name := ""
			if token != nil {
				name = *token
			}
			asked = append(asked, name)
			if len(asked) > 10 {
				return nil, fmt.Errorf("no end")
			}
			to, ok := next[name]
			if !ok {
				return nil, nil
			}
			return &to, nil
		})
		return asked, err
	}
	for name, test := range map[string]struct {
		next  map[string]string
		asked string
		err   error
	}{
		"one page":           {nil, "", nil},
		"an empty token":     {map[string]string{"": ""}, "", nil},
		"three":              {map[string]string{"": "a", "a": "b"}, " a b", nil},
		"itself":             {map[string]string{"": "a", "a": "a"}, " a", errPaging},
		"a circle":           {map[string]string{"": "a", "a": "b", "b": "c", "c": "a"}, " a b c", errPaging},
		"back to the second": {map[string]string{"": "a", "a": "b", "b": "a"}, " a b", errPaging},
	} {
		asked, err := walk(test.next)
		if got := strings.Join(asked, " "); got != test.asked || err != test.err { //nolint:errorlint // It is the very error.
			t.Errorf("%s: asked for %q with %v, want %q with %v", name, got, err, test.asked, test.err)
		}
	}
}
