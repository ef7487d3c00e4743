//go:build !((darwin || freebsd || linux || netbsd) && !android)

package cuda

import (
	"errors"
	"fmt"
)

// errAbsent means that a library is not on this machine at all.
var errAbsent = errors.New("library not found")

type library struct{ name string }

// openLibrary finds nothing: no llama.cpp runtime with CUDA is offered for this system.
func openLibrary(name string) (*library, error) {
	return nil, fmt.Errorf("cuda: %s: %w", name, errAbsent)
}

func (*library) bind(any, string) error { return errAbsent }
