package main

import (
	"encoding/json"
	"fmt"

	"github.com/callama/callama/bench"
	"github.com/callama/callama/chat"
	"github.com/callama/callama/grammar"
	"github.com/callama/callama/sampler"
)

// benchCmd measures.
type benchCmd struct {
	Decode benchDecodeCmd `cmd:"" help:"Compare decoding under a tool grammar with free decoding."`
	Mask   benchMaskCmd   `cmd:"" help:"Measure token masks as MaskBench does."`
	Random benchRandomCmd `cmd:"" help:"Write instances at random; each must end in time and be valid."`
	Suite  benchSuiteCmd  `cmd:"" help:"Run the JSON-Schema-Test-Suite."`
}

// benchDecodeCmd compares the two loops on one model.
type benchDecodeCmd struct {
	modelFlags
	Tools  string  `placeholder:"FILE" required:"" help:"Tools whose grammar constrains the text."`
	Tokens int     `default:"128" help:"Tokens of a run."`
	Runs   int     `default:"5" help:"Pairs of runs, after one that warms up."`
	Temp   float64 `default:"0.8" help:"Temperature of both loops."`
	TopK   int     `name:"top-k" default:"40" help:"Top-k of both loops."`
	TopP   float64 `name:"top-p" default:"0.95" help:"Top-p of both loops."`
	Seed   uint64  `default:"1" help:"Seed of the first run."`
	Prompt string  `default:"Call the tools." help:"The question of the prompt."`
	JSON   bool    `name:"json" help:"Print the raw runs as JSON."`
}

func (c *benchDecodeCmd) Run(a *app) (err error) {
	data, err := readInput(a, c.Tools)
	if err != nil {
		return fmt.Errorf("tools: %w", err)
	}
	tools, err := chat.ParseTools(data)
	if err != nil {
		return fmt.Errorf("tools %s: %w", c.Tools, err)
	}
	m, closeModel, err := c.open(a)
	if err != nil {
		return err
	}
	defer func() {
		if e := closeModel(); err == nil {
			err = e
		}
	}()
	prompt, err := m.Prompt([]chat.Message{{Role: chat.User, Content: c.Prompt}}, tools)
	if err != nil {
		return err
	}
	progress := func(int, int) {}
	if isTerminal(a.stderr) {
		bar := newBar(a.stderr, c.Runs+1, "decoding")
		progress = func(done, _ int) { bar.Set(done) }
	}
	rep, err := bench.Decode(a.ctx, m.Engine(), bench.DecodeConfig{
		Prompt: prompt, Tokens: c.Tokens, Runs: c.Runs, Progress: progress,
		Sampling: sampler.Config{Temperature: c.Temp, TopK: c.TopK, TopP: c.TopP, Seed: c.Seed},
		Compile:  func() (*grammar.Compiled, error) { return m.CompileTools(tools, chat.Choice{Mode: chat.Required}, 0) },
	})
	if err != nil {
		return err
	}
	if c.JSON {
		enc := json.NewEncoder(a.stdout)
		enc.SetIndent("", "  ")
		return enc.Encode(rep)
	}
	return rep.Print(a.stdout)
}
