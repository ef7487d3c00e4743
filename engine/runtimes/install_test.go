package runtimes

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/callama/callama/cuda"
)

// stock is a table of synthesized packages, with the bytes of each.
type stock struct {
	variants []Variant
	data     map[string][]byte // package name: package file
}

func newStock(t testing.TB) stock {
	t.Helper()
	cpu := archive(t, stockEntries("bins/linux-x64")...)
	gpu := archive(t, append(stockEntries("bins/linux-x64-cuda"),
		entry{name: "package/bins/linux-x64-cuda/libggml-cuda.so", body: "CUDA 13"})...)
	ext := archive(t, entry{name: "package/LICENSE", body: "the package's licence"},
		entry{name: "package/bins/linux-x64-cuda/fallback/libggml-cuda.so", body: "CUDA 12"})
	s := stock{data: map[string][]byte{"@test/cpu": cpu, "@test/cuda": gpu, "@test/ext": ext}}
	pkg := func(name, folder string) Package {
		return Package{Name: name, Version: "1.2.3", Integrity: integrityText(s.data[name]), Bytes: int64(len(s.data[name])), Folder: folder}
	}
	base := pkg("@test/cuda", "bins/linux-x64-cuda")
	build := func(major int) *CUDABuild { return &CUDABuild{Toolkit: cuda.Version{Major: major}} }
	s.variants = []Variant{
		{Name: "linux-x64-cuda", OS: "linux", Arch: "amd64", Backend: CUDA, Packages: []Package{base}, CUDA: build(13)},
		{Name: "linux-x64-cuda-ext", OS: "linux", Arch: "amd64", Backend: CUDA, CUDA: build(12),
			Packages: []Package{base, pkg("@test/ext", "bins/linux-x64-cuda/fallback")}},
		{Name: "linux-x64", OS: "linux", Arch: "amd64", Backend: CPU, Packages: []Package{pkg("@test/cpu", "bins/linux-x64")}},
		{Name: "mac-x64", OS: "darwin", Arch: "amd64", Backend: CPU, Packages: []Package{{Name: "@test/mac", Version: "1.2.3"}}},
	}
	return s
}

// installer installs from the stock as if npm had fetched, on a machine with a CPU only.
func (s stock) installer() installer {
	return installer{
		variants: s.variants, goos: "linux", goarch: "amd64",
		machine: func() Machine { return Machine{OS: "linux", Arch: "amd64"} },
		fetch: func(_ context.Context, dir string, p Package) (string, error) {
			path := filepath.Join(dir, "package.tgz")
			return path, os.WriteFile(path, s.data[p.Name], 0o644)
		},
	}
}

// file writes a package of the stock to disk.
func (s stock) file(t testing.TB, name string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), filepath.Base(name)+".tgz")
	if err := os.WriteFile(path, s.data[name], 0o644); err != nil {
		t.Fatal(err)
	}
	return path
}

// checkEmpty fails the test if anything is left in a cache folder.
func checkEmpty(t *testing.T, cache string) {
	t.Helper()
	entries, err := os.ReadDir(cache)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		t.Fatal(err)
	}
	for _, e := range entries {
		t.Errorf("%s is left over", e.Name())
	}
}

func TestInstall(t *testing.T) {
	s := newStock(t)
	cache := filepath.Join(t.TempDir(), "not", "there", "yet")
	var stages []Stage
	o := Options{CacheDir: cache, Progress: func(p Progress) {
		if len(stages) == 0 || stages[len(stages)-1] != p.Stage {
			stages = append(stages, p.Stage)
		}
	}}
	got, err := s.installer().install(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	dir := filepath.Join(cache, "linux-x64-1.2.3")
	if got.Present || got.Runtime.Dir != dir || got.Runtime.Library != filepath.Join(dir, "libllama.v0.5.0.so") {
		t.Errorf("got %+v", got)
	}
	if fmt.Sprint(stages) != "[fetching verifying unpacking]" {
		t.Errorf("stages %v", stages)
	}
	files := filesIn(t, dir)
	for name, want := range map[string]string{"LICENSE": "the package's licence", "LICENSE.llama.cpp": string(llamaLicence), "libggml-cpu-x64.so": "cpu"} {
		if files[name] != want {
			t.Errorf("%s holds %q", name, files[name])
		}
	}
	if !strings.Contains(files["LICENSE.llama.cpp"], "The ggml authors") {
		t.Error("the licence of llama.cpp names no holder")
	}
	if len(files) != 7 { // two licences, four libraries, the manifest
		t.Errorf("%d files: %v", len(files), files)
	}
	if entries, err := os.ReadDir(cache); err != nil || len(entries) != 1 {
		t.Errorf("the cache holds %v, %v", entries, err)
	}
}

func TestInstallAgain(t *testing.T) {
	s := newStock(t)
	cache := t.TempDir()
	fetched := 0
	in := s.installer()
	fetch := in.fetch
	in.fetch = func(ctx context.Context, dir string, p Package) (string, error) {
		fetched++
		return fetch(ctx, dir, p)
	}
	library := filepath.Join(cache, "linux-x64-1.2.3", "libllama.v0.5.0.so")
	steps := []struct {
		name        string
		before      func() error
		force       bool
		present     bool
		wantFetched int
	}{
		{"first", nil, false, false, 1},
		{"second does nothing", nil, false, true, 1},
		{"forced", nil, true, false, 2},
		{"a library is cut short", func() error { return os.Truncate(library, 1) }, false, false, 3},
		{"a library is gone", func() error { return os.Remove(library) }, false, false, 4},
		{"the manifest is nonsense", func() error {
			return os.WriteFile(filepath.Join(filepath.Dir(library), manifestName), []byte("{"), 0o644)
		}, false, false, 5},
		{"and sound again", nil, false, true, 5},
	}
	for _, step := range steps {
		if step.before != nil {
			if err := step.before(); err != nil {
				t.Fatal(err)
			}
		}
		got, err := in.install(t.Context(), Options{CacheDir: cache, Force: step.force})
		if err != nil {
			t.Fatalf("%s: %v", step.name, err)
		}
		if got.Present != step.present || fetched != step.wantFetched || got.Runtime.Warning != "" {
			t.Errorf("%s: present %v, %d fetched, warning %q", step.name, got.Present, fetched, got.Runtime.Warning)
		}
		if data, err := os.ReadFile(library); err != nil || string(data) != "llama" {
			t.Errorf("%s: the library holds %q, %v", step.name, data, err)
		}
		if entries, err := os.ReadDir(cache); err != nil || len(entries) != 1 {
			t.Errorf("%s: the cache holds %v, %v", step.name, entries, err)
		}
	}
}

func TestInstallFromFiles(t *testing.T) {
	s := newStock(t)
	changed := func(t *testing.T) string {
		path := s.file(t, "@test/cpu")
		data := append([]byte(nil), s.data["@test/cpu"]...)
		data[len(data)/2] ^= 1
		if err := os.WriteFile(path, data, 0o644); err != nil {
			t.Fatal(err)
		}
		return path
	}
	tests := []struct {
		name    string
		variant string
		from    func(t *testing.T) []string
		want    string // the variant that is there afterwards
		cuda    string // what its libggml-cuda.so holds
		fail    string
	}{
		{"the file tells the variant", "", func(t *testing.T) []string { return []string{s.file(t, "@test/cpu")} }, "linux-x64", "", ""},
		{"the base alone", "", func(t *testing.T) []string { return []string{s.file(t, "@test/cuda")} }, "linux-x64-cuda", "CUDA 13", ""},
		{"base and extension", "", func(t *testing.T) []string { return []string{s.file(t, "@test/cuda"), s.file(t, "@test/ext")} }, "linux-x64-cuda-ext", "CUDA 12", ""},
		{"in any order", "cuda12", func(t *testing.T) []string { return []string{s.file(t, "@test/ext"), s.file(t, "@test/cuda")} }, "linux-x64-cuda-ext", "CUDA 12", ""},
		{"extension alone", "", func(t *testing.T) []string { return []string{s.file(t, "@test/ext")} }, "", "", "needs @test/cuda 1.2.3 as well"},
		{"of two variants", "", func(t *testing.T) []string { return []string{s.file(t, "@test/cpu"), s.file(t, "@test/cuda")} }, "", "", "not of one variant"},
		{"another variant's", "cpu", func(t *testing.T) []string { return []string{s.file(t, "@test/cuda")} }, "", "", "needs @test/cpu"},
		{"twice", "", func(t *testing.T) []string { f := s.file(t, "@test/cpu"); return []string{f, f} }, "", "", "given twice"},
		{"one bit is wrong", "", func(t *testing.T) []string { return []string{changed(t)} }, "", "", "checksum does not match"},
		{"no such file", "", func(*testing.T) []string { return []string{"/nonexistent.tgz"} }, "", "", "no such file"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			in := s.installer()
			in.fetch = func(context.Context, string, Package) (string, error) {
				t.Error("fetched, although files were given")
				return "", errors.New("offline")
			}
			cache := t.TempDir()
			got, err := in.install(t.Context(), Options{CacheDir: cache, Variant: tt.variant, From: tt.from(t)})
			if tt.fail != "" {
				if err == nil || !strings.Contains(err.Error(), tt.fail) {
					t.Fatalf("error %v, want one with %q", err, tt.fail)
				}
				checkEmpty(t, cache)
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			if got.Runtime.Variant != tt.want || filesIn(t, got.Runtime.Dir)["libggml-cuda.so"] != tt.cuda {
				t.Errorf("got %+v", got.Runtime)
			}
		})
	}
}

func TestInstallRefusals(t *testing.T) {
	s := newStock(t)
	tests := []struct {
		name    string
		variant string
		change  func(in *installer)
		want    string
	}{
		{"unknown variant", "linux-x64-rocm", nil, `no variant "linux-x64-rocm"; for linux/amd64 there are linux-x64-cuda, linux-x64-cuda-ext, linux-x64`},
		{"a variant without a checksum", "mac-x64", nil, "no checksum is pinned for mac-x64"},
		{"a system without a variant", "", func(in *installer) {
			in.machine = func() Machine { return Machine{OS: "plan9", Arch: "amd64"} }
		}, "no llama.cpp runtime is known for plan9/amd64"},
		{"a package that is not the pinned one", "", func(in *installer) {
			in.fetch = func(_ context.Context, dir string, _ Package) (string, error) {
				path := filepath.Join(dir, "x.tgz")
				return path, os.WriteFile(path, []byte("something else"), 0o644)
			}
		}, "checksum does not match: got sha512-"},
		{"npm fails", "", func(in *installer) {
			in.fetch = func(context.Context, string, Package) (string, error) { return "", errors.New("no route") }
		}, "no route"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			in := s.installer()
			if tt.change != nil {
				tt.change(&in)
			}
			cache := t.TempDir()
			_, err := in.install(t.Context(), Options{CacheDir: cache, Variant: tt.variant})
			if err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("error %v, want one with %q", err, tt.want)
			}
			if strings.Contains(tt.want, "checksum does not match") && !errors.Is(err, ErrIntegrity) {
				t.Errorf("error %v does not wrap ErrIntegrity", err)
			}
			checkEmpty(t, cache)
		})
	}
}

// Wherever an installation is cancelled, nothing is left.
func TestInstallCancelled(t *testing.T) {
	s := newStock(t)
	for _, stage := range []Stage{"", Fetching, Verifying, Unpacking} {
		t.Run("at "+string(stage), func(t *testing.T) {
			ctx, cancel := context.WithCancel(t.Context())
			if stage == "" {
				cancel()
			}
			cache := t.TempDir()
			_, err := s.installer().install(ctx, Options{CacheDir: cache, Progress: func(p Progress) {
				if p.Stage == stage {
					cancel()
				}
			}})
			if !errors.Is(err, context.Canceled) {
				t.Errorf("error %v, want the context's", err)
			}
			checkEmpty(t, cache)
		})
	}
}

// Of many that install at once each returns a sound runtime, forced or not.
func TestInstallConcurrently(t *testing.T) {
	s := newStock(t)
	cache := t.TempDir()
	var wg sync.WaitGroup
	for i := range 8 {
		wg.Go(func() {
			in := s.installer()
			for range 5 {
				got, err := in.install(t.Context(), Options{CacheDir: cache, Force: i == 0})
				if err != nil {
					t.Error(err)
				} else if got.Runtime.Variant != "linux-x64" {
					t.Errorf("got %+v", got)
				}
			}
		})
	}
	wg.Wait()
	if entries, err := os.ReadDir(cache); err != nil || len(entries) != 1 {
		t.Errorf("the cache holds %v, %v", entries, err)
	}
	if r, err := List(cache); err != nil || len(r) != 1 || r[0].Warning != "" {
		t.Errorf("List: %+v, %v", r, err)
	}
}

func TestInstallClearsStaleStages(t *testing.T) {
	s := newStock(t)
	cache := t.TempDir()
	old, fresh := filepath.Join(cache, stagePrefix+"old"), filepath.Join(cache, stagePrefix+"fresh")
	for _, dir := range []string{old, fresh} {
		if err := os.MkdirAll(filepath.Join(dir, "runtime"), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	long := time.Now().Add(-2 * stageLife)
	if err := os.Chtimes(old, long, long); err != nil {
		t.Fatal(err)
	}
	if _, err := s.installer().install(t.Context(), Options{CacheDir: cache}); err != nil {
		t.Fatal(err)
	}
	if isDir(old) || !isDir(fresh) {
		t.Errorf("old stage there: %v, another process's stage there: %v", isDir(old), isDir(fresh))
	}
	if r, err := List(cache); err != nil || len(r) != 1 {
		t.Errorf("List shows unfinished installations: %+v, %v", r, err)
	}
}

// The table itself: what is pinned is well-formed, and only macOS lacks checksums.
func TestTable(t *testing.T) {
	names := make(map[string]bool)
	for _, v := range Variants() {
		if names[v.Name] {
			t.Errorf("%s is there twice", v.Name)
		}
		names[v.Name] = true
		if v.Verified() != (v.OS != "darwin") {
			t.Errorf("%s: verified %v", v.Name, v.Verified())
		}
		if (v.CUDA != nil) != (v.Backend == CUDA) {
			t.Errorf("%s: a CUDA build belongs to the CUDA backend", v.Name)
		}
		if last := v.Packages[len(v.Packages)-1]; last.Name != scope+v.Name {
			t.Errorf("%s is named after %s", v.Name, last.Name)
		}
		for _, p := range v.Packages {
			text, ok := strings.CutPrefix(p.Integrity, integrityPrefix)
			sum, err := base64.StdEncoding.DecodeString(text)
			if v.Verified() && (!ok || err != nil || len(sum) != 64 || p.Bytes <= 0) {
				t.Errorf("%s: integrity %q, %d bytes", p.Name, p.Integrity, p.Bytes)
			}
			if p.Bytes > maxPackageBytes || !fs.ValidPath(p.Folder) {
				t.Errorf("%s: %d bytes, folder %q", p.Name, p.Bytes, p.Folder)
			}
		}
	}
}

// TestInstallFromNetwork fetches the real package for the CPU with npm.
func TestInstallFromNetwork(t *testing.T) {
	if os.Getenv("CALLAMA_NETWORK_TESTS") != "1" {
		t.Skip("fetches a package; CALLAMA_NETWORK_TESTS=1 runs it")
	}
	got, err := Install(t.Context(), Options{CacheDir: t.TempDir(), Variant: "linux-x64"})
	if err != nil {
		t.Fatal(err)
	}
	if filepath.Base(got.Runtime.Library) != "libllama.v0.5.0.so" || len(got.Runtime.manifest.Files) < 15 {
		t.Errorf("got %+v", got.Runtime)
	}
}
