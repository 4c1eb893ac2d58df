package worker

import (
	"encoding/json"
	"net/url"
	"slices"
	"strings"
)

// mask takes secrets out of text: the values of the environment variables that the plan names, in their disguises.
type mask struct{ replacer *strings.Replacer }

func newMask(names []string, lookup func(string) (string, bool)) mask {
	const shortest = 3 // a shorter value would tear ordinary words apart, and is no secret
	found := map[string]bool{}
	for _, name := range names {
		value, _ := lookup(name)
		for _, text := range append(strings.Split(value, "\n"), value, strings.TrimSpace(value)) {
			if len(text) < shortest {
				continue
			}
			quoted, _ := json.Marshal(text)
			for _, form := range []string{text, url.QueryEscape(text), url.PathEscape(text), string(quoted[1 : len(quoted)-1])} {
				found[form] = true
			}
		}
	}
	var secrets []string
	for text := range found {
		secrets = append(secrets, text)
	}
	// Longer ones first: a replacer takes the first that fits.
	slices.SortFunc(secrets, func(a, b string) int { return len(b) - len(a) })
	var pairs []string
	for _, text := range secrets {
		pairs = append(pairs, text, "****")
	}
	return mask{strings.NewReplacer(pairs...)}
}

func (m mask) text(s string) string { return m.replacer.Replace(s) }
