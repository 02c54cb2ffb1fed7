package scenarios

import (
	"fmt"
	"strconv"
	"time"

	"go.yaml.in/yaml/v4"

	"github.com/httpdest/httpdest/internal/faultspec"
)

// encodeFault writes the nth fault.
func encodeFault(f Fault, n int) mapping {
	m := newMapping().flow()
	spec := faultspec.SpecOf(f.Fault)
	if spec.ID == fmt.Sprintf("fault-%d", n) {
		spec.ID = ""
	}
	for _, k := range faultspec.Keys {
		if spec.Given(k.Name) {
			m.put(k.Name, faultNode(spec.Field(k.Name)))
		}
	}
	return m
}

// faultNode writes the value of a key of a fault, or of a distribution.
func faultNode(field any) *yaml.Node {
	switch v := field.(type) {
	case *string:
		return nodeOf(*v)
	case *bool:
		return nodeOf(*v)
	case *int:
		return nodeOf(*v)
	case **float64:
		return nodeOf(**v)
	case *float64:
		return nodeOf(*v)
	case *time.Duration:
		return nodeOf(*v)
	case **faultspec.Duration:
		return nodeOf(time.Duration(**v))
	case **faultspec.Range:
		return nodeOf(**v)
	case **faultspec.Lifetime:
		if **v == 0 {
			return nodeOf("none")
		}
		return nodeOf(time.Duration(**v))
	case *faultspec.Headers:
		return nodeOf(map[string]string(*v))
	case **faultspec.Latency:
		if d := (*v).Distribution; d != nil {
			return distributionNode(d)
		}
		return nodeOf(time.Duration((*v).Fixed))
	case *[]faultspec.Percentile:
		table := newMapping().flow()
		for _, p := range *v {
			table.Content = append(table.Content, plain(strconv.FormatFloat(p.Percent, 'f', -1, 64)), nodeOf(p.At))
		}
		return table.Node
	}
	panic(fmt.Sprintf("scenarios: no scenario holds a %T", field))
}

func distributionNode(d *Distribution) *yaml.Node {
	m := newMapping().flow()
	m.put("distribution", string(d.Shape))
	for _, name := range faultspec.Shapes[d.Shape] {
		m.put(name, faultNode(d.Field(name)))
	}
	return m.Node
}
