package secret

import (
	"bytes"
	"encoding/json"
	"slices"
	"strings"
)

// shown are the members of a token endpoint's answer whose values are not
// credentials (RFC 6749 §5.1 and §5.2).
var shown = []string{"token_type", "expires_in", "scope", "error", "error_description", "error_uri"}

// Answer is the answer of a token endpoint to a request that succeeded, without
// credentials: an object keeps its names and the values of the members that RFC
// 6749 defines and that are not tokens. Everything else is hidden, since a token
// may come under any name.
func (r *Redactor) Answer(body string) string {
	if strings.TrimSpace(body) == "" {
		return body
	}
	var fields map[string]json.RawMessage
	if json.Unmarshal([]byte(body), &fields) != nil || fields == nil {
		return Redacted
	}
	hidden, _ := json.Marshal(Redacted) // a text always has a JSON form
	for name, value := range fields {
		switch text := r.JSON(string(value)); {
		case !slices.Contains(shown, name), strings.ContainsAny(text[:1], "[{"):
			fields[name] = hidden
		default:
			fields[name] = json.RawMessage(text)
		}
	}
	var b bytes.Buffer
	encoder := json.NewEncoder(&b)
	encoder.SetEscapeHTML(false)
	if encoder.Encode(fields) != nil {
		return Redacted
	}
	return r.Text(strings.TrimSpace(b.String()))
}

// leastToken is the length in bytes from which a text of a token endpoint's
// answer is taken for a credential.
const leastToken = 8

// Credentials are the texts of a token endpoint's answer that may be
// credentials: those under a name that Answer hides, at any depth, and an answer
// that is one word.
func Credentials(body string) []string {
	var value any
	if json.Unmarshal([]byte(body), &value) != nil {
		if words := strings.Fields(body); len(words) == 1 && len(words[0]) >= leastToken && words[0][0] != '<' {
			return words
		}
		return nil
	}
	return credentials(value)
}

func credentials(value any) (out []string) {
	switch v := value.(type) {
	case string:
		if len(v) >= leastToken {
			out = append(out, v)
		}
	case []any:
		for _, element := range v {
			out = append(out, credentials(element)...)
		}
	case map[string]any:
		for name, member := range v {
			if !slices.Contains(shown, name) {
				out = append(out, credentials(member)...)
			}
		}
	}
	return out
}
