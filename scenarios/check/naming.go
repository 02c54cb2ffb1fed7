package check

import (
	"maps"
	"time"

	"github.com/httpdest/httpdest/scenarios"
)

// naming is the audiences as they are at a moment, and the names that exports
// have for them: those they had when they were mapped first (R80). A change
// makes a new one, so that every export keeps its own.
type naming struct {
	audiences map[string]scenarios.Audience // by id
	static    map[string]string             // by id
}

// mapped fixes the names of what is mapped for the first time.
func (n *naming) mapped(ids []string) *naming {
	next := naming{n.audiences, maps.Clone(n.static)}
	for _, id := range ids {
		if _, named := next.static[id]; !named {
			next.static[id] = n.audiences[id].Name
		}
	}
	return &next
}

// renamed gives audiences other names.
func (n *naming) renamed(at time.Time, ids, names []string) *naming {
	next := naming{maps.Clone(n.audiences), n.static}
	for i, id := range ids {
		if a, known := next.audiences[id]; known && i < len(names) {
			a.Name, a.UpdatedAt = names[i], at
			next.audiences[id] = a
		}
	}
	return &next
}

// moved reports whether an audience has another name than exports have for it.
func (n *naming) moved(id string) bool { return n.static[id] != n.audiences[id].Name }
