package awsdynamo

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"detour/shared/adapter/systemclock"
)

// DynamoDB Local is Amazon's own server for tests, and so the judge of whether
// this package speaks DynamoDB. Its licence does not let it be passed on; it is
// fetched by make.
const localJar = ".tools/dynamodb-local/DynamoDBLocal.jar"

var local struct {
	once     sync.Once
	endpoint string
	absent   string // why it is not there
	err      error
	stop     func()
}

func openLocal(t *testing.T) (through doer, endpoint string) {
	t.Helper()
	local.once.Do(startLocal)
	if local.absent != "" {
		t.Skipf("left out: what DynamoDB Local says of this: %s", local.absent)
	}
	if local.err != nil {
		t.Fatalf("starting DynamoDB Local: %v", local.err)
	}
	return http.DefaultClient, local.endpoint
}

func startLocal() {
	java, err := exec.LookPath("java")
	if err != nil {
		local.absent = "there is no java: install a Java runtime (17 or newer), then: make dynamodb-local"
		return
	}
	root, err := moduleRoot()
	if err != nil {
		local.err = err
		return
	}
	jar := filepath.Join(root, localJar)
	if _, err := os.Stat(jar); err != nil {
		local.absent = "there is no " + localJar + ": make dynamodb-local"
		return
	}
	local.endpoint, local.stop, local.err = runLocal(java, jar)
}

// moduleRoot is the nearest folder above with a go.mod.
func moduleRoot() (string, error) {
	dir, err := os.Getwd()
	if err != nil {
		return "", err
	}
	for {
		if _, err := os.Stat(filepath.Join(dir, "go.mod")); err == nil {
			return dir, nil
		}
		above := filepath.Dir(dir)
		if above == dir {
			return "", errors.New("there is no go.mod above this package")
		}
		dir = above
	}
}

// runLocal starts the server on a free port, and waits until it answers. A shell
// stands in between, which ends the server when this process is gone, however
// that comes about: the shell's input ends then.
func runLocal(java, jar string) (endpoint string, stop func(), err error) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", nil, err
	}
	address := listener.Addr().String()
	_, port, _ := net.SplitHostPort(address)
	if err := listener.Close(); err != nil {
		return "", nil, err
	}
	command := exec.Command("sh", "-c", `"$@" </dev/null & read -r _; kill $!; wait`, "sh",
		java, "-Xmx256m", "-Djava.library.path="+filepath.Join(filepath.Dir(jar), "DynamoDBLocal_lib"), "-jar", jar,
		"-inMemory", "-port", port, "-disableTelemetry")
	input, err := command.StdinPipe()
	if err != nil {
		return "", nil, err
	}
	command.Stdout, command.Stderr = io.Discard, io.Discard
	if err := command.Start(); err != nil {
		return "", nil, err
	}
	stop = func() {
		_ = input.Close()
		_ = command.Wait()
	}
	if err := awaitListener(address); err != nil {
		stop()
		return "", nil, fmt.Errorf("%s on %s: %w", jar, address, err)
	}
	return "http://" + address, stop, nil
}

// awaitListener waits until another process listens. Such a process tells
// nobody that it is ready, so there is nothing to wait on but time.
func awaitListener(address string) error {
	clock := systemclock.New()
	ctx, cancel := clock.Timeout(context.Background(), time.Minute)
	defer cancel()
	for {
		connection, err := net.Dial("tcp", address)
		if err == nil {
			return connection.Close()
		}
		if clock.Sleep(ctx, 20*time.Millisecond) != nil {
			return err
		}
	}
}

func stopLocal() {
	if local.stop != nil {
		local.stop()
	}
}
