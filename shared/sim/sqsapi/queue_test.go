package sqsapi_test

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"detour/shared/sim"
	"detour/shared/sim/sqsapi"

	"github.com/aws/aws-sdk-go-v2/service/sqs"
)

func TestCreateRefusesWhatSQSWould(t *testing.T) {
	good := sqsapi.Queue{Account: account, Region: region, Name: "q", VisibilityTimeout: time.Hour, MaxReceives: 3, DeadLetter: "dead"}
	for remedy, change := range map[string]func(*sqsapi.Queue){
		"use 12 digits":              func(q *sqsapi.Queue) { q.Account = "1" },
		"for example eu-west-1":      func(q *sqsapi.Queue) { q.Region = "" },
		"letters, digits":            func(q *sqsapi.Queue) { q.Name = "a.fifo" },
		"use 1 to 80":                func(q *sqsapi.Queue) { q.Name = "" },
		"use 0 to 12h":               func(q *sqsapi.Queue) { q.VisibilityTimeout = 13 * time.Hour },
		"-1s: use 0":                 func(q *sqsapi.Queue) { q.VisibilityTimeout = -time.Second },
		"use 1 to 1000":              func(q *sqsapi.Queue) { q.MaxReceives = 1001 },
		"give both or none":          func(q *sqsapi.Queue) { q.MaxReceives = 0 },
		`DeadLetter is "": give`:     func(q *sqsapi.Queue) { q.DeadLetter = "" },
		"create it first":            func(q *sqsapi.Queue) { q.DeadLetter = "nowhere" },
		"us-west-2: create it first": func(q *sqsapi.Queue) { q.Region = "us-west-2" },
		"use the same description":   func(q *sqsapi.Queue) { q.MaxReceives = 4 },
	} {
		h := sqsapi.New(sim.NewScheduler(1, start))
		h.Create(sqsapi.Queue{Account: account, Region: region, Name: "dead"})
		url := h.Create(good)
		if again := h.Create(good); again != url {
			t.Errorf("the same queue has the URLs %s and %s", url, again)
		}
		bad := good
		change(&bad)
		wantPanic(t, remedy, func() { h.Create(bad) })
	}
	wantPanic(t, "use the one that Create returned", func() { sqsapi.New(sim.NewScheduler(1, start)).Waiting("x") })
}

func wantPanic(t *testing.T, want string, fn func()) {
	t.Helper()
	defer func() {
		if got := fmt.Sprint(recover()); !strings.Contains(got, want) {
			t.Errorf("got %q, want a panic with %q", got, want)
		}
	}()
	fn()
}

// TestManySendersInRealTime is for the race detector: senders of several
// goroutines, and a receiver in the clock's.
func TestManySendersInRealTime(t *testing.T) {
	clock := sim.NewWallClock()
	defer clock.Close()
	h := sqsapi.New(clock)
	url := h.Create(sqsapi.Queue{Account: account, Region: region, Name: "q"})
	const senders, each = 4, 25
	got := make(map[string]int)
	done := make(chan struct{})
	h.OnVisible(url, func() {
		for _, m := range h.Receive(url, 10) {
			got[m.Body]++
			h.Delete(url, m.Receipt)
		}
		if len(got) == senders*each && len(h.Waiting(url)) == 0 {
			close(done)
		}
	})
	for s := range senders {
		go func() {
			c := client(h, region)
			for n := range each {
				body := fmt.Sprint(s, n)
				if _, err := c.SendMessage(context.Background(), &sqs.SendMessageInput{QueueUrl: &url, MessageBody: &body}); err != nil {
					t.Error(err)
				}
			}
		}()
	}
	<-done
	for body, n := range got {
		if n != 1 {
			t.Errorf("%s was received %d times", body, n)
		}
	}
}
