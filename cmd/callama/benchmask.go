package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"strconv"
	"strings"
	"time"

	"github.com/callama/callama/bench"
	"github.com/callama/callama/grammar"
	"github.com/callama/callama/grammar/schema"
)

// benchMaskCmd is "callama bench mask".
type benchMaskCmd struct {
	Vocab      string        `required:"" placeholder:"FILE" help:"Vocabulary: a model in GGUF format or a tokenizer.json."`
	Data       string        `required:"" placeholder:"DIR" help:"Folder of tests in MaskBench's format."`
	Shard      string        `default:"1/1" placeholder:"I/N" help:"Take every N-th file, from the I-th on."`
	Limit      int           `placeholder:"N" help:"Take only the first N files of those."`
	Order      string        `enum:"any,schema" default:"any" help:"Order of properties: ${enum}."`
	Spelling   string        `enum:"any,canonical" default:"any" help:"Spelling of values that the grammar admits: ${enum}."`
	Whitespace string        `enum:"model,flexible" default:"model" help:"White space that the grammar admits: ${enum}."`
	Timeout    time.Duration `default:"60s" help:"Time for one file."`
	Slowest    int           `default:"20" help:"How many of the slowest masks and compilations to list."`
	NoRepeat   bool          `help:"Leave out the second pass, which measures masks seen before and counts allocations."`
	JSON       string        `name:"json" placeholder:"FILE" help:"Write the report as JSON."`
	CSV        string        `name:"csv" placeholder:"FILE" help:"Write one row for each file."`
	Plot       string        `placeholder:"FILE" help:"Draw the distributions (.png or .svg)."`
}

// Run measures until all files are done or an interrupt, and prints what there is.
func (c *benchMaskCmd) Run(a *app) error {
	cfg, err := c.config()
	if err != nil {
		return err
	}
	if err := bench.CheckPlotName(c.Plot); err != nil {
		return err
	}
	if c.CSV != "" {
		f, err := os.Create(c.CSV)
		if err != nil {
			return err
		}
		defer f.Close() // each row was flushed, or its error ended the run
		rows, err := bench.NewRowWriter(f)
		if err != nil {
			return err
		}
		cfg.Row = rows.Write
	}
	if isTerminal(a.stderr) {
		bar := newBar(a.stderr, len(cfg.Files), "masks")
		cfg.Progress = func(done, _ int) { bar.Set(done) }
		defer bar.Exit()
	}
	rep, runErr := bench.Masks(a.ctx, cfg)
	if rep == nil {
		return runErr
	}
	return errors.Join(runErr, c.write(a.stdout, rep))
}

func (c *benchMaskCmd) config() (cfg bench.MaskConfig, err error) {
	shard, shards, err := parseShard(c.Shard)
	if err != nil {
		return cfg, err
	}
	if cfg.Files, err = bench.MaskFiles(c.Data, shard, shards); err != nil {
		return cfg, err
	}
	if c.Limit < 0 || c.Timeout <= 0 || c.Slowest < 0 {
		return cfg, errors.New("--limit and --slowest must not be negative, --timeout must be positive")
	}
	if c.Limit > 0 {
		cfg.Files = cfg.Files[:min(c.Limit, len(cfg.Files))]
	}
	if cfg.Vocabulary, err = bench.OpenVocabulary(c.Vocab); err != nil {
		return cfg, err
	}
	cfg.Schema = schema.Options{Whitespace: schema.Model}
	if c.Order == "schema" {
		cfg.Schema.Order = schema.SchemaOrder
	}
	if c.Spelling == "any" {
		cfg.Schema.Spelling = schema.AnySpelling
	}
	if c.Whitespace == "flexible" {
		cfg.Schema.Whitespace = schema.Flexible
	}
	cfg.Grammar = grammar.Limits{}
	cfg.Timeout, cfg.NoRepeat, cfg.Slowest = c.Timeout, c.NoRepeat, c.Slowest
	if c.Slowest == 0 {
		cfg.Slowest = -1
	}
	return cfg, nil
}

// write puts the report where it is wanted.
func (c *benchMaskCmd) write(stdout io.Writer, rep *bench.MaskReport) error {
	err := rep.Print(stdout)
	if c.JSON != "" {
		err = errors.Join(err, writeJSON(c.JSON, rep))
	}
	if c.Plot != "" && rep.All.TBM.N() > 0 {
		err = errors.Join(err, rep.Plot(c.Plot))
	}
	return err
}

// parseShard reads i/n.
func parseShard(s string) (shard, shards int, err error) {
	i, n, ok := strings.Cut(s, "/")
	shard, err1 := strconv.Atoi(i)
	shards, err2 := strconv.Atoi(n)
	if !ok || err1 != nil || err2 != nil {
		return 0, 0, fmt.Errorf("--shard %q: want I/N, such as 1/4", s)
	}
	return shard, shards, nil
}

// writeJSON writes v to a file, indented.
func writeJSON(path string, v any) error {
	f, err := os.Create(path)
	if err != nil {
		return err
	}
	enc := json.NewEncoder(f)
	enc.SetEscapeHTML(false)
	enc.SetIndent("", "  ")
	return errors.Join(enc.Encode(v), f.Close())
}
