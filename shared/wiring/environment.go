package wiring

import (
	"errors"
	"fmt"
	"log/slog"
	"net/url"
	"path"
	"strings"

	"detour/shared/adapter/awsclient"
)

// environment is what the function's environment says, checked.
type environment struct {
	config, account, region string
	table, queue, bus       string
	// filterQueue is the queue of the filters' wake-ups; empty: it is queue.
	filterQueue          string
	role                 func(account, region string) string
	externalID, endpoint string
	level                slog.Level
	// secrets are the values that no log line may show.
	secrets []string
}

// readEnvironment reads the variables. The error joins all that is wrong with
// them, each with its name and the remedy.
func readEnvironment(getenv func(string) string) (environment, error) {
	r := reader{getenv: getenv}
	e := environment{
		config:  r.text("DETOUR_CONFIG", path.Join(getenv("LAMBDA_TASK_ROOT"), "detour.json")),
		account: r.account("DETOUR_ACCOUNT"),
		region:  r.required("AWS_REGION", "name the Region that the function runs in; Lambda does"),
		table:   r.required("DETOUR_TABLE", "name the DynamoDB table of the records"),
		queue:   r.address("DETOUR_WAKE_QUEUE", r.required("DETOUR_WAKE_QUEUE", "give the URL of the SQS queue of the wake-ups")),
		bus:     r.text("DETOUR_EVENT_BUS", "default"),

		filterQueue: r.address("DETOUR_FILTER_WAKE_QUEUE", getenv("DETOUR_FILTER_WAKE_QUEUE")),

		role: r.role("DETOUR_ROLE"),

		externalID: getenv("DETOUR_EXTERNAL_ID"),
		endpoint:   r.address("AWS_ENDPOINT_URL", getenv("AWS_ENDPOINT_URL")),
		level:      r.level("DETOUR_LOG_LEVEL"),
	}
	for _, name := range []string{"AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN", "DETOUR_EXTERNAL_ID"} {
		e.secrets = append(e.secrets, getenv(name))
	}
	return e, errors.Join(r.problems...)
}

// reader reads variables and collects what is wrong with them.
type reader struct {
	getenv   func(string) string
	problems []error
}

func (r *reader) problem(format string, args ...any) {
	r.problems = append(r.problems, fmt.Errorf(format, args...))
}

// text reads a variable that has a default.
func (r *reader) text(name, standard string) string {
	if value := r.getenv(name); value != "" {
		return value
	}
	return standard
}

func (r *reader) required(name, remedy string) string {
	value := r.getenv(name)
	if value == "" {
		r.problem("%s is not set; %s", name, remedy)
	}
	return value
}

func (r *reader) account(name string) string {
	value := r.required(name, "give the 12 digits of the account that the function runs in")
	if value != "" && (len(value) != 12 || strings.Trim(value, "0123456789") != "") {
		r.problem("%s is %q, which is no account; give its 12 digits", name, value)
	}
	return value
}

// address checks a URL that may be empty. The value is not repeated, since a
// URL can hold a password.
func (r *reader) address(name, value string) string {
	if value == "" {
		return ""
	}
	if u, err := url.Parse(value); err != nil || (u.Scheme != "https" && u.Scheme != "http") || u.Host == "" || u.User != nil {
		r.problem("%s is no URL that can be used; write https://, a host and no user name", name)
	}
	return value
}

func (r *reader) role(name string) func(account, region string) string {
	value := r.getenv(name)
	if value == "" {
		return nil
	}
	role, err := awsclient.RoleTemplate(value)
	if err != nil {
		r.problem("%s: %w", name, err)
	}
	return role
}

func (r *reader) level(name string) slog.Level {
	var level slog.Level
	if value := r.getenv(name); value != "" {
		if err := level.UnmarshalText([]byte(value)); err != nil {
			r.problem("%s is %q, which is no level; write info or debug", name, value)
		} else if level > slog.LevelInfo {
			r.problem("%s is %q, but the metrics are in the lines of level info, and alarms would miss them; write info or debug", name, value)
		}
	}
	return level
}
