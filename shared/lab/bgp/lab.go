package bgp

import (
	"context"
	"fmt"
	"net/netip"
	"slices"
	"sync"
	"time"

	"detour/shared/adapter/systemclock"
)

// DefaultPort is where AWS's ends of the sessions listen, unless told otherwise:
// BGP's own port 179 is for privileged processes.
const DefaultPort = 1790

// DefaultHoldTime is the hold time of AWS's VPN connections and Connect peers;
// KEEPALIVE messages go out every third of it (Transit Gateway guide, Connect).
const DefaultHoldTime = 30 * time.Second

// shortestHoldTime is the shortest hold time that a speaker may ask for, but for
// none at all (RFC 4271 section 4.2); longestHoldTime is the field's largest value.
const (
	shortestHoldTime = 3 * time.Second
	longestHoldTime  = 65535 * time.Second
)

// Speaker is a session that a real router is to speak over, and what it is to the
// network.
type Speaker struct {
	Endpoint
	Network Network
}

// Options say how the sessions are run.
type Options struct {
	// HoldTime is what AWS's ends ask for; the shorter one of both ends counts. Whole
	// seconds. Default: DefaultHoldTime.
	HoldTime time.Duration
	// Changed returns a channel that is closed when the network has changed next:
	// what it advertises is then read again. Nil: it changes by the sessions alone.
	Changed func() <-chan struct{}
	// Told is called with each thing that happens on a session; nil: nobody wants to
	// know. It may be called from several goroutines.
	Told func(at Endpoint, what string)
}

// Lab runs AWS's ends of BGP sessions. Its methods may be called from several
// goroutines.
type Lab struct {
	sessions []*session
	cancel   context.CancelFunc
	running  []func()
	closing  sync.Once
}

// Start runs AWS's ends of the sessions until Close. A session is down in the
// network until a router has connected. An error names the session that cannot
// listen, or the option that is wrong.
func Start(ctx context.Context, speakers []Speaker, opts Options) (*Lab, error) {
	if opts.HoldTime == 0 {
		opts.HoldTime = DefaultHoldTime
	}
	if opts.HoldTime < shortestHoldTime || opts.HoldTime > longestHoldTime || opts.HoldTime%time.Second != 0 {
		return nil, fmt.Errorf("the hold time is %s; BGP has whole seconds from %s to %s: use for example 30s, as AWS does, or 3s to see a dead session soon",
			opts.HoldTime, shortestHoldTime, longestHoldTime)
	}
	if err := distinct(speakers); err != nil {
		return nil, err
	}
	ctx, cancel := context.WithCancel(ctx)
	l := &Lab{cancel: cancel}
	// GoBGP writes options of the whole process where a server starts, so that all of
	// them start before any of them has a peer.
	for _, speaker := range speakers {
		s, err := newSession(ctx, speaker.Endpoint, speaker.Network)
		if err != nil {
			l.Close()
			return nil, err
		}
		s.changed = l.poke
		if opts.Told != nil {
			s.told = opts.Told
		}
		l.sessions = append(l.sessions, s)
	}
	for _, s := range l.sessions {
		if err := s.admit(ctx, opts.HoldTime); err != nil {
			l.Close()
			return nil, err
		}
	}
	clock := systemclock.New()
	for _, s := range l.sessions {
		l.running = append(l.running, clock.Go(ctx, s.run))
	}
	if opts.Changed != nil {
		l.running = append(l.running, clock.Go(ctx, func(ctx context.Context) { l.follow(ctx, opts.Changed) }))
	}
	return l, nil
}

// distinct refuses two sessions that would listen in the same place.
func distinct(speakers []Speaker) error {
	taken := map[netip.AddrPort]Endpoint{}
	for _, speaker := range speakers {
		if other, there := taken[speaker.Local]; there {
			return fmt.Errorf("%s and %s both have AWS's address %s inside their tunnels, and would both listen on %s; give one of them other inside addresses",
				other, speaker.Endpoint, speaker.Inside, speaker.Local)
		}
		taken[speaker.Local] = speaker.Endpoint
	}
	return nil
}

// follow has all sessions look again whenever the network has changed.
func (l *Lab) follow(ctx context.Context, changed func() <-chan struct{}) {
	for {
		next := changed()
		l.poke()
		select {
		case <-next:
		case <-ctx.Done():
			return
		}
	}
}

func (l *Lab) poke() {
	for _, s := range l.sessions {
		s.poke()
	}
}

// Endpoints are the sessions, in the order in which they were given.
func (l *Lab) Endpoints() []Endpoint {
	out := make([]Endpoint, 0, len(l.sessions))
	for _, s := range l.sessions {
		out = append(out, s.Endpoint)
	}
	return slices.Clip(out)
}

// Close ends the sessions as an operator does, with a NOTIFICATION, and waits for
// their ends. It may be called more than once.
func (l *Lab) Close() {
	l.closing.Do(func() {
		l.cancel()
		for _, ended := range l.running {
			ended()
		}
		for _, s := range l.sessions {
			s.close()
		}
	})
}

// Loopback is the address of the loopback interface that stands for an address
// inside a tunnel: 169.254.6.2 becomes 127.254.6.2. It keeps apart what AWS keeps
// apart, since no two tunnels of a gateway share an inside address.
func Loopback(inside netip.Addr) netip.Addr {
	octets := inside.Unmap().As4()
	octets[0] = 127
	return netip.AddrFrom4(octets)
}
