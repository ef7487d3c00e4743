package runtimes

import (
	"context"
	_ "embed"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"time"
)

// Stage is what an installation is doing.
type Stage string

// The stages.
const (
	Fetching  Stage = "fetching"
	Verifying Stage = "verifying"
	Unpacking Stage = "unpacking"
)

// Progress is one report of an installation. Done and Total count bytes of the package
// file that What names; while npm fetches it Done is 0, because npm does not say.
type Progress struct {
	Stage       Stage
	What        string
	Done, Total int64
}

// Options say what to install. The zero value picks the variant for this machine and fetches it.
type Options struct {
	// Variant is a variant's name, or its backend's ("cpu", "cuda", "cuda12", "vulkan") for
	// this system. Empty: chosen for this machine, or told by From.
	Variant string
	// From takes the libraries from disk instead: the package files of one variant (npm pack
	// makes them), which are verified, or one folder with libllama in it, which is taken as
	// it is.
	From []string
	// CacheDir is where runtimes are kept; empty means [DefaultCacheDir].
	CacheDir string
	// Force installs again what is there already.
	Force bool
	// Progress, if set, is called from Install's goroutine.
	Progress func(Progress)
}

// Installation is what [Install] did.
type Installation struct {
	Runtime Runtime
	// Present says that the runtime was there already and nothing was done.
	Present bool
	// Notes say why the choice fell on this variant and not on a faster one.
	Notes []string
}

const (
	licenceName      = "LICENSE"
	llamaLicenceName = "LICENSE.llama.cpp"
	// stagePrefix begins the names of folders under construction.
	stagePrefix = ".install-"
	// stageLife is how old an unfinished installation must be to be cleared away: its process
	// was killed, since no download takes that long.
	stageLife = 24 * time.Hour
	// replaceTries bounds how often a folder is swapped against other processes that swap it too.
	replaceTries = 10
)

//go:embed licenses/llama.cpp.txt
var llamaLicence []byte

// Install puts a runtime into the cache. The new folder gets its name only when it is
// complete, so that a failed, cancelled or killed installation leaves nothing that [Find]
// would find, and of two processes that install the same the second finds the first's work.
// If the runtime is there and undamaged it does nothing and says so.
//
// A package whose checksum is not the pinned one is an error that wraps [ErrIntegrity]; a
// cancelled context gives the context's error.
func Install(ctx context.Context, o Options) (Installation, error) {
	in := installer{variants: table, goos: runtime.GOOS, goarch: runtime.GOARCH, machine: Inspect, fetch: fetchNPM}
	return in.install(ctx, o)
}

// installer is what Install depends on.
type installer struct {
	variants     []Variant
	goos, goarch string
	machine      func() Machine
	fetch        func(ctx context.Context, dir string, p Package) (string, error)
}

func (in installer) install(ctx context.Context, o Options) (Installation, error) {
	if o.CacheDir == "" {
		dir, err := DefaultCacheDir()
		if err != nil {
			return Installation{}, err
		}
		o.CacheDir = dir
	}
	if o.Progress == nil {
		o.Progress = func(Progress) {}
	}
	if err := ctx.Err(); err != nil {
		return Installation{}, err
	}
	for _, from := range o.From {
		if isDir(from) {
			return in.fromFolder(ctx, o)
		}
	}
	return in.fromPackages(ctx, o)
}

// fromPackages installs a variant of the table, from files or with npm.
func (in installer) fromPackages(ctx context.Context, o Options) (Installation, error) {
	files, err := in.openPackages(ctx, o)
	if err != nil {
		return Installation{}, err
	}
	defer files.close()
	v, notes, err := in.variant(o, files)
	if err != nil {
		return Installation{}, err
	}
	target := filepath.Join(o.CacheDir, v.Name+"-"+v.Packages[0].Version)
	if r, ok := installed(target); ok && !o.Force && !r.damaged {
		return Installation{Runtime: r, Present: true, Notes: notes}, nil
	}
	m := manifest{Variant: v.Name, Version: v.Packages[0].Version, OS: v.OS, Arch: v.Arch, Backend: v.Backend, Packages: make(map[string]string)}
	for _, p := range v.Packages {
		m.Packages[p.Name+"@"+p.Version] = p.Integrity
	}
	r, err := in.build(ctx, o, target, m, func(stage string) error {
		return in.unpackAll(ctx, o, v, files, stage)
	})
	if err != nil {
		return Installation{}, err
	}
	return Installation{Runtime: r, Notes: notes}, nil
}

// variant decides which variant to install.
func (in installer) variant(o Options, files packageFiles) (Variant, []string, error) {
	var v Variant
	var notes []string
	var err error
	switch {
	case o.Variant != "":
		v, err = variantNamed(in.variants, o.Variant, in.goos, in.goarch)
	case len(o.From) > 0:
		v, err = in.variantOf(files)
	default:
		v, notes, err = choose(in.variants, in.machine())
	}
	if err != nil {
		return Variant{}, nil, err
	}
	if !v.Verified() {
		return Variant{}, nil, fmt.Errorf("runtimes: no checksum is pinned for %s %s, so it is not fetched; unpack the package yourself and give its folder with --from", v.Name, v.Packages[0].Version)
	}
	if len(o.From) > 0 {
		for _, p := range v.Packages {
			if files[p.Integrity] == nil {
				return Variant{}, nil, fmt.Errorf("runtimes: %s needs %s %s as well; give it with another --from", v.Name, p.Name, p.Version)
			}
		}
	}
	return v, notes, nil
}

// build makes a runtime's folder with fill, writes its manifest and gives it its name.
func (in installer) build(ctx context.Context, o Options, target string, m manifest, fill func(dir string) error) (Runtime, error) {
	if err := os.MkdirAll(o.CacheDir, 0o755); err != nil {
		return Runtime{}, fmt.Errorf("runtimes: %w", err)
	}
	clearStale(o.CacheDir)
	stage, err := os.MkdirTemp(o.CacheDir, stagePrefix)
	if err != nil {
		return Runtime{}, fmt.Errorf("runtimes: %w", err)
	}
	defer os.RemoveAll(stage)
	dir := filepath.Join(stage, "runtime")
	if err := os.Mkdir(dir, 0o755); err != nil {
		return Runtime{}, fmt.Errorf("runtimes: %w", err)
	}
	if err := fill(dir); err != nil {
		return Runtime{}, err
	}
	if m.Library, err = libraryIn(dir); err != nil {
		return Runtime{}, err
	}
	if err := os.WriteFile(filepath.Join(dir, llamaLicenceName), llamaLicence, 0o644); err != nil {
		return Runtime{}, fmt.Errorf("runtimes: %w", err)
	}
	if m.Files, err = sizes(dir); err != nil {
		return Runtime{}, err
	}
	if err := m.write(dir); err != nil {
		return Runtime{}, fmt.Errorf("runtimes: %w", err)
	}
	if err := syncFiles(dir); err != nil {
		return Runtime{}, err
	}
	if err := ctx.Err(); err != nil {
		return Runtime{}, err
	}
	if err := replace(dir, target, stage, o.Force); err != nil {
		return Runtime{}, err
	}
	r, ok := installed(target)
	if !ok || r.damaged {
		return Runtime{}, fmt.Errorf("runtimes: %s is not as it was just installed: %s", target, r.Warning)
	}
	return r, nil
}

// replace gives dir the name target. A sound runtime that is there meanwhile, from another
// process, stays unless force; what is damaged moves into the folder attic, which the
// caller removes.
func replace(dir, target, attic string, force bool) error {
	var err error
	for try := range replaceTries {
		if err = os.Rename(dir, target); err == nil {
			return nil
		}
		if !isDir(target) {
			break
		}
		if r, ok := installed(target); ok && !r.damaged && !force {
			return nil
		}
		// A process that has the old libraries loaded keeps them: their files live on.
		old := filepath.Join(attic, fmt.Sprintf("old-%d", try))
		if moveErr := os.Rename(target, old); moveErr != nil && !errors.Is(moveErr, fs.ErrNotExist) {
			err = moveErr
			break
		}
	}
	return fmt.Errorf("runtimes: %w", err)
}

// clearStale removes what killed installations left. It is a courtesy: errors do not matter.
func clearStale(cacheDir string) {
	entries, err := os.ReadDir(cacheDir)
	if err != nil {
		return
	}
	for _, e := range entries {
		info, err := e.Info()
		if err == nil && strings.HasPrefix(e.Name(), stagePrefix) && time.Since(info.ModTime()) > stageLife {
			os.RemoveAll(filepath.Join(cacheDir, e.Name()))
		}
	}
}

// sizes lists a folder's files with their sizes.
func sizes(dir string) (map[string]int64, error) {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return nil, fmt.Errorf("runtimes: %w", err)
	}
	out := make(map[string]int64, len(entries))
	for _, e := range entries {
		info, err := os.Stat(filepath.Join(dir, e.Name())) // through links
		if err != nil {
			return nil, fmt.Errorf("runtimes: %w", err)
		}
		if e.Name() != manifestName {
			out[e.Name()] = info.Size()
		}
	}
	return out, nil
}

// packageFiles are opened, verified package files by their integrity.
type packageFiles map[string]*os.File

func (p packageFiles) close() {
	for _, f := range p {
		f.Close()
	}
}

// openPackages opens the files of o.From and checks that each is a pinned package. The open
// file is what is unpacked later, so that it cannot be exchanged in between.
func (in installer) openPackages(ctx context.Context, o Options) (packageFiles, error) {
	files := make(packageFiles)
	for _, path := range o.From {
		f, err := os.Open(path)
		if err != nil {
			files.close()
			return nil, fmt.Errorf("runtimes: %w", err)
		}
		got, err := integrityOf(ctx, f, func(done, total int64) {
			o.Progress(Progress{Verifying, filepath.Base(path), done, total})
		})
		if err == nil && !in.known(got) {
			err = fmt.Errorf("runtimes: %s: %w: it is %s, and no package of this version has that; to use it nonetheless, unpack it and give the folder", path, ErrIntegrity, got)
		}
		if err == nil && files[got] != nil {
			err = fmt.Errorf("runtimes: %s is given twice", path)
		}
		if err != nil {
			f.Close()
			files.close()
			return nil, err
		}
		files[got] = f
	}
	return files, nil
}

// known says whether an integrity is of a package in the table.
func (in installer) known(integrity string) bool {
	return slices.ContainsFunc(in.variants, func(v Variant) bool {
		return slices.ContainsFunc(v.Packages, func(p Package) bool { return p.Integrity == integrity })
	})
}

// variantOf finds the variant that is made of just these packages.
func (in installer) variantOf(files packageFiles) (Variant, error) {
	for _, v := range in.variants {
		if len(v.Packages) == len(files) && !slices.ContainsFunc(v.Packages, func(p Package) bool { return files[p.Integrity] == nil }) {
			return v, nil
		}
	}
	for _, v := range in.variants { // one of several: the caller says what is missing
		if files[v.Packages[len(v.Packages)-1].Integrity] != nil && len(files) < len(v.Packages) {
			return v, nil
		}
	}
	return Variant{}, errors.New("runtimes: the files given with --from are not of one variant")
}

// unpackAll unpacks a variant's packages into dir, and fetches those that are not given.
func (in installer) unpackAll(ctx context.Context, o Options, v Variant, files packageFiles, dir string) error {
	root, err := os.OpenRoot(dir)
	if err != nil {
		return fmt.Errorf("runtimes: %w", err)
	}
	defer root.Close()
	for _, p := range v.Packages {
		f := files[p.Integrity]
		if f == nil {
			// Beside dir: on the same disk, and removed with the stage.
			if f, err = in.fetchVerified(ctx, o, p, filepath.Dir(dir)); err != nil {
				return err
			}
			defer f.Close()
		}
		r := &meter{ctx: ctx, r: f, total: p.Bytes, report: func(done, total int64) {
			o.Progress(Progress{Unpacking, p.Name, done, total})
		}}
		if err := unpack(r, root, p.Folder, packageBounds); err != nil {
			return fmt.Errorf("%s %s: %w", p.Name, p.Version, err)
		}
	}
	return nil
}

// fetchVerified downloads a package into a new folder in dir and checks it.
func (in installer) fetchVerified(ctx context.Context, o Options, p Package, dir string) (*os.File, error) {
	o.Progress(Progress{Fetching, p.Name, 0, p.Bytes})
	download, err := os.MkdirTemp(dir, "download-")
	if err != nil {
		return nil, fmt.Errorf("runtimes: %w", err)
	}
	path, err := in.fetch(ctx, download, p)
	if err != nil {
		return nil, err
	}
	f, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("runtimes: %w", err)
	}
	got, err := integrityOf(ctx, f, func(done, total int64) {
		o.Progress(Progress{Verifying, p.Name, done, total})
	})
	if err == nil && got != p.Integrity {
		err = fmt.Errorf("runtimes: %s %s: %w: got %s, pinned %s", p.Name, p.Version, ErrIntegrity, got, p.Integrity)
	}
	if err != nil {
		f.Close()
		return nil, err
	}
	return f, nil
}
