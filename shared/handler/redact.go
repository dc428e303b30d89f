package handler

import (
	"encoding/json"
	"fmt"
	"log/slog"
	"net/url"
	"slices"
	"strconv"
	"strings"
)

// redacted stands in the place of a secret.
const redacted = "REDACTED"

// shortestSecret is the length below which a value is no secret to Redact. A
// short one occurs in innocent text, so that the log would be spoiled and would
// even tell the value. The secrets that Detour knows are longer: secret access
// keys have 40 characters, session tokens hundreds, pre-shared keys at least 8
// (Site-to-Site VPN User Guide, "Tunnel options"). An external id may be shorter,
// and then stays as it is; choose a long one.
const shortestSecret = 8

// Redact returns a function for slog.HandlerOptions.ReplaceAttr that puts
// REDACTED in the place of every secret, in keys, messages, texts, errors and
// whatever else is logged. It is the last line of defence behind code that logs
// no secrets, and for text handlers and JSON handlers alike. Empty values and
// those of less than 8 bytes are ignored.
//
// A secret is also found in the spellings of JSON, of Go strings and of URLs,
// and if the text was cut off within it. A value that is no text is replaced as
// a whole.
func Redact(secrets ...string) func(groups []string, a slog.Attr) slog.Attr {
	var r redactor
	for _, secret := range secrets {
		if len(secret) >= shortestSecret {
			r = append(r, spellings(secret)...)
		}
	}
	slices.Sort(r)
	r = slices.Compact(r)
	return func(_ []string, a slog.Attr) slog.Attr {
		if len(r) == 0 {
			return a
		}
		a.Key = r.text(a.Key)
		switch a.Value.Kind() {
		case slog.KindString:
			a.Value = slog.StringValue(r.text(a.Value.String()))
		case slog.KindAny:
			a.Value = r.value(a.Value.Any())
		default:
			if text := a.Value.String(); r.text(text) != text {
				a.Value = slog.StringValue(redacted)
			}
		}
		return a
	}
}

// spellings are the ways in which a secret may stand in a text.
func spellings(secret string) []string {
	quoted := strconv.Quote(secret)
	encoded, _ := json.Marshal(secret) // A string always marshals.
	return []string{
		secret, quoted[1 : len(quoted)-1], string(encoded[1 : len(encoded)-1]),
		url.QueryEscape(secret), url.PathEscape(secret),
	}
}

// redactor holds all spellings of all secrets.
type redactor []string

// value redacts what is neither text nor number. Handlers print it in one of
// several ways, so each of them is looked at.
func (r redactor) value(v any) slog.Value {
	if err, ok := v.(error); ok {
		if text := err.Error(); r.text(text) != text {
			return slog.StringValue(r.text(text))
		}
	}
	encoded, _ := json.Marshal(v) // What cannot be encoded is not printed so.
	for _, text := range []string{string(encoded), fmt.Sprintf("%+v", v)} {
		if r.text(text) != text {
			return slog.StringValue(redacted)
		}
	}
	return slog.AnyValue(v)
}

// span is a part of a text: from is in it, to is not.
type span struct{ from, to int }

// text replaces the secrets in a text. Secrets that overlap are replaced
// together, or a part of one would be left.
func (r redactor) text(s string) string {
	var found []span
	for _, secret := range r {
		for from := 0; ; {
			at := strings.Index(s[from:], secret)
			if at < 0 {
				break
			}
			found = append(found, span{from + at, from + at + len(secret)})
			from += at + 1
		}
		if cut, ok := cutOff(s, secret); ok {
			found = append(found, cut)
		}
	}
	if len(found) == 0 {
		return s
	}
	slices.SortFunc(found, func(a, b span) int { return a.from - b.from })
	var out strings.Builder
	end := 0
	for _, f := range found {
		if f.from >= end {
			out.WriteString(s[end:f.from])
			out.WriteString(redacted)
		}
		end = max(end, f.to)
	}
	out.WriteString(s[end:])
	return out.String()
}

// cutOff finds the beginning of the secret at the end of a text that was cut.
func cutOff(s, secret string) (span, bool) {
	s = strings.TrimRight(s, "….")
	for n := min(len(secret)-1, len(s)); n >= shortestSecret; n-- {
		if strings.HasSuffix(s, secret[:n]) {
			return span{len(s) - n, len(s)}, true
		}
	}
	return span{}, false
}
