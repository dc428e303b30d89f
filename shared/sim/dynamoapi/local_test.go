package dynamoapi

import (
	"errors"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"testing"
	"time"
)

// local is Amazon's DynamoDB Local, if it is there: one process for all tests.
var local struct {
	once     sync.Once
	endpoint string
	missing  string // why it is not there
	stop     func()
}

func TestMain(m *testing.M) {
	code := m.Run()
	if local.stop != nil {
		local.stop()
	}
	os.Exit(code)
}

// localEndpoint is where DynamoDB Local answers; without it the test is skipped.
func localEndpoint(t *testing.T) string {
	t.Helper()
	local.once.Do(func() {
		if err := startLocal(); err != nil {
			local.missing = err.Error()
		}
	})
	if local.missing != "" {
		t.Skipf("the fake was not compared with DynamoDB Local: %s", local.missing)
	}
	return local.endpoint
}

func startLocal() error {
	java, err := exec.LookPath("java")
	if err != nil {
		return errors.New("there is no java on the PATH; install a Java runtime of version 17 or later")
	}
	folder, err := os.Getwd()
	if err != nil {
		return err
	}
	for _, err := os.Stat(filepath.Join(folder, "go.mod")); err != nil; _, err = os.Stat(filepath.Join(folder, "go.mod")) {
		if folder == filepath.Dir(folder) {
			return errors.New("there is no go.mod above the test")
		}
		folder = filepath.Dir(folder)
	}
	folder = filepath.Join(folder, ".tools", "dynamodb-local")
	if _, err := os.Stat(filepath.Join(folder, "DynamoDBLocal.jar")); err != nil {
		return errors.New("there is no .tools/dynamodb-local/DynamoDBLocal.jar in the module; unpack DynamoDB Local there")
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	address := listener.Addr().String()
	if err := listener.Close(); err != nil {
		return err
	}
	_, port, _ := net.SplitHostPort(address)
	// The shell ends the server when its input ends, which it does with this
	// process, however that ends.
	cmd := exec.Command("sh", "-c", `"$@" </dev/null & read -r _; kill $!; wait`, "sh",
		java, "-Xmx256m", "-Djava.library.path=./DynamoDBLocal_lib", "-jar", "DynamoDBLocal.jar", "-inMemory", "-port", port, "-disableTelemetry")
	cmd.Dir = folder
	input, err := cmd.StdinPipe()
	if err != nil {
		return err
	}
	if err := cmd.Start(); err != nil {
		return err
	}
	local.endpoint = "http://" + address
	local.stop = func() {
		_ = input.Close()
		_ = cmd.Wait()
	}
	return listening(address)
}

// listening waits for the server, which tells nobody that it is ready: all one
// can do is try.
func listening(address string) error {
	again := time.NewTicker(20 * time.Millisecond)
	defer again.Stop()
	for range 3000 {
		conn, err := net.Dial("tcp", address)
		if err == nil {
			return conn.Close()
		}
		<-again.C
	}
	return errors.New("it did not start within a minute")
}
