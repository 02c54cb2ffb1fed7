package profile

import (
	"fmt"
	"runtime"
	"strconv"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

func anyChange(t *rapid.T) Change {
	return Change{
		Op:       rapid.SampledFrom([]Op{Qualify, Exit, Set, Remove, AddIdentity, RemoveIdentity, ReplaceIdentity}).Draw(t, "op"),
		Audience: rapid.SampledFrom([]AudienceRef{delorean, scifi, {"uploads", "x"}}).Draw(t, "audience"),
		Path:     Path(rapid.SampledFrom([]string{"person", "person.name", "person.name.firstName", "person.name.lastName", "loyalty.points"}).Draw(t, "path")),
		Value:    rapid.SampledFrom([]any{"x", int64(1), map[string]any{"firstName": "Doc", "name": map[string]any{"lastName": "Brown"}}}).Draw(t, "value"),
		Identity: Identity{rapid.SampledFrom([]string{"crm", "ecid"}).Draw(t, "ns"), rapid.SampledFrom([]string{"A1", "B2", "C3"}).Draw(t, "id")},
		To:       rapid.SampledFrom([]string{"A1", "C3", "D4"}).Draw(t, "to"),
	}
}

// An update of many changes copies less than many updates of one change, and
// comes to the same profile and the same delta.
func TestManyChangesAreThoseOfEach(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		changes := rapid.SliceOfN(rapid.Custom(anyChange), fewChanges+1, 40).Draw(t, "changes")
		values := make([]any, len(changes))
		for i, c := range changes {
			values[i] = copiedValue(c.Value)
		}
		p := doc()
		got, delta := Apply(p, Update{Changes: changes}, noon, false)
		if diff := cmp.Diff(doc(), p); diff != "" {
			t.Fatalf("the profile before was modified:\n%s", diff)
		}
		for i, c := range changes {
			if diff := cmp.Diff(values[i], c.Value); diff != "" {
				t.Fatalf("the value of change %d was modified:\n%s", i, diff)
			}
		}
		want, wantDelta := doc(), Delta{}
		for _, c := range changes {
			var d Delta
			want, d = Apply(want, Update{Changes: []Change{c}}, noon, false)
			wantDelta.Entered = append(wantDelta.Entered, d.Entered...)
			wantDelta.Left = append(wantDelta.Left, d.Left...)
			wantDelta.Written = append(wantDelta.Written, d.Written...)
			wantDelta.Identities = wantDelta.Identities || d.Identities
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Fatalf("profile (-each +together):\n%s", diff)
		}
		if diff := cmp.Diff(wantDelta, delta); diff != "" {
			t.Fatalf("delta (-each +together):\n%s", diff)
		}
	})
}

func copiedValue(v any) any {
	if m, ok := v.(map[string]any); ok {
		out := map[string]any{}
		for key, child := range m {
			out[key] = copiedValue(child)
		}
		return out
	}
	return v
}

// large are updates of n changes of one kind, with the profile they change.
var large = map[string]func(n int) (Profile, Update){
	"add identities":     func(n int) (Profile, Update) { return doc(), manyChanges(n, AddIdentity) },
	"remove identities":  func(n int) (Profile, Update) { return crowded(n), manyChanges(n, RemoveIdentity) },
	"replace identities": func(n int) (Profile, Update) { return crowded(n), manyChanges(n, ReplaceIdentity) },
	"set":                func(n int) (Profile, Update) { return doc(), manyChanges(n, Set) },
	"remove":             func(n int) (Profile, Update) { return crowded(n), manyChanges(n, Remove) },
	"qualify":            func(n int) (Profile, Update) { return doc(), manyChanges(n, Qualify) },
	"exit":               func(n int) (Profile, Update) { return crowded(n), manyChanges(n, Exit) },
}

func manyChanges(n int, op Op) Update {
	u := Update{Profile: "doc"}
	for i := range n {
		name := strconv.Itoa(i)
		u.Changes = append(u.Changes, Change{Op: op, Path: Path("person.x" + name), Value: int64(i),
			Identity: Identity{"crm", "i" + name}, To: "j" + name, Audience: AudienceRef{"ups", "a" + name}})
	}
	return u
}

// crowded is a profile with n of everything that manyChanges touches.
func crowded(n int) Profile {
	p := doc()
	for _, op := range []Op{AddIdentity, Set, Qualify} {
		p, _ = Apply(p, manyChanges(n, op), morning, false)
	}
	return p
}

// allocatedBytes is what one application of an update allocates.
func allocatedBytes(p Profile, u Update) float64 {
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	Apply(p, u, noon, false)
	runtime.ReadMemStats(&after)
	return float64(after.TotalAlloc - before.TotalAlloc)
}

// Ten times the changes take about ten times the memory, not a hundred times: a
// copy of the whole for every change would.
func TestMemoryIsLinearInTheUpdate(t *testing.T) {
	for name, build := range large {
		t.Run(name, func(t *testing.T) {
			fewer, more := allocatedBytes(build(400)), allocatedBytes(build(4000))
			if ratio := more / fewer; ratio > 20 {
				t.Errorf("4,000 changes allocate %.0f times what 400 do; want about 10", ratio)
			}
		})
	}
}

// BenchmarkLargeUpdate also prints how much longer 60,000 changes take than 20,000.
func BenchmarkLargeUpdate(b *testing.B) {
	for name, build := range large {
		perChange := map[int]float64{}
		for _, n := range []int{20_000, 60_000} {
			p, u := build(n)
			b.Run(fmt.Sprintf("%s/%d", name, n), func(b *testing.B) {
				for b.Loop() {
					Apply(p, u, noon, false)
				}
				perChange[n] = float64(b.Elapsed().Nanoseconds()) / float64(b.N)
				if n == 60_000 && perChange[20_000] > 0 {
					b.ReportMetric(perChange[n]/perChange[20_000], "times-20000")
				}
			})
		}
	}
}
