// Package blueprint says what a configuration is in AWS: in which accounts and
// Regions something is deployed, which events are forwarded from where to where,
// and exactly which permissions each function and each role has. The deployment
// renders a Blueprint and decides nothing; the tests of the deployment, of the
// simulated network and of the documentation compare with it.
//
// # Permissions
//
// A role may make the calls that a run makes for the groups of its home, and no
// others: switchover and sweep reconcile, so both read and write. Of the tasks of a
// failback only those that move routes may write them, also in further accounts,
// where the others assume a role of their own. A group in mode observe has the same
// permissions as one in mode enforce, since the daily rehearsal tries its writes
// before anybody relies on them.
//
// Which ARNs a call is checked against is EC2's choice (Service Authorization
// Reference, Actions, resources, and condition keys for Amazon EC2):
//
//   - a route of a transit gateway table: the table and the attachment
//   - a prefix list reference: the table, the prefix list and the attachment
//   - a route of a VPC table: the table alone. Neither its target nor a prefix
//     list that is its destination can be named
//   - SearchTransitGatewayRoutes: the table; GetManagedPrefixListEntries: the list
//   - all Describe calls, and GetTransitGatewayPrefixListReferences: nothing, so
//     that they need "*"
//
// No condition key of EC2 is the destination of a route: who may write a table may
// write every destination in it.
//
// Everything in a Blueprint is sorted and written out: equal configurations have
// equal Blueprints, ARNs are literal strings, and an ARN's account is that of the
// resource's owner as the configuration says.
package blueprint
