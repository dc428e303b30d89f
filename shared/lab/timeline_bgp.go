package lab

import (
	"fmt"
	"strconv"
	"strings"
)

// routerWords says a step that changes what a router announces, its sessions or its
// own routes.
func routerWords(step Step) string {
	switch step.Do {
	case Announce:
		return fmt.Sprintf("%s announces %s%s", step.Speaker, step.Prefix, attributeWords(step))
	case Withdraw:
		return fmt.Sprintf("%s withdraws %s", step.Speaker, step.Prefix)
	case SetRouterRoute:
		if len(step.Via) == 0 {
			return fmt.Sprintf("router of %s: its static route %s is removed", step.Site, step.Destination)
		}
		return fmt.Sprintf("router of %s: it has a static route %s via %s", step.Site, step.Destination, listing(step.Via))
	default:
		in := "all tunnels"
		if step.Tunnel != "" {
			in = "tunnel " + step.Tunnel
		}
		is := map[bool]string{true: "works again", false: "fails, while IPsec stays as it is"}[step.Do == BGPUp]
		return fmt.Sprintf("%s: BGP in %s %s", step.VPN, in, is)
	}
}

// attributeWords says the attributes of an announcement that were written.
func attributeWords(step Step) string {
	var parts []string
	if len(step.ASPath) > 0 {
		asns := make([]string, 0, len(step.ASPath))
		for _, asn := range step.ASPath {
			asns = append(asns, strconv.Itoa(asn))
		}
		parts = append(parts, "AS_PATH "+strings.Join(asns, " "))
	}
	if step.MED != nil {
		parts = append(parts, "MED "+strconv.Itoa(*step.MED))
	}
	if step.NextHopSelf {
		parts = append(parts, "next hop self")
	}
	if len(parts) == 0 {
		return ""
	}
	return " (" + strings.Join(parts, ", ") + ")"
}
