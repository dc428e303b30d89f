package dynamoapi

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
)

func optional(text string) *string {
	if text == "" {
		return nil
	}
	return &text
}

// up is an UpdateItem, or the Update of a transaction.
type up struct {
	key    attrs // nil: at("a", "r")
	expr   string
	cond   string
	values attrs
	names  map[string]string
	old    bool // ask for the item that the condition refused
}

func (u up) at() attrs {
	if u.key == nil {
		return at("a", "r")
	}
	return u.key
}

func (u up) step() step {
	return func(ctx context.Context, c *dynamodb.Client, table string) (any, error) {
		input := &dynamodb.UpdateItemInput{
			TableName: &table, Key: u.at(), UpdateExpression: &u.expr, ConditionExpression: optional(u.cond),
			ExpressionAttributeValues: u.values, ExpressionAttributeNames: u.names, ReturnValues: types.ReturnValueAllNew,
		}
		if u.old {
			input.ReturnValuesOnConditionCheckFailure = types.ReturnValuesOnConditionCheckFailureAllOld
		}
		return c.UpdateItem(ctx, input)
	}
}

func (u up) item(table string) types.TransactWriteItem {
	input := &types.Update{
		TableName: &table, Key: u.at(), UpdateExpression: &u.expr, ConditionExpression: optional(u.cond),
		ExpressionAttributeValues: u.values, ExpressionAttributeNames: u.names,
	}
	if u.old {
		input.ReturnValuesOnConditionCheckFailure = types.ReturnValuesOnConditionCheckFailureAllOld
	}
	return types.TransactWriteItem{Update: input}
}

// put is the Put of a transaction.
type put struct {
	it     attrs
	cond   string
	values attrs
	old    bool
}

func (p put) item(table string) types.TransactWriteItem {
	input := &types.Put{TableName: &table, Item: p.it, ConditionExpression: optional(p.cond), ExpressionAttributeValues: p.values}
	if p.old {
		input.ReturnValuesOnConditionCheckFailure = types.ReturnValuesOnConditionCheckFailureAllOld
	}
	return types.TransactWriteItem{Put: input}
}

// tx is a TransactWriteItems.
type tx struct {
	items []interface {
		item(table string) types.TransactWriteItem
	}
	token string
}

type actionInput = interface {
	item(table string) types.TransactWriteItem
}

func transact(items ...actionInput) step { return tx{items: items}.step() }

func (x tx) step() step {
	return func(ctx context.Context, c *dynamodb.Client, table string) (any, error) {
		input := &dynamodb.TransactWriteItemsInput{TransactItems: []types.TransactWriteItem{}, ClientRequestToken: optional(x.token)}
		for _, i := range x.items {
			input.TransactItems = append(input.TransactItems, i.item(table))
		}
		if x.token != "" {
			input.ClientRequestToken = aws.String(x.token + table)
		}
		return c.TransactWriteItems(ctx, input)
	}
}

// one is a case of one update of the item a/r.
func one(name string, u up, attributes ...any) conformance {
	c := conformance{name: name, calls: []step{u.step()}, look: []attrs{u.at()}}
	if attributes != nil {
		c.seed, c.look = []attrs{with(at("a", "r"), attributes...)}, nil
	}
	return c
}

// differing marks a case in which DynamoDB Local is no judge.
func differing(why string, c conformance) conformance {
	c.differs = why
	return c
}

const beyondDetour = "the fake refuses what Detour does not use"

func allCases() []conformance {
	cases := slices.Concat(updateCases(), numberCases(), conditionCases(), placeholderCases(), transactionCases(), moreTransactionCases(), queryCases(), readCases(), sizeCases())
	for _, expr := range []string{"SET x = y + :v", "SET x = if_not_exists(x, y), z = :v", "SET x.y = :v", "SET x[0] = :v", "DELETE x :v", "SET x = list_append(y, :v)"} {
		cases = append(cases, one("unsupported "+expr, up{expr: expr, values: attrs{":v": n("1")}}, "x", s("q")))
	}
	for _, cond := range []string{"x <= :v", "x > :v", "x >= :v", "x <> :v", "NOT x = :v", "x IN (:v)", "x BETWEEN :v AND :v", "begins_with(x, :v)", "contains(x, :v)", "size(x) < :v", "x.y = :v"} {
		cases = append(cases, differing(beyondDetour, one("unsupported "+cond, up{expr: "REMOVE q", cond: cond, values: attrs{":v": s("q")}}, "x", s("q"))))
	}
	return cases
}

func updateCases() []conformance {
	five := attrs{":v": n("5")}
	return []conformance{
		one("SET on a missing item makes it", up{expr: "SET x = :v", values: five}),
		one("REMOVE on a missing item makes it", up{expr: "REMOVE x"}),
		one("SET replaces another type", up{expr: "SET x = :v", values: five}, "x", s("q")),
		one("all types", up{expr: "SET c = :c, d = :d, e = :e, f = :f, g = :g", values: attrs{":c": s("é"), ":d": n("-1.5"), ":e": b(0, 255), ":f": yes(false), ":g": null()}}),
		one("empty strings and binaries", up{expr: "SET x = :v, y = :w", values: attrs{":v": s(""), ":w": b()}}),
		one("SET and REMOVE and ADD", up{expr: "set x = :v remove y, q add z :v", values: five}, "y", s("old")),
		one("REMOVE first", up{expr: "REMOVE y SET x = y", values: nil}, "y", s("old")),
		one("SET twice the same path", up{expr: "SET x = :v, x = :v", values: five}),
		one("SET twice the same path by a name", up{expr: "SET x = :v, #x = :v", values: five, names: map[string]string{"#x": "x"}}),
		one("SET and REMOVE the same path", up{expr: "SET x = :v REMOVE x", values: five}),
		one("ADD and SET the same path", up{expr: "ADD x :v SET x = :v", values: five}),
		one("the SET clause twice", up{expr: "SET x = :v SET y = :v", values: five}),
		one("the ADD clause twice", up{expr: "ADD x :v add y :v", values: five}),
		one("SET a path", up{expr: "SET x = y"}, "y", s("v")),
		one("SET a missing path", up{expr: "SET x = y"}, "z", s("v")),
		one("SET a path to itself", up{expr: "SET x = x"}, "x", s("v")),
		one("swap", up{expr: "SET x = y, y = x"}, "x", s("1"), "y", s("2")),
		one("SET sees the item before ADD", up{expr: "SET y = x ADD x :v", values: five}, "x", n("1")),
		one("SET from the key", up{expr: "SET x = sk"}, "y", n("1")),
		one("SET from the key of a missing item", up{expr: "SET x = sk"}),
		one("if_not_exists on a missing item", up{expr: "SET x = if_not_exists(x, :v)", values: five}),
		one("if_not_exists on an attribute", up{expr: "SET x = if_not_exists(x, :v)", values: five}, "x", s("old")),
		one("if_not_exists on another attribute", up{expr: "SET x = if_not_exists(y, :v) REMOVE y", values: five}, "y", s("old")),
		one("if_not_exists on a null", up{expr: "SET x = if_not_exists(x, :v)", values: five}, "x", null()),
		one("if_not_exists on the key of a missing item", up{expr: "SET x = if_not_exists(pk, :v)", values: five}),
		one("if_not_exists in capitals", up{expr: "SET x = IF_NOT_EXISTS(x, :v)", values: five}),
		one("if_not_exists of a value", up{expr: "SET x = if_not_exists(:v, :v)", values: five}),
		one("a function as a path", up{expr: "SET attribute_exists(x) = :v", values: five}),
		one("an unknown function", up{expr: "SET x = foo(:v)", values: five}),
		one("SET pk", up{expr: "SET pk = :v", values: attrs{":v": s("1")}}),
		one("SET sk to itself", up{expr: "SET sk = sk"}, "x", s("1")),
		one("REMOVE pk by a name", up{expr: "REMOVE #k", names: map[string]string{"#k": "pk"}}),
		one("ADD to sk", up{expr: "ADD sk :v", values: five}),
		one("ADD on a string", up{expr: "ADD x :v", values: five}, "x", s("q")),
		one("ADD on a null", up{expr: "ADD x :v", values: five}, "x", null()),
		one("ADD of a string", up{expr: "ADD x :v", values: attrs{":v": s("1")}}, "x", n("1")),
		one("ADD of a path", up{expr: "ADD x y"}, "y", n("1")),
		one("ADD on a missing item", up{expr: "ADD x :v", values: five}),
		one("ADD on a missing number", up{expr: "ADD x :v", values: attrs{":v": n("-5")}}, "y", n("1")),
		one("ADD on a number", up{expr: "ADD x :v, y :v", values: five}, "x", n("1"), "y", n("-5")),
		one("ADD zero to a missing number", up{expr: "ADD x :v", values: attrs{":v": n("0")}}),
		one("an empty update expression", up{expr: "   "}),
		one("a clause without actions", up{expr: "SET"}),
		one("a trailing comma", up{expr: "SET x = :v,", values: five}),
		one("no clause", up{expr: "x = :v", values: five}),
		one("a bad character", up{expr: "SET x = :v;", values: five}),
		one("a reserved word", up{expr: "SET name = :v", values: five}),
		one("a reserved word in another case", up{expr: "REMOVE Ttl"}),
		one("a bare name with an underscore in front", up{expr: "REMOVE _x"}),
		one("a bare name with a digit in front", up{expr: "REMOVE 1x"}),
		one("a bare name with both inside", up{expr: "SET x_1 = :v", values: five}),
		one("a bare name with a dash", up{expr: "SET x-y = :v", values: five}),
		one("a name with # and - through a placeholder", up{expr: "SET #r = :v", values: five, names: map[string]string{"#r": "request#a-b.c[0]"}}),
		one("white space", up{expr: "\tSET\n x=:v\r,y =:v ", values: five}),
		one("too long an expression", up{expr: "REMOVE " + strings.Repeat("x", 4100)}),
		one("two keys too many", up{key: with(at("a", "r"), "z", s("1")), expr: "REMOVE x"}).without(),
		one("a key of one part", up{key: attrs{"pk": s("a")}, expr: "REMOVE x"}).without(),
		one("a key of another type", up{key: attrs{"pk": s("a"), "sk": n("1")}, expr: "REMOVE x"}).without(),
		one("an empty key", up{key: at("a", ""), expr: "REMOVE x"}).without(),
		one("a long partition key", up{key: at(strings.Repeat("x", 2048), "r"), expr: "REMOVE x"}),
		one("too long a partition key", up{key: at(strings.Repeat("x", 2049), "r"), expr: "REMOVE x"}).without(),
		one("a long sort key", up{key: at("a", strings.Repeat("x", 1024)), expr: "REMOVE x"}),
		one("too long a sort key", up{key: at("a", strings.Repeat("x", 1025)), expr: "REMOVE x"}).without(),
	}
}

// without looks at nothing afterwards, where the key is no key.
func (c conformance) without() conformance {
	c.look = nil
	return c
}

func numberCases() []conformance {
	var cases []conformance
	for _, text := range []string{
		"1e3", "007", "-0", "+1", ".5", "5.", "1E-5", "0.000", "-1.50", "1e125", "9.9e125", "1e126", "1e-130", "1e-131", "-1e126",
		"1e999999999", "1e99999999999999999999", "0e500", "1e+3", "1e0000000000000000003", "123456789012345678901234567890123456789e-5",
		"12345678901234567890123456789012345678", "123456789012345678901234567890123456789", "1234567890123456789012345678901234567800000",
		" 1", "1 ", "", "x", "0x10", "1_0", "NaN", "Infinity", "1e", "--1", "+-1", "-", "1d", ".", "1.2.3", "e5", "1e5.0",
	} {
		cases = append(cases, one("number "+fmt.Sprintf("%q", text), up{expr: "SET x = :v", values: attrs{":v": n(text)}}))
	}
	for _, sum := range [][2]string{
		{"99999999999999999999999999999999999999", "1"},
		{"99999999999999999999999999999999999999", "5"},
		{"1e100", "1e-10"},
		{"9e125", "9e125"},
		{"9e125", "-9e125"},
		{"1", "-1"},
		{"0.1", "0.2"},
		{"0.5", "1.5"},
		{"-3", "1"},
		{"1e-130", "-1e-129"},
		{"1e37", "1"},
		{"1e38", "1"},
		{"1.5e-130", "-1e-130"},
		{"1e50", "1e50"},
	} {
		cases = append(cases, one("sum of "+sum[0]+" and "+sum[1], up{expr: "ADD x :v", values: attrs{":v": n(sum[1])}}, "x", n(sum[0])))
	}
	return append(
		cases,
		one("numbers are equal by value", up{expr: "SET y = :v", cond: "x = :v", values: attrs{":v": n("1.0e0")}}, "x", n("1")),
		one("numbers are less by value", up{expr: "SET y = :v", cond: "x < :v", values: attrs{":v": n("10")}}, "x", n("9")),
		one("negative numbers are less by value", up{expr: "SET y = :v", cond: "x < :v", values: attrs{":v": n("-9")}}, "x", n("-10")),
		one("far numbers are less by value", up{expr: "SET y = :v", cond: "x < :v", values: attrs{":v": n("1e-130")}}, "x", n("-1e125")),
		one("zero is not less than minus zero", up{expr: "SET y = :v", cond: "x < :v", values: attrs{":v": n("0")}}, "x", n("-0")),
	)
}

func conditionCases() []conformance {
	var cases []conformance
	a := attrs{":a": s("a")}
	for _, cond := range []string{
		"attribute_not_exists(pk)", "attribute_exists(pk)", "attribute_not_exists(q)", "attribute_exists(q)", "attribute_exists (x)", "Attribute_exists(x)", "attribute_exists(name)",
		"attribute_exists()", "attribute_exists(x, y)", "attribute_exists x", "x = y", "x = z", "z = x", "x = q", "q = r", "x < z", "z < x", "x = x", "q < x",
		"(x = z)", "((x = z))", "((x = y) OR (x = z))", "((x = y OR x = z) AND n = n2)", "(((x = y) OR x = z))", "x", "x = 5", "x == y", "", "x = y)", "(x = y", "x = y AND", "AND", "x = y x = z", "x = y or x = z",
		"x = y OR x = z AND q = z", "(x = y OR x = z) AND q = z", "q = z AND x = z OR x = y", "q = z AND (x = z OR x = y)", "attribute_not_exists(q) OR x = z AND x = z", "x = z OR x = z OR x = y",
	} {
		cases = append(cases, one("condition "+cond, up{expr: "SET ok = x", cond: strings.TrimSpace(cond + " "), old: true}, "x", s("a"), "y", s("a"), "z", s("b"), "n", n("1"), "n2", n("1.0")))
	}
	for _, cond := range []string{":a = x", "x = :a", ":a = :a", ":a < :a", "x < :a", ":a < y", "attribute_exists(:a)", "x=:aORy=:a", "x=:a OR y=:a", "x=:a and y=:a", "q = :a", "q < :a", "attribute_not_exists(q) OR q = :a", "begins_with(x)", "foo(x, :a)", "(x = :a) AND (y = :a)"} {
		cases = append(cases, one("condition "+cond, up{expr: "SET ok = :a", cond: cond, values: a}, "x", s("a"), "y", s("b")))
	}
	for _, other := range []struct {
		name  string
		value any
	}{{"number", n("1")}, {"binary", b('a')}, {"boolean", yes(true)}, {"null", null()}, {"empty string", s("")}} {
		for _, op := range []string{"=", "<"} {
			cases = append(
				cases,
				one("a string "+op+" a "+other.name, up{expr: "SET ok = :v", cond: "x " + op + " :v", values: attrs{":v": other.value.(types.AttributeValue)}}, "x", s("1")),
				one("a "+other.name+" "+op+" itself", up{expr: "SET ok = :v", cond: "x " + op + " :v", values: attrs{":v": other.value.(types.AttributeValue)}}, "x", other.value),
				one("a path "+op+" a "+other.name, up{expr: "SET ok = x", cond: "x " + op + " y"}, "x", s("1"), "y", other.value),
			)
		}
	}
	return append(
		cases,
		one("a condition on a missing item", up{expr: "SET x = :a", cond: "x = :a", values: a, old: true}),
		one("a condition on a missing item that holds", up{expr: "SET x = :a", cond: "attribute_not_exists(pk) AND attribute_not_exists(x)", values: a}),
		one("two missing attributes are not equal", up{expr: "SET x = :a", cond: "q = r", values: a}),
		one("false booleans are equal", up{expr: "SET ok = :v", cond: "x = :v", values: attrs{":v": yes(false)}}, "x", yes(false)),
		one("other booleans are not", up{expr: "SET ok = :v", cond: "x = :v", values: attrs{":v": yes(true)}}, "x", yes(false)),
		one("binaries are ordered by unsigned bytes", up{expr: "SET ok = :v", cond: "x < :v", values: attrs{":v": b(200)}}, "x", b(100, 1)),
		one("strings are ordered by UTF-8", up{expr: "SET ok = :v", cond: "x < :v", values: attrs{":v": s("\U0001F600")}}, "x", s("\uFFFD")),
		one("the condition comes before the update", up{expr: "ADD x :v", cond: "attribute_exists(q)", values: attrs{":v": n("1")}}, "x", s("q")),
	)
}

func placeholderCases() []conformance {
	v, x := attrs{":v": n("1")}, map[string]string{"#x": "x"}
	return []conformance{
		one("a missing value", up{expr: "SET x = :v"}),
		one("another value", up{expr: "SET x = :v", values: attrs{":w": n("1")}}),
		one("an unused value", up{expr: "SET x = :v", values: attrs{":v": n("1"), ":w": n("1")}}),
		one("a value that only the condition uses", up{expr: "REMOVE x", cond: "x = :v", values: v}, "x", n("1")),
		one("values without use", up{expr: "REMOVE x", values: v}),
		one("no values", up{expr: "REMOVE x", values: attrs{}}),
		one("a missing name", up{expr: "SET #x = :v", values: v}),
		one("a missing name in a condition", up{expr: "SET x = :v", cond: "attribute_exists(#x)", values: v}),
		one("an unused name", up{expr: "SET y = :v", values: v, names: x}),
		one("no names", up{expr: "SET y = :v", values: v, names: map[string]string{}}),
		one("an empty name", up{expr: "SET #x = :v", values: v, names: map[string]string{"#x": ""}}),
		one("a name without #", up{expr: "SET x = :v", values: v, names: map[string]string{"x": "x"}}),
		one("only #", up{expr: "SET # = :v", values: v, names: map[string]string{"#": "x"}}),
		one("a name with a dash", up{expr: "SET #a-b = :v", values: v, names: map[string]string{"#a-b": "x"}}),
		one("a name of digits", up{expr: "SET #1 = :v", values: v, names: map[string]string{"#1": "x"}}),
		one("a name with an underscore", up{expr: "SET #_x = :v", values: v, names: map[string]string{"#_x": "x"}}),
		one("a value without a colon", up{expr: "SET x = :v", values: attrs{"v": n("1")}}),
		one("a value of digits", up{expr: "SET x = :1", values: attrs{":1": n("1")}}),
		one("a value with an underscore", up{expr: "SET x = :_v", values: attrs{":_v": n("1")}}),
		one("placeholders are case-sensitive", up{expr: "SET x = :V", values: v}),
		one("attributes are case-sensitive", up{expr: "SET X = :v", values: v}, "x", n("2")),
		one("a name that is a reserved word", up{expr: "SET #x = :v", values: v, names: map[string]string{"#x": "name"}}),
		one("a null that is false", up{expr: "SET x = :v", values: attrs{":v": &types.AttributeValueMemberNULL{}}}),
		differing(beyondDetour, one("a list", up{expr: "SET x = :v", values: attrs{":v": &types.AttributeValueMemberL{}}})),
		differing(beyondDetour, one("a map", up{expr: "SET x = :v", values: attrs{":v": &types.AttributeValueMemberM{Value: attrs{}}}})),
		differing(beyondDetour, one("a set", up{expr: "SET x = :v", values: attrs{":v": &types.AttributeValueMemberSS{Value: []string{"a"}}}})),
	}
}
