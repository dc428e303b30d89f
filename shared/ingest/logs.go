package ingest

import (
	"bytes"
	"compress/gzip"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/netip"
	"slices"
	"strings"
	"time"

	"detour/events"
)

// maxLogBytes bounds what a part of a log is unpacked to. CloudWatch Logs packs at most about a megabyte of lines (AWS page
// "CloudWatch Logs quotas", batch size); a gzip stream can hold a thousand times its size.
const maxLogBytes = 8 << 20

// SourceLogs is the Source of a look because of a BGP log.
const SourceLogs = "vpn-bgp-log"

// The reasons for looking at everything because of a log.
const (
	WhyUnreadableLog = "unreadable-log" // what CloudWatch Logs sent cannot be unpacked
	WhyUnknownLine   = "unknown-line"   // no VPN connection can be found in a line
)

// DropNoLines is the drop of a control message of CloudWatch Logs, which only tries the way.
const DropNoLines DropReason = "control-message"

// DecodeLogs reads a part of the BGP log of VPN connections, as a subscription of CloudWatch Logs delivers it, and says
// what to look at. The error, if any, is always a *Drop. A line that is not understood widens the look: to all routes of
// the connection that it names, and to everything if it names none.
func DecodeLogs(raw []byte) (Look, error) {
	if len(raw) > maxBatchBytes {
		return Look{}, &Drop{DropOversized, fmt.Sprintf("%d bytes, Lambda passes at most %d; look for another sender", len(raw), maxBatchBytes)}
	}
	if kind := KindOf(raw); kind != KindLogs {
		return Look{}, &Drop{DropNotForUs, `no key "awslogs", as a part of a log has it; decode an event with Decode`}
	}
	look := Look{Source: SourceLogs}
	data, err := unpack(raw)
	if err != nil {
		look.all(WhyUnreadableLog, "%v", withoutValue(err))
		return look, nil
	}
	if data.MessageType == events.LogsControlMessage {
		return Look{}, &Drop{DropNoLines, "CloudWatch Logs tries whether it can reach the function"}
	}
	look.DetailType = clean(data.LogGroup)
	for i, line := range data.LogEvents {
		if i == 0 {
			look.EventID = clean(line.ID)
		}
		if at := time.UnixMilli(line.Timestamp).UTC(); line.Timestamp > 0 && (look.SentAt.IsZero() || at.Before(look.SentAt)) {
			look.SentAt = at
		}
		look.line(line.Message, data.LogStream)
	}
	if len(data.LogEvents) == 0 {
		look.all(WhyUnreadableLog, "a message of type %q without lines", clean(data.MessageType))
	}
	slices.Sort(look.Connections)
	look.Connections = slices.Compact(look.Connections)
	look.settle()
	return look, nil
}

// errTooLong: the lines are more than CloudWatch Logs sends at once.
var errTooLong = errors.New("the log unpacks to more than CloudWatch Logs sends at once")

// unpack takes the lines out of a delivery: base64, then gzip, then JSON.
func unpack(raw []byte) (events.LogsData, error) {
	var delivery events.LogsDelivery
	var data events.LogsData
	if err := json.Unmarshal(raw, &delivery); err != nil {
		return data, err
	}
	packed, err := base64.StdEncoding.DecodeString(delivery.AWSLogs.Data)
	if err != nil {
		return data, fmt.Errorf("unpacking base64: %w", err)
	}
	reader, err := gzip.NewReader(bytes.NewReader(packed))
	if err != nil {
		return data, fmt.Errorf("unpacking gzip: %w", err)
	}
	lines, err := io.ReadAll(io.LimitReader(reader, maxLogBytes+1))
	switch {
	case err != nil:
		return data, fmt.Errorf("unpacking gzip: %w", err)
	case len(lines) > maxLogBytes:
		return data, errTooLong
	}
	err = json.Unmarshal(lines, &data)
	if _, partly := errors.AsType[*events.ShapeError](err); partly && len(data.LogEvents) > 0 {
		return data, nil
	}
	return data, err
}

// logLine is what a line says, however it is written.
type logLine struct {
	resource, kind, status, prefix string
	refused                        bool
}

// line adds what one line says. The stream's name holds the connection too, in case the line does not.
func (l *Look) line(text, stream string) {
	said, ok := jsonLine(text)
	if !ok {
		said = textLine(text)
	}
	connection, outside := tunnelOf(said.resource)
	if connection == "" {
		connection, outside = tunnelOf(textLine(stream).resource)
	}
	if connection == "" {
		l.all(WhyUnknownLine, "a line of log stream %q names no VPN connection", clean(stream))
		return
	}
	l.Connections = append(l.Connections, connection)
	hint := RouteHint{Connection: connection, Outside: outside, Gone: said.status == events.RouteWithdrawn, Refused: said.refused}
	switch said.kind {
	case events.BGPLogSession: // Routes that come or go with a session have lines of their own.
	case events.BGPLogRoute:
		known := hint.Gone || said.status == events.RouteAdvertised || said.status == events.RouteUpdated
		l.route(hint, said.prefix, known)
	default:
		l.RoutesUnknown = true
	}
}

// deniedDetails starts what a line says of a route that AWS did not take (AWS page "AWS Site-to-Site VPN logs").
const deniedDetails = "DENIED"

// jsonLine reads a line in the format json.
func jsonLine(text string) (logLine, bool) {
	var d events.VPNBGPLog
	if !strings.HasPrefix(strings.TrimSpace(text), "{") {
		return logLine{}, false
	}
	_ = json.Unmarshal([]byte(text), &d) // What could not be read is missing, and a missing key widens the look.
	return logLine{
		resource: d.ResourceID, kind: d.Type, status: d.Status, prefix: d.Message.Prefix,
		refused: strings.HasPrefix(d.Message.Details, deniedDetails),
	}, true
}

// textLine reads a line in the format text. AWS has published no line of it (UNVERIFIED), so the words are looked for
// wherever they stand: the connection and its tunnel, the type, the status, and the first CIDR block.
func textLine(text string) logLine {
	var out logLine
	words := strings.FieldsFunc(text, func(r rune) bool { return strings.ContainsRune(" \t\r\n,;=|'\"()[]{}<>", r) })
	for _, word := range words {
		switch word = strings.TrimRight(word, ":."); {
		case strings.HasPrefix(word, "vpn-") && out.resource == "":
			out.resource = word
		case word == events.BGPLogRoute || word == events.BGPLogSession:
			out.kind = word
		case word == events.RouteAdvertised || word == events.RouteUpdated || word == events.RouteWithdrawn:
			out.status = word
		case word == deniedDetails:
			out.refused = true
		case out.prefix == "" && isBlock(word):
			out.prefix = word
		case out.prefix == "" && isBlock(afterColon(word)):
			out.prefix = afterColon(word)
		}
	}
	return out
}

// afterColon is what stands behind a label such as prefix: that no space separates.
func afterColon(word string) string {
	_, rest, _ := strings.Cut(word, ":")
	return rest
}

// isBlock says whether s is a CIDR block.
func isBlock(s string) bool {
	_, err := netip.ParsePrefix(s)
	return err == nil
}

// tunnelOf splits the id of a tunnel's log: the connection, an underscore, the outside address.
func tunnelOf(resource string) (connection, outside string) {
	connection, outside, _ = strings.Cut(resource, "_")
	if !isID(connection, "vpn-") {
		return "", ""
	}
	return connection, address(outside)
}
