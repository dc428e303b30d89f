package awsclient_test

import (
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"detour/shared/adapter/awsclient"
)

func get(t *testing.T, client *http.Client, url string) (*http.Response, error) {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url, nil)
	if err != nil {
		t.Fatal(err)
	}
	return client.Do(request)
}

// TestAnAnswerThatDoesNotComeIsNotWaitedFor: neither headers that do not come,
// nor a body that does not end, hold a call. The test itself waits for nothing
// else than the client.
func TestAnAnswerThatDoesNotComeIsNotWaitedFor(t *testing.T) {
	over := make(chan struct{})
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/body" {
			w.WriteHeader(http.StatusOK)
			w.(http.Flusher).Flush()
		}
		<-over
	}))
	defer server.Close()
	defer close(over)
	client := awsclient.NewHTTPClient(awsclient.HTTPOptions{Connect: time.Minute, Response: 50 * time.Millisecond})
	_, err := get(t, client, server.URL+"/headers")
	if err == nil || !strings.Contains(err.Error(), "timeout awaiting response headers") {
		t.Errorf("without headers: %v", err)
	}
	client = awsclient.NewHTTPClient(awsclient.HTTPOptions{Connect: 500 * time.Millisecond, Response: 500 * time.Millisecond})
	response, err := get(t, client, server.URL+"/body")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = response.Body.Close() }()
	if _, err := io.ReadAll(response.Body); !os.IsTimeout(err) {
		t.Errorf("without an end of the body: %v", err)
	}
}

// TestAConnectionThatDoesNotStandIsNotWaitedFor: a listener that never answers
// the TLS handshake.
func TestAConnectionThatDoesNotStandIsNotWaitedFor(t *testing.T) {
	listener, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = listener.Close() }()
	client := awsclient.NewHTTPClient(awsclient.HTTPOptions{Connect: 200 * time.Millisecond, Response: time.Hour})
	if _, err := get(t, client, "https://"+listener.Addr().String()); err == nil || !strings.Contains(err.Error(), "TLS handshake timeout") {
		t.Errorf("got %v", err)
	}
}

func TestNoRedirectIsFollowed(t *testing.T) {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path != "/" {
			t.Errorf("%s was asked for", r.URL.Path)
		}
		http.Redirect(w, r, "/elsewhere", http.StatusTemporaryRedirect)
	}))
	defer server.Close()
	response, err := get(t, awsclient.NewHTTPClient(awsclient.HTTPOptions{}), server.URL)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = response.Body.Close() }()
	if response.StatusCode != http.StatusTemporaryRedirect {
		t.Errorf("got status %d", response.StatusCode)
	}
}

// TestConnectionsAreKeptAndBounded: four requests at the same time and two
// connections; later requests use the same ones.
func TestConnectionsAreKeptAndBounded(t *testing.T) {
	var mu sync.Mutex
	opened, busy, most := 0, 0, 0
	two := make(chan struct{})
	server := httptest.NewUnstartedServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		mu.Lock()
		busy++
		most = max(most, busy)
		if busy == 2 && most == 2 {
			select {
			case <-two:
			default:
				close(two)
			}
		}
		mu.Unlock()
		<-two // Until two are under way at once.
		mu.Lock()
		busy--
		mu.Unlock()
	}))
	server.Config.ConnState = func(_ net.Conn, state http.ConnState) {
		if state == http.StateNew {
			mu.Lock()
			opened++
			mu.Unlock()
		}
	}
	server.Start()
	defer server.Close()
	client := awsclient.NewHTTPClient(awsclient.HTTPOptions{Connections: 2})
	var group sync.WaitGroup
	for range 4 {
		group.Go(func() {
			response, err := get(t, client, server.URL)
			if err != nil {
				t.Error(err)
				return
			}
			_, _ = io.Copy(io.Discard, response.Body)
			_ = response.Body.Close()
		})
	}
	group.Wait()
	mu.Lock()
	defer mu.Unlock()
	if opened != 2 || most != 2 {
		t.Errorf("%d connections were opened, and %d requests were under way at once, want 2 and 2", opened, most)
	}
}

// TestHowAFrozenEnvironmentIsMet: what cannot be waited for in a test.
func TestHowAFrozenEnvironmentIsMet(t *testing.T) {
	transport, ok := awsclient.NewHTTPClient(awsclient.HTTPOptions{}).Transport.(*http.Transport)
	if !ok {
		t.Fatal("the transport is another's, and with it how it meets idle connections")
	}
	if transport.IdleConnTimeout != 30*time.Second {
		t.Errorf("unused connections are kept for %s", transport.IdleConnTimeout)
	}
	if transport.Protocols == nil || transport.Protocols.HTTP2() || !transport.Protocols.HTTP1() || transport.ForceAttemptHTTP2 {
		t.Errorf("the protocols are %v", transport.Protocols)
	}
	if transport.DialContext == nil || transport.TLSHandshakeTimeout != 2*time.Second || transport.ResponseHeaderTimeout != 5*time.Second || transport.MaxConnsPerHost != 32 || transport.MaxIdleConnsPerHost != 32 || transport.MaxIdleConns != 0 {
		t.Errorf("the defaults are %+v", transport)
	}
}

// TestTheCallersContextEndsACall goes through an SDK client.
func TestTheCallersContextEndsACall(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	over := make(chan struct{})
	server := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {
		cancel()
		<-over
	}))
	defer server.Close()
	defer close(over)
	clients, _ := build(t, func(o *awsclient.Options) {
		o.Doer, o.BaseEndpoint = awsclient.NewHTTPClient(awsclient.HTTPOptions{}), server.URL
	})
	if _, err := whoami(ctx, clients, home, "eu-west-1"); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
}

// TestAnswersThatAreNoErrorsPassAsTheyAre, and of errors only those that held a
// secret are changed, together with the headers that describe them.
func TestAnswersThatAreNoErrorsPassAsTheyAre(t *testing.T) {
	for _, test := range []struct {
		status     int
		body, want string
		checksum   string
	}{
		{http.StatusOK, "a " + homeToken, "a " + homeToken, "1"},
		{http.StatusBadRequest, "a problem", "a problem", "1"},
		{http.StatusBadRequest, "a " + homeToken, "a REDACTED", ""},
	} {
		config, err := planted(t, answerer(func(*http.Request, string) (*http.Response, error) {
			return answer(test.status, strings.NewReader(test.body))
		})).Config(home, "eu-west-1")
		if err != nil {
			t.Fatal(err)
		}
		request := httptest.NewRequestWithContext(t.Context(), http.MethodPost, "https://dynamodb.eu-west-1.amazonaws.com/", strings.NewReader("{}"))
		request.Header.Set("X-Amz-Security-Token", homeToken)
		response, err := config.HTTPClient.Do(request)
		if err != nil {
			t.Fatal(err)
		}
		raw, err := io.ReadAll(response.Body)
		_ = response.Body.Close()
		if err != nil || string(raw) != test.want || response.Header.Get("X-Amz-Crc32") != test.checksum || response.Header.Get("Content-Length") != test.checksum {
			t.Errorf("%d %q came as %q with %v, %v", test.status, test.body, raw, response.Header, err)
		}
	}
}
