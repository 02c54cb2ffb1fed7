package scenarios

import (
	"errors"
	"maps"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
)

const wrongConfiguration = `title: t
rules: [query-format]
audiences: {a: {}}
destination: {name: " ", endpoint: "ftp://h", auth: {type: bearer}, headers: "no colon", queryParameters: "a#b"}
dataflow: {audiences: [a, a, b], attributes: [identityMap]}
expect: [§]
`

// A line about problems hands the configuration to the engine as it is written;
// without one, each of its mistakes is one of the file.
func TestConfigurationUnderTest(t *testing.T) {
	s, err := Parse("t.yaml", with(wrongConfiguration, "{problem: destination}"))
	if err != nil {
		t.Fatal(err)
	}
	d := s.Destination
	got := []string{d.Name, d.Endpoint, d.Auth.Type, d.Headers, d.QueryParameters}
	want := []string{" ", "ftp://h", "bearer", "no colon", "a#b"}
	if diff := cmp.Diff(slices.Concat(want, []string{"a", "a", "b", "identityMap"}), slices.Concat(got, s.Dataflow.Audiences, s.Dataflow.Attributes)); diff != "" {
		t.Errorf("configuration (-want +got):\n%s", diff)
	}
	_, err = Parse("t.yaml", with(wrongConfiguration, ""))
	var problems Problems
	if !errors.As(err, &problems) || len(problems) != 8 {
		t.Errorf("without the line there are %d problems; want 8\n%v", len(problems), err)
	}
}

// A configuration under test has the keys of any other.
func TestSchemaUnderTest(t *testing.T) {
	definitions, objects := schemaObjects(t)
	checked := 0
	for _, o := range objects {
		loose, ok := definitions[o.place+"UnderTest"].(map[string]any)
		if !ok {
			continue
		}
		checked++
		got := words(definitions, loose["propertyNames"].(map[string]any))
		slices.Sort(got)
		if diff := cmp.Diff(slices.Sorted(maps.Keys(o.properties)), got); diff != "" {
			t.Errorf("%sUnderTest: -judged +under test\n%s", o.place, diff)
		}
	}
	if checked < 2 {
		t.Errorf("%d kinds of objects can be under test", checked)
	}
}
