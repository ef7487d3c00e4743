//go:build !race

package grammar_test

// raceDetector reports whether the test runs under the race detector, which allocates.
const raceDetector = false
