package sim

import (
	"fmt"
	"net/netip"
	"net/url"
	"slices"
	"strings"
	"time"

	"detour/shared/route"
)

// The limits of prefix lists (VPC quotas; EC2 API, ModifyManagedPrefixList).
const (
	prefixListMaxEntries = 1000
	prefixListPerCall    = 100
	prefixListNamedFirst = 10
)

// The states of a prefix list that the World has (EC2 API, PrefixListState).
const (
	listCreated   = "create-complete"
	listModifying = "modify-in-progress"
	listModified  = "modify-complete"
	listFailed    = "modify-failed"
)

// The codes of prefix list calls. Those without a word are in use by clients of
// AWS; casing as they have it.
const (
	codeListNotFound      = "InvalidPrefixListID.NotFound"
	codeListNotFoundOther = "InvalidPrefixListId.NotFound"
	codeListVersion       = "PrefixListVersionMismatch"
	codeListModification  = "InvalidPrefixListModification"
	codeCombination       = "InvalidParameterCombination"
	// codeListFull is UNVERIFIED: no source names the code of a full list.
	codeListFull = "PrefixListMaxEntriesExceeded"
	// codeListOwner is UNVERIFIED: what a consumer of a shared list is answered.
	codeListOwner = "UnauthorizedOperation"
)

// PrefixListEntry is one entry of a prefix list.
type PrefixListEntry struct {
	CIDR        netip.Prefix
	Description string
}

// prefixList is one customer-managed prefix list of one address family. entries
// holds the entries of every version, sorted; shown is what
// DescribeManagedPrefixLists shows.
type prefixList struct {
	id         string
	owner      owner
	shared     []string
	ipv6       bool
	maxEntries int
	version    int64
	entries    map[int64][]PrefixListEntry
	blocks     []netip.Prefix // of the latest version, sorted
	shown      *timeline[string, PrefixListView]
}

// PrefixListView is one prefix list as DescribeManagedPrefixLists shows it.
type PrefixListView struct {
	ID, Name            string
	Owner               string
	State, StateMessage string
	AddressFamily       string // IPv4, IPv6
	MaxEntries          int
	Version             int64
	// IPAM says that an IPAM resolver keeps the list in sync.
	IPAM bool
}

// current returns the CIDR blocks of the latest version, sorted; the caller must
// not write to them. Routes and references follow the latest version at once;
// how long AWS takes is UNVERIFIED.
func (l *prefixList) current() []netip.Prefix { return l.blocks }

func (l *prefixList) view() PrefixListView { return l.shown.current[l.id] }

// put makes the entries those of the given version, which is the latest.
func (l *prefixList) put(version int64, entries []PrefixListEntry) {
	slices.SortFunc(entries, func(a, b PrefixListEntry) int { return comparePrefix(a.CIDR, b.CIDR) })
	l.version, l.entries[version], l.blocks = version, entries, make([]netip.Prefix, 0, len(entries))
	for _, e := range entries {
		l.blocks = append(l.blocks, e.CIDR)
	}
}

func (l *prefixList) visibleTo(c Caller) bool {
	return l.owner.region == c.Region && (l.owner.account == c.Account || slices.Contains(l.shared, c.Account))
}

// prefixListOf finds a list that the caller's account owns or shares, in its
// Region. A list of someone else is answered like one that does not exist.
func (w *World) prefixListOf(c Caller, id string) (*prefixList, *APIError) {
	if l := w.prefixLists[id]; l != nil && l.visibleTo(c) {
		return l, nil
	}
	code := codeListNotFound
	if w.options.PrefixListIDNotFoundMixedCase {
		code = codeListNotFoundOther
	}
	return nil, badRequest(code, "The prefix list ID '%s' does not exist", id)
}

// PrefixLists lists the prefix lists that the caller's account owns or that are
// shared with it, in its Region, sorted by id.
func (w *World) PrefixLists(c Caller) []PrefixListView {
	asOf := w.keeper.Now().Add(-c.Call.Stale)
	w.mu.Lock()
	defer w.mu.Unlock()
	var views []PrefixListView
	for _, id := range sortedKeys(w.prefixLists) {
		if l := w.prefixLists[id]; l.visibleTo(c) {
			views = append(views, l.shown.asOf(asOf)[id])
		}
	}
	return views
}

// PrefixListEntries lists the entries of one version of a list, sorted; version
// 0 is the latest. Errors: InvalidPrefixListID.NotFound, and for a version that
// the list does not have InvalidParameterValue (UNVERIFIED).
func (w *World) PrefixListEntries(c Caller, id string, version int64) ([]PrefixListEntry, *APIError) {
	asOf := w.keeper.Now().Add(-c.Call.Stale)
	w.mu.Lock()
	defer w.mu.Unlock()
	l, refused := w.prefixListOf(c, id)
	if refused != nil {
		return nil, refused
	}
	if version == 0 {
		version = l.shown.asOf(asOf)[id].Version
	}
	entries, known := l.entries[version]
	if !known {
		return nil, badRequest(codeInvalidParameter, "The prefix list %s has no version %d.", id, version)
	}
	return slices.Clone(entries), nil
}

// PrefixListEdit is what ModifyManagedPrefixList changes. Zero values change
// nothing; Version is the caller's idea of the present version, 0 for none.
type PrefixListEdit struct {
	Version    int64
	Name       string
	MaxEntries int
	Add        []PrefixListEntry
	Remove     []netip.Prefix
}

func (e PrefixListEdit) entries() bool { return len(e.Add)+len(e.Remove) > 0 }

// EditPrefixList is ModifyManagedPrefixList. A change of the entries makes a new
// version, which routes and references follow at once; a change of name or
// MaxEntries does not. Adding a block that stands changes its description
// (UNVERIFIED). A new MaxEntries that some VPC route table has no room for is
// taken and ends in the state modify-failed, with the first ten such tables in the
// message; transit gateways are not looked at. A list that an IPAM resolver keeps
// is edited like any other (UNVERIFIED). Errors: InvalidPrefixListID.NotFound,
// PrefixListVersionMismatch, IncorrectState while another modification is under
// way, InvalidPrefixListModification for a removal of what is not there,
// InvalidParameterCombination for entries and MaxEntries in one call, and
// InvalidParameterValue. The order of the checks is UNVERIFIED.
func (w *World) EditPrefixList(c Caller, id string, edit PrefixListEdit) (view PrefixListView, refused *APIError) {
	w.do(func(s *step) {
		if refused = w.earlyDryRun(c); refused != nil {
			return
		}
		var l *prefixList
		if l, refused = w.prefixListOf(c, id); refused != nil {
			return
		}
		var entries []PrefixListEntry
		if entries, refused = w.edited(c, l, edit); refused != nil {
			return
		}
		if c.DryRun {
			refused = errDryRun()
			return
		}
		w.applyEdit(s, l, edit, entries)
		view = l.view()
	})
	return view, refused
}

// edited checks an edit and returns the entries that it leaves.
func (w *World) edited(c Caller, l *prefixList, edit PrefixListEdit) ([]PrefixListEntry, *APIError) {
	switch {
	case l.owner.account != c.Account:
		return nil, &APIError{Status: 403, Code: codeListOwner, Message: "You are not authorized to perform this operation."}
	case len(edit.Add) > prefixListPerCall || len(edit.Remove) > prefixListPerCall:
		return nil, badRequest(codeInvalidParameter, "The number of entries per request cannot exceeds limit (%d).", prefixListPerCall)
	case edit.entries() && edit.MaxEntries != 0:
		return nil, badRequest(codeCombination, "You cannot modify the entries and the maximum entries for the prefix list in the same request.")
	case l.view().State == listModifying:
		return nil, badRequest(codeIncorrectState, "The prefix list %s is in the state %s.", l.id, listModifying)
	case edit.entries() && edit.Version == 0: // UNVERIFIED.
		return nil, badRequest("MissingParameter", "The request must contain the parameter currentVersion")
	case edit.Version != 0 && edit.Version != l.version:
		return nil, badRequest(codeListVersion, "The prefix list has the version %d, not %d.", l.version, edit.Version)
	case edit.MaxEntries < 0 || edit.MaxEntries > prefixListMaxEntries:
		return nil, badRequest(codeInvalidParameter, "Must specify a max size between 1 and %d", prefixListMaxEntries)
	case edit.MaxEntries != 0 && edit.MaxEntries < len(l.blocks): // UNVERIFIED.
		return nil, badRequest(codeInvalidParameter, "The prefix list has %d entries; its maximum cannot be %d.", len(l.blocks), edit.MaxEntries)
	}
	return l.changed(edit)
}

// changed returns the entries with those of the edit taken out and put in.
func (l *prefixList) changed(edit PrefixListEdit) ([]PrefixListEntry, *APIError) {
	entries := slices.Clone(l.entries[l.version])
	for _, block := range edit.Remove {
		i := slices.IndexFunc(entries, func(e PrefixListEntry) bool { return e.CIDR == block.Masked() })
		if i < 0 {
			return nil, badRequest(codeListModification, "The prefix list entry %s does not exist.", block)
		}
		entries = slices.Delete(entries, i, i+1)
	}
	for i, add := range edit.Add {
		add.CIDR = add.CIDR.Masked() // Whether AWS clears host bits or refuses them is UNVERIFIED.
		same := func(e PrefixListEntry) bool { return e.CIDR.Masked() == add.CIDR }
		switch {
		case !add.CIDR.IsValid() || add.CIDR.Addr().Is6() != l.ipv6:
			return nil, badRequest(codeInvalidParameter, "The CIDR block %s is not of the address family of %s.", add.CIDR, l.id)
		case slices.ContainsFunc(edit.Add[:i], same) || slices.ContainsFunc(edit.Remove, func(p netip.Prefix) bool { return p.Masked() == add.CIDR }):
			return nil, badRequest(codeInvalidParameter, "The request names %s twice.", add.CIDR) // UNVERIFIED.
		}
		if j := slices.IndexFunc(entries, same); j >= 0 {
			entries[j] = add
		} else {
			entries = append(entries, add)
		}
	}
	if len(entries) > l.maxEntries {
		return nil, badRequest(codeListFull, "You've reached the maximum number of entries for the prefix list.")
	}
	return entries, nil
}

// applyEdit makes a checked edit. With Options.PrefixListModifyTime the list
// shows modify-in-progress meanwhile, and takes no other edit.
func (w *World) applyEdit(s *step, l *prefixList, edit PrefixListEdit, entries []PrefixListEntry) {
	end, message := listModified, ""
	if edit.entries() {
		l.put(l.version+1, entries)
	}
	if edit.MaxEntries != 0 {
		if full := w.tablesWithoutRoom(l, edit.MaxEntries); len(full) > 0 {
			end = listFailed
			message = "The following VPC Resource(s) cannot support the new maximum size: " + strings.Join(full, ", ") // The text is UNVERIFIED.
		} else {
			l.maxEntries = edit.MaxEntries
		}
	}
	finish := func(now time.Time, state, message string) {
		view := l.view()
		view.State, view.StateMessage, view.MaxEntries, view.Version = state, message, l.maxEntries, l.version
		if edit.Name != "" {
			view.Name = edit.Name
		}
		l.shown.set(now, l.id, view)
	}
	if w.options.PrefixListModifyTime == 0 {
		finish(s.now, end, message)
	} else {
		finish(s.now, listModifying, "")
		due := s.now.Add(w.options.PrefixListModifyTime)
		s.then(func() {
			w.keeper.At(due, "modified "+l.id, func() {
				w.do(func(later *step) { finish(later.now, end, message) })
			})
		})
	}
	if edit.entries() || edit.MaxEntries != 0 {
		w.refreshReferences(s, l)
	}
}

// tablesWithoutRoom returns the first ten VPC tables with a route to the list
// whose quota a new MaxEntries would exceed.
func (w *World) tablesWithoutRoom(l *prefixList, maxEntries int) []string {
	var full []string
	for _, id := range sortedKeys(w.vpcTables) {
		t := w.vpcTables[id]
		if _, refers := t.standing(route.PrefixList(l.id)); !refers {
			continue
		}
		if t.weight(w, l.ipv6)-l.maxEntries+maxEntries > w.options.VPCRouteQuota && len(full) < prefixListNamedFirst {
			full = append(full, id)
		}
	}
	return full
}

// SetPrefixListEntries is a person or another program editing a list: the entries
// are added and removed in one call, on the version that stands. by names the
// writer in the call log, as process "writer:" + by; the edit obeys the rules of
// the API but takes no token of the request buckets. An error of the API is
// returned as an *APIError, and is in the call log too.
func (w *World) SetPrefixListEntries(by, id string, add, remove []netip.Prefix) error {
	w.mu.Lock()
	l := w.prefixLists[id]
	if l == nil {
		known := sortedKeys(w.prefixLists)
		w.mu.Unlock()
		return fmt.Errorf("prefix list %q is not in the topology: use one of %s", id, strings.Join(known, ", "))
	}
	c := Caller{Account: l.owner.account, Region: l.owner.region, Call: Call{Process: "writer:" + by}}
	edit := PrefixListEdit{Version: l.version, Remove: remove}
	w.mu.Unlock()
	params := url.Values{"PrefixListId": {id}, "CurrentVersion": {fmt.Sprint(edit.Version)}}
	for i, block := range add {
		edit.Add = append(edit.Add, PrefixListEntry{CIDR: block})
		params.Set(fmt.Sprintf("AddEntry.%d.Cidr", i+1), block.String())
	}
	for i, block := range remove {
		params.Set(fmt.Sprintf("RemoveEntry.%d.Cidr", i+1), block.String())
	}
	_, refused := w.EditPrefixList(c, id, edit)
	return w.recordForced(c, "ModifyManagedPrefixList", params, nil, refused)
}
