package endpoint_test

import (
	"io"
	"net/http"
	"strings"
	"testing"

	"detour/shared/sim/authz"
	"detour/shared/sim/cbor"
	"detour/shared/sim/endpoint"
)

const role = "arn:aws:iam::111122223333:role/detour"

// guarded is an endpoint whose faces answer with the body of the request, and which
// has a role that may do what the policy says.
func guarded(t *testing.T, statement string, told *[]string) *endpoint.Handler {
	t.Helper()
	p, err := authz.Parse([]byte(`{"Version":"2012-10-17","Statement":` + statement + `}`))
	if err != nil {
		t.Fatal(err)
	}
	face := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		_, _ = w.Write(append([]byte("seen: "), body...))
	})
	faces := map[string]http.Handler{}
	for _, service := range []string{"ec2", "sts", "dynamodb", "sqs", "events", "monitoring"} {
		faces[service] = face
	}
	h := endpoint.New(faces)
	h.Authorize(authz.New([]authz.Role{{ARN: role, Policies: map[string]authz.Policy{"p": p}}}, nil),
		func(_ *http.Request, c authz.Call, code string, d *authz.Denial) {
			*told = append(*told, c.Operation+" "+code+" "+d.Action)
		})
	return h
}

// TestDenied: each service's answer in each protocol, and what is told of it. A
// dry run of somebody who is not allowed is refused like the call itself.
func TestDenied(t *testing.T) {
	alarms := string(cbor.Encode(map[string]any{}))
	for _, c := range []struct {
		name, service, target, body string
		status                      int
		want                        []string
		told                        string
	}{
		{
			"EC2", "ec2", "", "Action=ReplaceRoute&RouteTableId=rtb-1&DryRun=true", 403,
			[]string{"<Response><Errors><Error><Code>UnauthorizedOperation</Code>", "You are not authorized to perform this operation. User: arn:aws:sts::111122223333:assumed-role/detour/me", "route-table/rtb-1"},
			"ReplaceRoute UnauthorizedOperation ec2:ReplaceRoute",
		},
		{"STS", "sts", "", "Action=AssumeRole&RoleArn=arn:aws:iam::444455556666:role/x", 403, []string{"<Code>AccessDenied</Code>", "sts:AssumeRole"}, "AssumeRole AccessDenied sts:AssumeRole"},
		{"DynamoDB", "dynamodb", "DynamoDB_20120810.GetItem", `{"TableName":"t"}`, 400, []string{`#AccessDeniedException"`, "table/t"}, "GetItem AccessDeniedException dynamodb:GetItem"},
		{"SQS", "sqs", "AmazonSQS.SendMessage", `{"QueueUrl":"http://x/111122223333/q"}`, 403, []string{`#AccessDeniedException"`}, "SendMessage AccessDenied sqs:SendMessage"},
		{"EventBridge", "events", "AWSEvents.PutEvents", `{"Entries":[{}]}`, 400, []string{`#AccessDeniedException"`, "event-bus/default"}, "PutEvents AccessDeniedException events:PutEvents"},
		{"CloudWatch", "monitoring", "", alarms, 403, []string{"AccessDenied", "cloudwatch:DescribeAlarms"}, "DescribeAlarms AccessDenied cloudwatch:DescribeAlarms"},
	} {
		var told []string
		h := guarded(t, `{"Effect":"Allow","Action":"s3:*","Resource":"*"}`, &told)
		r := request(t, signed(c.service), c.body)
		r.Header.Set("X-Amz-Security-Token", authz.RoleToken(role, "me"))
		if c.target != "" {
			r.Header.Set("X-Amz-Target", c.target)
		}
		if c.service == "monitoring" {
			r.Header.Set("Smithy-Protocol", "rpc-v2-cbor")
			r.URL.Path = "/service/GraniteServiceVersion20100801/operation/DescribeAlarms"
		}
		resp, err := h.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		body, _ := io.ReadAll(resp.Body)
		if resp.StatusCode != c.status || len(told) != 1 || told[0] != c.told {
			t.Errorf("%s: %s, told %q, %s", c.name, resp.Status, told, body)
		}
		for _, want := range c.want {
			if !strings.Contains(string(body), want) {
				t.Errorf("%s: %s does not have %s", c.name, body, want)
			}
		}
	}
}

// TestAllowed: the face sees the request as it came, body and all; so it does of
// who has no role, and of what is in no form.
func TestAllowed(t *testing.T) {
	for _, c := range []struct{ name, token, body, want string }{
		{"by the policy", authz.RoleToken(role, "me"), "Action=DescribeVpcs", "seen: Action=DescribeVpcs"},
		{"no role", "", "Action=DeleteRoute&RouteTableId=rtb-1", "seen: Action=DeleteRoute&RouteTableId=rtb-1"},
		{"no action", authz.RoleToken(role, "me"), "x=1", "seen: x=1"},
		{"no form", authz.RoleToken(role, "me"), "%zz", "seen: %zz"},
		{"unknown", authz.RoleToken(role, "me"), "Action=TerminateInstances", "ec2:TerminateInstances"},
	} {
		var told []string
		h := guarded(t, `{"Effect":"Allow","Action":"ec2:Describe*","Resource":"*"}`, &told)
		r := request(t, signed("ec2"), c.body)
		if c.token != "" {
			r.Header.Set("X-Amz-Security-Token", c.token)
		}
		resp, err := h.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		if body, _ := io.ReadAll(resp.Body); !strings.Contains(string(body), c.want) || len(told) != 0 {
			t.Errorf("%s: %s, told %q", c.name, body, told)
		}
	}
}
