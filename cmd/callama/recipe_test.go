//go:build cgo

package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/callama/callama/engine/llama"
	"github.com/callama/callama/engine/runtimes"
)

// python is the interpreter that the recipe uses: Debian's, which has Debian's PyTorch.
const python = "/usr/bin/python3"

// needTraining skips where the recipe cannot run.
func needTraining(t *testing.T) {
	t.Helper()
	if testing.Short() {
		t.Skip("-short: training takes a minute")
	}
	if out, err := exec.Command(python, "-c", "import torch, numpy").CombinedOutput(); err != nil {
		t.Skipf("no PyTorch (make model-deps installs it): %v %s", err, out)
	}
}

func TestTrainer(t *testing.T) {
	needTraining(t)
	out, err := exec.Command(python, "-m", "unittest", "discover", "-s", filepath.Join("..", "..", "train")).CombinedOutput()
	if err != nil {
		t.Errorf("%v\n%s", err, out)
	}
}

// TestRecipe runs 'make model-smoke' and compares what PyTorch and llama.cpp compute with its
// results, without and with the adapter.
func TestRecipe(t *testing.T) {
	needTraining(t)
	found, err := runtimes.Find("")
	if errors.Is(err, runtimes.ErrNotFound) {
		t.Skip("no llama.cpp runtime: set CALLAMA_RUNTIME or install one")
	}
	if err != nil {
		t.Fatal(err)
	}
	out := filepath.Join(t.TempDir(), "smoke")
	if text, err := exec.Command("make", "-C", filepath.Join("..", ".."), "model-smoke", "OUT="+out).CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, text)
	}
	lib, err := llama.Load(found.Library, llama.LoadOptions{})
	if err != nil {
		t.Fatal(err)
	}
	exact := filepath.Join(out, "f32.gguf")
	var stdout, stderr strings.Builder
	code := run([]string{"model", "pack", "--config", filepath.Join(out, "model", "config.json"), "--weights", filepath.Join(out, "model", "model.safetensors"),
		"--tokenizer", filepath.Join(out, "tokenizer"), "--quant", "f32", "-o", exact}, strings.NewReader(""), &stdout, &stderr)
	if code != 0 {
		t.Fatal(stderr.String())
	}
	ids := []int32{5, 77, 300, 12, 5, 77}
	for _, tc := range []struct {
		name, file, adapter string
		quantized           bool
		tolerance           float64 // of the largest logit
	}{
		{"F32", exact, "", false, 4e-3},                                         // llama.cpp keeps keys and values in F16, whose numbers have 11 bits
		{"Q4_0", filepath.Join(out, "demo.gguf"), "", true, 5e-2},               // it multiplies by Q8_0
		{"adapter", exact, filepath.Join(out, "plain-array.gguf"), false, 3e-3}, // the adapter is F16
	} {
		want := torchLogits(t, out, tc.adapter != "", tc.quantized, ids)
		got := llamaLogits(t, lib, tc.file, tc.adapter, ids)
		worst, largest := 0.0, 0.0
		for i, w := range want {
			worst, largest = max(worst, math.Abs(w-float64(got[i]))), max(largest, math.Abs(w))
		}
		if len(got) != len(want) || !(worst <= tc.tolerance*largest) {
			t.Errorf("%s: %d logits for %d, off by up to %.2g of %.2g", tc.name, len(got), len(want), worst, largest)
		}
	}
	base := llamaLogits(t, lib, exact, "", ids)
	changed, sum := llamaLogits(t, lib, exact, filepath.Join(out, "plain-array.gguf"), ids), 0.0
	for i := range base {
		sum += math.Abs(float64(base[i] - changed[i]))
	}
	if sum == 0 {
		t.Error("the adapter changes nothing")
	}
}

// torchLogits computes the logits after ids with the trainer's own code, in float32.
func torchLogits(t *testing.T, out string, adapter, quantized bool, ids []int32) []float64 {
	t.Helper()
	script := fmt.Sprintf(`
import json, os, sys
sys.path.insert(0, %q)
import torch, train as T
T.COMPUTE = torch.float32
out = %q
shape, values = T.read_model(os.path.join(out, "model"))
lora = None
if %d:
    folder = os.path.join(out, "adapter")
    config = json.load(open(os.path.join(folder, "adapter_config.json")))
    lora = T.LoRA(shape, config["r"], config["lora_alpha"], 0)
    for name, v in T.read_safetensors(os.path.join(folder, "adapter_model.safetensors")).items():
        lora.values[name.removeprefix("base_model.model.").removesuffix(".weight")].copy_(v)
params = T.Parameters(shape, values, lora)
params.quantized = bool(%d)
w = params.compute(False)
ids = torch.tensor([[%s]])
h = T.forward(T.TorchOps, shape, w, ids, T.angles(shape, ids.shape[1]))
print(json.dumps((h[-1] @ w["embed"].t()).tolist()))
`, filepath.Join("..", "..", "train"), out, map[bool]int{true: 1}[adapter], map[bool]int{true: 1}[quantized], strings.Trim(strings.ReplaceAll(fmt.Sprint(ids), " ", ","), "[]"))
	text, err := exec.Command(python, "-c", script).Output()
	if err != nil {
		t.Fatalf("%v\n%s", err, err.(*exec.ExitError).Stderr)
	}
	var logits []float64
	if err := json.Unmarshal(text, &logits); err != nil {
		t.Fatal(err)
	}
	return logits
}

func llamaLogits(t *testing.T, lib *llama.Library, file, adapter string, ids []int32) []float32 {
	t.Helper()
	if _, err := os.Stat(file); err != nil {
		t.Fatal(err)
	}
	model, err := lib.LoadModel(file, llama.ModelParams{})
	if err != nil {
		t.Fatal(err)
	}
	defer model.Close()
	ctx, err := model.NewContext(llama.ContextParams{NCtx: 256, NBatch: 64, Threads: 1})
	if err != nil {
		t.Fatal(err)
	}
	defer ctx.Close()
	if adapter != "" {
		loaded, err := model.LoadAdapter(adapter)
		if err != nil {
			t.Fatal(err)
		}
		defer loaded.Close()
		if err := ctx.SetAdapters([]*llama.Adapter{loaded}, []float32{1}); err != nil {
			t.Fatal(err)
		}
	}
	batch, err := llama.NewBatch(64)
	if err != nil {
		t.Fatal(err)
	}
	defer batch.Close()
	for i, id := range ids {
		if err := batch.Add(id, i, 0, i == len(ids)-1); err != nil {
			t.Fatal(err)
		}
	}
	if err := ctx.Decode(batch); err != nil {
		t.Fatal(err)
	}
	row, err := ctx.Logits(batch.Len() - 1)
	if err != nil {
		t.Fatal(err)
	}
	return append([]float32(nil), row...)
}
