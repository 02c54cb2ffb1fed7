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
	"slices"
	"strings"

	"github.com/httpdest/httpdest/engine/profile"
	"github.com/httpdest/httpdest/internal/limits"
	"github.com/httpdest/httpdest/internal/strictjson"
)

// Audiences finds the audience that an update names by its key.
type Audiences func(key string) (profile.AudienceRef, bool)

// Mistake is what is wrong with an update, and what to do about it. It wraps the
// *strictjson.Error of an update that is not acceptable JSON, and the
// *limits.Exceeded of one that is too large or too deep.
type Mistake struct {
	Message, Hint string
	cause         error
}

// Error is the message and the hint on one line.
func (m *Mistake) Error() string { return m.Message + " (hint: " + m.Hint + ")" }

// Unwrap is the cause, nil without one.
func (m *Mistake) Unwrap() error { return m.cause }

func mistake(hint, format string, args ...any) error {
	return &Mistake{Message: fmt.Sprintf(format, args...), Hint: hint}
}

// notJSON is the mistake of an update that is not acceptable JSON. The line is
// the request's, so only the column is the update's.
func notJSON(err error) error {
	var e *strictjson.Error
	if !errors.As(err, &e) {
		return err
	}
	m := &Mistake{fmt.Sprintf("%s, column %d (byte %d)", e.Mistake(), e.Column, e.Offset), e.Fix(), err}
	if e.Reason == strictjson.TooDeep {
		m.cause = errors.Join(err, limits.ValueLevels.Check(limits.ValueLevels.Most+1))
	}
	return m
}

// Parse reads one update, which must be JSON that strictjson accepts. The error
// is a *Mistake; values are not repeated in it, since they may be personal.
func Parse(line []byte, audiences Audiences) (profile.Update, error) {
	if err := limits.UpdateBytes.Check(len(line)); err != nil {
		return profile.Update{}, exceeded(err)
	}
	if err := strictjson.Check(line); err != nil {
		return profile.Update{}, notJSON(err)
	}
	fields, ok := split(line)
	if !ok {
		return profile.Update{}, mistake(`write {"profile": "doc", "qualify": "delorean"}`, "an update is a JSON object")
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
	fields, ok := split(raw)
	if !ok {
		return nil, mistake(`write "set": {"person.name.firstName": "Emmett"}`, "set must be an object of paths and values")
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
		return mistake("write person.name.firstName", "%.60q is not a dotted path", path)
	}
	return nil
}

func identities(key string, op profile.Op, raw json.RawMessage) ([]profile.Change, error) {
	fields, ok := split(raw)
	if !ok {
		return nil, mistake(fmt.Sprintf(`write %q: {"email": "doc@example.com"}`, key), "%s must be an object of namespaces", key)
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
	fields, ok := split(raw)
	if !ok {
		return nil, mistake(form, "replaceIdentity must be an object of namespaces")
	}
	var out []profile.Change
	for _, field := range fields {
		namespace := field.key
		ends, ok := split(field.value)
		if !ok || len(ends) != 2 {
			return nil, mistake(form, "replaceIdentity: a namespace needs from and to")
		}
		from, errFrom := text(ends.get("from"))
		to, errTo := text(ends.get("to"))
		if errFrom != nil || errTo != nil || namespace == "" || from == "" || to == "" {
			return nil, mistake(form, "replaceIdentity: from and to must be text")
		}
		out = append(out, profile.Change{Op: profile.ReplaceIdentity, Identity: profile.Identity{Namespace: namespace, ID: from}, To: to})
	}
	return out, nil
}

func text(raw json.RawMessage) (string, error) {
	if len(raw) == 0 || raw[0] != '"' {
		return "", errors.New("no text")
	}
	return unquoted(raw), nil
}

// texts reads one text or a list of them.
func texts(key string, raw json.RawMessage) ([]string, error) {
	if one, err := text(raw); err == nil {
		return []string{one}, nil
	}
	var list []*string
	if err := json.Unmarshal(raw, &list); err != nil || len(list) == 0 || slices.Contains(list, nil) {
		return nil, mistake("write one text, or a list of them", "%s must be a text or a list of texts", key)
	}
	out := make([]string, len(list))
	for i, s := range list {
		out[i] = *s
	}
	return out, nil
}

// decode reads a value with the types a profile holds; a number is a json.Number
// with its spelling. A null is not a value: use remove instead.
func decode(raw json.RawMessage) (any, error) {
	if value, ok := scalar(raw); ok {
		return value, nil
	}
	d := json.NewDecoder(bytes.NewReader(raw))
	d.UseNumber()
	var value any
	if err := d.Decode(&value); err != nil {
		return nil, mistake("check quotes and commas", "a value is not JSON")
	}
	return value, solid(value, 0)
}

// solid returns a mistake for a value that holds a null or is nested too deep.
func solid(value any, depth int) error {
	if err := limits.ValueLevels.Check(depth); err != nil {
		return exceeded(err)
	}
	switch v := value.(type) {
	case nil:
		return mistake("use remove", "a value is null")
	case map[string]any:
		for _, child := range v {
			if err := solid(child, depth+1); err != nil {
				return err
			}
		}
	case []any:
		for _, child := range v {
			if err := solid(child, depth+1); err != nil {
				return err
			}
		}
	}
	return nil
}
