package awsec2

import (
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"detour/shared/adapter/cannedtest"
)

// TestTheDocumentedCalls: docs/architecture.md names the calls that this package
// makes, and no others of EC2.
func TestTheDocumentedCalls(t *testing.T) {
	files, err := filepath.Glob("*.go")
	if err != nil {
		t.Fatal(err)
	}
	var made []string
	for _, file := range files {
		if strings.HasSuffix(file, "_test.go") {
			continue
		}
		made = append(made, found(t, file, `\(\*ec2\.Client\)\.(\w+)\)`)...)
	}
	documented := found(t, filepath.Join("..", "..", "..", "docs", "architecture.md"), "`ec2:(\\w+)`")
	for _, list := range []*[]string{&made, &documented} {
		slices.Sort(*list)
		*list = slices.Compact(*list)
	}
	cannedtest.Expect(t, documented, made)
}

func found(t *testing.T, file, expression string) []string {
	t.Helper()
	raw, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	var out []string
	for _, match := range regexp.MustCompile(expression).FindAllSubmatch(raw, -1) {
		out = append(out, string(match[1]))
	}
	return out
}
