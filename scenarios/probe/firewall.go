package probe

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net/netip"
	"slices"
	"strings"

	"github.com/httpdest/httpdest/engine/platform"
)

// firewall is the case about the addresses that the firewall allows. It cannot be seen
// from here: the owner's list is compared with the published one.
func (p *Prober) firewall() []probeCase {
	return []probeCase{{id: "firewall/addresses", title: "The firewall allows the published addresses", rules: []string{"rcv-ip"}, always: true, unless: func(p *Prober) string {
		if p.config.Firewall == "" {
			return "the probe cannot see which addresses the firewall allows: set firewall in the configuration"
		}
		return ""
	}, run: func(_ context.Context, t *caseRun) {
		if len(t.config.Missing) == 0 {
			t.pass("rcv-ip", "the firewall allows every global address and those of "+t.config.Firewall, "")
			return
		}
		t.check(failed("rcv-ip", exactly(len(t.config.Missing), "published address block")+" not allowed", "all global ones, and those of "+t.config.Firewall, some(t.config.Missing)), nil)
	}}}
}

// some is the first few of them.
func some(all []netip.Prefix) string {
	var words []string
	for _, p := range all[:min(8, len(all))] {
		words = append(words, p.String())
	}
	if more := len(all) - len(words); more > 0 {
		words = append(words, fmt.Sprintf("and %d more", more))
	}
	return strings.Join(words, ", ")
}

// ShutOut are the published addresses of a region that a list does not allow.
// The list has an address or a CIDR block a line; # begins a comment.
func ShutOut(list io.Reader, region string, published *platform.Egress) ([]netip.Prefix, error) {
	wanted, ok := published.Allowed(region)
	if !ok {
		return nil, fmt.Errorf("region %q does not exist: choose one of %s", region, strings.Join(published.Names(), ", "))
	}
	var allowed []netip.Prefix
	lines := bufio.NewScanner(list)
	for n := 1; lines.Scan(); n++ {
		text, _, _ := strings.Cut(lines.Text(), "#")
		if text = strings.TrimSpace(text); text == "" {
			continue
		}
		if !strings.Contains(text, "/") {
			text += "/32"
			if strings.Contains(text, ":") {
				text = strings.TrimSuffix(text, "/32") + "/128"
			}
		}
		p, err := netip.ParsePrefix(text)
		if err != nil {
			return nil, fmt.Errorf("line %d: %q is neither an address nor a CIDR block", n, strings.TrimSuffix(text, "/32"))
		}
		allowed = append(allowed, p.Masked())
	}
	if err := lines.Err(); err != nil {
		return nil, err
	}
	return slices.DeleteFunc(wanted, func(w netip.Prefix) bool { return covered(w, allowed) }), nil
}

// covered reports whether a block is within others, one or several together.
func covered(w netip.Prefix, allowed []netip.Prefix) bool {
	for _, a := range allowed {
		if a.Bits() <= w.Bits() && a.Contains(w.Addr()) {
			return true
		}
	}
	if w.Bits() == w.Addr().BitLen() {
		return false
	}
	low := netip.PrefixFrom(w.Addr(), w.Bits()+1)
	high := netip.PrefixFrom(last(low).Next(), w.Bits()+1)
	return covered(low, allowed) && covered(high, allowed)
}

// last is the last address of a block.
func last(p netip.Prefix) netip.Addr {
	b := p.Addr().AsSlice()
	for bit := p.Bits(); bit < len(b)*8; bit++ {
		b[bit/8] |= 1 << (7 - bit%8)
	}
	a, _ := netip.AddrFromSlice(b)
	return a
}
