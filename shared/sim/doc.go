// Package sim is a simulated AWS network: accounts, Regions, VPCs, transit
// gateways (callers see the FIB, never the RIB) with their attachments, virtual
// private gateways, Site-to-Site VPN connections, router appliances, managed prefix
// lists, alarms, and customer routers. It answers through wire faces (package
// sim/ec2api), sends events in AWS's form, carries traffic hop by hop, and keeps
// a log of every call.
//
// The package does not import what it checks. Three of Detour's packages are
// open to it: route, events/pattern and events/payload.
package sim
