package controller

import (
	"math"
	"slices"
	"sync"
	"time"

	"golang.org/x/time/rate"

	"detour/shared/plan"
)

// pacer keeps one token bucket per API, account and Region, as EC2 does for the
// account. It is an estimate: Terraform and people draw from the same buckets,
// and an answer of RequestLimitExceeded corrects it.
//
// Who wants tokens stands in the bucket's line. What groups of a better priority
// want is kept for them, as far as they can use it; groups of equal priority take
// one token in turn.
type pacer struct {
	mu      sync.Mutex
	buckets map[plan.Bucket]*bucket
}

type bucket struct {
	limiter *rate.Limiter
	line    []*place // by priority
}

// place is a place in a bucket's line.
type place struct {
	bucket   plan.Bucket
	priority int
	// wants is how many tokens are wanted; a place that wants none is given up.
	wants int
	// oneByOne: there is no use for a second token before the first one is used up.
	oneByOne bool
}

// claim is how many tokens are kept for the place from those of a worse priority. A
// bucket never holds all that a long queue wants, so one that drains slowly would
// keep the others waiting beside a full bucket.
func (p *place) claim() int {
	if p.oneByOne {
		return 1
	}
	return p.wants
}

func newPacer() *pacer { return &pacer{buckets: map[plan.Bucket]*bucket{}} }

// join takes a place in the bucket's line, behind those of equal priority. A lower
// priority number goes first.
func (p *pacer) join(mine *place) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.of(mine.bucket).insert(mine)
}

func (b *bucket) insert(mine *place) {
	at := slices.IndexFunc(b.line, func(other *place) bool { return other.priority > mine.priority })
	if at < 0 {
		at = len(b.line)
	}
	b.line = slices.Insert(b.line, at, mine)
}

// leave gives the place up. It may be given up already.
func (p *pacer) leave(mine *place) {
	p.mu.Lock()
	defer p.mu.Unlock()
	b := p.of(mine.bucket)
	b.line = slices.DeleteFunc(b.line, func(other *place) bool { return other == mine })
}

// take takes a token and goes behind those of equal priority, or returns how long
// it is until there is a token for the place if nobody else comes.
func (p *pacer) take(mine *place, now time.Time) (taken bool, wait time.Duration) {
	p.mu.Lock()
	defer p.mu.Unlock()
	b := p.of(mine.bucket)
	needed, at := 1, 0
	for at < len(b.line) && b.line[at] != mine {
		if b.line[at].priority < mine.priority {
			needed += b.line[at].claim()
		} else {
			needed++
		}
		at++
	}
	missing := float64(needed) - b.limiter.TokensAt(now)
	if missing > 0 {
		return false, time.Duration(math.Ceil(missing / plan.WriteRate * float64(time.Second)))
	}
	b.limiter.AllowN(now, 1)
	b.line = slices.Delete(b.line, at, at+1)
	if mine.wants--; mine.wants > 0 {
		b.insert(mine)
	}
	return true, 0
}

// drain empties the bucket: the refill rate is the pace from here.
func (p *pacer) drain(name plan.Bucket, now time.Time) {
	p.mu.Lock()
	defer p.mu.Unlock()
	limiter := p.of(name).limiter
	if left := int(limiter.TokensAt(now)); left > 0 {
		limiter.ReserveN(now, left)
	}
}

func (p *pacer) of(name plan.Bucket) *bucket {
	b, ok := p.buckets[name]
	if !ok {
		b = &bucket{limiter: rate.NewLimiter(plan.WriteRate, plan.WriteBurst)}
		p.buckets[name] = b
	}
	return b
}
