package awsdynamo

import (
	"fmt"
	"math/rand/v2"
	"net/netip"
	"reflect"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"detour/shared/controller"
	"detour/shared/filter"
	"detour/shared/protection"
	"detour/shared/route"
)

// fill gives every field of a value something that no other field has.
func fill(v reflect.Value, n *int) {
	*n++
	if v.Type() == reflect.TypeFor[time.Time]() {
		v.Set(reflect.ValueOf(time.Date(2026, time.March, 1, 2, 3, 4, 1000*1000*1000-*n, time.UTC)))
		return
	}
	if v.Type() == reflect.TypeFor[route.Destination]() {
		v.Set(reflect.ValueOf(route.MustDestination(fmt.Sprintf("10.%d.%d.0/24", *n/256, *n%256))))
		return
	}
	if v.Type() == reflect.TypeFor[netip.Prefix]() {
		v.Set(reflect.ValueOf(netip.PrefixFrom(netip.AddrFrom4([4]byte{10, byte(*n / 256), byte(*n), 0}), 24)))
		return
	}
	if v.Type() == reflect.TypeFor[netip.Addr]() {
		v.Set(reflect.ValueOf(netip.AddrFrom4([4]byte{192, 0, byte(*n / 256), byte(*n)})))
		return
	}
	switch v.Kind() {
	case reflect.String:
		v.SetString("s" + strconv.Itoa(*n))
	case reflect.Bool:
		v.SetBool(true)
	case reflect.Int, reflect.Int64:
		v.SetInt(int64(*n) << 40)
	case reflect.Float64:
		v.SetFloat(float64(*n) + 1/3.0)
	case reflect.Pointer:
		v.Set(reflect.New(v.Type().Elem()))
		fill(v.Elem(), n)
	case reflect.Slice:
		v.Set(reflect.MakeSlice(v.Type(), 2, 2))
		for i := range v.Len() {
			fill(v.Index(i), n)
		}
	case reflect.Struct:
		for i := range v.NumField() {
			if !v.Type().Field(i).IsExported() {
				panic(fmt.Sprintf("%s has fields that JSON cannot see: say here how to fill it", v.Type()))
			}
			fill(v.Field(i), n)
		}
	default:
		panic("say here how to fill a " + v.Kind().String())
	}
}

func filled[T any]() T {
	var out T
	n := 0
	fill(reflect.ValueOf(&out).Elem(), &n)
	return out
}

// throughItem writes a record as Commit does, and reads it back.
func throughItem(t *testing.T, record protection.Record) protection.Record {
	t.Helper()
	plain, packed, err := encodeRecord(controller.Item{Record: record})
	if err != nil {
		t.Fatal(err)
	}
	if (plain == nil) == (packed == nil) {
		t.Fatalf("encoded as %v and %v, want one of them", plain, packed)
	}
	found := attributes{}
	if plain != nil {
		found[attrRecord] = plain
	} else {
		found[attrRecordGzip] = packed
	}
	item, err := decodeItem(group, found)
	if err != nil {
		t.Fatal(err)
	}
	return item.Record
}

func TestEveryFieldOfARecordSurvives(t *testing.T) {
	full := filled[protection.Record]()
	if got := throughItem(t, full); !reflect.DeepEqual(got, full) {
		t.Errorf("the record came back as\n%+v\nwant\n%+v", got, full)
	}
	if got := throughItem(t, protection.Record{}); !reflect.DeepEqual(got, protection.Record{}) {
		t.Errorf("the empty record came back as %+v", got)
	}
	empty := protection.Record{Paths: []protection.PathMemory{}, Applied: []protection.EntryKey{}}
	if got := throughItem(t, empty); !got.Equal(empty) {
		t.Errorf("a record with empty lists came back as %+v", got)
	}
	zoned := full.Clone()
	zoned.WroteAt = full.WroteAt.In(time.FixedZone("east", 3600))
	if got := throughItem(t, zoned); !got.Equal(full) {
		t.Errorf("a record with a time of another zone came back as %+v", got)
	}
}

func TestEveryFieldOfAFiltersRecordSurvives(t *testing.T) {
	key := controller.FilterKey("edge")
	for _, record := range []filter.Record{filled[filter.Record](), {}} {
		plain, packed, err := encodeRecord(controller.Item{Key: key, Filter: record, Record: filled[protection.Record]()})
		if err != nil || (plain == nil) == (packed == nil) {
			t.Fatalf("encoded as %v and %v, %v; want one of them", plain, packed, err)
		}
		found := attributes{attrRecord: plain}
		if plain == nil {
			found = attributes{attrRecordGzip: packed}
		}
		item, err := decodeItem(key, found)
		if err != nil || !reflect.DeepEqual(item.Filter, record) || !reflect.DeepEqual(item.Record, protection.Record{}) {
			t.Errorf("the record came back as\n%+v, %v\nwant\n%+v", item, err, record)
		}
	}
}

func TestEveryFieldOfOtherValuesSurvives(t *testing.T) {
	request := filled[protection.Request]()
	encoded, err := encodeJSON(request)
	if err != nil {
		t.Fatal(err)
	}
	item, err := decodeItem(group, attributes{requestPrefix + request.ID: encoded})
	if err != nil || len(item.Requests) != 1 || !reflect.DeepEqual(item.Requests[0], request) {
		t.Errorf("the request came back as %+v, %v", item.Requests, err)
	}
	line := filled[controller.JournalEntry]()
	written, err := encodeEntry(controller.Commit{}, 0, line, time.Hour)
	if err != nil {
		t.Fatal(err)
	}
	read, err := decodeEntry(line.Key, written)
	if err != nil || !reflect.DeepEqual(read, line) {
		t.Errorf("the journal entry came back as %+v, %v", read, err)
	}
	if expires, err := numberOf(written, attrExpires); err != nil || expires != line.At.Add(time.Hour).Unix() {
		t.Errorf("the journal entry expires at %d, %v", expires, err)
	}
	freeze, moves := filled[protection.FreezeState](), filled[[]controller.Move]()
	found := attributes{attrRevision: number(3), attrReleasedAt: instant(line.At)}
	found[attrFreeze], _ = encodeJSON(freeze)
	found[attrMoves], _ = encodeJSON(moves)
	want := controller.Control{Revision: 3, Freeze: freeze, Moves: moves, ReleasedAt: line.At}
	if control, err := decodeControl(found); err != nil || !reflect.DeepEqual(control, want) {
		t.Errorf("the control item came back as %+v, %v", control, err)
	}
}

// large is a record of n entries that do not compress well: their ids are random.
func large(n int) protection.Record {
	source := rand.New(rand.NewPCG(1, 2))
	record := protection.Record{Mode: protection.Enforce}
	for i := range n {
		record.Applied = append(record.Applied, protection.EntryKey{
			Table:       route.Table{Kind: route.TransitGatewayTable, ID: fmt.Sprintf("tgw-rtb-%017x", source.Uint64()), Account: account, Region: region},
			Destination: route.MustDestination(fmt.Sprintf("10.%d.%d.0/24", i/256%256, i%256)),
		})
	}
	return record
}

func TestLargeRecord(t *testing.T) {
	each(t, func(b *bench) {
		item := b.take("one")
		item.Record = large(10_000)
		item, err := b.store.Commit(b.Context(), controller.Commit{Item: item, Journal: []controller.JournalEntry{entry(b.clock.Now())}})
		b.must(err)
		if seen, _ := b.peek(); !seen.Record.Equal(item.Record) {
			b.Errorf("a record of 10,000 entries came back with %d", len(seen.Record.Applied))
		}
		item.Record = large(3)
		item, err = b.store.Commit(b.Context(), controller.Commit{Item: item})
		b.must(err)
		if seen, _ := b.peek(); !seen.Record.Equal(item.Record) {
			b.Errorf("a record that became small again came back with %d entries", len(seen.Record.Applied))
		}
	})
}

func TestWhatDynamoDBWouldRefuseIsNotSent(t *testing.T) {
	store := cannedStore(t, nil) // any call would panic
	held := controller.Item{Key: group, Lease: controller.Lease{Token: "one"}}
	tooLarge, tooMany := held, held
	tooLarge.Record = large(60_000)
	tooMany.Requests = []protection.Request{{ID: "r1", Why: strings.Repeat("x", maxItem)}}
	line := entry(time.Unix(1, 0))
	line.Note = strings.Repeat("x", maxItem)
	for name, test := range map[string]struct {
		commit controller.Commit
		want   string
	}{
		"a large record":     {controller.Commit{Item: tooLarge}, "split the group"},
		"large requests":     {controller.Commit{Item: tooMany}, "clear requests"},
		"a large line":       {controller.Commit{Item: held, Journal: []controller.JournalEntry{line}}, "leave out evidence"},
		"many lines":         {controller.Commit{Item: held, Journal: slicesOf(entry(time.Unix(1, 0)), maxActions)}, "fewer entries"},
		"a line of no time":  {controller.Commit{Item: held, Journal: []controller.JournalEntry{entry(time.Time{})}}, "between 1970"},
		"a line of the year": {controller.Commit{Item: held, Journal: []controller.JournalEntry{entry(time.Date(2262, 1, 1, 0, 0, 0, 0, time.UTC))}}, "between 1970"},
	} {
		if _, err := store.Commit(t.Context(), test.commit); err == nil || sentinel(err) || !strings.Contains(err.Error(), test.want) || len(err.Error()) > 400 {
			t.Errorf("%s: %v", name, err)
		}
	}
	if err := store.Request(t.Context(), group, protection.Request{}); err == nil {
		t.Error("a request without an id was added")
	}
	if _, _, err := store.Take(t.Context(), group, ""); err == nil || sentinel(err) {
		t.Errorf("a Take with an empty token answered %v", err)
	}
}

func slicesOf[T any](value T, n int) []T {
	out := make([]T, n)
	for i := range out {
		out[i] = value
	}
	return out
}

func bytesOf(raw []byte) types.AttributeValue { return &types.AttributeValueMemberB{Value: raw} }

func mustPack(t testing.TB, raw string) []byte {
	t.Helper()
	packed, err := pack([]byte(raw))
	if err != nil {
		t.Fatal(err)
	}
	return packed
}

// An item that cannot be read is an error that says where, never an empty item.
func TestBrokenItems(t *testing.T) {
	tests := []struct {
		attribute string
		value     types.AttributeValue
	}{
		{attrRecord, text("")},
		{attrRecord, text("{")},
		{attrRecord, text("null")},
		{attrRecord, text(" null ")},
		{attrRecord, text("{} {}")},
		{attrRecord, text(`{"decision":7}`)},
		{attrRecord, number(1)},
		{attrRecordGzip, bytesOf(nil)},
		{attrRecordGzip, bytesOf([]byte("{}"))},
		{attrRecordGzip, bytesOf(mustPack(t, "null"))},
		{attrRecordGzip, bytesOf(mustPack(t, "{"))},
		{attrRecordGzip, bytesOf(mustPack(t, "{}")[:20])},
		{attrRecordGzip, bytesOf(mustPack(t, strings.Repeat(" ", maxUnpacked)+"{}"))},
		{attrRecordGzip, text("{}")},
		{attrLeaseToken, number(1)},
		{attrLeaseFrom, number(1)},
		{attrLeaseUntil, text("soon")},
		{attrDirty, &types.AttributeValueMemberN{Value: "1.5"}},
		{attrRevision, &types.AttributeValueMemberN{Value: "1e40"}},
		{attrWakeAt, text("tomorrow")},
		{attrWakes, text("null")},
		{attrWakes, text(`["tomorrow"]`)},
		{attrWakes, number(1)},
		{attrLookedAt, text("")},
		{requestPrefix + "r1", text("[]")},
		{requestPrefix + "r1", text("null")},
		{requestPrefix + "r1", &types.AttributeValueMemberBOOL{Value: true}},
	}
	for i, test := range tests {
		t.Run(fmt.Sprintf("%d %s", i, test.attribute), func(t *testing.T) {
			item, err := decodeItem(group, attributes{test.attribute: test.value})
			broken(t, err, string(group), test.attribute, "delete the item")
			if !reflect.DeepEqual(item, controller.Item{}) {
				t.Errorf("beside the error stands %+v", item)
			}
		})
	}
	_, err := decodeItem(group, attributes{attrRecord: text("{}"), attrRecordGzip: bytesOf(mustPack(t, "{}"))})
	broken(t, err, string(group), attrRecordGzip, "as well")
	for _, name := range []string{attrFreeze, attrMoves, attrReleasedAt, attrRevision} {
		_, err := decodeControl(attributes{name: text("x")})
		broken(t, err, "control", name, "lifts the global freeze")
	}
	for _, found := range []attributes{{attrSort: text("journal#1")}, {attrSort: text("journal#1"), attrEntry: text("x")}} {
		_, err := decodeEntry(group, found)
		broken(t, err, "journal#1", attrEntry, "delete the line")
	}
	if item, err := decodeItem(group, attributes{requestPrefix + "r1": text(`{"id":"other"}`)}); err != nil || item.Requests[0].ID != "r1" {
		t.Errorf("the request of attribute %sr1 is read as %+v, %v: no Commit could remove it", requestPrefix, item.Requests, err)
	}
	if item, err := decodeItem(group, attributes{"later": text("version"), attrDirty: number(2)}); err != nil || item.Dirty != 2 {
		t.Errorf("an attribute that is not known spoiled %+v, %v", item, err)
	}
}

// Earlier versions kept one wake-up alone. The next write leaves the list only,
// lest the two contradict each other later.
func TestAnItemOfAnEarlierVersion(t *testing.T) {
	at := time.Date(2026, time.March, 1, 2, 3, 4, 5, time.UTC)
	item, err := decodeItem(group, attributes{attrWakeAt: instant(at)})
	if err != nil || len(item.Wakes) != 1 || !item.Wakes[0].Equal(at) {
		t.Fatalf("read as %s, %v", item.Wakes, err)
	}
	item, err = decodeItem(group, attributes{attrWakeAt: instant(at), attrWakes: text("[]")})
	if err != nil || len(item.Wakes) != 0 {
		t.Errorf("beside a list it is read as %s, %v", item.Wakes, err)
	}
	for what, write := range map[string]func(b *bench, item controller.Item) error{
		"Commit": func(b *bench, item controller.Item) error {
			_, err := b.store.Commit(b.Context(), controller.Commit{Item: item})
			return err
		},
		"Release": func(b *bench, item controller.Item) error { return b.store.Release(b.Context(), item) },
	} {
		each(t, func(b *bench) {
			b.put(recordKey(group), attrWakeAt, instant(at))
			b.must(write(b, b.take("one")))
			_, err := b.store.update(b.Context(), &dynamodb.UpdateItemInput{
				Key: recordKey(group), ConditionExpression: aws.String("attribute_not_exists(wakeAt) AND attribute_exists(wakes)"),
				UpdateExpression: aws.String("SET later = :v"), ExpressionAttributeValues: attributes{":v": text("version")},
			})
			if err != nil {
				b.Errorf("after a %s the item does not have the list alone: %v", what, err)
			}
		})
	}
}

func broken(t *testing.T, err error, parts ...string) {
	t.Helper()
	for _, part := range parts {
		if err == nil || !strings.Contains(err.Error(), part) {
			t.Errorf("answered %v, want an error that says %q", err, part)
		}
	}
}

// A broken item reaches the caller as an error from each method that reads it.
func TestBrokenItemsInTheTable(t *testing.T) {
	each(t, func(b *bench) {
		item := b.take("one")
		b.spoil(recordKey(group), attrRecord)
		_, _, err := b.store.Peek(b.Context(), []controller.Key{group})
		broken(b.T, err, string(group), attrRecord)
		_, _, err = b.store.Renew(b.Context(), item)
		broken(b.T, err, string(group), attrRecord)
		_, _, err = b.store.Take(b.Context(), group, "one")
		broken(b.T, err, string(group), attrRecord)
		b.spoil(controlKey(), attrMoves)
		_, _, err = b.store.Take(b.Context(), "group#other", "one")
		broken(b.T, err, "control", attrMoves)
	})
}

// FuzzDecode: whatever stands in the table, reading it ends in an error that
// names an attribute, or in an item that survives being written again.
func FuzzDecode(f *testing.F) {
	f.Add(`{"mode":"enforce","decision":{"group":"a"}}`, []byte(nil), `{"id":"r1","kind":"freeze"}`, "5", "2026-01-02T03:04:05Z", `{"on":true}`)
	f.Add("", mustPack(f, `{"applied":[{"destination":"10.0.0.0/8"}]}`), "null", "-1", "0001-01-01T00:00:00Z", "[]")
	f.Fuzz(func(t *testing.T, record string, packed []byte, request, revision, at, freeze string) {
		found := attributes{requestPrefix + "r1": text(request), attrRevision: &types.AttributeValueMemberN{Value: revision}, attrWakeAt: text(at)}
		if len(packed) > 0 {
			found[attrRecordGzip] = bytesOf(packed)
		} else {
			found[attrRecord] = text(record)
		}
		item, err := decodeItem(group, found)
		if err != nil {
			broken(t, err, string(group), "attribute")
		} else if again := throughItem(t, item.Record); !again.Equal(item.Record) {
			t.Errorf("the record %+v came back as %+v", item.Record, again)
		}
		if _, err := decodeControl(attributes{attrFreeze: text(freeze), attrMoves: text(request)}); err != nil {
			broken(t, err, "control", "attribute")
		}
		if _, err := decodeEntry(group, attributes{attrSort: text(at), attrEntry: text(record)}); err != nil {
			broken(t, err, string(group), attrEntry)
		}
	})
}
