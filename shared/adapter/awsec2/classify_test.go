package awsec2

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"testing"

	"github.com/aws/smithy-go"
	smithyhttp "github.com/aws/smithy-go/transport/http"

	"detour/shared/route"
)

func TestClassify(t *testing.T) {
	anyOp := []route.Op{route.OpCreate, route.OpReplace, route.OpDelete}
	for _, test := range []struct {
		code string
		want route.Outcome
	}{
		{"RouteAlreadyExists", route.PreconditionFailed},
		{"InvalidRoute.NotFound", route.PreconditionFailed},
		{"RequestLimitExceeded", route.Throttled},
		{"Throttling", route.Throttled},
		{"ThrottlingException", route.Throttled},
		{"EC2ThrottledException", route.Throttled},
		{"SlowDown", route.Throttled},
		{"ConcurrentMutationLimitExceeded", route.Busy},
		{"IncorrectState", route.Busy},
		{"UnauthorizedOperation", route.Denied},
		{"AuthFailure", route.Denied},
		{"AccessDenied", route.Denied},
		{"AccessDeniedException", route.Denied},
		{"OptInRequired", route.Denied},
		{"RouteLimitExceeded", route.Failed},
		{"InvalidRouteTableID.NotFound", route.Failed},
		{"InvalidTransitGatewayAttachmentID.NotFound", route.Failed},
		{"InvalidRoute.InvalidState", route.Failed},
		{"MissingParameter", route.Failed},
		{"InternalError", route.Failed},
		{"ServiceUnavailable", route.Failed},
		{"", route.Failed},
		{"routealreadyexists", route.Failed},
	} {
		for _, kind := range []route.TableKind{route.VPCTable, route.TransitGatewayTable} {
			for _, op := range anyOp {
				if got := classify(route.Change{Table: route.Table{Kind: kind}, Op: op}, test.code); got != test.want {
					t.Errorf("%s of %s with %q is %s, want %s", op, kind, test.code, got, test.want)
				}
			}
		}
	}
	for _, kind := range []route.TableKind{route.VPCTable, route.TransitGatewayTable} {
		for _, op := range anyOp {
			want := route.Failed
			if kind == route.VPCTable && op == route.OpReplace {
				want = route.PreconditionFailed
			}
			if got := classify(route.Change{Table: route.Table{Kind: kind}, Op: op}, "InvalidParameterValue"); got != want {
				t.Errorf("%s of %s with InvalidParameterValue is %s, want %s", op, kind, got, want)
			}
		}
	}
}

func TestClassifyReferences(t *testing.T) {
	of := func(kind route.TableKind, op route.Op, code string) route.Outcome {
		return classify(route.Change{Table: route.Table{Kind: kind}, Destination: route.PrefixList("pl-1"), Op: op}, code)
	}
	for _, test := range []struct {
		code                    string
		create, modify, discard route.Outcome
	}{
		{"InvalidParameterValue", route.PreconditionFailed, route.PreconditionFailed, route.PreconditionFailed},
		{"InvalidparameterValue", route.PreconditionFailed, route.PreconditionFailed, route.PreconditionFailed},
		{"RouteAlreadyExists", route.PreconditionFailed, route.PreconditionFailed, route.PreconditionFailed},
		{"TransitGatewayPrefixListReference.Duplicate", route.PreconditionFailed, route.Failed, route.Failed},
		{"PrefixListReferenceAlreadyExists", route.PreconditionFailed, route.Failed, route.Failed},
		{"TransitGatewayPrefixListReference.NotFound", route.Failed, route.PreconditionFailed, route.PreconditionFailed},
		{"InvalidPrefixListReference.NotFound", route.Failed, route.PreconditionFailed, route.PreconditionFailed},
		{"PrefixListReferenceNotFound", route.Failed, route.PreconditionFailed, route.PreconditionFailed},
		{"InvalidPrefixListID.NotFound", route.Failed, route.Failed, route.Failed},
		{"InvalidRouteTableID.NotFound", route.Failed, route.Failed, route.Failed},
		{"InvalidTransitGatewayAttachmentID.NotFound", route.Failed, route.Failed, route.Failed},
		{"IncorrectState", route.Busy, route.Busy, route.Busy},
		{"UnauthorizedOperation", route.Denied, route.Denied, route.Denied},
		{"RequestLimitExceeded", route.Throttled, route.Throttled, route.Throttled},
	} {
		for op, want := range map[route.Op]route.Outcome{route.OpCreate: test.create, route.OpReplace: test.modify, route.OpDelete: test.discard} {
			if got := of(route.TransitGatewayTable, op, test.code); got != want {
				t.Errorf("%s of a reference with %q is %s, want %s", op, test.code, got, want)
			}
		}
	}
	// In a VPC table a prefix list is the destination of an ordinary route.
	if got := of(route.VPCTable, route.OpReplace, "TransitGatewayPrefixListReference.NotFound"); got != route.Failed {
		t.Errorf("a VPC route is %s", got)
	}
	if got := of(route.VPCTable, route.OpReplace, "InvalidParameterValue"); got != route.PreconditionFailed {
		t.Errorf("a VPC route is %s", got)
	}
}

func TestClassifySwitchesOfPropagations(t *testing.T) {
	for _, test := range []struct {
		code    string
		on, off route.Outcome
	}{
		{"TransitGatewayRouteTablePropagation.Duplicate", route.PreconditionFailed, route.Failed},
		{"TransitGatewayRouteTablePropagation.NotFound", route.Failed, route.PreconditionFailed},
		{"InvalidparameterValue", route.Failed, route.PreconditionFailed},
		{"InvalidParameterValue", route.Failed, route.PreconditionFailed},
		{"InvalidTransitGatewayAttachmentID.NotFound", route.Failed, route.Failed},
		{"InvalidRouteTableID.NotFound", route.Failed, route.Failed},
		{"OperationNotPermitted", route.Failed, route.Failed},
		{"IncorrectState", route.Busy, route.Busy},
		{"RequestLimitExceeded", route.Throttled, route.Throttled},
		{"UnauthorizedOperation", route.Denied, route.Denied},
	} {
		for on, want := range map[bool]route.Outcome{true: test.on, false: test.off} {
			if got := classify(route.SwitchPropagation(tgwTable("tgw-rtb-1"), "tgw-attach-1", on), test.code); got != want {
				t.Errorf("a switch with %q is %s, want %s (on: %t)", test.code, got, want, on)
			}
		}
	}
}

func answered(code string, status int) error {
	return &smithy.OperationError{Err: &smithyhttp.ResponseError{
		Response: &smithyhttp.Response{Response: &http.Response{StatusCode: status}},
		Err:      &smithy.GenericAPIError{Code: code, Message: "about " + code},
	}}
}

func TestReceipt(t *testing.T) {
	change := route.Change{Table: vpcTable("rtb-1"), Op: route.OpReplace}
	for _, test := range []struct {
		name          string
		err           error
		outcome       route.Outcome
		code, message string
	}{
		{"success", nil, route.Applied, "", ""},
		{"api error", answered("RequestLimitExceeded", 503), route.Throttled, "RequestLimitExceeded", "about RequestLimitExceeded"},
		{"no such gateway", answered("Gateway.NotAttached", 400), route.Refused, "Gateway.NotAttached", "about Gateway.NotAttached"},
		{"a code that is not known", answered("Whatever", 403), route.Refused, "Whatever", "about Whatever"},
		{"a precondition", answered("InvalidParameterValue", 400), route.PreconditionFailed, "InvalidParameterValue", "about InvalidParameterValue"},
		{"busy", answered("IncorrectState", 400), route.Busy, "IncorrectState", "about IncorrectState"},
		{"what passes by itself", answered("InvalidParameterException", 400), route.Failed, "InvalidParameterException", "about InvalidParameterException"},
		{"too late", answered("RequestTimeout", 408), route.Failed, "RequestTimeout", "about RequestTimeout"},
		{"too many", answered("Whatever", 429), route.Failed, "Whatever", "about Whatever"},
		{"a server's failure", answered("Unavailable", 503), route.Failed, "Unavailable", "about Unavailable"},
		{"no code", answered("UnknownError", 400), route.Failed, "UnknownError", "about UnknownError"},
		{"an error without an answer", &smithy.GenericAPIError{Code: "Whatever", Message: "no status"}, route.Failed, "Whatever", "no status"},
		{"no client", fmt.Errorf("%w: no role", errNoClient), route.Denied, "", "no client for the account and Region: no role"},
		{"timeout", fmt.Errorf("sending: %w", context.DeadlineExceeded), route.Failed, "", "sending: context deadline exceeded"},
		{"cancel", context.Canceled, route.Failed, "", "context canceled"},
		{"network", errors.New("connection reset"), route.Failed, "", "connection reset"},
	} {
		got := receipt(change, test.err)
		if got.Gone || got.Outcome != test.outcome || got.Code != test.code || got.Message != test.message || got.Change != change {
			t.Errorf("%s: got %+v", test.name, got)
		}
	}
}

func TestReceiptOfWhatIsGone(t *testing.T) {
	for _, test := range []struct {
		err  error
		want bool
	}{
		{answered("InvalidTransitGatewayAttachmentID.NotFound", 400), true},
		{answered("InvalidTransitGatewayAttachmentID.NotFound", 503), false},
		{answered("InvalidTransitGatewayAttachmentID.Malformed", 400), false},
		{answered("InvalidRouteTableID.NotFound", 400), false},
		{answered("IncorrectState", 400), false},
		{answered("RequestLimitExceeded", 503), false},
	} {
		for _, change := range []route.Change{
			{Table: tgwTable("tgw-rtb-1"), Op: route.OpReplace},
			route.SwitchPropagation(tgwTable("tgw-rtb-1"), "tgw-attach-1", true),
			route.SwitchPropagation(tgwTable("tgw-rtb-1"), "tgw-attach-1", false),
		} {
			if got := receipt(change, test.err); got.Gone != test.want || got.Gone && got.Outcome != route.Refused {
				t.Errorf("%s with %v: %+v", change, test.err, got)
			}
		}
	}
}

func TestProblemOf(t *testing.T) {
	for _, test := range []struct {
		err  error
		want route.Problem
	}{
		{nil, route.NoProblem},
		{answered("RequestLimitExceeded", 503), route.ProblemThrottled},
		{answered("UnauthorizedOperation", 403), route.ProblemDenied},
		{answered("AuthFailure", 401), route.ProblemDenied},
		{answered("InvalidRouteTableID.NotFound", 400), route.ProblemGone},
		{answered("InvalidVpnConnectionID.NotFound", 400), route.ProblemGone},
		{answered("InvalidParameterValue", 400), route.ProblemMalformed},
		{answered("InternalError", 500), route.ProblemTimeout},
		{answered("UnknownError", 502), route.ProblemTimeout},
		{fmt.Errorf("%w: no role", errNoClient), route.ProblemDenied},
		{context.DeadlineExceeded, route.ProblemTimeout},
		{context.Canceled, route.ProblemTimeout},
		{errors.New("connection reset"), route.ProblemTimeout},
		{&smithy.DeserializationError{Err: errors.New("bad XML")}, route.ProblemMalformed},
		{fmt.Errorf("describing: %w", errPaging), route.ProblemMalformed},
		{errCutOff, route.ProblemMalformed},
		{fmt.Errorf("%w: nonsense", errNoCIDR), route.ProblemMalformed},
		{answered("InvalidPrefixListId.NotFound", 400), route.ProblemGone},
	} {
		if got := problemOf(test.err); got != test.want {
			t.Errorf("%v is %q, want %q", test.err, got, test.want)
		}
	}
}

func TestSpoiledByOneID(t *testing.T) {
	for code, want := range map[string]bool{
		"InvalidRouteTableID.NotFound": true, "InvalidRouteTableId.Malformed": true, "InvalidRouteTableId.NotFound": true,
		"InvalidRouteTableID.Malformed": true, "InvalidRoute.NotFound": false, "RequestLimitExceeded": false,
	} {
		if got := spoiledByOneID(answered(code, 400), routeTableID); got != want {
			t.Errorf("%s: got %v", code, got)
		}
	}
	if spoiledByOneID(nil, routeTableID) || spoiledByOneID(context.Canceled, routeTableID) {
		t.Error("an error without a code counts")
	}
}
