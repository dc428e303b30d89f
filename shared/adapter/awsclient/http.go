package awsclient

import (
	"cmp"
	"net"
	"net/http"
	"time"

	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
)

const (
	// idleFor is how long an unused connection is kept: less than a sweep period,
	// so that none is carried from one quiet invocation to the next.
	idleFor = 30 * time.Second

	defaultConnect     = 2 * time.Second
	defaultResponse    = 5 * time.Second
	defaultConnections = 32
)

// HTTPOptions bound what an HTTP client does. A zero value is the default.
type HTTPOptions struct {
	// Connect bounds the time until a TCP connection stands, and again that of the
	// TLS handshake. Default: 2 s.
	Connect time.Duration
	// Response bounds the time from the end of a request to the headers of its
	// answer. Default: 5 s. A whole exchange, from the first look for a connection
	// to the end of the answer's body, ends after Connect and Response together.
	Response time.Duration
	// Connections is how many connections to one host there are at most, and how
	// many of them are kept while unused. Requests beyond wait for one, within
	// their own time. Default: 32.
	Connections int
}

// NewHTTPClient returns the HTTP client for a Lambda function. It follows no
// redirect: an AWS API answers with none, and a signature is for one host only.
//
// Lambda freezes the environment between invocations, and nothing in it notices
// that a peer closes a connection meanwhile. This is met in three ways. A
// connection is not used again once it was idle for 30 s by the wall clock, which
// goes on while the environment is frozen (net/http compares the wall clock on
// purpose when it takes an idle connection). A younger one that is dead costs one
// call at most the time Response; then the call fails, and the controller, which
// alone retries, reads again, plans again, or calls the record store again. And
// only HTTP/1.1 is spoken, with one connection for each call: over HTTP/2 all
// calls to a host would hang on the same dead one.
func NewHTTPClient(options HTTPOptions) *http.Client {
	connect := cmp.Or(options.Connect, defaultConnect)
	response := cmp.Or(options.Response, defaultResponse)
	connections := cmp.Or(options.Connections, defaultConnections)

	// The SDK's transport, for its TLS settings and proxy variables. Its client is
	// not used, since that follows the redirects 307 and 308.
	transport := awshttp.NewBuildableClient().GetTransport()
	transport.DialContext = (&net.Dialer{Timeout: connect}).DialContext
	transport.TLSHandshakeTimeout = connect
	transport.ResponseHeaderTimeout = response
	transport.IdleConnTimeout = idleFor
	transport.MaxConnsPerHost = connections
	transport.MaxIdleConnsPerHost = connections
	transport.MaxIdleConns = 0 // No bound over all hosts: it could undo the one for each.
	transport.ForceAttemptHTTP2 = false
	transport.Protocols = new(http.Protocols)
	transport.Protocols.SetHTTP1(true)
	return &http.Client{
		Transport:     transport,
		Timeout:       connect + response,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
}
