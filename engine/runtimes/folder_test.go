package runtimes

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

func TestInstallFromFolder(t *testing.T) {
	s := newStock(t)
	build := map[string]string{
		"libllama.so.0.7.0": "llama", "libggml-base.so": "base", "libggml-vulkan.so": "vulkan", "libc.so.6": "the system's",
		"LICENSE": "licence", "readme.txt": "text", "llama-server": "a program",
	}
	below := func(dir string) map[string]string {
		out := make(map[string]string)
		for name, body := range build {
			out[dir+"/"+name] = body
		}
		return out
	}
	for _, at := range []string{".", "lib", "build/bin", "bins/linux-x64", "package/bins/linux-x64"} {
		t.Run("libraries in "+at, func(t *testing.T) {
			cache := t.TempDir()
			o := Options{CacheDir: cache, From: []string{writeTree(t, below(at))}}
			got, err := s.installer().install(t.Context(), o)
			if err != nil {
				t.Fatal(err)
			}
			if got.Runtime.Name() != "local-vulkan-0.7.0" || got.Runtime.Backend != Vulkan || got.Present {
				t.Errorf("got %+v", got)
			}
			files := filesIn(t, got.Runtime.Dir)
			delete(files, manifestName)
			names := make([]string, 0, len(files))
			for name := range files {
				names = append(names, name)
			}
			slices.Sort(names)
			if strings.Join(names, " ") != "LICENSE LICENSE.llama.cpp libggml-base.so libggml-vulkan.so libllama.so.0.7.0" {
				t.Errorf("files %v", names)
			}
			if again, err := s.installer().install(t.Context(), o); err != nil || !again.Present {
				t.Errorf("again: %+v, %v", again, err)
			}
		})
	}
}

func TestInstallFromFolderKeepsLinks(t *testing.T) {
	dir := writeTree(t, map[string]string{"libllama.so.0.7.0": "llama", "libggml-base.so.0": "base"})
	outside := writeTree(t, map[string]string{"libggml.so": "ggml"})
	for from, to := range map[string]string{
		"libllama.so": "libllama.so.0", "libllama.so.0": "libllama.so.0.7.0",
		"libggml.so": filepath.Join(outside, "libggml.so"), "libggml-gone.so": "nowhere.so",
	} {
		if err := os.Symlink(to, filepath.Join(dir, from)); err != nil {
			t.Skipf("no symbolic links here: %v", err)
		}
	}
	got, err := newStock(t).installer().install(t.Context(), Options{CacheDir: t.TempDir(), From: []string{dir}})
	if err != nil {
		t.Fatal(err)
	}
	if got.Runtime.Name() != "local-cpu-0.7.0" || filepath.Base(got.Runtime.Library) != "libllama.so" {
		t.Errorf("got %+v", got.Runtime)
	}
	for name, link := range map[string]bool{"libllama.so": true, "libllama.so.0": true, "libllama.so.0.7.0": false, "libggml.so": false} {
		info, err := os.Lstat(filepath.Join(got.Runtime.Dir, name))
		if err != nil || (info.Mode()&os.ModeSymlink != 0) != link {
			t.Errorf("%s: %v, %v; want a link: %v", name, info, err, link)
		}
	}
	files := filesIn(t, got.Runtime.Dir)
	if files["libllama.so"] != "llama" || files["libggml.so"] != "ggml" || files["libggml-gone.so"] != "" {
		t.Errorf("files %v", files)
	}
}

func TestInstallFromFolderRefusals(t *testing.T) {
	s := newStock(t)
	sound := func(t *testing.T, body string) string {
		return writeTree(t, map[string]string{"libllama.so.1.0": body})
	}
	tests := []struct {
		name string
		o    func(t *testing.T) Options
		want string
	}{
		{"no library", func(t *testing.T) Options {
			return Options{From: []string{writeTree(t, map[string]string{"libc.so.6": "x", "libllama-common.so": "x"})}}
		}, "no libllama in"},
		{"two folders of libraries", func(t *testing.T) Options {
			return Options{From: []string{writeTree(t, map[string]string{"bins/a/libllama.so": "x", "bins/b/libllama.so": "x"})}}
		}, "more than one libllama"},
		{"a variant", func(t *testing.T) Options { return Options{From: []string{sound(t, "x")}, Variant: "cpu"} }, "--variant"},
		{"two folders", func(t *testing.T) Options { return Options{From: []string{sound(t, "x"), sound(t, "x")}} }, "only one"},
		{"a folder and a file", func(t *testing.T) Options { return Options{From: []string{s.file(t, "@test/cpu"), sound(t, "x")}} }, "only one"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			o := tt.o(t)
			o.CacheDir = t.TempDir()
			if _, err := s.installer().install(t.Context(), o); err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("error %v, want one with %q", err, tt.want)
			}
			checkEmpty(t, o.CacheDir)
		})
	}
	t.Run("another build of the same name", func(t *testing.T) {
		o := Options{CacheDir: t.TempDir(), From: []string{sound(t, "one")}}
		if _, err := s.installer().install(t.Context(), o); err != nil {
			t.Fatal(err)
		}
		o.From = []string{sound(t, "another")}
		if _, err := s.installer().install(t.Context(), o); err == nil || !strings.Contains(err.Error(), "--force replaces it") {
			t.Errorf("error %v", err)
		}
		o.Force = true
		got, err := s.installer().install(t.Context(), o)
		if err != nil || filesIn(t, got.Runtime.Dir)["libllama.so.1.0"] != "another" {
			t.Errorf("forced: %+v, %v", got, err)
		}
	})
}

// A person's own build goes before a package for the same backend, and after a package for a
// better one that works.
func TestFindPrefersLocalBuild(t *testing.T) {
	s := newStock(t)
	p := newPlace(t, s)
	o := Options{CacheDir: p.cacheDir, From: []string{writeTree(t, map[string]string{"libllama.so.1.0": "mine"})}}
	if _, err := s.installer().install(t.Context(), o); err != nil {
		t.Fatal(err)
	}
	if got, err := p.find(""); err != nil || got.Variant != "local-cpu" {
		t.Errorf("got %+v, %v", got, err)
	}
}

func TestLoaderConfig(t *testing.T) {
	dir := writeTree(t, map[string]string{
		"ld.so.conf":           "# a comment\n/first # and another\n\ninclude ld.so.conf.d/*.conf\ninclude missing.conf [\n/last\n",
		"ld.so.conf.d/a.conf":  "/from/a\n",
		"ld.so.conf.d/b.conf":  "  /from/b  \n",
		"ld.so.conf.d/c.other": "/not/read\n",
		"endless.conf":         "/endless\ninclude endless.conf\n",
	})
	if got := strings.Join(loaderConfigDirs(filepath.Join(dir, "ld.so.conf"), 0), " "); got != "/first /from/a /from/b /last" {
		t.Errorf("got %s", got)
	}
	if got := loaderConfigDirs(filepath.Join(dir, "endless.conf"), 0); len(got) != maxConfigDepth {
		t.Errorf("a file that includes itself was read %d times", len(got))
	}
}

func TestSystemLibraryDirs(t *testing.T) {
	dir := t.TempDir()
	t.Setenv("LD_LIBRARY_PATH", dir+":relative::"+filepath.Join(dir, "missing"))
	t.Setenv("DYLD_LIBRARY_PATH", dir)
	got := systemLibraryDirs()
	if len(got) == 0 || got[0] != dir {
		t.Errorf("got %q, want %s first", got, dir)
	}
	for _, d := range got {
		if !isDir(d) || !filepath.IsAbs(d) {
			t.Errorf("%q is no folder", d)
		}
	}
}
