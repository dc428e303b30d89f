package config

import (
	"fmt"
	"strings"
)

// OwnedByAWS is the owner of the prefix lists that AWS manages (EC2 API, type
// ManagedPrefixList).
const OwnedByAWS = "AWS"

// declaredTables checks the names of route tables. given are the tables before
// they got their owners from elsewhere, where those are checked.
func (k *checker) declaredTables(tables, given []Table) {
	ids := map[string]string{}
	for i, table := range tables {
		path := IndexPath("tables", i)
		if strings.HasPrefix(table.Name, "rtb-") || strings.HasPrefix(table.Name, "tgw-rtb-") {
			k.add(path+".name", table.Name, "looks like the id of a table", "write a name of your own, such as spokes")
		} else {
			k.uniqueName(path+".name", table.Name, "table", k.tables)
		}
		ownerOK := true
		if given[i].Account != "" {
			ownerOK = k.account(path+".account", table.Account, "of the account that owns the route table")
		}
		if given[i].Region != "" {
			ownerOK = k.region(path+".region", table.Region, "of the route table") && ownerOK
		}
		if !validTable(table.ID) {
			k.wrongOrMissing(path+".id", table.ID, "is not a route table id", tableRemedy)
			continue
		}
		if first, twice := ids[table.ID]; twice {
			k.add(path+".id", table.ID, "has another name too, "+first, "give each table one name")
			continue
		}
		ids[table.ID] = path
		k.tableOwners[table.ID] = Home{table.Account, table.Region}
		if ownerOK && table.Account != "" && table.Region != "" {
			k.sameOwner(path, table.ID, table.Account, table.Region)
		}
	}
}

// declaredList is a prefix list with its place, and what the entries made of it.
type declaredList struct {
	PrefixList
	path           string
	used, reported bool
}

// declaredLists checks what is said of prefix lists.
func (k *checker) declaredLists(lists []PrefixList) {
	for i, list := range lists {
		path := IndexPath("prefixLists", i)
		ownerOK := list.Owner == "" || list.Owner == OwnedByAWS || k.account(path+".owner", list.Owner, "of the account that owns the prefix list, or AWS")
		if list.Accept && list.Owner == "" {
			k.add(path+".accept", "true", "has no effect without owner", "write owner: and the 12 digits of the account that owns the prefix list, or AWS")
		}
		if !validID(list.ID, "pl-") {
			k.wrongOrMissing(path+".id", list.ID, "is not a prefix list id", "write pl-…")
			continue
		}
		if first, twice := k.lists[list.ID]; twice {
			k.add(path+".id", list.ID, "is declared twice, first at "+first.path, "remove one of the two")
			continue
		}
		k.lists[list.ID] = &declaredList{PrefixList: list, path: path, reported: !ownerOK}
	}
}

// acceptedList checks that the owner of the list of an entry is the table's, or
// accepted. It is said once for each list.
func (k *checker) acceptedList(path string, e Entry, list *declaredList) {
	list.used = true
	if list.reported || list.Accept || list.Owner == "" || list.Owner == e.Account {
		return
	}
	list.reported = true
	k.add(path, e.Destination, fmt.Sprintf("is owned by %s (%s), who can change what the entry means, and not by %s, who owns the table", list.Owner, list.path, e.Account),
		"write accept: true beside the owner where that is wanted, or use a prefix list of the table's account")
}

// usedLists refuses what is said of a prefix list that nothing uses: most
// likely the id is misspelled.
func (k *checker) usedLists(lists []PrefixList) {
	for i, list := range lists {
		declared, ok := k.lists[list.ID]
		if ok && !declared.used && declared.path == IndexPath("prefixLists", i) {
			k.add(declared.path, list.ID, "is the destination of no entry", "correct the id, or remove it here")
		}
	}
}
