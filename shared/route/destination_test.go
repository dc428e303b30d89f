package route

import (
	"encoding/json"
	"net/netip"
	"slices"
	"testing"

	"pgregory.net/rapid"
)

func TestParseDestinationWritesTheCanonicalForm(t *testing.T) {
	tests := []struct{ text, want string }{
		{"10.0.0.0/8", "10.0.0.0/8"},
		{"100.68.0.18/18", "100.68.0.0/18"},
		{"10.1.2.3/32", "10.1.2.3/32"},
		{"10.1.2.3/0", "0.0.0.0/0"},
		{"2001:DB8:0:0::1/32", "2001:db8::/32"},
		{"2001:db8::ffff/127", "2001:db8::fffe/127"},
		{"::/0", "::/0"},
		{"pl-0123456789abcdef0", "pl-0123456789abcdef0"},
	}
	for _, tt := range tests {
		got, err := ParseDestination(tt.text)
		if err != nil || got.String() != tt.want {
			t.Errorf("%q reads as %q, %v; want %q", tt.text, got, err, tt.want)
		}
	}
}

func TestParseDestinationRefuses(t *testing.T) {
	for _, text := range []string{
		"", " ", "10.0.0.0", "2001:db8::1", "10.0.0.0/33", "::/129", "10.0.0/8", "10.0.0.0/-1", "10.0.0.0/08",
		" 10.0.0.0/8", "10.0.0.0/8 ", "fe80::1%eth0/64", "default", "PL-1", "rtb-1", "pl-",
	} {
		if got, err := ParseDestination(text); err == nil {
			t.Errorf("%q reads as %q", text, got)
		} else if !got.IsZero() {
			t.Errorf("%q is refused with the destination %q", text, got)
		}
	}
}

func TestDestinationsOfOneBlockAreEqual(t *testing.T) {
	if MustDestination("100.68.0.18/18") != MustDestination("100.68.0.0/18") {
		t.Error("host bits make a difference")
	}
	if CIDR(netip.MustParsePrefix("10.9.9.9/8")) != MustDestination("10.0.0.0/8") {
		t.Error("CIDR keeps host bits")
	}
	if MustDestination("0.0.0.0/0") == MustDestination("::/0") {
		t.Error("the two default routes are one")
	}
}

func TestADestinationIsABlockOrAList(t *testing.T) {
	block, list := MustDestination("10.0.0.0/8"), MustDestination("pl-1")
	if block.List() != "" || block.Prefix() != netip.MustParsePrefix("10.0.0.0/8") || block.IsZero() {
		t.Errorf("block: %q %v", block.List(), block.Prefix())
	}
	if list.List() != "pl-1" || list.Prefix().IsValid() || list.IsZero() || list != PrefixList("pl-1") {
		t.Errorf("list: %q %v", list.List(), list.Prefix())
	}
	var zero Destination
	if !zero.IsZero() || zero.String() != "" {
		t.Errorf("the zero value is %q", zero)
	}
}

func TestMustDestinationPanicsOnNonsense(t *testing.T) {
	defer func() {
		if recover() == nil {
			t.Error("no panic")
		}
	}()
	MustDestination("nonsense")
}

func drawDestination(t *rapid.T, label string) Destination {
	switch rapid.IntRange(0, 4).Draw(t, label) {
	case 0:
		return PrefixList(rapid.SampledFrom([]string{"pl-1", "pl-2", "pl-3"}).Draw(t, "list"))
	case 1:
		addr := netip.AddrFrom16([16]byte(rapid.SliceOfN(rapid.Byte(), 16, 16).Draw(t, "v6")))
		return CIDR(netip.PrefixFrom(addr, rapid.IntRange(0, 128).Draw(t, "bits")))
	case 2:
		return Destination{}
	default:
		// Few bits, so that equal addresses with other lengths come up.
		addr := netip.AddrFrom4([4]byte{rapid.SampledFrom([]byte{0, 10, 192}).Draw(t, "v4"), 0, 0, 0})
		return CIDR(netip.PrefixFrom(addr, rapid.IntRange(0, 32).Draw(t, "bits")))
	}
}

func TestPropertyDestinationsRoundTrip(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		want := drawDestination(t, "destination")
		if !want.IsZero() {
			if got, err := ParseDestination(want.String()); err != nil || got != want {
				t.Fatalf("%q reads back as %q, %v", want, got, err)
			}
		}
		text, err := json.Marshal(map[string]Destination{"d": want})
		if err != nil {
			t.Fatal(err)
		}
		got := map[string]Destination{}
		if err := json.Unmarshal(text, &got); err != nil || got["d"] != want {
			t.Fatalf("%s reads back as %q, %v", text, got["d"], err)
		}
	})
}

func TestUnmarshalTextRefusesNonsense(t *testing.T) {
	d := MustDestination("10.0.0.0/8")
	if err := d.UnmarshalText([]byte("10.0.0.0")); err == nil {
		t.Errorf("reads as %q", d)
	}
}

func TestDestinationOrder(t *testing.T) {
	want := []string{"0.0.0.0/0", "10.0.0.0/8", "10.0.0.0/16", "10.1.0.0/16", "192.168.0.0/16", "::/0", "2001:db8::/32", "2001:db8::/48", "pl-1", "pl-2"}
	var got []Destination
	for _, text := range want {
		got = append(got, MustDestination(text))
	}
	slices.Reverse(got)
	slices.SortFunc(got, Destination.Compare)
	for i := range got {
		if got[i].String() != want[i] {
			t.Errorf("place %d holds %s, want %s", i, got[i], want[i])
		}
	}
}

func TestPropertyCompareIsATotalOrder(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		a, b, c := drawDestination(t, "a"), drawDestination(t, "b"), drawDestination(t, "c")
		checkOrder(t, a, b, c, Destination.Compare)
	})
}

// checkOrder: antisymmetric, transitive, and zero exactly for equal values.
func checkOrder[T comparable](t *rapid.T, a, b, c T, compare func(T, T) int) {
	if (compare(a, b) == 0) != (a == b) || compare(a, a) != 0 {
		t.Fatalf("compare(%v, %v) is %d", a, b, compare(a, b))
	}
	if sign(compare(a, b)) != -sign(compare(b, a)) {
		t.Fatalf("compare(%v, %v) is %d both ways", a, b, compare(a, b))
	}
	if compare(a, b) <= 0 && compare(b, c) <= 0 && compare(a, c) > 0 {
		t.Fatalf("%v ≤ %v ≤ %v, but not %v ≤ %v", a, b, c, a, c)
	}
}

func sign(n int) int { return min(max(n, -1), 1) }
