package dataflow

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/httpdest/httpdest/engine/audience"
	"github.com/httpdest/httpdest/engine/profile"
)

func right() Configuration {
	f := valid()
	f.Attributes = append(f.Attributes, "personalEmail.address")
	return Configuration{Flow: f, Audiences: audience.NewDirectory(audience.Audience{Ref: a1, Name: "one", MergePolicy: "default"}),
		Organisation: Organisation{Edition: Ultimate, Destinations: 1}, Activated: true}
}

func many[T any](n int, of func(int) T) []T {
	out := make([]T, n)
	for i := range out {
		out[i] = of(i)
	}
	return out
}

func named(n int) profile.Path { return profile.Path(fmt.Sprintf("loyalty.a%d", n)) }

// Each row breaks one thing of a configuration that has nothing wrong.
func TestConfigurationProblems(t *testing.T) {
	policies := func(n int) func(*Configuration) {
		return func(c *Configuration) {
			c.Organisation.MergePolicies = many(n, func(i int) MergePolicy {
				return MergePolicy{Name: fmt.Sprintf("p%d", i), Class: "profile", Default: i == 0}
			})
		}
	}
	usage := func(change func(*Configuration)) func(*Configuration) {
		return func(c *Configuration) {
			c.Flow.Destination.MarketingActions = []string{"advertising"}
			c.Organisation.Policies = []UsagePolicy{{Name: "no-ads", Action: "advertising", Labels: []string{"C4"}, Enabled: true}}
			c.Organisation.Labels = map[profile.Path][]string{"person.name": {"C4"}}
			change(c)
		}
	}
	without := func(permission string, all []string) []string { return lacking([]string{permission}, all) }
	for _, tt := range []struct {
		name   string
		change func(*Configuration)
		want   string // "level path", "" for nothing
	}{
		{"nothing wrong", func(*Configuration) {}, ""},
		{"another edition", func(c *Configuration) { c.Organisation.Edition = "prime" }, "error organisation.edition"},
		{"100 destinations", func(c *Configuration) { c.Organisation.Destinations = 100 }, ""},
		{"101 destinations", func(c *Configuration) { c.Organisation.Destinations = 101 }, "error organisation.destinations"},
		{"four merge policies and that of the audience", policies(4), ""},
		{"five merge policies and that of the audience", policies(5), "error organisation.mergePolicies"},
		{"no default merge policy", func(c *Configuration) { c.Organisation.MergePolicies = []MergePolicy{{"a", "profile", false}} }, "error organisation.mergePolicies"},
		{"two default merge policies", func(c *Configuration) {
			c.Organisation.MergePolicies = []MergePolicy{{"a", "profile", true}, {"b", "profile", true}}
		}, "error organisation.mergePolicies"},
		{"a default for each class", func(c *Configuration) {
			c.Organisation.MergePolicies = []MergePolicy{{"a", "profile", true}, {"b", "account", true}}
		}, ""},
		{"an attribute of events", func(c *Configuration) { c.Organisation.EventAttributes = []profile.Path{"person"} }, "error dataflow.attributes[0]"},
		{"below a mapped attribute", func(c *Configuration) { c.Organisation.EventAttributes = []profile.Path{"person.name.x"} }, ""},
		{"an account audience", func(c *Configuration) { c.Audiences[a1] = audience.Audience{Ref: a1, Type: "account"} }, "error dataflow.audiences[0]"},
		{"a federated audience of people", func(c *Configuration) {
			c.Audiences[a1] = audience.Audience{Ref: a1, Type: "people", Origin: "federated"}
		}, ""},
		{"50 attributes", func(c *Configuration) { c.Flow.Attributes = append(many(49, named), "loyalty.memberId") }, ""},
		{"51 attributes", func(c *Configuration) { c.Flow.Attributes = append(many(50, named), "loyalty.memberId") }, "warning dataflow.attributes"},
		{"no identifier", func(c *Configuration) { c.Flow.Attributes = []profile.Path{"person.name"} }, "advice dataflow.attributes"},
		{"paid is no identifier", func(c *Configuration) { c.Flow.Attributes = []profile.Path{"loyalty.paid"} }, "advice dataflow.attributes"},
		{"an object with an identifier", func(c *Configuration) { c.Flow.Attributes = []profile.Path{"personalEmail"} }, ""},
		{"an id", func(c *Configuration) { c.Flow.Attributes = []profile.Path{"crm._id"} }, ""},
		{"no name", func(c *Configuration) { c.Flow.Destination.Name = " " }, "error destination.name"},
		{"a schedule", func(c *Configuration) { c.Flow.Schedule = "daily" }, "error dataflow.schedule"},
		{"http", func(c *Configuration) { c.Flow.Destination.Endpoint = "http://h.test/p" }, "error destination.endpoint"},
		{"http on this machine", func(c *Configuration) { c.Flow.Destination.Endpoint = "http://127.0.0.1:80/p" }, ""},
		{"http on this machine, IPv6", func(c *Configuration) { c.Flow.Destination.Endpoint = "http://[::1]/p" }, ""},
		{"http to a host that only looks like it", func(c *Configuration) { c.Flow.Destination.Endpoint = "http://127.0.0.1.h.test/p" }, "error destination.endpoint"},
		{"an empty fragment", func(c *Configuration) { c.Flow.Destination.Endpoint += "#" }, "error destination.endpoint"},
		{"a policy", usage(func(*Configuration) {}), "error dataflow.attributes[0]"},
		{"a policy that is not enabled", usage(func(c *Configuration) { c.Organisation.Policies[0].Enabled = false }), ""},
		{"a policy for another action", usage(func(c *Configuration) { c.Flow.Destination.MarketingActions = []string{"analytics"} }), ""},
		{"a policy for another label", usage(func(c *Configuration) { c.Organisation.Policies[0].Labels = []string{"C1"} }), ""},
		{"a label on the object around", usage(func(c *Configuration) { c.Organisation.Labels = map[profile.Path][]string{"person": {"C4"}} }), "error dataflow.attributes[0]"},
		{"a label within the object", usage(func(c *Configuration) {
			c.Organisation.Labels = map[profile.Path][]string{"person.name.lastName": {"C4"}}
		}), "error dataflow.attributes[0]"},
		{"a label on something else", usage(func(c *Configuration) { c.Organisation.Labels = map[profile.Path][]string{"person.birthDate": {"C4"}} }), ""},
		{"a label on the audience", usage(func(c *Configuration) {
			c.Organisation.Labels = nil
			c.Audiences[a1] = audience.Audience{Ref: a1, Labels: []string{"C4"}}
		}), "error dataflow.audiences[0]"},
		{"a policy before the activation", usage(func(c *Configuration) { c.Activated = false }), ""},
		{"all permissions", func(c *Configuration) { c.Users = Users{toConnect, toActivate, toActivate} }, ""},
		{"connecting without View Destinations", func(c *Configuration) { c.Users.Connects = without("View Destinations", toConnect) }, "error users.connects"},
		{"connecting without Manage Destinations", func(c *Configuration) { c.Users.Connects = without("Manage Destinations", toConnect) }, "error users.connects"},
		{"no permission at all", func(c *Configuration) { c.Users.Activates = []string{} }, "error users.activates"},
		{"activating without mapping, with a mapping", func(c *Configuration) { c.Users.Activates = toActivateWithoutMapping }, "error users.activates"},
		{"activating without mapping", func(c *Configuration) {
			c.Users.Activates, c.Flow.Attributes = toActivateWithoutMapping, nil
		}, "advice dataflow.attributes"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			c := right()
			tt.change(&c)
			var got []string
			for _, p := range c.Problems() {
				got = append(got, string(p.Level)+" "+p.Path)
				if p.Message == "" || p.Hint == "" {
					t.Errorf("a problem without words: %+v", p)
				}
			}
			if diff := cmp.Diff(tt.want, strings.Join(got, ", ")); diff != "" {
				t.Errorf("problems (-want +got):\n%s", diff)
			}
		})
	}
	for _, permission := range toActivate {
		c := right()
		c.Users.Activates = without(permission, toActivate)
		if p := c.Problems(); len(p) != 1 || !strings.HasSuffix(p[0].Message, ": "+permission) {
			t.Errorf("without %s: %v", permission, p)
		}
	}
}

// 250 audiences are within the limit, one more is warned of.
func TestAudiencesLimit(t *testing.T) {
	for n, want := range map[int]int{250: 0, 251: 1} {
		c := right()
		c.Flow.Audiences = many(n, func(i int) profile.AudienceRef {
			ref := profile.AudienceRef{Namespace: "ups", ID: fmt.Sprint(i)}
			c.Audiences[ref] = audience.Audience{Ref: ref, MergePolicy: "default"}
			return ref
		})
		if p := c.Problems(); len(p) != want || want > 0 && (p[0].Level != Warning || p[0].Path != "dataflow.audiences") {
			t.Errorf("%d audiences: %v", n, p)
		}
	}
}

// Who maps a further audience needs no permission for attributes that stay.
func TestMapProblems(t *testing.T) {
	for _, tt := range []struct {
		name       string
		has        []string
		attributes bool // they change
		want       int
	}{
		{"everything", nil, true, 0},
		{"to activate", toActivate, true, 0},
		{"without mapping, the attributes stay", toActivateWithoutMapping, false, 0},
		{"without mapping, the attributes change", toActivateWithoutMapping, true, 1},
		{"nothing", []string{}, false, 1},
	} {
		before := right()
		before.Users.Maps = tt.has
		after := before
		if tt.attributes {
			after.Flow.Attributes = append([]profile.Path{"person.name"}, before.Flow.Attributes...)
		}
		if got := before.MapProblems(after); len(got) != tt.want {
			t.Errorf("%s: %v; want %d problems", tt.name, got, tt.want)
		}
	}
}
