package cloudwatchapi

import (
	"bytes"
	"encoding/json"
	"encoding/xml"
	"errors"
	"fmt"
	"math"
	"net/http"
	"strings"
	"time"

	"detour/shared/sim/cbor"
)

const (
	operations = "/service/GraniteServiceVersion20100801/operation/"
	targets    = "GraniteServiceVersion20100801."
	operation  = "DescribeAlarms"
)

// protocol is one of those that CloudWatch speaks. Source: Smithy, RPC v2 CBOR
// and AWS JSON 1.0; the shapes of the members are the same in both.
type protocol struct {
	contentType string
	// read takes a request's body apart, and write makes an answer's.
	read  func(body []byte) (any, error)
	write func(answer map[string]any) []byte
}

// spoken returns the protocol of a request and the operation that it names. The
// Go SDK speaks CBOR, the AWS CLI (1.45) JSON. A request in the Query protocol of
// older clients names none, and is refused in XML, which they read.
func spoken(r *http.Request) (p protocol, name string, known bool) {
	if r.Header.Get("Smithy-Protocol") == "rpc-v2-cbor" {
		name, _ = strings.CutPrefix(r.URL.Path, operations)
		return protocol{contentType: "application/cbor", read: cbor.Decode, write: func(answer map[string]any) []byte { return cbor.Encode(answer) }}, name, true
	}
	if target := r.Header.Get("X-Amz-Target"); target != "" {
		name, _ = strings.CutPrefix(target, targets)
		return protocol{contentType: "application/x-amz-json-1.0", read: readJSON, write: writeJSON}, name, true
	}
	return protocol{contentType: "text/xml", write: writeXML}, "", false
}

// readJSON reads a JSON body into the types that cbor.Decode gives.
func readJSON(body []byte) (any, error) {
	var value any
	decoder := json.NewDecoder(bytes.NewReader(body))
	if err := decoder.Decode(&value); err != nil {
		return nil, fmt.Errorf("decoding JSON: %w", err)
	}
	if decoder.More() {
		return nil, errors.New("decoding JSON: something follows the value")
	}
	return whole(value), nil
}

// whole turns the numbers that are whole into integers, as CBOR has them.
func whole(value any) any {
	switch v := value.(type) {
	case float64:
		if v == math.Trunc(v) && math.Abs(v) < 1<<53 {
			return int64(v)
		}
	case []any:
		for i := range v {
			v[i] = whole(v[i])
		}
	case map[string]any:
		for key := range v {
			v[key] = whole(v[key])
		}
	}
	return value
}

// writeJSON writes an answer; a time is a number of seconds.
func writeJSON(answer map[string]any) []byte {
	body, err := json.Marshal(plain(answer))
	if err != nil {
		return []byte(`{"__type":"InternalServiceFault"}`) // Answers are of types that always encode.
	}
	return body
}

func plain(value any) any {
	switch v := value.(type) {
	case time.Time:
		return float64(v.UnixMilli()) / 1000
	case []any:
		out := make([]any, len(v))
		for i := range v {
			out[i] = plain(v[i])
		}
		return out
	case map[string]any:
		out := make(map[string]any, len(v))
		for key := range v {
			out[key] = plain(v[key])
		}
		return out
	}
	return value
}

// writeXML writes an error for clients of the Query protocol.
func writeXML(answer map[string]any) []byte {
	var text bytes.Buffer
	code, _ := answer["__type"].(string)
	message, _ := answer["message"].(string)
	text.WriteString("<ErrorResponse><Error><Type>Sender</Type><Code>")
	_ = xml.EscapeText(&text, []byte(code))
	text.WriteString("</Code><Message>")
	_ = xml.EscapeText(&text, []byte(message))
	text.WriteString("</Message></Error></ErrorResponse>")
	return text.Bytes()
}
