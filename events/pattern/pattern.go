// Package pattern holds the event patterns of Detour's EventBridge rules as embedded JSON files, one file per rule: the
// single copy, which the deployment and the simulated network both read.
//
//   - network-manager-status: what may have changed the state of a tunnel, a Connect peer or an attachment (status updates and
//     topology changes).
//   - network-manager-routing: routes that came or went in transit gateway route tables.
//   - cloudwatch-alarm: every alarm's state change. Which alarms matter is the configuration's business.
//   - aws-health: notices about Site-to-Site VPN.
//   - cloudtrail-routes: calls of anybody, Detour included, that change a route, a prefix list or its reference, a propagation or an
//     association. DisassociateRouteTable is not among them: it names an association and no table, and no group depends on it.
//
// The Network Manager patterns match on source and detail-type only. A filter on detail.transitGatewayArn would drop
// events that lack that key, and the published Connect-peer samples lack it.
package pattern

import (
	"embed"
	"fmt"
)

//go:embed *.json
var files embed.FS

// Read returns the pattern of that file name, for example "network-manager-status.json".
func Read(name string) ([]byte, error) {
	b, err := files.ReadFile(name)
	if err != nil {
		return nil, fmt.Errorf("reading pattern %q: no such pattern; use one of the names that Names returns: %w", name, err)
	}
	return b, nil
}

// Names returns the file names of all patterns, sorted.
func Names() []string {
	entries, err := files.ReadDir(".")
	if err != nil {
		return nil // The embedded root always exists.
	}
	names := make([]string, 0, len(entries))
	for _, e := range entries { // ReadDir sorts by file name.
		names = append(names, e.Name())
	}
	return names
}
