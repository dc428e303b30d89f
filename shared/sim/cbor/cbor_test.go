package cbor

import (
	"encoding/hex"
	"fmt"
	"math"
	"reflect"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"
)

// TestVectors are examples of RFC 8949, appendix A.
func TestVectors(t *testing.T) {
	for in, want := range map[string]any{
		"00": int64(0), "17": int64(23), "1818": int64(24), "1903e8": int64(1000), "1a000f4240": int64(1000000),
		"1b7fffffffffffffff": int64(math.MaxInt64), "20": int64(-1), "3903e7": int64(-1000), "3b7fffffffffffffff": int64(math.MinInt64),
		"f4": false, "f5": true, "f6": nil, "f7": nil,
		"f93c00": 1.0, "f90001": 5.960464477539063e-8, "f9c400": -4.0, "f97c00": math.Inf(1), "fa47c35000": 100000.0, "fb3ff199999999999a": 1.1,
		"6449455446": "IETF", "62c3bc": "ü", "4401020304": []byte{1, 2, 3, 4}, "7f657374726561646d696e67ff": "streaming", "5f42010243030405ff": []byte{1, 2, 3, 4, 5},
		"80": []any{}, "83010203": []any{int64(1), int64(2), int64(3)}, "9fff": []any{}, "9f018202039f0405ffff": []any{int64(1), []any{int64(2), int64(3)}, []any{int64(4), int64(5)}},
		"a0": map[string]any{}, "a26161016162820203": map[string]any{"a": int64(1), "b": []any{int64(2), int64(3)}},
		"bf6346756ef563416d7421ff": map[string]any{"Fun": true, "Amt": int64(-2)},
		"c11a514b67b0":             time.Date(2013, 3, 21, 20, 4, 0, 0, time.UTC),
		"c1fb41d452d9ec200000":     time.Date(2013, 3, 21, 20, 4, 0, 500e6, time.UTC),
		"d74401020304":             []byte{1, 2, 3, 4},
	} {
		raw, err := hex.DecodeString(in)
		if err != nil {
			t.Fatal(err)
		}
		if got, err := Decode(raw); err != nil || !reflect.DeepEqual(got, want) {
			t.Errorf("%s: got %#v, %v; want %#v", in, got, err, want)
		}
	}
}

func TestRefused(t *testing.T) {
	for in, why := range map[string]string{
		"": "ends in the middle", "18": "ends in the middle", "6261": "ends in the middle", "8201": "ends in the middle", "9f01": "ends in the middle", "7f61": "ends in the middle",
		"0000": "1 bytes follow", "1c": "reserved", "1f": "no indefinite length", "df": "no indefinite length", "ff": "simple value 31", "f0": "simple value 16",
		"1bffffffffffffffff": "beyond 64 bits", "a10000": "is no text", "a2616100616100": "stands twice", "61ff": "no UTF-8",
		"7f4161ff": "another type", "7f7fffff": "another type", "c1f97e00": "are no time", "c16161": "a time is a string",
		strings.Repeat("81", 40) + "00": "more than 32 deep", "bb7fffffffffffffff": "ends in the middle",
	} {
		raw, _ := hex.DecodeString(in)
		if got, err := Decode(raw); err == nil || !strings.Contains(err.Error(), why) {
			t.Errorf("%s: got %v, %v; want %s", in, got, err, why)
		}
	}
}

func TestForeignTypeIsAMistake(t *testing.T) {
	defer func() {
		if got := fmt.Sprint(recover()); !strings.Contains(got, "struct") {
			t.Error(got)
		}
	}()
	Encode(struct{}{})
}

// values draws everything that Encode takes, as Decode gives it back.
func values(depth int) *rapid.Generator[any] {
	leaves := []*rapid.Generator[any]{
		rapid.Just[any](nil), rapid.Bool().AsAny(), rapid.Int64().AsAny(), rapid.String().AsAny(), rapid.Float64().AsAny(),
		rapid.Map(rapid.Int64Range(-1e12, 1e12), func(ms int64) any { return time.UnixMilli(ms).UTC() }),
	}
	if depth == 0 {
		return rapid.OneOf(leaves...)
	}
	inner := values(depth - 1)
	return rapid.OneOf(append(leaves,
		rapid.Map(rapid.SliceOfN(inner, 0, 30), func(items []any) any { return append([]any{}, items...) }),
		rapid.MapOfN(rapid.String(), inner, 0, 30).AsAny(),
	)...)
}

func TestWhatIsWrittenIsRead(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		want := values(3).Draw(t, "value")
		got, err := Decode(Encode(want))
		if err != nil || !reflect.DeepEqual(got, want) {
			t.Fatalf("got %#v, %v; want %#v", got, err, want)
		}
	})
}

// FuzzDecode: nothing panics, and what is read can be written and read again.
func FuzzDecode(f *testing.F) {
	for _, seed := range []string{"a0", "bf6346756ef5ff", "c1fb41d452d9ec200000", "9f9f9fff", "5f4100ff", "7bffffffffffffffff"} {
		raw, _ := hex.DecodeString(seed)
		f.Add(raw)
	}
	f.Fuzz(func(t *testing.T, raw []byte) {
		value, err := Decode(raw)
		if err != nil {
			return
		}
		again, err := Decode(Encode(value))
		if err != nil || fmt.Sprintf("%#v", again) != fmt.Sprintf("%#v", value) {
			t.Fatalf("%#v became %#v, %v", value, again, err)
		}
	})
}
