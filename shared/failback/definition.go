package failback

import (
	_ "embed"
	"strings"
)

// definition is in Amazon States Language, with JSONPath.
//
//go:embed definition.asl.json
var definition string

// Definition returns the definition of the state machine. ${Precheck} and so on stand
// in it for the ARNs of the functions; Substitution has the names.
func Definition() string { return definition }

// DefinitionIn is the definition for a partition: the ARNs of the integrations have it
// (Step Functions Developer Guide, "Integrating services").
func DefinitionIn(partition string) string {
	return strings.ReplaceAll(definition, `"arn:aws:states:::`, `"arn:`+partition+`:states:::`)
}
