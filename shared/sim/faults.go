package sim

import (
	"net/http"
	"slices"
	"strings"
	"time"
)

// FaultKind names a fault. It is what CallRecord.Fault and the counts show.
type FaultKind string

// The faults. Those from FaultThrottle to FaultDelay hit one call.
const (
	// FaultThrottle answers RequestLimitExceeded; the call has no effect.
	FaultThrottle FaultKind = "throttle"
	// FaultErrorBefore answers an error; the call has no effect.
	FaultErrorBefore FaultKind = "error-before"
	// FaultErrorAfter answers an error although the call had its effect.
	FaultErrorAfter FaultKind = "error-after"
	// FaultLostAnswer breaks the connection after the effect.
	FaultLostAnswer FaultKind = "lost-answer"
	// FaultDropAnswer keeps the answer back, after the effect, until the
	// caller's context ends.
	FaultDropAnswer FaultKind = "drop-answer"
	// FaultStale lets a read show an older state.
	FaultStale FaultKind = "stale"
	// FaultPageFails answers an error to a call for a further page.
	FaultPageFails FaultKind = "page-fails"
	// FaultNextTokenInvalid refuses the token of a call for a further page.
	FaultNextTokenInvalid FaultKind = "next-token-invalid"
	// FaultDelay brings the call late to the World.
	FaultDelay FaultKind = "delay"
	// FaultKill kills the process at a yield point. A rule kills it before the
	// call has its effect, which then never happens.
	FaultKill FaultKind = "kill"
	// FaultKillAfter kills the process between a call's effect and its answer.
	FaultKillAfter FaultKind = "kill-after"
	// FaultFreeze stalls the process at a yield point.
	FaultFreeze FaultKind = "freeze"
	// FaultAbandoned marks a call in the log that never arrived, because its
	// caller's context ended or its caller was killed while it was on its way.
	FaultAbandoned FaultKind = "abandoned"
	// FaultEventLost, FaultEventDoubled and FaultEventDelayed hit one event.
	FaultEventLost    FaultKind = "event-lost"
	FaultEventDoubled FaultKind = "event-doubled"
	FaultEventDelayed FaultKind = "event-delayed"
)

// FaultCount says how often a fault has hit.
type FaultCount struct {
	Kind FaultKind
	N    int
}

// FaultRates are probabilities in [0, 1], each per opportunity; a zero rate is
// off and draws nothing.
type FaultRates struct {
	// Throttle is the probability that a call starts a burst: the call itself and
	// up to ThrottleBurst−1 further ones of the same action, account and Region
	// are throttled. ThrottleBurst below 1 is 1.
	Throttle      float64
	ThrottleBurst int
	// ErrorBefore, ErrorAfter and DropAnswer are per call. ErrorAfter is an error
	// answer or, as often, a lost connection.
	ErrorBefore, ErrorAfter, DropAnswer float64
	// Stale is per read of EC2, which alone is eventually consistent as Detour reads
	// it; the state shown is up to MaxStale old.
	Stale    float64
	MaxStale time.Duration
	// PageFails and NextTokenInvalid are per call that carries a NextToken.
	PageFails, NextTokenInvalid float64
	// KillAtYield and FreezeAtYield are per yield point: a sleep, a Yield, a
	// request sent, and an effect before its answer. A freeze lasts up to MaxFreeze.
	KillAtYield, FreezeAtYield float64
	MaxFreeze                  time.Duration
}

// FaultRule is a scripted fault: it hits the calls from the Nth to the
// (Nth+Times−1)th of those that it matches.
type FaultRule struct {
	// Action is the exact name of the API's action; empty: every one. For
	// FaultKill and FaultFreeze it may also be the name of a yield point.
	Action string
	// Writes narrows the rule to calls that change something.
	Writes bool
	// Process is a prefix of the name of the process; empty: every one.
	Process string
	// Nth counts from 1; 0 is 1. Times below 0 is without end; 0 is 1.
	Nth, Times int
	// Fault is one of the kinds that hit a call or a yield point.
	Fault FaultKind
	// Code replaces the error code that the fault would answer. The HTTP status
	// is then 503 for RequestLimitExceeded and Unavailable, 500 for InternalError,
	// and 400 otherwise.
	Code string
	// Duration is the length of a freeze or delay, and the age of a stale read.
	Duration time.Duration
}

// FaultPlan is what goes wrong, as data. One plan may serve several Transports
// of one Scheduler, not several Schedulers. Change it only between runs of the
// Scheduler or from a callback. A nil *FaultPlan has no faults.
type FaultPlan struct {
	// Enabled switches the Rates on. Latency and Rules do not depend on it.
	Enabled bool
	// MinLatency and MaxLatency bound the time of a request to its effect, and of
	// the answer back; both zero: 5 to 30 ms.
	MinLatency, MaxLatency time.Duration
	Rates                  FaultRates
	Rules                  []FaultRule
	// RulesOff switches the Rules off; what they would have matched is not counted.
	RulesOff bool
	// Spare lists prefixes of the names of processes that the Rates leave alone.
	Spare []string

	seen   []int             // matches per rule
	bursts map[burstKey]int  // calls still to be throttled
	counts map[FaultKind]int // what fired
}

type burstKey struct{ action, account, region string }

// Counts returns how often each fault has hit, ordered by kind; kinds that never
// did are left out.
func (f *FaultPlan) Counts() []FaultCount {
	if f == nil {
		return nil
	}
	return sortedCounts(f.counts)
}

func sortedCounts(counts map[FaultKind]int) []FaultCount {
	out := make([]FaultCount, 0, len(counts))
	for kind, n := range counts {
		out = append(out, FaultCount{Kind: kind, N: n})
	}
	slices.SortFunc(out, func(a, b FaultCount) int { return strings.Compare(string(a.Kind), string(b.Kind)) })
	return out
}

func (f *FaultPlan) count(kind FaultKind) {
	if f == nil {
		return
	}
	if f.counts == nil {
		f.counts = make(map[FaultKind]int)
	}
	f.counts[kind]++
}

// verdict is what a plan decided over one call.
type verdict struct {
	kind FaultKind // empty: no fault
	code string    // of the error answer, if the kind has one
	dur  time.Duration
}

// latency draws the duration of one way.
func (f *FaultPlan) latency(s *Scheduler) time.Duration {
	lo, hi := 5*time.Millisecond, 30*time.Millisecond
	if f != nil && (f.MinLatency != 0 || f.MaxLatency != 0) {
		lo, hi = f.MinLatency, f.MaxLatency
	}
	return lo + upTo(s, hi-lo)
}

// upTo draws a duration in [0, limit].
func upTo(s *Scheduler, limit time.Duration) time.Duration {
	if limit <= 0 {
		return 0
	}
	return time.Duration(s.rng.Int64N(int64(limit) + 1))
}

// hit draws whether something of the given probability happens.
func hit(s *Scheduler, rate float64) bool { return rate > 0 && s.rng.Float64() < rate }

// judge decides over one call. A rule goes before the rates.
func (f *FaultPlan) judge(s *Scheduler, p *Process, c *apiCall) verdict {
	if f == nil {
		return verdict{}
	}
	if rule := f.match(p, c.action, !c.read, true); rule != nil {
		v := verdict{kind: rule.Fault, code: rule.Code, dur: rule.Duration}
		if v.code == "" {
			v.code = defaultCode(v.kind)
		}
		return v
	}
	if !f.strikes(p) {
		return verdict{}
	}
	return f.draw(s, c)
}

// draw decides over one call by the rates.
func (f *FaultPlan) draw(s *Scheduler, c *apiCall) verdict {
	r := &f.Rates
	switch {
	case f.burst(s, c):
		return verdict{kind: FaultThrottle, code: defaultCode(FaultThrottle)}
	case c.further && hit(s, r.PageFails):
		return verdict{kind: FaultPageFails, code: pickCode(s, true)}
	case c.further && hit(s, r.NextTokenInvalid):
		return verdict{kind: FaultNextTokenInvalid, code: defaultCode(FaultNextTokenInvalid)}
	case hit(s, r.ErrorBefore):
		return verdict{kind: FaultErrorBefore, code: pickCode(s, c.read)}
	case hit(s, r.ErrorAfter):
		if s.rng.IntN(2) == 0 {
			return verdict{kind: FaultLostAnswer}
		}
		return verdict{kind: FaultErrorAfter, code: codeInternal}
	case hit(s, r.DropAnswer):
		return verdict{kind: FaultDropAnswer}
	case c.read && c.service == "ec2" && r.MaxStale > 0 && hit(s, r.Stale):
		return verdict{kind: FaultStale, dur: upTo(s, r.MaxStale-1) + 1}
	}
	return verdict{}
}

// burst reports whether the call meets a burst of throttling, old or new.
func (f *FaultPlan) burst(s *Scheduler, c *apiCall) bool {
	if f.Rates.Throttle <= 0 {
		return false
	}
	key := burstKey{c.action, c.account, c.region}
	if f.bursts[key] > 0 {
		f.bursts[key]--
		return true
	}
	if !hit(s, f.Rates.Throttle) {
		return false
	}
	if f.bursts == nil {
		f.bursts = make(map[burstKey]int)
	}
	f.bursts[key] = s.rng.IntN(max(f.Rates.ThrottleBurst, 1))
	return true
}

// strikes reports whether the rates apply to the process.
func (f *FaultPlan) strikes(p *Process) bool {
	return f.Enabled && !slices.ContainsFunc(f.Spare, func(prefix string) bool { return strings.HasPrefix(p.name, prefix) })
}

// match counts a call, or a yield point of that name, for the rules, and returns
// the first one that fires.
func (f *FaultPlan) match(p *Process, name string, write, call bool) *FaultRule {
	if f.RulesOff {
		return nil
	}
	if len(f.seen) < len(f.Rules) {
		f.seen = append(f.seen, make([]int, len(f.Rules)-len(f.seen))...)
	}
	var fired *FaultRule
	for i := range f.Rules {
		r := &f.Rules[i]
		if !r.matches(p, name, write, call) {
			continue
		}
		f.seen[i]++
		first, times := max(r.Nth, 1), r.Times
		if times == 0 {
			times = 1
		}
		if n := f.seen[i]; fired == nil && n >= first && (times < 0 || n < first+times) {
			fired = r
		}
	}
	return fired
}

func (r *FaultRule) matches(p *Process, name string, write, call bool) bool {
	if !call && (r.Action == "" || r.Writes || r.Fault != FaultKill && r.Fault != FaultFreeze) {
		return false
	}
	return (r.Action == "" || r.Action == name) && (!r.Writes || write) && strings.HasPrefix(p.name, r.Process)
}

// yieldFault kills or freezes the process at a yield point, if the plan says so.
func (s *Scheduler) yieldFault(p *Process, f *FaultPlan, point string) {
	if f == nil || p.killed.Load() {
		return
	}
	if rule := f.match(p, point, false, false); rule != nil {
		f.strike(p, rule.Fault, rule.Duration)
		return
	}
	if !f.strikes(p) {
		return
	}
	if hit(s, f.Rates.KillAtYield) {
		f.strike(p, FaultKill, 0)
		return
	}
	if f.Rates.MaxFreeze > 0 && hit(s, f.Rates.FreezeAtYield) {
		f.strike(p, FaultFreeze, upTo(s, f.Rates.MaxFreeze-1)+1)
	}
}

// strike kills or freezes the process, and counts it.
func (f *FaultPlan) strike(p *Process, kind FaultKind, d time.Duration) {
	f.count(kind)
	if kind == FaultFreeze {
		p.Freeze(d)
		return
	}
	p.Kill()
}

// The codes that injected answers carry and that no other file names.
const (
	codeInternal         = "InternalError"
	codeUnavailable      = "Unavailable"
	codeInvalidNextToken = "InvalidNextToken"
	codeConcurrent       = "ConcurrentMutationLimitExceeded"
)

// defaultCode is the error code of a fault that answers an error.
func defaultCode(kind FaultKind) string {
	switch kind {
	case FaultThrottle:
		return codeRequestLimit
	case FaultNextTokenInvalid:
		return codeInvalidNextToken
	default:
		return codeInternal
	}
}

// pickCode draws the code of an error before the effect.
func pickCode(s *Scheduler, read bool) string {
	codes := [...]string{codeInternal, codeUnavailable, codeConcurrent, codeIncorrectState}
	if read {
		return codes[s.rng.IntN(2)]
	}
	return codes[s.rng.IntN(len(codes))]
}

// statusOf is the HTTP status that goes with an error code.
func statusOf(code string) int {
	switch code {
	case codeRequestLimit, codeUnavailable:
		return http.StatusServiceUnavailable
	case codeInternal:
		return http.StatusInternalServerError
	default:
		return http.StatusBadRequest
	}
}
