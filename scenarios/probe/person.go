package probe

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"sync"
	"time"

	"github.com/httpdest/httpdest/scenarios"
)

// Mark and MailDomain are those of every profile that is sent to somebody's receiver.
const (
	Mark       = scenarios.Mark
	MailDomain = scenarios.MailDomain
)

// person is a synthetic profile of one probe.
type person struct {
	ECID string // 38 digits: Mark, the probe, a number
	Mail string
}

// people hands out persons that no probe before had.
type people struct {
	run  uint64
	mu   sync.Mutex
	last int
}

func newPeople() *people {
	var random [4]byte
	_, _ = rand.Read(random[:]) // it never fails
	return &people{run: uint64(time.Now().Unix())<<16 | uint64(binary.BigEndian.Uint32(random[:]))&0xffff}
}

// samplePeople are the same in every process, for messages that are printed.
func samplePeople() *people { return &people{run: 1} }

func (p *people) next() person {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.last++
	return person{fmt.Sprintf("%s%020d%010d", Mark, p.run, p.last), fmt.Sprintf("probe-%x-%d@%s", p.run, p.last, MailDomain)}
}

// prefix is what the ECIDs of this probe have in common.
func (p *people) prefix() string { return fmt.Sprintf("%s%020d", Mark, p.run) }

// hash is the identity email_lc_sha256 (R77).
func (p person) hash() string {
	sum := sha256.Sum256([]byte(p.Mail))
	return hex.EncodeToString(sum[:])
}

// document is the body of a message with one profile.
type document map[string]any

// entry is one audience of a profile.
type entry map[string]any

// qualified is when the entries of a message that says nothing else qualified.
const qualified = "2026-01-11T21:24:39Z"

// in is an entry with a status.
func in(status, at string) entry { return entry{"status": status, "lastQualificationTime": at} }

// realized is a document with entries in the namespace of the platform.
func (p person) document(entries map[string]entry) document {
	ups := map[string]any{}
	for id, e := range entries {
		ups[id] = map[string]any(e)
	}
	return document{
		"person":            map[string]any{"name": map[string]any{"firstName": "Httpdest", "lastName": "Probe"}},
		"personalEmail":     map[string]any{"address": p.Mail},
		"segmentMembership": map[string]any{"ups": ups},
		"identityMap":       map[string]any{"ecid": []any{map[string]any{"id": p.ECID}}, "email_lc_sha256": []any{map[string]any{"id": p.hash()}}},
	}
}

// audienceID is the nth made-up audience: a UUID that is one.
func audienceID(n int) string { return fmt.Sprintf("5b998cb9-9488-4ec3-8d95-%012x", n) }
