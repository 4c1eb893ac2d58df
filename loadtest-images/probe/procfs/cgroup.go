// Package procfs parses what an unprivileged process may read under /proc and /sys. Every parser takes the file's
// content and says ok=false, or leaves the field missing, where the content is not what the kernel writes.
package procfs

import "strings"

const idLength = 64

// ContainerID finds the container's ID (64 hex digits) in the content of /proc/PID/cgroup, for cgroup v1 and v2 and for
// the path forms of containerd, CRI-O and Docker: "/kubepods/burstable/podUID/ID", "cri-containerd-ID.scope",
// "crio-ID.scope", "docker-ID.scope", "kubepods-podUID.slice:cri-containerd:ID". Seen from a cgroup namespace of its own,
// another container's path is "/../ID", and the reader's own is "/": then there is no ID.
func ContainerID(content string) (string, bool) {
	for line := range strings.Lines(content) {
		_, rest, found := strings.Cut(strings.TrimSuffix(line, "\n"), ":")
		if !found {
			continue
		}
		_, path, found := strings.Cut(rest, ":")
		if !found {
			continue
		}
		if id, found := idInPath(path); found {
			return id, true
		}
	}
	return "", false
}

// idInPath takes the first ID behind the last element that names kubepods: a node that is itself a container has its own
// ID before it, and what a container makes below itself comes after.
func idInPath(path string) (string, bool) {
	elements := strings.Split(path, "/")
	first := 0
	for i, element := range elements {
		if strings.HasPrefix(element, "kubepods") || strings.Contains(element, "-kubepods") {
			first = i
		}
	}
	for _, element := range elements[first:] {
		if id, found := idInElement(element); found {
			return id, true
		}
	}
	return "", false
}

// idInElement finds exactly 64 hex digits that stand alone.
func idInElement(element string) (string, bool) {
	for start := 0; start+idLength <= len(element); {
		end := start
		for end < len(element) && isHex(element[end]) {
			end++
		}
		alone := start == 0 || !isWord(element[start-1])
		if end-start == idLength && alone && (end == len(element) || !isWord(element[end])) {
			return element[start:end], true
		}
		start = end + 1
	}
	return "", false
}

func isHex(c byte) bool { return c >= '0' && c <= '9' || c >= 'a' && c <= 'f' }

func isWord(c byte) bool { return isHex(c) || c >= 'g' && c <= 'z' || c >= 'A' && c <= 'Z' || c == '_' }
