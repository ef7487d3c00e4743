package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"text/tabwriter"

	"github.com/callama/callama/chat"
	"github.com/callama/callama/gguf"
)

// infoCmd is "callama model info".
type infoCmd struct {
	File string `arg:"" optional:"" help:"GGUF file of a model or an adapter. Default: the built-in model."`
	Ctx  int    `placeholder:"TOKENS" help:"Context length for the memory estimate. Default: the trained one."`
	JSON bool   `name:"json" help:"Print JSON."`
}

// Run prints the report of one file.
func (c *infoCmd) Run(a *app) (err error) {
	if c.Ctx < 0 {
		return fmt.Errorf("--ctx is %d, want a number of tokens", c.Ctx)
	}
	files := &builtinFiles{log: a.log}
	defer func() { err = errors.Join(err, files.remove()) }()
	path, err := files.model(a.ctx, c.File)
	if err != nil {
		return err
	}
	f, err := gguf.Open(path)
	if err != nil {
		return fmt.Errorf("%s: %w", path, err)
	}
	defer f.Close()
	report := describeModel(f, c.Ctx)
	if c.JSON {
		out := json.NewEncoder(a.stdout)
		out.SetEscapeHTML(false)
		out.SetIndent("", "  ")
		return out.Encode(report)
	}
	return report.print(a.stdout)
}

// modelReport is what "callama model info" says, as its JSON form has it. Sizes are in bytes.
type modelReport struct {
	Name         string           `json:"name,omitempty"`
	Architecture string           `json:"architecture"`
	Kind         string           `json:"kind"` // "model", "vocabulary", "adapter"
	Version      uint32           `json:"gguf_version"`
	FileBytes    int64            `json:"file_bytes"`
	Parameters   int64            `json:"parameters"`
	Tensors      int              `json:"tensors"`
	Quants       []quantShare     `json:"quants,omitempty"`
	Shape        map[string]any   `json:"shape,omitempty"`
	Tokenizer    *tokenizerReport `json:"tokenizer,omitempty"`
	Template     *templateReport  `json:"chat_template,omitempty"`
	Adapter      *adapterReport   `json:"adapter,omitempty"`
	Memory       *memoryReport    `json:"memory,omitempty"`
	MemoryError  string           `json:"memory_error,omitempty"`
}

type quantShare struct {
	Type    string `json:"type"`
	Tensors int    `json:"tensors"`
	Bytes   int64  `json:"bytes"`
}

type tokenizerReport struct {
	Model   string            `json:"model"`
	Pre     string            `json:"pre,omitempty"`
	Tokens  int               `json:"tokens"`
	Unused  int               `json:"unused"`
	Merges  int               `json:"merges"`
	AddBOS  bool              `json:"add_bos"`
	Special map[string]string `json:"special"` // role to "text (id)"
}

type templateReport struct {
	Bytes   int      `json:"bytes"`
	Dialect string   `json:"dialect"`      // the notation of calls that will be used
	Markers []string `json:"tool_markers"` // texts by which dialects can be told apart
}

type adapterReport struct {
	Type    string   `json:"type"` // "lora"
	Rank    int64    `json:"rank"` // of the widest pair
	Alpha   float64  `json:"alpha"`
	Targets []string `json:"targets"` // matrices, without their layers
}

type memoryReport struct {
	Context int   `json:"context"`
	Batch   int   `json:"batch"`
	Weights int64 `json:"weights_bytes"`
	KV      int64 `json:"kv_bytes"`
	Compute int64 `json:"compute_bytes"`
	Total   int64 `json:"total_bytes"`
	Layer   int64 `json:"largest_layer_bytes"`
	Fixed   int64 `json:"device_fixed_bytes"`
}

// shapeKeys are the architecture's keys that the report shows, with their labels.
var shapeKeys = [...]struct{ key, label string }{
	{"block_count", "layers"}, {"embedding_length", "embedding"}, {"feed_forward_length", "feed_forward"},
	{"attention.head_count", "heads"}, {"attention.head_count_kv", "kv_heads"},
	{"context_length", "trained_context"}, {"expert_count", "experts"},
}

func describeModel(f *gguf.File, context int) *modelReport {
	arch := f.Text(gguf.KeyArchitecture)
	r := &modelReport{
		Name: f.Text("general.name"), Architecture: arch, Kind: f.Text("general.type"),
		Version: f.Version, FileBytes: f.Size, Tensors: len(f.Tensors), Shape: map[string]any{},
	}
	if r.Kind == "" {
		r.Kind = "model"
	}
	if len(f.Tensors) == 0 {
		r.Kind = "vocabulary"
	}
	shares := map[string]*quantShare{}
	for _, t := range f.Tensors {
		r.Parameters += t.Elements()
		share := shares[t.Type.String()]
		if share == nil {
			share = &quantShare{Type: t.Type.String()}
			shares[share.Type] = share
		}
		share.Tensors++
		share.Bytes += t.Bytes
	}
	for _, name := range slices.Sorted(maps.Keys(shares)) {
		r.Quants = append(r.Quants, *shares[name])
	}
	slices.SortStableFunc(r.Quants, func(a, b quantShare) int { return int(min(1, max(-1, b.Bytes-a.Bytes))) })
	for _, k := range shapeKeys {
		if v, ok := f.Uints(arch + "." + k.key); ok && len(v) == 1 {
			r.Shape[k.label] = v[0]
		} else if ok && len(v) > 1 {
			r.Shape[k.label] = v // one for each layer
		}
	}
	r.Tokenizer = describeTokenizer(f)
	r.Template = describeTemplate(f.Text(gguf.KeyChatTemplate))
	switch r.Kind {
	case "model":
		r.estimate(f, context)
	case "adapter":
		r.Adapter = describeAdapter(f)
	}
	return r
}

func describeAdapter(f *gguf.File) *adapterReport {
	alpha, _ := f.Float("adapter.lora.alpha")
	a := &adapterReport{Type: f.Text("adapter.type"), Alpha: alpha, Targets: []string{}}
	for _, t := range f.Tensors {
		name, ok := strings.CutSuffix(t.Name, ".weight.lora_b")
		if !ok {
			continue
		}
		a.Rank = max(a.Rank, t.Shape[0])
		name = name[strings.LastIndexByte(name, '.')+1:]
		if !slices.Contains(a.Targets, name) {
			a.Targets = append(a.Targets, name)
		}
	}
	return a
}

func (r *modelReport) estimate(f *gguf.File, context int) {
	e, err := f.Estimate(context, 0)
	if err != nil {
		r.MemoryError = err.Error()
		return
	}
	r.Memory = &memoryReport{
		Context: e.Context, Batch: e.Batch, Weights: e.Weights(), KV: e.KV(), Compute: e.Compute,
		Total: e.Total(), Layer: e.LargestLayer(), Fixed: e.DeviceFixed(),
	}
}

func describeTokenizer(f *gguf.File) *tokenizerReport {
	tokens, ok := gguf.Lookup[[]string](f, "tokenizer.ggml.tokens")
	if !ok {
		return nil
	}
	merges, _ := gguf.Lookup[[]string](f, "tokenizer.ggml.merges")
	addBOS, _ := gguf.Lookup[bool](f, "tokenizer.ggml.add_bos_token")
	t := &tokenizerReport{
		Model: f.Text("tokenizer.ggml.model"), Pre: f.Text("tokenizer.ggml.pre"),
		Tokens: len(tokens), Merges: len(merges), AddBOS: addBOS, Special: map[string]string{},
	}
	kinds, _ := gguf.Lookup[[]int32](f, "tokenizer.ggml.token_type")
	for _, k := range kinds {
		if gguf.TokenKind(k) == gguf.TokenUnused {
			t.Unused++
		}
	}
	for _, role := range []string{"bos", "eos", "eot", "padding", "unknown"} {
		id, ok := f.Uint("tokenizer.ggml." + role + "_token_id")
		switch {
		case !ok:
		case id < uint64(len(tokens)):
			t.Special[role] = fmt.Sprintf("%s (%d)", tokens[id], id)
		default:
			t.Special[role] = fmt.Sprintf("not in the vocabulary (%d)", id)
		}
	}
	return t
}

// toolMarkers are texts in chat templates that belong to one way or another of writing
// tools and calls.
var toolMarkers = []string{
	"<|im_start|>", "<|start_header_id|>", "[INST]", "<start_of_turn>", "<|channel|>",
	"<tools>", "<tool_call>", "<tool_response>", "<function=", "<|python_tag|>", "<|eom_id|>",
	"[AVAILABLE_TOOLS]", "[TOOL_CALLS]", "<|tool_call|>", "<|tool_calls_section_begin|>",
	"<｜tool▁calls▁begin｜>", "<think>",
}

func describeTemplate(text string) *templateReport {
	if text == "" {
		return nil
	}
	t := &templateReport{Bytes: len(text), Dialect: chat.DetectDialect(text).String(), Markers: []string{}}
	for _, m := range toolMarkers {
		if strings.Contains(text, m) {
			t.Markers = append(t.Markers, m)
		}
	}
	return t
}

func (r *modelReport) print(out io.Writer) error {
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	row := func(label, format string, args ...any) {
		fmt.Fprintf(w, "%s\t%s\n", label, fmt.Sprintf(format, args...))
	}
	row(r.Kind, "%q, architecture %q, GGUF %d", r.Name, r.Architecture, r.Version)
	row("size", "%s, %d tensors, %s parameters", formatBytes(r.FileBytes), r.Tensors, formatCount(r.Parameters))
	for _, q := range r.Quants {
		row("  "+q.Type, "%s in %d tensors", formatBytes(q.Bytes), q.Tensors)
	}
	for _, k := range shapeKeys {
		if v, ok := r.Shape[k.label]; ok {
			row(strings.ReplaceAll(k.label, "_", " "), "%v", v)
		}
	}
	if t := r.Tokenizer; t != nil {
		row("tokenizer", "%s %s, %d tokens (%d unused), %d merges, add bos %v", t.Model, t.Pre, t.Tokens, t.Unused, t.Merges, t.AddBOS)
		for _, role := range slices.Sorted(maps.Keys(t.Special)) {
			row("  "+role, "%q", t.Special[role])
		}
	}
	if t := r.Template; t != nil {
		row("chat template", "%d bytes, dialect %s, markers: %s", t.Bytes, t.Dialect, strings.Join(t.Markers, " "))
	} else if r.Tokenizer != nil {
		row("chat template", "none")
	}
	if a := r.Adapter; a != nil {
		row("adapter type", "%s, rank %d, alpha %g, on %s", a.Type, a.Rank, a.Alpha, strings.Join(a.Targets, " "))
	}
	if m := r.Memory; m != nil {
		row("memory", "%s at %d tokens of context", formatBytes(m.Total), m.Context)
		row("  weights", "%s", formatBytes(m.Weights))
		row("  KV cache", "%s (F16)", formatBytes(m.KV))
		row("  compute", "about %s (batch %d)", formatBytes(m.Compute), m.Batch)
		row("  on a device", "%s for each layer, %s beside the layers", formatBytes(m.Layer), formatBytes(m.Fixed))
	} else if r.MemoryError != "" {
		row("memory", "unknown: %s", r.MemoryError)
	}
	return w.Flush()
}

// formatCount prints a number of parameters as model names do: 494.0M, 7.6B.
func formatCount(n int64) string {
	switch {
	case n >= 1e9:
		return fmt.Sprintf("%.1fB", float64(n)/1e9)
	case n >= 1e6:
		return fmt.Sprintf("%.1fM", float64(n)/1e6)
	}
	return fmt.Sprint(n)
}
