package live

import (
	"encoding/json"
	"fmt"
	"net/http"

	"detour/shared/lab/stack"
)

// DeploymentPath is the path at which the server tells what is deployed in it:
// GET a Deployment.
const DeploymentPath = "/lab/deployment"

// operatorName is the name under which the call log has what operators' tools do.
const operatorName = "operator"

// Deployment is what an operator's tool must know of the Detour that runs in the
// lab. There is no secret in it: the lab checks none.
type Deployment struct {
	Topology string `json:"topology"`
	// Endpoint is the address of all simulated services, for operators' tools.
	Endpoint string `json:"endpoint"`
	// Config is the configuration, normalized.
	Config json.RawMessage `json:"config"`
	// Homes are empty where no functions run: there are no records then.
	Homes []DeployedHome `json:"homes"`
}

// DeployedHome is one home of groups, with its record store and queue.
type DeployedHome struct {
	Account   string `json:"account"`
	Region    string `json:"region"`
	Table     string `json:"table"`
	WakeQueue string `json:"wakeQueue"`
	// FilterWakeQueue is the queue for the wake-ups of filters; empty where there are
	// none.
	FilterWakeQueue string `json:"filterWakeQueue,omitempty"`
	// StateMachine is the ARN of the state machine of failbacks; empty: there is none.
	StateMachine string `json:"stateMachine,omitempty"`
	// Role is the role template of the functions, and ExternalID what the roles ask
	// for; empty where they need none.
	Role       string `json:"role,omitempty"`
	ExternalID string `json:"externalId,omitempty"`
}

// Deployment tells what is deployed in the lab.
func (s *Server) Deployment() (Deployment, error) {
	text, err := s.opts.File.Config.JSON()
	if err != nil {
		return Deployment{}, fmt.Errorf("writing the configuration: %w", err)
	}
	out := Deployment{
		Topology: s.opts.File.Name, Endpoint: s.URL() + callersPath + operatorName, Config: text, Homes: []DeployedHome{},
	}
	for _, h := range s.homes {
		out.Homes = append(out.Homes, DeployedHome{
			Account: h.Account, Region: h.Region, Table: h.table, WakeQueue: h.wakeURL, FilterWakeQueue: h.filterWakeURL(),
			StateMachine: h.machine, Role: h.role, ExternalID: h.externalID,
		})
	}
	return out, nil
}

// deployment answers GET DeploymentPath.
func (s *Server) deployment(w http.ResponseWriter) {
	w.Header().Set("Content-Type", "application/json")
	out, err := s.Deployment()
	if err != nil {
		w.WriteHeader(http.StatusInternalServerError)
		_ = json.NewEncoder(w).Encode(Reply{Error: err.Error()}) // Whoever asked has gone if it cannot be written.
		return
	}
	_ = json.NewEncoder(w).Encode(out) // As above.
}

// RoleOf returns the role that a caller of the simulated services works as, by its
// name in the call log. Only functions of a template have one: credentials in the
// lab name an account and no role.
func (s *Server) RoleOf(caller string) (stack.Role, bool) {
	for _, f := range s.started {
		if f.label != caller {
			continue
		}
		for _, st := range s.model.Stacks {
			for _, role := range st.Roles {
				if role.ARN == f.Role {
					return role, true
				}
			}
		}
	}
	return stack.Role{}, false
}
