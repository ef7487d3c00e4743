package llama

import (
	"errors"
	"fmt"
	"strings"
)

// Errors to test for with errors.Is.
var (
	// ErrNoKVSlot is llama_decode's status 1: no room in the KV cache for the batch. The
	// context is as before the call: remove sequences or try a smaller batch.
	ErrNoKVSlot = errors.New("llama: no room in the kv cache for the batch")
	// ErrAborted is llama_decode's status 2, or a decode asked for while the abort flag is
	// set. The micro-batches computed until then remain in the KV cache: remove the
	// sequence's positions before decoding them again.
	ErrAborted = errors.New("llama: decode aborted")
	// ErrClosed answers a call on something closed.
	ErrClosed = errors.New("llama: already closed")
	// ErrBusy answers a call on a Context that is inside another call: it belongs to one
	// goroutine at a time.
	ErrBusy = errors.New("llama: context is in use by another goroutine")
	// ErrRefused is GrammarSampler.Accept's answer to a token that the grammar does not
	// allow; the sampler is unchanged.
	ErrRefused = errors.New("llama: token is not allowed by the grammar")
)

// Error is a failure that llama.cpp reported.
type Error struct {
	Op string // what was asked: "load model x.gguf", "decode"
	// Code is the status that llama.cpp returned; 0 where its failure is a null pointer.
	Code int
	// Reason is what llama.cpp logged as errors meanwhile, joined with "; "; calls on other
	// goroutines may have added to it. Empty where it said nothing.
	Reason string
}

// Error implements error.
func (e *Error) Error() string {
	var b strings.Builder
	b.WriteString("llama: " + e.Op)
	if e.Code != 0 {
		fmt.Fprintf(&b, ": status %d", e.Code)
	}
	if e.Reason != "" {
		b.WriteString(": " + e.Reason)
	} else if e.Code == 0 {
		b.WriteString(": llama.cpp gave no reason")
	}
	return b.String()
}

// ABIError says why a library was refused: it is not a libllama whose binary interface this
// package knows.
type ABIError struct {
	Path    string
	Version string // what llama_version said; empty if it was not asked
	Missing string // the first required symbol that is not there, if that is the reason
	// Differences lists, for the nearest known layout, what the library does differently.
	Differences []string
}

// Error implements error.
func (e *ABIError) Error() string {
	var b strings.Builder
	fmt.Fprintf(&b, "llama: %s", e.Path)
	if e.Version != "" {
		fmt.Fprintf(&b, " (version %s)", e.Version)
	}
	b.WriteString(" is not a llama.cpp library that this build knows: ")
	if e.Missing != "" {
		fmt.Fprintf(&b, "symbol %s is missing", e.Missing)
	}
	b.WriteString(strings.Join(e.Differences, "; "))
	fmt.Fprintf(&b, " (known versions: %s)", strings.Join(KnownVersions(), ", "))
	return b.String()
}
