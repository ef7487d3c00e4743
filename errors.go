package callama

import (
	"errors"
	"fmt"
)

// The classes of errors that a caller can act upon; test for them with errors.Is. Errors of
// no class are failures of the model, the machine or this program.
var (
	// ErrRequest marks errors that the Request causes: the same request fails again. Its
	// tree holds the cause, such as the *chat.InputError or the error of a schema that cannot
	// be enforced.
	ErrRequest = errors.New("bad request")
	// ErrContextLength marks a prompt that leaves no room in the context for a reply. It is
	// an ErrRequest too.
	ErrContextLength = fmt.Errorf("%w: the prompt is longer than the context", ErrRequest)
)

// ErrIncomplete is returned by Call when the context ended before the first call did.
var ErrIncomplete = errors.New("callama: the context ended before a call was complete")
