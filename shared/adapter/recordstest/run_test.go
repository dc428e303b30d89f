package recordstest

import (
	"reflect"
	"testing"
)

// TestNothingIsLeftOut: a field that the contract's records leave empty could be
// lost by a store, and no test would notice.
func TestNothingIsLeftOut(t *testing.T) {
	for _, value := range []any{record(1), request("r1", 1)} {
		v := reflect.ValueOf(value)
		for i := range v.NumField() {
			if v.Field(i).IsZero() {
				t.Errorf("%s.%s is empty", v.Type(), v.Type().Field(i).Name)
			}
		}
	}
}
