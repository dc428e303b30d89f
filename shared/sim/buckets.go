package sim

import (
	"cmp"
	"slices"
	"time"
)

// Request token buckets are counted per API action, account and Region (EC2
// Developer Guide, API request throttling): 50 tokens and 5 a second for
// mutating actions, 100 and 20 for the others. A few reads have a smaller bucket,
// 50 and 10, for calls without ids, filters and a page length.
const (
	mutatingTokens   = 50
	mutatingInterval = time.Second / 5
	readingTokens    = 100
	readingInterval  = time.Second / 20
	bulkTokens       = 50
	bulkInterval     = time.Second / 10
)

type bucketKey struct {
	action, account, region string
	bulk                    bool
}

func (k bucketKey) compare(other bucketKey) int {
	return cmp.Or(
		cmp.Compare(k.account, other.account),
		cmp.Compare(k.region, other.region),
		cmp.Compare(k.action, other.action),
		cmp.Compare(boolRank(k.bulk), boolRank(other.bulk)),
	)
}

// bucket holds its tokens as time: a token is worth one interval. Whole
// nanoseconds make the count exact, which floating point would not.
type bucket struct {
	credit    time.Duration
	filledAt  time.Time
	throttled int
}

// ThrottleCount is how many calls of one action found their bucket empty.
type ThrottleCount struct {
	Action  string `json:"action"`
	Account string `json:"account"`
	Region  string `json:"region"`
	Count   int    `json:"count"`
}

// Admit takes a token for one call, or answers RequestLimitExceeded with HTTP
// status 503 when the bucket of the action, the caller's account and Region is
// empty (EC2 Developer Guide, API request throttling). Refused calls cost no
// token.
func (w *World) Admit(c Caller, action string, mutating bool) *APIError {
	tokens, interval := readingTokens, readingInterval
	switch {
	case mutating:
		tokens, interval = mutatingTokens, mutatingInterval
	case c.Bulk:
		tokens, interval = bulkTokens, bulkInterval
	}
	full := time.Duration(tokens) * interval
	admitted := false
	w.book(func(s *step) {
		key := bucketKey{action: action, account: c.Account, region: c.Region, bulk: c.Bulk}
		b, known := w.buckets[key]
		if !known {
			b = &bucket{credit: full, filledAt: s.now}
			w.buckets[key] = b
		}
		if elapsed := s.now.Sub(b.filledAt); elapsed > 0 {
			b.credit, b.filledAt = min(full, b.credit+min(full, elapsed)), s.now
		}
		if b.credit < interval {
			b.throttled++
			return
		}
		b.credit -= interval
		admitted = true
	})
	if !admitted {
		return errRequestLimit()
	}
	return nil
}

// Throttled returns how many calls found their bucket empty, sorted by account,
// Region and action; actions that were never refused are left out.
func (w *World) Throttled() []ThrottleCount {
	w.mu.Lock()
	defer w.mu.Unlock()
	keys := make([]bucketKey, 0, len(w.buckets))
	for key, b := range w.buckets {
		if b.throttled > 0 {
			keys = append(keys, key)
		}
	}
	slices.SortFunc(keys, bucketKey.compare)
	counts := make([]ThrottleCount, 0, len(keys))
	for _, key := range keys {
		if last := len(counts) - 1; key.bulk && last >= 0 && counts[last].Action == key.action && counts[last].Account == key.account && counts[last].Region == key.region {
			counts[last].Count += w.buckets[key].throttled
			continue
		}
		counts = append(counts, ThrottleCount{
			Action: key.action, Account: key.account, Region: key.region, Count: w.buckets[key].throttled,
		})
	}
	return counts
}
