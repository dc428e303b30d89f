package wiring

import (
	"time"

	"detour/shared/adapter/awsclient"
	"detour/shared/adapter/awscloudwatch"
	"detour/shared/adapter/awsec2"
	"detour/shared/controller"
	"detour/shared/health"
	"detour/shared/protection"
)

// Network is a network in AWS as the controller's ports show it.
type Network struct {
	Tables       controller.RouteTables
	Lists        controller.PrefixLists
	Evidence     controller.Evidence
	Surroundings controller.Surroundings
	Neighbors    controller.Neighbors
}

// NewNetwork returns the ports for the groups. entries says whether the entries of
// prefix lists are read: a run needs them only where neverTouch names
// destinations, and a list of a thousand takes ten calls, one after the other. Every single API call ends after
// timeout. No call is made here, and each client is built when it is first used.
func NewNetwork(clients *awsclient.Clients, clock controller.Clock, timeout time.Duration, groups []protection.Group, entries bool) Network {
	ec2 := awsec2.New(clients.Config, clock, timeout)
	sources := map[health.SubjectKind]controller.Evidence{
		health.SubjectAlarm:        awscloudwatch.New(clients.Config, clock, timeout),
		health.SubjectRouteTable:   ec2.Observations(),
		health.SubjectPropagations: ec2.Propagations(),
	}
	for _, kind := range awsec2.EvidenceKinds() {
		sources[kind] = ec2.Evidence()
	}
	return Network{
		Tables:       ec2.Tables(awsec2.ReferencesOf(groups)),
		Lists:        ec2.Lists(entries),
		Evidence:     controller.EvidenceByKind(clock, sources),
		Surroundings: ec2.Surroundings(),
		Neighbors:    ec2.Neighbors(),
	}
}
