package dynamoapi

import "cmp"

// Every table has the same key schema: both keys are strings.
const (
	partitionKey = "pk"
	sortKey      = "sk"
)

// The limits of DynamoDB, in bytes unless the name says otherwise. Source:
// developer guide, Quotas, and API reference of each operation.
const (
	maxItem           = 400 << 10
	maxPartitionKey   = 2048
	maxSortKey        = 1024
	maxPage           = 1 << 20  // of a Query
	maxBatch          = 16 << 20 // of a BatchGetItem's answer
	maxBatchKeys      = 100
	maxTransaction    = 4 << 20
	maxActions        = 100 // of a transaction
	maxTokenLength    = 36  // of a ClientRequestToken
	maxRequest        = 16 << 20
	smallestPageLimit = 1
)

// place says which table is meant: names are per account and Region.
type place struct{ account, region, table string }

// key is the primary key of an item.
type key struct{ partition, sort string }

func (k key) item() Item {
	return Item{partitionKey: {TypeString, k.partition}, sortKey: {TypeString, k.sort}}
}

func (k key) compare(other key) int {
	return cmp.Or(cmp.Compare(k.partition, other.partition), cmp.Compare(k.sort, other.sort))
}

// table is what a table holds. Items in it are replaced, never changed, so that
// they may be read without the Handler's lock.
type table map[key]Item

// keyFault is a key that does not fit the schema.
type keyFault struct {
	*failure
	// late says that a transaction reports the fault as the reason of the one
	// action, and not for the request as a whole. Source: DynamoDB Local.
	late bool
}

// keyOf returns the key of an item, which may have more attributes.
func keyOf(item Item) (key, *keyFault) {
	for _, name := range []string{partitionKey, sortKey} {
		value, exists := item[name]
		switch {
		case !exists:
			return key{}, &keyFault{failure: invalid("One or more parameter values were invalid: Missing the key %s in the item", name)}
		case value.Type != TypeString:
			return key{}, &keyFault{invalid("One or more parameter values were invalid: Type mismatch for key %s expected: S actual: %s", name, value.Type), true}
		case value.Text == "":
			return key{}, &keyFault{failure: emptyKey(name)}
		}
	}
	k := key{item[partitionKey].Text, item[sortKey].Text}
	switch {
	case len(k.partition) > maxPartitionKey:
		return key{}, &keyFault{failure: invalid("One or more parameter values were invalid: Size of hashkey has exceeded the maximum size limit of %d bytes", maxPartitionKey)}
	case len(k.sort) > maxSortKey:
		return key{}, &keyFault{failure: invalid("One or more parameter values were invalid: Aggregated size of all range keys has exceeded the size limit of %d bytes", maxSortKey)}
	}
	return k, nil
}

// onlyKey returns the key of a parameter that has the key and nothing else.
func onlyKey(item Item) (key, *keyFault) {
	k, fault := keyOf(item)
	if len(item) != 2 || item[partitionKey] == (Value{}) || item[sortKey] == (Value{}) {
		return key{}, &keyFault{failure: invalid("The provided key element does not match the schema")}
	}
	return k, fault
}

func emptyKey(name string) *failure {
	return invalid("One or more parameter values are not valid. The AttributeValue for a key attribute cannot contain an empty string value. Key: %s", name)
}
