package stack

import (
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"
)

func TestExpressions(t *testing.T) {
	start := time.Date(2026, 2, 27, 22, 30, 30, 0, time.UTC)
	for text, want := range map[string]string{
		"rate(1 minute)":            "2026-02-27T22:31:30Z",
		"rate(5 minutes)":           "2026-02-27T22:35:30Z",
		"rate(1 day)":               "2026-02-28T22:30:30Z",
		"cron(17 3 * * ? *)":        "2026-02-28T03:17:00Z",
		"cron(31 22 * * ? *)":       "2026-02-27T22:31:00Z",
		"cron(30 22 * * ? *)":       "2026-02-28T22:30:00Z",
		"cron(0/15 * * * ? *)":      "2026-02-27T22:45:00Z",
		"cron(0 9 ? * 2-6 *)":       "2026-03-02T09:00:00Z", // Monday to Friday; the 27th is a Friday.
		"cron(0 0 29 2 ? *)":        "2028-02-29T00:00:00Z",
		"cron(0 0 1,15 * ? *)":      "2026-03-01T00:00:00Z",
		"cron(10 4 1 1 ? 2027)":     "2027-01-01T04:10:00Z",
		"cron(10 4 1 1 ? 2020)":     "never",
		"cron(0 0 30 2 ? *)":        "never",
		"rate(0 minutes)":           "write a number of 1 to",
		"rate(999999999999 days)":   "write a number of 1 to",
		"rate(1 week)":              "write minutes, hours or days",
		"rate(1)":                   "write rate(N UNIT)",
		"at(2026-01-01T00:00:00)":   "write rate(N UNIT)",
		"cron(17 3 * * * *)":        "write ? as the day",
		"cron(17 3 ? * ? *)":        "write ? as the day",
		"cron(60 3 * * ? *)":        "whose minutes",
		"cron(0 3 L * ? *)":         "whose day of month",
		"cron(0 3 ? * MON *)":       "whose day of week",
		"cron(0/0 3 * * ? *)":       "whose minutes",
		"cron(9-3 3 * * ? *)":       "whose minutes",
		"cron(17 3 * * ? *) or not": "write rate(N UNIT)",
	} {
		e, err := ParseExpression(text)
		got := "never"
		if err != nil {
			got = err.Error()
		} else if next, ok := e.Next(start); ok {
			got = next.Format(time.RFC3339)
		}
		if !strings.Contains(got, want) {
			t.Errorf("%s: %s, want %s", text, got, want)
		}
	}
}

// TestNextIsTheFirstMinute: Next agrees with looking at each minute in turn.
func TestNextIsTheFirstMinute(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		field := func(name string, last int) string {
			return rapid.SampledFrom([]string{"*", "0/7", "3", "1,5", "2-4"}).Filter(func(s string) bool { return last > 5 || s == "*" }).Draw(t, name)
		}
		e, err := ParseExpression("cron(" + field("minute", 59) + " " + field("hour", 23) + " * * ? *)")
		if err != nil {
			t.Fatal(err)
		}
		from := time.Date(2026, 12, 31, 0, 0, 0, 0, time.UTC).Add(time.Duration(rapid.IntRange(0, 48*3600).Draw(t, "seconds")) * time.Second)
		got, ok := e.Next(from)
		for at := from.Truncate(time.Minute).Add(time.Minute); ; at = at.Add(time.Minute) {
			due := false
			for _, h := range e.hours {
				for _, m := range e.minutes {
					due = due || at.Hour() == h && at.Minute() == m
				}
			}
			if due {
				if !ok || !got.Equal(at) {
					t.Fatalf("after %s comes %s, and Next says %s", from, at, got)
				}
				return
			}
		}
	})
}

func TestTemplate(t *testing.T) {
	event := []byte(`{"detail-type":"Moved","detail":{"group":"g\"1","n":3,"list":[{"x":"y"}],"object":{"a":1}}}`)
	paths := map[string]string{"kind": "$.detail-type", "group": "$.detail.group", "n": "$.detail.n", "x": "$.detail.list[0].x", "o": "$.detail.object", "none": "$.detail.list[4].x.y", "all": "$"}
	for text, want := range map[string]string{
		`"<kind> of <group>, <n>"`: `"Moved of g\"1, 3"`,
		`{"g": <group>, "x": <x>}`: `{"g": "g\"1", "x": "y"}`,
		`"<o>"`:                    `"{\"a\":1}"`,
		`<o>`:                      `{"a":1}`,
		`"a<none>b"`:               `"ab"`,
		`"\"<group>\""`:            `"\"g\"1\""`,
		`"<aws.events.rule-name>"`: `"r"`,
		`<aws.events.rule-arn>`:    `"arn"`,
		"plain":                    "plain",
	} {
		made, err := newTemplate(paths, text)
		if err != nil {
			t.Errorf("%s: %v", text, err)
			continue
		}
		if got, err := made.Apply(Rule{Resource: Resource{Name: "r", ARN: "arn"}}, event); err != nil || got != want {
			t.Errorf("%s: %s, %v, want %s", text, got, err, want)
		}
	}
	for path, want := range map[string]string{"detail": "begin with $", "$.": "without a name", "$.a[x]": ".name and [number]", "$[1": ".name and [number]", "$x": ".name and [number]"} {
		if _, err := newTemplate(map[string]string{"p": path}, ""); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %q", path, err, want)
		}
	}
}

func TestPartitions(t *testing.T) {
	for region, want := range map[string][2]string{
		"eu-west-1":     {"arn:aws:sqs:eu-west-1:111122223333:q", "https://sqs.eu-west-1.amazonaws.com/111122223333/q"},
		"cn-north-1":    {"arn:aws-cn:sqs:cn-north-1:111122223333:q", "https://sqs.cn-north-1.amazonaws.com.cn/111122223333/q"},
		"us-gov-west-1": {"arn:aws-us-gov:sqs:us-gov-west-1:111122223333:q", "https://sqs.us-gov-west-1.amazonaws.com/111122223333/q"},
	} {
		at := Site{"111122223333", region}
		if at.ARN("sqs", "q") != want[0] || at.QueueURL("q") != want[1] {
			t.Errorf("%s: %s, %s", region, at.ARN("sqs", "q"), at.QueueURL("q"))
		}
	}
}

// TestBusPolicies: who may put events on the home's bus.
func TestBusPolicies(t *testing.T) {
	a := read(t, "testdata/hub")
	home := find(t, a.Stacks, "stack", func(s Stack) bool { return strings.HasPrefix(s.Name, "controller-") })
	good := Sender{Account: "777788889999", Role: "arn:aws:iam::777788889999:role/detour-forward-us-west-2", Rule: "r", Source: "s", DetailType: "d"}
	other, stranger := good, good
	other.Role = "arn:aws:iam::777788889999:role/other"
	stranger.Account = "444455556666"
	if !home.Accepts(DefaultBus, good) || home.Accepts(DefaultBus, other) || home.Accepts(DefaultBus, stranger) || home.Accepts("own", good) {
		t.Errorf("the policies are %+v", home.BusPolicies)
	}
	denied := home
	denied.BusPolicies = append(denied.BusPolicies[:1:1], BusPolicy{Bus: DefaultBus, Statement: Statement{Effect: "Deny", Principals: []Principal{{"*", "*"}}, Actions: []string{"events:*"}}})
	if denied.Accepts(DefaultBus, good) {
		t.Error("a denial does not win")
	}
	var told []string
	Statement{Conditions: map[string]map[string][]string{"Bool": {"aws:SecureTransport": {"true"}}}}.checkBusConditions(func(at, _ string) { told = append(told, at) })
	if len(told) != 2 {
		t.Errorf("a condition that is not modelled: %v", told)
	}
}
