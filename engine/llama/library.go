package llama

// #cgo CFLAGS: -std=gnu11 -O2 -Wall
// #cgo linux LDFLAGS: -ldl
// #include <stdlib.h>
// #include "shim.h"
import "C"

import (
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"runtime/cgo"
	"strings"
	"sync"
	"unsafe"
)

// LoadOptions says how to load a library. The zero value is a good default.
type LoadOptions struct {
	// Logger gets llama.cpp's log: errors and warnings at their levels, its info lines as
	// debug, its debug lines below debug. It is called on llama.cpp's threads. Nil drops the
	// log; errors still carry llama.cpp's reasons.
	Logger *slog.Logger
	// AnyVersion accepts a version that is not one of KnownVersions if its parameters have
	// a known layout. Prototypes may have changed all the same: a risk for the caller to take.
	AnyVersion bool
}

// Library is a loaded llama.cpp. It is safe for concurrent use and lives as long as the
// process.
type Library struct {
	path    string
	version string
	layout  *layout
	c       *C.cl_library
	log     *logSink
	loading sync.Mutex // one model load at a time, so that a reason belongs to its failure
}

// loaded is the process's library. There is one, because the libraries below libllama have
// the same file names in every release: the dynamic linker would give a second libllama the
// first one's ggml.
var loaded struct {
	sync.Mutex
	lib *Library
}

// Load opens the libllama file at path, checks that its binary interface is known (else an
// *ABIError) and loads the compute backends that lie in the same folder. Loading the same
// file again returns the same Library, with the new Logger if there is one; a second,
// different library in one process is an error. Takes about 10 ms.
//
// Load sets GGML_NO_BACKTRACE=1 in the environment if it is not set: otherwise ggml starts a
// debugger when it aborts.
func Load(path string, opts LoadOptions) (*Library, error) {
	path, err := resolvePath(path)
	if err != nil {
		return nil, err
	}
	loaded.Lock()
	defer loaded.Unlock()
	if lib := loaded.lib; lib != nil {
		if lib.path != path {
			return nil, fmt.Errorf("llama: cannot load %s: this process already runs %s", path, lib.path)
		}
		if opts.Logger != nil {
			lib.log.setLogger(opts.Logger)
		}
		return lib.withBackend()
	}
	lib, err := open(path, opts)
	if err != nil {
		return nil, err
	}
	if os.Getenv("GGML_NO_BACKTRACE") == "" {
		if err := os.Setenv("GGML_NO_BACKTRACE", "1"); err != nil {
			return nil, fmt.Errorf("llama: %w", err)
		}
	}
	dir := C.CString(filepath.Dir(path))
	defer C.free(unsafe.Pointer(dir)) // unsafe: what C.CString allocates, C frees
	// The handle is never deleted: the library may log until the process ends.
	C.cl_start(lib.c, C.uintptr_t(cgo.NewHandle(lib.log)), dir)
	loaded.lib = lib
	return lib.withBackend()
}

// withBackend returns l, or an error if it found nothing to compute with.
func (l *Library) withBackend() (*Library, error) {
	if C.cl_ggml_backend_dev_count(l.c) == 0 {
		return nil, fmt.Errorf("llama: no compute backend (libggml-*) beside %s", l.path)
	}
	return l, nil
}

// resolvePath returns the absolute path of a readable file without symbolic links: the
// library's identity, and the folder where its backends are.
func resolvePath(path string) (string, error) {
	if strings.ContainsRune(path, 0) {
		return "", fmt.Errorf("llama: library path %q holds a zero byte", path)
	}
	if err := readable(path); err != nil {
		return "", fmt.Errorf("llama: library: %w", err)
	}
	path, err := filepath.Abs(path)
	if err != nil {
		return "", fmt.Errorf("llama: library: %w", err)
	}
	if path, err = filepath.EvalSymlinks(path); err != nil {
		return "", fmt.Errorf("llama: library: %w", err)
	}
	return path, nil
}

// readable returns an error unless path is a regular file that can be opened.
func readable(path string) error {
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return err
	}
	if !info.Mode().IsRegular() {
		return fmt.Errorf("%s is not a regular file", path)
	}
	return nil
}

// open opens and checks the library at path without starting it.
func open(path string, opts LoadOptions) (*Library, error) {
	cpath := C.CString(path)
	defer C.free(unsafe.Pointer(cpath)) // unsafe: what C.CString allocates, C frees
	var reason [512]C.char
	c := C.cl_open(cpath, &reason[0], C.size_t(len(reason)))
	if c == nil {
		return nil, fmt.Errorf("llama: open library: %s", C.GoString(&reason[0]))
	}
	layout, version, err := checkABI(path, c, opts.AnyVersion)
	if err != nil {
		C.cl_discard(c)
		return nil, err
	}
	return &Library{path: path, version: version, layout: layout, c: c, log: &logSink{logger: opts.Logger}}, nil
}

// Path returns the absolute path of the library's file.
func (l *Library) Path() string { return l.path }

// Version returns what llama_version says, such as "0.5.0-dev".
func (l *Library) Version() string { return l.version }

// ABI returns the name of the parameter layout in use: the first version that has it.
func (l *Library) ABI() string { return l.layout.name }

// SystemInfo returns llama.cpp's line about the processor features in use.
func (l *Library) SystemInfo() string {
	return strings.TrimSpace(C.GoString(C.cl_llama_print_system_info(l.c)))
}

// SupportsGPUOffload tells whether a GPU backend was found.
func (l *Library) SupportsGPUOffload() bool { return bool(C.cl_llama_supports_gpu_offload(l.c)) }

// DeviceType says what kind of device computes (ggml_backend_dev_type).
type DeviceType int

// The device types.
const (
	DeviceCPU           DeviceType = 0
	DeviceGPU           DeviceType = 1
	DeviceIntegratedGPU DeviceType = 2 // shares the host's memory
	DeviceAccelerator   DeviceType = 3 // beside the CPU: BLAS, AMX
)

// String returns the type's name.
func (t DeviceType) String() string {
	switch t {
	case DeviceCPU:
		return "cpu"
	case DeviceGPU:
		return "gpu"
	case DeviceIntegratedGPU:
		return "integrated gpu"
	case DeviceAccelerator:
		return "accelerator"
	}
	return fmt.Sprintf("type %d", int(t))
}

// Device is one that llama.cpp's backends found.
type Device struct {
	Name, Description string
	Type              DeviceType
	MemFree, MemTotal uint64 // bytes at the time of the call; of the host for a CPU
}

// Devices lists the devices that the library's backends found.
func (l *Library) Devices() []Device {
	n := int(C.cl_ggml_backend_dev_count(l.c))
	devices := make([]Device, 0, n)
	for i := range n {
		d := C.cl_ggml_backend_dev_get(l.c, C.size_t(i))
		var free, total C.size_t
		C.cl_ggml_backend_dev_memory(l.c, d, &free, &total)
		devices = append(devices, Device{
			Name:        C.GoString(C.cl_ggml_backend_dev_name(l.c, d)),
			Description: strings.TrimSpace(C.GoString(C.cl_ggml_backend_dev_description(l.c, d))),
			Type:        DeviceType(C.cl_ggml_backend_dev_type(l.c, d)),
			MemFree:     uint64(free), MemTotal: uint64(total),
		})
	}
	return devices
}
