package stack

import (
	"strings"
	"testing"
)

func TestLogPatterns(t *testing.T) {
	const bgp, route = `{"type":"BGPStatus","status":"UP"}`, `{"type":"RouteStatus","message":{"prefix":"0.0.0.0/0"}}`
	for _, c := range []struct {
		pattern string
		matches []string
		not     []string
	}{
		{"", []string{bgp, route, "words", ""}, nil},
		{`{ $.type = "RouteStatus" }`, []string{route}, []string{bgp, "words", "", `["RouteStatus"]`, `{"Type":"RouteStatus"}`, `{"type":["RouteStatus"]}`}},
		{`{$.message.prefix="0.0.0.0/0"}`, []string{route}, []string{bgp, `{"message":"0.0.0.0/0"}`, `{"message":null}`}},
	} {
		p, err := ParseLogPattern(c.pattern)
		if err != nil {
			t.Fatal(err)
		}
		for _, message := range c.matches {
			if !p.Match([]byte(message)) {
				t.Errorf("%s does not match %s", c.pattern, message)
			}
		}
		for _, message := range c.not {
			if p.Match([]byte(message)) {
				t.Errorf("%s matches %s", c.pattern, message)
			}
		}
	}
	for _, pattern := range []string{
		"RouteStatus", `{ $.type = "Route*" }`, `{ $.type = RouteStatus }`, `{ $.type != "BGPStatus" }`, `{ ($.type = "a") && ($.status = "b") }`,
		`{ $.type = %Route% }`, `{ $.list[0] = "a" }`, `[a, b]`, `{ $.type = "" }`, `{ type = "a" }`, " ",
	} {
		if _, err := ParseLogPattern(pattern); err == nil || !strings.Contains(err.Error(), `the lab models { $.name = "text" }`) {
			t.Errorf("%s: %v", pattern, err)
		}
	}
}

// withLogs is the template of one account with a log group handed to a function.
func withLogs(t *testing.T, old, replacement string) (*Assembly, error) {
	t.Helper()
	const resources = `
  "BgpLogs": {"Type": "AWS::Logs::SubscriptionFilter", "DependsOn": ["BgpLogsPermission"], "Properties": {
    "FilterName": "detour-routefilter", "LogGroupName": "/vpn/bgp", "FilterPattern": "{ $.type = \"RouteStatus\" }", "DestinationArn": {"Fn::GetAtt": ["Switchover", "Arn"]}}},
  "BgpLogsPermission": {"Type": "AWS::Lambda::Permission", "Properties": {
    "Action": "lambda:InvokeFunction", "FunctionName": {"Ref": "Switchover"}, "Principal": "logs.amazonaws.com",
    "SourceArn": "arn:aws:logs:us-west-2:111122223333:log-group:/vpn/bgp:*", "SourceAccount": "111122223333"}},`
	changed := strings.Replace(resources, old, replacement, 1)
	if changed == resources && old != replacement {
		t.Fatalf("the resources have no %s", old)
	}
	folder := copied(t, oneAccount)
	file := folder[controller+".template.json"]
	whole := strings.Replace(string(file.Data), `"Resources": {`, `"Resources": {`+changed, 1)
	if whole == string(file.Data) {
		t.Fatal("the template has no Resources")
	}
	file.Data = []byte(whole)
	return ReadFS(folder)
}

func TestALogGroupIsHandedToAFunction(t *testing.T) {
	a, err := withLogs(t, "", "")
	if err != nil {
		t.Fatal(err)
	}
	s := a.Stacks[0]
	f := s.LogFilters[0]
	if len(s.LogFilters) != 1 || f.Name != "detour-routefilter" || f.LogGroup != "/vpn/bgp" || f.Pattern.Text != `{ $.type = "RouteStatus" }` ||
		f.Destination != s.ARN("lambda", "function:detour-switchover") {
		t.Errorf("the filter is %+v", s.LogFilters)
	}
	may := find(t, s.Permissions, "permission", func(p Permission) bool { return p.LogicalID == "BgpLogsPermission" })
	for _, c := range []struct {
		at    Site
		group string
		want  bool
	}{
		{s.Site, "/vpn/bgp", true},
		{s.Site, "/vpn/bgp2", false},
		{Site{"444455556666", s.Region}, "/vpn/bgp", false},
		{Site{s.Account, "eu-west-1"}, "/vpn/bgp", false},
	} {
		if got := may.MayDeliver(c.at, c.group); got != c.want {
			t.Errorf("%s of %s: %t", c.group, c.at, got)
		}
	}
	for _, p := range s.Permissions {
		if p.LogicalID != may.LogicalID && p.MayDeliver(s.Site, "/vpn/bgp") {
			t.Errorf("a rule's permission covers it: %+v", p)
		}
	}
	if may.MayInvoke(s.Rules[0], s.Account) {
		t.Error("the permission of a log group covers a rule")
	}
}

func TestLogGroupsThatAreNotModelled(t *testing.T) {
	for _, c := range []struct{ old, new, want string }{
		{`"FilterName"`, `"Distribution": "ByLogStream", "FilterName"`, "BgpLogs (AWS::Logs::SubscriptionFilter): Distribution is not modelled by the lab"},
		{`{ $.type = \"RouteStatus\" }`, `RouteStatus`, `FilterPattern is "RouteStatus"; the lab models`},
		{`"LogGroupName": "/vpn/bgp", `, ``, "LogGroupName is missing; name the log group"},
		{`{"Fn::GetAtt": ["Switchover", "Arn"]}`, `"arn:aws:lambda:eu-west-1:111122223333:function:x"`, "DestinationArn is \"arn:aws:lambda:eu-west-1:111122223333:function:x\"; a log group is handed to a function of its own account and Region"},
		{`{"Fn::GetAtt": ["Switchover", "Arn"]}`, `"arn:aws:kinesis:us-west-2:111122223333:stream/x"`, "a log group is handed to a function of its own account"},
		{`{"Fn::GetAtt": ["Switchover", "Arn"]}`, `"x"`, `DestinationArn is "x"`},
		{`{"Fn::GetAtt": ["Switchover", "Arn"]}`, `"arn:aws:lambda:us-west-2:111122223333:function:x"`, "leads to nothing that a stack of the assembly has"},
	} {
		if _, err := withLogs(t, c.old, c.new); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v\nwant %q", c.new, err, c.want)
		}
	}
}
