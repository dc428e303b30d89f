package dynamoapi

import (
	"context"
	"fmt"
	"hash/crc32"
	"io"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
)

// post makes a signed-looking request.
func post(operation, body, id, service string) *http.Request {
	r, err := http.NewRequest(http.MethodPost, "https://dynamodb.eu-west-1.amazonaws.com/", strings.NewReader(body))
	if err != nil {
		panic(err)
	}
	r.Header.Set("X-Amz-Target", "DynamoDB_20120810."+operation)
	if id != "" {
		r.Header.Set("Authorization", "AWS4-HMAC-SHA256 Credential="+id+"/20260101/"+region+"/"+service+"/aws4_request, SignedHeaders=host, Signature=0")
	}
	return r
}

// send returns the status and the body, after it checked the header.
func send(t *testing.T, h *Handler, r *http.Request) (int, string) {
	t.Helper()
	resp, err := h.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	body, _ := io.ReadAll(resp.Body)
	if want := strconv.FormatUint(uint64(crc32.ChecksumIEEE(body)), 10); resp.Header.Get("X-Amz-Crc32") != want {
		t.Errorf("the checksum is %q, not %s", resp.Header.Get("X-Amz-Crc32"), want)
	}
	return resp.StatusCode, string(body)
}

// TestWire sends what no SDK sends.
func TestWire(t *testing.T) {
	const key = `"Key":{"pk":{"S":"a"},"sk":{"S":"r"}}`
	const update = `{"TableName":"t",` + key + `,"UpdateExpression":"SET x = :v","ExpressionAttributeValues":{":v":`
	for name, c := range map[string]struct {
		operation, body, id, service string
		status                       int
		wants                        []string
	}{
		"unsigned":            {"GetItem", "{}", "", "", 400, []string{"#MissingAuthenticationTokenException", "Sign"}},
		"another service":     {"GetItem", "{}", account, "ec2", 400, []string{"#InvalidSignatureException", "'dynamodb'", `\"ec2\"`}},
		"no account":          {"GetItem", "{}", "AKIDEXAMPLE", "dynamodb", 400, []string{"#UnrecognizedClientException", "12-digit"}},
		"unknown operation":   {"DeleteItem", "{}", account, "dynamodb", 400, []string{"#UnknownOperationException", "DeleteItem", "UpdateItem"}},
		"PutItem":             {"PutItem", "{}", account, "dynamodb", 400, []string{"#UnknownOperationException", "PutItem"}},
		"no JSON":             {"GetItem", "{", account, "dynamodb", 400, []string{"#SerializationException"}},
		"no body":             {"GetItem", "", account, "dynamodb", 400, []string{"#SerializationException"}},
		"an array":            {"Query", "[]", account, "dynamodb", 400, []string{"#SerializationException"}},
		"null":                {"Query", "null", account, "dynamodb", 400, []string{"#SerializationException"}},
		"two documents":       {"Query", "{}{}", account, "dynamodb", 400, []string{"#SerializationException"}},
		"a wrong type":        {"GetItem", `{"TableName":5}`, account, "dynamodb", 400, []string{"#SerializationException", "TableName"}},
		"a wrong flag":        {"GetItem", `{"ConsistentRead":"true"}`, account, "dynamodb", 400, []string{"#SerializationException", "ConsistentRead"}},
		"a fraction":          {"Query", `{"Limit":1.5}`, account, "dynamodb", 400, []string{"#SerializationException", "Limit"}},
		"an object for names": {"Query", `{"ExpressionAttributeNames":{"#a":{}}}`, account, "dynamodb", 400, []string{"#SerializationException", "#a"}},
		"an unknown member":   {"GetItem", `{"TableName":"t","ProjectionExpression":"x"}`, account, "dynamodb", 400, []string{"#ValidationException", "ProjectionExpression", "GetItem"}},
		"another case":        {"GetItem", `{"tableName":"t"}`, account, "dynamodb", 400, []string{"#ValidationException", "parameter tableName"}},
		"an inner member":     {"TransactWriteItems", `{"TransactItems":[{"Delete":{}}]}`, account, "dynamodb", 400, []string{"#ValidationException", "parameter Delete of TransactItems"}},
		"an embedded name":    {"UpdateItem", `{"expressions":{}}`, account, "dynamodb", 400, []string{"#ValidationException", "parameter expressions"}},
		"ReturnValues":        {"UpdateItem", `{"TableName":"t",` + key + `,"ReturnValues":"ALL_OLD"}`, account, "dynamodb", 400, []string{"#ValidationException", "ALL_OLD", "NONE or ALL_NEW"}},
		"ReturnValuesOn":      {"UpdateItem", `{"TableName":"t",` + key + `,"UpdateExpression":"REMOVE x","ReturnValuesOnConditionCheckFailure":"ALL_NEW"}`, account, "dynamodb", 400, []string{"#ValidationException", "ReturnValuesOnConditionCheckFailure", "NONE or ALL_OLD"}},
		"in a transaction":    {"TransactWriteItems", `{"TransactItems":[{"Update":{"TableName":"t",` + key + `,"UpdateExpression":"REMOVE x","ReturnValues":"NONE"}}]}`, account, "dynamodb", 400, []string{"#ValidationException", "ReturnValues of Update"}},
		"no update":           {"UpdateItem", `{"TableName":"t",` + key + `}`, account, "dynamodb", 400, []string{"#ValidationException", "without UpdateExpression"}},
		"no table":            {"UpdateItem", `{` + key + `,"UpdateExpression":"REMOVE x"}`, account, "dynamodb", 400, []string{"#ValidationException", "tableName"}},
		"no key":              {"GetItem", `{"TableName":"t","ConsistentRead":true}`, account, "dynamodb", 400, []string{"#ValidationException", "key"}},
		"an old read":         {"Query", `{"TableName":"t"}`, account, "dynamodb", 400, []string{"#ValidationException", "ConsistentRead to true"}},
		"an old batch":        {"BatchGetItem", `{"RequestItems":{"t":{"Keys":[{"pk":{"S":"a"},"sk":{"S":"r"}}]}}}`, account, "dynamodb", 400, []string{"#ValidationException", "ConsistentRead to true"}},
		"a batch of none":     {"BatchGetItem", `{"RequestItems":{"t":{"Keys":[],"ConsistentRead":true}}}`, account, "dynamodb", 400, []string{"#ValidationException", "t has empty list"}},
		"a missing table":     {"GetItem", `{"TableName":"u",` + key + `,"ConsistentRead":true}`, account, "dynamodb", 400, []string{"#ResourceNotFoundException", "u"}},
		"a null value":        {"UpdateItem", update + `null}}`, account, "dynamodb", 400, []string{"#ValidationException", "empty"}},
		"a number as N":       {"UpdateItem", update + `{"N":5}}}`, account, "dynamodb", 400, []string{"#SerializationException"}},
		"a string as BOOL":    {"UpdateItem", update + `{"BOOL":"true"}}}`, account, "dynamodb", 400, []string{"#SerializationException"}},
		"a bare value":        {"UpdateItem", update + `"x"}}`, account, "dynamodb", 400, []string{"#SerializationException"}},
		"no base64":           {"UpdateItem", update + `{"B":"!"}}}`, account, "dynamodb", 400, []string{"#SerializationException"}},
		"two types":           {"UpdateItem", update + `{"S":"a","N":"1"}}}`, account, "dynamodb", 400, []string{"#ValidationException", "more than one"}},
		"an unknown type":     {"UpdateItem", update + `{"X":"a"}}}`, account, "dynamodb", 400, []string{"#ValidationException", `type \"X\"`}},
		"a list":              {"UpdateItem", update + `{"L":[]}}}`, account, "dynamodb", 400, []string{"#ValidationException", `type \"L\"`}},
		"null members":        {"GetItem", `{"TableName":"t",` + key + `,"ConsistentRead":true,"ProjectionExpression":null}`, account, "dynamodb", 200, []string{`{}`}},
		"NONE":                {"UpdateItem", `{"TableName":"t",` + key + `,"UpdateExpression":"REMOVE x","ReturnValues":"NONE"}`, account, "dynamodb", 200, []string{`{}`}},
	} {
		h := New()
		h.Create(account, region, "t")
		status, body := send(t, h, post(c.operation, c.body, c.id, c.service))
		for _, want := range c.wants {
			if status != c.status || !strings.Contains(body, want) {
				t.Errorf("%s: status %d, not %d with %s: %s", name, status, c.status, want, body)
			}
		}
	}
	r := post("GetItem", "{}", account, "dynamodb")
	r.Method = http.MethodGet
	if status, body := send(t, New(), r); status != http.StatusMethodNotAllowed || !strings.Contains(body, "use POST") {
		t.Errorf("GET: %d %s", status, body)
	}
	r = post("GetItem", strings.Repeat(" ", maxRequest+1), account, "dynamodb")
	if status, body := send(t, New(), r); status != http.StatusRequestEntityTooLarge {
		t.Errorf("a long body: %d %s", status, body)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := New().Do(post("GetItem", "{}", account, "dynamodb").WithContext(ctx)); err == nil {
		t.Error("a request arrived although its context was over")
	}
}

// TestUnsupportedIsNamed: a refusal of something real says that it is the fake
// that lacks it.
func TestUnsupportedIsNamed(t *testing.T) {
	h := New()
	h.Create(account, region, "t")
	c := client(h, "")
	values := attrs{":v": n("1")}
	for _, u := range []struct {
		up
		want string
	}{
		{up{expr: "SET x = y + :v", values: values}, "arithmetic"},
		{up{expr: "SET x = list_append(x, :v)", values: values}, "the function list_append"},
		{up{expr: "DELETE x :v", values: values}, "the clause DELETE"},
		{up{expr: "REMOVE x.y"}, "a document path"},
		{up{expr: "REMOVE x[1]"}, "a document path"},
		{up{expr: "SET x = if_not_exists(x, y)"}, "a path as the second argument of if_not_exists"},
		{up{expr: "REMOVE x", cond: "x <= :v", values: values}, "the operator <="},
		{up{expr: "REMOVE x", cond: "x <> :v", values: values}, "the operator <>"},
		{up{expr: "REMOVE x", cond: "NOT x = :v", values: values}, "the keyword NOT"},
		{up{expr: "REMOVE x", cond: "x IN (:v)", values: values}, "the keyword IN"},
		{up{expr: "REMOVE x", cond: "x between :v and :v", values: values}, "the keyword between"},
		{up{expr: "REMOVE x", cond: "size(x) < :v", values: values}, "the function size"},
	} {
		_, err := u.step()(t.Context(), c, "t")
		if err == nil || !strings.Contains(err.Error(), "does not support "+u.want) {
			t.Errorf("%s %s: %v", u.expr, u.cond, err)
		}
	}
	_, err := ask{cond: "pk = :p", values: attrs{":p": s("a")}}.step()(t.Context(), c, "t")
	if err == nil || !strings.Contains(err.Error(), "does not support this form of key condition") {
		t.Error(err)
	}
}

// fillTable puts n items of a size, without keys and names, into a table.
func fillTable(h *Handler, n, size int) []attrs {
	var keys []attrs
	h.Create(account, region, "t")
	for i := range n {
		k := key{"a", fmt.Sprintf("j#%03d", i)}
		item := k.item()
		item["x"] = Value{TypeString, strings.Repeat("x", size)}
		h.tables[place{account, region, "t"}][k] = item
		keys = append(keys, at(k.partition, k.sort))
	}
	return keys
}

// readAll asks for what is left until nothing is, and tells how many items each
// answer had.
func readAll(t *testing.T, h *Handler, keys []attrs) (found []string, counts []int) {
	t.Helper()
	asked := map[string]types.KeysAndAttributes{"t": {Keys: keys, ConsistentRead: aws.Bool(true)}}
	for len(asked) > 0 {
		answer, err := client(h, "").BatchGetItem(t.Context(), &dynamodb.BatchGetItemInput{RequestItems: asked})
		if err != nil {
			t.Fatal(err)
		}
		for _, item := range answer.Responses["t"] {
			found = append(found, item["sk"].(*types.AttributeValueMemberS).Value)
		}
		counts = append(counts, len(answer.Responses["t"]))
		asked = answer.UnprocessedKeys
	}
	return found, counts
}

func TestLimitBatch(t *testing.T) {
	h := New()
	keys := append(fillTable(h, 7, 1), at("z", "z"))
	h.LimitBatch(3)
	found, counts := readAll(t, h, keys)
	if want := []string{"j#002", "j#001", "j#000", "j#005", "j#004", "j#003", "j#006"}; !slices.Equal(found, want) || !slices.Equal(counts, []int{3, 3, 1}) {
		t.Errorf("found %v in %v", found, counts)
	}
	h.LimitBatch(0)
	if _, counts = readAll(t, h, keys); !slices.Equal(counts, []int{7}) {
		t.Errorf("without a limit: %v", counts)
	}
}

// TestBatchOf16MB: 41 items of 400 KB are less than 16 MB, 42 are more.
func TestBatchOf16MB(t *testing.T) {
	h := New()
	if _, counts := readAll(t, h, fillTable(h, 45, 400_000)); !slices.Equal(counts, []int{41, 4}) {
		t.Errorf("the answers had %v items", counts)
	}
}

// TestBatchOverTables counts the keys of all tables together.
func TestBatchOverTables(t *testing.T) {
	h := New()
	keys := fillTable(h, 60, 1)
	h.Create(account, region, "other")
	asked := map[string]types.KeysAndAttributes{}
	for _, table := range []string{"t", "other"} {
		asked[table] = types.KeysAndAttributes{Keys: keys, ConsistentRead: aws.Bool(true)}
	}
	_, err := client(h, "").BatchGetItem(t.Context(), &dynamodb.BatchGetItemInput{RequestItems: asked})
	if got := outcome(nil, err); got != "ValidationException" {
		t.Errorf("120 keys: %s", got)
	}
}

func TestLimitPage(t *testing.T) {
	h := New()
	fillTable(h, 5, 1)
	h.LimitPage(2)
	var counts []int
	q := ask{backward: true}
	for {
		answer, err := q.step()(t.Context(), client(h, ""), "t")
		if err != nil {
			t.Fatal(err)
		}
		page := answer.(*dynamodb.QueryOutput)
		counts = append(counts, len(page.Items))
		if q.after = page.LastEvaluatedKey; q.after == nil {
			break
		}
	}
	if !slices.Equal(counts, []int{2, 2, 1}) {
		t.Errorf("the pages had %v items", counts)
	}
	q = ask{limit: 1}
	answer, err := q.step()(t.Context(), client(h, ""), "t")
	if err != nil || len(answer.(*dynamodb.QueryOutput).Items) != 1 {
		t.Errorf("a limit of one: %v", err)
	}
}

// TestItems: tables are per account and Region, items are in order and copies,
// and creating a table again leaves it alone.
func TestItems(t *testing.T) {
	h := New()
	for _, where := range [][2]string{{account, region}, {account, "us-east-1"}, {"444455556666", region}} {
		h.Create(where[0], where[1], "t")
	}
	c := client(h, "")
	for _, k := range []attrs{at("b", "1"), at("a", "2"), at("a", "10")} {
		if _, err := (up{key: k, expr: "SET n = :n", values: attrs{":n": n("1.50")}}).step()(t.Context(), c, "t"); err != nil {
			t.Fatal(err)
		}
	}
	h.Create(account, region, "t")
	const want = `[{"n": {"N":"1.5"}, "pk": {"S":"a"}, "sk": {"S":"10"}} {"n": {"N":"1.5"}, "pk": {"S":"a"}, "sk": {"S":"2"}} {"n": {"N":"1.5"}, "pk": {"S":"b"}, "sk": {"S":"1"}}]`
	items := h.Items(account, region, "t")
	if got := fmt.Sprint(items); got != want {
		t.Errorf("got %s", got)
	}
	items[0]["n"] = Value{TypeString, "changed"}
	if got := fmt.Sprint(h.Items(account, region, "t")); got != want {
		t.Errorf("after a change to the copy: %s", got)
	}
	if h.Items(account, "us-east-1", "t") != nil || h.Items("444455556666", region, "t") != nil || h.Items(account, region, "u") != nil {
		t.Error("the items are in another place, too")
	}
}

// TestConcurrentWriters: every request is atomic, transactions too.
func TestConcurrentWriters(t *testing.T) {
	h := New()
	h.Create(account, region, "t")
	c := client(h, "")
	const writers, writes = 8, 25
	var all sync.WaitGroup
	for range writers {
		all.Go(func() {
			for range writes {
				count := func(key attrs) up { return up{key: key, expr: "ADD x :v", values: attrs{":v": n("1")}} }
				if _, err := transact(count(at("a", "r")), count(at("b", "r")))(t.Context(), c, "t"); err != nil {
					t.Error(err)
				}
				if _, err := count(at("a", "r")).step()(t.Context(), c, "t"); err != nil {
					t.Error(err)
				}
			}
		})
	}
	all.Wait()
	const want = `[{"pk": {"S":"a"}, "sk": {"S":"r"}, "x": {"N":"400"}} {"pk": {"S":"b"}, "sk": {"S":"r"}, "x": {"N":"200"}}]`
	if got := fmt.Sprint(h.Items(account, region, "t")); got != want {
		t.Errorf("got %s", got)
	}
}

// TestReservedWords compares the list with DynamoDB Local, word by word, and with
// names that are free. The keywords of expressions are syntax errors there.
func TestReservedWords(t *testing.T) {
	sv := localServer(t)
	sv.create(t, "words")
	for word := range strings.FieldsSeq(reserved + "pk sk dirty revision record1 leaseToken leaseUntil leaseFrom releasedBy wakeAt lookedAt freeze moves releasedAt entry expires count2 nam xname x kind epoch until attribute_exists") {
		_, err := up{expr: "SET ok = " + word}.step()(t.Context(), sv.client, "words")
		refused := err != nil && (strings.Contains(err.Error(), "reserved keyword") || strings.Contains(err.Error(), "Syntax error"))
		if word == "CONVERT" || word == "SIZE" {
			continue // The documentation reserves them; DynamoDB Local does not.
		}
		if refused != isReserved(word) {
			t.Errorf("%s: reserved is %v, but DynamoDB Local says %v", word, isReserved(word), err)
		}
	}
}

func TestNumbers(t *testing.T) {
	for text, want := range map[string]string{
		"1e3": "1000", "007": "7", "-0": "0", "+1": "1", ".5": "0.5", "5.": "5", "1E-5": "0.00001", "0.000": "0", "-1.50": "-1.5", "0e500": "0", "120.0340": "120.034", "1e37": "1" + strings.Repeat("0", 37),
	} {
		number, refusal := parseNumber(text)
		if refusal != "" || number.String() != want {
			t.Errorf("%s became %s, %s", text, number, refusal)
		}
	}
}
