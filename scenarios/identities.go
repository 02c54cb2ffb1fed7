package scenarios

import (
	"strings"

	"go.yaml.in/yaml/v4"

	"github.com/httpdest/httpdest/internal/limits"
)

// identities reads a map from namespace to an id or a list of ids.
func (d *decoder) identities(n *yaml.Node, what string) []Identity {
	o := d.object(n, what)
	if o == nil {
		return nil
	}
	out := []Identity{}
	for _, f := range o.fields {
		if !d.namespace(f) {
			continue
		}
		nodes := d.oneOrList(f.value)
		if len(nodes) == 0 {
			d.problem(f.key, "give an id, or leave the namespace out", "the namespace %s has no id", f.name)
		}
		for _, c := range nodes {
			if id := d.identityID(c, f.name); id != "" {
				out = append(out, Identity{f.name, id})
			}
		}
		d.unique(nodes, "the namespace "+f.name)
	}
	return out
}

// namespace checks the name of one.
func (d *decoder) namespace(f field) bool {
	if f.name == "" || strings.ContainsAny(f.name, " :{}") || strings.ContainsFunc(f.name, isControl) {
		d.problem(f.key, "write a namespace such as email", "%q is not a namespace", short(f.name))
		return false
	}
	return d.within(f.key, "the namespace", limits.ID(f.name))
}

func (d *decoder) identityID(n *yaml.Node, namespace string) string {
	id := d.line(n, "an id of "+namespace)
	if !d.within(n, "an id of "+namespace, limits.ID(id)) {
		return ""
	}
	return id
}

// replacement reads one entry of replaceIdentity.
func (d *decoder) replacement(f field) (Change, bool) {
	if !d.namespace(f) {
		return Change{}, false
	}
	o := d.object(f.value, "the replacement in "+f.name)
	from := d.identityID(o.require("from", "write {from: old, to: new}"), f.name)
	to := d.identityID(o.require("to", "write {from: old, to: new}"), f.name)
	o.end()
	if o != nil && from == to && from != "" {
		d.problem(o.node, "give a new id", "the replacement in %s changes nothing", f.name)
	}
	return Change{Op: "replace-identity", Identity: Identity{f.name, from}, To: to}, o != nil
}
