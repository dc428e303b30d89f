package plan

import (
	"detour/shared/protection"
	"detour/shared/route"
)

// Trial is one write that a move of a group to a path would make.
type Trial struct {
	Path   string
	Change route.Change
}

// Permission is what AWS judges a write by: the action, the table and the target,
// and the list. EC2 has no condition key for the CIDR block of a route (Service
// Authorization Reference, Amazon EC2), so changes that are alike in these are
// allowed or denied together.
type Permission struct {
	Bucket Bucket
	Table  route.Table
	Target route.NextHop
	List   string
}

// PermissionOf returns what the change is judged by.
func PermissionOf(c route.Change) Permission {
	return Permission{Bucket: BucketOf(c), Table: c.Table, Target: c.After, List: c.Destination.List()}
}

// Rehearse lists the writes that would bring the whole group to each of its paths,
// path by path in the group's order. For a path on which an entry stands already it
// is the write that would bring it back there. What a plan leaves alone is left out.
func Rehearse(group *protection.Group, contended []protection.EntryKey, standing protection.Standing) []Trial {
	if !standing.Complete {
		return nil
	}
	// A static may be deleted one day, whatever proves its learned route today.
	b := builder{group: group, standing: ready(standing), contended: make(map[protection.EntryKey]bool, len(contended))}
	for _, key := range contended {
		b.contended[key] = true
	}
	var out []Trial
	for _, path := range group.Paths {
		i := 0
		for _, unit := range group.Units {
			for _, entry := range unit.Entries {
				seen := &b.standing.Entries[i]
				i++
				if gone := seen.Orphan && seen.On(path.Name); !gone && b.skip(entry, path.Name, seen) == "" {
					out = append(out, Trial{Path: path.Name, Change: change(entry, path.Name, seen)})
				}
			}
		}
	}
	return out
}
