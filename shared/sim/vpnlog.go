package sim

import (
	"bytes"
	"compress/gzip"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"time"
)

// sampleVPNLog is what CloudWatch Logs passes on of a VPN connection's BGP log,
// before it is compressed: one line of a session, then one of a route.
const sampleVPNLog = "inner/vpn-bgp-log.json"

// The places of the two kinds of line in the sample.
const (
	lineOfSession = iota
	lineOfRoute
)

// logTime is the format of a line's timestamp.
const logTime = "2006-01-02 15:04:05.000Z"

// vpnLog is the BGP log of one tunnel, a log stream. neighbor is the router's
// inside address; heard is what it announced when the log last told of routes.
type vpnLog struct {
	session  *bgpSession
	neighbor netip.Addr
	heard    []bgpRoute
}

// stream is the name of the log stream, and the resource that a line speaks of.
func (l *vpnLog) stream() string { return l.session.vpn.id + "_" + l.session.tunnel.outsideIP }

// logLine is one line that a step leaves in a log.
type logLine struct {
	log  *vpnLog
	kind int
	fill func(line, message object) error
}

// opening are the steps of a BGP session on its way up (RFC 4271, section 8.2.2).
// Each is logged, as DOWN until it is established (Site-to-Site VPN guide, logs).
func opening() []string {
	return []string{"Idle", "Connect", "OpenSent", "OpenConfirm", "Established"}
}

// logSession writes into the BGP log that a tunnel's session has gone up or down.
func (w *World) logSession(s *step, own *bgpSession, up bool) {
	l := w.vpnLogs[own]
	if l == nil {
		return
	}
	if !up {
		l.heard = nil // That no withdrawals are logged with the session is UNVERIFIED.
		s.lines = append(s.lines, l.changed("Established", "Idle"))
		return
	}
	states := opening()
	for i := range states[1:] {
		s.lines = append(s.lines, l.changed(states[i], states[i+1]))
	}
}

func (l *vpnLog) changed(from, to string) logLine {
	status := "DOWN"
	if to == "Established" {
		status = "UP"
	}
	details := fmt.Sprintf("AWS-side peer BGP session state has changed from %s to %s with neighbor %s", from, to, l.neighbor)
	return logLine{log: l, kind: lineOfSession, fill: func(line, message object) error {
		if err := line.overwrite("status", status); err != nil {
			return err
		}
		return message.overwrite("details", details)
	}}
}

// logRoutes writes into the BGP log what a router has begun to announce, now
// announces otherwise, and announces no more. That ADVERTISED and the others speak
// of the router's routes, and not of AWS's own, is documented for the same log of
// a VPC Route Server. A route that AWS does not take is logged as UPDATED with the
// reason, as in the published sample.
func (w *World) logRoutes(s *step, own *bgpSession) {
	l := w.vpnLogs[own]
	if l == nil || !own.established {
		return
	}
	now := own.announced()
	for _, r := range now {
		before, stood := findRoute(l.heard, r.prefix)
		switch denied := l.denial(r); {
		case stood && before.equal(r):
		case stood || denied != "":
			s.lines = append(s.lines, l.route("UPDATED", r, denied))
		default:
			s.lines = append(s.lines, l.route("ADVERTISED", r, ""))
		}
	}
	for _, r := range l.heard {
		if _, stands := findRoute(now, r.prefix); !stands {
			s.lines = append(s.lines, l.route("WITHDRAWN", r, ""))
		}
	}
	l.heard = now
}

func findRoute(routes []bgpRoute, prefix netip.Prefix) (bgpRoute, bool) {
	i := slices.IndexFunc(routes, func(r bgpRoute) bool { return r.prefix == prefix })
	if i < 0 {
		return bgpRoute{}, false
	}
	return routes[i], true
}

// denial is why AWS does not take a route; empty if it does. Only the first
// reason has been published.
func (l *vpnLog) denial(r bgpRoute) string {
	switch {
	case l.session.takes(r):
		return ""
	case slices.Contains(r.path, l.session.localASN):
		return "DENIED due to: as-path contains our own AS"
	}
	return "DENIED"
}

// route is a line about a route. How an AS_PATH of several is written is
// UNVERIFIED; here with spaces, as routers do.
func (l *vpnLog) route(status string, r bgpRoute, denied string) logLine {
	path := make([]string, 0, len(r.path))
	for _, asn := range r.path {
		path = append(path, strconv.FormatUint(uint64(asn), 10))
	}
	med := uint32(medOverTunnels)
	if r.med != nil {
		med = *r.med
	}
	return logLine{log: l, kind: lineOfRoute, fill: func(line, message object) error {
		if err := line.overwrite("status", status); err != nil {
			return err
		}
		err := message.overwriteAll(
			"prefix", r.prefix.String(), "asPath", strings.Join(path, " "), "med", med, "nextHopIp", l.neighbor.String(), "details", denied,
		)
		if denied == "" {
			delete(message, "details") // The key stands only where there is something to say: UNVERIFIED.
		}
		return err
	}}
}

// deliverLogs passes on what the step has left in the logs, one delivery for each
// stream, Options.VPNLogDelay later. A subscription filter invokes its function
// itself: no bus and no rule is between them.
func (w *World) deliverLogs(s *step) {
	byLog := make(map[*vpnLog][]logLine)
	for _, line := range s.lines {
		byLog[line.log] = append(byLog[line.log], line)
	}
	for _, own := range w.sessions {
		lines := byLog[w.vpnLogs[own]]
		if w.vpnLogs[own] == nil || len(lines) == 0 {
			continue
		}
		at := s.now
		w.sendAfter(s, sampleVPNLog, w.options.VPNLogDelay, func(serial int) ([]byte, error) {
			return w.samples.logDelivery(own.vpn.owner().account, at, serial, lines)
		})
	}
}

// IsLogDelivery reports whether what a subscriber of the World was given is for the
// function of a log's subscription filter, and not for a bus.
func IsLogDelivery(raw []byte) bool {
	var delivery struct {
		AWSLogs *json.RawMessage `json:"awslogs"`
	}
	return json.Unmarshal(raw, &delivery) == nil && delivery.AWSLogs != nil
}

// logDelivery makes what the function of a subscription filter is invoked with:
// the lines in their envelope, as JSON, compressed by gzip, in base64 (CloudWatch
// Logs guide, subscription filters).
func (s samples) logDelivery(account string, at time.Time, serial int, lines []logLine) ([]byte, error) {
	raw, err := s.logEnvelope(account, at, serial, lines)
	if err != nil {
		return nil, fmt.Errorf("making a delivery from the sample %s: %w", sampleVPNLog, err)
	}
	var packed bytes.Buffer
	zip := gzip.NewWriter(&packed)
	if _, err = zip.Write(raw); err == nil {
		err = zip.Close()
	}
	if err != nil {
		return nil, fmt.Errorf("compressing a delivery of logs: %w", err)
	}
	return json.Marshal(map[string]any{"awslogs": map[string]any{"data": base64.StdEncoding.EncodeToString(packed.Bytes())}})
}

func (s samples) logEnvelope(account string, at time.Time, serial int, lines []logLine) ([]byte, error) {
	envelope, err := decodeObject(s[sampleVPNLog])
	if err != nil {
		return nil, err
	}
	samples, ok := envelope["logEvents"].([]any)
	if !ok || len(samples) <= lineOfRoute {
		return nil, fmt.Errorf("logEvents is no list with a line of a session and one of a route")
	}
	var events []any
	stream := ""
	for i, line := range lines {
		sample, ok := samples[line.kind].(map[string]any)
		if !ok {
			return nil, fmt.Errorf("logEvents[%d] is no object", line.kind)
		}
		text, err := line.text(sample["message"], at)
		if err != nil {
			return nil, err
		}
		event := object{}
		for key, value := range sample {
			event[key] = value
		}
		if err := event.overwriteAll("id", fmt.Sprintf("%050d%06d", serial, i), "timestamp", at.UnixMilli(), "message", text); err != nil {
			return nil, err
		}
		events, stream = append(events, event), line.log.stream()
	}
	if err := envelope.overwriteAll("owner", account, "logStream", stream, "logEvents", events); err != nil {
		return nil, err
	}
	return json.Marshal(envelope)
}

// text writes the line from that of the sample.
func (l logLine) text(sample any, at time.Time) (string, error) {
	published, _ := sample.(string)
	line, err := decodeObject([]byte(published))
	if err != nil {
		return "", err
	}
	message, ok := line["message"].(map[string]any)
	if !ok {
		return "", fmt.Errorf("the line %s has no object message", published)
	}
	err = line.overwriteAll("resource_id", l.log.stream(), "event_timestamp", at.UnixMilli(), "timestamp", at.UTC().Format(logTime))
	if err == nil {
		err = l.fill(line, message)
	}
	if err != nil {
		return "", err
	}
	text, err := json.Marshal(line)
	return string(text), err
}

// checkLog makes one delivery with a line of each kind, as check does of events.
func (s samples) checkLog() error {
	l := &vpnLog{session: &bgpSession{vpn: &vpnConnection{id: "vpn-0"}, tunnel: &tunnel{outsideIP: "192.0.2.1"}}}
	_, err := s.logDelivery("111122223333", time.Time{}, 1, []logLine{l.changed("Connect", "OpenSent"), l.route("ADVERTISED", bgpRoute{}, "")})
	return err
}

func decodeObject(raw []byte) (object, error) {
	var o object
	decoder := json.NewDecoder(bytes.NewReader(raw))
	decoder.UseNumber()
	if err := decoder.Decode(&o); err != nil {
		return nil, fmt.Errorf("decoding the sample: %w", err)
	}
	return o, nil
}
