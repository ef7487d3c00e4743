package sampler_test

import (
	"fmt"

	"github.com/callama/callama/grammar/vocab"
	"github.com/callama/callama/sampler"
)

// The most likely token is not allowed: the best of the allowed ones is taken.
func Example() {
	s, err := sampler.New(sampler.Config{}) // greedy
	if err != nil {
		panic(err)
	}
	logits := []float32{0.1, 5.0, 2.0, 1.0}
	mask := vocab.NewMask(len(logits))
	mask.Set(2)
	mask.Set(3)
	token, err := s.Sample(logits, mask)
	if err != nil {
		panic(err)
	}
	s.Accept(token)
	fmt.Println(token)
	// Output: 2
}
