package live

import (
	"bytes"
	"compress/gzip"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"detour/events"
	"detour/shared/lab/stack"
)

// maxLogs is how long a delivery may become when it is unpacked: Lambda takes 6 MB
// (Lambda Developer Guide, "Lambda quotas"), and text packs well.
const maxLogs = 64 << 20

// isLogs reports whether what the network emits is a delivery of CloudWatch Logs,
// which goes to no bus.
func isLogs(raw []byte) bool {
	var d events.LogsDelivery
	return json.Unmarshal(raw, &d) == nil && d.AWSLogs.Data != ""
}

// unpackLogs reads a delivery.
func unpackLogs(raw []byte) (events.LogsData, error) {
	var d events.LogsDelivery
	var out events.LogsData
	if err := json.Unmarshal(raw, &d); err != nil {
		return out, fmt.Errorf("reading a delivery of logs: %w", err)
	}
	packed, err := base64.StdEncoding.DecodeString(d.AWSLogs.Data)
	if err != nil {
		return out, fmt.Errorf("unpacking a delivery of logs: %w", err)
	}
	zip, err := gzip.NewReader(bytes.NewReader(packed))
	if err != nil {
		return out, fmt.Errorf("unpacking a delivery of logs: %w", err)
	}
	text, err := io.ReadAll(io.LimitReader(zip, maxLogs))
	if err == nil {
		err = json.Unmarshal(text, &out)
	}
	if err != nil {
		return out, fmt.Errorf("unpacking a delivery of logs: %w", err)
	}
	return out, nil
}

// packLogs writes a delivery.
func packLogs(data events.LogsData) ([]byte, error) {
	text, err := json.Marshal(data)
	if err != nil {
		return nil, fmt.Errorf("packing a delivery of logs: %w", err)
	}
	var packed bytes.Buffer
	zip := gzip.NewWriter(&packed)
	if _, err = zip.Write(text); err == nil {
		err = zip.Close()
	}
	if err != nil {
		return nil, fmt.Errorf("packing a delivery of logs: %w", err)
	}
	return json.Marshal(map[string]any{"awslogs": map[string]any{"data": base64.StdEncoding.EncodeToString(packed.Bytes())}})
}

// logged is what a VPN connection has left in its log, on its way to those who
// have subscribed to the log group in the connection's account and Region.
func (s *Server) logged(raw []byte) {
	data, err := unpackLogs(raw)
	if err == nil && len(data.LogEvents) == 0 {
		err = errors.New("it has no lines")
	}
	if err != nil {
		s.lines.tell(line{Kind: kindEvent, Who: byAWS, What: "logs what cannot be read: " + err.Error()})
		return
	}
	vpn, _, _ := strings.Cut(data.LogStream, "_")
	at := vpnSites(s.opts.File.Topology)[vpn]
	s.mu.Lock()
	delivery := s.delivery
	s.mu.Unlock()
	s.lines.tell(line{Kind: kindEvent, Who: byAWS, What: "logs " + describeLogs(data) + lost(delivery), Data: asJSON([]byte(data.LogEvents[0].Message))})
	for range copies(delivery) {
		if s.handOver(at, data) == 0 {
			s.lines.tell(line{Kind: kindEvent, Who: byAWS, What: "has no subscription of log group " + data.LogGroup + " in account " + at.String() + " for it"})
		}
	}
	s.change.signal()
}

// describeLogs says what the lines of a delivery are about.
func describeLogs(data events.LogsData) string {
	var parts []string
	for _, each := range data.LogEvents {
		var l events.VPNBGPLog
		_ = json.Unmarshal([]byte(each.Message), &l) // What cannot be read is left out.
		parts = append(parts, strings.TrimSpace(l.Type+" "+l.Status+leading(" ", l.Message.Prefix)))
	}
	return data.LogStream + ": " + strings.Join(slices.Compact(parts), ", ")
}

// handOver gives the events of a log to the functions that subscribe to it, and
// returns to how many.
func (s *Server) handOver(at stack.Site, data events.LogsData) (taken int) {
	if s.opts.Manual || s.model == nil {
		return 0
	}
	for _, st := range s.model.Stacks {
		for _, filter := range st.LogFilters {
			if st.Site != at || filter.LogGroup != data.LogGroup {
				continue
			}
			matching := slices.DeleteFunc(slices.Clone(data.LogEvents), func(l events.LogLine) bool { return !filter.Pattern.Match([]byte(l.Message)) })
			taken++
			if len(matching) == 0 {
				continue
			}
			part := data
			part.LogEvents, part.SubscriptionFilters = matching, []string{filter.Name}
			if err := s.handTo(st, filter, part); err != nil {
				s.lines.tell(line{Kind: kindEvent, Who: byAWS, What: "cannot hand over log group " + data.LogGroup + ": " + err.Error()})
			}
		}
	}
	return taken
}

// handTo gives a delivery to the function of a subscription filter. CloudWatch Logs
// has no dead-letter queue: what it may not deliver is lost.
func (s *Server) handTo(st stack.Stack, filter stack.SubscriptionFilter, data events.LogsData) error {
	f := s.byARN[filter.Destination]
	allowed := slices.ContainsFunc(st.Permissions, func(p stack.Permission) bool {
		return p.Function == filter.Destination && p.MayDeliver(st.Site, data.LogGroup)
	})
	if f == nil || !allowed {
		return fmt.Errorf("no AWS::Lambda::Permission lets it invoke %s", lastPart(filter.Destination))
	}
	payload, err := packLogs(data)
	if err != nil {
		return err
	}
	f.async.send(payload, CauseEvent)
	return nil
}
