package awsdynamo

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"detour/shared/controller"
	"detour/shared/protection"
)

// maxActions is how many items one transaction may change (DynamoDB API,
// TransactWriteItems).
const maxActions = 100

// The codes of a cancelled transaction's reasons that mean something here
// (DynamoDB API, TransactWriteItems).
const (
	codeNone            = "None"
	codeConflict        = "TransactionConflict"
	codeConditionFailed = "ConditionalCheckFailed"
)

// Commit implements controller.Records: one UpdateItem, or one transaction where
// there is a move to count or a line for the journal. The item that it answers
// is the one that the caller saw, with the record written and the revision
// raised: its dirty counter and its requests leave out what came in between, so
// that the Release that follows finds the item dirty.
func (s *Store) Commit(ctx context.Context, commit controller.Commit) (controller.Item, error) {
	if err := s.commit(ctx, commit); err != nil {
		return controller.Item{}, fmt.Errorf("committing record of %s: %w", commit.Item.Key, err)
	}
	answer := commit.Item
	answer.Record, answer.Filter = answer.Record.Clone(), answer.Filter.Clone()
	answer.Wakes = slices.Clone(answer.Wakes)
	answer.Revision++
	answer.Requests = slices.DeleteFunc(slices.Clone(answer.Requests), func(r protection.Request) bool {
		return slices.Contains(commit.Ended, r.ID)
	})
	for i := range answer.Requests {
		answer.Requests[i].Lists = slices.Clone(answer.Requests[i].Lists)
	}
	return answer, nil
}

func (s *Store) commit(ctx context.Context, commit controller.Commit) error {
	if commit.Item.Lease.Token == "" {
		return controller.ErrFenced
	}
	record, err := recordUpdate(commit)
	if err != nil {
		return err
	}
	if commit.Move.IsZero() && len(commit.Journal) == 0 {
		_, err := s.update(ctx, &dynamodb.UpdateItemInput{
			Key: record.Key, ConditionExpression: record.ConditionExpression, UpdateExpression: record.UpdateExpression,
			ExpressionAttributeNames: record.ExpressionAttributeNames, ExpressionAttributeValues: record.ExpressionAttributeValues,
		})
		if found, refused := conditionFailed(err); refused {
			return judgeRecord(commit, found)
		}
		return err
	}
	return s.transact(ctx, commit, record)
}

// transact writes the record, the move and the journal together or not at all.
// It sets no ClientRequestToken, so that the SDK makes a new one for each call.
// DynamoDB answers a token that it knows with the outcome of the call that first
// had it, for ten minutes; one made of the lease token and the revision would
// let a commit that was decided anew pass for the one that went before. An
// earlier effect is recognised by the revision instead, like everywhere else.
func (s *Store) transact(ctx context.Context, commit controller.Commit, record *types.Update) error {
	record.TableName = aws.String(s.options.Table)
	record.ReturnValuesOnConditionCheckFailure = types.ReturnValuesOnConditionCheckFailureAllOld
	actions := []types.TransactWriteItem{{Update: record}}
	if !commit.Move.IsZero() {
		control, err := controlUpdate(commit)
		if err != nil {
			return err
		}
		control.TableName = aws.String(s.options.Table)
		actions = append(actions, types.TransactWriteItem{Update: control})
	}
	for i, entry := range commit.Journal {
		line, err := encodeEntry(commit, i, entry, s.options.Keep)
		if err != nil {
			return err
		}
		actions = append(actions, types.TransactWriteItem{Put: &types.Put{TableName: aws.String(s.options.Table), Item: line}})
	}
	if len(actions) > maxActions {
		return fmt.Errorf("%d journal entries make a transaction of %d actions, and DynamoDB takes %d: commit fewer entries at once",
			len(commit.Journal), len(actions), maxActions)
	}
	_, err := call(ctx, s, &dynamodb.TransactWriteItemsInput{TransactItems: actions}, (*dynamodb.Client).TransactWriteItems)
	var cancelled *types.TransactionCanceledException
	if errors.As(err, &cancelled) {
		return judgeTransaction(commit, cancelled.CancellationReasons, err)
	}
	return err
}

// recordUpdate is the update of the record's item, on the condition that token
// and revision are still its own.
func recordUpdate(commit controller.Commit) (*types.Update, error) {
	item := commit.Item
	plain, packed, err := encodeRecord(item)
	if err != nil {
		return nil, err
	}
	wakes, err := encodeWakes(item.Wakes)
	if err != nil {
		return nil, err
	}
	u := changes{
		names: names(attrLeaseToken, attrRevision),
		values: attributes{
			":token": text(item.Lease.Token), ":revision": number(item.Revision),
			":next": number(item.Revision + 1),
		},
		sets: []string{"#revision = :next"},
	}
	u.set(attrRecord, plain)
	u.set(attrRecordGzip, packed)
	u.set(attrWakes, wakes)
	u.set(attrWakeAt, nil)
	u.set(attrLookedAt, instant(item.LookedAt))
	ended := slices.Clone(commit.Ended)
	slices.Sort(ended)
	for i, id := range slices.Compact(ended) {
		u.remove(fmt.Sprintf("#request%d", i), requestPrefix+id)
	}
	return &types.Update{
		Key:                      recordKey(item.Key),
		ConditionExpression:      aws.String("#leaseToken = :token AND #revision = :revision"),
		UpdateExpression:         aws.String(u.expression()),
		ExpressionAttributeNames: u.names, ExpressionAttributeValues: u.values,
	}, nil
}

// controlUpdate is the update of the control item that counts the move, on the
// condition that the item is the one which the decision saw.
func controlUpdate(commit controller.Commit) (*types.Update, error) {
	seen := commit.Control.Revision
	moves, err := encodeJSON(commit.Moves())
	if err != nil {
		return nil, err
	}
	update := &types.Update{
		Key:                       controlKey(),
		ConditionExpression:       aws.String("#revision = :revision"),
		UpdateExpression:          aws.String("SET #moves = :moves, #revision = :next"),
		ExpressionAttributeNames:  names(attrMoves, attrRevision),
		ExpressionAttributeValues: attributes{":moves": moves, ":next": number(seen + 1)},
	}
	if seen == 0 {
		update.ConditionExpression = aws.String("attribute_not_exists(#revision)")
	} else {
		update.ExpressionAttributeValues[":revision"] = number(seen)
	}
	return update, nil
}

// judgeRecord says why the record's condition failed. Only the holder of the
// token raises the revision, so its own token beside the next revision is its
// own effect, whose answer was lost.
func judgeRecord(commit controller.Commit, found attributes) error {
	revision, err := numberOf(found, attrRevision)
	if err == nil && textOf(found, attrLeaseToken) == commit.Item.Lease.Token && revision == commit.Item.Revision+1 {
		return nil
	}
	return controller.ErrFenced
}

// judgeTransaction says why a transaction was cancelled, which is certain to
// have had no effect. The record comes first: who lost the lease must not go on,
// whatever else changed. Anything else (a conflict over the record with a
// late-comer, throttling) is a failure of the store, and may be gone by the next
// try.
func judgeTransaction(commit controller.Commit, reasons []types.CancellationReason, err error) error {
	code := func(i int) string {
		if i < len(reasons) {
			return aws.ToString(reasons[i].Code)
		}
		return ""
	}
	switch {
	case code(0) == codeConditionFailed:
		return judgeRecord(commit, reasons[0].Item)
	case code(0) == codeNone && !commit.Move.IsZero() && (code(1) == codeConditionFailed || code(1) == codeConflict):
		// In a mass failure many runs count their moves at once, and whoever is in
		// the way is changing the item.
		return controller.ErrControlChanged
	}
	var told []string
	for i := range reasons {
		if code(i) != codeNone {
			told = append(told, fmt.Sprintf("action %d: %s %s", i, code(i), aws.ToString(reasons[i].Message)))
		}
	}
	return fmt.Errorf("%w (%s)", err, strings.Join(told, "; "))
}

// changes gathers the clauses of an update.
type changes struct {
	names         map[string]string
	values        attributes
	sets, removes []string
}

// set writes an attribute, or removes it where the value is nil.
func (c *changes) set(name string, value types.AttributeValue) {
	if value == nil {
		c.remove("#"+name, name)
		return
	}
	c.names["#"+name], c.values[":"+name] = name, value
	c.sets = append(c.sets, "#"+name+" = :"+name)
}

func (c *changes) remove(placeholder, name string) {
	c.names[placeholder] = name
	c.removes = append(c.removes, placeholder)
}

func (c *changes) expression() string {
	var clauses []string
	if len(c.sets) > 0 {
		clauses = append(clauses, "SET "+strings.Join(c.sets, ", "))
	}
	if len(c.removes) > 0 {
		clauses = append(clauses, "REMOVE "+strings.Join(c.removes, ", "))
	}
	return strings.Join(clauses, " ")
}
