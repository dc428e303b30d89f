package sqsapi_test

import (
	"io"
	"net/http"
	"strings"
	"testing"
	"time"
)

// FuzzSendMessage sends bodies as they come. Nothing panics, there is always an
// answer, and a message is there if and only if the answer says so.
func FuzzSendMessage(f *testing.F) {
	for _, body := range []string{
		"", "{}", "null", `{"QueueUrl":"https://h/111122223333/wake","MessageBody":"x","DelaySeconds":900}`,
		`{"QueueUrl":"//111122223333/dead?x#y","MessageBody":"\ud800\u0009","DelaySeconds":0}`,
		`{"QueueUrl":"http://[::1]:99999/111122223333/wake","MessageBody":"\u0000"}`,
		`{"MessageBody":"x","MessageBody":{"a":[]},"DelaySeconds":1e400}`,
	} {
		f.Add(body)
	}
	f.Fuzz(func(t *testing.T, body string) {
		r := newRig(t)
		resp, err := r.handler.Do(post(body))
		if err != nil {
			t.Fatal(err)
		}
		answer, _ := io.ReadAll(resp.Body)
		messages := append(r.handler.Waiting(r.url), r.handler.Waiting(r.dead)...)
		if ok := resp.StatusCode == http.StatusOK; ok != strings.HasPrefix(string(answer), `{"MD5OfMessageBody":"`) || ok != (len(messages) == 1) || !ok && !strings.HasPrefix(string(answer), `{"__type":"`) {
			t.Fatalf("got %s %s, and the messages %+v", resp.Status, answer, messages)
		}
		r.until(15 * time.Minute)
		if got := r.handler.Waiting(r.url); bodies(r.handler.Receive(r.url, 10)) != bodies(got) {
			t.Fatalf("after the longest delay %+v cannot be received", got)
		}
	})
}
