package arch

import (
	"strings"
	"testing"
)

// The tests of this file show every rule fail, and let pass what it must let
// pass.

func TestImportRules(t *testing.T) {
	cases := []struct {
		from, to string
		want     string // a part of the reason; empty: allowed
	}{
		{"shared/health", "shared/route", ""},
		{"shared/plan", "shared/protection", ""},
		{"shared/ingest", "events", ""},
		{"shared/ingest", "shared/health", ""},
		{"shared/controller", "shared/config", ""},
		{"shared/adapter/awsec2", "shared/controller", ""},
		{"cmd/detour", "shared/lab", ""},
		{"shared/lab", "shared/handler", ""},
		{"functions/sweep", "shared/wiring", ""},
		{"shared/wiring", "shared/handler", ""},

		// Upwards, sideways, and unknown.
		{"shared/route", "shared/health", "layer 0 must not import layer 1"},
		{"shared/protection", "shared/controller", "layer 2 must not import layer 4"},
		{"shared/controller", "shared/adapter/memory", "layer 4 must not import layer 5"},
		{"shared/handler", "shared/wiring", "layer 6 must not import layer 7"},
		{"shared/handler", "functions/sweep", "layer 6 must not import layer 9"},
		{"shared/protection", "shared/filter", "both are in layer 2"},
		{"events", "events/payload", "both are in layer 0"},
		{"events", "shared/route", "both are in layer 0"},
		{"shared/adapter/memory", "shared/adapter/awsec2", "both are in layer 5"},
		{"functions/sweep", "functions/switchover", "both are in layer 9"},
		{"shared/newcomer", "shared/route", "is in no layer"},
		{"shared/plan", "shared/newcomer", "is in no layer"},
		{"shared/arch", "shared/route", "tests only"},

		// Families.
		{"shared/sim/ec2api", "shared/sim", ""},
		{"shared/lab", "shared/lab/scenarios", ""},
		{"cmd/detour", "cmd/detour/table", ""},
		{"cmd/detour", "cmd/other", "both are in layer 9"},

		// The simulator.
		{"shared/sim", "shared/route", ""},
		{"shared/sim/ec2api", "events/payload", ""},
		{"shared/sim", "events", "must not share code with what it checks"},
		{"shared/sim", "shared/health", "must not share code with what it checks"},
		{"shared/lab", "shared/sim", ""},
		{"cmd/detour", "shared/sim", ""},
		{"shared/adapter/memory", "shared/sim", "only lab and cmd see the simulator"},
		{"shared/wiring", "shared/sim", "only lab and cmd see the simulator"},
		{"functions/sweep", "shared/sim/ec2api", "only lab and cmd see the simulator"},

		// YAML.
		{"shared/config/source", "shared/config", ""},
		{"shared/lab", "shared/config/source", ""},
		{"infra", "infra/prelude", ""},
		{"infra", "shared/blueprint", ""},
		{"cmd/detour", "infra/prelude", "both are in layer 9"},
		{"infra", "shared/config/source", ""},
		{"shared/config", "shared/config/source", "config/source reads YAML"},
		{"functions/sweep", "shared/config/source", "config/source reads YAML"},
		{"shared/handler", "shared/config/source", "config/source reads YAML"},
	}
	for _, c := range cases {
		t.Run(strings.ReplaceAll(c.from+" imports "+c.to, "/", "."), func(t *testing.T) {
			compare(t, checkImport(module+"/"+c.from, module+"/"+c.to), c.want)
		})
	}
}

func TestImportRulesOutsideTheModule(t *testing.T) {
	const ec2 = "github.com/aws/aws-sdk-go-v2/service/ec2"
	cases := []struct {
		from, to string
		want     string
	}{
		{"shared/adapter/awsec2", ec2, ""},
		{"shared/adapter/awsec2", ec2 + "/types", ""},
		{"shared/adapter/awsclient", ec2, "may be imported only by shared/adapter/awsec2"},
		{"functions/sweep", ec2 + "/types", "may be imported only by shared/adapter/awsec2"},
		{"shared/adapter/awsclient", "github.com/aws/aws-sdk-go-v2/aws", ""},
		{"shared/controller", "github.com/aws/aws-sdk-go-v2/aws", "the AWS SDK enters in adapters"},
		{"shared/sim", "github.com/aws/smithy-go", "the AWS SDK enters in adapters"},
		{"shared/lab", "github.com/aws/aws-sdk-go-v2/aws", "the AWS SDK enters in adapters"},
		{"functions/sweep", "github.com/aws/aws-lambda-go/lambda", ""},
		{"shared/handler", "github.com/aws/aws-lambda-go/events", "may be imported only by functions/*"},
		{"infra", "github.com/aws/aws-cdk-go/awscdk/v2", ""},
		{"cmd/detour", "github.com/aws/aws-cdk-go/awscdk/v2", "may be imported only by infra"},
		{"functions/sweep", "github.com/cdklabs/cdk-nag-go/cdknag/v2", "may be imported only by infra"},
		{"infra/prelude", "os", ""},
		{"cmd/detour", "github.com/spf13/cobra", ""},
		{"shared/lab", "github.com/spf13/cobra", "only a command line"},

		{"shared/lab/bgp", "github.com/osrg/gobgp/v4/pkg/server", ""},
		{"shared/lab", "github.com/osrg/gobgp/v4/api", "may be imported only by shared/lab/bgp"},
		{"cmd/detour", "github.com/osrg/gobgp/v4/pkg/server", "may be imported only by shared/lab/bgp"},

		{"shared/config/source", "go.yaml.in/yaml/v3", ""},
		{"shared/config/source", "os", ""},
		{"shared/config", "go.yaml.in/yaml/v3", "Lambdas read normalized JSON"},
		{"shared/handler", "go.yaml.in/yaml/v3", "Lambdas read normalized JSON"},

		{"shared/sim", "math/rand/v2", ""},
		{"shared/controller", "math/rand", "randomness is an input"},
		{"shared/lab", "math/rand/v2", "randomness is an input"},
		{"shared/controller", "golang.org/x/sync/errgroup", "Clock.Go"},
		{"shared/sim", "golang.org/x/sync/errgroup", "may be imported nowhere"},

		{"shared/plan", "slices", ""},
		{"shared/route", "net/netip", ""},
		{"events/pattern", "embed", ""},
		{"shared/plan", "log/slog", "are pure"},
		{"shared/health", "log", "are pure"},
		{"shared/config", "os", "are pure"},
		{"shared/protection", "crypto/rand", "are pure"},
		{"events", "net/http", "are pure"},
		{"shared/route", "golang.org/x/time/rate", "standard library only"},
		{"shared/handler", "log/slog", ""},
	}
	for _, c := range cases {
		t.Run(strings.ReplaceAll(c.from+" imports "+c.to, "/", "."), func(t *testing.T) {
			compare(t, checkImport(module+"/"+c.from, c.to), c.want)
		})
	}
}

func TestCodeRules(t *testing.T) {
	cases := []struct {
		name, path, src string
		want            string
	}{
		{"a goroutine in the controller", "shared/controller/x.go", "package controller\nfunc f() { go f() }", "go statement below main"},
		{"a goroutine in a closure", "shared/lab/x.go", "package lab\nvar f = func() { go func() {}() }", "go statement below main"},
		{"a goroutine in the simulator", "shared/sim/x.go", "package sim\nfunc f() { go f() }", ""},
		{"a goroutine in a main", "functions/sweep/main.go", "package main\nfunc main() { go main() }", ""},
		{"a goroutine in the real clock", "shared/adapter/systemclock/x.go", "package systemclock\nfunc f() { go f() }", ""},

		{"the wall clock", "shared/health/x.go", "package health\nimport \"time\"\nvar t = time.Now()", "take the time from Clock.Now"},
		{"the wall clock as a value", "shared/controller/x.go", "package controller\nimport \"time\"\nvar now = time.Now", "take the time from Clock.Now"},
		{"the wall clock renamed", "shared/controller/x.go", "package controller\nimport tm \"time\"\nfunc f() { tm.Sleep(1) }", "wait with Clock.Sleep"},
		{"the wall clock by dot import", "shared/controller/x.go", "package controller\nimport . \"time\"\nvar _ = Now()", "dot import"},
		{"a timer", "shared/handler/x.go", "package handler\nimport \"time\"\nvar _ = time.NewTimer(1)", "wait with Clock.Sleep"},
		{"elapsed time", "shared/handler/x.go", "package handler\nimport \"time\"\nfunc f(t time.Time) { _ = time.Since(t) }", "take the time from Clock.Now"},
		{"a timeout", "shared/adapter/awsec2/x.go", "package awsec2\nimport \"context\"\nvar _, _ = context.WithTimeout(context.Background(), 1)", "use Clock.Timeout"},
		{"a deadline", "shared/lab/x.go", "package lab\nimport (\"context\"; \"time\")\nvar _, _ = context.WithDeadline(context.Background(), time.Time{})", "use Clock.Timeout"},
		{"the wall clock in the simulator", "shared/sim/x.go", "package sim\nimport \"time\"\nvar t = time.Now()", ""},
		{"the wall clock in a main", "cmd/detour/main.go", "package main\nimport \"time\"\nvar t = time.Now()", ""},
		{"a duration", "shared/health/x.go", "package health\nimport \"time\"\nconst d = 3 * time.Minute", ""},
		{"a cancel without a clock", "shared/controller/x.go", "package controller\nimport \"context\"\nvar _, _ = context.WithCancel(context.Background())", ""},
		{"a variable that hides the package", "shared/health/x.go", "package health\nimport \"time\"\nvar _ time.Duration\nfunc f(time interface{ Now() int }) int { return time.Now() }", ""},

		{"a folder without a name", "shared/adapter/util/x.go", "package awsthings", "called util"},
		{"a package without a name", "shared/lab/x.go", "package helpers", "called helpers"},
		{"a layer skipped", "shared/route/x.go", "package route\nimport _ \"detour/shared/plan\"", "layer 0 must not import layer 3"},
		{"a package in no layer", "shared/newcomer/x.go", "package newcomer\nimport _ \"fmt\"", "is in no layer"},

		{"a long file", "shared/route/x.go", "package route" + strings.Repeat("\n", maxFileLines+1), "the file has 501 lines"},
		{"a file that just fits", "shared/route/x.go", "package route" + strings.Repeat("\n", maxFileLines), ""},
		{"a long function", "shared/route/x.go", "package route\nfunc f() {" + strings.Repeat("\n", maxFunctionLines) + "}", "function f has 81 lines"},
		{"a function that just fits", "shared/route/x.go", "package route\nfunc f() {" + strings.Repeat("\n", maxFunctionLines-1) + "}", ""},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			f, err := parse(c.path, c.src)
			if err != nil {
				t.Fatal(err)
			}
			var reasons []string
			for _, v := range f.check() {
				reasons = append(reasons, v.String())
			}
			compare(t, strings.Join(reasons, "\n"), c.want)
		})
	}
}

func TestLinkRules(t *testing.T) {
	packages := []dependency{
		{ImportPath: "detour/functions/sweep", Imports: []string{"detour/shared/handler", "github.com/aws/aws-lambda-go/lambda"}},
		{ImportPath: "detour/shared/handler", Imports: []string{"detour/shared/route"}},
		{ImportPath: "detour/shared/route", Imports: []string{"net/netip"}},
		{ImportPath: "detour/cmd/detour", Imports: []string{"github.com/spf13/cobra", "detour/shared/lab"}},
		{ImportPath: "detour/shared/lab", Imports: []string{"detour/shared/sim", "detour/shared/config/source"}},
		{ImportPath: "detour/shared/config/source", Imports: []string{"go.yaml.in/yaml/v3"}},
		{ImportPath: "github.com/aws/aws-lambda-go/lambda", Imports: []string{"encoding/json"}},
	}
	if got := checkLinks(packages); len(got) > 0 {
		t.Fatalf("what is allowed was refused: %v", got)
	}

	packages[len(packages)-1].Imports = []string{"net/rpc"}
	packages = append(packages, dependency{ImportPath: "net/rpc", Imports: []string{"text/template"}})
	got := checkLinks(packages)
	if len(got) != 1 {
		t.Fatalf("want one violation, got %v", got)
	}
	compare(t, got[0].String(), "detour/functions/sweep → github.com/aws/aws-lambda-go/lambda → net/rpc → text/template")

	for _, u := range unlinked {
		withIt := []dependency{{ImportPath: "detour/shared/handler", Imports: []string{u.imported + "/below"}}}
		if len(checkLinks(withIt)) == 0 {
			t.Errorf("%s was let through", u.imported)
		}
	}
}

// TestEveryBannedFunctionIsFound goes through the table of banned functions.
func TestEveryBannedFunctionIsFound(t *testing.T) {
	for pkg, functions := range banned {
		for name := range functions {
			f, err := parse("shared/controller/x.go", "package controller\nimport \""+pkg+"\"\nvar _ = "+pkg+"."+name)
			if err != nil {
				t.Fatal(err)
			}
			if len(f.checkTime()) != 1 {
				t.Errorf("%s.%s was let through", pkg, name)
			}
		}
	}
}

// compare checks that the reason has the part that is wanted, and that there is
// none where none is wanted.
func compare(t *testing.T, got, want string) {
	t.Helper()
	switch {
	case want == "" && got != "":
		t.Errorf("refused: %s", got)
	case want != "" && !strings.Contains(got, want):
		t.Errorf("got %q, want a reason with %q", got, want)
	}
}
