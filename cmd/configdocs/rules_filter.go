package main

func filterRules() []rule {
	return []rule{
		{"A rule is permit or deny, then default-like or a CIDR block, which may have ge and le", "deny default-like", "deny all"},
		{"A range of lengths lies inside of its block", "le 24", "le 6"},
		{"Some rule denies something, or the number of prefixes is bounded", "[deny 0.0.0.0/0]", "[permit 0.0.0.0/0]"},
		{"No rule repeats what an earlier one decides", "[deny 0.0.0.0/0]", "[deny 0.0.0.0/0, permit 0.0.0.0/0]"},
		{"A table is written by one filter", "[rtb-0e02]\n", "[rtb-0e02, tgw-rtb-0c05]\n\x00nat-0a01}\x00nat-0a01, tgw-rtb-0c05: tgw-attach-0f06}"},
		{"No table of a filter that writes is in neverTouch", "[rtb-0e02]\n", "[rtb-0f01]\n\x00{rtb-0e02: nat\x00{rtb-0f01: nat"},
		{"What is denied by name is not in neverTouch", "[deny 0.0.0.0/0]", "[deny 0.0.0.0/0, deny 192.0.2.0/25]"},
		{"A filter and a group do not act on the same table and destination", "permit 10.0.0.0/8 le 24, deny default-like", "deny 10.0.0.0/8 le 24"},
		{"Attachments teach the tables of the filter", "[tgw-attach-0e05]", "[tgw-attach-0e05, vgw-0e05]"},
		{"A blackhole is put into transit gateway tables only", "tables: [core]\n", "tables: [rtb-0e03]\n"},
		{"A pin has an egress for each table", "{rtb-0e02: nat-0a01}", "{}"},
		{"An egress is a target that the table can have", "nat-0a01", "tgw-attach-0a01"},
		{"An egress carries the address family of what is denied", "nat-0a01", "eigw-0a01"},
		{"Only a pin has an egress", "    maxPrefixes: 100\n", "    maxPrefixes: 100\n    egress: {tgw-rtb-0c05: tgw-attach-0f06}\n"},
		{"A preset is a route, so only a blackhole or a pin can be preset", "    maxPrefixes: 100\n", "    maxPrefixes: 100\n    preset: true\n"},
		{"A preset stands for blocks that are denied by name, not for a range", "rules: [permit 10.0.0.0/8 le 24, deny default-like]", "rules: [deny 172.16.0.0/12 le 24]"},
		{"The VPN connections of a virtual private gateway carry no IPv6, so none is preset in a VPC table", "rules: [deny 0.0.0.0/0]\n", "rules: [deny ::/0]\n    preset: true\n\x00nat-0a01\x00eigw-0a01"},
		{"A quarantine is put into transit gateway tables only", "[tgw-rtb-0c05]", "[rtb-0e04]"},
		{"A quarantine names its attachments, or accepts the loss of what it cannot follow", "    attachments: [tgw-attach-0e05]\n", ""},
		{"Each attachment in a quarantine has an observation table, or the loss is accepted", "[tgw-attach-0e05]", "[tgw-attach-0e05, tgw-attach-0f06]"},
		{"A Connect attachment takes no static routes, so its quarantine needs acceptLoss", "attachments: [tgw-attach-0e05]\n", "attachments: [tgw-attach-0c03]\n\x00{tgw-attach-0e05:\x00{tgw-attach-0c03:"},
		{"Only a quarantine loses anything", "    preset: true\n", "    preset: true\n    acceptLoss: true\n"},
		{"A bound is for attachments, so a blackhole or a pin has none", "    preset: true\n", "    preset: true\n    maxPrefixes: 9\n"},
		{"A log group is named, and not by its ARN", "    maxPrefixes: 100\n", "    maxPrefixes: 100\n    bgpLogGroups: [\"arn:aws:logs:eu-central-1:111122223333:log-group:vpn\"]\n"},
		{"Nothing is written into an observation table", "tgw-rtb-0c06", "core"},
		{"An observation table shows one attachment", "[tgw-attach-0e05]", "[tgw-attach-0e05, tgw-attach-0f06]\x00: tgw-rtb-0c06}\x00: tgw-rtb-0c06, tgw-attach-0f06: tgw-rtb-0c06}"},
	}
}
