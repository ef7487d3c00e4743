package runtimes

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

const testFolder = "bins/linux-x64"

// unpackBytes unpacks into a folder that has a neighbour to hit.
func unpackBytes(t testing.TB, data []byte, b bounds) (dir string, err error) {
	t.Helper()
	outer := t.TempDir()
	dir = filepath.Join(outer, "into")
	if err := os.Mkdir(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	root, err := os.OpenRoot(dir)
	if err != nil {
		t.Fatal(err)
	}
	defer root.Close()
	err = unpack(bytes.NewReader(data), root, testFolder, b)
	entries, readErr := os.ReadDir(outer)
	if readErr != nil || len(entries) != 1 {
		t.Fatalf("something was written beside the folder: %v, %v", entries, readErr)
	}
	return dir, err
}

func TestUnpack(t *testing.T) {
	dir, err := unpackBytes(t, archive(t, stockEntries(testFolder)...), packageBounds)
	if err != nil {
		t.Fatal(err)
	}
	want := map[string]string{"LICENSE": "the package's licence", "libggml-base.so": "base", "libggml-cpu-x64.so": "cpu",
		"libllama-common.so": "common", "libllama.v0.5.0.so": "llama"}
	if got := filesIn(t, dir); !maps.Equal(got, want) {
		t.Errorf("got %v\nwant %v", got, want)
	}
}

func TestUnpackReplacesAnEarlierPackage(t *testing.T) {
	dir := t.TempDir()
	root, err := os.OpenRoot(dir)
	if err != nil {
		t.Fatal(err)
	}
	defer root.Close()
	second := archive(t, entry{name: "package/over/libggml-base.so", body: "the other base, which is longer"})
	if err := unpack(bytes.NewReader(archive(t, stockEntries(testFolder)...)), root, testFolder, packageBounds); err != nil {
		t.Fatal(err)
	}
	if err := unpack(bytes.NewReader(second), root, "over", packageBounds); err != nil {
		t.Fatal(err)
	}
	got := filesIn(t, dir)
	if got["libggml-base.so"] != "the other base, which is longer" || got["libllama.v0.5.0.so"] != "llama" {
		t.Errorf("got %v", got)
	}
}

// hostile are archives that no honest package looks like.
func hostile(t testing.TB) map[string]struct {
	data []byte
	want string
} {
	lib := func(name string) entry { return entry{name: "package/" + testFolder + "/" + name, body: "x"} }
	with := func(e ...entry) []byte { return archive(t, append(stockEntries(testFolder), e...)...) }
	many := make([]entry, packageBounds.entries+1)
	for i := range many {
		many[i] = entry{name: fmt.Sprintf("package/%d", i)}
	}
	whole := archive(t, stockEntries(testFolder)...)
	type result = struct {
		data []byte
		want string
	}
	return map[string]result{
		"parent in the name":      {with(entry{name: "package/" + testFolder + "/../../../../libllama.so"}), "leads out"},
		"parent at the start":     {with(entry{name: "../libllama.so"}), "leads out"},
		"absolute name":           {with(entry{name: "/tmp/libllama.so"}), "leads out"},
		"backslashes":             {with(entry{name: `package\..\..\libllama.so`}), "leads out"},
		"drive letter":            {with(entry{name: "c:/libllama.so"}), "leads out"},
		"dot in the name":         {with(entry{name: "package/./libllama.so"}), "leads out"},
		"double slash":            {with(entry{name: "package//libllama.so"}), "leads out"},
		"empty name":              {with(entry{name: ""}), "leads out"},
		"outside the package":     {with(entry{name: "other/" + testFolder + "/libllama.so"}), "outside"},
		"symbolic link":           {with(entry{name: "package/" + testFolder + "/libx.so", kind: tar.TypeSymlink, link: "/etc/passwd"}), "neither a file nor a folder"},
		"hard link":               {with(entry{name: "package/" + testFolder + "/libx.so", kind: tar.TypeLink, link: "../../x"}), "neither a file nor a folder"},
		"device":                  {with(entry{name: "package/" + testFolder + "/libx.so", kind: tar.TypeChar}), "neither a file nor a folder"},
		"named pipe":              {with(entry{name: "package/" + testFolder + "/libx.so", kind: tar.TypeFifo}), "neither a file nor a folder"},
		"the same file twice":     {with(lib("libtwice.so"), lib("libtwice.so")), "occurs twice"},
		"a file of more than 1GB": {with(entry{name: "package/" + testFolder + "/libx.so", size: packageBounds.file + 1}), "more than 1073741824 bytes in a file"},
		"too many entries":        {archive(t, many...), "more than 1000 entries"},
		"no libraries":            {archive(t, entry{name: "package/LICENSE", body: "x"}), "has no folder"},
		"no tar":                  {gzipped(t, []byte(strings.Repeat("no tar ", 200))), "damaged package file"},
		"no gzip":                 {[]byte("no gzip at all"), "not a package file"},
		"nothing":                 {nil, "not a package file"},
		"cut off":                 {whole[:len(whole)/2], "unexpected EOF"},
	}
}

func gzipped(t testing.TB, data []byte) []byte {
	t.Helper()
	var buf bytes.Buffer
	w := gzip.NewWriter(&buf)
	if _, err := w.Write(data); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return buf.Bytes()
}

func TestUnpackHostile(t *testing.T) {
	for name, tt := range hostile(t) {
		t.Run(name, func(t *testing.T) {
			_, err := unpackBytes(t, tt.data, packageBounds)
			if err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("error %v, want one with %q", err, tt.want)
			}
		})
	}
}

// The sizes of all files count, kept or not.
func TestUnpackTotalLimit(t *testing.T) {
	data := archive(t, append(stockEntries(testFolder),
		entry{name: "package/skipped", body: strings.Repeat("x", 60)},
		entry{name: "package/" + testFolder + "/libmore.so", body: strings.Repeat("x", 40)})...)
	for total, ok := range map[int64]bool{1 << 20: true, 100: false} {
		_, err := unpackBytes(t, data, bounds{entries: 100, file: 100, total: total})
		var limit *LimitError
		if (err == nil) != ok || !ok && (!errors.As(err, &limit) || limit.Max != total || !strings.Contains(err.Error(), "bytes unpacked")) {
			t.Errorf("total %d: error %v", total, err)
		}
	}
}

// Whatever the bytes, nothing is written outside the folder, no links appear, and what is written
// has the name of a library or the licence.
func FuzzUnpack(f *testing.F) {
	stock := archive(f, stockEntries(testFolder)...)
	f.Add(stock)
	zr, err := gzip.NewReader(bytes.NewReader(stock))
	if err != nil {
		f.Fatal(err)
	}
	plain, err := io.ReadAll(zr)
	if err != nil {
		f.Fatal(err)
	}
	f.Add(plain)
	cases := hostile(f)
	for _, name := range slices.Sorted(maps.Keys(cases)) {
		if len(cases[name].data) < 1<<16 {
			f.Add(cases[name].data)
		}
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		if !bytes.HasPrefix(data, []byte{0x1f, 0x8b}) {
			data = gzipped(t, data) // let the fuzzer mutate plain tar as well
		}
		dir, _ := unpackBytes(t, data, bounds{entries: 50, file: 1 << 16, total: 1 << 18})
		entries, err := os.ReadDir(dir)
		if err != nil {
			t.Fatal(err)
		}
		for _, e := range entries {
			if !e.Type().IsRegular() || e.Name() != licenceName && !isShared(e.Name()) {
				t.Fatalf("wrote %v %q", e.Type(), e.Name())
			}
		}
	})
}
