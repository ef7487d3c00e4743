package chat

import "math/rand/v2"

// CallIDs makes ids for calls: "call_" and 24 letters and digits. Two CallIDs with the
// same seed give the same ids in the same order. It is not safe for concurrent use.
type CallIDs struct{ rng *rand.Rand }

// NewCallIDs returns ids that depend on seed alone. A server seeds each reply afresh (for
// example with rand.Uint64), a reproducible run with its own seed.
func NewCallIDs(seed uint64) *CallIDs {
	return &CallIDs{rand.New(rand.NewPCG(seed, 0x63616c6c616d61))}
}

// callIDLength is OpenAI's: enough that ids of one conversation never meet by chance.
const callIDLength = 24

// Next returns the next id.
func (c *CallIDs) Next() string {
	const alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"
	id := make([]byte, 0, len("call_")+callIDLength)
	id = append(id, "call_"...)
	for range callIDLength {
		id = append(id, alphabet[c.rng.IntN(len(alphabet))])
	}
	return string(id)
}
