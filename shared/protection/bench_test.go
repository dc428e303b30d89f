package protection

import (
	"testing"

	"detour/shared/health"
)

// BenchmarkDecide decides for a group of three units and three paths, at rest
// and after a failure.
func BenchmarkDecide(b *testing.B) {
	quiet, failed := settledOn("A"), settledOn("A")
	failed.set("A", health.Down)
	for _, c := range []struct {
		name string
		in   Input
		want Action
	}{{"at-rest", quiet, Stay}, {"after-a-failure", failed, Move}} {
		b.Run(c.name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if out := Decide(c.in); out.Decision.Action != c.want {
					b.Fatalf("decided %s", out.Decision.Action)
				}
			}
		})
	}
}
