// Package cbor writes and reads the part of CBOR (RFC 8949) that AWS's protocol
// smithy.protocols#rpcv2Cbor uses: maps with text keys, arrays, text and byte
// strings, integers, floats, booleans, null, and times under tag 1.
package cbor

import (
	"encoding/binary"
	"fmt"
	"math"
	"slices"
	"time"
)

// The major types of RFC 8949, section 3.1.
const (
	majorUnsigned = iota
	majorNegative
	majorBytes
	majorText
	majorArray
	majorMap
	majorTag
	majorSimple
)

// The simple values and the widths of floats (RFC 8949, section 3.3).
const (
	simpleFalse     = 20
	simpleTrue      = 21
	simpleNull      = 22
	simpleUndefined = 23
	floatHalf       = 25
	floatSingle     = 26
	floatDouble     = 27
)

// indefinite is the additional information of an item without a length.
const indefinite = 31

// tagEpoch is a time in seconds since 1970 (RFC 8949, section 3.4.2).
const tagEpoch = 1

// Encode writes a value: nil, bool, int, int64, float64, string, []byte,
// time.Time (in milliseconds), []any and map[string]any, whose keys come out
// sorted. It panics for any other type, which is a mistake of the caller.
func Encode(value any) []byte { return appendValue(nil, value) }

func appendValue(out []byte, value any) []byte {
	switch v := value.(type) {
	case nil:
		return append(out, majorSimple<<5|simpleNull)
	case bool:
		if v {
			return append(out, majorSimple<<5|simpleTrue)
		}
		return append(out, majorSimple<<5|simpleFalse)
	case int:
		return appendInt(out, int64(v))
	case int64:
		return appendInt(out, v)
	case float64:
		out = append(out, majorSimple<<5|floatDouble)
		return binary.BigEndian.AppendUint64(out, math.Float64bits(v))
	case string:
		return append(appendHead(out, majorText, uint64(len(v))), v...)
	case []byte:
		return append(appendHead(out, majorBytes, uint64(len(v))), v...)
	case time.Time:
		out = appendHead(out, majorTag, tagEpoch)
		return appendValue(out, float64(v.UnixMilli())/1000)
	case []any:
		out = appendHead(out, majorArray, uint64(len(v)))
		for _, item := range v {
			out = appendValue(out, item)
		}
		return out
	case map[string]any:
		return appendMap(out, v)
	default:
		panic(fmt.Sprintf("cbor: a value of type %T cannot be encoded", value))
	}
}

func appendMap(out []byte, m map[string]any) []byte {
	keys := make([]string, 0, len(m))
	for key := range m {
		keys = append(keys, key)
	}
	slices.Sort(keys)
	out = appendHead(out, majorMap, uint64(len(m)))
	for _, key := range keys {
		out = appendValue(appendValue(out, key), m[key])
	}
	return out
}

func appendInt(out []byte, v int64) []byte {
	if v < 0 {
		return appendHead(out, majorNegative, uint64(-1-v))
	}
	return appendHead(out, majorUnsigned, uint64(v))
}

// appendHead writes an item's head in its shortest form.
func appendHead(out []byte, major byte, n uint64) []byte {
	switch {
	case n < 24:
		return append(out, major<<5|byte(n))
	case n <= math.MaxUint8:
		return append(out, major<<5|24, byte(n))
	case n <= math.MaxUint16:
		return binary.BigEndian.AppendUint16(append(out, major<<5|25), uint16(n))
	case n <= math.MaxUint32:
		return binary.BigEndian.AppendUint32(append(out, major<<5|26), uint32(n))
	default:
		return binary.BigEndian.AppendUint64(append(out, major<<5|27), n)
	}
}
