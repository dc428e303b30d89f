package sim

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"
)

// ErrConnectionLost is the cause of the error of a call whose answer was lost.
var ErrConnectionLost = errors.New("sim: the connection was lost before the answer")

// lostAfter is when a caller that would wait for ever learns that the answer
// was dropped.
const lostAfter = time.Minute

// Transport carries the requests of a Scheduler's processes to one face, with
// latencies and faults. It is an HTTPClient of the AWS SDK.
//
// A request has its effect as a callback of the Scheduler, one latency after it
// was sent, and the caller gets the answer another latency later. A request
// never has its effect after its context's deadline: one that would is settled
// at the deadline, where a coin from Scheduler.Rand says whether it has its
// effect then or never. The same coin is tossed when its context is cancelled
// and when its process is killed; in a killed process the effect keeps its time.
//
// A request whose context cannot end is taken to be made for the whole process,
// as the SDK's credential cache makes them: the process's other tasks stand
// still until the answer, and the timeout that the context hides counts.
type Transport struct {
	s      *Scheduler
	face   http.Handler
	plan   *FaultPlan
	record func(CallRecord)
}

// NewTransport returns a Transport to the face. The plan may be nil. Unless the
// Scheduler has a plan, it takes this one for the yield points of processes.
// record, if given, takes the calls that faults kept from the face: pass
// World.Record.
func NewTransport(s *Scheduler, face http.Handler, plan *FaultPlan, record ...func(CallRecord)) *Transport {
	tr := &Transport{s: s, face: face, plan: plan, record: func(CallRecord) {}}
	if len(record) > 0 && record[0] != nil {
		tr.record = record[0]
	}
	if s.plan == nil {
		s.plan = plan
	}
	return tr
}

// Do sends a request on behalf of the task whose turn it is, and parks the task
// until the answer or until the request's context ends. Every error is a
// *url.Error around the context's error, ErrConnectionLost, ErrOutside or, once
// the Scheduler is closed, ErrKilled. In a killed process Do does not return
// before that.
func (tr *Transport) Do(req *http.Request) (*http.Response, error) {
	body, err := readBody(req)
	if err != nil {
		return nil, failed(req, err)
	}
	ctx := req.Context()
	t, err := tr.s.enter(ctx)
	if err != nil {
		return nil, failed(req, err)
	}
	defer t.leave()
	if err := ctx.Err(); err != nil {
		return nil, failed(req, err)
	}
	f := tr.send(t, req, body)
	if ctx.Done() == nil {
		f.limit, _ = ctx.Value(deadlineKey{}).(*deadline)
		t.proc.seize(t)
		defer t.proc.release(t)
	}
	why, err := t.park(ctx, f.call.action)
	t.flight = nil
	switch {
	case err != nil:
		return nil, failed(req, err)
	case why == wokenByContext && f.limit != nil:
		return nil, failed(req, context.DeadlineExceeded)
	case why == wokenByContext:
		return nil, failed(req, ctx.Err())
	case f.err != nil:
		return nil, failed(req, f.err)
	}
	return f.answer.response(req), nil
}

// send puts the request on its way.
func (tr *Transport) send(t *task, req *http.Request, body []byte) *flight {
	s, p := tr.s, t.proc
	f := &flight{tr: tr, task: t, gen: t.gen, req: req, body: body, call: parseCall(req, body), sentAt: s.Now()}
	t.flight = f
	f.verdict = tr.plan.judge(s, p, &f.call)
	there := tr.plan.latency(s)
	f.back = tr.plan.latency(s)
	switch f.verdict.kind {
	case FaultDelay:
		there += f.verdict.dur
	case FaultKill:
		f.abandon(FaultKill)
		tr.plan.strike(p, FaultKill, 0)
		return f
	case FaultFreeze:
		tr.plan.strike(p, FaultFreeze, f.verdict.dur)
	default: // The others show at the effect or after it.
	}
	deadline, ok := req.Context().Deadline()
	if at := s.Now().Add(there); !ok || at.Before(deadline) {
		s.At(at, f.call.action, f.arrive)
	} else {
		f.late = true
	}
	s.yieldFault(p, tr.plan, "send")
	return f
}

// flight is one request on its way.
type flight struct {
	tr      *Transport
	task    *task
	gen     uint32 // the turn that the caller waits for
	req     *http.Request
	body    []byte
	call    apiCall
	verdict verdict
	sentAt  time.Time
	back    time.Duration // the latency of the answer
	limit   *deadline     // what ends the call although its context cannot end

	late    bool // it would arrive after its deadline
	settled bool // it has arrived, or never will
	answer  answerBuffer
	err     error
}

// arrive is the callback at the instant of the effect.
func (f *flight) arrive() {
	if f.settled {
		return
	}
	f.effect()
	s, t := f.tr.s, f.task
	if f.verdict.kind == FaultKillAfter && !t.proc.Killed() {
		f.tr.plan.strike(t.proc, FaultKillAfter, 0)
		return
	}
	s.yieldFault(t.proc, f.tr.plan, "answer")
	back := f.back
	if f.verdict.kind == FaultDropAnswer {
		if f.req.Context().Done() != nil {
			return
		}
		f.err, back = ErrConnectionLost, lostAfter
	}
	s.push(event{at: s.after(back), task: t, gen: f.gen})
}

// giveUp settles a request whose context has ended.
func (f *flight) giveUp() {
	switch {
	case f.settled:
	case f.tr.s.rng.IntN(2) == 0:
		f.effect()
	default:
		f.abandon(FaultAbandoned)
	}
}

// orphan settles a request whose process is being killed.
func (f *flight) orphan() {
	if !f.settled && (f.tr.s.rng.IntN(2) == 0 || f.late) {
		f.abandon(FaultAbandoned)
	}
}

// effect lets the request have its effect, or the fault that takes its place.
func (f *flight) effect() {
	f.settled = true
	kind := f.verdict.kind
	switch kind {
	case FaultThrottle, FaultErrorBefore, FaultPageFails, FaultNextTokenInvalid:
		f.tr.plan.count(kind)
		f.keep(kind, f.verdict.code)
		f.answer.fail(&f.call, f.verdict.code)
		f.tr.s.note(f.task.proc, f.task, string(kind), f.call.action, f.answer.status)
		return
	case FaultErrorAfter, FaultLostAnswer, FaultDropAnswer, FaultStale, FaultDelay:
		f.tr.plan.count(kind)
	default: // The others are counted where they strike.
	}
	f.serve()
	f.tr.s.stats.Effects++
	f.tr.s.note(f.task.proc, f.task, "effect", f.call.action, f.answer.status)
	switch kind {
	case FaultErrorAfter:
		f.answer = answerBuffer{}
		f.answer.fail(&f.call, f.verdict.code)
	case FaultLostAnswer:
		f.err = ErrConnectionLost
	default: // The others leave the answer as it is.
	}
}

// serve hands the request to the face.
func (f *flight) serve() {
	call := Call{Process: f.task.proc.name, SentAt: f.sentAt, Fault: string(f.verdict.kind)}
	if f.verdict.kind == FaultStale {
		call.Stale = f.verdict.dur
	}
	r := f.req.WithContext(WithCall(context.Background(), call))
	r.Body = io.NopCloser(bytes.NewReader(f.body))
	r.ContentLength = int64(len(f.body))
	f.tr.face.ServeHTTP(&f.answer, r)
}

// abandon settles the request: it never arrives.
func (f *flight) abandon(kind FaultKind) {
	f.settled = true
	f.keep(kind, "")
	f.tr.s.note(f.task.proc, f.task, string(kind), f.call.action, 0)
	if kind == FaultAbandoned {
		f.tr.plan.count(kind)
	}
}

// keep records a call that the face never sees.
func (f *flight) keep(kind FaultKind, code string) {
	c := &f.call
	params, err := url.ParseQuery(string(f.body))
	if err != nil || c.json || c.cbor {
		params = nil
	}
	f.tr.record(CallRecord{
		Process: f.task.proc.name, Account: c.account, Region: c.region, Action: c.action, Params: params,
		SentAt: f.sentAt, EffectAt: f.tr.s.Now(), Code: code, Fault: string(kind),
	})
}

func readBody(req *http.Request) ([]byte, error) {
	if req.Body == nil {
		return nil, nil
	}
	body, err := io.ReadAll(req.Body)
	if closeErr := req.Body.Close(); err == nil {
		err = closeErr
	}
	return body, err
}

// failed dresses an error the way net/http does.
func failed(req *http.Request, err error) error {
	method := req.Method
	if method == "" {
		method = http.MethodGet
	}
	return &url.Error{Op: method[:1] + strings.ToLower(method[1:]), URL: req.URL.String(), Err: err}
}

// response makes the client's answer out of what the face wrote.
func (a *answerBuffer) response(req *http.Request) *http.Response {
	status := a.statusCode()
	return &http.Response{
		Status: strconv.Itoa(status) + " " + http.StatusText(status), StatusCode: status,
		Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1,
		Header: a.Header(), Body: io.NopCloser(bytes.NewReader(a.body)), ContentLength: int64(len(a.body)),
		Request: req,
	}
}
