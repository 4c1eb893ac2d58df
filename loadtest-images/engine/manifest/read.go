// Package manifest reads a BenchmarkRun as it is applied to a cluster, for an engine that has none: its workload and its
// load. What needs a cluster is refused, with what to give instead.
package manifest

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"regexp"
	"strings"

	"go.yaml.in/yaml/v3"

	"gatebench.dev/engine/plan"
)

// Given is what the command line says besides the file.
type Given struct {
	URL     string // the gateway; empty: the run's own url
	CAFile  string
	Dataset string // a file
	Headers [][2]string
	Seed    *uint64
	Lookup  func(name string) (string, bool) // the environment
}

// Run is what was read.
type Run struct {
	Name, Namespace string
	Spec            map[string]any    // as it is written
	Plan            *plan.Plan        // its target is empty where nobody said one
	Env             map[string]string // variables that the run itself sets
	Notes           []string          // what of the run is left out
}

const (
	apiVersion = "gatebench.dev/v1alpha1"
	kind       = "BenchmarkRun"
)

// Read reads a file of objects, of which one is a BenchmarkRun. Errors name the field and what to do.
func Read(content []byte, given Given) (*Run, error) {
	kinds, err := kindsOf(content)
	if err != nil {
		return nil, err
	}
	r := &reader{given: given, maps: make(map[string]map[string]string)}
	decoder := yaml.NewDecoder(bytes.NewReader(content))
	decoder.KnownFields(true)
	loose := yaml.NewDecoder(bytes.NewReader(content)) // in step with the other, for what has fields of all kinds
	for _, k := range kinds {
		var skipped yaml.Node
		if k == "ConfigMap" {
			var found configMap
			if err := loose.Decode(&found); err == nil {
				r.maps[found.Metadata.Name] = found.Data
			}
		} else if err := loose.Decode(&skipped); err != nil {
			return nil, plain(err)
		}
		if k != kind {
			_ = decoder.Decode(&skipped) // it was read before
			continue
		}
		if r.run != nil {
			return nil, fmt.Errorf("there is more than one %s in it: keep one", kind)
		}
		r.run, r.whole = new(run), skipped
		if err := decoder.Decode(r.run); err != nil {
			return nil, plain(err)
		}
	}
	if r.run == nil {
		return nil, fmt.Errorf("there is no object of kind %s in it", kind)
	}
	return r.read()
}

// kindsOf is the kind of each document, empty of what has none.
func kindsOf(content []byte) (kinds []string, err error) {
	const largest = 4 << 20
	if len(content) > largest {
		return nil, fmt.Errorf("it is larger than %d MiB", largest>>20)
	}
	decoder := yaml.NewDecoder(bytes.NewReader(content))
	for {
		var object struct {
			Kind string `yaml:"kind"`
		}
		err := decoder.Decode(&object)
		if errors.Is(err, io.EOF) {
			return kinds, nil
		}
		var wrong *yaml.TypeError
		if err != nil && !errors.As(err, &wrong) {
			return nil, plain(err)
		}
		kinds = append(kinds, object.Kind)
	}
}

var wrongType = regexp.MustCompile(`^(.*?)cannot unmarshal \S+ (.*) into (?:manifest\.)?(.*)$`)

// plain is an error in one line, without the names of types.
func plain(err error) error {
	var wrong *yaml.TypeError
	if !errors.As(err, &wrong) {
		return errors.New("it is no YAML: " + strings.TrimPrefix(err.Error(), "yaml: "))
	}
	lines := make([]string, 0, len(wrong.Errors))
	for _, line := range wrong.Errors {
		if before, _, found := strings.Cut(line, " not found in type "); found {
			line = before + " is not known"
		}
		lines = append(lines, wrongType.ReplaceAllString(line, "$1$2 is not of type $3"))
	}
	return errors.New(strings.Join(lines, "; "))
}

type reader struct {
	given Given
	run   *run
	whole yaml.Node
	maps  map[string]map[string]string // of the file, by name
	out   Run
}

func (r *reader) read() (*Run, error) {
	if r.run.APIVersion != apiVersion {
		return nil, fmt.Errorf("apiVersion %q is not %s", r.run.APIVersion, apiVersion)
	}
	r.out.Name, r.out.Namespace = r.run.Metadata.Name, r.run.Metadata.Namespace
	if r.out.Name == "" {
		r.out.Name = strings.TrimRight(r.run.Metadata.GenerateName, "-")
	}
	var written struct {
		Spec map[string]any `yaml:"spec"`
	}
	if err := r.whole.Decode(&written); err != nil {
		return nil, plain(err)
	}
	if _, err := json.Marshal(written.Spec); err != nil {
		return nil, fmt.Errorf("spec is none that JSON could hold: %w", err)
	}
	r.out.Spec = written.Spec
	p, err := r.plan()
	if err != nil {
		return nil, err
	}
	r.out.Plan = p
	r.note()
	return &r.out, nil
}

// note says what of the run is left out.
func (r *reader) note() {
	s := &r.run.Spec
	note := func(text string) { r.out.Notes = append(r.out.Notes, text) }
	if s.Load.Engine != "Go" {
		note("load.engine is Locust: the Go engine sends the same requests")
	}
	if s.Gateway.URL == "" || s.Upstream != nil {
		note("gateway and upstream are not started: the load goes to the address that was given")
	}
	if _, repeated := s.Others["repeats"]; repeated {
		note("repeats are left out: the load is driven once")
	}
	if _, asked := s.Others["overhead"]; asked {
		note("overhead is left out: only a fleet measures it")
	}
	if len(s.Objectives) > 0 {
		note("objectives are not judged")
	}
}
