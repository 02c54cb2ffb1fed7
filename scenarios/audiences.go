package scenarios

import (
	"cmp"
	"regexp"
	"slices"
	"time"

	"go.yaml.in/yaml/v4"

	"github.com/httpdest/httpdest/internal/notation"
)

// audienceKey is what scenarios call an audience; it appears in lists and
// messages, so it is one word.
var audienceKey = regexp.MustCompile(`^[\pL\pN._-]+$`)

// readAudiences reads `audiences:`. Seed and start must be known.
func (r *reader) readAudiences(n *yaml.Node) {
	o := r.object(n, "audiences")
	if o == nil {
		return
	}
	ids := map[[2]string]string{}
	for _, f := range r.spreadOut(o, "audiences") {
		if !audienceKey.MatchString(f.name) {
			r.problem(f.key, "write one word, and the full name as {name: …}", "the audience key %q is not one word", short(f.name))
		}
		a := r.audience(f)
		place := [2]string{a.Namespace, a.ID}
		if other, taken := ids[place]; taken {
			r.problem(f.key, "give one of them another id or namespace", "the audiences %s and %s have the same id", other, f.name)
		}
		ids[place] = f.name
		r.scenario.Audiences = append(r.scenario.Audiences, a)
		r.audienceKeys = append(r.audienceKeys, f.name)
	}
}

// spreadOut is the fields with ranges of keys spread out; what they share is read
// for each.
func (r *reader) spreadOut(o *object, what string) []field {
	var out []field
	for _, f := range o.fields {
		if !notation.IsRange(f.name) {
			out = append(out, f)
			continue
		}
		names := r.keyRange(f.key, what)
		for name := range names.All() {
			key := *f.key
			key.Value = name
			number, _ := names.Number(name)
			out = append(out, field{name, &key, f.value, number, true})
		}
	}
	return out
}

// audience reads one entry; `delorean: {}` and `delorean:` are complete.
func (r *reader) audience(f field) Audience {
	a := Audience{
		Key: f.name, ID: AudienceID(r.scenario.Seed, f.name), Name: f.name, Namespace: "ups", MergePolicy: "default", Type: "people", Origin: "segmentation",
		CreatedAt: r.scenario.Start.Add(-30 * 24 * time.Hour), Pos: r.pos(f.key),
	}
	a.UpdatedAt = a.CreatedAt.Add(5 * time.Second)
	if isNull(f.value) {
		return a
	}
	o := r.object(f.value, "the audience "+f.name)
	a.ID = cmp.Or(o.line("id"), a.ID)
	a.Name = cmp.Or(o.line("name"), a.Name)
	a.Namespace = cmp.Or(o.line("namespace"), a.Namespace)
	a.MergePolicy = cmp.Or(o.line("mergePolicy"), a.MergePolicy)
	a.Type = o.word("type", "people", "account", "prospect", "dataset")
	a.Origin = cmp.Or(o.line("origin"), a.Origin)
	a.Labels = r.words(o.take("labels"), "labels", r.line)
	if status := o.word("status", "published", "draft", "inactive", "deleted"); status != "published" {
		a.Status = status
	}
	r.createdAt(o, &a)
	if n := o.take("upload"); n != nil {
		a.Upload = r.upload(n, f.name)
		o.exclude("an upload", "write externalID within the upload", "id")
	}
	if a.Upload != nil {
		a.ID = cmp.Or(a.Upload.ExternalID, a.ID)
		a.Namespace = cmp.Or(o.line("namespace"), UploadNamespace)
	}
	o.end()
	return a
}

// createdAt reads when the audience was created and last updated.
func (r *reader) createdAt(o *object, a *Audience) {
	created, hasCreated := o.instant("createdAt")
	updated, hasUpdated := o.instant("updatedAt")
	switch {
	case hasCreated && hasUpdated:
		a.CreatedAt, a.UpdatedAt = created, updated
		if updated.Before(created) {
			r.problem(o.at("updatedAt"), "swap the two", "the audience %s was updated before it was created", a.Key)
		}
	case hasCreated:
		a.CreatedAt, a.UpdatedAt = created, created.Add(5*time.Second)
	case hasUpdated:
		a.UpdatedAt = updated
		if a.CreatedAt.After(updated) {
			a.CreatedAt = updated.Add(-5 * time.Second)
		}
	}
}

// audienceRef reads the key of an audience that `audiences:` must have.
func (r *reader) audienceRef(n *yaml.Node, what string) string {
	key := r.line(n, what)
	if key != "" && !slices.Contains(r.audienceKeys, key) {
		r.problem(n, didYouMean(key, r.audienceKeys), "%s: no audience %q", what, short(key))
		return ""
	}
	return key
}

// audienceRefs reads one key or a list of keys.
func (r *reader) audienceRefs(n *yaml.Node, what string) []string {
	return r.words(n, what, r.audienceRef)
}
