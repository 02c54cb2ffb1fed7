package secret

import (
	"html"
	"strconv"
	"strings"
	"unicode/utf16"
	"unicode/utf8"
)

// view is a text as it reads after some rounds of decoding and of joining what was
// wrapped, with the place in the original of each of its bytes. origin is nil while
// nothing was decoded or joined, and of a view that is blind.
type view struct {
	text   string
	origin []stretch
	rounds int
	joins  int
	blind  bool   // places are not kept: it matters only whether something is found
	echoed bool   // short secrets are found between single spaces as well
	whole  string // the original
}

// mostRounds is how often a text may have been encoded for its secrets to be
// found.
const mostRounds = 3

func plainView(s string, blind, echoed bool) view {
	return view{text: s, blind: blind, echoed: echoed, whole: s}
}

// follow visits the view and all that follow from it, while visit returns true.
func (v view) follow(visit func(view) bool) {
	if !visit(v) {
		return
	}
	queue := v.next(nil)
	if len(queue) == 0 {
		return
	}
	type key struct {
		text   string
		joined bool
	}
	seen := map[key]bool{{v.text, false}: true}
	for ; len(queue) > 0; queue = queue[1:] {
		v := queue[0]
		if k := (key{v.text, v.joins > 0}); !seen[k] {
			if seen[k] = true; !visit(v) {
				return
			}
			queue = v.next(queue)
		}
	}
}

// next adds the views that follow at once from this one.
func (v view) next(to []view) []view {
	if inert(v.text) {
		return to
	}
	if w, changed := v.decoded(); changed {
		to = append(to, w)
	}
	for _, how := range wrappings {
		if w, changed := v.joined(how); changed {
			to = append(to, w)
		}
	}
	return to
}

// inert reports whether a text has no byte that begins an escape or that wraps a
// text: nothing follows from it, as from most headers and bodies.
func inert(s string) bool {
	for i := 0; i < len(s); i++ {
		if c := s[i]; c <= ' ' || c >= 0x7f || c == '%' || c == '\\' || c == '&' || c == '<' || c == '+' {
			return false
		}
	}
	return true
}

// place is where a part of the view is in the original.
func (v view) place(from, to int) stretch {
	if v.origin == nil {
		return stretch{from, to}
	}
	return stretch{v.origin[from].from, v.origin[to-1].to}
}

// occurrences are a secret's, and those of its beginning and its end where it
// is long enough for that.
func (v view) occurrences(secret string) []stretch {
	out := v.each(secret, func(at int) (int, int) { return at, at + len(secret) })
	if len(secret) < cutOff+cutOff/2 {
		return out
	}
	out = append(out, v.each(secret[:cutOff], func(at int) (int, int) {
		to := at + cutOff
		for to < len(v.text) && to-at < len(secret) && v.text[to] == secret[to-at] {
			to++
		}
		return at, to
	})...)
	return append(out, v.each(secret[len(secret)-cutOff:], func(at int) (int, int) {
		from, n := at, len(secret)-cutOff
		for from > 0 && n > 0 && v.text[from-1] == secret[n-1] {
			from, n = from-1, n-1
		}
		return from, at + cutOff
	})...)
}

// each finds a text wherever it occurs; widen says what belongs to it there.
func (v view) each(wanted string, widen func(at int) (from, to int)) []stretch {
	var out []stretch
	for at := 0; ; {
		i := strings.Index(v.text[at:], wanted)
		if i < 0 {
			return out
		}
		from, to := widen(at + i)
		if at = max(to, at+i+1); v.joins > 0 && !v.echoed && !v.blind && len(wanted) < cutOff && v.apart(from, to) {
			continue
		}
		out = append(out, v.place(from, to))
	}
}

// runs are the runs of base64 around a piece of it.
func (v view) runs(piece string) []stretch {
	return v.each(piece, func(at int) (int, int) {
		from, to := at, at+len(piece)
		for from > 0 && coded(v.text[from-1]) && v.together(from-1) {
			from--
		}
		for to < len(v.text) && coded(v.text[to]) && v.together(to-1) {
			to++
		}
		return from, to
	})
}

// coded reports whether a byte may stand in base64 of either alphabet.
func coded(c byte) bool {
	return c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || strings.IndexByte("+/-_=", c) >= 0
}

// decoded is the view with one round of escapes undone; false when no escape is
// left, or too many rounds were undone.
func (v view) decoded() (view, bool) {
	if v.rounds == mostRounds || !strings.ContainsAny(v.text, `%\&`) {
		return v, false
	}
	out := v
	out.rounds, out.origin = v.rounds+1, nil
	var b strings.Builder
	changed := false
	for at := 0; at < len(v.text); {
		text, n := unescape(v.text[at:])
		if n == 0 {
			text, n = v.text[at:at+1], 1
		} else {
			changed = true
		}
		b.WriteString(text)
		for range len(text) {
			if !v.blind {
				out.origin = append(out.origin, v.place(at, at+n))
			}
		}
		at += n
	}
	out.text = b.String()
	return out, changed
}

// unescape is what an escape at the beginning of a text stands for, and its
// length; 0 without an escape.
func unescape(s string) (text string, length int) {
	switch s[0] {
	case '%':
		if len(s) >= 3 {
			if c, err := strconv.ParseUint(s[1:3], 16, 8); err == nil {
				return string([]byte{byte(c)}), 3
			}
		}
	case '\\':
		return unescapeJSON(s)
	case '&':
		if end := strings.IndexByte(s[:min(len(s), 12)], ';'); end > 0 {
			if plain := html.UnescapeString(s[:end+1]); plain != s[:end+1] {
				return plain, end + 1
			}
		}
	}
	return "", 0
}

// unescapeJSON undoes an escape of a JSON string.
func unescapeJSON(s string) (text string, length int) {
	if len(s) < 2 {
		return "", 0
	}
	if i := strings.IndexByte(`"\/bfnrt`, s[1]); i >= 0 {
		return "\"\\/\b\f\n\r\t"[i : i+1], 2
	}
	first, ok := unit(s)
	if !ok {
		return "", 0
	}
	if second, both := unit(s[6:]); both && utf16.IsSurrogate(first) {
		if r := utf16.DecodeRune(first, second); r != utf8.RuneError {
			return string(r), 12
		}
	}
	return string(first), 6
}

// unit is the UTF-16 unit of a \uXXXX.
func unit(s string) (rune, bool) {
	if len(s) < 6 || s[0] != '\\' || s[1] != 'u' {
		return 0, false
	}
	n, err := strconv.ParseUint(s[2:6], 16, 16)
	return rune(n), err == nil
}
