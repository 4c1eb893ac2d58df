package worker

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
)

// planVariable is where a worker is told where its plan is.
const planVariable = "GATEBENCH_PLAN"

// successor is this process with another plan. It is made anew in its place, so that nothing of one measurement is in
// memory at the next.
type successor struct{ folder string }

func (s successor) plan() string { return filepath.Join(s.folder, "plan.json") }

// store writes the plan, whole or not at all.
func (s successor) store(text string) error {
	part := s.plan() + ".part"
	if err := os.WriteFile(part, []byte(text), 0o600); err != nil {
		return err
	}
	return os.Rename(part, s.plan())
}

// environment is the present one, but for where the plan is.
func (s successor) environment(present []string) []string {
	kept := slices.DeleteFunc(slices.Clone(present), func(entry string) bool {
		return strings.HasPrefix(entry, planVariable+"=")
	})
	return append(kept, planVariable+"="+s.plan())
}

// begin returns only where it fails.
func (s successor) begin() error {
	binary, err := os.Executable()
	if err != nil {
		return err
	}
	return syscall.Exec(binary, os.Args, s.environment(os.Environ()))
}
