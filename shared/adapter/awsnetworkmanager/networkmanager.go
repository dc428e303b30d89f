// Package awsnetworkmanager asks AWS Network Manager which transit gateways send
// events. Only people use it, and no Lambda function links it. It makes each call
// once, and one for each further page.
package awsnetworkmanager

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/networkmanager"
	"github.com/aws/smithy-go"
	smithyhttp "github.com/aws/smithy-go/transport/http"

	"detour/shared/controller"
	"detour/shared/doctor"
	"detour/shared/route"
)

// maxResults is the most that a page holds (Network Manager API reference,
// MaxResults).
const maxResults = 500

// errPaging: the pages of an answer go round in a circle.
var errPaging = errors.New("the answer names a page as the next one that was read already")

// Client asks in one account.
type Client struct {
	api     *networkmanager.Client
	clock   controller.Clock
	timeout time.Duration
}

// New returns a client. The configuration must be of the API's Region
// (doctor.NetworkManagerRegion), and must not
// retry. Every single call, credentials included, ends after timeout.
func New(config aws.Config, clock controller.Clock, timeout time.Duration) *Client {
	return &Client{api: networkmanager.NewFromConfig(config), clock: clock, timeout: timeout}
}

// GlobalNetworks returns the ids of the account's global networks. Source: Network
// Manager API, DescribeGlobalNetworks. An error is a
// *doctor.ReadError.
func (c *Client) GlobalNetworks(ctx context.Context) ([]string, error) {
	var out []string
	input := &networkmanager.DescribeGlobalNetworksInput{MaxResults: aws.Int32(maxResults)}
	err := follow(func(token *string) (*string, error) {
		ctx, cancel := c.clock.Timeout(ctx, c.timeout)
		defer cancel()
		input.NextToken = token
		output, err := c.api.DescribeGlobalNetworks(ctx, input)
		if err != nil {
			return nil, over(ctx, err)
		}
		for _, shown := range output.GlobalNetworks {
			out = append(out, aws.ToString(shown.GlobalNetworkId))
		}
		return output.NextToken, nil
	})
	if err != nil {
		return nil, &doctor.ReadError{Problem: problemOf(err), Err: fmt.Errorf("listing global networks: %w", err)}
	}
	return out, nil
}

// Registrations returns the transit gateways that are registered with a global
// network. Source: Network Manager API, GetTransitGatewayRegistrations. An error is a
// *Error.
func (c *Client) Registrations(ctx context.Context, network string) ([]doctor.Registration, error) {
	var out []doctor.Registration
	input := &networkmanager.GetTransitGatewayRegistrationsInput{GlobalNetworkId: aws.String(network), MaxResults: aws.Int32(maxResults)}
	err := follow(func(token *string) (*string, error) {
		ctx, cancel := c.clock.Timeout(ctx, c.timeout)
		defer cancel()
		input.NextToken = token
		output, err := c.api.GetTransitGatewayRegistrations(ctx, input)
		if err != nil {
			return nil, over(ctx, err)
		}
		for _, shown := range output.TransitGatewayRegistrations {
			r := doctor.Registration{GlobalNetwork: network}
			r.Region, r.Account, r.TransitGateway = readARN(aws.ToString(shown.TransitGatewayArn))
			if shown.State != nil {
				r.State = string(shown.State.Code)
			}
			out = append(out, r)
		}
		return output.NextToken, nil
	})
	if err != nil {
		return nil, &doctor.ReadError{Problem: problemOf(err), Err: fmt.Errorf("listing the registrations of %s: %w", network, err)}
	}
	return out, nil
}

// readARN takes arn:PARTITION:ec2:REGION:ACCOUNT:transit-gateway/ID apart. What is no
// such ARN names no transit gateway.
func readARN(arn string) (region, account, id string) {
	parts := strings.SplitN(arn, ":", 6)
	if len(parts) != 6 {
		return "", "", ""
	}
	_, id, _ = strings.Cut(parts[5], "/")
	return parts[3], parts[4], id
}

// over says that a call's time ran out, whatever the transport made of it.
func over(ctx context.Context, err error) error {
	if ended := ctx.Err(); ended != nil && !errors.Is(err, ended) {
		return fmt.Errorf("%w: %w", ended, err)
	}
	return err
}

// follow reads the pages of an answer. A page that was read already is not read again:
// the answer would have no end.
func follow(page func(token *string) (next *string, err error)) error {
	read := map[string]bool{"": true}
	for token := (*string)(nil); ; {
		next, err := page(token)
		if err != nil {
			return err
		}
		name := aws.ToString(next)
		if name == "" {
			return nil
		}
		if read[name] {
			return errPaging
		}
		read[name], token = true, next
	}
}

// problemOf says why a read failed. A server's failure (5xx) counts as a timeout: there
// was no usable answer, and the next call may get one. Source: Network Manager API
// reference, Common errors; STS API reference, Common errors.
func problemOf(err error) route.Problem {
	var answered smithy.APIError
	isAnswered := errors.As(err, &answered)
	if isAnswered {
		switch answered.ErrorCode() {
		case "ThrottlingException", "Throttling", "TooManyRequestsException", "RequestLimitExceeded":
			return route.ProblemThrottled
		case "AccessDeniedException", "AccessDenied", "UnrecognizedClientException", "InvalidSignatureException", "OptInRequired",
			"ExpiredTokenException", "ExpiredToken", "MissingAuthenticationTokenException", "IncompleteSignature", "NotAuthorized":
			return route.ProblemDenied
		case "ResourceNotFoundException":
			return route.ProblemGone
		}
	}
	if errors.Is(err, context.DeadlineExceeded) || errors.Is(err, context.Canceled) {
		return route.ProblemTimeout
	}
	var response *smithyhttp.ResponseError
	if errors.As(err, &response) && response.HTTPStatusCode() >= http.StatusInternalServerError {
		return route.ProblemTimeout
	}
	var garbled *smithy.DeserializationError
	if isAnswered || errors.As(err, &garbled) || errors.Is(err, errPaging) {
		return route.ProblemMalformed
	}
	return route.ProblemTimeout
}
