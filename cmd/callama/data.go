package main

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"github.com/callama/callama/chat"
	"github.com/callama/callama/gguf"
	"github.com/callama/callama/train/corpus"
	"github.com/callama/callama/train/tokenizer"
)

// dataCmd makes training data.
type dataCmd struct {
	Generate dataGenerateCmd `cmd:"" help:"Invent conversations with function calls."`
	Vocab    dataVocabCmd    `cmd:"" help:"Learn a vocabulary from conversations."`
	Tokens   dataTokensCmd   `cmd:"" help:"Render conversations into tokens as they are served."`
}

// dataGenerateCmd is "callama data generate".
type dataGenerateCmd struct {
	Out           string `short:"o" required:"" placeholder:"FILE" help:"File of rows to write, one JSON object in each line; - is standard output."`
	Conversations int    `default:"1000" placeholder:"N" help:"How many conversations."`
	Seed          uint64 `default:"1" help:"Seed; the same one gives the same rows."`
	Split         string `enum:"train,heldout" default:"train" help:"Half of the words, tools and phrases: ${enum}."`
	Stage         string `enum:"copy,short,choose,full" default:"full" help:"How much a model is asked: ${enum}."`
	Tasks         int    `placeholder:"N" help:"Tasks in each conversation (default: a few for training, one for what is held out)."`
}

// Run writes rows as they are invented.
func (c *dataGenerateCmd) Run(a *app) (err error) {
	if c.Conversations < 1 || c.Tasks < 0 {
		return errors.New("--conversations must be positive, --tasks must not be negative")
	}
	cfg := corpus.Config{Seed: c.Seed, Tasks: c.Tasks}
	if c.Split == corpus.HeldOut.String() {
		cfg.Split = corpus.HeldOut
	}
	if cfg.Stage, err = corpus.ParseStage(c.Stage); err != nil {
		return err
	}
	out, closeOut, err := createOutput(a, c.Out)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, closeOut()) }()
	enc := json.NewEncoder(out)
	enc.SetEscapeHTML(false)
	step := progress(a, c.Conversations, "conversations")
	return corpus.Generate(a.ctx, cfg, c.Conversations, func(row *corpus.Row) error {
		step()
		return enc.Encode(row)
	})
}

// dataVocabCmd is "callama data vocab".
type dataVocabCmd struct {
	Data []string `required:"" placeholder:"FILE" help:"Files of rows to learn from."`
	Size int      `default:"8192" placeholder:"N" help:"Tokens of the vocabulary, of which some 4,000 are for Chinese characters."`
	Out  string   `short:"o" required:"" placeholder:"DIR" help:"Folder for tokenizer.json and tokenizer_config.json."`
}

// Run learns from the rendered conversations.
func (c *dataVocabCmd) Run(a *app) error {
	template, err := chat.NewTemplate(tokenizer.ChatTemplate, chat.TemplateOptions{})
	if err != nil {
		return err
	}
	var trainer tokenizer.Trainer
	for _, path := range c.Data {
		err := readRows(a, path, func(row *corpus.Row) (string, error) {
			messages, tools, err := row.Parse()
			if err != nil {
				return "", err
			}
			return template.Render(chat.Input{Messages: messages, Tools: tools})
		}, func(text string) error {
			trainer.AddPrompt(text)
			return nil
		})
		if err != nil {
			return err
		}
	}
	trainer.AddCharacters()
	tok, err := trainer.Tokenizer(c.Size)
	if err != nil {
		return err
	}
	if err := gguf.WriteTokenizer(c.Out, tok); err != nil {
		return err
	}
	_, err = fmt.Fprintf(a.stdout, "%d tokens, %d merges\n", len(tok.Tokens), len(tok.Merges))
	return err
}

// dataTokensCmd is "callama data tokens".
type dataTokensCmd struct {
	Data      []string `required:"" placeholder:"FILE" help:"Files of rows."`
	Tokenizer string   `required:"" placeholder:"DIR" help:"Folder of the tokenizer."`
	Dialect   string   `enum:"hermes,plain-array" default:"hermes" help:"How calls are written: ${enum}."`
	MaxTokens int      `default:"1024" placeholder:"N" help:"Leave out longer conversations (0: none)."`
	Out       string   `short:"o" required:"" placeholder:"FILE" help:"File of tokens to write."`
}

// Run renders every row.
func (c *dataTokensCmd) Run(a *app) (err error) {
	tok, err := gguf.ReadTokenizer(filepath.Join(c.Tokenizer, "tokenizer.json"))
	if err != nil {
		return err
	}
	dialect := chat.Hermes
	if c.Dialect == chat.PlainArray.String() {
		dialect = chat.PlainArray
	}
	renderer, err := tokenizer.NewRenderer(tok, dialect)
	if err != nil {
		return err
	}
	file, err := renderer.NewFile()
	if err != nil {
		return err
	}
	left := 0
	for _, path := range c.Data {
		err := readRows(a, path, renderer.Conversation, func(conversation *tokenizer.Conversation) error {
			if !file.Add(conversation, c.MaxTokens) {
				left++
			}
			return nil
		})
		if err != nil {
			return err
		}
	}
	if file.Conversations() == 0 {
		return errors.New("there is no conversation to write")
	}
	out, closeOut, err := createOutput(a, c.Out)
	if err != nil {
		return err
	}
	if _, err := file.WriteTo(out); err != nil {
		return errors.Join(err, closeOut())
	}
	if err := closeOut(); err != nil {
		return err
	}
	n, own := file.Tokens(), file.Own()
	_, err = fmt.Fprintf(a.stderr, "%d conversations (%d too long), %d tokens (%.0f each), %d of the assistant (%.1f %%)\n",
		file.Conversations(), left, n, float64(n)/float64(file.Conversations()), own, 100*float64(own)/float64(n))
	return err
}

// readRows reads a file of rows as corpus.ReadRows does, with a progress bar over its bytes.
func readRows[T any](a *app, path string, work func(*corpus.Row) (T, error), each func(T) error) error {
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	defer f.Close()
	var r io.Reader = f
	if info, err := f.Stat(); err == nil && isTerminal(a.stderr) {
		bar := newBar(a.stderr, int(info.Size()), filepath.Base(path))
		defer bar.Exit()
		r = io.TeeReader(f, bar)
	}
	if err := corpus.ReadRows(a.ctx, r, work, each); err != nil {
		return fmt.Errorf("%s: %w", path, err)
	}
	return nil
}

// createOutput opens a file, or standard output for "-", with its folder. The second result
// flushes and closes it.
func createOutput(a *app, path string) (io.Writer, func() error, error) {
	if path == "-" {
		w := bufio.NewWriter(a.stdout)
		return w, w.Flush, nil
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return nil, nil, err
	}
	f, err := createFile(path)
	if err != nil {
		return nil, nil, err
	}
	w := bufio.NewWriterSize(f, 1<<20)
	return w, func() error { return errors.Join(w.Flush(), f.Close()) }, nil
}

// createFile opens a file for writing only: os.Create opens it for reading too, and then writes to a
// pipe, such as /dev/stdout, wait forever once nobody reads it.
func createFile(path string) (*os.File, error) {
	return os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o666)
}

// progress returns a function that counts one of total, on a bar where there is a terminal.
func progress(a *app, total int, what string) func() {
	if !isTerminal(a.stderr) {
		return func() {}
	}
	bar := newBar(a.stderr, total, what)
	done := 0
	return func() {
		if done++; done%64 == 0 || done == total { // a bar costs more than a row
			bar.Set(done)
		}
	}
}
