package explain

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"detour/shared/config"
	"detour/shared/filter"
)

// Filter explains one filter.
type Filter struct {
	Name string      `json:"name"`
	Home config.Home `json:"home"`
	Mode string      `json:"mode"`
	// Tables and Attachments are ids; no attachments are all that propagate.
	Tables      []string `json:"tables"`
	Attachments []string `json:"attachments,omitempty"`
	Rules       []string `json:"rules,omitempty"`
	Action      string   `json:"action"`
	// MaxPrefixes bounds what an attachment may teach; 0: nothing does.
	MaxPrefixes int `json:"maxPrefixes,omitempty"`
	// Egress is where a pin points to, by table.
	Egress map[string]string `json:"egress,omitempty"`
	// Presets are the blocks whose measures stand beforehand.
	Presets []string `json:"presets,omitempty"`
	// Later are the denying rules for which no measure can stand beforehand, where some do.
	Later     []string        `json:"later,omitempty"`
	LiftAfter config.Duration `json:"liftAfter"`
	// Observed are the attachments with an observation table.
	Observed []string `json:"observed,omitempty"`
	// Itself: the tables show by themselves when a denied route is gone.
	Itself bool `json:"itself,omitempty"`
}

// explainFilters explains the filters in the order of the file. c is normalized.
func explainFilters(c config.Config) []Filter {
	var out []Filter
	for _, f := range c.FilterList {
		e := Filter{
			Name: f.Name, Home: f.Home, Mode: f.Mode, Tables: f.Tables, Attachments: f.Attachments, Rules: f.Rules,
			Action: f.Action, MaxPrefixes: f.MaxPrefixes, Egress: f.Egress, LiftAfter: f.LiftAfter,
			Observed: slices.Sorted(maps.Keys(f.Observation)),
		}
		e.Itself = !filter.Action(f.Action).Writes() || !slices.ContainsFunc(f.Tables, func(id string) bool { return strings.HasPrefix(id, "tgw-rtb-") })
		if f.Preset {
			e.preset(f)
		}
		out = append(out, e)
	}
	return out
}

// preset says what of the rules stands beforehand. Nothing does for IPv6 in a VPC table.
func (e *Filter) preset(f config.Filter) {
	var rules []filter.Rule
	for _, text := range f.Rules {
		if rule, err := filter.ParseRule(text); err == nil {
			rules = append(rules, rule)
			if !rule.Permit && !rule.Exact() {
				e.Later = append(e.Later, text)
			}
		}
	}
	for _, prefix := range filter.Presets(rules) {
		if prefix.Addr().Is4() || !e.Itself {
			e.Presets = append(e.Presets, prefix.String())
		}
	}
}

func (e Filter) text(out *strings.Builder) {
	fmt.Fprintf(out, "Filter %s, mode %s, home %s in %s\n  tables   %s\n", e.Name, e.Mode, e.Home.Account, e.Home.Region, few(e.Tables))
	judged := "all that propagate into them, but for attachments of VPCs"
	if len(e.Attachments) > 0 {
		judged = few(e.Attachments)
	}
	fmt.Fprintf(out, "  judges   what is learned from %s\n", judged)
	for i, rule := range e.Rules {
		fmt.Fprintf(out, "    %d. %s\n", i+1, rule)
	}
	out.WriteString("    else permit\n")
	if e.MaxPrefixes > 0 {
		fmt.Fprintf(out, "  bound    %d from an attachment in a table\n", e.MaxPrefixes)
	}
	fmt.Fprintf(out, "  action   %s: %s\n", e.Action, e.does())
	for _, table := range slices.Sorted(maps.Keys(e.Egress)) {
		fmt.Fprintf(out, "    %s to %s\n", table, e.Egress[table])
	}
	if len(e.Presets) > 0 {
		fmt.Fprintf(out, "  before   anything is announced: %s\n", few(e.Presets))
	}
	if len(e.Later) > 0 {
		fmt.Fprintf(out, "  only     when it is seen: what else is denied by %s\n", few(e.Later))
	}
	fmt.Fprintf(out, "  ends     %s\n", e.ends())
}

// does says in words what the action is.
func (e Filter) does() string {
	switch filter.Action(e.Action) {
	case filter.Blackhole:
		return "a static blackhole in the place of the denied route"
	case filter.Pin:
		return "a static route to the egress in its place"
	case filter.Quarantine:
		return "permitted routes become static, then the attachment's propagation is switched off; the statics are advertised to whoever is associated with the table, the attachment itself included"
	case filter.Alert:
		return "a report, and no write"
	default:
		return "unknown"
	}
}

// ends says when a measure is lifted.
func (e Filter) ends() string {
	after := Short(e.LiftAfter) + " after the denied route is gone"
	if len(e.Presets) > 0 {
		after = "never, for what stands before; else " + after
	}
	switch {
	case e.Itself:
		return after
	case len(e.Observed) == 0:
		return "when an operator says so, since no observation table shows whether the denied route is gone"
	default:
		return after + " from the observation tables of " + few(e.Observed) + "; else when an operator says so"
	}
}
