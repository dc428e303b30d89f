package protection

// pinned says whether the prefix lists are as a request's author saw them. A move
// by the request would else not be the one that was asked for.
type pinned int

const (
	listsAsSeen pinned = iota
	// listsUnread: one could not be read on this run.
	listsUnread
	listsChanged
)

// lists compares the versions that the request names with those that stand. Lists
// that are no destination of the group any more are passed over.
func (d *decider) lists(request Request) pinned {
	out := listsAsSeen
	for _, list := range request.Lists {
		for _, e := range d.in.Standing.Entries {
			switch {
			case e.Entry.Destination.List() != list.ID, e.ListVersion == list.Version:
			case e.ListVersion == 0:
				out = max(out, listsUnread)
			default:
				return listsChanged
			}
		}
	}
	return out
}

// waits: the request would start a move, and one of its prefix lists or the
// observation table that is to prove it could not be
// read. That is no change of either, so the request does not end; it has no
// effect before it is read.
func (d *decider) waits(r Request) bool {
	switch r.Kind {
	case ForcedSwitch:
		return (d.lists(r) == listsUnread || d.awaitsReading(r, r.Path)) && !d.there(r.Path, 0)
	case ManualSwitch, ManualSwitchToWorking:
		target, _ := d.manualTarget(r)
		return (d.lists(r) == listsUnread || d.awaitsReading(r, target)) && !d.there(target, r.Extent)
	case Freeze, Lockout, Release, AdoptAnew, FailbackAbort:
		return false
	default:
		return false
	}
}
