package llama

import (
	"errors"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// compileFake builds testdata/fake.c with the given macros and returns the library's path.
func compileFake(t *testing.T, defines ...string) string {
	t.Helper()
	cc := os.Getenv("CC")
	if cc == "" {
		cc = "cc"
	}
	if _, err := exec.LookPath(cc); err != nil {
		t.Skipf("no C compiler: %v", err)
	}
	path := filepath.Join(t.TempDir(), "libllama.so")
	args := []string{"-shared", "-fPIC", "-std=gnu11", "-I", ".", "-o", path, filepath.Join("testdata", "fake.c")}
	for _, d := range defines {
		args = append(args, "-D"+d)
	}
	if out, err := exec.CommandContext(t.Context(), cc, args...).CombinedOutput(); err != nil {
		t.Fatalf("%s: %v\n%s", cc, err, out)
	}
	return path
}

// TestKnownLayoutsAreTold is the negative control of the next test: without a defect the
// planted library passes, so that a refusal there is due to the defect.
func TestKnownLayoutsAreTold(t *testing.T) {
	for _, c := range []struct {
		name, abi string
		defines   []string
	}{
		{"0.5.0", "0.5.0", nil},
		{"0.7.0", "0.7.0", []string{"MOE_CACHE", `VERSION="0.7.0"`}},
		{"0.6 with the older layout", "0.5.0", []string{`VERSION="0.6.1"`}},
	} {
		t.Run(c.name, func(t *testing.T) {
			lib, err := open(compileFake(t, c.defines...), LoadOptions{})
			if err != nil {
				t.Fatal(err)
			}
			if lib.ABI() != c.abi {
				t.Errorf("layout %s, want %s", lib.ABI(), c.abi)
			}
		})
	}
}

func TestUnknownLibrariesAreRefused(t *testing.T) {
	for _, c := range []struct {
		name    string
		defines []string
		missing string
		says    []string
	}{
		{"a function is missing", []string{"llama_decode=elsewhere"}, "llama_decode", nil},
		{"a ggml function is missing", []string{"ggml_backend_dev_memory=elsewhere"}, "ggml_backend_dev_memory", nil},
		{"no version", []string{"NO_VERSION"}, "llama_version", nil},
		{"newer version", []string{`VERSION="0.9.0"`}, "", []string{"version 0.9.0", "its version is unknown"}},
		{"version that only begins alike", []string{`VERSION="0.50.0"`}, "", []string{"its version is unknown"}},
		{"no version text", []string{`VERSION=""`}, "", []string{"its version is unknown"}},
		{"field appended", []string{"APPENDED"}, "", []string{"llama_context_params has 168 bytes, not 160"}},
		{"field inserted", []string{"INSERTED"}, "", []string{"llama_context_params.n_seq_max at offset 12"}},
		{"fields swapped", []string{"SWAPPED"}, "", []string{"n_seq_max at offset 12 is 0x0 by default, not 0x1", "n_rs_seq at offset 16"}},
		{"wider field", []string{"BATCH_TYPE=uint64_t"}, "", []string{"n_batch at offset 4"}},
		{"bool removed", []string{"FEWER_BOOLS"}, "", []string{"swa_full at offset 132 is 0x0 by default, not 0x1"}},
		{"other default", []string{"OTHER_DEFAULT"}, "", []string{"kv_unified at offset 133 is 0x1 by default, not 0x0"}},
		{"other default, newer layout", []string{"OTHER_DEFAULT", "MOE_CACHE", `VERSION="0.7.0"`}, "", []string{"nearest layout 0.7.0", "kv_unified at offset 141"}},
		{"model params of the time of use_mmap", []string{"OLD_MMAP"}, "", []string{"llama_model_params"}},
		{"model params beyond the blob", []string{"HUGE_MODEL=4096"}, "", []string{"llama_model_params has 4176 bytes, not 80"}},
		{"params in a register", []string{"TINY_CONTEXT"}, "", []string{"llama_context_params has 0 bytes, not 160"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			path := compileFake(t, c.defines...)
			_, err := open(path, LoadOptions{})
			abi, ok := errors.AsType[*ABIError](err)
			if !ok {
				t.Fatalf("error is %v, want an *ABIError", err)
			}
			if abi.Missing != c.missing {
				t.Errorf("missing is %q, want %q", abi.Missing, c.missing)
			}
			for _, want := range append(c.says, "known versions: 0.5, 0.6, 0.7", filepath.Base(path)) {
				if !strings.Contains(err.Error(), want) {
					t.Errorf("error does not say %q: %v", want, err)
				}
			}
		})
	}
}

func TestAnyVersionNeedsAKnownLayout(t *testing.T) {
	if _, err := open(compileFake(t, `VERSION="0.9.0"`), LoadOptions{AnyVersion: true}); err != nil {
		t.Errorf("known layout: %v", err)
	}
	if _, err := open(compileFake(t, `VERSION="0.9.0"`, "APPENDED"), LoadOptions{AnyVersion: true}); err == nil {
		t.Error("an unknown layout was accepted")
	}
}

func TestLoadRefusesOtherFiles(t *testing.T) {
	dir := t.TempDir()
	text := filepath.Join(dir, "libllama.so")
	if err := os.WriteFile(text, []byte("not a library\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := open(text, LoadOptions{}); err == nil || !strings.Contains(err.Error(), "open library") {
		t.Errorf("a text file: %v", err)
	}
	if _, err := Load(filepath.Join(dir, "missing.so"), LoadOptions{}); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("a missing file: %v, want fs.ErrNotExist", err)
	}
	if _, err := Load(dir, LoadOptions{}); err == nil || !strings.Contains(err.Error(), "not a regular file") {
		t.Errorf("a folder: %v", err)
	}
	if _, err := Load("lib\x00llama.so", LoadOptions{}); err == nil {
		t.Error("a path with a zero byte was accepted")
	}
}

// TestLayoutOffsets pins the offsets that the parameters are written at.
func TestLayoutOffsets(t *testing.T) {
	for _, c := range []struct {
		abi, field string
		offset     int
	}{
		{"0.5.0", "flash_attn_type", 0x34}, {"0.5.0", "type_v", 0x6c}, {"0.5.0", "abort_callback", 0x70},
		{"0.5.0", "kv_unified", 0x85}, {"0.5.0", "ctx_other", 0x98},
		{"0.7.0", "flash_attn_type", 0x34}, {"0.7.0", "moe_cache_size", 0x70}, {"0.7.0", "abort_callback", 0x78},
		{"0.7.0", "kv_unified", 0x8d}, {"0.7.0", "ctx_other", 0xa0},
		{"0.5.0", "n_gpu_layers", 0x10}, {"0.5.0", "tensor_split", 0x28}, {"0.5.0", "progress_callback", 0x30}, {"0.5.0", "load_mtp", 0x4d},
	} {
		found := false
		for _, l := range layouts {
			for _, f := range append(l.model.fields, l.context.fields...) {
				if l.name == c.abi && f.name == c.field {
					found = true
					if f.offset != c.offset {
						t.Errorf("%s %s at %#x, want %#x", c.abi, c.field, f.offset, c.offset)
					}
				}
			}
		}
		if !found {
			t.Errorf("%s has no field %s", c.abi, c.field)
		}
	}
	for i, size := range []int{160, 168} {
		if layouts[i].context.size != size || layouts[i].model.size != 80 {
			t.Errorf("%s: %d and %d bytes, want %d and 80", layouts[i].name, layouts[i].context.size, layouts[i].model.size, size)
		}
	}
}
