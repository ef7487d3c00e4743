package runtimes

import (
	"archive/tar"
	"compress/gzip"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"strings"
)

// bounds limit a package that is unpacked. A package's checksum is known before, so they guard
// against a mistake in the table and keep the unpacker safe by itself.
type bounds struct {
	entries int   // entries of an archive
	file    int64 // bytes of one file
	total   int64 // bytes of all files together, skipped ones included
}

// packageBounds are generous: the largest pinned packages have 25 entries, and a file of 374 MB.
var packageBounds = bounds{entries: 1000, file: 1 << 30, total: 2 << 30}

// LimitError says which bound of the unpacker an archive broke.
type LimitError struct {
	Limit string // what is bounded, with its unit
	Max   int64
	Name  string // the entry that broke it
}

func (e *LimitError) Error() string {
	return fmt.Sprintf("runtimes: archive entry %q: more than %d %s", e.Name, e.Max, e.Limit)
}

// unpack writes the libraries of a package (a gzipped tar as npm makes it) flat into dst:
// the files in folder and the package's licence. Everything else is read over, but an entry
// that no honest package has, such as a link or a name that leads out of the package, fails
// the whole. Files of an earlier package in dst are replaced.
func unpack(r io.Reader, dst *os.Root, folder string, b bounds) error {
	zr, err := gzip.NewReader(r)
	if err != nil {
		return fmt.Errorf("runtimes: not a package file (gzip): %w", err)
	}
	tr := tar.NewReader(zr)
	seen := make(map[string]bool)
	var total int64
	inFolder := false
	for entries := 0; ; entries++ {
		h, err := tr.Next()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return fmt.Errorf("runtimes: damaged package file: %w", err)
		}
		if entries >= b.entries {
			return &LimitError{"entries", int64(b.entries), h.Name}
		}
		name, err := entryName(h)
		if err != nil {
			return err
		}
		if h.Typeflag == tar.TypeDir {
			continue
		}
		if h.Size > b.file {
			return &LimitError{"bytes in a file", b.file, h.Name}
		}
		if total += h.Size; total > b.total {
			return &LimitError{"bytes unpacked", b.total, h.Name}
		}
		if seen[name] {
			return fmt.Errorf("runtimes: archive entry %q occurs twice", h.Name)
		}
		seen[name] = true
		inFolder = inFolder || path.Dir(name) == folder
		if target, ok := kept(name, folder); ok {
			if err := writeEntry(dst, target, tr, h.Size); err != nil {
				return err
			}
		}
	}
	if !inFolder {
		return fmt.Errorf("runtimes: the package has no folder %s", folder)
	}
	return nil
}

// packageRoot is the folder that holds everything in an npm package.
const packageRoot = "package/"

// entryName checks an entry's type and name and returns the name inside the package.
func entryName(h *tar.Header) (string, error) {
	if h.Typeflag != tar.TypeReg && h.Typeflag != tar.TypeDir {
		return "", fmt.Errorf("runtimes: archive entry %q is neither a file nor a folder (type %q)", h.Name, h.Typeflag)
	}
	name := strings.TrimSuffix(h.Name, "/")
	if strings.ContainsAny(name, "\\\x00:") || !fs.ValidPath(name) || h.Size < 0 {
		return "", fmt.Errorf("runtimes: archive entry %q has a name that leads out of the package", h.Name)
	}
	inside, ok := strings.CutPrefix(name+"/", packageRoot)
	if !ok {
		return "", fmt.Errorf("runtimes: archive entry %q is outside the folder %s", h.Name, packageRoot)
	}
	return strings.TrimSuffix(inside, "/"), nil
}

// kept says under which name a package's file is kept, if at all. The Node.js addon and its
// scripts are of no use here.
func kept(name, folder string) (string, bool) {
	if name == "LICENSE" {
		return licenceName, true
	}
	base := path.Base(name)
	return base, path.Dir(name) == folder && isShared(base)
}

// isShared says whether a file name is a shared library's.
func isShared(base string) bool {
	return strings.HasPrefix(base, "lib") &&
		(strings.HasSuffix(base, ".so") || strings.Contains(base, ".so.") || strings.HasSuffix(base, ".dylib"))
}

func writeEntry(dst *os.Root, name string, r io.Reader, size int64) error {
	if err := dst.Remove(name); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("runtimes: %w", err)
	}
	f, err := dst.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o644)
	if err != nil {
		return fmt.Errorf("runtimes: %w", err)
	}
	n, err := io.Copy(f, r)
	if err == nil && n != size {
		err = fmt.Errorf("%d bytes instead of %d", n, size)
	}
	if closeErr := f.Close(); err == nil {
		err = closeErr
	}
	if err != nil {
		return fmt.Errorf("runtimes: unpacking %s: %w", name, err)
	}
	return nil
}

// syncFiles waits until the files of a folder are on disk: a folder that has its name after a
// power cut must hold them.
func syncFiles(dir string) error {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return fmt.Errorf("runtimes: %w", err)
	}
	for _, e := range entries {
		f, err := os.OpenFile(filepath.Join(dir, e.Name()), os.O_RDWR, 0)
		if err != nil {
			return fmt.Errorf("runtimes: %w", err)
		}
		err = f.Sync()
		if closeErr := f.Close(); err == nil {
			err = closeErr
		}
		if err != nil {
			return fmt.Errorf("runtimes: %s: %w", e.Name(), err)
		}
	}
	return nil
}
