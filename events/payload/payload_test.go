package payload

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"
)

func TestEverySampleIsReadable(t *testing.T) {
	names := Names()
	if len(names) < 30 {
		t.Fatalf("Names() returned %d samples, want at least 30", len(names))
	}
	if !slices.IsSorted(names) {
		t.Errorf("Names() is not sorted: %q", names)
	}
	for _, name := range names {
		raw, err := Read(name)
		if err != nil {
			t.Errorf("Read(%q): %v", name, err)
			continue
		}
		if valid := json.Valid(raw); valid == (name == "truncated.json") {
			t.Errorf("%s: json.Valid is %v; only truncated.json may be invalid", name, valid)
		}
		if strings.ContainsRune(name, '_') || strings.ToLower(name) != name {
			t.Errorf("%s: sample names are kebab case", name)
		}
	}
}

func TestReadRefusesWhatIsNotASample(t *testing.T) {
	for _, name := range []string{"", "nothing.json", "../payload.go", "payload.go"} {
		if _, err := Read(name); err == nil || !strings.Contains(err.Error(), "no such sample") {
			t.Errorf("Read(%q) = %v, want an error that says there is no such sample", name, err)
		}
	}
}

func TestInnerSamplesAreReadByTheirNameOnly(t *testing.T) {
	const name = "inner/vpn-bgp-log.json"
	if raw, err := Read(name); err != nil || !json.Valid(raw) {
		t.Errorf("Read(%q) = %q, %v; want JSON", name, raw, err)
	}
	if i := slices.IndexFunc(Names(), func(n string) bool { return strings.Contains(n, "inner") }); i >= 0 {
		t.Errorf("Names() lists %q, which is no message", Names()[i])
	}
}

func TestReadGivesACopy(t *testing.T) {
	first, _ := Read("sweep.json")
	first[0] = 'X'
	second, _ := Read("sweep.json")
	if second[0] != '{' {
		t.Error("a caller that changes its sample changes everybody's")
	}
}
