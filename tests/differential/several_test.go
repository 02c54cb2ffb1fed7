package differential

import (
	"fmt"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"github.com/httpdest/httpdest/scenarios"
	"github.com/httpdest/httpdest/scenarios/simulate"
)

// several draws a scenario with two to four dataflows: the profiles and their updates of
// one history, and what happens to the dataflow of each of some others.
func several() *rapid.Generator[*scenarios.Scenario] {
	return rapid.Custom(func(t *rapid.T) *scenarios.Scenario {
		sc := histories().Draw(t, "profiles")
		common := slices.DeleteFunc(slices.Clone(sc.History), func(s scenarios.Step) bool { return ofADataflow(s.Action) })
		flows := &scenarios.Flows{}
		for i := range draw(t, "dataflows", 2, 2, 3, 4) {
			one := sc
			if i > 0 {
				one = histories().Draw(t, fmt.Sprintf("dataflow %d", i))
			}
			f := one.Dataflow
			f.Key = fmt.Sprintf("flow-%d", i)
			if i == 0 || chance(t, fmt.Sprintf("destination %d", i), 2) {
				to := one.Destination
				to.Key = fmt.Sprintf("to-%d", i)
				to.Name, f.To = to.Key, to.Key
				flows.Destinations, flows.Endpoints = append(flows.Destinations, to), append(flows.Endpoints, one.Endpoint)
			} else {
				f.To = draw(t, fmt.Sprintf("to of %d", i), flows.Destinations...).Key
			}
			flows.Dataflows = append(flows.Dataflows, f)
			for _, s := range one.History {
				if ofADataflow(s.Action) {
					s.Dataflows = []string{f.Key}
					common = append(common, s)
				}
			}
		}
		slices.SortStableFunc(common, func(a, b scenarios.Step) int { return int(a.At - b.At) })
		sc.History, sc.Flows, sc.Organisation.Destinations = common, flows, len(flows.Destinations)
		sc.Destination, sc.Dataflow, sc.Endpoint = scenarios.Destination{}, scenarios.Dataflow{}, scenarios.Endpoint{}
		return sc
	})
}

func ofADataflow(action string) bool { return action != "" && action != "rename" }

// Dataflows that share profiles, and some an endpoint, are each judged as if there were no
// other.
func TestSeveralDataflows(t *testing.T) {
	all := rules(t)
	exports := map[string]int{}
	for i := range max(1, *count/5) {
		sc := several().Example(*seed + i)
		lines, err := play(sc, simulate.Model)
		if err != nil {
			t.Fatal(err)
		}
		if wrong := judge(sc, all, lines); wrong != "" {
			fmt.Printf("%s%d\n", marker, *seed+i)
			t.Fatalf("the history of seed %d, for httpdest run: %s\n%s", *seed+i, write(t, sc, *seed+i), wrong)
		}
		for _, l := range lines {
			if l.Export != nil {
				exports[l.Dataflow]++
			}
		}
	}
	for _, key := range []string{"flow-0", "flow-1", "flow-2"} {
		if exports[key] == 0 {
			t.Errorf("no export of %s in any history: %v", key, exports)
		}
	}
}

// Over real TLS the same dataflows leave the same recordings.
func TestSeveralDataflowsOverMTLS(t *testing.T) {
	overMTLS(t, several(), func(sc *scenarios.Scenario) {
		for n := range sc.Flows.Endpoints {
			sc.Flows.Endpoints[n].TLS = "mtls-only"
		}
	})
}

// Whatever there is of several dataflows can be written as a scenario and read back.
func TestSeveralDataflowsAreAScenario(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) { readBack(t, several().Draw(t, "history")) })
}
