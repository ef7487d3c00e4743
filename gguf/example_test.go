package gguf_test

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"log"

	"github.com/callama/callama/gguf"
)

// A synthetic model in memory, and what a reader sees of it.
func Example() {
	var buf bytes.Buffer
	config := gguf.SynthConfig{Shape: "tiny", Quant: gguf.Q8_0, Seed: 1}
	if err := gguf.Synthesize(context.Background(), &buf, config); err != nil {
		log.Fatal(err)
	}
	f, err := gguf.Read(bytes.NewReader(buf.Bytes()), int64(buf.Len()))
	if err != nil {
		log.Fatal(err)
	}
	embedding, _ := f.Tensor("token_embd.weight")
	fmt.Println(f.Text(gguf.KeyArchitecture), len(f.Tensors), embedding.Type, embedding.Shape)
	estimate, err := f.Estimate(1000, 0)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(estimate.Context, estimate.KV())
	// Output:
	// qwen2 26 Q8_0 [64 832]
	// 1024 262144
}

// A file of one's own: metadata first, then tensors in the order of AddTensor.
func ExampleWriter() {
	var buf bytes.Buffer
	w := gguf.NewWriter(&buf)
	w.Set("general.name", "example")
	w.AddTensor("weights", gguf.F16, 2, 2)
	err := w.WriteTensor("weights", func(out io.Writer) error {
		data, err := gguf.Quantize(nil, gguf.F16, []float32{1, 2, 3, 4})
		if err != nil {
			return err
		}
		_, err = out.Write(data)
		return err
	})
	if err != nil {
		log.Fatal(err)
	}
	if err := w.Close(); err != nil {
		log.Fatal(err)
	}
	f, err := gguf.Read(bytes.NewReader(buf.Bytes()), int64(buf.Len()))
	if err != nil {
		log.Fatal(err)
	}
	values, err := f.Floats("weights")
	fmt.Println(f.Text("general.name"), values, err)
	// Output: example [1 2 3 4] <nil>
}
