package numbers

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"
	"github.com/aws/smithy-go"

	"detour/shared/adapter/awsclient"
	"detour/shared/lab"
	"detour/shared/sim"
	"detour/shared/sim/ec2api"
)

// attempts and longestWait bound how a program of today goes on after a
// throttled call: up to ten times, after 0.5, 1, 2, … seconds, the mean of the
// waits that the SDKs draw, and never more than 20 s (the standard retry mode
// gives up after three, and would leave routes behind).
const (
	attempts    = 10
	longestWait = 20 * time.Second
)

// program moves one route.
type program func(ctx context.Context, p *sim.Process, api *ec2.Client, r ownRoute) error

// run runs the program on a network of its own, route by route, from the instant
// at which Detour's function starts.
func run(t testing.TB, n network, start time.Time, move program) moved {
	t.Helper()
	s := sim.NewScheduler(seed, lab.Start())
	defer s.Close()
	w, err := sim.NewWorld(s, n.topology, sim.Options{})
	if err != nil {
		t.Fatal(err)
	}
	transport := sim.NewTransport(s, ec2api.New(w), &sim.FaultPlan{}, w.Record)
	clients, err := awsclient.New(awsclient.Options{
		Doer: transport, HomeAccount: account, HomeCredentials: awsclient.StaticCredentials(account, "simulated"),
	})
	if err != nil {
		t.Fatal(err)
	}
	at, err := clients.Config(account, region)
	if err != nil {
		t.Fatal(err)
	}
	s.RunUntil(lab.Start().Add(outage))
	for _, tunnel := range n.topology.VPNs[0].Tunnels {
		if err := w.SetTunnel(n.bad, tunnel.OutsideIP, false); err != nil {
			t.Fatal(err)
		}
	}
	s.RunUntil(start)
	var failed error
	s.Start("script", func(ctx context.Context, p *sim.Process) {
		api := ec2.NewFromConfig(at)
		for _, r := range n.routes {
			if err := move(ctx, p, api, r); err != nil && failed == nil {
				failed = err
			}
		}
	})
	s.RunUntil(lab.Start().Add(outage + given))
	if failed != nil {
		t.Errorf("the program failed: %v", failed)
	}
	return n.read(w, start)
}

// patiently makes the call again while it is throttled.
func patiently(ctx context.Context, p *sim.Process, call func() error) error {
	wait := 500 * time.Millisecond
	for attempt := 1; ; attempt++ {
		err := call()
		var refused smithy.APIError
		if err == nil || attempt == attempts || !errors.As(err, &refused) || refused.ErrorCode() != "RequestLimitExceeded" {
			return err
		}
		if err := p.Sleep(ctx, min(wait, longestWait)); err != nil {
			return err
		}
		wait *= 2
	}
}

// deleteThenCreate is the script on the standby: it deletes the route, and then
// creates it with the new target.
func deleteThenCreate(n network) program {
	if !n.shape.inVPC() {
		return func(ctx context.Context, p *sim.Process, api *ec2.Client, r ownRoute) error {
			table, destination := aws.String(r.table), aws.String(r.destination)
			gone := patiently(ctx, p, func() error {
				_, err := api.DeleteTransitGatewayRoute(ctx, &ec2.DeleteTransitGatewayRouteInput{
					TransitGatewayRouteTableId: table, DestinationCidrBlock: destination,
				})
				return err
			})
			return errors.Join(gone, patiently(ctx, p, func() error {
				_, err := api.CreateTransitGatewayRoute(ctx, &ec2.CreateTransitGatewayRouteInput{
					TransitGatewayRouteTableId: table, DestinationCidrBlock: destination, TransitGatewayAttachmentId: aws.String(r.after),
				})
				return err
			}))
		}
	}
	return func(ctx context.Context, p *sim.Process, api *ec2.Client, r ownRoute) error {
		table, destination := aws.String(r.table), aws.String(r.destination)
		gone := patiently(ctx, p, func() error {
			_, err := api.DeleteRoute(ctx, &ec2.DeleteRouteInput{RouteTableId: table, DestinationCidrBlock: destination})
			return err
		})
		return errors.Join(gone, patiently(ctx, p, func() error {
			_, err := api.CreateRoute(ctx, &ec2.CreateRouteInput{
				RouteTableId: table, DestinationCidrBlock: destination, TransitGatewayId: aws.String(r.after),
			})
			return err
		}))
	}
}

// searchAndReplace is the Lambda of today: for one prefix after the other it
// looks the route up, and replaces it where it points elsewhere.
func searchAndReplace(n network) program {
	if !n.shape.inVPC() {
		return searchTransitGateway
	}
	return searchVPC
}

func searchTransitGateway(ctx context.Context, p *sim.Process, api *ec2.Client, r ownRoute) error {
	var found []types.TransitGatewayRoute
	err := patiently(ctx, p, func() error {
		output, err := api.SearchTransitGatewayRoutes(ctx, &ec2.SearchTransitGatewayRoutesInput{
			TransitGatewayRouteTableId: aws.String(r.table),
			Filters:                    []types.Filter{{Name: aws.String("route-search.exact-match"), Values: []string{r.destination}}},
		})
		if err == nil {
			found = output.Routes
		}
		return err
	})
	if err != nil || len(found) == 0 || len(found[0].TransitGatewayAttachments) > 0 &&
		aws.ToString(found[0].TransitGatewayAttachments[0].TransitGatewayAttachmentId) == r.after {
		return err
	}
	return patiently(ctx, p, func() error {
		_, err := api.ReplaceTransitGatewayRoute(ctx, &ec2.ReplaceTransitGatewayRouteInput{
			TransitGatewayRouteTableId: aws.String(r.table), DestinationCidrBlock: aws.String(r.destination), TransitGatewayAttachmentId: aws.String(r.after),
		})
		return err
	})
}

// searchVPC reads the route's table, since no call reads one VPC route.
func searchVPC(ctx context.Context, p *sim.Process, api *ec2.Client, r ownRoute) error {
	err := patiently(ctx, p, func() error {
		_, err := api.DescribeRouteTables(ctx, &ec2.DescribeRouteTablesInput{
			RouteTableIds: []string{r.table},
		})
		return err
	})
	if err != nil {
		return err
	}
	return patiently(ctx, p, func() error {
		_, err := api.ReplaceRoute(ctx, &ec2.ReplaceRouteInput{
			RouteTableId: aws.String(r.table), DestinationCidrBlock: aws.String(r.destination), TransitGatewayId: aws.String(r.after),
		})
		return err
	})
}
