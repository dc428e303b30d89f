package blueprint_test

import (
	"bytes"
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"detour/shared/blueprint"
	"detour/shared/handler"
)

var update = flag.Bool("update", false, "write the golden files")

type dashboardWidget struct {
	Type                string
	X, Y, Width, Height int
	Properties          struct {
		Title, Region, Query, Markdown string
		Alarms                         []string
		Metrics                        [][]any
		Stat                           string
		Period                         int
	}
}

func dashboardOf(t *testing.T, home blueprint.Home) []dashboardWidget {
	t.Helper()
	var body struct{ Widgets []dashboardWidget }
	if err := json.Unmarshal(blueprint.Dashboard(home), &body); err != nil {
		t.Fatal(err)
	}
	return body.Widgets
}

// TestDashboard: what somebody reads at 3 a.m. is changed on purpose only.
func TestDashboard(t *testing.T) {
	var indented bytes.Buffer
	if err := json.Indent(&indented, blueprint.Dashboard(blueprintOf(t, example(t, "deploy-one-account")).Homes[0]), "", " "); err != nil {
		t.Fatal(err)
	}
	indented.WriteByte('\n')
	got := indented.Bytes()
	file := filepath.Join("testdata", "dashboard.golden.json")
	if *update {
		if err := os.WriteFile(file, got, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(got, want) {
		t.Errorf("the dashboard changed; run with -update and look at the difference\ngot:\n%s", got)
	}
}

// TestDashboardsHoldTogether: the widgets fill the width and do not overlap; the
// first row of charts answers the two first questions; every metric is one that
// there is, every alarm one of the home's, and every log group a function's.
func TestDashboardsHoldTogether(t *testing.T) {
	known := map[string]bool{}
	for _, m := range handler.Metrics() {
		known[m.Name] = true
	}
	all, _ := homes(t)
	for _, home := range all {
		taken := map[[2]int]bool{}
		widgets := dashboardOf(t, home)
		var titles []string
		for _, w := range widgets {
			titles = append(titles, w.Properties.Title)
			for x := range w.Width {
				for y := range w.Height {
					cell := [2]int{w.X + x, w.Y + y}
					if taken[cell] || cell[0] >= 24 {
						t.Fatalf("%s: %q is drawn over another widget, or beyond the edge, at %v", home, w.Properties.Title, cell)
					}
					taken[cell] = true
				}
			}
			if w.Type != "text" && w.Type != "alarm" && w.Properties.Region != home.Region {
				t.Errorf("%s: %q shows Region %q", home, w.Properties.Title, w.Properties.Region)
			}
			for _, m := range w.Properties.Metrics {
				if m[0] == handler.Namespace && (!known[m[1].(string)] || m[2] != "Function" || !slices.Contains([]any{"routefilter", "sweep", "switchover"}, m[3])) {
					t.Errorf("%s: %q shows %v, which is no metric of Detour's", home, w.Properties.Title, m)
				}
			}
		}
		if want := []string{"", "Is it alive? Sweeps", "Is anything held? Groups"}; !slices.Equal(titles[:3], want) {
			t.Errorf("%s: the dashboard begins with %q", home, titles[:3])
		}
		if len(taken)%24 != 0 {
			t.Errorf("%s: the dashboard has holes", home)
		}
		checkAlarmsAndLogs(t, home, widgets)
	}
}

func checkAlarmsAndLogs(t *testing.T, home blueprint.Home, widgets []dashboardWidget) {
	t.Helper()
	for _, w := range widgets {
		switch w.Type {
		case "alarm":
			var want []string
			for _, a := range blueprint.Alarms(home) {
				want = append(want, fmt.Sprintf("arn:aws:cloudwatch:%s:%s:alarm:%s", home.Region, home.Account, a.Name))
			}
			if !slices.Equal(w.Properties.Alarms, want) {
				t.Errorf("%s: the dashboard has the alarms %q, want %q", home, w.Properties.Alarms, want)
			}
		case "log":
			other := blueprint.FunctionRouteFilter
			if strings.Contains(w.Properties.Title, "filters") {
				other = blueprint.FunctionSwitchover
			}
			for _, f := range home.Functions {
				if strings.Contains(w.Properties.Query, "SOURCE '/aws/lambda/"+f.Name+"' | ") == (f.Name == other) {
					t.Errorf("%s: the query is wrong about %s: %s", home, f.Name, w.Properties.Query)
				}
			}
		}
	}
}

// TestALargeHomeHasADashboard: CloudWatch refuses more than 100 alarms in a
// widget, and nobody can tell more than some lines apart.
func TestALargeHomeHasADashboard(t *testing.T) {
	home := blueprintOf(t, example(t, "deploy-one-account")).Homes[0]
	home.Attachments, home.Tunnels = nil, nil
	for i := range 120 {
		home.Gateways = append(home.Gateways, fmt.Sprintf("tgw-%017x", i))
		home.Tunnels = append(home.Tunnels, blueprint.Tunnel{VPN: fmt.Sprintf("vpn-%017x", i)})
	}
	for _, w := range dashboardOf(t, home) {
		if len(w.Properties.Alarms) > 100 || len(w.Properties.Metrics) > 50 {
			t.Errorf("%q has %d alarms and %d lines", w.Properties.Title, len(w.Properties.Alarms), len(w.Properties.Metrics))
		}
		if w.Type == "alarm" && w.Properties.Title != "The first 100 of 144 alarms" {
			t.Errorf("the title is %q", w.Properties.Title)
		}
	}
}
