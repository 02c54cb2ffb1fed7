package scenarios

// head is what most contexts need: an audience, a profile and a range.
const head = "title: t\nrules: [trig-enter]\naudiences: {a: {}}\nprofiles: {p: {}, \"q-{1..9}\": {}}\n"

// contexts are scenarios in which § stands for one more key of an object, for
// every object of the schema. Objects that come in several kinds have one for
// each; the first is where defaults are tried.
var contexts = map[string][]string{
	"": {
		"title: t\nrules: [trig-enter]\nexpect: []\n§\n",
		"title: t\nrules: [trig-enter]\nexpect: []\ndestinations: {d: {}}\ndataflows: {f: {destination: d}}\n§\n",
	},
	"audience":      {"title: t\nrules: [trig-enter]\nexpect: []\naudiences: {a: {§}}\n"},
	"destination":   {head + "expect: []\ndestination: {§}\n"},
	"organisation":  {head + "expect: []\norganisation: {§}\n"},
	"mergePolicy":   {head + "expect: []\norganisation: {mergePolicies: {m: {§}}}\n"},
	"policy":        {head + "expect: []\norganisation: {policies: {p: {action: x, labels: y, §}}}\n"},
	"users":         {head + "expect: []\nusers: {§}\n"},
	"auth":          {head + "expect: []\ndestination: {auth: {type: oauth2-client-credentials, credentials: basic-authorization, clientID: i, clientSecret: s, §}}\n"},
	"upload":        {"title: t\nrules: [trig-enter]\nexpect: []\naudiences: {a: {upload: {rows: \"email\", §}}}\n"},
	"platform":      {head + "expect: []\nplatform: {§}\n"},
	"certificate":   {head + "expect: []\nplatform: {certificates: [{§}]}\n"},
	"tokenEndpoint": {head + "expect: []\ndestination: {auth: {type: oauth2-password, clientID: i, clientSecret: s, username: u, password: p}}\nendpoint: {token: {§}}\n"},
	"readings":      {head + "expect: []\ndestination: {readings: {§}}\n"},
	"retry":         {head + "expect: []\ndestination: {retry: {delays: [], §}}\n"},
	"dataflow": {
		head + "expect: []\ndataflow: {§}\n",
		head + "expect: []\ndestinations: {d: {}}\ndataflows: {f: {destination: d, §}}\n",
	},
	"triggers":   {head + "expect: []\ndataflow: {triggers: {§}}\n"},
	"profile":    {"title: t\nrules: [trig-enter]\nexpect: []\nprofiles: {p: {§}}\n"},
	"generate":   {"title: t\nrules: [trig-enter]\nexpect: []\nprofiles: {p: {generate: {§}}}\n"},
	"membership": {"title: t\nrules: [trig-enter]\nexpect: []\naudiences: {a: {}}\nprofiles: {p: {audiences: {a: {§}}}}\n"},
	"endpoint":   {head + "expect: []\nendpoint: {§}\n"},
	"fault": {
		head + "expect: []\nendpoint: {faults: [{status: 503, §}]}\n",
		head + "expect: []\nendpoint: {faults: [{on: token, answer: html, §}]}\n",
		head + "expect: []\nendpoint: {faults: [{at: accept, connections: 1, stall: true, §}]}\n",
	},
	"distribution": {
		head + "expect: []\nendpoint: {faults: [{latency: {distribution: uniform, min: 1s, max: 2s, §}}]}\n",
		head + "expect: []\nendpoint: {faults: [{latency: {distribution: normal, mean: 1s, deviation: 1s, §}}]}\n",
		head + "expect: []\nendpoint: {faults: [{latency: {distribution: log-normal, median: 1s, sigma: 1, §}}]}\n",
		head + "expect: []\nendpoint: {faults: [{latency: {distribution: percentiles, percentiles: {0: 1s, 100: 2s}, §}}]}\n",
	},
	"step": {
		head + "expect: []\nhistory: [{at: 1s, profile: p, qualify: a, §}]\n",
		head + "expect: []\nhistory: [{at: 1s, map: a, §}]\n",
		head + "expect: []\ndestination: {auth: {type: oauth2-password, clientID: i, clientSecret: s, username: u, password: p}}\nhistory: [{at: 1s, revoke: true, §}]\n",
		head + "expect: []\nhistory: [{at: 1s, lookup: public-certificate, §}]\n",
		head + "expect: []\nhistory: [{at: 1s, lookup: egress-addresses, §}]\n",
		head + "expect: []\nhistory: [{at: 1s, §}]\n", // the hint lists every change only while the step has no change
	},
	"merge":       {head + "expect: []\nhistory: [{at: 1s, merge: {from: p, into: q-1, §}}]\n"},
	"replacement": {head + "expect: []\nhistory: [{at: 1s, profile: p, replaceIdentity: {email: {from: a, to: b, §}}}]\n"},
	"expectation": {
		head + "expect: [{profile: p, §}]\n",
		head + "expect: [{decision: mtls-only, §}]\n",
		head + "expect: [{token: issued, §}]\n",
		head + "expect: [{handshakes: refused, §}]\n",
		head + "expect: [{problem: destination.headers, §}]\n",
		head + "expect: [{flowRun: 1, §}]\n",
		head + "expect: [{totals: {runs: 1}, §}]\n",
		head + "expect: [{alert: activation-skipped-rate-exceeded, §}]\n",
		head + "expect: [{latency: p95, below: 10m, §}]\n",
		head + "history: [{at: 1s, lookup: public-certificate}]\nexpect: [{lookup: public-certificate, §}]\n",
		head + "history: [{at: 1s, lookup: egress-addresses}]\nexpect: [{lookup: egress-addresses, §}]\n",
	},
	"expectedCertificate": {head + "history: [{at: 1s, lookup: public-certificate}]\nexpect: [{lookup: public-certificate, certificates: [{commonName: a, §}]}]\n"},
	"alert":               {head + "expect: []\ndestination: {alerts: [{alert: activation-failed-rate-exceeded, §}]}\n"},
	"exclusion":           {head + "expect: []\ndataflow: {exclude: {profiles: p, §}}\n"},
	"totals":              {head + "expect: [{totals: {runs: 1, §}}]\n", head + "expect: [{totals: {received: 1, §}}]\n"},
	"entry":               {head + "expect: [{profile: p, audiences: {a: {§}}}]\n"},
}
