// Package bgp lets real BGP speakers take part in a simulated network. For each
// BGP session that the network's AWS has with a router (two per Connect peer, one
// per tunnel of a VPN connection with BGP), it runs AWS's end of it on a loopback
// address: a TCP connection, OPEN, KEEPALIVE and UPDATE messages, and a hold timer.
// Whatever connects to the other address (GoBGP, FRR, BIRD) is then the router:
// what it announces is announced in the network, with the attributes that it
// really carried, what AWS would advertise to it is advertised to it, and when the
// session dies the network sees it die.
//
// The GRE or IPsec tunnel is not there: the sessions run over the loopback
// interface, and no packet of the routed networks is carried.
//
// GoBGP is a large dependency, so nothing but this package and the command of its
// own that serves it may import it; package arch tests that.
package bgp
