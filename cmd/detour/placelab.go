package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"

	"detour/shared/adapter/awsclient"
	"detour/shared/adapter/systemclock"
	"detour/shared/config"
	"detour/shared/lab/live"
)

// maxDeployment is the longest description of a lab that is read, in bytes.
const maxDeployment = 64 << 20

// labSecret is the secret key in the lab, which checks none.
const labSecret = "simulated-secret"

// labRole is the role by which a lab without functions is asked about further
// accounts. The lab takes any.
const labRole = "arn:aws:iam::{account}:role/detour"

// openLab asks a served lab what is deployed in it. Everything after goes to that
// address and to no other.
func openLab(ctx context.Context, address string) (opened, error) {
	if !strings.Contains(address, "://") {
		address = "http://" + address
	}
	where, err := httpAddress("--lab", address)
	if err != nil {
		return opened{}, err
	}
	only := confined{host: where.Host, next: awsclient.NewHTTPClient(awsclient.HTTPOptions{})}
	deployed, err := askLab(ctx, only, strings.TrimSuffix(address, "/"))
	if err != nil {
		return opened{}, failure{err}
	}
	var bare error
	if len(deployed.Homes) == 0 {
		bare = fmt.Errorf("no function runs in the lab at %s, so there are no records; start detour lab serve with --functions", address)
	}
	cfg, err := config.Parse(deployed.Config)
	if err != nil {
		return opened{}, failure{fmt.Errorf("the configuration of the lab at %s: %w", address, err)}
	}
	options := func(home live.DeployedHome) (awsclient.Options, error) {
		out := awsclient.Options{
			Doer: only, HomeAccount: home.Account, HomeRegion: home.Region, HomeCredentials: awsclient.StaticCredentials(home.Account, labSecret),
			ExternalID: home.ExternalID, BaseEndpoint: deployed.Endpoint,
		}
		if home.Role == "" {
			return out, nil
		}
		var err error
		out.Role, err = awsclient.RoleTemplate(home.Role)
		return out, err
	}
	who := claimed()
	if len(deployed.Homes) == 0 {
		who += ", with nothing deployed"
	} else if asked, err := options(deployed.Homes[0]); err == nil {
		if known, err := identify(ctx, systemclock.New(), asked); err == nil {
			who = known.ARN + " (" + who + ")"
		}
	}
	return opened{
		name: "lab " + deployed.Topology + " at " + address, config: cfg, who: who, bare: bare,
		home: func(account, region string) (reached, error) {
			homes := deployed.Homes
			if bare != nil {
				homes = []live.DeployedHome{{Account: account, Region: region, Role: labRole}}
			}
			for _, home := range homes {
				if home.Account != account || home.Region != region {
					continue
				}
				asked, err := options(home)
				if err != nil {
					return reached{}, err
				}
				clients, err := awsclient.New(asked)
				return reached{clients: clients, table: home.Table, queue: home.WakeQueue, filterQueue: home.FilterWakeQueue, machine: home.StateMachine}, err
			}
			return reached{}, failure{fmt.Errorf("nothing is deployed to account %s in %s in the lab at %s; start it anew", account, region, address)}
		},
	}, nil
}

// askLab gets the description of what is deployed.
func askLab(ctx context.Context, doer awsclient.HTTPDoer, address string) (live.Deployment, error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, address+live.DeploymentPath, http.NoBody) //nolint:gosec // Whoever runs the command names the address.
	if err != nil {
		return live.Deployment{}, fmt.Errorf("address %q of the lab: %w", address, err)
	}
	answer, err := doer.Do(request)
	if err != nil {
		return live.Deployment{}, fmt.Errorf("no lab answers at %s: %w; start detour lab serve --functions, and write --lab=ADDRESS with the address that it prints", address, err)
	}
	defer func() { _ = answer.Body.Close() }() // It was read as far as is wanted.
	var out live.Deployment
	err = json.NewDecoder(io.LimitReader(answer.Body, maxDeployment)).Decode(&out)
	if err != nil || answer.StatusCode != http.StatusOK || out.Endpoint == "" {
		return live.Deployment{}, fmt.Errorf("what answers at %s is no lab (status %d); write the address that detour lab serve has printed", address, answer.StatusCode)
	}
	return out, nil
}

// errElsewhere says that something wanted to leave the lab.
var errElsewhere = errors.New("the command works in a lab, and goes nowhere else")

// confined sends requests to one host only, so that nothing which is meant for the
// lab can reach AWS.
type confined struct {
	host string
	next awsclient.HTTPDoer
}

// Do implements awsclient.HTTPDoer.
func (c confined) Do(request *http.Request) (*http.Response, error) {
	if request.URL.Host != c.host {
		return nil, fmt.Errorf("a request to %s was not sent: %w", request.URL.Host, errElsewhere)
	}
	return c.next.Do(request)
}
