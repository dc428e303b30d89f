package sim

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"time"
)

// The states of an instance (EC2 API, InstanceStateName).
const (
	instanceRunning    = "running"
	instanceStopped    = "stopped"
	instanceTerminated = "terminated"
)

func instanceStates() []string {
	return []string{"pending", instanceRunning, "stopping", instanceStopped, "shutting-down", instanceTerminated}
}

// The values of a status check (EC2 API, SummaryStatus) that the World has.
const (
	checkOK            = "ok"
	checkImpaired      = "impaired"
	checkInitializing  = "initializing"
	checkNotApplicable = "not-applicable"
)

func checkValue(ok bool) string {
	if ok {
		return checkOK
	}
	return checkImpaired
}

// appliance is a router instance with one network interface. What is true of it
// stands in its own fields; shown is what EC2 shows. Nothing of EC2 shows
// forwarding, which is the routing process, or line, which is its way to the
// site. flips counts what changes the status checks, so that a check under way
// can tell that it is out of date.
type appliance struct {
	instance, eni, name string
	vpc                 *vpc
	addr                netip.Addr
	site                *site      // nil: no line of its own
	peer                *appliance // nil: none

	state                string
	instanceOK, systemOK bool
	sourceDestCheck      bool
	forwarding, line     bool
	flips                int

	shown *timeline[string, InstanceView]
}

// InstanceView is one appliance as EC2 shows its instance and its interface.
type InstanceView struct {
	ID, Name  string
	Interface string
	VPC       string
	Subnet    string // empty where the topology lists no subnet that holds the address
	Account   string
	Address   netip.Addr
	// State is the instance's: pending, running, stopping, stopped, shutting-down,
	// terminated. A terminated instance has no interface any more.
	State string
	// InstanceStatus and SystemStatus are ok, impaired, initializing or
	// not-applicable; an impaired one has been so since the time beside it.
	InstanceStatus, SystemStatus string
	InstanceSince, SystemSince   time.Time
	SourceDestCheck              bool
}

// gone reports whether the interface is deleted: it goes with the instance.
func (a *appliance) gone() bool { return a.state == instanceTerminated }

// targetable reports whether a route to the appliance is active. That a stopped
// instance makes a blackhole is from a field report, UNVERIFIED.
func (a *appliance) targetable(stoppedStays bool) bool {
	return !a.gone() && (stoppedStays || a.state != instanceStopped)
}

// shownTarget is how DescribeRouteTables names the appliance as the target of a
// route: interface and instance, whichever of the two the route was made with.
// That it does so for a route made with an interface, and names only what the
// route was made with once the instance is terminated, is UNVERIFIED.
func (a *appliance) shownTarget(target string) (eni, instance string) {
	switch {
	case !a.gone():
		return a.eni, a.instance
	case target == a.eni:
		return a.eni, ""
	}
	return "", a.instance
}

// routes reports whether the appliance takes packets on: it runs, and so does
// its routing process.
func (a *appliance) routes() bool { return a.state == instanceRunning && a.forwarding }

// sound reports whether the appliance does what it is there for: it takes packets
// on, and its line is up if it has one.
func (a *appliance) sound() bool { return a.routes() && (a.line || a.site == nil) }

// works reports whether the appliance truly carries traffic to its site.
func (a *appliance) works() bool { return a.sound() && a.site != nil }

func (a *appliance) linkID() string { return a.eni }

// open is what the site's router sees of the line; it does not see the
// source/destination check.
func (a *appliance) open() (how string, ok bool) { return "the line of " + a.instance, a.works() }

func (a *appliance) enter(p *packet) place {
	return func() place {
		if a.sourceDestCheck {
			return p.drop("the source/destination check of %s drops what it forwards", a.eni)
		}
		return p.subnet(a.vpc, a.addr)
	}
}

// atInterface is a packet that a VPC's route sent to the appliance. One without a
// line, such as a firewall, hands it on by the table of its own subnet. It forwards
// without memory: no connection state is modelled, so traffic that comes back
// another way is not dropped, as a stateful firewall would.
func (p *packet) atInterface(a *appliance) place {
	switch {
	case a.gone():
		return p.drop("interface %s is deleted", a.eni)
	case a.state != instanceRunning:
		return p.drop("instance %s behind %s is %s", a.instance, a.eni, a.state)
	case a.sourceDestCheck:
		return p.drop("the source/destination check of %s drops what it forwards", a.eni)
	case !a.forwarding:
		return p.drop("the routing process on %s hangs", a.instance)
	case a.site == nil, a.vpc.contains(p.to.addr):
		return func() place { return p.subnet(a.vpc, a.addr) }
	case a.line:
		p.via = append(p.via, a.eni)
		p.hop("%s: the line of %s to %s", a.eni, a.instance, a.site.name)
		return func() place { return p.router(a.site) }
	case a.peer != nil && a.peer.works():
		p.hop("%s: its line is down, on to its peer %s", a.eni, a.peer.eni)
		return func() place { return p.atInterface(a.peer) }
	}
	return p.drop("the line of %s is down, and it has no peer that works", a.instance)
}

// applianceOf finds an appliance by its interface or its instance; nil if there
// is none such.
func (w *World) applianceOf(id string) *appliance { return w.appliances[id] }

// boxWorks is what a check on the appliance itself sees: its routing process
// runs, and its line is up if it has one.
func (w *World) boxWorks(eni string) bool {
	a := w.applianceOf(eni)
	return a != nil && a.sound()
}

func (a *appliance) view() InstanceView { return a.shown.current[a.instance] }

// show changes what EC2 shows of the appliance, and notes what is new in it.
func (w *World) show(now time.Time, a *appliance, change func(*InstanceView)) {
	before := a.view()
	after := before
	change(&after)
	if after == before {
		return
	}
	a.shown.set(now, a.instance, after)
	w.noteShown(now, before, after)
}

// noteShown appends what differs between two views to the history.
func (w *World) noteShown(now time.Time, before, after InstanceView) {
	note := func(resource, field, was, is string) {
		if was != is {
			w.noteHealth(now, resource, field, "", is, HealthShown)
		}
	}
	note(after.ID, "instance-state", before.State, after.State)
	note(after.ID, "instance-status", before.InstanceStatus, after.InstanceStatus)
	note(after.ID, "system-status", before.SystemStatus, after.SystemStatus)
	for _, fact := range after.InterfaceFacts() {
		was := ""
		for _, earlier := range before.InterfaceFacts() {
			if earlier.Field == fact.Field {
				was = earlier.Value
			}
		}
		note(after.Interface, fact.Field, was, fact.Value)
	}
}

// InterfaceFacts are the values that DescribeNetworkInterfaces tells of the
// interface. A deleted interface has the status "" and nothing else; the zero
// view has nothing.
func (v InstanceView) InterfaceFacts() []Told {
	told := func(field, value string) Told { return Told{Resource: v.Interface, Field: field, Value: value} }
	switch v.State {
	case "":
		return nil
	case instanceTerminated:
		return []Told{told("interface-status", ""), told("interface-instance", ""), told("source-dest-check", "")}
	}
	return []Told{
		told("interface-status", interfaceInUse), told("interface-instance", v.ID),
		told("source-dest-check", fmt.Sprint(v.SourceDestCheck)),
	}
}

// interfaceInUse is the status of an interface that is attached (EC2 API,
// NetworkInterfaceStatus).
const interfaceInUse = "in-use"

// findAppliance names what does exist when the id is unknown.
func (w *World) findAppliance(id string) (*appliance, error) {
	if a := w.applianceOf(id); a != nil {
		return a, nil
	}
	return nil, fmt.Errorf("appliance %q is not in the topology: use one of %s", id, strings.Join(sortedKeys(w.appliances), ", "))
}

// onAppliance runs change on an appliance, if it is there.
func (w *World) onAppliance(id string, change func(s *step, a *appliance) error) error {
	var problem error
	w.do(func(s *step) {
		a, err := w.findAppliance(id)
		if err == nil {
			err = change(s, a)
		}
		problem = err
	})
	return problem
}

// SetInstance gives the instance of an appliance a state of the EC2 API, which
// EC2 shows at once; id is the instance or the interface. Only a running one
// forwards. The state terminated is final: the interface is deleted with the
// instance, and routes to either become blackholes. Routes to a stopped one do
// too, see Options.StoppedInstanceStaysActive. The status checks of one that
// starts are initializing for StatusCheckAfter. Nothing else is touched: a
// routing process that hung still hangs after a start.
func (w *World) SetInstance(id, state string) error {
	if !slices.Contains(instanceStates(), state) {
		return fmt.Errorf("instance state %q is not one of EC2's: use one of %s", state, strings.Join(instanceStates(), ", "))
	}
	return w.onAppliance(id, func(s *step, a *appliance) error {
		switch {
		case a.gone() && state != instanceTerminated:
			return fmt.Errorf("instance %q is terminated and does not come back: start a World with a topology that has it", a.instance)
		case a.state == state:
			return nil
		}
		a.state = state
		w.noteHealth(s.now, a.instance, "instance-state", "", state, HealthTruth)
		checks := checkNotApplicable // What a pending instance shows is UNVERIFIED.
		if state == instanceRunning {
			checks = checkInitializing
		}
		w.show(s.now, a, func(v *InstanceView) {
			v.State = state
			v.InstanceStatus, v.SystemStatus = checks, checks
			v.InstanceSince, v.SystemSince = time.Time{}, time.Time{}
		})
		w.refreshVPC(s.now, a.vpc)
		w.checkLater(s, a)
		return nil
	})
}

// SetInstanceStatus makes what the two status checks look at truly good or bad.
// DescribeInstanceStatus follows StatusCheckAfter later, if it is still so. The
// appliance goes on forwarding: SetForwarding stops that.
func (w *World) SetInstanceStatus(id string, instanceOK, systemOK bool) error {
	return w.onAppliance(id, func(s *step, a *appliance) error {
		if a.instanceOK == instanceOK && a.systemOK == systemOK {
			return nil
		}
		if a.instanceOK != instanceOK {
			w.noteHealth(s.now, a.instance, "instance-status", "", checkValue(instanceOK), HealthTruth)
		}
		if a.systemOK != systemOK {
			w.noteHealth(s.now, a.instance, "system-status", "", checkValue(systemOK), HealthTruth)
		}
		a.instanceOK, a.systemOK = instanceOK, systemOK
		w.checkLater(s, a)
		return nil
	})
}

// checkLater lets the status checks come out StatusCheckAfter from now, unless
// something changes before.
func (w *World) checkLater(s *step, a *appliance) {
	a.flips++
	flips, due := a.flips, s.now.Add(w.options.StatusCheckAfter)
	s.then(func() {
		w.keeper.At(due, "status checks of "+a.instance, func() {
			w.do(func(later *step) {
				if a.flips != flips || a.state != instanceRunning {
					return
				}
				w.show(later.now, a, func(v *InstanceView) {
					v.InstanceStatus, v.InstanceSince = checked(a.instanceOK, v.InstanceSince, later.now)
					v.SystemStatus, v.SystemSince = checked(a.systemOK, v.SystemSince, later.now)
				})
			})
		})
	})
}

// checked is what a check shows: since when it is impaired, or nothing.
func checked(ok bool, since, now time.Time) (string, time.Time) {
	switch {
	case ok:
		return checkOK, time.Time{}
	case since.IsZero():
		return checkImpaired, now
	}
	return checkImpaired, since
}

// SetForwarding makes the routing process of an appliance hang or work. Nothing
// in EC2 shows it: the interface is in use, the instance runs, and its checks
// are good. id is the instance or the interface.
func (w *World) SetForwarding(id string, works bool) error {
	return w.onAppliance(id, func(s *step, a *appliance) error {
		if a.forwarding != works {
			a.forwarding = works
			w.noteHealth(s.now, a.eni, "forwarding", "", forwardingValue(works), HealthTruth)
		}
		return nil
	})
}

func forwardingValue(works bool) string {
	if works {
		return "works"
	}
	return "hung"
}

// SetUplink makes the line from an appliance to its site truly go up or down.
// Nothing in EC2 shows it. While it is down the appliance forwards to its peer,
// if it has one that works. id is the instance or the interface.
func (w *World) SetUplink(id string, up bool) error {
	return w.onAppliance(id, func(s *step, a *appliance) error {
		if a.line != up {
			a.line = up
			w.noteHealth(s.now, a.eni, "uplink", "", upOrDown(up), HealthTruth)
		}
		return nil
	})
}

func upOrDown(up bool) string {
	if up {
		return "up"
	}
	return "down"
}

// SetSourceDestCheck switches the source/destination check of an appliance's
// interface. While it is on, AWS drops what the appliance forwards. EC2 shows it
// at once. A deleted interface is an error.
func (w *World) SetSourceDestCheck(id string, on bool) error {
	return w.onAppliance(id, func(s *step, a *appliance) error {
		if a.gone() {
			return fmt.Errorf("interface %q is deleted with its instance: leave its check as it is", a.eni)
		}
		if a.sourceDestCheck != on {
			a.sourceDestCheck = on
			w.noteHealth(s.now, a.eni, "source-dest-check", "", fmt.Sprint(on), HealthTruth)
			w.show(s.now, a, func(v *InstanceView) { v.SourceDestCheck = on })
		}
		return nil
	})
}

// Instances lists the appliances of the caller's account and Region with what
// EC2 shows of instance and interface, sorted by instance. Those that are
// terminated stay in the list.
func (w *World) Instances(c Caller) []InstanceView {
	asOf := w.keeper.Now().Add(-c.Call.Stale)
	w.mu.Lock()
	defer w.mu.Unlock()
	var views []InstanceView
	for _, id := range sortedKeys(w.appliances) {
		if a := w.appliances[id]; id == a.instance && a.vpc.owner.is(c) {
			views = append(views, a.shown.asOf(asOf)[id])
		}
	}
	return views
}
