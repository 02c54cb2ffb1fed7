package scenarios_test

import (
	"encoding/json"
	"io/fs"
	"maps"
	"os"
	"slices"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	"go.yaml.in/yaml/v4"

	"github.com/httpdest/httpdest/engine/store/memory"
	"github.com/httpdest/httpdest/reports"
	"github.com/httpdest/httpdest/scenarios"
	"github.com/httpdest/httpdest/scenarios/capture"
	"github.com/httpdest/httpdest/scenarios/check"
	"github.com/httpdest/httpdest/scenarios/library"
	"github.com/httpdest/httpdest/scenarios/recording"
	"github.com/httpdest/httpdest/scenarios/simulate"
)

// documented reads an example payload of the documentation.
func documented(name string) map[string]any {
	GinkgoHelper()
	content, err := library.Files.ReadFile("payloads/" + name)
	Expect(err).NotTo(HaveOccurred())
	var out map[string]any
	Expect(json.Unmarshal(content, &out)).To(Succeed())
	return out
}

// lastBody plays a scenario and returns the body of its last attempt.
func lastBody(ctx SpecContext, sc *scenarios.Scenario) map[string]any {
	GinkgoHelper()
	lines, err := simulate.Play(ctx, sc, memory.New(), 1)
	Expect(err).NotTo(HaveOccurred())
	attempts := recording.Timeless(lines)
	var body map[string]any
	Expect(json.Unmarshal([]byte(attempts[len(attempts)-1].Body), &body)).To(Succeed())
	return body
}

var _ = Describe("The example payloads of the documentation", func() {
	It("exported data: comes out of the scenario that tells its story", func(ctx SpecContext) {
		all, err := scenarios.FindFS(library.Files, ".")
		Expect(err).NotTo(HaveOccurred())
		var sc *scenarios.Scenario
		for _, c := range all {
			if c.ID == "content/documented-example" {
				sc = c
			}
		}
		Expect(sc).NotTo(BeNil())
		Expect(lastBody(ctx, sc)).To(Equal(documented("exported-data.json")))
	})

	It("names and timestamps: the same keys come out with both toggles on", func(ctx SpecContext) {
		entries := func(body map[string]any) map[string]any {
			return body["segmentMembership"].(map[string]any)["ups"].(map[string]any)
		}
		keys := func(entry any) []string {
			var out []string
			for key := range entry.(map[string]any) {
				out = append(out, key)
			}
			return out
		}
		const mapped, other = "5b998cb9-9488-4ec3-8d95-fa8338ced490", "354e086f-2e11-49a2-9e39-e5d9a76be683"
		for file, names := range map[string]string{"segment-names.json": "true", "segment-timestamps.json": "false"} {
			sc, err := scenarios.Parse("page.yaml", []byte(`
title: the audiences of the example
rules: [ts-on]
audiences:
  mapped: {id: `+mapped+`, name: First name equals John}
  other: {id: `+other+`}
destination: {includeSegmentTimestamps: true, includeSegmentNames: `+names+`}
dataflow: {audiences: [mapped], attributes: [x]}
profiles: {john: {audiences: [other]}}
history: [{at: 1s, profile: john, qualify: mapped}]
expect: [{profile: john, because: audience}]
`))
			Expect(err).NotTo(HaveOccurred())
			got, want := entries(lastBody(ctx, sc)), entries(documented(file))
			Expect(keys(got[mapped])).To(ConsistOf(keys(want[mapped])), file)
			if want[other] != nil {
				Expect(keys(got[other])).To(ConsistOf(keys(want[other])), file)
			}
		}
	})
})

// verdictOf is an entry of testdata/payload-verdicts.yaml.
type verdictOf struct {
	File        string            `yaml:"file"`
	Source      string            `yaml:"source"`
	Version     string            `yaml:"version"`
	Verdict     reports.Verdict   `yaml:"verdict"`
	Fail        map[string]string `yaml:"fail"`
	Unspecified map[string]string `yaml:"unspecified"`
	Pass        []string          `yaml:"pass"`
}

var _ = Describe("The example payloads of the documentation, judged as captures", func() {
	content, err := os.ReadFile("testdata/payload-verdicts.yaml")
	if err != nil {
		panic(err)
	}
	var table []verdictOf
	if err := yaml.Unmarshal(content, &table); err != nil {
		panic(err)
	}

	It("are all there", func() {
		var files []string
		for _, v := range table {
			files = append(files, "payloads/"+v.File)
		}
		Expect(fs.Glob(library.Files, "payloads/*.json")).To(ConsistOf(files))
		Expect(len(files)).To(BeNumerically(">=", 16))
	})

	for _, want := range table {
		It(want.File, func() {
			Expect(want.Source).To(HaveSuffix(".md"), "the path of the page")
			Expect(want.Version).To(MatchRegexp(`^[0-9a-f]{8,10}( \(|$)`), "the commit of the page")
			file, err := library.Files.Open("payloads/" + want.File)
			Expect(err).NotTo(HaveOccurred())
			DeferCleanup(file.Close)
			in, err := capture.NewReader(want.File, file, capture.Options{})
			Expect(err).NotTo(HaveOccurred())
			rules, err := scenarios.Rules()
			Expect(err).NotTo(HaveOccurred())
			sender := check.NewSender(rules, check.SenderOptions{File: want.File})
			x, err := in.Next()
			Expect(err).NotTo(HaveOccurred())
			sender.Exchange(x)
			c := sender.Judge(in)
			got := map[reports.Verdict][]string{}
			for _, k := range c.Checks {
				got[k.Verdict] = append(got[k.Verdict], k.Rule)
			}
			Expect(c.Verdict).To(Equal(want.Verdict))
			Expect(got[reports.Fail]).To(ConsistOf(slices.Collect(maps.Keys(want.Fail))))
			Expect(got[reports.Unspecified]).To(ConsistOf(slices.Collect(maps.Keys(want.Unspecified))))
			Expect(got[reports.Pass]).To(ContainElements(want.Pass))
		})
	}
})
