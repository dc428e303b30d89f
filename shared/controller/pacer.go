package controller

import (
	"sync"
	"time"

	"golang.org/x/time/rate"

	"detour/shared/plan"
)

// pacer keeps one token bucket per API, account and Region, as EC2 does for the
// account. It is an estimate: Terraform and people draw from the same buckets,
// and an answer of RequestLimitExceeded corrects it.
type pacer struct {
	mu      sync.Mutex
	buckets map[plan.Bucket]*rate.Limiter
}

func newPacer() *pacer { return &pacer{buckets: map[plan.Bucket]*rate.Limiter{}} }

// reserve takes one token and returns how long to wait before using it.
func (p *pacer) reserve(bucket plan.Bucket, now time.Time) time.Duration {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.limiter(bucket).ReserveN(now, 1).DelayFrom(now)
}

// delay returns how long the next token of the bucket is away, and takes none.
func (p *pacer) delay(bucket plan.Bucket, now time.Time) time.Duration {
	p.mu.Lock()
	defer p.mu.Unlock()
	missing := 1 - p.limiter(bucket).TokensAt(now)
	return max(0, time.Duration(missing/plan.WriteRate*float64(time.Second)))
}

// drain empties the bucket: the refill rate is the pace from here.
func (p *pacer) drain(bucket plan.Bucket, now time.Time) {
	p.mu.Lock()
	defer p.mu.Unlock()
	limiter := p.limiter(bucket)
	if left := int(limiter.TokensAt(now)); left > 0 {
		limiter.ReserveN(now, left)
	}
}

func (p *pacer) limiter(bucket plan.Bucket) *rate.Limiter {
	limiter, ok := p.buckets[bucket]
	if !ok {
		limiter = rate.NewLimiter(plan.WriteRate, plan.WriteBurst)
		p.buckets[bucket] = limiter
	}
	return limiter
}
