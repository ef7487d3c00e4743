package main

import (
	"errors"
	"fmt"

	"github.com/callama/callama/bench"
)

// benchRandomCmd is "callama bench random".
type benchRandomCmd struct {
	schemaFiles
	Budget int    `default:"256" placeholder:"N" help:"Most tokens of an instance."`
	Texts  int    `default:"1" placeholder:"N" help:"Instances for each schema."`
	Seed   uint64 `placeholder:"N" help:"Other instances."`
	JSON   string `name:"json" placeholder:"FILE" help:"Write the report as JSON."`
}

// Run writes until all files are done or an interrupt, and prints what there is. It fails if
// any instance is not valid.
func (c *benchRandomCmd) Run(a *app) error {
	if c.Budget < 1 || c.Texts < 1 {
		return errors.New("--budget and --texts must be positive")
	}
	cfg := bench.RandomConfig{Budget: c.Budget, Texts: c.Texts, Seed: c.Seed}
	var err error
	if cfg.Vocabulary, cfg.Files, cfg.Schema, err = c.read(); err != nil {
		return err
	}
	if isTerminal(a.stderr) {
		bar := newBar(a.stderr, len(cfg.Files), "schemas")
		cfg.Progress = func(done, _ int) { bar.Set(done) }
		defer bar.Exit()
	}
	rep, err := bench.Random(a.ctx, cfg)
	if rep == nil {
		return err
	}
	err = errors.Join(err, rep.Print(a.stdout))
	if c.JSON != "" {
		err = errors.Join(err, writeJSON(c.JSON, rep))
	}
	if n := len(rep.Faults); err == nil && n > 0 {
		return fmt.Errorf("%d of %d instances are faults", n, rep.Instances)
	}
	return err
}
