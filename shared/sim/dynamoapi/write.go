package dynamoapi

import (
	"crypto/sha256"
	"encoding/json"
)

// action is a write to one item, checked and ready to run.
type action struct {
	table     string
	key       key
	condition condition // nil: none
	change    func(old Item) (Item, *failure)
	returnOld bool
	// payload counts towards the size of a transaction, in bytes.
	payload int
	// late is a fault that a transaction reports as this action's reason.
	late *failure
}

// run returns what becomes of the item.
func (a action) run(held table) (Item, *failure) {
	old := held[a.key]
	if a.late != nil {
		return nil, a.late
	}
	if a.condition != nil && !a.condition(old) {
		return nil, conditionFailed(old, a.returnOld)
	}
	return a.change(old)
}

// prepare checks what all writes have in common.
func (e expressions) prepare(refs *placeholders) (action, *failure) {
	if err := tableNamed(e.TableName); err != nil {
		return action{}, err
	}
	if err := oneOf("ReturnValuesOnConditionCheckFailure", e.ReturnValuesOnConditionCheckFailure, "NONE", "ALL_OLD"); err != nil {
		return action{}, err
	}
	a := action{table: e.TableName, returnOld: e.ReturnValuesOnConditionCheckFailure == "ALL_OLD"}
	if e.ConditionExpression != nil {
		cond, err := parseCondition(*e.ConditionExpression, refs)
		if err != nil {
			return action{}, err
		}
		a.condition = cond
		a.payload = len(*e.ConditionExpression)
	}
	return a, refs.unused()
}

// prepare checks an update.
func (rq updateRequest) prepare() (action, *failure) {
	if rq.UpdateExpression == nil {
		return action{}, invalid("The simulated DynamoDB does not support an update without UpdateExpression; say what to change.")
	}
	refs, err := readPlaceholders(rq.ExpressionAttributeNames, rq.ExpressionAttributeValues, rq.UpdateExpression, rq.ConditionExpression)
	if err != nil {
		return action{}, err
	}
	change, err := parseUpdate(*rq.UpdateExpression, refs)
	if err != nil {
		return action{}, err
	}
	a, err := rq.expressions.prepare(refs)
	if err != nil {
		return action{}, err
	}
	k, fault := onlyKey(rq.Key)
	if fault != nil && !fault.late {
		return action{}, fault.failure
	}
	if fault != nil {
		a.late = fault.failure
	}
	for _, path := range change.paths {
		if path == partitionKey || path == sortKey {
			a.late = invalid("One or more parameter values were invalid: Cannot update attribute %s. This attribute is part of the key", path)
		}
	}
	a.key = k
	a.change = func(old Item) (Item, *failure) { return change.apply(k, old) }
	a.payload += change.raw + k.item().size()
	for _, value := range refs.values {
		a.payload += value.size()
	}
	return a, nil
}

// prepare checks a put.
func (rq putRequest) prepare() (action, *failure) {
	refs, err := readPlaceholders(rq.ExpressionAttributeNames, rq.ExpressionAttributeValues, rq.ConditionExpression)
	if err != nil {
		return action{}, err
	}
	a, err := rq.expressions.prepare(refs)
	if err != nil {
		return action{}, err
	}
	item := rq.Item
	k, fault := keyOf(item)
	_, nameless := item[""]
	switch {
	case nameless:
		return action{}, invalid("One or more parameter values were invalid: Empty attribute name")
	case fault != nil && !fault.late:
		return action{}, fault.failure
	case fault != nil:
		a.late = fault.failure
	case item.size() > maxItem:
		return action{}, invalid("Item size has exceeded the maximum allowed size")
	}
	a.key = k
	a.change = func(Item) (Item, *failure) { return item, nil }
	a.payload += item.size()
	return a, nil
}

// updateItem answers UpdateItem. Source: DynamoDB API reference, UpdateItem.
func (c call) updateItem(body []byte) (any, *failure) {
	var rq struct {
		updateRequest

		ReturnValues string
	}
	if _, err := decode("UpdateItem", body, &rq); err != nil {
		return nil, err
	}
	if err := oneOf("ReturnValues", rq.ReturnValues, "NONE", "ALL_NEW"); err != nil {
		return nil, err
	}
	a, err := rq.prepare()
	if err != nil {
		return nil, err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	held, err := c.table(a.table)
	if err != nil {
		return nil, err
	}
	item, err := a.run(held)
	if err != nil {
		return nil, err
	}
	held[a.key] = item
	var answer struct {
		Attributes Item `json:",omitempty"`
	}
	if rq.ReturnValues == "ALL_NEW" {
		answer.Attributes = item
	}
	return answer, nil
}

// clientToken is a ClientRequestToken of an account and Region, and digest what was
// asked for with it.
type (
	clientToken struct{ account, region, token string }
	digest      [sha256.Size]byte
)

// transactWriteItems answers TransactWriteItems. Source: DynamoDB API reference,
// TransactWriteItems. A ClientRequestToken that succeeded before does nothing
// again, or fails if anything else differs. DynamoDB forgets it after 10 minutes;
// the fake has no clock, and never does. A token whose transaction was cancelled
// may be used anew (source: DynamoDB Local).
func (c call) transactWriteItems(body []byte) (any, *failure) {
	var rq struct {
		TransactItems      []transactItem
		ClientRequestToken string
	}
	members, err := decode("TransactWriteItems", body, &rq)
	if err != nil {
		return nil, err
	}
	if len(rq.ClientRequestToken) > maxTokenLength {
		return nil, invalid("1 validation error detected: Value '%s' at 'clientRequestToken' failed to satisfy constraint: Member must have length less than or equal to %d",
			rq.ClientRequestToken, maxTokenLength)
	}
	actions, err := readActions(rq.TransactItems)
	if err != nil {
		return nil, err
	}
	asked := digestOf(members["TransactItems"])
	c.mu.Lock()
	defer c.mu.Unlock()
	used := clientToken{c.account, c.region, rq.ClientRequestToken}
	if before, known := c.tokens[used]; known {
		if before != asked {
			return nil, &failure{
				Type:    serviceErrors + "IdempotentParameterMismatchException",
				Message: "The request uses the same client token as a previous, but non-identical request. Do not reuse a client token with different requests, unless the requests are identical",
			}
		}
		return struct{}{}, nil
	}
	if err := c.runAll(actions); err != nil {
		return nil, err
	}
	if rq.ClientRequestToken != "" {
		c.tokens[used] = asked
	}
	return struct{}{}, nil
}

// runAll writes all of the actions' items, or none.
func (c call) runAll(actions []action) *failure {
	tables := make([]table, len(actions))
	for i, a := range actions {
		held, err := c.table(a.table)
		if err != nil {
			return err
		}
		tables[i] = held
	}
	items, reasons := make([]Item, len(actions)), make([]reason, len(actions))
	for i, a := range actions {
		item, err := a.run(tables[i])
		items[i], reasons[i] = item, err.reason()
	}
	if err := cancelled(reasons); err != nil {
		return err
	}
	for i, a := range actions {
		tables[i][a.key] = items[i]
	}
	return nil
}

// readActions reads the actions of a transaction, and checks what concerns more
// than one of them. What DynamoDB counts towards the size of an update is
// UNVERIFIED; here it is what DynamoDB Local counts.
func readActions(raw []transactItem) ([]action, *failure) {
	if len(raw) == 0 || len(raw) > maxActions {
		return nil, invalid("1 validation error detected: Value at 'transactItems' failed to satisfy constraint: Member must have length between 1 and %d, not %d", maxActions, len(raw))
	}
	var actions []action
	seen := map[place]map[key]bool{}
	payload := 0
	for _, r := range raw {
		a, err := r.prepare()
		if err != nil {
			return nil, err
		}
		at := place{table: a.table}
		if seen[at][a.key] && a.late == nil {
			return nil, invalid("Transaction request cannot include multiple operations on one item")
		}
		if seen[at] == nil {
			seen[at] = map[key]bool{}
		}
		seen[at][a.key] = true
		payload += a.payload
		actions = append(actions, a)
	}
	if payload > maxTransaction {
		return nil, invalid("Transaction payload size cannot exceed 4MB. Payload Size: %d", payload)
	}
	return actions, nil
}

func (rq transactItem) prepare() (action, *failure) {
	switch {
	case rq.Update == nil && rq.Put == nil:
		return action{}, invalid("Invalid Request: TransactWriteRequest should contain Delete or Put or Update request")
	case rq.Put == nil:
		return rq.Update.prepare()
	case rq.Update == nil:
		return rq.Put.prepare()
	default:
		return action{}, invalid("TransactItems can only contain one of Check, Put, Update or Delete")
	}
}

// digestOf is the same for two pieces of JSON that differ in nothing but the
// order of members and white space.
func digestOf(asked any) digest {
	encoded, err := json.Marshal(asked)
	if err != nil { // It came out of JSON, which always goes back.
		panic(err)
	}
	return sha256.Sum256(encoded)
}
