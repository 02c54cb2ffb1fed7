package main

import (
	"context"
	"crypto/rand"
	"encoding/binary"
	"errors"
	"fmt"
	"net/url"
	"time"

	"github.com/spf13/pflag"

	"github.com/httpdest/httpdest/scenarios"
	"github.com/httpdest/httpdest/scenarios/probe"
	"github.com/httpdest/httpdest/scenarios/simulate"
)

// storedFlags say where run --endpoint reads what the receiver holds after a case.
type storedFlags struct {
	url    string
	within time.Duration
	ignore []string
}

func (f *storedFlags) add(flags *pflag.FlagSet) {
	flags.StringVar(&f.url, "read-back", "",
		"with --endpoint: URL of the stored state, which GET URL/ECID shows and each case is compared with")
	flags.DurationVar(&f.within, "read-back-within", scenarios.DefaultReadWithin,
		"with --read-back: the state must be there so long after the last answer")
	flags.StringArrayVar(&f.ignore, "read-back-ignore", nil,
		"with --read-back: dotted path of the state that is not compared, such as identityMap; may be repeated")
}

// open checks the flags; nil without --read-back. receiver is the endpoint that is played
// to: its certificates and, on its host, its token serve the read-back as well.
func (f storedFlags) open(files receiverFlags, receiver *url.URL) (*simulate.StateOfReceiver, error) {
	if f.url == "" {
		return nil, nil
	}
	at, err := storedAt(f.url, files.own)
	if err != nil {
		return nil, err
	}
	certificates, err := files.files()
	if err != nil {
		return nil, err
	}
	read := probe.NewReadBack(scenarios.ReadBack{URL: f.url}, certificates.Roots, certificates.Certificate)
	asked := func(ctx context.Context, ecid, bearer string) (any, error) {
		if at.Host != receiver.Host {
			bearer = "" // of another server
		}
		state, err := read(ctx, ecid, bearer)
		var request *url.Error // whose text has the ECID
		if errors.As(err, &request) {
			err = fmt.Errorf("the read-back: %w", request.Err)
		}
		return state, err
	}
	return &simulate.StateOfReceiver{Read: asked, Within: f.within, Ignore: f.ignore}, nil
}

// runNumber marks the profiles of a run, so that a receiver that still holds those of
// another run tells them apart.
func runNumber() uint64 {
	var random [8]byte
	_, _ = rand.Read(random[:]) // it never fails
	return binary.BigEndian.Uint64(random[:])
}
