package scenarios

import (
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"math/big"
	"slices"
	"strconv"
	"strings"
)

// numberPlace is what Expand replaces.
const numberPlace = "{n}"

// ECID is the synthetic identity of a profile: 38 decimal digits, like the
// identifiers of the documentation's samples, the first of them not zero.
func ECID(seed uint64, profile string) string {
	sum := digest("ecid", seed, profile)
	// 9·10^37 numbers start with another digit than zero; 256 bits modulo that
	// are even to within 2^-130.
	tens := new(big.Int).Exp(big.NewInt(10), big.NewInt(37), nil)
	n := new(big.Int).SetBytes(sum[:])
	n.Mod(n, new(big.Int).Mul(tens, big.NewInt(9)))
	return n.Add(n, tens).String()
}

// AudienceID is the id of an audience that gives none: a lower-case UUID.
func AudienceID(seed uint64, key string) string {
	sum := digest("audience", seed, key)
	sum[6] = sum[6]&0x0f | 0x40 // version 4
	sum[8] = sum[8]&0x3f | 0x80 // the variant of RFC 9562
	return fmt.Sprintf("%x-%x-%x-%x-%x", sum[0:4], sum[4:6], sum[6:8], sum[8:10], sum[10:16])
}

// digest separates purposes, so that a profile and an audience of one name
// share no digits.
func digest(purpose string, seed uint64, name string) [sha256.Size]byte {
	input := binary.BigEndian.AppendUint64([]byte("httpdest "+purpose+" "), seed)
	return sha256.Sum256(append(input, name...))
}

// WithSeed is the scenario under another seed: a copy in which the derived
// audience ids are those of the new seed. Given ids stay.
func (s *Scenario) WithSeed(seed uint64) *Scenario {
	c := *s
	c.Seed = seed
	c.Audiences = slices.Clone(s.Audiences)
	for i, a := range c.Audiences {
		if a.ID == AudienceID(s.Seed, a.Key) {
			c.Audiences[i].ID = AudienceID(seed, a.Key)
		}
	}
	return &c
}

// Expand replaces {n} in every text of a value by the number of the profile in
// its range, and shares values without {n}. Keys of mappings stay.
func Expand(value any, n int64) any {
	if !hasNumberPlace(value) {
		return value
	}
	switch v := value.(type) {
	case string:
		return strings.ReplaceAll(v, numberPlace, strconv.FormatInt(n, 10))
	case []any:
		out := make([]any, len(v))
		for i, e := range v {
			out[i] = Expand(e, n)
		}
		return out
	case map[string]any:
		out := make(map[string]any, len(v))
		for k, e := range v {
			out[k] = Expand(e, n)
		}
		return out
	}
	return value
}

// hasNumberPlace reports whether Expand would change the value.
func hasNumberPlace(value any) bool {
	switch v := value.(type) {
	case string:
		return strings.Contains(v, numberPlace)
	case []any:
		return slices.ContainsFunc(v, hasNumberPlace)
	case map[string]any:
		for _, e := range v {
			if hasNumberPlace(e) {
				return true
			}
		}
	}
	return false
}
