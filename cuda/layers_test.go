package cuda

import (
	"fmt"
	"math"
	"testing"
)

func TestLayersThatFit(t *testing.T) {
	const mib = 1 << 20
	tests := []struct {
		name               string
		free, layer, fixed uint64
		layers, want       int
	}{
		{"all of a small model", 8 * gib, 14 * mib, 300 * mib, 24, 24},
		{"some of a large one", 8 * gib, 420 * mib, gib, 80, 15}, // (8192-1024-512)/420
		{"exactly one more layer", Headroom + 3*mib, mib, 0, 10, 3},
		{"a byte too few for it", Headroom + 3*mib - 1, mib, 0, 10, 2},
		{"room for the headroom only", Headroom, mib, 0, 10, 0},
		{"less than the headroom", Headroom - 1, mib, 0, 10, 0},
		{"the fixed part alone does not fit", gib, mib, 2 * gib, 10, 0},
		{"the fixed part eats the headroom", gib, mib, gib - 1, 10, 0},
		{"no memory", 0, mib, 0, 10, 0},
		{"no layers", gib, mib, 0, 0, 0},
		{"negative layers", gib, mib, 0, -1, 0},
		{"layers of unknown size", gib, 0, 0, 10, 10},
		{"sizes at the edge of the type", math.MaxUint64, 1, math.MaxUint64, 10, 0},
		{"all the memory there can be", math.MaxUint64, 1, 0, math.MaxInt, math.MaxInt},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if got := LayersThatFit(tt.free, tt.layer, tt.fixed, tt.layers); got != tt.want {
				t.Errorf("got %d, want %d", got, tt.want)
			}
		})
	}
}

func TestVersionsCompare(t *testing.T) {
	tests := []struct {
		a, b Version
		want bool
	}{
		{Version{13, 0}, Version{13, 0}, true},
		{Version{13, 1}, Version{13, 0}, true},
		{Version{13, 0}, Version{13, 1}, false},
		{Version{12, 9}, Version{13, 0}, false},
		{Version{14, 0}, Version{13, 5}, true},
	}
	for _, tt := range tests {
		if got := tt.a.AtLeast(tt.b); got != tt.want {
			t.Errorf("%v.AtLeast(%v) = %v", tt.a, tt.b, got)
		}
		if got := Capability(tt.a).AtLeast(Capability(tt.b)); got != tt.want {
			t.Errorf("capability %v.AtLeast(%v) = %v", tt.a, tt.b, got)
		}
	}
	if got := (Version{}).String(); got != "none" {
		t.Errorf("the zero version prints %q", got)
	}
}

func ExampleDevices() {
	devices, err := Devices()
	if err != nil {
		fmt.Println("the CUDA driver does not work:", err)
		return
	}
	for _, d := range devices {
		fmt.Printf("%d: %s, compute capability %s, %d MiB free\n", d.Index, d.Name, d.Capability, d.FreeBytes>>20)
	}
}

func ExampleLayersThatFit() {
	// A model of 80 layers of 420 MiB on a device with 8 GiB free.
	fmt.Println(LayersThatFit(8<<30, 420<<20, 1<<30, 80))
	// Output: 15
}
