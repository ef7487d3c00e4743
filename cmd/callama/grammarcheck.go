package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"path/filepath"
	"strings"

	"github.com/callama/callama/chat"
	"github.com/callama/callama/grammar/gbnf"
	"github.com/callama/callama/grammar/schema"
	"github.com/callama/callama/internal/ojson"
)

// grammarCheckCmd is "callama grammar check".
type grammarCheckCmd struct {
	Files []string `arg:"" placeholder:"FILE" help:"Files with tools, a JSON Schema or GBNF; their kind is told by name and content. - reads standard input."`
	As    string   `enum:"auto,tools,schema,gbnf" default:"auto" help:"Read all files as this kind: ${enum}."`
	Root  string   `default:"root" help:"Start rule of GBNF files."`
	JSON  bool     `name:"json" help:"Print a JSON array with one report for each file."`
	grammarFlags
}

// checkReport is what check says about one file.
type checkReport struct {
	File   string       `json:"file"`
	Kind   sourceKind   `json:"kind,omitempty"`
	OK     bool         `json:"ok"`
	Rules  int          `json:"rules,omitempty"`
	Tools  int          `json:"tools,omitempty"`
	Notes  []string     `json:"notes,omitempty"`
	Errors []checkFault `json:"errors,omitempty"`
	// Dropped is what --lenient left out.
	Dropped []checkFault `json:"dropped,omitempty"`
}

// checkFault is one reason why a file cannot be enforced, and where it is.
type checkFault struct {
	Message string `json:"message"`
	Line    int    `json:"line,omitempty"`   // GBNF: from 1
	Column  int    `json:"column,omitempty"` // GBNF: in code points, from 1
	Offset  *int   `json:"offset,omitempty"` // GBNF: in bytes, from 0
	Tool    string `json:"tool,omitempty"`
	Pointer string `json:"pointer,omitempty"` // JSON Pointer into the schema, or into the tools
	Keyword string `json:"keyword,omitempty"`
}

// Run checks all files and fails if any of them cannot be enforced.
func (c *grammarCheckCmd) Run(a *app) error {
	reports := make([]checkReport, 0, len(c.Files))
	failed := 0
	for _, path := range c.Files {
		if err := a.ctx.Err(); err != nil {
			return err
		}
		report := c.check(a, path)
		if !report.OK {
			failed++
		}
		reports = append(reports, report)
		if !c.JSON {
			report.print(a)
		}
	}
	if c.JSON {
		enc := json.NewEncoder(a.stdout)
		enc.SetEscapeHTML(false)
		enc.SetIndent("", "  ")
		if err := enc.Encode(reports); err != nil {
			return err
		}
	}
	if failed > 0 {
		return fmt.Errorf("%d of %d files failed", failed, len(reports))
	}
	return nil
}

func (c *grammarCheckCmd) check(a *app, path string) checkReport {
	report := checkReport{File: path}
	data, err := readInput(a, path)
	if err != nil {
		report.Errors = []checkFault{{Message: err.Error()}}
		return report
	}
	report.Kind = sourceKind(c.As)
	if c.As == "auto" {
		report.Kind = kindOf(path, data)
	}
	input := source{kind: report.Kind, path: path, root: c.Root}
	out := input.compile(data, c.grammarFlags)
	report.Tools = out.tools
	for _, err := range out.errs {
		report.Errors = append(report.Errors, faultOf(err))
	}
	if len(out.errs) > 0 {
		return report
	}
	report.OK = true
	report.Rules = len(out.grammar.Rules)
	for _, d := range out.dropped {
		report.Dropped = append(report.Dropped, faultOf(d))
	}
	if report.Kind == gbnfSource {
		report.Notes = grammarNotes(out.grammar)
	}
	return report
}

// kindOf tells tools, schemas and GBNF apart: by the file's name, then by its content.
func kindOf(path string, data []byte) sourceKind {
	switch strings.ToLower(filepath.Ext(path)) {
	case ".gbnf", ".ebnf", ".bnf":
		return gbnfSource
	case ".json":
	default:
		if first := bytes.TrimLeft(data, " \t\r\n\uFEFF"); len(first) == 0 || !strings.ContainsAny(string(first[:1]), `{["`) {
			return gbnfSource
		}
	}
	doc, err := ojson.Parse(data)
	if err != nil {
		return schemaSource // whose compiler reports what is wrong with the JSON
	}
	switch doc.Kind {
	case ojson.Array, ojson.String:
		return toolsSource
	}
	for _, mark := range []string{"tools", "function", "parameters", "input_schema", "inputSchema"} {
		if doc.Get(mark) != nil {
			return toolsSource
		}
	}
	return schemaSource
}

// faultOf takes the position out of an error.
func faultOf(err error) checkFault {
	fault := checkFault{Message: err.Error()}
	var (
		text    *gbnf.ParseError
		keyword *schema.Error
		input   *chat.InputError
	)
	switch {
	case errors.As(err, &text):
		fault.Line, fault.Column, fault.Offset = text.Line, text.Column, &text.Offset
	case errors.As(err, &keyword):
		fault.Tool, fault.Pointer, fault.Keyword = keyword.Tool, keyword.Pointer, keyword.Keyword
	case errors.As(err, &input):
		fault.Pointer = input.Pointer
	}
	return fault
}

// grammarNotes says what is odd about a grammar that can be used all the same.
func grammarNotes(g *gbnf.Grammar) []string {
	var notes []string
	list := func(what string, holds func(gbnf.RuleID) bool) {
		var names []string
		for id := range g.Rules {
			if holds(gbnf.RuleID(id)) {
				names = append(names, g.Rules[id].Name)
			}
		}
		if len(names) > 0 {
			notes = append(notes, what+": "+strings.Join(names, ", "))
		}
	}
	reached, lives := gbnf.Reachable(g), gbnf.Productive(g)
	recursive := make(map[gbnf.RuleID]bool)
	for _, id := range gbnf.LeftRecursive(g) {
		recursive[id] = true
	}
	list("not used", func(id gbnf.RuleID) bool { return !reached[id] })
	list("can never end", func(id gbnf.RuleID) bool { return !lives[id] })
	list("left recursive (llama.cpp would refuse them)", func(id gbnf.RuleID) bool { return recursive[id] })
	return notes
}

// print writes the report as lines, errors and notes below their file.
func (r checkReport) print(a *app) {
	switch {
	case !r.OK:
		fmt.Fprintf(a.stdout, "%s: failed\n", r.File)
	case r.Kind == toolsSource:
		fmt.Fprintf(a.stdout, "%s: ok, %s, %s\n", r.File, count(r.Tools, "tool"), count(r.Rules, "rule"))
	default:
		fmt.Fprintf(a.stdout, "%s: ok, %s, %s\n", r.File, r.Kind, count(r.Rules, "rule"))
	}
	for _, fault := range r.Errors {
		fmt.Fprintf(a.stdout, "  %s\n", fault.Message)
	}
	for _, fault := range r.Dropped {
		fmt.Fprintf(a.stdout, "  not enforced: %s\n", fault.Message)
	}
	for _, note := range r.Notes {
		fmt.Fprintf(a.stdout, "  note: %s\n", note)
	}
}

func count(n int, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return fmt.Sprintf("%d %ss", n, what)
}
