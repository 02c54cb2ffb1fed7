package containers

import (
	"encoding/json"
	"fmt"
	"slices"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"

	"github.com/httpdest/httpdest/engine/live"
	"github.com/httpdest/httpdest/scenarios/recording"
)

// balance is what became of every update that was accepted.
type balance struct {
	delivered []string       // profiles, by the receiver's recording
	dead      []string       // profiles, by the sender's dead letters
	sent      map[string]int // requests by profile
}

// whose is the profile of a body.
func whose(body string) (string, error) {
	var b struct {
		IdentityMap map[string][]struct{ ID string }
	}
	if err := json.Unmarshal([]byte(body), &b); err != nil {
		return "", err
	}
	if len(b.IdentityMap["crm"]) != 1 {
		return "", fmt.Errorf("a body of nobody: %s", body)
	}
	return b.IdentityMap["crm"][0].ID, nil
}

// weigh compares what was accepted with what the receiver recorded and with the
// dead letters, and says what is lost and what was sent too often. An export that
// the receiver answered with 2xx is there, whether or not its sender still waited.
func weigh(accepted []string, lines []recording.Line, letters []live.Letter) (b balance, problems []string) {
	b.sent = map[string]int{}
	for _, q := range requests(lines) {
		profile, err := whose(q.Body)
		if err != nil {
			problems = append(problems, err.Error())
			continue
		}
		b.sent[profile]++
		if q.Status/100 == 2 && !q.Disconnected && !slices.Contains(b.delivered, profile) {
			b.delivered = append(b.delivered, profile)
		}
	}
	for _, l := range letters {
		profile, err := whose(l.Body)
		if err != nil {
			problems = append(problems, err.Error())
			continue
		}
		b.dead = append(b.dead, profile)
		if l.Attempts != 3 {
			problems = append(problems, fmt.Sprintf("%s is dead after %d attempts", profile, l.Attempts))
		}
	}
	for _, profile := range accepted {
		if !slices.Contains(b.delivered, profile) && !slices.Contains(b.dead, profile) {
			problems = append(problems, profile+" is lost")
		}
	}
	for profile, n := range b.sent {
		if n > 3 {
			problems = append(problems, fmt.Sprintf("%s was sent %d times", profile, n))
		}
		if !slices.Contains(accepted, profile) {
			problems = append(problems, profile+" was sent, and never accepted")
		}
	}
	slices.Sort(problems)
	return b, problems
}

// judge wants nothing lost and nothing sent too often.
func judge(accepted []string, lines []recording.Line, letters []live.Letter) balance {
	GinkgoHelper()
	b, problems := weigh(accepted, lines, letters)
	Expect(problems).To(BeEmpty())
	return b
}

// allDelivered wants nothing dead either.
func allDelivered(accepted []string, lines []recording.Line, letters []live.Letter) {
	GinkgoHelper()
	b := judge(accepted, lines, letters)
	Expect(b.dead).To(BeEmpty())
	Expect(b.delivered).To(ConsistOf(accepted))
}
