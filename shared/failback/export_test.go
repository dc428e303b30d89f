package failback

// The bounds, for the tests.
const (
	MaxLooks = maxLooks
	MaxSteps = maxSteps
)
