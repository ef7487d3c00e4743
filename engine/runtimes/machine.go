package runtimes

import (
	"errors"
	"fmt"
	"path/filepath"
	"runtime"
	"slices"
	"strings"

	"github.com/callama/callama/cuda"
)

// Machine is what the choice of a runtime depends on.
type Machine struct {
	OS, Arch string // GOOS and GOARCH
	Devices  []cuda.Device
	Driver   cuda.Driver
	// DriverErr says why a CUDA driver that is there does not work.
	DriverErr error
	// Vulkan says that there is a Vulkan loader and a device for it.
	Vulkan bool
	// Toolkit loads the CUDA run-time libraries of a major version; see [cuda.LoadToolkit].
	// It is asked only for a device that could use them.
	Toolkit func(major int) cuda.Toolkit
}

// Inspect looks at this machine. It initialises the CUDA driver, if there is one, which can take a
// second.
func Inspect() Machine {
	m := Machine{
		OS: runtime.GOOS, Arch: runtime.GOARCH,
		Toolkit: func(major int) cuda.Toolkit { return cuda.LoadToolkit(major, nil) },
	}
	var deviceErr, driverErr error
	m.Devices, deviceErr = cuda.Devices()
	m.Driver, driverErr = cuda.DriverVersion()
	m.DriverErr = errors.Join(deviceErr, driverErr)
	m.Vulkan = hasVulkan(len(m.Devices) > 0)
	return m
}

// hasVulkan says whether a Vulkan loader stands in one of the system's library folders, and a
// device that it can drive: a loader alone drives none, or draws in software.
func hasVulkan(nvidia bool) bool {
	if runtime.GOOS != "linux" {
		return false
	}
	loader := slices.ContainsFunc(systemLibraryDirs(), func(dir string) bool {
		return isFile(filepath.Join(dir, "libvulkan.so.1"))
	})
	nodes, err := filepath.Glob("/dev/dri/renderD*")
	return loader && (nvidia || err == nil && len(nodes) > 0)
}

// Unmet says what the variant's device backend lacks on machine m, in words for a person; it
// is empty if the variant will use the devices there, or needs none.
func (v Variant) Unmet(m Machine) []string {
	unmet, _ := v.fit(m)
	return unmet
}

// fit is Unmet, and says whether loading the variant nonetheless is dangerous: a backend
// that does not start leaves the CPU, but one that starts and meets a device that cannot run its
// code ends the process at the first computation.
func (v Variant) fit(m Machine) (unmet []string, dangerous bool) {
	if v.OS != m.OS || v.Arch != m.Arch {
		return []string{fmt.Sprintf("it is for %s/%s, this is %s/%s", v.OS, v.Arch, m.OS, m.Arch)}, false
	}
	switch v.Backend {
	case CUDA:
		return v.CUDA.fit(m)
	case Vulkan:
		if !m.Vulkan {
			return []string{"no Vulkan loader (libvulkan.so.1), or no device for it"}, false
		}
	}
	return nil, false
}

func (b *CUDABuild) fit(m Machine) (unmet []string, dangerous bool) {
	switch {
	case m.DriverErr != nil:
		return []string{fmt.Sprintf("the CUDA driver does not work: %v", m.DriverErr)}, false
	case m.Driver.CUDA == (cuda.Version{}):
		return []string{"no CUDA driver (libcuda.so.1)"}, false
	case len(m.Devices) == 0:
		return []string{"the CUDA driver sees no device"}, false
	case m.Driver.CUDA.Major < b.Toolkit.Major:
		return []string{fmt.Sprintf("the driver supports CUDA %s, the runtime needs %d", m.Driver.CUDA, b.Toolkit.Major)}, false
	}
	if m.Toolkit != nil {
		if missing := m.Toolkit(b.Toolkit.Major).Missing(); len(missing) > 0 {
			return []string{fmt.Sprintf("missing from CUDA %d: %s", b.Toolkit.Major, strings.Join(missing, ", "))}, false
		}
	}
	// llama.cpp spreads a model over all devices that it sees, so each must run the code.
	for _, d := range m.Devices {
		if why := b.refuses(d, m.Driver.CUDA); why != "" {
			unmet = append(unmet, why)
		}
	}
	if n := len(unmet); n > 0 && n < len(m.Devices) {
		unmet = append(unmet, "CUDA_VISIBLE_DEVICES can hide a device")
	}
	return unmet, len(unmet) > 0
}

// refuses says why the build's code does not run on a device, or "".
func (b *CUDABuild) refuses(d cuda.Device, driver cuda.Version) string {
	for _, n := range b.Native {
		if n.Major == d.Capability.Major && n.Minor <= d.Capability.Minor {
			return ""
		}
	}
	if !d.Capability.AtLeast(b.Portable) {
		return fmt.Sprintf("%s: its compute capability %s is older than the runtime's %s", d.Name, d.Capability, b.Portable)
	}
	if !driver.AtLeast(b.Toolkit) {
		return fmt.Sprintf("%s: the runtime has no machine code for compute capability %s, and its portable code needs a driver for CUDA %s (this one: %s)",
			d.Name, d.Capability, b.Toolkit, driver)
	}
	return ""
}

// Choose picks the variant for a machine: the first of the table that will use its device,
// or its CPU. The notes say why a better device goes unused; they are for a person to read.
func Choose(m Machine) (v Variant, notes []string, err error) { return choose(table, m) }

func choose(variants []Variant, m Machine) (Variant, []string, error) {
	var notes []string
	for _, v := range variants {
		if v.OS != m.OS || v.Arch != m.Arch {
			continue
		}
		unmet := v.Unmet(m)
		if len(unmet) == 0 {
			return v, notes, nil
		}
		// Only a machine that has such a device wants to hear about it.
		if v.Backend == CUDA && (len(m.Devices) > 0 || m.DriverErr != nil) {
			notes = append(notes, fmt.Sprintf("%s does not fit: %s", v.Name, strings.Join(unmet, "; ")))
		}
	}
	return Variant{}, notes, fmt.Errorf("runtimes: no llama.cpp runtime is known for %s/%s; build llama.cpp there and name its folder with --from or CALLAMA_RUNTIME", m.OS, m.Arch)
}
