package sim

import (
	"slices"
	"strings"
	"time"
)

// globalNetworkID is the id of the one global network, as the samples of its
// events have it.
const globalNetworkID = "global-network-1234567890abcdef0"

// GlobalNetworkView is a Network Manager global network (Network Manager API
// reference, GlobalNetwork).
type GlobalNetworkView struct {
	ID, ARN, State string
	CreatedAt      time.Time
}

// RegistrationView is a transit gateway that is registered with a global network
// (Network Manager API reference, TransitGatewayRegistration). State is the code
// of its state.
type RegistrationView struct{ GlobalNetwork, TransitGatewayARN, State string }

// registered is the state of a registration whose transit gateway sends events.
const registered = "AVAILABLE"

// GlobalNetworks lists the caller's global networks: the one that all events go
// to, for the account that owns it, and none for all others.
func (w *World) GlobalNetworks(c Caller) []GlobalNetworkView {
	w.mu.Lock()
	defer w.mu.Unlock()
	if c.Account != w.globalAccount {
		return nil
	}
	return []GlobalNetworkView{{
		ID: globalNetworkID, ARN: "arn:aws:networkmanager::" + w.globalAccount + ":global-network/" + globalNetworkID,
		State: registered, CreatedAt: w.startedAt,
	}}
}

// TransitGatewayRegistrations lists the transit gateways that are registered with
// the caller's global network, by ARN: all but those that the topology leaves out,
// of whatever account. known is false if the caller has no such global network.
func (w *World) TransitGatewayRegistrations(c Caller, network string) (views []RegistrationView, known bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if c.Account != w.globalAccount || network != globalNetworkID {
		return nil, false
	}
	for _, id := range sortedKeys(w.gateways) {
		if g := w.gateways[id]; !g.unregistered {
			views = append(views, RegistrationView{
				GlobalNetwork: network, TransitGatewayARN: ec2ARN(g.owner.region, g.owner.account, "transit-gateway", id), State: registered,
			})
		}
	}
	slices.SortFunc(views, func(a, b RegistrationView) int {
		return strings.Compare(a.TransitGatewayARN, b.TransitGatewayARN)
	})
	return views, true
}
