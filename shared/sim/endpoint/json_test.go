package endpoint_test

import (
	"errors"
	"io"
	"net/http"
	"strings"
	"testing"
	"testing/iotest"

	"detour/shared/sim/endpoint"
)

// echo is a face that answers with what it was given.
func echo() *endpoint.JSON {
	return &endpoint.JSON{Version: "1.1", Service: "sqs", Target: "A.B", Run: func(scope endpoint.Scope, body []byte) (any, *endpoint.Error) {
		if string(body) == "fail" {
			return nil, &endpoint.Error{Type: "ns#Failed", QueryCode: "A.Failed", Message: "<why>"}
		}
		return map[string]any{"Account": scope.AccessKey, "Region": scope.Region, "Body": string(body)}, nil
	}}
}

func TestJSONFace(t *testing.T) {
	const limit = 8 << 20
	for _, c := range []struct {
		name   string
		change func(r *http.Request)
		body   string
		status int
		want   string
	}{
		{"good", func(*http.Request) {}, "x", 200, `{"Account":"111122223333","Body":"x","Region":"eu-west-1"}`},
		{"no body", func(r *http.Request) { r.Body = nil }, "", 200, `{"Account":"111122223333","Body":"","Region":"eu-west-1"}`},
		{"refused by the operation", func(*http.Request) {}, "fail", 400, `{"__type":"ns#Failed","message":"\u003cwhy\u003e"}`},
		{"GET", func(r *http.Request) { r.Method = http.MethodGet }, "", 405, "com.amazon.coral.service#UnknownOperationException"},
		{"unsigned", func(r *http.Request) { r.Header.Del("Authorization") }, "", 403, "com.amazon.coral.service#MissingAuthenticationTokenException"},
		{"of another service", func(r *http.Request) { r.Header.Set("Authorization", signed("events")) }, "", 403, "com.amazon.coral.service#InvalidSignatureException"},
		{"of no account", func(r *http.Request) {
			r.Header.Set("Authorization", strings.Replace(signed("sqs"), account, "AKIDEXAMPLE0", 1))
		}, "", 403, "use a 12-digit access key id"},
		{"no target", func(r *http.Request) { r.Header.Del("X-Amz-Target") }, "", 400, `The operation \"\" is not simulated: the simulated network answers A.B only.`},
		{"another target", func(r *http.Request) { r.Header.Set("X-Amz-Target", "A.BC") }, "", 400, `The operation \"A.BC\" is not simulated`},
		{"as long as may be", func(*http.Request) {}, strings.Repeat("x", limit), 200, `"Region":"eu-west-1"`},
		{"too long", func(*http.Request) {}, strings.Repeat("x", limit+1), 413, "longer than 8388608 bytes"},
		{"broken off", func(r *http.Request) { r.Body = io.NopCloser(iotest.ErrReader(errors.New("broken off"))) }, "", 400, "could not be read: broken off"},
	} {
		r := request(t, signed("sqs"), c.body)
		r.Header.Set("X-Amz-Target", "A.B")
		c.change(r)
		resp, err := echo().Do(r)
		if err != nil {
			t.Fatal(err)
		}
		body, _ := io.ReadAll(resp.Body)
		if resp.StatusCode != c.status || !strings.Contains(string(body), c.want) {
			t.Errorf("%s: got %s, %.300s", c.name, resp.Status, body)
		}
		if strings.Contains(string(body), "AKID") {
			t.Errorf("%s: the access key id is in %s", c.name, body)
		}
		wantQuery := ""
		if c.body == "fail" {
			wantQuery = "A.Failed;Sender"
		}
		if h := resp.Header; h.Get("Content-Type") != "application/x-amz-json-1.1" || h.Get("X-Amzn-Requestid") != "00000000-0000-4000-8000-000000000001" || h.Get("X-Amzn-Query-Error") != wantQuery {
			t.Errorf("%s: got %v", c.name, h)
		}
	}
}

func TestMembersAreThoseThatAreKnown(t *testing.T) {
	got, err := endpoint.Members("the request", []byte(`{"A":1,"B": null ,"Z":null}`), "A", "B")
	if err != nil || len(got) != 1 || string(got["A"]) != "1" {
		t.Fatalf("got %s, %v", got, err)
	}
	var a, b int
	b = 7
	if err := errors.Join(asError(endpoint.Decode(got, "A", &a)), asError(endpoint.Decode(got, "B", &b))); err != nil || a != 1 || b != 7 {
		t.Fatalf("got %d, %d, %v", a, b, err)
	}
	for text, want := range map[string]string{
		"null": "the request is no JSON object", "": "no JSON object", "[]": "no JSON object", "{}x": "no JSON object",
		`{"z":1,"A":1,"a":1}`: `The member "a" of the request is not simulated: leave it out, or use one of A, B.`,
	} {
		if _, err := endpoint.Members("the request", []byte(text), "A", "B"); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: got %v, want %s", text, err, want)
		}
	}
	got["A"] = []byte(`"` + strings.Repeat("x", 100) + `"`)
	if err := endpoint.Decode(got, "A", &a); err == nil || !strings.Contains(err.Message, `: "`+strings.Repeat("x", 63)+`… cannot be`) {
		t.Errorf("got %v", err)
	}
}

func asError(err *endpoint.Error) error {
	if err == nil {
		return nil
	}
	return err
}

// FuzzScope reads any header: a scope is whole, or there is none.
func FuzzScope(f *testing.F) {
	for _, text := range []string{"", "AWS4-HMAC-SHA256 ", "Credential=", signed("sqs"), "AWS4-HMAC-SHA256 Credential=////aws4_request,Credential=a/b/c/d/aws4_request"} {
		f.Add(text, text)
	}
	f.Fuzz(func(t *testing.T, header, query string) {
		r := request(t, "", "")
		r.Header["Authorization"] = []string{header}
		r.URL.RawQuery = query
		scope, err := endpoint.ReadScope(r)
		whole := scope.AccessKey != "" && scope.Region != "" && scope.Service != ""
		if whole != (err == nil) || err != nil && scope != (endpoint.Scope{}) {
			t.Fatalf("got %+v, %v", scope, err)
		}
		if resp, err := echo().Do(r); err != nil || resp.StatusCode == http.StatusOK {
			t.Fatalf("got %v, %v without a target", resp, err)
		}
	})
}
