package check

import "strings"

// shown is an expected value as a recording shows it. A secret may well be a
// word of the data, such as the token "test" and the address test@example.com:
// both sides are compared after it was taken out.
func (v *view) shown(value any) any {
	switch x := value.(type) {
	case string:
		return v.redactor.Text(x)
	case []any:
		out := make([]any, len(x))
		for i, e := range x {
			out[i] = v.shown(e)
		}
		return out
	case map[string]any:
		out := make(map[string]any, len(x))
		for key, e := range x {
			out[key] = v.shown(e)
		}
		return out
	}
	return value
}

// shownTexts are several texts as a recording shows them.
func (v *view) shownTexts(all []string) []string {
	out := make([]string, len(all))
	for i, s := range all {
		out[i] = v.redactor.Text(s)
	}
	return out
}

// shownIdentity is namespace:id as a recording shows it.
func (v *view) shownIdentity(identity string) string {
	namespace, id, _ := strings.Cut(identity, ":")
	return namespace + ":" + v.redactor.Text(id)
}
