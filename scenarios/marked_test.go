package scenarios_test

import (
	"regexp"
	"strings"
	"testing"

	"github.com/httpdest/httpdest/internal/limits"
	"github.com/httpdest/httpdest/scenarios"
	"pgregory.net/rapid"
)

// Marked identities keep their form.
func TestMarkedIdentitiesKeepTheirForm(t *testing.T) {
	sc := (&scenarios.Scenario{ID: "case"}).Marked(12_000_000_345)
	for _, tt := range []struct{ namespace, id, form string }{
		{"ecid", "14575006536349286404619648085736425115", `^000000002000000345\d{20}$`},
		{"ECID", "x", `^000000002000000345\d{20}$`},
		{"email", "Doc.Who@example.com", `^Doc\.Who-2000000345-[0-9a-f]{8}@httpdest\.invalid$`},
		{"gaid", "6a5a9b1e-1f3d-4c7e-8a52-3c2f1d0e9b8a", `^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-8[0-9a-f]{3}-[0-9a-f]{12}$`},
		{"email_lc_sha256", strings.Repeat("0a", 32), `^[0-9a-f]{64}$`},
		{"crm", "c-{n}", `^c-7-2000000345-[0-9a-f]{8}$`},
		{"crm", "", `^$`},
	} {
		if got := sc.IdentityOf(tt.namespace, tt.id, 7); !regexp.MustCompile(tt.form).MatchString(got) || got == tt.id && tt.id != "" {
			t.Errorf("%s %s became %q; want %s", tt.namespace, tt.id, got, tt.form)
		}
	}
	if got := (&scenarios.Scenario{}).IdentityOf("crm", "c-{n}", 7); got != "c-7" {
		t.Errorf("a scenario that is not marked: %q", got)
	}
}

// Equal identities stay equal, others stay apart, and so do runs and cases.
func TestMarkedIdentitiesAreAsManyAsBefore(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		id := rapid.OneOf(rapid.StringN(1, 40, 160), rapid.StringMatching(`[0-9]{38}`), rapid.StringMatching(`[a-z]{1,3}@[a-z]{1,3}`), rapid.StringMatching(`x{480,512}`))
		namespace := rapid.SampledFrom([]string{"ecid", "email", "crm"}).Draw(t, "namespace")
		a, b, run := id.Draw(t, "a"), id.Draw(t, "b"), rapid.Uint64Range(0, 1e10-1).Draw(t, "run")
		marked := func(of string, run uint64, id string) string {
			return (&scenarios.Scenario{ID: of}).Marked(run).IdentityOf(namespace, id, 0)
		}
		one := marked("a", run, a)
		if (one == marked("a", run, b)) != (a == b) {
			t.Errorf("%q and %q became %q and %q", a, b, one, marked("a", run, b))
		}
		if one == marked("b", run, a) || one == marked("a", run+1, a) {
			t.Errorf("another case or run has %q as well", one)
		}
		if err := limits.ID(one); err != nil {
			t.Error(err)
		}
	})
}
