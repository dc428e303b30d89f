// Package blueprint says what a configuration is in AWS: in which accounts and
// Regions something is deployed, which events are forwarded from where to where,
// and exactly which permissions each function and each role has. The deployment
// renders a Blueprint and decides nothing; the tests of the deployment, of the
// simulated network and of the documentation compare with it.
//
// Everything in a Blueprint is sorted and written out: equal configurations have
// equal Blueprints, ARNs are literal strings, and an ARN's account is that of the
// resource's owner as the configuration says.
package blueprint
