package doctor

import (
	"fmt"
	"slices"
	"strings"

	"detour/shared/health"
	"detour/shared/route"
)

// unexamined: what could not be read, and what is therefore not known. The other
// looks pass over what is missing; this one sees to it that nobody takes that for
// health.
func unexamined(x *examination) {
	for _, n := range x.s.Networks {
		for _, u := range n.Unread {
			x.blind(Where{Account: n.Account, Region: n.Region}, "the "+string(u.Part), u.Problem, u.Note, Evidence{At: n.ReadAt.UTC()}, blindedBy(u.Part))
		}
	}
	for _, reading := range x.tables {
		if !reading.Complete {
			x.blind(x.inTable(reading.Table), "route table "+reading.Table.ID, reading.Problem, "", Evidence{At: reading.StartedAt.UTC()}, blindedByTable())
		}
	}
	for _, around := range x.s.Around.Tables {
		if !around.Complete {
			x.blind(x.inTable(around.Table), "what is associated with and propagates into "+around.Table.ID, around.Problem, "", Evidence{},
				[]ID{TunnelThroughItself, SiteHearsEndpoint, LearnedDefault, StaticHidesBackup, ConnectNothingLearned, NoWayBack})
		}
	}
	for _, use := range x.s.Around.Gateways {
		if !use.Complete {
			x.blind(Where{Account: use.Account, Region: use.Region, TransitGateway: use.ID}, "the number of routes of "+use.ID, use.Problem, "", Evidence{}, []ID{QuotaHeadroom})
		}
	}
	x.blindFacts()
	x.blindRecords()
	x.blindFilters()
	if e := x.s.Events; e.Wanted && e.Problem != route.NoProblem {
		x.blind(Where{Account: e.Account}, "what is registered with Network Manager", e.Problem, e.Note, Evidence{At: e.ReadAt.UTC()}, []ID{NotRegistered})
	}
}

// blindedBy are the kinds of finding that need a part.
func blindedBy(part Part) []ID {
	switch part {
	case PartGateways:
		return []ID{ConnectNothingLearned, NotRegistered}
	case PartGatewayTables:
		return append(blindedByTable(), NotRegistered)
	case PartAttachments:
		return []ID{TunnelThroughItself, SiteHearsEndpoint, StaticToDownVPN, StaticHidesBackup, NoWayBack}
	case PartVPNs:
		return []ID{TunnelThroughItself, SiteHearsEndpoint, LearnedDefault, StaticToDownVPN, StaticHidesBackup}
	case PartPeers:
		return []ID{TunnelThroughItself, SiteHearsEndpoint, ConnectNothingLearned}
	case PartVPCTables:
		return []ID{TunnelThroughItself, SiteHearsEndpoint, LearnedDefault, Blackhole, StaticHidesBackup, NoWayBack}
	default:
		return nil
	}
}

// blindedByTable are the kinds of finding that need the routes of a table.
func blindedByTable() []ID {
	return []ID{
		TunnelThroughItself, SiteHearsEndpoint, LearnedDefault, StaticToDownVPN, Blackhole, StaticHidesBackup,
		ConnectNothingLearned, NoWayBack, CheckNotPinned, QuotaHeadroom,
	}
}

// blind notes what was not read. The evidence has the time; its text is filled in.
func (x *examination) blind(where Where, what string, problem route.Problem, note string, at Evidence, ids []ID) {
	slices.SortFunc(ids, func(a, b ID) int { return slices.Index(IDs(), a) - slices.Index(IDs(), b) })
	if problem == route.NoProblem {
		problem = "not read"
	}
	at.Text = "the read failed: " + string(problem)
	if note != "" {
		at.Text += " (" + note + ")"
	}
	names := make([]string, len(ids))
	for i, id := range ids {
		names[i] = string(id)
	}
	x.add(Finding{
		ID: NotExamined, Severity: Unknown, Where: where, Blind: slices.Compact(ids), Evidence: []Evidence{at}, Do: remedies(problem),
		What: fmt.Sprintf("%s could not be read (%s), so there may be more of: %s", what, problem, strings.Join(names, ", ")),
	})
}

// remedies say how something becomes readable.
func remedies(problem route.Problem) []string {
	switch problem {
	case route.ProblemDenied:
		return []string{"allow the role or the person the reads that docs/doctor.md lists, or name a role for that account with --role; then run detour doctor again"}
	case route.ProblemThrottled:
		return []string{"wait a minute and run detour doctor again: somebody else uses up the account's request rate"}
	case route.ProblemGone:
		return []string{"see whether it was deleted, and take it out of the configuration if it was"}
	default:
		return []string{"run detour doctor again; if it stays so, see whether the address of the service can be reached from here"}
	}
}

// blindFacts: subjects of paths that could not be read.
func (x *examination) blindFacts() {
	for _, g := range x.s.Groups {
		for _, path := range g.Group.Paths {
			for _, subject := range g.Group.SubjectsOf(path) {
				for _, fact := range x.s.Facts {
					if fact.Subject != subject || fact.Kind != health.FactUnreadable {
						continue
					}
					where := Where{Account: subject.Account, Region: subject.Region, Group: g.Group.Name, Path: path.Name}
					x.blind(where, string(subject.Kind)+" "+subject.ID, fact.Problem, fact.Note, Evidence{At: fact.ObservedAt.UTC()}, []ID{StandbyUnproven})
				}
			}
		}
	}
}

// blindRecords: groups whose record is missing, so that the path in use and what was
// once proven are guesses.
func (x *examination) blindRecords() {
	for _, g := range x.s.Groups {
		if g.Unrecorded == "" {
			continue
		}
		x.add(Finding{
			ID: NotExamined, Severity: Unknown, Blind: []ID{StandbyUnproven},
			Where:    Where{Account: g.Group.Account, Region: g.Group.Region, Group: g.Group.Name},
			What:     fmt.Sprintf("the record of group %s could not be read, so the path in use is a guess from the routes, and what a path once proved is not known", g.Group.Name),
			Do:       []string{"name the table of the records with --table, or say --no-records where Detour is not deployed yet"},
			Evidence: []Evidence{{Text: "the read failed: " + g.Unrecorded}},
		})
	}
}
