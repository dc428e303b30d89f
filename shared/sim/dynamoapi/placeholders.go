package dynamoapi

import (
	"maps"
	"slices"
	"strings"
)

// placeholders are the names and values that a request's expressions refer to,
// and which of them were used.
type placeholders struct {
	names      map[string]string
	values     map[string]Value
	usedNames  map[string]bool
	usedValues map[string]bool
}

// readPlaceholders checks ExpressionAttributeNames and ExpressionAttributeValues;
// nil is a map that the request does not have. A value that is longer than an item
// may be is refused here, before any condition is looked at (source: DynamoDB
// Local).
func readPlaceholders(names map[string]string, values map[string]Value, expressions ...*string) (*placeholders, *failure) {
	given := slices.ContainsFunc(expressions, func(e *string) bool { return e != nil })
	switch {
	case names != nil && !given:
		return nil, invalid("ExpressionAttributeNames can only be specified when using expressions")
	case values != nil && !given:
		return nil, invalid("ExpressionAttributeValues can only be specified when using expressions")
	case names != nil && len(names) == 0:
		return nil, invalid("ExpressionAttributeNames must not be empty")
	case values != nil && len(values) == 0:
		return nil, invalid("ExpressionAttributeValues must not be empty")
	}
	p := &placeholders{names: names, values: values, usedNames: map[string]bool{}, usedValues: map[string]bool{}}
	for _, key := range slices.Sorted(maps.Keys(names)) {
		if !isPlaceholder(key, '#') {
			return nil, invalid("ExpressionAttributeNames contains invalid key: Syntax error; key: %q", key)
		}
		if names[key] == "" {
			return nil, invalid("ExpressionAttributeNames contains invalid value: Empty attribute name for key %s", key)
		}
	}
	for _, key := range slices.Sorted(maps.Keys(values)) {
		if !isPlaceholder(key, ':') {
			return nil, invalid("ExpressionAttributeValues contains invalid key: Syntax error; key: %q", key)
		}
		if values[key].size() > maxItem {
			return nil, invalid("Item size to update has exceeded the maximum allowed size")
		}
	}
	return p, nil
}

func isPlaceholder(key string, first byte) bool {
	return len(key) > 1 && key[0] == first && strings.Trim(key[1:], wordRest) == ""
}

// unused is to be asked when all expressions are parsed: what they did not refer
// to is a ValidationException.
func (p *placeholders) unused() *failure {
	if left := leftOver(p.names, p.usedNames); left != "" {
		return invalid("Value provided in ExpressionAttributeNames unused in expressions: keys: {%s}", left)
	}
	if left := leftOver(p.values, p.usedValues); left != "" {
		return invalid("Value provided in ExpressionAttributeValues unused in expressions: keys: {%s}", left)
	}
	return nil
}

func leftOver[V any](given map[string]V, used map[string]bool) string {
	left := slices.Sorted(maps.Keys(given))
	left = slices.DeleteFunc(left, func(key string) bool { return used[key] })
	return strings.Join(left, ", ")
}
