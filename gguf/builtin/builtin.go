// Package builtin carries model files within the binary: a small model that was trained to
// call functions, and adapters for it. llama.cpp reads files, so they are written to a
// cache folder once. A program that does not import this package does not carry them.
package builtin

import (
	"bytes"
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"strings"
)

//go:embed models
var embedded embed.FS

// modelName is the file, without its extension, of the model; the others are adapters.
const modelName = "demo"

// extension ends the names of the files.
const extension = ".gguf"

// File is a file within the binary. It is immutable and safe for concurrent use.
type File struct {
	tree fs.FS
	name string // without folder and extension
}

// Model returns the model; ok is false in a binary that was built without one.
func Model() (f File, ok bool) { return find(embedded, modelName) }

// Adapter returns an adapter for the model by its name, such as "plain-array".
func Adapter(name string) (File, error) {
	f, ok := find(embedded, name)
	if !ok || name == modelName {
		return File{}, fmt.Errorf("builtin: there is no adapter %q, only %s", name, orNone(adapters(embedded)))
	}
	return f, nil
}

// Adapters lists the names of the adapters.
func Adapters() []string { return adapters(embedded) }

func orNone(names []string) string {
	if len(names) == 0 {
		return "none at all"
	}
	return strings.Join(names, ", ")
}

func find(tree fs.FS, name string) (File, bool) {
	f := File{tree, name}
	info, err := fs.Stat(tree, f.path())
	return f, err == nil && info.Mode().IsRegular()
}

func adapters(tree fs.FS) []string {
	files, _ := fs.Glob(tree, "models/*"+extension) // the pattern is well-formed
	var names []string
	for _, f := range files {
		if name := strings.TrimSuffix(path.Base(f), extension); name != modelName {
			names = append(names, name)
		}
	}
	return names
}

func (f File) path() string { return "models/" + f.name + extension }

// Name is the file's name without its extension.
func (f File) Name() string { return f.name }

// Open opens the file within the binary.
func (f File) Open() (fs.File, error) { return f.tree.Open(f.path()) }

// CacheDir is where Install writes files by default: in the user's cache folder.
func CacheDir() (string, error) {
	dir, err := os.UserCacheDir()
	if err != nil {
		return "", fmt.Errorf("builtin: %w", err)
	}
	return filepath.Join(dir, "callama", "models"), nil
}

// Install makes sure that the file lies in dir, in a folder named after its content, and
// returns its path. One that lies there already is compared byte by byte, and replaced if it
// differs; it takes some milliseconds. Processes may install the same file at once: it is
// written beside its place and renamed.
func (f File) Install(dir string) (string, error) {
	sum, err := f.sum()
	if err != nil {
		return "", fmt.Errorf("builtin: %s: %w", f.name, err)
	}
	target := filepath.Join(dir, sum, "callama-"+f.name+extension)
	same, err := f.sameAs(target)
	if err == nil && !same {
		err = f.write(target)
	}
	if err != nil {
		return "", fmt.Errorf("builtin: %s: %w", f.name, err)
	}
	return target, nil
}

// sumDigits is how much of the SHA-256 names a folder, in hexadecimal digits: 64 bits tell
// the versions of a file apart, and the content is compared anyway.
const sumDigits = 16

func (f File) sum() (string, error) {
	in, err := f.Open()
	if err != nil {
		return "", err
	}
	defer in.Close()
	h := sha256.New()
	if _, err := io.Copy(h, in); err != nil {
		return "", err
	}
	return hex.EncodeToString(h.Sum(nil))[:sumDigits], nil
}

// compareBytes is how much of two files is compared at a time.
const compareBytes = 256 << 10

// sameAs reports whether the file at path has the same content; one that is not there has
// not.
func (f File) sameAs(path string) (bool, error) {
	have, err := os.Open(path)
	if errors.Is(err, fs.ErrNotExist) {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	defer have.Close()
	want, err := f.Open()
	if err != nil {
		return false, err
	}
	defer want.Close()
	a, b := make([]byte, compareBytes), make([]byte, compareBytes)
	for {
		n, errA := io.ReadFull(want, a)
		m, errB := io.ReadFull(have, b)
		if !bytes.Equal(a[:n], b[:m]) {
			return false, nil
		}
		if ended(errA) && ended(errB) {
			return true, nil
		}
		if errA != nil || errB != nil {
			return false, errors.Join(errA, errB)
		}
	}
}

func ended(err error) bool { return errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) }

// write writes the file to path, whole or not at all.
func (f File) write(path string) (err error) {
	in, err := f.Open()
	if err != nil {
		return err
	}
	defer in.Close()
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return err
	}
	out, err := os.CreateTemp(filepath.Dir(path), ".new-*")
	if err != nil {
		return err
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, os.Remove(out.Name()))
		}
	}()
	if _, err := io.Copy(out, in); err != nil {
		return errors.Join(err, out.Close())
	}
	if err := errors.Join(out.Sync(), out.Chmod(0o644), out.Close()); err != nil {
		return err
	}
	return os.Rename(out.Name(), path)
}
