package main

import "detour/shared/config/source"

// The patterns of a filter's values.
const (
	lengthForm  = `[1-9][0-9]{0,2}`
	ruleForm    = ` *(permit|deny) +(default-like|` + cidrForm + `( +(ge|le) +` + lengthForm + `){0,2}) *`
	teacherForm = `(tgw-attach|vgw)-` + idRest
	groupForm   = `[A-Za-z0-9._/#-]{1,512}`
)

func filterKeys() map[string]key {
	const f = "filters[]"
	return map[string]key{
		"filters":            {means: "The filters: which learned routes may stand in some tables, and what is done about the others", is: keywords{"maxItems": source.MaxItems}},
		f:                    {means: "A filter"},
		f + ".name":          {means: "The filter's name, unlike that of any other filter", required: true, is: name()},
		f + ".home":          {means: "Where the one controller runs that enforces the filter", def: "the file's `home`"},
		f + ".home.account":  {means: "The account, 12 digits", def: "`home.account`", is: account()},
		f + ".home.region":   {means: "The Region", def: "`home.region`", is: region()},
		f + ".mode":          {means: "`observe`: judge and report, and write nothing. `enforce`: put measures in force", is: oneOf("observe", "enforce")},
		f + ".tables":        {means: "The tables that are filtered", required: true, is: keywords{"minItems": 1, "maxItems": source.MaxItems, "uniqueItems": true}},
		f + ".tables[]":      {means: "A route table, `tgw-rtb-…` or `rtb-…`, or a name of `tables`, whose account and Region are those of `tables`, else of the filter's home", is: tableRef()},
		f + ".attachments":   {means: "Whose routes are judged", def: "every one that propagates into a table", is: keywords{"maxItems": source.MaxItems, "uniqueItems": true}},
		f + ".attachments[]": {means: "A transit gateway attachment `tgw-attach-…`, or for tables of VPCs a virtual private gateway `vgw-…`", is: form(teacherForm)},
		f + ".rules":         {means: "What is permitted and what is denied. The first rule that matches decides, and what none matches is permitted", is: keywords{"maxItems": source.MaxItems}},
		f + ".rules[]":       {means: "`permit` or `deny`, then `default-like` or a CIDR block, which matches exactly this block; with `ge N`, `le N` or both it matches the blocks inside of such lengths. `default-like` is IPv4 shorter than /8, IPv6 shorter than /7, and any block that contains the outside address of a tunnel", is: form(ruleForm)},
		f + ".maxPrefixes":   {means: "How many prefixes an attachment may teach a table; 0 sets no bound. Only with `quarantine` and `alert`", is: atLeast(0)},
		f + ".action":        {means: "`blackhole`: a static blackhole in the place of the denied route. `pin`: a static route to `egress`. `quarantine`: the attachment's propagation is switched off. `alert`: it is reported", required: true, is: oneOf("blackhole", "pin", "quarantine", "alert")},
		f + ".egress":        {means: "Where `pin` points to", def: "none; required for each table with `pin`", is: keywords{"minProperties": 1}},
		f + ".egress.*":      {means: "The target in a table, which is given by its id or its name: `tgw-attach-…` in a transit gateway table; `tgw-…`, `eni-…`, `nat-…` and others in a VPC table", is: form(targetForm)},
		f + ".preset":        {means: "Put the measures in force before anything is announced, for each block that a rule denies by name, and 0.0.0.0/0 and ::/0 for `default-like`. Only with `blackhole` and `pin`"},
		f + ".liftAfter":     {means: "How long a denied route must be gone before its measure ends"},
		f + ".acceptLoss":    {means: "`quarantine` goes on where it loses permitted routes: those of a Connect attachment, which takes no static routes, and those that change later where there is no observation table"},
		f + ".observation":   {means: "For attachments, the tables that show what they announce while it is kept out: each table has the propagation of that attachment only, no association, and no static routes", is: keywords{"minProperties": 1, "propertyNames": form("tgw-attach-" + idRest)}},
		f + ".observation.*": {means: "The observation table of an attachment, which is given by its id: `tgw-rtb-…`, or a name of `tables`", is: tableRef()},

		f + ".bgpLogGroups":   {means: "The CloudWatch log groups, in the filter's home account and Region, to which VPN connections write their BGP log with `BgpLogOutputFormat` `json`. What they tell of routes starts the function for filters, beside the events of Network Manager", is: keywords{"maxItems": source.MaxItems, "uniqueItems": true}},
		f + ".bgpLogGroups[]": {means: "The name of a log group", is: form(groupForm)},
	}
}
