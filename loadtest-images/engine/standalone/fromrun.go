package standalone

import (
	"fmt"
	"os"
	"strings"

	"gatebench.dev/engine/manifest"
	"gatebench.dev/engine/payload"
	"gatebench.dev/engine/result"
)

func fromRun(s *settings, env lookup) (*job, error) {
	content, err := os.ReadFile(s.file)
	if err != nil {
		return nil, fmt.Errorf("-f: %w", err)
	}
	given := manifest.Given{
		CAFile: s.ca, Dataset: s.dataset, Headers: s.headers, Lookup: env,
	}
	if s.given["seed"] {
		given.Seed = &s.seed
	}
	if s.url != "" {
		origin, line, err := split(s.url)
		if err != nil {
			return nil, fmt.Errorf("-url %w", err)
		}
		given.URL = strings.TrimRight(origin+line, "/")
	}
	read, err := manifest.Read(content, given)
	if err != nil {
		return nil, fmt.Errorf("-f %s: %w", s.file, err)
	}
	calls, err := payload.Build(read.Plan, func(name string) (string, bool) {
		if value, found := read.Env[name]; found {
			return value, true
		}
		return env(name)
	})
	if err != nil {
		return nil, fmt.Errorf("-f %s: %w", s.file, err)
	}
	j := &job{plan: read.Plan, calls: calls, notes: read.Notes}
	j.run = result.Run{Name: read.Name, Namespace: read.Namespace, Spec: read.Spec}
	return j, nil
}
