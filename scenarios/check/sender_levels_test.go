package check

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/httpdest/httpdest/reports"
	"github.com/httpdest/httpdest/scenarios"
	"github.com/httpdest/httpdest/scenarios/capture"
)

// levels is a history in which one profile enters an audience once.
const levels = `
title: One entry
rules: [trig-enter]
audiences:
  mapped: {mergePolicy: one}
  second: {mergePolicy: two}
  friend: {mergePolicy: one}
  cousin: {mergePolicy: two}
  stranger: {mergePolicy: three}
dataflow: {audiences: [mapped, second], attributes: [personalEmail.address, person.name, tags, lacking]}
profiles:
  doc:
    audiences: [friend, cousin, stranger]
    identities: {ecid: "88"}
    attributes: {personalEmail: {address: doc@example.com}, person: {name: {firstName: Emmett, lastName: Brown}}, tags: [a, b]}
history:
  - {at: 1s, profile: doc, qualify: mapped}
expect: []
others: allowed
`

// levelsBody is what a right sender makes of it.
const levelsBody = `{"personalEmail":{"address":"doc@example.com"},"person":{"name":{"firstName":"Emmett","lastName":"Brown"}},"tags":["a","b"],` +
	`"segmentMembership":{"ups":{"MAPPED":ENTRY,"FRIEND":ENTRY}},"identityMap":{"ecid":[{"id":"88"}]}}`

// A sender that differs only where no page states it is unspecified on that
// point, and a sender that differs where a page does is failed.
func TestLevelsWithAHistory(t *testing.T) {
	sc, err := scenarios.Parse("levels.yaml", []byte(levels))
	if err != nil {
		t.Fatal(err)
	}
	ids := strings.NewReplacer("MAPPED", scenarios.AudienceID(sc.Seed, "mapped"), "FRIEND", scenarios.AudienceID(sc.Seed, "friend"),
		"COUSIN", scenarios.AudienceID(sc.Seed, "cousin"), "STRANGER", scenarios.AudienceID(sc.Seed, "stranger"),
		"ENTRY", strings.Replace(entryOK, "09:00:00Z", "09:00:01Z", 1))
	for _, tt := range []struct {
		name, old, text string
		wrong, open     []string
	}{
		{name: "as it should be"},
		{name: "a null for what is lacking", old: `"tags"`, text: `"lacking":null,"tags"`, open: []string{"valid-json", "absent-attributes"}},
		{name: "an empty text within a list", old: `"b"]`, text: `"b",""]`, open: []string{"valid-json", "absent-attributes"}},
		{name: "a null for what is there", old: `"doc@example.com"`, text: `null`, wrong: []string{"all-mapped-attributes"}, open: []string{"valid-json", "absent-attributes"}},
		{name: "a key twice", old: `"tags":`, text: `"tags":["a","b"],"tags":`, wrong: []string{"valid-json"}},
		{name: "no list", old: `"tags":["a","b"],`, open: []string{"nested-attributes"}},
		{name: "a list as a text", old: `["a","b"]`, text: `"a,b"`, open: []string{"nested-attributes"}},
		{name: "a list of other values", old: `"b"]`, text: `"c"]`, wrong: []string{"all-mapped-attributes"}},
		{name: "no whole object", old: `"person":{"name":{"firstName":"Emmett","lastName":"Brown"}},`, open: []string{"nested-attributes"}},
		{name: "half an object", old: `,"lastName":"Brown"`, wrong: []string{"all-mapped-attributes"}},
		{name: "no mapped leaf", old: `"personalEmail":{"address":"doc@example.com"},`, wrong: []string{"all-mapped-attributes"}},
		{name: "a namespace in capitals", old: `"ecid"`, text: `"ECID"`, open: []string{"lowercase-identity-ns"}},
		{name: "more than an id", old: `"88"}`, text: `"88","primary":true}`, open: []string{"all-identities"}},
		{name: "an identity of somebody else", old: `{"id":"88"}`, text: `{"id":"88"},{"id":"89"}`, wrong: []string{"all-identities"}},
		{name: "no companion", old: `,"FRIEND":ENTRY`, open: []string{"unmapped-same-policy"}},
		{name: "the policy of a mapped audience", old: `"FRIEND":ENTRY`, text: `"FRIEND":ENTRY,"COUSIN":ENTRY`, open: []string{"unmapped-other-policy"}},
		{name: "the policy of no mapped audience", old: `"FRIEND":ENTRY`, text: `"FRIEND":ENTRY,"STRANGER":ENTRY`, wrong: []string{"unmapped-other-policy"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if !strings.Contains(levelsBody, tt.old) {
				t.Fatalf("the body has no %s", tt.old)
			}
			line := ids.Replace(levelsBody)
			if tt.old != "" {
				line = ids.Replace(strings.Replace(levelsBody, tt.old, tt.text, 1))
			}
			c := judged(t, line, capture.Options{Format: capture.NDJSON}, SenderOptions{Scenario: sc})
			if diff := cmp.Diff(tt.wrong, rulesWith(c, reports.Fail)); diff != "" {
				t.Errorf("failed (-want +got):\n%s", diff)
			}
			if diff := cmp.Diff(tt.open, rulesWith(c, reports.Unspecified)); diff != "" {
				t.Errorf("unspecified (-want +got):\n%s", diff)
			}
			if failed := c.Verdict == reports.Fail; failed != (len(tt.wrong) > 0) {
				t.Errorf("verdict %s", c.Verdict)
			}
		})
	}
}

// A list around one profile is wrong only where the scenario says one profile a
// request: whoever leaves the key out has said nothing.
func TestAListAroundOneProfile(t *testing.T) {
	ids := strings.NewReplacer("MAPPED", "5b998cb9", "FRIEND", "354e086f", "ENTRY", entryOK)
	for _, tt := range []struct {
		most, body string
		want       reports.Verdict
	}{
		{"", "[%]", reports.Unspecified},
		{"destination: {maxProfilesPerRequest: 1}\n", "[%]", reports.Fail},
		{"destination: {maxProfilesPerRequest: 1}\n", "%", reports.Pass},
		{"destination: {maxProfilesPerRequest: 2}\n", "[%]", reports.Skip}, // R40 is about single profiles
		{"destination: {maxProfilesPerRequest: 2}\n", `{"profiles":[%]}`, reports.Unspecified},
		{"destination: {maxProfilesPerRequest: 2, batchEncoding: profiles}\n", `{"profiles":[%]}`, reports.Skip},
	} {
		sc, err := scenarios.Parse("levels.yaml", []byte(levels+tt.most))
		if err != nil {
			t.Fatal(err)
		}
		line := strings.Replace(tt.body, "%", ids.Replace(levelsBody), 1)
		c := judged(t, line, capture.Options{Format: capture.NDJSON}, SenderOptions{Scenario: sc})
		for _, k := range c.Checks {
			wanted := map[reports.Verdict]string{reports.Unspecified: "R40a"}[tt.want]
			if k.Rule == "no-envelope" && (k.Verdict != tt.want || k.Clause != wanted) {
				t.Errorf("%s%s: %s by clause %q; want %s by %q", tt.most, tt.body[:1], k.Verdict, k.Clause, tt.want, wanted)
			}
		}
	}
}

// A request to a server that nobody can verify fails the sender, and connections
// that the sender ended without one prove it right.
func TestSenderVerifiesTheServer(t *testing.T) {
	const handshake = `{"run":{"schema":"httpdest/recording/v1","scenario":"mock","title":"t","seed":1,"start":"2026-01-15T09:00:00Z","endpoint":"mock","side":"endpoint"}}` + "\n" + `{"handshake":{"socket":1,"reason":"bad-certificate"}}` + "\n"
	request := `{"request":{"method":"POST","target":"/p","body":` + quoted(levelsBody) + `,"status":200}}` + "\n"
	for _, tt := range []struct {
		name, certificate, lines string
		want                     reports.Verdict
	}{
		{"refused", "wrong-host", handshake + `{"end":{}}` + "\n", reports.Pass},
		{"sent", "wrong-host", handshake + request + `{"end":{}}` + "\n", reports.Fail},
		{"no connection", "wrong-host", `{"run":{"schema":"httpdest/recording/v1","scenario":"mock","title":"t","seed":1,"start":"2026-01-15T09:00:00Z","endpoint":"mock","side":"endpoint"}}` + "\n" + `{"end":{}}` + "\n", reports.Skip},
		{"a proper certificate", "proper", handshake + request + `{"end":{}}` + "\n", reports.Skip},
	} {
		t.Run(tt.name, func(t *testing.T) {
			sc, err := scenarios.Parse("levels.yaml", []byte(levels+"endpoint: {certificate: "+tt.certificate+"}\n"))
			if err != nil {
				t.Fatal(err)
			}
			c := judged(t, tt.lines, capture.Options{}, SenderOptions{Scenario: sc})
			for _, k := range c.Checks {
				if k.Rule == "verify-server" && k.Verdict != tt.want {
					t.Errorf("verify-server: %s (%s); want %s", k.Verdict, k.Title, tt.want)
				}
			}
			if got := slices.Contains(rulesWith(c, tt.want), "verify-server"); !got {
				t.Error("the rule is not among the checks")
			}
		})
	}
}

func quoted(body string) string {
	out, err := json.Marshal(body)
	if err != nil {
		panic(err)
	}
	return string(out)
}
