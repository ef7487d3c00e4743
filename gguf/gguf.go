// Package gguf reads and writes GGUF, the file format of llama.cpp's models and
// adapters (https://github.com/ggml-org/ggml/blob/master/docs/gguf.md), and makes
// models of its own: synthetic ones, whose shape, speed and vocabulary are those of a
// published model and whose weights are seeded noise.
//
// A GGUF file is, in this order: a header (magic, version, two counts), metadata pairs,
// tensor descriptions, padding, and the tensors' data, each tensor padded to the
// alignment. Everything is little-endian. Versions 2 and 3 are read, 3 is written.
//
//   - [Open] and [Read] give a [File]: metadata, tensor descriptions, data on demand.
//   - [Writer] streams a file out: no tensor needs to be in memory.
//   - [Quantize] and [Dequantize] convert rows between float32 and the common types.
//   - [ReadTokenizer] imports a Hugging Face tokenizer.json of the byte-level BPE kind;
//     [BuiltinTokenizer] is a small one that needs nothing from outside.
//   - [Synthesize] and [SynthesizeAdapter] write synthetic models and LoRA adapters.
//   - [File.Estimate] says how much memory a model needs at a context length.
//
// The package is pure Go and imports nothing of this module.
package gguf

import "fmt"

// The fixed parts of the format.
const (
	magic       = "GGUF"
	versionOld  = 2 // 64-bit counts since version 2; version 1 had 32-bit ones and is extinct
	versionRead = 3

	// defaultAlignment is the data section's alignment in bytes where general.alignment is absent.
	defaultAlignment = 32
	// maxAlignment bounds general.alignment, in bytes. Files in the wild use 32, or a
	// page size (4 KiB to 64 KiB); beyond 1 MiB padding only serves to waste.
	maxAlignment = 1 << 20

	// MaxDims is the number of dimensions that a tensor can have (ggml's GGML_MAX_DIMS).
	MaxDims = 4
	// MaxTensorName is the longest tensor name in bytes (ggml's GGML_MAX_NAME less the closing zero).
	MaxTensorName = 63
)

// KeyAlignment and the keys after it are metadata keys that this package reads or writes by name.
const (
	KeyAlignment    = "general.alignment"
	KeyArchitecture = "general.architecture"
	KeyChatTemplate = "tokenizer.chat_template"
)

// FormatError reports a file that is not GGUF as this package understands it.
type FormatError struct {
	Offset int64  // bytes from the start of the file, where reading stopped
	Part   string // what was being read, such as `key "general.name"`; may be empty
	Err    error  // what is wrong; a *LimitError when a limit was hit
}

// Error gives offset, part and cause in one line.
func (e *FormatError) Error() string {
	if e.Part == "" {
		return fmt.Sprintf("gguf: at byte %d: %v", e.Offset, e.Err)
	}
	return fmt.Sprintf("gguf: at byte %d: %s: %v", e.Offset, e.Part, e.Err)
}

// Unwrap returns the cause.
func (e *FormatError) Unwrap() error { return e.Err }

// LimitError says which of the [Limits] a file hit, or that it hit [MaxTensorName].
type LimitError struct {
	Name       string // the field of Limits, such as "StringBytes", or the constant
	Limit, Got uint64 // in the field's unit
}

// Error names the limit, its value and what the file holds.
func (e *LimitError) Error() string {
	return fmt.Sprintf("limit %s is %d, the file has %d", e.Name, e.Limit, e.Got)
}
