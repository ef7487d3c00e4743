package runtimes

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"
)

// fakeNPM puts a shell script called npm first on PATH.
func fakeNPM(t *testing.T, script string) {
	t.Helper()
	if runtime.GOOS == "windows" {
		t.Skip("the stand-in for npm is a shell script")
	}
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "npm"), []byte("#!/bin/sh\n"+script), 0o755); err != nil {
		t.Fatal(err)
	}
	t.Setenv("PATH", dir+string(filepath.ListSeparator)+os.Getenv("PATH"))
}

var testPackage = Package{Name: "@test/cpu", Version: "1.2.3"}

// findDestination makes $dest the folder that npm was told to pack into.
const findDestination = `while [ $# -gt 1 ]; do [ "$1" = --pack-destination ] && dest=$2; shift; done; what=$1
`

func TestFetchNPM(t *testing.T) {
	t.Run("fetches", func(t *testing.T) {
		fakeNPM(t, findDestination+`[ "$what" = @test/cpu@1.2.3 ] && [ "$PWD" -ef "$dest" ] && echo bytes > "$dest/test-cpu-1.2.3.tgz"`)
		path, err := fetchNPM(t.Context(), t.TempDir(), testPackage)
		if err != nil {
			t.Fatal(err)
		}
		if data, err := os.ReadFile(path); err != nil || string(data) != "bytes\n" {
			t.Errorf("%q, %v", data, err)
		}
	})
	t.Run("a folder's name is no pattern", func(t *testing.T) {
		fakeNPM(t, findDestination+`echo bytes > "$dest/a.tgz"`)
		dir := filepath.Join(t.TempDir(), "a[b*c?d")
		if err := os.Mkdir(dir, 0o755); err != nil {
			t.Fatal(err)
		}
		if _, err := fetchNPM(t.Context(), dir, testPackage); err != nil {
			t.Error(err)
		}
	})
	t.Run("fails with npm's words", func(t *testing.T) {
		fakeNPM(t, "echo 'npm error code E404' >&2; exit 1")
		_, err := fetchNPM(t.Context(), t.TempDir(), testPackage)
		if err == nil || !strings.Contains(err.Error(), "npm error code E404") || !strings.Contains(err.Error(), "@test/cpu@1.2.3") {
			t.Errorf("error %v", err)
		}
	})
	t.Run("leaves nothing", func(t *testing.T) {
		fakeNPM(t, "true")
		if _, err := fetchNPM(t.Context(), t.TempDir(), testPackage); err == nil || !strings.Contains(err.Error(), "0 package files") {
			t.Errorf("error %v", err)
		}
	})
	t.Run("is not installed", func(t *testing.T) {
		t.Setenv("PATH", t.TempDir())
		_, err := fetchNPM(t.Context(), t.TempDir(), testPackage)
		if err == nil || !strings.Contains(err.Error(), "npm is not installed") || !strings.Contains(err.Error(), "--from") {
			t.Errorf("error %v", err)
		}
	})
	t.Run("is interrupted", func(t *testing.T) {
		// The marker shows that npm runs; without the signal it would sleep on.
		marker := filepath.Join(t.TempDir(), "runs")
		fakeNPM(t, "trap 'exit 1' INT; echo > '"+marker+"'; while :; do sleep 0.05; done")
		ctx, cancel := context.WithCancel(t.Context())
		go func() {
			defer cancel()
			for !isFile(marker) && t.Context().Err() == nil {
				time.Sleep(5 * time.Millisecond)
			}
		}()
		start := time.Now()
		if _, err := fetchNPM(ctx, t.TempDir(), testPackage); !errors.Is(err, context.Canceled) {
			t.Errorf("error %v, want the context's", err)
		}
		if d := time.Since(start); d > fetchGrace {
			t.Errorf("took %v: npm did not get the interrupt", d)
		}
	})
}

func TestTail(t *testing.T) {
	out := &tail{max: 4}
	for _, s := range []string{"abc", "defgh", "i"} {
		if n, err := out.Write([]byte(s)); n != len(s) || err != nil {
			t.Fatal(n, err)
		}
	}
	if got := out.text(); got != "fghi" {
		t.Errorf("kept %q", got)
	}
}
