package sim

import (
	"fmt"
	"net/netip"
	"net/url"
	"slices"
	"strings"
)

// site is a place outside AWS with one customer router.
type site struct {
	name     string
	networks []netip.Prefix
	routes   []siteRoute
}

// siteRoute is one route of a customer router: the connections, best first.
type siteRoute struct {
	dst netip.Prefix
	via []*vpnConnection
}

func (s *site) contains(addr netip.Addr) bool {
	return slices.ContainsFunc(s.networks, func(p netip.Prefix) bool { return p.Contains(addr) })
}

// host is where the reachability check speaks from and to; one of vpc and site is set.
type host struct {
	name string
	addr netip.Addr
	vpc  *vpc
	site *site
}

// SetAttachmentState gives an attachment a state of the EC2 API. Only available
// and modifying attachments carry traffic, and only available ones take new
// static routes. The state deleted is DeleteAttachment, and is final.
func (w *World) SetAttachmentState(id, state string) error {
	if !knownState(state) {
		return fmt.Errorf("attachment state %q is not one of EC2's: use one of %s", state, strings.Join(attachmentStates(), ", "))
	}
	var problem error
	w.do(func(s *step) {
		a := w.attachments[id]
		switch {
		case a == nil:
			problem = fmt.Errorf("attachment %q is not in the topology: use one of %s", id, strings.Join(sortedKeys(w.attachments), ", "))
		case a.state == attachmentDeleted && state != attachmentDeleted:
			problem = fmt.Errorf("attachment %q is deleted and does not come back: start a World with a topology that has it", id)
		case state == attachmentDeleted:
			w.deleteAttachment(s, a)
		default:
			a.state = state
		}
	})
	return problem
}

// DeleteAttachment deletes an attachment: its propagated routes vanish, static
// TGW routes to it become blackholes with an empty attachment list, and VPC
// routes to its transit gateway become blackholes. Deleting the attachment of a
// VPN connection deletes the connection.
func (w *World) DeleteAttachment(id string) error {
	return w.SetAttachmentState(id, attachmentDeleted)
}

func (w *World) deleteAttachment(s *step, a *attachment) {
	a.state, a.table = attachmentDeleted, nil
	for _, t := range a.gateway.tables {
		t.forget(a)
	}
	w.refreshGateway(s.now, a.gateway)
	if a.vpc != nil {
		w.refreshVPC(s.now, a.vpc)
	}
}

// ForceRoute is a person or another program writing a route: it creates the
// static route or replaces its target, and with an empty target deletes it. by
// names the writer in the call log, as process "writer:" + by. The write obeys
// the rules of the API but takes no token of the request buckets. An error of
// the API is returned as an *APIError, and is in the call log too.
func (w *World) ForceRoute(by, table, dst, target string) error {
	prefix, err := netip.ParsePrefix(dst)
	if err != nil {
		return fmt.Errorf("destination %q is not a CIDR block: write for example 10.0.0.0/8", dst)
	}
	c, transit, err := w.writerOf(by, table)
	if err != nil {
		return err
	}
	action, write, refused := w.force(c, transit, table, prefix.Masked(), target)
	tableKey := "RouteTableId"
	if transit {
		tableKey = "TransitGatewayRouteTableId"
	}
	record := CallRecord{
		Process: c.Call.Process, Account: c.Account, Region: c.Region, Action: action, Write: write,
		Params: url.Values{tableKey: {table}, "DestinationCidrBlock": {dst}, "Target": {target}},
		SentAt: w.keeper.Now(),
	}
	if refused != nil {
		record.Code = refused.Code
	}
	w.Record(record)
	if refused != nil {
		return refused
	}
	return nil
}

// writerOf makes a caller of the account and Region that own the table.
func (w *World) writerOf(by, table string) (c Caller, transit bool, err error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	var own owner
	switch {
	case w.tgwTables[table] != nil:
		own, transit = w.tgwTables[table].gateway.owner, true
	case w.vpcTables[table] != nil:
		own = w.vpcTables[table].vpc.owner
	default:
		known := append(sortedKeys(w.tgwTables), sortedKeys(w.vpcTables)...)
		return Caller{}, false, fmt.Errorf("table %q is not in the topology: use one of %s", table, strings.Join(known, ", "))
	}
	return Caller{Account: own.account, Region: own.region, Call: Call{Process: "writer:" + by}}, transit, nil
}

func (w *World) force(c Caller, transit bool, table string, dst netip.Prefix, target string) (action string, write *RouteWrite, refused *APIError) {
	stands := w.hasRoute(transit, table, dst)
	switch {
	case transit && target == "":
		_, write, refused = w.DeleteTransitGatewayRoute(c, table, dst)
		return "DeleteTransitGatewayRoute", write, refused
	case transit && stands:
		_, write, refused = w.ReplaceTransitGatewayRoute(c, table, dst, target)
		return "ReplaceTransitGatewayRoute", write, refused
	case transit:
		_, write, refused = w.CreateTransitGatewayRoute(c, table, dst, target)
		return "CreateTransitGatewayRoute", write, refused
	case target == "":
		write, refused = w.DeleteRoute(c, table, dst)
		return "DeleteRoute", write, refused
	case stands:
		write, refused = w.ReplaceRoute(c, table, dst, target)
		return "ReplaceRoute", write, refused
	default:
		write, refused = w.CreateRoute(c, table, dst, target)
		return "CreateRoute", write, refused
	}
}

// hasRoute reports whether a write to the destination has to replace: a static
// route of a TGW table, or any entry of a VPC table, stands there.
func (w *World) hasRoute(transit bool, table string, dst netip.Prefix) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	var stands bool
	if transit {
		_, stands = w.tgwTables[table].statics[dst]
	} else {
		_, stands = w.vpcTables[table].routes.current[dst]
	}
	return stands
}
