package plan

import (
	"cmp"
	"slices"
	"time"

	"detour/shared/route"
)

// API names an EC2 action that writes routes.
type API string

// Bucket is a request token bucket of EC2: one per action, account and Region
// (EC2 Developer Guide, request throttling).
type Bucket struct {
	API     API    `json:"api"`
	Account string `json:"account"`
	Region  string `json:"region"`
}

// The size of the buckets for calls that write: tokens, and tokens refilled per
// second.
const (
	WriteBurst = 50
	WriteRate  = 5
)

// BucketOf returns the bucket that a change draws from.
func BucketOf(c route.Change) Bucket {
	return Bucket{API: apiOf(c), Account: c.Table.Account, Region: c.Table.Region}
}

func apiOf(c route.Change) API {
	list := c.Destination.List() != ""
	switch c.Table.Kind {
	case route.TransitGatewayTable:
		return transitGatewayAPI(c.Op, list)
	case route.VPCTable:
		return vpcAPI(c.Op)
	default:
		return ""
	}
}

// transitGatewayAPI: a prefix list reference has calls of its own.
func transitGatewayAPI(op route.Op, list bool) API {
	switch {
	case op == route.OpCreate && list:
		return "CreateTransitGatewayPrefixListReference"
	case op == route.OpReplace && list:
		return "ModifyTransitGatewayPrefixListReference"
	case op == route.OpDelete && list:
		return "DeleteTransitGatewayPrefixListReference"
	case op == route.OpCreate:
		return "CreateTransitGatewayRoute"
	case op == route.OpReplace:
		return "ReplaceTransitGatewayRoute"
	case op == route.OpEnablePropagation:
		return "EnableTransitGatewayRouteTablePropagation"
	case op == route.OpDisablePropagation:
		return "DisableTransitGatewayRouteTablePropagation"
	default:
		return "DeleteTransitGatewayRoute"
	}
}

// vpcAPI: in a VPC route table a prefix list is a destination like any other.
func vpcAPI(op route.Op) API {
	switch op {
	case route.OpCreate:
		return "CreateRoute"
	case route.OpReplace:
		return "ReplaceRoute"
	default:
		return "DeleteRoute"
	}
}

// Cost is what a plan spends: calls for each bucket, and the time that the
// fullest bucket takes from full. It is exact for a lone writer only, since
// Terraform and people draw from the same buckets.
type Cost struct {
	Calls []BucketCalls `json:"calls"`
	// Wait is the time from the first to the last call if every bucket is full
	// at the start: (calls - 50) / 5 seconds, not below zero.
	Wait time.Duration `json:"wait"`
}

// BucketCalls counts the calls that draw from one bucket.
type BucketCalls struct {
	Bucket
	Calls int `json:"calls"`
}

// Predict counts what the changes cost.
func Predict(changes []route.Change) Cost {
	counts := map[Bucket]int{}
	for _, c := range changes {
		counts[BucketOf(c)]++
	}
	out := Cost{}
	for bucket, n := range counts {
		out.Calls = append(out.Calls, BucketCalls{Bucket: bucket, Calls: n})
		out.Wait = max(out.Wait, time.Duration(n-WriteBurst)*time.Second/WriteRate)
	}
	slices.SortFunc(out.Calls, func(a, b BucketCalls) int {
		return cmp.Or(cmp.Compare(a.API, b.API), cmp.Compare(a.Account, b.Account), cmp.Compare(a.Region, b.Region))
	})
	return out
}
