package dynamoapi

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"maps"
	"math/big"
	"net/http"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/aws/smithy-go"
)

var updateGolden = flag.Bool("update", false, "write the golden file, from the fake")

const (
	account = "111122223333"
	region  = "eu-west-1"
	golden  = "testdata/conformance.txt"
)

type attrs = map[string]types.AttributeValue

func s(text string) types.AttributeValue { return &types.AttributeValueMemberS{Value: text} }
func n(text string) types.AttributeValue { return &types.AttributeValueMemberN{Value: text} }
func b(raw ...byte) types.AttributeValue { return &types.AttributeValueMemberB{Value: raw} }
func yes(v bool) types.AttributeValue    { return &types.AttributeValueMemberBOOL{Value: v} }
func null() types.AttributeValue         { return &types.AttributeValueMemberNULL{Value: true} }

// at is a key.
func at(pk, sk string) attrs { return attrs{"pk": s(pk), "sk": s(sk)} }

// with is an item: a key and the attributes that follow, name and value in turn.
func with(key attrs, pairs ...any) attrs {
	item := maps.Clone(key)
	for i := 0; i < len(pairs); i += 2 {
		item[pairs[i].(string)] = pairs[i+1].(types.AttributeValue)
	}
	return item
}

// client returns an SDK client that does not retry.
func client(doer aws.HTTPClient, endpoint string) *dynamodb.Client {
	o := dynamodb.Options{
		Region: region, HTTPClient: doer, Retryer: aws.NopRetryer{},
		Credentials: credentials.NewStaticCredentialsProvider(account, "secret", ""),
	}
	if endpoint != "" {
		o.BaseEndpoint = &endpoint
	}
	return dynamodb.New(o)
}

// outcome tells an answer in one line, the same for both servers: numbers by
// value, names in order, error codes without their texts.
func outcome(result any, err error) string {
	var (
		api       smithy.APIError
		condition *types.ConditionalCheckFailedException
		cancelled *types.TransactionCanceledException
	)
	switch {
	case errors.As(err, &cancelled):
		var reasons []string
		for _, r := range cancelled.CancellationReasons {
			reasons = append(reasons, aws.ToString(r.Code)+itemText(r.Item))
		}
		return "TransactionCanceledException " + strings.Join(reasons, " ")
	case errors.As(err, &condition):
		return "ConditionalCheckFailedException" + itemText(condition.Item)
	case errors.As(err, &api):
		return api.ErrorCode()
	case err != nil:
		return "not sent by the SDK"
	}
	switch r := result.(type) {
	case *dynamodb.UpdateItemOutput:
		return "ok" + itemText(r.Attributes)
	case *dynamodb.GetItemOutput:
		return "ok" + itemText(r.Item)
	case *dynamodb.BatchGetItemOutput:
		var found []string
		for _, items := range r.Responses {
			for _, item := range items {
				found = append(found, itemText(item))
			}
		}
		slices.Sort(found) // DynamoDB has no order here.
		return fmt.Sprintf("ok%s, %d unprocessed", strings.Join(found, ""), len(r.UnprocessedKeys))
	case *dynamodb.QueryOutput:
		text := fmt.Sprintf("ok %d of %d", r.Count, r.ScannedCount)
		for _, item := range r.Items {
			text += itemText(item)
		}
		if r.LastEvaluatedKey != nil {
			text += " last" + itemText(r.LastEvaluatedKey)
		}
		return text
	case *dynamodb.TransactWriteItemsOutput:
		return "ok"
	}
	return fmt.Sprintf("unknown answer %T", result)
}

// itemText is an item in one line, or empty for none. Long texts are counted.
func itemText(item attrs) string {
	if item == nil {
		return ""
	}
	var parts []string
	for _, name := range slices.Sorted(maps.Keys(item)) {
		parts = append(parts, name+"="+valueText(item[name]))
	}
	return " {" + strings.Join(parts, " ") + "}"
}

func valueText(value types.AttributeValue) string {
	switch v := value.(type) {
	case *types.AttributeValueMemberS:
		if len(v.Value) > 60 {
			return fmt.Sprintf("%d bytes", len(v.Value))
		}
		return fmt.Sprintf("%q", v.Value)
	case *types.AttributeValueMemberN:
		number, ok := new(big.Rat).SetString(v.Value)
		if !ok {
			return "no number: " + v.Value
		}
		return number.RatString()
	case *types.AttributeValueMemberB:
		return fmt.Sprintf("%x", v.Value)
	case *types.AttributeValueMemberBOOL:
		return fmt.Sprint(v.Value)
	case *types.AttributeValueMemberNULL:
		return "null"
	}
	return fmt.Sprintf("%T", value)
}

// server is one of the two that are compared.
type server struct {
	client *dynamodb.Client
	create func(t *testing.T, table string)
}

func fakeServer() server {
	h := New()
	return server{client(h, ""), func(_ *testing.T, table string) { h.Create(account, region, table) }}
}

func localServer(t *testing.T) server {
	c := client(http.DefaultClient, localEndpoint(t))
	return server{c, func(t *testing.T, table string) {
		t.Helper()
		_, err := c.CreateTable(t.Context(), &dynamodb.CreateTableInput{
			TableName: &table, BillingMode: types.BillingModePayPerRequest,
			KeySchema:            []types.KeySchemaElement{{AttributeName: aws.String("pk"), KeyType: types.KeyTypeHash}, {AttributeName: aws.String("sk"), KeyType: types.KeyTypeRange}},
			AttributeDefinitions: []types.AttributeDefinition{{AttributeName: aws.String("pk"), AttributeType: types.ScalarAttributeTypeS}, {AttributeName: aws.String("sk"), AttributeType: types.ScalarAttributeTypeS}},
		})
		if err != nil {
			t.Fatal(err)
		}
	}}
}

// run seeds a new table, makes the case's calls, and tells their outcomes and
// what the items are afterwards.
func (sv server) run(t *testing.T, i int, c conformance) string {
	t.Helper()
	table := fmt.Sprintf("case-%d", i)
	sv.create(t, table)
	for _, item := range c.seed {
		input := types.TransactWriteItem{Put: &types.Put{TableName: &table, Item: item}}
		if _, err := sv.client.TransactWriteItems(t.Context(), &dynamodb.TransactWriteItemsInput{TransactItems: []types.TransactWriteItem{input}}); err != nil {
			t.Fatalf("%s: seeding: %v", c.name, err)
		}
	}
	var lines []string
	for _, call := range c.calls {
		lines = append(lines, outcome(call(t.Context(), sv.client, table)))
	}
	for _, item := range append(slices.Clone(c.seed), c.look...) {
		key := attrs{"pk": item["pk"], "sk": item["sk"]}
		found, err := sv.client.GetItem(t.Context(), &dynamodb.GetItemInput{TableName: &table, Key: key, ConsistentRead: aws.Bool(true)})
		if err != nil {
			t.Fatalf("%s: looking: %v", c.name, err)
		}
		lines = append(lines, "then"+itemText(found.Item))
	}
	return strings.Join(lines, " | ")
}

// TestConformance runs the cases against the fake and, where it is there, against
// DynamoDB Local; what both must answer is in the golden file.
func TestConformance(t *testing.T) {
	cases := allCases()
	t.Run("fake", func(t *testing.T) {
		sv := fakeServer()
		if *updateGolden {
			var text strings.Builder
			for i, c := range cases {
				fmt.Fprintf(&text, "%s: %s\n", c.name, sv.run(t, i, c))
			}
			if err := os.WriteFile(golden, []byte(text.String()), 0o600); err != nil {
				t.Fatal(err)
			}
			return
		}
		want := readGolden(t)
		if len(want) != len(cases) {
			t.Errorf("the golden file has %d cases, not %d; names must differ", len(want), len(cases))
		}
		for i, c := range cases {
			if got := sv.run(t, i, c); got != want[c.name] {
				t.Errorf("%s\n got %s\nwant %s", c.name, got, want[c.name])
			}
		}
	})
	t.Run("DynamoDB Local", func(t *testing.T) {
		sv := localServer(t)
		want := readGolden(t)
		for i, c := range cases {
			got := sv.run(t, i, c)
			if c.differs == "" && got != want[c.name] {
				t.Errorf("%s\nLocal %s\n fake %s", c.name, got, want[c.name])
			}
			if c.differs != "" && got == want[c.name] {
				t.Errorf("%s: both answer %s, so the case must not say that they differ", c.name, got)
			}
		}
	})
}

func readGolden(t *testing.T) map[string]string {
	t.Helper()
	raw, err := os.ReadFile(golden)
	if err != nil {
		t.Fatal(err)
	}
	want := map[string]string{}
	for line := range strings.Lines(string(raw)) {
		name, outcome, _ := strings.Cut(strings.TrimSuffix(line, "\n"), ": ")
		want[name] = outcome
	}
	return want
}

// conformance is a case: items that are there, calls, and the keys to look at
// afterwards, beside those of the items.
type conformance struct {
	name  string
	seed  []attrs
	calls []step
	look  []attrs
	// differs says why the fake is not to answer as DynamoDB Local does; empty: it is.
	differs string
}

type step func(ctx context.Context, c *dynamodb.Client, table string) (any, error)
