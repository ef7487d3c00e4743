package runtimes

import (
	"fmt"
	"slices"
	"strings"

	"github.com/callama/callama/cuda"
)

// Backend is what a runtime computes on, beside the CPU, which each of them can.
type Backend string

// The backends.
const (
	CPU    Backend = "cpu"
	CUDA   Backend = "cuda"
	Vulkan Backend = "vulkan"
	Metal  Backend = "metal"
)

// Version is the version of the pinned packages, which carry llama.cpp 0.5.0.
const Version = "3.22.1"

// Package is one npm package that carries llama.cpp libraries.
type Package struct {
	Name    string // as npm knows it
	Version string
	// Integrity is the sha512 of the package file in npm's notation. Empty means that it could
	// not be verified yet: such a package is not fetched.
	Integrity string
	Bytes     int64 // size of the package file
	// Folder is where in the package the libraries are.
	Folder string
}

// CUDABuild says which devices a CUDA backend was built for. The numbers were read from the
// headers of the device code in the pinned libraries.
type CUDABuild struct {
	// Toolkit is the toolkit that built it. Its major version names the libraries that it
	// needs: libcudart.so.13, libcublas.so.13.
	Toolkit cuda.Version
	// Native are the capabilities that machine code is there for. It runs on devices of the
	// same major capability and the same or a newer minor one, with any driver of the toolkit's
	// major version.
	Native []cuda.Capability
	// Portable is the lowest capability of the portable code (PTX), which the driver compiles
	// for any newer device at first use; only a driver as new as the toolkit understands it.
	Portable cuda.Capability
}

// Variant is one build of the runtime: what to install for one kind of machine.
type Variant struct {
	// Name is the variant's name, which is the name of its (last) npm package without scope.
	Name     string
	OS, Arch string // GOOS and GOARCH
	Backend  Backend
	// Packages are unpacked over each other in this order.
	Packages []Package
	CUDA     *CUDABuild // nil for the other backends
}

// Bytes is the size of the variant's package files together.
func (v Variant) Bytes() int64 {
	var n int64
	for _, p := range v.Packages {
		n += p.Bytes
	}
	return n
}

// Verified says whether every package of the variant has a pinned checksum.
func (v Variant) Verified() bool {
	return !slices.ContainsFunc(v.Packages, func(p Package) bool { return p.Integrity == "" })
}

const scope = "@node-llama-cpp/"

var cudaPackage = Package{
	Name: scope + "linux-x64-cuda", Version: Version, Bytes: 142_898_030, Folder: "bins/linux-x64-cuda",
	Integrity: "sha512-8rQCjyNNLZJUFit+YpjwlC4hwkKgOMIkB2wuycKBf8NU2O3ySKbiWZQ8aw9ku2nUTXjSnUIrE6KB88itduTBuA==",
}

// table holds the variants, the best for a machine first. Every checksum was compared with the
// downloaded package. The packages for macOS were not to be had at this version when the
// table was written, so they have none and can only be installed from a folder.
var table = []Variant{
	{
		Name: "linux-x64-cuda", OS: "linux", Arch: "amd64", Backend: CUDA,
		Packages: []Package{cudaPackage},
		CUDA: &CUDABuild{
			Toolkit:  cuda.Version{Major: 13, Minor: 1},
			Native:   []cuda.Capability{{Major: 8, Minor: 6}, {Major: 8, Minor: 9}, {Major: 12, Minor: 0}, {Major: 12, Minor: 1}},
			Portable: cuda.Capability{Major: 7, Minor: 5},
		},
	},
	{
		// The extension holds nothing but a CUDA 12 build of libggml-cuda.so, which takes the
		// place of the CUDA 13 one.
		Name: "linux-x64-cuda-ext", OS: "linux", Arch: "amd64", Backend: CUDA,
		Packages: []Package{cudaPackage, {
			Name: scope + "linux-x64-cuda-ext", Version: Version, Bytes: 176_664_119, Folder: "bins/linux-x64-cuda/fallback",
			Integrity: "sha512-4e5ajkiM2aR2WAdB/N/ACk4weEhHvOAIrzxZPsIX0xDFW5+6hhShuy1/vs88SK9NGdgAco9IyE28eYS0H1efpA==",
		}},
		CUDA: &CUDABuild{
			Toolkit:  cuda.Version{Major: 12, Minor: 4},
			Native:   []cuda.Capability{{Major: 8, Minor: 6}},
			Portable: cuda.Capability{Major: 5, Minor: 0},
		},
	},
	{
		Name: "linux-x64-vulkan", OS: "linux", Arch: "amd64", Backend: Vulkan,
		Packages: []Package{{
			Name: scope + "linux-x64-vulkan", Version: Version, Bytes: 24_311_427, Folder: "bins/linux-x64-vulkan",
			Integrity: "sha512-bBxqU+JOcBu1nb5Qj2zcMci+JByT1E8EajHvYodyNfVIPkEhXh+/HMwR1/BT7xP08YK0hks+kM8fglER0P8JEg==",
		}},
	},
	{
		Name: "linux-x64", OS: "linux", Arch: "amd64", Backend: CPU,
		Packages: []Package{{
			Name: scope + "linux-x64", Version: Version, Bytes: 10_824_547, Folder: "bins/linux-x64",
			Integrity: "sha512-5uCCDNqWCNfaAm8aR/Uzxbo4HBpKgNF91kCHPepKhgMgV2OAmatoefbOlMihsqCiH2Od35E/eUHQCFbfRBJuOg==",
		}},
	},
	{
		Name: "linux-arm64", OS: "linux", Arch: "arm64", Backend: CPU,
		Packages: []Package{{
			Name: scope + "linux-arm64", Version: Version, Bytes: 7_340_902, Folder: "bins/linux-arm64",
			Integrity: "sha512-W+7naKCXX9/eEjjFmRS8vvx91QyLXDbeFxexZc3bh/PtQABZgmRL3C0AtYYXn4YGTj/3Qor4lWZn2tpjZFPLdQ==",
		}},
	},
	{
		Name: "mac-arm64-metal", OS: "darwin", Arch: "arm64", Backend: Metal,
		Packages: []Package{{Name: scope + "mac-arm64-metal", Version: Version, Folder: "bins/mac-arm64-metal"}},
	},
	{
		Name: "mac-x64", OS: "darwin", Arch: "amd64", Backend: CPU,
		Packages: []Package{{Name: scope + "mac-x64", Version: Version, Folder: "bins/mac-x64"}},
	},
}

// Variants lists the runtimes that this build of Callama knows, the best for each machine
// first. The caller owns the slice.
func Variants() []Variant { return slices.Clone(table) }

// shortNames are what else a variant can be called, on the machine that it is for.
var shortNames = map[string]string{
	"cuda13": "linux-x64-cuda",
	"cuda12": "linux-x64-cuda-ext",
}

// variantNamed finds a variant by its name, or by its backend's name ("cpu", "cuda") among those
// for the given system.
func variantNamed(variants []Variant, name, goos, goarch string) (Variant, error) {
	if full, ok := shortNames[name]; ok {
		name = full
	}
	var here []string
	for _, v := range variants {
		forHere := v.OS == goos && v.Arch == goarch
		if v.Name == name || forHere && string(v.Backend) == name {
			return v, nil
		}
		if forHere {
			here = append(here, v.Name)
		}
	}
	if len(here) == 0 {
		return Variant{}, fmt.Errorf("runtimes: no variant %q, and none is known for %s/%s", name, goos, goarch)
	}
	return Variant{}, fmt.Errorf("runtimes: no variant %q; for %s/%s there are %s", name, goos, goarch, strings.Join(here, ", "))
}
