package dynamoapi

import (
	"context"
	"fmt"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
)

// lateFault is where DynamoDB Local departs from the API reference, which lists
// these texts under the cancellation reason ValidationError.
const lateFault = "the API reference has it as a cancellation reason"

func transactionCases() []conformance {
	one1 := attrs{":v": n("1")}
	a, other, c := at("a", "r"), at("b", "r"), at("c", "r")
	seed := []attrs{with(a, "x", s("q"))}
	look := []attrs{other, c}
	set := func(key attrs, cond string) up { return up{key: key, expr: "SET y = :v", cond: cond, values: one1} }
	asked := func(u up) up { u.old = true; return u }
	return []conformance{
		{name: "a transaction that succeeds", seed: seed, look: look, calls: []step{transact(set(a, "attribute_exists(x)"), put{it: with(other, "z", b(1))}, up{key: c, expr: "ADD d :v", values: one1})}},
		{name: "a transaction that fails half", seed: seed, look: look, calls: []step{transact(set(other, ""), asked(set(a, "x = :v")), put{it: c, cond: "attribute_not_exists(pk)"})}},
		{name: "a transaction that does not ask", seed: seed, look: look, calls: []step{transact(set(other, ""), set(a, "x = :v"))}},
		{name: "a transaction of which two fail", seed: seed, look: look, calls: []step{transact(asked(set(a, "x = :v")), asked(set(other, "attribute_exists(x)")))}},
		{name: "a put that fails", seed: seed, look: look, calls: []step{transact(put{it: with(a, "n", n("1")), cond: "x = :v", values: attrs{":v": s("r")}, old: true})}},
		{name: "a put replaces", seed: seed, calls: []step{transact(put{it: with(a, "n", n("1")), cond: "attribute_exists(pk)"})}},
		{name: "two actions on one item", seed: seed, calls: []step{transact(set(a, ""), put{it: a})}},
		{name: "two equal puts", seed: seed, calls: []step{transact(put{it: a}, put{it: a})}},
		{name: "a syntax error in a transaction", seed: seed, look: look, calls: []step{transact(set(other, ""), up{key: a, expr: "SET y ="})}},
		{name: "an unused value in a transaction", seed: seed, look: look, calls: []step{transact(set(other, ""), up{key: a, expr: "REMOVE x", values: one1})}},
		{name: "an unused value of a put", seed: seed, calls: []step{transact(put{it: a, values: one1})}},
		{name: "an update of the key in a transaction", seed: seed, look: look, calls: []step{transact(set(other, ""), up{key: a, expr: "SET sk = :v", values: one1})}, differs: "DynamoDB Local gives fewer reasons than there are actions"},
		{name: "ADD on a string in a transaction", seed: seed, look: look, calls: []step{transact(set(other, ""), up{key: a, expr: "ADD x :v", values: one1})}, differs: lateFault},
		{name: "a missing path in a transaction", seed: seed, look: look, calls: []step{transact(set(other, ""), up{key: a, expr: "SET z = q"})}, differs: lateFault},
		{name: "a condition and a late fault", seed: seed, look: look, calls: []step{transact(set(other, "x = :v"), up{key: a, expr: "ADD x :v", values: one1})}, differs: lateFault},
		{name: "a key of one part in a transaction", seed: seed, calls: []step{transact(up{key: attrs{"pk": s("a")}, expr: "REMOVE x"})}},
		{name: "a key of another type in a transaction", seed: seed, calls: []step{transact(up{key: attrs{"pk": s("a"), "sk": n("1")}, expr: "REMOVE x"})}},
		{name: "a put without a key", calls: []step{transact(put{it: attrs{"pk": s("a")}})}},
		{name: "a put with a key of another type", calls: []step{transact(put{it: attrs{"pk": s("a"), "sk": n("1")}})}},
		{name: "a put with an empty key", calls: []step{transact(put{it: at("", "r")})}},
		{name: "a put with an empty name", calls: []step{transact(put{it: with(a, "", n("1"))})}},
		{name: "a put with a bad number", calls: []step{transact(put{it: with(a, "x", n("1x"))})}},
	}
}

func moreTransactionCases() []conformance {
	one1 := attrs{":v": n("1")}
	count := func(by string) up { return up{expr: "ADD x :v", values: attrs{":v": n(by)}} }
	refused := up{expr: "ADD x :v", cond: "attribute_exists(zz)", values: one1}
	puts := func(n int) step {
		x := tx{}
		for i := range n {
			x.items = append(x.items, put{it: at("k", fmt.Sprint(i))})
		}
		return x.step()
	}
	with1 := func(token string, u up) step { return tx{items: []actionInput{u}, token: token}.step() }
	counted := []attrs{at("a", "r")}
	return []conformance{
		{name: "an empty transaction", calls: []step{puts(0)}},
		{name: "a transaction of 100", calls: []step{puts(100)}, look: []attrs{at("k", "0"), at("k", "99")}},
		{name: "a transaction of 101", calls: []step{puts(101)}, look: []attrs{at("k", "0")}},
		{name: "a token that succeeded does nothing again", calls: []step{with1("t1", count("1")), with1("t1", count("1"))}, look: counted},
		{name: "a token that succeeded with something else", calls: []step{with1("t2", count("1")), with1("t2", count("2"))}, look: counted},
		{name: "a token that failed may be used again", calls: []step{with1("t3", refused), with1("t3", count("1"))}, look: counted},
		{name: "another token", calls: []step{with1("t4", count("1")), with1("t5", count("1"))}, look: counted},
		{name: "too long a token", calls: []step{with1(strings.Repeat("x", 37), count("1"))}, look: counted},
		{name: "an action without a table", calls: []step{transact(elsewhere{put{it: at("a", "r")}})}},
		{name: "two kinds in one action", calls: []step{transact(both{})}},
		{name: "no kind in an action", calls: []step{transact(neither{})}},
	}
}

// elsewhere is a put into a table that does not exist.
type elsewhere struct{ put }

func (e elsewhere) item(string) types.TransactWriteItem { return e.put.item("nowhere") }

type both struct{}

func (both) item(table string) types.TransactWriteItem {
	return types.TransactWriteItem{Put: put{it: at("a", "r")}.item(table).Put, Update: up{expr: "REMOVE x"}.item(table).Update}
}

type neither struct{}

func (neither) item(string) types.TransactWriteItem { return types.TransactWriteItem{} }

// ask is a Query.
type ask struct {
	cond     string // empty: the usual one
	values   attrs  // nil: a and j#
	names    map[string]string
	backward bool
	limit    int32
	after    attrs
	unset    bool
}

func (q ask) step() step {
	return func(ctx context.Context, c *dynamodb.Client, table string) (any, error) {
		input := &dynamodb.QueryInput{
			TableName: &table, ConsistentRead: aws.Bool(true), ExpressionAttributeNames: q.names, ExpressionAttributeValues: q.values,
			KeyConditionExpression: aws.String("pk = :p AND begins_with(sk, :s)"), ExclusiveStartKey: q.after,
		}
		if q.cond != "" {
			input.KeyConditionExpression = &q.cond
		}
		if q.values == nil {
			input.ExpressionAttributeValues = attrs{":p": s("a"), ":s": s("j#")}
		}
		if q.unset {
			input.KeyConditionExpression, input.ExpressionAttributeValues = nil, nil
		}
		if q.backward {
			input.ScanIndexForward = aws.Bool(false)
		}
		if q.limit != 0 {
			input.Limit = &q.limit
		}
		return c.Query(ctx, input)
	}
}

func queryCases() []conformance {
	var seed []attrs
	for _, key := range []string{"j#2", "j#0", "k", "j#10", "i", "j#1", "j#\u00e9", "J#"} {
		seed = append(seed, with(at("a", key), "x", s(key)))
	}
	seed = append(seed, at("b", "j#1"))
	var cases []conformance
	add := func(name string, q ask) {
		cases = append(cases, conformance{name: "query " + name, seed: seed, calls: []step{q.step()}})
	}
	add("forward", ask{})
	add("backward", ask{backward: true})
	add("limited", ask{limit: 2})
	add("limited to what there is", ask{limit: 5})
	add("limited to more", ask{limit: 6})
	add("limited backward", ask{limit: 2, backward: true})
	add("limited to less than nothing", ask{limit: -1})
	add("after a key", ask{after: at("a", "j#1")})
	add("after a key backward", ask{after: at("a", "j#1"), backward: true})
	add("after a key that is gone", ask{after: at("a", "j#11")})
	add("after the last key", ask{after: at("a", "j#\u00e9")})
	add("after a key of another partition", ask{after: at("b", "j#1")})
	add("after a key beyond the prefix", ask{after: at("a", "k")})
	add("after a key before the prefix", ask{after: at("a", "i")})
	add("after half a key", ask{after: attrs{"pk": s("a")}})
	add("after more than a key", ask{after: with(at("a", "j#1"), "x", s("1"))})
	add("after a key of another type", ask{after: attrs{"pk": s("a"), "sk": n("1")}})
	add("after no key", ask{after: attrs{}})
	add("with names", ask{cond: "#p = :p and begins_with(#s, :s)", names: map[string]string{"#p": "pk", "#s": "sk"}})
	add("with an unused name", ask{names: map[string]string{"#p": "pk"}})
	add("with a missing name", ask{cond: "#p = :p and begins_with(sk, :s)"})
	add("that finds nothing", ask{values: attrs{":p": s("a"), ":s": s("zz")}})
	add("in no partition", ask{values: attrs{":p": s("c"), ":s": s("j#")}})
	add("with a missing value", ask{values: attrs{":p": s("a")}})
	add("with an unused value", ask{values: attrs{":p": s("a"), ":s": s("j"), ":t": s("k")}})
	add("with a number as prefix", ask{values: attrs{":p": s("a"), ":s": n("1")}})
	add("with a number as partition", ask{values: attrs{":p": n("1"), ":s": s("j")}})
	add("with an empty prefix", ask{values: attrs{":p": s("a"), ":s": s("")}})
	add("with an empty partition", ask{values: attrs{":p": s(""), ":s": s("j")}})
	add("by another attribute", ask{cond: "x = :p AND begins_with(sk, :s)"})
	add("by the keys exchanged", ask{cond: "sk = :p AND begins_with(pk, :s)"})
	add("by one key twice", ask{cond: "pk = :p AND begins_with(pk, :s)"})
	add("with OR", ask{cond: "pk = :p OR begins_with(sk, :s)"})
	add("with a function in capitals", ask{cond: "pk = :p AND BEGINS_WITH(sk, :s)"})
	add("with three conditions", ask{cond: "pk = :p AND begins_with(sk, :s) AND begins_with(sk, :s)"})
	add("with an empty condition", ask{cond: " "})
	add("without a condition", ask{unset: true})
	cases = append(cases, conformance{name: "query elsewhere", calls: []step{func(ctx context.Context, c *dynamodb.Client, _ string) (any, error) {
		return ask{}.step()(ctx, c, "nowhere")
	}}})
	for _, cond := range []string{"begins_with(sk, :s) AND pk = :p", "(pk = :p) AND begins_with(sk, :s)", ":p = pk AND begins_with(sk, :s)"} {
		cases = append(cases, conformance{name: "query as " + cond, seed: seed, calls: []step{ask{cond: cond}.step()}, differs: beyondDetour})
	}
	return append(cases,
		conformance{name: "query as pk = :p", seed: seed, calls: []step{ask{cond: "pk = :p", values: attrs{":p": s("a")}}.step()}, differs: beyondDetour},
		conformance{name: "query as sk < :s", seed: seed, calls: []step{ask{cond: "pk = :p AND sk < :s"}.step()}, differs: beyondDetour})
}

func get(key attrs) step {
	return func(ctx context.Context, c *dynamodb.Client, table string) (any, error) {
		return c.GetItem(ctx, &dynamodb.GetItemInput{TableName: &table, Key: key, ConsistentRead: aws.Bool(true)})
	}
}

func batch(keys ...attrs) step {
	return func(ctx context.Context, c *dynamodb.Client, table string) (any, error) {
		return c.BatchGetItem(ctx, &dynamodb.BatchGetItemInput{RequestItems: map[string]types.KeysAndAttributes{table: {Keys: keys, ConsistentRead: aws.Bool(true)}}})
	}
}

func readCases() []conformance {
	seed := []attrs{with(at("a", "1"), "x", n("1")), with(at("a", "2"), "x", null()), at("b", "1")}
	many := func(n int) []attrs {
		var keys []attrs
		for i := range n {
			keys = append(keys, at("a", fmt.Sprint(i)))
		}
		return keys
	}
	eventual := func(ctx context.Context, c *dynamodb.Client, table string) (any, error) {
		return c.GetItem(ctx, &dynamodb.GetItemInput{TableName: &table, Key: at("a", "1")})
	}
	none := func(ctx context.Context, c *dynamodb.Client, _ string) (any, error) {
		return c.BatchGetItem(ctx, &dynamodb.BatchGetItemInput{RequestItems: map[string]types.KeysAndAttributes{}})
	}
	elsewhere := func(ctx context.Context, c *dynamodb.Client, _ string) (any, error) {
		return batch(at("a", "1"))(ctx, c, "nowhere")
	}
	var cases []conformance
	add := func(name string, calls ...step) {
		cases = append(cases, conformance{name: name, seed: seed, calls: calls})
	}
	add("get", get(at("a", "1")), get(at("a", "3")), get(at("A", "1")))
	add("get by no key", get(attrs{}))
	add("get by half a key", get(attrs{"pk": s("a")}))
	add("get by more than a key", get(with(at("a", "1"), "x", n("1"))))
	add("get by a number", get(attrs{"pk": s("a"), "sk": n("1")}))
	add("get by an empty key", get(at("", "1")))
	add("get by another attribute", get(attrs{"pk": s("a"), "x": s("1")}))
	add("get in another table", func(ctx context.Context, c *dynamodb.Client, _ string) (any, error) {
		return get(at("a", "1"))(ctx, c, "nowhere")
	})
	add("batch", batch(at("b", "1"), at("a", "1"), at("z", "z"), at("a", "2")))
	add("batch with duplicates", batch(at("a", "1"), at("a", "1")))
	add("batch with duplicates of nothing", batch(at("z", "1"), at("z", "1")))
	add("batch of none", batch())
	add("batch of no tables", none)
	add("batch of 100", batch(many(100)...))
	add("batch of 101", batch(many(101)...))
	add("batch elsewhere", elsewhere)
	add("batch by half a key", batch(at("a", "1"), attrs{"pk": s("a")}))
	add("batch by an empty key", batch(at("a", "")))
	return append(cases, conformance{name: "a read that may be old", seed: seed, calls: []step{eventual}, differs: "the fake has consistent reads only"})
}

func sizeCases() []conformance {
	const full = 400 << 10
	long := func(n int) types.AttributeValue { return s(strings.Repeat("x", n)) }
	key := 2 + 1 + 2 + 1 // of a/r
	pages := func(size int) []attrs {
		var items []attrs
		for i := range 5 {
			items = append(items, with(at("a", fmt.Sprintf("j#%d", i)), "x", long(size-(2+1+2+3+1))))
		}
		return items
	}
	var big []actionInput
	for i := range 11 {
		big = append(big, put{it: with(at("k", fmt.Sprint(i)), "x", long(400_000))})
	}
	x := func(n int) up { return up{expr: "SET x = :v", values: attrs{":v": long(n)}} }
	return []conformance{
		one("an item of 400 KB", x(full-key-1)),
		one("an item of 400 KB and a byte", x(full-key)),
		one("an item of 400 KB with a number", up{expr: "SET x = :v, n = :n", values: attrs{":v": long(full - key - 1 - 1 - 6), ":n": n("123456789")}}),
		one("an item of 400 KB and a byte with a number", up{expr: "SET x = :v, n = :n", values: attrs{":v": long(full - key - 1 - 1 - 5), ":n": n("123456789")}}),
		one("an item that grows too long", up{expr: "SET y = :v", values: attrs{":v": long(300_000)}}, "x", long(300_000)),
		one("too long a value, and a condition that fails", up{expr: "SET x = :v", cond: "attribute_exists(q)", values: attrs{":v": long(410_000)}}),
		one("too long an item, and a condition that fails", up{expr: "SET y = :v", cond: "attribute_exists(q)", values: attrs{":v": long(300_000)}}, "x", long(300_000)),
		{name: "a put of 400 KB", calls: []step{transact(put{it: with(at("a", "r"), "x", long(full-key-1))})}, look: []attrs{at("a", "r")}},
		{name: "a put of 400 KB and a byte", calls: []step{transact(put{it: with(at("a", "r"), "x", long(full-key))})}, look: []attrs{at("a", "r")}},
		{name: "a put too long, and a condition that fails", calls: []step{transact(put{it: with(at("a", "r"), "x", long(full)), cond: "attribute_exists(q)"})}},
		{name: "an update that grows too long in a transaction", seed: []attrs{with(at("a", "r"), "x", long(300_000))}, calls: []step{transact(up{expr: "SET y = :v", values: attrs{":v": long(300_000)}})}},
		{name: "a transaction of less than 4 MB", calls: []step{transact(big[:10]...)}, look: []attrs{at("k", "9")}},
		{name: "a transaction of more than 4 MB", calls: []step{transact(big...)}, look: []attrs{at("k", "9")}},
		{name: "a page of exactly a megabyte", seed: pages(262144)[:4], calls: []step{ask{}.step()}},
		{name: "a page of a megabyte, and another", seed: pages(262144), calls: []step{ask{}.step()}},
		{name: "a page that crosses a megabyte", seed: pages(300_000), calls: []step{ask{}.step(), ask{after: at("a", "j#3")}.step()}},
	}
}
