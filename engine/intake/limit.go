package intake

import (
	"errors"

	"github.com/httpdest/httpdest/engine/profile"
	"github.com/httpdest/httpdest/internal/limits"
)

// withinLimits checks an update that was read. The error is a *Mistake that wraps
// a *limits.Exceeded.
func withinLimits(u profile.Update) error {
	err := errors.Join(limits.ID(string(u.Profile)), limits.UpdateChanges.Check(len(u.Changes)))
	for _, c := range u.Changes {
		if err == nil {
			err = changeWithinLimits(c)
		}
	}
	return exceeded(err)
}

func changeWithinLimits(c profile.Change) error {
	switch c.Op {
	case profile.Set, profile.Remove:
		if err := limits.Path(string(c.Path)); err != nil {
			return err
		}
		return limits.Value(c.Value)
	case profile.AddIdentity, profile.RemoveIdentity, profile.ReplaceIdentity:
		for _, id := range []string{c.Identity.Namespace, c.Identity.ID, c.To} {
			if err := limits.ID(id); err != nil {
				return err
			}
		}
	case profile.Qualify, profile.Exit: // an audience of the configuration
	}
	return nil
}

// exceeded is the mistake that a limit was exceeded; nil for nil.
func exceeded(err error) error {
	var e *limits.Exceeded
	if !errors.As(err, &e) {
		return err
	}
	return &Mistake{Message: e.Error(), Hint: e.Hint, cause: e}
}
