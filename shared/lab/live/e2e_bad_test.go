package live_test

import (
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"sync"
	"testing"

	"detour/events"
	"detour/events/payload"
	"detour/shared/lab/live"
)

// sample reads a published event.
func sample(t testing.TB, name string) []byte {
	t.Helper()
	raw, err := payload.Read(name)
	if err != nil {
		t.Fatal(err)
	}
	return raw
}

// TestBadMessagesToTheRealFunctions: each is one line, is not tried again, and
// changes nothing.
func TestBadMessagesToTheRealFunctions(t *testing.T) {
	down := sample(t, "vpn-connection-ipsec-down.json")
	oversized := append([]byte(`{"source":"aws.networkmanager","padding":"`), bytes.Repeat([]byte("x"), events.MaxBytes)...)
	oversized = append(oversized, `"}`...)
	server, out := serve(t, live.Options{Manual: true})
	before, calls := journal(t, server, group), len(attempts(server))
	for _, c := range []struct {
		name, function string
		payload        []byte
		line, reason   string
	}{
		{"malformed", live.Switchover, []byte(`{"source":`), "dropped", "malformed"},
		{"truncated", live.Switchover, sample(t, "truncated.json"), "dropped", "malformed"},
		{"no object", live.Switchover, []byte(`[1, 2]`), "dropped", "malformed"},
		{"null", live.Switchover, []byte(`null`), "dropped", "malformed"},
		{"oversized", live.Switchover, oversized, "dropped", "oversized"},
		{"of a resource of a foreign account", live.Switchover, down, "dropped", "unconfigured"},
		{"of an unknown source", live.Switchover, bytes.Replace(down, []byte("aws.networkmanager"), []byte("aws.unknown"), 1), "dropped", "foreign-source"},
		{"one of Detour's own", live.Switchover, sample(t, "detour-switchover-held.json"), "dropped", "foreign-source"},
		{"of no known trigger", live.Switchover, []byte(`{"hello":"world"}`), "dropped", "not-for-us"},
		{"an unknown change", live.Switchover, sample(t, "vpn-connection-unknown-change.json"), "swept", ""},
		{"a batch of nonsense", live.Switchover, []byte(`{"Records":[{"eventSource":"aws:sqs","messageId":"m-1","body":"nonsense"}]}`), "dropped", "malformed"},
		{"a batch for nobody", live.Switchover, []byte(`{"Records":[{"eventSource":"aws:sqs","messageId":"m-1","body":"{\"detour\":\"wake-up\",\"key\":\"group#nobody\"}"}]}`), "dropped", "unconfigured"},
	} {
		t.Run(c.name, func(t *testing.T) {
			had := len(logged(t, out))
			in, err := server.Invoke(t.Context(), c.function, c.payload)
			if err != nil || in.Result != live.Succeeded {
				t.Fatalf("it would be tried again: %+v, %v", in, err)
			}
			lines := logged(t, out)[had:]
			if len(lines) != 1 || lines[0]["msg"] != c.line || (c.reason != "" && lines[0]["reason"] != c.reason) {
				t.Errorf("logged was %v", lines)
			}
			if strings.HasPrefix(c.name, "a batch") && string(in.Answer) != `{"batchItemFailures":[]}` {
				t.Errorf("the batch would come again: %s", in.Answer)
			}
		})
	}
	if after := journal(t, server, group); len(after) != len(before) || len(attempts(server)) != calls {
		t.Errorf("something was written: %+v", after)
	}
}

// The secrets that the test below plants. Each has a word of its own, so that a
// leak says where it came from.
const (
	plantedKey        = "planted-secret-access-key"
	plantedToken      = "planted-session-token"
	plantedExternalID = "planted-external-id"
	plantedPSK        = "planted-pre-shared-key"
	plantedInEvent    = "planted-in-an-event"
	plantedRole       = "planted-role-token"
)

// eavesdropper stands before the services: it plants secrets in answers, refuses
// some calls with an answer that repeats the request, and keeps every request
// body.
type eavesdropper struct {
	next http.Handler

	mu      sync.Mutex
	refuses refusal
	bodies  []string
}

// refusal is which calls are refused.
type refusal int

const (
	noCalls  refusal = iota
	allCalls         // the record store fails, so that nothing is looked at
	ec2Calls         // nothing can be read or written
)

func (e *eavesdropper) refuse(calls refusal) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.refuses = calls
}

func (e *eavesdropper) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		panic(http.ErrAbortHandler)
	}
	r.Body = io.NopCloser(bytes.NewReader(body))
	e.mu.Lock()
	e.bodies = append(e.bodies, string(body))
	refuse := e.refuses == allCalls || (e.refuses == ec2Calls && r.Header.Get("X-Amz-Target") == "" && !bytes.Contains(body, []byte("Action=AssumeRole")))
	e.mu.Unlock()
	if refuse {
		// What AWS answers to a wrong signature has the request's headers in it.
		echo := "canonical request: " + r.Header.Get("Authorization") + " x-amz-security-token:" + r.Header.Get("X-Amz-Security-Token")
		kind, text := "text/xml", "<Response><Errors><Error><Code>SignatureDoesNotMatch</Code><Message>"+echo+"</Message></Error></Errors></Response>"
		if r.Header.Get("X-Amz-Target") != "" {
			kind, text = "application/x-amz-json-1.0", `{"__type":"com.amazon.coral.service#SignatureDoesNotMatch","message":"`+echo+`"}`
		}
		w.Header().Set("Content-Type", kind)
		w.WriteHeader(http.StatusForbidden)
		_, _ = io.WriteString(w, text)
		return
	}
	answer := httptest.NewRecorder()
	e.next.ServeHTTP(answer, r)
	text := answer.Body.String()
	if strings.Contains(answer.Header().Get("Content-Type"), "xml") {
		text = strings.ReplaceAll(text, "<vpnConnectionId>", "<customerGatewayConfiguration>"+plantedPSK+"</customerGatewayConfiguration><vpnConnectionId>")
	}
	text = strings.ReplaceAll(text, "simulated-session-token", plantedRole)
	for name, values := range answer.Header() {
		w.Header()[name] = values
	}
	w.Header().Set("Content-Length", strconv.Itoa(len(text)))
	w.WriteHeader(answer.Code)
	_, _ = io.WriteString(w, text)
}

// said is what the functions wrote and published, as the server tells it; the
// events that they were given are left out.
func said(t testing.TB, out *output) string {
	t.Helper()
	var text strings.Builder
	for raw := range strings.Lines(out.String()) {
		var line struct{ Kind string }
		if err := json.Unmarshal([]byte(raw), &line); err != nil {
			t.Fatalf("the server told %q: %v", raw, err)
		}
		if line.Kind != "invocation" && line.Kind != "event" {
			text.WriteString(raw)
		}
	}
	return text.String()
}

// TestNoSecretComesOut: whatever the functions are given that may be secret, it
// is in no line, answer, error, record, wake-up or event of theirs.
func TestNoSecretComesOut(t *testing.T) {
	spy := &eavesdropper{}
	server, out := serve(t, live.Options{
		File: network(t, "branch-two-gateways"), // It has a table in another account, for which a role is assumed.
		Wrap: func(next http.Handler) http.Handler { spy.next = next; return spy },
		Env: map[string]string{
			"AWS_SECRET_ACCESS_KEY": plantedKey, "AWS_SESSION_TOKEN": plantedToken, "DETOUR_EXTERNAL_ID": plantedExternalID,
			"DETOUR_LOG_LEVEL": "debug",
		},
	})
	planted := func(raw []byte) []byte {
		return bytes.Replace(raw, []byte(`"detail"`), []byte(`"preSharedKey":"`+plantedInEvent+`","detail"`), 1)
	}
	var inputs [][]byte
	for _, name := range payload.Names() {
		raw := planted(sample(t, name))
		inputs = append(inputs, raw, raw[:len(raw)*2/3])
	}
	inputs = append(inputs,
		[]byte(plantedInEvent), []byte(`{"source":{"`+plantedInEvent+`":1}}`), []byte(`{"source":"aws.networkmanager","detail":"`+plantedInEvent+`"}`),
		[]byte(`{"detour":"`+plantedInEvent+`"}`), []byte(`{"Records":[{"eventSource":"aws:sqs","messageId":"m-1","body":"`+plantedInEvent+`"}]}`),
	)
	for _, raw := range inputs {
		if _, err := server.Invoke(t.Context(), live.Switchover, raw); err != nil {
			t.Fatal(err)
		}
	}
	for _, calls := range []refusal{allCalls, ec2Calls} {
		spy.refuse(calls)
		for function, raw := range map[string][]byte{
			live.Sweep:      []byte(`{"detour":"sweep"}`),
			live.Switchover: []byte(`{"Records":[{"eventSource":"aws:sqs","messageId":"m-1","body":"{\"detour\":\"wake-up\",\"key\":\"group#branch\"}"}]}`),
		} {
			if _, err := server.Invoke(t.Context(), function, raw); err != nil {
				t.Fatal(err)
			}
		}
	}
	spy.refuse(noCalls)
	do(t, server, "tunnel-down", "vpn-0d000000000000001")
	await(t, server, "traffic arrives again", func() bool { return everyone(server, "stock", "orders", "till") })
	do(t, server, "sweep")

	texts := []string{said(t, out)}
	for _, in := range server.Invocations() {
		texts = append(texts, string(in.Answer), in.Error)
	}
	text, err := json.Marshal(journal(t, server, "branch"))
	if err != nil {
		t.Fatal(err)
	}
	texts = append(texts, string(text))
	spy.mu.Lock()
	defer spy.mu.Unlock()
	for _, body := range spy.bodies {
		// Records, wake-ups and events, on their way. The external id goes to STS.
		if strings.HasPrefix(body, "{") {
			texts = append(texts, body)
		}
	}
	refused, assumed := 0, 0
	for _, text := range texts {
		if at := strings.Index(text, "planted-"); at >= 0 {
			t.Errorf("a secret came out: …%s…", text[max(0, at-200):min(len(text), at+60)])
		}
		refused += strings.Count(text, "SignatureDoesNotMatch")
	}
	for _, body := range spy.bodies {
		if strings.Contains(body, "Action=AssumeRole") && strings.Contains(body, plantedExternalID) {
			assumed++
		}
	}
	if refused == 0 || assumed == 0 || len(spy.bodies) < 50 {
		t.Errorf("the functions told of %d refusals and assumed %d roles, in %d calls: the test shows nothing", refused, assumed, len(spy.bodies))
	}
}
