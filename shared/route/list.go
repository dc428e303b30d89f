package route

import (
	"cmp"
	"net/netip"
	"time"
)

// ListRef names a managed prefix list and the account and Region from which it
// is seen: those of the table that uses it. The list's owner can be another
// account, which shares it.
type ListRef struct {
	ID      string `json:"id"`
	Account string `json:"account"`
	Region  string `json:"region"`
}

// Compare orders references by account, Region and id.
func (r ListRef) Compare(other ListRef) int {
	return cmp.Or(cmp.Compare(r.Account, other.Account), cmp.Compare(r.Region, other.Region), cmp.Compare(r.ID, other.ID))
}

// ListReading is one reading of one managed prefix list (EC2 API, types
// ManagedPrefixList and PrefixListEntry).
type ListReading struct {
	List ListRef `json:"list"`
	// Owner is the account that owns the list.
	Owner string `json:"owner,omitempty"`
	// Version rises by one with every change of the entries.
	Version int64 `json:"version,omitempty"`
	// MaxEntries is what the list counts against the route quota of a table,
	// whatever it holds (VPC User Guide, managed prefix lists).
	MaxEntries int `json:"maxEntries,omitempty"`
	// IPAM says that an IPAM resolver may rewrite the list at any time.
	IPAM bool `json:"ipam,omitempty"`
	// EntriesUnread says that the entries were not asked for; Entries is empty then.
	EntriesUnread bool `json:"entriesUnread,omitempty"`
	// Entries are sorted and without host bits.
	Entries []netip.Prefix `json:"entries,omitempty"`
	// StartedAt is when the first call of the reading was sent.
	StartedAt time.Time `json:"startedAt"`
	// Complete says that all that was asked for was read; else Problem says why not.
	Complete bool    `json:"complete"`
	Problem  Problem `json:"problem,omitempty"`
}
