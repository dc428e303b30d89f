// Package endpoint is the address at which the simulated services answer: one
// HTTP endpoint for all of them, as the setting AWS_ENDPOINT_URL makes every SDK
// and the AWS CLI use one. It picks the face of a request by the service in the
// credential scope of its signature.
//
// It also holds what the faces of the AWS JSON protocol have in common.
package endpoint

import (
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"

	"detour/shared/sim/authz"
)

// Handler hands every request to the face of its service. It is an http.Handler
// for a listener and for sim.NewTransport, and an HTTP client (Do) for an SDK in
// the same process.
type Handler struct {
	faces    map[string]http.Handler
	services string
	// authority decides who may call what; nil: everybody may all.
	authority *authz.Authority
	denied    func(r *http.Request, c authz.Call, code string, d *authz.Denial)
}

// New returns a Handler for the faces. The keys are service names as credential
// scopes have them (ec2, sts, dynamodb, sqs, events); one face may serve several.
// It panics if a face is nil.
func New(faces map[string]http.Handler) *Handler {
	names := slices.Sorted(maps.Keys(faces))
	for _, name := range names {
		if faces[name] == nil {
			panic(fmt.Sprintf("endpoint: the face of the service %q is nil: leave the service out, or give it a face", name))
		}
	}
	return &Handler{faces: maps.Clone(faces), services: strings.Join(names, ", ")}
}

// ServeHTTP implements http.Handler. The face gets the request as it came, with
// its context. What belongs to no face is answered in JSON, with the services
// that there are.
func (h *Handler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	scope, err := ReadScope(r)
	if err != nil {
		h.refuse(w, "MissingAuthenticationTokenException", err.Error())
		return
	}
	face, known := h.faces[scope.Service]
	if !known {
		h.refuse(w, "UnrecognizedClientException", fmt.Sprintf("the credential scope names the service %q, which is not simulated", scope.Service))
		return
	}
	if h.authorized(w, r, scope) {
		face.ServeHTTP(w, r)
	}
}

// Do answers the request in process; with it a Handler is an HTTPClient of the
// AWS SDK. A request whose context is over does not arrive.
func (h *Handler) Do(r *http.Request) (*http.Response, error) { return Do(h, r) }

func (h *Handler) refuse(w http.ResponseWriter, code, cause string) {
	writeJSON(w, "1.0", &Error{
		Status: http.StatusForbidden, Type: code,
		Message: fmt.Sprintf("%s. Sign the request for one of the simulated services: %s.", cause, h.services),
	}, "")
}
