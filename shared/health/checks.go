package health

import "slices"

// checks judges the CloudWatch alarms of a path that needs one: of those that are
// valid at least one must be good.
func (in input) checks() finding {
	good, bad, missing, valid := in.countChecks()
	switch {
	case !valid:
		return unknown(ReasonNoValidCheck)
	case len(good) > 0 && len(bad) > 0:
		return finding{Degraded, ReasonSomeChecksFailing, append(good, bad...)}
	case len(good) > 0:
		return finding{Up, ReasonChecksGood, good}
	case missing != "":
		// The one that says nothing may be the one that is good.
		return unknown(missing)
	default:
		return finding{Down, ReasonChecksFailing, bad}
	}
}

// optionalChecks judges the alarms of a path that is proven alive by other facts.
// They can only make it worse: one that says nothing is passed over.
func (in input) optionalChecks() finding {
	good, bad, _, _ := in.countChecks()
	switch {
	case len(bad) == 0:
		return finding{state: Up, sources: good}
	case len(good) == 0:
		return finding{Down, ReasonChecksFailing, bad}
	default:
		return finding{Degraded, ReasonSomeChecksFailing, append(good, bad...)}
	}
}

// countChecks returns the sources of the checks that are good and bad, each once
// for each check, and the first reason why one says nothing. valid: at least one
// check is valid for the path as it is used.
func (in input) countChecks() (good, bad []Source, missing Reason, valid bool) {
	for _, check := range in.spec.Checks {
		v := in.view(check.Alarm)
		if !in.speaks(check, v) {
			continue
		}
		valid = true
		switch found := v.one(FactAlarmState, judgeAlarm); {
		case found.state == Up:
			good = append(good, found.sources...)
		case found.state == Down:
			bad = append(bad, found.sources...)
		case missing == "":
			missing = found.reason
		}
	}
	return good, bad, missing, valid
}

// speaks: the check is valid for the path as it is used. One that follows the
// routes speaks of the path while that is in use, by a state that it came into
// since: what it said before was about the path that carried its traffic then,
// and would send the group straight back. That it goes on saying so proves nothing:
// of a far end that is down every path in use looks bad, and the others good. One that could not be read may be one
// that speaks.
func (in input) speaks(check Check, v view) bool {
	if !check.ActiveOnly {
		return true
	}
	return !in.use.Since.IsZero() && !slices.ContainsFunc(v.facts, func(f Fact) bool {
		return f.Kind == FactAlarmState && !f.ChangedAt.After(in.use.Since)
	})
}

func judgeAlarm(value string) finding {
	if value == AlarmInsufficientData {
		return unknown(ReasonNoEvidence)
	}
	return expect(value, []string{AlarmOK}, []string{AlarmAlarm}, ReasonChecksFailing)
}
