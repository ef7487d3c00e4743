package runtimes

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"github.com/callama/callama/cuda"
)

// place is a world for a look-up: every place holds a library, until the test empties it.
type place struct {
	search
	option, env, exe, system string
}

func newPlace(t *testing.T, s stock) place {
	t.Helper()
	plain := map[string]string{"libllama.so": "x", "libllama-common.so": "x", "libggml-base.so": "x"}
	cache := t.TempDir()
	if _, err := s.installer().install(t.Context(), Options{CacheDir: cache}); err != nil {
		t.Fatal(err)
	}
	p := place{option: writeTree(t, plain), env: writeTree(t, plain), exe: writeTree(t, plain), system: writeTree(t, plain)}
	p.search = search{
		cacheDir: cache, executable: filepath.Join(p.exe, "callama"), variants: s.variants,
		systemDirs: func() []string { return []string{filepath.Join(p.system, "empty"), p.system} },
		goos:       "linux", goarch: "amd64",
		machine: func() Machine { return Machine{OS: "linux", Arch: "amd64"} },
	}
	return p
}

func TestFindOrder(t *testing.T) {
	s := newStock(t)
	p := newPlace(t, s)
	expect := func(name string, explicit string, source Source, library string) {
		t.Helper()
		got, err := p.find(explicit)
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		if got.Source != source || got.Library != library || got.Dir != filepath.Dir(library) || got.Warning != "" {
			t.Errorf("%s: got %+v, want %s from %s", name, got, library, source)
		}
	}
	remove := func(path string) {
		t.Helper()
		if err := os.Remove(path); err != nil {
			t.Fatal(err)
		}
	}
	p.environment = p.env
	expect("a folder by option", p.option, SourceOption, filepath.Join(p.option, "libllama.so"))
	expect("a file by option", filepath.Join(p.option, "libllama.so"), SourceOption, filepath.Join(p.option, "libllama.so"))
	expect("an installed variant by option", "linux-x64", SourceOption, filepath.Join(p.cacheDir, "linux-x64-1.2.3", "libllama.v0.5.0.so"))
	expect("its backend by option", "cpu", SourceOption, filepath.Join(p.cacheDir, "linux-x64-1.2.3", "libllama.v0.5.0.so"))
	expect("its full name by option", "linux-x64-1.2.3", SourceOption, filepath.Join(p.cacheDir, "linux-x64-1.2.3", "libllama.v0.5.0.so"))
	expect("a folder by environment", "", SourceEnvironment, filepath.Join(p.env, "libllama.so"))
	p.environment = "linux-x64"
	expect("a variant by environment", "", SourceEnvironment, filepath.Join(p.cacheDir, "linux-x64-1.2.3", "libllama.v0.5.0.so"))
	p.environment = ""
	expect("the cache", "", SourceCache, filepath.Join(p.cacheDir, "linux-x64-1.2.3", "libllama.v0.5.0.so"))
	p.cacheDir = ""
	expect("beside the executable", "", SourceExecutable, filepath.Join(p.exe, "libllama.so"))
	p.executable = filepath.Join(writeTree(t, map[string]string{"bin/callama": "x", "lib/libllama.so.0": "x"}), "bin", "callama")
	expect("in lib beside the executable's folder", "", SourceExecutable,
		filepath.Join(filepath.Dir(filepath.Dir(p.executable)), "lib", "libllama.so.0"))
	p.executable = ""
	expect("the system", "", SourceSystem, filepath.Join(p.system, "libllama.so"))
	remove(filepath.Join(p.system, "libllama.so"))
	_, err := p.find("")
	if !errors.Is(err, ErrNotFound) || !strings.Contains(err.Error(), "callama runtime install") {
		t.Errorf("error %v, want ErrNotFound with the command that mends it", err)
	}
}

func TestFindWrongNames(t *testing.T) {
	p := newPlace(t, newStock(t))
	empty := t.TempDir()
	tests := []struct {
		name, explicit, environment string
		want                        []string
	}{
		{"a folder without a library", empty, "", []string{"no libllama in", empty}},
		{"a path that is not there", "/nonexistent/libllama.so", "", []string{"no file or folder"}},
		{"a variant that is not installed", "cuda", "", []string{"linux-x64-cuda is not installed", "callama runtime install --variant linux-x64-cuda"}},
		{"no variant at all", "rocm", "", []string{`"rocm"`, "no installed variant"}},
		{"the environment", "", "/nonexistent/libllama.so", []string{Environment, "no file or folder"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			p.environment = tt.environment
			_, err := p.find(tt.explicit)
			for _, want := range tt.want {
				if err == nil || !strings.Contains(err.Error(), want) {
					t.Errorf("error %v does not say %q", err, want)
				}
			}
		})
	}
}

// A runtime for CUDA that cannot work gives way to one for the CPU; alone, it is used with a
// warning; the machine is not looked at without need.
func TestFindBackends(t *testing.T) {
	s := newStock(t)
	card := func(toolkits ...int) func() Machine {
		return func() Machine {
			return gpuMachine(cuda.Capability{Major: 8, Minor: 9}, cuda.Version{Major: 13, Minor: 1}, toolkits...)
		}
	}
	none := func() Machine { return Machine{OS: "linux", Arch: "amd64"} }
	tests := []struct {
		name      string
		installed []string
		machine   func() Machine // nil: must not be asked
		want      string
		warning   []string
	}{
		{"the CPU's alone", []string{"linux-x64"}, nil, "linux-x64", nil},
		{"CUDA works", []string{"linux-x64", "linux-x64-cuda"}, card(13), "linux-x64-cuda", nil},
		{"CUDA 13 before 12", []string{"linux-x64-cuda-ext", "linux-x64-cuda"}, card(12, 13), "linux-x64-cuda", nil},
		{"only CUDA 12's libraries", []string{"linux-x64-cuda-ext", "linux-x64-cuda", "linux-x64"}, card(12), "linux-x64-cuda-ext",
			[]string{"linux-x64-cuda-1.2.3", "libcudart.so.13"}},
		{"no toolkit", []string{"linux-x64", "linux-x64-cuda"}, card(), "linux-x64", []string{"linux-x64-cuda-1.2.3", "missing from CUDA 13: libcudart.so.13"}},
		{"no driver", []string{"linux-x64", "linux-x64-cuda"}, none, "linux-x64", []string{"no CUDA driver"}},
		{"CUDA alone, no driver", []string{"linux-x64-cuda"}, none, "linux-x64-cuda", []string{"no CUDA driver", "computes on the CPU"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			p := newPlace(t, s)
			p.cacheDir = t.TempDir()
			for _, v := range tt.installed {
				if _, err := s.installer().install(t.Context(), Options{CacheDir: p.cacheDir, Variant: v}); err != nil {
					t.Fatal(err)
				}
			}
			p.machine = func() Machine {
				if tt.machine == nil {
					t.Error("the machine was looked at for a runtime of the CPU")
					return none()
				}
				return tt.machine()
			}
			got, err := p.find("")
			if err != nil {
				t.Fatal(err)
			}
			if got.Variant != tt.want || (got.Warning == "") != (tt.warning == nil) {
				t.Errorf("got %s, warning %q; want %s", got.Variant, got.Warning, tt.want)
			}
			for _, part := range tt.warning {
				if !strings.Contains(got.Warning, part) {
					t.Errorf("warning %q does not say %q", got.Warning, part)
				}
			}
			if tt.warning != nil && got.Variant == tt.installed[len(tt.installed)-1] {
				// Named outright it is taken, with the same warning.
				named, err := p.find(tt.want)
				if err != nil || named.Warning == "" {
					t.Errorf("named: %+v, %v", named, err)
				}
			}
		})
	}
}

// A backend that would start and end the process at its first computation is never loaded.
func TestFindRefusesDangerousRuntime(t *testing.T) {
	s := newStock(t)
	build := *s.variants[0].CUDA
	build.Portable = cuda.Capability{Major: 7, Minor: 5}
	s.variants[0].CUDA = &build
	p := newPlace(t, s)
	p.executable, p.systemDirs = "", func() []string { return nil }
	p.machine = func() Machine {
		return gpuMachine(cuda.Capability{Major: 7}, cuda.Version{Major: 13, Minor: 1}, 13)
	}
	if _, err := s.installer().install(t.Context(), Options{CacheDir: p.cacheDir, Variant: "cuda"}); err != nil {
		t.Fatal(err)
	}
	if got, err := p.find(""); err != nil || got.Variant != "linux-x64" || !strings.Contains(got.Warning, "older than the runtime's 7.5") {
		t.Errorf("beside one for the CPU: %+v, %v", got, err)
	}
	if _, err := p.find("cuda"); err == nil || !strings.Contains(err.Error(), "does not run on this machine") {
		t.Errorf("named: error %v", err)
	}
	if err := os.RemoveAll(filepath.Join(p.cacheDir, "linux-x64-1.2.3")); err != nil {
		t.Fatal(err)
	}
	if got, err := p.find(""); !errors.Is(err, ErrNotFound) || !strings.Contains(err.Error(), "older than the runtime's 7.5") {
		t.Errorf("alone: %+v, %v", got, err)
	}
}

func TestFindSkipsWhatDoesNotFit(t *testing.T) {
	s := newStock(t)
	p := newPlace(t, s)
	dir := filepath.Join(p.cacheDir, "linux-x64-1.2.3")
	if err := os.Truncate(filepath.Join(dir, "libggml-base.so"), 1); err != nil {
		t.Fatal(err)
	}
	got, err := p.find("")
	if err != nil || got.Source != SourceExecutable {
		t.Errorf("a damaged runtime: got %+v, %v; want the next place", got, err)
	}
	if _, err := p.find("linux-x64"); err == nil {
		t.Error("a damaged runtime is taken when named")
	}
	if _, err := p.find(dir); err == nil || !strings.Contains(err.Error(), "libggml-base.so has 1 bytes instead of 4") {
		t.Errorf("a damaged runtime's folder: error %v", err)
	}
	p.executable, p.systemDirs = "", func() []string { return nil }
	if _, err := p.find(""); !errors.Is(err, ErrNotFound) || !strings.Contains(err.Error(), "damaged") || !strings.Contains(err.Error(), "--force") {
		t.Errorf("only a damaged runtime: error %v", err)
	}
	p.goarch = "arm64"
	if _, err := s.installer().install(t.Context(), Options{CacheDir: p.cacheDir}); err != nil {
		t.Fatal(err)
	}
	if got, err := p.find(""); err == nil {
		t.Errorf("another machine's runtime is taken: %+v", got)
	}
}

func TestLibraryIn(t *testing.T) {
	tests := []struct {
		name  string
		files string
		want  string
	}{
		{"upstream", "libllama.v0.5.0.so libllama-common.so libggml.so", "libllama.v0.5.0.so"},
		{"upstream with CUDA", "libllama.cuda.v0.5.0.so libllama-common.so", "libllama.cuda.v0.5.0.so"},
		{"a distribution", "libllama.so.0.7.0 libllama.so.0", "libllama.so.0"},
		{"a build", "libllama.so libllama.so.0 libllama.so.0.7.0", "libllama.so"},
		{"macOS", "libllama.0.7.0.dylib libllama.dylib libllama-common.dylib", "libllama.dylib"},
		{"others that begin alike", "libllama-common.so libllama.a libllama.so.txt libllamafile.so xlibllama.so", ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			files := make(map[string]string)
			for name := range strings.FieldsSeq(tt.files) {
				files[name] = "x"
			}
			got, err := libraryIn(writeTree(t, files))
			if got != tt.want || (err != nil) != (tt.want == "") {
				t.Errorf("got %q, %v; want %q", got, err, tt.want)
			}
		})
	}
}

// Which toolkit a foreign CUDA backend needs is read from the backend itself.
func TestForeignCUDABackend(t *testing.T) {
	cc, err := exec.LookPath("cc")
	if err != nil || runtime.GOOS != "linux" {
		t.Skip("needs a C compiler (cc) that makes ELF libraries")
	}
	dir := writeTree(t, map[string]string{"empty.c": "int nothing;", "libllama.so": "x"})
	for _, args := range [][]string{
		{"-o", "libcudart.so.12", "-Wl,-soname,libcudart.so.12"},
		{"-o", "libggml-cuda.so", "-Wl,--no-as-needed", "libcudart.so.12"},
	} {
		cmd := exec.Command(cc, append([]string{"-shared", "-fPIC", "empty.c"}, args...)...)
		cmd.Dir = dir
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Fatalf("cc: %v\n%s", err, out)
		}
	}
	p := newPlace(t, newStock(t))
	for toolkit, ok := range map[int]bool{12: true, 13: false} {
		p.machine = func() Machine {
			return gpuMachine(cuda.Capability{Major: 9}, cuda.Version{Major: 13}, toolkit)
		}
		got, err := p.find(dir)
		if err != nil || got.Backend != CUDA || (got.Warning == "") != ok {
			t.Errorf("with CUDA %d: %+v, %v", toolkit, got, err)
		}
	}
}

func TestListMissingFolder(t *testing.T) {
	got, err := List(filepath.Join(t.TempDir(), "not there"))
	if err != nil || len(got) != 0 {
		t.Errorf("got %v, %v", got, err)
	}
}

func TestManifestIsChecked(t *testing.T) {
	library := map[string]string{"libllama.so": "12345"}
	tests := []struct {
		name, manifest string
		want           string // part of the warning; empty: sound
	}{
		{"sound", `{"variant":"a","version":"1","library":"libllama.so","files":{"libllama.so":5}}`, ""},
		{"a library elsewhere", `{"variant":"a","version":"1","library":"../libllama.so","files":{}}`, "no library"},
		{"a library that is none", `{"variant":"a","version":"1","library":"libc.so.6","files":{}}`, "no library"},
		{"a library that is not listed", `{"variant":"a","version":"1","library":"libllama.so","files":{}}`, "not among its files"},
		{"a file outside", `{"variant":"a","version":"1","library":"libllama.so","files":{"libllama.so":5,"../x":1}}`, "missing"},
		{"no variant", `{"library":"libllama.so","files":{"libllama.so":5}}`, "no variant"},
		{"too long", `{"variant":"` + strings.Repeat("a", maxManifestBytes) + `"}`, "larger than"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			files := map[string]string{manifestName: tt.manifest}
			for k, v := range library {
				files[k] = v
			}
			r, ok := installed(writeTree(t, files))
			if !ok || r.damaged != (tt.want != "") || !strings.Contains(r.Warning, tt.want) {
				t.Errorf("got %+v, %v", r, ok)
			}
		})
	}
}

func ExampleFind() {
	r, err := Find("")
	if err != nil {
		fmt.Println("no llama.cpp library: callama runtime install")
		return
	}
	fmt.Println("load", r.Library)
}
