package config_test

import (
	"slices"
	"testing"

	"detour/shared/config"
)

func TestPartition(t *testing.T) {
	for region, want := range map[string]string{
		"eu-central-1": "aws", "us-west-2": "aws", "us-gov-west-1": "aws-us-gov", "us-gov-east-1": "aws-us-gov",
		"cn-north-1": "aws-cn", "cn-northwest-1": "aws-cn", "ca-central-1": "aws", "": "aws",
	} {
		if got := config.Partition(region); got != want {
			t.Errorf("%s is in %s, want %s", region, got, want)
		}
	}
}

func home(account, region string) config.Home { return config.Home{Account: account, Region: region} }

// homes returns a configuration whose groups have these homes.
func homes(of ...config.Home) config.Config {
	c := config.New()
	for i, at := range of {
		g := sampleGroup(string(rune('a'+i)), []string{"10.1.0.0/16", "10.2.0.0/16", "10.3.0.0/16"}[i])
		g.Home = at
		for j := range g.Paths {
			g.Paths[j].Account, g.Paths[j].Region = "111122223333", at.Region
			g.Paths[j].VPN += string(rune('0' + i))
		}
		g.Units[0].Entries[0].Account, g.Units[0].Entries[0].Region = "111122223333", at.Region
		g.Units[0].Entries[0].Table += string(rune('0' + i))
		c.GroupList = append(c.GroupList, g)
	}
	return c
}

func TestNetworkManagerDefaults(t *testing.T) {
	const one, two = "111122223333", "444455556666"
	for name, test := range map[string]struct {
		homes       []config.Home
		given, want config.NetworkManager
		complete    bool
	}{
		"one home":          {[]config.Home{home(one, "eu-central-1")}, config.NetworkManager{}, config.NetworkManager{Account: one, Region: "us-west-2"}, true},
		"one account":       {[]config.Home{home(one, "eu-central-1"), home(one, "eu-west-1")}, config.NetworkManager{}, config.NetworkManager{Account: one, Region: "us-west-2"}, true},
		"two accounts":      {[]config.Home{home(one, "eu-central-1"), home(two, "eu-central-1")}, config.NetworkManager{}, config.NetworkManager{Region: "us-west-2"}, false},
		"the account":       {[]config.Home{home(one, "eu-central-1"), home(two, "eu-central-1")}, config.NetworkManager{Account: two}, config.NetworkManager{Account: two, Region: "us-west-2"}, true},
		"another account":   {[]config.Home{home(one, "eu-central-1")}, config.NetworkManager{Account: two}, config.NetworkManager{Account: two, Region: "us-west-2"}, true},
		"another Region":    {[]config.Home{home(one, "eu-central-1")}, config.NetworkManager{Region: "eu-west-1"}, config.NetworkManager{Account: one, Region: "eu-west-1"}, true},
		"none":              {[]config.Home{home(one, "eu-central-1")}, config.NetworkManager{Region: "none"}, config.NetworkManager{Region: "none"}, true},
		"China":             {[]config.Home{home(one, "cn-north-1")}, config.NetworkManager{}, config.NetworkManager{Account: one}, false},
		"China, none":       {[]config.Home{home(one, "cn-north-1")}, config.NetworkManager{Region: "none"}, config.NetworkManager{Region: "none"}, true},
		"GovCloud":          {[]config.Home{home(one, "us-gov-west-1")}, config.NetworkManager{Region: "us-gov-west-1"}, config.NetworkManager{Account: one, Region: "us-gov-west-1"}, true},
		"in two partitions": {[]config.Home{home(one, "cn-north-1"), home(one, "eu-central-1")}, config.NetworkManager{}, config.NetworkManager{Account: one}, false},
	} {
		c := homes(test.homes...)
		c.NetworkManager = test.given
		if problems := config.Check(c); len(problems) > 0 {
			t.Errorf("%s: %v", name, config.Problems(problems))
		}
		n := c.Normalize()
		if n.NetworkManager != test.want || n.NetworkManager.Complete() != test.complete {
			t.Errorf("%s: %+v, complete %t", name, n.NetworkManager, n.NetworkManager.Complete())
		}
		if again := n.Normalize().NetworkManager; again != n.NetworkManager {
			t.Errorf("%s: normalizing twice makes it %+v", name, again)
		}
	}
}

func TestNetworkManagerProblems(t *testing.T) {
	for given, want := range map[config.NetworkManager][]string{
		{Account: "1111"}:                         {`networkManager.account: "1111" is not an account number; write the 12 digits of the account that owns the global network`},
		{Region: "us-west"}:                       {`networkManager.region: "us-west" is not the name of a Region; write the Region in which the events of Network Manager appear, or none, such as eu-central-1`},
		{Account: "1111", Region: "None"}:         {`networkManager.account: "1111" is not an account number; write the 12 digits of the account that owns the global network`, `networkManager.region: "None" is not the name of a Region; write the Region in which the events of Network Manager appear, or none, such as eu-central-1`},
		{Account: "111122223333", Region: "none"}: {`networkManager.account: "111122223333" has no effect where the Region is none; remove it, or write the Region`},
		{Region: "us-gov-west-1"}:                 {`networkManager.region: "us-gov-west-1" is in partition aws-us-gov, and groups[0] has its home in aws, which no event reaches from there; write a Region of that partition, or none`},
	} {
		c := homes(home("111122223333", "eu-central-1"), home("111122223333", "eu-west-1"))
		c.NetworkManager = given
		var got []string
		for _, problem := range config.Check(c) {
			got = append(got, problem.String())
		}
		if !slices.Equal(got, want) {
			t.Errorf("%+v:\ngot  %q\nwant %q", given, got, want)
		}
	}
}
