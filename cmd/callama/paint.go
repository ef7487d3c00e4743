package main

import (
	"io"
	"os"
)

// paint colours text for terminals; the zero value colours nothing.
type paint struct{ on bool }

// newPaint colours on terminals only, and not where NO_COLOR is set (no-color.org).
func newPaint(w io.Writer) paint {
	return paint{isTerminal(w) && os.Getenv("NO_COLOR") == "" && os.Getenv("TERM") != "dumb"}
}

func (p paint) with(code, s string) string {
	if !p.on || s == "" {
		return s
	}
	return "\x1b[" + code + "m" + s + "\x1b[0m"
}

func (p paint) bold(s string) string  { return p.with("1", s) }
func (p paint) faint(s string) string { return p.with("2", s) }
func (p paint) red(s string) string   { return p.with("1;31", s) }
func (p paint) green(s string) string { return p.with("32", s) }
func (p paint) blue(s string) string  { return p.with("36", s) }
