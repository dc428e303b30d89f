//go:build linux

package lambdahost_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"os/signal"
	"strings"
	"syscall"
	"testing"

	"github.com/aws/aws-lambda-go/lambda"
	"github.com/aws/aws-lambda-go/lambdacontext"
)

// childMode is the variable that makes this test binary a bootstrap.
const childMode = "LAMBDAHOST_CHILD"

func TestMain(m *testing.M) {
	mode := os.Getenv(childMode)
	if mode == "" {
		os.Exit(m.Run())
	}
	child(mode)
	os.Exit(0)
}

// An order is an event of these tests: what the child is to do with it.
type order struct {
	Do   string `json:"do"`
	Text string `json:"text,omitempty"`
	MB   int    `json:"mb,omitempty"`
	Addr string `json:"addr,omitempty"`
}

// child plays the bootstrap.
func child(mode string) {
	switch mode {
	case "runtime":
		fmt.Println("starting")
		(&runtime{root: "http://" + os.Getenv("AWS_LAMBDA_RUNTIME_API") + "/2018-06-01/runtime"}).loop()
	case "real":
		lambda.Start(realHandler)
	case "exit":
		fmt.Print("leaving at once") // Without a newline.
		os.Exit(4)
	case "exit-well":
	case "init-error":
		r := &runtime{root: "http://" + os.Getenv("AWS_LAMBDA_RUNTIME_API") + "/2018-06-01/runtime"}
		r.post("/init/error", `{"errorMessage":"no configuration","errorType":"Config.Missing"}`, nil)
		forever()
	case "hang":
		forever()
	case "host":
		hostOthers()
	case "dial": // A grandchild.
		dial(os.Getenv("LAMBDAHOST_ADDR"), "grandchild")
	}
}

// forever waits until the process is killed.
func forever() {
	never := make(chan os.Signal, 1)
	signal.Notify(never, syscall.SIGUSR1)
	<-never
}

// dial tells the test that it is here, and waits for its word.
func dial(addr, word string) {
	conn, err := net.Dial("tcp", addr)
	must(err)
	_, err = io.WriteString(conn, word+"\n")
	must(err)
	fmt.Println("waiting")
	_, err = conn.Read(make([]byte, 1))
	must(err)
	must(conn.Close())
}

func must(err error) {
	if err != nil {
		panic(err)
	}
}

// A runtime speaks the Runtime API, more or less well.
type runtime struct {
	root string
	last string // the id of the invocation before this one
}

func (r *runtime) loop() {
	for {
		id, header, body := r.next()
		var o order
		must(json.Unmarshal(body, &o))
		r.obey(id, header, body, o)
		r.last = id
	}
}

func (r *runtime) next() (string, http.Header, []byte) {
	answer, err := http.Get(r.root + "/invocation/next")
	must(err)
	body, err := io.ReadAll(answer.Body)
	must(err)
	must(answer.Body.Close())
	if answer.StatusCode != http.StatusOK {
		fmt.Println("next:", answer.StatusCode, string(body))
	}
	return answer.Header.Get("Lambda-Runtime-Aws-Request-Id"), answer.Header, body
}

// post returns the status, and says on stdout what was not accepted.
func (r *runtime) post(path, body string, header map[string]string) int {
	request, err := http.NewRequestWithContext(context.Background(), http.MethodPost, r.root+path, strings.NewReader(body))
	must(err)
	for name, value := range header {
		request.Header.Set(name, value)
	}
	answer, err := http.DefaultClient.Do(request)
	must(err)
	text, err := io.ReadAll(answer.Body)
	must(err)
	must(answer.Body.Close())
	if answer.StatusCode != http.StatusAccepted {
		fmt.Printf("post: %d %s\n", answer.StatusCode, text)
	}
	return answer.StatusCode
}

func (r *runtime) respond(id string, value any) {
	text, err := json.Marshal(value)
	must(err)
	r.post("/invocation/"+id+"/response", string(text), nil)
}

func (r *runtime) obey(id string, header http.Header, body []byte, o order) {
	response, failure := "/invocation/"+id+"/response", "/invocation/"+id+"/error"
	switch o.Do {
	case "echo":
		r.post(response, string(body), nil)
	case "about":
		folder, err := os.Getwd()
		must(err)
		r.respond(id, about{PID: os.Getpid(), Folder: folder, Environ: os.Environ(), Header: header})
	case "report":
		r.post(failure, o.Text, map[string]string{"Lambda-Runtime-Function-Error-Type": "Function.Header"})
	case "trailer":
		r.trailer(response)
	case "large":
		r.post(response, strings.Repeat("x", o.MB<<20+1), nil)
	case "panic":
		panic("on purpose")
	case "exit":
		fmt.Print("last words")
		os.Exit(3)
	case "answer-and-exit":
		r.post(response, `"answered"`, nil)
		os.Exit(3)
	case "answer-and-hang":
		r.post(response, `"answered"`, nil)
		forever()
	case "hang":
		fmt.Println("hanging")
		forever()
	case "allocate":
		use(o.MB)
		fmt.Println("allocated")
		forever()
	case "allocate-and-answer":
		use(o.MB)
		r.post(response, `"answered"`, nil)
	case "print":
		_, err := io.WriteString(os.Stdout, o.Text)
		must(err)
		r.respond(id, nil)
	case "print-both":
		for i := range 200 {
			fmt.Fprintln(os.Stdout, "out", i)
			fmt.Fprintln(os.Stderr, "err", i)
		}
		r.respond(id, nil)
	case "twice":
		r.post(response, `"first"`, nil)
		r.post(response, `"second"`, nil)
		r.post(failure, `"third"`, nil)
	case "wrong-id":
		r.post("/invocation/"+o.Text+"/response", `"wrong"`, nil)
		r.post("/invocation/"+r.last+"/error", `"old"`, nil)
		r.post("/init/error", `"late"`, nil)
		r.next()
		r.post(response, `"right"`, nil)
	case "meet":
		dial(o.Addr, id)
		r.respond(id, os.Getpid())
	case "stay": // The connection stays open as long as the process lives.
		conn, err := net.Dial("tcp", o.Addr)
		must(err)
		_, err = io.WriteString(conn, id+"\n")
		must(err)
		stays = append(stays, conn)
		r.respond(id, os.Getpid())
	case "spawn":
		grandchild := exec.Command("/proc/self/exe")
		grandchild.Env = []string{childMode + "=dial", "LAMBDAHOST_ADDR=" + o.Addr}
		here, err := grandchild.StdoutPipe()
		must(err)
		must(grandchild.Start())
		_, err = here.Read(make([]byte, 1)) // A frozen grandchild would never come.
		must(err)
		r.respond(id, nil)
	default:
		panic("unknown order " + o.Do)
	}
}

// stays keeps connections from being collected.
var stays []net.Conn

// trailer begins an answer and reports an error at its end.
func (r *runtime) trailer(path string) {
	request, err := http.NewRequestWithContext(context.Background(), http.MethodPost, r.root+path, io.MultiReader(strings.NewReader(`{"half":`)))
	must(err)
	request.Trailer = http.Header{
		"Lambda-Runtime-Function-Error-Type": {"Reader.Failed"},
		"Lambda-Runtime-Function-Error-Body": {"eyJlcnJvclR5cGUiOiJSZWFkZXIuRmFpbGVkIiwiZXJyb3JNZXNzYWdlIjoiaGFsZndheSJ9"},
	}
	answer, err := http.DefaultClient.Do(request)
	must(err)
	must(answer.Body.Close())
}

// about is what a child knows of its surroundings.
type about struct {
	PID     int         `json:"pid"`
	Folder  string      `json:"folder"`
	Environ []string    `json:"environ"`
	Header  http.Header `json:"header"`
}

var used []byte

// use makes so many MB resident.
func use(mb int) {
	used = make([]byte, mb<<20)
	for i := 0; i < len(used); i += 4096 {
		used[i] = 1
	}
}

// realAnswer is what the real runtime's handler saw.
type realAnswer struct {
	Order    order  `json:"order"`
	ID       string `json:"id"`
	ARN      string `json:"arn"`
	Deadline int64  `json:"deadline"`
	Name     string `json:"name"`
	Memory   int    `json:"memory"`
}

// realHandler runs in aws-lambda-go's own loop.
func realHandler(ctx context.Context, o order) (realAnswer, error) {
	switch o.Do {
	case "error":
		return realAnswer{}, errors.New(o.Text)
	case "panic":
		panic(o.Text)
	case "deadline":
		<-ctx.Done()
	}
	deadline, _ := ctx.Deadline()
	lc, _ := lambdacontext.FromContext(ctx)
	fmt.Println("handled", o.Text)
	return realAnswer{
		Order: o, ID: lc.AwsRequestID, ARN: lc.InvokedFunctionArn, Deadline: deadline.UnixMilli(),
		Name: lambdacontext.FunctionName, Memory: lambdacontext.MemoryLimitInMB,
	}, nil
}
