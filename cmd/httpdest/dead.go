package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"github.com/httpdest/httpdest/engine"
	"github.com/httpdest/httpdest/engine/live"
	"github.com/httpdest/httpdest/engine/store"
	"github.com/httpdest/httpdest/engine/store/local"
)

func (a *app) deadCommand() *cobra.Command {
	var data string
	dead := &cobra.Command{
		Use:   "dead",
		Short: "The messages that both retries could not deliver",
		Long: `The destination drops a message after its last failed attempt and says nothing. Here it
is kept, with the reason and the number of attempts, until it is sent again.

The folder must not be in use; a running httpdest serve answers GET /dead and POST
/dead/resend?id=ID instead.`,
		Example: "  httpdest dead list --data data\n  httpdest dead resend --data data 'doc#1'",
		Args:    known,
		RunE:    func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	dead.PersistentFlags().StringVar(&data, "data", "", "folder that httpdest serve wrote to (required)")
	_ = dead.MarkPersistentFlagRequired("data")
	var asJSON, all bool
	list := &cobra.Command{
		Use:   "list",
		Short: "List them: id, attempts, outcome, when, profiles",
		Args:  cobra.NoArgs,
		RunE:  func(*cobra.Command, []string) error { return a.listDead(data, asJSON) },
	}
	list.Flags().BoolVar(&asJSON, "json", false, "as JSON, one object a line")
	show := &cobra.Command{
		Use:   "show ID",
		Short: "Show one whole, its body included: personal data",
		Args:  cobra.ExactArgs(1),
		RunE:  func(_ *cobra.Command, args []string) error { return a.showDead(data, args[0]) },
	}
	resend := &cobra.Command{
		Use:   "resend ID... | --all",
		Short: "Send them again with the next httpdest serve, after what waits there",
		Long: `Put dead letters back into the queue. The next httpdest serve sends them, with all their
attempts before them. A body is as old as its decision: where the profile was exported
since, the receiver gets an older state after a newer one.`,
		RunE: func(_ *cobra.Command, args []string) error { return a.resendDead(data, args, all) },
	}
	resend.Flags().BoolVar(&all, "all", false, "all of them")
	dead.AddCommand(list, show, resend)
	return dead
}

// withDead opens the store of a folder and calls do with its dead letters.
func withDead(data string, do func(*local.Store, []store.DeadLetter) error) (err error) {
	s, err := local.Open(data, local.Options{Existing: true})
	if err != nil {
		return storeFailure(err)
	}
	defer func() {
		if closed := s.Close(); closed != nil {
			err = errors.Join(err, storeFailure(closed))
		}
	}()
	var letters []store.DeadLetter
	if err := s.Dead(func(l store.DeadLetter) error { letters = append(letters, l); return nil }); err != nil {
		return storeFailure(err)
	}
	return do(s, letters)
}

func (a *app) listDead(data string, asJSON bool) error {
	return withDead(data, func(_ *local.Store, letters []store.DeadLetter) error {
		if asJSON {
			e := json.NewEncoder(a.stdout)
			e.SetEscapeHTML(false)
			for _, l := range letters {
				if err := e.Encode(live.NewLetter(l)); err != nil {
					return err
				}
			}
			return nil
		}
		w := tabwriter.NewWriter(a.stdout, 0, 0, 2, ' ', 0)
		for _, l := range letters {
			x := live.NewLetter(l)
			fmt.Fprintf(w, "%q\t%s\t%s\t%s\t%q\n", x.ID, count(x.Attempts, "attempt"), outcome(x), x.At.Format(time.RFC3339), x.Profiles)
		}
		if err := w.Flush(); err != nil {
			return err
		}
		_, err := fmt.Fprintln(a.stdout, count(len(letters), "dead letter"))
		return err
	})
}

// outcome is that of the last attempt, with its reason.
func outcome(l live.Letter) string {
	if l.Reason == "" {
		return l.Outcome
	}
	return l.Outcome + ": " + l.Reason
}

// named finds a dead letter by its id.
func named(letters []store.DeadLetter, id string) (store.DeadLetter, error) {
	for _, l := range letters {
		if l.Message.ID == id {
			return l, nil
		}
	}
	return store.DeadLetter{}, failure{exitUsage, fmt.Errorf("no dead letter %q", id), "httpdest dead list names them"}
}

func (a *app) showDead(data, id string) error {
	return withDead(data, func(_ *local.Store, letters []store.DeadLetter) error {
		l, err := named(letters, id)
		if err != nil {
			return err
		}
		e := json.NewEncoder(a.stdout)
		e.SetEscapeHTML(false)
		e.SetIndent("", "  ")
		return e.Encode(live.NewLetter(l))
	})
}

func (a *app) resendDead(data string, ids []string, all bool) error {
	if all == (len(ids) > 0) {
		return failure{exitUsage, errors.New("which ones?"), "give ids, or --all"}
	}
	return withDead(data, func(s *local.Store, letters []store.DeadLetter) error {
		chosen := letters
		if !all {
			chosen = nil
			for _, id := range ids {
				l, err := named(letters, id)
				if err != nil {
					return err // nothing is sent again when one is not there
				}
				chosen = append(chosen, l)
			}
		}
		records := make([]engine.Record, len(chosen))
		names := make([]string, len(chosen))
		for i, l := range chosen {
			records[i] = engine.Record{Kind: engine.Resent, Message: l.Message}
			names[i] = fmt.Sprintf("%q", l.Message.ID)
		}
		if err := s.Commit(nil, records); err != nil {
			return storeFailure(err)
		}
		_, err := fmt.Fprintf(a.stdout, "%s will be sent again by the next httpdest serve: %s\n", count(len(chosen), "dead letter"), strings.Join(names, " "))
		return err
	})
}
