package llama

// #include "shim.h"
import "C"

import (
	"encoding/binary"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
	"unsafe"
)

// versions are the llama.cpp versions (major.minor) whose prototypes and layouts were
// checked: 0.5 and 0.7 by header and binary, 0.6 lies between two that agree.
var versions = []string{"0.5", "0.6", "0.7"}

// KnownVersions returns the llama.cpp versions (major.minor) that Load accepts.
func KnownVersions() []string { return slices.Clone(versions) }

// A field is one member of a parameter struct with its default value as raw bits.
type field struct {
	name   string
	offset int // bytes; filled in by newRecord
	size   int // bytes, which is also its alignment
	value  uint64
}

func pointer(name string) field { return field{name: name, size: 8} }
func i32(name string, value int32) field {
	return field{name: name, size: 4, value: uint64(uint32(value))}
}
func f32(name string, value float32) field {
	return field{name: name, size: 4, value: uint64(math.Float32bits(value))}
}
func boolean(name string, value uint64) field {
	return field{name: name, size: 1, value: value}
}

// A record is the layout of one parameter struct.
type record struct {
	name   string
	size   int // bytes, padding included
	fields []field
}

// newRecord places the fields as a C compiler does: each at the next multiple of its size.
func newRecord(name string, fields ...field) *record {
	r := &record{name: name, fields: fields}
	end := 0
	for i := range fields {
		f := &fields[i]
		f.offset = roundUp(end, f.size)
		end = f.offset + f.size
	}
	r.size = roundUp(end, 8) // every struct here holds a pointer
	return r
}

func roundUp(n, multiple int) int { return (n + multiple - 1) / multiple * multiple }

// read returns the bits of f in b; little endian, as both supported architectures are.
func (f *field) read(b []byte) uint64 {
	switch b = b[f.offset:]; f.size {
	case 1:
		return uint64(b[0])
	case 4:
		return uint64(binary.LittleEndian.Uint32(b))
	default:
		return binary.LittleEndian.Uint64(b)
	}
}

// A layout is what the versions of one family of libraries share.
type layout struct {
	name    string // the first version that has it
	model   *record
	context *record
}

// layouts are the known ones, from the binaries of llama.cpp 0.5.0 and 0.7.0 and the header
// of 0.7.0.
var layouts = []*layout{
	{name: "0.5.0", model: modelRecord(), context: contextRecord()},
	{name: "0.7.0", model: modelRecord(), context: contextRecord(field{name: "moe_cache_size", size: 8})},
}

func modelRecord() *record {
	return newRecord("llama_model_params",
		pointer("devices"),
		pointer("tensor_buft_overrides"),
		i32("n_gpu_layers", -1),
		i32("split_mode", 1),
		i32("load_mode", -1),
		i32("lazy_mode", 1),
		i32("main_gpu", 0),
		pointer("tensor_split"),
		pointer("progress_callback"),
		pointer("progress_callback_user_data"),
		pointer("kv_overrides"),
		boolean("vocab_only", 0),
		boolean("check_tensors", 0),
		boolean("use_extra_bufts", 1),
		boolean("no_host", 0),
		boolean("no_alloc", 0),
		boolean("load_mtp", 0),
	)
}

// contextRecord is llama_context_params; afterTypes are the fields that newer versions have
// between type_v and abort_callback.
func contextRecord(afterTypes ...field) *record {
	fields := []field{
		i32("n_ctx", 512),
		i32("n_batch", 2048),
		i32("n_ubatch", 512),
		i32("n_seq_max", 1),
		i32("n_rs_seq", 0),
		i32("n_outputs_max", 0),
		i32("n_outputs_max_per_seq", 1),
		i32("n_threads", 4),
		i32("n_threads_batch", 4),
		i32("ctx_type", 0),
		i32("rope_scaling_type", -1),
		i32("pooling_type", -1),
		i32("attention_type", -1),
		i32("flash_attn_type", -1),
		f32("rope_freq_base", 0),
		f32("rope_freq_scale", 0),
		f32("yarn_ext_factor", -1),
		f32("yarn_attn_factor", -1),
		f32("yarn_beta_fast", -1),
		f32("yarn_beta_slow", -1),
		i32("yarn_orig_ctx", 0),
		f32("defrag_thold", -1),
		pointer("cb_eval"),
		pointer("cb_eval_user_data"),
		i32("type_k", 1),
		i32("type_v", 1),
	}
	fields = append(fields, afterTypes...)
	return newRecord("llama_context_params", append(fields,
		pointer("abort_callback"),
		pointer("abort_callback_data"),
		boolean("embeddings", 0),
		boolean("offload_kqv", 1),
		boolean("no_perf", 1),
		boolean("op_offload", 1),
		boolean("swa_full", 1),
		boolean("kv_unified", 0),
		pointer("samplers"),
		field{name: "n_samplers", size: 8},
		pointer("ctx_other"),
	)...)
}

// params is one parameter struct on its way to the library.
type params struct {
	record *record
	bytes  [C.CL_PARAMS_BYTES]byte
}

// set writes a field. The name is one of this package's own: an unknown one is a broken
// invariant.
func (p *params) set(name string, value uint64) {
	i := slices.IndexFunc(p.record.fields, func(f field) bool { return f.name == name })
	if i < 0 {
		panic("llama: no field " + name + " in " + p.record.name)
	}
	switch f := p.record.fields[i]; f.size {
	case 1:
		p.bytes[f.offset] = byte(value)
	case 4:
		binary.LittleEndian.PutUint32(p.bytes[f.offset:], uint32(value))
	default:
		binary.LittleEndian.PutUint64(p.bytes[f.offset:], value)
	}
}

func (p *params) setInt(name string, value int) { p.set(name, uint64(uint32(int32(value)))) }

func (p *params) setBool(name string, value bool) {
	if value {
		p.set(name, 1)
	} else {
		p.set(name, 0)
	}
}

// pointer returns the bytes for C to copy.
// unsafe: cgo takes the address of the array; C reads it during the call only.
func (p *params) pointer() *C.uchar { return (*C.uchar)(unsafe.Pointer(&p.bytes[0])) }

// A probe is what a default-params function wrote: the bytes, which of them it wrote, and
// the end of the last one.
type probe struct {
	bytes   []byte
	written []bool
	extent  int
}

// The fills of the two probes differ in every bit, so a byte that kept both was not written.
const fillA, fillB = 0x5A, 0xA5

// probeParams runs a default-params function over poisoned memory, twice. ok is false on an
// architecture whose calling convention the shim does not know.
func probeParams(lib *C.cl_library, which C.int) (p probe, ok bool) {
	var a, b [C.CL_PROBE_BYTES]byte
	for i := range a {
		a[i], b[i] = fillA, fillB
	}
	// unsafe: C writes into the arrays during the call only.
	if !C.cl_probe(lib, which, (*C.uchar)(unsafe.Pointer(&a[0]))) ||
		!C.cl_probe(lib, which, (*C.uchar)(unsafe.Pointer(&b[0]))) {
		return p, false
	}
	p.bytes, p.written = a[:], make([]bool, len(a))
	for i := range a {
		if a[i] == b[i] {
			p.written[i] = true
			p.extent = i + 1
		}
	}
	return p, true
}

// differences compares what was written with r: the extent and every field's default.
func (r *record) differences(p probe) []string {
	var diffs []string
	if got := roundUp(p.extent, 8); got != r.size {
		diffs = append(diffs, fmt.Sprintf("%s has %d bytes, not %d", r.name, got, r.size))
	}
	for _, f := range r.fields {
		if slices.Contains(p.written[f.offset:f.offset+f.size], false) {
			diffs = append(diffs, fmt.Sprintf("%s.%s at offset %d is not written", r.name, f.name, f.offset))
		} else if got := f.read(p.bytes); got != f.value {
			diffs = append(diffs, fmt.Sprintf("%s.%s at offset %d is %#x by default, not %#x", r.name, f.name, f.offset, got, f.value))
		}
	}
	return diffs
}

// maxDifferences bounds the differences that an ABIError lists: the first tell which field
// was inserted, the rest only follow from it.
const maxDifferences = 4

// checkABI returns the layout that the library has, or an *ABIError. Nothing of the library
// runs but llama_version and the two default-params functions.
func checkABI(path string, lib *C.cl_library, anyVersion bool) (*layout, string, error) {
	if missing := C.cl_resolve(lib); missing != nil {
		return nil, "", &ABIError{Path: path, Missing: C.GoString(missing)}
	}
	version := C.GoString(C.cl_llama_version(lib))
	model, ok := probeParams(lib, C.CL_MODEL)
	if !ok {
		return nil, "", &ABIError{Path: path, Version: version, Differences: []string{"this processor's calling convention is not supported"}}
	}
	context, _ := probeParams(lib, C.CL_CONTEXT)
	var nearest []string
	for _, l := range layouts {
		diffs := append(l.model.differences(model), l.context.differences(context)...)
		if len(diffs) == 0 {
			if !anyVersion && !knownVersion(version) {
				return nil, "", &ABIError{Path: path, Version: version, Differences: []string{"its parameters have the layout of " + l.name + " but its version is unknown"}}
			}
			return l, version, nil
		}
		if nearest == nil || len(diffs) < len(nearest) {
			nearest = append([]string{"nearest layout " + l.name}, diffs...)
		}
	}
	if more := len(nearest) - 1 - maxDifferences; more > 0 {
		nearest = append(nearest[:1+maxDifferences], strconv.Itoa(more)+" more")
	}
	return nil, "", &ABIError{Path: path, Version: version, Differences: nearest}
}

// knownVersion tells whether v ("0.5.0-dev", "0.7.0") is one of versions.
func knownVersion(v string) bool {
	return slices.ContainsFunc(versions, func(known string) bool {
		return v == known || strings.HasPrefix(v, known+".")
	})
}
