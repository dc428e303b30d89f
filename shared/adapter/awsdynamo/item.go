package awsdynamo

import (
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"detour/shared/controller"
)

// The attributes, as the package comment explains them.
const (
	attrPartition  = "pk"
	attrSort       = "sk"
	attrLeaseToken = "leaseToken"
	attrLeaseUntil = "leaseUntil"
	attrLeaseFrom  = "leaseFrom"
	attrReleasedBy = "releasedBy"
	attrDirty      = "dirty"
	attrRevision   = "revision"
	attrRecord     = "record"
	attrRecordGzip = "recordGzip"
	attrWakes      = "wakes"
	attrWakeAt     = "wakeAt"
	attrLookedAt   = "lookedAt"
	attrFreeze     = "freeze"
	attrMoves      = "moves"
	attrReleasedAt = "releasedAt"
	attrEntry      = "entry"
	attrExpires    = "expires"

	requestPrefix = "request#"
	journalPrefix = "journal#"
	recordName    = "record"
	controlName   = "control"
)

// The sizes of a record, in bytes. DynamoDB refuses an item above 400 KB, the
// names of its attributes included (DynamoDB developer guide, Quotas).
const (
	maxPlain    = 4 << 10
	maxItem     = 400 << 10
	maxUnpacked = 64 << 20
	// otherAttributes is more than all attributes of a record's item take but for
	// the record and the requests.
	otherAttributes = 2 << 10
)

// attributes is an item, a key, or the values of an expression.
type attributes = map[string]types.AttributeValue

func recordKey(key controller.Key) attributes {
	return attributes{attrPartition: text(string(key)), attrSort: text(recordName)}
}

func controlKey() attributes {
	return attributes{attrPartition: text(controlName), attrSort: text(controlName)}
}

// names gives each attribute the placeholder that is its name after a #, since
// several of them are words that DynamoDB reserves.
func names(attributes ...string) map[string]string {
	out := make(map[string]string, len(attributes))
	for _, name := range attributes {
		out["#"+name] = name
	}
	return out
}

func text(s string) types.AttributeValue { return &types.AttributeValueMemberS{Value: s} }

func number(n int64) types.AttributeValue {
	return &types.AttributeValueMemberN{Value: strconv.FormatInt(n, 10)}
}

func nanoseconds(at time.Time) types.AttributeValue { return number(at.UnixNano()) }

// instant is a time as people read it; nil for the zero time.
func instant(at time.Time) types.AttributeValue {
	if at.IsZero() {
		return nil
	}
	return text(at.UTC().Format(time.RFC3339Nano))
}

// encodeWakes returns the wake-ups as people read them; nil for none.
func encodeWakes(wakes []time.Time) (types.AttributeValue, error) {
	if len(wakes) == 0 {
		return nil, nil
	}
	out := slices.Clone(wakes)
	for i := range out {
		out[i] = out[i].UTC()
	}
	return encodeJSON(out)
}

func encodeJSON(value any) (types.AttributeValue, error) {
	raw, err := json.Marshal(value)
	if err != nil {
		return nil, fmt.Errorf("writing %T as JSON: %w", value, err)
	}
	return text(string(raw)), nil
}

// encodeRecord returns the record as text, or packed where it is large; the
// other of the two is nil. The error is for an item that DynamoDB would refuse,
// as far as that can be told from the requests which the caller saw.
func encodeRecord(item controller.Item) (plain, packed types.AttributeValue, err error) {
	var record any = item.Record
	if _, isFilter := item.Key.Filter(); isFilter {
		record = item.Filter
	}
	raw, err := json.Marshal(record)
	if err != nil {
		return nil, nil, fmt.Errorf("writing the record as JSON: %w", err)
	}
	size := otherAttributes
	for _, request := range item.Requests {
		standing, err := json.Marshal(request)
		if err != nil {
			return nil, nil, fmt.Errorf("writing request %s as JSON: %w", request.ID, err)
		}
		size += len(requestPrefix) + len(request.ID) + len(standing)
	}
	if len(raw) <= maxPlain {
		plain, size = text(string(raw)), size+len(raw)
	} else {
		squeezed, err := pack(raw)
		if err != nil {
			return nil, nil, err
		}
		packed, size = &types.AttributeValueMemberB{Value: squeezed}, size+len(squeezed)
	}
	if size > maxItem {
		return nil, nil, fmt.Errorf("the item would have %d bytes with a record of %d bytes and %d requests, and DynamoDB takes %d: clear requests, or split the group into smaller ones",
			size, len(raw), len(item.Requests), maxItem)
	}
	return plain, packed, nil
}

func pack(raw []byte) ([]byte, error) {
	var out bytes.Buffer
	writer := gzip.NewWriter(&out)
	if _, err := writer.Write(raw); err != nil {
		return nil, fmt.Errorf("compressing the record: %w", err)
	}
	if err := writer.Close(); err != nil {
		return nil, fmt.Errorf("compressing the record: %w", err)
	}
	return out.Bytes(), nil
}

// encodeEntry makes the item of line number i of a commit's journal.
func encodeEntry(commit controller.Commit, i int, entry controller.JournalEntry, keep time.Duration) (attributes, error) {
	if entry.Key == "" {
		entry.Key = commit.Item.Key
	}
	line, at, err := encodeLine(entry, keep)
	if err != nil {
		return nil, err
	}
	line[attrSort] = text(fmt.Sprintf("%s%s#%020d#%04d", journalPrefix, at, commit.Item.Revision+1, i))
	return line, nil
}

// encodeNote makes the item of entry number i of a Note. What the entry says is
// in the sort key, so that the same one sent again takes its own place, and
// another one of the same instant does not.
func encodeNote(i int, entry controller.JournalEntry, keep time.Duration) (attributes, error) {
	if entry.Key == "" {
		return nil, fmt.Errorf("journal entry %d has no key: give it that of a group, or %q", i, controller.KeyEverything)
	}
	line, at, err := encodeLine(entry, keep)
	if err != nil {
		return nil, err
	}
	digest := sha256.Sum256([]byte(textOf(line, attrEntry)))
	line[attrSort] = text(fmt.Sprintf("%s%s#%020d#%04d#%x", journalPrefix, at, 0, i, digest[:6]))
	return line, nil
}

// encodeLine makes the item of a journal entry but for its sort key, and the
// time as that has it.
func encodeLine(entry controller.JournalEntry, keep time.Duration) (line attributes, at string, err error) {
	if at, err = sortKeyTime(entry.At); err != nil {
		return nil, "", err
	}
	raw, err := json.Marshal(entry)
	if err != nil {
		return nil, "", fmt.Errorf("writing a journal entry as JSON: %w", err)
	}
	if len(raw)+otherAttributes > maxItem {
		return nil, "", fmt.Errorf("a journal entry has %d bytes, and DynamoDB takes %d for an item: leave out evidence", len(raw), maxItem)
	}
	return attributes{
		attrPartition: text(string(entry.Key)), attrEntry: text(string(raw)), attrExpires: number(entry.At.Add(keep).Unix()),
	}, at, nil
}

// sortKeyTime is a time as a journal line's sort key has it. Nanoseconds since
// 1970 reach to the year 2262; what lies outside would not sort.
func sortKeyTime(at time.Time) (string, error) {
	if year := at.UTC().Year(); year < 1970 || year > 2261 {
		return "", fmt.Errorf("journal entry's time is %s: pass one between 1970 and 2261", at.Format(time.RFC3339))
	}
	return fmt.Sprintf("%020d", at.UnixNano()), nil
}
