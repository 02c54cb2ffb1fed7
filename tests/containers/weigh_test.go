package containers

import (
	"fmt"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"

	"github.com/httpdest/httpdest/engine/live"
	"github.com/httpdest/httpdest/scenarios/recording"
)

func bodyOf(profile string) string {
	return fmt.Sprintf(`{"identityMap":{"crm":[{"id":%q}]}}`, profile)
}

func post(profile string, status int) recording.Line {
	return recording.Line{Request: &recording.Request{Method: "POST", Status: status, Body: bodyOf(profile)}}
}

var _ = DescribeTable("the judge of these specs finds", func(lines []recording.Line, letters []live.Letter, want ...string) {
	_, problems := weigh([]string{"a"}, lines, letters)
	Expect(problems).To(ConsistOf(want))
},
	Entry("nothing in what was delivered", []recording.Line{post("a", 503), post("a", 200)}, nil),
	Entry("nothing in what is dead", []recording.Line{post("a", 503), post("a", 503), post("a", 503)}, []live.Letter{{Attempts: 3, Body: bodyOf("a")}}),
	Entry("what is lost", nil, nil, "a is lost"),
	Entry("what was only tried", []recording.Line{post("a", 503)}, nil, "a is lost"),
	Entry("a fourth request", []recording.Line{post("a", 503), post("a", 503), post("a", 503), post("a", 200)}, nil, "a was sent 4 times"),
	Entry("what gave up too early", nil, []live.Letter{{Attempts: 2, Body: bodyOf("a")}}, "a is dead after 2 attempts"),
	Entry("what nobody asked for", []recording.Line{post("a", 200), post("b", 200)}, nil, "b was sent, and never accepted"),
	Entry("a body of nobody", []recording.Line{post("a", 200), {Request: &recording.Request{Method: "POST", Status: 200, Body: "{}"}}}, nil, "a body of nobody: {}"),
)
