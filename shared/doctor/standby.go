package doctor

import (
	"fmt"
	"slices"

	"detour/shared/health"
	"detour/shared/plan"
	"detour/shared/protection"
	"detour/shared/route"
)

// survey is what the survey of a group says, with all its worst switchovers.
func (x *examination) survey(g Group) []plan.Note {
	others := make([]*protection.Group, 0, len(x.s.Groups))
	for _, other := range x.s.Groups {
		others = append(others, other.Group)
	}
	return plan.Survey(plan.SurveyInput{
		Group: g.Group, Standing: x.standing(g), Readings: x.s.Readings, Lists: x.s.Lists,
		Surroundings: x.s.Around, Quotas: x.s.Quotas, Others: others, Pins: g.Pins,
	})
}

// standing is what stands of a group, with what its observation tables prove.
func (x *examination) standing(g Group) protection.Standing {
	of := func(subject health.Subject) []health.Fact {
		var out []health.Fact
		for _, fact := range x.s.Facts {
			if fact.Subject == subject {
				out = append(out, fact)
			}
		}
		return out
	}
	return plan.Prove(g.Group, plan.Standing(g.Group, x.s.Readings, x.s.Lists, x.s.Never), of, x.s.At)
}

// unlearned: standbys to whose learned routes nothing can be switched, because no
// observation table shows them, or because they are not propagated at all.
func (x *examination) unlearned(g Group, used string) {
	for _, note := range x.survey(g) {
		if note.Kind != plan.NoteUnproven && note.Kind != plan.NoteNotPropagated || note.Path == used {
			continue
		}
		where := x.inTable(note.Table)
		if note.Table == (route.Table{}) {
			where.Account, where.Region = g.Group.Account, g.Group.Region
		}
		where.Group, where.Path = g.Group.Name, note.Path
		f := Finding{ID: StandbyUnproven, Severity: Warning, Where: where, What: note.Text}
		switch why := protection.Reason(note.About); {
		case note.Kind == plan.NoteNotPropagated:
			where.Attachment = note.About
			f.Where = where
			f.Do = []string{fmt.Sprintf("aws ec2 enable-transit-gateway-route-table-propagation --transit-gateway-route-table-id %s --transit-gateway-attachment-id %s --region %s", note.Table.ID, note.About, note.Table.Region)}
			f.Evidence = []Evidence{{At: x.s.At.UTC(), Text: note.About + " is not among what propagates into " + note.Table.ID}}
		case why == protection.ReasonPropagationsUnreadable || why == protection.ReasonPropagationsStale:
			f.Do = []string{"see with detour explain " + g.Group.Name + " why the propagations of the tables could not be read"}
			f.Evidence = []Evidence{{At: x.s.At.UTC(), Text: "what was read of the propagations: " + note.About}}
		default:
			f.Do = []string{"make an observation table, which only the path's attachment propagates into and nothing is associated with, and name it in the path's observation; or see with detour plan " + g.Group.Name + " what keeps the one that is named from proving anything"}
			f.Evidence = []Evidence{{At: x.s.At.UTC(), Text: "what the observation table shows: " + note.About}}
		}
		x.add(f)
	}
}

// pins: checks that do not speak of their path.
func pins(x *examination) {
	for _, g := range x.s.Groups {
		for _, note := range x.survey(g) {
			if note.Kind != plan.NotePin || note.Level != plan.LevelWarning {
				continue
			}
			where := x.inTable(note.Table)
			where.Group, where.Path, where.Alarm = g.Group.Name, note.Path, note.About
			f := Finding{
				ID: CheckNotPinned, Severity: Warning, Where: where, What: note.Text,
				Do: []string{"add a host route to the check's address over path " + note.Path + ", or name in pinned the table that leads there by it; then see detour plan " + g.Group.Name},
			}
			if reading := x.readings[note.Table]; reading != nil {
				f.Evidence = []Evidence{{At: reading.StartedAt.UTC(), Text: note.Table.ID + " was read"}}
			}
			x.add(f)
		}
		for _, path := range g.Group.Paths {
			x.unpinned(g, path)
		}
	}
}

// unpinned: checks that are declared to mean nothing on a standby path. They are all
// that proves an appliance or another attachment; a VPN connection has its tunnels,
// and a Connect peer its sessions.
func (x *examination) unpinned(g Group, path protection.Path) {
	spec := path.Spec
	bound := slices.ContainsFunc(spec.Checks, func(c health.Check) bool { return !c.ActiveOnly })
	for _, check := range spec.Checks {
		if !check.ActiveOnly {
			continue
		}
		f := Finding{
			ID: CheckNotPinned, Severity: Info,
			Where: Where{Account: check.Alarm.Account, Region: check.Alarm.Region, Group: g.Group.Name, Path: path.Name, Alarm: check.Alarm.ID},
			What:  fmt.Sprintf("the check %s of path %s is declared activeOnly: it says nothing while the path is a standby", check.Alarm.ID, path.Name),
			Do: []string{
				"let the check speak to an address that is routed over this path alone, and say so: pinned: ADDRESS, via: TABLE",
				"or let it run on the box itself, and say onBox: true",
			},
			Evidence: x.factsOf(check.Alarm),
		}
		if !bound && (spec.Kind == health.KindAppliance || spec.Kind == health.KindAttachment) {
			f.Severity = Warning
			f.What += ", and nothing else proves this kind of path"
		}
		x.add(f)
	}
}

// factsOf is what was read of a subject, as evidence.
func (x *examination) factsOf(subject health.Subject) []Evidence {
	var out []Evidence
	facts := slices.Clone(x.s.Facts)
	slices.SortStableFunc(facts, health.Fact.Compare)
	for _, fact := range facts {
		if fact.Subject != subject || fact.Kind == health.FactUnreadable {
			continue
		}
		text := subject.ID + ": " + string(fact.Kind)
		if fact.Part != "" {
			text += " " + fact.Part
		}
		text += " " + orUnknown(fact.Value)
		if !fact.ChangedAt.IsZero() {
			text += ", changed " + fact.ChangedAt.UTC().Format("2006-01-02 15:04:05")
		}
		out = append(out, Evidence{At: fact.ObservedAt.UTC(), Text: text})
	}
	return out
}

// standbys: paths that are not in use, and that nothing proves alive.
func standbys(x *examination) {
	for _, g := range x.s.Groups {
		used := x.inUse(g)
		x.unlearned(g, used)
		var dead []Finding
		alive := 0
		for _, path := range g.Group.Paths {
			if path.Name == used || x.unreadable(path) {
				alive += boolInt(path.Name != used) // It may be alive; that it was not read is told.
				continue
			}
			memory := g.Record.Memory(path.Name)
			judged := health.Judge(path.Spec, x.s.Facts, health.Use{}, memory, x.s.At)
			if judged.State.Alive() {
				alive++
				continue
			}
			dead = append(dead, x.standby(g, path, judged, memory))
		}
		for _, f := range dead {
			if alive == 0 {
				f.Severity = Critical
				f.What += "; the group has no other standby that is alive"
			}
			x.add(f)
		}
	}
}

func boolInt(is bool) int {
	if is {
		return 1
	}
	return 0
}

// inUse is the path that the group is on: by its record, else the one that most of
// its entries stand on, else the working path.
func (x *examination) inUse(g Group) string {
	if g.Record.Decision.Epoch != 0 {
		return g.Record.Decision.To
	}
	best, most := g.Group.Working(), 0
	standing := x.standing(g)
	for _, path := range g.Group.Paths {
		n := 0
		for i := range standing.Entries {
			n += boolInt(standing.Entries[i].On(path.Name))
		}
		if n > most {
			best, most = path.Name, n
		}
	}
	return best
}

// unreadable reports whether a subject of the path could not be read.
func (x *examination) unreadable(path protection.Path) bool {
	subjects := path.Spec.Subjects()
	return slices.ContainsFunc(x.s.Facts, func(f health.Fact) bool {
		return f.Kind == health.FactUnreadable && slices.Contains(subjects, f.Subject)
	})
}

func (x *examination) standby(g Group, path protection.Path, judged health.Assessment, memory health.Memory) Finding {
	subject := path.Spec.Subject
	f := Finding{
		ID: StandbyUnproven, Severity: Warning,
		Where: Where{Account: subject.Account, Region: subject.Region, Group: g.Group.Name, Path: path.Name},
	}
	switch subject.Kind {
	case health.SubjectVPN:
		f.Where.VPN = subject.ID
	case health.SubjectAttachment:
		f.Where.Attachment = subject.ID
	case health.SubjectConnectPeer, health.SubjectInterface, health.SubjectInstance, health.SubjectAlarm, health.SubjectRouteTable,
		health.SubjectPropagations:
	}
	switch {
	case judged.State == health.Down:
		f.What = fmt.Sprintf("standby path %s of group %s is down (%s)", path.Name, g.Group.Name, judged.Reason)
		f.Do = []string{"repair it while the path in use is alive; detour explain " + g.Group.Name + " shows what it shows"}
	case memory.Proven.Alive():
		f.What = fmt.Sprintf("standby path %s of group %s was alive once, and nothing proves it now (%s)", path.Name, g.Group.Name, judged.Reason)
		f.Do = proofs(path)
	default:
		f.What = fmt.Sprintf("standby path %s of group %s was never proven alive (%s)", path.Name, g.Group.Name, judged.Reason)
		f.Do = proofs(path)
	}
	for _, subject := range path.Spec.Subjects() {
		f.Evidence = append(f.Evidence, x.factsOf(subject)...)
	}
	return f
}

// proofs are what would prove a path.
func proofs(path protection.Path) []string {
	if path.Spec.Kind == health.KindVPN || path.Spec.Kind == health.KindConnect {
		return []string{"see that what the path names in the configuration exists and is that path's"}
	}
	return []string{"give it a check that is pinned to it (checks: pinned and via), or one that runs on the box (onBox), and see that its alarm is OK"}
}

// headroom: what the worst switchover would need, against the quotas.
func headroom(x *examination) {
	for _, list := range x.s.Lists {
		if !list.Complete {
			x.blind(Where{Account: list.List.Account, Region: list.List.Region}, "prefix list "+list.List.ID, list.Problem, "", Evidence{}, []ID{NoWayBack, QuotaHeadroom})
		}
	}
	for _, g := range x.s.Groups {
		for _, note := range x.survey(g) {
			if note.Kind != plan.NoteHeadroom {
				continue
			}
			// A tenth of the quota is what grows unnoticed between two looks.
			tight := note.Limit > 0 && note.Count*10 > note.Limit*9
			if note.Level != plan.LevelWarning && !tight {
				continue
			}
			x.tight(g, note)
		}
	}
}

func (x *examination) tight(g Group, note plan.Note) {
	where := Where{Account: g.Group.Account, Region: g.Group.Region, Group: g.Group.Name, TransitGateway: note.About}
	service, setting := "the routes of a transit gateway", "limits.transitGatewayRoutes"
	if note.Table.Kind == route.VPCTable {
		where = x.inTable(note.Table)
		where.Group = g.Group.Name
		service, setting = "the routes of a VPC route table", "limits.vpcRoutes"
	}
	f := Finding{
		ID: QuotaHeadroom, Severity: Warning, Where: where, What: note.Text,
		Do: []string{
			"raise the quota of " + service + ": aws service-quotas list-service-quotas --service-code vpc shows which, request-service-quota-increase asks for it",
			"then say the new figure in " + setting + ", so that Detour measures against it",
			"or summarize routes, or use a prefix list that is no larger than it needs to be",
		},
		Evidence: []Evidence{{At: x.s.At.UTC(), Text: fmt.Sprintf("%d of %d after the worst switchover", note.Count, note.Limit)}},
	}
	if note.Level == plan.LevelWarning {
		f.Severity = Critical
	}
	x.add(f)
}
