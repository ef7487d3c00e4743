package llama

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

func TestLibraryFacts(t *testing.T) {
	lib := testLibrary(t)
	if !knownVersion(lib.Version()) {
		t.Errorf("version %q", lib.Version())
	}
	if !slices.ContainsFunc(layouts, func(l *layout) bool { return l.name == lib.ABI() }) {
		t.Errorf("abi %q", lib.ABI())
	}
	if !strings.Contains(lib.SystemInfo(), "CPU") {
		t.Errorf("system info %q", lib.SystemInfo())
	}
	devices := lib.Devices()
	cpu := slices.IndexFunc(devices, func(d Device) bool { return d.Type == DeviceCPU })
	if cpu < 0 || devices[cpu].MemTotal < 1<<28 || devices[cpu].Name == "" {
		t.Errorf("devices %+v", devices)
	}
	gpu := slices.ContainsFunc(devices, func(d Device) bool { return d.Type == DeviceGPU || d.Type == DeviceIntegratedGPU })
	if gpu != lib.SupportsGPUOffload() {
		t.Errorf("offload is %t with devices %+v", lib.SupportsGPUOffload(), devices)
	}
	if os.Getenv("GGML_NO_BACKTRACE") == "" {
		t.Error("GGML_NO_BACKTRACE is not set")
	}
}

func TestLoadAgain(t *testing.T) {
	lib := testLibrary(t)
	link := filepath.Join(t.TempDir(), "libllama.so")
	if err := os.Symlink(lib.Path(), link); err != nil {
		t.Fatal(err)
	}
	for _, path := range []string{lib.Path(), link} {
		if again, err := Load(path, LoadOptions{}); err != nil || again != lib {
			t.Errorf("loading %s again: %p, %v; want %p", path, again, err, lib)
		}
	}
	other := filepath.Join(t.TempDir(), "libllama.so")
	if err := os.WriteFile(other, []byte("x"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := Load(other, LoadOptions{}); err == nil || !strings.Contains(err.Error(), "already runs") {
		t.Errorf("a second library: %v", err)
	}
}

func TestDeviceTypeNames(t *testing.T) {
	for kind, want := range map[DeviceType]string{DeviceCPU: "cpu", DeviceGPU: "gpu", DeviceIntegratedGPU: "integrated gpu", DeviceAccelerator: "accelerator", 9: "type 9"} {
		if got := kind.String(); got != want {
			t.Errorf("%d is %q, want %q", int(kind), got, want)
		}
	}
}
