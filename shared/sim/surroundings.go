package sim

import (
	"crypto/sha256"
	"encoding/hex"
	"net/netip"
)

// VPCView is one VPC as DescribeVpcs shows it: its CIDR blocks in the order of
// the topology.
type VPCView struct {
	ID      string
	Account string
	CIDRs   []netip.Prefix
}

// SubnetView is one subnet as DescribeSubnets shows it.
type SubnetView struct {
	ID      string
	VPC     string
	Account string
	CIDR    netip.Prefix
}

// subnetID makes the id of a subnet, of which the topology has only the block.
func subnetID(vpc string, block netip.Prefix) string {
	sum := sha256.Sum256([]byte(vpc + " " + block.String()))
	return "subnet-" + hex.EncodeToString(sum[:])[:17]
}

// VPCs lists the VPCs of the caller's account and Region, sorted by id.
func (w *World) VPCs(c Caller) []VPCView {
	w.mu.Lock()
	defer w.mu.Unlock()
	var views []VPCView
	for _, id := range sortedKeys(w.vpcs) {
		if v := w.vpcs[id]; v.owner.is(c) {
			views = append(views, VPCView{ID: id, Account: v.owner.account, CIDRs: v.cidrs})
		}
	}
	return views
}

// Subnets lists the subnets of the caller's account and Region, by VPC, table and
// the order of the topology: those that a route table is explicitly associated
// with, since the topology names no others.
func (w *World) Subnets(c Caller) []SubnetView {
	w.mu.Lock()
	defer w.mu.Unlock()
	var views []SubnetView
	for _, id := range sortedKeys(w.vpcs) {
		v := w.vpcs[id]
		if !v.owner.is(c) {
			continue
		}
		for _, t := range v.tables {
			for _, block := range t.subnets {
				views = append(views, SubnetView{ID: subnetID(id, block), VPC: id, Account: v.owner.account, CIDR: block})
			}
		}
	}
	return views
}
