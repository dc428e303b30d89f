package health

// sessionsPerPeer is how many BGP sessions AWS runs with a Connect peer (Transit
// Gateway Guide, Connect attachments and Connect peers).
const sessionsPerPeer = 2

// attachment judges a transit gateway attachment by its state (EC2 API,
// TransitGatewayAttachmentState). One that is not there yet carries nothing, as
// surely as one that is gone; of rollingBack no document says what it carries.
func (in input) attachment() finding {
	return in.view(in.spec.Subject).one(FactAttachmentState, func(value string) finding {
		return expect(value,
			[]string{"available", "modifying"},
			[]string{
				"initiating", "initiatingRequest", "pendingAcceptance", "pending",
				"deleting", "deleted", "failing", "failed", "rejecting", "rejected",
			},
			ReasonAttachmentNotAvailable)
	})
}

// peers judges the Connect peers of a path: enough of them must be good.
func (in input) peers() finding {
	var whole, good, unseen int
	var missing Reason
	var alive, failed []Source
	for _, subject := range in.spec.Peers {
		switch peer := in.peer(subject); peer.state {
		case Down:
			failed = append(failed, peer.sources...)
		case Unknown:
			unseen++
			if missing == "" {
				missing = peer.reason
			}
		case Up, Degraded, AdminDown:
			good++
			if peer.state == Up {
				whole++
			}
			alive = append(alive, peer.sources...)
		}
	}
	switch {
	case good < in.spec.MinPeers && good+unseen >= in.spec.MinPeers:
		return unknown(missing)
	case good < in.spec.MinPeers:
		return finding{Down, ReasonTooFewPeers, failed}
	case good < len(in.spec.Peers):
		return finding{Degraded, ReasonSomePeersUp, alive}
	case whole < good:
		return finding{Degraded, ReasonSomeSessionsUp, alive}
	default:
		return finding{Up, ReasonAllPeersUp, alive}
	}
}

// peer judges one Connect peer: it must be available and have one of its two BGP
// sessions up. With only one of them up it is Degraded.
func (in input) peer(subject Subject) finding {
	v := in.view(subject)
	return all(v.one(FactPeerState, func(value string) finding {
		return expect(value, []string{"available"}, []string{"pending", "deleting", "deleted"}, ReasonTooFewPeers)
	}), v.sessions())
}

// sessions judges the two BGP sessions of a Connect peer. One that the answer
// leaves out, or of which it says something strange, may be the one that is up.
func (v view) sessions() finding {
	if v.blind != "" {
		return unknown(v.blind)
	}
	seen, down, strange := map[string]bool{}, map[string]bool{}, map[string]bool{}
	var sources []Source
	for _, fact := range v.facts {
		if fact.Kind != FactSessionStatus {
			continue
		}
		seen[fact.Part] = true
		sources = append(sources, fact.Source)
		switch fact.Value {
		case SessionUp:
		case SessionDown:
			down[fact.Part] = true
		default:
			strange[fact.Part] = true
		}
	}
	up := 0
	for part := range seen {
		if !down[part] && !strange[part] {
			up++
		}
	}
	switch {
	case up >= sessionsPerPeer:
		return finding{state: Up, sources: sources}
	case up > 0:
		return finding{state: Degraded, sources: sources}
	case len(strange) > 0:
		return unknown(ReasonSensor)
	case len(seen) < sessionsPerPeer:
		return unknown(ReasonNoEvidence)
	default:
		return finding{Down, ReasonTooFewPeers, sources}
	}
}
