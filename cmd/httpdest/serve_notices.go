package main

import (
	"fmt"
	"io"
	"sync"
	"time"

	"github.com/httpdest/httpdest/engine"
	"github.com/httpdest/httpdest/engine/flow"
	"github.com/httpdest/httpdest/engine/live"
	"github.com/httpdest/httpdest/engine/store"
)

const (
	noticesASecond = 10               // of one kind; the rest is counted
	noticesWaiting = 64               // while stderr is slow; the rest is counted
	quietOpening   = time.Second      // opening a store says nothing before
	openingEvery   = 10 * time.Second // and then this often, or when the step changes
)

// notices writes lines about single messages and profiles to stderr. The engine
// never waits for it: a receiver that refuses everything makes thousands a
// second.
type notices struct {
	w    io.Writer
	in   chan notice
	done chan struct{}
	once sync.Once

	mu     sync.Mutex
	missed map[string]int // lines that were not written, by kind
}

type notice struct{ kind, text string }

func startNotices(w io.Writer) *notices {
	n := &notices{w: w, in: make(chan notice, noticesWaiting), done: make(chan struct{}), missed: map[string]int{}}
	go n.run() // ends with close
	return n
}

func (n *notices) say(kind, format string, args ...any) {
	select {
	case n.in <- notice{kind, fmt.Sprintf(format, args...)}:
	default:
		n.miss(kind)
	}
}

func (n *notices) miss(kind string) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.missed[kind]++
}

func (n *notices) run() {
	defer close(n.done)
	tick := time.NewTicker(time.Second)
	defer tick.Stop()
	written := map[string]int{} // in this second
	for {
		select {
		case x, open := <-n.in:
			if !open {
				n.sum()
				return
			}
			if written[x.kind]++; written[x.kind] > noticesASecond {
				n.miss(x.kind)
				continue
			}
			fmt.Fprintln(n.w, "httpdest: "+x.text)
		case <-tick.C:
			clear(written)
			n.sum()
		}
	}
}

// sum writes how many lines were left out.
func (n *notices) sum() {
	n.mu.Lock()
	defer n.mu.Unlock()
	for kind, left := range n.missed {
		fmt.Fprintf(n.w, "httpdest: %s not listed here\n", count(left, "more "+kind))
	}
	clear(n.missed)
}

// close writes what is left.
func (n *notices) close() {
	n.once.Do(func() { close(n.in) })
	<-n.done
}

// dead reports a message that became a dead letter. Its body is personal data
// and stays in the store.
func (n *notices) dead(data string) func(engine.Record) {
	where := ""
	if data != "" {
		where = "; see GET /dead"
	}
	return func(r engine.Record) {
		l := live.NewLetter(store.DeadLetter{Message: r.Message, Attempts: r.Number, Outcome: r.Outcome, At: r.At})
		n.say("dead letter", "dead letter %q: %s, the last one %s%s", l.ID, count(l.Attempts, "attempt"), outcome(l), where)
	}
}

// monitored reports alerts that fire or no longer fire.
func (n *notices) monitored(id string, m flow.Monitored) {
	for _, a := range m.Alerts {
		text := ""
		if a.Total > 0 {
			text = fmt.Sprintf(": %.3g %% of %d identities in the hour", 100*float64(a.Part)/float64(a.Total), a.Total)
		}
		n.say("alert", "dataflow %s: alert %s is %s%s", id, a.Alert, a.State, text)
	}
}

// unreadable reports a profile or export that the engine leaves alone.
func (n *notices) unreadable(u *store.Unreadable) {
	n.say("unreadable value", "%v; everything else goes on, and `httpdest store check --data DIR` lists what cannot be read", u)
}

// trouble reports a file of the store that cannot be written. The store
// retries, and ends serve if that fails too.
func (n *notices) trouble(err error) { n.say("trouble of the disk", "%v; it is tried again", err) }

// opening says what the opening of a store is at, when it takes long.
type opening struct {
	mu    sync.Mutex
	step  string
	done  int64
	all   int64
	stop  chan struct{}
	ended chan struct{}
}

func startOpening(w io.Writer) *opening {
	o := &opening{stop: make(chan struct{}), ended: make(chan struct{})}
	go o.run(w) // ends with end
	return o
}

// at notes the step, and the bytes done and in all, 0 where they are not known.
func (o *opening) at(step string, done, all int64) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.step, o.done, o.all = step, done, all
}

func (o *opening) run(w io.Writer) {
	defer close(o.ended)
	tick := time.NewTicker(quietOpening)
	defer tick.Stop()
	said, since := "", time.Duration(0)
	for {
		select {
		case <-o.stop:
			return
		case <-tick.C:
		}
		o.mu.Lock()
		step, text := o.step, "httpdest: opening the store: "+o.step
		if o.all > 0 {
			text += fmt.Sprintf(", %d of %d MB", o.done>>20, o.all>>20)
		}
		o.mu.Unlock()
		if since += quietOpening; step != said || since >= openingEvery {
			fmt.Fprintln(w, text)
			said, since = step, 0
		}
	}
}

func (o *opening) end() {
	close(o.stop)
	<-o.ended
}
