package health

import (
	"math"
	"testing"
	"time"
)

// near reports whether a figure of merit is what was computed by hand to two
// decimals.
func near(got, want float64) bool { return math.Abs(got-want) < 0.01 }

func TestThePenaltyHalvesInEveryHalfLife(t *testing.T) {
	s := &story{t: t, spec: testSpec()}
	s.see(0, upFacts, Up)
	s.see(0, downFacts, Down)
	// 1000 * 2^(-minutes/15), by hand.
	for _, tt := range []struct {
		after time.Duration
		want  float64
	}{
		{0, 1000},
		{5 * time.Minute, 793.70},
		{15 * time.Minute, 500},
		{30 * time.Minute, 250},
		{45 * time.Minute, 125},
		{150 * time.Minute, 0.98},
	} {
		if got := s.see(tt.after, downFacts, Down); !near(got.Penalty, tt.want) {
			t.Errorf("after %v the penalty is %v, want %v", tt.after, got.Penalty, tt.want)
		}
	}
}

func TestEachDownTransitionAddsAPenalty(t *testing.T) {
	s := &story{t: t, spec: testSpec()}
	s.see(0, upFacts, Up)
	s.see(0, downFacts, Down)
	s.see(time.Minute, downFacts, Down)
	s.see(15*time.Minute, upFacts, Up)
	// Half of 1000, and 1000 more.
	if got := s.see(15*time.Minute, downFacts, Down); !near(got.Penalty, 1500) {
		t.Errorf("penalty %v", got.Penalty)
	}
	s.see(30*time.Minute, degradedFacts, Degraded)
	// Half of 1500, and 1000 more: Degraded to Down counts like Up to Down.
	if got := s.see(30*time.Minute, downFacts, Down); !near(got.Penalty, 1750) {
		t.Errorf("penalty %v", got.Penalty)
	}
}

func TestAGapInTheEvidenceNeitherHidesNorInventsATransition(t *testing.T) {
	t.Run("Up, Unknown, Down: one penalty", func(t *testing.T) {
		s := &story{t: t, spec: testSpec()}
		s.see(0, upFacts, Up)
		s.see(0, unreadableFacts, Unknown)
		if got := s.see(0, downFacts, Down); got.Penalty != 1000 {
			t.Errorf("penalty %v", got.Penalty)
		}
	})
	t.Run("Down, Unknown, Down: no second penalty", func(t *testing.T) {
		s := &story{t: t, spec: testSpec()}
		s.see(0, upFacts, Up)
		s.see(0, downFacts, Down)
		s.see(0, unreadableFacts, Unknown)
		if got := s.see(0, downFacts, Down); got.Penalty != 1000 {
			t.Errorf("penalty %v", got.Penalty)
		}
	})
	t.Run("Down at first sight: no penalty", func(t *testing.T) {
		s := &story{t: t, spec: testSpec()}
		if got := s.see(0, downFacts, Down); got.Penalty != 0 {
			t.Errorf("penalty %v", got.Penalty)
		}
	})
}

// flap makes the path go Down n times at noon.
func flap(s *story, n int) {
	for range n {
		s.see(0, upFacts, Up)
		s.see(0, downFacts, Down)
	}
	s.see(0, upFacts, Up)
}

func TestSuppressAndReuse(t *testing.T) {
	s := &story{t: t, spec: testSpec()}
	flap(s, 2)
	if s.last.Suppressed {
		t.Error("suppressed at 2000")
	}
	flap(s, 1)
	if !s.last.Suppressed || !near(s.last.Penalty, 3000) {
		t.Errorf("at the third transition: suppressed %t, penalty %v", s.last.Suppressed, s.last.Penalty)
	}
	// 3000 falls to 750 in two half-lives.
	if got := s.see(30*time.Minute, upFacts, Up); !got.Suppressed {
		t.Error("used again at 750; reuse needs less")
	}
	got := s.see(30*time.Minute+time.Second, upFacts, Up)
	if got.Suppressed || !got.Deadline.IsZero() {
		t.Errorf("suppressed %t, deadline %v", got.Suppressed, got.Deadline)
	}
}

func TestThePenaltyGoesOnDecayingAfterReuse(t *testing.T) {
	s := &story{t: t, spec: testSpec()}
	flap(s, 3)
	s.see(31*time.Minute, upFacts, Up)
	// 3000 * 2^-3.
	if got := s.see(45*time.Minute, upFacts, Up); !near(got.Penalty, 375) {
		t.Errorf("penalty %v, want 375", got.Penalty)
	}
}

func TestTheReuseDeadlineIsRight(t *testing.T) {
	for n, want := range map[int]time.Duration{
		// 15 min * log2(n * 1000 / 750).
		3:  30 * time.Minute,
		4:  36*time.Minute + 13534*time.Millisecond,
		6:  45 * time.Minute,
		12: 60 * time.Minute,
	} {
		s := &story{t: t, spec: testSpec()}
		flap(s, n)
		deadline := s.last.Deadline
		if got := deadline.Sub(noon); (got - want).Abs() > 2*time.Millisecond {
			t.Errorf("%d transitions: reuse after %v, want %v", n, got, want)
		}
		before := Judge(s.spec, upFacts(noon), Use{}, s.memory, deadline.Add(-time.Second))
		if !before.Suppressed || !before.Deadline.Equal(deadline) {
			t.Errorf("%d transitions: a second before the deadline: suppressed %t, deadline %v", n, before.Suppressed, before.Deadline)
		}
		if got := Judge(s.spec, upFacts(deadline), Use{}, s.memory, deadline); got.Suppressed {
			t.Errorf("%d transitions: still suppressed at the deadline, with penalty %v", n, got.Penalty)
		}
	}
}

func TestTheCeilingBoundsThePenalty(t *testing.T) {
	s := &story{t: t, spec: testSpec()}
	flap(s, 40)
	if s.last.Penalty != 12000 {
		t.Errorf("penalty %v", s.last.Penalty)
	}
	// 12000 falls to 750 in four half-lives: the longest suppression there is.
	if got := s.last.Deadline.Sub(noon); (got - time.Hour).Abs() > 2*time.Millisecond {
		t.Errorf("suppressed for %v", got)
	}
}

func TestASuppressionThatRanOutUnseenIsOver(t *testing.T) {
	s := &story{t: t, spec: testSpec()}
	flap(s, 3)
	// Nobody looked for three hours; then the path goes Down once.
	got := s.see(3*time.Hour, downFacts, Down)
	// 3000 * 2^-12 is 0.73.
	if got.Suppressed || !near(got.Penalty, 1000.73) {
		t.Errorf("suppressed %t, penalty %v", got.Suppressed, got.Penalty)
	}
}

func TestDampingKeepsNothingUp(t *testing.T) {
	s := &story{t: t, spec: testSpec()}
	flap(s, 5)
	s.see(0, downFacts, Down)
	s.see(0, degradedFacts, Degraded)
}

func TestWithoutDampingNothingIsSuppressed(t *testing.T) {
	s := &story{t: t, spec: testSpec()}
	s.spec.Damping = Damping{}
	flap(s, 5)
	if s.last.Suppressed || s.last.Penalty != 0 || !s.last.Deadline.IsZero() {
		t.Errorf("suppressed %t, penalty %v, deadline %v", s.last.Suppressed, s.last.Penalty, s.last.Deadline)
	}
}

func TestReuseAndItsDeadlineAreOneInstant(t *testing.T) {
	s := &story{t: t, spec: testSpec()}
	flap(s, 3)
	deadline := s.last.Deadline
	if got := Judge(s.spec, upFacts(deadline.Add(-1)), Use{}, s.memory, deadline.Add(-1)); !got.Suppressed {
		t.Error("used again before the deadline, when nobody is woken")
	}
	if got := Judge(s.spec, upFacts(deadline), Use{}, s.memory, deadline); got.Suppressed {
		t.Error("still suppressed at the deadline")
	}
}

func TestDampingThatIsSwitchedOffSuppressesNoLonger(t *testing.T) {
	s := &story{t: t, spec: testSpec()}
	flap(s, 3)
	off := s.spec.Damping
	off.Penalty = 0
	for _, damping := range []Damping{off, {}} {
		s.spec.Damping = damping
		got := Judge(s.spec, upFacts(noon.Add(time.Minute)), Use{}, s.memory, noon.Add(time.Minute))
		if got.Suppressed || !got.Deadline.IsZero() {
			t.Errorf("%+v: suppressed %t, deadline %v", damping, got.Suppressed, got.Deadline)
		}
	}
}
