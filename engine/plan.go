package engine

import (
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strings"

	"github.com/callama/callama/cuda"
	"github.com/callama/callama/engine/llama"
	"github.com/callama/callama/gguf"
)

// Plan says how a model is run on this machine.
type Plan struct {
	Context   int // tokens
	Batch     int // tokens of one prompt batch
	Threads   int
	GPULayers int // layers offloaded; with the output side, one more than the model has
	// Layers is the number of layers of the model.
	Layers int
	// Device is the GPU that was planned for, "" if none.
	Device string
	// MemoryBytes is the estimate for weights, KV cache and scratch memory together.
	MemoryBytes int64
}

// planFor decides how to run the model in path. The file's header is read without
// llama.cpp, so that a damaged file is an error here.
func planFor(path string, lib *llama.Library, cfg Config) (Plan, error) {
	p := Plan{Context: cfg.Context, Batch: cfg.Batch, Threads: cfg.Threads}
	if p.Context == 0 {
		p.Context = DefaultContext
	}
	if p.Batch == 0 {
		p.Batch = DefaultBatch
	}
	p.Batch = min(p.Batch, p.Context)
	if p.Threads == 0 {
		p.Threads = defaultThreads()
	}
	f, err := gguf.Open(path)
	if err != nil {
		return p, fmt.Errorf("model %s: %w", path, err)
	}
	defer f.Close()
	est, err := f.Estimate(p.Context, p.Batch)
	if err != nil {
		// Architectures that the estimate does not know still run; only the GPU is not planned.
		cfg.Logger.Debug("no memory estimate", "model", path, "err", err)
	}
	p.Layers = len(est.Layers)
	p.MemoryBytes = est.Total()
	p.GPULayers, p.Device = offload(lib, est, cfg)
	return p, nil
}

// offload chooses the number of layers for the GPU.
func offload(lib *llama.Library, est gguf.Estimate, cfg Config) (layers int, device string) {
	if cfg.GPULayers == NoLayers || !lib.SupportsGPUOffload() {
		return 0, ""
	}
	free, device := freeDeviceMemory(lib)
	if cfg.GPULayers != AutoLayers {
		return cfg.GPULayers, device
	}
	if free == 0 || len(est.Layers) == 0 {
		return 0, ""
	}
	n := cuda.LayersThatFit(free, uint64(est.LargestLayer()), uint64(est.DeviceFixed()), len(est.Layers))
	if n == len(est.Layers) {
		n++ // llama.cpp counts the output side as a layer
	}
	return n, device
}

// freeDeviceMemory asks the CUDA driver, and for other GPUs llama.cpp's own backends. Of
// several devices it takes the one with most room: splitting over devices is not planned.
func freeDeviceMemory(lib *llama.Library) (free uint64, device string) {
	for _, d := range lib.Devices() {
		if d.Type == llama.DeviceCPU || d.Type == llama.DeviceAccelerator {
			continue
		}
		if d.MemFree > free {
			free, device = d.MemFree, d.Name
		}
	}
	if !strings.HasPrefix(device, "CUDA") {
		return free, device
	}
	if devices, err := cuda.Devices(); err == nil {
		for _, d := range devices {
			if fmt.Sprint("CUDA", d.Index) == device && d.FreeSource != cuda.MemoryUnknown {
				free = d.FreeBytes
			}
		}
	}
	return free, device
}

// physicalCores counts cores without their hyper-threads: llama.cpp's matrix kernels gain
// nothing from two threads on one core.
func physicalCores() int {
	if runtime.GOOS != "linux" {
		return runtime.NumCPU()
	}
	files, _ := filepath.Glob("/sys/devices/system/cpu/cpu[0-9]*/topology/thread_siblings_list")
	cores := map[string]bool{}
	for _, f := range files {
		if b, err := os.ReadFile(f); err == nil {
			cores[strings.TrimSpace(string(b))] = true
		}
	}
	if len(cores) == 0 {
		return runtime.NumCPU()
	}
	return len(cores)
}
