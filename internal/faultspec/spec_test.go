package faultspec

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// Every spec that is taken is written as it was read, and comes back from the
// fault it makes.
func TestSpecsAreReadAndWritten(t *testing.T) {
	for _, text := range []string{
		`{"status":503}`,
		`{"id":"a.b-c","profiles":"new-{1..5}","requests":"1-2","status":503,"headers":{"Retry-After":"5"}}`,
		`{"from":"1h","until":"1h30m","requests":"2-","every":3,"probability":0.25,"latency":"2.5s"}`,
		`{"connections":"2-3","on":"decision","status":400}`,
		`{"connections":1,"at":"accept","stall":true}`,
		`{"connections":"1-","on":"token","at":"handshake","latency":"1s","garbage":true}`,
		`{"at":"body","close":true}`, `{"at":"body","halfClose":true}`, `{"at":"end","reset":true}`,
		`{"headersAt":"1s","slowBody":"2.1s"}`,
		`{"malformedChunk":true}`, `{"endless":true}`, `{"close":true}`, `{"halfClose":true}`, `{"garbage":true}`,
		`{"on":"token","answer":"html"}`, `{"on":"token","expiresIn":"5s"}`, `{"on":"token","expiresIn":"none"}`,
		`{"requests":3,"revoke":true}`,
		`{"rate":2.5}`, `{"status":503,"rate":10,"burst":5}`,
		`{"latency":{"distribution":"uniform","min":"100ms","max":"3s"}}`,
		`{"latency":{"distribution":"normal","mean":"1s","deviation":"200ms"}}`,
		`{"latency":{"distribution":"log-normal","median":"300ms","sigma":0.8}}`,
		`{"status":200,"latency":{"distribution":"percentiles","percentiles":{"50":"200ms","99.9":"3s"}}}`,
	} {
		s, err := ParseSpec([]byte(text))
		if err != nil {
			t.Errorf("%s: %v", text, err)
			continue
		}
		written, err := json.Marshal(s)
		if err != nil || string(written) != text {
			t.Errorf("%s is written as %s, %v", text, written, err)
		}
		f, err := s.Fault()
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(s, SpecOf(f)); diff != "" {
			t.Errorf("%s: (-read +from the fault)\n%s", text, diff)
		}
	}
}

func TestSpecsMeanFaults(t *testing.T) {
	for text, want := range map[string]Fault{
		`{"profile":"doc","on":"message","at":"response","status":429,"headers":{"Retry-After":120,"X":true}}`: {
			ProfileNames: "doc", Status: 429, Headers: map[string]string{"Retry-After": "120", "X": "true"}},
		`{"requests":"3-","latency":"1d12h","from":0,"until":"90m"}`: {Requests: Range{3, 0}, Latency: 36 * time.Hour,
			Until: 90 * time.Minute},
		`{"on":"token","at":"accept","connections":2,"reset":true}`: {On: Token, Phase: Accept, Connections: Range{2, 2},
			Reset: true},
	} {
		s, err := ParseSpec([]byte(text))
		if err != nil {
			t.Fatal(err)
		}
		f, err := s.Fault()
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(want, f); diff != "" {
			t.Errorf("%s: (-want +got)\n%s", text, diff)
		}
	}
}

// One mistake each, and a part of what is said about it.
func TestSpecsAreRefused(t *testing.T) {
	for text, says := range map[string]string{
		`{}`:                                             "does nothing",
		`{"Status":503}`:                                 "unknown field \"Status\"",
		`{"headers":{}}`:                                 "does nothing",
		`{"status":503,"typo":1}`:                        "unknown field",
		`{"status":503}{}`:                               "something follows",
		`{"status":700}`:                                 "200 to 599",
		`{"id":"a b","status":503}`:                      "one word",
		`{"on":"data","status":503}`:                     "on must be",
		`{"at":"middle","stall":true}`:                   "at must be",
		`{"status":503,"reset":true}`:                    "exclude each other",
		`{"close":true,"halfClose":true}`:                "exclude each other",
		`{"answer":"html"}`:                              "add on: token",
		`{"on":"token","answer":"soup"}`:                 "answer must be one of",
		`{"expiresIn":"5s"}`:                             "add on: token",
		`{"on":"token","expiresIn":"1ms"}`:               "1s or more",
		`{"on":"token","revoke":true}`:                   "revoke applies to a message only",
		`{"at":"body","status":503}`:                     "at: body needs a fault that ends the answer there",
		`{"at":"end","latency":"1s"}`:                    "add stall, reset, close or halfClose",
		`{"at":"accept","connections":1,"garbage":true}`: "garbage does not go with at: accept",
		`{"at":"accept","stall":true}`:                   "needs connections",
		`{"at":"accept","connections":1,"requests":1,"stall":true}`:                       "there is no request yet",
		`{"at":"accept","connections":1,"on":"decision","stall":true}`:                    "needs a request",
		`{"headers":{"A B":"x"}}`:                                                         "not a header name",
		`{"headers":{"A":"x\ny"}}`:                                                        "one line",
		`{"headers":{"A":[]}}`:                                                            "must be text",
		`{"headers":"A"}`:                                                                 "headers",
		`{"rate":0}`:                                                                      "rate must be",
		`{"rate":1,"burst":-1}`:                                                           "burst must be",
		`{"status":429,"burst":1}`:                                                        "burst needs rate",
		`{"rate":1,"slowBody":"1s"}`:                                                      "slowBody does not go with rate",
		`{"headersAt":"1s","status":503}`:                                                 "headersAt needs slowBody",
		`{"latency":"1s","slowBody":"1s"}`:                                                "longer than latency",
		`{"headersAt":"2s","slowBody":"1s"}`:                                              "smaller than slowBody",
		`{"latency":"1s","headersAt":"1s","slowBody":"3s"}`:                               "both set when",
		`{"status":503,"from":"1h","until":"1h"}`:                                         "later than from",
		`{"status":503,"until":"0"}`:                                                      "later than from",
		`{"status":503,"profile":"a","profiles":"b"}`:                                     "leave one out",
		`{"status":503,"profile":"a b"}`:                                                  "a character other than letters",
		`{"status":503,"profile":"a-{5..1}"}`:                                             "runs backwards",
		`{"status":503,"profile":"a-{1..99999999}"}`:                                      "more than 10000000 names",
		`{"status":503,"profile":"a-{01..2}"}`:                                            "starts with a zero",
		`{"status":503,"probability":0}`:                                                  "probability",
		`{"status":503,"every":-1}`:                                                       "every must be",
		`{"status":503,"requests":"1-2","every":3}`:                                       "never matches a range",
		`{"status":503,"requests":0}`:                                                     "not a count",
		`{"status":503,"requests":"3-2"}`:                                                 "backwards",
		`{"status":503,"on":"token","profile":"a"}`:                                       "carries no profile",
		`{"latency":5}`:                                                                   "not a duration",
		`{"latency":"5"}`:                                                                 "has no unit",
		`{"latency":""}`:                                                                  "is blank",
		`{"latency":"200y"}`:                                                              "not a duration",
		`{"latency":"99999999h"}`:                                                         "100 years",
		`{"latency":{}}`:                                                                  "not a distribution",
		`{"latency":{"distribution":"uniform","min":"1s"}}`:                               "needs max",
		`{"latency":{"distribution":"uniform","min":"1s","max":"1s"}}`:                    "smaller than max",
		`{"latency":{"distribution":"uniform","min":"1s","max":"2s","mean":"1s"}}`:        "mean cannot be combined with uniform",
		`{"latency":{"distribution":"uniform","min":"1s","max":"2s","most":"1s"}}`:        "unknown field",
		`{"latency":{"distribution":"normal","mean":"1s","deviation":"0"}}`:               "more than 0",
		`{"latency":{"distribution":"log-normal","median":"1s","sigma":11}}`:              "at most 10",
		`{"latency":{"distribution":"percentiles","percentiles":{"50":"1s"}}}`:            "two points",
		`{"latency":{"distribution":"percentiles","percentiles":{"50":"2s","60":"1s"}}}`:  "must not have a shorter latency",
		`{"latency":{"distribution":"percentiles","percentiles":{"50":"2s","101":"3s"}}}`: "not a percentage",
		`{"slowBody":"5s","latency":{"distribution":"uniform","min":"1s","max":"2s"}}`:    "fixed latency",
	} {
		if _, err := ParseSpec([]byte(text)); err == nil || !strings.Contains(err.Error(), says) {
			t.Errorf("%s: %v; want %q", text, err, says)
		}
	}
	// All problems at once.
	_, err := ParseSpec([]byte(`{"status":700,"probability":2,"every":-1}`))
	if err == nil || strings.Count(err.Error(), "\n") != 2 {
		t.Errorf("%v; want three problems", err)
	}
}

// A problem names the key to blame, unless the fault as a whole does nothing, and what to
// do about it.
func TestProblemsNameAKey(t *testing.T) {
	for key, s := range map[string]Spec{
		"":                     {ID: "a"},
		"id":                   {ID: "a b", Status: 503},
		"status":               {Status: 700},
		"reset":                {Stall: true, Reset: true},
		"at":                   {At: "body", Status: 503},
		"answer":               {Answer: Answers[0]},
		"burst":                {Status: 503, Burst: 1},
		"latency.max":          {Latency: &Latency{Distribution: &Distribution{Shape: Uniform}}},
		"latency.distribution": {Latency: &Latency{Distribution: &Distribution{Shape: "gamma"}}},
		"headers.a b":          {Headers: Headers{"a b": "c"}},
		"headers.retry-after":  {Headers: Headers{"Retry-After": "1", "retry-after": "2"}},
		"profiles":             {Status: 503, Profile: "a", Profiles: "b"},
		"every":                {Status: 503, Requests: &Range{1, 2}, Every: 3},
	} {
		if got := s.Problems(); len(got) != 1 || got[0].Key != key || got[0].What == "" || got[0].Fix == "" {
			t.Errorf("problems of %+v: %+v; want one of the key %q, with a fix", s, got, key)
		}
	}
}
