package controller

import (
	"context"

	"detour/shared/plan"
	"detour/shared/route"
)

// Surroundings reads what lies around transit gateway route tables, for
// plan.Survey. Only what people start uses it; a run does not. It answers for
// every transit gateway table asked about, passes VPC tables over, and says in
// the answer what could not be read. Like RouteTables it makes its calls at
// once, and never retries.
type Surroundings interface {
	Read(ctx context.Context, tables []route.Table) plan.Surroundings
}
