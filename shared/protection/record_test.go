package protection

import (
	"reflect"
	"testing"
	"time"

	"detour/shared/health"
)

var vpnSubject = health.Subject{Kind: health.SubjectVPN, ID: "vpn-1", Account: "111122223333", Region: "eu-central-1"}

// fullRecord has a value in every field.
func fullRecord() Record {
	key := testGroup(1, "A", "B").Units[0].Entries[0].EntryKey
	rec := settledRecord("A", "B", 3)
	rec.Paths = []PathMemory{{Path: "A", Memory: health.Memory{
		State: health.Up, Since: noon, Proven: health.Up, WorseSince: noon, Penalty: 1, PenaltyAt: noon, Suppressed: true,
	}}}
	rec.Sighting = Sighting{At: noon, MovedTo: "A", Undone: []Seen{{Entry: key, NextHop: hopOf("A")}}}
	rec.Reversals = []Reversal{{Entry: key, At: noon}}
	rec.Contended = []EntryKey{key}
	rec.Applied = []EntryKey{key}
	rec.RevivedAt, rec.CameAt, rec.FromCameAt = noon, noon, noon
	rec.Blackholes = []BlackholeSeen{{Entry: key, At: noon, Orphan: true, Placed: true, Stood: []string{"A"}}}
	rec.Writers = []Writer{{Name: "arn:aws:iam::111122223333:user/alice", At: noon, Entry: key}}
	rec.Proving = []Proof{{Entry: key, At: noon}}
	rec.Unmet = []Unmet{{Path: "A", At: noon}}
	rec.Decision.Unproven, rec.Decision.Aim = true, 3
	rec.Held = ReasonNoUsablePath
	rec.Steps = 3
	rec.MassFailureAt = noon
	rec.Hint = Hint{At: noon, Subject: vpnSubject, Part: "192.0.2.1", Down: true}
	rec.Failback = Failback{
		ID: "failback-berlin-1", By: "alice", Why: "the line is back", Base: oldEpoch - 1, From: "B", To: "A", Epoch: oldEpoch, Unproven: true,
		Plan: "digest", Steps: []string{"one"}, Lists: []ListVersion{{ID: testList, Version: 7}}, Token: "token",
		Approved: "bob", ApprovedAt: noon, At: noon, Until: noon, Over: ReasonSilence, OverAt: noon, Kept: true, Frozen: true, End: EndAsBefore,
	}
	return rec
}

// eachField calls visit for every field of the value that can be set, at any
// depth, with a name for it.
func eachField(v reflect.Value, name string, visit func(reflect.Value, string)) {
	switch {
	case v.Type() == reflect.TypeFor[time.Time]():
		visit(v, name)
	case v.Kind() == reflect.Struct:
		for i := range v.NumField() {
			if v.Field(i).CanSet() {
				eachField(v.Field(i), name+"."+v.Type().Field(i).Name, visit)
			}
		}
	case v.Kind() == reflect.Slice:
		visit(v, name)
		if v.Len() > 0 {
			eachField(v.Index(0), name+"[0]", visit)
		}
	default:
		visit(v, name)
	}
}

func TestEqualSeesEveryFieldAndCloneSharesNone(t *testing.T) {
	original := fullRecord()
	if !original.Equal(fullRecord()) {
		t.Fatal("two records of the same content are not equal")
	}
	changed := original.Clone()
	fields := 0
	eachField(reflect.ValueOf(&changed).Elem(), "record", func(v reflect.Value, name string) {
		fields++
		if v.IsZero() {
			t.Fatalf("%s has no value in the full record", name)
		}
		saved := reflect.ValueOf(v.Interface())
		v.SetZero()
		if changed.Equal(original) || original.Equal(changed) {
			t.Errorf("Equal does not see %s", name)
		}
		if !original.Equal(fullRecord()) {
			t.Errorf("Clone shares %s", name)
		}
		v.Set(saved)
	})
	if fields < 30 {
		t.Errorf("only %d fields were looked at", fields)
	}
}

func TestEqualGoesByTheInstantNotItsZone(t *testing.T) {
	a, b := fullRecord(), fullRecord()
	b.WroteAt = b.WroteAt.In(time.FixedZone("east", 3600))
	if !a.Equal(b) {
		t.Error("the same instant in another zone is another record")
	}
}

func TestMemoryOfAPath(t *testing.T) {
	rec := fullRecord()
	if rec.Memory("A").State != health.Up || rec.Memory("Z") != (health.Memory{}) {
		t.Errorf("memories: %+v, %+v", rec.Memory("A"), rec.Memory("Z"))
	}
}
