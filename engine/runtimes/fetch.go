package runtimes

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"time"
)

// fetchGrace is how long npm may take to end after it was interrupted; then it is killed.
const fetchGrace = 5 * time.Second

// maxNPMOutput bounds what is kept of npm's messages, in bytes; its errors come last.
const maxNPMOutput = 16 << 10

// fetchNPM downloads a package file into the empty folder dir with the npm client, which
// brings the user's own settings for registries, proxies and certificates.
func fetchNPM(ctx context.Context, dir string, p Package) (string, error) {
	npm, err := exec.LookPath("npm")
	if err != nil {
		return "", fmt.Errorf("runtimes: npm is not installed, and it fetches %s@%s; install npm, or run 'npm pack %s@%s' on another machine and give the file with --from FILE",
			p.Name, p.Version, p.Name, p.Version)
	}
	cmd := exec.CommandContext(ctx, npm, "pack", "--ignore-scripts", "--loglevel=error", "--pack-destination", dir, p.Name+"@"+p.Version)
	cmd.Dir = dir // not a project's folder, whose settings would apply
	cmd.Env = append(os.Environ(), "npm_config_update_notifier=false")
	out := &tail{max: maxNPMOutput}
	cmd.Stdout, cmd.Stderr = out, out
	if runtime.GOOS != "windows" {
		cmd.Cancel = func() error { return cmd.Process.Signal(os.Interrupt) }
	}
	cmd.WaitDelay = fetchGrace
	if err := cmd.Run(); err != nil {
		if ctx.Err() != nil {
			return "", ctx.Err()
		}
		return "", fmt.Errorf("runtimes: npm pack %s@%s: %w\n%s", p.Name, p.Version, err, out.text())
	}
	files, err := filepath.Glob(filepath.Join(escapeGlob(dir), "*.tgz"))
	if err != nil || len(files) != 1 {
		return "", errors.Join(err, fmt.Errorf("runtimes: npm pack %s@%s left %d package files instead of one\n%s", p.Name, p.Version, len(files), out.text()))
	}
	return files[0], nil
}

// tail keeps the end of what is written to it.
type tail struct {
	max int
	buf bytes.Buffer
}

func (t *tail) Write(p []byte) (int, error) {
	t.buf.Write(p)
	if over := t.buf.Len() - t.max; over > 0 {
		t.buf.Next(over)
	}
	return len(p), nil
}

func (t *tail) text() string { return strings.TrimSpace(t.buf.String()) }
