package live

import (
	"encoding/json"
	"io"
	"net/http"
	"slices"
	"strings"
	"testing"

	"detour/shared/config"
)

// getDeployment asks the server over HTTP, as the command line does.
func getDeployment(t *testing.T, s *Server) (Deployment, string) {
	t.Helper()
	answer, err := http.Get(s.URL() + DeploymentPath)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = answer.Body.Close() }()
	text, err := io.ReadAll(answer.Body)
	if err != nil || answer.StatusCode != http.StatusOK || answer.Header.Get("Content-Type") != "application/json" {
		t.Fatalf("status %d, %v: %s", answer.StatusCode, err, text)
	}
	var out Deployment
	if err := json.Unmarshal(text, &out); err != nil {
		t.Fatal(err)
	}
	return out, string(text)
}

func TestDeployment(t *testing.T) {
	s, _ := serve(t, Options{FunctionsDir: fakeFunctions(t), NoSchedule: true})
	got, text := getDeployment(t, s)
	wake := s.homes[0].wakeURL
	want := []DeployedHome{{Account: "111122223333", Region: "ap-northeast-1", Table: recordTable, WakeQueue: wake, StateMachine: "arn:aws:states:ap-northeast-1:111122223333:stateMachine:" + stateMachine, Role: roleTemplate, ExternalID: externalID}}
	if got.Topology != "cloud-join" || got.Endpoint != s.URL()+"/as/operator" || !slices.Equal(got.Homes, want) {
		t.Errorf("it tells %+v", got)
	}
	c, err := config.Parse(got.Config)
	if err != nil || len(c.GroupList) != 1 || c.GroupList[0].Name != "other-cloud" {
		t.Errorf("the configuration is %+v, %v", c, err)
	}
	if strings.Contains(text, "secret") {
		t.Errorf("it tells a secret: %s", text)
	}
}

func TestDeploymentWithoutFunctions(t *testing.T) {
	s, _ := serve(t, Options{})
	if got, _ := getDeployment(t, s); got.Homes == nil || len(got.Homes) != 0 {
		t.Errorf("it tells the homes %+v", got.Homes)
	}
	answer, err := http.Post(s.URL()+DeploymentPath, "application/json", strings.NewReader("{}"))
	if err != nil {
		t.Fatal(err)
	}
	_ = answer.Body.Close()
	if answer.StatusCode == http.StatusOK {
		t.Error("what is to be read can be written")
	}
}
