package awscloudwatch

import (
	"context"
	"errors"
	"net/http"

	"github.com/aws/smithy-go"
	smithyhttp "github.com/aws/smithy-go/transport/http"

	"detour/shared/route"
)

var (
	// errNoClient: there is no SDK configuration for the account and Region, so no
	// call was made.
	errNoClient = errors.New("no client for the account and Region")
	// errNoAlarm: a subject is no alarm.
	errNoAlarm = errors.New("CloudWatch has no facts about a subject of this kind")
	// errPaging: the pages of an answer go round in a circle.
	errPaging = errors.New("the answer names a page as the next one that was read already")
)

// problemOf says why a read failed. A server's failure (5xx) counts as a
// timeout: there was no usable answer, and the next call may get one. Source:
// CloudWatch API reference, Common errors; STS API reference, Common errors,
// since a role may have to be assumed first.
func problemOf(err error) route.Problem {
	if errors.Is(err, errNoClient) {
		return route.ProblemDenied
	}
	var answered smithy.APIError
	isAnswered := errors.As(err, &answered)
	if isAnswered {
		switch answered.ErrorCode() {
		case "Throttling", "ThrottlingException", "ThrottledException", "RequestThrottled",
			"RequestThrottledException", "RequestLimitExceeded", "TooManyRequestsException", "SlowDown":
			return route.ProblemThrottled
		case "AccessDenied", "AccessDeniedException", "AuthFailure", "NotAuthorized", "UnauthorizedOperation",
			"OptInRequired", "InvalidClientTokenId", "UnrecognizedClientException", "SignatureDoesNotMatch",
			"IncompleteSignature", "MissingAuthenticationToken", "ExpiredToken", "ExpiredTokenException":
			return route.ProblemDenied
		}
	}
	if errors.Is(err, context.DeadlineExceeded) || errors.Is(err, context.Canceled) {
		return route.ProblemTimeout // An answer that was cut off cannot be read either.
	}
	var response *smithyhttp.ResponseError
	if errors.As(err, &response) && response.HTTPStatusCode() >= http.StatusInternalServerError {
		return route.ProblemTimeout
	}
	var garbled *smithy.DeserializationError
	if isAnswered || errors.As(err, &garbled) || errors.Is(err, errPaging) || errors.Is(err, errNoAlarm) {
		return route.ProblemMalformed
	}
	return route.ProblemTimeout
}
