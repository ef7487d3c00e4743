//go:build !(linux && !android && (amd64 || arm64))

package cuda

import "fmt"

type library struct{ name string }

// openLibrary finds nothing: no llama.cpp runtime with CUDA is offered for this system.
func openLibrary(name string) (*library, error) {
	return nil, fmt.Errorf("cuda: %s: %w", name, errAbsent)
}

func (*library) bind(any, string) error { return errAbsent }
