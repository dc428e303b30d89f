package awsdynamo

import (
	"context"
	"fmt"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"

	"detour/shared/controller"
)

// takeRounds bounds how often a Take looks again because the lease went from
// hand to hand meanwhile.
const takeRounds = 8

// The lease is free if nobody holds it, or if it ran out longer ago than clocks
// may be apart. A lease of the taker's own token is not taken over, even if it
// ran out, since that would lose whose lease it was before. The two comparisons
// together say "is another token".
const leaseIsFree = "attribute_not_exists(#leaseToken) OR (#leaseUntil < :limit AND (#leaseToken < :token OR :token < #leaseToken))"

// Every right side is evaluated on the item as it was before.
const takeLease = "SET #leaseFrom = if_not_exists(#leaseToken, :none), #leaseToken = :token, #leaseUntil = :until, " +
	"#revision = if_not_exists(#revision, :zero), #dirty = if_not_exists(#dirty, :zero)"

// Take implements controller.Records: one round trip for a lease that is free,
// two for one that is held. A Take that finds its own token makes the lease last
// its full time again; Abandoned is then what the first one found.
func (s *Store) Take(ctx context.Context, key controller.Key, token string) (controller.Item, controller.Control, error) {
	if token == "" {
		return controller.Item{}, controller.Control{}, fmt.Errorf("taking lease of %s: the token is empty: pass a new one for each run", key)
	}
	for range takeRounds {
		item, control, err := s.seize(ctx, key, token)
		held, refused := conditionFailed(err)
		if refused && textOf(held, attrLeaseToken) == token {
			// The answer of an earlier Take was lost.
			item, control, err = s.extend(ctx, key, token)
			_, refused = conditionFailed(err)
		} else if refused {
			err = s.raiseDirty(ctx, key, textOf(held, attrLeaseToken))
			if _, refused = conditionFailed(err); err == nil {
				err = controller.ErrBusy
			}
		}
		switch {
		case err == nil:
			return item, control, nil
		case !refused:
			return controller.Item{}, controller.Control{}, fmt.Errorf("taking lease of %s: %w", key, err)
		}
	}
	return controller.Item{}, controller.Control{}, fmt.Errorf("taking lease of %s: it changed hands in each of %d rounds: try again", key, takeRounds)
}

// seize takes the lease if it is free.
func (s *Store) seize(ctx context.Context, key controller.Key, token string) (controller.Item, controller.Control, error) {
	now := s.options.Clock.Now()
	return s.updateAndControl(ctx, key, &dynamodb.UpdateItemInput{
		Key:                      recordKey(key),
		ConditionExpression:      aws.String(leaseIsFree),
		UpdateExpression:         aws.String(takeLease),
		ExpressionAttributeNames: names(attrLeaseToken, attrLeaseUntil, attrLeaseFrom, attrRevision, attrDirty),
		ExpressionAttributeValues: attributes{
			":token": text(token), ":until": nanoseconds(now.Add(s.options.Lease)), ":limit": nanoseconds(now.Add(-s.options.Skew)),
			":none": text(""), ":zero": number(0),
		},
	})
}

// extend makes a lease last its full time from now, if the token still has it.
func (s *Store) extend(ctx context.Context, key controller.Key, token string) (controller.Item, controller.Control, error) {
	return s.updateAndControl(ctx, key, &dynamodb.UpdateItemInput{
		Key:                      recordKey(key),
		ConditionExpression:      aws.String("#leaseToken = :token"),
		UpdateExpression:         aws.String("SET #leaseUntil = :until"),
		ExpressionAttributeNames: names(attrLeaseToken, attrLeaseUntil),
		ExpressionAttributeValues: attributes{
			":token": text(token), ":until": nanoseconds(s.options.Clock.Now().Add(s.options.Lease)),
		},
	})
}

// raiseDirty makes the holder of the lease run once more. It does so only while
// the holder is the one that was seen: one that released in between would never
// look at the counter again, and what the late-comer came for would be lost.
func (s *Store) raiseDirty(ctx context.Context, key controller.Key, holder string) error {
	_, err := s.update(ctx, &dynamodb.UpdateItemInput{
		Key:                       recordKey(key),
		ConditionExpression:       aws.String("#leaseToken = :holder"),
		UpdateExpression:          aws.String("ADD #dirty :one"),
		ExpressionAttributeNames:  names(attrLeaseToken, attrDirty),
		ExpressionAttributeValues: attributes{":holder": text(holder), ":one": number(1)},
	})
	return err
}

// Renew implements controller.Records, in one round trip. A lease that ran out,
// but that nobody took, is renewed. Abandoned is what the Take found.
func (s *Store) Renew(ctx context.Context, item controller.Item) (controller.Item, controller.Control, error) {
	key, token := item.Key, item.Lease.Token
	if token == "" {
		return controller.Item{}, controller.Control{}, fmt.Errorf("renewing lease of %s: %w", key, controller.ErrFenced)
	}
	renewed, control, err := s.extend(ctx, key, token)
	if _, refused := conditionFailed(err); refused {
		err = controller.ErrFenced
	}
	if err != nil {
		return controller.Item{}, controller.Control{}, fmt.Errorf("renewing lease of %s: %w", key, err)
	}
	return renewed, control, nil
}

// Release implements controller.Records, in one round trip. The same Release
// again succeeds as long as nobody took the lease since.
func (s *Store) Release(ctx context.Context, item controller.Item) error {
	key, token := item.Key, item.Lease.Token
	if token == "" {
		return fmt.Errorf("releasing lease of %s: %w", key, controller.ErrFenced)
	}
	wakes, err := encodeWakes(item.Wakes)
	if err != nil {
		return fmt.Errorf("releasing lease of %s: %w", key, err)
	}
	u := changes{
		names:  names(attrLeaseToken, attrDirty, attrReleasedBy),
		values: attributes{":token": text(token), ":dirty": number(item.Dirty)},
		sets:   []string{"#releasedBy = :token"},
	}
	for _, name := range []string{attrLeaseToken, attrLeaseUntil, attrLeaseFrom, attrWakeAt} {
		u.set(name, nil)
	}
	u.set(attrWakes, wakes)
	_, err = s.update(ctx, &dynamodb.UpdateItemInput{
		Key:                      recordKey(key),
		ConditionExpression:      aws.String("#leaseToken = :token AND #dirty = :dirty"),
		UpdateExpression:         aws.String(u.expression()),
		ExpressionAttributeNames: u.names, ExpressionAttributeValues: u.values,
	})
	if found, refused := conditionFailed(err); refused {
		holder := textOf(found, attrLeaseToken)
		switch {
		case holder == token:
			err = controller.ErrDirty
		case holder == "" && textOf(found, attrReleasedBy) == token:
			// The answer of an earlier Release was lost.
			return nil
		default:
			err = controller.ErrFenced
		}
	}
	if err != nil {
		return fmt.Errorf("releasing lease of %s: %w", key, err)
	}
	return nil
}
