package main

import "detour/shared/config/source"

// key is what is said of one key of the configuration: in the schema, and in the
// table of keys.
type key struct {
	// means is a sentence without its full stop.
	means string
	// def is the default in words where it is not the value that the model has.
	def string
	// required: the mapping that it stands in is refused without it.
	required bool
	// is are the keywords of JSON Schema that restrict the value.
	is keywords
}

// keywords are keywords of JSON Schema with their values.
type keywords map[string]any

// The patterns of values. Ids are what config accepts: longer and shorter than
// those that AWS gives today.
const (
	idRest      = `[0-9a-z]([0-9a-z-]{0,62}[0-9a-z])?`
	nameForm    = `[0-9A-Za-z][0-9A-Za-z_-]{0,63}`
	accountForm = `[0-9]{12}`
	regionForm  = `[a-z]+(-[a-z]+)+-[0-9]+`
	tableForm   = `(tgw-)?rtb-` + idRest
	gatewayForm = `tgw-rtb-` + idRest
	listForm    = `pl-` + idRest
	cidrForm    = `[0-9A-Fa-f:.]+/[0-9]{1,3}`
	targetForm  = `(tgw-attach|tgw|eigw|igw|vgw|vpce|nat|eni|i|pcx|lgw|cagw)-` + idRest
	timeForm    = `\+?(0|(([0-9]+(\.[0-9]*)?|\.[0-9]+)(ns|us|µs|μs|ms|s|m|h))+)`
)

func form(pattern string) keywords { return keywords{"pattern": "^(" + pattern + ")$"} }

// literal is form for text that YAML takes for a number or a truth value where it
// stands without quotation marks, as an account or a name of digits does. Detour
// takes it as it stands.
func literal(pattern string, types ...string) keywords {
	out := form(pattern)
	out["type"] = append([]string{"string"}, types...)
	return out
}

func id(marker string) keywords { return form(marker + idRest) }

func account() keywords     { return literal(accountForm, "integer") }
func region() keywords      { return form(regionForm) }
func name() keywords        { return literal(nameForm, "number", "boolean") }
func tableRef() keywords    { return literal(tableForm+"|"+nameForm, "number", "boolean") }
func destination() keywords { return form(cidrForm + "|" + listForm) }
func tableName() keywords {
	out := name()
	out["not"] = form("(tgw-)?rtb-.*")
	return out
}
func atLeast(n int) keywords  { return keywords{"minimum": n} }
func oneOf(v ...any) keywords { return keywords{"enum": v} }

// keys says everything that the model's types do not. Its keys are the paths of
// the model, with [] for the items of a list and .* for the values of a mapping.
func keys() map[string]key {
	out := map[string]key{}
	for _, part := range []map[string]key{rootKeys(), timerKeys(), groupKeys(), failbackKeys(), pathKeys(), unitKeys(), filterKeys()} {
		for path, k := range part {
			out[path] = k
		}
	}
	return out
}

func rootKeys() map[string]key {
	return map[string]key{
		"version": {means: "The version of this format", required: true, is: oneOf(1)},

		"limits":                      {means: "The blast radius, and the quotas that plans are measured against"},
		"limits.maxMoves":             {means: "How many groups may start a move within `window`. Beyond it they need proof from two APIs, or an operator's release", def: "the larger of 10 and a quarter of all groups", is: atLeast(0)},
		"limits.window":               {means: "The time within which moves are counted"},
		"limits.vpcRoutes":            {means: "The quota of static routes of one VPC route table, for each address family", is: atLeast(1)},
		"limits.transitGatewayRoutes": {means: "The quota of routes of one transit gateway, over all its tables", is: atLeast(1)},

		"neverTouch":                {means: "What nothing may write. It overrides every group: a declared entry that it covers is refused"},
		"neverTouch.tables":         {means: "Route tables, by id or by name"},
		"neverTouch.tables[]":       {means: "A route table, `tgw-rtb-…` or `rtb-…`, or a name of `tables`", is: tableRef()},
		"neverTouch.destinations":   {means: "CIDR blocks, each with all that lies in it, and prefix lists"},
		"neverTouch.destinations[]": {means: "A CIDR block, or a prefix list `pl-…`", is: destination()},

		"home":         {means: "The home of the groups that name none", def: "each group says its own, or lies in one account and Region"},
		"home.account": {means: "The account whose controller writes the groups, 12 digits", is: account()},
		"home.region":  {means: "The Region in which that controller runs", is: region()},

		"networkManager":         {means: "Where EventBridge gets the events of AWS Network Manager, which tell of tunnels, Connect peers and routes. Only a deployment uses it"},
		"networkManager.account": {means: "The account that owns the global network, 12 digits", def: "the account of all homes, where they have one", is: account()},
		"networkManager.region":  {means: "The Region, or `none` where the events are not to be listened to", def: "`us-west-2` where all homes are in the partition `aws`; AWS documents none for the others", is: form("none|" + regionForm)},

		"tables":           {means: "Names for route tables, which stand wherever a table's id can"},
		"tables[]":         {means: "A route table with a name"},
		"tables[].name":    {means: "The name, unlike any table's id", required: true, is: tableName()},
		"tables[].id":      {means: "The table's id, `tgw-rtb-…` or `rtb-…`", required: true, is: form(tableForm)},
		"tables[].account": {means: "The account that owns the table", def: "`home`, else that of the first entry that uses the table", is: account()},
		"tables[].region":  {means: "The Region of the table", def: "`home`, else that of the first entry that uses the table", is: region()},

		"prefixLists":          {means: "What is to be known of prefix lists among the destinations. One that the owner of the table owns need not stand here"},
		"prefixLists[]":        {means: "A managed prefix list that is the destination of some entry"},
		"prefixLists[].id":     {means: "The list's id, `pl-…`", required: true, is: id("pl-")},
		"prefixLists[].owner":  {means: "The account that owns the list, 12 digits, or `AWS` for one that AWS manages", def: "the account of the table", is: literal(accountForm+"|AWS", "integer")},
		"prefixLists[].accept": {means: "Accept that `owner`, who is not the owner of the table, can change what the entry means"},
	}
}

func timerKeys() map[string]key {
	return map[string]key{
		"timers":                 {means: "The constants of the controller. Every duration is at most 720h"},
		"timers.sweepPeriod":     {means: "How often everything is read without an event. The schedule that starts the sweep must have the same period"},
		"timers.lease":           {means: "How long a run may write a group without renewing its lease; longer than twice `callTimeout` plus `clockSkew`"},
		"timers.callTimeout":     {means: "How long one API call may take"},
		"timers.clockSkew":       {means: "How far the clocks of two functions may be apart"},
		"timers.maxFactAge":      {means: "The age beyond which a fact proves nothing"},
		"timers.settleTime":      {means: "The time after a write beyond which a reading is taken to show it"},
		"timers.contendedAfter":  {means: "How many times somebody may undo a route within `contendedWindow` before Detour stops writing it", is: atLeast(1)},
		"timers.contendedWindow": {means: "The time within which that is counted"},
		"timers.ignoreHealthFor": {means: "How long a switch that was forced with `--ignore-health` masks the health of its target"},

		"timers.damping":          {means: "Flap damping after RFC 2439: 0 < `reuse` < `suppress` ≤ `ceiling`"},
		"timers.damping.penalty":  {means: "What each change to Down adds to a path's penalty; 0 switches damping off", is: atLeast(0)},
		"timers.damping.halfLife": {means: "The time in which a penalty decays to a half"},
		"timers.damping.suppress": {means: "The penalty at which a path is suppressed", is: atLeast(0)},
		"timers.damping.reuse":    {means: "The penalty below which it is used again", is: keywords{"exclusiveMinimum": 0}},
		"timers.damping.ceiling":  {means: "The most that a penalty grows to", is: atLeast(0)},
	}
}

func groupKeys() map[string]key {
	return map[string]key{
		"groups":                   {means: "The protection groups", def: "none; required where there are no filters", is: keywords{"maxItems": source.MaxItems}},
		"groups[]":                 {means: "A group: units of routes, and the paths between which they move"},
		"groups[].name":            {means: "The group's name, unlike that of any other", required: true, is: name()},
		"groups[].home":            {means: "Where the one controller runs that writes the group", def: "the file's `home`, else the only account and Region that its paths and entries name"},
		"groups[].home.account":    {means: "The account, 12 digits", def: "`home.account`", is: account()},
		"groups[].home.region":     {means: "The Region", def: "`home.region`", is: region()},
		"groups[].mode":            {means: "`observe`: decide and report, and write no route. `enforce`: write them", is: oneOf("observe", "enforce")},
		"groups[].priority":        {means: "Orders groups that compete within a run; a lower number goes first"},
		"groups[].stateful":        {means: "All units move as one, since what tracks connections must see both directions of a flow"},
		"groups[].revertive":       {means: "Go back to the working path without being asked, once it has been Up for `waitToRestore`"},
		"groups[].waitToRestore":   {means: "How long the working path must be Up without a break; only with `revertive: true`"},
		"groups[].holdOff":         {means: "How long bad evidence must last before it counts"},
		"groups[].switchOnDegrade": {means: "Leave a path that is Degraded for one that is Up"},
		"groups[].takeOver":        {means: "Let a move overwrite static routes that point to none of the group's targets"},
		"groups[].paths":           {means: "The working path, then the protecting paths, best first", required: true, is: keywords{"minItems": 2, "maxItems": 16}},
		"groups[].units":           {means: "Lists of entries that move together, in the order of moves", required: true, is: keywords{"minItems": 1, "maxItems": source.MaxItems}},
	}
}

func failbackKeys() map[string]key {
	const d, g = "defaults.failback", "groups[].failback"
	const ofDefaults = "that of `defaults.failback`"
	return map[string]key{
		"defaults":             {means: "What stands where a group says nothing of its own"},
		d:                      {means: "The constants of a failback"},
		d + ".stability":       {means: "How long the working path must have been Up, unbroken, before a failback begins; at most 24h"},
		d + ".soak":            {means: "How long a step is watched before the next one; at most 1h"},
		d + ".approvalTimeout": {means: "How long the approval is waited for, from 1m to 24h. The group stays where it is when that is over"},
		d + ".batch":           {means: "How many units a step moves after the first one, which is the first unit; 0: a quarter of those that are left then, rounded up", is: atLeast(0)},

		g:                      {means: "How the group is failed back"},
		g + ".stability":       {means: "As in `defaults.failback`, for this group; `0s` stands for the value there", def: ofDefaults},
		g + ".soak":            {means: "The same", def: ofDefaults},
		g + ".approvalTimeout": {means: "The same", def: ofDefaults},
		g + ".batch":           {means: "The same", def: ofDefaults, is: atLeast(0)},
		g + ".samples":         {means: "Addresses whose routes are looked up after each step: a more specific route may shadow what was written", is: keywords{"maxItems": 32}},
		g + ".samples[]":       {means: "An address, and the table in which its route must follow the move"},
		g + ".samples[].from":  {means: "The table, by id or by name, in which the group has a route to the address", required: true, is: tableRef()},
		g + ".samples[].to":    {means: "The address", required: true, is: form(`[0-9A-Fa-f:.]+`)},
	}
}

func pathKeys() map[string]key {
	const p = "groups[].paths[]"
	const c = p + ".checks[]"
	return map[string]key{
		p:                        {means: "A way out, and what proves that it is alive"},
		p + ".name":              {means: "The path's name, unlike that of any other path of the group", required: true, is: name()},
		p + ".kind":              {means: "What the path is: a Site-to-Site VPN connection, a Connect attachment with its peers, a router instance, or another transit gateway attachment (VPC, peering, Direct Connect gateway)", is: oneOf("vpn", "connect", "appliance", "attachment")},
		p + ".account":           {means: "The account that owns what the path is made of", def: "the group's home", is: account()},
		p + ".region":            {means: "The Region of it", def: "the group's home", is: region()},
		p + ".vpn":               {means: "vpn: the VPN connection, `vpn-…`. Required there", is: id("vpn-")},
		p + ".tunnels":           {means: "vpn: how many tunnels UP make the path Up; fewer make it Degraded", def: "2", is: keywords{"minimum": 1, "maximum": 2}},
		p + ".minTunnels":        {means: "vpn: how many tunnels it needs to carry traffic; fewer make it Down", def: "1", is: keywords{"minimum": 1, "maximum": 2}},
		p + ".minAcceptedRoutes": {means: "vpn: how many routes a tunnel must have accepted to count; 0 looks at none", is: atLeast(0)},
		p + ".attachment":        {means: "connect, attachment: the transit gateway attachment, `tgw-attach-…`. Required there", is: id("tgw-attach-")},
		p + ".peers":             {means: "connect: the Connect peers. A peer is good with one of its two BGP sessions up; the path is Up with all of them good. Required there", is: keywords{"minItems": 1, "maxItems": 16, "uniqueItems": true}},
		p + ".peers[]":           {means: "A Connect peer, `tgw-connect-peer-…`", is: id("tgw-connect-peer-")},
		p + ".minPeers":          {means: "connect: how many good peers it needs to carry traffic; fewer make it Down", def: "1", is: atLeast(1)},
		p + ".observation":       {means: "vpn, connect, attachment: a transit gateway route table, by id or by name, into which only the path's attachment propagates and with which nothing is associated. It shows what the attachment teaches, which a static route hides in the tables that carry traffic. It belongs to the owner of these tables", is: literal(gatewayForm+"|"+nameForm, "number", "boolean")},
		p + ".expectRoutes":      {means: "connect: CIDR blocks that its peers must have taught. The path is Down where one is not learned and that could be read. The destinations of its propagated entries are expected in any case", is: keywords{"maxItems": 100, "uniqueItems": true}},
		p + ".expectRoutes[]":    {means: "A CIDR block without host bits", is: form(cidrForm)},
		p + ".interface":         {means: "appliance: the network interface that routes point to, `eni-…`. Required there", is: id("eni-")},
		p + ".instance":          {means: "appliance: the instance behind it, `i-…`. Required there", is: id("i-")},
		p + ".checks":            {means: "CloudWatch alarms that speak for the path: `OK` good, `ALARM` bad. An appliance or attachment proves nothing without one that is pinned or on the box", is: keywords{"maxItems": 16}},

		c:                 {means: "One alarm, with exactly one of `pinned`, `onBox` and `activeOnly`"},
		c + ".alarm":      {means: "The alarm's name", required: true, is: keywords{"type": []string{"string", "number", "boolean"}, "minLength": 1, "maxLength": 255, "not": keywords{"pattern": "^arn:"}}},
		c + ".account":    {means: "The account that has the alarm", def: "the path's", is: account()},
		c + ".region":     {means: "The Region that has it", def: "the path's", is: region()},
		c + ".pinned":     {means: "The address that the check speaks to, to which `via` has a route over this path alone. No entry in `via` covers it", is: form(`[0-9A-Fa-f:.]+`)},
		c + ".via":        {means: "That route table, by id or by name", is: tableRef()},
		c + ".onBox":      {means: "The check runs on the instance itself; only of an appliance"},
		c + ".activeOnly": {means: "The check follows the routes, so it means nothing while the path is not in use"},
	}
}

func unitKeys() map[string]key {
	const u = "groups[].units[]"
	const e = u + ".entries[]"
	return map[string]key{
		u:              {means: "Entries that move together"},
		u + ".name":    {means: "The unit's name, unlike that of any other unit of the group", def: "unit-1 for the first, and so on", is: name()},
		u + ".entries": {means: "The routes", required: true, is: keywords{"minItems": 1, "maxItems": source.MaxItems}},

		e:                  {means: "One route: table and destination together stand once in the file"},
		e + ".table":       {means: "The route table, `tgw-rtb-…` or `rtb-…`, or a name of `tables`", required: true, is: tableRef()},
		e + ".account":     {means: "The account that owns the table", def: "that of `tables`, else the group's home", is: account()},
		e + ".region":      {means: "The Region of the table", def: "that of `tables`, else the group's home", is: region()},
		e + ".destination": {means: "A CIDR block without host bits, or a prefix list `pl-…`, of which one call moves all blocks", required: true, is: destination()},
		e + ".flow":        {means: "The flow that the entry is one direction of. Entries of a flow stand in one unit, or in one group that is stateful", is: name()},
		e + ".nextHops":    {means: "For every path of the group, by its name, where the route points while the path is in use", required: true, is: keywords{"minProperties": 2, "maxProperties": 16}},
		e + ".nextHops.*":  {means: "A target: `tgw-attach-…`, `blackhole` or `propagated:tgw-attach-…` in a transit gateway table, the last for the route that the path's own attachment teaches; `tgw-…`, `vgw-…`, `eni-…` and others in a VPC table", is: form("blackhole|(propagated:tgw-attach-" + idRest + ")|" + targetForm)},
	}
}
