// Package exercise finds the facts of the rules' premises that happened: in a
// recording line by line, or in the planned history and the messages of a
// capture. PURE.
//
// A fact is something that happened to the sender or that the endpoint did, and
// not the sender's reaction to it, wherever the two can be distinguished: a
// sender that ignores an unmapping has exercised the rule about it all the
// same. The package replays profiles and mappings itself, and shares no code
// with the oracle.
package exercise

import (
	"slices"
	"strings"
	"time"

	"github.com/httpdest/httpdest/scenarios"
	"github.com/httpdest/httpdest/scenarios/recording"
)

// Fact is what was seen of one word of the vocabulary.
type Fact struct {
	Times int       // how often it happened; 1 for a property of the configuration
	At    time.Time // of the first time; zero for a property of the configuration
	What  string    // the first time in a few words, such as "doc#1, attempt 2"; may be ""
	Line  int       // of the history's step at that time in the scenario's file; 0: none
}

// Facts are the facts that happened, by their words.
type Facts map[string]Fact

// Missing is the first word of a rule's premise that did not happen; ok is
// false when all of them did, which is when the rule was exercised.
func (f Facts) Missing(r scenarios.Rule) (fact scenarios.Fact, ok bool) {
	for _, word := range r.Premise {
		if f[word].Times == 0 {
			fact, _ = scenarios.FindFact(word)
			return fact, true
		}
	}
	return fact, false
}

// Words are all words of the premises of some rules, each once.
func Words(rules scenarios.Catalogue, ids []string) []string {
	var out []string
	for _, id := range ids {
		r, _ := rules.Find(id)
		out = append(out, r.Premise...)
	}
	slices.Sort(out)
	return slices.Compact(out)
}

// Recording returns the words that happened in a recording.
func Recording(sc *scenarios.Scenario, lines []recording.Line, words []string) Facts {
	o := New(sc, words)
	for _, l := range lines {
		o.Line(l)
	}
	return o.Facts()
}

// Observer collects facts from lines in their order. A capture is passed as its
// known lines: the planned updates and actions, an export for each change that
// a message was found for, and the attempts and requests.
type Observer struct {
	scenario *scenarios.Scenario
	wanted   map[string]bool
	facts    Facts
	world    *world
	exports  map[string]*export
	messages map[string]*attempts
	waiting  map[string]waiting // messages that failed and are due again
	pending  int                // exports that were decided and not yet attempted
	issued   bool               // a token was issued
	served   bool               // and a data call was made with one
	hours    []time.Time        // in which something was decided
}

// export is the content that an export that is not sent yet must have.
type export struct {
	profile string
	tells   []string // words of its content
	removal bool     // it contains an exit
	sent    bool
}

// waiting is a message between a failure and its retry.
type waiting struct {
	profiles []string
	since    time.Time
}

// attempts is what was seen of a message.
type attempts struct{ failed int }

// New returns an Observer of the words. It does nothing for other words, some of
// which cost a look at every profile.
func New(sc *scenarios.Scenario, words []string) *Observer {
	o := &Observer{scenario: sc, wanted: map[string]bool{}, facts: Facts{}, world: newWorld(sc),
		exports: map[string]*export{}, messages: map[string]*attempts{}, waiting: map[string]waiting{}}
	for _, word := range words {
		o.wanted[word] = true
	}
	return o
}

// Facts is everything seen so far.
func (o *Observer) Facts() Facts { return o.facts }

// wants reports whether one of some words was asked for.
func (o *Observer) wants(words ...string) bool {
	return slices.ContainsFunc(words, func(word string) bool { return o.wanted[word] })
}

// note counts a fact.
func (o *Observer) note(word string, at time.Time, what string) {
	if !o.wanted[word] {
		return
	}
	f := o.facts[word]
	if f.Times++; f.Times == 1 {
		f.At, f.What, f.Line = at, what, o.stepAt(at)
	}
	o.facts[word] = f
}

// stepAt is the line of the history's step at a time.
func (o *Observer) stepAt(at time.Time) int {
	after := at.Sub(o.scenario.Start)
	i := slices.IndexFunc(o.scenario.History, func(s scenarios.Step) bool { return s.At == after })
	if i < 0 {
		return 0
	}
	return o.scenario.History[i].Pos.Line
}

// Line takes in the next line of a recording.
func (o *Observer) Line(l recording.Line) {
	switch {
	case l.Run != nil:
		o.configuration()
	case l.Update != nil:
		o.update(l.Update)
	case l.Action != nil:
		o.action(l.Action)
	case l.Export != nil:
		o.export(l.Export)
	case l.Attempt != nil:
		o.attempt(l.Attempt)
	case l.Drop != nil:
		delete(o.waiting, l.Drop.Message)
	case l.Token != nil:
		o.token(l.Token)
	case l.Request != nil:
		o.request(l.Request)
	case l.Handshake != nil:
		o.connected(l.Handshake.At)
	case l.Decision != nil:
		o.connected(l.Decision.At)
	case l.FlowRun != nil, l.Totals != nil, l.Lookup != nil:
		o.shown(l)
	}
}

// configuration notes the properties of the configuration, which was played.
func (o *Observer) configuration() {
	for word := range o.wanted {
		if holds, ok := o.scenario.Configured(word); ok && holds {
			o.facts[word] = Fact{Times: 1, What: "the configuration"}
		}
	}
	for i := range o.scenario.Audiences {
		a := &o.scenario.Audiences[i]
		if a.Upload != nil && (a.Upload.TTL > longestUpload || a.Upload.TTL < shortestUpload) {
			o.note("upload-expired", time.Time{}, a.Key+" states an end that is not allowed")
		}
	}
}

// The life of an upload (R135).
const (
	shortestUpload = 24 * time.Hour
	longestUpload  = 90 * 24 * time.Hour
)

// within reports whether a dotted path is at another one or below it.
func within(path, at string) bool { return path == at || strings.HasPrefix(path, at+".") }
