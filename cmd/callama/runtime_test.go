package main

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"github.com/callama/callama/cuda"
	"github.com/callama/callama/engine/runtimes"
	"github.com/callama/callama/gguf"
)

// runtimeHome gives the test an empty cache, no CALLAMA_RUNTIME, and a folder with libraries that
// are only names.
func runtimeHome(t *testing.T) (libraries string) {
	t.Helper()
	if runtime.GOOS != "linux" {
		t.Skip("the cache folder is set through XDG_CACHE_HOME, only on Linux")
	}
	t.Setenv("XDG_CACHE_HOME", t.TempDir())
	t.Setenv(runtimes.Environment, "")
	t.Setenv("LD_LIBRARY_PATH", "")
	libraries = t.TempDir()
	for _, name := range []string{"libllama.so.1.2.3", "libggml-base.so"} {
		if err := os.WriteFile(filepath.Join(libraries, name), []byte("no ELF"), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	return libraries
}

// command runs callama and returns its exit code and output.
func command(args ...string) (code int, stdout, stderr string) {
	var out, err bytes.Buffer
	code = run(args, strings.NewReader(""), &out, &err)
	return code, out.String(), err.String()
}

func TestRuntimeInstallAndList(t *testing.T) {
	libraries := runtimeHome(t)
	for _, want := range []string{"local-cpu-1.2.3 is installed:", "local-cpu-1.2.3 is already installed:"} {
		code, out, stderr := command("runtime", "install", "--from", libraries)
		if code != 0 || !strings.HasPrefix(out, want) || stderr != "" {
			t.Errorf("exit %d, %q, %q; want %q", code, out, stderr, want)
		}
	}
	code, out, _ := command("runtime", "list", "--json")
	var list []knownVariant
	if err := json.Unmarshal([]byte(out), &list); code != 0 || err != nil {
		t.Fatalf("exit %d, %v in %s", code, err, out)
	}
	installed := 0
	for _, v := range list {
		if v.Installed {
			installed++
			if v.Variant != "local-cpu" || !strings.HasPrefix(v.Dir, os.Getenv("XDG_CACHE_HOME")) {
				t.Errorf("installed: %+v", v)
			}
		}
	}
	if installed != 1 || len(list) != len(runtimes.Variants())+1 {
		t.Errorf("%d installed of %d", installed, len(list))
	}
	if code, out, _ := command("runtime", "list"); code != 0 || !strings.Contains(out, "linux-x64-cuda-ext") || !strings.Contains(out, "local-cpu") {
		t.Errorf("exit %d:\n%s", code, out)
	}
}

func TestRuntimeInstallErrors(t *testing.T) {
	runtimeHome(t)
	file := filepath.Join(t.TempDir(), "package.tgz")
	if err := os.WriteFile(file, []byte("not the package"), 0o644); err != nil {
		t.Fatal(err)
	}
	tests := []struct {
		name string
		args []string
		want string
	}{
		{"another file", []string{"--from", file}, "checksum does not match"},
		{"no file", []string{"--from", "/nonexistent"}, "no such file"},
		{"no variant", []string{"--variant", "rocm"}, `no variant "rocm"`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			code, out, stderr := command(append([]string{"runtime", "install"}, tt.args...)...)
			if code != exitFailed || out != "" || !strings.Contains(stderr, tt.want) {
				t.Errorf("exit %d, %q, %q; want %q", code, out, stderr, tt.want)
			}
		})
	}
}

func TestRuntimeInfoWithoutRuntime(t *testing.T) {
	libraries := runtimeHome(t)
	tests := []struct {
		name string
		args []string
		want string
	}{
		{"a library that is none", []string{"--runtime", libraries}, "libllama.so.1.2.3"},
		{"a folder that is not there", []string{"--runtime", "/nonexistent/folder"}, "no file or folder"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			code, out, stderr := command(append([]string{"runtime", "info", "--json"}, tt.args...)...)
			var info runtimeInfo
			if err := json.Unmarshal([]byte(out), &info); err != nil {
				t.Fatalf("%v in %s", err, out)
			}
			if code != exitFailed || !strings.Contains(info.Problem, tt.want) || !strings.Contains(stderr, tt.want) || info.CUDA == nil {
				t.Errorf("exit %d, %+v, %q; want %q", code, info, stderr, tt.want)
			}
			if code, out, _ := command(append([]string{"runtime", "info"}, tt.args...)...); code != exitFailed || !strings.Contains(out, "CUDA driver") {
				t.Errorf("exit %d:\n%s", code, out)
			}
		})
	}
}

func TestPlacement(t *testing.T) {
	model := filepath.Join(t.TempDir(), "tiny.gguf")
	if err := gguf.SynthesizeFile(t.Context(), model, gguf.SynthConfig{Shape: "tiny", Quant: gguf.F32}); err != nil {
		t.Fatal(err)
	}
	gpu := func(name string, room uint64) deviceInfo {
		return deviceInfo{Name: name, FreeBytes: room + cuda.Headroom, LayerBytes: room}
	}
	c := runtimeInfoCmd{Model: model, Context: 256}
	none, err := c.place([]deviceInfo{{Name: "CPU", FreeBytes: 1 << 40}})
	if err != nil {
		t.Fatal(err)
	}
	if none.Device != "" || none.Offloaded != 0 || none.Layers == 0 || !strings.HasSuffix(none.text(), "all on the CPU") {
		t.Errorf("without a GPU: %+v, %q", none, none.text())
	}
	all, err := c.place([]deviceInfo{gpu("small", 1<<10), gpu("CUDA1", 1<<40), gpu("other", 1<<20)})
	if err != nil || all.Device != "CUDA1" || all.Offloaded != all.Layers {
		t.Errorf("a large GPU: %+v, %v", all, err)
	}
	one, err := c.place([]deviceInfo{gpu("CUDA0", uint64(none.FixedBytes+none.LayerBytes))})
	if err != nil || one.Offloaded != 1 || !strings.Contains(one.text(), "1 of them on CUDA0") {
		t.Errorf("room for one layer: %+v, %v", one, err)
	}
}

// The library that this machine has, if any, is found, loaded and described.
func TestRuntimeInfo(t *testing.T) {
	if _, err := runtimes.Find(""); err != nil {
		t.Skip(err)
	}
	code, out, stderr := command("runtime", "info", "--json")
	var info runtimeInfo
	if err := json.Unmarshal([]byte(out), &info); code != 0 || err != nil {
		t.Fatalf("exit %d, %v, %s%s", code, err, out, stderr)
	}
	if info.Runtime == nil || info.Version == "" || len(info.Devices) == 0 || info.Problem != "" {
		t.Errorf("got %+v", info)
	}
}
