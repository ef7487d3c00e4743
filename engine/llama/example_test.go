package llama_test

import (
	"fmt"
	"log"
	"os"
	"slices"

	"github.com/callama/callama/engine/llama"
)

// Example decodes a prompt and prints the model's favourite next token. It needs a llama.cpp
// library and a model: LIBLLAMA and MODEL name their files.
func Example() {
	lib, err := llama.Load(os.Getenv("LIBLLAMA"), llama.LoadOptions{})
	if err != nil {
		log.Fatal(err)
	}
	model, err := lib.LoadModel(os.Getenv("MODEL"), llama.ModelParams{GPULayers: -1})
	if err != nil {
		log.Fatal(err)
	}
	defer model.Close()
	tokens, err := model.Tokenize("The capital of France is", true, false)
	if err != nil {
		log.Fatal(err)
	}

	ctx, err := model.NewContext(llama.ContextParams{NCtx: 512})
	if err != nil {
		log.Fatal(err)
	}
	defer ctx.Close()
	batch, err := llama.NewBatch(ctx.NBatch())
	if err != nil {
		log.Fatal(err)
	}
	defer batch.Close()
	for i, token := range tokens {
		if err := batch.Add(token, i, 0, i == len(tokens)-1); err != nil {
			log.Fatal(err)
		}
	}
	if err := ctx.Decode(batch); err != nil {
		log.Fatal(err)
	}
	logits, err := ctx.Logits(batch.Len() - 1)
	if err != nil {
		log.Fatal(err)
	}
	best := slices.Index(logits, slices.Max(logits))
	fmt.Printf("%q\n", model.TokenBytes(int32(best)))
}
