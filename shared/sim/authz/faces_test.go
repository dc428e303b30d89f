package authz_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"slices"
	"strconv"
	"strings"
	"testing"

	"detour/shared/sim/authz"
)

// answered are the calls that a face answers: the cases of the function that picks
// what answers one.
func answered(t *testing.T, file, function string) []string {
	t.Helper()
	source, err := parser.ParseFile(token.NewFileSet(), file, nil, 0)
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, decl := range source.Decls {
		f, ok := decl.(*ast.FuncDecl)
		if !ok || f.Name.Name != function {
			continue
		}
		ast.Inspect(f, func(n ast.Node) bool {
			clause, ok := n.(*ast.CaseClause)
			if !ok {
				return true
			}
			for _, expression := range clause.List {
				if literal, ok := expression.(*ast.BasicLit); ok {
					name, err := strconv.Unquote(literal.Value)
					if err != nil {
						t.Fatal(err)
					}
					names = append(names, name)
				}
			}
			return true
		})
	}
	if len(names) == 0 {
		t.Fatalf("%s has no cases in %s", function, file)
	}
	return names
}

// TestEveryCallOfTheFacesIsKnown: what a face answers has its permissions here.
func TestEveryCallOfTheFacesIsKnown(t *testing.T) {
	count := 0
	for _, face := range []struct{ service, file, function string }{
		{"ec2", "../ec2api/action.go", "readAction"},
		{"ec2", "../ec2api/action.go", "writeAction"},
		{"ec2", "../ec2api/vpcnetwork.go", "vpcAction"},
		{"ec2", "../ec2api/tgwnetwork.go", "tgwAction"},
		{"sts", "../ec2api/sts.go", "stsAction"},
		{"dynamodb", "../dynamoapi/handler.go", "operation"},
	} {
		for _, name := range answered(t, face.file, face.function) {
			count++
			call := authz.Call{Service: face.service, Account: home, Region: "eu-central-1", Operation: name}
			needs, err := call.Needs(owners)
			if err != nil {
				t.Error(err)
			}
			for _, need := range needs {
				if !strings.HasPrefix(need.Action, face.service+":") {
					t.Errorf("%s needs %s", name, need.Action)
				}
			}
		}
	}
	if count < 40 {
		t.Errorf("%d calls", count)
	}
	if !slices.Contains(answered(t, "../ec2api/action.go", "writeAction"), "ReplaceTransitGatewayRoute") {
		t.Error("a call that is known to be answered is not found")
	}
}
