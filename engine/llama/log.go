package llama

// #include "shim.h"
import "C"

import (
	"context"
	"log/slog"
	"regexp"
	"runtime/cgo"
	"strings"
	"sync"
	"sync/atomic"
)

// llama.cpp's log levels (ggml_log_level).
const (
	logDebug        = 1
	logInfo         = 2
	logWarn         = 3
	logError        = 4
	logContinuation = 5 // the text goes on the line before
)

// levelTrace is where llama.cpp's debug lines go: below slog's debug.
const levelTrace = slog.LevelDebug - 4

// slogLevel maps a llama.cpp level. Its info is a few hundred lines per model load, which
// is a program's debug; its debug is finer still.
func slogLevel(level int) slog.Level {
	switch level {
	case logError:
		return slog.LevelError
	case logWarn:
		return slog.LevelWarn
	case logDebug:
		return levelTrace
	}
	return slog.LevelDebug
}

// keptErrors bounds the error lines kept for a failing call; llama.cpp writes two to five.
const keptErrors = 32

// maxLine bounds a line that is still being joined, in bytes: text without a line feed does
// not grow for ever.
const maxLine = 16 << 10

// A logSink joins the pieces of llama.cpp's log into lines, hands them to slog and keeps the
// last errors. Its methods may be called on any thread.
type logSink struct {
	mu     sync.Mutex
	logger *slog.Logger
	level  int // of the line being joined
	line   strings.Builder
	errors []string // the last keptErrors
	count  int      // error lines ever seen

	// aborting is the number of contexts told to abort. What llama.cpp calls an error then
	// is what was asked for: debug.
	aborting atomic.Int32
}

type logLine struct {
	level int
	text  string
}

func (s *logSink) setLogger(l *slog.Logger) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.logger = l
}

// write takes one piece of the log. The logger is called after the lock is released, so
// that a handler may take its time without stopping other threads.
func (s *logSink) write(level int, text string) {
	s.mu.Lock()
	lines := s.join(level, text)
	logger := s.logger
	s.mu.Unlock()
	if logger == nil {
		return
	}
	// A panic must not unwind through the C frames below: it would end the process.
	defer func() { _ = recover() }()
	for _, l := range lines {
		if s.aborting.Load() > 0 {
			l.level = logInfo
		}
		logger.Log(context.Background(), slogLevel(l.level), l.text, "source", "llama.cpp")
	}
}

// join adds a piece and returns the lines that it completed.
func (s *logSink) join(level int, text string) (lines []logLine) {
	if level != logContinuation {
		lines = s.flush(lines)
		s.level = level
	}
	for {
		head, rest, complete := strings.Cut(text, "\n")
		s.line.WriteString(head)
		if complete || s.line.Len() > maxLine {
			lines = s.flush(lines)
		}
		if !complete {
			return lines
		}
		text = rest
	}
}

func (s *logSink) flush(lines []logLine) []logLine {
	text := strings.TrimSpace(s.line.String())
	s.line.Reset()
	if strings.Trim(text, ".") == "" { // empty, or the dots of a progress bar
		return lines
	}
	if s.level == logError {
		s.count++
		if s.errors = append(s.errors, text); len(s.errors) > keptErrors {
			s.errors = s.errors[1:]
		}
	}
	return append(lines, logLine{s.level, text})
}

// mark returns a point in the log for since.
func (s *logSink) mark() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.count
}

// logPrefix is the name of the function that llama.cpp puts before its lines.
var logPrefix = regexp.MustCompile(`^[a-z0-9]+_\w*: `)

// since returns the errors logged after mark, joined: llama.cpp's reason for a failure.
func (s *logSink) since(mark int) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	n := min(s.count-mark, len(s.errors))
	lines := make([]string, 0, n)
	for _, l := range s.errors[len(s.errors)-n:] {
		lines = append(lines, logPrefix.ReplaceAllString(l, ""))
	}
	return strings.Join(lines, "; ")
}

// callamaLog is llama.cpp's log callback. It runs on whatever thread logs, also on ones
// that the library made.
//
//export callamaLog
func callamaLog(level C.int32_t, text *C.char, user C.uintptr_t) {
	cgo.Handle(user).Value().(*logSink).write(int(level), C.GoString(text))
}
