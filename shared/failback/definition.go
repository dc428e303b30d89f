package failback

import _ "embed"

// definition is in Amazon States Language, with JSONPath.
//
//go:embed definition.asl.json
var definition string

// Definition returns the definition of the state machine. ${Precheck} and so on stand
// in it for the ARNs of the functions; Substitution has the names.
func Definition() string { return definition }
