package main

import (
	"bytes"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/httpdest/httpdest/engine"
	"github.com/httpdest/httpdest/engine/retry"
)

// A receiver that refuses everything makes thousands of dead letters a second:
// some are listed, the rest is counted, and no body is printed.
func TestDeadLettersAreLoggedWithinReason(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var w bytes.Buffer
		n := startNotices(&w)
		dead := n.dead("data")
		const letters = 500
		for i := range letters {
			m := &engine.Message{ID: fmt.Sprintf("p%d#1", i), Body: []byte("personal"), Exports: []engine.Export{{ID: "x"}}}
			dead(engine.Record{Kind: engine.Dropped, Message: m, Number: 3, Outcome: retry.Outcome{Kind: retry.Answered, Status: 503}})
		}
		<-time.After(2 * time.Second) // of the bubble
		n.close()
		said := w.String()
		listed := strings.Count(said, `httpdest: dead letter "p`)
		if listed == 0 || listed > noticesASecond {
			t.Errorf("%d dead letters are listed; want some and at most %d", listed, noticesASecond)
		}
		if want := fmt.Sprintf("httpdest: %d more dead letters not listed here", letters-listed); !strings.Contains(said, want) {
			t.Errorf("stderr = %q; want %q", said, want)
		}
		if !strings.Contains(said, "3 attempts, the last one 503; see GET /dead") || strings.Contains(said, "personal") {
			t.Errorf("stderr = %q; want attempts and outcome, and no body", said)
		}
	})
}

// Opening a store says nothing in the first second, and then what it is at.
func TestOpeningSaysWhatItIsAt(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var quick, slow bytes.Buffer
		o := startOpening(&quick)
		o.at("comparing files with the inventory", 1, 2)
		<-time.After(900 * time.Millisecond) // of the bubble
		o.end()
		if quick.Len() > 0 {
			t.Errorf("an opening of less than a second said %q", quick.String())
		}
		o = startOpening(&slow)
		o.at("comparing files with the inventory", 3<<20, 9<<20)
		<-time.After(4500 * time.Millisecond)
		o.at("replaying the log", 0, 0)
		<-time.After(2 * time.Second)
		o.end()
		want := "httpdest: opening the store: comparing files with the inventory, 3 of 9 MB\nhttpdest: opening the store: replaying the log\n"
		if slow.String() != want {
			t.Errorf("a slow opening said %q; want %q", slow.String(), want)
		}
	})
}
