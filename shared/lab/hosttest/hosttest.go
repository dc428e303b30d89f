// Package hosttest lets a test binary be the functions that the lab starts.
package hosttest

import (
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// Functions is a folder with a bootstrap for each function, as make host leaves it. They
// are this test binary and run its TestBootstrap, which calls Serve.
func Functions(t *testing.T, names ...string) string {
	t.Helper()
	own, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	folder := t.TempDir()
	for _, name := range names {
		if err := os.MkdirAll(filepath.Join(folder, name), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(folder, name, "bootstrap"), []byte("#!/bin/sh\nexec '"+own+"' -test.run='^TestBootstrap$'\n"), 0o700); err != nil { //nolint:gosec // It is to be run.
			t.Fatal(err)
		}
	}
	return folder
}

// Serve handles events until the host ends, if this process was started as a function:
// it logs the line, and answers what answer returns, or fails all the same if the event
// says "please fail".
func Serve(line string, answer func(event []byte) string) {
	api := os.Getenv("AWS_LAMBDA_RUNTIME_API")
	if api == "" {
		return
	}
	root := "http://" + api + "/2018-06-01/runtime/invocation/"
	for {
		id, event, err := next(root)
		if err != nil {
			return // The host has ended.
		}
		fmt.Println(line)
		reply, body := "response", answer(event)
		if strings.Contains(string(event), "please fail") {
			reply, body = "error", `{"errorType":"Boom","errorMessage":"as asked"}`
		}
		answered, err := http.Post(root+id+"/"+reply, "application/json", strings.NewReader(body)) //nolint:gosec,noctx // The host says where it is, and this process ends with it.
		if err != nil {
			return
		}
		_ = answered.Body.Close()
	}
}

// next waits for an event.
func next(root string) (id string, event []byte, err error) {
	answer, err := http.Get(root + "next") //nolint:gosec,noctx // The host says where it is, and this process ends with it.
	if err != nil {
		return "", nil, err
	}
	defer func() { _ = answer.Body.Close() }()
	event, err = io.ReadAll(answer.Body)
	return answer.Header.Get("Lambda-Runtime-Aws-Request-Id"), event, err
}
