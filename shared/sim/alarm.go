package sim

import (
	"fmt"
	"slices"
	"strings"
	"time"
)

// The states of an alarm (CloudWatch API, StateValue).
const (
	alarmOK           = "OK"
	alarmAlarm        = "ALARM"
	alarmInsufficient = "INSUFFICIENT_DATA"
)

func alarmStates() []string { return []string{alarmOK, alarmAlarm, alarmInsufficient} }

// fieldAlarmState is the field of Told and HealthChange that speaks of alarms.
const fieldAlarmState = "alarm-state"

// metricAlarm is one CloudWatch alarm. What it follows is looked at after every step
// of the World, so that no timer has to poll: good is what it was found to be,
// and flips counts its changes, so that a change of state on its way can tell
// that it is out of date.
type metricAlarm struct {
	name    string
	owner   owner
	follows func() bool // nil: nothing
	after   time.Duration
	vpn     string // the connection whose TunnelState it watches, if any
	good    bool
	flips   int
	pinned  bool
	deleted bool
}

// AlarmView is one alarm as DescribeAlarms shows it.
type AlarmView struct {
	Name   string
	ARN    string
	State  string
	Reason string
	// UpdatedAt is the last change of the state or its reason, TransitionedAt the
	// last change of the state (CloudWatch API, type MetricAlarm).
	UpdatedAt, TransitionedAt time.Time
	// VPN is the connection whose metric TunnelState the alarm watches, if any.
	VPN string
}

// Alarms lists the alarms of the caller's account and Region, sorted by name.
func (w *World) Alarms(c Caller) []AlarmView {
	asOf := w.keeper.Now().Add(-c.Call.Stale)
	w.mu.Lock()
	defer w.mu.Unlock()
	shown := w.alarmsShown.asOf(asOf)
	var views []AlarmView
	for _, name := range sortedKeys(shown) {
		if w.alarms[name].owner.is(c) {
			views = append(views, shown[name])
		}
	}
	return views
}

// settleAlarms looks at what the alarms follow, and lets those whose truth has
// changed find out when it has lasted.
func (w *World) settleAlarms(s *step) {
	for _, a := range w.watching {
		if a.deleted {
			continue
		}
		if good := a.follows(); good != a.good {
			a.good = good
			w.judgeLater(s, a)
		}
	}
}

// judgeLater has the alarm take the state that it follows, once the truth of now
// has lasted.
func (w *World) judgeLater(s *step, a *metricAlarm) {
	a.flips++
	if want := stateOf(a.good); a.pinned || w.alarmsShown.current[a.name].State == want {
		return
	}
	due, flips := s.now.Add(a.after), a.flips
	s.then(func() {
		w.keeper.At(due, "alarm "+a.name, func() {
			w.do(func(later *step) {
				if a.flips == flips && !a.pinned && !a.deleted {
					w.setAlarm(later, a, stateOf(a.good), "Threshold Crossed: what the alarm follows has been "+goodBad(a.good)+".")
				}
			})
		})
	})
}

func stateOf(good bool) string {
	if good {
		return alarmOK
	}
	return alarmAlarm
}

func goodBad(good bool) string {
	if good {
		return "good"
	}
	return "bad"
}

// setAlarm gives the alarm a state, and announces a change.
func (w *World) setAlarm(s *step, a *metricAlarm, state, reason string) {
	before := w.alarmsShown.current[a.name]
	view := before
	view.State, view.Reason, view.UpdatedAt = state, reason, s.now
	if state != before.State {
		view.TransitionedAt = s.now
		w.noteHealth(s.now, a.name, fieldAlarmState, "", state, HealthShown)
		w.announceAlarm(s, a, before, view)
	}
	w.alarmsShown.set(s.now, a.name, view)
}

// findAlarm names what does exist when the name is unknown.
func (w *World) findAlarm(name string) (*metricAlarm, error) {
	switch a := w.alarms[name]; {
	case a == nil:
		return nil, fmt.Errorf("alarm %q is not in the topology: use one of %s", name, strings.Join(sortedKeys(w.alarms), ", "))
	case a.deleted:
		return nil, fmt.Errorf("alarm %q is deleted and does not come back: start a World with a topology that has it", name)
	default:
		return a, nil
	}
}

// SetAlarm makes an alarm stand in a state from now on, whatever it follows: a
// false signal. The empty state lets it follow again what it follows; a state
// that is wrong then is left after the alarm's delay. Each change of the state
// is announced by an event on the default bus of the alarm's account and Region.
func (w *World) SetAlarm(name, state string) error {
	if state != "" && !slices.Contains(alarmStates(), state) {
		return fmt.Errorf("alarm state %q is not one of CloudWatch's: use one of %s, or none to let the alarm follow", state, strings.Join(alarmStates(), ", "))
	}
	var problem error
	w.do(func(s *step) {
		a, err := w.findAlarm(name)
		switch {
		case err != nil:
			problem = err
		case state != "":
			a.pinned = true
			w.setAlarm(s, a, state, "The state was set.")
		case a.follows == nil:
			problem = fmt.Errorf("alarm %q follows nothing: give it a state, one of %s", name, strings.Join(alarmStates(), ", "))
		default:
			a.pinned = false
			w.judgeLater(s, a)
		}
	})
	return problem
}

// DeleteAlarm deletes an alarm: it is described no more, and nothing is announced.
func (w *World) DeleteAlarm(name string) error {
	var problem error
	w.do(func(s *step) {
		a, err := w.findAlarm(name)
		if err != nil {
			problem = err
			return
		}
		a.deleted = true
		w.alarmsShown.remove(s.now, name)
		w.noteHealth(s.now, name, fieldAlarmState, "", "", HealthShown)
	})
	return problem
}
