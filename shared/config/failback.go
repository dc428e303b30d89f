package config

import (
	"fmt"
	"net/netip"
	"slices"
	"strconv"
	"time"

	"detour/shared/protection"
	"detour/shared/route"
)

// Defaults are what stands where a group says nothing of its own.
type Defaults struct {
	Failback FailbackTimes `json:"failback"`
}

// FailbackTimes are the constants of a failback.
type FailbackTimes struct {
	// Stability is how long the working path must have been Up, unbroken, before a
	// failback begins; at most a day.
	Stability Duration `json:"stability"`
	// Soak is how long a step is watched before the next one; at most an hour.
	Soak Duration `json:"soak"`
	// ApprovalTimeout is how long the approval is waited for; at least a minute and at
	// most a day. Nothing moves when it is over.
	ApprovalTimeout Duration `json:"approvalTimeout"`
	// Batch is how many units a step moves after the canary, which is the first unit; 0:
	// a quarter of those that are left then, rounded up.
	Batch int `json:"batch"`
}

// Failback is how a group is failed back. In a group zero stands for the value of
// Defaults, which Normalize writes in its place.
type Failback struct {
	Stability       Duration `json:"stability"`
	Soak            Duration `json:"soak"`
	ApprovalTimeout Duration `json:"approvalTimeout"`
	Batch           int      `json:"batch"`
	// Samples are addresses that are looked up after each step: a more specific route
	// may shadow what was written.
	Samples []Sample `json:"samples,omitempty"`
}

// Sample is an address whose route in a table of the group is to follow a move.
type Sample struct {
	// From is the table's id, or a name of Config.TableList, in whose place Normalize
	// writes the id. The group has an entry in it that covers To.
	From string `json:"from"`
	// To is an address.
	To string `json:"to"`
}

// The bounds of a failback's constants.
const (
	maxStability       = Duration(24 * time.Hour)
	maxSoak            = Duration(time.Hour)
	minApprovalTimeout = Duration(time.Minute)
	maxApprovalTimeout = Duration(24 * time.Hour)
	maxSamples         = 32
)

func (f Failback) normalize(defaults FailbackTimes, tables tableIndex) Failback {
	fillDuration(&f.Stability, defaults.Stability)
	fillDuration(&f.Soak, defaults.Soak)
	fillDuration(&f.ApprovalTimeout, defaults.ApprovalTimeout)
	if f.Batch == 0 {
		f.Batch = defaults.Batch
	}
	f.Samples = append([]Sample(nil), f.Samples...)
	for i := range f.Samples {
		sample := &f.Samples[i]
		sample.From, _ = tables.resolve(sample.From)
		if addr, err := netip.ParseAddr(sample.To); err == nil {
			sample.To = addr.String()
		}
	}
	return f
}

func fillDuration(field *Duration, value Duration) {
	if *field == 0 {
		*field = value
	}
}

// settings are the constants and samples as the controller works with them.
func (f Failback) settings(g Group) protection.FailbackSettings {
	out := protection.FailbackSettings{
		Stability: time.Duration(f.Stability), Soak: time.Duration(f.Soak), ApprovalTimeout: time.Duration(f.ApprovalTimeout), Batch: f.Batch,
	}
	for _, sample := range f.Samples {
		entry, _ := g.entryFor(sample)
		kind, err := route.KindOfTable(entry.Table)
		if err != nil {
			panic(err)
		}
		out.Samples = append(out.Samples, protection.Sample{
			Table: route.Table{Kind: kind, ID: entry.Table, Account: entry.Account, Region: entry.Region}, Address: sample.To,
		})
	}
	return out
}

// entryFor finds an entry in the sample's table. covers says that there is one whose
// destination contains the address, or may do so: what a prefix list holds is not known
// here.
func (g Group) entryFor(sample Sample) (found Entry, covers bool) {
	addr, err := netip.ParseAddr(sample.To)
	for _, unit := range g.Units {
		for _, entry := range unit.Entries {
			if entry.Table != sample.From {
				continue
			}
			found = entry
			destination, wrong := route.ParseDestination(entry.Destination)
			covers = covers || err != nil || wrong != nil || destination.List() != "" || destination.Prefix().Contains(addr)
		}
	}
	return found, covers
}

// failbackTimes checks the constants of a failback. Where they are a group's own, zero
// stands for a default, which is checked by itself.
func (k *checker) failbackTimes(path string, f FailbackTimes, own bool) {
	within := func(key string, d, least, most Duration, example string) {
		switch {
		case own && d == 0 || !k.positive(path+key, d, example):
		case d < least:
			k.add(path+key, d.String(), "is shorter than "+least.String(), "write at least that, such as "+example)
		case d > most:
			k.add(path+key, d.String(), "is longer than "+most.String(), "write at most that, such as "+example)
		}
	}
	within(".stability", f.Stability, 1, maxStability, "10m")
	within(".soak", f.Soak, 1, maxSoak, "60s")
	within(".approvalTimeout", f.ApprovalTimeout, minApprovalTimeout, maxApprovalTimeout, "1h")
	if f.Batch < 0 {
		k.add(path+".batch", strconv.Itoa(f.Batch), "is negative", "write a number of units, or 0 for a quarter of those that are left after the canary")
	}
}

// samples checks the addresses that are looked up after each step.
func (k *checker) samples(path string, g Group) {
	samples := g.Failback.Samples
	if len(samples) > maxSamples {
		k.add(path, "", fmt.Sprintf("there are %d samples", len(samples)), fmt.Sprintf("write at most %d", maxSamples))
		return
	}
	for i, sample := range samples {
		at := IndexPath(path, i)
		if _, ok := k.tableRef(at+".from", sample.From); !ok {
			continue
		}
		entry, covers := g.entryFor(sample)
		_, err := netip.ParseAddr(sample.To)
		switch {
		case err != nil:
			k.wrongOrMissing(at+".to", sample.To, "is not an address", "write an address to which a route of the group leads, such as 10.1.0.1")
		case entry.Table == "":
			k.add(at+".from", sample.From, "is a table without an entry of the group", "write a table in which the group has one")
		case !covers:
			k.add(at+".to", sample.To, fmt.Sprintf("is in no destination that the group has in %s", sample.From), "write an address to which a route of the group leads")
		case slices.Contains(samples[:i], sample):
			k.add(at, "", "is listed twice", "remove one of the two")
		}
	}
}
