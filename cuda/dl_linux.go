//go:build linux && !android && (amd64 || arm64)

package cuda

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"strings"

	"github.com/ebitengine/purego"
)

// library is an opened shared library. It is never closed: the CUDA libraries keep threads
// and exit handlers of their own, and unmapping them under these crashes the process.
type library struct {
	name   string
	handle uintptr
}

// openLibrary opens a shared library by name or path. It returns errAbsent, wrapped, when the
// library itself is missing; a library that is there and does not open (one of its own
// dependencies is missing, say) is another error.
func openLibrary(name string) (*library, error) {
	// A NUL would cut the name short.
	if name == "" || strings.ContainsRune(name, 0) {
		return nil, fmt.Errorf("cuda: bad library name %q", name)
	}
	// dlerror's text belongs to the OS thread, and purego asks for it in a call of its own.
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	handle, err := purego.Dlopen(name, purego.RTLD_NOW|purego.RTLD_LOCAL)
	if err == nil {
		return &library{name: name, handle: handle}, nil
	}
	if libraryIsMissing(name, err.Error()) {
		return nil, fmt.Errorf("cuda: %s: %w", name, errAbsent)
	}
	return nil, fmt.Errorf("cuda: cannot open %s: %w", name, err)
}

// libraryIsMissing tells a missing library from one that is there and broken. dlopen has only
// text to say so; each loader names the file that it did not find first, which is another one
// when a dependency is missing.
func libraryIsMissing(name, message string) bool {
	if filepath.IsAbs(name) {
		_, err := os.Stat(name)
		return errors.Is(err, fs.ErrNotExist)
	}
	switch {
	case strings.HasPrefix(message, name+": cannot open shared object file: No such file"): // glibc
		return true
	case strings.HasPrefix(message, "Error loading shared library "+name+": No such file"): // musl
		return true
	}
	return false
}

// bind sets the function that fn points to to the library's symbol. It asks for the symbol
// first because purego panics on one that is missing.
func (l *library) bind(fn any, symbol string) error {
	runtime.LockOSThread() // as in openLibrary
	defer runtime.UnlockOSThread()
	addr, err := purego.Dlsym(l.handle, symbol)
	if err != nil || addr == 0 {
		return fmt.Errorf("cuda: %s has no function %s: not the library it is named after, or too old", l.name, symbol)
	}
	purego.RegisterFunc(fn, addr)
	return nil
}
