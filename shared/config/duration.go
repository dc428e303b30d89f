package config

import (
	"fmt"
	"strings"
	"time"
)

// Duration is a time.Duration that is written as text, such as 90s or 1h30m.
type Duration time.Duration

// String returns the shortest form that time.ParseDuration reads: 10m, not
// 10m0s.
func (d Duration) String() string {
	text := time.Duration(d).String()
	if strings.HasSuffix(text, "m0s") {
		text = strings.TrimSuffix(text, "0s")
	}
	if strings.HasSuffix(text, "h0m") {
		text = strings.TrimSuffix(text, "0m")
	}
	return text
}

// MarshalText writes the form that UnmarshalText reads.
func (d Duration) MarshalText() ([]byte, error) { return []byte(d.String()), nil }

// UnmarshalText reads a Go duration string. A number without a unit is refused.
func (d *Duration) UnmarshalText(text []byte) error {
	parsed, err := time.ParseDuration(string(text))
	if err != nil {
		return fmt.Errorf("%q is not a duration; write for example 90s, 10m or 1h30m", text)
	}
	*d = Duration(parsed)
	return nil
}
