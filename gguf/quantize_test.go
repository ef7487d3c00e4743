package gguf

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"math"
	"strings"
	"testing"
)

// referenceInput is what the reference hashes below were made from: blocks of noise at many
// scales, and blocks at the edges.
func referenceInput() []float32 {
	var in []float32
	n := newNoise(1, "reference")
	for b := range 96 {
		scale := float32(math.Ldexp(1, 2-b/2)) // 4 down to 2^-45
		for range 32 {
			in = append(in, float32(int32(n.next())>>8)*scale/(1<<20))
		}
	}
	block := func(at func(i int) float32) {
		for i := range 32 {
			in = append(in, at(i))
		}
	}
	block(func(int) float32 { return 0 })
	block(func(int) float32 { return -3 })
	block(func(i int) float32 { return float32(i) - 15.5 })       // the extremes tie
	block(func(i int) float32 { return 127 * float32(i-16) / 2 }) // halves in Q8_0
	block(func(i int) float32 { return float32(i%17) - 8 })
	block(func(i int) float32 { return float32(i) * 1e-41 }) // subnormal: the inverse overflows
	block(func(i int) float32 { return float32(i) * 8e3 })
	return in
}

// TestQuantizeEqualsReference compares with what ggml's own functions gave for the same
// input (libggml-base of llama.cpp 0.5.0: quantize_row_q8_0_ref, quantize_row_q4_0_ref,
// ggml_fp32_to_fp16_row, ggml_fp32_to_bf16_row).
func TestQuantizeEqualsReference(t *testing.T) {
	for typ, want := range map[Type]string{
		F16:  "f41b04cf6ce0cf5f92cfc432e6a57590b107cb5a7fc759769992ba14f8206c46",
		BF16: "4f7b6c29fd3be715114671e93e8076f66ccc767a1c1ed2f150a1eb2c792e17d3",
		Q8_0: "dca1cc3ccf9c2433b6894b56a7482d11f13e80da4bbeafaf51531d420c5c0ce8",
		Q4_0: "7796b941c8929b61cda2883493509d225562d51ce6831f648871c329265dd45c",
	} {
		got, err := Quantize(nil, typ, referenceInput())
		if err != nil {
			t.Fatal(err)
		}
		sum := sha256.Sum256(got)
		if hex.EncodeToString(sum[:]) != want {
			t.Errorf("%s: sha256 %x, want %s", typ, sum, want)
		}
	}
}

func TestQuantizeKnownBlocks(t *testing.T) {
	ramp := make([]float32, 32)
	for i := range ramp {
		ramp[i] = float32(i) - 16 // -16 to 15
	}
	q8 := []byte{0x08, 0x30} // 16/127 in binary16
	for _, v := range ramp {
		q8 = append(q8, byte(int8(math.Round(float64(v)*127/16))))
	}
	q4 := []byte{0, 0x40} // -16/-8 = 2
	for i := range 16 {   // (v/2 + 8.5) truncated, the upper half in the upper bits
		q4 = append(q4, byte(ramp[i]/2+8.5)|byte(min(15, ramp[16+i]/2+8.5))<<4)
	}
	for _, tc := range []struct {
		name string
		typ  Type
		in   []float32
		want []byte
	}{
		{"ramp in Q8_0", Q8_0, ramp, q8},
		{"ramp in Q4_0", Q4_0, ramp, q4},
		{"zeros in Q8_0", Q8_0, make([]float32, 32), make([]byte, 34)},
		{"zeros in Q4_0", Q4_0, make([]float32, 32), append([]byte{0, 0x80}, bytes.Repeat([]byte{0x88}, 16)...)},
		{"F32", F32, []float32{1, -2}, []byte{0, 0, 0x80, 0x3f, 0, 0, 0, 0xc0}},
		{"F16", F16, []float32{1, 65520, 1e-8}, []byte{0, 0x3c, 0, 0x7c, 0, 0}},
		{"BF16", BF16, []float32{1, float32(math.NaN())}, []byte{0x80, 0x3f, 0xc0, 0x7f}},
	} {
		got, err := Quantize(nil, tc.typ, tc.in)
		if err != nil || !bytes.Equal(got, tc.want) {
			t.Errorf("%s:\n% x, %v, want\n% x", tc.name, got, err, tc.want)
		}
	}
}

func TestQuantizeRefuses(t *testing.T) {
	with := func(v float32) []float32 {
		row := make([]float32, 64)
		row[40] = v
		return row
	}
	for _, tc := range []struct {
		name string
		typ  Type
		row  []float32
		want string
	}{
		{"half a block", Q8_0, make([]float32, 48), "no multiple"},
		{"not a number", Q8_0, with(float32(math.NaN())), "cannot hold"},
		{"infinite", Q4_0, with(float32(math.Inf(-1))), "cannot hold"},
		{"too large", Q4_0, with(1e6), "scale beyond"},
		{"other type", Q6_K, make([]float32, 256), "not supported"},
		{"unknown type", 99, nil, "not supported"},
	} {
		if _, err := Quantize(nil, tc.typ, tc.row); err == nil || !strings.Contains(err.Error(), tc.want) {
			t.Errorf("%s: %v, want an error with %q", tc.name, err, tc.want)
		}
	}
	if err := Dequantize(make([]float32, 32), Q8_0, make([]byte, 33)); err == nil {
		t.Error("a short block was dequantised")
	}
	if err := Dequantize(make([]float32, 256), Q6_K, make([]byte, 210)); err == nil {
		t.Error("Q6_K was dequantised")
	}
}

func FuzzQuantize(f *testing.F) {
	f.Add(uint64(1), float32(1))
	f.Add(uint64(2), float32(1e-6))
	f.Add(uint64(3), float32(-6e4))
	f.Fuzz(func(t *testing.T, seed uint64, scale float32) {
		if scale-scale != 0 || abs32(scale) > 6e4 || abs32(scale) < 1e-3 {
			t.Skip("out of the range in which the bounds below hold")
		}
		n := noise(seed)
		row := make([]float32, 64)
		for i := range row {
			row[i] = float32(int32(n.next())) / (1 << 31) * scale
		}
		for _, typ := range []Type{F32, F16, BF16, Q8_0, Q4_0} {
			raw, err := Quantize(nil, typ, row)
			if err != nil {
				t.Fatal(err)
			}
			back := make([]float32, len(row))
			if err := Dequantize(back, typ, raw); err != nil {
				t.Fatal(err)
			}
			for i := range row {
				extreme := float32(0)
				for _, v := range row[i/32*32 : i/32*32+32] {
					extreme = max(extreme, abs32(v))
				}
				bound := map[Type]float32{ // half a step, and what rounding the scale adds
					F32: 0, F16: extreme / 2048, BF16: extreme / 256, Q8_0: extreme * (0.5/127 + 1.0/2048),
					Q4_0: extreme * (1.0/8 + 1.0/1024), // the far end of the other sign is clamped: a whole step
				}[typ] + 4e-6 // 127 times half a subnormal step of binary16
				if diff := abs32(back[i] - row[i]); diff > bound*1.001 {
					t.Fatalf("%s: %v came back as %v: off by %v, bound %v", typ, row[i], back[i], diff, bound)
				}
			}
		}
	})
}

func TestHalfRoundTrip(t *testing.T) {
	for h := range 1 << 16 {
		v := floatFromHalf(uint16(h))
		if v != v {
			if back := halfFromFloat(v); back&0x7c00 != 0x7c00 || back&0x3ff == 0 {
				t.Fatalf("NaN %04x came back as %04x", h, back)
			}
			continue
		}
		if back := halfFromFloat(v); back != uint16(h) {
			t.Fatalf("%04x is %v, which became %04x", h, v, back)
		}
		if b := floatFromBfloat(bfloatFromFloat(floatFromBfloat(uint16(h)))); b != floatFromBfloat(uint16(h)) && b == b {
			t.Fatalf("bfloat %04x came back as %v", h, b)
		}
	}
}

func TestHalfRounding(t *testing.T) {
	for _, tc := range []struct {
		name string
		in   float32
		want uint16
	}{
		{"tie to even, down", 1 + 1.0/2048, 0x3c00},
		{"tie to even, up", 1 + 3.0/2048, 0x3c02},
		{"above a tie", 1 + 1.1/2048, 0x3c01},
		{"largest", 65504, 0x7bff},
		{"still the largest", 65519, 0x7bff},
		{"overflow", 65520, 0x7c00},
		{"negative overflow", -1e9, 0xfc00},
		{"smallest subnormal", 5.9604645e-8, 1},
		{"half of it: tie to zero", 2.9802322e-8, 0},
		{"above half of it", 3e-8, 1},
		{"rounds up to normal", 6.1035e-5, 0x0400},
		{"negative zero", float32(math.Copysign(0, -1)), 0x8000},
	} {
		if got := halfFromFloat(tc.in); got != tc.want {
			t.Errorf("%s: %v gives %04x, want %04x", tc.name, tc.in, got, tc.want)
		}
	}
}
