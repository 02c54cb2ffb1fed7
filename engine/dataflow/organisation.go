package dataflow

import (
	"fmt"
	"slices"
	"strings"

	"github.com/httpdest/httpdest/engine/audience"
	"github.com/httpdest/httpdest/engine/profile"
)

// Ultimate is the edition of Real-Time CDP that has this destination (R1).
const Ultimate = "ultimate"

// Organisation is what is around a dataflow and decides whether it may be.
type Organisation struct {
	Edition       string
	Destinations  int // in the sandbox, with this one
	MergePolicies []MergePolicy
	// EventAttributes are paths of a schema of class ExperienceEvent, which no
	// profile record has (R13).
	EventAttributes []profile.Path
	Labels          map[profile.Path][]string // data usage labels of attributes
	Policies        []UsagePolicy
}

// MergePolicy is one merge policy of the organisation.
type MergePolicy struct {
	Name    string
	Class   string // of the schemas it merges
	Default bool   // of its class
}

// Configuration is everything that decides whether a destination can be
// connected and a dataflow to it activated.
type Configuration struct {
	Flow         Dataflow
	Audiences    audience.Directory
	Organisation Organisation
	Users        Users
	Activated    bool // false: the activation is not finished yet
}

// Problems lists everything there is to say about a configuration, from errors
// to advice.
func (c Configuration) Problems() []Problem {
	problems := slices.Concat(c.Flow.Problems(c.Audiences), c.Organisation.problems(c.Flow, c.Audiences), c.Users.connecting())
	if c.Activated {
		problems = append(problems, c.Gate()...)
	}
	return problems
}

// Gate is what keeps an activation from being finished (R17, R20, R21).
func (c Configuration) Gate() []Problem {
	return append(c.Users.activating(c.Flow), c.violations()...)
}

// MapProblems is what keeps further audiences from being mapped, besides what
// Problems has to say about the configuration after it.
func (c Configuration) MapProblems(after Configuration) []Problem {
	return c.Users.mapping(c.Flow, after.Flow)
}

// DestinationProblems say whether the sandbox has too many destinations (R12).
func (o Organisation) DestinationProblems() []Problem {
	return SandboxDestinations.check("organisation.destinations", o.Destinations)
}

func (o Organisation) problems(f Dataflow, audiences audience.Directory) []Problem {
	var problems []Problem
	if o.Edition != Ultimate {
		problems = append(problems, Problem{"organisation.edition", fmt.Sprintf("the edition %q has no HTTP API destination", o.Edition),
			"it takes Real-Time CDP Ultimate", Error})
	}
	problems = append(problems, o.DestinationProblems()...)
	problems = append(problems, o.mergePolicies(audiences)...)
	for n, path := range f.Attributes {
		event := func(e profile.Path) bool { return e.Covers(path) }
		if slices.ContainsFunc(o.EventAttributes, event) {
			problems = append(problems, Problem{fmt.Sprintf("dataflow.attributes[%d]", n), fmt.Sprintf("%s is an attribute of experience events", path),
				"map attributes of the profile record; those of events cannot be exported", Error})
		}
	}
	return problems
}

// mergePolicies checks R15: at most five, one default for each class.
func (o Organisation) mergePolicies(audiences audience.Directory) []Problem {
	const at = "organisation.mergePolicies"
	names, defaults := map[string]bool{}, map[string]int{}
	var classes []string
	for _, p := range o.MergePolicies {
		names[p.Name] = true
		if !slices.Contains(classes, p.Class) {
			classes = append(classes, p.Class)
		}
		if p.Default {
			defaults[p.Class]++
		}
	}
	for _, a := range audiences {
		names[a.MergePolicy] = true
	}
	problems := MergePolicies.check(at, len(names))
	for _, class := range classes {
		if n := defaults[class]; n != 1 {
			problems = append(problems, Problem{at, fmt.Sprintf("class %s has %d default merge policies, and must have one", class, n),
				"make one of them the default", Error})
		}
	}
	return problems
}

// mappable are the data types of audiences that can be mapped (R2).
const mappable = "people"

// audienceProblem is what keeps an audience from being mapped: its data type,
// and never its origin.
func audienceProblem(a audience.Audience) (message, hint string) {
	if a.Type == "" || a.Type == mappable {
		return "", ""
	}
	return fmt.Sprintf("audience %s is of type %s", a.Name, strings.TrimSpace(a.Type)), "map audiences of people, of any origin"
}
