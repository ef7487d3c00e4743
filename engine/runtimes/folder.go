package runtimes

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
)

// localPrefix begins the variant's name of a runtime that was installed from a folder.
const localPrefix = "local-"

// fromFolder installs the libraries of a folder as they are: a build of one's own, a
// distribution's, or an unpacked package.
func (in installer) fromFolder(ctx context.Context, o Options) (Installation, error) {
	if len(o.From) != 1 {
		return Installation{}, errors.New("runtimes: a folder given with --from must be the only one")
	}
	if o.Variant != "" {
		return Installation{}, errors.New("runtimes: a folder's libraries are what they are: --variant goes with package files only")
	}
	src, library, err := findFolder(o.From[0])
	if err != nil {
		return Installation{}, err
	}
	files, err := foldersFiles(src)
	if err != nil {
		return Installation{}, err
	}
	backend := backendIn(src)
	m := manifest{Variant: localPrefix + string(backend), Version: versionIn(src, library), OS: in.goos, Arch: in.goarch, Backend: backend}
	target := filepath.Join(o.CacheDir, m.Variant+"-"+m.Version)
	if r, ok := installed(target); ok && !o.Force && !r.damaged {
		if sameFiles(r.manifest.Files, files) {
			return Installation{Runtime: r, Present: true}, nil
		}
		return Installation{}, fmt.Errorf("runtimes: another %s is installed; --force replaces it", r.Name())
	}
	r, err := in.build(ctx, o, target, m, func(dir string) error {
		return copyFolder(ctx, o, src, dir, files)
	})
	if err != nil {
		return Installation{}, err
	}
	return Installation{Runtime: r}, nil
}

// findFolder finds the folder with libllama at or under dir, where builds and packages have
// it.
func findFolder(dir string) (folder, library string, err error) {
	var found []string
	for _, pattern := range []string{".", "lib", "bin", "bins/*", "package/bins/*", "build/bin"} {
		matches, globErr := filepath.Glob(filepath.Join(escapeGlob(dir), filepath.FromSlash(pattern)))
		if globErr != nil {
			return "", "", fmt.Errorf("runtimes: %w", globErr)
		}
		for _, m := range matches {
			if lib, libErr := libraryIn(m); libErr == nil {
				found, library = append(found, m), lib
			}
		}
	}
	switch len(found) {
	case 0:
		return "", "", fmt.Errorf("runtimes: no libllama in %s", dir)
	case 1:
		return found[0], library, nil
	}
	return "", "", fmt.Errorf("runtimes: more than one libllama in %s: choose among %s", dir, strings.Join(found, ", "))
}

// foldersFiles lists what is copied of a folder, with sizes: its shared libraries, through
// links, and its licences.
func foldersFiles(dir string) (map[string]int64, error) {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return nil, fmt.Errorf("runtimes: %w", err)
	}
	out := make(map[string]int64)
	var total int64
	for _, e := range entries {
		name := e.Name()
		if !runtimeFile(name) {
			continue
		}
		info, err := os.Stat(filepath.Join(dir, name))
		if err != nil || !info.Mode().IsRegular() {
			continue // a dangling link or a folder
		}
		out[name] = info.Size()
		total += info.Size()
		if len(out) > packageBounds.entries {
			return nil, &LimitError{"files", int64(packageBounds.entries), name}
		}
		if total > packageBounds.total {
			return nil, &LimitError{"bytes", packageBounds.total, name}
		}
	}
	return out, nil
}

// runtimeFile says whether a folder's file belongs to llama.cpp: a system's library folder holds
// all kinds. The licence of llama.cpp is written anew.
func runtimeFile(name string) bool {
	if name == licenceName {
		return true
	}
	return isShared(name) && (strings.HasPrefix(name, "libllama") || strings.HasPrefix(name, "libggml") || strings.HasPrefix(name, "libmtmd"))
}

// sameFiles says whether an installed runtime holds just these files.
func sameFiles(installed, source map[string]int64) bool {
	for name, size := range source {
		if have, ok := installed[name]; !ok || have != size {
			return false
		}
	}
	return true
}

func copyFolder(ctx context.Context, o Options, src, dst string, files map[string]int64) error {
	root, err := os.OpenRoot(dst)
	if err != nil {
		return fmt.Errorf("runtimes: %w", err)
	}
	defer root.Close()
	var done, total int64
	names := make([]string, 0, len(files))
	for name, size := range files {
		names = append(names, name)
		total += size
	}
	slices.Sort(names)
	for _, name := range names {
		// A link to a copied neighbour stays one: libllama.so and libllama.so.0 are one library.
		if to, err := os.Readlink(filepath.Join(src, name)); err == nil && files[to] > 0 {
			if err := root.Symlink(to, name); err != nil {
				return fmt.Errorf("runtimes: %w", err)
			}
			continue
		}
		if err := copyFile(ctx, root, src, name, files[name], func(n, _ int64) {
			o.Progress(Progress{Unpacking, filepath.Base(src), done + n, total})
		}); err != nil {
			return err
		}
		done += files[name]
	}
	return nil
}

func copyFile(ctx context.Context, dst *os.Root, src, name string, size int64, report func(done, total int64)) error {
	f, err := os.Open(filepath.Join(src, name))
	if err != nil {
		return fmt.Errorf("runtimes: %w", err)
	}
	defer f.Close()
	return writeEntry(dst, name, &meter{ctx: ctx, r: io.LimitReader(f, size), report: report}, size)
}

var versionPattern = regexp.MustCompile(`[0-9]+(\.[0-9]+)+`)

// versionIn tells a library's version by its file's name or that of the file it links to;
// "unknown" if neither has one.
func versionIn(dir, library string) string {
	if v := versionPattern.FindString(library); v != "" {
		return v
	}
	if resolved, err := filepath.EvalSymlinks(filepath.Join(dir, library)); err == nil {
		if v := versionPattern.FindString(filepath.Base(resolved)); v != "" {
			return v
		}
	}
	return "unknown"
}
