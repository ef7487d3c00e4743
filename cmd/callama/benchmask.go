package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"
	"time"

	"github.com/callama/callama/bench"
	"github.com/callama/callama/grammar/schema"
)

// schemaFiles are the flags of the commands that go through MaskBench's schemas.
type schemaFiles struct {
	Vocab      string `required:"" placeholder:"FILE" help:"Vocabulary: a model in GGUF format or a tokenizer.json."`
	Data       string `required:"" placeholder:"DIR" help:"Folder of tests in MaskBench's format."`
	Shard      string `default:"1/1" placeholder:"I/N" help:"Take every N-th file, from the I-th on."`
	Limit      int    `placeholder:"N" help:"Take only the first N files of those."`
	Order      string `enum:"any,schema" default:"any" help:"Order of properties: ${enum}."`
	Spelling   string `enum:"any,canonical" default:"any" help:"Spelling of values that the grammar admits: ${enum}."`
	Whitespace string `enum:"model,flexible" default:"model" help:"White space that the grammar admits: ${enum}."`
}

// read returns what the flags say.
func (f *schemaFiles) read() (v *bench.Vocabulary, files []string, o schema.Options, err error) {
	shard, shards, err := parseShard(f.Shard)
	if err != nil {
		return nil, nil, o, err
	}
	if files, err = bench.MaskFiles(f.Data, shard, shards); err != nil {
		return nil, nil, o, err
	}
	if f.Limit < 0 {
		return nil, nil, o, errors.New("--limit must not be negative")
	}
	if f.Limit > 0 {
		files = files[:min(f.Limit, len(files))]
	}
	o.Whitespace = schema.Model
	if f.Order == "schema" {
		o.Order = schema.SchemaOrder
	}
	if f.Spelling == "any" {
		o.Spelling = schema.AnySpelling
	}
	if f.Whitespace == "flexible" {
		o.Whitespace = schema.Flexible
	}
	v, err = bench.OpenVocabulary(f.Vocab)
	return v, files, o, err
}

// benchMaskCmd is "callama bench mask".
type benchMaskCmd struct {
	schemaFiles
	Timeout  time.Duration `default:"60s" help:"Time for one file."`
	Slowest  int           `default:"20" help:"How many of the slowest masks and compilations to list."`
	NoRepeat bool          `help:"Leave out the second pass, which measures masks seen before and counts allocations."`
	JSON     string        `name:"json" placeholder:"FILE" help:"Write the report as JSON."`
	CSV      string        `name:"csv" placeholder:"FILE" help:"Write one row for each file."`
	Plot     string        `placeholder:"FILE" help:"Draw the distributions (.png or .svg)."`
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
		f, err := createFile(c.CSV)
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
	if c.Timeout <= 0 || c.Slowest < 0 {
		return cfg, errors.New("--slowest must not be negative, --timeout must be positive")
	}
	if cfg.Vocabulary, cfg.Files, cfg.Schema, err = c.read(); err != nil {
		return cfg, err
	}
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
	f, err := createFile(path)
	if err != nil {
		return err
	}
	enc := json.NewEncoder(f)
	enc.SetEscapeHTML(false)
	enc.SetIndent("", "  ")
	return errors.Join(enc.Encode(v), f.Close())
}
