package bgp

import (
	"context"
	"fmt"
	"time"

	"detour/shared/lab/live"
)

// Serve runs AWS's ends of the sessions for a network that is served, and tells
// what happens on them in the server's lines. The speakers are taken by Speakers
// while the server prepares its network. The caller closes the Lab before the
// server.
func Serve(ctx context.Context, server *live.Server, speakers []Speaker, hold time.Duration) (*Lab, error) {
	sessions, err := Start(ctx, speakers, Options{HoldTime: hold, Changed: server.Changed, Told: func(at Endpoint, what string) {
		server.TellBGP("BGP", fmt.Sprintf("%s %s", at, what), at)
	}})
	if err != nil {
		return nil, err
	}
	for _, speaker := range speakers {
		server.TellBGP("BGP", speaker.waits(), speaker.Endpoint)
	}
	return sessions, nil
}

// waits says whom the session waits for.
func (e Endpoint) waits() string {
	kind := "eBGP"
	if e.ASN == e.PeerASN {
		kind = "iBGP"
	}
	return fmt.Sprintf("%s: AS %d listens on %s for AS %d at %s (%s; %s and %s inside the tunnel)",
		e, e.ASN, e.Local, e.PeerASN, e.Peer, kind, e.Inside, e.PeerInside)
}
