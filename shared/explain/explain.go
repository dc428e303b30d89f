package explain

import (
	"slices"

	"detour/shared/config"
	"detour/shared/health"
)

// Explanation is all that can be said of a configuration without AWS.
type Explanation struct {
	// Groups are in the order of the file.
	Groups []Group `json:"groups"`
	// Filters are in the order of the file.
	Filters []Filter `json:"filters,omitempty"`
	// Overlaps are the tables in which one destination lies in another, sorted by
	// id.
	Overlaps []Overlap `json:"overlaps"`
	// Figures are the times that were added up, with their sources.
	Figures []Figure `json:"figures"`
}

// Group explains one group.
type Group struct {
	Name string      `json:"name"`
	Home config.Home `json:"home"`
	Mode string      `json:"mode"`
	// Revertive groups go back by themselves after WaitToRestore.
	Revertive     bool            `json:"revertive"`
	WaitToRestore config.Duration `json:"waitToRestore"`
	HoldOff       config.Duration `json:"holdOff"`
	// Paths are in the group's order, the working path first.
	Paths []Path `json:"paths"`
	// Moves are what moves together, in the order of moves.
	Moves  []Move   `json:"moves"`
	Advice []Advice `json:"advice"`
}

// Path explains how Detour learns that a path died.
type Path struct {
	Name string `json:"name"`
	Kind string `json:"kind"`
	// Needs says when the path is Up, Degraded and Down.
	Needs string `json:"needs"`
	// Watched are the reads that its health comes from.
	Watched []Watch `json:"watched"`
	// Ways are the ways by which a failure becomes known, the sweep first.
	Ways []Way `json:"ways"`
	// Best and Worst are the bounds over all ways. Worst counts only ways that
	// cannot fail to come, and partial ones only where there are no others.
	Best  Bound `json:"best"`
	Worst Bound `json:"worst"`
}

// Watch is one API call, and what it is asked about.
type Watch struct {
	Call    string   `json:"call"`
	Account string   `json:"account"`
	Region  string   `json:"region"`
	IDs     []string `json:"ids"`
}

// Bound is a time from the failure to the moment at which Detour knows, and the
// way that gives it.
type Bound struct {
	After config.Duration `json:"after"`
	By    string          `json:"by"`
	// Unverified: a figure in it is.
	Unverified bool `json:"unverified,omitempty"`
}

// Way is one way by which a failure becomes known: its steps add up.
type Way struct {
	// Name is unique among the ways of a path.
	Name string `json:"name"`
	// Sure says that it cannot fail to come.
	Sure bool `json:"sure"`
	// Partial says that it sees some failures only; Note says which.
	Partial bool `json:"partial,omitempty"`
	// Min and Max are the sums of the steps. Max of a way that is not sure is what
	// it takes where it does come.
	Min   config.Duration `json:"min"`
	Max   config.Duration `json:"max"`
	Steps []Step          `json:"steps"`
	// Note says on which condition the way exists.
	Note string `json:"note,omitempty"`
}

// Step is one part of a way, named after its figure.
type Step struct {
	Figure     string          `json:"figure"`
	Min        config.Duration `json:"min"`
	Max        config.Duration `json:"max"`
	Unverified bool            `json:"unverified,omitempty"`
}

// Move is what moves together: one unit, or the whole of a stateful group.
type Move struct {
	Units   []string `json:"units"`
	Entries []Entry  `json:"entries"`
}

// Entry is one route of a move.
type Entry struct {
	Table       string `json:"table"`
	Destination string `json:"destination"`
	Flow        string `json:"flow,omitempty"`
}

// Explain explains a configuration, which must have passed config.Check.
func Explain(c config.Config) Explanation {
	c = c.Normalize()
	all := figures(c)
	out := Explanation{Groups: []Group{}, Filters: explainFilters(c), Overlaps: overlaps(c)}
	used := map[string]bool{}
	for _, g := range c.GroupList {
		group := Group{
			Name: g.Name, Home: g.Home, Mode: g.Mode, HoldOff: g.HoldOff,
			Revertive: g.Revertive, WaitToRestore: g.WaitToRestore,
			Moves: moves(g), Advice: advice(all, g),
		}
		for _, p := range g.Paths {
			path := explainPath(all, c.NetworkManager, g, p)
			group.Paths = append(group.Paths, path)
			for _, way := range path.Ways {
				for _, step := range way.Steps {
					used[step.Figure] = true
				}
			}
		}
		for _, a := range group.Advice {
			used[figureBGP] = used[figureBGP] || a.Kind == AdviceBGP
		}
		out.Groups = append(out.Groups, group)
	}
	out.Figures = slices.DeleteFunc(all, func(f Figure) bool { return !used[f.Name] })
	return out
}

func moves(g config.Group) []Move {
	out := []Move{}
	for _, unit := range g.Units {
		if !g.Stateful || len(out) == 0 {
			out = append(out, Move{})
		}
		last := &out[len(out)-1]
		last.Units = append(last.Units, unit.Name)
		for _, entry := range unit.Entries {
			last.Entries = append(last.Entries, Entry{Table: entry.Table, Destination: entry.Destination, Flow: entry.Flow})
		}
	}
	return out
}

func explainPath(all []Figure, manager config.NetworkManager, g config.Group, p config.Path) Path {
	out := Path{Name: p.Name, Kind: p.Kind, Needs: needs(g, p), Watched: watched(p), Ways: ways(all, manager, g, p)}
	for i, way := range out.Ways {
		if i == 0 || way.Min < out.Best.After {
			out.Best = Bound{way.Min, way.Name, way.unverified()}
		}
	}
	whole := slices.ContainsFunc(out.Ways, func(way Way) bool { return way.Sure && !way.Partial })
	for _, way := range out.Ways {
		if way.Sure && way.Partial != whole && (out.Worst.By == "" || way.Max < out.Worst.After) {
			out.Worst = Bound{way.Max, way.Name, way.unverified()}
		}
	}
	return out
}

func (w Way) unverified() bool {
	return slices.ContainsFunc(w.Steps, func(s Step) bool { return s.Unverified })
}

// watched returns the calls that the path's health is read with.
func watched(p config.Path) []Watch {
	own := func(call health.Source, ids ...string) Watch {
		return Watch{Call: string(call), Account: p.Account, Region: p.Region, IDs: ids}
	}
	var out []Watch
	switch health.Kind(p.Kind) {
	case health.KindVPN:
		out = append(out, own(health.SourceDescribeVPNConnections, p.VPN))
	case health.KindConnect:
		out = append(out, own(health.SourceDescribeAttachments, p.Attachment), own(health.SourceDescribeConnectPeers, p.Peers...))
	case health.KindAppliance:
		out = append(out, own(health.SourceDescribeInterfaces, p.Interface), own(health.SourceDescribeInstanceStatus, p.Instance))
	case health.KindAttachment:
		out = append(out, own(health.SourceDescribeAttachments, p.Attachment))
	}
	if p.Observation != "" {
		out = append(out, own(health.SourceSearchRoutes, p.Observation))
	}
	for _, check := range p.Checks {
		out = append(out, Watch{Call: string(health.SourceDescribeAlarms), Account: check.Account, Region: check.Region, IDs: []string{check.Alarm}})
	}
	return out
}
