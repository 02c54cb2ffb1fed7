// Package generate makes up profiles: names, addresses, identities and the
// draws of a population. PURE: everything is a function of a seed and the name
// of a profile, so a million profiles need no memory, and the same scenario
// has the same ones everywhere.
package generate

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"math"
	"strings"
	"time"
)

// Profile is what is made up for one name. Attributes is new on every call;
// its leaves are string, int64, bool and float64, none of them empty.
type Profile struct {
	Attributes map[string]any
	Identities []Identity
}

// Identity is one entry of an identityMap.
type Identity struct{ Namespace, ID string }

// Attributes are the attributes at the top of every generated profile.
func Attributes() []string {
	return []string{"person", "personalEmail", "mobilePhone", "homeAddress", "loyalty", "consents"}
}

// Namespaces are the namespaces of generated identities, in the order in which
// a profile has them. Not every profile has a phone.
func Namespaces() []string { return []string{"crm", "email", "email_lc_sha256", "phone"} }

// withPhone is the share of profiles that are known by their phone.
const withPhone = 0.6

// Person makes up the profile of a name. Different names share no identity.
func Person(seed uint64, name string) Profile {
	d := newDraws("person", seed, name)
	first, gender := d.firstName()
	last := lastNames[d.below(len(lastNames))]
	email := address(seed, name, first, last)
	phone := phoneNumber(seed, name)
	city := cities[d.below(len(cities))]
	points := int64(d.below(120)*d.below(120)) + int64(d.below(100)) // few have many
	return Profile{
		Attributes: map[string]any{
			"person": map[string]any{
				"name":      map[string]any{"firstName": first, "lastName": last},
				"birthDate": d.date(1940, 2007),
				"gender":    gender,
			},
			"personalEmail": map[string]any{"address": email},
			"mobilePhone":   map[string]any{"number": phone},
			"homeAddress":   d.home(city),
			"loyalty":       map[string]any{"tier": tier(points), "points": points, "joinDate": d.date(2015, 2025)},
			"consents": map[string]any{"marketing": map[string]any{
				"email": d.share() < 0.8, "sms": d.share() < 0.4, "push": d.share() < 0.5,
			}},
		},
		Identities: identities(seed, name, email, phone),
	}
}

func identities(seed uint64, name, email, phone string) []Identity {
	all := []Identity{{"crm", crm(seed, name)}, {"email", email}, {"email_lc_sha256", Digest(email)}}
	if Share(seed, name, "phone") < withPhone {
		all = append(all, Identity{"phone", phone})
	}
	return all
}

// Digest is an address as the namespace email_lc_sha256 has it: trimmed, in
// lower case, SHA-256 in hexadecimal.
func Digest(email string) string {
	digest := sha256.Sum256([]byte(strings.ToLower(strings.TrimSpace(email))))
	return hex.EncodeToString(digest[:])
}

// Share draws a number in [0,1) for a name and a purpose, such as membership
// in an audience: a profile is in when its number is below the share. Draws
// for different purposes are independent, and a larger share has the profiles
// of the smaller one and more.
func Share(seed uint64, name, what string) float64 {
	d := newDraws("share "+what, seed, name)
	return d.share()
}

const (
	readable     = "abcdefghijklmnopqrstuvwxyz0123456789-_"
	longReadable = 32
)

// address is the e-mail address: readable where the name is, and a digest of
// the name under another domain where it is not. First and last name have no
// dot, so what follows the second one is the name's own; lower-casing merges no
// two.
func address(seed uint64, name, first, last string) string {
	person := ascii(first) + "." + ascii(last) + "."
	if len(name) <= longReadable && strings.Trim(name, readable) == "" && name != "" {
		return person + name + "@example.com"
	}
	digest := sum("address", seed, name)
	return person + hex.EncodeToString(digest[:12]) + "@example.org"
}

// ascii spells a name the way addresses do.
func ascii(name string) string {
	return strings.Map(func(r rune) rune {
		if r >= 'a' && r <= 'z' {
			return r
		}
		return -1
	}, plain.Replace(strings.ToLower(name)))
}

// crm is the key of the profile in a system of record.
func crm(seed uint64, name string) string {
	digest := sum("crm", seed, name)
	return "C-" + strings.ToUpper(hex.EncodeToString(digest[:10]))
}

const sevenDigits = 10_000_000

// phoneNumber is an E.164 number of 15 digits, the longest there are. A block
// of them is drawn for everything in the name but its number, and within the
// block different numbers stay different: no two profiles of a range share a
// phone, and two ranges meet in one of ten million seeds.
func phoneNumber(seed uint64, name string) string {
	frame, number := split(name)
	d := newDraws("phone", seed, frame)
	country := countries[d.below(len(countries))]
	area := 100_000 + d.below(900_000)
	// Ends in 1, 3, 7 or 9, so that multiplying permutes the seven digits.
	factor := uint64(d.below(sevenDigits/10)*10 + []int{1, 3, 7, 9}[d.below(4)])
	line := (number*factor + uint64(d.below(sevenDigits))) % sevenDigits
	return fmt.Sprintf("+%s%06d%07d", country, area, line)
}

// split takes the number out of a name: the last seven digits of its longest
// run of digits. The frame has their place and number.
func split(name string) (frame string, number uint64) {
	from, to := 0, 0
	for i := 0; i < len(name); {
		j := i
		for j < len(name) && name[j] >= '0' && name[j] <= '9' {
			j++
		}
		if j > i && j-i >= to-from {
			from, to = i, j
		}
		i = max(j, i+1)
	}
	from = max(from, to-7)
	for _, c := range name[from:to] {
		number = number*10 + uint64(c-'0')
	}
	return fmt.Sprintf("%s\x00%d\x00%s", name[:from], to-from, name[to:]), number
}

func tier(points int64) string {
	switch {
	case points >= 8000:
		return "platinum"
	case points >= 4000:
		return "gold"
	case points >= 1500:
		return "silver"
	}
	return "bronze"
}

// draws are the random numbers of one purpose and name: splitmix64.
type draws struct{ state uint64 }

func newDraws(purpose string, seed uint64, name string) *draws {
	digest := sum(purpose, seed, name)
	return &draws{binary.BigEndian.Uint64(digest[:8])}
}

// sum separates purposes by their length, so that no two inputs are the same.
func sum(purpose string, seed uint64, name string) [sha256.Size]byte {
	var room [128]byte // of the stack, for all but long names
	input := append(room[:0], "httpdest generate "...)
	input = binary.BigEndian.AppendUint64(input, uint64(len(purpose)))
	input = append(input, purpose...)
	input = binary.BigEndian.AppendUint64(input, seed)
	return sha256.Sum256(append(input, name...))
}

func (d *draws) next() uint64 {
	d.state += 0x9e3779b97f4a7c15
	z := d.state
	z = (z ^ z>>30) * 0xbf58476d1ce4e5b9
	z = (z ^ z>>27) * 0x94d049bb133111eb
	return z ^ z>>31
}

// share is a number in [0,1).
func (d *draws) share() float64 { return float64(d.next()>>11) / (1 << 53) }

// below is a number in [0,n).
func (d *draws) below(n int) int { return int(d.share() * float64(n)) }

func (d *draws) firstName() (name, gender string) {
	if n := d.below(len(women) + len(men)); n < len(women) {
		name, gender = women[n], "female"
	} else {
		name, gender = men[n-len(women)], "male"
	}
	if d.share() < 0.04 {
		gender = "non_specific"
	}
	return name, gender
}

// date is a day of the years from first to last.
func (d *draws) date(first, last int) string {
	from := time.Date(first, 1, 1, 0, 0, 0, 0, time.UTC)
	days := int(time.Date(last+1, 1, 1, 0, 0, 0, 0, time.UTC).Sub(from).Hours() / 24)
	return from.AddDate(0, 0, d.below(days)).Format(time.DateOnly)
}

// home is an address in the city, within some ten kilometres of its centre.
func (d *draws) home(c city) map[string]any {
	near := func(degrees float64) float64 { return math.Round((degrees+d.share()*0.2-0.1)*1e4) / 1e4 }
	street := c.streets[d.below(len(c.streets))]
	return map[string]any{
		"street1": fmt.Sprintf("%s %d", street, 1+d.below(180)), "city": c.name,
		"postalCode": d.digits(c.postal), "countryCode": c.country,
		"latitude": near(c.latitude), "longitude": near(c.longitude),
	}
}

// digits replaces every # by a digit.
func (d *draws) digits(pattern string) string {
	out := []byte(pattern)
	for i := range out {
		if out[i] == '#' {
			out[i] = byte('0' + d.below(10))
		}
	}
	return string(out)
}
