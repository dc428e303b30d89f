package dynamoapi

import (
	"maps"
	"slices"
	"strings"
)

// getItem answers GetItem. Source: DynamoDB API reference, GetItem.
func (c call) getItem(body []byte) (any, *failure) {
	var rq struct {
		TableName      string
		Key            Item
		ConsistentRead bool
	}
	if _, err := decode("GetItem", body, &rq); err != nil {
		return nil, err
	}
	if err := tableNamed(rq.TableName); err != nil {
		return nil, err
	}
	if err := consistent(rq.ConsistentRead); err != nil {
		return nil, err
	}
	k, fault := onlyKey(rq.Key)
	if fault != nil {
		return nil, fault.failure
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	held, err := c.table(rq.TableName)
	if err != nil {
		return nil, err
	}
	return struct {
		Item Item `json:",omitempty"`
	}{held[k]}, nil
}

// keysOf are one table's keys in a BatchGetItem.
type keysOf struct {
	Keys           []Item
	ConsistentRead bool
}

// batchAnswer is the answer to a BatchGetItem.
type batchAnswer struct {
	Responses       map[string][]Item
	UnprocessedKeys map[string]keysOf
}

// batchGetItem answers BatchGetItem. Source: DynamoDB API reference,
// BatchGetItem. DynamoDB promises no order of the items, so they come in the
// reverse of the order that was asked for, to let nobody rely on it.
func (c call) batchGetItem(body []byte) (any, *failure) {
	var rq struct{ RequestItems map[string]keysOf }
	if _, err := decode("BatchGetItem", body, &rq); err != nil {
		return nil, err
	}
	if len(rq.RequestItems) == 0 {
		return nil, invalid("BatchGetItem must have some requests set")
	}
	names := slices.Sorted(maps.Keys(rq.RequestItems))
	asked := map[string][]key{}
	count := 0
	for _, name := range names {
		keys, err := rq.RequestItems[name].check(name)
		if err != nil {
			return nil, err
		}
		asked[name] = keys
		count += len(keys)
	}
	if count > maxBatchKeys {
		return nil, invalid("Too many items requested for the BatchGetItem call")
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	answer := batchAnswer{map[string][]Item{}, map[string]keysOf{}}
	room := batchRoom{keys: maxBatchKeys, bytes: maxBatch}
	if c.batchLimit > 0 {
		room.keys = c.batchLimit
	}
	for _, name := range names {
		held, err := c.table(name)
		if err != nil {
			return nil, err
		}
		items, left := room.take(held, asked[name])
		answer.Responses[name] = items
		if len(left) > 0 {
			answer.UnprocessedKeys[name] = keysOf{left, true}
		}
	}
	return answer, nil
}

// check returns one table's keys.
func (rq keysOf) check(name string) ([]key, *failure) {
	if len(rq.Keys) == 0 {
		return nil, invalid("The list of keys in RequestItems for BatchGetItem is required: %s has empty list", name)
	}
	if len(rq.Keys) > maxBatchKeys {
		return nil, invalid("Too many items requested for the BatchGetItem call")
	}
	if err := consistent(rq.ConsistentRead); err != nil {
		return nil, err
	}
	var keys []key
	for _, r := range rq.Keys {
		k, fault := onlyKey(r)
		if fault != nil {
			return nil, fault.failure
		}
		if slices.Contains(keys, k) {
			return nil, invalid("Provided list of item keys contains duplicates")
		}
		keys = append(keys, k)
	}
	return keys, nil
}

// batchRoom is what still fits in an answer.
type batchRoom struct{ keys, bytes int }

// take returns the items of the keys that fit, and the keys that do not.
func (room *batchRoom) take(held table, keys []key) (items, left []Item) {
	items = []Item{}
	for i, k := range keys {
		item := held[k]
		if room.keys < 1 || room.bytes < item.size() {
			for _, rest := range keys[i:] {
				left = append(left, rest.item())
			}
			break
		}
		room.keys--
		room.bytes -= item.size()
		if item != nil {
			items = append(items, item)
		}
	}
	slices.Reverse(items)
	return items, left
}

// queryRequest is a Query.
type queryRequest struct {
	TableName                 string
	KeyConditionExpression    *string
	ExpressionAttributeNames  map[string]string
	ExpressionAttributeValues map[string]Value
	ConsistentRead            bool
	ScanIndexForward          *bool // nil: true
	Limit                     *int  // nil: none
	ExclusiveStartKey         Item
}

// queryAnswer is a page of a Query.
type queryAnswer struct {
	Items            []Item
	Count            int
	ScannedCount     int
	LastEvaluatedKey Item `json:",omitempty"`
}

// query answers Query. Source: DynamoDB API reference, Query.
func (c call) query(body []byte) (any, *failure) {
	var rq queryRequest
	if _, err := decode("Query", body, &rq); err != nil {
		return nil, err
	}
	r, err := rq.check()
	if err != nil {
		return nil, err
	}
	var after *key
	if rq.ExclusiveStartKey != nil {
		k, fault := onlyKey(rq.ExclusiveStartKey)
		if fault != nil {
			return nil, fault.failure
		}
		if !r.holds(k) {
			return nil, invalid("The provided starting key is outside query boundaries based on provided conditions")
		}
		after = &k
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	held, err := c.table(rq.TableName)
	if err != nil {
		return nil, err
	}
	backward := rq.ScanIndexForward != nil && !*rq.ScanIndexForward
	limit := c.pageLimit
	if rq.Limit != nil && (limit == 0 || *rq.Limit < limit) {
		limit = *rq.Limit
	}
	return pageOf(held, r.keys(held, after, backward), limit), nil
}

func (rq queryRequest) check() (keyRange, *failure) {
	if err := tableNamed(rq.TableName); err != nil {
		return keyRange{}, err
	}
	if err := consistent(rq.ConsistentRead); err != nil {
		return keyRange{}, err
	}
	if rq.Limit != nil && *rq.Limit < smallestPageLimit {
		return keyRange{}, invalid("1 validation error detected: Value '%d' at 'limit' failed to satisfy constraint: Member must have value greater than or equal to %d", *rq.Limit, smallestPageLimit)
	}
	refs, err := readPlaceholders(rq.ExpressionAttributeNames, rq.ExpressionAttributeValues, rq.KeyConditionExpression)
	if err != nil {
		return keyRange{}, err
	}
	if rq.KeyConditionExpression == nil {
		return keyRange{}, invalid("Either the KeyConditions or KeyConditionExpression parameter must be specified in the request.")
	}
	r, err := parseKeyCondition(*rq.KeyConditionExpression, refs)
	if err != nil {
		return keyRange{}, err
	}
	return r, refs.unused()
}

// holds reports whether a key fulfils the key condition.
func (r keyRange) holds(k key) bool {
	return k.partition == r.partition.Text && strings.HasPrefix(k.sort, r.prefix.Text)
}

// keys returns the keys that the condition names, in order, after the given one.
func (r keyRange) keys(held table, after *key, backward bool) []key {
	var keys []key
	for k := range held {
		if r.holds(k) {
			keys = append(keys, k)
		}
	}
	order := key.compare
	if backward {
		order = func(a, b key) int { return b.compare(a) }
	}
	slices.SortFunc(keys, order)
	if after != nil {
		keys = slices.DeleteFunc(keys, func(k key) bool { return order(k, *after) <= 0 })
	}
	return keys
}

// pageOf returns the first page. It ends with the limit's item, even if that is
// the last there is, or with the item that fills a megabyte if there is another.
// That the item that crosses the megabyte is still in the page is so in DynamoDB
// Local; UNVERIFIED of DynamoDB.
func pageOf(held table, keys []key, limit int) queryAnswer {
	page := queryAnswer{Items: []Item{}}
	size := 0
	for i, k := range keys {
		page.Items = append(page.Items, held[k])
		size += held[k].size()
		if len(page.Items) == limit || size >= maxPage && i < len(keys)-1 {
			page.LastEvaluatedKey = k.item()
			break
		}
	}
	page.Count = len(page.Items)
	page.ScannedCount = page.Count
	return page
}
