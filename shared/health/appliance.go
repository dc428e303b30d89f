package health

// networkInterface judges an appliance's interface by its status (EC2 API,
// NetworkInterfaceStatus). While it is being attached it carries nothing yet;
// of associated no document says what it carries.
func (in input) networkInterface() finding {
	return in.view(in.spec.Subject).one(FactInterfaceStatus, func(value string) finding {
		return expect(value, []string{"in-use"}, []string{"available", "attaching", "detaching"}, ReasonInterfaceNotInUse)
	})
}

// sourceDestCheck: while an interface checks source and destination, AWS drops
// what a router forwards through it (EC2 API, ModifyNetworkInterfaceAttribute).
func (in input) sourceDestCheck() finding {
	return in.view(in.spec.Subject).one(FactSourceDestCheck, func(value string) finding {
		return expect(value, []string{"false"}, []string{"true"}, ReasonSourceDestCheck)
	})
}

// instance judges the instance behind the interface. Where the interface hangs on
// another one, neither the life nor the death of the declared one says anything
// about the path.
func (in input) instance() finding {
	behind := in.view(in.spec.Subject).one(FactInterfaceInstance, func(value string) finding {
		if value != in.spec.Instance.ID {
			return unknown(ReasonInterfaceMoved)
		}
		return finding{state: Up}
	})
	if behind.reason == ReasonInterfaceMoved {
		return behind
	}
	v := in.view(in.spec.Instance)
	return all(behind, v.instanceState(), v.statusCheck(FactInstanceStatus), v.statusCheck(FactSystemStatus))
}

// instanceState judges an instance by its state (EC2 API, InstanceStateName). One
// that is pending is Down and not Unknown: it is read that it does not run, and a
// force onto a path that is Unknown would be allowed.
func (v view) instanceState() finding {
	return v.one(FactInstanceState, func(value string) finding {
		return expect(value,
			[]string{"running"},
			[]string{"pending", "shutting-down", "terminated", "stopping", "stopped"},
			ReasonInstanceNotRunning)
	})
}

// statusCheck judges one of the two status checks of an instance (EC2 API,
// SummaryStatus). One that has not come to a result yet proves nothing, and one
// that does not apply does not count against the instance.
func (v view) statusCheck(kind FactKind) finding {
	return v.one(kind, func(value string) finding {
		switch value {
		case "initializing", "insufficient-data":
			return unknown(ReasonNoEvidence)
		default:
			return expect(value, []string{"ok", "not-applicable"}, []string{"impaired"}, ReasonStatusCheckFailed)
		}
	})
}
