package llama

import (
	"bytes"
	"context"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"testing"
)

// lineHandler collects records as "LEVEL text".
type lineHandler struct{ lines *[]string }

func (lineHandler) Enabled(context.Context, slog.Level) bool { return true }
func (h lineHandler) Handle(_ context.Context, r slog.Record) error {
	*h.lines = append(*h.lines, r.Level.String()+" "+r.Message)
	return nil
}
func (h lineHandler) WithAttrs([]slog.Attr) slog.Handler { return h }
func (h lineHandler) WithGroup(string) slog.Handler      { return h }

func TestLogLinesAreJoined(t *testing.T) {
	type piece struct {
		level int
		text  string
	}
	for _, c := range []struct {
		name   string
		pieces []piece
		want   []string
	}{
		{"levels", []piece{{logDebug, "d\n"}, {logInfo, "i\n"}, {logWarn, "w\n"}, {logError, "e\n"}, {0, "n\n"}},
			[]string{"DEBUG-4 d", "DEBUG i", "WARN w", "ERROR e", "DEBUG n"}},
		{"continuation", []piece{{logWarn, "a, "}, {logContinuation, "b, "}, {logContinuation, "c\n"}}, []string{"WARN a, b, c"}},
		{"several lines at once", []piece{{logError, "a\nb\nc"}, {logContinuation, "d\n"}}, []string{"ERROR a", "ERROR b", "ERROR cd"}},
		{"a new line ends an unfinished one", []piece{{logInfo, "half"}, {logError, "whole\n"}}, []string{"DEBUG half", "ERROR whole"}},
		{"progress dots", []piece{{logInfo, "."}, {logContinuation, "."}, {logContinuation, ".\n"}, {logInfo, "\n"}}, nil},
		{"a line without an end", []piece{{logInfo, strings.Repeat("x", maxLine+1)}, {logContinuation, "y\n"}},
			[]string{"DEBUG " + strings.Repeat("x", maxLine+1), "DEBUG y"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			var got []string
			s := &logSink{logger: slog.New(lineHandler{&got})}
			for _, p := range c.pieces {
				s.write(p.level, p.text)
			}
			if !slices.Equal(got, c.want) {
				t.Errorf("got %q, want %q", got, c.want)
			}
		})
	}
}

func TestLogKeepsErrors(t *testing.T) {
	s := &logSink{}
	s.write(logError, "old: error\n")
	mark := s.mark()
	s.write(logWarn, "a warning\n")
	s.write(logError, "llama_model_load: error loading model: no such thing\n")
	s.write(logError, "gguf_init: again\n")
	if got, want := s.since(mark), "error loading model: no such thing; again"; got != want {
		t.Errorf("since is %q, want %q", got, want)
	}
	for i := range 2 * keptErrors {
		s.write(logError, fmt.Sprintf("e%d\n", i))
	}
	if got := s.since(mark); len(s.errors) != keptErrors || !strings.HasPrefix(got, fmt.Sprintf("e%d; ", keptErrors)) {
		t.Errorf("%d errors kept, from %.20q", len(s.errors), got)
	}
}

func TestLogFromManyThreads(t *testing.T) {
	var buf bytes.Buffer
	s := &logSink{logger: slog.New(slog.NewTextHandler(&buf, nil))}
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() {
			for range 100 {
				s.write(logError, "line\n")
				s.mark()
			}
		})
	}
	wg.Wait()
	if n := strings.Count(buf.String(), "msg=line"); n != 400 {
		t.Errorf("%d lines, want 400", n)
	}
}

type panicHandler struct{ lineHandler }

func (panicHandler) Handle(context.Context, slog.Record) error { panic("in a log handler") }

func TestLogHandlerMayPanic(t *testing.T) {
	s := &logSink{logger: slog.New(panicHandler{})}
	s.write(logError, "line\n")
	if got := s.since(0); got != "line" {
		t.Errorf("the error was not kept: %q", got)
	}
}

func TestLibraryLogsToSlog(t *testing.T) {
	loadTiny(t)
	testLog.Lock()
	defer testLog.Unlock()
	all := strings.Join(testLog.records, "")
	for _, want := range []string{"source=llama.cpp", "general.architecture", "loaded CPU backend"} {
		if !strings.Contains(all, want) {
			t.Errorf("the log does not say %q", want)
		}
	}
}

func TestAbortIsNoError(t *testing.T) {
	var buf bytes.Buffer
	s := &logSink{logger: slog.New(slog.NewTextHandler(&buf, nil))}
	s.aborting.Add(1)
	s.write(logError, "decode: failed to decode, ret = 2\n")
	if buf.Len() > 0 {
		t.Errorf("logged while aborting: %s", buf.String())
	}
	s.aborting.Add(-1)
	s.write(logError, "decode: failed to decode, ret = -3\n")
	if buf.Len() == 0 {
		t.Error("an error after the abort is not logged")
	}
}
