package sim

import (
	"fmt"
	"net/http"
	"net/netip"
)

// The codes below keep the casing of the EC2 API reference, which is not
// uniform: InvalidRouteTableID.NotFound, but InvalidRouteTableId.Malformed.
const (
	codeRouteTableNotFound  = "InvalidRouteTableID.NotFound"
	codeRouteTableMalformed = "InvalidRouteTableId.Malformed"
	codeAttachmentNotFound  = "InvalidTransitGatewayAttachmentID.NotFound"
	codeAttachmentMalformed = "InvalidTransitGatewayAttachmentID.Malformed"
	codeGatewayNotFound     = "InvalidTransitGatewayID.NotFound"
	codeIncorrectState      = "IncorrectState"
	codeRouteAlreadyExists  = "RouteAlreadyExists"
	codeRouteNotFound       = "InvalidRoute.NotFound"
	codeRouteLimit          = "RouteLimitExceeded"
	codeInvalidParameter    = "InvalidParameterValue"
	codeDryRun              = "DryRunOperation"
	codeRequestLimit        = "RequestLimitExceeded"
	// codeTGWRouteLimit is UNVERIFIED: no source names the code of a full transit gateway.
	codeTGWRouteLimit        = "TransitGatewayRouteLimitExceeded"
	codePropagationDuplicate = "TransitGatewayRouteTablePropagation.Duplicate"
	codePropagationNotFound  = "TransitGatewayRouteTablePropagation.NotFound"
	// codePropagationProbed is what a live probe saw in the place of
	// codePropagationNotFound, with this casing (floci-io/floci).
	codePropagationProbed = "InvalidparameterValue"
	// codeNotPermitted exists; that it is the answer where the World gives it is UNVERIFIED.
	codeNotPermitted = "OperationNotPermitted"
	// The codes of prefix list references are UNVERIFIED; these are made like
	// those of propagations.
	codeReferenceDuplicate = "TransitGatewayPrefixListReference.Duplicate"
	codeReferenceNotFound  = "TransitGatewayPrefixListReference.NotFound"
)

// targetNotSupported is the message for a target that a route equal to or more
// specific than the local one does not take.
const targetNotSupported = "Route target is not supported. This route only supports interface and instance targets."

func badRequest(code, format string, args ...any) *APIError {
	return &APIError{Status: http.StatusBadRequest, Code: code, Message: fmt.Sprintf(format, args...)}
}

func errRequestLimit() *APIError {
	return &APIError{Status: http.StatusServiceUnavailable, Code: codeRequestLimit, Message: "Request limit exceeded."}
}

// errDryRun has HTTP status 412, as an answer of EC2 that was recorded in the
// issue tracker of an emulator shows (getmoto/moto issue 1980).
func errDryRun() *APIError {
	return &APIError{
		Status: http.StatusPreconditionFailed, Code: codeDryRun,
		Message: "Request would have succeeded, but DryRun flag is set.",
	}
}

func errTGWTableNotFound(table string) *APIError {
	return badRequest(codeRouteTableNotFound, "Transit Gateway Route Table %s was deleted or does not exist.", table)
}

func errAttachmentNotFound(id string) *APIError {
	return badRequest(codeAttachmentNotFound, "Transit Gateway Attachment %s was deleted or does not exist.", id)
}

// errConnectStatic refuses a static route to a Connect attachment, which takes
// none (Transit Gateway guide, Connect). The code is UNVERIFIED.
func errConnectStatic(id string) *APIError {
	return badRequest(codeNotPermitted, "Static routes are not supported for Transit Gateway Connect attachment %s.", id)
}

func errTGWRouteLimit() *APIError {
	return badRequest(codeTGWRouteLimit, "You have reached the limit on the number of routes you can add to this transit gateway.")
}

func errTGWRouteExists(dst netip.Prefix, table string) *APIError {
	return badRequest(codeRouteAlreadyExists, "Route %s already exists in Transit Gateway Route Table %s.", dst, table)
}

func errTGWRouteNotFound(dst netip.Prefix, table string) *APIError {
	return badRequest(codeRouteNotFound, "The route %s does not exist in Transit Gateway Route Table %s.", dst, table)
}

func errVPCTableNotFound(table string) *APIError {
	return badRequest(codeRouteTableNotFound, "The routeTable ID '%s' does not exist", table)
}

func errGatewayNotFound(id string) *APIError {
	return badRequest(codeGatewayNotFound, "The transitGateway ID '%s' does not exist.", id)
}
