// Package intake reads profile updates as the engine is sent them: one JSON
// object each, in the words of a scenario's history. PURE.
//
//	{"profile": "doc", "qualify": "delorean"}
//	{"profile": "doc", "set": {"person.name.firstName": "Emmett"}, "addIdentity": {"crm": ["A1", "A2"]}}
package intake

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/httpdest/httpdest/engine/profile"
	"github.com/httpdest/httpdest/internal/limits"
)

// Audiences finds the audience that an update names by its key.
type Audiences func(key string) (profile.AudienceRef, bool)

// Mistake is what is wrong with an update, and what to do about it.
type Mistake struct {
	Message, Hint string
	cause         error // a *limits.Exceeded, where it is that
}

// Unwrap is the limit that was exceeded, where one was.
func (m *Mistake) Unwrap() error { return m.cause }

// Error is the message and the hint on one line.
func (m *Mistake) Error() string { return m.Message + " (hint: " + m.Hint + ")" }

func mistake(hint, format string, args ...any) error {
	return &Mistake{Message: fmt.Sprintf(format, args...), Hint: hint}
}

// Parse reads one update. The error is a *Mistake; values are not repeated in
// it, since they may be personal.
func Parse(line []byte, audiences Audiences) (profile.Update, error) {
	if err := limits.UpdateBytes.Check(len(line)); err != nil {
		return profile.Update{}, exceeded(err)
	}
	fields, err := object(line, false)
	if err != nil {
		return profile.Update{}, err
	}
	var u profile.Update
	id, err := text(fields.get("profile"))
	if err != nil || id == "" {
		return u, mistake(`add "profile": "id"`, "an update names no profile")
	}
	u.Profile = profile.ID(id)
	for _, field := range fields {
		if !slices.Contains(keys, field.key) {
			return u, mistake("profile, "+strings.Join(order, ", "), "unknown key %.40q", field.key)
		}
	}
	// In the fixed order, so that one text is one update.
	for _, key := range order {
		raw := fields.get(key)
		if raw == nil {
			continue
		}
		changes, err := readers[key](raw, audiences)
		if err != nil {
			return u, err
		}
		if u.Changes == nil {
			u.Changes = changes
			continue
		}
		u.Changes = append(u.Changes, changes...)
	}
	if len(u.Changes) == 0 {
		return u, mistake("add qualify, exit, set, remove or an identity", "an update changes nothing")
	}
	return u, withinLimits(u)
}

var order = []string{"qualify", "exit", "set", "remove", "addIdentity", "removeIdentity", "replaceIdentity"}

var keys = append([]string{"profile"}, order...)

var readers = map[string]func(json.RawMessage, Audiences) ([]profile.Change, error){
	"qualify": func(raw json.RawMessage, a Audiences) ([]profile.Change, error) {
		return memberships("qualify", profile.Qualify, raw, a)
	},
	"exit": func(raw json.RawMessage, a Audiences) ([]profile.Change, error) {
		return memberships("exit", profile.Exit, raw, a)
	},
	"set":    func(raw json.RawMessage, _ Audiences) ([]profile.Change, error) { return sets(raw) },
	"remove": func(raw json.RawMessage, _ Audiences) ([]profile.Change, error) { return removals(raw) },
	"addIdentity": func(raw json.RawMessage, _ Audiences) ([]profile.Change, error) {
		return identities("addIdentity", profile.AddIdentity, raw)
	},
	"removeIdentity": func(raw json.RawMessage, _ Audiences) ([]profile.Change, error) {
		return identities("removeIdentity", profile.RemoveIdentity, raw)
	},
	"replaceIdentity": func(raw json.RawMessage, _ Audiences) ([]profile.Change, error) { return replacements(raw) },
}

func memberships(key string, op profile.Op, raw json.RawMessage, audiences Audiences) ([]profile.Change, error) {
	names, err := texts(key, raw)
	if err != nil {
		return nil, err
	}
	out := make([]profile.Change, len(names))
	for i, name := range names {
		ref, known := audiences(name)
		if !known {
			return nil, mistake("name an audience of the configuration", "%s: no audience %.60q", key, name)
		}
		out[i] = profile.Change{Op: op, Audience: ref}
	}
	return out, nil
}

func sets(raw json.RawMessage) ([]profile.Change, error) {
	fields, err := object(raw, true)
	if err != nil {
		return nil, mistake(`write "set": {"person.name.firstName": "Emmett"}`, "set is no object of paths and values")
	}
	out := make([]profile.Change, 0, len(fields))
	for _, field := range fields {
		if err := dotted(field.key); err != nil {
			return nil, err
		}
		value, err := decode(field.value)
		if err != nil {
			return nil, err
		}
		out = append(out, profile.Change{Op: profile.Set, Path: profile.Path(field.key), Value: value})
	}
	return out, nil
}

func removals(raw json.RawMessage) ([]profile.Change, error) {
	paths, err := texts("remove", raw)
	if err != nil {
		return nil, err
	}
	out := make([]profile.Change, len(paths))
	for i, path := range paths {
		if err := dotted(path); err != nil {
			return nil, err
		}
		out[i] = profile.Change{Op: profile.Remove, Path: profile.Path(path)}
	}
	return out, nil
}

func dotted(path string) error {
	if path == "" || path[0] == '.' || path[len(path)-1] == '.' || strings.Contains(path, "..") {
		return mistake("write person.name.firstName", "%.60q is no dotted path", path)
	}
	return nil
}

func identities(key string, op profile.Op, raw json.RawMessage) ([]profile.Change, error) {
	fields, err := object(raw, true)
	if err != nil {
		return nil, mistake(fmt.Sprintf(`write %q: {"email": "doc@example.com"}`, key), "%s is no object of namespaces", key)
	}
	var out []profile.Change
	for _, field := range fields {
		namespace := field.key
		ids, err := texts(key, field.value)
		if err != nil {
			return nil, err
		}
		for _, id := range ids {
			if namespace == "" || id == "" {
				return nil, mistake("give both", "%s: an empty namespace or id", key)
			}
			out = append(out, profile.Change{Op: op, Identity: profile.Identity{Namespace: namespace, ID: id}})
		}
	}
	return out, nil
}

func replacements(raw json.RawMessage) ([]profile.Change, error) {
	const form = `write "replaceIdentity": {"crm": {"from": "A1", "to": "A2"}}`
	fields, err := object(raw, true)
	if err != nil {
		return nil, mistake(form, "replaceIdentity is no object of namespaces")
	}
	var out []profile.Change
	for _, field := range fields {
		namespace := field.key
		ends, err := object(field.value, true)
		if err != nil || len(ends) != 2 {
			return nil, mistake(form, "replaceIdentity: a namespace has from and to")
		}
		from, errFrom := text(ends.get("from"))
		to, errTo := text(ends.get("to"))
		if errFrom != nil || errTo != nil || namespace == "" || from == "" || to == "" {
			return nil, mistake(form, "replaceIdentity: from and to are texts")
		}
		out = append(out, profile.Change{Op: profile.ReplaceIdentity, Identity: profile.Identity{Namespace: namespace, ID: from}, To: to})
	}
	return out, nil
}

// object reads a JSON object strictly: no key twice, nothing after it. What is
// valid was found to be JSON before.
func object(raw []byte, valid bool) (members, error) {
	if fields, ok := split(raw, valid); ok {
		return fields, nil
	}
	return decodeObject(raw)
}

// decodeObject is object for what split leaves alone, and for what is wrong.
func decodeObject(raw []byte) (members, error) {
	d := json.NewDecoder(bytes.NewReader(raw))
	if t, err := d.Token(); err != nil || t != json.Delim('{') {
		return nil, mistake(`write {"profile": "doc", "qualify": "delorean"}`, "an update is a JSON object")
	}
	fields, seen := members{}, map[string]bool{}
	for d.More() {
		t, err := d.Token()
		key, isText := t.(string)
		if err != nil || !isText {
			return nil, mistake("check quotes and commas", "the update is not JSON")
		}
		if seen[key] {
			return nil, mistake("keep one", "the key %.40q is there twice", key)
		}
		seen[key] = true
		var value json.RawMessage
		if err := d.Decode(&value); err != nil {
			return nil, mistake("check quotes and commas", "the value of %.40q is not JSON", key)
		}
		fields = append(fields, member{key, value})
	}
	if _, err := d.Token(); err != nil {
		return nil, mistake("check quotes and braces", "the update is not JSON")
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return nil, mistake("one update a line", "something follows the update")
	}
	fields.sort()
	return fields, nil
}

func text(raw json.RawMessage) (string, error) {
	if s, plain := unquoted(raw); plain {
		return s, nil
	}
	var s *string
	if err := json.Unmarshal(raw, &s); err != nil || s == nil {
		return "", errors.New("no text")
	}
	return *s, nil
}

// texts reads one text or a list of them.
func texts(key string, raw json.RawMessage) ([]string, error) {
	if one, err := text(raw); err == nil {
		return []string{one}, nil
	}
	var list []*string
	if err := json.Unmarshal(raw, &list); err != nil || len(list) == 0 || slices.Contains(list, nil) {
		return nil, mistake("write one text, or a list of them", "%s is neither a text nor a list of texts", key)
	}
	out := make([]string, len(list))
	for i, s := range list {
		out[i] = *s
	}
	return out, nil
}

// decode reads a value with the types a profile holds: integers as int64,
// other numbers as float64. A null is no value: remove is the word for it.
func decode(raw json.RawMessage) (any, error) {
	if value, ok := scalar(raw); ok {
		return value, nil
	}
	return decodeValue(raw)
}

// decodeValue is decode for what scalar leaves alone.
func decodeValue(raw json.RawMessage) (any, error) {
	d := json.NewDecoder(bytes.NewReader(raw))
	d.UseNumber()
	var value any
	if err := d.Decode(&value); err != nil {
		return nil, mistake("check quotes and commas", "a value is not JSON")
	}
	return typed(value, 0)
}

func typed(value any, depth int) (any, error) {
	if err := limits.ValueLevels.Check(depth); err != nil {
		return nil, exceeded(err)
	}
	switch v := value.(type) {
	case nil:
		return nil, mistake("use remove", "a value is null")
	case json.Number:
		if n, err := v.Int64(); err == nil {
			return n, nil
		}
		f, err := v.Float64()
		if err != nil {
			return nil, mistake("send it as a text", "a number is out of range")
		}
		return f, nil
	case map[string]any:
		for key, child := range v {
			child, err := typed(child, depth+1)
			if err != nil {
				return nil, err
			}
			v[key] = child
		}
	case []any:
		for i, child := range v {
			child, err := typed(child, depth+1)
			if err != nil {
				return nil, err
			}
			v[i] = child
		}
	}
	return value, nil
}
