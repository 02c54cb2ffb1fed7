package main

import (
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/spf13/pflag"

	"github.com/httpdest/httpdest/engine"
	"github.com/httpdest/httpdest/engine/flow"
	"github.com/httpdest/httpdest/loadtest"
)

// backfillFlags are those of load about a backfill.
type backfillFlags struct {
	text   string
	within time.Duration
}

func (f *backfillFlags) add(s *pflag.FlagSet) {
	s.StringVar(&f.text, "backfill", "",
		"map an audience in the load: [AUDIENCE=]MEMBERS@WHEN, such as 500000@10m")
	s.DurationVar(&f.within, "backfill-within", 0,
		"time over which the engine spreads it (default: backfillWithin of --config, or 1h)")
}

// check reads them; nil where there is no backfill.
func (f backfillFlags) check() (*loadtest.Backfill, error) {
	if f.text == "" {
		return nil, nil
	}
	if f.within < 0 || f.within > 0 && f.within < time.Second {
		return nil, failure{exitUsage, fmt.Errorf("--backfill-within %s is less than a second", f.within),
			"give a second or more, such as 10m"}
	}
	b, err := loadtest.ParseBackfill(f.text)
	if err != nil {
		return nil, usage("--backfill", err)
	}
	return b, nil
}

// begins refuses a mapping that the load would not see.
func (e engineLoad) begins(p loadtest.Pace) error {
	if b := e.mapping; b != nil && b.At >= p.Duration() {
		return failure{exitUsage, fmt.Errorf("the audience is mapped at %s, and the load is over after %s",
			b.At, p.Duration().Round(time.Second)), "give an earlier --backfill, or a longer --for"}
	}
	return nil
}

// prepareBackfill finds the audience that is mapped during the load, and refuses one that
// the engine would not backfill.
func (x *loading) prepareBackfill() (err error) {
	b := x.through.mapping
	if b == nil {
		return nil
	}
	if b.Name == "" {
		if b.Name, err = x.unmapped(); err != nil {
			return err
		}
	}
	t := x.target
	ref, known := t.service.Audience(b.Name)
	if !known {
		return failure{exitUsage, fmt.Errorf("--backfill: the configuration has no audience %q", b.Name),
			"name an audience by its key under audiences"}
	}
	b.Audience = ref
	if within := x.flags.engine.backfill.within; within > 0 {
		t.settings.Window = within
	}
	d := flow.Dataflow{Snapshot: t.service.Flow, Settings: t.settings, Configuration: t.service.Configuration}
	err = b.Refused(d)
	if err != nil {
		return failure{exitUsage, fmt.Errorf("--backfill: %w", err),
			"give an audience that the dataflow may map and has not mapped, and an active dataflow"}
	}
	return nil
}

// unmapped is the key of the only audience that the dataflow does not map.
func (x *loading) unmapped() (string, error) {
	sc, err := x.flags.configuration()
	if err != nil {
		return "", err
	}
	var keys []string
	for _, a := range sc.Audiences {
		ref, _ := x.target.service.Audience(a.Key)
		if _, mapped := x.target.service.Flow.Mapped[ref]; !mapped {
			keys = append(keys, a.Key)
		}
	}
	switch len(keys) {
	case 1:
		return keys[0], nil
	case 0:
		return "", failure{exitUsage, errors.New("--backfill: the dataflow maps every audience of the configuration"),
			"add an audience to the configuration that the dataflow does not map"}
	}
	return "", failure{exitUsage, fmt.Errorf("--backfill: %d audiences are not mapped: %s", len(keys), strings.Join(keys, ", ")),
		fmt.Sprintf("name one of them, such as --backfill %s=%s", keys[0], x.flags.engine.backfill.text)}
}

// backfilled is what a backfill adds to the requests of a load of a dataflow: how many, and
// at which rate.
func (e engineLoad) backfilled(s engine.Settings) (exports, rate float64) {
	if e.mapping == nil {
		return 0, 0
	}
	return float64(e.mapping.Members), e.mapping.Rate(s.Window)
}
