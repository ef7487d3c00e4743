package main

import (
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/callama/callama/bench"
)

// evalCmd is "callama eval".
type evalCmd struct {
	modelFlags
	Data      string   `required:"" placeholder:"FILE|DIR" help:"Questions: files of BFCL (with the folder possible_answer beside them), or conversations in ShareGPT's form."`
	NoGrammar bool     `name:"no-grammar" xor:"mode" help:"Generate freely, without masks."`
	Compare   bool     `xor:"mode" help:"Answer each question twice, with the grammar and without."`
	Category  []string `placeholder:"NAME" help:"Take only these categories; may be repeated."`
	Lang      string   `placeholder:"en|zh" help:"Take only questions in this language."`
	Limit     int      `placeholder:"N" help:"Take only the first N questions of each category and language."`
	MaxTokens int      `name:"max-tokens" default:"${evalTokens}" help:"Most tokens of a reply."`
	Wrong     int      `placeholder:"N" help:"Show the first N replies that are wrong, and why."`
	JSON      string   `name:"json" placeholder:"FILE" help:"Write the report with all replies as JSON."`
	CSV       string   `name:"csv" placeholder:"FILE" help:"Write one row for each reply."`
	Plot      string   `placeholder:"FILE" help:"Draw the accuracy of the categories (.png or .svg)."`
}

// Run judges until all questions are done or an interrupt, and prints what there is.
func (c *evalCmd) Run(a *app) (err error) {
	if err := bench.CheckPlotName(c.Plot); err != nil {
		return err
	}
	if c.Limit < 0 || c.Wrong < 0 || c.MaxTokens < 1 {
		return errors.New("--limit and --wrong must not be negative, --max-tokens must be positive")
	}
	items, err := bench.EvalItems(c.Data)
	if err != nil {
		return err
	}
	if items, err = c.choose(items); err != nil {
		return err
	}
	m, closeModel, err := c.open(a)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, closeModel()) }()
	cfg := bench.EvalConfig{Items: items, Modes: []bench.EvalMode{bench.EvalGrammar}, MaxTokens: c.MaxTokens}
	switch {
	case c.Compare:
		cfg.Modes = append(cfg.Modes, bench.EvalFree)
	case c.NoGrammar:
		cfg.Modes[0] = bench.EvalFree
	}
	if isTerminal(a.stderr) {
		bar := newBar(a.stderr, len(items), "questions")
		cfg.Progress = func(done, _ int) { bar.Set(done) }
		defer bar.Exit()
	}
	rep, runErr := bench.Evaluate(a.ctx, m, cfg)
	if rep == nil {
		return runErr
	}
	rep.Adapters = c.Adapter
	return errors.Join(runErr, c.write(a.stdout, rep))
}

// choose returns the items that the flags ask for.
func (c *evalCmd) choose(items []bench.EvalItem) ([]bench.EvalItem, error) {
	var known []string
	type group struct{ category, lang string }
	count := make(map[group]int)
	var out []bench.EvalItem
	for _, item := range items {
		if !slices.Contains(known, item.Category) {
			known = append(known, item.Category)
		}
		g := group{item.Category, item.Lang}
		if len(c.Category) > 0 && !slices.Contains(c.Category, item.Category) || c.Lang != "" && c.Lang != item.Lang ||
			c.Limit > 0 && count[g] == c.Limit {
			continue
		}
		count[g]++
		out = append(out, item)
	}
	for _, name := range c.Category {
		if !slices.Contains(known, name) {
			slices.Sort(known)
			return nil, fmt.Errorf("--category: there is no %q in the data, only %s", name, strings.Join(known, ", "))
		}
	}
	if len(out) == 0 {
		return nil, fmt.Errorf("no questions in %s are in language %q", c.Data, c.Lang)
	}
	return out, nil
}

// write puts the report where it is wanted. Nothing is drawn of nothing.
func (c *evalCmd) write(stdout io.Writer, rep *bench.EvalReport) error {
	err := errors.Join(rep.Print(stdout), rep.PrintWrong(stdout, c.Wrong))
	if c.JSON != "" {
		err = errors.Join(err, writeJSON(c.JSON, rep))
	}
	if c.CSV != "" {
		f, e := createFile(c.CSV)
		if e == nil {
			e = errors.Join(rep.WriteCSV(f), f.Close())
		}
		err = errors.Join(err, e)
	}
	if c.Plot != "" && len(rep.Rows) > 0 {
		err = errors.Join(err, rep.Plot(c.Plot))
	}
	return err
}
