package awsdynamo

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"detour/shared/controller"
)

// The bounds of a Peek. DynamoDB takes 100 keys a call, and answers less than it
// was asked for where the answer would be above 16 MB or the table is throttled
// (DynamoDB API, BatchGetItem).
const (
	maxKeys    = 100
	maxAsks    = 6
	firstPause = 50 * time.Millisecond // doubles with every further one
)

// maxPage is how many lines of the journal one call asks for.
const maxPage = 1000

// Peek implements controller.Records, with one call for 100 items, the control
// item being one of them. Each item is read consistently, but not all at the
// same instant. Abandoned is not shown: it belongs to a lease.
func (s *Store) Peek(ctx context.Context, keys []controller.Key) ([]controller.Item, controller.Control, error) {
	asked := make([]attributes, 0, len(keys)+1)
	asked = append(asked, controlKey())
	sorted := slices.Clone(keys)
	slices.Sort(sorted)
	for _, key := range slices.Compact(sorted) {
		asked = append(asked, recordKey(key))
	}
	found := make(map[string]attributes, len(asked))
	for batch := range slices.Chunk(asked, maxKeys) {
		if err := s.batch(ctx, batch, found); err != nil {
			return nil, controller.Control{}, fmt.Errorf("peeking at %d items: %w", len(keys), err)
		}
	}
	control, err := decodeControl(found[controlName])
	if err != nil {
		return nil, controller.Control{}, fmt.Errorf("peeking at %d items: %w", len(keys), err)
	}
	items := make([]controller.Item, len(keys))
	for i, key := range keys {
		if items[i], err = decodeItem(key, found[string(key)]); err != nil {
			return nil, controller.Control{}, fmt.Errorf("peeking at %d items: %w", len(keys), err)
		}
		items[i].Abandoned = false
	}
	return items, control, nil
}

// batch reads at most 100 items into found, by partition key. Keys that
// DynamoDB leaves over are asked for again, after a pause.
func (s *Store) batch(ctx context.Context, keys []attributes, found map[string]attributes) error {
	left, pause := keys, firstPause
	for ask := range maxAsks {
		if ask > 0 {
			if err := s.options.Clock.Sleep(ctx, pause); err != nil {
				return err
			}
			pause *= 2
		}
		output, err := call(ctx, s, &dynamodb.BatchGetItemInput{RequestItems: map[string]types.KeysAndAttributes{
			s.options.Table: {Keys: left, ConsistentRead: aws.Bool(true)},
		}}, (*dynamodb.Client).BatchGetItem)
		if err != nil {
			return err
		}
		for _, item := range output.Responses[s.options.Table] {
			found[textOf(item, attrPartition)] = item
		}
		left = output.UnprocessedKeys[s.options.Table].Keys
		if len(left) == 0 {
			return nil
		}
	}
	return fmt.Errorf("DynamoDB left %d of %d keys unread, %d times: the table is throttled, raise its read capacity or try later", len(left), len(keys), maxAsks)
}

// History implements controller.Records. Of entries of one instant the one
// written last is the newest. An n of zero or less asks for none.
func (s *Store) History(ctx context.Context, key controller.Key, n int) ([]controller.JournalEntry, error) {
	var entries []controller.JournalEntry
	var next attributes
	for len(entries) < n {
		output, err := call(ctx, s, &dynamodb.QueryInput{
			TableName:                 aws.String(s.options.Table),
			KeyConditionExpression:    aws.String("#pk = :pk AND begins_with(#sk, :journal)"),
			ExpressionAttributeNames:  names(attrPartition, attrSort),
			ExpressionAttributeValues: attributes{":pk": text(string(key)), ":journal": text(journalPrefix)},
			ScanIndexForward:          aws.Bool(false),
			ConsistentRead:            aws.Bool(true),
			Limit:                     aws.Int32(int32(min(n-len(entries), maxPage))), //nolint:gosec // at most maxPage
			ExclusiveStartKey:         next,
		}, (*dynamodb.Client).Query)
		if err != nil {
			return nil, fmt.Errorf("reading history of %s: %w", key, err)
		}
		for _, line := range output.Items {
			entry, err := decodeEntry(key, line)
			if err != nil {
				return nil, fmt.Errorf("reading history of %s: %w", key, err)
			}
			entries = append(entries, entry)
		}
		if next = output.LastEvaluatedKey; len(next) == 0 {
			break
		}
	}
	return entries, nil
}
