package config

// CurrentVersion is the version of the configuration format that this package
// reads and writes.
const CurrentVersion = 1

// Config is a whole configuration. The zero value is not usable: start with New.
type Config struct {
	// Version is the version of the format, CurrentVersion.
	Version int    `json:"version"`
	Limits  Limits `json:"limits"`
	Never   Never  `json:"neverTouch"`
	Timers  Timers `json:"timers"`
	// GroupList holds the groups in the order in which they were declared.
	GroupList []Group `json:"groups"`
}

// Limits is the blast radius: at most MaxMoves groups start a move within
// Window without further proof.
type Limits struct {
	// MaxMoves is a number of groups. 0 stands for a quarter of all groups, but
	// at least 10; Normalize writes the number in its place.
	MaxMoves int      `json:"maxMoves"`
	Window   Duration `json:"window"`
}

// Never lists what nothing may write. It overrides every group, so a declared
// entry that it covers is a problem.
type Never struct {
	// Tables are route table ids, tgw-rtb-… or rtb-….
	Tables []string `json:"tables"`
	// Destinations are CIDR blocks; each covers every block inside it.
	Destinations []string `json:"destinations"`
}

// Timers are the constants of the controller. Every duration is at most 720 h.
type Timers struct {
	SweepPeriod Duration `json:"sweepPeriod"`
	// Lease is longer than twice CallTimeout plus ClockSkew.
	Lease       Duration `json:"lease"`
	CallTimeout Duration `json:"callTimeout"`
	ClockSkew   Duration `json:"clockSkew"`
	// MaxFactAge is the age beyond which a fact proves nothing.
	MaxFactAge Duration `json:"maxFactAge"`
	// SettleTime is the time after a write beyond which a reading shows it.
	SettleTime Duration `json:"settleTime"`
	// ContendedAfter is the number of reversals within ContendedWindow at which
	// Detour stops writing an entry; at least 1.
	ContendedAfter  int      `json:"contendedAfter"`
	ContendedWindow Duration `json:"contendedWindow"`
	// IgnoreHealthFor is how long a forced switch masks its target's health.
	IgnoreHealthFor Duration `json:"ignoreHealthFor"`
	Damping         Damping  `json:"damping"`
}

// Damping holds the figures of flap damping; 0 < Reuse < Suppress ≤ Ceiling.
type Damping struct {
	// Penalty is added by each Down transition; 0 switches damping off.
	Penalty  float64  `json:"penalty"`
	HalfLife Duration `json:"halfLife"`
	Suppress float64  `json:"suppress"`
	Reuse    float64  `json:"reuse"`
	Ceiling  float64  `json:"ceiling"`
}

// Group is a protection group as it is declared.
type Group struct {
	// Name is unique over all groups; see Check for what a name may contain.
	Name string `json:"name"`
	Home Home   `json:"home"`
	// Mode is "observe" or "enforce".
	Mode string `json:"mode"`
	// Priority orders groups that compete within a run; a lower number goes
	// first.
	Priority int `json:"priority"`
	// Stateful makes the whole group move as one unit.
	Stateful bool `json:"stateful"`
	// Revertive groups return to the working path once it has been Up for
	// WaitToRestore, which has no effect in other groups.
	Revertive     bool     `json:"revertive"`
	WaitToRestore Duration `json:"waitToRestore"`
	// HoldOff is how long bad evidence must last before it counts.
	HoldOff         Duration `json:"holdOff"`
	SwitchOnDegrade bool     `json:"switchOnDegrade"`
	// TakeOver allows a move to overwrite static routes to foreign targets.
	TakeOver bool `json:"takeOver"`
	// Paths are the working path and then the protecting paths, best first; at
	// least two.
	Paths []Path `json:"paths"`
	// Units are the lists of entries that move together, in the order of moves.
	Units []Unit `json:"units"`
}

// Home is where the one controller runs that writes a group.
type Home struct {
	// Account has 12 digits.
	Account string `json:"account"`
	Region  string `json:"region"`
}

// Path is a way out that a group can use.
type Path struct {
	// Name is unique within the group.
	Name string `json:"name"`
	// Kind is "vpn", the only kind of this version.
	Kind string `json:"kind"`
	// VPN is the id of the Site-to-Site VPN connection, vpn-….
	VPN string `json:"vpn"`
	// Account and Region own the connection; the group's home by default.
	Account string `json:"account"`
	Region  string `json:"region"`
	// Tunnels is how many tunnels UP make the path Up, 1 or 2, and MinTunnels
	// how many it needs to carry traffic; 1 ≤ MinTunnels ≤ Tunnels.
	Tunnels    int `json:"tunnels"`
	MinTunnels int `json:"minTunnels"`
	// MinAcceptedRoutes is how many routes a tunnel that counts must have
	// accepted; 0 means that routes are not looked at.
	MinAcceptedRoutes int `json:"minAcceptedRoutes"`
}

// Unit is a list of entries that must move together.
type Unit struct {
	// Name is unique within the group; "unit-1" for the first unit, and so on,
	// where none is given.
	Name    string  `json:"name"`
	Entries []Entry `json:"entries"`
}

// Entry is one route that a group owns. Table and destination together are
// unique over all groups.
type Entry struct {
	// Table is the table's id, tgw-rtb-… or rtb-….
	Table string `json:"table"`
	// Account and Region own the table; the group's home by default.
	Account string `json:"account"`
	Region  string `json:"region"`
	// Destination is a CIDR block without host bits.
	Destination string `json:"destination"`
	// NextHops gives the target's id for every path of the group, by the path's
	// name.
	NextHops map[string]string `json:"nextHops"`
}
