package main

import (
	"errors"
	"fmt"
	"strings"

	"detour/shared/config/source"
)

// base is a good configuration that every rule breaks in one place.
const base = `version: 1
home: {account: 111122223333, region: eu-central-1}
tables:
  - {name: core, id: tgw-rtb-0c01}
prefixLists:
  - {id: pl-0a01, owner: 777788889999, accept: true}
neverTouch:
  tables: [rtb-0f01]
  destinations: [192.0.2.0/24]
groups:
  - name: branch
    mode: enforce
    paths:
      - {name: one, vpn: vpn-0a01}
      - {name: two, vpn: vpn-0b02}
    units:
      - entries:
          - {table: core, destination: 10.1.0.0/16, nextHops: {one: tgw-attach-0a01, two: tgw-attach-0b02}}
          - {table: core, destination: pl-0a01, nextHops: {one: tgw-attach-0a01, two: tgw-attach-0b02}}
      - entries:
          - {table: rtb-0d01, destination: 10.2.0.0/16, nextHops: {one: tgw-0a01, two: vgw-0b02}}
  - name: site
    paths:
      - {name: left, kind: connect, attachment: tgw-attach-0c03, peers: [tgw-connect-peer-01, tgw-connect-peer-02]}
      - {name: right, kind: attachment, attachment: tgw-attach-0d04, checks: [{alarm: answers, pinned: 198.51.100.1, via: rtb-0e01}]}
    units:
      - entries:
          - {table: rtb-0e01, destination: 10.3.0.0/16, nextHops: {left: tgw-0a01, right: tgw-0c03}}
filters:
  - name: no-default
    tables: [core]
    rules: [permit 10.0.0.0/8 le 24, deny default-like]
    action: blackhole
    preset: true
  - name: pinned
    tables: [rtb-0e02]
    rules: [deny 0.0.0.0/0]
    action: pin
    egress: {rtb-0e02: nat-0a01}
  - name: guests
    tables: [tgw-rtb-0c05]
    attachments: [tgw-attach-0e05]
    maxPrefixes: 100
    action: quarantine
    observation: {tgw-attach-0e05: tgw-rtb-0c06}
`

// rule is one way to break the base, and the sentence for it.
type rule struct{ means, old, replacement string }

// section is a heading with its rules.
type section struct {
	title string
	rules []rule
}

func ruleSections() []section {
	return []section{
		{"The file", fileRules()},
		{"Names, homes and owners", nameRules()},
		{"Paths", pathRules()},
		{"Checks", checkRules()},
		{"Entries", entryRules()},
		{"Prefix lists", listRules()},
		{"Filters", filterRules()},
	}
}

func fileRules() []rule {
	return []rule{
		{"There is no other key than those of the reference", "mode: enforce", "moed: enforce"},
		{"A key stands once", "mode: enforce", "mode: enforce\n    mode: observe"},
		{"A value is of its type", "mode: enforce", "holdOff: 30"},
		{"A value is written out: no aliases, merge keys and tags", "mode: enforce", "mode: &mode enforce\n    holdOff: *mode"},
		{"A constant is in its range", "neverTouch:", "timers: {lease: 10s}\nneverTouch:"},
		{"A constant has an effect", "mode: enforce", "waitToRestore: 5m"},
		{"A list is a list", "peers: [tgw-connect-peer-01, tgw-connect-peer-02]", "peers: tgw-connect-peer-01"},
		{"A sample is an address to which the group has a route in that table", "mode: enforce", "mode: enforce\n    failback: {samples: [{from: rtb-0d01, to: 10.9.0.1}]}"},
		{"There is something to do", base[strings.Index(base, "prefixLists:"):], "groups: []\nfilters: []\n"},
	}
}

func nameRules() []rule {
	return []rule{
		{"A name has letters, digits, hyphens and underscores, at most 64", "name: branch", "name: my branch"},
		{"A name is unique where it is used", "name: site", "name: branch"},
		{"A group has a home. One in several accounts or Regions has to say which", "home: {account: 111122223333, region: eu-central-1}", "home: {region: eu-central-1}\x00vpn: vpn-0b02}\x00vpn: vpn-0b02, account: 444455556666}\x00one, vpn: vpn-0a01\x00one, vpn: vpn-0a01, account: 111122223333\x00site\n\x00site\n    home: {account: 111122223333}\n"},
		{"Where Network Manager is not listened to, it has no account", "neverTouch:", "networkManager: {account: 111122223333, region: none}\nneverTouch:"},
		{"The events of Network Manager stay in their partition", "neverTouch:", "networkManager: {region: cn-north-1}\nneverTouch:"},
		{"An account has 12 digits", "account: 111122223333", "account: 11112222"},
		{"A Region is a Region, not a zone", "region: eu-central-1", "region: eu-central-1a"},
		{"A resource has the same owner everywhere", "destination: 10.1.0.0/16,", "destination: 10.1.0.0/16, account: 444455556666,"},
		{"A name of a table is declared", "table: core, destination: 10.1", "table: cor, destination: 10.1"},
		{"A table has one name", "{name: core, id: tgw-rtb-0c01}", "{name: core, id: tgw-rtb-0c01}\n  - {name: hub, id: tgw-rtb-0c01}"},
	}
}

func pathRules() []rule {
	return []rule{
		{"A group has at least two paths, of which the first is the working path", "      - {name: two, vpn: vpn-0b02}\n", ""},
		{"A path is of a known kind", "kind: connect", "kind: direct-connect"},
		{"An id is of its kind", "vpn: vpn-0b02", "vpn: tgw-attach-0b02"},
		{"A path has what its kind needs", ", peers: [tgw-connect-peer-01, tgw-connect-peer-02]", ""},
		{"A path has nothing that only other kinds have", "kind: connect,", "kind: connect, minTunnels: 1,"},
		{"A minimum can be reached", "peers: [tgw-connect-peer-01, tgw-connect-peer-02]", "peers: [tgw-connect-peer-01, tgw-connect-peer-02], minPeers: 3"},
		{"Each path is made of something of its own", "vpn: vpn-0b02", "vpn: vpn-0a01"},
		{"In mode enforce an appliance and an attachment have a check that proves something", "name: site\n", "name: site\n    mode: enforce\n\x00pinned: 198.51.100.1, via: rtb-0e01\x00activeOnly: true"},
		{"What a path expects to be learned can be read somewhere", "peers: [tgw-connect-peer-01, tgw-connect-peer-02]", "peers: [tgw-connect-peer-01, tgw-connect-peer-02], expectRoutes: [10.3.0.0/16]"},
		{"An observation table shows something that is expected", "{name: two, vpn: vpn-0b02}", "{name: two, vpn: vpn-0b02, observation: tgw-rtb-0c02}"},
		{"An observation table has no entries, whose statics would hide what it is to show", "peers: [tgw-connect-peer-01, tgw-connect-peer-02]", "peers: [tgw-connect-peer-01, tgw-connect-peer-02], expectRoutes: [10.3.0.0/16], observation: core"},
		{"A move between two paths changes some route", "two: tgw-attach-0b02}}\n          - {table: core, destination: pl-0a01, nextHops: {one: tgw-attach-0a01, two: tgw-attach-0b02}}\n      - entries:\n          - {table: rtb-0d01, destination: 10.2.0.0/16, nextHops: {one: tgw-0a01, two: vgw-0b02}}", "two: tgw-attach-0a01}}\n          - {table: core, destination: pl-0a01, nextHops: {one: tgw-attach-0a01, two: tgw-attach-0a01}}"},
	}
}

func checkRules() []rule {
	return []rule{
		{"A check says in one way how its traffic takes the path", "pinned: 198.51.100.1, via: rtb-0e01", "pinned: 198.51.100.1, via: rtb-0e01, activeOnly: true"},
		{"A pin has an address and a table, in two keys", "pinned: 198.51.100.1, via: rtb-0e01", "pinned: 198.51.100.1 via rtb-0e01"},
		{"A pin lies outside of all entries of its table, of whichever group, or the check would follow the moves", "pinned: 198.51.100.1", "pinned: 10.3.0.1"},
		{"Only an appliance has a box to check on", "pinned: 198.51.100.1, via: rtb-0e01", "onBox: true"},
		{"An alarm speaks for one path", "peers: [tgw-connect-peer-01, tgw-connect-peer-02]", "peers: [tgw-connect-peer-01, tgw-connect-peer-02], checks: [{alarm: answers, activeOnly: true}]"},
	}
}

func entryRules() []rule {
	return []rule{
		{"An entry has a next hop for every path of its group", "one: tgw-attach-0a01, two: tgw-attach-0b02}}\n          - {table: core, destination: pl", "one: tgw-attach-0a01}}\n          - {table: core, destination: pl"},
		{"An entry has next hops for no other paths", "{one: tgw-0a01, two: vgw-0b02}", "{one: tgw-0a01, two: vgw-0b02, tow: eni-01}"},
		{"Table and destination together stand once; overlapping destinations are legal", "destination: 10.2.0.0/16", "destination: 10.2.0.0/16, nextHops: {one: tgw-0a01, two: vgw-0b02}}\n          - {table: rtb-0d01, destination: 10.2.0.0/16"},
		{"A destination is a CIDR block without host bits", "destination: 10.2.0.0/16", "destination: 10.2.3.4/16"},
		{"A target is one that the table can have", "two: vgw-0b02", "two: tgw-attach-0b02"},
		{"The VPN connections of a virtual private gateway carry no IPv6", "destination: 10.2.0.0/16", "destination: 2001:db8::/32"},
		{"A Connect attachment takes no static route", "table: core, destination: 10.1.0.0/16, nextHops: {one: tgw-attach-0a01", "table: core, destination: 10.1.0.0/16, nextHops: {one: tgw-attach-0c03"},
		{"A learned route stands in transit gateway tables only: in a VPC table no API shows what a static hides", "two: vgw-0b02", "two: propagated:tgw-attach-0b02"},
		{"A learned route is the one that the path's own attachment teaches", "destination: pl-0a01, nextHops: {one: tgw-attach-0a01, two: tgw-attach-0b02}", "destination: 10.4.0.0/16, nextHops: {one: tgw-attach-0a01, two: propagated:tgw-attach-0c03}\x00  - {id: pl-0a01, owner: 777788889999, accept: true}\n\x00\x00prefixLists:\n\x00"},
		{"No prefix list is learned", "pl-0a01, nextHops: {one: tgw-attach-0a01, two: tgw-attach-0b02}", "pl-0a01, nextHops: {one: tgw-attach-0a01, two: propagated:tgw-attach-0b02}"},
		{"In mode enforce one path at most of an entry is learned, since between two BGP chooses", "10.1.0.0/16, nextHops: {one: tgw-attach-0a01, two: tgw-attach-0b02}", "10.1.0.0/16, nextHops: {one: propagated:tgw-attach-0a01, two: propagated:tgw-attach-0b02}"},
		{"The entries of a flow move together", "10.1.0.0/16, nextHops", "10.1.0.0/16, flow: web, nextHops\x0010.2.0.0/16, nextHops\x0010.2.0.0/16, flow: web, nextHops"},
		{"No entry is in neverTouch", "table: rtb-0d01, destination: 10.2.0.0/16", "table: rtb-0d01, destination: 192.0.2.128/25"},
	}
}

func listRules() []rule {
	return []rule{
		{"The owner of a prefix list is that of the table, or accepted", ", accept: true", ""},
		{"What is accepted has an owner", "owner: 777788889999, ", ""},
		{"A prefix list that is declared is used", "destination: pl-0a01", "destination: pl-0a02"},
	}
}

// broken returns the base, broken by the rule. A zero byte separates the
// replacement from a further pair of old and new text.
func (r rule) broken() (string, error) {
	edits := append([]string{r.old}, strings.Split(r.replacement, "\x00")...)
	text := base
	for i := 0; i+1 < len(edits); i += 2 {
		if !strings.Contains(text, edits[i]) {
			return "", fmt.Errorf("the rule %q breaks %q, which is not in the base; correct rules.go", r.means, edits[i])
		}
		text = strings.Replace(text, edits[i], edits[i+1], 1)
	}
	return text, nil
}

// ruleList returns every rule with the message that breaking it gives. The
// messages are made here, by the code that makes them for everybody.
func ruleList() (string, error) {
	var out strings.Builder
	for _, s := range ruleSections() {
		fmt.Fprintf(&out, "\n### %s\n", s.title)
		for _, r := range s.rules {
			text, err := r.broken()
			if err != nil {
				return "", err
			}
			_, err = source.Read([]byte(text), "detour.yaml")
			var problems source.Problems
			if !errors.As(err, &problems) {
				return "", fmt.Errorf("the rule %q breaks nothing; correct rules.go", r.means)
			}
			fmt.Fprintf(&out, "\n- %s.\n\n  ```\n  %s\n  ```\n", r.means, strings.ReplaceAll(problems.Error(), "\n", "\n  "))
		}
	}
	return out.String(), nil
}
