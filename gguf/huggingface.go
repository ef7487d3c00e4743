package gguf

import (
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"strings"
)

// The widest figures that a config.json may have, far above any model's: they keep products of two
// in an int64 and lists of layers short.
const (
	maxLayers = 4096    // layers
	maxWidth  = 1 << 24 // elements of a row, heads, tokens of context
)

// modelConfig is what is used of the config.json of a Qwen2ForCausalLM.
type modelConfig struct {
	ModelType     string          `json:"model_type"`
	Vocab         int             `json:"vocab_size"`
	Hidden        int             `json:"hidden_size"`
	Layers        int             `json:"num_hidden_layers"`
	Heads         int             `json:"num_attention_heads"`
	KVHeads       int             `json:"num_key_value_heads"`
	HeadDim       int             `json:"head_dim"`
	Intermediate  int             `json:"intermediate_size"`
	Context       int             `json:"max_position_embeddings"`
	RopeTheta     float64         `json:"rope_theta"`
	RopeScaling   json.RawMessage `json:"rope_scaling"`
	Epsilon       float64         `json:"rms_norm_eps"`
	Activation    string          `json:"hidden_act"`
	Tied          bool            `json:"tie_word_embeddings"`
	SlidingWindow bool            `json:"use_sliding_window"`
}

// parseModelConfig reads a config.json and refuses what this package cannot write: another
// architecture than qwen2, scaled rotary embeddings, a sliding window.
func parseModelConfig(data []byte) (shape, int, error) {
	var c modelConfig
	if err := json.Unmarshal(data, &c); err != nil {
		return shape{}, 0, err
	}
	if c.ModelType != "qwen2" {
		return shape{}, 0, fmt.Errorf("model_type %q, only qwen2 can be packed", c.ModelType)
	}
	if c.KVHeads == 0 {
		c.KVHeads = c.Heads
	}
	for _, field := range []struct {
		name   string
		v, max int
	}{
		{"vocab_size", c.Vocab, maxVocabulary}, {"hidden_size", c.Hidden, maxWidth}, {"num_hidden_layers", c.Layers, maxLayers},
		{"num_attention_heads", c.Heads, maxWidth}, {"num_key_value_heads", c.KVHeads, maxWidth},
		{"intermediate_size", c.Intermediate, maxWidth}, {"max_position_embeddings", c.Context, maxWidth},
	} {
		if field.v < 1 || field.v > field.max {
			return shape{}, 0, fmt.Errorf("%s is %d, want 1 to %d", field.name, field.v, field.max)
		}
	}
	if c.HeadDim == 0 {
		c.HeadDim = c.Hidden / c.Heads
	}
	switch {
	case c.Hidden%c.Heads != 0 || c.HeadDim != c.Hidden/c.Heads || c.HeadDim%2 != 0:
		return shape{}, 0, fmt.Errorf("hidden_size %d is no even head_dim times %d heads", c.Hidden, c.Heads)
	case c.Heads%c.KVHeads != 0:
		return shape{}, 0, fmt.Errorf("%d heads for %d key-value heads", c.Heads, c.KVHeads)
	case !(c.RopeTheta > 0) || c.RopeTheta > math.MaxFloat32 || !(c.Epsilon > 0) || c.Epsilon > 1:
		return shape{}, 0, fmt.Errorf("rope_theta %v or rms_norm_eps %v is out of range", c.RopeTheta, c.Epsilon)
	case len(c.RopeScaling) > 0 && string(c.RopeScaling) != "null":
		return shape{}, 0, errors.New("rope_scaling is not supported")
	case c.SlidingWindow:
		return shape{}, 0, errors.New("use_sliding_window is not supported")
	case c.Activation != "silu":
		return shape{}, 0, fmt.Errorf("hidden_act %q, want silu", c.Activation)
	}
	return shape{
		name: "qwen2", arch: "qwen2", layers: c.Layers, embedding: c.Hidden, heads: c.Heads, kvHeads: c.KVHeads,
		headDim: c.HeadDim, ffn: c.Intermediate, context: c.Context, rope: float32(c.RopeTheta),
		epsilon: float32(c.Epsilon), tied: c.Tied,
	}, c.Vocab, nil
}

// layerParts are Hugging Face's names of the parts of a layer, by llama.cpp's.
var layerParts = map[string]string{
	"attn_norm": "input_layernorm", "attn_q": "self_attn.q_proj", "attn_k": "self_attn.k_proj",
	"attn_v": "self_attn.v_proj", "attn_output": "self_attn.o_proj", "ffn_norm": "post_attention_layernorm",
	"ffn_gate": "mlp.gate_proj", "ffn_up": "mlp.up_proj", "ffn_down": "mlp.down_proj",
}

// publishedName returns Hugging Face's name of a tensor that shape.plan lists.
func publishedName(name string) string {
	switch name {
	case "token_embd.weight":
		return "model.embed_tokens.weight"
	case "output_norm.weight":
		return "model.norm.weight"
	case "output.weight":
		return "lm_head.weight"
	}
	parts := strings.Split(name, ".") // blk.N.PART.weight or .bias
	return "model.layers." + parts[1] + "." + layerParts[parts[2]] + "." + parts[3]
}
