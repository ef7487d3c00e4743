package main

import (
	"fmt"
	"io"
	"os"
	"path/filepath"

	"github.com/callama/callama/gguf"
)

// maxConfigBytes bounds config.json and adapter_config.json, in bytes; published ones have 1 to 50 KiB.
const maxConfigBytes = 1 << 20

// packCmd is "callama model pack".
type packCmd struct {
	Config      string `required:"" type:"existingfile" placeholder:"config.json" help:"The model's configuration, of a Qwen2ForCausalLM."`
	Weights     string `required:"" type:"existingfile" placeholder:"model.safetensors" help:"The parameters under Hugging Face's names."`
	Tokenizer   string `required:"" type:"path" placeholder:"DIR" help:"tokenizer.json, or a folder that holds it; tokenizer_config.json beside it gives the chat template."`
	Quant       string `default:"q8_0" enum:"f32,f16,bf16,q8_0,q4_0" help:"Type of the matrices: ${enum}."`
	Pure        bool   `help:"With q4_0: the output matrix too, which is q8_0 otherwise. For models that were trained so."`
	Name        string `help:"The model's name, for general.name."`
	Description string `help:"What it is, for general.description."`
	License     string `help:"Its licence, for general.license."`
	Output      string `short:"o" required:"" type:"path" placeholder:"FILE" help:"File to write."`
}

// Run writes the file; interrupted, it leaves nothing behind.
func (c *packCmd) Run(a *app) error {
	quant, err := gguf.ParseType(c.Quant)
	if err != nil {
		return err
	}
	config, err := readConfig(c.Config)
	if err != nil {
		return err
	}
	path := c.Tokenizer
	if info, err := os.Stat(path); err == nil && info.IsDir() {
		path = filepath.Join(path, "tokenizer.json")
	}
	tokenizer, err := gguf.ReadTokenizer(path)
	if err != nil {
		return err
	}
	weights, err := gguf.OpenSafetensors(c.Weights)
	if err != nil {
		return err
	}
	defer weights.Close()
	err = gguf.PackFile(a.ctx, c.Output, gguf.PackConfig{
		Config: config, Weights: weights, Tokenizer: tokenizer, Quant: quant, Pure: c.Pure,
		Name: c.Name, Description: c.Description, License: c.License,
		Progress: a.byteProgress("writing " + c.Output),
	})
	if err != nil {
		return err
	}
	return a.printSize(c.Output)
}

// adapterCmd holds the commands about adapters.
type adapterCmd struct {
	Pack adapterPackCmd `cmd:"" help:"Write a trained LoRA adapter as GGUF."`
}

// adapterPackCmd is "callama adapter pack".
type adapterPackCmd struct {
	Config      string `required:"" type:"existingfile" placeholder:"adapter_config.json" help:"The adapter's configuration, as the PEFT library writes it."`
	Weights     string `required:"" type:"existingfile" placeholder:"adapter_model.safetensors" help:"Its matrices."`
	Base        string `required:"" type:"existingfile" placeholder:"FILE.gguf" help:"GGUF file of the model that it was trained for."`
	Quant       string `default:"f16" enum:"f32,f16,bf16" help:"Type of the matrices: ${enum}."`
	Name        string `help:"The adapter's name, for general.name."`
	Description string `help:"What it is, for general.description."`
	Output      string `short:"o" required:"" type:"path" placeholder:"FILE" help:"File to write."`
}

// Run writes the file; interrupted, it leaves nothing behind.
func (c *adapterPackCmd) Run(a *app) error {
	quant, err := gguf.ParseType(c.Quant)
	if err != nil {
		return err
	}
	config, err := readConfig(c.Config)
	if err != nil {
		return err
	}
	weights, err := gguf.OpenSafetensors(c.Weights)
	if err != nil {
		return err
	}
	defer weights.Close()
	base, err := gguf.Open(c.Base)
	if err != nil {
		return fmt.Errorf("%s: %w", c.Base, err)
	}
	defer base.Close()
	err = gguf.PackAdapterFile(a.ctx, c.Output, gguf.AdapterPackConfig{
		Config: config, Weights: weights, Base: base, Quant: quant, Name: c.Name, Description: c.Description,
	})
	if err != nil {
		return err
	}
	return a.printSize(c.Output)
}

func readConfig(path string) ([]byte, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	data, err := io.ReadAll(io.LimitReader(f, maxConfigBytes+1))
	if err == nil && len(data) > maxConfigBytes {
		err = fmt.Errorf("%s is larger than %d bytes", path, maxConfigBytes)
	}
	return data, err
}

// printSize says what was written.
func (a *app) printSize(path string) error {
	info, err := os.Stat(path)
	if err != nil {
		return err
	}
	_, err = fmt.Fprintf(a.stdout, "%s: %s\n", path, formatBytes(info.Size()))
	return err
}
