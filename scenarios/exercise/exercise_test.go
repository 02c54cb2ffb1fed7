package exercise_test

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/httpdest/httpdest/engine/store/memory"
	"github.com/httpdest/httpdest/scenarios"
	"github.com/httpdest/httpdest/scenarios/exercise"
	"github.com/httpdest/httpdest/scenarios/recording"
	"github.com/httpdest/httpdest/scenarios/simulate"
)

// plain is a scenario in which one profile enters a mapped audience that another
// one is in. Each case replaces some of its lines, or adds some.
var plain = []string{
	"title: plain",
	"rules: [trig-enter]",
	"others: allowed",
	"audiences: {a: {}, b: {}, u: {}, far: {mergePolicy: stores}}",
	"dataflow: {audiences: [a], attributes: [person.name]}",
	"profiles: {doc: {audiences: [a], attributes: {person: {name: Emmett}}}, marty: {}}",
	"history: [{at: 1h, profile: marty, qualify: a}]",
	"expect: []",
}

// with is plain with other lines.
func with(lines string) string {
	out := slices.Clone(plain)
	for line := range strings.SplitSeq(lines, "\n") {
		key, _, _ := strings.Cut(line, ":")
		at := slices.IndexFunc(out, func(l string) bool { return strings.HasPrefix(l, key+":") })
		switch {
		case line == "":
		case at < 0:
			out = append(out, line)
		default:
			out[at] = line
		}
	}
	return strings.Join(out, "\n") + "\n"
}

const (
	cc    = "destination: {auth: {type: oauth2-client-credentials, credentials: body-form-encoded, clientID: i, clientSecret: great-scott}}"
	fails = "endpoint: {tls: plain, faults: [{profile: marty, requests: 1, status: 503}]}"
	lost  = "endpoint: {tls: plain, faults: [{profile: marty, requests: 1-3, status: 503}]}"
	best  = "destination: {retry: best-effort}\n"
	batch = "destination: {maxProfilesPerRequest: 2}\n"
	three = "profiles: {\"p-{1..3}\": {}}\nhistory: [{at: 1h, profiles: \"p-{1..3}\", qualify: a}]"
	drive = "history: [{at: 1h, profile: doc, set: person.name, to: Doc}]"
	on    = "destination: {includeSegmentNames: true, includeSegmentTimestamps: true}"
	idOff = "dataflow: {audiences: [a], attributes: [person.name], triggers: {identityChanges: false}}\n"
	pause = "until: 4h\n"
	csv   = "audiences: {a: {upload: {identity: crm, rows: \"crm\\nA1\\n\", ttl: 1d}}}\nprofiles: {doc: {identities: {crm: A1}}}\nhistory: []\n"
)

// words are all facts, each with lines under which it happens and lines, next to
// those, under which it does not.
var words = []struct{ word, yes, no string }{
	{"other-edition", "organisation: {edition: prime}\nexpect: [{problem: organisation.edition}]", ""},
	{"audience-kind-stated", "audiences: {a: {origin: federated}}", "audiences: {a: {}, b: {origin: federated}}"},
	{"unknown-authentication", "destination: {auth: {type: basic}}\nexpect: [{problem: destination.auth.type}]", "destination: {auth: {type: bearer, token: x1y2}}"},
	{"malformed-authentication", "destination: {auth: {type: bearer}}\nexpect: [{problem: destination.auth.token}]", "destination: {auth: {type: bearer, token: x1y2}}"},
	{"token-url-query", strings.Replace(cc, "clientID", `tokenURL: "mock?one=1", clientID`, 1), cc},
	{"custom-headers", `destination: {headers: "X-A:1"}`, ""},
	{"query-parameters", `destination: {queryParameters: "a=1"}`, ""},
	{"own-endpoint", "destination: {endpoint: /in}\nexpect: [{problem: destination.endpoint}]", ""},
	{"toggles-differ", "destination: {includeSegmentNames: true}", "destination: {includeSegmentNames: true, includeSegmentTimestamps: true, includeMappedAudiencesOnly: true}"},
	{"audiences-at-limit", "audiences: {\"x-{1..250}\": {}}\ndataflow: {audiences: [\"x-{1..250}\"]}\nprofiles: {doc: {}}\nhistory: []",
		"audiences: {\"x-{1..249}\": {}}\ndataflow: {audiences: [\"x-{1..249}\"]}\nprofiles: {doc: {}}\nhistory: []"},
	{"attributes-at-limit", `dataflow: {audiences: [a], attributes: ["x.a{1..50}"]}`, `dataflow: {audiences: [a], attributes: ["x.a{1..49}"]}`},
	{"destinations-at-limit", "organisation: {destinations: 100}", "organisation: {destinations: 99}"},
	{"event-attribute-mapped", "organisation: {eventAttributes: [commerce]}\ndataflow: {audiences: [a], attributes: [commerce.order]}\nexpect: [{problem: \"dataflow.attributes[0]\"}]",
		"organisation: {eventAttributes: [commerce]}"},
	{"attributes-mapped", "", "dataflow: {audiences: [a]}"},
	{"merge-policies-at-limit", "organisation: {mergePolicies: {default: {default: true}, stores: {}, c: {}, d: {}, e: {}}}", "organisation: {mergePolicies: {default: {default: true}, stores: {}, c: {}, d: {}}}"},
	{"identity-mapped", "dataflow: {audiences: [a], attributes: [identityMap.crm]}\nexpect: [{problem: \"dataflow.attributes[0]\"}]",
		"dataflow: {audiences: [a], attributes: [segmentMembership]}\nexpect: [{problem: \"dataflow.attributes[0]\"}]"},
	{"membership-mapped", "dataflow: {audiences: [a], attributes: [segmentMembership]}\nexpect: [{problem: \"dataflow.attributes[0]\"}]",
		"dataflow: {audiences: [a], attributes: [identityMap]}\nexpect: [{problem: \"dataflow.attributes[0]\"}]"},
	{"policy-violated", "organisation: {labels: {person.name: C4}, policies: {no: {action: ads, labels: C4}}}\ndestination: {marketingActions: ads}\nexpect: [{problem: \"dataflow.attributes[0]\"}]",
		"organisation: {labels: {person.name: C4}, policies: {no: {action: ads, labels: C4, enabled: false}}}\ndestination: {marketingActions: ads}"},
	{"connect-permissions-stated", "users: {connects: [View Destinations, Manage Destinations]}", ""},
	{"activate-permissions-stated", "users: {activates: [View Destinations, Activate Destinations, View Profiles, View Segments]}", ""},
	{"activation-without-mapping", "users: {activates: [View Destinations, Activate Segment without Mapping, View Profiles, View Segments]}\ndataflow: {audiences: [a]}",
		"users: {activates: [View Destinations, Activate Destinations, View Profiles, View Segments]}"},
	{"schedule-stated", "dataflow: {audiences: [a], schedule: daily}\nexpect: [{problem: dataflow.schedule}]", ""},
	{"blank-name", "destination: {name: \" \"}\nexpect: [{problem: destination.name}]", "destination: {name: CRM}"},
	{"default-triggers", "", idOff},
	{"auth-none", "", "destination: {auth: {type: bearer, token: x1y2}}"},
	{"auth-bearer", "destination: {auth: {type: bearer, token: x1y2}}", ""},
	{"auth-body", cc, ""},
	{"auth-basic", strings.Replace(cc, "body-form-encoded", "basic-authorization", 1), cc},
	{"auth-password", "destination: {auth: {type: oauth2-password, clientID: i, clientSecret: great-scott, username: u, password: secrets}}", cc},
	{"secret-held", cc, ""},
	{"single-profiles", "", batch},
	{"batching", batch, ""},
	{"names-on", on, ""},
	{"names-off", "", on},
	{"timestamps-on", on, ""},
	{"timestamps-off", "", on},
	{"mapped-only-on", "destination: {includeMappedAudiencesOnly: true}", ""},
	{"alerts-subscribed", "destination: {alerts: activation-skipped-rate-exceeded}", ""},
	{"skip-alert", "destination: {alerts: activation-skipped-rate-exceeded}", ""},
	{"fail-alert", "destination: {extendedAlerts: true, alerts: activation-failed-rate-exceeded}", "destination: {alerts: activation-skipped-rate-exceeded}"},
	{"upload-stated", csv, ""},

	{"data-call", "", "history: []"},
	{"token-request", cc, ""},
	{"token-needed-again", cc + "\nhistory: [{at: 1h, profile: marty, qualify: a}, {at: 61m, profile: marty, exit: a}]", cc},
	{"token-renewed", cc + "\nhistory: [{at: 1h, profile: marty, qualify: a}, {at: 3h, profile: marty, exit: a}]",
		cc + "\nhistory: [{at: 1h, profile: marty, qualify: a}, {at: 61m, profile: marty, exit: a}]"},
	{"more-than-a-message", batch + three, "destination: {maxProfilesPerRequest: 3}\n" + three},
	{"message-with-room", batch, batch + "profiles: {\"p-{1..2}\": {}}\nhistory: [{at: 1h, profiles: \"p-{1..2}\", qualify: a}]"},
	{"tls-met", "", "endpoint: {tls: plain}"},
	{"server-unverifiable", "endpoint: {certificate: wrong-host}", "endpoint: {certificate: proper}"},
	{"slow-answer", "endpoint: {faults: [{profile: marty, requests: 1, latency: 1s}]}", "endpoint: {faults: [{profile: marty, requests: 1, latency: 999ms}]}"},
	{"attempt-failed", fails, ""},
	{"attempts-exhausted", lost, best + "endpoint: {tls: plain, faults: [{profile: marty, requests: 1, status: 400}]}"},
	{"message-lost", best + "endpoint: {tls: plain, faults: [{profile: marty, requests: 1, status: 400}]}", fails},
	{"message-delivered", fails, lost},
	{"retryable-status", best + fails, fails},
	{"final-status", best + "endpoint: {tls: plain, faults: [{profile: marty, requests: 1, status: 400}]}", best + fails},
	{"network-failure", "endpoint: {faults: [{profile: marty, requests: 1, reset: true}]}", fails},
	{"redirect", "endpoint: {faults: [{profile: marty, requests: 1, status: 307}]}", fails},
	{"others-while-waiting", fails + "\nhistory: [{at: 1h, profile: marty, qualify: a}, {at: 1h1s, profile: doc, exit: a}]",
		fails + "\nhistory: [{at: 1h, profile: marty, qualify: a}, {at: 2h, profile: doc, exit: a}]"},

	{"audience-entered", "", "history: [{at: 1h, profile: doc, qualify: a}]"},
	{"audience-left", "history: [{at: 1h, profile: doc, exit: a}]", "history: [{at: 1h, profile: marty, exit: a}]"},
	{"unmapped-audience-changed", "history: [{at: 1h, profile: doc, qualify: u}]", "history: [{at: 1h, profile: marty, qualify: [a, u]}]"},
	{"identity-added", "history: [{at: 1h, profile: doc, addIdentity: {crm: A}}]", "history: [{at: 1h, profile: marty, addIdentity: {crm: A}}]"},
	{"identity-changed", "profiles: {doc: {audiences: [a], identities: {crm: A}}}\nhistory: [{at: 1h, profile: doc, removeIdentity: {crm: A}}]",
		"profiles: {doc: {audiences: [a]}}\nhistory: [{at: 1h, profile: doc, removeIdentity: {crm: A}}]"},
	{"mapped-attribute-updated", drive, "history: [{at: 1h, profile: doc, set: person.age, to: 3}]"},
	{"unmapped-attribute-updated", "history: [{at: 1h, profile: doc, set: person.age, to: 3}]", "history: [{at: 1h, profile: doc, set: {person.age: 3, person.name: Doc}}]"},
	{"attribute-overwritten", "history: [{at: 1h, profile: doc, set: person.name, to: Emmett}]", drive},
	{"attribute-gained", "history: [{at: 1h, profile: doc, remove: person.name}, {at: 2h, profile: doc, set: person.name, to: Doc}]", drive},
	{"profile-merged", "history: [{at: 1h, merge: {from: marty, into: doc}}]", "history: [{at: 1h, disable: true}, {at: 2h, merge: {from: marty, into: doc}}]"},
	{"member-merged-away", "history: [{at: 1h, merge: {from: doc, into: marty}}]", "history: [{at: 1h, merge: {from: marty, into: doc}}]"},
	{"member-forgotten", "history: [{at: 1h, forget: doc}]", "history: [{at: 1h, forget: marty}]"},
	{"non-member-changed", "history: [{at: 1h, profile: marty, set: person.name, to: Calvin}]", drive},
	{"member-unchanged", "", "profiles: {marty: {}}"},
	{"requalified", "history: [{at: 1h, profile: doc, qualify: a}]",
		"profiles: {doc: {audiences: [a, u]}}\nhistory: [{at: 1h, profile: doc, qualify: u}]"},
	{"switched-off-change", idOff + "history: [{at: 1h, profile: doc, addIdentity: {crm: A}}]", idOff + "history: [{at: 1h, profile: doc, addIdentity: {crm: A}, set: person.name, to: Doc}]"},
	{"combined-change", idOff + "history: [{at: 1h, profile: doc, addIdentity: {crm: A}, set: person.name, to: Doc}]", idOff + "history: [{at: 1h, profile: doc, addIdentity: {crm: A}}]"},
	{"entry-by-identity", idOff + "history: [{at: 1h, profile: marty, addIdentity: {crm: A}, qualify: a}]", idOff + "history: [{at: 1h, profile: doc, addIdentity: {crm: A}, set: person.name, to: Doc}]"},

	{"consent-held", "profiles: {marty: {attributes: {consents: {val: n}}}}", "profiles: {marty: {}, doc: {attributes: {consents: {val: n}}}}"},
	{"mapped-attribute-held", drive, ""},
	{"unmapped-attribute-held", "profiles: {marty: {attributes: {age: 17}}}", ""},
	{"mapped-attribute-lacking", "", drive},
	{"nested-attribute-held", drive, "dataflow: {audiences: [a], attributes: [age]}\nprofiles: {doc: {audiences: [a], attributes: {age: 3}}}\nhistory: [{at: 1h, profile: doc, set: age, to: 4}]"},
	{"identity-held", "", "profiles: {marty: {identities: none}}"},
	{"capital-namespace", "profiles: {marty: {identities: {Email: m@example.com}}}", "profiles: {marty: {identities: {email: m@example.com}}}"},
	{"hashed-identity", "profiles: {marty: {identities: {email_lc_sha256: m@example.com}}}", "profiles: {marty: {identities: {email: m@example.com}}}"},
	{"audience-export", "", drive},
	{"entry-sent", "", "dataflow: {audiences: [a], attributes: [person.name], requireMembership: false}\nhistory: [{at: 1h, profile: marty, set: person.name, to: Calvin}]"},
	{"mapped-entry", "", "dataflow: {audiences: [a], attributes: [person.name], requireMembership: false}\nhistory: [{at: 1h, profile: marty, set: person.name, to: Calvin}]"},
	{"unmapped-entry", "profiles: {marty: {audiences: [u]}}", "profiles: {marty: {audiences: [far]}}"},
	{"unmapped-membership", "profiles: {marty: {audiences: [far]}}", ""},
	{"same-policy-companion", "profiles: {marty: {audiences: [u]}}", "profiles: {marty: {audiences: [u]}}\ndestination: {includeMappedAudiencesOnly: true}"},
	{"other-policy-companion", "profiles: {marty: {audiences: [far]}}", "profiles: {marty: {audiences: [u]}}"},
	{"several-policies", "dataflow: {audiences: [a, far], attributes: [person.name]}\nhistory: [{at: 1h, profile: marty, qualify: [a, far]}]",
		"dataflow: {audiences: [a, far], attributes: [person.name]}\nhistory: [{at: 1h, profile: marty, qualify: a}]"},
	{"former-membership", "profiles: {doc: {audiences: {a: {qualified: 48h, exited: 24h}, b: {qualified: 48h}}}}\ndataflow: {audiences: [a, b], attributes: [person.name]}\n" + drive,
		"history: [{at: 1h, profile: doc, exit: a}]"},
	{"renamed-entry", "history: [{at: 1h, rename: {a: Anew}}, {at: 2h, profile: marty, qualify: a}]", "history: [{at: 1h, rename: {b: Anew}}, {at: 2h, profile: marty, qualify: a}]"},

	{"members-mapped", "profiles: {doc: {audiences: [b]}}\nhistory: [{at: 1h, map: b}]", "history: [{at: 1h, map: b}]"},
	{"members-activated", "history: [{at: 1h, activate: true}]", "profiles: {marty: {}}\nhistory: [{at: 1h, activate: true}]"},
	{"backfill-due", "history: [{at: 1h, activate: true}]", "history: [{at: 1h, unmap: a}, {at: 2h, map: a}]"},
	{"members-remapped", "history: [{at: 1h, unmap: a}, {at: 2h, map: a}]", "profiles: {doc: {audiences: [b]}}\nhistory: [{at: 2h, map: b}]"},
	{"members-unmapped", "history: [{at: 1h, unmap: a}]", "profiles: {marty: {}}\nhistory: [{at: 1h, unmap: a}]"},
	{"due-while-disabled", pause + "history: [{at: 1h, disable: true}, {at: 2h, profile: marty, qualify: a}]", pause + "history: [{at: 1h, disable: true}, {at: 2h, profile: marty, qualify: u}]"},
	{"due-after-deletion", pause + "history: [{at: 1h, delete: true}, {at: 2h, profile: marty, qualify: u}, {at: 3h, profile: doc, exit: a}]",
		pause + "history: [{at: 1h, delete: true}, {at: 2h, profile: marty, qualify: u}]"},

	{"flow-run", "", "history: []"},
	{"completed-run", "until: 3h", ""},
	{"removal-delivered", "history: [{at: 1h, profile: doc, exit: a}]", ""},
	{"export-excluded", "dataflow: {audiences: [a], attributes: [person.name], exclude: {profile: marty}}", "dataflow: {audiences: [a], attributes: [person.name], exclude: {profile: doc}}"},
	{"run-expired", "history: [{at: 0s, profile: marty, qualify: a}, {at: 91d, totals: true}]", "history: [{at: 0s, profile: marty, qualify: a}, {at: 90d, totals: true}]"},
	{"certificate-lookup", "history: [{at: 1h, lookup: public-certificate}]", "history: [{at: 1h, lookup: egress-addresses, region: VA7}]"},
	{"certificate-found", "history: [{at: 1h, lookup: public-certificate}]", "history: [{at: 1h, lookup: public-certificate, without: x-api-key}]"},
	{"certificate-reissued", "platform: {certificates: [{issued: 2026-01-01T00:00:00Z, expires: 2026-04-01T00:00:00Z}]}\nhistory: [{at: 20d, lookup: public-certificate}]",
		"platform: {certificates: [{issued: 2026-01-01T00:00:00Z, expires: 2026-04-01T00:00:00Z}]}\nhistory: [{at: 10d, lookup: public-certificate}]"},
	{"address-lookup", "history: [{at: 1h, lookup: egress-addresses, region: VA7}]", "history: [{at: 1h, lookup: public-certificate}]"},
	{"upload-imported", csv, ""},
	{"upload-expired", "until: 2d\n" + csv, csv},
}

// played is a scenario and the lines of its recording.
func played(t *testing.T, text string) (*scenarios.Scenario, []recording.Line) {
	t.Helper()
	sc, err := scenarios.Parse("case.yaml", []byte(text))
	if err != nil {
		t.Fatalf("%v\n%s", err, text)
	}
	lines, err := simulate.Play(context.Background(), sc, memory.New(), 1)
	if err != nil {
		t.Fatal(err)
	}
	return sc, lines
}

// Every fact is there in a run in which it happens, and not in one in which it
// does not: what the engine plays is read, not what the file says.
func TestEveryFact(t *testing.T) {
	seen := map[string]bool{}
	for _, c := range words {
		seen[c.word] = true
		if _, known := scenarios.FindFact(c.word); !known {
			t.Errorf("%s is not in the vocabulary", c.word)
		}
		for want, lines := range map[bool]string{true: c.yes, false: c.no} {
			t.Run(fmt.Sprintf("%s/%v", c.word, want), func(t *testing.T) {
				sc, recorded := played(t, with(lines))
				f := exercise.Recording(sc, recorded, []string{c.word})[c.word]
				if got := f.Times > 0; got != want {
					t.Errorf("happened %v; want %v\n%s", f, want, with(lines))
				}
			})
		}
	}
	for _, f := range scenarios.Facts() {
		if !seen[f.Word] {
			t.Errorf("%s has no evaluator that a test knows of", f.Word)
		}
	}
}

// A fact says when it happened first, how often, and at which step.
func TestWhereAFactHappened(t *testing.T) {
	sc, lines := played(t, with("profiles: {doc: {audiences: [a]}, marty: {}}\nhistory: [{at: 1h, profile: doc, exit: a}, {at: 2h, profile: doc, qualify: a}, {at: 3h, profile: doc, exit: a}]"))
	f := exercise.Recording(sc, lines, []string{"audience-left"})["audience-left"]
	if f.Times != 2 || !f.At.Equal(sc.Start.Add(time.Hour)) || f.What != "doc" || f.Line != 7 {
		t.Errorf("%+v", f)
	}
	if all := exercise.Recording(sc, lines, nil); len(all) != 0 {
		t.Errorf("facts that nobody asked for: %v", all)
	}
}

// A rule is exercised when its whole premise happened; else the first word that
// did not says why.
func TestMissing(t *testing.T) {
	sc, lines := played(t, with(""))
	rules, err := scenarios.Rules()
	if err != nil {
		t.Fatal(err)
	}
	for id, want := range map[string]string{"trig-enter": "", "names-mapped": "names-on", "bearer-header": "auth-bearer", "unmap-silent": "members-unmapped"} {
		r, _ := rules.Find(id)
		f, missing := exercise.Recording(sc, lines, exercise.Words(rules, []string{id})).Missing(r)
		if f.Word != want || missing != (want != "") {
			t.Errorf("%s lacks %q, %v; want %q", id, f.Word, missing, want)
		}
	}
}

// A planned history without a recording is enough for a capture: updates and
// actions from the scenario, and the messages that were found for them.
func TestOfACapture(t *testing.T) {
	sc, err := scenarios.Parse("case.yaml", []byte(with("history: [{at: 1h, unmap: a}, {at: 2h, profile: doc, set: person.name, to: Doc}]")))
	if err != nil {
		t.Fatal(err)
	}
	o := exercise.New(sc, []string{"members-unmapped", "data-call", "audience-left"})
	o.Line(recording.Line{Action: &recording.Action{At: sc.Start.Add(time.Hour), Action: "unmap", Audiences: []string{sc.Audiences[0].ID}}})
	o.Line(recording.Line{Request: &recording.Request{At: sc.Start.Add(2 * time.Hour), Method: "POST", Status: 200}})
	got := o.Facts()
	if got["members-unmapped"].Times != 1 || got["data-call"].Times != 1 || got["audience-left"].Times != 0 {
		t.Errorf("%v", got)
	}
}
