package awsec2

import (
	"context"
	"errors"
	"net/http"
	"strings"

	"github.com/aws/smithy-go"
	smithyhttp "github.com/aws/smithy-go/transport/http"

	"detour/shared/route"
)

// The error codes that mean something to Detour. Source: EC2 developer guide,
// Error codes for the Amazon EC2 API, and Request throttling; STS API
// reference, Common errors, since a role may have to be assumed first.
const (
	codeRouteAlreadyExists    = "RouteAlreadyExists"
	codeRouteNotFound         = "InvalidRoute.NotFound"
	codeInvalidParameterValue = "InvalidParameterValue"
	codePassing               = "InvalidParameterException"
	codeAttachmentNotFound    = "InvalidTransitGatewayAttachmentID.NotFound"
	// codeNone is what the SDK makes of an answer that has no code.
	codeNone = "UnknownError"
	// codeDryRun answers a dry run of a call that would have been let through.
	codeDryRun = "DryRunOperation"
)

func isThrottle(code string) bool {
	switch code {
	case "RequestLimitExceeded", "Throttling", "ThrottlingException", "ThrottledException",
		"RequestThrottled", "RequestThrottledException", "TooManyRequestsException",
		"EC2ThrottledException", "SlowDown", "BandwidthLimitExceeded":
		return true
	}
	return false
}

func isBusy(code string) bool {
	return code == "ConcurrentMutationLimitExceeded" || code == "IncorrectState"
}

func isDenied(code string) bool {
	switch code {
	case "UnauthorizedOperation", "AuthFailure", "AccessDenied", "AccessDeniedException",
		"OptInRequired", "InvalidClientTokenId", "UnrecognizedClientException",
		"SignatureDoesNotMatch", "ExpiredToken", "ExpiredTokenException":
		return true
	}
	return false
}

// What is wrong with an answer that says nothing of an error.
var (
	// errPaging: its pages go round in a circle.
	errPaging = errors.New("the answer names a page as the next one that was read already")
	// errCutOff: it has more, and says not how to get it.
	errCutOff = errors.New("the answer has more routes, and names no page for them")
	// errNoCIDR: an entry of a prefix list is no CIDR block.
	errNoCIDR = errors.New("an entry of the list is no CIDR block")
)

func isMalformed(err error) bool {
	var garbled *smithy.DeserializationError
	return errors.As(err, &garbled) || errors.Is(err, errPaging) || errors.Is(err, errCutOff) || errors.Is(err, errNoCIDR)
}

// classify says what the error code of a write means. InvalidParameterValue is
// how ReplaceRoute may answer that the destination has no route; a re-read has
// to bear that out, since it also stands for other mistakes, a gateway that is
// not attached to the VPC among them.
func classify(change route.Change, code string) route.Outcome {
	kind, op := change.Table.Kind, change.Op
	switch {
	case code == codeDryRun:
		return route.Allowed
	case code == codeRouteAlreadyExists, code == codeRouteNotFound, isStalePropagation(op, code):
		return route.PreconditionFailed
	case code == codeInvalidParameterValue && kind == route.VPCTable && op == route.OpReplace:
		return route.PreconditionFailed
	case kind == route.TransitGatewayTable && change.Destination.List() != "" && isStaleReference(op, code):
		return route.PreconditionFailed
	case isThrottle(code):
		return route.Throttled
	case isBusy(code):
		return route.Busy
	case isDenied(code):
		return route.Denied
	default:
		return route.Failed
	}
}

// isStaleReference reports whether a code may say that a prefix list reference
// exists already, or does not exist. EC2's codes for that are UNVERIFIED, so the
// ways in which EC2 names such codes elsewhere are all taken for it, and a
// re-read has to bear it out. Codes about the list, the table or the attachment
// are none: InvalidPrefixListID.NotFound, InvalidRouteTableID.NotFound.
func isStaleReference(op route.Op, code string) bool {
	if strings.EqualFold(code, codeInvalidParameterValue) {
		return true
	}
	if op == route.OpCreate {
		return strings.HasSuffix(code, "AlreadyExists") || strings.HasSuffix(code, ".Duplicate")
	}
	return strings.HasSuffix(code, "Reference.NotFound") || strings.HasSuffix(code, "ReferenceNotFound")
}

// receipt says what became of a change whose call answered err.
func receipt(change route.Change, err error) route.Receipt {
	out := route.Receipt{Change: change, Outcome: route.Applied}
	if err == nil {
		return out
	}
	out.Outcome, out.Message = route.Failed, err.Error()
	var answered smithy.APIError
	switch {
	case errors.Is(err, errNoClient):
		out.Outcome = route.Denied
	case errors.As(err, &noCallError{}):
		out.Outcome = route.Refused
	case errors.As(err, &answered):
		out.Code, out.Message = answered.ErrorCode(), answered.ErrorMessage()
		out.Outcome = classify(change, out.Code)
		if out.Outcome == route.Failed && isRefusal(err, out.Code) {
			out.Outcome, out.Gone = route.Refused, out.Code == codeAttachmentNotFound
		}
	}
	return out
}

// isRefusal reports whether EC2 looked at the call and said no (400 or another
// client error: EC2 developer guide, Error codes for the Amazon EC2 API), which is
// certain to have had no effect. An answer without a code is no such word, and
// Terraform's provider treats InvalidParameterException as what passes by itself.
func isRefusal(err error, code string) bool {
	var response *smithyhttp.ResponseError
	if !errors.As(err, &response) || code == "" || code == codeNone || code == codePassing {
		return false
	}
	status := response.HTTPStatusCode()
	return status >= http.StatusBadRequest && status < http.StatusInternalServerError &&
		status != http.StatusRequestTimeout && status != http.StatusTooManyRequests
}

// problemOf says why a read failed. A server's failure (5xx) counts as a
// timeout: there was no usable answer, and the next call may get one.
func problemOf(err error) route.Problem {
	if err == nil {
		return route.NoProblem
	}
	if errors.Is(err, errNoClient) {
		return route.ProblemDenied
	}
	var answered smithy.APIError
	isAnswered := errors.As(err, &answered)
	if isAnswered {
		switch code := answered.ErrorCode(); {
		case isThrottle(code):
			return route.ProblemThrottled
		case isDenied(code):
			return route.ProblemDenied
		case strings.HasSuffix(code, ".NotFound"):
			return route.ProblemGone
		}
	}
	if errors.Is(err, context.DeadlineExceeded) || errors.Is(err, context.Canceled) {
		return route.ProblemTimeout // An answer that was cut off cannot be read either.
	}
	var response *smithyhttp.ResponseError
	if errors.As(err, &response) && response.HTTPStatusCode() >= http.StatusInternalServerError {
		return route.ProblemTimeout
	}
	if isAnswered || isMalformed(err) {
		return route.ProblemMalformed
	}
	return route.ProblemTimeout
}

// spoiledByOneID reports whether a Describe call failed because of one of the
// ids that it was asked for: EC2 then answers nothing of the others. resource
// is the start of the code, whose casing EC2 varies.
func spoiledByOneID(err error, resource string) bool {
	var answered smithy.APIError
	if !errors.As(err, &answered) {
		return false
	}
	code := answered.ErrorCode()
	return strings.EqualFold(code, resource+".NotFound") || strings.EqualFold(code, resource+".Malformed")
}
