package lab

import (
	"time"

	"detour/shared/config"
)

// trulyUp reports whether the path carried traffic at an instant.
func (ev evidence) trulyUp(p config.Path, at time.Time) bool {
	is := func(resource, field, part string) string { return valueAt(ev.truth[signal{resource, field, part}], at) }
	switch p.Kind {
	case kindVPN:
		up := 0
		for _, ip := range ev.tunnels[p.VPN] {
			if is(p.VPN, fieldTunnel, ip) == valueUp {
				up++
			}
		}
		return up >= p.MinTunnels && ev.carries(ev.attachmentOf[p.VPN], at)
	case kindConnect:
		good := 0
		for _, peer := range p.Peers {
			for _, part := range ev.sessions[peer] {
				if is(peer, fieldSession, part) == valueUp {
					good++
					break
				}
			}
		}
		return good >= p.MinPeers && ev.carries(p.Attachment, at)
	case kindAppliance:
		return is(p.Instance, fieldInstance, "") == valueRunning && is(p.Interface, fieldForwarding, "") != "hung" &&
			is(p.Interface, fieldSourceDest, "") != "true" && is(p.Interface, fieldUplink, "") != valueDown
	default:
		return ev.carries(p.Attachment, at) && is(p.Attachment, fieldLine, "") != valueDown
	}
}

// carries reports whether traffic truly passed an attachment at an instant. A VPN
// connection on a virtual private gateway has none.
func (ev evidence) carries(attachment string, at time.Time) bool {
	switch valueAt(ev.truth[signal{attachment, fieldAttachment, ""}], at) {
	case "", valueAvailable, "modifying":
		return true
	default:
		return false
	}
}
