package health

import (
	"testing"
	"time"
)

const holdOffTime = 30 * time.Second

func heldStory(t *testing.T) *story {
	s := &story{t: t, spec: testSpec()}
	s.spec.HoldOff = holdOffTime
	s.see(0, upFacts, Up)
	return s
}

func TestHoldOffKeepsTheStateUntilBadEvidenceHasLasted(t *testing.T) {
	s := heldStory(t)
	got := s.see(time.Minute, downFacts, Up)
	if got.Reason != ReasonHoldOff || got.Evidence != Down {
		t.Errorf("reason %s, evidence %s", got.Reason, got.Evidence)
	}
	if want := noon.Add(time.Minute + holdOffTime); !got.Deadline.Equal(want) {
		t.Errorf("deadline %v, want %v", got.Deadline, want)
	}
	if !got.Since.Equal(noon) {
		t.Error("hold-off broke the time that the path was Up")
	}
	s.see(time.Minute+holdOffTime-1, downFacts, Up)
	got = s.see(time.Minute+holdOffTime, downFacts, Down)
	if got.Reason != ReasonTooFewTunnels || !got.Deadline.IsZero() {
		t.Errorf("reason %s, deadline %v", got.Reason, got.Deadline)
	}
	if got.Penalty != 1000 {
		t.Errorf("penalty %v", got.Penalty)
	}
}

func TestHoldOffIsClearedByRecovery(t *testing.T) {
	s := heldStory(t)
	s.see(time.Minute, downFacts, Up)
	if got := s.see(time.Minute+holdOffTime/2, upFacts, Up); got.Reason != ReasonAllTunnelsUp || !got.Deadline.IsZero() {
		t.Errorf("reason %s, deadline %v", got.Reason, got.Deadline)
	}
	s.see(time.Minute+holdOffTime, downFacts, Up)
	s.see(time.Minute+2*holdOffTime-1, downFacts, Up)
	s.see(time.Minute+2*holdOffTime, downFacts, Down)
}

func TestHoldOffContinuesOverAGapInTheEvidence(t *testing.T) {
	s := heldStory(t)
	s.see(time.Minute, downFacts, Up)
	s.see(time.Minute+holdOffTime/2, unreadableFacts, Unknown)
	s.see(time.Minute+holdOffTime, downFacts, Down)
}

func TestAGapInTheEvidenceStartsNoHoldOff(t *testing.T) {
	s := heldStory(t)
	if got := s.see(time.Minute, unreadableFacts, Unknown); !got.Deadline.IsZero() {
		t.Errorf("deadline %v", got.Deadline)
	}
	s.see(10*time.Minute, downFacts, Up)
	s.see(10*time.Minute+holdOffTime, downFacts, Down)
}

func TestHoldOffIsForDegradedToo(t *testing.T) {
	s := heldStory(t)
	s.see(time.Minute, degradedFacts, Up)
	s.see(time.Minute+holdOffTime, degradedFacts, Degraded)
	s.see(2*time.Minute, downFacts, Degraded)
	s.see(2*time.Minute+holdOffTime, downFacts, Down)
}

func TestBetterEvidenceCountsAtOnce(t *testing.T) {
	s := heldStory(t)
	s.see(time.Minute, downFacts, Up)
	s.see(2*time.Minute, downFacts, Down)
	s.see(2*time.Minute+1, degradedFacts, Degraded)
	s.see(2*time.Minute+2, upFacts, Up)
}

func TestNoHoldOffForAPathThatWasNeverProven(t *testing.T) {
	s := &story{t: t, spec: testSpec()}
	s.spec.HoldOff = holdOffTime
	s.see(0, downFacts, Down)
}

func TestNoHoldOffByDefault(t *testing.T) {
	s := &story{t: t, spec: testSpec()}
	s.see(0, upFacts, Up)
	s.see(time.Nanosecond, downFacts, Down)
}

func TestAHoldOffThatIsPastHidesNoOtherDeadline(t *testing.T) {
	s := heldStory(t)
	suppressed := Memory{
		State: Up, Since: noon, Proven: Up, WorseSince: noon.Add(-time.Minute),
		Penalty: 3000, PenaltyAt: noon, Suppressed: true,
	}
	s.memory = suppressed
	got := s.see(0, unreadableFacts, Unknown)
	if want := noon.Add(30 * time.Minute); got.Deadline.Sub(want).Abs() > time.Millisecond {
		t.Errorf("deadline %v, want the end of suppression, %v", got.Deadline, want)
	}
}
