// Package automaton runs grammars as lazily determinised pushdown automata over bytes.
//
// The stages, in the order of the data:
//
//	compile.go    rule tree -> Program, without states
//	facts.go      shortest texts and nesting of calls, by rule
//	normalise.go  rule tree -> rule tree without repeated empties
//	survey.go     byte classes, a bound on the states, what cannot be built
//	program.go    the result: Program
//	build.go      rule -> nondeterministic states with byte, token and call edges
//	members.go    lists of members, each written once
//	later.go      the rest of a sequence, built when a text gets there
//	utf8.go       code point classes -> byte ranges
//	flatten.go    state -> state without empty moves, and its core
//	stacks.go     hash-consed parser stacks shared as a graph: Cache
//	step.go       configuration x byte -> configuration
//	steps.go      the steps that were made, by byte class
//	distinct.go   values that must differ from earlier ones
//	unit.go       runs of characters, which every grammar has alike
//	local.go      steps among the tops of stacks
//	loop.go       configurations that characters lead back to
//	chain.go      configurations that characters lead along, one after the other
//	region.go     configurations from which characters stay possible
//	coarse.go     counters far from their bounds: one configuration for many
//	inspect.go    the frames of a configuration, for people
//	index.go      hash tables of what is interned
//
// Compile makes no state. A rule's are made when a text first enters it, so that the first
// mask costs what its own rules cost, however large the grammar.
//
// # Terms
//
// A state is a place in a rule; its core is what it does with the next byte. A node is one
// frame of a parser stack: the call it returns to, a counter or member set, and the set of
// nodes below it, so that stacks with equal tops share them (a graph-structured stack,
// Tomita 1985). A configuration is a set
// of (core, node set) pairs: all the places where the text so far may stand. Nodes, node
// sets and configurations are interned to small integers; equal futures that have equal
// structure are one integer, and after the first visit a step is one look.
//
// A callee is what can be called: a rule, the item of a counted repetition, a member of a
// list, the separator before it. Calls are made before the first byte of the callee and
// returns after its last, so every stored state has a byte or token edge; a call in last
// place goes on in the callee's states. Left-recursive rules are rewritten before
// this package sees them; it refuses the rest.
package automaton
