// Package sdktest tests the wire face of Network Manager with the real AWS SDK as
// its client, apart from networkmanagerapi so that the face is built without it.
package sdktest

import (
	"context"
	"errors"
	"slices"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/networkmanager"
	"github.com/aws/smithy-go"

	"detour/shared/sim"
	"detour/shared/sim/networkmanagerapi"
)

const (
	account = "111122223333"
	owner   = "777788889999"
	network = "global-network-1234567890abcdef0"
)

// still is a Timekeeper whose time does not pass.
type still struct{}

func (still) Now() time.Time               { return time.Date(2026, 1, 2, 3, 4, 5, 678e6, time.UTC) }
func (still) At(time.Time, string, func()) {}

func world(t *testing.T) *sim.World {
	t.Helper()
	w, err := sim.NewWorld(still{}, sim.Topology{
		Account: account, Region: "eu-west-1", GlobalNetworkAccount: owner,
		TransitGateways: []sim.TransitGatewaySpec{
			{ID: "tgw-0000000000000000a"},
			{ID: "tgw-0000000000000000b", Unregistered: true},
			{ID: "tgw-0000000000000000c", Region: "us-east-1"},
			{ID: "tgw-0000000000000000d", Account: "444455556666"},
		},
	}, sim.Options{})
	if err != nil {
		t.Fatal(err)
	}
	return w
}

func client(doer aws.HTTPClient, key, region string) *networkmanager.Client {
	return networkmanager.New(networkmanager.Options{
		Region: region, HTTPClient: doer, Retryer: aws.NopRetryer{}, Credentials: credentials.NewStaticCredentialsProvider(key, "x", ""),
		BaseEndpoint: aws.String("http://127.0.0.1:1"),
	})
}

func background() context.Context {
	return sim.WithCall(context.Background(), sim.Call{Process: "p1"})
}

func wantCode(t *testing.T, err error, want string) {
	t.Helper()
	var api smithy.APIError
	if !errors.As(err, &api) || api.ErrorCode() != want {
		t.Errorf("got %v, want %s", err, want)
	}
}

func TestGlobalNetworkAsItIsShown(t *testing.T) {
	w := world(t)
	got, err := client(networkmanagerapi.New(w), owner, "us-west-2").DescribeGlobalNetworks(background(), &networkmanager.DescribeGlobalNetworksInput{GlobalNetworkIds: []string{network}})
	if err != nil || len(got.GlobalNetworks) != 1 || got.NextToken != nil {
		t.Fatalf("got %+v, %v", got, err)
	}
	shown := got.GlobalNetworks[0]
	if *shown.GlobalNetworkId != network || *shown.GlobalNetworkArn != "arn:aws:networkmanager::"+owner+":global-network/"+network ||
		shown.State != "AVAILABLE" || !shown.CreatedAt.Equal(still{}.Now()) {
		t.Errorf("got %+v", shown)
	}
	if got, err := client(networkmanagerapi.New(w), account, "us-west-2").DescribeGlobalNetworks(background(), &networkmanager.DescribeGlobalNetworksInput{}); err != nil || len(got.GlobalNetworks) != 0 {
		t.Errorf("an account without a global network is shown %+v, %v", got, err)
	}
	calls := w.Calls()
	if len(calls) != 2 || calls[0].Action != "DescribeGlobalNetworks" || calls[0].Process != "p1" || calls[0].Account != owner || calls[0].Region != "us-west-2" {
		t.Errorf("the call log has %+v", calls)
	}
}

func TestRegistrationsPageByPage(t *testing.T) {
	w := world(t)
	face := networkmanagerapi.New(w)
	face.LimitPages(2)
	api := client(face, owner, "us-west-2")
	var pages [][]string
	for token := (*string)(nil); len(pages) < 5; {
		got, err := api.GetTransitGatewayRegistrations(background(), &networkmanager.GetTransitGatewayRegistrationsInput{GlobalNetworkId: aws.String(network), NextToken: token})
		if err != nil {
			t.Fatal(err)
		}
		var page []string
		for _, shown := range got.TransitGatewayRegistrations {
			page = append(page, *shown.TransitGatewayArn)
			if *shown.GlobalNetworkId != network || shown.State.Code != "AVAILABLE" {
				t.Errorf("got %+v", shown)
			}
		}
		pages = append(pages, page)
		if token = got.NextToken; token == nil {
			break
		}
	}
	want := [][]string{{
		"arn:aws:ec2:eu-west-1:111122223333:transit-gateway/tgw-0000000000000000a",
		"arn:aws:ec2:eu-west-1:444455556666:transit-gateway/tgw-0000000000000000d",
	}, {"arn:aws:ec2:us-east-1:111122223333:transit-gateway/tgw-0000000000000000c"}}
	if !slices.EqualFunc(pages, want, slices.Equal[[]string]) {
		t.Errorf("got %v", pages)
	}
	one, err := api.GetTransitGatewayRegistrations(background(), &networkmanager.GetTransitGatewayRegistrationsInput{
		GlobalNetworkId: aws.String(network), TransitGatewayArns: []string{want[1][0], "arn:aws:ec2:us-east-1:111122223333:transit-gateway/tgw-0000000000000000b"},
	})
	if err != nil || len(one.TransitGatewayRegistrations) != 1 || *one.TransitGatewayRegistrations[0].TransitGatewayArn != want[1][0] {
		t.Errorf("got %+v, %v", one, err)
	}
}

func TestWhatIsRefused(t *testing.T) {
	face := networkmanagerapi.New(world(t))
	api := client(face, owner, "us-west-2")
	_, err := api.GetTransitGatewayRegistrations(background(), &networkmanager.GetTransitGatewayRegistrationsInput{GlobalNetworkId: aws.String("global-network-0")})
	wantCode(t, err, "ResourceNotFoundException")
	_, err = client(face, account, "us-west-2").GetTransitGatewayRegistrations(background(), &networkmanager.GetTransitGatewayRegistrationsInput{GlobalNetworkId: aws.String(network)})
	wantCode(t, err, "ResourceNotFoundException")
	_, err = api.DescribeGlobalNetworks(background(), &networkmanager.DescribeGlobalNetworksInput{GlobalNetworkIds: []string{"global-network-0"}})
	wantCode(t, err, "ResourceNotFoundException")
	for _, size := range []int32{0, -1, 501} {
		_, err = api.DescribeGlobalNetworks(background(), &networkmanager.DescribeGlobalNetworksInput{MaxResults: aws.Int32(size)})
		wantCode(t, err, "ValidationException")
	}
	for _, token := range []string{"after-0", "after-2", "after-01", "1", "x"} {
		_, err = api.DescribeGlobalNetworks(background(), &networkmanager.DescribeGlobalNetworksInput{NextToken: aws.String(token)})
		wantCode(t, err, "ValidationException")
	}
	_, err = api.GetDevices(background(), &networkmanager.GetDevicesInput{GlobalNetworkId: aws.String(network)})
	wantCode(t, err, "UnknownOperationException")
	_, err = api.CreateGlobalNetwork(background(), &networkmanager.CreateGlobalNetworkInput{})
	wantCode(t, err, "UnknownOperationException")
	_, err = client(face, owner, "eu-west-1").DescribeGlobalNetworks(background(), &networkmanager.DescribeGlobalNetworksInput{})
	wantCode(t, err, "InvalidSignatureException")
	_, err = client(face, "AKIDEXAMPLE", "us-west-2").DescribeGlobalNetworks(background(), &networkmanager.DescribeGlobalNetworksInput{})
	wantCode(t, err, "UnrecognizedClientException")
}
