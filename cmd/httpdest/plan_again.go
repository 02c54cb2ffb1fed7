package main

import (
	"fmt"
	"slices"
	"strings"

	"github.com/spf13/pflag"

	"github.com/httpdest/httpdest/loadtest"
	"github.com/httpdest/httpdest/reports"
)

// planInputs are the flags that a plan depends on.
var planInputs = []string{
	"profiles",
	"share",
	"updates",
	"curve",
	"arrivals",
	"backfill",
	"latency",
	"errors",
	"capacity",
	"sockets",
	"target",
	"dataflow",
	"outage",
	"outage-kind",
}

// betweenDataflows separates the texts of --dataflow in a report.
const betweenDataflows = "; "

// again takes the inputs of an earlier plan where a flag does not say otherwise,
// and what a load test measured from its report.
func (f *planFlags) again(flags *pflag.FlagSet, args []string) (err error) {
	f.asked, f.given = map[string]string{}, map[string]bool{}
	for _, name := range planInputs {
		f.given[name] = flags.Changed(name)
	}
	if f.from != "" {
		if err := f.repeat(flags); err != nil {
			return err
		}
	}
	if len(args) > 0 {
		f.asked["report"] = args[0]
		if f.measured, err = measuredIn(args[0]); err != nil {
			return err
		}
	}
	for _, name := range planInputs {
		f.asked[name] = flags.Lookup(name).Value.String()
	}
	f.asked["dataflow"] = strings.Join(f.dataflows, betweenDataflows)
	if f.target != "" {
		delete(f.asked, "sockets") // which it picks
	}
	if f.measured != nil {
		// The measurement supplies these, so their flags are not required.
		for _, name := range []string{"latency", "errors"} {
			if !f.given[name] {
				delete(f.asked, name)
			}
		}
	}
	return nil
}

// repeat sets the flags by an earlier plan.
func (f *planFlags) repeat(flags *pflag.FlagSet) error {
	r, err := readReport(f.from)
	if err != nil {
		return err
	}
	if r.Plan == nil || len(r.Plan.Asked) == 0 {
		return failure{
			exitUsage,
			fmt.Errorf("--from %s has no inputs of a plan", f.from),
			"give the report.json of httpdest plan",
		}
	}
	for _, name := range planInputs {
		value, there := r.Plan.Asked[name]
		if !there || f.given[name] || name == "target" && f.given["sockets"] ||
			name == "sockets" && f.given["target"] {
			continue
		}
		f.given[name] = !slices.Contains(r.Plan.Defaults, name)
		values := []string{value}
		if name == "dataflow" {
			values = strings.Split(value, betweenDataflows)
		}
		for _, v := range values {
			if name == "dataflow" && v == "" {
				continue
			}
			if err := flags.Set(name, v); err != nil {
				return failure{
					exitUsage,
					fmt.Errorf("--from %s: %s: %w", f.from, name, err),
					"give the report.json of httpdest plan",
				}
			}
		}
	}
	if m := r.Plan.Measured; m != nil {
		if f.measured, err = loadtest.MeasuredOf(m); err != nil {
			return failure{
				exitUsage,
				fmt.Errorf("--from %s: %w", f.from, err),
				"give the report.json of httpdest plan",
			}
		}
		f.asked["report"] = r.Plan.Asked["report"]
	} else if file := r.Plan.Asked["report"]; file != "" { // of a version that kept only its name
		f.asked["report"] = file
		if f.measured, err = measuredIn(file); err != nil {
			return err
		}
	}
	return nil
}

// repeatable says in a report what gives the same plan again.
func (f planFlags) repeatable(p *reports.Plan) {
	p.Asked = f.asked
	for _, name := range planInputs {
		if _, there := f.asked[name]; there && !f.given[name] {
			p.Defaults = append(p.Defaults, name)
		}
	}
	if f.measured != nil {
		p.Measured = f.measured.Report()
	}
}
