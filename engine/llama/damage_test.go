package llama

import (
	"bytes"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
)

// damage changes a file's header in one of several ways; the tensors' data is left alone,
// because any bytes are good weights.
func damage(r *rand.Rand, file []byte, header int) []byte {
	b := bytes.Clone(file)
	for range 1 + r.IntN(3) {
		at := r.IntN(header)
		switch r.IntN(5) {
		case 0:
			b[at] ^= 1 << r.IntN(8)
		case 1:
			b[at] = byte(r.IntN(256))
		case 2: // a small number where a number may be
			b[at] = byte(r.IntN(14))
		case 3: // a piece twice or missing
			n := 1 + r.IntN(64)
			if r.IntN(2) == 0 {
				b = append(b[:at:at], b[min(at+n, len(b)):]...)
			} else {
				b = append(b[:at:at], b[max(0, at-n):]...)
			}
		case 4:
			if r.IntN(8) == 0 {
				b = b[:at]
			}
		}
		header = min(header, len(b))
		if header == 0 {
			break
		}
	}
	return b
}

// dataBytes is the size of the tensors' data without padding.
func (f *ggufFile) dataBytes() (n int) {
	for _, t := range f.tensors {
		n += 4 * len(t.data)
	}
	return n
}

// damageVariable tells the child process which seeds to load: "first:count".
const damageVariable = "CALLAMA_TEST_DAMAGE"

// TestDamagedFilesDoNotCrash loads damaged models and adapters in a child process, since the
// point is that the library does not end it. CALLAMA_DAMAGE_SEEDS=first:count tries others.
func TestDamagedFilesDoNotCrash(t *testing.T) {
	testLibrary(t)
	if spec := os.Getenv(damageVariable); spec != "" {
		loadDamaged(t, spec)
		return
	}
	first, count := 0, 150
	if s := os.Getenv("CALLAMA_DAMAGE_SEEDS"); s != "" {
		if _, err := fmt.Sscanf(s, "%d:%d", &first, &count); err != nil {
			t.Fatal(err)
		}
	}
	cmd := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^TestDamagedFilesDoNotCrash$", "-test.v")
	cmd.Env = append(os.Environ(), damageVariable+"="+strconv.Itoa(first)+":"+strconv.Itoa(count))
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("%v\n%s", err, out[max(0, len(out)-4000):])
	}
	for _, l := range strings.Split(string(out), "\n") {
		if strings.Contains(l, "loaded") {
			t.Log(l)
		}
	}
}

func loadDamaged(t *testing.T, spec string) {
	var first, count int
	if _, err := fmt.Sscanf(spec, "%d:%d", &first, &count); err != nil {
		t.Fatal(err)
	}
	lib := testLibrary(t)
	base := loadTiny(t)
	model, adapter := tinyModel(1), tinyAdapter(1)
	modelFile, adapterFile := model.bytes(), adapter.bytes()
	path := filepath.Join(t.TempDir(), "damaged.gguf")
	outcomes := map[string]int{}
	for seed := first; seed < first+count; seed++ {
		r := rand.New(rand.NewPCG(uint64(seed), 0))
		file, header := modelFile, len(modelFile)-model.dataBytes()
		if seed%4 == 3 {
			file, header = adapterFile, len(adapterFile)-adapter.dataBytes()
		}
		if err := os.WriteFile(path, damage(r, file, header), 0o600); err != nil {
			t.Fatal(err)
		}
		fmt.Println("seed", seed) // the last line before a crash
		var err error
		if seed%4 == 3 {
			err = useDamagedAdapter(base, path)
		} else {
			err = useDamagedModel(lib, path)
		}
		outcomes[outcome(t, seed, err)]++
	}
	t.Logf("%d loaded, %d file errors, %d library errors, %d others", outcomes["loaded"], outcomes["file errors"], outcomes["library errors"], outcomes["other errors"])
}

// outcome classes what became of a damaged file.
func outcome(t *testing.T, seed int, err error) string {
	if err == nil {
		return "loaded"
	}
	if _, ok := errors.AsType[*FileError](err); ok {
		return "file errors"
	}
	if e, ok := errors.AsType[*Error](err); ok {
		if e.Reason == "" {
			t.Errorf("seed %d: no reason: %v", seed, err)
		}
		return "library errors"
	}
	return "other errors"
}

func useDamagedModel(lib *Library, path string) error {
	m, err := lib.LoadModel(path, ModelParams{})
	if err != nil {
		return err
	}
	defer m.Close()
	for i := range m.NTokens() {
		m.TokenBytes(int32(i))
		m.Attr(int32(i))
	}
	if _, err := m.Tokenize("hello <|im_end|> wörld \xff", true, true); err != nil {
		return err
	}
	c, err := m.NewContext(ContextParams{NCtx: 256, Threads: 1})
	if err != nil {
		return err
	}
	defer c.Close()
	return decodeOne(c)
}

func useDamagedAdapter(m *Model, path string) error {
	a, err := m.LoadAdapter(path)
	if err != nil {
		return err
	}
	defer a.Close()
	c, err := m.NewContext(ContextParams{NCtx: 256, Threads: 1})
	if err != nil {
		return err
	}
	defer c.Close()
	if err := c.SetAdapters([]*Adapter{a}, nil); err != nil {
		return err
	}
	return decodeOne(c)
}

func decodeOne(c *Context) error {
	b, err := NewBatch(1)
	if err != nil {
		return err
	}
	defer b.Close()
	if err := b.Add(0, 0, 0, true); err != nil {
		return err
	}
	if err := c.Decode(b); err != nil {
		return err
	}
	_, err = c.Logits(0)
	return err
}
