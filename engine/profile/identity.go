package profile

import (
	"crypto/sha256"
	"encoding/hex"
	"strings"
)

// standard is the namespaces of the organisation-wide catalog; exports spell
// them in lower case (R76). Custom namespaces keep their configured spelling
// (A36).
var standard = map[string]bool{
	"adcloud": true, "aaid": true, "idfa": true, "apns": true, "ecid": true, "email": true,
	"email_lc_sha256": true, "fcm": true, "gaid": true, "phone": true, "phone_e.164": true,
	"phone_sha256": true, "phone_sha256_e.164": true, "tntid": true, "waid": true,
}

// Canonical is the identity as the graph keeps and exports it: a standard
// namespace in lower case, and a plain e-mail address under email_lc_sha256 as
// the SHA-256 of its trimmed, lower-cased text (R77). A digest stays as it is.
func (i Identity) Canonical() Identity {
	if lower := strings.ToLower(i.Namespace); standard[lower] {
		i.Namespace = lower
	}
	if i.Namespace == "email_lc_sha256" && strings.Contains(i.ID, "@") {
		sum := sha256.Sum256([]byte(strings.ToLower(strings.TrimSpace(i.ID))))
		i.ID = hex.EncodeToString(sum[:])
	}
	return i
}
