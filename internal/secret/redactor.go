package secret

import (
	"encoding/base64"
	"net/url"
	"regexp"
	"slices"
	"strings"
)

const (
	// shortest is the length in bytes from which a secret is searched in free
	// text. A shorter one is found by chance in every other word; it is hidden
	// only where a credential stands, see Header and Form.
	shortest = 4
	// cutOff is the length of a secret's beginning or end that gives it away.
	cutOff = 8
	// leastCoded is the least length of a piece of base64 that is searched.
	leastCoded = 5
)

// Redactor takes secrets out of text. The zero value has no secrets. Its
// methods that read may be called in parallel; Add may not run at the same
// time.
type Redactor struct {
	// Echoed is for texts of a server that may give back what it was sent: secrets
	// are found in any case of their letters, and those of less than eight bytes also
	// where single spaces stand between their parts.
	Echoed bool
	// Shape, where set, is what other secrets look like. They are found in a text and
	// under its escapes, and not in base64 or cut off.
	Shape *regexp.Regexp

	secrets []string // the longest first
	bare    []string // the same, and what they are in a text that was joined
	coded   []string // pieces of their base64
}

// NewRedactor returns a Redactor that knows some secrets.
func NewRedactor(secrets ...string) *Redactor {
	r := &Redactor{}
	r.Add(secrets...)
	return r
}

// Add makes more texts secret. Those of less than four bytes are left out.
func (r *Redactor) Add(secrets ...string) {
	for _, s := range secrets {
		r.add(s)
		r.add(strings.ReplaceAll(s, " ", "+")) // as a form writes it
		// A secret with an escape of its own is another text once a spelling of it
		// was decoded.
		for view, changed := plainView(s, true, false).decoded(); changed; view, changed = view.decoded() {
			r.add(view.text)
		}
	}
	longestFirst := func(a, b string) int { return len(b) - len(a) }
	slices.SortStableFunc(r.secrets, longestFirst)
	slices.SortStableFunc(r.bare, longestFirst)
}

// add makes a text and its base64 secret.
func (r *Redactor) add(s string) {
	if len(s) < shortest || slices.Contains(r.secrets, s) {
		return
	}
	r.secrets = append(r.secrets, s)
	forms := []string{s}
	for _, how := range wrappings {
		forms = append(forms, bare(s, how))
	}
	for _, form := range forms {
		if len(form) >= shortest && !slices.Contains(r.bare, form) {
			r.bare = append(r.bare, form)
		}
	}
	for _, inner := range []string{s, url.QueryEscape(s), url.PathEscape(s)} { // Basic credentials are form-encoded first (RFC 6749, 2.3.1)
		for _, piece := range pieces(inner) {
			if !slices.Contains(r.coded, piece) {
				r.coded = append(r.coded, piece)
			}
		}
	}
}

// pieces are what the base64 of any text that contains s has in common: one
// for each of the three offsets at which s may begin, in both alphabets.
func pieces(s string) []string {
	var out []string
	for offset := range 3 {
		first := (offset*8 + 5) / 6
		last := (offset + len(s)) * 8 / 6
		if last-first < leastCoded {
			continue
		}
		padded := append(make([]byte, offset), s...)
		for _, alphabet := range []*base64.Encoding{base64.RawStdEncoding, base64.RawURLEncoding} {
			if piece := alphabet.EncodeToString(padded)[first:last]; !slices.Contains(out, piece) {
				out = append(out, piece)
			}
		}
	}
	return out
}

// Text is s without secrets.
func (r *Redactor) Text(s string) string { return without(s, r.find(s)) }

// without is a text with a placeholder for each stretch.
func without(s string, found []stretch) string {
	if len(found) == 0 {
		return s
	}
	var b strings.Builder
	at := 0
	for _, f := range found {
		b.WriteString(s[at:f.from])
		b.WriteString(Redacted)
		at = f.to
	}
	b.WriteString(s[at:])
	return b.String()
}

// Has reports whether a text holds a secret in any spelling.
func (r *Redactor) Has(s string) bool { return len(r.find(s)) > 0 }

// stretch is a part of a text, from its first byte up to the one after its last.
type stretch struct{ from, to int }

// find is where secrets are in a text: sorted, apart from each other, and none
// within an earlier "[redacted]".
func (r *Redactor) find(s string) []stretch {
	if len(r.secrets) == 0 && r.Shape == nil || s == "" {
		return nil
	}
	hit := false
	plainView(s, true, r.Echoed).follow(func(v view) bool {
		hit = len(r.search(v)) > 0
		return !hit
	})
	if !hit {
		return nil // as of most texts: places were not kept for nothing
	}
	var found []stretch
	plainView(s, false, r.Echoed).follow(func(v view) bool {
		found = append(found, r.search(v)...)
		return true
	})
	return merged(s, found)
}

// search is where secrets are in one view.
func (r *Redactor) search(v view) []stretch {
	secrets := r.secrets
	if v.joins > 0 {
		secrets = r.bare
	}
	var found []stretch
	for _, secret := range secrets {
		found = append(found, v.occurrences(secret)...)
	}
	for _, piece := range r.coded {
		found = append(found, v.runs(piece)...)
	}
	if r.Shape != nil {
		for _, at := range r.Shape.FindAllStringIndex(v.text, -1) {
			found = append(found, v.place(at[0], at[1]))
		}
	}
	if !r.Echoed {
		return found
	}
	v.text = lower(v.text)
	for _, secret := range secrets {
		found = append(found, v.occurrences(lower(secret))...)
	}
	return found
}

// lower is a text of the same length with the letters of ASCII in lower case.
func lower(s string) string {
	out := []byte(s)
	for i, c := range out {
		if c >= 'A' && c <= 'Z' {
			out[i] = c + 'a' - 'A'
		}
	}
	return string(out)
}

// merged sorts stretches, joins those that touch, and drops those that lie
// within a placeholder.
func merged(s string, found []stretch) []stretch {
	if len(found) == 0 {
		return nil
	}
	found = slices.DeleteFunc(found, func(f stretch) bool { return withinPlaceholder(s, f) })
	slices.SortFunc(found, func(a, b stretch) int { return a.from - b.from })
	var out []stretch
	for _, f := range found {
		if n := len(out); n > 0 && f.from <= out[n-1].to {
			out[n-1].to = max(out[n-1].to, f.to)
			continue
		}
		out = append(out, f)
	}
	return out
}

// withinPlaceholder reports whether a stretch is a part of a "[redacted]".
func withinPlaceholder(s string, f stretch) bool {
	from, to := max(0, f.to-len(Redacted)), min(len(s), f.from+len(Redacted))
	return from <= f.from && f.to <= to && strings.Contains(s[from:to], Redacted)
}
