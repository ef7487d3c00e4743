// Package automaton runs grammars as lazily determinised pushdown automata over bytes.
//
// The stages, in the order of the data:
//
//	normalise.go  rule tree -> rule tree without repeated empties
//	build.go      rule tree -> nondeterministic states with byte, token and call edges
//	utf8.go       code point classes -> byte ranges
//	analyse.go    which states can finish and in how few bytes; which calls are empty
//	program.go    the immutable result: Program
//	stacks.go     hash-consed parser stacks shared as a graph: Cache
//	step.go       configuration x byte -> configuration, memoised
//
// # Terms
//
// A state is a place in a rule; its core is what it does with the next byte. A node is one frame of a parser stack: the call it
// returns to, a counter or member set, and the set of nodes below it, so that stacks with
// equal tops share them (a graph-structured stack, Tomita 1985). A configuration is a set
// of (core, node set) pairs: all the places where the text so far may stand. Nodes, node
// sets and configurations are interned to small integers; equal futures that have equal
// structure are one integer, and after the first visit a step is one table lookup.
//
// Calls are made before the first byte of the callee and returns after its last, so
// every stored state has a byte or token edge. Left-recursive rules are rewritten before
// this package sees them; it refuses the rest.
package automaton
