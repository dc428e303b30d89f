package awsdynamo

import (
	"bytes"
	"compress/gzip"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"detour/shared/controller"
	"detour/shared/protection"
)

func unpack(packed []byte) ([]byte, error) {
	reader, err := gzip.NewReader(bytes.NewReader(packed))
	if err != nil {
		return nil, err
	}
	raw, err := io.ReadAll(io.LimitReader(reader, maxUnpacked+1))
	if err == nil && len(raw) > maxUnpacked {
		err = fmt.Errorf("it unpacks to more than %d bytes", maxUnpacked)
	}
	return raw, err
}

// textOf returns a string attribute; empty: it is not there, or no string.
func textOf(item attributes, name string) string {
	if value, ok := item[name].(*types.AttributeValueMemberS); ok {
		return value.Value
	}
	return ""
}

// numberOf returns a number attribute; zero: it is not there.
func numberOf(item attributes, name string) (int64, error) {
	switch value := item[name].(type) {
	case nil:
		return 0, nil
	case *types.AttributeValueMemberN:
		return strconv.ParseInt(value.Value, 10, 64)
	default:
		return 0, fmt.Errorf("it is a %s, want a number", typeOf(value))
	}
}

// typeOf is DynamoDB's name of a value's type.
func typeOf(value types.AttributeValue) string {
	return strings.TrimPrefix(fmt.Sprintf("%T", value), "*types.AttributeValueMember")
}

// decoder reads the attributes of one item, and keeps the first mistake. What
// cannot be read is never answered as empty: an empty record would be adopted.
type decoder struct {
	item   attributes
	key    string
	remedy string
	err    error
}

func (d *decoder) fail(name string, err error) {
	if err != nil && d.err == nil {
		d.err = fmt.Errorf("item %s, attribute %s cannot be read: %w: %s", d.key, name, err, d.remedy)
	}
}

func (d *decoder) text(name string) (string, bool) {
	value, there := d.item[name]
	if !there {
		return "", false
	}
	found, ok := value.(*types.AttributeValueMemberS)
	if !ok {
		d.fail(name, fmt.Errorf("it is a %s, want a string", typeOf(value)))
		return "", false
	}
	return found.Value, true
}

func (d *decoder) number(name string) int64 {
	n, err := numberOf(d.item, name)
	d.fail(name, err)
	return n
}

func (d *decoder) instant(name string) time.Time {
	written, there := d.text(name)
	if !there {
		return time.Time{}
	}
	at, err := time.Parse(time.RFC3339Nano, written)
	d.fail(name, err)
	return at
}

func (d *decoder) json(name string, into any) {
	if written, there := d.text(name); there {
		d.fail(name, unmarshal([]byte(written), into))
	}
}

// unmarshal is json.Unmarshal, to which null would be an empty value.
func unmarshal(raw []byte, into any) error {
	if string(bytes.TrimSpace(raw)) == "null" {
		return errors.New("it is null")
	}
	return json.Unmarshal(raw, into)
}

// record reads the record, be it a group's or a filter's.
func (d *decoder) record(record any) {
	value, packed := d.item[attrRecordGzip]
	if !packed {
		d.json(attrRecord, record)
		return
	}
	if _, both := d.item[attrRecord]; both {
		d.fail(attrRecordGzip, fmt.Errorf("there is an attribute %s as well", attrRecord))
	}
	found, ok := value.(*types.AttributeValueMemberB)
	if !ok {
		d.fail(attrRecordGzip, fmt.Errorf("it is a %s, want bytes", typeOf(value)))
		return
	}
	raw, err := unpack(found.Value)
	if err == nil {
		err = unmarshal(raw, record)
	}
	d.fail(attrRecordGzip, err)
}

// wakes returns the wake-ups that are armed. An item that was last written by a
// version of Detour that kept no list has one of them, or none.
func (d *decoder) wakes() []time.Time {
	var out []time.Time
	if _, there := d.item[attrWakes]; there {
		d.json(attrWakes, &out)
		return out
	}
	if at := d.instant(attrWakeAt); !at.IsZero() {
		out = append(out, at)
	}
	return out
}

// requests returns the standing requests in their order. The id is that of the
// attribute's name, since a request is removed by it.
func (d *decoder) requests() []protection.Request {
	var attrs []string
	for name := range d.item {
		if strings.HasPrefix(name, requestPrefix) {
			attrs = append(attrs, name)
		}
	}
	slices.Sort(attrs)
	var out []protection.Request
	for _, name := range attrs {
		var request protection.Request
		d.json(name, &request)
		request.ID = strings.TrimPrefix(name, requestPrefix)
		out = append(out, request)
	}
	slices.SortFunc(out, protection.Request.Compare)
	return out
}

// decodeItem reads a record's item; a nil one is empty.
func decodeItem(key controller.Key, found attributes) (controller.Item, error) {
	d := decoder{
		item: found, key: string(key),
		remedy: "correct it, restore the item from a backup, or delete the item to have the routes taken as they stand",
	}
	item := controller.Item{
		Key: key, Dirty: d.number(attrDirty), Revision: d.number(attrRevision),
		Requests: d.requests(), Wakes: d.wakes(), LookedAt: d.instant(attrLookedAt),
	}
	if _, isFilter := key.Filter(); isFilter {
		d.record(&item.Filter)
	} else {
		d.record(&item.Record)
	}
	item.Lease.Token, _ = d.text(attrLeaseToken)
	from, _ := d.text(attrLeaseFrom)
	item.Abandoned = item.Lease.Token != "" && from != ""
	if until := d.number(attrLeaseUntil); until != 0 {
		item.Lease.Until = time.Unix(0, until).UTC()
	}
	if d.err != nil {
		return controller.Item{}, d.err
	}
	return item, nil
}

// decodeControl reads the control item; a nil one is empty.
func decodeControl(found attributes) (controller.Control, error) {
	d := decoder{
		item: found, key: controlName,
		remedy: "correct it, or delete the item, which lifts the global freeze and forgets the recent moves",
	}
	control := controller.Control{Revision: d.number(attrRevision), ReleasedAt: d.instant(attrReleasedAt)}
	d.json(attrFreeze, &control.Freeze)
	d.json(attrMoves, &control.Moves)
	if d.err != nil {
		return controller.Control{}, d.err
	}
	return control, nil
}

// decodeEntry reads a line of the journal of the key.
func decodeEntry(key controller.Key, found attributes) (controller.JournalEntry, error) {
	d := decoder{
		item: found, key: string(key) + " " + textOf(found, attrSort),
		remedy: "delete the line, nothing is decided from it",
	}
	var entry controller.JournalEntry
	if _, there := d.text(attrEntry); !there {
		d.fail(attrEntry, errors.New("it is not there"))
	}
	d.json(attrEntry, &entry)
	if d.err != nil {
		return controller.JournalEntry{}, d.err
	}
	return entry, nil
}
