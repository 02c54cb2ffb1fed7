package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"strings"
	"time"

	"github.com/spf13/pflag"

	"github.com/httpdest/httpdest/internal/access"
	"github.com/httpdest/httpdest/mockendpoint"
	"github.com/httpdest/httpdest/mockendpoint/admin"
	"github.com/httpdest/httpdest/mockendpoint/fault"
	"github.com/httpdest/httpdest/mockendpoint/journal"
)

// adminFlags are the flags of httpdest mock for its journal, admin API and page.
type adminFlags struct {
	address string
	token   string
	journal string
}

// adminOff is the --admin without a listener.
const adminOff = "off"

// anyToken is the --admin-token that asks for none.
const anyToken = "none"

func (f *adminFlags) add(flags *pflag.FlagSet) {
	flags.StringVar(&f.address, "admin", "127.0.0.1:0", "address and port of the page and the admin API; off: none")
	flags.StringVar(&f.token, "admin-token", "", "the token of the page and the admin API; none: anybody on this machine (default: a random one); "+secretForms)
	flags.StringVar(&f.journal, "journal", "", "file to keep the journal in, and to continue it from (default: a temporary one)")
}

// adminServer is the journal of httpdest mock, with the listener that shows it.
type adminServer struct {
	flags    adminFlags
	spool    *journal.Spool
	metrics  *admin.Metrics
	listener net.Listener
	server   *http.Server
	admin    *admin.Admin
	ended    chan error
}

// openAdmin opens the journal and the listener. nil: the flags want neither.
func openAdmin(f adminFlags) (s *adminServer, err error) {
	if f.address == adminOff {
		if f.journal != "" || f.token != "" {
			return nil, failure{exitUsage, errors.New("--journal and --admin-token belong to the admin API"), "leave --admin off out"}
		}
		return nil, nil
	}
	host, _, err := net.SplitHostPort(f.address)
	if err != nil {
		return nil, failure{exitUsage, fmt.Errorf("--admin: %w", err), "give ADDRESS:PORT, such as 127.0.0.1:9000, or off"}
	}
	if f.token == anyToken && !access.Loopback(host) {
		return nil, failure{exitUsage, fmt.Errorf("--admin-token none: others than this machine reach %s", f.address), "give a token, or an address of loopback"}
	}
	s = &adminServer{flags: f, metrics: admin.NewMetrics(), ended: make(chan error, 1)}
	if s.listener, err = net.Listen("tcp", f.address); err != nil {
		return nil, failure{exitUsage, fmt.Errorf("--admin: %w", err), "give --admin ADDRESS:PORT that is free, port 0, or off"}
	}
	if s.spool, err = journal.NewSpool(journal.SpoolOptions{Path: f.journal}); err != nil {
		hint := "give --journal a file that httpdest mock wrote, or a new one"
		if f.journal == "" { // an image with nothing but this program has no /tmp
			hint = "give --journal FILE, name a folder for temporary files in TMPDIR, or leave the journal out with --admin off"
		}
		return nil, failure{exitUsage, errors.Join(err, s.listener.Close()), hint}
	}
	return s, nil
}

// attach makes the endpoint write to the journal too, and gives it a plan to
// which faults are added.
func (s *adminServer) attach(o *mockendpoint.Options, sink journal.Sink) journal.Sink {
	if s == nil {
		return sink
	}
	if o.Faults == nil {
		o.Faults = fault.NewPlan(1)
	}
	if o.ProfileOf == nil { // no scenario: a profile goes by its identities
		o.ProfileOf = func(_, id string) (string, bool) { return id, true }
	}
	all := journal.Tee{s.spool, s.metrics}
	if sink != nil {
		all = append(all, sink)
	}
	return all
}

// serve answers from now on, and says where. The address on stderr carries the
// token, in the part of it that no server and no log sees.
func (s *adminServer) serve(stdout, stderr io.Writer, o mockendpoint.Options, listeners []admin.Listener) error {
	if s == nil {
		return nil
	}
	host, _, _ := net.SplitHostPort(s.flags.address) // openAdmin has read it
	options := admin.Options{Journal: s.spool, Faults: o.Faults, Metrics: s.metrics, Token: s.flags.token, Host: host, Version: version(), Listeners: listeners,
		Proxy: o.Receiver != nil}
	url, page := address(socket{s.listener, mockendpoint.Listener{Mode: mockendpoint.Plain}, "admin"}), ""
	switch s.flags.token {
	case anyToken:
		options.Token = ""
	case "":
		options.Token = access.NewToken()
		fallthrough
	default:
		page = "#token=" + options.Token
	}
	s.admin = admin.New(options)
	s.server = &http.Server{Handler: s.admin, ReadHeaderTimeout: 10 * time.Second, MaxHeaderBytes: 64 << 10, ErrorLog: log.New(io.Discard, "", 0)}
	go func() { s.ended <- s.server.Serve(s.listener) }()
	if _, err := fmt.Fprintf(stdout, "listening on %s (admin)\n", url); err != nil {
		return err
	}
	fmt.Fprintf(stderr, "httpdest: what arrives is shown at %s/%s\n", url, page)
	return nil
}

// close ends the listener and the journal. Entries that were lost are an error:
// whoever reads the journal must know.
func (s *adminServer) close() error {
	if s == nil {
		return nil
	}
	var err error
	if s.server != nil {
		s.admin.Close()
		within, cancel := context.WithTimeout(context.Background(), time.Second)
		defer cancel()
		if s.server.Shutdown(within) != nil {
			_ = s.server.Close() // a client that does not take its answer
		}
		if served := <-s.ended; !errors.Is(served, http.ErrServerClosed) {
			err = served
		}
	} else {
		err = s.listener.Close()
	}
	err = errors.Join(err, s.spool.Close())
	if st := s.spool.Stats(); st.Lost > 0 || s.flags.journal != "" && err != nil {
		why := strings.TrimSpace(fmt.Sprintf("the journal has lost %s %s", fmt.Sprintf("%d of its entries", st.Lost), st.Failure))
		return failure{exitUnjudged, errors.Join(errors.New(why), err), "make room on the disk of the temporary files, or give --journal a file on another"}
	}
	return err
}
