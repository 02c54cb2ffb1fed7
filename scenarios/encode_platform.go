package scenarios

import (
	"errors"
	"io"
	"slices"

	"go.yaml.in/yaml/v4"
)

// upload writes an upload with its rows, so that the scenario needs no other
// file. The upload of a service has no rows.
func (e *encoder) upload(u *Upload) mapping {
	m := newMapping().flow()
	if !e.service {
		m.put("rows", e.rows(u))
	}
	given(m, "identity", u.Identity, "")
	given(m, "namespace", u.Namespace, u.Identity)
	given(m, "externalID", u.ExternalID, "")
	given(m, "at", u.At, 0)
	given(m, "available", u.Delay, UploadDelay)
	given(m, "ttl", u.TTL, UploadTTL)
	return m
}

// rows is the text of the file.
func (e *encoder) rows(u *Upload) string {
	file, err := u.Open()
	var rows []byte
	if err == nil {
		rows, err = io.ReadAll(io.LimitReader(file, maxFile))
		err = errors.Join(err, file.Close())
	}
	if err != nil && e.err == nil {
		e.err = err
	}
	return string(rows)
}

// platform writes the certificates, unless there is the one of a scenario that
// describes none.
func (e *encoder) platform() *yaml.Node {
	issued := e.scenario.Start.Add(-certificateAge)
	all := e.scenario.Platform.Certificates
	ordinary := func(c Certificate) bool {
		return c.CommonName == defaultCommonName && slices.Equal(c.SAN, []string{defaultSAN}) && c.Issued.Equal(issued) && c.Expires.Equal(issued.Add(certificateLife))
	}
	m := newMapping()
	if len(all) == 0 || len(all) == 1 && ordinary(all[0]) {
		return m.Node
	}
	var written []mapping
	for _, c := range all {
		one := newMapping().flow()
		one.put("commonName", c.CommonName)
		one.put("san", c.SAN)
		one.put("issued", c.Issued)
		one.put("expires", c.Expires)
		written = append(written, one)
	}
	m.section("certificates", lines(written))
	return m.Node
}

// encodeLookup writes what a step looks up.
func encodeLookup(m mapping, l *Lookup) {
	m.put("lookup", l.What)
	given(m, "page", l.Page, "")
	given(m, "limit", l.Limit, "")
	if len(l.Without) > 0 {
		m.put("without", l.Without)
	}
	given(m, "region", l.Region, "")
	given(m, "address", l.Address, "")
}

// encodeLookedUp writes what a lookup must give.
func encodeLookedUp(m mapping, l *LookedUp) {
	m.put("lookup", l.What)
	given(m, "status", l.Status, 0)
	if l.Total != nil {
		m.put("total", *l.Total)
	}
	if l.Count != nil {
		m.put("count", *l.Count)
	}
	if l.HasResults {
		certificates := &yaml.Node{Kind: yaml.SequenceNode, Style: yaml.FlowStyle}
		for _, c := range l.Certificates {
			one := newMapping().flow()
			given(one, "commonName", c.CommonName, "")
			if len(c.SAN) > 0 {
				one.put("san", c.SAN)
			}
			if !c.Expires.IsZero() {
				one.put("expires", c.Expires)
			}
			certificates.Content = append(certificates.Content, one.Node)
		}
		m.put("certificates", certificates)
	}
	if l.HasLinks {
		m.put("links", l.Links)
	}
	if l.Allowed != nil {
		m.put("allowed", *l.Allowed)
	}
}
