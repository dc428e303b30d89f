package awsclient_test

import (
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/credentials"

	"detour/shared/adapter/awsclient"
	"detour/shared/sim"
	"detour/shared/sim/ec2api"
)

func TestForeignAccountThroughTheSimulatedNetwork(t *testing.T) {
	scheduler := sim.NewScheduler(1, time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC))
	t.Cleanup(scheduler.Close)
	world, err := sim.NewWorld(scheduler, sim.Topology{Account: home, Region: "eu-west-1"}, sim.Options{})
	if err != nil {
		t.Fatal(err)
	}
	clients, err := awsclient.New(awsclient.Options{
		Doer: ec2api.New(world), HomeAccount: home,
		HomeCredentials: credentials.NewStaticCredentialsProvider(home, "secret", ""),
		Role:            func(string, string) string { return role },
	})
	if err != nil {
		t.Fatal(err)
	}
	for _, account := range []string{home, foreign} {
		if got, err := whoami(t.Context(), clients, account, "eu-west-1"); err != nil || got != account {
			t.Errorf("account %s signed as %q, %v", account, got, err)
		}
	}
	calls := world.Calls()
	if len(calls) != 3 || calls[1].Action != "AssumeRole" || calls[1].Account != home || calls[2].Account != foreign {
		t.Errorf("the network saw %+v", calls)
	}
}
