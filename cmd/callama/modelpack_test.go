package main

import (
	"bytes"
	"encoding/binary"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/callama/callama/gguf"
)

// trainedFiles writes what a trainer leaves, all weights zero: config.json, model.safetensors,
// tokenizer.json, adapter_config.json and adapter_model.safetensors.
func trainedFiles(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	write := func(name string, data []byte) {
		if err := os.WriteFile(filepath.Join(dir, name), data, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	asJSON := func(v any) []byte {
		out, err := json.Marshal(v)
		if err != nil {
			t.Fatal(err)
		}
		return out
	}
	weights := func(shapes map[string][]int) []byte {
		header, at := map[string]any{}, 0
		for name, shape := range shapes {
			size := 4
			for _, n := range shape {
				size *= n
			}
			header[name] = map[string]any{"dtype": "F32", "shape": shape, "data_offsets": []int{at, at + size}}
			at += size
		}
		text := asJSON(header)
		return append(append(binary.LittleEndian.AppendUint64(nil, uint64(len(text))), text...), make([]byte, at)...)
	}
	write("config.json", asJSON(map[string]any{
		"model_type": "qwen2", "hidden_size": 32, "num_hidden_layers": 1, "num_attention_heads": 1, "num_key_value_heads": 1,
		"intermediate_size": 64, "vocab_size": 64, "max_position_embeddings": 128, "rope_theta": 10000, "rms_norm_eps": 1e-6,
		"hidden_act": "silu", "tie_word_embeddings": true,
	}))
	const p = "model.layers.0."
	write("model.safetensors", weights(map[string][]int{
		"model.embed_tokens.weight": {64, 32}, "model.norm.weight": {32},
		p + "input_layernorm.weight": {32}, p + "post_attention_layernorm.weight": {32},
		p + "self_attn.q_proj.weight": {32, 32}, p + "self_attn.k_proj.weight": {32, 32}, p + "self_attn.v_proj.weight": {32, 32},
		p + "self_attn.q_proj.bias": {32}, p + "self_attn.k_proj.bias": {32}, p + "self_attn.v_proj.bias": {32},
		p + "self_attn.o_proj.weight": {32, 32}, p + "mlp.gate_proj.weight": {64, 32}, p + "mlp.up_proj.weight": {64, 32},
		p + "mlp.down_proj.weight": {32, 64},
	}))
	write("tokenizer.json", []byte(`{"added_tokens": [{"id": 2, "content": "<|im_end|>", "special": true}],
		"model": {"type": "BPE", "vocab": {"a": 0, "b": 1}, "merges": []}}`))
	write("tokenizer_config.json", []byte(`{"chat_template": "{{ messages[0].content }}"}`))
	write("adapter_config.json", []byte(`{"peft_type": "LORA", "r": 2, "lora_alpha": 4}`))
	write("adapter_model.safetensors", weights(map[string][]int{
		"base_model.model." + p + "mlp.up_proj.lora_A.weight": {2, 32}, "base_model.model." + p + "mlp.up_proj.lora_B.weight": {64, 2},
	}))
	return dir
}

func TestModelAndAdapterPack(t *testing.T) {
	dir := trainedFiles(t)
	in := func(name string) string { return filepath.Join(dir, name) }
	var out, stderr bytes.Buffer
	callama := func(args ...string) int {
		out.Reset()
		stderr.Reset()
		return run(args, strings.NewReader(""), &out, &stderr)
	}
	pack := []string{"model", "pack", "--config", in("config.json"), "--weights", in("model.safetensors"), "--name", "demo", "-o", in("m.gguf")}
	if code := callama(append(pack, "--tokenizer", dir)...); code != exitFailed || !strings.Contains(stderr.String(), "pre-tokenizer") {
		t.Errorf("a tokenizer without a known pattern: exit %d, %s", code, &stderr)
	}
	tokenizer, err := os.ReadFile(in("tokenizer.json"))
	if err != nil {
		t.Fatal(err)
	}
	const pre = `"pre_tokenizer": {"type": "ByteLevel", "add_prefix_space": false, "use_regex": true}, `
	whole := strings.Replace(string(tokenizer), `"model":`, pre+`"model":`, 1)
	if err := os.WriteFile(in("tokenizer.json"), []byte(whole), 0o600); err != nil {
		t.Fatal(err)
	}
	if code := callama(append(pack, "--tokenizer", dir)...); code != 0 || !strings.HasPrefix(out.String(), in("m.gguf")+": ") {
		t.Fatalf("exit %d, %s%s", code, &out, &stderr)
	}
	f, err := gguf.Open(in("m.gguf"))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if f.Text("general.name") != "demo" || f.Text(gguf.KeyChatTemplate) != "{{ messages[0].content }}" || f.Tensors[0].Type != gguf.Q8_0 {
		t.Errorf("the file holds %v", f.Metadata)
	}
	adapter := []string{"adapter", "pack", "--config", in("adapter_config.json"), "--weights", in("adapter_model.safetensors"), "-o", in("a.gguf")}
	if code := callama(append(adapter, "--base", in("m.gguf"))...); code != 0 || !strings.HasPrefix(out.String(), in("a.gguf")+": ") {
		t.Fatalf("exit %d, %s%s", code, &out, &stderr)
	}
	if code := callama(append(adapter, "--base", in("a.gguf"))...); code != exitFailed || !strings.Contains(stderr.String(), "0 of the adapter's 2") {
		t.Errorf("an adapter as base: exit %d, %s", code, &stderr)
	}
}
