package reports

import "fmt"

// classes say in a phrase what each class of a refusal means.
var classes = map[string]string{
	"form":        "the receiver refuses this form of a message, and accepts the plain message sent next to it",
	"throttled":   "the receiver refuses because of the pace, and not because of the message",
	"down":        "the receiver refuses or drops every message at that time, the plain one too",
	"flaky":       "the receiver accepts the same message a moment later",
	"credentials": "the receiver refuses who sends, and not what is sent",
	"gateway":     "something in front of the receiver answers instead of it",
	"mtls":        "the server requests a client certificate, or should",
	"late":        "the answer takes more than two seconds",
	"lost":        "the receiver accepts the message, and does not store it as it was sent",
	"tls":         "there is no connection with TLS and a valid certificate",
	"status":      "the receiver refuses what it must, with a status that means something else",
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

// Meaning says in a phrase what a class means; "" of an unknown one.
func Meaning(class string) string { return classes[class] }
