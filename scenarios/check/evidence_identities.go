package check

import (
	"slices"
	"strings"
)

// lowerNamespaces: a standard namespace is spelled in lower case (R76).
func lowerNamespaces(e evidence, b *body) {
	all, _ := b.object["identityMap"].(map[string]any)
	for _, namespace := range sortedKeys(all) {
		if lower := strings.ToLower(namespace); slices.Contains(standard, lower) {
			e.note(namespace == lower, "%s%s", e.place, namespace)
		}
	}
}

// identityLists: under each namespace a list of {"id": …}. Only samples show the
// id alone (R60).
func identityLists(e evidence, b *body) {
	all, _ := b.object["identityMap"].(map[string]any)
	for _, namespace := range sortedKeys(all) {
		list, isList := all[namespace].([]any)
		e.note(isList, "%sidentityMap.%s is not a list", e.place, namespace)
		for _, entry := range list {
			fields, _ := entry.(map[string]any)
			_, isText := fields["id"].(string)
			e.note(isText, "%sidentityMap.%s has an entry without an id", e.place, namespace)
			if isText {
				e.of("all-identities/id-alone").note(len(fields) == 1, "%sidentityMap.%s has an entry other than {\"id\": …}", e.place, namespace)
			}
		}
	}
}

// digests are the ids in email_lc_sha256, in any spelling of it.
func (b *body) digests() (ids []string) {
	all, _ := b.object["identityMap"].(map[string]any)
	for _, namespace := range sortedKeys(all) {
		list, _ := all[namespace].([]any)
		for _, entry := range list {
			fields, _ := entry.(map[string]any)
			if id, isText := fields["id"].(string); isText && strings.EqualFold(namespace+":", hashed) {
				ids = append(ids, id)
			}
		}
	}
	return ids
}

// digestForm judges an id in email_lc_sha256 (R77). A plain address is wrong by
// every version of the documentation. That a digest has 64 digits is not stated: the
// ids of the published sample have 34.
func digestForm(e evidence, id string) {
	switch {
	case strings.Contains(id, "@"):
		e.note(false, "%san address that is not hashed", e.place)
	default:
		e.of("hash/whole-digest").note(digest.MatchString(id), "%s%d characters instead of 64 hexadecimal digits in lower case", e.place, len(id))
	}
}
