package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/callama/callama/bench"
	"github.com/callama/callama/chat"
	"github.com/callama/callama/grammar/explain"
	"github.com/callama/callama/grammar/gbnf"
	"github.com/callama/callama/grammar/regex"
	"github.com/callama/callama/grammar/schema"
)

// grammarDebugCmd is "callama grammar debug".
type grammarDebugCmd struct {
	Tools   string `xor:"input" required:"" placeholder:"FILE" help:"Tools: the text is a reply with calls, in the notation of --dialect. - reads standard input."`
	Schema  string `xor:"input" required:"" placeholder:"FILE" help:"JSON Schema: the text is an instance."`
	GBNF    string `name:"gbnf" xor:"input" required:"" placeholder:"FILE" help:"GBNF file."`
	Regex   string `xor:"input" required:"" placeholder:"PATTERN" help:"Regular expression (ECMA-262) for the whole text."`
	Root    string `default:"root" help:"Start rule of the GBNF file."`
	Dialect string `default:"plain-array" help:"Notation of calls: ${dialects}."`
	Vocab   string `placeholder:"FILE" help:"Vocabulary: a model in GGUF format or a tokenizer.json. Without it the text is walked by bytes."`
	Tokens  bool   `xor:"unit" help:"INSTANCE is a list of token numbers of the vocabulary."`
	Bytes   bool   `xor:"unit" help:"Walk by bytes, also with a vocabulary."`
	Last    int    `placeholder:"N" help:"Show the last N tokens only."`
	JSON    bool   `name:"json" help:"Print the walk as JSON."`
	grammarFlags
	Instance string `arg:"" optional:"" default:"-" help:"The text; - reads standard input, without a line break at its end."`
}

// Run walks the text. A text that is refused is a failure, as for a program that checks
// one.
func (c *grammarDebugCmd) Run(a *app) error {
	if c.Last < 0 || c.Tokens && c.Vocab == "" {
		return errors.New("--last must not be negative, --tokens needs --vocab")
	}
	if c.Instance == "-" && (c.Tools == "-" || c.Schema == "-" || c.GBNF == "-") {
		return errors.New("grammar and text cannot both come from standard input")
	}
	subject, name, err := c.subject(a)
	if err != nil {
		return err
	}
	text := []byte(c.Instance)
	if c.Instance == "-" {
		if text, err = readInput(a, "-"); err != nil {
			return err
		}
		text = []byte(strings.TrimSuffix(strings.TrimSuffix(string(text), "\n"), "\r"))
	}
	v, vocabName := explain.Vocabulary{}, "bytes"
	if c.Vocab != "" && !c.Bytes {
		opened, err := bench.OpenVocabulary(c.Vocab)
		if err != nil {
			return err
		}
		v = explain.Vocabulary{Vocab: opened.Vocab, Encode: opened.Encoder.Encode}
		vocabName = fmt.Sprintf("vocabulary %s (%d tokens)", opened.Name, opened.Vocab.Len())
		if c.Tokens {
			ids, err := tokenNumbers(string(text), opened.Vocab.Len())
			if err != nil {
				return err
			}
			text = text[:0]
			for _, id := range ids {
				text = append(text, opened.Vocab.Bytes(id)...)
			}
			v.Tokens = ids
		}
	}
	report, err := explain.Walk(a.ctx, subject, v, text)
	if err != nil {
		return err
	}
	if c.JSON {
		enc := json.NewEncoder(a.stdout)
		enc.SetEscapeHTML(false)
		enc.SetIndent("", "  ")
		err = enc.Encode(report)
	} else {
		p := walkPrinter{paint: newPaint(a.stdout), text: text, report: report, last: c.Last, unit: "token"}
		if v.Vocab == nil {
			p.unit = "byte"
		}
		_, err = a.stdout.Write(p.print(name + ", " + vocabName))
	}
	if err == nil && report.Outcome != explain.Valid {
		err = fmt.Errorf("the text is %s", report.Outcome)
	}
	return err
}

// tokenNumbers reads numbers with blanks, commas or brackets around them.
func tokenNumbers(text string, most int) ([]int32, error) {
	var ids []int32
	for _, s := range strings.FieldsFunc(text, func(r rune) bool { return strings.ContainsRune(" \t\r\n,[]", r) }) {
		id, err := strconv.Atoi(s)
		if err != nil || id < 0 || id >= most {
			return nil, fmt.Errorf("--tokens: %q is not a token of the vocabulary, whose tokens are 0 to %d", s, most-1)
		}
		ids = append(ids, int32(id))
	}
	return ids, nil
}

// subject compiles the grammar, and says how to compile it anew.
func (c *grammarDebugCmd) subject(a *app) (s explain.Subject, name string, err error) {
	var out compiled
	switch {
	case c.Regex != "":
		b := gbnf.NewBuilder()
		root := b.Declare("root")
		e, err := regex.Whole("pattern", c.Regex, regex.Limits{})
		if err != nil {
			return s, "", err
		}
		b.Define(root, e)
		return explain.Subject{Grammar: b.Grammar(root)}, "/" + c.Regex + "/", nil
	case c.GBNF != "":
		data, err := readInput(a, c.GBNF)
		if err != nil {
			return s, "", err
		}
		out = source{kind: gbnfSource, path: c.GBNF, root: c.Root}.compile(data, c.grammarFlags)
		name = c.GBNF
	case c.Schema != "":
		data, err := readInput(a, c.Schema)
		if err != nil {
			return s, "", err
		}
		doc, err := parseSchema(data)
		if err != nil {
			return s, "", err
		}
		s.Schemas, s.Options, name = []explain.Schema{doc}, c.schemaOptions(), c.Schema
		s.Compile = func(docs []explain.Schema, o schema.Options) (*gbnf.Grammar, error) {
			out = compileSchema(docs[0], o)
			return out.grammar, errors.Join(out.errs...)
		}
	default:
		if s, err = c.toolSubject(a, &out); err != nil {
			return s, "", err
		}
		name = c.Tools
	}
	if s.Compile != nil {
		s.Options.Trace = true
		s.Grammar, err = s.Compile(s.Schemas, s.Options)
	} else {
		s.Grammar, err = out.grammar, errors.Join(out.errs...)
	}
	if err != nil {
		return s, "", fmt.Errorf("%s: %w", name, err)
	}
	warnDropped(a, out.dropped)
	return s, filepath.Base(name), nil
}

func (c *grammarDebugCmd) toolSubject(a *app, out *compiled) (s explain.Subject, err error) {
	d, err := chat.ParseDialect(c.Dialect)
	if err != nil {
		return s, err
	}
	data, err := readInput(a, c.Tools)
	if err != nil {
		return s, err
	}
	tools, err := chat.ParseTools(data)
	if err != nil {
		return s, err
	}
	if s.Schemas, err = toolSchemas(tools); err != nil {
		return s, err
	}
	s.Options = c.toolOptions()
	s.Compile = func(docs []explain.Schema, o schema.Options) (*gbnf.Grammar, error) {
		*out = compileTools(docs, d, o)
		return out.grammar, errors.Join(out.errs...)
	}
	return s, nil
}
