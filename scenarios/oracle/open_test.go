package oracle_test

import (
	"cmp"
	"fmt"
	"slices"
	"testing"
	"time"

	diff "github.com/google/go-cmp/cmp"

	"github.com/httpdest/httpdest/scenarios"
	"github.com/httpdest/httpdest/scenarios/oracle"
)

// open is a sender whose reading of what causes an export nobody chose.
type open struct {
	name    string
	doc     string // its audiences at the start, at nine o'clock
	first   string // step of the history; doc enters the DeLorean audience at ten
	more    string // steps after it
	dest    string // of the destination
	flow    string // of the dataflow, besides its audiences
	sent    []arrival
	request bool // all in one
	want    []string
}

var qualified, oneMinute = in("delorean", "realized", "10:00:00"), in("delorean", "realized", "10:01:00")

var opens = []open{
	{
		name: "a second qualification is exported with its time, right before a change that is not exported",
		more: "  - {at: 61m, profile: doc, qualify: delorean}\n  - {at: 61m, profile: doc, set: {nickname: Doc}}\n",
		sent: []arrival{{time.Hour, membership(ups(qualified))}, {61*time.Minute + 2*time.Second, membership(ups(oneMinute))}},
		want: []string{"no-requalify 2"},
	},
	{
		name: "a second qualification is exported with an attribute that is not mapped",
		more: "  - {at: 61m, profile: doc, set: {nickname: Doc}, qualify: delorean}\n",
		sent: []arrival{{time.Hour, membership(ups(qualified))}, {61*time.Minute + 2*time.Second, membership(ups(oneMinute))}},
		want: []string{"no-requalify 2"},
	},
	{
		name: "the same with the time of the first one",
		more: "  - {at: 61m, profile: doc, set: {nickname: Doc}, qualify: delorean}\n",
		sent: []arrival{{time.Hour, membership(ups(qualified))}, {62 * time.Minute, membership(ups(qualified))}},
		want: []string{"trig-attr-unmapped 2"},
	},
	{
		name: "a second qualification in the same second is exported with the same body",
		more: "  - {at: 1h, profile: doc, qualify: delorean}\n",
		sent: []arrival{{time.Hour, membership(ups(qualified))}, {time.Hour + 2*time.Second, membership(ups(qualified))}},
		want: []string{"no-requalify 2"},
	},
	{
		name: "both are in one request", request: true,
		more: "  - {at: 1h, profile: doc, qualify: delorean}\n",
		sent: []arrival{{time.Hour, membership(ups(qualified))}, {time.Hour, membership(ups(qualified))}},
		want: []string{"duplicate 2"},
	},
	{
		name: "a delivered body comes again after a second qualification that it does not show",
		more: "  - {at: 61m, profile: doc, qualify: delorean}\n",
		sent: []arrival{{time.Hour, membership(ups(qualified))}, {time.Hour + 3*time.Second, membership(ups(qualified))},
			{61*time.Minute + 2*time.Second, membership(ups(oneMinute))}},
		want: []string{"duplicate 2", "no-requalify 3"},
	},
	{
		name: "the first body after a second qualification has the time of another one", doc: "fans: {qualified: 72h}",
		first: "{at: 2h, profile: doc, set: {nickname: Doc}, qualify: fans}",
		sent:  []arrival{{2*time.Hour + time.Second, membership(ups(`"fans":{"lastQualificationTime":"2026-01-12T09:00:00Z","status":"realized"}`))}},
		want:  []string{"trig-attr-unmapped 1"},
	},
	{
		name: "an uploaded audience has a switch of its own, and is exported",
		dest: "{}", flow: "triggers: {segmentationChanges: false}",
		more: "  - {at: 61m, profile: doc, qualify: uploaded}\n  - {at: 61m, profile: doc, set: {nickname: Doc}}\n",
		sent: []arrival{{61*time.Minute + 2*time.Second, membership(ups(qualified + "," + in("uploaded", "realized", "10:01:00")))}},
		want: []string{"wta-switches/external 1"},
	},
	{
		name: "it has a switch of its own that is off, and only a second qualification is exported",
		dest: "{readings: {externalAudiences: own-switch}}", flow: "triggers: {externalSegmentationChanges: false}",
		more: "  - {at: 62m, profile: doc, qualify: uploaded}\n  - {at: 66m, profile: doc, qualify: delorean}\n",
		sent: []arrival{{time.Hour, membership(ups(qualified))}, {66*time.Minute + time.Second, membership(ups(
			in("delorean", "realized", "10:06:00") + "," + in("uploaded", "realized", "10:02:00")))}},
		want: []string{"no-requalify 2", "wta-switches/external "},
	},
}

// The judge explains an export that another reading calls for by that reading, and
// not by a change close to it. It explains no export that no reading calls for.
func TestOpenReadings(t *testing.T) {
	for _, tt := range opens {
		t.Run(tt.name, func(t *testing.T) {
			if d := diff.Diff(tt.want, tt.judge(t)); d != "" {
				t.Errorf("clauses and bodies (-want +got):\n%s", d)
			}
		})
	}
}

// judge lists the clauses that are broken with the number of the body, and the
// duplicates.
func (tt open) judge(t *testing.T) (out []string) {
	t.Helper()
	sc, err := scenarios.Parse("s.yaml", []byte("title: t\nrules: [lqt-value]\nexpect: [{profile: doc}]\nothers: allowed\n"+
		"audiences: {delorean: {id: delorean}, fans: {id: fans}, uploaded: {id: uploaded, origin: custom-upload}}\n"+
		"destination: "+cmp.Or(tt.dest, "{}")+"\ndataflow: {audiences: [delorean, fans, uploaded], "+cmp.Or(tt.flow, "attributes: []")+"}\n"+
		"profiles: {doc: {identities: {email: doc}, audiences: {"+tt.doc+"}}}\n"+
		"history:\n  - "+cmp.Or(tt.first, "{at: 1h, profile: doc, qualify: delorean}")+"\n"+tt.more))
	if err != nil {
		t.Fatal(err)
	}
	sc.Destination.Readings = nil
	var seen []oracle.Seen
	for i, s := range tt.sent {
		at := sc.Start.Add(s.at)
		x := oracle.Seen{Profile: "doc", At: at, Sent: at, Ended: at, Body: s.body, ID: fmt.Sprint(i + 1), Outcome: oracle.Delivered}
		if tt.request {
			x.Request = 1
		}
		seen = append(seen, x)
	}
	verdicts, roles := oracle.Exports(sc, seen, oracle.Clock{Began: sc.Start})
	for _, f := range verdicts.Findings {
		out = append(out, f.Clause+" "+f.Export)
	}
	for i, r := range roles {
		if r.Kind == oracle.Duplicate {
			out = append(out, fmt.Sprintf("duplicate %d", i+1))
		}
	}
	slices.Sort(out)
	return slices.Compact(out)
}
