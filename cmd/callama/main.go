// Command callama runs function calling on local models: see README.md.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/signal"
	"strconv"
	"strings"
	"syscall"

	"github.com/alecthomas/kong"

	"github.com/callama/callama/bench"
	"github.com/callama/callama/chat"
)

// app is what every command gets: the process's streams and its context, which ends at
// the first SIGINT or SIGTERM.
type app struct {
	ctx            context.Context
	stdin          io.Reader
	stdout, stderr io.Writer
	log            *slog.Logger
}

// cli is the command line. One file of this package holds each command.
type cli struct {
	Verbose bool `short:"v" help:"Log what happens, llama.cpp's own log included, to standard error."`

	Adapter adapterCmd `cmd:"" help:"Write adapter files."`
	Call    callCmd    `cmd:"" help:"Answer a question with function calls."`
	Bench   benchCmd   `cmd:"" help:"Measure."`
	Demo    demoCmd    `cmd:"" help:"Show the whole cycle: questions, calls, tools that run, answers."`
	Eval    evalCmd    `cmd:"" help:"Measure how often a model calls the right tools with the right arguments."`
	Data    dataCmd    `cmd:"" help:"Make training data for a small model."`
	Grammar grammarCmd `cmd:"" help:"Print and check grammars."`
	Model   modelCmd   `cmd:"" help:"Write and describe model files."`
	Runtime runtimeCmd `cmd:"" help:"Install, list and show the llama.cpp libraries."`
	Serve   serveCmd   `cmd:"" help:"Serve a model as an OpenAI-compatible API over HTTP."`
}

// Exit codes: 1 is a failed command, 2 wrong usage, 130 an interrupt.
const (
	exitFailed      = 1
	exitUsage       = 2
	exitInterrupted = 130
)

func main() {
	useHeapRoom()
	os.Exit(run(os.Args[1:], os.Stdin, os.Stdout, os.Stderr))
}

// run parses args and runs one command; it returns the exit code.
func run(args []string, stdin io.Reader, stdout, stderr io.Writer) int {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	context.AfterFunc(ctx, stop) // a second signal ends the process at once

	var c cli
	exit := -1
	parser, err := kong.New(&c,
		kong.Name("callama"),
		kong.Description("Function calling with local models: calls that are valid by construction."),
		kong.UsageOnError(),
		kong.Vars{"evalTokens": strconv.Itoa(bench.DefaultEvalTokens)},
		kong.Writers(stdout, stderr),
		kong.Vars{"dialects": strings.Join(chat.DialectNames(), ", ")},
		kong.Exit(func(code int) { exit = code }),
	)
	if err != nil {
		fmt.Fprintln(stderr, "callama:", err)
		return exitFailed
	}
	kctx, err := parser.Parse(args)
	if exit >= 0 { // --help printed its text
		return exit
	}
	if err != nil {
		fmt.Fprintf(stderr, "callama: %v\nRun 'callama --help' for the commands.\n", err)
		return exitUsage
	}
	level := slog.LevelWarn
	if c.Verbose {
		level = slog.LevelDebug
	}
	a := &app{ctx: ctx, stdin: stdin, stdout: stdout, stderr: stderr,
		log: slog.New(slog.NewTextHandler(stderr, &slog.HandlerOptions{Level: level}))}
	if err := kctx.Run(a); err != nil {
		if ctx.Err() != nil && errors.Is(err, context.Canceled) {
			fmt.Fprintln(stderr, "callama: interrupted")
			return exitInterrupted
		}
		// Errors of the library name it already.
		fmt.Fprintln(stderr, "callama:", strings.TrimPrefix(err.Error(), "callama: "))
		return exitFailed
	}
	return 0
}
