package live

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"os"
	"slices"
	"strings"
	"sync"
	"time"

	"detour/shared/adapter/systemclock"
	"detour/shared/lab"
	"detour/shared/lab/lambdahost"
	"detour/shared/lab/stack"
	"detour/shared/sim"
	"detour/shared/sim/cloudwatchapi"
	"detour/shared/sim/dynamoapi"
	"detour/shared/sim/ec2api"
	"detour/shared/sim/endpoint"
	"detour/shared/sim/eventsapi"
	"detour/shared/sim/networkmanagerapi"
	"detour/shared/sim/sqsapi"
	"detour/shared/sim/states"
	"detour/shared/sim/statesapi"
)

// Options say what is served, and how.
type Options struct {
	// File is the network, and the configuration of Detour. Required.
	File *lab.TopologyFile
	// Listen is the address to listen on, of this machine's loopback. Port 0 takes
	// a free one.
	Listen string
	// FunctionsDir has the functions' binaries, FUNCTION/bootstrap. Empty: no
	// function runs.
	FunctionsDir string
	// TemplateDir is a cloud assembly, whose templates say what runs instead of the
	// built-in deployment. Their functions run from there, or from FunctionsDir
	// where they are for another kind of machine. Empty: the built-in deployment.
	TemplateDir string
	// Out gets a line for each thing that happens; nil: nobody does. A Write that
	// takes longer than 1 s is not waited for: further lines are kept for later,
	// and counted when they are too many. JSON makes each line a JSON object.
	Out  io.Writer
	JSON bool
	// RetryDelays are the waits before the further attempts of an asynchronous
	// invocation that failed. Default: 1 and 2 minutes, as Lambda's.
	RetryDelays []time.Duration
	// Visibility is the visibility timeout of the wake-up queue, and the timeout of
	// the functions. Default: 5 minutes.
	Visibility time.Duration
	// Environments is how many invocations of a function run at the same time.
	// Default: 4.
	Environments int
	// NoSchedule: nothing starts a sweep but Do.
	NoSchedule bool
	// Manual: nothing at all invokes a function but its caller and Do. It implies
	// NoSchedule, and that nobody is told what to try.
	Manual bool
	// Wrap lets a test put itself before the simulated services. The context of a
	// request carries the sim.Call, with the name of the caller.
	Wrap func(http.Handler) http.Handler
	// Prepare changes the network before anybody sees it, and before it sends
	// events; nil: it stays as the file has it. An error ends Start.
	Prepare func(*sim.World) error
	// Env are further variables of the functions' environment.
	Env map[string]string
}

// HostFunctions is where make build leaves the functions' binaries for this
// machine, in the root of the repository: Options.FunctionsDir of commands.
const HostFunctions = "dist/host"

// defaultVisibility is the functions' timeout. SQS wants a visibility timeout
// that is no shorter.
const defaultVisibility = 5 * time.Minute

// Server is a network that is served. Its methods may be called from several
// goroutines.
type Server struct {
	opts   Options
	clock  systemclock.Clock
	keeper *sim.WallClock
	world  *sim.World
	names  *strings.Replacer
	queues *sqsapi.Handler
	tables *dynamoapi.Handler
	// workflows runs the state machines.
	workflows *states.Engine
	// rules are those that the built-in deployment has.
	rules []rule
	// model is what runs; nil: nothing does.
	model     *stack.Assembly
	homes     []*home
	started   []*function
	byARN     map[string]*function // the functions
	queueURLs map[string]string    // by the queues' ARNs
	lines     *teller
	change    changes

	address string
	http    *http.Server
	served  func()
	folder  string

	ctx     context.Context //nolint:containedctx // It ends what the server runs, not a call.
	cancel  context.CancelFunc
	running sync.WaitGroup
	closing sync.Once
	failure error // of closing

	looking sync.Mutex // held while new changes of the network are told
	told    int        // changes of tunnels
	shown   int        // changes of everything else

	mu          sync.Mutex
	closed      bool
	delivery    string
	frozen      map[string]bool
	lastEvent   []byte
	sent        int // events of which lastEvent is the last
	invocations []Invocation
	dead        []DeadLetter
	requests    int
}

// Start serves the network until Close, or until ctx ends and Close is called.
func Start(ctx context.Context, opts Options) (*Server, error) {
	if err := onLoopback(opts.Listen); err != nil {
		return nil, err
	}
	opts = opts.withDefaults()
	s := &Server{opts: opts, names: opts.File.Names(), delivery: deliverEvents, frozen: map[string]bool{}}
	var err error
	var model *stack.Assembly
	if opts.TemplateDir != "" {
		if model, err = s.readTemplate(); err != nil {
			return nil, err
		}
	}
	if s.rules, err = rules(len(s.opts.File.Config.FilterList) > 0); err != nil {
		return nil, err
	}
	listener, err := (&net.ListenConfig{}).Listen(ctx, "tcp", opts.Listen)
	if err != nil {
		return nil, fmt.Errorf("listening on %s: %w; choose another port with --listen, or port 0 for a free one", opts.Listen, err)
	}
	s.address = listener.Addr().String()
	s.ctx, s.cancel = context.WithCancel(ctx)
	s.keeper = sim.NewWallClock()
	s.lines = &teller{now: s.keeper.Now, names: s.names, json: opts.JSON}
	if opts.Out != nil {
		s.lines.out = &outlet{to: opts.Out, clock: s.clock, unshown: s.lines.unshown}
	}
	s.world, err = sim.NewWorld(watched{Timekeeper: s.keeper, after: s.look}, s.opts.File.Topology, opts.File.Options())
	if err != nil {
		return nil, errors.Join(fmt.Errorf("building the network: %w", err), listener.Close(), s.Close())
	}
	if opts.Prepare != nil {
		if err := opts.Prepare(s.world); err != nil {
			return nil, errors.Join(err, listener.Close(), s.Close())
		}
	}
	s.shown, s.told = len(s.world.HealthHistory()), len(s.world.TunnelHistory()) // The start is no change.
	s.world.TellOfCalls(principal)
	s.world.Subscribe(s.emitted)
	s.queues = sqsapi.New(s.keeper)
	s.tables = dynamoapi.New()
	s.workflows = states.New(states.Options{Keeper: s.keeper, Invoke: s.runTask, Changed: s.tellExecution})
	s.http = &http.Server{Handler: s.handler(), ReadHeaderTimeout: time.Minute}
	if err := s.run(model); err != nil {
		return nil, errors.Join(err, listener.Close(), s.Close())
	}
	s.served = s.clock.Go(s.ctx, func(context.Context) { _ = s.http.Serve(listener) })
	if !opts.Manual {
		s.ready()
	}
	if s.model != nil && !opts.NoSchedule && !opts.Manual {
		s.schedule()
	}
	return s, nil
}

// run deploys what the templates describe, or else the built-in deployment if
// there are functions.
func (s *Server) run(model *stack.Assembly) error {
	if model == nil && s.opts.FunctionsDir == "" {
		return nil
	}
	if model == nil {
		var err error
		if model, err = s.builtin(); err != nil {
			return err
		}
	}
	return s.deploy(model)
}

// withDefaults fills in what the options leave out.
func (o Options) withDefaults() Options {
	if len(o.RetryDelays) == 0 {
		o.RetryDelays = retryDelays()
	}
	if o.Environments == 0 {
		o.Environments = environments
	}
	if o.Visibility == 0 {
		o.Visibility = defaultVisibility
	}
	return o
}

// onLoopback refuses an address that others could reach: whoever reaches the
// server can do everything with it.
func onLoopback(listen string) error {
	host, _, err := net.SplitHostPort(listen)
	if err != nil {
		return fmt.Errorf("--listen is %q: %w; write an address and a port, such as 127.0.0.1:4599", listen, err)
	}
	address, err := netip.ParseAddr(host)
	if host != "localhost" && (err != nil || !address.IsLoopback()) {
		return fmt.Errorf("--listen is %q, which others could reach, and nobody has to log in; write 127.0.0.1, [::1] or localhost, and forward the port if another machine needs it", listen)
	}
	return nil
}

// handler answers the simulated services, and the lab's own requests.
func (s *Server) handler() http.Handler {
	ec2 := ec2api.New(recorder{World: s.world, server: s})
	ec2.LimitPages(s.opts.File.World.PageLimit)
	alarms := cloudwatchapi.New(s.world)
	alarms.LimitPages(s.opts.File.World.PageLimit)
	manager := networkmanagerapi.New(s.world)
	manager.LimitPages(s.opts.File.World.PageLimit)
	workflows := statesapi.New(s.workflows)
	workflows.LimitPages(s.opts.File.World.PageLimit)
	var aws http.Handler = endpoint.New(map[string]http.Handler{
		statesapi.Service: workflows,
		"ec2":             ec2, "sts": ec2, cloudwatchapi.Service: alarms, networkmanagerapi.Service: manager, "dynamodb": s.tables, "sqs": s.queues, "events": eventsapi.New(s.keeper, s.published),
	})
	if s.opts.Wrap != nil {
		aws = s.opts.Wrap(aws)
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method == http.MethodPost && r.URL.Path == ControlPath {
			s.control(w, r)
			return
		}
		if r.Method == http.MethodGet && r.URL.Path == DeploymentPath {
			s.deployment(w)
			return
		}
		who := program(r.UserAgent())
		if function, rest, ok := addressee(r.URL.Path); ok {
			r = r.Clone(r.Context())
			r.URL.Path, r.URL.RawPath, who = rest, "", function
		}
		call := sim.Call{Process: who, SentAt: s.keeper.Now()}
		aws.ServeHTTP(w, r.WithContext(sim.WithCall(r.Context(), call)))
	})
}

// callersPath begins the path of callers that have an address of their own, so
// that the call log knows them: /as/NAME, and then what AWS's paths are.
const callersPath = "/as/"

// principal is who CloudTrail says that a caller is: a user of the name of a person
// or a program. It tells of no call of Detour's functions, which would only be
// dropped.
func principal(caller string) (sim.Principal, bool) {
	for _, name := range []string{RouteFilter, Sweep, Switchover, failbackTasks} {
		if caller == name || strings.HasPrefix(caller, name+"-") {
			return sim.Principal{}, false
		}
	}
	return sim.Principal{User: strings.TrimPrefix(caller, "writer:")}, true
}

// addressee takes the caller's name off a path.
func addressee(path string) (name, rest string, ok bool) {
	name, ok = strings.CutPrefix(path, callersPath)
	name, rest, _ = strings.Cut(name, "/")
	return name, "/" + rest, ok && name != ""
}

// program is the name of a program by its User-Agent header: what stands before
// the first slash.
func program(agent string) string {
	name, _, _ := strings.Cut(agent, "/")
	if name = strings.TrimSpace(name); name == "" || len(name) > 40 {
		return "somebody"
	}
	return strings.ToLower(name)
}

// URL is the address of all simulated services.
func (s *Server) URL() string { return "http://" + s.address }

// World is the network.
func (s *Server) World() *sim.World { return s.world }

// Function returns the function of that name in the first home, or nil if it
// does not run.
func (s *Server) Function(name string) *lambdahost.Function {
	if len(s.homes) == 0 {
		return nil
	}
	if f := s.homes[0].functions[name]; f != nil {
		return f.process
	}
	return nil
}

// TellBGP writes a line about a BGP session that somebody runs beside the server,
// and has whoever waits for a change look again. who is AWS or the router; data is
// for a program.
func (s *Server) TellBGP(who, what string, data any) {
	s.lines.tell(line{Kind: kindBGP, Who: who, What: what, Data: data})
	s.change.signal()
}

// Changed returns a channel that is closed at the next change: of a tunnel or a
// table, at the end of an invocation, at an event or a dead letter. To wait, take
// the channel first, look, and then wait for it.
func (s *Server) Changed() <-chan struct{} { return s.change.wait() }

// Invocations returns the attempts that have ended, in the order of their ends.
func (s *Server) Invocations() []Invocation {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.invocations)
}

// LastEvent returns the last event of the network that a rule sends to a
// function, or nil.
func (s *Server) LastEvent() []byte {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.lastEvent
}

// DeadLetters returns what was given up: failed asynchronous invocations in the
// order in which they were given up, then the messages in the dead-letter queues.
func (s *Server) DeadLetters() []DeadLetter {
	s.mu.Lock()
	out := slices.Clone(s.dead)
	s.mu.Unlock()
	for _, h := range s.homes {
		out = append(out, h.deadWakes(s.queues)...)
	}
	return out
}

// start runs fn beside the caller, unless the server is closed. Close waits for it.
func (s *Server) start(fn func(context.Context)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return
	}
	s.running.Add(1)
	s.clock.Go(s.ctx, func(ctx context.Context) {
		defer s.running.Done()
		fn(ctx)
	})
}

// Close ends the functions and the server, and waits for both. It may be called
// more than once.
func (s *Server) Close() error {
	s.closing.Do(s.close)
	return s.failure
}

func (s *Server) close() {
	s.mu.Lock()
	s.closed = true
	s.mu.Unlock()
	s.cancel()
	var errs []error
	errs = append(errs, s.closeFunctions())
	if s.served != nil {
		errs = append(errs, s.http.Close())
		s.served()
	}
	s.running.Wait()
	s.keeper.Close()
	if s.folder != "" {
		errs = append(errs, os.RemoveAll(s.folder))
	}
	s.failure = errors.Join(errs...)
}
