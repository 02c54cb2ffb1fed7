package mockendpoint

import (
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"reflect"
	"strings"

	"github.com/httpdest/httpdest/mockendpoint/journal"
)

// alerts are the names of RFC 8446 §6 and, where it dropped one, RFC 5246 §7.2.
var alerts = map[int]string{
	0: "close_notify", 10: "unexpected_message", 20: "bad_record_mac", 21: "decryption_failed", 22: "record_overflow",
	30: "decompression_failure", 40: "handshake_failure", 41: "no_certificate", 42: "bad_certificate", 43: "unsupported_certificate",
	44: "certificate_revoked", 45: "certificate_expired", 46: "certificate_unknown", 47: "illegal_parameter", 48: "unknown_ca",
	49: "access_denied", 50: "decode_error", 51: "decrypt_error", 60: "export_restriction", 70: "protocol_version",
	71: "insufficient_security", 80: "internal_error", 86: "inappropriate_fallback", 90: "user_canceled", 100: "no_renegotiation",
	109: "missing_extension", 110: "unsupported_extension", 111: "certificate_unobtainable", 112: "unrecognized_name",
	113: "bad_certificate_status_response", 114: "bad_certificate_hash_value", 115: "unknown_psk_identity",
	116: "certificate_required", 120: "no_application_protocol", 121: "ech_required",
}

// clearAlert is an alert of the client that came unencrypted.
type clearAlert int

func (a clearAlert) Error() string { return fmt.Sprintf("the client's unencrypted alert %d", int(a)) }

func alertOf(by string, code int) *journal.Alert {
	name, ok := alerts[code]
	if !ok {
		name = fmt.Sprintf("alert_%d", code)
	}
	return &journal.Alert{By: by, Code: code, Description: name}
}

// alert is the alert that ended a handshake: the client's or our own, from the
// error, or the one that crypto/tls sends for our reason and does not return.
// version is the agreed version. nil without an alert.
func alert(err error, reason, version string) *journal.Alert {
	var plain clearAlert
	if errors.As(err, &plain) {
		return alertOf("client", int(plain))
	}
	var op *net.OpError
	if by := map[string]string{"remote error": "client", "local error": "endpoint"}; errors.As(err, &op) && by[op.Op] != "" && op.Err != nil {
		// An unexported uint8; its text is in words of crypto/tls.
		if v := reflect.ValueOf(op.Err); v.Kind() == reflect.Uint8 {
			return alertOf(by[op.Op], int(v.Uint()))
		}
	}
	code, ok := map[string]int{
		"certificate-required": 116, "unknown-ca": 48, "expired-certificate": 45, "wrong-key-usage": 42, "bad-certificate": 42, "no-common-parameters": 40,
	}[reason]
	switch {
	case !ok:
		return nil
	case reason == "certificate-required" && version != tls.VersionName(tls.VersionTLS13):
		code = 40 // TLS 1.2 has no word for it
	case strings.Contains(err.Error(), "unsupported versions"):
		code = 70
	}
	return alertOf("endpoint", code)
}
