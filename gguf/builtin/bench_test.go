package builtin

import (
	"testing"
	"testing/fstest"
)

// BenchmarkInstall finds a file of the model's size in place: the part of the load time
// that embedding costs.
func BenchmarkInstall(b *testing.B) {
	const size = 8 << 20
	f := File{fstest.MapFS{"models/demo.gguf": {Data: make([]byte, size)}}, modelName}
	dir := b.TempDir()
	b.SetBytes(size)
	for b.Loop() {
		if _, err := f.Install(dir); err != nil {
			b.Fatal(err)
		}
	}
}
