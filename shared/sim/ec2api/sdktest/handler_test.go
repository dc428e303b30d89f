package sdktest

import (
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"detour/shared/sim/ec2api"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/credentials/stscreds"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/sts"
)

// post makes a signed-looking request.
func post(body, id, service string) *http.Request {
	r, err := http.NewRequest(http.MethodPost, "https://ec2.eu-west-1.amazonaws.com/", strings.NewReader(body))
	if err != nil {
		panic(err)
	}
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	if id != "" {
		r.Header.Set("Authorization", "AWS4-HMAC-SHA256 Credential="+id+"/20260101/eu-west-1/"+service+"/aws4_request, SignedHeaders=host, Signature=0")
	}
	return r
}

func send(h *ec2api.Handler, r *http.Request) (int, string) {
	resp, err := h.Do(r)
	if err != nil {
		return 0, err.Error()
	}
	body, _ := io.ReadAll(resp.Body)
	return resp.StatusCode, string(body)
}

func rawBody(h *ec2api.Handler, body, id, service string) (int, string) {
	return send(h, post(body, id, service))
}

func stsClient(h *ec2api.Handler) *sts.Client {
	return sts.New(sts.Options{
		Region: region, HTTPClient: h, Retryer: aws.NopRetryer{},
		Credentials: credentials.NewStaticCredentialsProvider(account, "x", ""),
	})
}

func TestFrames(t *testing.T) {
	f := sample()
	h := ec2api.New(f)
	status, body := raw(h, url.Values{"Action": {"DescribeRouteTables"}, "Version": {ec2Version}, "RouteTableId.1": {"rtb-3"}})
	want := `<?xml version="1.0" encoding="UTF-8"?>
<DescribeRouteTablesResponse xmlns="http://ec2.amazonaws.com/doc/2016-11-15/"><requestId>00000000-0000-4000-8000-000000000001</requestId><routeTableSet><item><routeTableId>rtb-3</routeTableId><vpcId>vpc-2</vpcId><ownerId>111122223333</ownerId><routeSet></routeSet><associationSet><item><routeTableAssociationId>rtbassoc-3</routeTableAssociationId><routeTableId>rtb-3</routeTableId><main>true</main><associationState><state>associated</state></associationState></item></associationSet><propagatingVgwSet></propagatingVgwSet><tagSet></tagSet></item></routeTableSet></DescribeRouteTablesResponse>`
	if status != 200 || body != want {
		t.Errorf("%d\n%s", status, body)
	}
	status, body = raw(h, url.Values{"Action": {"RunInstances"}, "Version": {ec2Version}})
	want = `<?xml version="1.0" encoding="UTF-8"?>
<Response><Errors><Error><Code>InvalidAction</Code><Message>The action RunInstances is not valid for this web service.</Message></Error></Errors><RequestID>00000000-0000-4000-8000-000000000002</RequestID></Response>`
	if status != 400 || body != want {
		t.Errorf("%d\n%s", status, body)
	}
	status, body = rawBody(h, "Action=GetCallerIdentity&Version="+stsVersion, account, "sts")
	want = `<?xml version="1.0" encoding="UTF-8"?>
<GetCallerIdentityResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><GetCallerIdentityResult><Arn>arn:aws:iam::111122223333:root</Arn><UserId>111122223333</UserId><Account>111122223333</Account></GetCallerIdentityResult><ResponseMetadata><RequestId>00000000-0000-4000-8000-000000000003</RequestId></ResponseMetadata></GetCallerIdentityResponse>`
	if status != 200 || body != want {
		t.Errorf("%d\n%s", status, body)
	}
	status, body = rawBody(h, "Action=CreateRoute&Version="+stsVersion, account, "sts")
	want = `<?xml version="1.0" encoding="UTF-8"?>
<ErrorResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><Error><Type>Sender</Type><Code>InvalidAction</Code><Message>The action CreateRoute is not valid for this web service.</Message></Error><RequestId>00000000-0000-4000-8000-000000000004</RequestId></ErrorResponse>`
	if status != 400 || body != want {
		t.Errorf("%d\n%s", status, body)
	}
}

func TestRefusals(t *testing.T) {
	read := "Action=DescribeRouteTables&Version=" + ec2Version
	for _, c := range []struct {
		name, body, id, service string
		status                  int
		code                    string
	}{
		{"no credentials", read, "", "", 401, "AuthFailure"},
		{"a real access key", read, "AKIAIOSFODNN7EXAMPLE", "ec2", 401, "AuthFailure"},
		{"another service", read, account, "s3", 401, "AuthFailure"},
		{"a longer scope", read, account + "/x", "ec2", 401, "AuthFailure"},
		{"sts without credentials", "Action=GetCallerIdentity&Version=" + stsVersion, "", "", 401, "AuthFailure"},
		{"no action", "Version=" + ec2Version, account, "ec2", 400, "MissingAction"},
		{"an empty body", "", account, "ec2", 400, "MissingAction"},
		{"no version", "Action=DescribeRouteTables", account, "ec2", 400, "NoSuchVersion"},
		{"an ec2 action for sts", "Action=AssumeRole&Version=" + ec2Version, account, "ec2", 400, "InvalidAction"},
		{"an unknown parameter", read + "&Color=red", account, "ec2", 400, "UnknownParameter"},
		{"a list without a number", read + "&RouteTableId=rtb-1", account, "ec2", 400, "UnknownParameter"},
		{"a list from zero", read + "&RouteTableId.0=rtb-1", account, "ec2", 400, "UnknownParameter"},
		{"a filter without a part", read + "&Filter.1=x", account, "ec2", 400, "UnknownParameter"},
		{"a filter with a lower-case part", read + "&Filter.1.name=x", account, "ec2", 400, "UnknownParameter"},
		{"a parameter twice", read + "&MaxResults=5&MaxResults=6", account, "ec2", 400, "InvalidParameterValue"},
		{"a bad boolean", read + "&DryRun=perhaps", account, "ec2", 400, "InvalidParameterValue"},
		{"a bad number", read + "&MaxResults=many", account, "ec2", 400, "InvalidParameterValue"},
		{"a bad escape", "Action=%zz", account, "ec2", 400, "MalformedQueryString"},
		{"a long body", strings.Repeat("x", maxBody+1), account, "ec2", 413, "RequestEntityTooLarge"},
	} {
		f := sample()
		status, body := rawBody(ec2api.New(f), c.body, c.id, c.service)
		if status != c.status || !strings.Contains(body, "<Code>"+c.code+"</Code>") {
			t.Errorf("%s: %d %s", c.name, status, body)
		}
		if r := f.last(t, 0); r.Code != c.code {
			t.Errorf("%s: recorded %+v", c.name, r)
		}
		if c.code == "AuthFailure" && c.id != account && c.id != account+"/x" && !strings.Contains(body, "12-digit access key id") {
			t.Errorf("%s: %s does not say what to use", c.name, body)
		}
	}
	f := sample()
	r := post(read, account, "ec2")
	r.Method = http.MethodPut
	if status, body := send(ec2api.New(f), r); status != 405 || f.last(t, 0).Code != "MethodNotAllowed" {
		t.Errorf("%d %s", status, body)
	}
}

func TestGet(t *testing.T) {
	f := sample()
	r, err := http.NewRequest(http.MethodGet, "https://ec2/?Action=DescribeRouteTables&Version="+ec2Version+
		"&X-Amz-Credential="+account+"%2F20260101%2Feu-west-1%2Fec2%2Faws4_request&X-Amz-Signature=0", nil)
	if err != nil {
		t.Fatal(err)
	}
	if status, body := send(ec2api.New(f), r); status != 200 || !strings.Contains(body, "rtb-1") {
		t.Errorf("%d %s", status, body)
	}
	if rec := f.last(t, 0); rec.Region != region || len(rec.Params) != 2 {
		t.Errorf("record %+v", rec)
	}
}

func TestOverLoopback(t *testing.T) {
	f := sample()
	server := httptest.NewServer(ec2api.New(f))
	defer server.Close()
	c := ec2.New(ec2.Options{
		Region: region, BaseEndpoint: &server.URL, Retryer: aws.NopRetryer{},
		Credentials: credentials.NewStaticCredentialsProvider(account, "x", ""),
	})
	out, err := c.DescribeRouteTables(context.Background(), &ec2.DescribeRouteTablesInput{})
	if err != nil || len(out.RouteTables) != 3 {
		t.Fatalf("%+v %v", out, err)
	}
	_, err = c.DescribeRouteTables(context.Background(), &ec2.DescribeRouteTablesInput{RouteTableIds: []string{"rtb-9"}})
	wantCode(t, err, "InvalidRouteTableID.NotFound", "")
}

func TestOverContext(t *testing.T) {
	f := sample()
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	r := post("Action=DescribeRouteTables&Version="+ec2Version, account, "ec2").WithContext(ctx)
	if _, err := ec2api.New(f).Do(r); err == nil || len(f.records) != 0 {
		t.Errorf("a request whose context is over arrived: %v", err)
	}
}

func TestSTS(t *testing.T) {
	f := sample()
	h := ec2api.New(f)
	c := stsClient(h)
	who, err := c.GetCallerIdentity(background(), &sts.GetCallerIdentityInput{})
	if err != nil || *who.Account != account || *who.Arn != "arn:aws:iam::111122223333:root" {
		t.Fatalf("%+v %v", who, err)
	}
	role := "arn:aws:iam::444455556666:role/detour/writer"
	got, err := c.AssumeRole(background(), &sts.AssumeRoleInput{RoleArn: &role, RoleSessionName: str("s"), ExternalId: str("id")})
	if err != nil {
		t.Fatal(err)
	}
	if cr := got.Credentials; *cr.AccessKeyId != "444455556666" || *cr.SecretAccessKey == "" || *cr.SessionToken == "" || cr.Expiration.Year() != 2099 {
		t.Errorf("%+v", cr)
	}
	if *got.AssumedRoleUser.Arn != "arn:aws:sts::444455556666:assumed-role/writer/s" {
		t.Errorf("%+v", got.AssumedRoleUser)
	}
	for _, bad := range []string{"x", "arn:aws:iam::444455556666:user/x", "arn:aws:iam::44:role/x"} {
		_, err = c.AssumeRole(background(), &sts.AssumeRoleInput{RoleArn: &bad, RoleSessionName: str("s")})
		wantCode(t, err, "ValidationError", "")
	}
	_, err = c.AssumeRole(background(), &sts.AssumeRoleInput{RoleArn: &role, RoleSessionName: str("")})
	wantCode(t, err, "ValidationError", "")

	// The credentials of a role call EC2 as the role's account.
	in := ec2.New(ec2.Options{Region: region, HTTPClient: h, Retryer: aws.NopRetryer{}, Credentials: stscreds.NewAssumeRoleProvider(c, role)})
	if _, err := in.DescribeRouteTables(background(), &ec2.DescribeRouteTablesInput{}); err != nil {
		t.Fatal(err)
	}
	if last := f.callers[len(f.callers)-1]; last.Account != "444455556666" {
		t.Errorf("caller %+v", last)
	}
}
