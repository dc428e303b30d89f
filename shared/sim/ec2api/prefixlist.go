package ec2api

import (
	"fmt"
	"net/http"
	"net/netip"
	"strconv"
	"strings"

	"detour/shared/sim"
)

// listPages are the page limits of the prefix list calls. Source: EC2 API
// reference, GetManagedPrefixListEntries (1 to 100); what a call without
// MaxResults gets is UNVERIFIED. A page of 100 makes a client that does not page
// fail visibly.
func listPages() bounds { return bounds{least: 1, most: 100, usual: 100} }

// listIDs refuses a list that is not there in the casing that the World's own
// answers have by default.
func listIDs() ids {
	return ids{
		param: "PrefixListId", marker: "pl-", filter: "prefix-list-id",
		malformed: expecting("InvalidPrefixListID.Malformed", "pl-"),
		notFound:  refuse("InvalidPrefixListID.NotFound", "The prefix list ID '%s' does not exist"),
	}
}

// checkListID refuses an id that names no prefix list. The code is UNVERIFIED.
func checkListID(id string) *sim.APIError {
	if d := listIDs(); !strings.HasPrefix(id, d.marker) {
		return d.malformed(id)
	}
	return nil
}

// prefixListKind selects for DescribeManagedPrefixLists. Source of the filters:
// EC2 API reference, DescribeManagedPrefixLists.
func prefixListKind() kind[sim.PrefixListView] {
	return kind[sim.PrefixListView]{
		id:      func(v sim.PrefixListView) string { return v.ID },
		names:   []string{"prefix-list-id", "prefix-list-name", "owner-id"},
		badName: badFilter,
		field: func(v sim.PrefixListView, name string) []string {
			switch name {
			case "prefix-list-id":
				return []string{v.ID}
			case "prefix-list-name":
				return nonEmpty(v.Name)
			}
			return []string{v.Owner}
		},
	}
}

// describePrefixLists answers DescribeManagedPrefixLists.
func describePrefixLists(rq *request) (any, *sim.APIError) {
	page, token, missing, err := read(rq, prefixListKind(), listIDs(), listPages(), rq.world.PrefixLists(rq.caller))
	if err != nil {
		if len(missing) > 0 {
			_, err = rq.world.PrefixListEntries(rq.caller, missing[0], 0) // The World knows which of the two casings it answers.
		}
		return nil, err
	}
	answer := &prefixListsXML{NextToken: token}
	for _, v := range page {
		answer.Lists.Items = append(answer.Lists.Items, prefixListXML(v, rq.caller.Region))
	}
	return answer, nil
}

// getPrefixListEntries answers GetManagedPrefixListEntries, sorted by block.
func getPrefixListEntries(rq *request) (any, *sim.APIError) {
	id, err := rq.required("PrefixListId", "prefixListId")
	if err != nil {
		return nil, err
	}
	if err = checkListID(id); err != nil {
		return nil, err
	}
	version, err := rq.number("TargetVersion", 1)
	if err != nil {
		return nil, err
	}
	pg, err := rq.paging(listPages())
	if err != nil {
		return nil, err
	}
	entries, err := rq.world.PrefixListEntries(rq.caller, id, version)
	if err != nil {
		return nil, err
	}
	answer := &entriesXML{}
	entries, answer.NextToken = cut(rq, entries, entryKey, pg)
	for _, e := range entries {
		answer.Entries.Items = append(answer.Entries.Items, entryXML{CIDR: e.CIDR.String(), Description: e.Description})
	}
	return answer, nil
}

// entryKey is a key whose order is that of the entries: by address, then by length.
func entryKey(e sim.PrefixListEntry) string {
	return fmt.Sprintf("%x/%03d", e.CIDR.Addr().As16(), e.CIDR.Bits())
}

// modifyPrefixList answers ModifyManagedPrefixList. The IPAM switch is not
// supported.
func modifyPrefixList(rq *request) (any, *sim.APIError) {
	id, err := rq.required("PrefixListId", "prefixListId")
	if err != nil {
		return nil, err
	}
	if err = checkListID(id); err != nil {
		return nil, err
	}
	if rq.params.Has("IpamPrefixListResolverSyncEnabled") {
		return nil, fail(http.StatusBadRequest, "UnsupportedOperation", "The simulated network does not change what an IPAM resolver keeps in sync.")
	}
	edit := sim.PrefixListEdit{Name: rq.params.Get("PrefixListName")}
	if edit.Version, err = rq.number("CurrentVersion", 1); err != nil {
		return nil, err
	}
	size, err := rq.number("MaxEntries", 1)
	if err != nil {
		return nil, err
	}
	edit.MaxEntries = int(size)
	for _, n := range rq.numbers("AddEntry") {
		block, err := rq.entryBlock("AddEntry", n)
		if err != nil {
			return nil, err
		}
		edit.Add = append(edit.Add, sim.PrefixListEntry{CIDR: block, Description: rq.params.Get("AddEntry." + strconv.Itoa(n) + ".Description")})
	}
	for _, n := range rq.numbers("RemoveEntry") {
		block, err := rq.entryBlock("RemoveEntry", n)
		if err != nil {
			return nil, err
		}
		edit.Remove = append(edit.Remove, block)
	}
	view, err := rq.world.EditPrefixList(rq.caller, id, edit)
	if err != nil {
		return nil, err
	}
	return &modifiedListXML{List: prefixListXML(view, rq.caller.Region)}, nil
}

func (rq *request) entryBlock(list string, n int) (netip.Prefix, *sim.APIError) {
	name := list + "." + strconv.Itoa(n) + ".Cidr"
	value, err := rq.required(name, name)
	if err != nil {
		return netip.Prefix{}, err
	}
	return parseCIDR(value, "cidr")
}

type prefixListsXML struct {
	stamped
	Lists     list[managedList] `xml:"prefixListSet"`
	NextToken *string           `xml:"nextToken"`
}

type modifiedListXML struct {
	stamped
	List managedList `xml:"prefixList"`
}

type managedList struct {
	ID         string    `xml:"prefixListId"`
	Family     string    `xml:"addressFamily"`
	State      string    `xml:"state"`
	Message    string    `xml:"stateMessage,omitempty"`
	ARN        string    `xml:"prefixListArn"`
	Name       string    `xml:"prefixListName"`
	MaxEntries int       `xml:"maxEntries"`
	Version    int64     `xml:"version"`
	Owner      string    `xml:"ownerId"`
	IPAM       bool      `xml:"ipamPrefixListResolverSyncEnabled"`
	Tags       list[tag] `xml:"tagSet"`
}

func prefixListXML(v sim.PrefixListView, region string) managedList {
	return managedList{
		ID: v.ID, Family: v.AddressFamily, State: v.State, Message: v.StateMessage, Name: v.Name, MaxEntries: v.MaxEntries,
		Version: v.Version, Owner: v.Owner, IPAM: v.IPAM,
		ARN: "arn:aws:ec2:" + region + ":" + v.Owner + ":prefix-list/" + v.ID,
	}
}

type entriesXML struct {
	stamped
	Entries   list[entryXML] `xml:"entrySet"`
	NextToken *string        `xml:"nextToken"`
}

type entryXML struct {
	CIDR        string `xml:"cidr"`
	Description string `xml:"description,omitempty"`
}
