package reports

import "fmt"

// classes explains each class of a refusal in a phrase.
var classes = map[string]string{
	"form":        "the receiver refuses the form of the message each time it is sent",
	"throttled":   "the receiver refuses the pace, not the message",
	"down":        "the receiver refuses or drops every message at that time, including the plain one",
	"flaky":       "the receiver accepts the same message a moment later",
	"credentials": "the receiver refuses right credentials, or accepts wrong ones",
	"gateway":     "something in front of the receiver answers instead of it",
	"mtls":        "the server requests a client certificate, or should",
	"cold":        "the receiver answers late or refuses after a pause, and accepts the next message at once",
	"late":        "the answer takes more than two seconds",
	"lost":        "the receiver accepts the message, but does not store it as it was sent",
	"tls":         "no TLS connection with a valid certificate succeeds",
	"unreadable":  "the answer of the receiver is not HTTP, or is too large",
	"status":      "the receiver refuses a bad message, but with a status that means something else",
}

// class is the class of a check with its meaning; "" without one.
func (k Check) class() string {
	if meaning := classes[k.Class]; meaning != "" {
		return k.Class + ": " + meaning
	}
	return k.Class
}

// quoted is a text in quotation marks; "" stays as it is.
func quoted(s string) string {
	if s == "" {
		return ""
	}
	return fmt.Sprintf("“%s”", s)
}

// Meaning explains a class in a phrase; "" for an unknown class.
func Meaning(class string) string { return classes[class] }
