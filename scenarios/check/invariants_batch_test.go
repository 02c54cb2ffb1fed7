package check

import (
	"slices"
	"strings"
	"time"

	"github.com/httpdest/httpdest/scenarios"
	"github.com/httpdest/httpdest/scenarios/recording"
)

// inTwos lets a request carry two profiles.
func inTwos(sc *scenarios.Scenario) {
	sc.Destination.MaxProfilesPerRequest, sc.Destination.BatchEncoding = 2, "array"
	for _, name := range []string{"biff", "jennifer", "strickland"} {
		sc.Profiles = append(sc.Profiles, scenarios.ProfileGroup{Names: scenarios.NameRange{Prefix: name}})
	}
}

// carry lets a message carry one export more, at both ends.
func (p *editedRecording) carry(message, export string) {
	a, r := p.attempt(message, 1), p.request(message, 1)
	other := strings.Trim(p.attempt(export, 1).Body, "[]")
	a.Exports = append(slices.Clone(a.Exports), export)
	a.Body = strings.TrimSuffix(a.Body, "]") + "," + other + "]"
	name, _, _ := strings.Cut(export, "#")
	r.Body, r.Profiles = a.Body, append(r.Profiles, name)
}

// withdraw takes the first attempt of a message out.
func (p *editedRecording) withdraw(message string) {
	a, r := p.attempt(message, 1), p.request(message, 1)
	p.remove(func(l recording.Line) bool { return l.Attempt == a && a != nil || l.Request == r && r != nil })
}

var batchesBroken = []broken{
	{"batch-max-10", "one too many", inTwos, func(p *editedRecording) {
		p.carry("biff#1", "strickland#1")
		p.withdraw("strickland#1")
	}},
	{"dispatch-asap", "held back with room left", inTwos, func(p *editedRecording) { p.shift("strickland#1", 1, time.Second) }},
	{"next-unaffected", "held back though full", inTwos, func(p *editedRecording) { p.shift("biff#1", 1, time.Second) }},
	{"batch-split", "an export in two messages", inTwos, func(p *editedRecording) { p.carry("strickland#1", "griff#1") }},
	{"batch-split", "a profile twice in a message", inTwos, func(p *editedRecording) { p.carry("strickland#1", "strickland#1") }},
	{"batch-split", "the wrapper instead of a list", inTwos, func(p *editedRecording) {
		p.text("biff#1", func(s string) string { return `{"profiles":` + s + `}` })
	}},
	{"batch-split", "a list instead of the wrapper", func(sc *scenarios.Scenario) {
		inTwos(sc)
		sc.Destination.BatchEncoding = "profiles"
	}, func(p *editedRecording) {
		p.text("biff#1", func(s string) string { return strings.TrimSuffix(strings.TrimPrefix(s, `{"profiles":`), "}") })
	}},
	{"batch-split", "one object too few", inTwos, func(p *editedRecording) {
		p.text("biff#1", func(s string) string { return s[:strings.Index(s, "},{\"identityMap")] + "}]" })
	}},
	{"batch-split", "a profile of another message", inTwos, func(p *editedRecording) {
		p.request("strickland#1", 1).Profiles = []string{"biff"}
	}},
}
