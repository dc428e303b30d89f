package dynamoapi

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
)

// Type is the type of an attribute's value, as it stands in DynamoDB's JSON.
type Type string

// The types that Detour uses; others are refused.
const (
	TypeString Type = "S"
	TypeNumber Type = "N"
	TypeBinary Type = "B"
	TypeBool   Type = "BOOL"
	TypeNull   Type = "NULL"
)

// Value is the value of an attribute. Two values are equal to DynamoDB when ==
// says so: numbers are kept in one form.
type Value struct {
	Type Type
	// Text is the string, the number without exponent or spare zeros, the bytes,
	// "true" or "false", or for a null "true".
	Text string
}

// String writes the value as DynamoDB's JSON.
func (v Value) String() string {
	raw, err := v.MarshalJSON()
	if err != nil {
		return err.Error()
	}
	return string(raw)
}

// MarshalJSON writes DynamoDB's JSON: an object whose one member is named after
// the type. Source: DynamoDB API reference, AttributeValue.
func (v Value) MarshalJSON() ([]byte, error) {
	var content any
	switch v.Type {
	case TypeBinary:
		content = []byte(v.Text)
	case TypeBool, TypeNull:
		content = v.Text == "true"
	default:
		content = v.Text
	}
	return json.Marshal(map[Type]any{v.Type: content})
}

// number returns a value of type N as a number.
func (v Value) number() decimal {
	n, _ := parseNumber(v.Text) // It was checked when the value was made.
	return n
}

// less is DynamoDB's "<": strings and binaries by bytes, numbers by value; false
// for two types, and for types without an order.
func (v Value) less(other Value) bool {
	switch {
	case v.Type != other.Type:
		return false
	case v.Type == TypeNumber:
		return less(v.number(), other.number())
	default:
		return ordered(v.Type) && v.Text < other.Text
	}
}

func ordered(t Type) bool { return t == TypeString || t == TypeNumber || t == TypeBinary }

// size is what the value counts towards the size of an item, in bytes. Source:
// developer guide, Item sizes and formats.
func (v Value) size() int {
	switch v.Type {
	case TypeNumber:
		return v.number().size()
	case TypeBool, TypeNull:
		return 1
	default:
		return len(v.Text)
	}
}

// Item is an item: its attributes by name, the key attributes among them.
type Item map[string]Value

// String writes the item as DynamoDB's JSON, with the names in order.
func (it Item) String() string {
	var b strings.Builder
	for i, name := range slices.Sorted(maps.Keys(it)) {
		if i > 0 {
			b.WriteString(", ")
		}
		fmt.Fprintf(&b, "%q: %s", name, it[name])
	}
	return "{" + b.String() + "}"
}

// size is the sum of the attributes' names and values, in bytes of UTF-8.
func (it Item) size() int {
	size := 0
	for name, value := range it {
		size += len(name) + value.size()
	}
	return size
}

// readValue reads DynamoDB's JSON of a value. The texts of refusals are those of
// DynamoDB, as far as it would refuse the value too.
func readValue(from any) (Value, *failure) {
	members, isObject := from.(map[string]any)
	if !isObject && from != nil {
		return Value{}, malformed("an AttributeValue is no JSON object")
	}
	var kinds []string
	for _, kind := range slices.Sorted(maps.Keys(members)) {
		if members[kind] != nil {
			kinds = append(kinds, kind)
		}
	}
	switch len(kinds) {
	case 0:
		return Value{}, invalid("Supplied AttributeValue is empty, must contain exactly one of the supported datatypes")
	case 1:
		return readTyped(Type(kinds[0]), members[kinds[0]])
	default:
		return Value{}, invalid("Supplied AttributeValue has more than one datatypes set, must contain exactly one of the supported datatypes")
	}
}

func readTyped(kind Type, from any) (Value, *failure) {
	switch kind {
	case TypeBool, TypeNull:
		set, ok := from.(bool)
		if !ok {
			return Value{}, malformed("the %s of an AttributeValue is no JSON boolean", kind)
		}
		if kind == TypeNull && !set {
			return Value{}, invalid("One or more parameter values were invalid: Null attribute value types must have the value of true")
		}
		return Value{kind, strconv.FormatBool(set)}, nil
	case TypeString, TypeNumber, TypeBinary:
		text, ok := from.(string)
		if !ok {
			return Value{}, malformed("the %s of an AttributeValue is no JSON string", kind)
		}
		return readText(kind, text)
	default:
		return Value{}, unsupported("an AttributeValue of type %q", "S, N, B, BOOL and NULL", kind)
	}
}

func readText(kind Type, text string) (Value, *failure) {
	switch kind {
	case TypeNumber:
		number, refusal := parseNumber(text)
		if refusal != "" {
			return Value{}, invalid("%s", refusal)
		}
		return Value{kind, number.String()}, nil
	case TypeBinary:
		decoded, err := base64.StdEncoding.DecodeString(text)
		if err != nil {
			return Value{}, malformed("the B of an AttributeValue is no base64")
		}
		return Value{kind, string(decoded)}, nil
	default:
		return Value{kind, text}, nil
	}
}
