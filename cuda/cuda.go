// Package cuda asks the NVIDIA driver what a machine can compute on: its devices, their
// compute capability, their total and free memory, and the driver's version. It opens the
// CUDA driver (libcuda.so.1) and NVML (libnvidia-ml.so.1) at run time through purego, so a
// program that imports it needs neither cgo nor a CUDA toolkit to build, and runs on
// machines without an NVIDIA device, or with another system than Linux: there the list of
// devices is empty.
//
// It also finds the run-time libraries of a CUDA toolkit ([LoadToolkit]) and says how many
// layers of a model fit in a device's memory ([LayersThatFit]).
//
// All functions are safe for concurrent use.
package cuda

import (
	"errors"
	"fmt"
)

// Capability is a device's compute capability: which machine code it runs.
type Capability struct {
	Major int `json:"major"`
	Minor int `json:"minor"`
}

// String prints "9.0".
func (c Capability) String() string { return fmt.Sprintf("%d.%d", c.Major, c.Minor) }

// AtLeast says whether c is o or newer.
func (c Capability) AtLeast(o Capability) bool {
	return c.Major > o.Major || c.Major == o.Major && c.Minor >= o.Minor
}

// Version is a CUDA version, of the driver's programming interface or of a toolkit. The zero
// value means that there is no driver.
type Version struct {
	Major int `json:"major"`
	Minor int `json:"minor"`
}

// String prints "13.1", and "none" for the zero value.
func (v Version) String() string {
	if v == (Version{}) {
		return "none"
	}
	return fmt.Sprintf("%d.%d", v.Major, v.Minor)
}

// AtLeast says whether v is o or newer.
func (v Version) AtLeast(o Version) bool {
	return v.Major > o.Major || v.Major == o.Major && v.Minor >= o.Minor
}

// MemorySource says who told a device's free memory.
type MemorySource string

// The sources of free memory.
const (
	MemoryUnknown    MemorySource = ""
	MemoryFromNVML   MemorySource = "nvml"   // read without touching the device
	MemoryFromDriver MemorySource = "driver" // read inside a context, whose own memory is counted as used
)

// Device is one CUDA device as the driver lists it for this process (CUDA_VISIBLE_DEVICES
// applies).
type Device struct {
	// Index is the driver's ordinal, which is also the number in llama.cpp's device name
	// (CUDA0). NVML and nvidia-smi may number devices differently.
	Index int    `json:"index"`
	Name  string `json:"name"`
	// UUID is "GPU-…", or "MIG-…" for a slice of a device; empty with drivers older than 9.2.
	UUID string `json:"uuid,omitempty"`
	// PCIBusID is domain:bus:device.function, as in "0000:17:00.0".
	PCIBusID   string     `json:"pci_bus_id,omitempty"`
	Capability Capability `json:"compute_capability"`
	// TotalBytes and FreeBytes are of device memory. FreeBytes is a moment's reading, and
	// means nothing where FreeSource is MemoryUnknown.
	TotalBytes uint64       `json:"total_bytes"`
	FreeBytes  uint64       `json:"free_bytes"`
	FreeSource MemorySource `json:"free_source,omitempty"`
}

// Driver is the installed driver. The zero value means that there is none.
type Driver struct {
	// CUDA is the newest CUDA version that the driver supports.
	CUDA Version `json:"cuda"`
	// Release is the driver's own version, as in "580.65.06"; empty where NVML cannot tell.
	Release string `json:"release,omitempty"`
}

// Libraries names the two shared libraries, as dlopen takes them: a name that the loader
// searches, or a path. An empty name means the platform's own.
type Libraries struct {
	Driver string // default libcuda.so.1
	NVML   string // default libnvidia-ml.so.1
}

// errAbsent means that a library is not on this machine at all.
var errAbsent = errors.New("library not found")

const (
	driverSoname = "libcuda.so.1"
	nvmlSoname   = "libnvidia-ml.so.1"
)

func (l Libraries) driver() string {
	if l.Driver == "" {
		return driverSoname
	}
	return l.Driver
}

func (l Libraries) nvml() string {
	if l.NVML == "" {
		return nvmlSoname
	}
	return l.NVML
}

// Devices lists the devices with the platform's libraries; see [Libraries.Devices].
func Devices() ([]Device, error) { return Libraries{}.Devices() }

// DriverVersion reads the driver's version with the platform's libraries; see
// [Libraries.DriverVersion].
func DriverVersion() (Driver, error) { return Libraries{}.DriverVersion() }

// Devices lists the CUDA devices in the driver's order. No driver, or a driver without a
// device, gives an empty list and no error; a driver that is there and does not work gives an
// error that says what failed.
//
// Free memory comes from NVML, matched by UUID and then by PCI bus address, since the two
// libraries may order devices differently. Only for a device that NVML does not know is a
// CUDA context created to ask, for a moment: that costs some 100 ms and a few hundred MB of
// the device's memory while it lasts. The first call initialises the driver, which takes up to
// a second on a machine with many devices.
func (l Libraries) Devices() ([]Device, error) {
	drv, err := openDriver(l.driver())
	if errors.Is(err, errAbsent) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	devices, err := drv.devices()
	if err != nil || len(devices) == 0 {
		return nil, err
	}
	nvml, err := openNVML(l.nvml())
	if err == nil {
		defer nvml.close()
	}
	for i := range devices {
		d := &devices[i]
		if nvml != nil && nvml.freeMemory(d) {
			continue
		}
		drv.freeMemory(d)
	}
	return devices, nil
}

// DriverVersion reads the driver's version. No driver gives the zero Driver and no error. It
// does not initialise the driver, so it is cheap, and it answers where no device is.
func (l Libraries) DriverVersion() (Driver, error) {
	drv, err := openDriver(l.driver())
	if errors.Is(err, errAbsent) {
		return Driver{}, nil
	}
	if err != nil {
		return Driver{}, err
	}
	v, err := drv.version()
	if err != nil {
		return Driver{}, err
	}
	out := Driver{CUDA: v}
	if nvml, err := openNVML(l.nvml()); err == nil {
		defer nvml.close()
		out.Release = nvml.driverRelease()
	}
	return out, nil
}
