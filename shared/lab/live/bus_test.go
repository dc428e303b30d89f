package live

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"detour/events"
	"detour/events/payload"
	"detour/shared/config"
	"detour/shared/lab"
	"detour/shared/lab/lambdahost"
	"detour/shared/lab/stack"
	"detour/shared/sim/sqsapi"
)

// keeper is virtual time: nothing happens until advance.
type keeper struct {
	now time.Time
	due []appointment
}

type appointment struct {
	at time.Time
	fn func()
}

func newKeeper() *keeper { return &keeper{now: time.Date(2026, 1, 5, 3, 0, 0, 0, time.UTC)} }

func (k *keeper) Now() time.Time { return k.now }

func (k *keeper) At(t time.Time, _ string, fn func()) { k.due = append(k.due, appointment{t, fn}) }

// advance lets time pass, and everything happen that is due meanwhile.
func (k *keeper) advance(d time.Duration) {
	end := k.now.Add(d)
	for {
		slices.SortStableFunc(k.due, func(a, b appointment) int { return a.at.Compare(b.at) })
		if len(k.due) == 0 || k.due[0].at.After(end) {
			k.now = end
			return
		}
		next := k.due[0]
		k.due = k.due[1:]
		if next.at.After(k.now) {
			k.now = next.at
		}
		next.fn()
	}
}

// fake is a function; answers is asked at each invocation.
type fake struct {
	keeper  *keeper
	answer  func(n int, payload []byte) (lambdahost.Result, error)
	at      []time.Duration // since the keeper's start
	started time.Time
	seen    []string
}

func (f *fake) Invoke(_ context.Context, payload []byte) (lambdahost.Result, error) {
	f.at = append(f.at, f.keeper.now.Sub(f.started))
	f.seen = append(f.seen, string(payload))
	return f.answer(len(f.at), payload)
}

var (
	errMine    = errors.New("some other failure of the host")
	homeOfTest = config.Home{Account: "111122223333", Region: "eu-west-1"}
)

func succeed(int, []byte) (lambdahost.Result, error) { return lambdahost.Result{RequestID: "r"}, nil }

func failAlways(int, []byte) (lambdahost.Result, error) {
	return lambdahost.Result{Failed: true, Error: "boom"}, nil
}

func throttleAlways(int, []byte) (lambdahost.Result, error) {
	return lambdahost.Result{}, fmt.Errorf("busy: %w", lambdahost.ErrThrottled)
}

// bench is an async queue in virtual time, whose work is done at once.
type bench struct {
	keeper *keeper
	fake   *fake
	async  *async
	ended  []Invocation
	dead   []DeadLetter
}

func newBench(answer func(int, []byte) (lambdahost.Result, error)) *bench {
	b := &bench{keeper: newKeeper()}
	b.fake = &fake{keeper: b.keeper, answer: answer, started: b.keeper.now}
	b.async = &async{
		target: target{
			name: Switchover, home: homeOfTest, host: b.fake, now: b.keeper.Now,
			begins: func(Invocation) {}, ends: func(in Invocation) { b.ended = append(b.ended, in) },
		},
		keeper: b.keeper, retries: retryDelays(), maxAge: stack.DefaultMaxAge, onFailure: OnFailure,
		start: func(fn func(context.Context)) { fn(context.Background()) },
		dead:  func(d DeadLetter) { b.dead = append(b.dead, d) },
	}
	return b
}

func TestAFunctionErrorIsTriedTwiceMore(t *testing.T) {
	b := newBench(failAlways)
	b.async.send([]byte(`{"a":1}`), CauseEvent)
	b.keeper.advance(24 * time.Hour)
	if want := []time.Duration{0, time.Minute, 3 * time.Minute}; !slices.Equal(b.fake.at, want) {
		t.Errorf("attempts at %v, want %v", b.fake.at, want)
	}
	if len(b.dead) != 1 || b.dead[0].Queue != OnFailure || b.dead[0].Condition != RetriesExhausted || b.dead[0].Attempts != 3 || b.dead[0].Body != `{"a":1}` || b.dead[0].Error != "boom" {
		t.Errorf("dead letters %+v", b.dead)
	}
	for i, in := range b.ended {
		if in.Attempt != i+1 || in.Result != Failed || in.Error != "boom" || in.Cause != CauseEvent || string(in.Payload) != `{"a":1}` {
			t.Errorf("attempt %d is %+v", i+1, in)
		}
	}
}

func TestASecondAttemptThatSucceedsIsTheLast(t *testing.T) {
	b := newBench(func(n int, p []byte) (lambdahost.Result, error) {
		if n == 1 {
			return failAlways(n, p)
		}
		return succeed(n, p)
	})
	b.async.send([]byte("x"), CauseSchedule)
	b.keeper.advance(24 * time.Hour)
	if len(b.fake.at) != 2 || len(b.dead) != 0 || b.ended[1].Result != Succeeded || b.ended[1].RequestID != "r" {
		t.Errorf("attempts at %v, dead %+v, ended %+v", b.fake.at, b.dead, b.ended)
	}
}

func TestThrottlingBacksOffForSixHours(t *testing.T) {
	for name, answer := range map[string]func(int, []byte) (lambdahost.Result, error){
		Throttled:   throttleAlways,
		Unavailable: func(int, []byte) (lambdahost.Result, error) { return lambdahost.Result{}, errMine },
	} {
		b := newBench(answer)
		b.async.send([]byte("x"), CauseEvent)
		b.keeper.advance(24 * time.Hour)
		var waits []time.Duration
		for i := 1; i < len(b.fake.at); i++ {
			waits = append(waits, b.fake.at[i]-b.fake.at[i-1])
		}
		begin := []time.Duration{
			time.Second, 2 * time.Second, 4 * time.Second, 8 * time.Second, 16 * time.Second, 32 * time.Second, 64 * time.Second, 128 * time.Second,
			256 * time.Second, 300 * time.Second, 300 * time.Second,
		}
		if len(waits) < len(begin) || !slices.Equal(waits[:len(begin)], begin) || slices.Max(waits) != 5*time.Minute {
			t.Errorf("%s: waits %v", name, waits)
		}
		if last := b.fake.at[len(b.fake.at)-1]; last > 6*time.Hour || last < 6*time.Hour-5*time.Minute {
			t.Errorf("%s: the last attempt is at %s", name, last)
		}
		if len(b.dead) != 1 || b.dead[0].Condition != EventAgeExceeded || b.ended[0].Result != name {
			t.Errorf("%s: dead letters %+v", name, b.dead)
		}
	}
}

func TestThrottlingCountsAsNoAttempt(t *testing.T) {
	b := newBench(func(n int, p []byte) (lambdahost.Result, error) {
		if n%2 == 1 {
			return throttleAlways(n, p)
		}
		return failAlways(n, p)
	})
	b.async.send([]byte("x"), CauseEvent)
	b.keeper.advance(time.Hour)
	var attempts []string
	for _, in := range b.ended {
		attempts = append(attempts, fmt.Sprint(in.Attempt, in.Result))
	}
	want := []string{"1throttled", "1failed", "2throttled", "2failed", "3throttled", "3failed"}
	if !slices.Equal(attempts, want) || len(b.dead) != 1 || b.dead[0].Condition != RetriesExhausted {
		t.Errorf("attempts %v, dead %+v", attempts, b.dead)
	}
	// A back-off begins anew after the function was reached.
	if want := []time.Duration{0, time.Second, 61 * time.Second, 62 * time.Second, 182 * time.Second, 183 * time.Second}; !slices.Equal(b.fake.at, want) {
		t.Errorf("attempts at %v, want %v", b.fake.at, want)
	}
}

func TestAnAttemptThatTheEndInterruptsMeansNothing(t *testing.T) {
	b := newBench(func(int, []byte) (lambdahost.Result, error) { return lambdahost.Result{}, context.Canceled })
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	b.async.start = func(fn func(context.Context)) { fn(ctx) }
	b.async.send([]byte("x"), CauseEvent)
	b.keeper.advance(time.Hour)
	if len(b.fake.at) != 1 || len(b.ended) != 0 || len(b.dead) != 0 {
		t.Errorf("attempts at %v, ended %+v, dead %+v", b.fake.at, b.ended, b.dead)
	}
}

// TestRules: each sample goes to the functions of the rules that match.
func TestRules(t *testing.T) {
	all, err := rules(false)
	if err != nil {
		t.Fatal(err)
	}
	both, err := rules(true)
	if err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string][]string{
		"vpn-connection-ipsec-down.json":          {Switchover},
		"connect-peer-bgp-down.json":              {Switchover},
		"tgw-deleted.json":                        {Switchover},
		"cloudwatch-alarm-state-change.json":      {Switchover},
		"aws-health-vpn-redundancy-loss.json":     {Switchover},
		"cloudtrail-replace-route.json":           {Switchover},
		"rehearse.json":                           nil,
		"tgw-route-installed.json":                nil,
		"sweep.json":                              nil,
		"cloud-wan-segment-routes-installed.json": nil,
	} {
		raw, err := payload.Read(name)
		if err != nil {
			t.Fatal(err)
		}
		got, err := matching(all, raw)
		if err != nil || !slices.Equal(got, want) {
			t.Errorf("%s goes to %v, want %v; %v", name, got, want, err)
		}
		if slices.Contains([]string{"cloudtrail-replace-route.json", "tgw-route-installed.json", "cloud-wan-segment-routes-installed.json"}, name) {
			want = append(want, RouteFilter)
		}
		if got, err := matching(both, raw); err != nil || !slices.Equal(got, want) {
			t.Errorf("with filters %s goes to %v, want %v; %v", name, got, want, err)
		}
	}
	if _, err := matching(all, []byte("{")); err == nil || !strings.Contains(err.Error(), "matching an event with") {
		t.Errorf("an event that is no JSON: %v", err)
	}
	twice := []rule{all[0], all[0]}
	raw, err := payload.Read("aws-health-vpn-redundancy-loss.json")
	if err != nil {
		t.Fatal(err)
	}
	if got, _ := matching(twice, raw); len(got) != 2 {
		t.Errorf("two rules that match invoke %v", got)
	}
	if copies(loseEvents) != 0 || copies(deliverEvents) != 1 || copies(doubleEvents) != 2 {
		t.Error("events are not lost, delivered or doubled")
	}
}

// TestFiltersAreNamed: an event about a filter is described as one about a group is.
func TestFiltersAreNamed(t *testing.T) {
	raw, err := payload.Read("detour-filter-measure-held.json")
	if err != nil {
		t.Fatal(err)
	}
	if got := describe(raw); !strings.HasPrefix(got, "Filter Measure Held: no-default; blackhole of tgw-rtb-1234567890abcdef0 0.0.0.0/0: permitted-elsewhere; announced by") {
		t.Errorf("got %s", got)
	}
}

// mapped is an event source mapping in virtual time. Its work waits for work.
type mapped struct {
	keeper *keeper
	fake   *fake
	queues *sqsapi.Handler
	m      *mapping
	jobs   []func(context.Context)
	ended  []Invocation
	dead   string
}

const visibility = 5 * time.Minute

func newMapped(answer func(int, []byte) (lambdahost.Result, error)) *mapped {
	k := newKeeper()
	x := &mapped{keeper: k, queues: sqsapi.New(k)}
	x.fake = &fake{keeper: k, answer: answer, started: k.now}
	x.dead = x.queues.Create(sqsapi.Queue{Account: homeOfTest.Account, Region: homeOfTest.Region, Name: WakeDeadQueue})
	url := x.queues.Create(sqsapi.Queue{
		Account: homeOfTest.Account, Region: homeOfTest.Region, Name: WakeQueue, VisibilityTimeout: visibility, MaxReceives: lab.WakeReceives, DeadLetter: WakeDeadQueue,
	})
	x.m = &mapping{
		target: target{
			name: Switchover, home: homeOfTest, host: x.fake, now: k.Now,
			begins: func(Invocation) {}, ends: func(in Invocation) { x.ended = append(x.ended, in) },
		},
		url: url, source: WakeQueue, batch: batchSize, atOnce: batchesAtOnce, partial: true, queue: x.queues, keeper: k, visibility: visibility, start: func(fn func(context.Context)) { x.jobs = append(x.jobs, fn) },
		deleted: func() {},
	}
	x.queues.OnVisible(url, x.m.poll)
	return x
}

// work runs what was started, until nothing is left.
func (x *mapped) work() {
	for len(x.jobs) > 0 {
		job := x.jobs[0]
		x.jobs = x.jobs[1:]
		job(context.Background())
	}
}

// pass lets time pass in small steps, and works.
func (x *mapped) pass(d time.Duration) {
	for ; d > 0; d -= time.Second {
		x.keeper.advance(time.Second)
		x.work()
	}
}

// send sends a wake-up through SQS's own API.
func (x *mapped) send(t *testing.T, key string) {
	t.Helper()
	post(t, x.queues, "sqs", "AmazonSQS.SendMessage", map[string]any{"QueueUrl": x.m.url, "MessageBody": `{"detour":"wake-up","key":"` + key + `"}`})
}

// bodies are the keys of the wake-ups of each invocation.
func (x *mapped) keys(t *testing.T) [][]string {
	t.Helper()
	var out [][]string
	for _, seen := range x.fake.seen {
		var batch events.SQSBatch
		if err := json.Unmarshal([]byte(seen), &batch); err != nil {
			t.Fatal(err)
		}
		var keys []string
		for _, r := range batch.Records {
			var wake events.WakeUp
			if err := json.Unmarshal([]byte(r.Body), &wake); err != nil {
				t.Fatal(err)
			}
			keys = append(keys, wake.Key)
		}
		out = append(out, keys)
	}
	return out
}

// refuses answers that the messages with this key are not done.
func refuses(key string) func(int, []byte) (lambdahost.Result, error) {
	return func(_ int, raw []byte) (lambdahost.Result, error) {
		var batch events.SQSBatch
		if err := json.Unmarshal(raw, &batch); err != nil {
			return lambdahost.Result{}, err
		}
		failed := []map[string]string{}
		for _, r := range batch.Records {
			if strings.Contains(r.Body, key) {
				failed = append(failed, map[string]string{"itemIdentifier": r.MessageID})
			}
		}
		answer, err := json.Marshal(map[string]any{"batchItemFailures": failed})
		return lambdahost.Result{Payload: answer}, err
	}
}

func TestABatchHasTenMessagesAndTwoRunAtOnce(t *testing.T) {
	x := newMapped(refuses("nothing"))
	for i := range 35 {
		x.send(t, fmt.Sprintf("group#g%02d", i))
	}
	x.keeper.advance(0)
	if len(x.jobs) != batchesAtOnce {
		t.Errorf("%d batches at once, want %d", len(x.jobs), batchesAtOnce)
	}
	x.work()
	var sizes []int
	for _, keys := range x.keys(t) {
		sizes = append(sizes, len(keys))
	}
	if want := []int{10, 10, 10, 5}; !slices.Equal(sizes, want) {
		t.Errorf("batches of %v, want %v", sizes, want)
	}
	if left := x.queues.Waiting(x.m.url); len(left) != 0 {
		t.Errorf("%d messages are left", len(left))
	}
}

func TestAPartOfABatchIsTriedAgain(t *testing.T) {
	x := newMapped(refuses("group#bad"))
	x.send(t, "group#good")
	x.send(t, "group#bad")
	x.pass(visibility + 2*time.Second)
	if got := x.keys(t); len(got) != 2 || !slices.Equal(got[0], []string{"group#good", "group#bad"}) || !slices.Equal(got[1], []string{"group#bad"}) {
		t.Errorf("the function got %v", got)
	}
	if x.ended[1].Attempt != 2 {
		t.Errorf("the second attempt is number %d", x.ended[1].Attempt)
	}
	x.pass(lab.WakeReceives * visibility)
	if len(x.fake.seen) != lab.WakeReceives {
		t.Errorf("the function got the message %d times, want %d", len(x.fake.seen), lab.WakeReceives)
	}
	dead := x.queues.Waiting(x.dead)
	if len(dead) != 1 || !strings.Contains(dead[0].Body, "group#bad") || dead[0].Receives != lab.WakeReceives {
		t.Errorf("the dead-letter queue has %+v", dead)
	}
	letters := (&home{Home: homeOfTest, wakes: []wakes{{function: Switchover}, {Switchover, "", x.dead}}}).deadWakes(x.queues)
	if len(letters) != 1 || letters[0].Queue != WakeDeadQueue || letters[0].Condition != MaxReceives || letters[0].Attempts != lab.WakeReceives {
		t.Errorf("dead letters %+v", letters)
	}
}

func TestABatchThatFailsIsTriedAgainWhole(t *testing.T) {
	for name, answer := range map[string]func(int, []byte) (lambdahost.Result, error){
		"function error": failAlways,
		"unavailable":    func(int, []byte) (lambdahost.Result, error) { return lambdahost.Result{}, errMine },
		"no JSON":        func(int, []byte) (lambdahost.Result, error) { return lambdahost.Result{Payload: []byte("hello")}, nil },
		"unknown id": func(int, []byte) (lambdahost.Result, error) {
			return lambdahost.Result{Payload: []byte(`{"batchItemFailures":[{"itemIdentifier":"x"}]}`)}, nil
		},
		"no id": func(int, []byte) (lambdahost.Result, error) {
			return lambdahost.Result{Payload: []byte(`{"batchItemFailures":[{"itemIdentifier":null}]}`)}, nil
		},
	} {
		x := newMapped(answer)
		x.send(t, "group#a")
		x.send(t, "group#b")
		x.pass(visibility + 2*time.Second)
		if got := x.keys(t); len(got) != 2 || len(got[1]) != 2 {
			t.Errorf("%s: the function got %v", name, got)
		}
	}
	for name, answer := range map[string]string{"nothing": "", "null": "null", "an empty object": "{}", "no list": `{"batchItemFailures":null}`, "an empty list": `{"batchItemFailures":[]}`} {
		x := newMapped(func(int, []byte) (lambdahost.Result, error) { return lambdahost.Result{Payload: []byte(answer)}, nil })
		x.send(t, "group#a")
		x.pass(2 * visibility)
		if len(x.fake.seen) != 1 {
			t.Errorf("%s: the function got it %d times", name, len(x.fake.seen))
		}
	}
}

// TestABatchLooksLikeLambdas compares the keys of a record with the sample's.
func TestABatchLooksLikeLambdas(t *testing.T) {
	x := newMapped(refuses("nothing"))
	x.send(t, "group#a")
	x.keeper.advance(0)
	x.work()
	shape := func(raw []byte) string {
		var batch struct{ Records []map[string]any }
		if err := json.Unmarshal(raw, &batch); err != nil || len(batch.Records) == 0 {
			t.Fatalf("%v: %s", err, raw)
		}
		var keys []string
		for key, value := range batch.Records[0] {
			keys = append(keys, key)
			if inner, ok := value.(map[string]any); ok {
				for below := range inner {
					keys = append(keys, key+"."+below)
				}
			}
		}
		slices.Sort(keys)
		return strings.Join(keys, " ")
	}
	sample, err := payload.Read("wake-up.json")
	if err != nil {
		t.Fatal(err)
	}
	if got, want := shape([]byte(x.fake.seen[0])), shape(sample); got != want {
		t.Errorf("the record has %s\nthe sample %s", got, want)
	}
}
