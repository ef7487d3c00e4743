package main

import (
	"errors"
	"fmt"

	"github.com/callama/callama/bench"
	"github.com/callama/callama/grammar/schema"
)

// benchSuiteCmd is "callama bench suite".
type benchSuiteCmd struct {
	Data        string `required:"" placeholder:"DIR" help:"Folder of the JSON-Schema-Test-Suite."`
	Draft       string `enum:"all,2020-12,2019-09,7,6,4" default:"all" help:"Draft of JSON Schema: ${enum}."`
	Optional    bool   `help:"Run the optional tests too."`
	Order       string `enum:"any,schema" default:"any" help:"Order of properties: ${enum}."`
	Spelling    string `enum:"any,canonical" default:"any" help:"Spelling of values that the grammar admits: ${enum}."`
	JSON        string `name:"json" placeholder:"FILE" help:"Write the report as JSON."`
	FailOnWrong bool   `help:"Fail if any test is accepted or rejected wrongly."`
}

// Run prints the report; a test that is refused with a reason is no failure.
func (c *benchSuiteCmd) Run(a *app) error {
	cfg := bench.SuiteConfig{Dir: c.Data, Optional: c.Optional}
	if c.Draft != "all" {
		cfg.Drafts = []string{"draft" + c.Draft}
	}
	if c.Order == "schema" {
		cfg.Schema.Order = schema.SchemaOrder
	}
	if c.Spelling == "any" {
		cfg.Schema.Spelling = schema.AnySpelling
	}
	if isTerminal(a.stderr) {
		bar := newBar(a.stderr, 1, "suite")
		cfg.Progress = func(done, total int) { bar.ChangeMax(total); bar.Set(done) }
		defer bar.Exit()
	}
	rep, runErr := bench.Suite(a.ctx, cfg)
	if rep == nil {
		return runErr
	}
	err := errors.Join(runErr, rep.Print(a.stdout))
	if c.JSON != "" {
		err = errors.Join(err, writeJSON(c.JSON, rep))
	}
	if n := rep.Failures(); err == nil && c.FailOnWrong && n > 0 {
		return fmt.Errorf("%d tests are accepted or rejected wrongly", n)
	}
	return err
}
