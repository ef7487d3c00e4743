package runtimes

import (
	"debug/elf"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/callama/callama/cuda"
)

// Source says by which rule a runtime was found.
type Source string

// The sources, in the order of the look-up.
const (
	SourceOption      Source = "option"
	SourceEnvironment Source = "environment"
	SourceCache       Source = "cache"
	SourceExecutable  Source = "executable"
	SourceSystem      Source = "system"
)

// Runtime is a folder with a llama.cpp library that can be loaded.
type Runtime struct {
	// Variant and Version are as installed; both are empty for libraries that [Install] did not
	// put there.
	Variant string  `json:"variant,omitempty"`
	Version string  `json:"version,omitempty"`
	Backend Backend `json:"backend"`
	// Dir is the absolute folder of the library and of ggml's backends; Library is the
	// absolute path of libllama in it.
	Dir     string `json:"dir"`
	Library string `json:"library"`
	Source  Source `json:"source"`
	// Warning says, in words for a person, why this runtime will be slower than one might
	// expect, or that it is damaged; empty if all is well.
	Warning string `json:"warning,omitempty"`

	manifest *manifest
	damaged  bool
}

// Name is "variant-version", or the library's path for one that was not installed.
func (r Runtime) Name() string {
	if r.Variant == "" {
		return r.Library
	}
	return r.Variant + "-" + r.Version
}

// manifestName is the file of a runtime's folder that is written last: with it the folder is
// complete.
const manifestName = "runtime.json"

// maxManifestBytes bounds a manifest that is read, in bytes: a real one has 2 KB.
const maxManifestBytes = 1 << 20

// manifest is what runtime.json holds.
type manifest struct {
	Variant  string            `json:"variant"`
	Version  string            `json:"version"`
	OS       string            `json:"os"`
	Arch     string            `json:"arch"`
	Backend  Backend           `json:"backend"`
	Library  string            `json:"library"`            // file name of libllama
	Packages map[string]string `json:"packages,omitempty"` // name@version: integrity; none for a folder
	Files    map[string]int64  `json:"files"`              // size in bytes of every other file
}

func readManifest(dir string) (*manifest, error) {
	f, err := os.Open(filepath.Join(dir, manifestName))
	if err != nil {
		return nil, err
	}
	defer f.Close()
	data, err := io.ReadAll(io.LimitReader(f, maxManifestBytes+1))
	if err != nil {
		return nil, err
	}
	if len(data) > maxManifestBytes {
		return nil, fmt.Errorf("%s is larger than %d bytes", manifestName, maxManifestBytes)
	}
	m := &manifest{}
	if err := json.Unmarshal(data, m); err != nil {
		return nil, fmt.Errorf("%s: %w", manifestName, err)
	}
	if m.Variant == "" || !isLibraryName(m.Library) {
		return nil, fmt.Errorf("%s names no variant or no library", manifestName)
	}
	return m, nil
}

func (m *manifest) write(dir string) error {
	data, err := json.MarshalIndent(m, "", "  ")
	if err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(dir, manifestName), append(data, '\n'), 0o644)
}

// damage says what of a runtime's folder is not as it was installed, or "". It looks at
// names and sizes only.
func (m *manifest) damage(dir string) string {
	if _, ok := m.Files[m.Library]; !ok {
		return m.Library + " is not among its files"
	}
	for _, name := range slices.Sorted(maps.Keys(m.Files)) {
		info, err := os.Stat(filepath.Join(dir, name))
		switch {
		case !filepath.IsLocal(name) || err != nil:
			return name + " is missing"
		case info.Size() != m.Files[name]:
			return fmt.Sprintf("%s has %d bytes instead of %d", name, info.Size(), m.Files[name])
		}
	}
	return ""
}

// DefaultCacheDir is the folder that holds the installed runtimes: callama/runtime in the user's cache
// folder ([os.UserCacheDir]).
func DefaultCacheDir() (string, error) {
	dir, err := os.UserCacheDir()
	if err != nil {
		return "", fmt.Errorf("runtimes: no cache folder: %w", err)
	}
	return filepath.Join(dir, "callama", "runtime"), nil
}

// List lists the runtimes in a cache folder ("" means [DefaultCacheDir]) by name. A damaged
// one is listed with a Warning. A missing folder is an empty list.
func List(cacheDir string) ([]Runtime, error) {
	if cacheDir == "" {
		var err error
		if cacheDir, err = DefaultCacheDir(); err != nil {
			return nil, err
		}
	}
	entries, err := os.ReadDir(cacheDir)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("runtimes: %w", err)
	}
	var out []Runtime
	for _, e := range entries {
		// Unfinished installations begin with a dot.
		if !e.IsDir() || strings.HasPrefix(e.Name(), ".") {
			continue
		}
		if r, ok := installed(filepath.Join(cacheDir, e.Name())); ok {
			out = append(out, r)
		}
	}
	return out, nil
}

// installed reads the runtime in one folder of the cache; a folder without a manifest is
// none of ours.
func installed(dir string) (Runtime, bool) {
	m, err := readManifest(dir)
	if errors.Is(err, fs.ErrNotExist) {
		return Runtime{}, false
	}
	if err != nil {
		return Runtime{Variant: filepath.Base(dir), Version: "?", Dir: dir, Source: SourceCache, damaged: true,
			Warning: fmt.Sprintf("damaged: %v; install it again with --force", err)}, true
	}
	r := Runtime{Variant: m.Variant, Version: m.Version, Backend: m.Backend, Dir: dir,
		Library: filepath.Join(dir, m.Library), Source: SourceCache, manifest: m}
	if d := m.damage(dir); d != "" {
		r.damaged, r.Warning = true, "damaged: "+d+"; install it again with --force"
	}
	return r, true
}

// libraryPattern matches what upstream and the distributions call libllama: libllama.so,
// libllama.so.0, libllama.v0.5.0.so, libllama.cuda.v0.5.0.so, and the same with .dylib. Other
// libraries that begin alike (libllama-common) do not match.
var libraryPattern = regexp.MustCompile(`^libllama(\.[a-z]+)?(\.v?[0-9][0-9.]*)?\.(so|dylib)(\.[0-9][0-9.]*)?$`)

func isLibraryName(name string) bool { return libraryPattern.MatchString(name) }

// libraryIn finds libllama among a folder's files: the plain name first, then the shortest,
// which is the soname rather than the file behind it.
func libraryIn(dir string) (string, error) {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return "", fmt.Errorf("runtimes: %w", err)
	}
	var found []string
	for _, e := range entries {
		if isLibraryName(e.Name()) && isFile(filepath.Join(dir, e.Name())) {
			found = append(found, e.Name())
		}
	}
	if len(found) == 0 {
		return "", fmt.Errorf("runtimes: no libllama in %s", dir)
	}
	slices.SortFunc(found, func(a, b string) int {
		if len(a) != len(b) {
			return len(a) - len(b)
		}
		return strings.Compare(a, b)
	})
	return found[0], nil
}

// inDir describes the libraries of any folder.
func inDir(dir string, source Source) (Runtime, error) {
	dir, err := filepath.Abs(dir)
	if err != nil {
		return Runtime{}, fmt.Errorf("runtimes: %w", err)
	}
	if r, ok := installed(dir); ok {
		if r.damaged {
			return Runtime{}, fmt.Errorf("runtimes: %s: %s", dir, r.Warning)
		}
		r.Source = source
		return r, nil
	}
	library, err := libraryIn(dir)
	if err != nil {
		return Runtime{}, err
	}
	return Runtime{Backend: backendIn(dir), Dir: dir, Library: filepath.Join(dir, library), Source: source}, nil
}

// backendIn tells a folder's device backend by the ggml library that brings it.
func backendIn(dir string) Backend {
	for _, b := range []Backend{CUDA, Vulkan, Metal} {
		if found, err := filepath.Glob(filepath.Join(escapeGlob(dir), "libggml-"+string(b)+".*")); err == nil && len(found) > 0 {
			return b
		}
	}
	return CPU
}

// escapeGlob makes a folder's name match itself in a pattern.
func escapeGlob(s string) string {
	return strings.NewReplacer(`\`, `\\`, `*`, `\*`, `?`, `\?`, `[`, `\[`).Replace(s)
}

var cudartPattern = regexp.MustCompile(`^libcudart\.so\.([0-9]+)`)

// cudaBuildIn reads from the CUDA backend in a folder which toolkit it needs. For which
// devices it was built is not known, so it is taken to be for all.
func cudaBuildIn(dir string) *CUDABuild {
	f, err := elf.Open(filepath.Join(dir, "libggml-cuda.so"))
	if err != nil {
		return nil
	}
	defer f.Close()
	needed, err := f.ImportedLibraries()
	if err != nil {
		return nil
	}
	for _, name := range needed {
		if m := cudartPattern.FindStringSubmatch(name); m != nil {
			major, err := strconv.Atoi(m[1])
			if err != nil {
				return nil
			}
			return &CUDABuild{Toolkit: cuda.Version{Major: major}}
		}
	}
	return nil
}

func isFile(path string) bool {
	info, err := os.Stat(path)
	return err == nil && info.Mode().IsRegular()
}

func isDir(path string) bool {
	info, err := os.Stat(path)
	return err == nil && info.IsDir()
}
