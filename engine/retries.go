package engine

import (
	"time"

	"github.com/httpdest/httpdest/engine/agenda"
)

// retryHeap orders the messages that failed by when their retry is due, and among
// equals by which failed first.
type retryHeap struct{ agenda.Agenda[*messageState] }

func (h *retryHeap) push(due time.Time, p *messageState) { h.Add(due, 0, p) }

func (h *retryHeap) pop() *messageState { return h.Take() }

func (h *retryHeap) due(now time.Time) bool { return h.Due(now) }

// next is when the first retry is due, zero without one.
func (h *retryHeap) next() time.Time { return h.Next() }
