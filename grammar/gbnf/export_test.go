package gbnf

// For tests outside of the package, which may import what imports it.
var (
	Accepts       = accepts
	RandomGrammar = randomGrammar
	Texts         = texts
	TestData      = testData
)
