package live_test

import (
	"fmt"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"detour/shared/adapter/systemclock"
	"detour/shared/config"
	"detour/shared/lab"
	"detour/shared/lab/lambdahost"
	"detour/shared/lab/live"
	"detour/shared/sim"
)

// The benchmarks of this file run the compiled functions on this machine. The
// size is that of the binaries for Lambda; everything else is measured with
// those of this machine, which are built with the same flags.

// start starts a function with an environment of its own, outside of any
// network: what it is sent needs none.
func start(b *testing.B, name, bootstrap string, log func(lambdahost.Line)) *lambdahost.Function {
	b.Helper()
	root := b.TempDir()
	text, err := network(b, "cloud-join").Config.JSON()
	if err != nil {
		b.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(root, "detour.json"), text, 0o600); err != nil {
		b.Fatal(err)
	}
	function, err := lambdahost.Start(lambdahost.Options{
		Name: name, Bootstrap: bootstrap, TaskRoot: root, Account: "111122223333", Region: "ap-northeast-1",
		Timeout: time.Minute, Clock: systemclock.New(), Log: log,
		Env: map[string]string{
			"DETOUR_ACCOUNT": "111122223333", "DETOUR_TABLE": "detour", "DETOUR_WAKE_QUEUE": "http://127.0.0.1:9/111122223333/detour-wake",
			"AWS_ENDPOINT_URL": "http://127.0.0.1:9", "AWS_ACCESS_KEY_ID": "111122223333", "AWS_SECRET_ACCESS_KEY": "simulated", "AWS_SESSION_TOKEN": "simulated",
		},
	})
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { _ = function.Close() })
	return function
}

// bare builds the function that does nothing, with the flags of the others.
func bare(b *testing.B) string {
	b.Helper()
	file := filepath.Join(b.TempDir(), "bootstrap")
	build := exec.CommandContext(b.Context(), "make", "-s", "-C", root(b), "bare", "BARE="+file)
	if out, err := build.CombinedOutput(); err != nil {
		b.Fatalf("building the bare function: %v\n%s", err, out)
	}
	return file
}

// invoke sends an event that is dropped, and returns how long the answer took.
func invoke(b *testing.B, function *lambdahost.Function) time.Duration {
	b.Helper()
	began := time.Now()
	result, err := function.Invoke(b.Context(), []byte(`{"source":"somebody.else"}`))
	took := time.Since(began)
	if err != nil || result.Failed {
		b.Fatalf("the function failed: %+v, %v", result, err)
	}
	return took
}

// BenchmarkColdStart is the time from the start of the process to its first
// answer, the median, and how many times that of a function that does nothing. What
// the host needs to start a process is in both.
func BenchmarkColdStart(b *testing.B) {
	var base float64
	for _, name := range []string{"bare", live.Switchover} {
		b.Run(name, func(b *testing.B) {
			bootstrap := filepath.Join(functions(b), name, "bootstrap")
			if name == "bare" {
				bootstrap = bare(b)
			}
			var took []time.Duration
			for b.Loop() {
				function := start(b, name, bootstrap, nil)
				took = append(took, invoke(b, function))
				if err := function.Close(); err != nil {
					b.Fatal(err)
				}
			}
			slices.Sort(took)
			each := float64(took[len(took)/2].Microseconds()) / 1000
			if name == "bare" {
				base = each
			}
			b.ReportMetric(each, "ms/first-answer")
			if base > 0 {
				b.ReportMetric(each/base, "x-bare")
			}
		})
	}
}

// BenchmarkWarmInvocation is one event for a function that has started: one that
// is dropped, and one that looks at a network in which all is well, with all its
// calls to the record store and to EC2 on loopback.
func BenchmarkWarmInvocation(b *testing.B) {
	b.Run("bare", func(b *testing.B) {
		function := start(b, "bare", bare(b), nil)
		invoke(b, function)
		for b.Loop() {
			invoke(b, function)
		}
	})
	b.Run("dropped", func(b *testing.B) {
		function := start(b, live.Switchover, filepath.Join(functions(b), live.Switchover, "bootstrap"), nil)
		invoke(b, function)
		for b.Loop() {
			invoke(b, function)
		}
	})
	b.Run("sweep of a quiet group", func(b *testing.B) {
		server, _ := serve(b, live.Options{Manual: true})
		for b.Loop() {
			if in, err := server.Invoke(b.Context(), live.Sweep, []byte(`{"detour":"sweep"}`)); err != nil || in.Result != live.Succeeded {
				b.Fatalf("the sweep failed: %+v, %v", in, err)
			}
		}
	})
}

// BenchmarkSize is the size of what is uploaded to Lambda.
func BenchmarkSize(b *testing.B) {
	if out, err := exec.CommandContext(b.Context(), "make", "-s", "-C", root(b), "build").CombinedOutput(); err != nil {
		b.Fatalf("building the functions: %v\n%s", err, out)
	}
	for _, name := range []string{live.Switchover, live.Sweep} {
		b.Run(name, func(b *testing.B) {
			info, err := os.Stat(filepath.Join(root(b), "dist", name, "bootstrap"))
			if err != nil {
				b.Fatal(err)
			}
			for b.Loop() {
			}
			b.ReportMetric(float64(info.Size())/1e6, "MB")
			b.ReportMetric(0, "ns/op")
		})
	}
}

// BenchmarkMemory is the peak memory of a sweep when a table has 10,000 routes,
// the most that a transit gateway takes (transit gateway quotas): of these the
// group owns 100, or every one.
func BenchmarkMemory(b *testing.B) {
	const routes = 10_000
	for _, owned := range []int{100, routes} {
		b.Run(fmt.Sprintf("10000 routes, %d owned", owned), func(b *testing.B) {
			server, _ := serve(b, live.Options{Manual: true, File: large(b, routes, owned)})
			var peak int64
			for b.Loop() {
				in, err := server.Invoke(b.Context(), live.Sweep, []byte(`{"detour":"sweep"}`))
				if err != nil || in.Result != live.Succeeded {
					b.Fatalf("the sweep failed: %+v, %v", in, err)
				}
				peak = max(peak, in.MaxRSS)
			}
			b.ReportMetric(float64(peak)/1e6, "MB-peak")
		})
	}
}

// large is the network cloud-join with that many routes in the core's table, of
// which the group owns some.
func large(b *testing.B, routes, owned int) *lab.TopologyFile {
	b.Helper()
	file := network(b, "cloud-join")
	table := &file.Topology.TransitGateways[0].Tables[0]
	table.Routes = nil
	var entries []config.Entry
	for i := range routes {
		destination := netip.PrefixFrom(netip.AddrFrom4([4]byte{10, byte(i >> 8), byte(i), 0}), 24).String()
		table.Routes = append(table.Routes, sim.RouteSpec{Destination: destination, Target: toPrimary})
		if i < owned {
			entries = append(entries, config.Entry{
				Table: coreTable, Account: "111122223333", Region: "ap-northeast-1", Destination: destination,
				NextHops: map[string]string{"primary": toPrimary, "backup": toBackup},
			})
		}
	}
	file.Config.GroupList[0].Units = []config.Unit{{Name: "all", Entries: entries}}
	if problems := config.Check(file.Config); len(problems) > 0 {
		b.Fatal(problems)
	}
	return file
}
