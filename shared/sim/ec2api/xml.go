package ec2api

import (
	"bytes"
	"encoding/xml"
	"net/http"
	"strconv"
	"time"

	"detour/shared/sim"
)

// The namespaces of answers. Source: EC2 and STS API references, sample responses.
const (
	ec2Namespace = "http://ec2.amazonaws.com/doc/" + ec2Version + "/"
	stsNamespace = "https://sts.amazonaws.com/doc/" + stsVersion + "/"
)

// answer is a response, ready to send.
type answer struct {
	status int
	id     string
	body   []byte
}

func (a answer) header() http.Header {
	return http.Header{
		"Content-Type":     {"text/xml;charset=UTF-8"},
		"Content-Length":   {strconv.Itoa(len(a.body))},
		"X-Amzn-Requestid": {a.id},
	}
}

// success writes the result of an action as its response.
func (rq *request) success(result any) answer {
	if rq.face == faceSTS {
		return rq.write(http.StatusOK, xml.Name{Space: stsNamespace, Local: rq.action + "Response"},
			stsAnswer{Result: result, RequestID: rq.id})
	}
	if r, ok := result.(interface{ stamp(id string) }); ok {
		r.stamp(rq.id)
	}
	return rq.write(http.StatusOK, xml.Name{Space: ec2Namespace, Local: rq.action + "Response"}, result)
}

// failure writes an error in the form of the face.
func (rq *request) failure(err *sim.APIError) answer {
	status := err.Status
	if status == 0 {
		status = http.StatusBadRequest
	}
	if rq.face == faceSTS {
		e := stsFailure{RequestID: rq.id}
		e.Error.Type, e.Error.Code, e.Error.Message = "Sender", err.Code, err.Message
		if status >= http.StatusInternalServerError {
			e.Error.Type = "Receiver"
		}
		return rq.write(status, xml.Name{Space: stsNamespace, Local: "ErrorResponse"}, e)
	}
	e := ec2Failure{RequestID: rq.id}
	e.Error.Code, e.Error.Message = err.Code, err.Message
	return rq.write(status, xml.Name{Local: "Response"}, e)
}

// write encodes a response under the root. The shapes are plain structs, which
// always encode.
func (rq *request) write(status int, root xml.Name, document any) answer {
	var body bytes.Buffer
	body.WriteString(xml.Header)
	if err := xml.NewEncoder(&body).EncodeElement(document, xml.StartElement{Name: root}); err != nil {
		return answer{status: http.StatusInternalServerError, id: rq.id, body: []byte("<Response><Errors><Error><Code>InternalError</Code></Error></Errors></Response>")}
	}
	return answer{status: status, id: rq.id, body: body.Bytes()}
}

// stamped is what every EC2 answer has beside its own fields.
type stamped struct {
	RequestID string `xml:"requestId"`
}

func (s *stamped) stamp(id string) { s.RequestID = id }

type ec2Failure struct {
	Error struct {
		Code    string
		Message string
	} `xml:"Errors>Error"`
	RequestID string
}

type stsAnswer struct {
	Result    any
	RequestID string `xml:"ResponseMetadata>RequestId"`
}

type stsFailure struct {
	Error struct {
		Type    string
		Code    string
		Message string
	}
	RequestID string `xml:"RequestId"`
}

// list is an XML list of items; an empty one is an empty element, as AWS's is.
type list[T any] struct {
	Items []T `xml:"item"`
}

// instant writes a time as EC2 does, in milliseconds; the zero time is left out.
func instant(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.UTC().Format("2006-01-02T15:04:05.000Z")
}
