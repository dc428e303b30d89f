package sim

import (
	"cmp"
	"net/netip"
	"slices"
)

// reference is a prefix list reference of a TGW table: every entry of the list is
// a route of the table, and all of them lead to one target.
type reference struct {
	aim
	list *prefixList
}

// ReferenceView is one prefix list reference as
// GetTransitGatewayPrefixListReferences shows it.
type ReferenceView struct {
	Table     string
	List      string
	ListOwner string
	// Attachment is the zero value for a blackhole, and where the target is deleted.
	Attachment AttachmentRef
	Blackhole  bool
	State      string
}

func (r *reference) view(t *tgwTable) ReferenceView {
	view := ReferenceView{
		Table: t.id, List: r.list.id, ListOwner: r.list.owner.account,
		Blackhole: r.target == nil, State: attachmentAvailable,
	}
	if r.target != nil && r.target.state != attachmentDeleted {
		view.Attachment = r.target.ref()
	}
	return view
}

// PrefixListReferences lists the prefix list references of a table, sorted by
// list. Errors: InvalidRouteTableID.NotFound, InvalidRouteTableId.Malformed.
func (w *World) PrefixListReferences(c Caller, table string) ([]ReferenceView, *APIError) {
	asOf := w.keeper.Now().Add(-c.Call.Stale)
	w.mu.Lock()
	defer w.mu.Unlock()
	t, refused := w.tgwTableOf(c, table)
	if refused != nil {
		return nil, refused
	}
	shown := t.shownReferences.asOf(asOf)
	views := make([]ReferenceView, 0, len(shown))
	for _, id := range sortedKeys(shown) {
		views = append(views, shown[id])
	}
	return views, nil
}

// CreateTransitGatewayPrefixListReference makes every entry of the list a route
// of the table; target is an attachment id or "blackhole". The routes follow the
// list's latest version, win over propagated routes of the same CIDR, and lose to
// static ones (Transit Gateway guide). Errors: those of the table's id and of a
// static route's target, InvalidPrefixListID.NotFound, the route limit, and for a
// second reference to the list a code that is UNVERIFIED, see
// Options.ReferenceErrorAsParameter.
func (w *World) CreateTransitGatewayPrefixListReference(c Caller, table, list, target string) (ReferenceView, *RouteWrite, *APIError) {
	return w.writeReference(c, table, list, target, func(t *tgwTable, l *prefixList) *APIError {
		switch {
		case t.references[l.id] != nil:
			return w.referenceError(codeReferenceDuplicate, "Prefix List Reference %s already exists in Transit Gateway Route Table %s.", l.id, t.id)
		case w.routeCount(t.gateway)+w.listWeight(t, l) > w.options.TransitGatewayRouteQuota:
			return errTGWRouteLimit()
		}
		return nil
	})
}

// ModifyTransitGatewayPrefixListReference switches the target of all routes of a
// reference in one step. Errors are those of the creation; a reference that is
// not there is an error whose code is UNVERIFIED.
func (w *World) ModifyTransitGatewayPrefixListReference(c Caller, table, list, target string) (ReferenceView, *RouteWrite, *APIError) {
	return w.writeReference(c, table, list, target, func(t *tgwTable, l *prefixList) *APIError {
		if t.references[l.id] == nil {
			return w.errReferenceNotFound(t, l.id)
		}
		return nil
	})
}

func (w *World) writeReference(c Caller, table, list, target string, fits func(*tgwTable, *prefixList) *APIError) (view ReferenceView, write *RouteWrite, refused *APIError) {
	refused = w.writeTGWTable(c, table, func(s *step, t *tgwTable) (func(), *APIError) {
		l, refused := w.prefixListOf(c, list)
		if refused != nil {
			return nil, refused
		}
		to, refused := w.tgwTarget(t, target)
		if refused != nil {
			return nil, refused
		}
		return func() {
			put := &reference{aim: aim{target: to}, list: l}
			write = &RouteWrite{Table: t.id, Destination: l.id, Before: t.references[l.id].to(), After: put.targetID()}
			t.references[l.id] = put
			t.shownReferences.set(s.now, l.id, put.view(t))
			w.relist(s, t)
			view = put.view(t)
		}, fits(t, l)
	})
	return view, write, refused
}

// to is the target's id, "" of no reference.
func (r *reference) to() string {
	if r == nil {
		return ""
	}
	return r.targetID()
}

// DeleteTransitGatewayPrefixListReference takes the routes of a reference out of
// the table. What was shadowed shows again. A reference that is not there is an
// error whose code is UNVERIFIED.
func (w *World) DeleteTransitGatewayPrefixListReference(c Caller, table, list string) (view ReferenceView, write *RouteWrite, refused *APIError) {
	refused = w.writeTGWTable(c, table, func(s *step, t *tgwTable) (func(), *APIError) {
		standing := t.references[list]
		if standing == nil {
			return nil, w.errReferenceNotFound(t, list)
		}
		return func() {
			view, write = standing.view(t), &RouteWrite{Table: t.id, Destination: list, Before: standing.targetID()}
			view.State = "deleting"
			delete(t.references, list)
			t.shownReferences.remove(s.now, list)
			w.relist(s, t)
		}, nil
	})
	return view, write, refused
}

// refreshReferences brings the tables that refer to a list up to date with its
// entries.
func (w *World) refreshReferences(s *step, l *prefixList) {
	for _, id := range sortedKeys(w.tgwTables) {
		if t := w.tgwTables[id]; t.references[l.id] != nil {
			w.relist(s, t)
		}
	}
}

// relist computes the entries of all lists that a table refers to, and refreshes
// the routes of those that were or are there.
func (w *World) relist(s *step, t *tgwTable) {
	old := t.listed
	t.list()
	for _, dst := range sortedPrefixes(old) {
		w.refresh(s, t, dst)
	}
	for _, dst := range sortedPrefixes(t.listed) {
		if _, was := old[dst]; !was {
			w.refresh(s, t, dst)
		}
	}
}

// list computes listed from the references and their lists.
func (t *tgwTable) list() {
	t.listed = make(map[netip.Prefix][]*reference)
	for _, id := range sortedKeys(t.references) {
		r := t.references[id]
		for _, dst := range r.list.current() {
			t.listed[dst] = append(t.listed[dst], r)
		}
	}
	for _, references := range t.listed {
		slices.SortFunc(references, func(x, y *reference) int { return cmp.Compare(x.list.id, y.list.id) })
	}
}

// listWeight is what a reference to the list adds to the routes of the transit
// gateway: the list's MaxEntries, as a VPC table counts it, or the entries that
// are no routes yet. Which of the two a transit gateway counts is UNVERIFIED.
func (w *World) listWeight(t *tgwTable, l *prefixList) int {
	if !w.options.ListWeighsEntries {
		return l.maxEntries
	}
	weight := 0
	for _, dst := range l.current() {
		if _, stands := t.visible.current[dst]; !stands {
			weight++
		}
	}
	return weight
}

// routeCount is the number of routes of all tables of a transit gateway, as its
// quota counts them; the routes of prefix lists by listWeight.
func (w *World) routeCount(g *gateway) int {
	count := 0
	for _, t := range g.tables {
		count += len(t.visible.current)
		if w.options.ListWeighsEntries || len(t.references) == 0 {
			continue
		}
		for dst := range t.listed {
			if t.visible.current[dst].PrefixList != "" {
				count--
			}
		}
		for _, r := range t.references {
			count += r.list.maxEntries
		}
	}
	return count
}

func (w *World) errReferenceNotFound(t *tgwTable, list string) *APIError {
	return w.referenceError(codeReferenceNotFound, "Prefix List Reference %s does not exist in Transit Gateway Route Table %s.", list, t.id)
}

// referenceError makes an error of a reference. No source names these codes.
func (w *World) referenceError(code, format string, args ...any) *APIError {
	if w.options.ReferenceErrorAsParameter {
		code = codeInvalidParameter
	}
	return badRequest(code, format, args...)
}
