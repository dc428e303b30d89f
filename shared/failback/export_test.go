package failback

// The bounds, for the tests.
const (
	MaxLooks = maxLooks
	MaxSteps = maxSteps
)

// Extents are those of the steps, for the tests.
var Extents = extentsOf
