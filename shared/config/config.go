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
	// Defaults are what stands where a group says nothing of its own.
	Defaults Defaults `json:"defaults"`
	// Home is where the groups have their home that name none of their own.
	// Normalize moves it into the groups.
	Home Home `json:"home,omitzero"`
	// NetworkManager is where the events of Network Manager appear.
	NetworkManager NetworkManager `json:"networkManager,omitzero"`
	// TableList gives names to route tables, so that entries can use the name.
	// Normalize writes id, account and Region into the entries.
	TableList []Table `json:"tables,omitempty"`
	// ListList says what is to be known of the managed prefix lists among the
	// destinations.
	ListList []PrefixList `json:"prefixLists,omitempty"`
	// GroupList holds the groups in the order in which they were declared.
	GroupList []Group `json:"groups"`
	// FilterList holds the filters in the order in which they were declared.
	FilterList []Filter `json:"filters,omitempty"`
}

// Limits is the blast radius: at most MaxMoves groups start a move within
// Window without further proof.
type Limits struct {
	// MaxMoves is a number of groups. 0 stands for a quarter of all groups, but
	// at least 10; Normalize writes the number in its place.
	MaxMoves int      `json:"maxMoves"`
	Window   Duration `json:"window"`
	// VPCRoutes is the quota of static routes of one VPC route table and address
	// family, TransitGatewayRoutes that of all routes of one transit gateway. The
	// plan measures the headroom of the worst switchover against them.
	VPCRoutes            int `json:"vpcRoutes"`
	TransitGatewayRoutes int `json:"transitGatewayRoutes"`
}

// Never lists what nothing may write. It overrides every group, so a declared
// entry that it covers is a problem.
type Never struct {
	// Tables are route table ids, tgw-rtb-… or rtb-…, or names of
	// Config.TableList.
	Tables []string `json:"tables"`
	// Destinations are CIDR blocks, of which each covers every block inside it, and
	// prefix list ids.
	Destinations []string `json:"destinations"`
}

// Table gives a name to a route table.
type Table struct {
	// Name is unique, and no table's id.
	Name string `json:"name"`
	// ID is the table's id, tgw-rtb-… or rtb-….
	ID string `json:"id"`
	// Account and Region own the table; those of Home by default, or else those of
	// the first entry that uses the table.
	Account string `json:"account,omitempty"`
	Region  string `json:"region,omitempty"`
}

// PrefixList is a managed prefix list that is a destination of some entry.
type PrefixList struct {
	// ID is the list's id, pl-….
	ID string `json:"id"`
	// Owner is the account that owns the list where it is not that of the table:
	// 12 digits, or AWS for a list that AWS manages.
	Owner string `json:"owner,omitempty"`
	// Accept says that the list may be owned by another account, Owner, which can
	// change what the entry means.
	Accept bool `json:"accept,omitempty"`
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
	// Failback is how the group is failed back.
	Failback Failback `json:"failback"`
	// Paths are the working path and then the protecting paths, best first; at
	// least two.
	Paths []Path `json:"paths"`
	// Units are the lists of entries that move together, in the order of moves.
	Units []Unit `json:"units"`
}

// Home is where the one controller runs that writes a group.
type Home struct {
	// Account has 12 digits. Where a group names no account or no Region, it is
	// that of Config.Home, or else the only one that the group's paths and entries
	// name.
	Account string `json:"account"`
	Region  string `json:"region"`
}

// NetworkManager is the account and Region in which EventBridge gets the events
// of AWS Network Manager: those of VPN connections, Connect peers and the routes
// of transit gateways, whatever Region these are in.
type NetworkManager struct {
	// Account owns the global network; by default the account of all homes, where
	// they have one.
	Account string `json:"account,omitempty"`
	// Region is by default the one that AWS documents for the partition of all
	// homes, us-west-2 in aws; other partitions have none. NoRegion: the events are
	// not listened to, and Account is empty.
	Region string `json:"region,omitempty"`
}

// NoRegion stands in NetworkManager.Region where nothing is listened to.
const NoRegion = "none"

// Complete reports whether account and Region are known. What Normalize could not
// fill in is missing only where something is deployed.
func (n NetworkManager) Complete() bool {
	return n.Region == NoRegion || n.Account != "" && n.Region != ""
}

// Path is a way out that a group can use.
type Path struct {
	// Name is unique within the group.
	Name string `json:"name"`
	// Kind is "vpn", "connect", "appliance" or "attachment".
	Kind string `json:"kind"`
	// VPN is the id of the Site-to-Site VPN connection of a vpn path, vpn-….
	VPN string `json:"vpn,omitempty"`
	// Attachment is the id of the transit gateway attachment of a connect or
	// attachment path, tgw-attach-….
	Attachment string `json:"attachment,omitempty"`
	// Peers are the Connect peers of a connect path, tgw-connect-peer-….
	// MinPeers of them must have one of their two BGP sessions up.
	Peers    []string `json:"peers,omitempty"`
	MinPeers int      `json:"minPeers,omitempty"`
	// Observation is a transit gateway route table, by id or by a name of
	// Config.TableList, into which only the path's attachment propagates and with
	// which nothing is associated: it shows what the attachment teaches, which the
	// tables that carry traffic hide behind a static route.
	Observation string `json:"observation,omitempty"`
	// ExpectRoutes are CIDR blocks that the peers of a connect path must have taught.
	// The destinations of entries with a propagated next hop are expected in any case.
	ExpectRoutes []string `json:"expectRoutes,omitempty"`
	// Interface and Instance are the network interface (eni-…) of an appliance
	// path and the instance behind it (i-…).
	Interface string `json:"interface,omitempty"`
	Instance  string `json:"instance,omitempty"`
	// Checks are the CloudWatch alarms that speak for the path.
	Checks []PathCheck `json:"checks,omitempty"`
	// Account and Region own the connection; the group's home by default.
	Account string `json:"account"`
	Region  string `json:"region"`
	// Tunnels is how many tunnels UP make the path Up, 1 or 2, and MinTunnels
	// how many it needs to carry traffic; 1 ≤ MinTunnels ≤ Tunnels.
	Tunnels    int `json:"tunnels,omitempty"`
	MinTunnels int `json:"minTunnels,omitempty"`
	// MinAcceptedRoutes is how many routes a tunnel that counts must have
	// accepted; 0 means that routes are not looked at.
	MinAcceptedRoutes int `json:"minAcceptedRoutes,omitempty"`
}

// PathCheck is a CloudWatch alarm that speaks for a path. It proves something only
// where its traffic takes the path, so it says how: exactly one of Pinned (with
// Via), OnBox and ActiveOnly is set.
type PathCheck struct {
	// Alarm is the alarm's name.
	Alarm string `json:"alarm"`
	// Account and Region have the alarm; those of the path by default.
	Account string `json:"account"`
	Region  string `json:"region"`
	// Pinned is the address that the check speaks to, and Via the route table
	// (its id or its name) whose route to it leads over the path and nowhere else.
	// No entry in that table covers the address.
	Pinned string `json:"pinned,omitempty"`
	Via    string `json:"via,omitempty"`
	// OnBox: the check runs on the appliance itself.
	OnBox bool `json:"onBox,omitempty"`
	// ActiveOnly: the check follows the routes, so it means nothing while the path
	// is not in use.
	ActiveOnly bool `json:"activeOnly,omitempty"`
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
	// Table is the table's id, tgw-rtb-… or rtb-…, or a name of Config.TableList,
	// in whose place Normalize writes the id.
	Table string `json:"table"`
	// Account and Region own the table; those of Config.TableList by default, else
	// the group's home.
	Account string `json:"account"`
	Region  string `json:"region"`
	// Destination is a CIDR block without host bits, or the id of a managed prefix
	// list, pl-….
	Destination string `json:"destination"`
	// Flow names the flow that the entry is one direction of. The entries of a
	// flow move together, so they stand in one unit, or in one group that is
	// Stateful.
	Flow string `json:"flow,omitempty"`
	// NextHops gives the target's id for every path of the group, by the path's
	// name; in a transit gateway table also propagated:ATTACHMENT-ID, by which the
	// route that the path's attachment teaches stands there, and no static.
	NextHops map[string]string `json:"nextHops"`
}
