package runtimes

import (
	"context"
	"crypto/sha512"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"os"
)

// integrityPrefix is the only algorithm of npm's integrity notation that is accepted: the base64 of a
// SHA-512 follows it.
const integrityPrefix = "sha512-"

// ErrIntegrity is wrapped by the error for a package that is not the pinned one.
var ErrIntegrity = errors.New("checksum does not match")

// maxPackageBytes bounds a package file that is read, in bytes: the largest pinned one has 177 MB.
const maxPackageBytes = 1 << 30

// integrityOf computes a file's integrity from its start, and leaves the file at its start.
func integrityOf(ctx context.Context, f *os.File, report func(done, total int64)) (string, error) {
	info, err := f.Stat()
	if err != nil {
		return "", fmt.Errorf("runtimes: %w", err)
	}
	if info.Size() > maxPackageBytes {
		return "", fmt.Errorf("runtimes: %s has %d bytes, more than a package may have (%d)", f.Name(), info.Size(), int64(maxPackageBytes))
	}
	h := sha512.New()
	r := &meter{ctx: ctx, r: io.LimitReader(f, maxPackageBytes), total: info.Size(), report: report}
	if _, err := io.Copy(h, r); err != nil {
		return "", fmt.Errorf("runtimes: %s: %w", f.Name(), err)
	}
	if _, err := f.Seek(0, io.SeekStart); err != nil {
		return "", fmt.Errorf("runtimes: %w", err)
	}
	return integrityPrefix + base64.StdEncoding.EncodeToString(h.Sum(nil)), nil
}

// meter passes reads on, ends them with the context, and reports how far they are.
type meter struct {
	ctx         context.Context
	r           io.Reader
	done, total int64
	report      func(done, total int64)
}

func (m *meter) Read(p []byte) (int, error) {
	if err := m.ctx.Err(); err != nil {
		return 0, err
	}
	n, err := m.r.Read(p)
	m.done += int64(n)
	if m.report != nil {
		m.report(m.done, m.total)
	}
	return n, err
}
