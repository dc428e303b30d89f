package main

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"detour/shared/config"
)

const branchConfig = `version: 1
groups:
  - name: branch
    mode: enforce
    home: {account: "111122223333", region: eu-west-1}
    paths:
      - {name: one, vpn: vpn-0b000000000000001}
      - {name: two, vpn: vpn-0b000000000000002}
    units:
      - entries:
          - table: tgw-rtb-0c000000000000001
            destination: 10.0.0.0/8
            nextHops: {one: tgw-attach-0b000000000000001, two: tgw-attach-0b000000000000002}
`

func TestConfigJSON(t *testing.T) {
	file := filepath.Join(t.TempDir(), "detour.yaml")
	if err := os.WriteFile(file, []byte(branchConfig), 0o600); err != nil {
		t.Fatal(err)
	}
	code, out, errs := detour(t, "config", "json", file)
	if code != 0 || errs != "" {
		t.Fatalf("exit %d: %s", code, errs)
	}
	c, err := config.Parse([]byte(out))
	if err != nil || len(c.GroupList) != 1 || c.GroupList[0].Name != "branch" || c.Limits.MaxMoves == 0 {
		t.Errorf("the functions would read %+v, %v", c, err)
	}
	var piped, complaints bytes.Buffer
	if code := run(t.Context(), []string{"config", "json", "-"}, strings.NewReader(branchConfig), &piped, &complaints); code != 0 || piped.String() != out {
		t.Errorf("from standard input: exit %d: %s%s", code, piped.String(), complaints.String())
	}
}

func TestConfigJSONRefuses(t *testing.T) {
	file := filepath.Join(t.TempDir(), "detour.yaml")
	broken := strings.ReplaceAll(strings.Replace(branchConfig, "enforce", "enforced", 1), "10.0.0.0/8", "10.0.0.1/8")
	if err := os.WriteFile(file, []byte(broken), 0o600); err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		args []string
		want []string
	}{
		"problems, each with its place": {[]string{"json", file}, []string{"detour.yaml:4:11:", "enforced", "detour.yaml:12:26:", "10.0.0.1/8"}},
		"a file that is not there":      {[]string{"json", "nowhere.yaml"}, []string{"nowhere.yaml"}},
		"no file":                       {[]string{"json"}, []string{"name one configuration file"}},
		"an unknown command":            {[]string{"jason"}, []string{`no command "jason"`, "json"}},
	} {
		t.Run(name, func(t *testing.T) {
			code, out, errs := detour(t, append([]string{"config"}, c.args...)...)
			if code != 2 || out != "" {
				t.Errorf("exit %d, %q", code, out)
			}
			for _, want := range c.want {
				if !strings.Contains(errs, want) {
					t.Errorf("nothing of %q in: %s", want, errs)
				}
			}
		})
	}
}
