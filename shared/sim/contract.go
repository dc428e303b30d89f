package sim

import (
	"context"
	"net/url"
	"time"
)

// Timekeeper is where the World gets its time from, and where it leaves what
// must happen later. The Scheduler is one; a real clock is another.
type Timekeeper interface {
	Now() time.Time
	// At runs fn at instant t, or at once if t is past. fn must not block.
	At(t time.Time, name string, fn func())
}

// Call is what the transport tells the World about one API call, beside the
// request itself. It travels in the request's context.
type Call struct {
	// Process names who calls, for the call log. Empty: somebody outside.
	Process string
	// SentAt is when the caller sent the request.
	SentAt time.Time
	// Stale makes a read show the state that stood this long ago.
	Stale time.Duration
	// Fault names the injected fault that the transport lays on the call, for
	// the call log. Empty: none.
	Fault string
}

type callKey struct{}

// WithCall returns a context that carries the call.
func WithCall(ctx context.Context, call Call) context.Context {
	return context.WithValue(ctx, callKey{}, call)
}

// CallFrom returns the call that the context carries, or the zero Call.
func CallFrom(ctx context.Context) Call {
	call, _ := ctx.Value(callKey{}).(Call)
	return call
}

// CallRecord is one line of the World's call log: one API call that arrived,
// or that a fault kept from arriving.
type CallRecord struct {
	Seq      int        `json:"seq"`
	Process  string     `json:"process"`
	Account  string     `json:"account"`
	Region   string     `json:"region"`
	Action   string     `json:"action"`
	Params   url.Values `json:"params"`
	SentAt   time.Time  `json:"sentAt"`
	EffectAt time.Time  `json:"effectAt"`
	// Code is the error code that the World answered; empty for success.
	Code string `json:"code,omitempty"`
	// Fault names the injected fault that hit the call, if any.
	Fault string `json:"fault,omitempty"`
	// Telemetry is what a DescribeVpnConnections call was told.
	Telemetry []TunnelReport `json:"telemetry,omitempty"`
	// Told is what the call was told of the health of other things: Connect peers,
	// interfaces, instances, attachments and alarms.
	Told []Told `json:"told,omitempty"`
	// Write is what a route write did to its table; nil for reads and for
	// writes that failed.
	Write *RouteWrite `json:"write,omitempty"`
}

// TunnelReport is the status of one tunnel as an answer gave it.
type TunnelReport struct {
	VPN       string `json:"vpn"`
	OutsideIP string `json:"outsideIp"`
	Up        bool   `json:"up"`
}

// Told is one value about something's health, as an answer gave it: Resource is
// an id or an alarm's name; Field is one of session (Part is the transit
// gateway's BGP address), peer-state, attachment-state, interface-status,
// interface-instance, source-dest-check, instance-state, instance-status,
// system-status and alarm-state.
type Told struct {
	Resource string `json:"resource"`
	Field    string `json:"field"`
	Part     string `json:"part,omitempty"`
	Value    string `json:"value"`
}

// RouteWrite is the effect of one write to a static route or to a prefix list
// reference. Destination is a CIDR block or a prefix list id. Before and After are target ids, or
// "blackhole", or "" where no static stood or stands.
type RouteWrite struct {
	Table       string `json:"table"`
	Destination string `json:"destination"`
	Before      string `json:"before"`
	After       string `json:"after"`
}
