package bench

import (
	"bytes"
	"os"
	"runtime"
	"runtime/debug"
	"runtime/metrics"
	"strconv"
)

// Memory is what a run held at most, in bytes; 0 where the system does not tell.
type Memory struct {
	// Resident is the process's memory when the run began, with the vocabulary loaded.
	Resident int64 `json:"resident_at_start_bytes"`
	// Peak is the most it had during the run (VmHWM of Linux).
	Peak int64 `json:"peak_resident_bytes"`
	// Heap is Go's heap at the start, after a collection: vocabulary and tokenizer.
	Heap int64 `json:"heap_at_start_bytes"`
	// PeakHeap is the most that Go's heap held after any file: grammars, caches, the file
	// itself and garbage.
	PeakHeap int64 `json:"peak_heap_bytes"`
	// PeakFile is the file after which the heap was at its peak.
	PeakFile string `json:"peak_file,omitempty"`
	// GC and User are processor time of the whole process in seconds, from the start of
	// the run.
	GC   float64 `json:"gc_cpu_s"`
	User float64 `json:"user_cpu_s"`
}

// begin gives back what loading left over and starts a new peak.
func (m *Memory) begin() {
	debug.FreeOSMemory()
	// "5" resets VmHWM: see proc_pid_clear_refs(5). Elsewhere the peak is that of the process.
	_ = os.WriteFile("/proc/self/clear_refs", []byte("5"), 0)
	m.Resident = procStatus("VmRSS:")
	gc, user := processorTime()
	m.GC, m.User = -gc, -user
	m.Heap = heapBytes()
	m.PeakHeap = m.Heap
}

func (m *Memory) sample(file string) {
	if heap := heapBytes(); heap > m.PeakHeap {
		m.PeakHeap, m.PeakFile = heap, file
	}
}

func (m *Memory) end() {
	m.Peak = procStatus("VmHWM:")
	runtime.GC() // which updates the times
	gc, user := processorTime()
	m.GC, m.User = m.GC+gc, m.User+user
}

// procStatus reads one line of /proc/self/status, in bytes.
func procStatus(key string) int64 {
	status, err := os.ReadFile("/proc/self/status")
	if err != nil {
		return 0
	}
	_, rest, ok := bytes.Cut(status, []byte(key))
	fields := bytes.Fields(rest)
	if !ok || len(fields) == 0 {
		return 0
	}
	kib, _ := strconv.ParseInt(string(fields[0]), 10, 64)
	return kib << 10
}

func heapBytes() int64 {
	s := []metrics.Sample{{Name: "/memory/classes/heap/objects:bytes"}}
	metrics.Read(s)
	return int64(s[0].Value.Uint64())
}

// processorTime is exact only right after a collection, as begin has one.
func processorTime() (gc, user float64) {
	s := []metrics.Sample{{Name: "/cpu/classes/gc/total:cpu-seconds"}, {Name: "/cpu/classes/user:cpu-seconds"}}
	metrics.Read(s)
	return s[0].Value.Float64(), s[1].Value.Float64()
}
