package runtimes

import (
	"cmp"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync"
)

// Environment is the environment variable that names the runtime to use: a file, a folder, or
// the name of an installed variant.
const Environment = "CALLAMA_RUNTIME"

// ErrNotFound is wrapped by [Find]'s error when there is no llama.cpp library anywhere.
var ErrNotFound = errors.New("no llama.cpp library found")

// Find says which llama.cpp library to load. The first of these that is there wins:
//
//  1. explicit, if not empty: libllama itself, a folder that holds it, or the name of an
//     installed variant;
//  2. the environment variable CALLAMA_RUNTIME, likewise;
//  3. the runtimes that [Install] put into the cache, the best for this machine first;
//  4. the folder of the executable, and lib beside that folder;
//  5. the system's library folders.
//
// A wrong explicit name or CALLAMA_RUNTIME is an error; the later places are then not
// searched. A runtime whose device backend cannot work here (no driver, no device, libcudart or
// libcublas missing) is passed over for one that can; if there is none it is returned after
// all, since each of them can compute on the CPU. Either way Warning says what is missing. Only a
// runtime whose backend would start and then end the process, because a device cannot run its
// code, is an error.
//
// Find loads no llama.cpp library. It looks at the CUDA driver, which can take a second, only
// where a runtime for CUDA is in question, and then leaves the CUDA toolkit's libraries open
// so that the runtime finds them (see [cuda.LoadToolkit]).
func Find(explicit string) (Runtime, error) {
	cacheDir, err := DefaultCacheDir()
	if err != nil {
		cacheDir = "" // no home: no cache, the other places remain
	}
	executable, err := os.Executable()
	if err == nil {
		executable, err = filepath.EvalSymlinks(executable)
	}
	if err != nil {
		executable = ""
	}
	s := search{
		cacheDir: cacheDir, environment: os.Getenv(Environment), executable: executable,
		systemDirs: systemLibraryDirs, variants: table,
		goos: runtime.GOOS, goarch: runtime.GOARCH, machine: sync.OnceValue(Inspect),
	}
	return s.find(explicit)
}

// search is everything that Find depends on.
type search struct {
	cacheDir     string // "" = none
	environment  string // the value of CALLAMA_RUNTIME
	executable   string // "" = unknown
	systemDirs   func() []string
	variants     []Variant
	goos, goarch string
	machine      func() Machine // called only if a device backend is in question
}

func (s search) find(explicit string) (Runtime, error) {
	if explicit != "" {
		return s.named(explicit, SourceOption)
	}
	if s.environment != "" {
		r, err := s.named(s.environment, SourceEnvironment)
		if err != nil {
			return Runtime{}, fmt.Errorf("%s: %w", Environment, err)
		}
		return r, nil
	}
	r, passed, err := s.cached()
	if err != nil || r.Library != "" {
		return r, err
	}
	if s.executable != "" {
		dir := filepath.Dir(s.executable)
		for _, d := range []string{dir, filepath.Join(dir, "..", "lib")} {
			if r, err := inDir(d, SourceExecutable); err == nil {
				return s.warned(r)
			}
		}
	}
	for _, dir := range s.systemDirs() {
		if r, err := inDir(dir, SourceSystem); err == nil {
			return s.warned(r)
		}
	}
	if len(passed) > 0 {
		return Runtime{}, fmt.Errorf("runtimes: %w: %s; 'callama runtime install' installs one that fits", ErrNotFound, strings.Join(passed, "; "))
	}
	return Runtime{}, fmt.Errorf("runtimes: %w; 'callama runtime install' fetches one", ErrNotFound)
}

// named resolves a name that a person gave.
func (s search) named(name string, source Source) (Runtime, error) {
	switch {
	case isDir(name):
		r, err := inDir(name, source)
		if err != nil {
			return Runtime{}, err
		}
		return s.warned(r)
	case isFile(name):
		path, err := filepath.Abs(name)
		if err != nil {
			return Runtime{}, fmt.Errorf("runtimes: %w", err)
		}
		dir := filepath.Dir(path)
		return s.warned(Runtime{Backend: backendIn(dir), Dir: dir, Library: path, Source: source})
	case strings.ContainsRune(name, filepath.Separator):
		return Runtime{}, fmt.Errorf("runtimes: there is no file or folder %s", name)
	}
	v, err := variantNamed(s.variants, name, s.goos, s.goarch)
	full := v.Name
	if err != nil {
		full = name // not of the table, but perhaps in the cache
	}
	all, listErr := s.list()
	if listErr != nil {
		return Runtime{}, listErr
	}
	for _, r := range all {
		if !r.damaged && (r.Variant == full || r.Name() == full) {
			r.Source = source
			return s.warned(r)
		}
	}
	if err != nil {
		return Runtime{}, fmt.Errorf("runtimes: %q is no file, no folder and no installed variant ('callama runtime list' shows those)", name)
	}
	return Runtime{}, fmt.Errorf("runtimes: variant %s is not installed; 'callama runtime install --variant %s' does it", v.Name, v.Name)
}

// list lists the cache, the best for this machine first.
func (s search) list() ([]Runtime, error) {
	if s.cacheDir == "" {
		return nil, nil
	}
	all, err := List(s.cacheDir)
	if err != nil {
		return nil, err
	}
	slices.SortStableFunc(all, func(a, b Runtime) int {
		return cmp.Or(
			cmp.Compare(s.rank(a), s.rank(b)),
			strings.Compare(b.Version, a.Version),
		)
	})
	return all, nil
}

// rank orders runtimes: by backend, then those that a person brought, then the table's in its
// order and version, then older ones.
func (s search) rank(r Runtime) int {
	const perBackend = 1000 // more than the table has variants
	rank := map[Backend]int{CUDA: 0, Metal: 1, Vulkan: 2, CPU: 3}[r.Backend] * perBackend
	if r.manifest != nil && len(r.manifest.Packages) == 0 {
		return rank
	}
	i := slices.IndexFunc(s.variants, func(v Variant) bool { return v.Name == r.Variant && v.Packages[0].Version == r.Version })
	if i < 0 {
		return rank + perBackend - 1
	}
	return rank + 1 + i
}

// cached picks from the cache. If nothing there can be loaded it returns a zero Runtime, and why
// each was passed over.
func (s search) cached() (Runtime, []string, error) {
	all, err := s.list()
	if err != nil {
		return Runtime{}, nil, err
	}
	var passed []string
	var fallback Runtime
	for _, r := range all {
		if r.damaged {
			passed = append(passed, fmt.Sprintf("%s is %s", r.Name(), r.Warning))
			continue
		}
		if r.manifest.OS != s.goos || r.manifest.Arch != s.goarch {
			continue
		}
		unmet, dangerous := s.fit(r)
		if len(unmet) == 0 {
			r.Warning = strings.Join(passed, "; ")
			return r, nil, nil
		}
		passed = append(passed, fmt.Sprintf("%s is installed and cannot use its device: %s", r.Name(), strings.Join(unmet, "; ")))
		if fallback.Library == "" && !dangerous {
			fallback = r
		}
	}
	if fallback.Library != "" {
		fallback.Warning = strings.Join(passed, "; ") + "; it computes on the CPU"
	}
	return fallback, passed, nil
}

// warned adds what the runtime's backend lacks here, and refuses a dangerous one.
func (s search) warned(r Runtime) (Runtime, error) {
	unmet, dangerous := s.fit(r)
	if len(unmet) == 0 {
		return r, nil
	}
	why := strings.Join(unmet, "; ")
	if dangerous {
		return Runtime{}, fmt.Errorf("runtimes: %s does not run on this machine: %s; 'callama runtime install --variant cpu' installs one that does", r.Name(), why)
	}
	r.Warning = fmt.Sprintf("%s cannot use its device and computes on the CPU: %s", r.Name(), why)
	return r, nil
}

// fit says what a runtime's device backend lacks on this machine, as Variant.fit does.
func (s search) fit(r Runtime) (unmet []string, dangerous bool) {
	if r.Backend != CUDA && r.Backend != Vulkan {
		return nil, false
	}
	for _, v := range s.variants {
		if v.Name == r.Variant {
			return v.fit(s.machine())
		}
	}
	v := Variant{OS: s.goos, Arch: s.goarch, Backend: r.Backend}
	if r.Backend == CUDA {
		if v.CUDA = cudaBuildIn(r.Dir); v.CUDA == nil {
			return nil, false // nothing is known about it: let it try
		}
	}
	return v.fit(s.machine())
}
