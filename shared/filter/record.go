package filter

import (
	"cmp"
	"net/netip"
	"slices"
	"time"

	"detour/shared/route"
)

// Key says what a measure acts upon in its table: a destination, or with Quarantine
// all that an attachment teaches. Exactly one of Destination and Attachment is set; in
// a Verdict about a whole table neither is.
type Key struct {
	Table       route.Table       `json:"table"`
	Destination route.Destination `json:"destination,omitzero"`
	Attachment  string            `json:"attachment,omitempty"`
}

// Compare orders keys by table, destination and attachment.
func (k Key) Compare(other Key) int {
	return cmp.Or(k.Table.Compare(other.Table), k.Destination.Compare(other.Destination), cmp.Compare(k.Attachment, other.Attachment))
}

// String returns the key for people.
func (k Key) String() string {
	switch {
	case k.Attachment != "":
		return k.Table.ID + " " + k.Attachment
	case !k.Destination.IsZero():
		return k.Table.ID + " " + k.Destination.String()
	default:
		return k.Table.ID
	}
}

// Record is what is kept of a filter between runs. It changes only when something
// happened: two runs with the same readings leave it the same. Judge writes all of it
// but Released.
type Record struct {
	// Mode is the mode of the run that last wrote the record.
	Mode Mode `json:"mode,omitempty"`
	// Measures are in force, sorted by key.
	Measures []Measure `json:"measures,omitempty"`
	// Flaps are the penalties of what came and went, sorted by key.
	Flaps []Flap `json:"flaps,omitempty"`
	// Reversals are how often somebody else undid a measure, oldest first, within
	// Limits.ContendedWindow.
	Reversals []Reversal `json:"reversals,omitempty"`
	// Contended are the measures that are no longer written, sorted.
	Contended []Key `json:"contended,omitempty"`
	// Released are the measures that an operator wants to end, or whose contention is
	// over. The controller writes them, and Judge takes them out.
	Released []Key `json:"released,omitempty"`
	// Held are the verdicts that call for a person, sorted: it is told once when one
	// begins.
	Held []Held `json:"held,omitempty"`
}

// Held is a measure, or a table, whose verdict calls for a person.
type Held struct {
	Key
	Reason Reason `json:"reason"`
}

// Measure is something that a filter does about a denied route.
type Measure struct {
	Key
	Action Action `json:"action"`
	// Since is when the measure began.
	Since time.Time `json:"since,omitzero"`
	// SeenAt is when the reading began that showed the denied route after it was not
	// there; zero: it was not seen yet, since the measure is preset. It stays while the
	// route does.
	SeenAt time.Time `json:"seenAt,omitzero"`
	// GoneSince is when the reading began that first showed it gone; zero: it is there,
	// as far as is known.
	GoneSince time.Time `json:"goneSince,omitzero"`
	// Preset: the measure stands whether or not anything is announced.
	Preset bool `json:"preset,omitempty"`
	// Manual: no observation table shows whether the denied route is gone, so only an
	// operator ends the measure.
	Manual bool `json:"manual,omitempty"`
	// EndedAt is when the reading began that ended the measure; zero: it is in force. An
	// ended measure is kept until a reading shows that nothing of it stands any more.
	EndedAt time.Time `json:"endedAt,omitzero"`
	// EndedFor is why it ended.
	EndedFor Reason `json:"endedFor,omitempty"`
	// NextHop is what the statics of the measure point to.
	NextHop route.NextHop `json:"nextHop,omitzero"`
	// Statics are the routes of the measure: with Blackhole and Pin the one of its
	// destination, with Quarantine those of the permitted prefixes. Sorted.
	Statics []Static `json:"statics,omitempty"`
	// Off: Detour switched the attachment's propagation off, which OffSeen says that a
	// reading has shown.
	Off     bool `json:"off,omitempty"`
	OffSeen bool `json:"offSeen,omitempty"`
	// WroteAt is when Judge last wanted something of the measure written.
	WroteAt time.Time `json:"wroteAt,omitzero"`
	Why     Finding   `json:"why,omitzero"`
}

// Static is one static route of a measure.
type Static struct {
	Destination route.Destination `json:"destination"`
	// Adopted: it stood before Detour wanted it, so it is never deleted.
	Adopted bool `json:"adopted,omitempty"`
	// Seen: a reading has shown it, so that its absence later is somebody's doing.
	Seen bool `json:"seen,omitempty"`
	// PutBack: somebody undid it, and no reading has shown it since.
	PutBack bool `json:"putBack,omitempty"`
	// RewriteAt is from when the route is written again, since it drops traffic although
	// what it stands in for is announced; zero: it does not.
	RewriteAt time.Time `json:"rewriteAt,omitzero"`
}

func (s Static) equal(other Static) bool {
	return s.Destination == other.Destination && s.Adopted == other.Adopted && s.Seen == other.Seen && s.PutBack == other.PutBack &&
		s.RewriteAt.Equal(other.RewriteAt)
}

// Finding says what a denied route is, and what it puts at risk.
type Finding struct {
	// Announcers are the attachments that announced it, sorted.
	Announcers []Neighbor `json:"announcers,omitempty"`
	// Sources are the VPN connections over which an announcer that is a virtual private
	// gateway heard it, as far as their BGP logs told, sorted; of many the first MaxListed.
	Sources []Source `json:"sources,omitempty"`
	// Denied are the denied prefixes, sorted; of many the first MaxListed.
	Denied []netip.Prefix `json:"denied,omitempty"`
	// DeniedCount is how many there are.
	DeniedCount int `json:"deniedCount,omitempty"`
	// Prefixes is how many prefixes the attachment announces, where that is above
	// Filter.MaxPrefixes; else 0.
	Prefixes int `json:"prefixes,omitempty"`
	// TookOver is the next hop that traffic to the denied prefix has without it: that of
	// the longest other prefix around it. Zero: it has none.
	TookOver route.NextHop `json:"tookOver,omitzero"`
	// AtRisk are learned destinations inside the denied prefixes: once withdrawn, their
	// traffic follows the announcer. Sorted; of many the first MaxListed.
	AtRisk []route.Destination `json:"atRisk,omitempty"`
	// AtRiskCount is how many there are.
	AtRiskCount int `json:"atRiskCount,omitempty"`
	// Tunnels are those whose outside address lies in a denied prefix. Sorted; of many the
	// first MaxListed.
	Tunnels []Outside `json:"tunnels,omitempty"`
	// TunnelCount is how many there are.
	TunnelCount int `json:"tunnelCount,omitempty"`
	// Groups are the groups whose path a quarantine takes away, sorted.
	Groups []string `json:"groups,omitempty"`
}

// Source is a VPN connection that a denied route came over.
type Source struct {
	Connection string `json:"connection"`
	// CustomerGateway is the one at its other end (cgw-…), as far as it is known.
	CustomerGateway string `json:"customerGateway,omitempty"`
}

// String names the connection and its customer gateway.
func (s Source) String() string {
	if s.CustomerGateway == "" {
		return s.Connection
	}
	return s.Connection + " (" + s.CustomerGateway + ")"
}

// MaxListed is how many items each list of a Finding has at most, which bounds the
// record.
const MaxListed = 20

// Flap is the penalty of a measure that came and went, after RFC 2439.
type Flap struct {
	Key
	Penalty float64   `json:"penalty"`
	At      time.Time `json:"at,omitzero"`
	// Suppressed: the measure is not lifted.
	Suppressed bool `json:"suppressed,omitempty"`
}

// Reversal is one time that somebody else undid a measure.
type Reversal struct {
	Key
	At time.Time `json:"at,omitzero"`
}

// Measure returns the measure of the key, if one is in force.
func (r Record) Measure(key Key) (Measure, bool) {
	for _, m := range r.Measures {
		if m.Key == key {
			return m, true
		}
	}
	return Measure{}, false
}

// announcersIn returns the attachments that measures of the table are about, as they were
// read when the measures began, by id.
func (r Record) announcersIn(table route.Table) map[string]Neighbor {
	out := map[string]Neighbor{}
	for _, m := range r.Measures {
		for _, n := range m.Why.Announcers {
			if m.Table == table && n.Type != "" {
				out[n.Attachment] = n
			}
		}
	}
	return out
}

// Tables returns the tables of the measures, sorted, each once: a table that the
// filter no longer speaks about is still read until nothing of ours stands there.
func (r Record) Tables() []route.Table {
	var out []route.Table
	for _, m := range r.Measures {
		out = append(out, m.Table)
	}
	return sortTables(out)
}

// Clone returns a copy that shares no memory with r.
func (r Record) Clone() Record {
	r.Measures = slices.Clone(r.Measures)
	for i := range r.Measures {
		m := &r.Measures[i]
		m.Statics = slices.Clone(m.Statics)
		m.Why = m.Why.clone()
	}
	r.Flaps = slices.Clone(r.Flaps)
	r.Reversals = slices.Clone(r.Reversals)
	r.Contended = slices.Clone(r.Contended)
	r.Released = slices.Clone(r.Released)
	r.Held = slices.Clone(r.Held)
	return r
}

// Equal reports whether two records say the same.
func (r Record) Equal(other Record) bool {
	return r.Mode == other.Mode &&
		slices.EqualFunc(r.Measures, other.Measures, Measure.equal) &&
		slices.EqualFunc(r.Flaps, other.Flaps, func(a, b Flap) bool {
			return a.Key == b.Key && a.Penalty == b.Penalty && a.At.Equal(b.At) && a.Suppressed == b.Suppressed
		}) &&
		slices.EqualFunc(r.Reversals, other.Reversals, func(a, b Reversal) bool { return a.Key == b.Key && a.At.Equal(b.At) }) &&
		slices.Equal(r.Contended, other.Contended) && slices.Equal(r.Released, other.Released) && slices.Equal(r.Held, other.Held)
}

func (m Measure) equal(other Measure) bool {
	return m.Key == other.Key && m.Action == other.Action && m.Since.Equal(other.Since) && m.SeenAt.Equal(other.SeenAt) &&
		m.GoneSince.Equal(other.GoneSince) && m.EndedAt.Equal(other.EndedAt) && m.EndedFor == other.EndedFor && m.Preset == other.Preset && m.Manual == other.Manual && m.NextHop == other.NextHop &&
		slices.EqualFunc(m.Statics, other.Statics, Static.equal) && m.Off == other.Off && m.OffSeen == other.OffSeen &&
		m.WroteAt.Equal(other.WroteAt) && m.Why.equal(other.Why)
}

func (f Finding) clone() Finding {
	f.Announcers = slices.Clone(f.Announcers)
	f.Sources = slices.Clone(f.Sources)
	f.Denied = slices.Clone(f.Denied)
	f.AtRisk = slices.Clone(f.AtRisk)
	f.Tunnels = slices.Clone(f.Tunnels)
	f.Groups = slices.Clone(f.Groups)
	return f
}

func (f Finding) equal(other Finding) bool {
	return slices.Equal(f.Announcers, other.Announcers) && slices.Equal(f.Sources, other.Sources) && slices.Equal(f.Denied, other.Denied) && f.DeniedCount == other.DeniedCount &&
		f.Prefixes == other.Prefixes && f.TookOver == other.TookOver && slices.Equal(f.AtRisk, other.AtRisk) && f.AtRiskCount == other.AtRiskCount &&
		slices.Equal(f.Tunnels, other.Tunnels) && f.TunnelCount == other.TunnelCount && slices.Equal(f.Groups, other.Groups)
}

func sortPrefixes(prefixes []netip.Prefix) []netip.Prefix {
	slices.SortFunc(prefixes, func(a, b netip.Prefix) int { return route.CIDR(a).Compare(route.CIDR(b)) })
	return slices.Compact(prefixes)
}
