package lab

import (
	"os"
	"runtime/debug"
	"testing"
)

// TestMain lets garbage lie for longer than usual: the SDKs make very much of it, of
// which a run keeps little.
func TestMain(m *testing.M) {
	debug.SetGCPercent(400)
	os.Exit(m.Run())
}
