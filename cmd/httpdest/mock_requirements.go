package main

import (
	"errors"
	"fmt"
	"net/netip"
	"os"
	"strings"

	"github.com/spf13/pflag"

	"github.com/httpdest/httpdest/engine/platform"
	"github.com/httpdest/httpdest/mockendpoint"
	"github.com/httpdest/httpdest/mockendpoint/payload"
)

// requireFlags say what the mock endpoint asks of a request.
type requireFlags struct {
	contentType string
	headers     []string // Name, or Name: value
	query       []string // name, or name=value
	schema      string   // export, or a file
	allow       []string // addresses, blocks, egress, egress:REGION
	egress      string   // file with another list than the shipped one
}

func (f *requireFlags) add(flags *pflag.FlagSet) {
	flags.StringVar(&f.contentType, "require-content-type", "", "media type that data calls must have, such as application/json; else 415")
	flags.StringArrayVar(&f.headers, "require-header", nil, "header that data calls must carry: 'Name: value', or Name for any value; else 400; repeat it for more; a value may be ${NAME} or @FILE")
	flags.StringArrayVar(&f.query, "require-query", nil, "query parameter that data calls must carry: name=value, or name for any value; else 400; repeat it for more; a value may be ${NAME} or @FILE")
	flags.StringVar(&f.schema, "schema", "", "JSON Schema that bodies must match: export for the shipped one, or a file; else 422")
	flags.StringSliceVar(&f.allow, "allow", nil, "addresses requests may come from: an address, a CIDR block, egress or egress:REGION for those of the platform; else 403")
	flags.StringVar(&f.egress, "egress-list", "", "file with the egress addresses, in the form of engine/platform/egress.json, in place of the shipped list")
}

// over lays the flags over what a scenario asks for.
func (f requireFlags) over(a *app, q mockendpoint.Requirements) (mockendpoint.Requirements, error) {
	wrong := func(err error, hint string) (mockendpoint.Requirements, error) {
		return q, failure{exitUsage, err, hint}
	}
	if f.contentType != "" {
		if !strings.Contains(f.contentType, "/") || strings.ContainsAny(f.contentType, "; ") {
			return wrong(fmt.Errorf("--require-content-type %q is not a media type", f.contentType), "give type/subtype without parameters")
		}
		q.ContentType = f.contentType
	}
	for _, text := range f.headers {
		name, value, _ := strings.Cut(text, ":")
		if name = strings.TrimSpace(name); name == "" || strings.Contains(name, " ") {
			return wrong(errors.New("--require-header has no name"), "write 'X-Api-Key: value', or X-Api-Key for any value")
		}
		value, _, err := a.secretNamed("--require-header "+name, strings.TrimSpace(value))
		if err != nil {
			return q, err
		}
		q.Headers = append(q.Headers, mockendpoint.Field{Name: name, Value: value, Secret: true})
	}
	for _, text := range f.query {
		name, value, _ := strings.Cut(text, "=")
		if name == "" {
			return wrong(errors.New("--require-query has no name"), "write name=value, or name for any value")
		}
		value, _, err := a.secretNamed("--require-query "+name, value)
		if err != nil {
			return q, err
		}
		q.Query = append(q.Query, mockendpoint.Field{Name: name, Value: value, Secret: true})
	}
	var err error
	if q.Payload, err = f.payload(q.Payload); err != nil {
		return wrong(err, "give export, or a file with a JSON Schema that refers to no other document")
	}
	if q.Sources, err = f.sources(); err != nil {
		return wrong(err, "give an address, a block such as 192.0.2.0/24, egress, or egress:REGION")
	}
	return q, nil
}

func (f requireFlags) payload(otherwise *payload.Schema) (*payload.Schema, error) {
	switch f.schema {
	case "":
		return otherwise, nil
	case "export":
		return payload.Export(), nil
	}
	content, err := os.ReadFile(f.schema)
	if err != nil {
		return nil, err
	}
	return payload.Compile(f.schema, content)
}

// sources are the blocks requests may come from; nil are all.
func (f requireFlags) sources() ([]netip.Prefix, error) {
	if f.egress != "" && len(f.allow) == 0 {
		return nil, errors.New("--egress-list needs --allow egress")
	}
	var out []netip.Prefix
	for _, text := range f.allow {
		if text == "egress" || strings.HasPrefix(text, "egress:") {
			blocks, err := f.egressOf(strings.TrimPrefix(strings.TrimPrefix(text, "egress"), ":"))
			if err != nil {
				return nil, err
			}
			out = append(out, blocks...)
			continue
		}
		if address, err := netip.ParseAddr(text); err == nil {
			out = append(out, netip.PrefixFrom(address, address.BitLen()))
			continue
		}
		block, err := netip.ParsePrefix(text)
		if err != nil {
			return nil, fmt.Errorf("--allow %q is neither an address nor a block", text)
		}
		out = append(out, block.Masked())
	}
	return out, nil
}

// egressOf are the addresses of a region, "" of all.
func (f requireFlags) egressOf(region string) ([]netip.Prefix, error) {
	list, err := platform.ShippedEgress()
	if f.egress != "" {
		var content []byte
		if content, err = os.ReadFile(f.egress); err == nil {
			list, err = platform.ParseEgress(content)
		}
	}
	if err != nil {
		return nil, err
	}
	regions := list.Names()
	if region != "" {
		regions = []string{region}
	}
	var out []netip.Prefix
	for _, name := range regions {
		blocks, ok := list.Allowed(name)
		if !ok {
			return nil, fmt.Errorf("--allow egress:%s: unknown region; the regions are %s", name, strings.Join(list.Names(), ", "))
		}
		out = append(out, blocks...)
	}
	return out, nil
}
