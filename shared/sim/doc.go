// Package sim is a simulated AWS network: accounts, Regions, VPCs, transit
// gateways with a hidden RIB and a visible FIB, Site-to-Site VPN connections of
// two tunnels, and customer routers. It answers through wire faces (package
// sim/ec2api), emits the events that AWS would emit, carries traffic hop by hop,
// and keeps a log of every call.
//
// The package never imports what it checks: of Detour's own packages it may use
// route, events/pattern and events/payload only.
package sim
