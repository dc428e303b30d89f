package sim

// announcedOver implements bgpRouter.
func (s *site) announcedOver(own *bgpSession) []bgpRoute { return own.originates() }

// listens implements bgpRouter: a router without an ASN has static routes only.
func (s *site) listens() bool { return s.asn != 0 }

// hear implements bgpRouter.
func (s *site) hear(_ *World, _ *step, own *bgpSession, routes []bgpRoute) {
	_, _ = own, routes
}

// reaches reports whether the router's packets reach the outside address of a
// tunnel.
func (s *site) reaches(v *vpnConnection, t *tunnel) bool {
	_, _ = v, t
	return true
}

// advertisedOver returns what the gateway advertises over a session.
func (g *vpnGateway) advertisedOver(own *bgpSession) []bgpRoute {
	_ = own
	return nil
}
