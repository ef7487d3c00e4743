package gguf

// Limits bounds what a file may make the reader hold in memory. A zero field means its
// default. Whatever the limits, nothing is allocated that the file's size cannot back:
// memory stays within a small multiple of the metadata's bytes.
type Limits struct {
	// Pairs is the number of metadata pairs. Default 65,536; models have 20 to 60.
	Pairs int
	// KeyBytes is the length of a key. Default 65,535, the format's own bound.
	KeyBytes int
	// StringBytes is the length of a string value. Default 64 MiB; the longest known are
	// chat templates (tens of KiB) and precompiled character maps (hundreds of KiB).
	StringBytes int
	// ArrayElements is the length of an array. Default 16,777,216; the longest known are
	// merges and tokens (hundreds of thousands).
	ArrayElements int
	// ArrayDepth is the nesting of arrays. Default 4; nested arrays are legal and rare.
	ArrayDepth int
	// Tensors is the number of tensors. Default 65,536; large mixtures of experts have thousands.
	Tensors int
	// MetadataBytes is everything before the tensor data. Default 1 GiB; a model with a
	// large vocabulary has about 15 MiB.
	MetadataBytes int64
}

// The defaults of Limits, in its fields' units.
const (
	defaultPairs         = 1 << 16
	defaultKeyBytes      = 1<<16 - 1
	defaultStringBytes   = 64 << 20
	defaultArrayElements = 1 << 24
	defaultArrayDepth    = 4
	defaultTensors       = 1 << 16
	defaultMetadataBytes = 1 << 30
)

func (l Limits) withDefaults() Limits {
	def := func(field *int, v int) {
		if *field <= 0 {
			*field = v
		}
	}
	def(&l.Pairs, defaultPairs)
	def(&l.KeyBytes, defaultKeyBytes)
	def(&l.StringBytes, defaultStringBytes)
	def(&l.ArrayElements, defaultArrayElements)
	def(&l.ArrayDepth, defaultArrayDepth)
	def(&l.Tensors, defaultTensors)
	if l.MetadataBytes <= 0 {
		l.MetadataBytes = defaultMetadataBytes
	}
	return l
}
