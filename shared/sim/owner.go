package sim

// OwnerOf tells whose a resource is that calls name by an id: a table, an
// attachment, a prefix list or a virtual private gateway of the Region. Of the two
// sides of a peering it is that of the account which asks. UNVERIFIED: which
// account stands in the ARN of an attachment whose resource the owner of the
// transit gateway does not own; here it is the resource's.
func (w *World) OwnerOf(id, account, region string) (owner string, ok bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if t := w.tgwTables[id]; t != nil {
		return t.gateway.owner.account, t.gateway.owner.region == region
	}
	if t := w.vpcTables[id]; t != nil {
		return t.vpc.owner.account, t.vpc.owner.region == region
	}
	if l := w.prefixLists[id]; l != nil {
		return l.owner.account, l.owner.region == region
	}
	if g := w.vpnGateways[id]; g != nil {
		return g.vpc.owner.account, g.vpc.owner.region == region
	}
	for _, a := range w.everySide {
		if a.id != id || a.gateway.owner.region != region {
			continue
		}
		if a.peering == nil {
			return a.resourceOwner(), true
		}
		if owner, ok = a.gateway.owner.account, true; owner == account {
			break
		}
	}
	return owner, ok
}
