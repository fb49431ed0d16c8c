// As python/drive.py, with the package producer.
package main

import (
	"bufio"
	"context"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"os"

	"github.com/redis/go-redis/v9"

	"workerpool.test/producer/producer"
)

type job struct {
	ID         string           `json:"id"`
	Type       string           `json:"type"`
	Priority   *int             `json:"priority"`
	DelayMs    int64            `json:"delay_ms"`
	TimeoutMs  int64            `json:"timeout_ms"`
	Unique     string           `json:"unique"`
	UniqueMs   int64            `json:"unique_ms"`
	Session    string           `json:"session"`
	Chain      []map[string]any `json:"chain"`
	PayloadHex string           `json:"payload_hex"`
}

type call struct {
	Queue string `json:"queue"`
	Force bool   `json:"force"`
	Jobs  []job  `json:"jobs"`
}

func (j job) asProducers() producer.Job {
	payload, err := hex.DecodeString(j.PayloadHex)
	if err != nil {
		panic(err)
	}
	out := producer.Job{ID: j.ID, Type: j.Type, Priority: 100, DelayMs: j.DelayMs, TimeoutMs: j.TimeoutMs, Chain: j.Chain, Payload: payload}
	if out.Type == "" {
		out.Type = "default"
	}
	if j.Priority != nil {
		out.Priority = *j.Priority
	}
	if j.Unique != "" || j.Session != "" {
		out.Options = map[string]any{"unique": j.Unique, "unique_ms": j.UniqueMs, "session": j.Session}
	}
	return out
}

func main() {
	client := redis.NewClient(&redis.Options{Network: "unix", Addr: os.Args[1]})
	lines := bufio.NewScanner(os.Stdin)
	lines.Buffer(nil, 1<<24)
	for lines.Scan() {
		var c call
		if err := json.Unmarshal(lines.Bytes(), &c); err != nil {
			panic(err)
		}
		force := 0
		if c.Force {
			force = 1
		}
		var jobs []producer.Job
		for _, j := range c.Jobs {
			jobs = append(jobs, j.asProducers())
		}
		answer := map[string]any{}
		states, err := producer.Enqueue(context.Background(), client, c.Queue, jobs, force)
		var refused producer.Refused
		switch {
		case errors.As(err, &refused):
			answer["refused"] = refused.Reply
		case err != nil:
			answer["error"] = err.Error()
		default:
			answer["states"] = states
		}
		text, _ := json.Marshal(answer)
		fmt.Println(string(text))
	}
}
