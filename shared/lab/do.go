package lab

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"detour/shared/config"
	"detour/shared/controller"
	"detour/shared/protection"
	"detour/shared/sim"
)

// Do does one step of a script now.
func (r *Rig) Do(step Step) error {
	switch step.Do {
	case TunnelDown, TunnelUp:
		return r.setTunnels(step)
	case MakeRequest:
		return r.request(step)
	case ClearRequest:
		return r.clearRequest(step)
	case FailbackStart, FailbackApprove, FailbackReject, FailbackAbort, StopExecution:
		return r.failbacks(step)
	case Configure:
		return r.configure(step)
	case WriteRoute:
		return unlessRefused(r.World.ForceRoute(step.By, step.Table, step.Destination, step.Target))
	case EditPrefixList:
		return unlessRefused(r.World.SetPrefixListEntries(step.By, step.List, prefixes(step.Add), prefixes(step.Remove)))
	case LoseEvents:
		r.opts.Faults.Events.Lose = 1
		return nil
	case DeliverEvents:
		r.opts.Faults.Events.Lose = 0
		return nil
	default:
		return r.network(step)
	}
}

// unlessRefused takes away an error of the simulated API: what AWS refuses is in
// the call log, and no mistake of the script.
func unlessRefused(err error) error {
	if _, refused := errors.AsType[*sim.APIError](err); refused {
		return nil
	}
	return err
}

// network does a step that changes what is true of the network.
func (r *Rig) network(step Step) error {
	switch w := r.World; step.Do {
	case InstanceStop:
		return w.SetInstance(step.Instance, "stopped")
	case InstanceStart:
		return w.SetInstance(step.Instance, valueRunning)
	case InstanceTerminate:
		return w.SetInstance(step.Instance, "terminated")
	case InstanceImpaired:
		return w.SetInstanceStatus(step.Instance, step.Check == checkSystem, step.Check != checkSystem)
	case InstanceOK:
		return w.SetInstanceStatus(step.Instance, true, true)
	case ForwardingStops, ForwardingWorks:
		return w.SetForwarding(step.Instance, step.Do == ForwardingWorks)
	case LineDown, LineUp:
		return w.SetUplink(step.Instance, step.Do == LineUp)
	case SourceDestCheckOn, SourceDestCheckOff:
		return w.SetSourceDestCheck(step.Interface, step.Do == SourceDestCheckOn)
	default:
		return r.attachments(step)
	}
}

// attachments does a step that changes what is true of attachments and gateways,
// or what an alarm says.
func (r *Rig) attachments(step Step) error {
	switch w := r.World; step.Do {
	case SessionDown, SessionUp:
		return w.SetSession(step.Peer, step.Session, step.Do == SessionUp)
	case BGPDown, BGPUp:
		return w.SetBGP(step.VPN, step.Tunnel, step.Do == BGPUp)
	case Announce:
		return w.Announce(step.Speaker, step.announcement())
	case Withdraw:
		return w.Withdraw(step.Speaker, step.Prefix)
	case SetRouterRoute:
		return w.AddRouterRoute(step.Site, step.Destination, step.Via...)
	case DirectConnectDown, DirectConnectUp:
		return w.SetDirectConnect(step.Attachment, step.Do == DirectConnectUp)
	case PeeringDown, PeeringUp:
		return w.SetPeering(step.Attachment, step.Do == PeeringUp)
	case GatewayDetached, GatewayAttached:
		return w.SetVPNGateway(step.Gateway, step.Do == GatewayAttached)
	case AttachmentState:
		return w.SetAttachmentState(step.Attachment, step.State)
	case SetAlarm:
		return w.SetAlarm(step.Name, strings.TrimPrefix(step.State, follow))
	case DeleteAlarm:
		return w.DeleteAlarm(step.Name)
	default:
		var names []string
		for _, v := range verbs() {
			names = append(names, string(v.verb))
		}
		return fmt.Errorf("verb %q is not known: write %s", step.Do, strings.Join(names, ", "))
	}
}

// configure makes the changed configuration that of all runs that start from
// here on; one that is under way goes on with what it started with, as a function
// does that is deployed anew.
func (r *Rig) configure(step Step) error {
	next := step.configured(r.opts.Config, homeOf(r.opts.Config))
	if problems := config.Check(next); len(problems) > 0 {
		return fmt.Errorf("changing the configuration: %w", config.Problems(problems))
	}
	r.opts.Config = next
	r.changes++
	r.groups, r.filters, r.settings = next.Groups(), next.Filters(), controller.SettingsFrom(next)
	return nil
}

func (r *Rig) setTunnels(step Step) error {
	for _, vpn := range r.opts.Topology.VPNs {
		if vpn.ID != step.VPN {
			continue
		}
		for _, t := range vpn.Tunnels {
			if step.Tunnel == "" || step.Tunnel == t.OutsideIP {
				if err := r.World.SetTunnel(vpn.ID, t.OutsideIP, step.Do == TunnelUp); err != nil {
					return err
				}
			}
		}
		return nil
	}
	return fmt.Errorf("vpn %q is not in the topology", step.VPN)
}

// request makes an operator's request, and wakes the group as the CLI does.
func (r *Rig) request(step Step) error {
	id := step.ID
	if id == "" {
		made := 1
		for _, earlier := range r.Requests {
			if !earlier.Clear {
				made++
			}
		}
		id = fmt.Sprintf("request-%d", made)
	}
	request := protection.Request{
		ID: id, Kind: protection.RequestKind(step.Kind), Path: step.Path, Extent: step.Extent,
		IgnoreHealth: step.IgnoreHealth, Immediate: step.Immediate, Unproven: step.Unproven, At: r.Scheduler.Now(), By: "operator",
		Lists: listVersions(step.Lists),
	}
	r.Requests = append(r.Requests, MadeRequest{At: request.At, Group: step.Group, Request: request})
	switch {
	case step.Group == EveryGroup && request.Kind == protection.AdoptAnew:
		for _, group := range r.groups {
			if err := r.requestOf(group.Name, request); err != nil {
				return err
			}
		}
		return nil
	case step.Group == EveryGroup:
		return r.control(request)
	default:
		return r.requestOf(step.Group, request)
	}
}

func (r *Rig) requestOf(group string, request protection.Request) error {
	key := controller.GroupKey(group)
	r.wake(key, request.At)
	return r.Store.Request(context.Background(), key, request)
}

// listVersions are the versions that a request names, sorted by list.
func listVersions(lists map[string]int) []protection.ListVersion {
	var out []protection.ListVersion
	for _, id := range slices.Sorted(maps.Keys(lists)) {
		out = append(out, protection.ListVersion{ID: id, Version: int64(lists[id])})
	}
	return out
}

// control makes the two requests that are for every group at once.
func (r *Rig) control(request protection.Request) error {
	change := controller.ControlChange{ReleasedAt: &request.At}
	if request.Kind == protection.Freeze {
		change = controller.ControlChange{Freeze: &protection.FreezeState{On: true, Immediate: request.Immediate}}
	}
	r.wake(controller.KeyEverything, request.At)
	return r.Store.Control(context.Background(), change)
}

func (r *Rig) clearRequest(step Step) error {
	now := r.Scheduler.Now()
	r.Requests = append(r.Requests, MadeRequest{At: now, Group: step.Group, Request: protection.Request{ID: step.ID}, Clear: true})
	if step.Group == EveryGroup {
		r.wake(controller.KeyEverything, now)
		return r.Store.Control(context.Background(), controller.ControlChange{Freeze: &protection.FreezeState{}})
	}
	key := controller.GroupKey(step.Group)
	r.wake(key, now)
	return r.Store.Clear(context.Background(), key, step.ID)
}
