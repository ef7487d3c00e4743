package cuda

import (
	"fmt"
	"strings"
)

// nvml is the part of NVIDIA's management library (nvml.h) that this package calls. It reads
// memory without a context. An nvmlReturn_t is 0 on success, an nvmlDevice_t a pointer.
type nvml struct {
	lib *library

	// nvmlReturn_t nvmlInit_v2(void): counted, each one wants its nvmlShutdown
	init func() int32
	// nvmlReturn_t nvmlShutdown(void)
	shutdown func() int32
	// nvmlReturn_t nvmlSystemGetDriverVersion(char *version, unsigned int length)
	systemGetDriverVersion func(version *byte, size uint32) int32
	// nvmlReturn_t nvmlDeviceGetHandleByUUID(const char *uuid, nvmlDevice_t *device)
	handleByUUID func(uuid string, device *uintptr) int32
	// nvmlReturn_t nvmlDeviceGetHandleByPciBusId_v2(const char *id, nvmlDevice_t *device)
	handleByPCI func(id string, device *uintptr) int32
	// nvmlReturn_t nvmlDeviceGetMemoryInfo(nvmlDevice_t device, nvmlMemory_t *memory)
	memoryInfo func(device uintptr, memory *nvmlMemory) int32
}

// nvmlMemory is nvmlMemory_t, in bytes.
type nvmlMemory struct {
	total, free uint64
	_           uint64 // used: total less free
}

const (
	nvmlSuccess = 0
	// maxReleaseBytes is NVML_SYSTEM_DRIVER_VERSION_BUFFER_SIZE.
	maxReleaseBytes = 80
)

// openNVML opens and initialises NVML. Any failure means only that it cannot be asked: the
// driver can.
func openNVML(name string) (*nvml, error) {
	lib, err := openLibrary(name)
	if err != nil {
		return nil, err
	}
	n := &nvml{lib: lib}
	for _, b := range []struct {
		fn     any
		symbol string
	}{
		{&n.init, "nvmlInit_v2"},
		{&n.shutdown, "nvmlShutdown"},
		{&n.systemGetDriverVersion, "nvmlSystemGetDriverVersion"},
		{&n.handleByUUID, "nvmlDeviceGetHandleByUUID"},
		{&n.handleByPCI, "nvmlDeviceGetHandleByPciBusId_v2"},
		{&n.memoryInfo, "nvmlDeviceGetMemoryInfo"},
	} {
		if err := lib.bind(b.fn, b.symbol); err != nil {
			return nil, err
		}
	}
	if code := n.init(); code != nvmlSuccess {
		return nil, fmt.Errorf("cuda: %s: nvmlInit failed (nvmlReturn %d)", name, code)
	}
	return n, nil
}

func (n *nvml) close() { n.shutdown() }

// driverRelease is the driver's version, or "" if NVML does not say.
func (n *nvml) driverRelease() string {
	var text [maxReleaseBytes]byte
	if n.systemGetDriverVersion(&text[0], maxReleaseBytes) != nvmlSuccess {
		return ""
	}
	return cString(text[:])
}

// freeMemory fills in d's free memory and says whether it could. A MIG slice is found by its
// own UUID; falling through to its parent's bus address would report the parent's memory, so
// the size has to agree as well.
func (n *nvml) freeMemory(d *Device) bool {
	for _, h := range n.candidates(d) {
		var m nvmlMemory
		if n.memoryInfo(h.device, &m) != nvmlSuccess || !sameSize(m.total, d.TotalBytes) {
			continue
		}
		d.FreeBytes = min(m.free, d.TotalBytes)
		d.FreeSource = MemoryFromNVML
		d.UUID = h.uuid
		return true
	}
	return false
}

type nvmlHandle struct {
	device uintptr
	uuid   string // what the handle is known by from now on
}

// candidates are the NVML devices that may be d, the surest first.
func (n *nvml) candidates(d *Device) []nvmlHandle {
	var out []nvmlHandle
	var h uintptr
	if bare, ok := strings.CutPrefix(d.UUID, uuidPrefixGPU); ok {
		for _, uuid := range []string{d.UUID, uuidPrefixMIG + bare} {
			if n.handleByUUID(uuid, &h) == nvmlSuccess {
				out = append(out, nvmlHandle{h, uuid})
			}
		}
	}
	if d.PCIBusID != "" && n.handleByPCI(d.PCIBusID, &h) == nvmlSuccess {
		out = append(out, nvmlHandle{h, d.UUID})
	}
	return out
}

// sizeTolerance is how much NVML's total may exceed the driver's: NVML counts the memory that
// firmware and error correction reserve (2 to 7 % on cards seen), the driver does not. A MIG
// slice has at most 7/8 of its parent's memory, so the two are told apart.
const sizeTolerance = 1.12

func sameSize(nvmlTotal, driverTotal uint64) bool {
	a, b := float64(nvmlTotal), float64(driverTotal)
	return a <= b*sizeTolerance && b <= a*sizeTolerance
}
