package scenarios

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"regexp"
	"strings"

	"github.com/httpdest/httpdest/internal/limits"
)

// Mark is the beginning of the ECID of every profile that is sent to somebody's receiver:
// eight zeros, which a real ECID has once in a hundred million. Mail addresses end in
// MailDomain, which does not exist (RFC 2606).
const (
	Mark       = "00000000"
	MailDomain = "httpdest.invalid"
)

// marking is what tells the identities of one run from all others.
type marking struct {
	run uint64
	of  string // id of the case
}

// Marked is the scenario with identities that no other run and no other case has: a
// receiver may still hold the profiles of earlier ones. An ECID is Mark, ten digits of
// the run and twenty that stand for the identity of the file; a mail address is one of
// MailDomain; a UUID stays a UUID and a digest of 64 digits stays one; any other id gets an
// ending. Identities that are equal, or differ, in the file do so afterwards. Those of
// uploaded audiences stay as they are.
func (s *Scenario) Marked(run uint64) *Scenario {
	marked := *s
	marked.marking = &marking{run: run % 1e10, of: s.ID}
	return &marked
}

// IdentityOf is the id that a text of the file stands for: of the profile with this
// number, and marked where the scenario is.
func (s *Scenario) IdentityOf(namespace, id string, n int64) string {
	id, _ = Expand(id, n).(string)
	return s.marking.id(namespace, id)
}

var uuidForm = regexp.MustCompile(`^[0-9A-Fa-f]{8}(-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}$`)

// id is a marked one.
func (m *marking) id(namespace, id string) string {
	if m == nil || id == "" {
		return id
	}
	sum := sha256.Sum256(fmt.Appendf(nil, "httpdest mark %d %q %q", m.run, m.of, id))
	number := binary.BigEndian.Uint64(sum[:])
	digits := hex.EncodeToString(sum[:])
	local, _, mail := cutLast(id, "@")
	switch {
	case strings.EqualFold(namespace, "ecid"):
		return fmt.Sprintf("%s%010d%020d", Mark, m.run, number)
	case mail:
		return fitting(local, fmt.Sprintf("-%010d-%s@%s", m.run, digits[:8], MailDomain))
	case uuidForm.MatchString(id):
		return fmt.Sprintf("%s-%s-4%s-8%s-%s", digits[:8], digits[8:12], digits[12:15], digits[15:18], digits[18:30])
	case len(id) == hex.EncodedLen(sha256.Size) && isHex(id):
		return digits
	}
	return fitting(id, fmt.Sprintf("-%010d-%s", m.run, digits[:8]))
}

func cutLast(text, sep string) (before, after string, found bool) {
	if i := strings.LastIndex(text, sep); i >= 0 {
		return text[:i], text[i+len(sep):], true
	}
	return text, "", false
}

func isHex(text string) bool {
	_, err := hex.DecodeString(text)
	return err == nil
}

// fitting is a text with an ending, shortened so that it is an id.
func fitting(text, ending string) string {
	for limits.ID(text+ending) != nil {
		runes := []rune(text)
		text = string(runes[:len(runes)-1])
	}
	return text + ending
}
