package dynamoapi

import (
	"encoding/json"
	"maps"
	"math"
	"reflect"
	"slices"
)

// decode reads a request's body into a struct, and returns the JSON as it was,
// too. A member that the struct does not have is refused, because leaving it out
// could change what the request means; names are case-sensitive. A member that is
// null counts as absent.
func decode(what string, body []byte, into any) (map[string]any, *failure) {
	var members map[string]any
	if err := json.Unmarshal(body, &members); err != nil || members == nil {
		return nil, malformed("the body of %s is no JSON object", what)
	}
	return members, fill(what, members, reflect.ValueOf(into).Elem())
}

// fill puts a piece of JSON into a variable. The name is what messages call it.
func fill(name string, from any, into reflect.Value) *failure {
	if into.Type() == reflect.TypeFor[Value]() {
		value, err := readValue(from)
		into.Set(reflect.ValueOf(value))
		return err
	}
	if from == nil {
		return nil
	}
	switch into.Kind() {
	case reflect.Pointer:
		into.Set(reflect.New(into.Type().Elem()))
		return fill(name, from, into.Elem())
	case reflect.Struct:
		return fillStruct(name, from, into)
	case reflect.Map:
		return fillMap(name, from, into)
	case reflect.Slice:
		return fillSlice(name, from, into)
	case reflect.Int:
		number, ok := from.(float64)
		if !ok || number != math.Trunc(number) || math.Abs(number) > math.MaxInt32 {
			return malformed("%s is no whole number", name)
		}
		into.SetInt(int64(number))
		return nil
	default: // A string or a boolean.
		value := reflect.ValueOf(from)
		if value.Type() != into.Type() {
			return malformed("%s is no %s", name, into.Kind())
		}
		into.Set(value)
		return nil
	}
}

func fillStruct(name string, from any, into reflect.Value) *failure {
	members, ok := from.(map[string]any)
	if !ok {
		return malformed("%s is no JSON object", name)
	}
	for _, member := range slices.Sorted(maps.Keys(members)) {
		if members[member] == nil {
			continue
		}
		field := into.FieldByName(member)
		if embedded, ok := into.Type().FieldByName(member); !ok || embedded.Anonymous {
			return invalid("The simulated DynamoDB does not support the parameter %s of %s; leave it out.", member, name)
		}
		if err := fill(member, members[member], field); err != nil {
			return err
		}
	}
	return nil
}

func fillMap(name string, from any, into reflect.Value) *failure {
	members, ok := from.(map[string]any)
	if !ok {
		return malformed("%s is no JSON object", name)
	}
	into.Set(reflect.MakeMapWithSize(into.Type(), len(members)))
	for _, member := range slices.Sorted(maps.Keys(members)) {
		element := reflect.New(into.Type().Elem()).Elem()
		if err := fill(name+" "+member, members[member], element); err != nil {
			return err
		}
		into.SetMapIndex(reflect.ValueOf(member), element)
	}
	return nil
}

func fillSlice(name string, from any, into reflect.Value) *failure {
	elements, ok := from.([]any)
	if !ok {
		return malformed("%s is no JSON array", name)
	}
	into.Set(reflect.MakeSlice(into.Type(), len(elements), len(elements)))
	for i, element := range elements {
		if err := fill(name, element, into.Index(i)); err != nil {
			return err
		}
	}
	return nil
}

// expressions are the parameters that UpdateItem, Update and Put have in common.
type expressions struct {
	TableName                           string
	ConditionExpression                 *string
	ExpressionAttributeNames            map[string]string
	ExpressionAttributeValues           map[string]Value
	ReturnValuesOnConditionCheckFailure string
}

// updateRequest is an UpdateItem without ReturnValues: what a transaction's
// Update has too.
type updateRequest struct {
	expressions

	Key              Item
	UpdateExpression *string
}

// putRequest is a transaction's Put.
type putRequest struct {
	expressions

	Item Item
}

// transactItem is an action of a transaction: one of the two.
type transactItem struct {
	Update *updateRequest
	Put    *putRequest
}

// oneOf checks a parameter that has a few values; empty is the first of them.
func oneOf(name, value string, allowed ...string) *failure {
	if value == "" || slices.Contains(allowed, value) {
		return nil
	}
	return unsupported("%s %q", allowed[0]+" or "+allowed[1], name, value)
}

// tableNamed checks that a request names a table.
func tableNamed(name string) *failure {
	if name == "" {
		return invalid("1 validation error detected: Value null at 'tableName' failed to satisfy constraint: Member must not be null")
	}
	return nil
}

// consistent refuses reads that may see an old state.
func consistent(wanted bool) *failure {
	if !wanted {
		return invalid("The simulated DynamoDB has only strongly consistent reads; set ConsistentRead to true.")
	}
	return nil
}
