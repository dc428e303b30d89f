package dynamoapi

import (
	"encoding/json"
	"math/big"
	"testing"
)

// FuzzExpressions parses any text as each kind of expression. Nothing panics, and
// what is taken can be evaluated.
func FuzzExpressions(f *testing.F) {
	for _, c := range allCases() {
		f.Add(c.name)
	}
	for _, expression := range []string{
		"SET #a = if_not_exists(#a, :v), b = :v REMOVE c ADD d :v", "(a = :v OR attribute_not_exists(#a)) AND b < :v", "((a = :v))", "pk = :v AND begins_with(sk, :v)",
		"SET a = b + :v", "a BETWEEN :v AND :v", "NOT NOT a", "((((((((((", "SET", "a <> b", "#", ":", "ADD a :s", "SET name = :v", "\x00", "é = :v",
	} {
		f.Add(expression)
	}
	f.Fuzz(func(t *testing.T, expression string) {
		refs := func() *placeholders {
			return &placeholders{
				names:     map[string]string{"#a": "x", "#b": "y"},
				values:    map[string]Value{":v": {TypeNumber, "1"}, ":s": {TypeString, "s"}},
				usedNames: map[string]bool{}, usedValues: map[string]bool{},
			}
		}
		item := Item{"pk": {TypeString, "a"}, "sk": {TypeString, "r"}, "a": {TypeNumber, "2"}}
		cond, err := parseCondition(expression, refs())
		if err == nil && cond(item) && cond(nil) && !cond(item) {
			t.Fatal("a condition changed its mind")
		}
		u, err := parseUpdate(expression, refs())
		if err == nil {
			after, failed := u.apply(key{"a", "r"}, item)
			if failed == nil && len(after) < 2 && len(u.removes) == 0 {
				t.Fatalf("%q left %v", expression, after)
			}
			if item["a"].Text != "2" || len(item) != 3 {
				t.Fatalf("%q changed the item that was there", expression)
			}
		}
		if r, err := parseKeyCondition(expression, refs()); err == nil && (r.partition.Type != TypeString || r.prefix.Text == "") {
			t.Fatalf("%q became %v", expression, r)
		}
	})
}

// FuzzRequests sends any body to each operation. There is always one answer of a
// known status, in JSON, and an error changes nothing.
func FuzzRequests(f *testing.F) {
	const key = `"Key":{"pk":{"S":"a"},"sk":{"S":"r"}}`
	for _, body := range []string{
		"", "{}", "null", "[]", "{", `{"TableName":"t",` + key + `,"ConsistentRead":true}`,
		`{"TableName":"t",` + key + `,"UpdateExpression":"SET x = :v","ExpressionAttributeValues":{":v":{"N":"1e3"}},"ReturnValues":"ALL_NEW"}`,
		`{"TransactItems":[{"Put":{"TableName":"t","Item":{"pk":{"S":"a"},"sk":{"S":"r"},"b":{"B":"AA=="}}}},{"Update":{"TableName":"t",` + key + `,"UpdateExpression":"ADD x :v"}}]}`,
		`{"RequestItems":{"t":{"Keys":[{"pk":{"S":"a"},"sk":{"S":"r"}},null],"ConsistentRead":true}}}`,
		`{"TableName":"t","KeyConditionExpression":"pk = :p AND begins_with(sk, :s)","ExpressionAttributeValues":{":p":{"S":"a"},":s":{"S":"r"}},"ConsistentRead":true,"Limit":1,"ExclusiveStartKey":{}}`,
	} {
		f.Add(body)
	}
	f.Fuzz(func(t *testing.T, body string) {
		for _, operation := range []string{"UpdateItem", "GetItem", "BatchGetItem", "Query", "TransactWriteItems"} {
			h := New()
			h.Create(account, region, "t")
			status, answer := send(t, h, post(operation, body, account, "dynamodb"))
			var decoded map[string]any
			if err := json.Unmarshal([]byte(answer), &decoded); err != nil || status != 200 && status != 400 {
				t.Fatalf("%s: %d %s", operation, status, answer)
			}
			if _, failed := decoded["__type"]; failed != (status != 200) {
				t.Fatalf("%s: %d %s", operation, status, answer)
			}
			items := h.Items(account, region, "t")
			if status != 200 && items != nil {
				t.Fatalf("%s failed with %s, but left %v", operation, answer, items)
			}
			for _, item := range items {
				if k, fault := keyOf(item); fault != nil || item.size() > maxItem {
					t.Fatalf("%s left the item %v of %v", operation, item, k)
				}
			}
		}
	})
}

// FuzzNumbers compares with big.Rat.
func FuzzNumbers(f *testing.F) {
	for _, text := range []string{"1", "-0.5", "1e125", "9.99e-130", "123456789.123456789e-9", "+.5", "1e"} {
		f.Add(text, "1")
	}
	f.Fuzz(func(t *testing.T, a, b string) {
		x, refusal := parseNumber(a)
		y, otherRefusal := parseNumber(b)
		if refusal != "" || otherRefusal != "" || len(a)+len(b) > 200 {
			return
		}
		rat := func(d decimal) *big.Rat {
			r, ok := new(big.Rat).SetString(d.String())
			if !ok {
				t.Fatalf("%q is written as %q", a, d)
			}
			return r
		}
		if again, refusal := parseNumber(x.String()); refusal != "" || again != x {
			t.Fatalf("%q became %q, and that %q: %s", a, x, again, refusal)
		}
		if direct, ok := new(big.Rat).SetString(a); ok && direct.Cmp(rat(x)) != 0 {
			t.Fatalf("%q became %q", a, x)
		}
		if less(x, y) != (rat(x).Cmp(rat(y)) < 0) {
			t.Fatalf("%q < %q is %v", x, y, less(x, y))
		}
		if sum, refusal := add(x, y); refusal == "" && rat(sum).Cmp(new(big.Rat).Add(rat(x), rat(y))) != 0 {
			t.Fatalf("%q + %q became %q", x, y, sum)
		}
	})
}
