package sim

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"
)

// fakeFace is a face that notes what arrives.
type fakeFace struct {
	s   *Scheduler
	got []arrival
}

type arrival struct {
	at     time.Duration
	call   Call
	action string
}

func (f *fakeFace) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if err := r.ParseForm(); err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	f.got = append(f.got, arrival{f.s.Now().Sub(schedulerStart), CallFrom(r.Context()), r.PostForm.Get("Action")})
	w.Header().Set("X-Test", "yes")
	w.WriteHeader(http.StatusCreated)
	_, _ = io.WriteString(w, "<ok/>")
}

const testScope = "AWS4-HMAC-SHA256 Credential=111111111111/20250101/eu-west-1/ec2/aws4_request, SignedHeaders=host, Signature=0"

func testRequest(ctx context.Context, action string, more ...string) *http.Request {
	form := url.Values{"Action": {action}}
	for i := 0; i+1 < len(more); i += 2 {
		form.Set(more[i], more[i+1])
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, "https://ec2.eu-west-1.amazonaws.com/", strings.NewReader(form.Encode()))
	if err != nil {
		panic(err)
	}
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	req.Header.Set("Authorization", testScope)
	return req
}

// outcome makes one word of an answer: the status and the error code, or the error.
func outcome(resp *http.Response, err error) string {
	if err != nil {
		var u *url.Error
		if !errors.As(err, &u) {
			return "not a url.Error: " + err.Error()
		}
		return u.Err.Error()
	}
	body, _ := io.ReadAll(resp.Body)
	_, code, _ := strings.Cut(string(body), "<Code>")
	code, _, _ = strings.Cut(code, "<")
	return strings.TrimSpace(fmt.Sprint(resp.StatusCode, " ", code))
}

const write, read = "ReplaceTransitGatewayRoute", "DescribeVpnConnections"

var fixed = FaultPlan{MinLatency: 10 * time.Millisecond, MaxLatency: 10 * time.Millisecond}

func TestTransportCarriesACall(t *testing.T) {
	s := newTestScheduler(t, 1)
	face := &fakeFace{s: s}
	plan := fixed
	tr := NewTransport(s, face, &plan)
	s.Start("switchover", func(ctx context.Context, p *Process) {
		_ = p.Sleep(ctx, time.Second)
		resp, err := tr.Do(testRequest(ctx, write))
		if err != nil {
			t.Error(err)
			return
		}
		if resp.Header.Get("X-Test") != "yes" || resp.ContentLength != 5 || outcome(resp, nil) != "201" {
			t.Errorf("answer %+v", resp)
		}
		if got := p.Now().Sub(schedulerStart); got != 1020*time.Millisecond {
			t.Errorf("answered at %v", got)
		}
	})
	s.RunUntil(at(time.Minute))
	want := []arrival{{1010 * time.Millisecond, Call{Process: "switchover", SentAt: at(time.Second)}, write}}
	if !slices.Equal(face.got, want) {
		t.Errorf("arrived %+v, want %+v", face.got, want)
	}
	if s.Stats().Effects != 1 {
		t.Errorf("%d effects", s.Stats().Effects)
	}
	if _, err := tr.Do(testRequest(context.Background(), write)); !errors.Is(err, ErrOutside) {
		t.Errorf("a call outside a task: %v", err)
	}
}

// Writers that work at the same time: their effects interleave, and equal seeds
// give equal runs.
func TestTransportSameSeedSameRun(t *testing.T) {
	run := func(seed uint64) (uint64, string) {
		s := NewScheduler(seed, schedulerStart)
		defer s.Close()
		face := &fakeFace{s: s}
		plan := &FaultPlan{Enabled: true, Rates: FaultRates{
			Throttle: 0.05, ThrottleBurst: 4, ErrorBefore: 0.05, ErrorAfter: 0.05, DropAnswer: 0.05, Stale: 0.2, MaxStale: time.Second,
			PageFails: 0.1, NextTokenInvalid: 0.1, KillAtYield: 0.01, FreezeAtYield: 0.01, MaxFreeze: time.Second,
		}}
		tr := NewTransport(s, face, plan)
		for i := range 4 {
			s.Start(fmt.Sprint("p", i), func(ctx context.Context, p *Process) {
				var waits []func()
				for range 5 {
					waits = append(waits, p.Go(ctx, func(ctx context.Context) {
						for range 4 {
							limited, cancel := p.Timeout(ctx, 40*time.Millisecond)
							resp, err := tr.Do(testRequest(limited, write))
							outcome(resp, err)
							resp, err = tr.Do(testRequest(limited, read, "NextToken", "x"))
							outcome(resp, err)
							cancel()
							_ = p.Yield(ctx, "store")
						}
					}))
				}
				for _, wait := range waits {
					wait()
				}
			})
		}
		s.RunUntil(at(time.Minute))
		return s.TraceHash(), fmt.Sprint(face.got, plan.Counts(), s.Stats())
	}
	hash, line := run(11)
	for i := range 100 {
		if again, other := run(11); again != hash || other != line {
			t.Fatalf("run %d differs", i)
		}
	}
	if other, _ := run(12); other == hash {
		t.Error("another seed gave the same hash")
	}
}

// cut runs one write that something cuts off on its way, and says whether it had
// its effect and when.
func cut(t *testing.T, seed uint64, body func(ctx context.Context, p *Process, tr *Transport)) (face *fakeFace, log []CallRecord) {
	s := NewScheduler(seed, schedulerStart)
	defer s.Close()
	face = &fakeFace{s: s}
	plan := fixed
	tr := NewTransport(s, face, &plan, func(r CallRecord) { log = append(log, r) })
	s.Start("p", func(ctx context.Context, p *Process) { body(ctx, p, tr) })
	s.RunUntil(at(time.Minute))
	if len(face.got)+len(log) != 1 {
		t.Fatalf("seed %d: %d effects and %d records, want one of either", seed, len(face.got), len(log))
	}
	return face, log
}

func TestTransportDeadlineBeforeEffect(t *testing.T) {
	effects := 0
	for seed := range uint64(100) {
		face, log := cut(t, seed, func(ctx context.Context, p *Process, tr *Transport) {
			limited, cancel := p.Timeout(ctx, 5*time.Millisecond)
			defer cancel()
			if _, err := tr.Do(testRequest(limited, write)); !errors.Is(err, context.DeadlineExceeded) || p.Now() != at(5*time.Millisecond) {
				t.Errorf("%v at %v", err, p.Now())
			}
		})
		for _, a := range face.got {
			effects++
			if a.at != 5*time.Millisecond {
				t.Errorf("effect at %v", a.at)
			}
		}
		for _, r := range log {
			if r.Fault != string(FaultAbandoned) || r.Action != write || r.Account != "111111111111" || r.Region != "eu-west-1" || r.Process != "p" || r.Params.Get("Action") != write {
				t.Errorf("record %+v", r)
			}
		}
	}
	if effects < 20 || effects > 80 {
		t.Errorf("%d of 100 requests had their effect", effects)
	}
}

func TestTransportDeadlineBeforeAnswer(t *testing.T) {
	face, _ := cut(t, 1, func(ctx context.Context, p *Process, tr *Transport) {
		limited, cancel := p.Timeout(ctx, 15*time.Millisecond)
		defer cancel()
		_, err := tr.Do(testRequest(limited, write))
		var timeout interface{ Timeout() bool }
		if !errors.Is(err, context.DeadlineExceeded) || !errors.As(err, &timeout) || !timeout.Timeout() {
			t.Errorf("error %v", err)
		}
		if _, err := tr.Do(testRequest(limited, write)); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("a call with an ended context: %v", err)
		}
	})
	if len(face.got) != 1 {
		t.Error("the effect did not stay")
	}
}

// A frozen process's deadline passes all the same.
func TestTransportDeadlineOfAFrozenProcess(t *testing.T) {
	for seed := range uint64(50) {
		face, _ := cut(t, seed, func(ctx context.Context, p *Process, tr *Transport) {
			limited, cancel := p.Timeout(ctx, 5*time.Millisecond)
			defer cancel()
			p.Freeze(time.Second)
			if _, err := tr.Do(testRequest(limited, write)); !errors.Is(err, context.DeadlineExceeded) || p.Now() != at(time.Second) {
				t.Errorf("%v at %v", err, p.Now())
			}
		})
		for _, a := range face.got {
			if a.at > 5*time.Millisecond {
				t.Errorf("an effect at %v, after the deadline", a.at)
			}
		}
	}
}

func TestTransportCancelBySibling(t *testing.T) {
	effects := 0
	for seed := range uint64(100) {
		face, _ := cut(t, seed, func(ctx context.Context, p *Process, tr *Transport) {
			ctx, cancel := context.WithCancel(ctx)
			p.Go(ctx, func(ctx context.Context) {
				_ = p.Sleep(ctx, 5*time.Millisecond)
				cancel()
			})
			if _, err := tr.Do(testRequest(ctx, write)); !errors.Is(err, context.Canceled) || p.Now() != at(5*time.Millisecond) {
				t.Errorf("%v at %v", err, p.Now())
			}
		})
		effects += len(face.got)
	}
	if effects < 20 || effects > 80 {
		t.Errorf("%d of 100 requests had their effect", effects)
	}
}

func TestTransportKillOnTheWay(t *testing.T) {
	for _, c := range []struct {
		name     string
		kill     time.Duration
		min, max int // effects in 100 runs
	}{
		{"before the effect", 5 * time.Millisecond, 20, 80},
		{"after the effect", 15 * time.Millisecond, 100, 100},
	} {
		effects := 0
		for seed := range uint64(100) {
			closing := false
			s := NewScheduler(seed, schedulerStart)
			face := &fakeFace{s: s}
			plan := fixed
			tr := NewTransport(s, face, &plan)
			p := s.Start("p", func(ctx context.Context, p *Process) {
				limited, cancel := p.Timeout(ctx, 12*time.Millisecond+c.kill)
				defer cancel()
				defer func() {
					if _, err := tr.Do(testRequest(context.Background(), "DeleteRoute")); !errors.Is(err, ErrKilled) {
						t.Errorf("deferred call: %v", err)
					}
				}()
				if _, err := tr.Do(testRequest(limited, write)); !closing || !errors.Is(err, ErrKilled) {
					t.Errorf("the call ended with %v, closing %v", err, closing)
				}
			})
			s.At(at(c.kill), "kill", p.Kill)
			s.RunUntil(at(time.Minute))
			effects += len(face.got)
			closing = true
			s.Close()
			for _, a := range face.got {
				if a.at != 10*time.Millisecond || a.action != write {
					t.Errorf("%s: arrived %+v", c.name, a)
				}
			}
		}
		if effects < c.min || effects > c.max {
			t.Errorf("%s: %d effects in 100 runs", c.name, effects)
		}
	}
}

func BenchmarkTransportCall(b *testing.B) {
	s := newTestScheduler(b, 1)
	face := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { w.WriteHeader(http.StatusOK) })
	tr := NewTransport(s, face, &FaultPlan{Enabled: true, Rates: FaultRates{ErrorBefore: 0.01, KillAtYield: 1e-9}})
	s.Start("p", func(ctx context.Context, p *Process) {
		for b.Loop() {
			limited, cancel := p.Timeout(ctx, 5*time.Second)
			if _, err := tr.Do(testRequest(limited, write)); err != nil {
				b.Error(err)
			}
			cancel()
		}
	})
	b.ReportAllocs()
	s.RunUntil(at(1000 * time.Hour))
}
