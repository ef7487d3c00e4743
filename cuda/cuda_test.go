package cuda

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"testing"
)

// compile builds a shared library from a C file of testdata and returns its path; it skips
// the test where that cannot be done.
func compile(t *testing.T, source, name string, flags ...string) string {
	t.Helper()
	if runtime.GOOS != "linux" {
		t.Skip("the stand-in libraries are compiled as ELF shared objects, only on Linux")
	}
	cc, err := exec.LookPath("cc")
	if err != nil {
		t.Skip("no C compiler (cc) to build the stand-in library")
	}
	out := filepath.Join(t.TempDir(), name)
	args := append([]string{"-shared", "-fPIC", "-Wall", "-Werror", "-o", out}, flags...)
	args = append(args, filepath.Join("testdata", source))
	if text, err := exec.Command(cc, args...).CombinedOutput(); err != nil {
		t.Fatalf("cc: %v\n%s", err, text)
	}
	return out
}

// counter reads one of the stand-ins' leak counters.
func counter(t *testing.T, path, symbol string) int32 {
	t.Helper()
	lib, err := openLibrary(path)
	if err != nil {
		t.Fatal(err)
	}
	var read func() int32
	if err := lib.bind(&read, symbol); err != nil {
		t.Fatal(err)
	}
	return read()
}

const gib = 1 << 30

func TestDevices(t *testing.T) {
	first := Device{Index: 0, Name: "Fake 0", UUID: "GPU-a0a0a0a0-a0a0-a0a0-a0a0-a0a0a0a0a0a0", PCIBusID: "0000:10:00.0",
		Capability: Capability{9, 0}, TotalBytes: 16 * gib, FreeBytes: 11 * gib, FreeSource: MemoryFromNVML}
	second := Device{Index: 1, Name: "Fake 1", UUID: "GPU-a1a1a1a1-a1a1-a1a1-a1a1-a1a1a1a1a1a1", PCIBusID: "0000:11:00.0",
		Capability: Capability{8, 6}, TotalBytes: 32 * gib, FreeBytes: 22 * gib, FreeSource: MemoryFromNVML}
	fromDriver := func(d Device) Device {
		d.FreeBytes, d.FreeSource = d.TotalBytes/4, MemoryFromDriver
		return d
	}
	named := func(d Device, uuid string) Device {
		d.UUID = uuid
		return d
	}
	tests := []struct {
		name         string
		driver, nvml []string // compiler flags; nil nvml: the library is absent
		want         []Device
	}{
		{"no device", []string{"-DDEVICES=0"}, []string{}, nil},
		{"one device", []string{"-DDEVICES=1"}, []string{}, []Device{first}},
		{"two, in another order in NVML", []string{"-DDEVICES=2"}, []string{}, []Device{first, second}},
		{"matched by bus address", nil, []string{"-DNO_UUID"}, []Device{first, second}},
		{"an old driver without UUIDs", []string{"-DWITHOUT_UUID"}, []string{}, []Device{named(first, ""), named(second, "")}},
		{"MIG slices", nil, []string{"-DMIG"}, []Device{
			named(first, "MIG-a0a0a0a0-a0a0-a0a0-a0a0-a0a0a0a0a0a0"), named(second, "MIG-a1a1a1a1-a1a1-a1a1-a1a1-a1a1a1a1a1a1")}},
		{"MIG slices that NVML knows only by their parent's address", nil, []string{"-DMIG", "-DNO_UUID"},
			[]Device{fromDriver(first), fromDriver(second)}},
		{"no NVML", nil, nil, []Device{fromDriver(first), fromDriver(second)}},
		{"NVML that does not start", nil, []string{"-DINIT_RESULT=18"}, []Device{fromDriver(first), fromDriver(second)}},
		{"NVML without the memory call", nil, []string{"-DWITHOUT_MEMORY"}, []Device{fromDriver(first), fromDriver(second)}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			libs := Libraries{Driver: compile(t, "driver.c", "libdriver.so", tt.driver...), NVML: "/nonexistent/libnvml.so"}
			if tt.nvml != nil {
				libs.NVML = compile(t, "nvml.c", "libnvml.so", tt.nvml...)
			}
			got, err := libs.Devices()
			if err != nil {
				t.Fatal(err)
			}
			if fmt.Sprint(got) != fmt.Sprint(tt.want) {
				t.Errorf("got  %+v\nwant %+v", got, tt.want)
			}
			if n := counter(t, libs.Driver, "fakeContexts"); n != 0 {
				t.Errorf("%d contexts are left over", n)
			}
			if tt.nvml != nil {
				if n := counter(t, libs.NVML, "fakeOpen"); n != 0 {
					t.Errorf("NVML is still initialised %d times", n)
				}
			}
		})
	}
}

func TestDevicesBrokenDriver(t *testing.T) {
	notALibrary := filepath.Join(t.TempDir(), "libtext.so")
	if err := os.WriteFile(notALibrary, []byte("no ELF at all"), 0o644); err != nil {
		t.Fatal(err)
	}
	tests := []struct {
		name   string
		driver func(t *testing.T) string
		want   []string
	}{
		{"cuInit fails", func(t *testing.T) string { return compile(t, "driver.c", "libdriver.so", "-DINIT_RESULT=803") },
			[]string{"cuInit", "803", "different versions"}},
		{"an unknown failure", func(t *testing.T) string { return compile(t, "driver.c", "libdriver.so", "-DINIT_RESULT=12345") },
			[]string{"cuInit", "CUresult 12345"}},
		{"a missing function", func(t *testing.T) string { return compile(t, "driver.c", "libdriver.so", "-DWITHOUT_COUNT") },
			[]string{"no function cuDeviceGetCount"}},
		{"another library", func(t *testing.T) string { return compile(t, "nvml.c", "libnvml.so") },
			[]string{"no function cuInit"}},
		{"more devices than there can be", func(t *testing.T) string { return compile(t, "driver.c", "libdriver.so", "-DCOUNT=100000") },
			[]string{"100000 devices", "1024"}},
		{"a negative number of devices", func(t *testing.T) string { return compile(t, "driver.c", "libdriver.so", "-DCOUNT=-1") },
			[]string{"-1 devices"}},
		{"a device that is counted and not there", func(t *testing.T) string { return compile(t, "driver.c", "libdriver.so", "-DCOUNT=3") },
			[]string{"cuDeviceGet failed", "no such device"}},
		{"no ELF file", func(*testing.T) string { return notALibrary }, []string{"cannot open", "libtext.so"}},
		{"a name with a NUL", func(*testing.T) string { return "lib\x00cuda.so" }, []string{"bad library name"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got, err := Libraries{Driver: tt.driver(t)}.Devices()
			if err == nil {
				t.Fatalf("no error; devices %v", got)
			}
			for _, want := range tt.want {
				if !strings.Contains(err.Error(), want) {
					t.Errorf("error %q does not say %q", err, want)
				}
			}
		})
	}
}

func TestAbsentDriver(t *testing.T) {
	for _, name := range []string{"/nonexistent/libcuda.so.1", "libcallama-no-such-driver.so.1"} {
		libs := Libraries{Driver: name}
		if got, err := libs.Devices(); err != nil || len(got) != 0 {
			t.Errorf("%s: Devices() = %v, %v; want none and no error", name, got, err)
		}
		if got, err := libs.DriverVersion(); err != nil || got != (Driver{}) {
			t.Errorf("%s: DriverVersion() = %v, %v; want zero and no error", name, got, err)
		}
	}
}

// The loader's reason belongs to an OS thread: it must be the right one while other goroutines
// fail to open other libraries.
func TestAbsentDriverConcurrently(t *testing.T) {
	var wg sync.WaitGroup
	for worker := range 8 {
		wg.Go(func() {
			name := fmt.Sprintf("libcallama-no-such-driver-%d.so.1", worker)
			for range 200 {
				if _, err := (Libraries{Driver: name}).Devices(); err != nil {
					t.Errorf("%s: %v", name, err)
					return
				}
				runtime.Gosched()
			}
		})
	}
	wg.Wait()
}

// A driver whose own dependency is missing is a broken driver, not an absent one: dlopen's
// message speaks of a missing file in both cases.
func TestDriverWithMissingDependency(t *testing.T) {
	dir := t.TempDir()
	dependency := compile(t, "nvml.c", "libdependency.so.7", "-Wl,-soname,libcallama-dependency.so.7")
	driver := compile(t, "driver.c", "libcallama-driver.so", "-Wl,--no-as-needed", dependency)
	link := filepath.Join(dir, "libcallama-driver.so")
	if err := os.Rename(driver, link); err != nil {
		t.Fatal(err)
	}
	if _, err := (Libraries{Driver: link}).Devices(); err == nil || !strings.Contains(err.Error(), "libcallama-dependency.so.7") {
		t.Errorf("error %v does not name the missing dependency", err)
	}
}

func TestDriverVersion(t *testing.T) {
	tests := []struct {
		name   string
		driver []string
		nvml   []string
		want   Driver
		fail   string
	}{
		{"both", nil, []string{}, Driver{Version{13, 1}, "580.65.06"}, ""},
		{"no NVML", []string{"-DVERSION=12040"}, nil, Driver{Version{12, 4}, ""}, ""},
		{"without a device", []string{"-DDEVICES=0"}, []string{}, Driver{Version{13, 1}, "580.65.06"}, ""},
		{"nonsense", []string{"-DVERSION=-5"}, nil, Driver{}, "version -5"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			libs := Libraries{Driver: compile(t, "driver.c", "libdriver.so", tt.driver...), NVML: "/nonexistent/libnvml.so"}
			if tt.nvml != nil {
				libs.NVML = compile(t, "nvml.c", "libnvml.so", tt.nvml...)
			}
			got, err := libs.DriverVersion()
			if tt.fail != "" {
				if err == nil || !strings.Contains(err.Error(), tt.fail) {
					t.Fatalf("error %v, want one with %q", err, tt.fail)
				}
				return
			}
			if err != nil || got != tt.want {
				t.Errorf("got %v, %v; want %v", got, err, tt.want)
			}
		})
	}
}

// The machine's own libraries, whatever they are, answer without a panic, and in order.
func TestThisMachine(t *testing.T) {
	devices, err := Devices()
	if err != nil {
		t.Skipf("this machine's CUDA driver does not work: %v", err)
	}
	for i, d := range devices {
		if d.Index != i || d.Name == "" || d.TotalBytes == 0 || d.FreeBytes > d.TotalBytes || d.Capability.Major < 1 {
			t.Errorf("device %d is implausible: %+v", i, d)
		}
	}
	driver, err := DriverVersion()
	if err != nil {
		t.Fatal(err)
	}
	if len(devices) > 0 && driver.CUDA == (Version{}) {
		t.Error("there are devices and no driver version")
	}
}

func TestLoadToolkit(t *testing.T) {
	compileLibrary := func(t *testing.T, dir, soname string) {
		t.Helper()
		built := compile(t, "nvml.c", soname, "-Wl,-soname,"+soname)
		if err := os.Rename(built, filepath.Join(dir, soname)); err != nil {
			t.Fatal(err)
		}
	}
	t.Run("nothing there", func(t *testing.T) {
		missing := LoadToolkit(97, []string{t.TempDir()}).Missing()
		if got := strings.Join(missing, " "); got != "libcudart.so.97 libcublasLt.so.97 libcublas.so.97" {
			t.Errorf("missing: %s", got)
		}
	})
	t.Run("one missing, one broken", func(t *testing.T) {
		dir := t.TempDir()
		compileLibrary(t, dir, "libcudart.so.98")
		if err := os.WriteFile(filepath.Join(dir, "libcublas.so.98"), []byte("text"), 0o644); err != nil {
			t.Fatal(err)
		}
		missing := LoadToolkit(98, []string{dir}).Missing()
		if len(missing) != 2 || missing[0] != "libcublasLt.so.98" || !strings.HasPrefix(missing[1], "libcublas.so.98 (") {
			t.Errorf("missing: %q", missing)
		}
	})
	t.Run("a later library finds them by soname", func(t *testing.T) {
		dir := t.TempDir()
		for _, soname := range []string{"libcudart.so.99", "libcublasLt.so.99", "libcublas.so.99"} {
			compileLibrary(t, dir, soname)
		}
		// The backend needs libcudart.so.99, which no folder of the loader holds.
		backend := compile(t, "driver.c", "libbackend.so", "-Wl,--no-as-needed", filepath.Join(dir, "libcudart.so.99"))
		if _, err := openLibrary(backend); err == nil {
			t.Fatal("the backend opened before its toolkit was loaded")
		}
		toolkit := LoadToolkit(99, []string{t.TempDir(), dir})
		if missing := toolkit.Missing(); len(missing) != 0 {
			t.Fatalf("missing: %q", missing)
		}
		if want := filepath.Join(dir, "libcudart.so.99"); toolkit.Libraries[0].Path != want {
			t.Errorf("opened %s, want %s", toolkit.Libraries[0].Path, want)
		}
		if _, err := openLibrary(backend); err != nil {
			t.Errorf("the backend does not find the loaded toolkit: %v", err)
		}
	})
}

func TestToolkitDirs(t *testing.T) {
	home := t.TempDir()
	for _, dir := range []string{"lib64", "venv/lib/python3.12/site-packages/nvidia/cu13/lib", "venv/lib/python3.12/site-packages/nvidia/cublas/lib"} {
		if err := os.MkdirAll(filepath.Join(home, dir), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	t.Setenv("CUDA_HOME", home)
	t.Setenv("CUDA_PATH", home) // the same folder once
	t.Setenv("CONDA_PREFIX", "relative")
	t.Setenv("VIRTUAL_ENV", filepath.Join(home, "venv"))
	var got []string
	for _, dir := range ToolkitDirs(13) {
		if rest, ok := strings.CutPrefix(dir, home+"/"); ok {
			got = append(got, rest)
		}
	}
	want := "lib64 venv/lib/python3.12/site-packages/nvidia/cu13/lib venv/lib/python3.12/site-packages/nvidia/cublas/lib"
	if strings.Join(got, " ") != want {
		t.Errorf("got %q, want %q", got, want)
	}
}
