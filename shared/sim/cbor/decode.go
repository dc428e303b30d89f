package cbor

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"time"
	"unicode/utf8"
)

// maxDepth bounds how deep items may stand in one another.
const maxDepth = 32

var errShort = errors.New("cbor: the input ends in the middle of an item")

// Decode reads one value, and refuses anything after it. The types are those of
// Encode: integers come as int64, floats of every width as float64, undefined as
// nil, and a time as time.Time. Items of indefinite length are read; a tag other
// than a time's is dropped. Refused are integers beyond int64, keys that are no
// text or stand twice, text that is no UTF-8, and items more than 32 deep.
func Decode(raw []byte) (any, error) {
	d := &decoder{rest: raw}
	value, err := d.value(0)
	if err != nil {
		return nil, err
	}
	if len(d.rest) > 0 {
		return nil, fmt.Errorf("cbor: %d bytes follow the value", len(d.rest))
	}
	return value, nil
}

type decoder struct{ rest []byte }

// head is the start of an item. n is its argument; open says that it has none,
// because the item is of indefinite length.
type head struct {
	major, info byte
	n           uint64
	open        bool
}

func (d *decoder) head() (head, error) {
	if len(d.rest) == 0 {
		return head{}, errShort
	}
	h := head{major: d.rest[0] >> 5, info: d.rest[0] & 31}
	d.rest = d.rest[1:]
	switch {
	case h.info < 24:
		h.n = uint64(h.info)
		return h, nil
	case h.info == indefinite:
		h.open = true
		return h, nil
	case h.info > 27:
		return h, fmt.Errorf("cbor: additional information %d is reserved", h.info)
	}
	width := 1 << (h.info - 24)
	if len(d.rest) < width {
		return h, errShort
	}
	var wide [8]byte
	copy(wide[8-width:], d.rest)
	h.n = binary.BigEndian.Uint64(wide[:])
	d.rest = d.rest[width:]
	return h, nil
}

func (d *decoder) value(depth int) (any, error) {
	if depth > maxDepth {
		return nil, fmt.Errorf("cbor: items are more than %d deep", maxDepth)
	}
	h, err := d.head()
	if err != nil {
		return nil, err
	}
	switch h.major {
	case majorUnsigned, majorNegative:
		return h.integer()
	case majorBytes:
		return d.bytes(h)
	case majorText:
		raw, err := d.bytes(h)
		if err == nil && !utf8.Valid(raw) {
			err = errors.New("cbor: a text string is no UTF-8")
		}
		return string(raw), err
	case majorArray:
		return d.array(h, depth)
	case majorMap:
		return d.object(h, depth)
	case majorTag:
		return d.tagged(h, depth)
	default:
		return h.simple()
	}
}

func (h head) integer() (any, error) {
	switch {
	case h.open:
		return nil, errors.New("cbor: an integer has no indefinite length")
	case h.n > math.MaxInt64:
		return nil, errors.New("cbor: an integer is beyond 64 bits with a sign")
	case h.major == majorNegative:
		return -1 - int64(h.n), nil
	}
	return int64(h.n), nil
}

// simple reads what major type 7 holds. The break of an indefinite length is none
// of it: who may meet it asks ended first.
func (h head) simple() (any, error) {
	switch h.info {
	case simpleFalse, simpleTrue:
		return h.info == simpleTrue, nil
	case simpleNull, simpleUndefined:
		return nil, nil //nolint:nilnil // Null is a value.
	case floatHalf:
		return half(uint16(h.n & math.MaxUint16)), nil
	case floatSingle:
		return float64(math.Float32frombits(uint32(h.n & math.MaxUint32))), nil
	case floatDouble:
		return math.Float64frombits(h.n), nil
	default:
		return nil, fmt.Errorf("cbor: simple value %d is not known", h.info)
	}
}

// half widens a float of 16 bits (RFC 8949, appendix D).
func half(bits uint16) float64 {
	exponent, mantissa := int(bits>>10)&31, float64(bits&1023)
	var value float64
	switch exponent {
	case 0:
		value = math.Ldexp(mantissa, -24)
	case 31:
		value = math.Inf(1)
		if mantissa != 0 {
			value = math.NaN()
		}
	default:
		value = math.Ldexp(mantissa+1024, exponent-25)
	}
	if bits>>15 == 1 {
		value = -value
	}
	return value
}

// ended takes the break that ends an item of indefinite length.
func (d *decoder) ended() bool {
	if len(d.rest) > 0 && d.rest[0] == majorSimple<<5|indefinite {
		d.rest = d.rest[1:]
		return true
	}
	return false
}

// bytes reads a byte or text string, or the chunks of one.
func (d *decoder) bytes(h head) ([]byte, error) {
	if !h.open {
		return d.take(h.n)
	}
	whole := []byte{}
	for !d.ended() {
		chunk, err := d.head()
		if err != nil {
			return nil, err
		}
		if chunk.major != h.major || chunk.open {
			return nil, errors.New("cbor: a string's chunk is of another type")
		}
		part, err := d.take(chunk.n)
		if err != nil {
			return nil, err
		}
		whole = append(whole, part...)
	}
	return whole, nil
}

func (d *decoder) take(n uint64) ([]byte, error) {
	if n > uint64(len(d.rest)) {
		return nil, errShort
	}
	taken := d.rest[:n:n]
	d.rest = d.rest[n:]
	return taken, nil
}

func (d *decoder) array(h head, depth int) (any, error) {
	items := []any{}
	for i := uint64(0); h.open || i < h.n; i++ {
		if h.open && d.ended() {
			break
		}
		item, err := d.value(depth + 1)
		if err != nil {
			return nil, err
		}
		items = append(items, item)
	}
	return items, nil
}

func (d *decoder) object(h head, depth int) (any, error) {
	object := map[string]any{}
	for i := uint64(0); h.open || i < h.n; i++ {
		if h.open && d.ended() {
			break
		}
		key, err := d.value(depth + 1)
		if err != nil {
			return nil, err
		}
		name, text := key.(string)
		if _, twice := object[name]; !text || twice {
			return nil, fmt.Errorf("cbor: key %v is no text, or stands twice", key)
		}
		if object[name], err = d.value(depth + 1); err != nil {
			return nil, err
		}
	}
	return object, nil
}

func (d *decoder) tagged(h head, depth int) (any, error) {
	if h.open {
		return nil, errors.New("cbor: a tag has no indefinite length")
	}
	inner, err := d.value(depth + 1)
	if err != nil || h.n != tagEpoch {
		return inner, err
	}
	switch seconds := inner.(type) {
	case int64:
		return time.Unix(seconds, 0).UTC(), nil
	case float64:
		const most = 1 << 40 // Beyond it milliseconds do not fit.
		if !(math.Abs(seconds) < most) {
			return nil, fmt.Errorf("cbor: %v seconds are no time", seconds)
		}
		return time.UnixMilli(int64(math.Round(seconds * 1000))).UTC(), nil
	default:
		return nil, fmt.Errorf("cbor: a time is a %T", inner)
	}
}
