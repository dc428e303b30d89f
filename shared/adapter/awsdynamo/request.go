package awsdynamo

import (
	"context"
	"fmt"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"detour/shared/controller"
	"detour/shared/protection"
)

// Request implements controller.Records, in one round trip that needs no lease.
// A request with the id of one that stands takes its place, so that it may be
// sent again.
func (s *Store) Request(ctx context.Context, key controller.Key, request protection.Request) error {
	if request.ID == "" {
		return fmt.Errorf("adding request to %s: the request has no id: give it one that no other has", key)
	}
	value, err := encodeJSON(request)
	if err == nil {
		_, err = s.update(ctx, &dynamodb.UpdateItemInput{
			Key:                       recordKey(key),
			UpdateExpression:          aws.String("SET #request = :request ADD #dirty :one"),
			ExpressionAttributeNames:  map[string]string{"#request": requestPrefix + request.ID, "#" + attrDirty: attrDirty},
			ExpressionAttributeValues: attributes{":request": value, ":one": number(1)},
		})
	}
	if err != nil {
		return fmt.Errorf("adding request %s to %s: %w", request.ID, key, err)
	}
	return nil
}

// Clear implements controller.Records, in one round trip that needs no lease.
// Clearing what does not stand succeeds.
func (s *Store) Clear(ctx context.Context, key controller.Key, id string) error {
	_, err := s.update(ctx, &dynamodb.UpdateItemInput{
		Key:                       recordKey(key),
		UpdateExpression:          aws.String("REMOVE #request ADD #dirty :one"),
		ExpressionAttributeNames:  map[string]string{"#request": requestPrefix + id, "#" + attrDirty: attrDirty},
		ExpressionAttributeValues: attributes{":one": number(1)},
	})
	if err != nil {
		return fmt.Errorf("clearing request %s of %s: %w", id, key, err)
	}
	return nil
}

// Note implements controller.Records, in one transaction.
func (s *Store) Note(ctx context.Context, entries []controller.JournalEntry) error {
	if len(entries) == 0 {
		return nil
	}
	if len(entries) > maxActions {
		return fmt.Errorf("noting %d acts: DynamoDB takes %d in one transaction: note fewer at once", len(entries), maxActions)
	}
	actions := make([]types.TransactWriteItem, 0, len(entries))
	for i, entry := range entries {
		line, err := encodeNote(i, entry, s.options.Keep)
		if err != nil {
			return fmt.Errorf("noting acts: %w", err)
		}
		actions = append(actions, types.TransactWriteItem{Put: &types.Put{TableName: aws.String(s.options.Table), Item: line}})
	}
	if _, err := call(ctx, s, &dynamodb.TransactWriteItemsInput{TransactItems: actions}, (*dynamodb.Client).TransactWriteItems); err != nil {
		return fmt.Errorf("noting acts: %w", err)
	}
	return nil
}

// Control implements controller.Records, in one round trip.
func (s *Store) Control(ctx context.Context, change controller.ControlChange) error {
	u := changes{names: names(attrRevision), values: attributes{":one": number(1)}}
	if change.Freeze != nil {
		freeze, err := encodeJSON(change.Freeze)
		if err != nil {
			return fmt.Errorf("changing control item: %w", err)
		}
		u.set(attrFreeze, freeze)
	}
	if change.ReleasedAt != nil {
		u.set(attrReleasedAt, instant(*change.ReleasedAt))
	}
	expression := "ADD #revision :one"
	if clauses := u.expression(); clauses != "" {
		expression = clauses + " " + expression
	}
	_, err := s.update(ctx, &dynamodb.UpdateItemInput{
		Key: controlKey(), UpdateExpression: aws.String(expression),
		ExpressionAttributeNames: u.names, ExpressionAttributeValues: u.values,
	})
	if err != nil {
		return fmt.Errorf("changing control item: %w", err)
	}
	return nil
}
