package handler_test

import (
	"bytes"
	"errors"
	"fmt"
	"log/slog"
	"net/url"
	"strconv"
	"strings"
	"testing"
	"time"

	"detour/shared/handler"
)

const (
	secretKey = `wJalr"XUtn/FEMI+K7MDENG&bPx<RfiCY>EXAMPLEKEY`
	token     = "IQoJb3JpZ2luX2VjEXAMPLE-0123456789-abcdefghijklmnopqrstuvwxyz"
)

type holder struct {
	Name   string
	Secret string
}

// stubborn prints the secret in its own way only.
type stubborn struct{}

func (stubborn) MarshalJSON() ([]byte, error) { return []byte(`"` + token + `"`), nil }
func (stubborn) Error() string                { return "harmless" }

func logged(secrets []string, log func(*slog.Logger)) []string {
	var out []string
	for _, handlerOf := range []func(*bytes.Buffer, *slog.HandlerOptions) slog.Handler{
		func(b *bytes.Buffer, o *slog.HandlerOptions) slog.Handler { return slog.NewJSONHandler(b, o) },
		func(b *bytes.Buffer, o *slog.HandlerOptions) slog.Handler { return slog.NewTextHandler(b, o) },
	} {
		var buffer bytes.Buffer
		log(slog.New(handlerOf(&buffer, &slog.HandlerOptions{ReplaceAttr: handler.Redact(secrets...)})))
		out = append(out, buffer.String())
	}
	return out
}

// TestRedact: wherever a secret stands, it is replaced, and what stands beside
// it in a text stays.
func TestRedact(t *testing.T) {
	cases := map[string]func(*slog.Logger){
		"a text":                 func(l *slog.Logger) { l.Info("x", "a", "kept "+secretKey+" kept") },
		"the message":            func(l *slog.Logger) { l.Info("kept " + secretKey) },
		"a key":                  func(l *slog.Logger) { l.Info("kept", "a"+secretKey, 1) },
		"an error":               func(l *slog.Logger) { l.Info("x", "a", errors.New("kept: "+secretKey)) },
		"a wrapped error":        func(l *slog.Logger) { l.Info("x", "a", fmt.Errorf("kept: %w", errors.New(secretKey))) },
		"a joined error":         func(l *slog.Logger) { l.Info("x", "a", errors.Join(errors.New("kept"), errors.New(secretKey))) },
		"a quoted error":         func(l *slog.Logger) { l.Info("x", "a", fmt.Errorf("kept: %q", secretKey)) },
		"a group":                func(l *slog.Logger) { l.Info("kept", slog.Group("g", slog.Group("h", slog.String("a", secretKey)))) },
		"attributes of a logger": func(l *slog.Logger) { l.With("a", secretKey).WithGroup("g").Info("kept", "b", secretKey) },
		"a struct":               func(l *slog.Logger) { l.Info("kept", "a", holder{"n", secretKey}) },
		"a pointer":              func(l *slog.Logger) { l.Info("kept", "a", &holder{"n", secretKey}) },
		"a map":                  func(l *slog.Logger) { l.Info("kept", "a", map[string]any{"b": []string{secretKey}}) },
		"a URL":                  func(l *slog.Logger) { l.Info("kept", "a", "https://x/?k="+url.QueryEscape(secretKey)) },
		"JSON in a text": func(l *slog.Logger) {
			l.Info("kept", "a", `{"b":"wJalr\"XUtn/FEMI+K7MDENG\u0026bPx\u003cRfiCY\u003eEXAMPLEKEY"}`)
		},
		"a text that is cut off": func(l *slog.Logger) { l.Info("kept", "a", "kept "+secretKey[:20]) },
		"one that says so":       func(l *slog.Logger) { l.Info("kept", "a", "kept "+secretKey[:20]+"…") },
		"two of them":            func(l *slog.Logger) { l.Info("kept", "a", secretKey+" "+token+" "+secretKey) },
		"an error that is JSON":  func(l *slog.Logger) { l.Info("kept", "a", stubborn{}) },
	}
	for name, log := range cases {
		t.Run(name, func(t *testing.T) {
			for i, text := range logged([]string{secretKey, token}, log) {
				printed := i == 1 && name == "an error that is JSON" // The text handler does not ask for its JSON.
				if !strings.Contains(text, "kept") || (!printed && !strings.Contains(text, "REDACTED")) {
					t.Errorf("the line is %s", text)
				}
				for _, part := range []string{"FEMI", "EXAMPLEKEY", "IQoJ", "uvwxyz"} {
					if strings.Contains(text, part) {
						t.Errorf("the line has %q: %s", part, text)
					}
				}
			}
		})
	}
}

// TestRedactOverlaps: of secrets that overlap, contain one another or repeat, no
// part is left.
func TestRedactOverlaps(t *testing.T) {
	cases := map[string]struct {
		secrets    []string
		text, want string
	}{
		"one begins in the other":  {[]string{"abcdefghij", "ghijklmnop"}, "<abcdefghijklmnop>", "<REDACTED>"},
		"one holds the other":      {[]string{"cdefghij", "abcdefghijklmnop"}, "<abcdefghijklmnop>", "<REDACTED>"},
		"the shorter stands alone": {[]string{"cdefghij", "abcdefghijklmnop"}, "<cdefghij> <abcdefghijklmnop>", "<REDACTED> <REDACTED>"},
		"a repetition":             {[]string{"abababab"}, "<ababababab>", "<REDACTED>"},
		"given twice":              {[]string{"abcdefgh", "abcdefgh"}, "<abcdefgh>", "<REDACTED>"},
		"nothing to replace":       {[]string{"abcdefgh"}, "<abcdefg>", "<abcdefg>"},
		"an empty secret":          {[]string{""}, "abc", "abc"},
		"a short secret":           {[]string{"abcdefg"}, "abcdefg", "abcdefg"},
		"eight characters":         {[]string{"abcdefgh"}, "abcdefgh", "REDACTED"},
		"no secrets":               {nil, "abc", "abc"},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			if got := handler.Redact(c.secrets...)(nil, slog.String("a", c.text)).Value.String(); got != c.want {
				t.Errorf("the text is %s, want %s", got, c.want)
			}
		})
	}
}

// TestRedactKeepsTheRest: values without a secret keep their type.
func TestRedactKeepsTheRest(t *testing.T) {
	redact := handler.Redact(secretKey, "20260102")
	for _, value := range []slog.Value{
		slog.IntValue(7), slog.BoolValue(true), slog.DurationValue(time.Second), slog.AnyValue(holder{"n", "s"}), slog.AnyValue(errors.New("e")), slog.AnyValue(nil),
	} {
		if got := redact(nil, slog.Attr{Key: "a", Value: value}).Value; got.String() != value.String() || got.Kind() != value.Kind() {
			t.Errorf("%v became %v", value, got)
		}
	}
	if got := redact(nil, slog.Int("a", 120260102)).Value.String(); got != "REDACTED" {
		t.Errorf("a secret in a number is logged as %s", got)
	}
}

// FuzzRedact: whatever the text, no secret is left in it.
func FuzzRedact(f *testing.F) {
	f.Add("before ", secretKey, token, " after")
	f.Add("", "aaaaaaaa", "aaaaaaaaaa", "a")
	f.Fuzz(func(t *testing.T, before, one, other, after string) {
		text := before + one + other + after
		got := handler.Redact(one, other)(nil, slog.String("a", text)).Value.String()
		for _, secret := range []string{one, other} {
			// A secret that is part of the replacement or that arises around it is
			// none that the text had.
			if len(secret) < 8 || !strings.Contains(strings.ReplaceAll(got, "REDACTED", "\x00"), secret) {
				continue
			}
			t.Errorf("%s is left in %s", strconv.Quote(secret), strconv.Quote(got))
		}
	})
}
