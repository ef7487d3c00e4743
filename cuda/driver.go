package cuda

import (
	"fmt"
	"runtime"
	"strings"
)

// driver is the part of the CUDA driver API (cuda.h) that this package calls. A CUresult is
// 0 on success; a CUdevice is an int.
type driver struct {
	lib *library

	// CUresult cuInit(unsigned int flags)
	init func(flags uint32) result
	// CUresult cuDriverGetVersion(int *version): 1000*major + 10*minor
	driverGetVersion func(version *int32) result
	// CUresult cuDeviceGetCount(int *count)
	deviceGetCount func(count *int32) result
	// CUresult cuDeviceGet(CUdevice *device, int ordinal)
	deviceGet func(device *int32, ordinal int32) result
	// CUresult cuDeviceGetName(char *name, int len, CUdevice dev)
	deviceGetName func(name *byte, size int32, device int32) result
	// CUresult cuDeviceGetAttribute(int *value, CUdevice_attribute attrib, CUdevice dev)
	deviceGetAttribute func(value *int32, attribute int32, device int32) result
	// CUresult cuDeviceTotalMem_v2(size_t *bytes, CUdevice dev)
	deviceTotalMem func(bytes *uintptr, device int32) result
	// CUresult cuDeviceGetPCIBusId(char *id, int len, CUdevice dev)
	deviceGetPCIBusID func(id *byte, size int32, device int32) result

	// The rest may be missing (nil) in an old driver.

	// CUresult cuDeviceGetUuid_v2(CUuuid *uuid, CUdevice dev), 11.4 and newer: a MIG slice's
	// own UUID, where the first version gave its parent's.
	deviceGetUUID func(uuid *[16]byte, device int32) result
	context       *contextFunctions
}

// contextFunctions are the calls that read free memory where NVML cannot.
type contextFunctions struct {
	// CUresult cuDevicePrimaryCtxRetain(CUcontext *ctx, CUdevice dev)
	primaryRetain func(ctx *uintptr, device int32) result
	// CUresult cuDevicePrimaryCtxRelease_v2(CUdevice dev)
	primaryRelease func(device int32) result
	// CUresult cuCtxPushCurrent_v2(CUcontext ctx)
	push func(ctx uintptr) result
	// CUresult cuCtxPopCurrent_v2(CUcontext *ctx)
	pop func(ctx *uintptr) result
	// CUresult cuMemGetInfo_v2(size_t *free, size_t *total)
	memGetInfo func(free, total *uintptr) result
}

// The CUdevice_attribute values that are read (cuda.h).
const (
	attributeCapabilityMajor = 75
	attributeCapabilityMinor = 76
)

// Bounds on what the driver may say; beyond them its answer is an error, not a size to
// allocate by.
const (
	maxDevices    = 1024 // devices; more than any machine has
	maxNameBytes  = 256  // bytes of a name; the driver's own tools use 256
	maxBusIDBytes = 32   // bytes of a PCI bus id; 13 are used
)

// NVML's UUIDs begin with what they name: a device or a MIG slice of one.
const (
	uuidPrefixGPU = "GPU-"
	uuidPrefixMIG = "MIG-"
)

// openDriver opens the driver and binds its functions. It initialises nothing.
func openDriver(name string) (*driver, error) {
	lib, err := openLibrary(name)
	if err != nil {
		return nil, err
	}
	d := &driver{lib: lib}
	for _, b := range []struct {
		fn     any
		symbol string
	}{
		{&d.init, "cuInit"},
		{&d.driverGetVersion, "cuDriverGetVersion"},
		{&d.deviceGetCount, "cuDeviceGetCount"},
		{&d.deviceGet, "cuDeviceGet"},
		{&d.deviceGetName, "cuDeviceGetName"},
		{&d.deviceGetAttribute, "cuDeviceGetAttribute"},
		{&d.deviceTotalMem, "cuDeviceTotalMem_v2"},
		{&d.deviceGetPCIBusID, "cuDeviceGetPCIBusId"},
	} {
		if err := lib.bind(b.fn, b.symbol); err != nil {
			return nil, err
		}
	}
	if lib.bind(&d.deviceGetUUID, "cuDeviceGetUuid_v2") != nil &&
		lib.bind(&d.deviceGetUUID, "cuDeviceGetUuid") != nil {
		d.deviceGetUUID = nil
	}
	d.context = bindContext(lib)
	return d, nil
}

// bindContext binds the context functions, or returns nil if one of them is missing.
func bindContext(lib *library) *contextFunctions {
	c := &contextFunctions{}
	for _, b := range []struct {
		fn     any
		symbol string
	}{
		{&c.primaryRetain, "cuDevicePrimaryCtxRetain"},
		{&c.primaryRelease, "cuDevicePrimaryCtxRelease_v2"},
		{&c.push, "cuCtxPushCurrent_v2"},
		{&c.pop, "cuCtxPopCurrent_v2"},
		{&c.memGetInfo, "cuMemGetInfo_v2"},
	} {
		if lib.bind(b.fn, b.symbol) != nil {
			return nil
		}
	}
	return c
}

func (d *driver) version() (Version, error) {
	var v int32
	if err := d.check("cuDriverGetVersion", d.driverGetVersion(&v)); err != nil {
		return Version{}, err
	}
	if v <= 0 {
		return Version{}, fmt.Errorf("cuda: %s reports version %d", d.lib.name, v)
	}
	return Version{Major: int(v) / 1000, Minor: int(v) % 1000 / 10}, nil
}

// devices initialises the driver and lists its devices, without free memory.
func (d *driver) devices() ([]Device, error) {
	if r := d.init(0); r == errNoDevice {
		return nil, nil
	} else if err := d.check("cuInit", r); err != nil {
		return nil, err
	}
	var n int32
	if err := d.check("cuDeviceGetCount", d.deviceGetCount(&n)); err != nil {
		return nil, err
	}
	if n < 0 || n > maxDevices {
		return nil, fmt.Errorf("cuda: %s reports %d devices (at most %d are believed)", d.lib.name, n, maxDevices)
	}
	out := make([]Device, 0, n)
	for i := range n {
		dev, err := d.device(i)
		if err != nil {
			return nil, err
		}
		out = append(out, dev)
	}
	return out, nil
}

func (d *driver) device(ordinal int32) (Device, error) {
	var handle int32
	if err := d.check("cuDeviceGet", d.deviceGet(&handle, ordinal)); err != nil {
		return Device{}, err
	}
	out := Device{Index: int(ordinal)}
	var name [maxNameBytes]byte
	if err := d.check("cuDeviceGetName", d.deviceGetName(&name[0], maxNameBytes, handle)); err != nil {
		return Device{}, err
	}
	out.Name = cString(name[:])
	var major, minor int32
	if err := d.check("cuDeviceGetAttribute", d.deviceGetAttribute(&major, attributeCapabilityMajor, handle)); err != nil {
		return Device{}, err
	}
	if err := d.check("cuDeviceGetAttribute", d.deviceGetAttribute(&minor, attributeCapabilityMinor, handle)); err != nil {
		return Device{}, err
	}
	out.Capability = Capability{Major: int(major), Minor: int(minor)}
	var total uintptr
	if err := d.check("cuDeviceTotalMem", d.deviceTotalMem(&total, handle)); err != nil {
		return Device{}, err
	}
	out.TotalBytes = uint64(total)
	// What follows only helps to recognise the device; a driver that refuses it still computes.
	var bus [maxBusIDBytes]byte
	if d.deviceGetPCIBusID(&bus[0], maxBusIDBytes, handle) == success {
		out.PCIBusID = cString(bus[:])
	}
	var id [16]byte
	if d.deviceGetUUID != nil && d.deviceGetUUID(&id, handle) == success {
		out.UUID = formatUUID(id)
	}
	return out, nil
}

// freeMemory fills in d's free memory from inside its primary context, which it creates if
// the process has none yet. It leaves the memory unknown if that fails.
func (d *driver) freeMemory(dev *Device) {
	if d.context == nil {
		return
	}
	var handle int32
	if d.deviceGet(&handle, int32(dev.Index)) != success {
		return
	}
	// The current context belongs to the OS thread.
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	var ctx, popped, free, total uintptr
	if d.context.primaryRetain(&ctx, handle) != success {
		return
	}
	defer d.context.primaryRelease(handle)
	if d.context.push(ctx) != success {
		return
	}
	defer d.context.pop(&popped)
	if d.context.memGetInfo(&free, &total) != success {
		return
	}
	dev.FreeBytes = min(uint64(free), dev.TotalBytes)
	dev.FreeSource = MemoryFromDriver
}

// check turns a failed call into an error.
func (d *driver) check(call string, r result) error {
	if r == success {
		return nil
	}
	return fmt.Errorf("cuda: %s: %s failed: %s", d.lib.name, call, r)
}

// result is a CUresult.
type result int32

const (
	success     result = 0
	errNoDevice result = 100
)

// resultText explains the results that a look at the devices can meet; the words are ours.
var resultText = map[result]string{
	2:   "out of memory",
	3:   "not initialised",
	34:  "this is the toolkit's stub library, not a driver",
	46:  "devices busy or in exclusive use by another process",
	100: "no device",
	101: "no such device",
	201: "invalid context",
	304: "an operating system call failed",
	800: "not permitted",
	801: "not supported",
	802: "the device fabric is not ready yet",
	803: "the kernel module and this library have different versions",
	804: "forward compatibility was tried on a device that does not support it",
	999: "unknown error, often a kernel module that is not loaded",
}

// String prints what a result means, with its number.
func (r result) String() string {
	if text, ok := resultText[r]; ok {
		return fmt.Sprintf("%s (CUresult %d)", text, int32(r))
	}
	return fmt.Sprintf("CUresult %d", int32(r))
}

// cString cuts a C string at its NUL; without one the whole buffer is the text.
func cString(b []byte) string {
	s, _, _ := strings.Cut(string(b), "\x00")
	return s
}

// formatUUID prints a CUuuid as NVML and nvidia-smi do. Whether it is a device or a MIG
// slice is not in the bytes: NVML is asked for both.
func formatUUID(id [16]byte) string {
	return fmt.Sprintf("%s%x-%x-%x-%x-%x", uuidPrefixGPU, id[0:4], id[4:6], id[6:8], id[8:10], id[10:16])
}
