package procfs

import (
	"strings"
	"testing"
)

const (
	idA = "a6ec281b178fbd3133324d8dfb3b1f0f79bb34482e3e5739deee84200600c3e2"
	idB = "4085143a8c5a612438d031558702d9c107380b91c0fecb55d34a6e56e616046b"
)

func TestContainerID(t *testing.T) {
	tests := map[string]struct{ content, want string }{
		"v1, cgroupfs": {
			"9:name=systemd:/kubepods/burstable/podc75cdf4a-7caf-43a3-a3e4-3918ff8ac4e9/" + idA + "\n8:pids:/kubepods/x\n", idA,
		},
		"v1, a controller that is not used":  {"4:memory:/\n3:cpuset:/kubepods/podU/" + idA + "\n", idA},
		"v1, named hierarchy with colons":    {"1:name=a:/kubepods/podU/" + idA + "\n", idA},
		"v2, containerd, systemd":            {"0::/kubepods.slice/kubepods-pod1.slice/cri-containerd-" + idA + ".scope\n", idA},
		"v2, CRI-O":                          {"0::/kubepods.slice/kubepods-pod1.slice/crio-" + idA + ".scope\n", idA},
		"v2, CRI-O, a container's own child": {"0::/kubepods.slice/kubepods-pod1.slice/crio-" + idA + ".scope/container\n", idA},
		"v2, Docker":                         {"0::/system.slice/docker-" + idA + ".scope\n", idA},
		"Docker, cgroupfs":                   {"5:cpu:/docker/" + idA + "\n", idA},
		"containerd, slice in a cgroupfs":    {"0::/kubepods-besteffort-pod1.slice:cri-containerd:" + idA + "\n", idA},
		"own cgroup namespace, another's":    {"0::/../cri-containerd-" + idA + ".scope\n", idA},
		"own cgroup namespace, one's own":    {"0::/\n", ""},
		"a node that is a container":         {"0::/docker/" + idB + "/kubelet.slice/kubelet-kubepods.slice/kubepods-pod1.slice/cri-containerd-" + idA + ".scope\n", idA},
		"containers inside the container":    {"0::/kubepods/podU/" + idA + "/docker/" + idB + "\n", idA},
		"deleted":                            {"0::/kubepods/podU/" + idA + " (deleted)\n", idA},
		"63 digits":                          {"0::/kubepods/podU/" + idA[1:] + "\n", ""},
		"65 digits":                          {"0::/kubepods/podU/" + idA + "a\n", ""},
		"letters stuck to it":                {"0::/kubepods/podU/x" + idA + "\n", ""},
		"no path":                            {"0:\n", ""},
		"empty":                              {"", ""},
		"no newline":                         {"0::/kubepods/podU/" + idA, idA},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			got, ok := ContainerID(test.content)
			if got != test.want || ok != (test.want != "") {
				t.Errorf("ContainerID(%q) = %q, %v; want %q", test.content, got, ok, test.want)
			}
		})
	}
}

func FuzzContainerID(f *testing.F) {
	f.Add("0::/kubepods/podU/" + idA + "\n")
	f.Add("0::/../x:" + idA)
	f.Fuzz(func(t *testing.T, content string) {
		id, ok := ContainerID(content)
		if ok != (id != "") || ok && (len(id) != 64 || !strings.Contains(content, id)) {
			t.Errorf("ContainerID(%q) = %q, %v", content, id, ok)
		}
	})
}
