package sim

import (
	"slices"
	"strings"
	"testing"
	"time"
)

func instanceOf(t *testing.T, w *World, c Caller, id string) InstanceView {
	t.Helper()
	for _, v := range w.Instances(c) {
		if v.ID == id {
			return v
		}
	}
	t.Fatalf("no instance %s", id)
	return InstanceView{}
}

// target is the state of the static route of edgeRT to the appliance.
func targetState(w *World) string {
	r, _ := shownVPC(w, me(), edgeRT, "172.20.0.0/16")
	return r.Target + " " + r.Interface + " " + r.Instance + " " + r.State
}

func TestApplianceForwardsBothWays(t *testing.T) {
	w, _ := edge(t, Options{})
	trace := w.Reach("app", "far")
	want := []string{
		"app (10.1.1.10) in vpc-0e",
		"rtb-0e: 172.20.0.0/16 -> eni-0a",
		"eni-0a: the line of i-0a to far",
		"delivered to far (172.20.0.10) in far",
		"return: far (172.20.0.10) in far",
		"return: router of far: 10.1.0.0/16 -> eni-0a, the line of i-0a",
		"return: rtb-1e: 10.1.0.0/16 -> local",
		"return: delivered to app (10.1.1.10) in vpc-0e",
	}
	if !trace.OK {
		t.Fatal(trace.Reason)
	}
	wantLines(t, trace.Hops, want...)
}

// TestWhatStopsAnAppliance goes through everything that can be wrong with one:
// what the routes show, whether the path works, and what becomes of traffic.
func TestWhatStopsAnAppliance(t *testing.T) {
	const alive = "eni-0a eni-0a i-0a active"
	for _, c := range []struct {
		name     string
		spoil    func(w *World) error
		route    string
		drop     string // of app to far; empty: it passes
		backOver string // the way back
	}{
		{"nothing", func(*World) error { return nil }, alive, "", eniA},
		{"stopped", func(w *World) error { return w.SetInstance(boxA, "stopped") }, "eni-0a eni-0a i-0a blackhole", "the route 172.20.0.0/16 in rtb-0e is a blackhole: instance i-0a is stopped", ""},
		{"stopping", func(w *World) error { return w.SetInstance(eniA, "stopping") }, alive, "instance i-0a behind eni-0a is stopping", ""},
		{"terminated", func(w *World) error { return w.SetInstance(boxA, "terminated") }, "eni-0a eni-0a  blackhole", "the route 172.20.0.0/16 in rtb-0e is a blackhole: instance i-0a is terminated", ""},
		{"checks", func(w *World) error { return w.SetInstanceStatus(boxA, false, false) }, alive, "", eniA},
		{"process", func(w *World) error { return w.SetForwarding(eniA, false) }, alive, "the routing process on i-0a hangs", ""},
		{"source/destination check", func(w *World) error { return w.SetSourceDestCheck(eniA, true) }, alive, "the source/destination check of eni-0a drops what it forwards", ""},
		{"line, with a peer", func(w *World) error { return w.SetUplink(boxA, false) }, alive, "", eniB},
		{"both lines", func(w *World) error {
			must(t, w.SetUplink(boxA, false))
			return w.SetUplink(boxB, false)
		}, alive, "the line of i-0a is down, and it has no peer that works", ""},
		{"line, and the peer hangs", func(w *World) error {
			must(t, w.SetUplink(boxA, false))
			return w.SetForwarding(boxB, false)
		}, alive, "the line of i-0a is down, and it has no peer that works", ""},
		{"line, and the peer's check", func(w *World) error {
			must(t, w.SetUplink(boxA, false))
			return w.SetSourceDestCheck(eniB, true)
		}, alive, "the source/destination check of eni-0b drops what it forwards", ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			w, _ := edge(t, Options{})
			must(t, c.spoil(w))
			if got := targetState(w); got != c.route {
				t.Errorf("the route shows %q, want %q", got, c.route)
			}
			if c.drop != "" {
				wantDrop(t, w, "app", "far", c.drop)
				return
			}
			over := eniA
			if c.backOver == eniB {
				over = eniB // The peer's line carries the way out too.
			}
			wantReach(t, w, "app", "far", []string{over}, []string{c.backOver})
			if works := c.backOver == eniA; w.PathUp(eniA) != works || w.PathUp(boxA) != works {
				t.Errorf("PathUp is %t", w.PathUp(eniA))
			}
		})
	}
}

func TestTheWayBackFallsToTheNextLine(t *testing.T) {
	w, _ := edge(t, Options{})
	must(t, w.ForceRoute("x", edgeRT, "172.20.0.0/16", boxB))
	must(t, w.SetForwarding(boxA, false))
	wantReach(t, w, "app", "far", []string{eniB}, []string{eniB})
	must(t, w.SetUplink(boxB, false)) // The site's third way is a VPN connection.
	if trace := w.Reach("far", "app"); !slices.Equal(trace.ForwardVia, []string{gwVPN2}) {
		t.Fatalf("got %+v", trace)
	}
}

func TestStoppedInstanceCanStayActive(t *testing.T) {
	w, _ := edge(t, Options{StoppedInstanceStaysActive: true})
	must(t, w.SetInstance(boxA, "stopped"))
	if got := targetState(w); got != "eni-0a eni-0a i-0a active" {
		t.Fatalf("the route shows %q", got)
	}
	wantDrop(t, w, "app", "far", "instance i-0a behind eni-0a is stopped")
	must(t, w.SetInstance(boxA, "terminated"))
	if got := targetState(w); got != "eni-0a eni-0a  blackhole" {
		t.Fatalf("the route shows %q", got)
	}
}

func TestRoutesToAnInstanceAndToItsInterface(t *testing.T) {
	w, clock := edge(t, Options{})
	write, refused := w.ReplaceRoute(me(), edgeRT, dest("172.20.0.0/16"), boxB)
	wantOK(t, refused)
	if write.Before != eniA || write.After != boxB {
		t.Fatalf("got %+v", write)
	}
	if got := targetState(w); got != "i-0b eni-0b i-0b active" {
		t.Fatalf("the route shows %q", got)
	}
	clock.advance(time.Second)
	must(t, w.SetInstance(boxB, "stopped"))
	must(t, w.SetInstance(boxB, "running")) // A stopped one comes back with its interface.
	wantReach(t, w, "app", "far", []string{eniB}, []string{eniA})
	must(t, w.SetInstance(boxB, "terminated"))
	if got := targetState(w); got != "i-0b  i-0b blackhole" {
		t.Fatalf("the route shows %q", got)
	}
	_, refused = w.CreateRoute(me(), routerRT, dest("10.7.0.0/16"), eniB)
	wantCode(t, refused, "InvalidNetworkInterfaceID.NotFound", "The networkInterface ID 'eni-0b' does not exist")
	_, refused = w.CreateRoute(me(), routerRT, dest("10.7.0.0/16"), boxB)
	wantCode(t, refused, "InvalidInstanceID.NotFound", "")
	_, refused = w.CreateRoute(me(), "rtb-2e", dest("10.7.0.0/16"), eniA)
	wantCode(t, refused, "InvalidParameterValue", "route table rtb-2e and interface eni-0a belong to different networks")
}

func TestStatusChecksFollowTheTruth(t *testing.T) {
	w, clock := edge(t, Options{})
	status := func() string {
		v := instanceOf(t, w, me(), boxA)
		return v.State + " " + v.InstanceStatus + " " + v.SystemStatus
	}
	want := func(text string) {
		t.Helper()
		if got := status(); got != text {
			t.Fatalf("got %q, want %q", got, text)
		}
	}
	want("running ok ok")
	must(t, w.SetInstanceStatus(boxA, false, true))
	clock.advance(59 * time.Second)
	want("running ok ok")
	must(t, w.SetInstanceStatus(boxA, false, true)) // Nothing new: the check is not put off.
	clock.advance(time.Second)
	want("running impaired ok")
	since := clock.Now()
	must(t, w.SetInstanceStatus(boxA, false, false))
	clock.advance(time.Minute)
	want("running impaired impaired")
	if v := instanceOf(t, w, me(), boxA); !v.InstanceSince.Equal(since) || !v.SystemSince.Equal(clock.Now()) {
		t.Fatalf("got %+v", v)
	}
	if v := instanceOf(t, w, stale(time.Second), boxA); v.SystemStatus != "ok" {
		t.Fatalf("a second ago: got %+v", v)
	}
	// A failure that is over before the check comes is never shown.
	must(t, w.SetInstanceStatus(boxA, true, true))
	clock.advance(30 * time.Second)
	must(t, w.SetInstanceStatus(boxA, false, false))
	clock.advance(59 * time.Second)
	want("running impaired impaired")
	// A stop and a start.
	must(t, w.SetInstance(boxA, "stopped"))
	want("stopped not-applicable not-applicable")
	clock.advance(time.Hour)
	want("stopped not-applicable not-applicable")
	must(t, w.SetInstanceStatus(boxA, true, true))
	must(t, w.SetInstance(boxA, "running"))
	want("running initializing initializing")
	clock.advance(time.Minute)
	want("running ok ok")
}

// A failure that goes and comes again has to last as long as any other.
func TestStatusChecksCountFromTheLastChange(t *testing.T) {
	w, clock := edge(t, Options{})
	must(t, w.SetInstanceStatus(boxA, false, true))
	clock.advance(30 * time.Second)
	must(t, w.SetInstanceStatus(boxA, true, true))
	clock.advance(time.Second)
	must(t, w.SetInstanceStatus(boxA, false, true))
	clock.advance(59 * time.Second)
	if v := instanceOf(t, w, me(), boxA); v.InstanceStatus != "ok" {
		t.Fatalf("got %+v", v)
	}
	clock.advance(time.Second)
	if v := instanceOf(t, w, me(), boxA); v.InstanceStatus != "impaired" {
		t.Fatalf("got %+v", v)
	}
}

func TestTheCheckDropsWhatComesFromTheSiteToo(t *testing.T) {
	w, _ := edge(t, Options{})
	must(t, w.SetSourceDestCheck(eniA, true)) // The site's router does not see it, and goes on using the line.
	wantDrop(t, w, "far", "app", "the source/destination check of eni-0a drops what it forwards")
}

func TestStatusCheckTimeIsAnOption(t *testing.T) {
	w, clock := edge(t, Options{StatusCheckAfter: 5 * time.Second})
	must(t, w.SetInstanceStatus(boxA, true, false))
	clock.advance(5 * time.Second)
	if v := instanceOf(t, w, me(), boxA); v.SystemStatus != "impaired" || v.InstanceStatus != "ok" {
		t.Fatalf("got %+v", v)
	}
}

func TestHealthHistoryTellsTruthAndShown(t *testing.T) {
	topo := edgeTopology()
	topo.Appliances[1].Stopped, topo.Appliances[1].SourceDestCheck = true, true
	clock := newHandClock()
	w, err := NewWorld(clock, topo, Options{})
	must(t, err)
	start := health(w, 0)
	for _, line := range []string{
		"i-0a instance-state running truth", "i-0a instance-status ok shown", "eni-0a interface-status in-use shown", "eni-0a forwarding works truth",
		"eni-0a uplink up truth", "i-0b instance-state stopped truth", "i-0b instance-state stopped shown", "i-0b system-status not-applicable shown",
		"eni-0b source-dest-check true shown", "eni-0b interface-instance i-0b shown", "vgw-0e gateway-attachment attached shown",
	} {
		if !slices.Contains(start, line) {
			t.Errorf("no %q at the start in\n%s", line, strings.Join(start, "\n"))
		}
	}
	from := len(start)
	must(t, w.SetForwarding(boxA, false))
	must(t, w.SetForwarding(boxA, false))
	must(t, w.SetUplink(eniA, false))
	must(t, w.SetSourceDestCheck(eniA, true))
	must(t, w.SetInstanceStatus(boxA, false, true))
	clock.advance(time.Minute)
	must(t, w.SetInstance(boxA, "terminated"))
	clock.advance(time.Minute)
	wantLines(t, health(w, from),
		"eni-0a forwarding hung truth", "eni-0a uplink down truth",
		"eni-0a source-dest-check true truth", "eni-0a source-dest-check true shown",
		"i-0a instance-status impaired truth", "i-0a instance-status impaired shown",
		"i-0a instance-state terminated truth", "i-0a instance-state terminated shown",
		"i-0a instance-status not-applicable shown", "i-0a system-status not-applicable shown",
		"eni-0a interface-status  shown", "eni-0a interface-instance  shown", "eni-0a source-dest-check  shown")
	if last := w.HealthHistory()[len(w.HealthHistory())-1]; !last.At.Equal(clock.Now().Add(-time.Minute)) {
		t.Fatalf("got %+v", last)
	}
}

func TestApplianceControlsRefuseWhatIsNotThere(t *testing.T) {
	w, _ := edge(t, Options{})
	must(t, w.SetInstance(boxB, "terminated"))
	must(t, w.SetInstance(boxB, "terminated"))
	for want, err := range map[string]error{
		`appliance "i-9" is not in the topology: use one of eni-0a, eni-0b, i-0a, i-0b`: w.SetForwarding("i-9", true),
		`instance state "dead" is not one of EC2's: use one of pending`:                 w.SetInstance(boxA, "dead"),
		`instance "i-0b" is terminated and does not come back`:                          w.SetInstance(boxB, "running"),
		`interface "eni-0b" is deleted with its instance`:                               w.SetSourceDestCheck(eniB, true),
	} {
		if err == nil || !strings.HasPrefix(err.Error(), want) {
			t.Errorf("got %v, want %s", err, want)
		}
	}
	if w.PathUp("eni-99") || w.boxWorks(eniB) || !w.boxWorks(eniA) {
		t.Error("PathUp or boxWorks is wrong")
	}
}
