package config

import "strings"

// The partitions that Detour knows (AWS General Reference, ARNs).
const (
	PartitionAWS      = "aws"
	PartitionChina    = "aws-cn"
	PartitionGovCloud = "aws-us-gov"
)

// Partition returns the partition of a Region: that of China for cn-…, that of
// GovCloud for us-gov-…, else the commercial one. ARNs, roles and events stay
// within a partition.
func Partition(region string) string {
	switch {
	case strings.HasPrefix(region, "cn-"):
		return PartitionChina
	case strings.HasPrefix(region, "us-gov-"):
		return PartitionGovCloud
	default:
		return PartitionAWS
	}
}

// networkManagerRegion is where the events of Network Manager appear in the
// partition aws (Transit Gateway Network Manager user guide, Monitor with Amazon
// EventBridge; AWS Networking blog, Using AWS Network Manager events). For the
// other partitions no source says where.
const networkManagerRegion = "us-west-2"

// networkManager fills in what is not said about Network Manager and follows from
// the homes of the groups and filters, which have their own already.
func (c Config) networkManager() NetworkManager {
	out := c.NetworkManager
	homes := c.homes()
	if out.Region == NoRegion || len(homes) == 0 {
		return out
	}
	account, documented := homes[0].Account, true
	for _, home := range homes {
		if home.Account != account {
			account = ""
		}
		documented = documented && home.Region != "" && Partition(home.Region) == PartitionAWS
	}
	fill(&out.Account, account)
	if documented {
		fill(&out.Region, networkManagerRegion)
	}
	return out
}

// placedHome is the home of a group or a filter, and whose it is.
type placedHome struct {
	Home
	path string
}

// homes returns the homes of the groups, then of the filters.
func (c Config) homes() []placedHome {
	var out []placedHome
	for i, group := range c.GroupList {
		out = append(out, placedHome{group.Home, IndexPath("groups", i)})
	}
	for i, f := range c.FilterList {
		out = append(out, placedHome{f.Home, IndexPath("filters", i)})
	}
	return out
}

// networkManager checks what the file says of Network Manager, given, where the
// groups and filters have their homes. What is missing is missing only for a deployment.
func (k *checker) networkManager(given NetworkManager, homes []placedHome) {
	const path = "networkManager"
	if given.Account != "" {
		k.account(path+".account", given.Account, "of the account that owns the global network")
	}
	switch {
	case given.Region == NoRegion && given.Account != "":
		k.add(path+".account", given.Account, "has no effect where the Region is none", "remove it, or write the Region")
	case given.Region == "" || given.Region == NoRegion:
	case !k.region(path+".region", given.Region, "in which the events of Network Manager appear, or none"):
	default:
		for _, home := range homes {
			own, other := Partition(home.Region), Partition(given.Region)
			if own != other && home.Region != "" {
				k.add(path+".region", given.Region, "is in partition "+other+", and "+home.path+" has its home in "+own+", which no event reaches from there",
					"write a Region of that partition, or none")
				break
			}
		}
	}
}
