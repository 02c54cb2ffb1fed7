package probe

import (
	"fmt"
	"io"
	"strings"
	"time"

	"go.yaml.in/yaml/v4"

	"github.com/httpdest/httpdest/reports"
	"github.com/httpdest/httpdest/scenarios"
)

// Implementation is what a statement is about.
type Implementation struct {
	Organization string `yaml:"organization,omitempty"`
	Project      string `yaml:"project"`
	URL          string `yaml:"url,omitempty"`
	Version      string `yaml:"version"`
}

// group is the result of a group of rules, as in the conformance reports of the
// Gateway API.
type group struct {
	Name       string     `yaml:"name"`
	Result     string     `yaml:"result"` // success, partial, failure, not tested
	Statistics statistics `yaml:"statistics"`
	Failed     []string   `yaml:"failedRules,omitempty,flow"`
	Skipped    []skipped  `yaml:"skippedRules,omitempty"`
}

type statistics struct {
	Passed  int `yaml:"passed"`
	Failed  int `yaml:"failed"`
	Skipped int `yaml:"skipped"`
}

type skipped struct {
	Rule   string `yaml:"rule"`
	Reason string `yaml:"reason"`
}

type statement struct {
	APIVersion     string         `yaml:"apiVersion"`
	Kind           string         `yaml:"kind"`
	Date           string         `yaml:"date"`
	Harness        string         `yaml:"harnessVersion"`
	Implementation Implementation `yaml:"implementation"`
	Verdict        string         `yaml:"verdict"`
	Groups         []group        `yaml:"groups"`
	Reproduce      string         `yaml:"reproduce"`
}

// WriteStatement writes what a probe showed, for publication: a small YAML file
// in the manner of the Gateway API's conformance reports. It has no address and
// no exchange. reproduce is the command.
func WriteStatement(w io.Writer, r *reports.Report, of Implementation, date time.Time, reproduce string) error {
	s := statement{APIVersion: "httpdest/v1", Kind: "ConformanceReport", Date: date.UTC().Format(time.RFC3339), Harness: r.Environment.Version,
		Implementation: of, Verdict: string(r.Verdict), Reproduce: reproduce}
	catalogue, err := scenarios.Rules()
	if err != nil {
		return err
	}
	for _, name := range catalogue.Groups("receiver", "both") {
		out := group{Name: name}
		for _, rule := range r.Rules {
			if known, _ := catalogue.Find(rule.ID); known.Group != name {
				continue
			}
			switch rule.Verdict {
			case reports.Pass:
				out.Statistics.Passed++
			case reports.Fail:
				out.Statistics.Failed++
				out.Failed = append(out.Failed, rule.ID)
			default:
				out.Statistics.Skipped++
				out.Skipped = append(out.Skipped, skipped{rule.ID, strings.TrimSuffix(string(rule.Verdict)+": "+rule.Reason, ": ")})
			}
		}
		switch n := out.Statistics; {
		case n.Failed > 0:
			out.Result = "failure"
		case n.Passed == 0:
			out.Result = "not tested"
		case n.Skipped > 0:
			out.Result = "partial"
		default:
			out.Result = "success"
		}
		s.Groups = append(s.Groups, out)
	}
	b, err := yaml.Marshal(s)
	if err != nil {
		return err
	}
	_, err = fmt.Fprintf(w, "# Made by httpdest probe; how to read it: httpdest help probe\n%s", b)
	return err
}
