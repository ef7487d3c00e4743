package main

import (
	"os"
	"runtime"
	"runtime/debug"
	"runtime/metrics"
)

// heapRoom is the size up to which Go's heap is not collected, in bytes: beside a model of gigabytes it is little, and
// the vocabulary's share of it, some twenty megabytes, would be looked through each time that as much was asked for.
const heapRoom = 80 << 20

// leastPercent is by how much of what is live a heap may grow that needs more: half of Go's default, as little is asked
// for while a model computes.
const leastPercent = 50

// useHeapRoom lets the heap grow to heapRoom, or by leastPercent of what is live if that is more, before it is collected.
// Who sets GOGC or GOMEMLIMIT is obeyed instead.
func useHeapRoom() {
	if os.Getenv("GOGC") != "" || os.Getenv("GOMEMLIMIT") != "" {
		return
	}
	now := roomPercent(liveBytes(), heapRoom)
	debug.SetGCPercent(now)
	// A finalizer runs after each collection, and the next after the one that follows it.
	var collected func(c *collection)
	collected = func(c *collection) {
		if want := roomPercent(liveBytes(), heapRoom); want < now*9/10 || want > now*11/10 {
			debug.SetGCPercent(want)
			now = want
		}
		runtime.SetFinalizer(c, collected)
	}
	runtime.SetFinalizer(&collection{new(int)}, collected)
}

// collection is garbage at each collection. It holds a pointer: finalizers of other small things need not run.
type collection struct{ _ *int }

// roomPercent returns by how much of what is live the heap may grow until it is collected: to room at least.
func roomPercent(live, room uint64) int {
	switch {
	case live >= room:
		return leastPercent
	case live == 0:
		return maxPercent
	}
	return max(leastPercent, int(min((room-live)*100/live, maxPercent)))
}

// maxPercent bounds the growth of a heap of which next to nothing is live.
const maxPercent = 10_000

// liveBytes returns what the last collection left.
func liveBytes() uint64 {
	s := []metrics.Sample{{Name: "/gc/heap/live:bytes"}}
	metrics.Read(s)
	return s[0].Value.Uint64()
}
