package main

import (
	"fmt"
	"io"
	"net/url"

	"github.com/httpdest/httpdest/engine/dataflow"
	"github.com/httpdest/httpdest/engine/delivery"
	"github.com/httpdest/httpdest/mockendpoint/forward"
)

// receiverFlags say how the receiver of proxy or run --endpoint is reached.
type receiverFlags struct {
	cert, key, ca string
	own           bool // it is the user's, though not of this machine
}

// files reads the certificates.
func (f receiverFlags) files() (c delivery.Config, err error) {
	if err := (serveFlags{cert: f.cert, key: f.key, ca: f.ca}).certificates(&c); err != nil {
		return c, failure{exitUsage, fmt.Errorf("certificates: %w", err), "give PEM files: --cert and --key together, --ca alone"}
	}
	return c, nil
}

// open checks the flags of a receiver. flag is the one that names it, form an example of
// its value, and refusal what is told to somebody who does not say that it is his.
func (f receiverFlags) open(stderr io.Writer, c forward.Config, flag, form, refusal string) (*forward.Receiver, error) {
	files, err := f.files()
	if err != nil {
		return nil, err
	}
	c.Roots, c.Certificate, c.Observe = files.Roots, files.Certificate, (&receiverWatch{stderr: stderr}).observe
	receiver, err := forward.New(c)
	if err != nil {
		return nil, failure{exitUsage, fmt.Errorf("%s: %w", flag, err), form}
	}
	if host := c.URL.Hostname(); !ours(host) && !f.own {
		return nil, failure{exitUsage, fmt.Errorf("%s is not of this machine", host), refusal}
	}
	files.Destination = dataflow.Destination{Endpoint: (&url.URL{Scheme: c.URL.Scheme, Host: c.URL.Host}).String()}
	if err := trustsSomebody(files, f.ca); err != nil {
		return nil, err
	}
	warnIncomplete(stderr, f.cert, f.key)
	return receiver, nil
}
