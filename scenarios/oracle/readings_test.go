package oracle_test

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/httpdest/httpdest/scenarios"
	"github.com/httpdest/httpdest/scenarios/oracle"
)

// arrival is one body of doc and when it arrived.
type arrival struct {
	at   time.Duration
	body string
}

// membership is a body of doc with entries, each written as it travels.
func membership(entries string) string {
	return `{"segmentMembership":{` + entries + `},"identityMap":{"email":[{"id":"doc"}]}}`
}

// in is the entry of an audience of the Segmentation Service.
func in(id, status, at string) string {
	return fmt.Sprintf(`%q:{"lastQualificationTime":"2026-01-15T%sZ","status":%q}`, id, at, status)
}

func ups(entries string) string { return `"ups":{` + entries + `}` }

// readingCase is one sender with its way of reading a point.
type readingCase struct {
	key, value string // how it reads the point
	other      string // another way
	clause     string // that it then breaks
	more       string // of the destination, "" for nothing
	scenario   string // from audiences on
	sent       []arrival
}

var readingCases = []readingCase{
	{
		key: "exitTime", value: "exit", other: "qualification", clause: "lqt-value/exited",
		scenario: entersAndLeaves,
		sent: []arrival{
			{time.Hour, membership(ups(in("delorean", "realized", "10:00:00")))},
			{5 * time.Hour, membership(ups(in("delorean", "exited", "14:00:00")))},
		},
	},
	{
		key: "exitTime", value: "qualification", other: "exit", clause: "lqt-value/exited",
		scenario: entersAndLeaves,
		sent: []arrival{
			{time.Hour, membership(ups(in("delorean", "realized", "10:00:00")))},
			{5 * time.Hour, membership(ups(in("delorean", "exited", "10:00:00")))},
		},
	},
	{
		key: "backfilled", value: "ever-qualified", other: "members", clause: "backfill-new-audience/former-members",
		scenario: mapsWhatDocLeft,
		sent:     []arrival{{90 * time.Minute, membership(ups(in("delorean", "exited", "06:00:00")))}},
	},
	{
		key: "backfilled", value: "members", other: "ever-qualified", clause: "backfill-new-audience/former-members",
		scenario: mapsWhatDocLeft,
	},
	{
		key: "timeFormat", value: "offset", other: "z", clause: "lqt-format",
		scenario: enters,
		sent: []arrival{{time.Hour, membership(ups(
			`"delorean":{"lastQualificationTime":"2026-01-15T10:00:00+0000","status":"realized"}`))}},
	},
	{
		key: "unmappedTimestamps", value: "audience", other: "none", clause: "ts-unmapped",
		more: "includeSegmentTimestamps: true", scenario: entersAmongFans,
		sent: []arrival{{time.Hour, membership(ups(
			`"delorean":{"lastQualificationTime":"2026-01-15T10:00:00Z","status":"realized",` + stamps + `,` + mappingStamps + `},` +
				`"fans":{"lastQualificationTime":"2026-01-14T09:00:00Z","status":"realized",` + stamps + `}`))}},
	},
	{
		key: "names", value: "live", other: "frozen", clause: "name-static",
		more: "includeSegmentNames: true", scenario: enters + "  - {at: 30m, rename: {delorean: Owners}}\n",
		sent: []arrival{{time.Hour, membership(ups(
			`"delorean":{"lastQualificationTime":"2026-01-15T10:00:00Z","status":"realized","name":"Owners"}`))}},
	},
	{
		key: "unmappedExits", value: "carried", other: "absent", clause: "unmapped-same-policy/exited",
		scenario: entersAmongFormerFans,
		sent: []arrival{{time.Hour, membership(ups(
			in("delorean", "realized", "10:00:00") + "," + in("fans", "exited", "07:00:00")))}},
	},
	{
		key: "unmappedExits", value: "absent", other: "carried", clause: "unmapped-same-policy/exited",
		scenario: entersAmongFormerFans,
		sent:     []arrival{{time.Hour, membership(ups(in("delorean", "realized", "10:00:00")))}},
	},
	{
		key: "mergePolicyBodies", value: "each", other: "one", clause: "one-body",
		scenario: entersTwoPolicies,
		sent: []arrival{
			{time.Hour, membership(ups(in("delorean", "realized", "10:00:00") + "," + in("fans", "realized", "09:00:00")))},
			{time.Hour, membership(ups(in("shops", "realized", "10:00:00")))},
			{2 * time.Hour, membership(ups(in("delorean", "exited", "10:00:00") + "," + in("fans", "realized", "09:00:00")))},
		},
	},
	{
		key: "mergePolicyBodies", value: "one", other: "each", clause: "one-body",
		scenario: entersTwoPolicies,
		sent: []arrival{
			{time.Hour, membership(ups(
				in("delorean", "realized", "10:00:00") + "," + in("fans", "realized", "09:00:00") + "," + in("shops", "realized", "10:00:00")))},
			{2 * time.Hour, membership(ups(in("delorean", "exited", "10:00:00") + "," + in("fans", "realized", "09:00:00") + "," + in("shops", "realized", "10:00:00")))},
		},
	},
	{ // a body with an audience that doc left before is not of the policy of that audience
		key: "mergePolicyBodies", value: "each", other: "one", clause: "one-body",
		scenario: leftTwoPolicies,
		sent: []arrival{
			{30 * time.Minute, `{"email":"doc@example.com",` + membership(ups(in("delorean", "exited", "06:00:00")))[1:]},
			{time.Hour, `{"email":"doc@example.com",` + membership(ups(in("delorean", "realized", "10:00:00")))[1:]},
			{time.Hour, `{"email":"doc@example.com",` + membership(ups(in("shops", "realized", "10:00:00")))[1:]},
		},
	},
	{ // what was left is missing in a backfill, which does not make it one of former members
		key: "exitsCarried", value: "0s", other: "30d", clause: "exited-retention",
		scenario: mapsOneByOne,
		sent: []arrival{
			{95 * time.Minute, membership(ups(in("fans", "realized", "06:00:00")))},
			{140 * time.Minute, `{"email":"doc@example.com",` + membership(ups(in("fans", "realized", "06:00:00")))[1:]},
		},
	},
	{
		key: "exitsCarried", value: "0s", other: "30d", clause: "exited-retention",
		scenario: leavesAndEnters,
		sent:     []arrival{{time.Hour, membership(ups(in("delorean", "realized", "10:00:00")))}},
	},
	{
		key: "exitsCarried", value: "30d", other: "1h", clause: "exited-retention",
		scenario: leavesAndEnters,
		sent: []arrival{{time.Hour, membership(ups(
			in("delorean", "realized", "10:00:00") + "," + in("scifi", "exited", "06:00:00")))}},
	},
	{
		key: "requalification", value: "exported", other: "silent", clause: "no-requalify",
		scenario: qualifiesAgain,
		sent:     []arrival{{time.Hour, membership(ups(in("delorean", "realized", "10:00:00")))}},
	},
	{
		key: "requalification", value: "silent", other: "exported", clause: "no-requalify",
		scenario: qualifiesAgain,
	},
	{
		key: "externalAudiences", value: "own-switch", other: "segmentation", clause: "wta-switches/external",
		scenario: entersAnUpload,
		sent: []arrival{{time.Hour, membership(
			`"CustomerAudienceUpload":{` + in("vip", "realized", "10:00:00") + `}`)}},
	},
	{
		key: "externalAudiences", value: "segmentation", other: "own-switch", clause: "wta-switches/external",
		scenario: entersAnUpload,
	},
	{
		key: "backfillWithin", value: "90m", other: "1h", clause: "backfill-hour/within-sixty-minutes",
		scenario: mapsWhatDocIsIn,
		sent:     []arrival{{2*time.Hour + 10*time.Minute, membership(ups(in("delorean", "realized", "06:00:00")))}},
	},
}

const qualifiesAgain = `
audiences: {delorean: {id: delorean}}
dataflow: {audiences: [delorean]}
profiles: {doc: {identities: {email: doc}, audiences: {delorean: {qualified: 3h}}}}
history:
  - {at: 1h, profile: doc, qualify: delorean}
`

const entersAnUpload = `
audiences: {vip: {id: vip, origin: custom-upload, namespace: CustomerAudienceUpload}}
dataflow: {audiences: [vip], triggers: {segmentationChanges: false}}
profiles: {doc: {identities: {email: doc}}}
history:
  - {at: 1h, profile: doc, qualify: vip}
`

const mapsWhatDocIsIn = `
audiences: {delorean: {id: delorean}, scifi: {id: scifi}}
dataflow: {audiences: [scifi]}
profiles: {doc: {identities: {email: doc}, audiences: {delorean: {qualified: 3h}}}}
history:
  - {at: 1h, map: delorean}
`

const mapsWhatDocLeft = `
audiences: {delorean: {id: delorean}, scifi: {id: scifi}}
dataflow: {audiences: [scifi]}
profiles: {doc: {identities: {email: doc}, audiences: {delorean: {qualified: 3h, exited: 2h}}}}
history:
  - {at: 1h, map: delorean}
`

const (
	stamps        = `"createdAt":1765875600000,"updatedAt":1765875605000`
	mappingStamps = `"mappingCreatedAt":1767862800000,"mappingUpdatedAt":1767862800000`
)

const enters = `
audiences: {delorean: {id: delorean}}
dataflow: {audiences: [delorean]}
profiles: {doc: {identities: {email: doc}}}
history:
  - {at: 1h, profile: doc, qualify: delorean}
`

const entersAmongFans = `
audiences: {delorean: {id: delorean}, fans: {id: fans}}
dataflow: {audiences: [delorean]}
profiles: {doc: {identities: {email: doc}, audiences: [fans]}}
history:
  - {at: 1h, profile: doc, qualify: delorean}
`

const entersAmongFormerFans = `
audiences: {delorean: {id: delorean}, fans: {id: fans}}
dataflow: {audiences: [delorean]}
profiles: {doc: {identities: {email: doc}, audiences: {fans: {qualified: 2h, exited: 1h}}}}
history:
  - {at: 1h, profile: doc, qualify: delorean}
`

const entersTwoPolicies = `
audiences:
  delorean: {id: delorean, mergePolicy: web}
  fans: {id: fans, mergePolicy: web}
  shops: {id: shops, mergePolicy: stores}
organisation: {mergePolicies: {default: {default: true}, web: {}, stores: {}}}
dataflow: {audiences: [delorean, shops]}
profiles: {doc: {identities: {email: doc}, audiences: {fans: {qualified: 0s}}}}
history:
  - {at: 1h, profile: doc, qualify: [delorean, shops]}
  - {at: 2h, profile: doc, exit: delorean}
`

const leftTwoPolicies = `
audiences:
  delorean: {id: delorean, mergePolicy: web}
  shops: {id: shops, mergePolicy: stores}
organisation: {mergePolicies: {default: {default: true}, web: {}, stores: {}}}
dataflow: {audiences: [delorean, shops], attributes: [email], requireMembership: false}
profiles: {doc: {identities: {email: doc}, audiences: {delorean: {qualified: 3h, exited: 2h}}}}
history:
  - {at: 30m, profile: doc, set: email, to: doc@example.com}
  - {at: 1h, profile: doc, qualify: [delorean, shops]}
`

const mapsOneByOne = `
audiences: {delorean: {id: delorean}, shops: {id: shops}, fans: {id: fans}, scifi: {id: scifi}}
dataflow: {audiences: [scifi], attributes: [email]}
profiles:
  doc:
    identities: {email: doc}
    audiences: {delorean: {qualified: 3h, exited: 2h}, shops: {qualified: 3h, exited: 2h}, fans: {qualified: 3h}}
history:
  - {at: 1h, map: delorean}
  - {at: 70m, map: shops}
  - {at: 90m, map: fans}
  - {at: 130m, disable: true}
  - {at: 140m, enable: true}
  - {at: 140m, profile: doc, set: email, to: doc@example.com}
`

const leavesAndEnters = `
audiences: {delorean: {id: delorean}, scifi: {id: scifi}}
dataflow: {audiences: [delorean, scifi]}
profiles: {doc: {identities: {email: doc}, audiences: {scifi: {qualified: 3h, exited: 2h}}}}
history:
  - {at: 1h, profile: doc, qualify: delorean}
`

const entersAndLeaves = `
audiences: {delorean: {id: delorean}}
dataflow: {audiences: [delorean]}
profiles: {doc: {identities: {email: doc}}}
history:
  - {at: 1h, profile: doc, qualify: delorean}
  - {at: 5h, profile: doc, exit: delorean}
`

// A sender is right with its own reading. With another one, and without one where
// its way is not the default, it breaks the clause that the reading decides.
func TestReadingsOfASender(t *testing.T) {
	for _, tt := range readingCases {
		t.Run(tt.key+"/"+tt.value, func(t *testing.T) {
			r, _ := scenarios.FindReading(tt.key)
			var open []oracle.Finding
			if tt.value != r.Default() {
				open = []oracle.Finding{{Clause: tt.clause}}
			}
			for chosen, want := range map[string][]oracle.Finding{
				tt.value: nil, tt.other: {{Clause: tt.clause}}, "": open,
			} {
				if diff := cmp.Diff(want, tt.judge(t, chosen)); diff != "" {
					t.Errorf("chosen %q (-want +got):\n%s", chosen, diff)
				}
			}
		})
	}
}

// judge finds what is wrong by a chosen reading: clauses, each once.
func (tt readingCase) judge(t *testing.T, chosen string) []oracle.Finding {
	t.Helper()
	sc, err := scenarios.Parse("s.yaml", []byte("title: t\nrules: [lqt-value]\nexpect: [{profile: doc}]\nothers: allowed\ndestination: {"+tt.more+"}\n"+tt.scenario))
	if err != nil {
		t.Fatal(err)
	}
	if chosen != "" {
		sc = sc.WithReadings(scenarios.Readings{tt.key: chosen})
	}
	var seen []oracle.Seen
	for i, s := range tt.sent {
		at := sc.Start.Add(s.at)
		seen = append(seen, oracle.Seen{Profile: "doc", At: at, Sent: at, Ended: at, Body: s.body, ID: fmt.Sprint(i), Outcome: oracle.Delivered})
	}
	verdicts, _ := oracle.Exports(sc, seen, oracle.Clock{Began: sc.Start})
	var out []oracle.Finding
	for _, f := range verdicts.Findings {
		if short := (oracle.Finding{Clause: f.Clause}); !slices.Contains(out, short) {
			out = append(out, short)
		}
	}
	return out
}
