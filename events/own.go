package events

// The values of the key "detour" in Detour's own messages.
const (
	KindWakeUp = "wake-up"
	KindSweep  = "sweep"
)

// WakeUp is the body of Detour's own delayed SQS message: look at one group or filter now. It carries no state, so that a
// late or doubled one does no harm.
type WakeUp struct {
	Detour string `json:"detour"`
	Key    string `json:"key"` // "group#NAME" or "filter#NAME", the key of the record
}

// UnmarshalJSON fills every field that it can and reports the others.
func (w *WakeUp) UnmarshalJSON(raw []byte) error {
	o, err := open(raw)
	if err != nil {
		return err
	}
	o.text(&w.Detour, "detour")
	o.text(&w.Key, "key")
	return o.err()
}

// Sweep is the Input of Detour's own schedule: look at everything (AWS page "Managing targets in EventBridge Scheduler":
// the Input is passed to the target as it is).
type Sweep struct {
	Detour string `json:"detour"`
}

// UnmarshalJSON fills every field that it can and reports the others.
func (s *Sweep) UnmarshalJSON(raw []byte) error {
	o, err := open(raw)
	if err != nil {
		return err
	}
	o.text(&s.Detour, "detour")
	return o.err()
}
