package runtimes

import (
	"fmt"
	"strings"
	"testing"

	"github.com/callama/callama/cuda"
)

// gpuMachine is a Linux machine with one device of the given capability and a driver for the
// given CUDA version; toolkits are the major versions whose libraries are there.
func gpuMachine(capability cuda.Capability, driver cuda.Version, toolkits ...int) Machine {
	return Machine{
		OS: "linux", Arch: "amd64", Driver: cuda.Driver{CUDA: driver},
		Devices: []cuda.Device{{Name: "Card", Capability: capability}},
		Toolkit: func(major int) cuda.Toolkit {
			l := cuda.ToolkitLibrary{Name: fmt.Sprintf("libcudart.so.%d", major)}
			for _, have := range toolkits {
				if have == major {
					l.Path = l.Name
				}
			}
			return cuda.Toolkit{Major: major, Libraries: []cuda.ToolkitLibrary{l}}
		},
	}
}

func TestChoose(t *testing.T) {
	ada, hopper, volta := cuda.Capability{Major: 8, Minor: 9}, cuda.Capability{Major: 9}, cuda.Capability{Major: 7}
	blackwell, kepler, orin := cuda.Capability{Major: 12}, cuda.Capability{Major: 3, Minor: 5}, cuda.Capability{Major: 8, Minor: 7}
	v := func(major, minor int) cuda.Version { return cuda.Version{Major: major, Minor: minor} }
	vulkan := func(m Machine) Machine { m.Vulkan = true; return m }
	tests := []struct {
		name  string
		m     Machine
		want  string
		notes []string // parts, one for each note
	}{
		{"a CPU", Machine{OS: "linux", Arch: "amd64"}, "linux-x64", nil},
		{"an ARM CPU", Machine{OS: "linux", Arch: "arm64"}, "linux-arm64", nil},
		{"an Apple", Machine{OS: "darwin", Arch: "arm64"}, "mac-arm64-metal", nil},
		{"an older Apple", Machine{OS: "darwin", Arch: "amd64"}, "mac-x64", nil},
		{"a device for Vulkan", vulkan(Machine{OS: "linux", Arch: "amd64"}), "linux-x64-vulkan", nil},
		{"machine code, CUDA 13", gpuMachine(ada, v(13, 0), 13), "linux-x64-cuda", nil},
		{"machine code of a lower minor version", gpuMachine(orin, v(13, 0), 13), "linux-x64-cuda", nil},
		{"newest cards", gpuMachine(blackwell, v(13, 0), 13), "linux-x64-cuda", nil},
		{"portable code, driver new enough", gpuMachine(hopper, v(13, 1), 13), "linux-x64-cuda", nil},
		{"portable code, driver a minor version too old", gpuMachine(hopper, v(13, 0), 13), "linux-x64",
			[]string{"needs a driver for CUDA 13.1 (this one: 13.0)", "missing from CUDA 12: libcudart.so.12"}},
		{"the same with the CUDA 12 libraries", gpuMachine(hopper, v(13, 0), 12, 13), "linux-x64-cuda-ext", []string{"portable code"}},
		{"the same with Vulkan", vulkan(gpuMachine(hopper, v(13, 0), 13)), "linux-x64-vulkan", []string{"portable code", "missing from CUDA 12"}},
		{"driver for CUDA 12", gpuMachine(ada, v(12, 4), 12), "linux-x64-cuda-ext", []string{"supports CUDA 12.4, the runtime needs 13"}},
		{"both toolkits, driver for CUDA 12", gpuMachine(ada, v(12, 0), 12, 13), "linux-x64-cuda-ext", []string{"needs 13"}},
		{"a card too old for CUDA 13", gpuMachine(volta, v(13, 1), 12, 13), "linux-x64-cuda-ext", []string{"compute capability 7.0 is older than the runtime's 7.5"}},
		{"a card too old for both", gpuMachine(kepler, v(12, 4), 12, 13), "linux-x64", []string{"needs 13", "3.5 is older than the runtime's 5.0"}},
		{"no toolkit", gpuMachine(ada, v(13, 1)), "linux-x64", []string{"missing from CUDA 13: libcudart.so.13", "missing from CUDA 12: libcudart.so.12"}},
		{"a driver without a device", Machine{OS: "linux", Arch: "amd64", Driver: cuda.Driver{CUDA: v(13, 1)}}, "linux-x64", nil},
		{"a broken driver", Machine{OS: "linux", Arch: "amd64", DriverErr: fmt.Errorf("cuInit failed")}, "linux-x64", []string{"cuInit failed", "cuInit failed"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got, notes, err := Choose(tt.m)
			if err != nil {
				t.Fatal(err)
			}
			if got.Name != tt.want {
				t.Errorf("got %s, want %s; notes %q", got.Name, tt.want, notes)
			}
			if len(notes) != len(tt.notes) {
				t.Fatalf("notes %q, want %d", notes, len(tt.notes))
			}
			for i, part := range tt.notes {
				if !strings.Contains(notes[i], part) {
					t.Errorf("note %q does not say %q", notes[i], part)
				}
			}
		})
	}
	if _, _, err := Choose(Machine{OS: "plan9", Arch: "386"}); err == nil || !strings.Contains(err.Error(), "plan9/386") {
		t.Errorf("error %v", err)
	}
}

// Each device must run the code, since llama.cpp uses all of them; a mixed machine is told how
// to hide one.
func TestUnmetMixedDevices(t *testing.T) {
	m := gpuMachine(cuda.Capability{Major: 3, Minor: 5}, cuda.Version{Major: 13, Minor: 1}, 13)
	m.Devices = append(m.Devices, cuda.Device{Name: "New", Capability: cuda.Capability{Major: 8, Minor: 9}})
	v, err := variantNamed(table, "cuda", "linux", "amd64")
	if err != nil {
		t.Fatal(err)
	}
	unmet := strings.Join(v.Unmet(m), "; ")
	if !strings.Contains(unmet, "Card: its compute capability 3.5") || !strings.Contains(unmet, "CUDA_VISIBLE_DEVICES") || strings.Contains(unmet, "New") {
		t.Errorf("unmet %q", unmet)
	}
}

func TestVariantNamed(t *testing.T) {
	tests := []struct{ name, os, arch, want string }{
		{"linux-x64", "linux", "amd64", "linux-x64"},
		{"cpu", "linux", "amd64", "linux-x64"},
		{"cpu", "linux", "arm64", "linux-arm64"},
		{"cuda", "linux", "amd64", "linux-x64-cuda"},
		{"cuda13", "linux", "amd64", "linux-x64-cuda"},
		{"cuda12", "linux", "amd64", "linux-x64-cuda-ext"},
		{"vulkan", "linux", "amd64", "linux-x64-vulkan"},
		{"metal", "darwin", "arm64", "mac-arm64-metal"},
		{"linux-arm64", "linux", "amd64", "linux-arm64"}, // by its full name even elsewhere
		{"metal", "linux", "amd64", ""},
		{"cuda", "linux", "arm64", ""},
		{"", "linux", "amd64", ""},
	}
	for _, tt := range tests {
		got, err := variantNamed(table, tt.name, tt.os, tt.arch)
		if got.Name != tt.want || (err != nil) != (tt.want == "") {
			t.Errorf("%q on %s/%s: got %q, %v; want %q", tt.name, tt.os, tt.arch, got.Name, err, tt.want)
		}
	}
}

// Whatever this machine is, looking at it works, and a variant is chosen where one is known.
func TestInspectThisMachine(t *testing.T) {
	m := Inspect()
	v, notes, err := Choose(m)
	if err != nil {
		t.Skip(err)
	}
	if v.OS != m.OS || v.Arch != m.Arch || len(v.Unmet(m)) > 0 {
		t.Errorf("chose %s for %s/%s, notes %q", v.Name, m.OS, m.Arch, notes)
	}
}
