package live

import (
	"encoding/json"
	"fmt"
	"io"
	"mime"
	"net/http"
)

// maxOrder is the longest order that is read, in bytes.
const maxOrder = 64 << 10

// ControlPath is the path of the control face: POST an Order, get a Reply.
const ControlPath = "/lab/do"

// Order is a request to the control face.
type Order struct {
	Action string   `json:"action"`
	Args   []string `json:"args"`
}

// Reply is the answer of the control face: Error, or the others. The status is
// 200 or 400.
type Reply struct {
	// Text is the answer for a person, Result for a program.
	Text   string          `json:"text,omitempty"`
	Result json.RawMessage `json:"result,omitempty"`
	Error  string          `json:"error,omitempty"`
}

// control answers the control face. The content type is asked for so that no web
// page that a browser shows can send orders unnoticed.
func (s *Server) control(w http.ResponseWriter, r *http.Request) {
	if kind, _, err := mime.ParseMediaType(r.Header.Get("Content-Type")); err != nil || kind != "application/json" {
		reply(w, Reply{Error: fmt.Sprintf("the content type is %q; send application/json", r.Header.Get("Content-Type"))})
		return
	}
	o, err := readOrder(io.LimitReader(r.Body, maxOrder))
	if err != nil {
		reply(w, Reply{Error: err.Error()})
		return
	}
	answer, err := s.Do(r.Context(), o.Action, o.Args...)
	if err != nil {
		reply(w, Reply{Error: err.Error()})
		return
	}
	out := Reply{}
	if said, ok := answer.(Answer); ok {
		out.Text = said.Text()
	}
	if out.Result, err = json.Marshal(answer); err != nil {
		out = Reply{Error: "writing the answer: " + err.Error()}
	}
	reply(w, out)
}

// readOrder reads one order.
func readOrder(from io.Reader) (Order, error) {
	var o Order
	decoder := json.NewDecoder(from)
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(&o); err != nil {
		return Order{}, fmt.Errorf(`reading the order: %w; send {"action": "status", "args": []}`, err)
	}
	return o, nil
}

func reply(w http.ResponseWriter, r Reply) {
	w.Header().Set("Content-Type", "application/json")
	if r.Error != "" {
		w.WriteHeader(http.StatusBadRequest)
	}
	_ = json.NewEncoder(w).Encode(r) // Whoever asked has gone if it cannot be written.
}
