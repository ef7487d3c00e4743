package runtimes

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"crypto/sha512"
	"encoding/base64"
	"os"
	"path/filepath"
	"testing"
)

// entry is one entry of a synthesized package.
type entry struct {
	name string
	body string
	kind byte   // tar.TypeReg if 0
	link string // target of a link
	size int64  // size in the header, if it should lie
}

// archive builds a package file. Headers that archive/tar refuses to write are a mistake
// in the test.
func archive(t testing.TB, entries ...entry) []byte {
	t.Helper()
	var buf bytes.Buffer
	zw := gzip.NewWriter(&buf)
	tw := tar.NewWriter(zw)
	for _, e := range entries {
		h := &tar.Header{Name: e.name, Typeflag: e.kind, Mode: 0o644, Size: int64(len(e.body)), Linkname: e.link}
		if e.kind == 0 {
			h.Typeflag = tar.TypeReg
		}
		if e.size != 0 {
			h.Size = e.size
		}
		if err := tw.WriteHeader(h); err != nil {
			t.Fatal(err)
		}
		if _, err := tw.Write([]byte(e.body)); err != nil {
			t.Fatal(err)
		}
	}
	if err := tw.Flush(); err != nil && entries[len(entries)-1].size == 0 {
		t.Fatal(err)
	}
	_ = tw.Close() // fails where the last size lies
	if err := zw.Close(); err != nil {
		t.Fatal(err)
	}
	return buf.Bytes()
}

// stockEntries are the entries of a small honest package with its libraries in folder.
func stockEntries(folder string) []entry {
	root := "package/" + folder + "/"
	return []entry{
		{name: "package/LICENSE", body: "the package's licence"},
		{name: "package/package.json", body: "{}"},
		{name: "package/dist/index.js", body: "export {}"},
		{name: root + "_nlcBuildMetadata.json", body: "{}"},
		{name: root + "llama-addon.node", body: "an addon"},
		{name: root + "libggml-base.so", body: "base"},
		{name: root + "libggml-cpu-x64.so", body: "cpu"},
		{name: root + "libllama-common.so", body: "common"},
		{name: root + "libllama.v0.5.0.so", body: "llama"},
	}
}

// integrityText is data's integrity in npm's notation.
func integrityText(data []byte) string {
	sum := sha512.Sum512(data)
	return integrityPrefix + base64.StdEncoding.EncodeToString(sum[:])
}

// filesIn lists a folder's files with what they hold, through links.
func filesIn(t testing.TB, dir string) map[string]string {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	out := make(map[string]string)
	for _, e := range entries {
		data, err := os.ReadFile(filepath.Join(dir, e.Name()))
		if err != nil {
			t.Fatal(err)
		}
		out[e.Name()] = string(data)
	}
	return out
}

// writeTree writes files below a new folder.
func writeTree(t testing.TB, files map[string]string) string {
	t.Helper()
	dir := t.TempDir()
	for name, body := range files {
		path := filepath.Join(dir, filepath.FromSlash(name))
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(body), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}
