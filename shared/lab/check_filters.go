package lab

import (
	"fmt"
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"time"

	"detour/shared/config"
	"detour/shared/sim"
)

// filterRules are a filter's rules as the checkers read them, from the text of the
// configuration and with the addresses of the topology.
type filterRules struct {
	config.Filter
	outside []netip.Addr
}

// lengths are the shortest blocks that are not like a default route (docs/configuration.md).
const (
	shortestIPv4 = 8
	shortestIPv6 = 7
)

// denies reports whether the first rule that matches the prefix denies it.
func (f filterRules) denies(prefix netip.Prefix) bool {
	for _, text := range f.Rules {
		words := strings.Fields(text)
		if len(words) < 2 {
			continue
		}
		if f.matches(words[1:], prefix) {
			return words[0] == "deny"
		}
	}
	return false
}

// matches reports whether a rule without its first word matches: default-like, or a
// block with ge N and le N.
func (f filterRules) matches(words []string, prefix netip.Prefix) bool {
	if words[0] == "default-like" {
		return f.likeDefault(prefix)
	}
	block, err := netip.ParsePrefix(words[0])
	if err != nil || block.Addr().Is4() != prefix.Addr().Is4() || !block.Contains(prefix.Addr()) {
		return false
	}
	from, to := block.Bits(), block.Bits()
	for i := 1; i+1 < len(words); i += 2 {
		n, err := strconv.Atoi(words[i+1])
		switch {
		case err != nil:
			return false
		case words[i] == "ge":
			from = n
			if !slices.Contains(words, "le") {
				to = block.Addr().BitLen()
			}
		case words[i] == "le":
			to = n
		}
	}
	return prefix.Bits() >= from && prefix.Bits() <= to
}

func (f filterRules) likeDefault(prefix netip.Prefix) bool {
	shortest := shortestIPv6
	if prefix.Addr().Is4() {
		shortest = shortestIPv4
	}
	return prefix.Bits() < shortest || slices.ContainsFunc(f.outside, prefix.Contains)
}

// filterOf is the filter that may write to the table, by a configuration; nil: none.
func (l *ledger) filterOf(c config.Config, table string) *filterRules {
	for _, f := range c.FilterList {
		if slices.Contains(f.Tables, table) && f.Action != "alert" {
			return &filterRules{Filter: f, outside: l.outside[table]}
		}
	}
	return nil
}

// notTheFilters says why a write to what no group declares is no measure of a filter;
// empty: it is one. A deletion is, of what Detour wrote for a filter that once spoke of
// the table.
func (l *ledger) notTheFilters(w ownWrite) string {
	write := w.call.Write
	if strings.HasPrefix(w.call.Process, string(Switchover)+"-") {
		return "no group declares the entry"
	}
	if write.After == "" {
		return l.notDeletable(w)
	}
	f := l.filterOf(w.era.config, write.Table)
	if f == nil {
		return "no group declares the entry, and no filter the table"
	}
	if why := f.forbids(w); why != "" {
		return why
	}
	last, ever := l.lastOwn(write.Table, write.Destination, w.call)
	if write.Before != "" && write.Before != write.After && (!ever || last == "") && !l.unseen(w.call) {
		return "a foreign route stood there"
	}
	return ""
}

// notDeletable says why what a write deletes is no measure of a filter's.
func (l *ledger) notDeletable(w ownWrite) string {
	write := w.call.Write
	if !slices.ContainsFunc(l.eras, func(e *era) bool { return l.filterOf(e.config, write.Table) != nil }) {
		return "no group declares the entry, and no filter the table"
	}
	last, _ := l.lastOwn(write.Table, write.Destination, w.call)
	if last == "" || write.Before != "" && write.Before != last && !l.unseen(w.call) {
		return "what a filter deletes is not Detour's"
	}
	return ""
}

// lastOwn is where Detour's last write before a call pointed the entry; ever is false
// if there was none. Two statics with one target are the same.
func (l *ledger) lastOwn(table, destination string, before sim.CallRecord) (target string, ever bool) {
	if call, wrote := l.lastOwnWrite(table, destination, before); wrote {
		return call.Write.After, true
	}
	return "", false
}

// lastOwnWrite is Detour's last write to the entry before a call.
func (l *ledger) lastOwnWrite(table, destination string, before sim.CallRecord) (call sim.CallRecord, ever bool) {
	for _, c := range l.calls {
		if c.Write == nil || c.Write.Table != table || c.Write.Destination != destination || isForeign(c.Process) {
			continue
		}
		if c.EffectAt.Before(before.EffectAt) {
			call, ever = c, true
		}
	}
	return call, ever
}

// unseen reports whether somebody else wrote the entry so short before a call that its
// sender cannot have seen it.
func (l *ledger) unseen(call sim.CallRecord) bool {
	return slices.ContainsFunc(l.calls, func(c sim.CallRecord) bool {
		return c.Write != nil && c.Write.Table == call.Write.Table && c.Write.Destination == call.Write.Destination &&
			isForeign(c.Process) && c.EffectAt.Before(call.EffectAt) && !c.EffectAt.Before(call.SentAt.Add(-time.Minute))
	})
}

// forbids says why the filter does not ask for a route that was written; empty: it does.
func (f *filterRules) forbids(w ownWrite) string {
	write := w.call.Write
	prefix, err := netip.ParsePrefix(write.Destination)
	switch {
	case f.Mode != "enforce":
		return "filter " + f.Name + " is in observe mode"
	case err != nil || neverTouched(w.era.config, prefix) || slices.Contains(w.era.config.Never.Tables, write.Table):
		return "filter " + f.Name + " may not write it"
	case f.Action == "quarantine":
		return f.forbidsStatic(prefix, write.After)
	case !f.denies(prefix):
		return "filter " + f.Name + " permits it"
	case f.Action == "blackhole" && write.After != "blackhole", f.Action == "pin" && write.After != f.Egress[write.Table]:
		return "filter " + f.Name + " has another target"
	default:
		return ""
	}
}

// forbidsStatic is forbids for the statics of a quarantine.
func (f *filterRules) forbidsStatic(prefix netip.Prefix, attachment string) string {
	switch {
	case f.denies(prefix):
		return "filter " + f.Name + " denies it"
	case len(f.Attachments) > 0 && !slices.Contains(f.Attachments, attachment):
		return "filter " + f.Name + " does not speak of the attachment"
	default:
		return ""
	}
}

// checkSwitches looks at the calls that switch propagations: only a quarantine switches
// one off, what Detour switches on it has switched off before, and once everything has
// converged there are none.
func (l *ledger) checkSwitches(c Checks) []Violation {
	var out []Violation
	for _, call := range l.calls {
		table, attachment, on, switches := switched(call)
		if !switches || isForeign(call.Process) {
			continue
		}
		add := func(invariant Invariant, text string) {
			out = append(out, Violation{invariant, call.EffectAt, "", fmt.Sprintf("%s switched the propagation of %s into %s: %s", call.Process, attachment, table, text)})
		}
		was, by := l.propagates(table, attachment, call.EffectAt.Add(-time.Nanosecond))
		switch {
		case strings.HasPrefix(call.Process, string(Switchover)+"-"):
			add(OwnRoutesOnly, "no group has a part in that")
		case on && (by == "" || isForeign(by)) && !was:
			add(OwnRoutesOnly, "Detour had not switched it off")
		case !on && !l.mayQuarantine(call.Process, table, attachment):
			add(OwnRoutesOnly, "no filter asks for that")
		case !c.ConvergedBy.IsZero() && call.EffectAt.After(c.ConvergedBy) && l.still.Before(c.ConvergedBy.Add(-l.restTime())):
			add(QuietIsQuiet, "everything had converged")
		}
	}
	return out
}

// mayQuarantine reports whether a filter of the process's configuration quarantines the
// attachment in the table where its rules ask for it.
func (l *ledger) mayQuarantine(process, table, attachment string) bool {
	f := l.filterOf(l.eraOf(process).config, table)
	return f != nil && f.Action == "quarantine" && f.Mode == "enforce" && f.speaksOf(attachment, slices.Contains(l.beside[table].vpcs, attachment))
}
