package lambdahost

import (
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"detour/shared/controller"
)

// The limits of Lambda (Developer Guide, "Lambda quotas", where a MB is 1,024
// KB, and "Understanding the Lambda execution environment lifecycle").
const (
	maxPayload  = 6 << 20 // bytes, of the event and of the answer
	maxTimeout  = 15 * time.Minute
	maxMemoryMB = 10240
	maxName     = 64 // characters
	initLimit   = 10 * time.Second
)

// defaultEnvironments is how many environments a function has at most when its
// options do not say.
const defaultEnvironments = 10

// Options say which function is hosted, and how.
type Options struct {
	// Name is the function's name, for example "switchover".
	Name string
	// Bootstrap is the path of the executable.
	Bootstrap string
	// TaskRoot is the process's working directory and its LAMBDA_TASK_ROOT; empty:
	// the folder of Bootstrap.
	TaskRoot string
	// Env are environment variables beside those that Lambda sets. As in Lambda,
	// the reserved ones are refused; credentials may be given, since nothing else
	// gives them here. The process inherits nothing from its host.
	Env map[string]string
	// Account (12 digits) and Region are those of the function's ARN; Region is
	// AWS_REGION and AWS_DEFAULT_REGION too.
	Account, Region string
	// Timeout is how long one invocation may take, 15 minutes at most. The init
	// phase does not count.
	Timeout time.Duration
	// MemoryMB limits the process's resident memory, in units of 1,024 KB; 0: no
	// limit.
	MemoryMB int
	// Environments is how many may live at once (reserved concurrency); 0: 10.
	Environments int
	// Freeze stops the processes of an environment between invocations, as Lambda
	// freezes it. Time goes on for them while they are stopped.
	Freeze bool
	// Log takes every line that the processes write, in order for each stream of
	// each environment, and one call at a time. What was written before an answer
	// was complete is logged before Invoke returns. Log may call Kill, and no other
	// method of the Function. It may be nil.
	Log func(Line)
	// Clock is where time and goroutines come from; systemclock.New() in real use.
	Clock controller.Clock
}

// Line is one line of a function's log.
type Line struct {
	Function string
	// Environment numbers the function's environments, from "1", in the order in
	// which they were started.
	Environment string
	// RequestID is the request during which the line was begun, or the last one
	// before it; empty in the init phase.
	RequestID string
	// Text is the line without its newline. Lines of more than 256 KB are cut in
	// pieces.
	Text string
}

// checked returns the options with their defaults and absolute paths, or an
// error that joins all that is wrong with them.
func (o Options) checked() (Options, error) {
	var problems []error
	add := func(bad bool, format string, args ...any) {
		if bad {
			problems = append(problems, fmt.Errorf("lambdahost: "+format, args...))
		}
	}
	add(!validName(o.Name), "Name %q: give 1 to %d letters, digits, - or _", o.Name, maxName)
	add(!validAccount(o.Account), "Account %q: give the 12 digits of an AWS account", o.Account)
	add(o.Region == "", "Region is empty: give the function's AWS Region")
	add(o.Timeout <= 0 || o.Timeout > maxTimeout, "Timeout %s: give more than 0 and at most %s", o.Timeout, maxTimeout)
	add(o.MemoryMB < 0 || o.MemoryMB > maxMemoryMB, "MemoryMB %d: give 0 for no limit, or up to %d", o.MemoryMB, maxMemoryMB)
	add(o.Environments < 0, "Environments %d: give 0 for %d, or more than 0", o.Environments, defaultEnvironments)
	add(o.Clock == nil, "Clock is nil: give systemclock.New()")
	for _, name := range slices.Sorted(maps.Keys(o.Env)) {
		add(reserved(name), "Env: %s is set by Lambda itself: leave it out", name)
		// The value is not shown: it may be a secret.
		add(!validVariable(name) || strings.ContainsRune(o.Env[name], 0), "Env: %q: give a name of letters, digits and _ that begins with a letter, and a value without NUL", name)
	}
	if o.Environments == 0 {
		o.Environments = defaultEnvironments
	}
	o.Env = maps.Clone(o.Env)
	return o.locate(problems)
}

// locate makes the paths absolute and checks what they lead to.
func (o Options) locate(problems []error) (Options, error) {
	var err error
	if o.Bootstrap, err = filepath.Abs(o.Bootstrap); err != nil {
		return o, errors.Join(append(problems, fmt.Errorf("lambdahost: Bootstrap: %w", err))...)
	}
	if o.TaskRoot == "" {
		o.TaskRoot = filepath.Dir(o.Bootstrap)
	}
	if o.TaskRoot, err = filepath.Abs(o.TaskRoot); err != nil {
		return o, errors.Join(append(problems, fmt.Errorf("lambdahost: TaskRoot: %w", err))...)
	}
	file, err := os.Stat(o.Bootstrap)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		problems = append(problems, fmt.Errorf("lambdahost: Bootstrap %s does not exist: run make build", o.Bootstrap))
	case err != nil:
		problems = append(problems, fmt.Errorf("lambdahost: Bootstrap: %w", err))
	case !file.Mode().IsRegular() || file.Mode().Perm()&0o111 == 0:
		problems = append(problems, fmt.Errorf("lambdahost: Bootstrap %s has mode %s: give an executable file; make build makes one", o.Bootstrap, file.Mode()))
	}
	folder, err := os.Stat(o.TaskRoot)
	switch {
	case err != nil:
		problems = append(problems, fmt.Errorf("lambdahost: TaskRoot: %w; give the function's folder", err))
	case !folder.IsDir():
		problems = append(problems, fmt.Errorf("lambdahost: TaskRoot %s is a file: give the function's folder", o.TaskRoot))
	}
	return o, errors.Join(problems...)
}

// arn is the function's ARN.
func (o Options) arn() string {
	return "arn:aws:lambda:" + o.Region + ":" + o.Account + ":function:" + o.Name
}

// environ returns the environment variables of a process, sorted (Developer
// Guide, "Working with Lambda environment variables", which says that
// AWS_EXECUTION_ENV is not defined for OS-only runtimes).
func (o Options) environ(address, logStream string) []string {
	memory := o.MemoryMB
	if memory == 0 {
		memory = maxMemoryMB // A function may derive its own limits from this, and here it has none.
	}
	// PATH and LANG may be overridden, as in Lambda.
	all := map[string]string{
		"PATH": "/usr/local/bin:/usr/bin/:/bin:/opt/bin",
		"LANG": "en_US.UTF-8",
	}
	maps.Copy(all, o.Env)
	maps.Copy(all, map[string]string{
		"AWS_DEFAULT_REGION":              o.Region,
		"AWS_LAMBDA_FUNCTION_MEMORY_SIZE": strconv.Itoa(memory),
		"AWS_LAMBDA_FUNCTION_NAME":        o.Name,
		"AWS_LAMBDA_FUNCTION_VERSION":     "$LATEST",
		"AWS_LAMBDA_INITIALIZATION_TYPE":  "on-demand",
		"AWS_LAMBDA_LOG_GROUP_NAME":       "/aws/lambda/" + o.Name,
		"AWS_LAMBDA_LOG_STREAM_NAME":      logStream,
		"AWS_LAMBDA_RUNTIME_API":          address,
		"AWS_REGION":                      o.Region,
		"LAMBDA_RUNTIME_DIR":              "/var/runtime",
		"LAMBDA_TASK_ROOT":                o.TaskRoot,
		"TZ":                              ":UTC",
		"_HANDLER":                        "bootstrap",
	})
	list := make([]string, 0, len(all))
	for name, value := range all {
		list = append(list, name+"="+value)
	}
	slices.Sort(list)
	return list
}

// reserved reports whether only Lambda may set the variable.
func reserved(name string) bool {
	switch name {
	case "AWS_DEFAULT_REGION", "AWS_EXECUTION_ENV", "AWS_REGION", "LAMBDA_RUNTIME_DIR", "LAMBDA_TASK_ROOT", "TZ", "_HANDLER", "_X_AMZN_TRACE_ID":
		return true
	}
	return strings.HasPrefix(name, "AWS_LAMBDA_")
}

// validName reports whether Lambda takes the function name.
func validName(name string) bool {
	return name != "" && len(name) <= maxName && strings.IndexFunc(name, func(r rune) bool { return !alphanumeric(r) && r != '-' && r != '_' }) < 0
}

// validAccount reports whether it is an account id.
func validAccount(account string) bool {
	return len(account) == 12 && strings.IndexFunc(account, func(r rune) bool { return r < '0' || r > '9' }) < 0
}

// validVariable reports whether Lambda takes a variable of that name.
func validVariable(name string) bool {
	first := strings.IndexFunc(name, func(r rune) bool { return r < '0' || r > '9' })
	return first == 0 && name[0] != '_' && strings.IndexFunc(name, func(r rune) bool { return !alphanumeric(r) && r != '_' }) < 0
}

// alphanumeric reports whether it is an ASCII letter or digit.
func alphanumeric(r rune) bool {
	return 'a' <= r && r <= 'z' || 'A' <= r && r <= 'Z' || '0' <= r && r <= '9'
}
