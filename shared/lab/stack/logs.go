package stack

import (
	"encoding/json"
	"fmt"
	"regexp"
	"strings"
)

// SubscriptionFilter hands those events of a log group to a function that match a
// pattern. The log group may be anybody's, of the stack's account and Region.
type SubscriptionFilter struct {
	Resource
	// LogGroup is the name of the log group.
	LogGroup string
	Pattern  LogPattern
	// Destination is the ARN of the function.
	Destination string
}

// LogPattern is a filter pattern for log events that are JSON objects
// (CloudWatch Logs User Guide, "Filter pattern syntax for metric filters,
// subscription filters, filter log events, and Live Tail"). Of its language it has
// one comparison, { $.name.name = "text" }, and the empty pattern, which everything
// matches.
type LogPattern struct {
	Text string

	path  []string
	value string
}

// comparison is the one form of pattern, and plainValue a value without what has a
// meaning of its own there.
var (
	comparison = regexp.MustCompile(`^\{\s*\$((?:\.[A-Za-z0-9_]+)+)\s*=\s*"([^"]*)"\s*\}$`)
	plainValue = regexp.MustCompile(`^[^*%\\"]+$`)
)

// ParseLogPattern reads a pattern. An error says what the lab models.
func ParseLogPattern(text string) (LogPattern, error) {
	p := LogPattern{Text: text}
	if text == "" {
		return p, nil
	}
	parts := comparison.FindStringSubmatch(text)
	if parts == nil || !plainValue.MatchString(parts[2]) {
		return p, fmt.Errorf(`is %q; the lab models { $.name = "text" }, without wildcards, and the empty pattern`, text)
	}
	p.path, p.value = strings.Split(parts[1], ".")[1:], parts[2]
	return p, nil
}

// Match reports whether a log event's message matches. What is no JSON object
// matches no comparison.
func (p LogPattern) Match(message []byte) bool {
	if len(p.path) == 0 {
		return true
	}
	var value any
	if json.Unmarshal(message, &value) != nil {
		return false
	}
	for _, name := range p.path {
		object, ok := value.(map[string]any)
		if !ok {
			return false
		}
		value = object[name]
	}
	return value == any(p.value)
}

type subscriptionFilterProperties struct {
	DestinationArn string `must:"name the function's ARN"`
	FilterName     string
	FilterPattern  string
	LogGroupName   string `must:"name the log group"`
}

func addSubscriptionFilter(b *builder, r *resource, own Resource, w subscriptionFilterProperties) {
	p, err := ParseLogPattern(w.FilterPattern)
	if err != nil {
		b.problem(r, "FilterPattern", err.Error())
	}
	// CloudWatch Logs API reference, PutSubscriptionFilter: a function of the same
	// account. That it is of the same Region follows from its permission.
	if service, at, ok := siteOfARN(w.DestinationArn); !ok || service != "lambda" || at != b.stack.Site {
		b.problem(r, "DestinationArn", fmt.Sprintf("is %q; a log group is handed to a function of its own account and Region, %s", w.DestinationArn, b.stack.Site))
	}
	b.stack.LogFilters = append(b.stack.LogFilters, SubscriptionFilter{
		Resource: own, LogGroup: w.LogGroupName, Pattern: p, Destination: w.DestinationArn,
	})
}

// siteOfARN takes the service and the site out of an ARN.
func siteOfARN(arn string) (service string, at Site, ok bool) {
	parts := strings.SplitN(arn, ":", 6)
	if len(parts) < 6 || parts[0] != "arn" {
		return "", Site{}, false
	}
	return parts[2], Site{Account: parts[4], Region: parts[3]}, true
}

// LogGroupARN is the ARN of a log group as a permission names it: with all its
// streams.
func (s Site) LogGroupARN(name string) string { return s.ARN("logs", "log-group:"+name+":*") }
