package live_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"detour/shared/config"
	"detour/shared/lab"
	"detour/shared/lab/live"
)

// serveTemplate serves a network with what a cloud assembly describes: the
// compiled functions, with the environment, rules and queues of its templates.
func serveTemplate(t *testing.T, file *lab.TopologyFile, assembly string) (*live.Server, *output) {
	t.Helper()
	const ms = config.Duration(time.Millisecond)
	file.World.DetectAfter, file.World.RecoverAfter, file.World.EventDelay = 300*ms, 300*ms, 50*ms
	timers := &file.Config.Timers
	timers.CallTimeout, timers.ClockSkew, timers.Lease, timers.SettleTime = 1000*ms, 100*ms, 2500*ms, 1000*ms
	return serve(t, live.Options{File: file, TemplateDir: live.AssemblyOf(t, assembly, file.Config, nil)})
}

// TestATemplateBringsTrafficBack: the templates are deployed, a tunnel fails, and
// the routes move. Nothing but the templates' own rules, roles, queues and
// environment leads from the event to the write.
func TestATemplateBringsTrafficBack(t *testing.T) {
	server, out := serveTemplate(t, live.Elsewhere(t, "cloud-join", "region: ap-northeast-1", "region: us-west-2"), "one-account")
	do(t, server, "tunnel-down", primary)
	await(t, server, "the routes move", func() bool { return moved(server) && reachable(server) })
	await(t, server, "the move settles", func() bool { return journal(t, server, group)[0].Note == "settled" })
	await(t, server, "people are told", func() bool {
		return strings.Contains(out.String(), "publishes Detour: Switchover Completed of group other-cloud, from primary to backup")
	})
	for _, in := range server.Invocations() {
		if in.Result != live.Succeeded {
			t.Errorf("an invocation ended otherwise: %+v", in)
		}
	}
	if dead := server.DeadLetters(); len(dead) != 0 {
		t.Errorf("there are dead letters: %+v", dead)
	}
}

// TestATemplateReachesFurtherAccounts: the event comes from another account and
// Region by the forwarding stack, and one of the tables is in a third account.
func TestATemplateReachesFurtherAccounts(t *testing.T) {
	server, _ := serveTemplate(t, live.Elsewhere(t, "branch-two-gateways", "  region: eu-central-1", "  region: eu-central-1\n  globalNetworkAccount: \"777788889999\""), "hub")
	do(t, server, "tunnel-down", "north-line")
	await(t, server, "traffic arrives again", func() bool { return everyone(server, "stock", "orders", "till") })
	var accounts []string
	for _, call := range writes(server) {
		accounts = append(accounts, call.Account)
		if call.Write.After != "tgw-0d000000000000002" {
			t.Errorf("written was %+v", call.Write)
		}
	}
	slices.Sort(accounts)
	if !slices.Equal(accounts, []string{"111122223333", "444455556666"}) {
		t.Errorf("the writes are of accounts %v", accounts)
	}
}
