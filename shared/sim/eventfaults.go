package sim

import (
	"bytes"
	"encoding/json"
	"time"
)

// EventFaults is what may happen to an event between the World and a function:
// it is lost, delivered twice or three times, or late, each copy by itself, so
// that events overtake one another. An alarm's event is never lost: CloudWatch
// guarantees its delivery (Amazon CloudWatch User Guide, Alarm events and
// EventBridge). A nil *EventFaults delivers once, in order
// as far as the Scheduler's seed leaves it.
type EventFaults struct {
	// Lose and Double are probabilities in [0, 1]. A doubled event comes a third
	// time with probability Double.
	Lose, Double float64
	// MaxDelay bounds the delay of each delivery.
	MaxDelay time.Duration

	counts map[FaultKind]int
}

// Deliver schedules zero to three deliveries of the event, as callbacks. Each
// gets a copy of raw of its own. All randomness is from s.Rand.
func (f *EventFaults) Deliver(s *Scheduler, raw []byte, deliver func(raw []byte)) {
	copies := 1
	var longest time.Duration
	if f != nil {
		longest = f.MaxDelay
		switch {
		case hit(s, f.Lose) && !durable(raw):
			copies = 0
			f.count(FaultEventLost)
		case hit(s, f.Double):
			copies = 2
			if hit(s, f.Double) {
				copies = 3
			}
			f.count(FaultEventDoubled)
		}
	}
	for range copies {
		delay := upTo(s, longest)
		if delay > 0 {
			f.count(FaultEventDelayed)
		}
		own := bytes.Clone(raw)
		s.At(s.Now().Add(delay), "event", func() { deliver(own) })
	}
}

// durable reports whether the event's source promises its delivery.
func durable(raw []byte) bool {
	var event struct {
		Source string `json:"source"`
	}
	return json.Unmarshal(raw, &event) == nil && event.Source == "aws.cloudwatch"
}

// Counts returns how many events were lost and doubled, and how many deliveries
// were late, ordered by kind; kinds that never were are left out.
func (f *EventFaults) Counts() []FaultCount {
	if f == nil {
		return nil
	}
	return sortedCounts(f.counts)
}

func (f *EventFaults) count(kind FaultKind) {
	if f.counts == nil {
		f.counts = make(map[FaultKind]int)
	}
	f.counts[kind]++
}
