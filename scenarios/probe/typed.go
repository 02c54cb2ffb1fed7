package probe

import (
	"fmt"
	"strings"
)

// typed are texts that people type into profiles and that web application
// firewalls take for attacks, one by one, so that the one which is refused is
// known.
var typed = []struct{ id, title, text string }{
	{"apostrophe", "an apostrophe, as in O'Brien", "O'Brien"},
	{"markup", "markup in a text", "<b>bold</b>"},
	{"script", "a script in a text", "<script>alert(1)</script>"},
	{"dashes", "two dashes in a text", "first -- then"},
	{"path", "../ in a text", "../../etc/passwd"},
	{"sql", "words of SQL in a text", "1' union select name from users"},
	{"url", "a URL with a query as a value", "https://shop.example.com/?item=1&next=http://127.0.0.1/"},
	{"template", "braces of a template in a text", "{{7*7}} ${7*7}"},
}

// firewallFix is what to do about a text that is refused.
const firewallFix = "exempt this path from the firewall's rules on bodies, or let them count instead of block: attributes hold whatever people typed"

// textFix is what to do about a text that the receiver itself refuses.
const textFix = "accept any text as a value, and treat it as data: attributes hold whatever people typed"

// texts are messages with what firewalls dislike, and one that is just longer
// than the 8 kB that many of them look at.
func (s *shaper) texts() {
	for _, x := range typed {
		who, d := s.plain()
		d["person"] = map[string]any{"name": map[string]any{"firstName": "Httpdest", "lastName": x.text}}
		m := s.add("rcv-schema", "text/"+x.id, x.title, who, d)
		m.fix, m.frontFix, m.inFront = textFix, firewallFix, true
	}
	who, d := s.plain()
	empty := len(s.single(d))
	d["note"] = strings.Repeat("n", 8193-empty-len(`"note":"",`))
	m := s.add("rcv-schema", "text/8kB", fmt.Sprintf("a body of %d bytes", 8193), who, d)
	m.fix = "raise the limit on the size of bodies, of the firewall's inspection too: many look at the first 8 kB and refuse what is longer"
	m.frontFix, m.inFront = m.fix, true
}
